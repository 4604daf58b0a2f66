/* JSON values from texts and numbers that JSON itself may not be able to hold. */
#ifndef PV_RENDER_JSON_PARTS_H
#define PV_RENDER_JSON_PARTS_H

#include <jansson.h>

#include "base/json.h"
#include "reports/render/view.h"

/* NULL only when memory is out; NULL text reads as "". Bytes that are not UTF-8 become \xNN. */
json_t *pv_json_text(const char *value);
/* Writes `object` (NULL: out of memory) with a final newline, and releases it. */
pv_code pv_json_put(pv_text *out, json_t *object, pv_error *err);

#endif
