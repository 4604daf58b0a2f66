/* Softmax over all router logits, the `used` best by (value, index), their weights renormalised.
 * Reference: route of kernels/cpu. The order is taken from the logits: exp may merge two that
 * differ. Grid (rows), block 32. */
#include "kernels/cuda/common.cuh"

enum { EXPERTS_MAX = 1024 };

namespace {

struct candidate {
  float value;
  int index;
};

__device__ candidate best_of_warp(candidate c) {
  for (unsigned s = 16; s > 0; s /= 2) {
    const candidate other = {__shfl_xor_sync(every_lane, c.value, s),
                             __shfl_xor_sync(every_lane, c.index, s)};
    if (c.index < 0 || (other.index >= 0 && pv_before(other.value, other.index, c.value, c.index)))
      c = other;
  }
  return c;
}

/* Wide sum over shared memory, which is overwritten. */
__device__ float wide_sum(float *v, unsigned n, unsigned lane) {
  __syncwarp();
  for (unsigned j = lane; j < PV_WIDE_LANES; j += 32)
    for (unsigned i = j + PV_WIDE_LANES; i < n; i += PV_WIDE_LANES) v[j] += v[i];
  n = n < PV_WIDE_LANES ? n : PV_WIDE_LANES;
  for (unsigned s = power_above(n) / 2; s > 0; s /= 2) {
    __syncwarp();
    for (unsigned i = lane; i < s && i + s < n; i += 32) v[i] += v[i + s];
    n = n < s ? n : s;
  }
  __syncwarp();
  return v[0];
}

}  // namespace

PV_KERNEL __launch_bounds__(32) route(const pv_cuda_route a) {
  __shared__ float p[EXPERTS_MAX], kept[EXPERTS_MAX];
  __shared__ int chosen[EXPERTS_MAX];
  const unsigned lane = threadIdx.x;
  const float *logits = a.logits + static_cast<size_t>(blockIdx.x) * a.experts;
  uint32_t taken = 0; /* bit j: expert lane + 32 j */
  for (unsigned i = lane; i < a.experts; i += 32) p[i] = logits[i];
  __syncwarp();
  for (unsigned r = 0; r < a.used; r++) {
    candidate c = {0.0f, -1};
    for (unsigned i = lane; i < a.experts; i += 32)
      if (!(taken >> (i / 32) & 1u) && (c.index < 0 || pv_before(p[i], i, c.value, c.index)))
        c = {p[i], static_cast<int>(i)};
    c = best_of_warp(c);
    if (c.index % 32 == static_cast<int>(lane)) taken |= 1u << (c.index / 32);
    if (lane == 0) chosen[r] = c.index;
  }
  __syncwarp();
  const float top = p[chosen[0]];
  __syncwarp();
  for (unsigned i = lane; i < a.experts; i += 32) p[i] = pv_exp_f32(p[i] - top);
  __syncwarp();
  for (unsigned r = lane; r < a.used; r += 32) kept[r] = p[chosen[r]];
  const float all = wide_sum(p, a.experts, lane);
  const size_t at = static_cast<size_t>(blockIdx.x) * a.used;
  for (unsigned r = lane; r < a.used; r += 32) kept[r] = p[r] = pv_div_f32(kept[r], all);
  const float sum = wide_sum(p, a.used, lane);
  for (unsigned r = lane; r < a.used; r += 32) {
    a.indices[at + r] = chosen[r];
    a.weights[at + r] = pv_div_f32(kept[r], sum);
  }
}
