// What rows are rounded to for a product. Of pv_cuda_round. Groups: acts.segments / 8, rows; a thread has
// a number. Reference: round_segment of kernels/definition.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#include "kernels/vulkan/stages.glsl"

layout(local_size_x = 256) in;
shared float values[2u * WIDE_LANES];
#include "kernels/vulkan/norm.glsl"

layout(buffer_reference, std430, buffer_reference_align = 8) buffer round_argument {
  acts_of acts;
  float largest;
  uint whole;
};

void main() {
  round_argument t = round_argument(argument);
  acts_of acts = t.acts;
  uint k = gl_GlobalInvocationID.x, row = gl_WorkGroupID.y;
  float x = k < acts.k ? floats(acts.x).at[row * acts.stride + k] : 0.0;
  round_part(acts, row, x, t.largest, t.whole != 0u);
}
