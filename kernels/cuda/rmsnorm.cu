/* y = (x * s) * weight, s = 1 / sqrt(mean of squares + eps), and the rounding of y for the product
 * that follows. Reference: rmsnorm and round of kernels/cpu. Wide sum of kernels/arith/act.h:
 * thread j is lane j. Grid (rows), block 256. */
#include "kernels/cuda/common.cuh"

PV_KERNEL __launch_bounds__(256) rmsnorm(const pv_cuda_norm a) {
  __shared__ float shared[PV_WIDE_LANES];
  const unsigned row = blockIdx.x, lane = threadIdx.x % 32;
  const unsigned first = a.step != nullptr ? a.step->count - a.step->logits : 0;
  const float *x = a.x + static_cast<size_t>(first + row) * a.n;
  float *out = a.out + static_cast<size_t>(row) * a.n;
  float sum = 0.0f;
  if (threadIdx.x < a.n) sum = x[threadIdx.x] * x[threadIdx.x];
  for (unsigned i = threadIdx.x + PV_WIDE_LANES; i < a.n; i += PV_WIDE_LANES)
    sum = pv_fma_f32(x[i], x[i], sum);
  sum = fold_block(sum, a.n < PV_WIDE_LANES ? a.n : PV_WIDE_LANES, shared);
  const float mean = pv_div_f32(sum, static_cast<float>(a.n));
  const float s = pv_div_f32(1.0f, pv_sqrt_f32(mean + a.eps));
  for (unsigned begin = 0; begin < a.n; begin += blockDim.x) {
    const unsigned i = begin + threadIdx.x, segment = i / PV_SEGMENT;
    float y = 0.0f;
    if (i < a.n) {
      y = (x[i] * s) * a.weight[i];
      out[i] = y;
    }
    if (a.acts.q != nullptr && segment < a.acts.segments)
      round_segment(a.acts, a.max, row, segment, y, lane);
  }
}
