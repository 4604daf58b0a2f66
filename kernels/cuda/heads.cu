/* Per-head RMSNorm of q and k, RoPE (pairs i, i + dim / 2, as product then fma), and the append of
 * k and v to the cache. Reference: rmsnorm and rope of kernels/cpu. A warp works on a head; its
 * lane l holds the elements l + 32 j. Grid ((heads + kv_heads) / 8 rounded up, rows), block 256;
 * dim <= 256. */
#include "kernels/cuda/common.cuh"

PV_KERNEL __launch_bounds__(256) heads(const pv_cuda_heads a) {
  begin_kernel();
  __shared__ float turned[8][PV_WIDE_LANES];
  const unsigned lane = threadIdx.x % 32, row = blockIdx.y, half = a.dim / 2;
  const unsigned which = blockIdx.x * 8 + threadIdx.x / 32;
  if (which >= a.heads + a.kv_heads) return;
  const bool is_q = which < a.heads;
  const unsigned head = is_q ? which : which - a.heads;
  const size_t width = static_cast<size_t>(is_q ? a.heads : a.kv_heads) * a.dim;
  const size_t at = row * width + static_cast<size_t>(head) * a.dim;
  const size_t position = a.step->position + row;
  const float *from = (is_q ? a.q : a.k) + at, *weight = is_q ? a.q_weight : a.k_weight;
  const float *cosine = a.cos + position * half, *sine = a.sin + position * half;
  float *y = turned[threadIdx.x / 32], x[8], squares[8], w[8], c[8], s[8];
#pragma unroll
  for (unsigned j = 0; j < 8; j++) {
    const unsigned i = lane + 32 * j, pair = i < half ? i : i - half;
    const bool live = i < a.dim;
    x[j] = live ? from[i] : 0.0f;
    w[j] = live ? __ldg(weight + i) : 0.0f;
    c[j] = live ? __ldg(cosine + pair) : 0.0f;
    s[j] = live ? __ldg(sine + pair) : 0.0f;
    squares[j] = x[j] * x[j];
  }
  const float sum = __shfl_sync(every_lane, fold_strided(squares, a.dim, lane), 0);
  const float mean = pv_div_f32(sum, static_cast<float>(a.dim));
  const float scale = pv_div_f32(1.0f, pv_sqrt_f32(mean + a.eps));
#pragma unroll
  for (unsigned j = 0; j < 8; j++)
    if (lane + 32 * j < a.dim) y[lane + 32 * j] = (x[j] * scale) * w[j];
  __syncwarp();
  float *out = (is_q ? a.q_out : a.k_out) + at;
  const size_t place = position * width + static_cast<size_t>(head) * a.dim;
#pragma unroll
  for (unsigned j = 0; j < 8; j++) {
    const unsigned i = lane + 32 * j;
    if (i >= a.dim) continue;
    const float value = i < half ? pv_fma_f32(y[i], c[j], -(y[i + half] * s[j]))
                                 : pv_fma_f32(y[i], c[j], y[i - half] * s[j]);
    out[i] = value;
    if (is_q) continue;
    a.keys[place + i] = value;
    a.values[place + i] = a.v[at + i];
  }
}
