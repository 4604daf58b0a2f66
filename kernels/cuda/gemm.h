/* Products of quantised matrices with many rows of activations, identities i16 and i8: a kernel for
 * each depth of the fold's tree. Reference: mm of kernels/cpu. */
#ifndef PV_CUDA_GEMM_H
#define PV_CUDA_GEMM_H

#include "kernels/cuda/gemv.h"

/* Products of up to three matrices with the rows of activations that `slots` lists, tile by tile.
 * Without `tiles`, slots are 0 .. count - 1 and there is one expert. */
typedef struct pv_cuda_gemm {
  pv_cuda_job job[PV_CUDA_JOBS];
  pv_cuda_acts acts;
  PV_DEVICE(const uint32_t) slots;
  PV_DEVICE(const pv_cuda_tile) tiles;
  PV_DEVICE(const uint32_t) tile_count;
  uint32_t jobs;
  uint32_t count;
} pv_cuda_gemm;
PV_LAYOUT(pv_cuda_gemm, 224, count, 220);

enum { PV_GEMM_ROWS = 32 }; /* of a matrix, for one block */

/* Rows of whole pairs of segments, in a tree of so many levels. */
#define PV_GEMM_FITS(k, levels) \
  ((k) % (2 * PV_SEGMENT) == 0 && (k) <= (2u * PV_SEGMENT) << (levels))

/* Blocks of all jobs. */
static inline size_t pv_gemm_blocks(const pv_cuda_gemm *a) {
  size_t blocks = 0;
  for (uint32_t j = 0; j < a->jobs; j++)
    blocks += pv_cuda_parts(a->job[j].rows.count, PV_GEMM_ROWS);
  return blocks;
}

/* Shared memory: scale and sum of each segment of a tile's rows. */
static inline size_t pv_gemm_shared(size_t k) {
  return k / PV_SEGMENT * PV_CUDA_TILE * (sizeof(float) + sizeof(int32_t));
}

#endif

/* rows: tiles, or as many as there can be */
#define PV_GEMM(levels)                                                                           \
  pv_cuda_gemm, PV_GRID(pv_gemm_blocks(a), rows, 1), PV_CUDA_BLOCK, pv_gemm_shared(a->acts.k),    \
      "mm", pv_cuda_quantised_jobs(a->job, a->jobs) == a->jobs &&PV_GEMM_FITS(a->acts.k, levels), \
      PV_WRITES_JOBS(pv_cuda_gemm)
PV_KERNEL(gemm_4, PV_GEMM(4))
PV_KERNEL(gemm_5, PV_GEMM(5))
PV_KERNEL(gemm_6, PV_GEMM(6))
