/* Products of a matrix of a plain type with many rows of unrounded activations, identities i16 and
 * i8: the wide sums of kernels/arith/act.h. The router of most files is one. Reference: mm of
 * kernels/cpu. */
#ifndef PV_CUDA_WIDE_H
#define PV_CUDA_WIDE_H

#include "kernels/cuda/args.h"

typedef struct pv_cuda_wide {
  pv_cuda_rows rows;
  PV_DEVICE(const float) x; /* rows of `stride` floats */
  PV_DEVICE(float) out;     /* [row][rows.count] */
  uint32_t k, stride;
  uint32_t count; /* rows of x */
} pv_cuda_wide;
PV_LAYOUT(pv_cuda_wide, 64, count, 56);

enum {
  PV_WIDE_TILE = 16, /* rows of the matrix, and rows of activations, for one block */
  PV_WIDE_STEPS = 8, /* terms of 32 wide lanes that are in shared memory at a time */
  PV_WIDE_SHARED = 2 * 2 * PV_WIDE_TILE * PV_WIDE_STEPS * 32 * 4 /* x and weights, twice */
};

/* Rows of whole runs of a warp's 32 lanes. */
static inline bool pv_wide_fits(uint32_t type, uint32_t k) {
  return !pv_cuda_quantised(type) && k > 0 && k % 32 == 0;
}

#endif

/* rows: of activations */
PV_KERNEL(wide, pv_cuda_wide,
          PV_GRID(pv_cuda_parts(a->rows.count, PV_WIDE_TILE), pv_cuda_parts(rows, PV_WIDE_TILE), 1),
          PV_CUDA_BLOCK, PV_WIDE_SHARED, "mm",
          pv_wide_fits(a->rows.type, a->k) && a->stride % 4 == 0 && a->rows.row_bytes % 16 == 0,
          PV_WRITES(pv_cuda_wide, out))
