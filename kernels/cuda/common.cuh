/* What several kernels share: the sums of kernels/arith/act.h over the threads of a warp or of a
 * block, and the rounding of activations. */
#pragma once

#include "kernels/arith/act.h"
#include "kernels/arith/arith.h"
#include "kernels/cuda/params.h"

#define PV_KERNEL extern "C" __global__ void

constexpr unsigned every_lane = 0xffffffffu;

__device__ __forceinline__ unsigned power_above(unsigned n) { /* smallest power of two >= n >= 1 */
  return n <= 1 ? 1 : 1u << (32 - __clz(static_cast<int>(n - 1)));
}

/* Fold of n <= 2 * width values, two in each lane: lane l of its group of `width` holds the values
 * 2 l and 2 l + 1. The sum is in lane 0 of the group. */
__device__ __forceinline__ float fold_pairs(float a, float b, unsigned n, unsigned lane,
                                            unsigned width) {
  for (unsigned s = power_above(n) / 2; s >= 2; s /= 2) {
    const float c = __shfl_down_sync(every_lane, a, s / 2, width);
    const float d = __shfl_down_sync(every_lane, b, s / 2, width);
    if (2 * lane + s < n) a += c;
    if (2 * lane + 1 + s < n) b += d;
    n = n < s ? n : s;
  }
  return n > 1 ? a + b : a;
}

/* Fold of n <= 32 values, one in each lane of a full warp. The sum is in lane 0. */
__device__ __forceinline__ float fold_warp(float v, unsigned n, unsigned lane) {
  for (unsigned s = power_above(n) / 2; s > 0; s /= 2) {
    const float c = __shfl_down_sync(every_lane, v, s);
    if (lane + s < n) v += c;
    n = n < s ? n : s;
  }
  return v;
}

/* Fold of n values, one in each of the block's first n threads (n <= 256); every thread gets the
 * sum. `shared` has room for 256. */
__device__ __forceinline__ float fold_block(float value, unsigned n, float *shared) {
  const unsigned at = threadIdx.x;
  unsigned s = power_above(n) / 2;
  if (at < n) shared[at] = value;
  __syncthreads();
  for (; s >= 32; s /= 2) {
    if (at < s && at + s < n) shared[at] += shared[at + s];
    n = n < s ? n : s;
    __syncthreads();
  }
  if (at < 32) {
    float v = fold_warp(at < n ? shared[at] : 0.0f, n, at);
    if (at == 0) shared[0] = v;
  }
  __syncthreads();
  const float sum = shared[0];
  __syncthreads();
  return sum;
}

/* Rounds the segment whose 32 elements the lanes of a warp hold. `row` and `segment` say where it
 * goes. */
__device__ __forceinline__ void round_segment(const pv_cuda_acts &acts, float max, unsigned row,
                                              unsigned segment, float x, unsigned lane) {
  const uint32_t top = __reduce_max_sync(every_lane, pv_bits_f32(x) & 0x7fffffffu);
  const float a = pv_f32_bits(top);
  const bool damaged = top >= 0x7f800000u, zero = a < PV_ACT_TINY;
  int q = 0;
  if (!damaged && !zero) q = static_cast<int>(pv_rint_f32(x * pv_div_f32(max, a)));
  const int sum = __reduce_add_sync(every_lane, q);
  const int high = (q + 128) >> 8, low = q - 256 * high;
  const size_t at = static_cast<size_t>(row) * acts.segments + segment;
  uint8_t *bytes = acts.q + at * 64 + lane % 16 / 4 * 16 + lane / 16 * 4 + lane % 4;
  bytes[0] = static_cast<uint8_t>(high);
  bytes[8] = static_cast<uint8_t>(low);
  if (lane == 0) {
    acts.d[at] = damaged ? pv_f32_bits(0x7fc00000u) : zero ? 0.0f : pv_div_f32(a, max);
    acts.sum[at] = sum;
  }
}
