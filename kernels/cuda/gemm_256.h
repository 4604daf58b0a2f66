/* Products of matrices whose types have blocks of 256 weights with many rows of activations,
 * identities i16 and i8. Reference: mm of kernels/cpu. */
#ifndef PV_CUDA_GEMM_256_H
#define PV_CUDA_GEMM_256_H

#include "kernels/cuda/gemm.h"

enum {
  PV_GEMM_256_WARPS = 8,
  PV_GEMM_256_THREADS = 32 * PV_GEMM_256_WARPS,
  PV_GEMM_256_ROWS = 16 * PV_GEMM_256_WARPS, /* of a matrix, for one block */
  PV_GEMM_256_STAGES = 3,
  PV_GEMM_256_TOKEN = 576,             /* bytes of a row's 256 activations: padded, for the banks */
  PV_GEMM_256_SIDE = PV_CUDA_TILE + 8, /* words of one thing of all rows, the same */
  PV_GEMM_256_SIDE_WORDS = 7,          /* of a row: the digits of its sums (6), and its scale */
  PV_GEMM_256_STAGE =
      PV_CUDA_TILE * PV_GEMM_256_TOKEN + PV_GEMM_256_SIDE_WORDS * PV_GEMM_256_SIDE * 4
};

/* Blocks of all jobs. */
static inline size_t pv_gemm_256_blocks(const pv_cuda_gemm *a) {
  size_t blocks = 0;
  for (uint32_t j = 0; j < a->jobs; j++)
    blocks += pv_cuda_parts(a->job[j].rows.count, PV_GEMM_256_ROWS);
  return blocks;
}

/* Shared memory: activations and what belongs to them, then 16 floats a thread for each level of
 * the fold's tree from that of two leaves on, but the last. */
static inline size_t pv_gemm_256_shared(size_t k) {
  size_t levels = 0;
  for (size_t leaves = k / 256; leaves > (size_t)2 << levels;) levels++;
  return PV_GEMM_256_STAGES * PV_GEMM_256_STAGE + levels * PV_GEMM_256_THREADS * 16 * sizeof(float);
}

/* Whether all matrices have blocks of 256, and whether gemm_256 has a path for their types. */
static inline bool pv_gemm_256_takes(const pv_cuda_gemm *a, bool own_path) {
  for (uint32_t j = 0; j < a->jobs; j++) {
    const uint32_t type = a->job[j].rows.type;
    const bool has = type == PV_TYPE_Q4_K || type == PV_TYPE_Q5_K || type == PV_TYPE_Q6_K;
    if (!pv_cuda_whole(type) || has != own_path) return false;
  }
  return a->acts.k <= PV_K_MAX;
}

#endif

#define PV_GEMM_256(own_path)                                                 \
  pv_cuda_gemm, PV_GRID(pv_gemm_256_blocks(a), rows, 1), PV_GEMM_256_THREADS, \
      pv_gemm_256_shared(a->acts.k), "mm", pv_gemm_256_takes(a, own_path),    \
      PV_WRITES_JOBS(pv_cuda_gemm)
/* rows: tiles, or as many as there can be */
PV_KERNEL(gemm_256, PV_GEMM_256(true))
PV_KERNEL(gemm_256_any, PV_GEMM_256(false))
