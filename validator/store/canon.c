#include "validator/store/canon.h"

#include <math.h>
#include <string.h>

static int add(const char *bytes, size_t length, void *out) {
  pv_text_add(out, bytes, length);
  return 0;
}

/* Not json_dumps: when its buffer can not grow, jansson 2.14 leaves out a key and reports success.
 * A text of ours remembers that it failed. */
pv_status pv_canon_write(const json_t *value, pv_text *out, pv_error *err) {
  pv_text_free(out);
  const int failed = json_dump_callback(value, add, out,
                                        JSON_SORT_KEYS | JSON_INDENT(1) | JSON_ENSURE_ASCII |
                                            JSON_REAL_PRECISION(17) | JSON_ENCODE_ANY);
  pv_text_puts(out, "\n");
  if (out->failed) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for JSON");
  return failed == 0 ? PV_OK
                     : pv_error_set(err, PV_ERR_INTERNAL, "a value can not be written as JSON");
}

pv_status pv_canon_digest(const json_t *value, char out[PV_SHA256_HEX], pv_error *err) {
  pv_text text = PV_TEXT_INIT;
  pv_status status = pv_canon_write(value, &text, err);
  if (status == PV_OK) status = pv_sha256_bytes(text.data, text.length, out, err);
  pv_text_free(&text);
  return status;
}

bool pv_canon_no_memory(const json_error_t *error) {
  /* jansson 2.14 says nothing at all when the first allocation fails. */
  return error->text[0] == '\0' || json_error_code(error) == json_error_out_of_memory;
}

void pv_canon_append(json_t **array, json_t *item) {
  if (json_array_append_new(*array, item) == 0) return;
  json_decref(*array);
  *array = NULL;
}

void pv_canon_set(json_t **object, const char *name, json_t *value) {
  if (json_object_set_new(*object, name, value) == 0) return;
  json_decref(*object);
  *object = NULL;
}

json_t *pv_canon_number(double value) {
  if (isnan(value)) return json_string("NaN");
  if (isinf(value)) return json_string(value > 0 ? "Infinity" : "-Infinity");
  return json_real(value);
}

bool pv_canon_read_number(const json_t *value, double *out) {
  const char *word = json_string_value(value);
  if (json_is_number(value)) {
    *out = json_number_value(value);
    return true;
  }
  if (word == NULL) return false;
  if (strcmp(word, "NaN") == 0) {
    *out = NAN;
    return true;
  }
  if (strcmp(word, "Infinity") != 0 && strcmp(word, "-Infinity") != 0) return false;
  *out = word[0] == '-' ? -INFINITY : INFINITY;
  return true;
}
