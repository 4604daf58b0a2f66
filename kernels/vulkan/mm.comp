// A matrix of Q8_0, Q4_K or Q6_K times rounded activations, identities i16 and i8, or of a plain type times
// activations as they are: of pv_cuda_gemv with one job and without a norm. Groups: rows, positions
// (slots, where there are experts); thread j has the segments j, j + 256, ... of a row, or is wide lane j.
// Reference: mm of kernels/definition.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#include "stages.glsl"

#include "blocks.glsl"

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
  uint64_t block = row + uint64_t(s / 8u) * 144ul;
  uint sc, m;
  q4_k_scales(block, s, sc, m);
  int dot_of = 0, all = 0;
  for (uint i = 0u; i < SEGMENT; i++) {
    int x = act_at(acts, at, s, i);
    dot_of += q4_k_at(block, s, i) * x;
    all += x;
  }
  PRECISE float least = -half_at(block + 2ul);
  return fused(least, float(int(m) * all), product(half_at(block), float(int(sc) * dot_of)));
}

float q6_k_value(uint64_t row, acts_of acts, uint at, uint s) {
  uint64_t block = row + uint64_t(s / 8u) * 210ul;
  int dots[2] = int[2](0, 0);
  for (uint i = 0u; i < SEGMENT; i++)
    dots[i / 16u] += q6_k_at(block, s, i) * act_at(acts, at, s, i);
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

// A wide sum, of weights that are not quantised and of activations as they were: into values.
uint plain_values(uint type, uint64_t row, acts_of acts, uint at) {
  uint j = gl_LocalInvocationIndex;
  float own = 0.0;
  for (uint i = j; i < acts.k; i += WIDE_LANES) {
    float w = plain_at(type, row, i), x = floats(acts.x).at[at * acts.stride + i];
    own = i == j ? product(w, x) : fused(w, x, own);
  }
  values[j] = own;
  return min(acts.k, WIDE_LANES);
}

uint segment_values(uint type, uint64_t row, acts_of acts, uint at) {
  uint segments = acts.k / SEGMENT;
  for (uint s = gl_LocalInvocationIndex; s < segments; s += 256u) {
    float value = type == Q8_0   ? q8_0_value(row, acts, at, s)
                  : type == Q4_K ? q4_k_value(row, acts, at, s)
                                 : q6_k_value(row, acts, at, s);
    values[s] = product(floats(acts.d).at[at * acts.segments + s], value);
  }
  return segments;
}

void main() {
  gemv_argument t = gemv_argument(argument);
  rows_of rows = t.job[0].rows;
  acts_of acts = t.acts;
  uint row = gl_WorkGroupID.x, y = gl_WorkGroupID.y, at = y / max(acts.share, 1u);
  uint64_t data = rows.data + uint64_t(row) * rows.row_bytes;
  if (t.experts != 0ul) data += uint64_t(words(t.experts).at[y]) * rows.expert_bytes;
  uint count = is_plain(rows.type) ? plain_values(rows.type, data, acts, at)
                                   : segment_values(rows.type, data, acts, at);
  float result = folded(count);
  if (gl_LocalInvocationIndex != 0u) return;
  uint place = y * rows.count + row;
  floats(t.job[0].result).at[place] = result;
  if (t.add != 0ul) floats(t.total).at[place] = sum(floats(t.add).at[place], result);
}
