// The sum over experts by rank: product, then fma; and the residual, where there is one. Of
// pv_cuda_down. Groups: rows.count / 256, positions. Reference: combine and add of kernels/definition.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#include "kernels/vulkan/stages.glsl"

layout(local_size_x = 256) in;
layout(buffer_reference, std430, buffer_reference_align = 8) buffer down_argument {
  rows_of rows;
  uint64_t experts, weights, residual;
  acts_of acts;
  uint64_t parts, total_of_ranks, total, ahead, ahead_bytes;
  uint used;
};

void main() {
  down_argument t = down_argument(argument);
  uint i = gl_GlobalInvocationID.x, at = gl_WorkGroupID.y, n = t.rows.count;
  if (i >= n) return;
  floats weights = floats(t.weights), parts = floats(t.parts);
  float r = product(weights.at[at * t.used], parts.at[at * t.used * n + i]);
  for (uint k = 1u; k < t.used; k++)
    r = fused(weights.at[at * t.used + k], parts.at[(at * t.used + k) * n + i], r);
  floats(t.total_of_ranks).at[at * n + i] = r;
  if (t.residual != 0ul)
    floats(t.total).at[at * n + i] = sum(floats(t.residual).at[at * n + i], r);
}
