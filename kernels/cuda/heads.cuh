/* Per-head RMSNorm and RoPE (pairs i, i + dim / 2, or neighbours, as product then fma) of one head
 * by one warp. Reference: rmsnorm, rope and rope_neighbours of kernels/cpu. dim <= 256. */
#pragma once

#include "kernels/cuda/common.cuh"
#include "kernels/cuda/heads.h"

/* What does not depend on the head: the row's position in the tables is already in cos and sin. */
struct head_turn {
  const float *cosine, *sine;
  unsigned dim;
  float eps;
  bool neighbours;
};

/* `normed` (shared) has room for dim; store(i, value) in the lane that has element i. dim is at
 * most 32 * each. Without a weight there is no norm. */
template <unsigned each, class Store>
__device__ __forceinline__ void turn_head(const head_turn &a, const float *from,
                                          const float *weight, float *normed, const Store &store) {
  const unsigned lane = threadIdx.x % 32, half = a.dim / 2;
  float x[each], squares[8] = {}, w[each], c[each], s[each];
#pragma unroll
  for (unsigned j = 0; j < each; j++) {
    const unsigned i = lane + 32 * j, pair = a.neighbours ? i / 2 : i < half ? i : i - half;
    const bool live = i < a.dim;
    x[j] = live ? from[i] : 0.0f;
    w[j] = live && weight != nullptr ? __ldg(weight + i) : 0.0f;
    c[j] = live ? __ldg(a.cosine + pair) : 0.0f;
    s[j] = live ? __ldg(a.sine + pair) : 0.0f;
    squares[j] = x[j] * x[j];
  }
  const float sum = __shfl_sync(every_lane, fold_strided(squares, a.dim, lane), 0);
  const float mean = pv_div_f32(sum, static_cast<float>(a.dim));
  const float scale = pv_div_f32(1.0f, pv_sqrt_f32(mean + a.eps));
#pragma unroll
  for (unsigned j = 0; j < each; j++)
    if (lane + 32 * j < a.dim)
      normed[lane + 32 * j] = weight != nullptr ? (x[j] * scale) * w[j] : x[j];
  __syncwarp();
#pragma unroll
  for (unsigned j = 0; j < each; j++) {
    const unsigned i = lane + 32 * j;
    if (i >= a.dim) continue;
    if (a.neighbours) {
      store(i, i % 2 == 0 ? pv_fma_f32(normed[i], c[j], -(normed[i + 1] * s[j]))
                          : pv_fma_f32(normed[i], c[j], normed[i - 1] * s[j]));
      continue;
    }
    unsigned partner = i < half ? i + half : i - half;
    asm("" : "+r"(partner)); /* a number of its own: no part of it moves into an address */
    const float other = normed[partner] * s[j];
    store(i, pv_fma_f32(normed[i], c[j], i < half ? -other : other));
  }
}

/* What usual heads are turned with, asked for when it is made: no kernel writes it, so that this
 * may be before the kernel before has ended. Usual heads have a norm and 32 * each elements, of
 * which i and i + dim / 2 are a pair, and lie in one lane. */
template <unsigned each>
struct usual_turn {
  float q_weight[each], k_weight[each], c[each / 2], s[each / 2];
  /* `table`: where the position begins in the tables. */
  __device__ __forceinline__ usual_turn(const pv_cuda_heads &h, size_t table) {
    const unsigned lane = threadIdx.x % 32;
#pragma unroll
    for (unsigned j = 0; j < each; j++) {
      q_weight[j] = load(h.q_weight + lane + 32 * j);
      k_weight[j] = load(h.k_weight + lane + 32 * j);
    }
#pragma unroll
    for (unsigned j = 0; j < each / 2; j++) {
      c[j] = load(h.cos + table + lane + 32 * j);
      s[j] = load(h.sin + table + lane + 32 * j);
    }
  }
  /* Now, and not where it is used. */
  static __device__ __forceinline__ float load(const float *p) {
    float v;
    asm volatile("ld.global.nc.f32 %0, [%1];" : "=f"(v) : "l"(p));
    return v;
  }
};

/* Heads that are not usual. */
template <>
struct usual_turn<0> {
  __device__ __forceinline__ usual_turn(const pv_cuda_heads &, size_t) {}
};

template <unsigned each, class Store>
__device__ __forceinline__ void turn_usual_head(const usual_turn<each> &by, float eps, bool is_q,
                                                const float *from, const Store &store) {
  constexpr unsigned dim = 32 * each, half = each / 2;
  const unsigned lane = threadIdx.x % 32;
  float x[each], squares[8] = {}, w[each];
#pragma unroll
  for (unsigned j = 0; j < each; j++) {
    x[j] = from[lane + 32 * j];
    w[j] = is_q ? by.q_weight[j] : by.k_weight[j];
    squares[j] = x[j] * x[j];
  }
  const float sum = __shfl_sync(every_lane, fold_strided(squares, dim, lane), 0);
  const float mean = pv_div_f32(sum, static_cast<float>(dim));
  const float scale = pv_div_f32(1.0f, pv_sqrt_f32(mean + eps));
#pragma unroll
  for (unsigned j = 0; j < half; j++) {
    const float low = (x[j] * scale) * w[j], high = (x[j + half] * scale) * w[j + half];
    store(lane + 32 * j, pv_fma_f32(low, by.c[j], -(high * by.s[j])));
    store(lane + 32 * (j + half), pv_fma_f32(high, by.c[j], low * by.s[j]));
  }
}
