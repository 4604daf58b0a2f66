// The best experts by (value, index), and their weights. Of pv_cuda_route. Groups: rows; a thread ranks
// its experts by counting those that come before. Reference: route of kernels/definition.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#include "kernels/vulkan/stages.glsl"

layout(local_size_x = 256) in;
layout(buffer_reference, std430, buffer_reference_align = 8) buffer route_argument {
  uint64_t logits, indices, weights;
  uint experts, used, form;
};

const uint MOST = 1024u;                              // PV_EXPERTS_MAX
const uint SUM_ONE = 0u, EVERY = 1u, CHOSEN = 2u; // pv_route_form

shared float of_experts[MOST], chosen[MOST], lanes[WIDE_LANES];
shared uint ranked[MOST];

// The wide sum of n values, of which lanes[j] already has those of lane j.
float folded(uint n) {
  uint i = gl_LocalInvocationIndex, left = min(n, WIDE_LANES);
  for (uint reach = WIDE_LANES / 2u; reach > 0u; reach /= 2u) {
    barrier();
    if (i < reach && i + reach < left) lanes[i] = sum(lanes[i], lanes[i + reach]);
    left = min(left, reach);
  }
  barrier();
  return lanes[0];
}

void main() {
  route_argument t = route_argument(argument);
  uint j = gl_LocalInvocationIndex, first = gl_WorkGroupID.x * t.experts;
  floats logits = floats(t.logits);
  for (uint i = j; i < t.experts; i += WIDE_LANES) of_experts[i] = logits.at[first + i];
  barrier();
  for (uint i = j; i < t.experts; i += WIDE_LANES) {
    uint rank = 0u;
    for (uint k = 0u; k < t.experts; k++)
      if (k != i && comes_before(of_experts[k], k, of_experts[i], i)) rank++;
    if (rank < t.used) ranked[rank] = i;
  }
  barrier();
  float best = of_experts[ranked[0]], own = 0.0;
  barrier();
  for (uint i = j; i < t.experts; i += WIDE_LANES) {
    float e = exponential(difference(of_experts[i], best));
    of_experts[i] = e;
    own = i == j ? e : sum(own, e);
  }
  lanes[j] = own;
  float whole_sum = folded(t.experts);
  float all = t.form == CHOSEN ? 1.0 : whole_sum;
  barrier();
  own = 0.0;
  for (uint r = j; r < t.used; r += WIDE_LANES) {
    chosen[r] = divided(of_experts[ranked[r]], all);
    own = r == j ? chosen[r] : sum(own, chosen[r]);
  }
  lanes[j] = own;
  float kept = folded(t.used);
  for (uint r = j; r < t.used; r += WIDE_LANES) {
    uint at = gl_WorkGroupID.x * t.used + r;
    if (t.indices != 0ul) words(t.indices).at[at] = ranked[r];
    floats(t.weights).at[at] = t.form == EVERY ? chosen[r] : divided(chosen[r], kept);
  }
}
