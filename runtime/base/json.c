#include "runtime/base/json.h"

static int add(const char *bytes, size_t length, void *out) {
  pv_text_add(out, bytes, length);
  return 0;
}

pv_status pv_json_write(const json_t *value, size_t flags, pv_text *out, pv_error *err) {
  const size_t begin = out->length;
  const bool whole = json_dump_callback(value, add, out, flags) == 0;
  if (whole && !out->failed) return PV_OK; /* the text remembers what jansson does not */
  if (out->length > begin) {
    out->length = begin;
    out->data[begin] = '\0';
  }
  return out->failed ? pv_error_set(err, PV_ERR_NOMEM, "out of memory for JSON")
                     : pv_error_set(err, PV_ERR_INTERNAL, "a value can not be written as JSON");
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
