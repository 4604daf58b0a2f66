/* Any bytes as a GGUF file. Refused: the error is complete and its place is in the file. Accepted:
 * every value, array element and tensor lies inside the file, tensors do not overlap, every name is
 * found, and decoding the first and the last row of each tensor reads nothing else. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/gguf/gguf.h"

#define ROW_LIMIT     8192u
#define OVERLAP_LIMIT 256u
#define VALUE_LIMIT   (8u * (4 * 60 + 8) + 64) /* eight strings of 60 bytes, each escaped */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "violated: %s\n", what);
  abort();
}

static bool inside(const void *from, uint64_t length, const uint8_t *data, size_t size) {
  const uint8_t *first = from;
  return first >= data && first <= data + size && length <= (uint64_t)(data + size - first);
}

static void copy_name(pv_gguf_string name, char *out, size_t room) {
  const size_t length = name.length < room ? (size_t)name.length : room - 1;
  memcpy(out, name.data, length);
  out[length] = '\0';
}

static void check_tensor(const pv_gguf *gguf, const pv_gguf_tensor *t, const uint8_t *data,
                         size_t size) {
  static float real[ROW_LIMIT];
  static double exact[ROW_LIMIT];
  uint64_t elements = 0, row = 0, bytes = 0;
  char name[256];
  demand(inside(t->name.data, t->name.length, data, size), "a tensor's name is inside the file");
  demand(pv_tensor_size(t->type, t->dims, t->dim_count, &elements, &row, &bytes),
         "an accepted tensor has a size");
  demand(elements == t->elements && row == t->row_bytes && bytes == t->bytes,
         "the sizes are those of the one function");
  demand(inside(t->data, t->bytes, data, size), "every tensor lies inside the file");
  demand(t->data == data + t->offset, "data and offset agree");
  demand((t->offset - pv_gguf_data_offset(gguf)) % pv_gguf_alignment(gguf) == 0, "data is aligned");
  copy_name(t->name, name, sizeof name);
  demand(pv_gguf_tensor_find(gguf, name) == t, "every tensor is found by its name");
  demand(pv_type_known((uint32_t)t->type) != NULL, "an accepted tensor has a known type");
  if (t->dims[0] > ROW_LIMIT || pv_type_get((uint32_t)t->type) == NULL) return;
  pv_dequant_f32(t->type, t->data, t->dims[0], real);
  pv_dequant_f64(t->type, t->data + t->bytes - t->row_bytes, t->dims[0], exact);
}

static void check_overlap(const pv_gguf *gguf) {
  const uint64_t count = pv_gguf_tensor_count(gguf);
  for (uint64_t i = 0; i < count && count <= OVERLAP_LIMIT; i++)
    for (uint64_t j = 0; j < i; j++) {
      const pv_gguf_tensor *a = pv_gguf_tensor_at(gguf, i), *b = pv_gguf_tensor_at(gguf, j);
      demand(a->offset + a->bytes <= b->offset || b->offset + b->bytes <= a->offset,
             "tensors do not overlap");
    }
}

static void check_value(pv_gguf *gguf, const pv_gguf_value *v, const uint8_t *data, size_t size) {
  static char key[PV_GGUF_MAX_KEY_BYTES + 1];
  const pv_gguf_string *strings = NULL;
  pv_gguf_string text = {0};
  uint64_t count = 0, number = 0;
  double real = 0.0;
  bool flag = false;
  demand(inside(v->key.data, v->key.length, data, size), "a key is inside the file");
  demand(v->data == data + v->offset && inside(v->data, 0, data, size), "a value is in the file");
  copy_name(v->key, key, sizeof key);
  demand(pv_gguf_find(gguf, key) == v, "every key is found");
  pv_text shown = PV_TEXT_INIT;
  pv_gguf_value_put(gguf, v, &shown);
  demand(shown.failed || (shown.length > 0 && shown.length <= VALUE_LIMIT &&
                          pv_utf8_valid(shown.data, shown.length)),
         "a value is shown in a short line");
  pv_text_free(&shown);
  if (pv_gguf_get_string(gguf, key, &text, NULL) == PV_OK)
    demand(inside(text.data, text.length, data, size), "a string is inside the file");
  if (pv_gguf_get_strings(gguf, key, &strings, &count, NULL) == PV_OK)
    for (uint64_t i = 0; i < count; i++)
      demand(inside(strings[i].data, strings[i].length, data, size), "strings are in the file");
  (void)pv_gguf_get_u64(gguf, key, &number, NULL);
  (void)pv_gguf_get_bool(gguf, key, &flag, NULL);
  if (pv_gguf_get_f64(gguf, key, &real, NULL) == PV_OK)
    demand(real - real == 0.0, "a real number is finite");
  if (v->type != PV_GGUF_ARRAY) return;
  for (uint64_t i = 0; i < v->count; i++) {
    (void)pv_gguf_array_int(v, i);
    (void)pv_gguf_array_real(v, i);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  pv_gguf *gguf = NULL;
  pv_error err = PV_ERROR_INIT;
  const pv_code code = pv_gguf_parse(data, size, "fuzz", &gguf, &err);
  if (code != PV_OK) {
    demand(gguf == NULL && err.code == code, "a refusal gives no object");
    demand(err.message[0] != '\0' && err.hint[0] != '\0', "a refusal says why and what to do");
    demand(strncmp(err.rule, "PV-GGUF-", 8) == 0, "a refusal names its rule");
    demand(err.byte >= 0 && (uint64_t)err.byte <= size, "a refusal has a place in the file");
    return 0;
  }
  for (uint64_t i = 0; i < pv_gguf_value_count(gguf); i++)
    check_value(gguf, pv_gguf_value_at(gguf, i), data, size);
  for (uint64_t i = 0; i < pv_gguf_tensor_count(gguf); i++)
    check_tensor(gguf, pv_gguf_tensor_at(gguf, i), data, size);
  check_overlap(gguf);
  pv_gguf_close(gguf);
  return 0;
}
