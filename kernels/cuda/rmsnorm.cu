/* RMSNorm and rounding of whole batches: see norm.cuh. Grid (rows), block 256. */
#include "kernels/cuda/norm.cuh"

PV_KERNEL __launch_bounds__(256) rmsnorm(const pv_cuda_norm a) {
  begin_kernel();
  norm_row(a, blockIdx.x, nullptr, true);
}
