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

float combined(attend_argument t, uint i, uint row) {
  uint head = i / t.dim, position = words(t.step).at[0] + row;
  uint chunks = (position - seen_from(t.window, position)) / CHUNK + 1u;
  uint part = (gl_WorkGroupID.y * t.heads + head) * t.chunks;
  float m = floats(t.top).at[part];
  [[dont_unroll]] for (uint c = 1u; c < chunks; c++) m = larger(m, floats(t.top).at[part + c]);
  float sink = t.sinks != 0ul ? floats(t.sinks).at[head] : m;
  m = larger(m, sink);
  float total[NARROW_LANES], lane[NARROW_LANES];
  [[unroll]] for (uint l = 0u; l < NARROW_LANES; l++) total[l] = lane[l] = NOTHING;
  [[dont_unroll]] for (uint c = 0u; c < chunks; c++) {
    float n = floats(t.sum).at[part + c], v = floats(t.value).at[(part + c) * t.dim + i % t.dim];
    float f = exponential(difference(floats(t.top).at[part + c], m)), of_total = NOTHING, of_lane = NOTHING;
    [[unroll]] for (uint l = 0u; l < NARROW_LANES; l++) {
      of_total = c % NARROW_LANES == l ? total[l] : of_total;
      of_lane = c % NARROW_LANES == l ? lane[l] : of_lane;
    }
    of_total = fused(f, n, of_total);
    of_lane = fused(f, v, of_lane);
    [[unroll]] for (uint l = 0u; l < NARROW_LANES; l++) {
      total[l] = c % NARROW_LANES == l ? of_total : total[l];
      lane[l] = c % NARROW_LANES == l ? of_lane : lane[l];
    }
  }
  uint lanes = min(chunks, NARROW_LANES);
  float all = folded_narrow(total, lanes);
  if (t.sinks != 0ul) all = sum(all, exponential(difference(sink, m)));
  return divided(folded_narrow(lane, lanes), all);
}

void main() {
  attend_argument t = attend_argument(argument);
  uint i = gl_GlobalInvocationID.x, width = t.heads * t.dim;
  uint row = t.first + gl_WorkGroupID.y;
  float y = 0.0;
  if (i < width) {
    y = combined(t, i, row);
    floats(t.result).at[row * width + i] = y;
  }
  if (t.acts.q != 0ul) round_part(t.acts, row, y, t.largest);
}
