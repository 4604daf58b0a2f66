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
// As gpu_shaders.c has it: segments and blocks of all ranks.
const uint ROWS = 8u, MOST_VALUES = WHOLE ? 1024u : 6144u;
const uint MOST_USED = ROUNDS ? 24u : 64u, MOST_OWN = TYPE == Q5_K ? 16u : 24u;
const uint MOST_BLOCKS = ROUNDS ? MOST_OWN : 48u;
const uint N = 8u * EIGHTS, WIDTH = EIGHTS <= 1u ? 4u : EIGHTS <= 2u ? 8u : EIGHTS <= 4u ? 16u : 32u;
const uint SETS = 256u / WIDTH, PLACES = ROWS * MOST_BLOCKS, MOST_SEGMENTS = 8u * MOST_BLOCKS, CHUNKS = 3u;
shared float values[MOST_VALUES], results[MOST_USED * ROWS], weights[MOST_USED];

#include "kernels/vulkan/norm.glsl"
#include "kernels/vulkan/products.glsl"
#include "kernels/vulkan/own.glsl"

layout(buffer_reference, std430, buffer_reference_align = 8) readonly buffer down_argument {
  rows_of rows;
  uint64_t experts, weights, residual;
  acts_of from;
  uint64_t parts, total_of_ranks, total, ahead, ahead_bytes;
  uint used;
  float largest; // 0: they are rounded
};

act_segment acts_at(acts_of acts, uint slot, uint rank, uint s) {
  return ROUNDS ? own_segment(rank * N + s) : kept_segment(acts, slot, s);
}

// All ranks of one row lie side by side. A set has one rank, and every so many of the rows.
void multiply(down_argument t, uint at, uint first) {
  uint j = gl_LocalInvocationIndex, own = j / WIDTH, pair = min(j % WIDTH, N / 2u - 1u), rank = own % t.used;
  uint rows = SETS / t.used, slot = at * t.used + rank, row = own / t.used, quarters_of = t.used * N * QUARTERS;
  uint64_t x = t.from.x + 4ul * (at * t.used * t.from.stride);
  own_of as_is;
  if (ROUNDS) as_is = load_own(x, quarters_of);
  uint64_t data = t.rows.data + words(t.experts).at[slot] * t.rows.expert_bytes + first * t.rows.row_bytes;
  uint steps = (ROWS + rows - 1u) / rows;
  raw_pair r[UNDER_WAY];
  [[unroll]] for (uint u = 0u; u < UNDER_WAY; u++)
    r[u] = load_pair(data + min(row + u * rows, ROWS - 1u) * t.rows.row_bytes, pair);
  if (ROUNDS) round_own(as_is, x, quarters_of, t.largest);
  act_segment a = acts_at(t.from, slot, rank, first_of(pair)), b = acts_at(t.from, slot, rank, second_of(pair));
  [[dont_unroll]] for (uint begin = 0u; begin < steps; begin += UNDER_WAY)
    [[unroll]] for (uint u = 0u; u < UNDER_WAY; u++) {
      uint now = row + (begin + u) * rows, next = now + UNDER_WAY * rows;
      if (now < ROWS && own < rows * t.used && j % WIDTH < N / 2u) put_pair(r[u], pair, N, a, b, now * t.used + rank);
      if (begin + u + UNDER_WAY < steps) r[u] = load_pair(data + min(next, ROWS - 1u) * t.rows.row_bytes, pair);
    }
  barrier();
  if (WHOLE) meet(ROWS * t.used, N);
  if (values_of(N) > LANES) {
    for (uint i = own; i < ROWS * t.used; i += SETS) fold_lane(i * stride_of(N), j % WIDTH, N);
    barrier();
  }
  for (uint i = j; i < ROWS * t.used; i += 256u) results[i] = folded(i * stride_of(N), values_of(N));
  barrier();
}

void main() {
  down_argument t = down_argument(argument);
  uint j = gl_LocalInvocationIndex, at = gl_WorkGroupID.y, first = gl_WorkGroupID.x * ROWS, n = t.rows.count;
  uint place = at * n + first + j % ROWS, turns = 0u;
  float other = t.residual != 0ul ? floats(t.residual).at[place] : 0.0;
  if (j < t.used) weights[j] = floats(t.weights).at[at * t.used + j];
  multiply(t, at, first);
  for (uint i = j; i < t.used * ROWS; i += 256u)
    floats(t.parts).at[(at * t.used + i % t.used) * n + first + i / t.used] = results[i];
  if (j >= ROWS) return;
  double all = double(NOTHING);
  for (uint k = 0u; k < t.used; k++)
    all = chained(exact(double(weights[k]), double(results[j * t.used + k])), all, turns);
  float r = float(all);
  if (turns != 0u) {
    r = NOTHING;
    [[dont_unroll]] for (uint k = 0u; k < t.used; k++) r = fused(weights[k], results[j * t.used + k], r);
  }
  floats(t.total_of_ranks).at[place] = r;
  if (t.residual != 0ul) floats(t.total).at[place] = sum(other, r);
}
