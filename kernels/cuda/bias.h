/* Up to three sums of rows and a vector; by expert, each row with the vector of its own. Reference:
 * bias of kernels/cpu. */
#ifndef PV_CUDA_BIAS_H
#define PV_CUDA_BIAS_H

#include "kernels/cuda/args.h"

typedef struct pv_cuda_bias_job {
  PV_DEVICE(const float) x; /* rows of n */
  PV_DEVICE(const float) bias;
  PV_DEVICE(float) out;
  uint32_t n;
} pv_cuda_bias_job;
PV_LAYOUT(pv_cuda_bias_job, 32, n, 24);

typedef struct pv_cuda_bias {
  pv_cuda_bias_job job[PV_CUDA_JOBS];
  PV_DEVICE(const int32_t) experts; /* of each row; 0: there is one vector */
  uint32_t jobs;
} pv_cuda_bias;
PV_LAYOUT(pv_cuda_bias, 112, jobs, 104);

/* Blocks of all jobs for one row. */
static inline size_t pv_bias_blocks(const pv_cuda_bias *a) {
  size_t blocks = 0;
  for (uint32_t j = 0; j < a->jobs; j++) blocks += pv_cuda_parts(a->job[j].n, PV_CUDA_BLOCK);
  return blocks;
}

#endif

PV_KERNEL(bias, pv_cuda_bias, PV_GRID(pv_bias_blocks(a), rows, 1), PV_CUDA_BLOCK, 0, "bias",
          a->jobs > 0 && a->jobs <= PV_CUDA_JOBS && pv_bias_blocks(a) > 0,
          PV_WRITES(pv_cuda_bias, job[0].out), PV_WRITES(pv_cuda_bias, job[1].out),
          PV_WRITES(pv_cuda_bias, job[2].out))
