/* RMSNorm: y = (x * s) * weight, s = 1 / sqrt(mean of squares + eps), and the rounding of y for the
 * product that follows. Reference: rmsnorm and round of kernels/cpu. Wide sum of
 * kernels/arith/act.h: thread j of 256 is wide lane j. */
#pragma once

#include "kernels/cuda/rmsnorm.h"
#include "kernels/cuda/segments.cuh"

/* The sum of the squares of n (or `known`) elements: thread j is wide lane j. */
template <unsigned known>
__device__ __forceinline__ float square_sum(const float *x, unsigned n) {
  __shared__ float squares[PV_WIDE_LANES];
  constexpr unsigned each = 8;
  const unsigned lane = threadIdx.x % 32;
  float sum = 0.0f, part[8];
  for (unsigned begin = 0; begin < n; begin += each * PV_WIDE_LANES) {
    float v[each];
#pragma unroll
    for (unsigned j = 0; j < each; j++) {
      const unsigned i = begin + threadIdx.x + PV_WIDE_LANES * j;
      v[j] = known > 0 || i < n ? x[i] : 0.0f;
    }
#pragma unroll
    for (unsigned j = 0; j < each; j++)
      if (known > 0 || begin + threadIdx.x + PV_WIDE_LANES * j < n)
        sum = begin + j == 0 ? v[j] * v[j] : pv_fma_f32(v[j], v[j], sum);
  }
  squares[threadIdx.x] = sum;
  __syncthreads();
#pragma unroll
  for (unsigned j = 0; j < 8; j++) part[j] = squares[lane + 32 * j]; /* every warp folds them */
  sum = fold_strided(part, n < PV_WIDE_LANES ? n : PV_WIDE_LANES, lane);
  return __shfl_sync(every_lane, sum, 0);
}

/* The block's 256 threads norm row `row`, of `known` elements, or any where that is 0. The result
 * goes to `to` where that is given, as it is, rounded, or both; and to global memory when `keep`.
 */
template <unsigned known>
__device__ __forceinline__ void norm_row(const pv_cuda_norm &a, unsigned row, const shared_acts &to,
                                         bool keep) {
  const unsigned first = a.step != nullptr ? a.step->count - a.step->logits : 0;
  const unsigned n = known > 0 ? known : a.n;
  const float *x = a.x + static_cast<size_t>(first + row) * n;
  /* For the sum thread j is wide lane j; for the rest a thread has eight neighbouring elements, a
   * quarter of a segment. Both are loaded at once; for rows up to 2048 that is all of them. */
  constexpr unsigned each = 8, chunk = each * PV_WIDE_LANES;
  static_assert(known % chunk == 0, "every thread has eight elements");
  float y[each], weight[each];
  const bool eights = n % each == 0; /* no thread's elements end within the row */
  const auto load = [&](unsigned begin) {
    if (eights) {
      unsigned i = begin + each * threadIdx.x;
      if (known == 0) i = min(i, n - each);
      load_eight(x + i, y);
      load_eight<PV_TYPE_F32>(reinterpret_cast<const uint8_t *>(a.weight), i, weight);
    } else {
#pragma unroll
      for (unsigned j = 0; j < each; j++) {
        const unsigned i = begin + each * threadIdx.x + j;
        y[j] = i < n ? x[i] : 0.0f;
        weight[j] = i < n ? __ldg(a.weight + i) : 0.0f;
      }
    }
  };
  load(0);
  const float mean = pv_div_f32(square_sum<known>(x, n), static_cast<float>(n));
  const float s = pv_div_f32(1.0f, pv_sqrt_f32(mean + a.eps));
  for (unsigned begin = 0; begin < n; begin += chunk) {
    const unsigned first = begin + each * threadIdx.x, segment = first / PV_SEGMENT;
    if (begin > 0) load(begin);
#pragma unroll
    for (unsigned j = 0; j < each; j++) y[j] = (y[j] * s) * weight[j];
    const auto keep_at = [&](float *place) {
      if (known > 0) {
        reinterpret_cast<float4 *>(place)[0] = {y[0], y[1], y[2], y[3]};
        reinterpret_cast<float4 *>(place)[1] = {y[4], y[5], y[6], y[7]};
      } else {
#pragma unroll
        for (unsigned j = 0; j < each; j++)
          if (first + j < n) place[j] = y[j];
      }
    };
    if (keep) keep_at(a.out + static_cast<size_t>(row) * n + first);
    if (to.x != nullptr) keep_at(to.x + first);
    if (a.acts.q == nullptr || (to.q == nullptr && !keep)) continue;
    const rounded_quarter r = round_quarter(y, a.max, a.whole != 0);
    if (known == 0 && segment >= a.acts.segments) continue;
    const size_t at = static_cast<size_t>(row) * a.acts.segments + segment;
    if (keep) store_quarter(r, threadIdx.x % 4, a.acts.q + at * 64, a.acts.d + at, a.acts.sum + at);
    if (to.q != nullptr)
      store_quarter(r, threadIdx.x % 4, to.q + segment / 2 * PV_CUDA_PAIR_BYTES + segment % 2 * 64,
                    to.d + segment, to.sum + segment);
  }
}
