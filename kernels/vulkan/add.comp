// out = a + b, of pv_cuda_add (kernels/cuda/elementwise.h). Groups: n / 256. Reference: add of
// kernels/definition.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#include "kernels/vulkan/stages.glsl"

layout(local_size_x = 256) in;
layout(buffer_reference, std430, buffer_reference_align = 8) buffer add_argument {
  uint64_t a, b, result, n;
};

void main() {
  add_argument t = add_argument(argument);
  uint i = gl_GlobalInvocationID.x;
  if (i < t.n) floats(t.result).at[i] = sum(floats(t.a).at[i], floats(t.b).at[i]);
}
