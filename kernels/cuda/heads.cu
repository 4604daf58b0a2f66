#include "kernels/cuda/heads.h"

#include "kernels/cuda/heads.cuh"

PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK) heads(const pv_cuda_heads a) {
  begin_kernel();
  __shared__ float normed[8][PV_WIDE_LANES];
  const unsigned warp = threadIdx.x / 32, row = blockIdx.y, which = blockIdx.x * 8 + warp;
  if (which >= a.heads + a.kv_heads) return;
  const bool is_q = which < a.heads;
  const unsigned head = is_q ? which : which - a.heads;
  const size_t width = static_cast<size_t>(is_q ? a.heads : a.kv_heads) * a.dim;
  const size_t at = row * width + static_cast<size_t>(head) * a.dim;
  const size_t position = a.step->position + row, place = position * width + head * a.dim;
  const size_t table = position * (a.dim / 2);
  turn_head<8>({a.cos + table, a.sin + table, a.dim, a.eps, a.neighbours != 0},
               (is_q ? a.q : a.k) + at, is_q ? a.q_weight : a.k_weight, normed[warp],
               [&](unsigned i, float value) {
                 (is_q ? a.q_out : a.k_out)[at + i] = value;
                 if (is_q) return;
                 a.keys[place + i] = value;
                 a.values[place + i] = a.v[at + i];
               });
}
