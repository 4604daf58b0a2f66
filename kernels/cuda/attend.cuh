/* What the kernels of attention share. Positions in chunks of PV_ATTENTION_CHUNK: each chunk has
 * its own maximum, sum of exponentials and weighted values; then the chunks are combined by narrow
 * sums with factors exp(top_c - M). Reference: attend of kernels/cpu. */
#pragma once

#include "kernels/cuda/attend.h"
#include "kernels/cuda/common.cuh"

/* The first position that `position` sees. */
__device__ __forceinline__ unsigned seen_from(const pv_cuda_attend &a, unsigned position) {
  return a.window > 0 && position >= a.window ? position + 1 - a.window : 0;
}

/* The larger; a NaN stays. */
__device__ __forceinline__ float larger(float m, float e) {
  return e > m || !(e == e) ? e : m;
}

__device__ __forceinline__ float larger_of_warp(float m) {
#pragma unroll
  for (unsigned s = 16; s > 0; s /= 2) m = larger(m, __shfl_xor_sync(every_lane, m, s));
  return m;
}

/* Scores become exponentials; one warp works on one head, whose scores lie `stride` apart. */
__device__ __forceinline__ void exponentials(float *e, unsigned stride, unsigned count, float *top,
                                             float *sum) {
  const unsigned lane = threadIdx.x % 32;
  float *first = e + lane * stride, *second = first + 32 * stride;
  const bool has_first = lane < count, has_second = lane + 32 < count;
  const float least = pv_f32_bits(0xff800000u); /* of lanes without a score */
  float a = has_first ? *first : least, b = has_second ? *second : least;
  const float m = larger_of_warp(larger(a, b));
  a = pv_exp_f32(a - m);
  b = pv_exp_f32(b - m);
  if (has_first) *first = a;
  if (has_second) *second = b;
  a = fold_warp(has_second ? a + b : a, count < 32 ? count : 32, lane);
  if (lane == 0) {
    *top = m;
    *sum = a;
  }
}
