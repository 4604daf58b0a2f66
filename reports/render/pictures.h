/* Which lines belong to one picture, and what the picture is called. */
#ifndef PV_RENDER_PICTURES_H
#define PV_RENDER_PICTURES_H

#include "reports/render/render.h"

/* As pv_render_pictures; `embedded` pictures bring no style and no background of their own. */
pv_code pv_pictures_make(const pv_result *result, bool embedded, bool draw, pv_pictures *out,
                         pv_error *err);

#endif
