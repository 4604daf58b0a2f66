/* The tensor directory: names, shapes, types, places. */
#include <stdlib.h>
#include <string.h>

#include "base/ck.h"
#include "runtime/gguf/internal.h"

/* The smallest entry: a length, one byte of name, a count, one dimension, a type, an offset. */
#define ENTRY_MIN_BYTES 33u

static pv_code read_name(parser *self, pv_gguf_tensor *tensor) {
  pv_cursor *c = &self->cursor;
  const uint64_t start = c->at;
  char name[96];
  tensor->name.length = pv_cursor_u64(c);
  pv_code code = gguf_check(self, "the length of a tensor's name");
  if (code != PV_OK) return code;
  if (tensor->name.length == 0)
    return gguf_refuse(self, PV_ERR_INPUT, start, "PV-GGUF-EMPTY-NAME", GGUF_CURE_CONVERT,
                       "a tensor's name is empty");
  if (tensor->name.length > PV_GGUF_MAX_NAME_BYTES)
    return gguf_refuse(self, PV_ERR_LIMIT, start, "PV-GGUF-NAME-LENGTH", GGUF_CURE_DAMAGED,
                       "a tensor's name of %llu bytes; at most %u are read",
                       (unsigned long long)tensor->name.length, PV_GGUF_MAX_NAME_BYTES);
  tensor->name.data = (const char *)pv_cursor_take(c, tensor->name.length);
  code = gguf_check(self, "a tensor's name");
  if (code != PV_OK) return code;
  if (!gguf_printable(tensor->name))
    return gguf_refuse(self, PV_ERR_INPUT, start + 8, "PV-GGUF-NAME-BYTES", GGUF_CURE_DAMAGED,
                       "the tensor name '%s' holds a control character",
                       gguf_show(tensor->name, name));
  return PV_OK;
}

static pv_code read_dims(parser *self, pv_gguf_tensor *tensor) {
  pv_cursor *c = &self->cursor;
  char name[96];
  tensor->dim_count = pv_cursor_u32(c);
  pv_code code = gguf_check(self, "a tensor's number of dimensions");
  if (code != PV_OK) return code;
  if (tensor->dim_count < 1 || tensor->dim_count > PV_GGUF_MAX_DIMS)
    return gguf_refuse(self, PV_ERR_INPUT, c->at - 4, "PV-GGUF-DIMS", GGUF_CURE_DAMAGED,
                       "tensor '%s' has %u dimensions; 1 to %u are read",
                       gguf_show(tensor->name, name), tensor->dim_count, PV_GGUF_MAX_DIMS);
  const uint64_t start = c->at;
  for (unsigned i = 0; i < 4; i++) tensor->dims[i] = i < tensor->dim_count ? pv_cursor_u64(c) : 1;
  code = gguf_check(self, "a tensor's dimensions");
  if (code != PV_OK) return code;
  for (unsigned i = 0; i < tensor->dim_count; i++)
    if (tensor->dims[i] == 0)
      return gguf_refuse(self, PV_ERR_INPUT, start + 8 * i, "PV-GGUF-DIMS", GGUF_CURE_DAMAGED,
                         "dimension %u of tensor '%s' is 0", i, gguf_show(tensor->name, name));
  return PV_OK;
}

#undef PV_PLAIN_ROW
#undef PV_TYPE_ROW
#define PV_PLAIN_ROW(NAME, ...) " " #NAME
#define PV_TYPE_ROW(NAME, ...)  " " #NAME
static const char cure_type[] =
    "a newer type or one of another program: requantise the model to one of"
#include "kernels/quant/list.h"
    ;

static pv_code read_type(parser *self, pv_gguf_tensor *tensor) {
  pv_cursor *c = &self->cursor;
  char name[96];
  const uint64_t at = c->at;
  const uint32_t number = pv_cursor_u32(c);
  const pv_code code = gguf_check(self, "a tensor's type");
  if (code != PV_OK) return code;
  const pv_type_info *info = pv_type_known(number);
  if (info == NULL) /* its size is unknown, and with it whether it lies in the file */
    return gguf_refuse(self, PV_ERR_UNSUPPORTED, at, "PV-GGUF-TENSOR-TYPE", cure_type,
                       "tensor '%s' is of type %u, whose format pv does not know",
                       gguf_show(tensor->name, name), (unsigned)number);
  tensor->type = info->type;
  if (tensor->dims[0] % info->block_elements != 0)
    return gguf_refuse(self, PV_ERR_INPUT, at, "PV-GGUF-BLOCKS", GGUF_CURE_CONVERT,
                       "a row of tensor '%s' has %llu weights, not whole blocks of %u (%s)",
                       gguf_show(tensor->name, name), (unsigned long long)tensor->dims[0],
                       (unsigned)info->block_elements, info->name);
  if (!pv_tensor_size(tensor->type, tensor->dims, tensor->dim_count, &tensor->elements,
                      &tensor->row_bytes, &tensor->bytes))
    return gguf_refuse(self, PV_ERR_INPUT, at, "PV-GGUF-SIZE", GGUF_CURE_DAMAGED,
                       "the size of tensor '%s' does not fit 63 bits",
                       gguf_show(tensor->name, name));
  return PV_OK;
}

static pv_code read_tensor(parser *self, pv_gguf_tensor *tensor) {
  pv_code code = read_name(self, tensor);
  if (code == PV_OK) code = read_dims(self, tensor);
  if (code == PV_OK) code = read_type(self, tensor);
  if (code != PV_OK) return code;
  /* For now relative to the data section, whose start is known only after the last entry. */
  tensor->offset = pv_cursor_u64(&self->cursor);
  code = gguf_check(self, "a tensor's offset");
  if (code != PV_OK || tensor->offset % self->gguf->alignment == 0) return code;
  char name[96];
  return gguf_refuse(self, PV_ERR_INPUT, self->cursor.at - 8, "PV-GGUF-OFFSET", GGUF_CURE_CONVERT,
                     "the data offset %llu of tensor '%s' is not a multiple of %u",
                     (unsigned long long)tensor->offset, gguf_show(tensor->name, name),
                     (unsigned)self->gguf->alignment);
}

