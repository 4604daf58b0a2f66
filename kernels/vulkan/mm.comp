// A matrix of Q8_0, Q4_K or Q6_K times rounded activations, identities i16 and i8: of pv_cuda_gemv with
// one job, without a norm and without experts. Groups: rows, positions; thread j has the segments j,
// j + 256, ... of a row. Reference: mm of kernels/definition.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#include "stages.glsl"

layout(local_size_x = 256) in;
struct job_of { // pv_cuda_job
  rows_of rows;
  uint64_t result;
  uint rows_per_block, unused;
};
layout(buffer_reference, std430, buffer_reference_align = 8) buffer gemv_argument {
  job_of job[3];
  acts_of acts;
  norm_of norm;
  uint64_t experts, add, total, ahead, ahead_bytes;
  uint jobs;
};

const uint Q8_0 = 8u, Q4_K = 12u, Q6_K = 14u; // pv_type
const uint MOST_SEGMENTS = 2048u;             // PV_K_MAX / SEGMENT

shared float values[MOST_SEGMENTS];

float q8_0_value(uint64_t row, acts_of acts, uint at, uint s) {
  uint64_t block = row + uint64_t(s) * 34ul;
  int dot_of = 0;
  for (uint i = 0u; i < SEGMENT; i++)
    dot_of += signed_byte_at(block + 2ul + i) * act_at(acts, at, s, i);
  return product(half_at(block), float(dot_of));
}

float q4_k_value(uint64_t row, acts_of acts, uint at, uint s) {
  uint64_t block = row + uint64_t(s / 8u) * 144ul, scales = block + 4ul;
  uint j = s % 8u, sc, m;
  if (j < 4u) {
    sc = byte_at(scales + j) & 63u;
    m = byte_at(scales + j + 4u) & 63u;
  } else { // six bits, of which the upper two lie with those of the first four
    uint both = byte_at(scales + j + 4u);
    sc = (both & 15u) | byte_at(scales + j - 4u) >> 6 << 4;
    m = both >> 4 | byte_at(scales + j) >> 6 << 4;
  }
  int dot_of = 0, all = 0;
  for (uint i = 0u; i < SEGMENT; i++) {
    int x = act_at(acts, at, s, i);
    dot_of += int(byte_at(block + 16ul + j / 2u * 32u + i) >> (j % 2u * 4u) & 15u) * x;
    all += x;
  }
  PRECISE float least = -half_at(block + 2ul);
  return fused(least, float(int(m) * all), product(half_at(block), float(int(sc) * dot_of)));
}

float q6_k_value(uint64_t row, acts_of acts, uint at, uint s) {
  uint64_t block = row + uint64_t(s / 8u) * 210ul;
  uint half_of = s % 8u / 4u, quarter = s % 4u;
  int dots[2] = int[2](0, 0);
  for (uint i = 0u; i < SEGMENT; i++) {
    uint low = byte_at(block + half_of * 64u + quarter % 2u * 32u + i) >> (quarter / 2u * 4u) & 15u;
    uint high = byte_at(block + 128ul + half_of * 32u + i) >> (2u * quarter) & 3u;
    dots[i / 16u] += (int(high << 4 | low) - 32) * act_at(acts, at, s, i);
  }
  uint64_t scales = block + 192ul + s % 8u * 2u;
  int64_t both = int64_t(signed_byte_at(scales)) * int64_t(dots[0]) +
                 int64_t(signed_byte_at(scales + 1ul)) * int64_t(dots[1]); // beyond 32 bits
  return product(half_at(block + 208ul), float(both));
}

// The fold of n values, n not a power of two as well.
float folded(uint n) {
  uint j = gl_LocalInvocationIndex, left = n, reach = 1u;
  while (reach < n) reach *= 2u;
  for (reach /= 2u; reach > 0u; reach /= 2u) {
    barrier();
    for (uint i = j; i < reach; i += 256u)
      if (i + reach < left) values[i] = sum(values[i], values[i + reach]);
    left = min(left, reach);
  }
  barrier();
  return values[0];
}

void main() {
  gemv_argument t = gemv_argument(argument);
  rows_of rows = t.job[0].rows;
  acts_of acts = t.acts;
  uint row = gl_WorkGroupID.x, y = gl_WorkGroupID.y, at = y / max(acts.share, 1u);
  uint64_t data = rows.data + uint64_t(row) * rows.row_bytes;
  uint segments = acts.k / SEGMENT;
  for (uint s = gl_LocalInvocationIndex; s < segments; s += 256u) {
    float value = rows.type == Q8_0   ? q8_0_value(data, acts, at, s)
                  : rows.type == Q4_K ? q4_k_value(data, acts, at, s)
                                      : q6_k_value(data, acts, at, s);
    values[s] = product(floats(acts.d).at[at * acts.segments + s], value);
  }
  float result = folded(segments);
  if (gl_LocalInvocationIndex != 0u) return;
  uint place = y * rows.count + row;
  floats(t.job[0].result).at[place] = result;
  if (t.add != 0ul) floats(t.total).at[place] = sum(floats(t.add).at[place], result);
}
