#include "base/json.h"

#include <string.h>

#include "base/output.h"

static int add(const char *bytes, size_t length, void *out) {
  pv_text_add(out, bytes, length);
  return 0;
}

pv_code pv_json_write(const json_t *value, size_t flags, pv_text *out, pv_error *err) {
  const size_t begin = out->length;
  const bool whole = value != NULL && json_dump_callback(value, add, out, flags) == 0;
  if (whole && !out->failed) return PV_OK; /* the text remembers what jansson does not */
  if (out->length > begin) {
    out->length = begin;
    out->data[begin] = '\0';
  }
  return pv_error_nomem(err, "JSON");
}

pv_code pv_json_print(json_t *value, size_t flags, pv_error *err) {
  pv_text text = PV_TEXT_INIT;
  pv_code code = pv_json_write(value, flags, &text, err);
  json_decref(value);
  pv_text_puts(&text, "\n");
  if (code == PV_OK && text.failed) code = pv_error_nomem(err, "JSON");
  if (code == PV_OK) code = pv_output_write(text.data, text.length, err);
  pv_text_free(&text);
  return code;
}

json_t *pv_json_string(const char *text) {
  return pv_json_stringn(text, strlen(text));
}

json_t *pv_json_stringn(const char *bytes, size_t length) {
  if (pv_utf8_valid(bytes, length) && memchr(bytes, '\0', length) == NULL)
    return json_stringn(bytes, length);
  pv_text clean = PV_TEXT_INIT; /* JSON has no word for such bytes */
  pv_text_escape(&clean, bytes, length);
  json_t *out = clean.failed ? NULL : json_stringn(clean.data, clean.length);
  pv_text_free(&clean);
  return out;
}

json_t *pv_json_text(const char *text) {
  return pv_json_string(text == NULL ? "" : text);
}

json_t *pv_json_exact(const char *text) {
  return text == NULL ? json_null() : json_string(text);
}

json_t *pv_json_number(double value) {
  const char *word = pv_real_word(value);
  return word != NULL ? json_string(word) : json_real(value);
}

bool pv_json_read_number(const json_t *value, double *out) {
  if (!json_is_number(value))
    return json_is_string(value) && pv_real_from_word(json_string_value(value), out);
  *out = json_number_value(value);
  return true;
}

void pv_json_append(json_t **array, json_t *item) {
  if (json_array_append_new(*array, item) == 0) return;
  json_decref(*array);
  *array = NULL;
}

void pv_json_set(json_t **object, const char *name, json_t *value) {
  if (json_object_set_new(*object, name, value) == 0) return;
  json_decref(*object);
  *object = NULL;
}
