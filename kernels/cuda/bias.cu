#include "kernels/cuda/bias.h"

#include "kernels/cuda/common.cuh"

PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK) bias(const pv_cuda_bias a) {
  begin_kernel();
  unsigned block = blockIdx.x;
  pv_cuda_bias_job job = a.job[0];
#pragma unroll
  for (unsigned j = 1; j < PV_CUDA_JOBS; j++) {
    const unsigned blocks = (a.job[j - 1].n + blockDim.x - 1) / blockDim.x;
    if (j >= a.jobs || block < blocks) break;
    block -= blocks;
    job = a.job[j];
  }
  const unsigned i = block * blockDim.x + threadIdx.x, row = blockIdx.y;
  if (i >= job.n) return;
  const size_t at = static_cast<size_t>(row) * job.n + i;
  const size_t vector = a.experts != nullptr ? static_cast<size_t>(a.experts[row]) * job.n : 0;
  job.out[at] = job.x[at] + job.bias[vector + i];
}
