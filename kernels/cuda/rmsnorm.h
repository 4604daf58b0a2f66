/* RMSNorm of rows, and what the result is rounded to for the product that follows (norm.cuh).
 * Reference: rmsnorm and round of kernels/cpu. */
#ifndef PV_CUDA_RMSNORM_H
#define PV_CUDA_RMSNORM_H

#include "kernels/cuda/args.h"

typedef struct pv_cuda_norm {
  PV_DEVICE(const float) x;
  PV_DEVICE(const float) weight;
  PV_DEVICE(const pv_cuda_step) step; /* not 0: x begins at row count - logits of the batch */
  PV_DEVICE(float) out;
  pv_cuda_acts acts;
  uint32_t n;
  float eps;
  float max;      /* PV_ACT16_MAX or PV_ACT8_MAX */
  uint32_t whole; /* rounded in blocks of 256; 0: of 32 */
} pv_cuda_norm;
PV_LAYOUT(pv_cuda_norm, 96, whole, 92);

#endif

PV_KERNEL(rmsnorm, pv_cuda_norm, PV_GRID(rows, 1, 1), PV_CUDA_BLOCK, 0, "rmsnorm, round", a->n > 0,
          PV_WRITES(pv_cuda_norm, out), PV_WRITES_ACTS(pv_cuda_norm, acts))
