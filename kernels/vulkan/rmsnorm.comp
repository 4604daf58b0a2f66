// y = (x * s) * weight, s = 1 / sqrt(mean of squares + eps), and its rounding where planes are given.
// Of pv_cuda_norm. Groups: rows; thread j is wide lane j, then it has eight neighbours.
// Reference: rmsnorm and round_segment of kernels/definition.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#include "kernels/vulkan/stages.glsl"

layout(local_size_x = 256) in;
layout(buffer_reference, std430, buffer_reference_align = 8) readonly buffer norm_argument { norm_of norm; };

shared float values[2u * WIDE_LANES];
#include "kernels/vulkan/norm.glsl"

void main() {
  norm_of t = norm_argument(argument).norm;
  uint row = gl_WorkGroupID.x, from = norm_from(t, row);
  eight_of of = load_eight(t, from, EACH * gl_LocalInvocationIndex, t.n);
  float s = norm_scale(t, from, t.n), y[EACH];
  for (uint chunk = 0u; chunk < t.n; chunk += WIDE_LANES * EACH) {
    uint at = chunk + EACH * gl_LocalInvocationIndex;
    if (chunk > 0u) of = load_eight(t, from, at, t.n);
    norm_eight(t.n, at, s, of, y);
    [[unroll]] for (uint e = 0u; e < EACH; e++)
      if (at + e < t.n) floats(t.result).at[row * t.n + at + e] = y[e];
    if (t.acts.q == 0ul) continue;
    keep_quarter(t.acts, row, at / EACH, rounded_quarter(y, t.largest, t.whole != 0u), at < t.n);
  }
}
