/* RMSNorm: y = (x * s) * weight, s = 1 / sqrt(mean of squares + eps), and the rounding of y for the
 * product that follows. Reference: rmsnorm and round of kernels/cpu. Wide sum of
 * kernels/arith/act.h: thread j of 256 is wide lane j. */
#pragma once

#include "kernels/cuda/segments.cuh"

/* The block's 256 threads norm row `row`. The result goes to `to` where that is given, and to
 * global memory when `keep`. */
__device__ __forceinline__ void norm_row(const pv_cuda_norm &a, unsigned row, const shared_acts *to,
                                         bool keep) {
  __shared__ float squares[PV_WIDE_LANES];
  const unsigned lane = threadIdx.x % 32;
  const unsigned first = a.step != nullptr ? a.step->count - a.step->logits : 0;
  const float *x = a.x + static_cast<size_t>(first + row) * a.n;
  float sum = 0.0f, part[8];
  if (threadIdx.x < a.n) sum = x[threadIdx.x] * x[threadIdx.x];
#pragma unroll 8
  for (unsigned i = threadIdx.x + PV_WIDE_LANES; i < a.n; i += PV_WIDE_LANES)
    sum = pv_fma_f32(x[i], x[i], sum);
  squares[threadIdx.x] = sum;
  __syncthreads();
#pragma unroll
  for (unsigned j = 0; j < 8; j++) part[j] = squares[lane + 32 * j]; /* every warp folds them */
  sum = fold_strided(part, a.n < PV_WIDE_LANES ? a.n : PV_WIDE_LANES, lane);
  sum = __shfl_sync(every_lane, sum, 0);
  const float mean = pv_div_f32(sum, static_cast<float>(a.n));
  const float s = pv_div_f32(1.0f, pv_sqrt_f32(mean + a.eps));
#pragma unroll 4
  for (unsigned begin = 0; begin < a.n; begin += PV_WIDE_LANES) {
    const unsigned i = begin + threadIdx.x, segment = i / PV_SEGMENT;
    float y = 0.0f;
    if (i < a.n) {
      y = (x[i] * s) * a.weight[i];
      if (keep) a.out[static_cast<size_t>(row) * a.n + i] = y;
      if (to != nullptr) to->x[i] = y;
    }
    if (a.acts.q == nullptr || segment >= a.acts.segments) continue;
    const rounded r = round_segment(y, a.max);
    if (keep) store_rounded(r, lane, a.acts, row, segment);
    if (to != nullptr)
      store_rounded(r, lane, to->q + segment / 2 * PAIR_BYTES + segment % 2 * 64, to->d + segment,
                    to->sum + segment);
  }
}