/* Turns relative offsets into places in the file. */
static pv_code place(parser *self) {
  pv_gguf *gguf = self->gguf;
  char name[96];
  if (!pv_ck_align(self->cursor.at, gguf->alignment, &gguf->data_offset))
    return gguf_refuse(self, PV_ERR_INTERNAL, self->cursor.at, "PV-GGUF-OFFSET", "",
                       "the start of the data overflows");
  for (uint64_t i = 0; i < gguf->tensor_count; i++) {
    pv_gguf_tensor *t = &gguf->tensors[i];
    uint64_t at = 0;
    if (!pv_ck_add(gguf->data_offset, t->offset, &at) || !pv_ck_range(at, t->bytes, gguf->length))
      return gguf_refuse(
          self, PV_ERR_INPUT, (uint64_t)((const unsigned char *)t->name.data - gguf->data),
          "PV-GGUF-OUTSIDE", "the file is incomplete or damaged: copy or download it again",
          "tensor '%s' needs %llu bytes at offset %llu of the data, which starts at "
          "byte %llu; the file has %llu bytes",
          gguf_show(t->name, name), (unsigned long long)t->bytes, (unsigned long long)t->offset,
          (unsigned long long)gguf->data_offset, (unsigned long long)gguf->length);
    t->offset = at;
    t->data = gguf->data + at;
  }
  return PV_OK;
}

static int by_offset(const void *a, const void *b) {
  const pv_gguf_tensor *x = *(const pv_gguf_tensor *const *)a;
  const pv_gguf_tensor *y = *(const pv_gguf_tensor *const *)b;
  if (x->offset != y->offset) return x->offset < y->offset ? -1 : 1;
  return x < y ? -1 : x > y;
}

static pv_code check_overlap(parser *self) {
  const pv_gguf *gguf = self->gguf;
  pv_code code = PV_OK;
  char first[96], second[96];
  const pv_gguf_tensor **order =
      malloc((gguf->tensor_count == 0 ? 1 : (size_t)gguf->tensor_count) * sizeof *order);
  if (order == NULL)
    return pv_error_set(self->err, PV_ERR_NOMEM, "out of memory for the tensor directory");
  for (uint64_t i = 0; i < gguf->tensor_count; i++) order[i] = &gguf->tensors[i];
  qsort(order, (size_t)gguf->tensor_count, sizeof *order, by_offset);
  for (uint64_t i = 1; i < gguf->tensor_count; i++) {
    const pv_gguf_tensor *a = order[i - 1], *b = order[i];
    if (b->offset - a->offset >= a->bytes) continue;
    code = gguf_refuse(self, PV_ERR_INPUT, b->offset, "PV-GGUF-OVERLAP", GGUF_CURE_DAMAGED,
                       "the data of tensors '%s' and '%s' overlap", gguf_show(a->name, first),
                       gguf_show(b->name, second));
    break;
  }
  free(order);
  return code;
}

static pv_code check_names(parser *self) {
  pv_gguf *gguf = self->gguf;
  char name[96];
  const pv_code code = gguf_index_make(gguf->tensors, gguf->tensor_count, sizeof *gguf->tensors,
                                       &gguf->names, self->err);
  if (code != PV_OK) return code;
  const pv_gguf_string *twice = gguf_index_duplicate(gguf->names, gguf->tensor_count);
  if (twice == NULL) return PV_OK;
  const uint64_t at = (uint64_t)((const unsigned char *)twice->data - gguf->data);
  return gguf_refuse(self, PV_ERR_INPUT, at, "PV-GGUF-DUPLICATE-TENSOR", GGUF_CURE_CONVERT,
                     "tensor '%s' occurs twice", gguf_show(*twice, name));
}

pv_code gguf_read_tensors(parser *self, uint64_t count) {
  pv_gguf *gguf = self->gguf;
  pv_cursor *c = &self->cursor;
  uint64_t least = 0;
  if (count > PV_GGUF_MAX_TENSORS)
    return gguf_refuse(self, PV_ERR_LIMIT, 8, "PV-GGUF-COUNT", GGUF_CURE_DAMAGED,
                       "%llu tensors; at most %u are read", (unsigned long long)count,
                       PV_GGUF_MAX_TENSORS);
  if (count > 0 && (uintptr_t)gguf->data % 8 != 0)
    return gguf_refuse(self, PV_ERR_INTERNAL, 0, "PV-GGUF-MEMORY", "pass bytes from malloc",
                       "the bytes of a model in memory are not aligned to 8");
  if (!pv_ck_mul(count, ENTRY_MIN_BYTES, &least) || !pv_ck_range(c->at, least, c->length))
    return gguf_truncated(self, c->at, "the tensor directory", least);
  gguf->tensors = calloc(count == 0 ? 1 : (size_t)count, sizeof *gguf->tensors);
  if (gguf->tensors == NULL)
    return pv_error_set(self->err, PV_ERR_NOMEM, "out of memory for the tensor directory");
  for (uint64_t i = 0; i < count; i++) {
    const pv_code code = read_tensor(self, &gguf->tensors[i]);
    if (code != PV_OK) return code;
  }
  gguf->tensor_count = count;
  pv_code code = check_names(self);
  if (code == PV_OK) code = place(self);
  return code == PV_OK ? check_overlap(self) : code;
}
