#include "kernels/cuda/gate_up.h"

#include "kernels/cuda/route.cuh"
#include "kernels/cuda/segments.cuh"

PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK, 2) gate_up(const pv_cuda_gate_up a) {
  extern __shared__ uint4 shared[];
  __shared__ float result[2][PV_SEGMENT];
  __shared__ __align__(16) uint32_t key[PV_EXPERTS_MAX];
  __shared__ int chosen[PV_EXPERTS_MAX];
  begin_kernel();
  const unsigned slot = blockIdx.y, first = blockIdx.x * PV_SEGMENT, ffn = a.gate.count;
  const unsigned row = slot / a.route.used, rank = slot % a.route.used;
  const bool quantised =
      is_quantised(static_cast<int>(a.gate.type)) || is_quantised(static_cast<int>(a.up.type));
  if (first >= ffn && rank > 0) return;
  choose(a.route, row, key, chosen);
  if (first >= ffn) {
    if (threadIdx.x < 32) keep_route(a.route, row, chosen, reinterpret_cast<float *>(key));
    return;
  }
  const unsigned end = min(first + PV_SEGMENT, ffn);
  for (int side = 0; side < 2; side++) {
    const pv_cuda_rows &rows = side == 0 ? a.gate : a.up;
    prefetch(rows.data + chosen[rank] * rows.expert_bytes + first * rows.row_bytes,
             (end - first) * rows.row_bytes, threadIdx.x, blockDim.x);
  }
  const act_row act = load_acts(a.in, row, shared, quantised);
#pragma unroll 1
  for (int side = 0; side < 2; side++) {
    const pv_cuda_rows &rows = side == 0 ? a.gate : a.up;
    const uint8_t *data = rows.data + chosen[rank] * rows.expert_bytes;
    each_row(rows.type, {data, rows.row_bytes, first, end}, act, group_of(rows.type, a.in.k),
             [&](unsigned r, float y) { result[side][r - first] = y; });
  }
  __syncthreads();
  if (threadIdx.x >= PV_SEGMENT) return;
  const unsigned i = first + threadIdx.x;
  float y = 0.0f;
  if (i < ffn) {
    const size_t at = static_cast<size_t>(slot) * ffn + i;
    const float g = result[0][threadIdx.x], u = result[1][threadIdx.x];
    y = pv_swiglu_f32(g, u);
    a.gate_out[at] = g;
    a.up_out[at] = u;
    a.out[at] = y;
  }
  store_rounded(round_segment(y, a.max), threadIdx.x, a.acts, slot, blockIdx.x);
}
