#include "kernels/cuda/append.h"

#include "kernels/cuda/common.cuh"

PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK) append(const pv_cuda_append a) {
  begin_kernel();
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x, row = blockIdx.y;
  if (i >= a.n) return;
  a.cache[static_cast<size_t>(a.step->position + row) * a.n + i] =
      a.x[static_cast<size_t>(row) * a.n + i];
}
