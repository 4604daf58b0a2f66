/* Down products of the chosen experts, their weighted sum by rank (product, then fma), and the
 * residual, where there is one. down_24 is down for a frequent type and rows of 24 segments.
 * Reference: mm, combine and add of kernels/cpu. */
#ifndef PV_CUDA_DOWN_H
#define PV_CUDA_DOWN_H

#include "kernels/cuda/args.h"

typedef struct pv_cuda_down {
  pv_cuda_rows rows;
  PV_DEVICE(const int32_t) experts;
  PV_DEVICE(const float) weights;
  PV_DEVICE(const float) residual; /* 0: no total is asked for */
  pv_cuda_acts in;
  PV_DEVICE(float) out; /* [row][used][hidden] */
  PV_DEVICE(float) sum; /* [row][hidden] */
  PV_DEVICE(float) total;
  pv_cuda_ahead ahead;
  uint32_t used;
  float max; /* not 0: nobody has rounded in.x: in blocks of 256, PV_ACT16_MAX or PV_ACT8_MAX */
} pv_cuda_down;
PV_LAYOUT(pv_cuda_down, 152, max, 148);

enum { PV_DOWN_ROWS = 8 }; /* of the matrix, for one block */

/* The activations of all slots of a position as one long row, a result for each rank and row, and
 * the weights. */
static inline size_t pv_down_shared(const pv_cuda_down *a) {
  return pv_cuda_act_shared((size_t)a->used * a->in.k) +
         a->used * (PV_DOWN_ROWS + 1) * sizeof(float);
}

#endif

#define PV_DOWN(limit)                                                                            \
  pv_cuda_down, PV_GRID(a->rows.count / PV_DOWN_ROWS, rows, 1), PV_CUDA_BLOCK, pv_down_shared(a), \
      "mm, combine, add",                                                                         \
      a->rows.count % PV_DOWN_ROWS == 0 && a->in.k % (2 * PV_SEGMENT) == 0 && a->used > 0 &&      \
          (limit),                                                                                \
      PV_WRITES(pv_cuda_down, out), PV_WRITES(pv_cuda_down, sum), PV_WRITES(pv_cuda_down, total)
PV_KERNEL(down, PV_DOWN(true))
PV_KERNEL(down_24, PV_DOWN(a->in.k == 24 * PV_SEGMENT && pv_cuda_frequent(a->rows.type)))
