/* Identity f32-f64acc (kernels/arith/act.h): one warp on a row; lane l sums the elements l, l + 32,
 * ... of each 256 by fma in float64 from 0 and adds that to its own sum; at the end each lane is
 * rounded to float32 and the lanes are folded by five shuffles. Weights are exact in float64.
 */
#include "kernels/cuda/gemv_f64acc.h"

#include "kernels/cuda/types.cuh"

template <int type>
__device__ __forceinline__ double exact_weight(const uint8_t *row, unsigned i) {
  if constexpr (is_quantised(type)) {
    const weight w = weight_at<type>(row, i);
    const double product = static_cast<double>(w.d) * static_cast<double>(w.sc * w.q);
    return has_minimum<type>() ? product + static_cast<double>(w.m) * static_cast<double>(w.lo)
                               : product;
  } else {
    return static_cast<double>(plain_at<type>(row, i));
  }
}

template <int type>
__device__ __forceinline__ void gemv_f64acc(const pv_cuda_gemv &a) {
  const pv_cuda_job &job = a.job[0];
  const unsigned lane = threadIdx.x % 32, r = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
  const unsigned at = blockIdx.y, k = a.acts.k;
  if (r >= job.rows.count) return;
  const uint8_t *row = job.rows.data + r * job.rows.row_bytes;
  if (a.experts != nullptr) row += a.experts[at] * job.rows.expert_bytes;
  const float *x = a.acts.x + static_cast<size_t>(at / a.acts.share) * a.acts.stride;
  double sum = 0.0;
  for (unsigned c = 0; c < k; c += 256) {
    double chunk = 0.0;
    for (unsigned i = c + lane; i < k && i < c + 256; i += 32)
      chunk = pv_fma_f64(exact_weight<type>(row, i), static_cast<double>(x[i]), chunk);
    sum = sum + chunk;
  }
  float y = static_cast<float>(sum);
#pragma unroll
  for (unsigned s = 16; s > 0; s /= 2) y += __shfl_down_sync(every_lane, y, s);
  if (lane == 0) job.out[static_cast<size_t>(at) * job.rows.count + r] = y;
}

#undef PV_PLAIN_ROW
#undef PV_TYPE_ROW
#define PV_PLAIN_ROW(NAME, name, number) PV_TYPE_ROW(NAME, name)
#define PV_TYPE_ROW(NAME, name, ...)                                                   \
  PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK) name##_gemv_f64acc(const pv_cuda_gemv a) { \
    begin_kernel();                                                                    \
    gemv_f64acc<PV_TYPE_##NAME>(a);                                                    \
  }
#include "kernels/quant/list.h"
