#include "runtime/probe/file_json.h"

#include <string.h>

#include "base/json.h"
#include "base/text.h"

json_t *pv_file_value_json(const pv_gguf *g, const pv_gguf_value *v) {
  const double real = pv_gguf_array_real(v, 0);
  pv_text text = PV_TEXT_INIT;
  if (v->type == PV_GGUF_BOOL) return json_boolean(v->data[0] == 1);
  if (v->type == PV_GGUF_STRING) { /* a length of 8 bytes, and the bytes */
    uint64_t length = 0;
    memcpy(&length, v->data, sizeof length);
    return pv_json_stringn((const char *)v->data + 8, (size_t)length);
  }
  const bool is_real = v->type == PV_GGUF_F32 || v->type == PV_GGUF_F64;
  if (is_real && real - real == 0.0) return json_real(real);
  const int64_t number = pv_gguf_array_int(v, 0);
  if (!is_real && v->type != PV_GGUF_ARRAY && (v->type != PV_GGUF_U64 || number >= 0))
    return json_integer(number);
  pv_gguf_value_put(g, v, &text);
  json_t *out = text.failed ? NULL : pv_json_stringn(text.data, text.length);
  pv_text_free(&text);
  return out;
}

typedef struct of_type {
  uint64_t tensors, parameters, bytes;
} of_type;

json_t *pv_file_types_json(const pv_gguf *g) {
  of_type all[PV_TYPE_NUMBERS] = {{0}};
  json_t *out = json_array();
  for (uint64_t i = 0; i < pv_gguf_tensor_count(g); i++) {
    const pv_gguf_tensor *t = pv_gguf_tensor_at(g, i);
    all[t->type].tensors++;
    all[t->type].bytes += t->bytes; /* tensors do not overlap: all are less than the files */
    all[t->type].parameters += t->elements; /* at most 8 for each byte */
  }
  for (uint32_t type = 0; type < PV_TYPE_NUMBERS; type++)
    if (all[type].tensors > 0)
      pv_json_append(
          &out,
          json_pack("{s:s, s:I, s:I, s:I, s:b}", "type", pv_type_known(type)->name, "tensors",
                    (json_int_t)all[type].tensors, "parameters", (json_int_t)all[type].parameters,
                    "bytes", (json_int_t)all[type].bytes, "computed", pv_type_get(type) != NULL));
  return out;
}

json_t *pv_file_parts_json(const pv_gguf *g) {
  json_t *out = json_array();
  uint64_t at = 0, length = 0;
  for (uint32_t part = 0; part < pv_gguf_part_count(g); part++) {
    const uint64_t first = at;
    (void)pv_gguf_part_bytes(g, part, &length);
    while (at < pv_gguf_tensor_count(g) && pv_gguf_tensor_at(g, at)->part == part) at++;
    pv_json_append(&out,
                   json_pack("{s:o, s:I, s:I}", "file", pv_json_string(pv_gguf_part_path(g, part)),
                             "bytes", (json_int_t)length, "tensors", (json_int_t)(at - first)));
  }
  return out;
}
