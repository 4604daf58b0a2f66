/* Products of matrices whose types have blocks of 32 weights with many rows of activations,
 * identities i16 and i8.
 * Reference: mm of kernels/cpu. */
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

enum {
  PV_GEMM_ROWS = 64, /* of a matrix, for one block: 16 for each two warps */
  PV_GEMM_THREADS = 4 * PV_GEMM_ROWS,
  PV_GEMM_LEAVES = 16,      /* of the fold's tree whose scales lie in shared memory at a time */
  PV_GEMM_TOKEN_STRIDE = 17 /* pairs of rows of a tile, and one for the banks */
};

/* Blocks of all jobs. */
static inline size_t pv_gemm_blocks(const pv_cuda_gemm *a) {
  size_t blocks = 0;
  for (uint32_t j = 0; j < a->jobs; j++)
    blocks += pv_cuda_parts(a->job[j].rows.count, PV_GEMM_ROWS);
  return blocks;
}

/* Shared memory: for each leaf the scales of its two segments (8 bytes for two rows), and of a
 * tile's rows scale and sum; then 16 floats a thread for each level of the tree of one parity from
 * that of eight leaves on. */
static inline size_t pv_gemm_shared(size_t k) {
  size_t levels = 0;
  for (size_t leaves = (k / PV_SEGMENT + 1) / 2; leaves > (size_t)8 << levels;) levels++;
  return PV_GEMM_LEAVES *
             (PV_GEMM_ROWS * sizeof(float) * 2 + 2 * PV_GEMM_TOKEN_STRIDE * (size_t)16) +
         levels * PV_GEMM_THREADS * 16 * sizeof(float);
}

/* Whether all matrices are quantised, in blocks of 32. */
static inline bool pv_gemm_takes(const pv_cuda_gemm *a) {
  for (uint32_t j = 0; j < a->jobs; j++)
    if (pv_cuda_whole(a->job[j].rows.type)) return false;
  return pv_cuda_quantised_jobs(a->job, a->jobs) == a->jobs;
}

#endif

/* rows: tiles, or as many as there can be */
PV_KERNEL(gemm, pv_cuda_gemm, PV_GRID(pv_gemm_blocks(a), rows, 1), PV_GEMM_THREADS,
          pv_gemm_shared(a->acts.k), "mm", pv_gemm_takes(a) && a->acts.k <= PV_K_MAX,
          PV_WRITES_JOBS(pv_cuda_gemm))
