/* The metadata: keys with typed values. */
#include <stdlib.h>
#include <string.h>

#include "base/ck.h"
#include "runtime/gguf/internal.h"

/* The smallest key-value pair: a length, one byte of key, a type, one byte of value. */
#define PAIR_MIN_BYTES 14u

unsigned gguf_value_size(uint32_t type) {
  switch (type) {
    case PV_GGUF_U8:
    case PV_GGUF_I8:
    case PV_GGUF_BOOL:
      return 1;
    case PV_GGUF_U16:
    case PV_GGUF_I16:
      return 2;
    case PV_GGUF_U32:
    case PV_GGUF_I32:
    case PV_GGUF_F32:
      return 4;
    case PV_GGUF_U64:
    case PV_GGUF_I64:
    case PV_GGUF_F64:
      return 8;
    default:
      return 0;
  }
}

static pv_code unknown_type(parser *self, const pv_gguf_value *value, uint32_t type,
                            const char *role) {
  char name[96];
  return gguf_refuse(self, PV_ERR_UNSUPPORTED, self->cursor.at - 4, "PV-GGUF-VALUE-TYPE",
                     GGUF_CURE_DAMAGED, "key '%s' has the unknown %s type %u",
                     gguf_show(value->key, name), role, (unsigned)type);
}

static pv_code read_key(parser *self, pv_gguf_value *value) {
  pv_cursor *c = &self->cursor;
  const uint64_t start = c->at;
  char name[96];
  value->key.length = pv_cursor_u64(c);
  pv_code code = gguf_check(self, "the length of a key");
  if (code != PV_OK) return code;
  if (value->key.length == 0)
    return gguf_refuse(self, PV_ERR_INPUT, start, "PV-GGUF-EMPTY-NAME", GGUF_CURE_CONVERT,
                       "a metadata key is empty");
  if (value->key.length > PV_GGUF_MAX_KEY_BYTES)
    return gguf_refuse(self, PV_ERR_LIMIT, start, "PV-GGUF-NAME-LENGTH", GGUF_CURE_DAMAGED,
                       "a metadata key of %llu bytes; at most %u are read",
                       (unsigned long long)value->key.length, PV_GGUF_MAX_KEY_BYTES);
  value->key.data = (const char *)pv_cursor_take(c, value->key.length);
  code = gguf_check(self, "a key");
  if (code != PV_OK) return code;
  if (!gguf_printable(value->key))
    return gguf_refuse(self, PV_ERR_INPUT, start + 8, "PV-GGUF-NAME-BYTES", GGUF_CURE_DAMAGED,
                       "the metadata key '%s' holds a control character",
                       gguf_show(value->key, name));
  return PV_OK;
}

static pv_code read_strings(parser *self, pv_gguf_value *value) {
  pv_cursor *c = &self->cursor;
  for (uint64_t i = 0; i < value->count; i++) {
    const uint64_t length = pv_cursor_u64(c);
    pv_cursor_take(c, length);
    if (c->failed) return gguf_check(self, "a string value");
  }
  value->bytes = c->at - value->offset;
  return PV_OK;
}

static pv_code check_bools(parser *self, const pv_gguf_value *value) {
  char name[96];
  for (uint64_t i = 0; i < value->count; i++)
    if (value->data[i] > 1)
      return gguf_refuse(self, PV_ERR_INPUT, value->offset + i, "PV-GGUF-BOOL", GGUF_CURE_DAMAGED,
                         "key '%s' is a bool with the value %u; only 0 and 1 are",
                         gguf_show(value->key, name), (unsigned)value->data[i]);
  return PV_OK;
}

/* `count` elements of type `type`, from where the cursor stands. */
static pv_code read_elements(parser *self, pv_gguf_value *value, uint32_t type) {
  pv_cursor *c = &self->cursor;
  const uint64_t least = type == PV_GGUF_STRING ? 8u : gguf_value_size(type);
  uint64_t bytes = 0;
  char name[96], what[128];
  value->offset = c->at;
  value->data = c->data + c->at;
  if (!pv_ck_mul(value->count, least, &bytes) || !pv_ck_range(c->at, bytes, c->length)) {
    snprintf(what, sizeof what, "the value of '%s'", gguf_show(value->key, name));
    return gguf_truncated(self, c->at, what, bytes == 0 ? UINT64_MAX : bytes);
  }
  if (type == PV_GGUF_STRING) return read_strings(self, value);
  pv_cursor_take(c, bytes);
  value->bytes = bytes;
  return type == PV_GGUF_BOOL ? check_bools(self, value) : PV_OK;
}

