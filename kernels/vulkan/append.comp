// Rows enter the cache. Of pv_cuda_append. Groups: n / 256, rows; a thread has an element. Reference: the
// host's driver.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#include "kernels/vulkan/stages.glsl"

layout(local_size_x = 256) in;
layout(buffer_reference, std430, buffer_reference_align = 8) buffer append_argument {
  uint64_t x, cache, step;
  uint n;
};

void main() {
  append_argument t = append_argument(argument);
  uint i = gl_GlobalInvocationID.x, row = gl_WorkGroupID.y;
  if (i >= t.n) return;
  words(t.cache).at[(words(t.step).at[0] + row) * t.n + i] = words(t.x).at[row * t.n + i];
}
