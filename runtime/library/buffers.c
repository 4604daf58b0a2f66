#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/text.h"
#include "runtime/library/parts.h"

enum { APART = 64 };

unsigned char pv_library_pattern(unsigned run) {
  return run == 0 ? 0xa5 : 0x5a;
}

pv_code pv_library_formats(const pv_operation *op, const char *text, pv_format out[PV_OP_TENSORS],
                           pv_error *err) {
  char word[64], name[32], format[32];
  for (size_t i = 0; i < PV_OP_TENSORS; i++) out[i] = PV_FORMAT_F32;
  for (const char *at = text + strspn(text, " ,"); *at != '\0'; at += strspn(at, " ,")) {
    const size_t length = strcspn(at, " ,");
    size_t i = 0;
    snprintf(word, sizeof word, "%.*s", (int)(length < sizeof word ? length : sizeof word - 1), at);
    at += length;
    if (sscanf(word, "%31[^=]=%31s", name, format) != 2) name[0] = '\0';
    while (i < pv_operation_tensors(op) && strcmp(op->tensor[i].name, name) != 0) i++;
    if (i == pv_operation_tensors(op) || op->tensor[i].element != PV_OP_REAL ||
        !pv_format_find(format, &out[i]) ||
        (op->tensor[i].role != PV_OP_IN && out[i] >= PV_FORMAT_Q8_0))
      return pv_error_refuse(err, "as in: \"x=q8_1 y=f16\"", "%s has no such format: '%s'",
                             op->name, word);
  }
  return PV_OK;
}

size_t pv_library_row_bytes(const pv_op_tensor *t, pv_format format, const pv_op_values *v) {
  return t->element == PV_OP_REAL ? pv_format_bytes(format, v->row) : v->row_bytes;
}

static bool fill(const pv_op_tensor *t, const pv_op_values *v, pv_library_buffer *b) {
  bool ok = true;
  for (size_t r = 0; ok && r < v->rows; r++) {
    unsigned char *to = b->data + r * b->stride;
    if (t->role == PV_OP_OUT)
      memset(to, b->pattern, b->row_bytes);
    else if (t->element == PV_OP_REAL)
      ok = pv_format_encode(v->format, v->real + r * v->row, v->row, to);
    else if (t->element == PV_OP_INDEX)
      memcpy(to, v->index + r * v->row, b->row_bytes);
    else
      memcpy(to, v->bytes + r * v->row_bytes, b->row_bytes);
  }
  return ok;
}

bool pv_library_place(const pv_op_tensor *t, const pv_op_values *v, unsigned run,
                      pv_library_buffer *out) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  pv_library_buffer b = {.rows = v->rows,
                         .row_bytes = pv_library_row_bytes(t, v->format, v),
                         .input = t->role == PV_OP_IN,
                         .pattern = pv_library_pattern(run)};
  b.stride = b.row_bytes + (run == 0 ? 0 : APART);
  b.bytes = (b.rows - 1) * b.stride + b.row_bytes;
  const size_t room = (b.bytes + page - 1) / page * page;
  b.map_bytes = room + 2 * page;
  void *map = mmap(NULL, b.map_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED) return false;
  b.map = map;
  if (mprotect(b.map + page, room, PROT_READ | PROT_WRITE) != 0) return false;
  b.data = b.map + page + (run == 0 ? room - b.bytes : 0);
  memset(b.map + page, b.pattern, room);
  if (!fill(t, v, &b)) return false;
  if (b.input && mprotect(b.map + page, room, PROT_READ) != 0) return false;
  *out = b;
  return true;
}

bool pv_library_outside(const pv_library_buffer *b, int64_t *at) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  const unsigned char *first = b->map + page, *end = b->map + b->map_bytes - page;
  for (const unsigned char *p = first; !b->input && p < end; p++) {
    const ptrdiff_t offset = p - b->data;
    const bool inside =
        offset >= 0 && (size_t)offset < b->bytes && (size_t)offset % b->stride < b->row_bytes;
    if (inside || *p == b->pattern) continue;
    *at = offset;
    return true;
  }
  return false;
}

void pv_library_release(pv_library_buffer *b) {
  if (b->map != NULL) munmap(b->map, b->map_bytes);
  *b = (pv_library_buffer){0};
}
