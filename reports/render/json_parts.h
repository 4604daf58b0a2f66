/* What the reports in JSON share. */
#ifndef PV_RENDER_JSON_PARTS_H
#define PV_RENDER_JSON_PARTS_H

#include <jansson.h>

#include "base/json.h"
#include "reports/render/view.h"

/* The stages: [{id, status, criteria}]; NULL only when memory is out. */
json_t *pv_stages_json(const pv_result *result);
/* Writes `object` (NULL: out of memory) with a final newline, and releases it. */
pv_code pv_json_put(pv_text *out, json_t *object, pv_error *err);

#endif
