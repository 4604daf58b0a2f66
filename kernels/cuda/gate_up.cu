/* The gate and up products of one chosen expert, SwiGLU, and the rounding of its result for the
 * down product: a block owns 32 elements, which is a segment. Reference: mm, swiglu and round of
 * kernels/cpu. Grid (ffn / 32 rounded up, slots), block 256, dynamic shared memory
 * act_shared_bytes(k). */
#include "kernels/cuda/segments.cuh"

PV_KERNEL __launch_bounds__(256) gate_up(const pv_cuda_gate_up a) {
  extern __shared__ uint4 shared[];
  __shared__ float result[2][PV_SEGMENT];
  const unsigned slot = blockIdx.y, first = blockIdx.x * PV_SEGMENT, ffn = a.gate.count;
  const bool quantised =
      is_quantised(static_cast<int>(a.gate.type)) || is_quantised(static_cast<int>(a.up.type));
  const act_row act =
      load_acts(a.in, slot / a.in.share, reinterpret_cast<uint8_t *>(shared), quantised);
  const int expert = a.experts[slot];
  for (int side = 0; side < 2; side++) {
    const pv_cuda_rows &rows = side == 0 ? a.gate : a.up;
    const unsigned width = group_width(rows.type, a.in.k), lane = threadIdx.x % width;
    const uint8_t *data = rows.data + expert * rows.expert_bytes;
    for (unsigned i = threadIdx.x / width; i < PV_SEGMENT; i += blockDim.x / width) {
      const unsigned row = min(first + i, ffn - 1);
      const float y = row_dot(rows.type, data + row * rows.row_bytes, act, lane, width);
      if (lane == 0) result[side][i] = y;
    }
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
  round_segment(a.acts, a.max, slot, blockIdx.x, y, threadIdx.x);
}
