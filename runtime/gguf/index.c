/* A sorted index of names: duplicates are neighbours, lookups are binary searches. Names chosen by
 * an attacker can make a hash table quadratic; they cannot do that to a sort. */
#include <stdlib.h>
#include <string.h>

#include "base/ck.h"
#include "runtime/gguf/internal.h"

static int compare(const pv_gguf_string *a, const pv_gguf_string *b) {
  const uint64_t shorter = a->length < b->length ? a->length : b->length;
  const int order = memcmp(a->data, b->data, (size_t)shorter);
  if (order != 0) return order;
  return a->length < b->length ? -1 : a->length > b->length;
}

static int by_name(const void *a, const void *b) {
  const pv_gguf_string *x = *(const pv_gguf_string *const *)a;
  const pv_gguf_string *y = *(const pv_gguf_string *const *)b;
  const int order = compare(x, y);
  if (order != 0) return order;
  return x < y ? -1 : x > y; /* equal names: file order, so that the second one is reported */
}

pv_code gguf_index_make(const void *records, uint64_t count, size_t stride,
                        const pv_gguf_string ***out, pv_error *err) {
  uint64_t bytes = 0;
  size_t size = 0;
  if (!pv_ck_mul(count, sizeof **out, &bytes) || !pv_ck_size(bytes, &size))
    return pv_error_set(err, PV_ERR_LIMIT, "too many names");
  const pv_gguf_string **index = malloc(size == 0 ? 1 : size);
  if (index == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for the directory");
  for (uint64_t i = 0; i < count; i++)
    index[i] = (const pv_gguf_string *)(const void *)((const char *)records + i * stride);
  qsort(index, (size_t)count, sizeof *index, by_name);
  *out = index;
  return PV_OK;
}

const pv_gguf_string *gguf_index_duplicate(const pv_gguf_string *const *index, uint64_t count) {
  for (uint64_t i = 1; i < count; i++)
    if (compare(index[i - 1], index[i]) == 0) return index[i];
  return NULL;
}

const void *gguf_index_find(const pv_gguf_string *const *index, uint64_t count,
                            pv_gguf_string wanted) {
  uint64_t low = 0, high = count;
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    const int order = compare(index[middle], &wanted);
    if (order == 0) return index[middle];
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return NULL;
}
