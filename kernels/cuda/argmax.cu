#include "kernels/cuda/argmax.h"

#include "kernels/cuda/common.cuh"

namespace {

struct candidate {
  float value;
  int index; /* -1: none */
};

__device__ __forceinline__ candidate better(candidate a, candidate b) {
  if (a.index < 0) return b;
  return b.index >= 0 && pv_before(b.value, b.index, a.value, a.index) ? b : a;
}

__device__ __forceinline__ candidate best_of_block(candidate c) {
  __shared__ float value[32];
  __shared__ int index[32];
  const unsigned lane = threadIdx.x % 32, warps = blockDim.x / 32;
  for (int round = 0; round < 2; round++) {
    for (unsigned s = 16; s > 0; s /= 2)
      c = better(
          c, {__shfl_xor_sync(every_lane, c.value, s), __shfl_xor_sync(every_lane, c.index, s)});
    if (round == 1) break;
    if (lane == 0) {
      value[threadIdx.x / 32] = c.value;
      index[threadIdx.x / 32] = c.index;
    }
    __syncthreads();
    c = {value[lane % warps], index[lane % warps]};
  }
  return c;
}

}  // namespace

PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK) argmax_parts(const pv_cuda_argmax a) {
  begin_kernel();
  const float *x = a.x + static_cast<size_t>(blockIdx.y) * a.n;
  candidate c = {0.0f, -1};
#pragma unroll 4
  for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < a.n; i += gridDim.x * blockDim.x)
    c = better(c, {x[i], static_cast<int>(i)});
  c = best_of_block(c);
  if (threadIdx.x == 0) a.part[static_cast<size_t>(blockIdx.y) * gridDim.x + blockIdx.x] = c.index;
}

PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK) argmax(const pv_cuda_argmax a) {
  begin_kernel();
  const float *x = a.x + static_cast<size_t>(blockIdx.x) * a.n;
  const int32_t *part = a.part + static_cast<size_t>(blockIdx.x) * a.parts;
  candidate c = {0.0f, -1};
  for (unsigned i = threadIdx.x; i < a.parts; i += blockDim.x)
    if (part[i] >= 0) c = better(c, {x[part[i]], part[i]});
  c = best_of_block(c);
  if (threadIdx.x == 0) a.out[blockIdx.x] = c.index;
}
