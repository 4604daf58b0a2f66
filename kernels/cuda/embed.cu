#include "kernels/cuda/embed.h"

#include "kernels/cuda/blocks.cuh"

template <int type>
__device__ void decode(const uint8_t *row, unsigned k, float *out) {
  for (unsigned i = threadIdx.x; i < k; i += blockDim.x) {
    if constexpr (!is_quantised(type)) {
      out[i] = plain_at<type>(row, i);
    } else {
      const weight w = weight_at<type>(row, i);
      const float product = (w.d * __int2float_rn(w.sc)) * static_cast<float>(w.q);
      out[i] = has_minimum<type>() ? product + w.m * static_cast<float>(w.lo) : product;
    }
  }
}

__device__ void decode_row(const pv_cuda_embed &a) {
  const uint8_t *row = a.rows.data + a.ids[blockIdx.x] * a.rows.row_bytes;
  float *out = a.out + static_cast<size_t>(blockIdx.x) * a.k;
  with_type(a.rows.type, [&](auto is) { decode<is.type>(row, a.k, out); });
}

PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK) embed(const pv_cuda_embed a) {
  begin_kernel();
  decode_row(a);
  if (a.scale == 0.0f) return;
  float *out = a.out + static_cast<size_t>(blockIdx.x) * a.k;
  __syncthreads();
  for (unsigned i = threadIdx.x; i < a.k; i += blockDim.x) out[i] *= a.scale;
}
