// Rows of the token embedding as float32, times a number where that is not 0. Of pv_cuda_embed. Groups:
// k / 256, rows; a thread has an element. Reference: pv_dequant_f32, and scale of kernels/definition.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#include "stages.glsl"
#include "blocks.glsl"

layout(local_size_x = 256) in;
layout(buffer_reference, std430, buffer_reference_align = 8) buffer embed_argument {
  rows_of rows;
  uint64_t ids, result;
  uint k;
  float scale;
};

// Each rounding is one of the reference: scale times weight, less the minimum.
float weight_at(uint type, uint64_t row, uint i) {
  uint s = i / SEGMENT, of = i % SEGMENT;
  if (type == Q8_0) {
    uint64_t block = row + uint64_t(s) * 34ul;
    return product(half_at(block), float(signed_byte_at(block + 2ul + of)));
  }
  if (type == Q4_K) {
    uint64_t block = row + uint64_t(s / 8u) * 144ul;
    uint sc, m;
    q4_k_scales(block, s, sc, m);
    float scaled = product(product(half_at(block), float(sc)), float(q4_k_at(block, s, of)));
    return difference(scaled, product(half_at(block + 2ul), float(m)));
  }
  uint64_t block = row + uint64_t(s / 8u) * 210ul;
  float scale = float(signed_byte_at(block + 192ul + s % 8u * 2u + of / 16u));
  return product(product(half_at(block + 208ul), scale), float(q6_k_at(block, s, of)));
}

void main() {
  embed_argument t = embed_argument(argument);
  uint i = gl_GlobalInvocationID.x, row = gl_WorkGroupID.y;
  if (i >= t.k) return;
  uint64_t data = t.rows.data + uint64_t(words(t.ids).at[row]) * t.rows.row_bytes;
  float x = is_plain(t.rows.type) ? plain_at(t.rows.type, data, i) : weight_at(t.rows.type, data, i);
  floats(t.result).at[row * t.k + i] = t.scale == 0.0 ? x : product(x, t.scale);
}
