/* Chunks of attention for many rows at once: what attend_1, _4 and _8 leave for attend_combine,
 * while no row has passed its window: a chunk begins at the same position for all rows. Reference:
 * attend of kernels/cpu. */
#ifndef PV_CUDA_ATTEND_ROWS_H
#define PV_CUDA_ATTEND_ROWS_H

#include "kernels/cuda/attend.h"

enum {
  PV_ATTEND_QUERIES = 64, /* of one KV head, of some rows: what a block takes */
  PV_ATTEND_THREADS = 128,
  PV_ATTEND_WIDE = PV_ATTEND_QUERIES + 4 /* floats of an element of all of them, and padding */
};

/* Rows of a block. Every launch but a batch's last covers whole multiples of it. */
static inline uint32_t pv_attend_tile(uint32_t heads, uint32_t kv_heads) {
  return kv_heads > 0 ? PV_ATTEND_QUERIES / (heads / kv_heads) : 0;
}

/* Queries and keys, each element by element; the scores take the queries' place and the values that
 * of the keys. */
static inline size_t pv_attend_rows_shared(size_t dim) {
  return ((dim > PV_ATTENTION_CHUNK ? dim : PV_ATTENTION_CHUNK) + dim) * PV_ATTEND_WIDE *
         sizeof(float);
}

#endif

PV_KERNEL(attend_rows, pv_cuda_attend,
          PV_GRID(a->chunks, a->kv_heads,
                  pv_cuda_parts(rows, pv_attend_tile(a->heads, a->kv_heads))),
          PV_ATTEND_THREADS, pv_attend_rows_shared(a->dim), "attend",
          PV_ATTEND_FITS(*a, 1) && a->window == 0 && pv_attend_tile(a->heads, a->kv_heads) > 0,
          PV_WRITES(pv_cuda_attend, top), PV_WRITES(pv_cuda_attend, sum),
          PV_WRITES(pv_cuda_attend, value))
