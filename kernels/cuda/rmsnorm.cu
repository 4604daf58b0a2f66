#include "kernels/cuda/rmsnorm.h"

#include "kernels/cuda/norm.cuh"

PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK) rmsnorm(const pv_cuda_norm a) {
  begin_kernel();
  norm_row<0>(a, blockIdx.x, {}, true);
}
