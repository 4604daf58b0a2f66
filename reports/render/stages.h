/* The stages of a contract, in each format; nothing where there are none. */
#ifndef PV_RENDER_STAGES_H
#define PV_RENDER_STAGES_H

#include <jansson.h>

#include "reports/render/view.h"

/* "stages: cpu DONE (3 of 3), other PENDING (no criterion yet)", escaped by nobody yet. */
void pv_stages_line(pv_text *out, const pv_result *result);
/* [{id, status, criteria}]; NULL only when memory is out. */
json_t *pv_stages_json(const pv_result *result);

#endif
