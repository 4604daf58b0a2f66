/* Routing of a row: the `used` best experts by (value, index), and their weights in one of three
 * forms (kernels/arith/act.h). Reference: route of kernels/cpu. The order is taken from the logits:
 * exp may merge two that differ. */
#pragma once

#include "kernels/cuda/common.cuh"
#include "kernels/cuda/route.h"

/* Keys that order as pv_before does before it looks at the index: larger is better, a NaN is below
 * every number, zeros are equal. */
__device__ __forceinline__ uint32_t order_key(float x) {
  const uint32_t u = pv_bits_f32(x + 0.0f);
  if (!(x == x)) return 0;
  return u & 0x80000000u ? ~u : u | 0x80000000u;
}

/* All threads of a block: an expert's rank is the number of those before it. Two neighbouring
 * threads count for one expert. `key` (shared) has room for the experts rounded up to eight,
 * `chosen` (shared) gets the `used` best. Ends with a barrier. */
__device__ __forceinline__ void choose(const pv_cuda_route &a, unsigned row, uint32_t *key,
                                       int *chosen) {
  const float *logits = a.logits + static_cast<size_t>(row) * a.experts;
  const unsigned eights = (a.experts + 7) / 8, half = threadIdx.x % 2;
  for (unsigned i = threadIdx.x; i < 8 * eights; i += blockDim.x)
    key[i] = i < a.experts ? order_key(logits[i]) : 0; /* past the end: after every expert */
  __syncthreads();
  for (unsigned first = 0; first < a.experts; first += blockDim.x / 2) {
    const unsigned i = min(first + threadIdx.x / 2, a.experts - 1);
    const uint32_t mine = key[i];
    unsigned before = 0;
    /* At least `mine` is before it where the index is smaller, else at least mine + 1 (no key is
     * the largest number). Its own four are counted like those that follow. */
#pragma unroll 4
    for (unsigned j = 0; j < eights; j++) {
      const unsigned four = 2 * j + half;
      const uint4 k = reinterpret_cast<const uint4 *>(key)[four];
      const uint32_t least = mine + (four >= i / 4);
      before += (k.x >= least) + (k.y >= least) + (k.z >= least) + (k.w >= least);
    }
    before += __shfl_xor_sync(every_lane, before, 1);
    const uint4 own = reinterpret_cast<const uint4 *>(key)[i / 4];
    before +=
        (i % 4 > 0 && own.x == mine) + (i % 4 > 1 && own.y == mine) + (i % 4 > 2 && own.z == mine);
    if (half == 0 && first + threadIdx.x / 2 < a.experts && before < a.used)
      chosen[before] = static_cast<int>(i);
  }
  __syncthreads();
}

/* Wide sum of n values in shared memory, by one warp. The sum is in every lane. */
__device__ __forceinline__ float wide_sum(const float *v, unsigned n, unsigned lane) {
  float sum[8];
#pragma unroll
  for (unsigned j = 0; j < 8; j++) {
    const unsigned first = lane + 32 * j;
    sum[j] = first < n ? v[first] : 0.0f;
#pragma unroll 1
    for (unsigned i = first + PV_WIDE_LANES; i < n; i += PV_WIDE_LANES) sum[j] += v[i];
  }
  const unsigned folded = n < PV_WIDE_LANES ? n : PV_WIDE_LANES;
  return __shfl_sync(every_lane, fold_strided(sum, folded, lane), 0);
}

/* One warp, after choose(): indices and weights to global memory. `p` (shared) has room for the
 * experts. */
__device__ __forceinline__ void keep_route(const pv_cuda_route &a, unsigned row, const int *chosen,
                                           float *p) {
  const unsigned lane = threadIdx.x % 32;
  const float *logits = a.logits + static_cast<size_t>(row) * a.experts;
  const size_t at = static_cast<size_t>(row) * a.used;
  const float top = logits[chosen[0]];
  for (unsigned i = lane; i < a.experts; i += 32) p[i] = pv_exp_f32(logits[i] - top);
  __syncwarp();
  const float all = a.form == PV_ROUTE_CHOSEN ? 1.0f : wide_sum(p, a.experts, lane);
  __syncwarp();
  for (unsigned r = lane; r < a.used; r += 32)
    p[r] = pv_div_f32(pv_exp_f32(logits[chosen[r]] - top), all);
  __syncwarp();
  const float sum = a.form == PV_ROUTE_ALL ? 1.0f : wide_sum(p, a.used, lane);
  for (unsigned r = lane; r < a.used; r += 32) {
    if (a.indices != nullptr) a.indices[at + r] = chosen[r];
    if (a.weights != nullptr) a.weights[at + r] = pv_div_f32(p[r], sum);
  }
}
