/* Grouped-query attention of the rows of a batch over the cache: attend_1, _4 and _8 for each chunk
 * (of 1, 4 or 8 query heads that share a KV head), attend_combine for the sum over chunks and what
 * it is rounded to. Reference: attend and round of kernels/cpu.
 *
 * Chunks are counted from the first position that a row sees. */
#ifndef PV_CUDA_ATTEND_H
#define PV_CUDA_ATTEND_H

#include "kernels/cuda/args.h"

typedef struct pv_cuda_attend {
  PV_DEVICE(const float) q;
  PV_DEVICE(const float) keys;
  PV_DEVICE(const float) values;
  PV_DEVICE(const pv_cuda_step) step;
  PV_DEVICE(float) top; /* [row][head][chunks] */
  PV_DEVICE(float) sum;
  PV_DEVICE(float) value; /* [row][head][chunks][dim] */
  PV_DEVICE(float) out;
  PV_DEVICE(const float) sinks; /* of each head: one more logit, without a value; 0: none */
  pv_cuda_acts acts;
  uint32_t heads, kv_heads, dim;
  uint32_t chunks; /* for which top, sum and value have room */
  uint32_t first;  /* row of the batch that block row 0 stands for */
  float scale, max;
  uint32_t window; /* positions that are seen at most; 0: all */
  uint32_t whole;  /* acts are rounded in blocks of 256, by attend_combine */
} pv_cuda_attend;
PV_LAYOUT(pv_cuda_attend, 160, whole, 152);

/* attend_combine: elements of a thread, heads of a block. */
enum { PV_COMBINED_EACH = 4, PV_COMBINED_HEADS = PV_CUDA_WARPS };

/* Whether attend_combine rounds what it makes: no block of elements has parts of two of its own. */
static inline bool pv_attend_rounds(const pv_cuda_attend *a) {
  return PV_COMBINED_HEADS * a->dim % (a->whole ? 8 * PV_SEGMENT : PV_SEGMENT) == 0;
}

/* A block takes `group` query heads that share a KV head. */
#define PV_ATTEND_FITS(a, group)                                   \
  ((a).dim % PV_NARROW_LANES == 0 && (a).dim <= PV_HEAD_DIM_MAX && \
   (a).heads % (a).kv_heads == 0 && (a).heads / (a).kv_heads % (group) == 0)

#endif

#define PV_ATTEND_CHUNKS(group)                                                                  \
  pv_cuda_attend, PV_GRID(a->chunks, a->heads / (group), rows), PV_CUDA_BLOCK, 0, "attend",      \
      PV_ATTEND_FITS(*a, group), PV_WRITES(pv_cuda_attend, top), PV_WRITES(pv_cuda_attend, sum), \
      PV_WRITES(pv_cuda_attend, value)
PV_KERNEL(attend_1, PV_ATTEND_CHUNKS(1))
PV_KERNEL(attend_4, PV_ATTEND_CHUNKS(4))
PV_KERNEL(attend_8, PV_ATTEND_CHUNKS(8))
PV_KERNEL(attend_combine, pv_cuda_attend,
          PV_GRID(pv_cuda_parts(a->heads, PV_COMBINED_HEADS), rows, 1), PV_CUDA_BLOCK, 0,
          "attend, round", PV_ATTEND_FITS(*a, 1) && (a->acts.q == 0 || pv_attend_rounds(a)),
          PV_WRITES(pv_cuda_attend, out), PV_WRITES_ACTS(pv_cuda_attend, acts))
