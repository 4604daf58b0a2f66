// Routing, gate and up products of the chosen experts, SwiGLU, and the rounding of its result in blocks of 32 where
// planes are given. Of pv_cuda_gate_up, whose matrices are of one type. Groups: segments of the output, and one more
// that keeps the weights of the experts; slots. A group chooses the experts for itself, and has the rows of its segment
// of both matrices at once or in turns (products.glsl). Reference: route, mm, swiglu and round_segment of
// kernels/definition.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#include "kernels/vulkan/stages.glsl"

#include "kernels/vulkan/blocks.glsl"

layout(local_size_x = 256) in;
const uint MOST_EXPERTS = 256u;                           // as gpu_shaders.c has it
const uint N = 8u * EIGHTS, WIDTH = EIGHTS <= 1u ? 4u : EIGHTS <= 2u ? 8u : EIGHTS <= 4u ? 16u : 32u;
const uint ROWS = 2u * SEGMENT; // those of a segment of either matrix
const uint TOGETHER = ROWS / (EIGHTS > 8u ? 2u : 1u) / (TYPE == Q5_K ? 2u : 1u); // in 32 KiB
const uint SETS = 256u / WIDTH, TURNS = (TOGETHER + SETS - 1u) / SETS, // of a set
           PLACES = TOGETHER * EIGHTS;
const uint VALUES = TOGETHER * (WHOLE ? EIGHTS + 1u : N + 1u);
shared float values[VALUES > 512u ? VALUES : 512u], results[ROWS];

#include "kernels/vulkan/norm.glsl"
#include "kernels/vulkan/products.glsl"
#include "kernels/vulkan/route.glsl"

layout(buffer_reference, std430, buffer_reference_align = 8) readonly buffer gate_up_argument {
  rows_of gate, up;
  route_of route;
  acts_of from;
  uint64_t gate_out, up_out, result;
  acts_of acts;
  float largest;
};

// The rows of one expert from `first` of both matrices on, those of the gate first; past `count` the last one.
raw_pair load_row(gate_up_argument t, uint expert, uint first, uint count, uint i, uint pair) {
  uint row = first + min(i % SEGMENT, count - 1u);
  uint64_t data = i < SEGMENT ? t.gate.data + expert * t.gate.expert_bytes + row * t.gate.row_bytes
                              : t.up.data + expert * t.up.expert_bytes + row * t.up.row_bytes;
  return load_pair(data, pair);
}

// `a` and `b` are the segments of the first pair of a thread.
void multiply(gate_up_argument t, uint row, uint expert, uint first, uint count, act_segment a, act_segment b) {
  uint j = gl_LocalInvocationIndex, own = j / WIDTH, lane = j % WIDTH;
  for (uint begin = 0u; begin < ROWS; begin += TOGETHER) {
    [[unroll]] for (uint part = 0u; part < N / 2u; part += WIDTH) {
      uint pair = min(part + lane, N / 2u - 1u);
      if (N / 2u > WIDTH) {
        a = kept_segment(t.from, row, first_of(pair));
        b = kept_segment(t.from, row, second_of(pair));
      }
      raw_pair r[UNDER_WAY];
      [[unroll]] for (uint u = 0u; u < UNDER_WAY; u++)
        if (u < TURNS) r[u] = load_row(t, expert, first, count, begin + own + u * SETS, pair);
      [[dont_unroll]] for (uint turn = 0u; turn < TURNS; turn += UNDER_WAY)
        [[unroll]] for (uint u = 0u; u < UNDER_WAY; u++) {
          uint i = own + (turn + u) * SETS, next = turn + u + UNDER_WAY;
          if (i < TOGETHER && part + lane < N / 2u) put_pair(r[u], pair, N, a, b, i);
          if (next < TURNS) r[u] = load_row(t, expert, first, count, begin + own + next * SETS, pair);
        }
    }
    barrier();
    if (WHOLE) meet(TOGETHER, N);
    if (values_of(N) > LANES) {
      for (uint i = own; i < TOGETHER; i += SETS) fold_lane(i * stride_of(N), lane, N);
      barrier();
    }
    if (j < TOGETHER) results[begin + j] = folded(j * stride_of(N), values_of(N));
    barrier();
  }
}

void main() {
  gate_up_argument t = gate_up_argument(argument);
  uint j = gl_LocalInvocationIndex, slot = gl_WorkGroupID.y, first = gl_WorkGroupID.x * SEGMENT;
  uint row = slot / t.route.used, rank = slot % t.route.used, ffn = t.gate.count;
  if (first >= ffn && rank > 0u) return;
  uint pair = min(j % WIDTH, N / 2u - 1u);
  act_segment a = kept_segment(t.from, row, first_of(pair)), b = kept_segment(t.from, row, second_of(pair));
  choose(t.route, row);
  if (first >= ffn) {
    keep_route(t.route, row);
    return;
  }
  multiply(t, row, ranked[rank], first, min(SEGMENT, ffn - first), a, b);
  uint i = first + j, at = slot * ffn + i;
  float y = 0.0;
  if (j < SEGMENT && i < ffn) {
    y = swiglu(results[j], results[SEGMENT + j]);
    floats(t.gate_out).at[at] = results[j];
    floats(t.up_out).at[at] = results[SEGMENT + j];
    floats(t.result).at[at] = y;
  }
  if (t.acts.q != 0ul) round_group(t.acts, slot, gl_WorkGroupID.x * QUARTERS, QUARTERS, y, t.largest, false);
}
