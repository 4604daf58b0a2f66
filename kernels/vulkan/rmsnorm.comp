// y = (x * s) * weight, s = 1 / sqrt(mean of squares + eps), and its rounding where planes are given.
// Of pv_cuda_norm. Groups: rows; thread j is wide lane j.
// Reference: rmsnorm and round_segment of kernels/definition.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#define ROUNDS 4u
#include "kernels/vulkan/stages.glsl"

layout(local_size_x = 256) in;
layout(buffer_reference, std430, buffer_reference_align = 8) buffer norm_argument { norm_of norm; };

shared float lanes[WIDE_LANES];

// The sum of the squares: lane j adds j, j + 256, ..., then the lanes that have any are folded.
float squares(floats x, uint first, uint n) {
  uint j = gl_LocalInvocationIndex, left = min(n, WIDE_LANES);
  float own = 0.0;
  for (uint i = j; i < n; i += WIDE_LANES) {
    float v = x.at[first + i];
    own = i == j ? product(v, v) : fused(v, v, own);
  }
  lanes[j] = own;
  barrier();
  for (uint reach = WIDE_LANES / 2u; reach > 0u; reach /= 2u) {
    if (j < reach && j + reach < left) lanes[j] = sum(lanes[j], lanes[j + reach]);
    left = min(left, reach);
    barrier();
  }
  return lanes[0];
}

void main() {
  norm_of t = norm_argument(argument).norm;
  uint row = gl_WorkGroupID.x, first = row * t.n, from = first;
  if (t.step != 0ul) from += (words(t.step).at[1] - words(t.step).at[2]) * t.n; // count less logits
  float mean = divided(squares(floats(t.x), from, t.n), float(t.n));
  float s = divided(1.0, root(sum(mean, t.eps)));
  for (uint chunk = 0u; chunk < t.n; chunk += WIDE_LANES * ROUNDS) {
    for (uint i = gl_LocalInvocationIndex; i < WIDE_LANES * ROUNDS; i += WIDE_LANES) {
      uint k = chunk + i;
      rounding[i] = 0.0;
      if (k >= t.n) continue;
      float y = product(product(floats(t.x).at[from + k], s), floats(t.weight).at[k]);
      floats(t.result).at[first + k] = y;
      rounding[i] = y;
    }
    if (t.acts.q != 0ul) round_chunk(t.acts, row, chunk / SEGMENT, t.largest);
  }
}
