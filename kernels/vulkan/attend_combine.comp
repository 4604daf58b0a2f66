// The chunks of a row put together by narrow sums, and the rounding of the result where planes are
// given. Of pv_cuda_attend. Groups: heads * dim / 256, rows; a thread has an element. Reference: attend
// and round_segment of kernels/definition.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#include "kernels/vulkan/stages.glsl"

layout(local_size_x = 256) in;
shared float values[2u * WIDE_LANES];
#include "kernels/vulkan/norm.glsl"
#include "kernels/vulkan/attend.glsl"

void main() {
  attend_argument t = attend_argument(argument);
  uint i = gl_GlobalInvocationID.x, width = t.heads * t.dim;
  uint row = t.first + gl_WorkGroupID.y;
  float y = 0.0;
  if (i < width) {
    uint head = i / t.dim, position = words(t.step).at[0] + row;
    uint chunks = (position - seen_from(t.window, position)) / CHUNK + 1u;
    y = combined(t, (gl_WorkGroupID.y * t.heads + head) * t.chunks, chunks, head, i % t.dim);
    floats(t.result).at[row * width + i] = y;
  }
  if (t.acts.q != 0ul) round_part(t.acts, row, y, t.largest, false);
}
