/* Typed access to the metadata. */
#include <stdlib.h>
#include <string.h>

#include "base/ck.h"
#include "runtime/gguf/internal.h"

const char *pv_gguf_value_type_name(pv_gguf_value_type type) {
  static const char *const names[] = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                      "bool", "string", "array", "u64", "i64", "f64"};
  return (unsigned)type < sizeof names / sizeof *names ? names[type] : "unknown";
}

static pv_code refuse(const pv_gguf *gguf, const pv_gguf_value *value, const char *rule,
                      pv_error *err) {
  pv_error_at(err, gguf->path, 0, 0, value == NULL ? -1 : (int64_t)value->offset);
  pv_error_rule(err, rule);
  pv_error_hint(err, "convert the model again, or use another file");
  return PV_ERR_INPUT;
}

static pv_code wrong_type(const pv_gguf *gguf, const pv_gguf_value *value, const char *key,
                          const char *wanted, pv_error *err) {
  pv_error_set(err, PV_ERR_INPUT, "key '%s' is of type %s, not %s", key,
               pv_gguf_value_type_name(value->type), wanted);
  return refuse(gguf, value, "PV-GGUF-KEY-TYPE", err);
}

static pv_code find(const pv_gguf *gguf, const char *key, const pv_gguf_value **out,
                    pv_error *err) {
  *out = pv_gguf_find(gguf, key);
  if (*out != NULL) return PV_OK;
  pv_error_set(err, PV_ERR_INPUT, "the model has no key '%s'", key);
  return refuse(gguf, NULL, "PV-GGUF-KEY-ABSENT", err);
}

uint64_t gguf_integer(const unsigned char *data, pv_gguf_value_type type, uint64_t index,
                      bool *negative) {
  const unsigned size = gguf_value_size(type);
  pv_cursor at = pv_cursor_make(data + index * size, size);
  int64_t value = 0;
  *negative = false;
  switch (type) {
    case PV_GGUF_U8:
      return pv_cursor_u8(&at);
    case PV_GGUF_U16:
      return pv_cursor_u16(&at);
    case PV_GGUF_U32:
      return pv_cursor_u32(&at);
    case PV_GGUF_U64:
      return pv_cursor_u64(&at);
    case PV_GGUF_I8:
      value = (int8_t)pv_cursor_u8(&at);
      break;
    case PV_GGUF_I16:
      value = (int16_t)pv_cursor_u16(&at);
      break;
    case PV_GGUF_I32:
      value = (int32_t)pv_cursor_u32(&at);
      break;
    case PV_GGUF_I64:
      value = (int64_t)pv_cursor_u64(&at);
      break;
    default:
      break;
  }
  *negative = value < 0;
  return (uint64_t)value;
}

static bool is_integer(pv_gguf_value_type type) {
  return gguf_value_size(type) != 0 && type != PV_GGUF_BOOL && type != PV_GGUF_F32 &&
         type != PV_GGUF_F64;
}

pv_code pv_gguf_get_u64(const pv_gguf *gguf, const char *key, uint64_t *out, pv_error *err) {
  const pv_gguf_value *value;
  bool negative = false;
  const pv_code code = find(gguf, key, &value, err);
  if (code != PV_OK) return code;
  if (!is_integer(value->type)) return wrong_type(gguf, value, key, "an integer", err);
  const uint64_t number = gguf_integer(value->data, value->type, 0, &negative);
  if (negative) {
    pv_error_set(err, PV_ERR_INPUT, "key '%s' is negative (%lld)", key, (long long)number);
    return refuse(gguf, value, "PV-GGUF-KEY-RANGE", err);
  }
  *out = number;
  return PV_OK;
}

pv_code pv_gguf_get_f64(const pv_gguf *gguf, const char *key, double *out, pv_error *err) {
  const pv_gguf_value *value;
  const pv_code code = find(gguf, key, &value, err);
  if (code != PV_OK) return code;
  if (value->type != PV_GGUF_F32 && value->type != PV_GGUF_F64)
    return wrong_type(gguf, value, key, "a real number", err);
  const double number = pv_gguf_array_real(value, 0);
  if (!(number - number == 0.0)) {
    pv_error_set(err, PV_ERR_INPUT, "key '%s' is not a finite number", key);
    return refuse(gguf, value, "PV-GGUF-KEY-RANGE", err);
  }
  *out = number;
  return PV_OK;
}

pv_code pv_gguf_get_bool(const pv_gguf *gguf, const char *key, bool *out, pv_error *err) {
  const pv_gguf_value *value;
  const pv_code code = find(gguf, key, &value, err);
  if (code != PV_OK) return code;
  if (value->type != PV_GGUF_BOOL) return wrong_type(gguf, value, key, "a bool", err);
  *out = value->data[0] == 1;
  return PV_OK;
}

pv_code pv_gguf_get_string(const pv_gguf *gguf, const char *key, pv_gguf_string *out,
                           pv_error *err) {
  const pv_gguf_value *value;
  const pv_code code = find(gguf, key, &value, err);
  if (code != PV_OK) return code;
  if (value->type != PV_GGUF_STRING) return wrong_type(gguf, value, key, "a string", err);
  pv_cursor at = pv_cursor_make(value->data, 8);
  out->length = pv_cursor_u64(&at);
  out->data = (const char *)value->data + 8;
  return PV_OK;
}

pv_code pv_gguf_get_strings(pv_gguf *gguf, const char *key, const pv_gguf_string **out,
                            uint64_t *count, pv_error *err) {
  const pv_gguf_value *value;
  const pv_code code = find(gguf, key, &value, err);
  if (code != PV_OK) return code;
  if (value->type != PV_GGUF_ARRAY || value->element != PV_GGUF_STRING)
    return wrong_type(gguf, value, key, "an array of strings", err);
  string_views *views = gguf->views;
  while (views != NULL && views->value != value) views = views->next;
  if (views == NULL) {
    views = calloc(1, sizeof *views);
    pv_gguf_string *items = calloc(value->count == 0 ? 1 : (size_t)value->count, sizeof *items);
    if (views == NULL || items == NULL) {
      free(views);
      free(items);
      return pv_error_set(err, PV_ERR_NOMEM, "out of memory for the strings of '%s'", key);
    }
    /* Every length was checked when the file was opened. */
    pv_cursor at = pv_cursor_make(value->data, gguf->length - value->offset);
    for (uint64_t i = 0; i < value->count; i++) {
      items[i].length = pv_cursor_u64(&at);
      items[i].data = (const char *)pv_cursor_take(&at, items[i].length);
    }
    *views = (string_views){gguf->views, value, items};
    gguf->views = views;
  }
  *out = views->items;
  *count = value->count;
  return PV_OK;
}

int64_t pv_gguf_array_int(const pv_gguf_value *value, uint64_t index) {
  bool negative;
  if (!is_integer(value->element) || index >= value->count) return 0;
  return (int64_t)gguf_integer(value->data, value->element, index, &negative);
}

double pv_gguf_array_real(const pv_gguf_value *value, uint64_t index) {
  const unsigned size = gguf_value_size(value->element);
  if (index >= value->count) return 0.0;
  pv_cursor at = pv_cursor_make(value->data + index * size, size);
  if (value->element == PV_GGUF_F32) return (double)pv_cursor_f32(&at);
  return value->element == PV_GGUF_F64 ? pv_cursor_f64(&at) : 0.0;
}
