// RMSNorm of a head where there is a weight, RoPE, and keys and values into the cache. Of pv_cuda_heads.
// Groups: heads + KV heads, rows; thread i has element i. Reference: rmsnorm, rope and rope_neighbours
// of kernels/definition.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#include "kernels/vulkan/stages.glsl"

layout(local_size_x = 256) in;
layout(buffer_reference, std430, buffer_reference_align = 8) buffer heads_argument {
  uint64_t q, k, v, q_weight, k_weight, q_out, k_out, keys, values, cosine, sine, step;
  uint heads, kv_heads, dim;
  float eps;
  uint neighbours;
};

shared float lanes[WIDE_LANES], normed[WIDE_LANES];

float folded(uint n) {
  uint i = gl_LocalInvocationIndex, left = n;
  for (uint reach = WIDE_LANES / 2u; reach > 0u; reach /= 2u) {
    barrier();
    if (i < reach && i + reach < left) lanes[i] = sum(lanes[i], lanes[i + reach]);
    left = min(left, reach);
  }
  barrier();
  return lanes[0];
}

void main() {
  heads_argument t = heads_argument(argument);
  uint i = gl_LocalInvocationIndex, which = gl_WorkGroupID.x, row = gl_WorkGroupID.y;
  bool is_q = which < t.heads, lives = i < t.dim;
  uint head = is_q ? which : which - t.heads, width = (is_q ? t.heads : t.kv_heads) * t.dim;
  uint at = row * width + head * t.dim + i, position = words(t.step).at[0] + row;
  uint64_t weight = is_q ? t.q_weight : t.k_weight;
  float x = lives ? floats(is_q ? t.q : t.k).at[at] : 0.0;
  lanes[i] = product(x, x);
  float mean = divided(folded(t.dim), float(t.dim));
  float scale = divided(1.0, root(sum(mean, t.eps)));
  normed[i] = x;
  if (lives && weight != 0ul) normed[i] = product(product(x, scale), floats(weight).at[i]);
  barrier();
  if (!lives) return;
  uint reach = t.dim / 2u;
  bool first = t.neighbours != 0u ? i % 2u == 0u : i < reach;
  uint pair = t.neighbours != 0u ? i / 2u : first ? i : i - reach;
  uint other = t.neighbours != 0u ? (first ? i + 1u : i - 1u) : first ? i + reach : i - reach;
  uint table = position * reach + pair;
  float turned = product(normed[other], floats(t.sine).at[table]);
  PRECISE float minus = -turned;
  float y = fused(normed[i], floats(t.cosine).at[table], first ? minus : turned);
  floats(is_q ? t.q_out : t.k_out).at[at] = y;
  if (is_q) return;
  uint place = position * width + head * t.dim + i;
  floats(t.keys).at[place] = y;
  floats(t.values).at[place] = floats(t.v).at[at];
}
