/* JSON that is built and written whole, or not at all. Without this, memory that runs out leaves
 * things out silently: jansson's set and append fail one at a time, and when the buffer of
 * json_dumps can not grow, jansson 2.14 leaves out a key and reports success. */
#ifndef PV_BASE_JSON_H
#define PV_BASE_JSON_H

#include <jansson.h>

#include "base/error.h"
#include "base/text.h"

/* Appends `value` to `out`; `flags` are jansson's. PV_ERR_NOMEM, also for NULL, which is what
 * building gives when memory is out. jansson builds no value that it can not write, but for one
 * that contains itself. */
pv_code pv_json_write(const json_t *value, size_t flags, pv_text *out, pv_error *err);

/* Prints `value` and a line end to standard output, whole or not at all, and releases it. Errors as
 * above, and PV_ERR_IO. */
pv_code pv_json_print(json_t *value, size_t flags, pv_error *err);

/* A text that came from outside, or the first `length` bytes of one: what is no UTF-8 becomes \xNN,
 * and so does a NUL. NULL only when memory is out. */
json_t *pv_json_string(const char *text);
json_t *pv_json_stringn(const char *bytes, size_t length);

/* The same, "" for NULL. */
json_t *pv_json_text(const char *text);
/* A text as it is, null for NULL: NULL also for what is no UTF-8. */
json_t *pv_json_exact(const char *text);

/* A number; JSON has none for what is no number: that is told in words, "nan", "inf" or "-inf". */
json_t *pv_json_number(double value);
/* And back; false for anything else, NULL too, and `*out` is as it was. */
bool pv_json_read_number(const json_t *value, double *out);

/* Building without a check at each step: what could not be made or added turns the whole into NULL,
 * which every later step and json_pack pass on. Both steal what they are given. */
void pv_json_append(json_t **array, json_t *item);
void pv_json_set(json_t **object, const char *name, json_t *value);

#endif
