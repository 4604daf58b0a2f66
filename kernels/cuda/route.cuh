/* Softmax over all router logits, the `used` best by (value, index), their weights renormalised;
 * one warp on a row. Reference: route of kernels/cpu. The order is taken from the logits: exp may
 * merge two that differ. */
#pragma once

#include "kernels/cuda/common.cuh"

/* Keys that order as pv_before does before it looks at the index: larger is better, a NaN is below
 * every number, zeros are equal. 0 is free for what was taken. */
__device__ __forceinline__ uint32_t order_key(float x) {
  const uint32_t u = pv_bits_f32(x + 0.0f);
  if (!(x == x)) return 1;
  return u & 0x80000000u ? ~u : u | 0x80000000u;
}

/* Wide sum of n values; lane l holds the values l + 32 j. The sum is in every lane. */
template <int per>
__device__ __forceinline__ float wide_sum(const float (&v)[per], unsigned n, unsigned lane) {
  float sum[8];
#pragma unroll
  for (unsigned j = 0; j < 8; j++) {
    sum[j] = j < per ? v[j < per ? j : 0] : 0.0f;
#pragma unroll
    for (unsigned i = j + 8; i < per; i += 8)
      if (lane + 32 * i < n) sum[j] += v[i];
  }
  const unsigned first = n < PV_WIDE_LANES ? n : PV_WIDE_LANES;
  return __shfl_sync(every_lane, fold_strided(sum, first, lane), 0);
}

/* At most 32 * per experts. `chosen` (shared, `used` entries) gets the indices; with `keep` indices
 * and weights go to the row's place in global memory. */
template <int per>
__device__ __forceinline__ void route_row(const pv_cuda_route &a, unsigned row, int *chosen,
                                          bool keep) {
  const unsigned lane = threadIdx.x % 32;
  const float *logits = a.logits + static_cast<size_t>(row) * a.experts;
  float v[per];
  uint32_t key[per];
#pragma unroll
  for (unsigned j = 0; j < per; j++) {
    v[j] = lane + 32 * j < a.experts ? logits[lane + 32 * j] : 0.0f;
    key[j] = lane + 32 * j < a.experts ? order_key(v[j]) : 0;
  }
  for (unsigned r = 0; r < a.used; r++) {
    uint32_t best = 0, index = 0xffffffffu;
#pragma unroll
    for (unsigned j = 0; j < per; j++) best = max(best, key[j]);
    best = __reduce_max_sync(every_lane, best);
#pragma unroll
    for (unsigned j = 0; j < per; j++)
      if (key[j] == best) index = min(index, lane + 32 * j);
    index = __reduce_min_sync(every_lane, index);
#pragma unroll
    for (unsigned j = 0; j < per; j++)
      if (lane + 32 * j == index) key[j] = 0;
    if (lane == 0) chosen[r] = static_cast<int>(index);
  }
  __syncwarp();
  if (!keep) return;
  const float top = logits[chosen[0]];
  float kept[per];
#pragma unroll
  for (unsigned j = 0; j < per; j++) v[j] = pv_exp_f32(v[j] - top);
  const float all = wide_sum(v, a.experts, lane);
#pragma unroll
  for (unsigned j = 0; j < per; j++)
    kept[j] = lane + 32 * j < a.used
                  ? pv_div_f32(pv_exp_f32(logits[chosen[lane + 32 * j]] - top), all)
                  : 0.0f;
  const float sum = wide_sum(kept, a.used, lane);
  const size_t at = static_cast<size_t>(row) * a.used;
#pragma unroll
  for (unsigned j = 0; j < per; j++)
    if (lane + 32 * j < a.used) {
      a.indices[at + lane + 32 * j] = chosen[lane + 32 * j];
      a.weights[at + lane + 32 * j] = pv_div_f32(kept[j], sum);
    }
}

enum { ROUTE_FEW = 4, ROUTE_MANY = 32 }; /* up to 128 and up to 1024 experts */

__device__ __forceinline__ void route_row(const pv_cuda_route &a, unsigned row, int *chosen,
                                          bool keep) {
  if (a.experts <= 32 * ROUTE_FEW)
    route_row<ROUTE_FEW>(a, row, chosen, keep);
  else
    route_row<ROUTE_MANY>(a, row, chosen, keep);
}
