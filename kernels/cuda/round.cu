#include "kernels/cuda/round.h"

#include "kernels/cuda/common.cuh"

/* A warp for each segment; the threads of a block have 256 elements. */
PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK) round_rows(const pv_cuda_round a) {
  begin_kernel();
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x, row = blockIdx.y;
  const float x = i < a.acts.k ? a.acts.x[static_cast<size_t>(row) * a.acts.stride + i] : 0.0f;
  uint32_t top = largest_of_warp(x);
  if (a.whole != 0) top = largest_of_block(top);
  if (i / PV_SEGMENT < a.acts.segments)
    store_rounded(round_segment(x, a.max, top), threadIdx.x % 32, a.acts, row, i / PV_SEGMENT);
}