static pv_code read_array(parser *self, pv_gguf_value *value) {
  pv_cursor *c = &self->cursor;
  char name[96];
  const uint32_t element = pv_cursor_u32(c);
  pv_code code = gguf_check(self, "the element type of an array");
  if (code != PV_OK) return code;
  if (element == PV_GGUF_ARRAY)
    return gguf_refuse(self, PV_ERR_UNSUPPORTED, c->at - 4, "PV-GGUF-NESTED-ARRAY",
                       GGUF_CURE_CONVERT, "key '%s' is an array of arrays, which pv does not read",
                       gguf_show(value->key, name));
  if (element != PV_GGUF_STRING && gguf_value_size(element) == 0)
    return unknown_type(self, value, element, "element");
  value->element = (pv_gguf_value_type)element;
  value->count = pv_cursor_u64(c);
  code = gguf_check(self, "the length of an array");
  if (code != PV_OK) return code;
  return read_elements(self, value, element);
}

static pv_code read_value(parser *self, pv_gguf_value *value) {
  pv_cursor *c = &self->cursor;
  pv_code code = read_key(self, value);
  if (code != PV_OK) return code;
  const uint32_t type = pv_cursor_u32(c);
  code = gguf_check(self, "the type of a value");
  if (code != PV_OK) return code;
  if (type != PV_GGUF_STRING && type != PV_GGUF_ARRAY && gguf_value_size(type) == 0)
    return unknown_type(self, value, type, "value");
  value->type = (pv_gguf_value_type)type;
  value->element = value->type;
  value->count = 1;
  if (type == PV_GGUF_ARRAY) return read_array(self, value);
  return read_elements(self, value, type);
}

pv_code gguf_read_values(parser *self, uint64_t count) {
  pv_gguf *gguf = self->gguf;
  pv_cursor *c = &self->cursor;
  uint64_t least = 0;
  char name[96];
  if (count > PV_GGUF_MAX_KEYS)
    return gguf_refuse(self, PV_ERR_LIMIT, 16, "PV-GGUF-COUNT", GGUF_CURE_DAMAGED,
                       "%llu metadata keys; at most %u are read", (unsigned long long)count,
                       PV_GGUF_MAX_KEYS);
  if (!pv_ck_mul(count, PAIR_MIN_BYTES, &least) || !pv_ck_range(c->at, least, c->length))
    return gguf_truncated(self, c->at, "the metadata", least);
  gguf->values = calloc(count == 0 ? 1 : (size_t)count, sizeof *gguf->values);
  if (gguf->values == NULL)
    return pv_error_set(self->err, PV_ERR_NOMEM, "out of memory for the metadata");
  for (uint64_t i = 0; i < count; i++) {
    const pv_code code = read_value(self, &gguf->values[i]);
    if (code != PV_OK) return code;
  }
  gguf->value_count = count;
  const pv_code code =
      gguf_index_make(gguf->values, count, sizeof *gguf->values, &gguf->keys, self->err);
  if (code != PV_OK) return code;
  const pv_gguf_string *twice = gguf_index_duplicate(gguf->keys, count);
  if (twice == NULL) return PV_OK;
  const uint64_t at = (uint64_t)((const unsigned char *)twice->data - gguf->data);
  return gguf_refuse(self, PV_ERR_INPUT, at, "PV-GGUF-DUPLICATE-KEY", GGUF_CURE_CONVERT,
                     "key '%s' occurs twice", gguf_show(*twice, name));
}

pv_code gguf_read_alignment(parser *self) {
  pv_gguf *gguf = self->gguf;
  const pv_gguf_value *value = pv_gguf_find(gguf, "general.alignment");
  gguf->alignment = 32;
  if (value == NULL) return PV_OK;
  if (value->type != PV_GGUF_U32)
    return gguf_refuse(self, PV_ERR_INPUT, value->offset, "PV-GGUF-ALIGNMENT", GGUF_CURE_CONVERT,
                       "general.alignment is of type %s, not u32",
                       pv_gguf_value_type_name(value->type));
  pv_cursor at = pv_cursor_make(value->data, 4);
  gguf->alignment = pv_cursor_u32(&at);
  if (gguf->alignment >= PV_GGUF_MIN_ALIGNMENT && gguf->alignment <= PV_GGUF_MAX_ALIGNMENT &&
      (gguf->alignment & (gguf->alignment - 1)) == 0)
    return PV_OK;
  return gguf_refuse(self, PV_ERR_INPUT, value->offset, "PV-GGUF-ALIGNMENT", GGUF_CURE_CONVERT,
                     "general.alignment is %u, not a power of two from %u to %u",
                     (unsigned)gguf->alignment, PV_GGUF_MIN_ALIGNMENT, PV_GGUF_MAX_ALIGNMENT);
}
