// RMSNorm of a head where there is a weight, RoPE, and keys and values into the cache. Of pv_cuda_heads.
// Groups: heads + KV heads, rows; thread i has element i. Reference: rmsnorm, rope and rope_neighbours
// of kernels/definition.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#include "kernels/vulkan/stages.glsl"

layout(local_size_x = 256) in;
shared float values[2u * WIDE_LANES], normed[WIDE_LANES];
#include "kernels/vulkan/norm.glsl"
#include "kernels/vulkan/heads.glsl"

layout(buffer_reference, std430, buffer_reference_align = 8) readonly buffer heads_argument { heads_of heads; };

void main() {
  heads_of t = heads_argument(argument).heads;
  uint i = gl_LocalInvocationIndex, which = gl_WorkGroupID.x, row = gl_WorkGroupID.y;
  bool is_q = which < t.heads, lives = i < t.dim;
  uint head = is_q ? which : which - t.heads, width = (is_q ? t.heads : t.kv_heads) * t.dim;
  uint at = row * width + head * t.dim + i, position = words(t.step).at[0] + row;
  uint64_t weight = is_q ? t.q_weight : t.k_weight;
  float y = turned(t, load_element(t, is_q ? t.q : t.k, weight, at, i, t.dim, position), weight != 0ul, 0u);
  if (!lives) return;
  floats(is_q ? t.q_out : t.k_out).at[at] = y;
  if (is_q) return;
  uint place = position * width + head * t.dim + i;
  floats(t.keys).at[place] = y;
  floats(t.values).at[place] = floats(t.v).at[at];
}
