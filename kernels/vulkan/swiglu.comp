// silu(gate) * up, or by the number that it is compiled with gelu(gate) * up, or what gpt-oss clamps; and
// its rounding where planes are given; a thread has an element. Of pv_cuda_gate_up. Groups:
// gate.count / 256, slots. Reference: swiglu, geglu, swiglu_clamped and round_segment of
// kernels/definition.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#include "kernels/vulkan/stages.glsl"

layout(local_size_x = 256) in;
shared float values[2u * WIDE_LANES];
#include "kernels/vulkan/norm.glsl"

layout(constant_id = 0) const uint FORM = 0u;
const uint SWIGLU = 0u, GEGLU = 1u; // else swiglu_clamped

float activated(float gate, float up) {
  if (FORM == SWIGLU) return swiglu(gate, up);
  if (FORM == GEGLU) {
    float inner = fused(uintBitsToFloat(0x3d922279u), product(gate, gate), uintBitsToFloat(0x3fcc422au));
    return product(logistic(gate, product(gate, inner)), up);
  }
  float g = gate > 7.0 ? 7.0 : gate, u = up > 7.0 ? 7.0 : up;
  float quick = logistic(g, product(uintBitsToFloat(0x3fd9db23u), g));
  return product(quick, sum(u < -7.0 ? -7.0 : u, 1.0));
}

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
  uint i = gl_GlobalInvocationID.x, slot = gl_WorkGroupID.y, n = t.gate.count, at = slot * n + i;
  float y = 0.0;
  if (i < n) {
    y = activated(floats(t.gate_out).at[at], floats(t.up_out).at[at]);
    floats(t.result).at[at] = y;
  }
  if (t.acts.q != 0ul) round_part(t.acts, slot, y, t.largest, false);
}
