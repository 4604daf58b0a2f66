// The index of the best value by (value, index). Of pv_cuda_argmax, in one step: parts are not used.
// Groups: rows. Reference: argmax of kernels/definition.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#include "kernels/vulkan/stages.glsl"

const uint LANES = 1024u, AHEAD = 32u; // numbers that are asked for at once
layout(local_size_x = 1024) in;
layout(buffer_reference, std430, buffer_reference_align = 8) buffer argmax_argument {
  uint64_t x, part, result;
  uint n, parts;
};

shared float best[LANES];
shared uint best_at[LANES];

void main() {
  argmax_argument t = argmax_argument(argument);
  uint j = gl_LocalInvocationIndex, first = gl_WorkGroupID.x * t.n, at = min(j, t.n - 1u);
  float own = floats(t.x).at[first + at];
  for (uint i = j + LANES; i < t.n; i += LANES * AHEAD) {
    float x[AHEAD];
    for (uint k = 0u; k < AHEAD; k++) x[k] = floats(t.x).at[first + min(i + k * LANES, t.n - 1u)];
    for (uint k = 0u; k < AHEAD; k++) {
      uint of = min(i + k * LANES, t.n - 1u);
      if (!comes_before(x[k], of, own, at)) continue;
      own = x[k];
      at = of;
    }
  }
  best[j] = own;
  best_at[j] = at;
  for (uint reach = LANES / 2u; reach > 0u; reach /= 2u) {
    barrier();
    if (j < reach && comes_before(best[j + reach], best_at[j + reach], best[j], best_at[j])) {
      best[j] = best[j + reach];
      best_at[j] = best_at[j + reach];
    }
  }
  if (j == 0u) words(t.result).at[gl_WorkGroupID.x] = best_at[0];
}
