/* JSON that is built and written whole, or not at all. Without this, memory that runs out leaves
 * things out silently: jansson's set and append fail one at a time, and when the buffer of
 * json_dumps can not grow, jansson 2.14 leaves out a key and reports success. */
#ifndef PV_BASE_JSON_H
#define PV_BASE_JSON_H

#include <jansson.h>

#include "runtime/base/error.h"
#include "runtime/base/text.h"

/* Appends `value` to `out`; `flags` are jansson's. PV_ERR_NOMEM, or PV_ERR_INTERNAL for a value
 * that JSON can not hold; NULL is one. */
pv_status pv_json_write(const json_t *value, size_t flags, pv_text *out, pv_error *err);

/* Building without a check at each step: what could not be made or added turns the whole into NULL,
 * which every later step and json_pack pass on. Both steal what they are given. */
void pv_json_append(json_t **array, json_t *item);
void pv_json_set(json_t **object, const char *name, json_t *value);

#endif
