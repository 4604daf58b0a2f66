// silu(gate) * up, and its rounding where planes are given; a thread has a segment. Of pv_cuda_gate_up.
// Groups: gate.count / 8192, slots. Reference: swiglu and round_segment of kernels/definition.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#include "stages.glsl"

layout(local_size_x = 256) in;
layout(buffer_reference, std430, buffer_reference_align = 8) buffer gate_up_argument {
  rows_of gate, up;
  uint64_t route[5];
  acts_of from;
  uint64_t gate_out, up_out, result;
  acts_of acts;
  float largest;
};

void main() {
  gate_up_argument t = gate_up_argument(argument);
  uint segment = gl_GlobalInvocationID.x, slot = gl_WorkGroupID.y, n = t.gate.count;
  float y[SEGMENT];
  if (segment * SEGMENT >= n) return;
  for (uint i = 0u; i < SEGMENT; i++) {
    uint at = slot * n + segment * SEGMENT + i;
    y[i] = 0.0;
    if (segment * SEGMENT + i >= n) continue;
    y[i] = swiglu(floats(t.gate_out).at[at], floats(t.up_out).at[at]);
    floats(t.result).at[at] = y[i];
  }
  if (t.acts.q != 0ul) round_segment(y, t.acts, slot, segment, t.largest);
}
