/* Index of the best value by (value, index): pv_before of kernels/arith is the reference.
 * Grid (rows), block 1024. */
#include "kernels/cuda/common.cuh"

PV_KERNEL __launch_bounds__(1024) argmax(const pv_cuda_argmax a) {
  __shared__ float value[32];
  __shared__ int index[32];
  const float *x = a.x + static_cast<size_t>(blockIdx.x) * a.n;
  const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  int best = threadIdx.x < a.n ? static_cast<int>(threadIdx.x) : 0;
  float v = x[best];
  for (unsigned i = threadIdx.x + blockDim.x; i < a.n; i += blockDim.x)
    if (pv_before(x[i], i, v, best)) {
      v = x[i];
      best = static_cast<int>(i);
    }
  for (int round = 0; round < 2; round++) {
    for (unsigned s = 16; s > 0; s /= 2) {
      const float other = __shfl_xor_sync(every_lane, v, s);
      const int at = __shfl_xor_sync(every_lane, best, s);
      if (pv_before(other, at, v, best)) {
        v = other;
        best = at;
      }
    }
    if (round == 1) break;
    if (lane == 0) {
      value[warp] = v;
      index[warp] = best;
    }
    __syncthreads();
    v = value[lane];
    best = index[lane];
  }
  if (threadIdx.x == 0) a.out[blockIdx.x] = best;
}
