// Down products of the chosen experts, their weighted sum by rank (product, then fma), and the residual, where
// there is one. Of pv_cuda_down. Groups: eight rows of the matrix, positions. A group has its rows of all ranks at
// once or in turns (products.glsl). Reference: mm, combine and add of kernels/definition.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#include "kernels/vulkan/stages.glsl"

#include "kernels/vulkan/blocks.glsl"

layout(local_size_x = 256) in;
const uint ROWS = 8u, MOST_USED = 64u;                    // as gpu_shaders.c has it
const uint N = 8u * EIGHTS, WIDTH = EIGHTS <= 1u ? 4u : EIGHTS <= 2u ? 8u : EIGHTS <= 4u ? 16u : 32u;
const uint SETS = 256u / WIDTH, QUARTERS = 4u;
const uint AT_ONCE = SETS >= 32u ? 1u : EIGHTS > 8u ? 1u : EIGHTS > 4u ? 2u : 4u;
const uint TOGETHER = SETS * AT_ONCE;
shared float values[TOGETHER * (N + 1u)], results[MOST_USED * ROWS];

#include "kernels/vulkan/products.glsl"

layout(buffer_reference, std430, buffer_reference_align = 8) readonly buffer down_argument {
  rows_of rows;
  uint64_t experts, weights, residual;
  acts_of from;
  uint64_t parts, total_of_ranks, total, ahead, ahead_bytes;
  uint used;
};

act_segment acts_at(acts_of acts, uint row, uint s) {
  uint at = row * acts.segments + s;
  act_segment a;
  [[unroll]] for (uint e = 0u; e < QUARTERS; e++) a.x[e] = quads(acts.q).at[QUARTERS * at + e];
  a.d = floats(acts.d).at[at];
  a.total = int(words(acts.sum).at[at]);
  return a;
}

// A unit is a row of one rank.
void multiply(down_argument t, uint at, uint first) {
  uint j = gl_LocalInvocationIndex, own = j / WIDTH, lane = j % WIDTH, units = t.used * ROWS;
  for (uint begin = 0u; begin < units; begin += TOGETHER) {
    [[unroll]] for (uint pair = lane; pair < N / 2u; pair += WIDTH) {
      [[unroll]] for (uint u = 0u; u < AT_ONCE; u++) {
        uint unit = min(begin + u * SETS + own, units - 1u), slot = at * t.used + unit / ROWS;
        uint64_t row = t.rows.data + words(t.experts).at[slot] * t.rows.expert_bytes +
                       (first + unit % ROWS) * t.rows.row_bytes;
        act_segment a = acts_at(t.from, slot, first_of(pair)), b = acts_at(t.from, slot, second_of(pair));
        put_pair(row, pair, N, a, b, u * SETS + own);
      }
    }
    barrier();
    if (N > LANES) {
      [[unroll]] for (uint u = 0u; u < AT_ONCE; u++) fold_lane((u * SETS + own) * (N + 1u), lane, N);
      barrier();
    }
    if (j < TOGETHER && begin + j < units) results[begin + j] = folded(j * (N + 1u), N);
    barrier();
  }
}

void main() {
  down_argument t = down_argument(argument);
  uint j = gl_LocalInvocationIndex, at = gl_WorkGroupID.y, first = gl_WorkGroupID.x * ROWS, n = t.rows.count;
  multiply(t, at, first);
  for (uint i = j; i < t.used * ROWS; i += 256u)
    floats(t.parts).at[(at * t.used + i / ROWS) * n + first + i % ROWS] = results[i];
  if (j >= ROWS) return;
  float r = product(floats(t.weights).at[at * t.used], results[j]);
  for (uint k = 1u; k < t.used; k++) r = fused(floats(t.weights).at[at * t.used + k], results[k * ROWS + j], r);
  uint place = at * n + first + j;
  floats(t.total_of_ranks).at[place] = r;
  if (t.residual != 0ul) floats(t.total).at[place] = sum(floats(t.residual).at[place], r);
}
