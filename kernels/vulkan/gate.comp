// Rows times the sigmoid of one number each. Of pv_cuda_gate. Groups: n / 256, rows; a thread has an
// element. Reference: gate of kernels/definition.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#include "kernels/vulkan/stages.glsl"

layout(local_size_x = 256) in;
layout(buffer_reference, std430, buffer_reference_align = 8) buffer gate_argument {
  uint64_t x, logit, result;
  uint n;
};

void main() {
  gate_argument t = gate_argument(argument);
  uint i = gl_GlobalInvocationID.x, row = gl_WorkGroupID.y, at = row * t.n + i;
  if (i >= t.n) return;
  floats(t.result).at[at] = product(floats(t.x).at[at], logistic(1.0, floats(t.logit).at[row]));
}
