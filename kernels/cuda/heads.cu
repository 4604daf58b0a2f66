/* Per-head RMSNorm of q and k, RoPE (pairs i, i + dim / 2, as product then fma), and the append of
 * k and v to the cache. Reference: rmsnorm and rope of kernels/cpu.
 * Grid (heads + kv_heads, rows), block: dim rounded up to whole warps (dim <= 256). */
#include "kernels/cuda/common.cuh"

PV_KERNEL __launch_bounds__(256) heads(const pv_cuda_heads a) {
  __shared__ float shared[PV_WIDE_LANES], turned[PV_WIDE_LANES];
  const unsigned i = threadIdx.x, row = blockIdx.y, half = a.dim / 2;
  const bool is_q = blockIdx.x < a.heads;
  const unsigned head = is_q ? blockIdx.x : blockIdx.x - a.heads;
  const size_t width = static_cast<size_t>(is_q ? a.heads : a.kv_heads) * a.dim;
  const size_t at = row * width + static_cast<size_t>(head) * a.dim + i;
  const size_t position = a.step->position + row;
  const bool live = i < a.dim;
  const float x = live ? (is_q ? a.q : a.k)[at] : 0.0f;
  const float mean = pv_div_f32(fold_block(x * x, a.dim, shared), static_cast<float>(a.dim));
  const float s = pv_div_f32(1.0f, pv_sqrt_f32(mean + a.eps));
  if (live) turned[i] = (x * s) * (is_q ? a.q_weight : a.k_weight)[i];
  __syncthreads();
  if (!live) return;
  const unsigned pair = i < half ? i : i - half;
  const float c = a.cos[position * half + pair], sine = a.sin[position * half + pair];
  const float y = i < half ? pv_fma_f32(turned[i], c, -(turned[i + half] * sine))
                           : pv_fma_f32(turned[i], c, turned[pair] * sine);
  (is_q ? a.q_out : a.k_out)[at] = y;
  if (is_q) return;
  const size_t place = position * width + static_cast<size_t>(head) * a.dim + i;
  a.keys[place] = y;
  a.values[place] = a.v[at];
}
