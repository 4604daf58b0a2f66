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

/* Sums over chunks of the elements of one thread: that of the values, and that of the sums. */
template <unsigned each>
struct combined {
  float value[each], sum;
};

template <unsigned each>
__device__ __forceinline__ combined<each> fold_narrow(float (&value)[PV_NARROW_LANES][each],
                                                      float (&sum)[PV_NARROW_LANES], unsigned n) {
  combined<each> out;
#pragma unroll
  for (unsigned s = PV_NARROW_LANES / 2; s > 0; s /= 2) {
#pragma unroll
    for (unsigned l = 0; l < s; l++)
      if (l + s < n) {
        sum[l] += sum[l + s];
#pragma unroll
        for (unsigned i = 0; i < each; i++) value[l][i] += value[l + s][i];
      }
    n = n < s ? n : s;
  }
#pragma unroll
  for (unsigned i = 0; i < each; i++) out.value[i] = value[0][i];
  out.sum = sum[0];
  return out;
}

/* The largest of a head's chunks; a warp works on it. */
__device__ __forceinline__ float largest_top(const float *top, unsigned chunks) {
  const unsigned lane = threadIdx.x % 32;
  float m = top[min(lane, chunks - 1)];
  for (unsigned c = lane + 32; c < chunks; c += 32) m = larger(m, top[c]);
  return larger_of_warp(m);
}

/* `each` neighbouring elements of a chunk's values. */
template <unsigned each>
__device__ __forceinline__ void load_values(const float *from, float (&v)[each]) {
  static_assert(each == 1 || each == 4, "a load of one or of four");
  if constexpr (each == 1) {
    v[0] = from[0];
  } else {
    const float4 four = *reinterpret_cast<const float4 *>(from);
    v[0] = four.x, v[1] = four.y, v[2] = four.z, v[3] = four.w;
  }
}

/* A warp works on one head, of which `value` is where the thread's own elements of the first chunk
 * are: each factor is computed once, in the lane of its chunk. */
template <unsigned each>
__device__ __forceinline__ combined<each> combine_together(const float *top, const float *sum,
                                                           const float *value, unsigned dim,
                                                           unsigned chunks, float m) {
  constexpr unsigned LANES = PV_NARROW_LANES;
  const unsigned mine = threadIdx.x % 32;
  float total[LANES], lane[LANES][each], next[LANES][each], factor = 0.0f, part = 0.0f;
  const auto ask = [&](unsigned c) {
#pragma unroll
    for (unsigned l = 0; l < LANES; l++)
      load_values(value + static_cast<size_t>(min(c + l, chunks - 1)) * dim, next[l]);
  };
  ask(0);
  for (unsigned c = 0; c < chunks; c += LANES) {
    float v[LANES][each];
#pragma unroll
    for (unsigned l = 0; l < LANES; l++)
#pragma unroll
      for (unsigned i = 0; i < each; i++) v[l][i] = next[l][i];
    if (c + LANES < chunks) ask(c + LANES);
    if (c % 32 == 0) {
      const unsigned of = min(c + mine, chunks - 1);
      factor = pv_exp_f32(top[of] - m);
      part = sum[of];
    }
#pragma unroll
    for (unsigned l = 0; l < LANES; l++) {
      const float f = __shfl_sync(every_lane, factor, c % 32 + l);
      const float n = __shfl_sync(every_lane, part, c % 32 + l);
      if (c + l >= chunks) break;
      total[l] = c == 0 ? f * n : pv_fma_f32(f, n, total[l]);
#pragma unroll
      for (unsigned i = 0; i < each; i++)
        lane[l][i] = c == 0 ? f * v[l][i] : pv_fma_f32(f, v[l][i], lane[l][i]);
    }
  }
  return fold_narrow(lane, total, min(chunks, LANES));
}
