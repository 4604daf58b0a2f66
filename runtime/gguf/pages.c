/* What the system holds of a mapped file. */
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/gguf/internal.h"

/* The part whose mapping has all bytes of the tensor; NULL: none, they are somebody's own. */
static const pv_gguf *mapped_part(const pv_gguf *gguf, const pv_gguf_tensor *t) {
  for (uint32_t i = 0; i <= gguf->rest_count; i++) {
    const pv_gguf *part = i == 0 ? gguf : gguf->rest[i - 1];
    if (part->map.data == NULL || t->data < part->map.data) continue;
    const uint64_t at = (uint64_t)(t->data - part->map.data);
    if (at <= part->map.length && t->bytes <= part->map.length - at) return part;
  }
  return NULL;
}

/* Only hints: what the system makes of them changes no bits. Pages that are shared with a neighbour
 * are asked for, but stay. */
void pv_gguf_ask(const pv_gguf *gguf, const pv_gguf_tensor *t) {
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  const uintptr_t from = (uintptr_t)t->data & ~(page - 1);
  if (mapped_part(gguf, t) != NULL)
    (void)madvise((void *)from, (uintptr_t)t->data + t->bytes - from, MADV_WILLNEED);
}

void gguf_drop(const pv_gguf *part, const unsigned char *data, uint64_t bytes) {
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  const uintptr_t from = ((uintptr_t)data + page - 1) & ~(page - 1);
  const uintptr_t end = ((uintptr_t)data + bytes) & ~(page - 1);
  if (part->map.data != NULL && from < end) (void)madvise((void *)from, end - from, MADV_DONTNEED);
}

void pv_gguf_drop(const pv_gguf *gguf, const pv_gguf_tensor *t) {
  const pv_gguf *part = mapped_part(gguf, t);
  if (part != NULL) gguf_drop(part, t->data, t->bytes);
}
