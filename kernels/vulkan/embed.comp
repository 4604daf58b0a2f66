// Rows of the token embedding as float32, times a number where that is not 0. Of pv_cuda_embed. Groups:
// k / 256, rows; a thread has an element. Reference: pv_dequant_f32, and scale of kernels/definition.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#include "kernels/vulkan/stages.glsl"
#include "kernels/vulkan/blocks.glsl"

layout(local_size_x = 256) in;
layout(buffer_reference, std430, buffer_reference_align = 8) buffer embed_argument {
  rows_of rows;
  uint64_t ids, result;
  uint k;
  float scale;
};

// Each rounding is one of the reference: scale times weight, then the minimum.
float weight_at(uint64_t row, uint i) {
  uint s = i / SEGMENT, of = i % SEGMENT;
  uint64_t block = block_of(row, s);
  scales_of by = scales_at(block, s % 8u);
  float scale = product(by.d, float(by.sc[of / 16u]));
  float scaled = product(scale, float(integer_at(block, s % 8u, of)));
  if (!MINIMUM) return scaled;
  float least = product(by.m, float(by.lo[of / 16u]));
  return ADDS_MINIMUM ? sum(scaled, least) : difference(scaled, least);
}

void main() {
  embed_argument t = embed_argument(argument);
  uint i = gl_GlobalInvocationID.x, row = gl_WorkGroupID.y;
  if (i >= t.k) return;
  uint64_t data = t.rows.data + uint64_t(words(t.ids).at[row]) * t.rows.row_bytes;
  float x = PLAIN ? plain_at(data, i) : weight_at(data, i);
  floats(t.result).at[row * t.k + i] = t.scale == 0.0 ? x : product(x, t.scale);
}
