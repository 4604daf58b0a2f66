// A matrix of a quantised type times rounded activations, identities i16 and i8, or of a plain type times
// activations as they are: of pv_cuda_gemv with one job and without a norm. Groups: rows, or as many as a
// grid has, each for every so many of them, and positions (slots, where there are experts); thread j has
// the segments j, j + 32, ... of a row, or the wide lanes j, j + 32, ...
// Reference: mm of kernels/definition.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#include "stages.glsl"

#include "blocks.glsl"

layout(local_size_x = 32) in;
const uint LANES = 32u;
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

// Four weights times four activations, exactly.
int dot(uint four, uint high, uint low) {
  int r = 0;
  for (int j = 0; j < 32; j += 8)
    r += bitfieldExtract(int(four), j, 8) *
         (256 * bitfieldExtract(int(high), j, 8) + bitfieldExtract(int(low), j, 8));
  return r;
}

// Of segment s: whole numbers multiplied and added exactly, then d, and the minimum times the sum of
// the activations. Halves have scales of their own, or the same.
float segment_value(uint64_t row, acts_of acts, uint at, uint s) {
  uint64_t block = block_of(row, s);
  scales_of by = scales_at(block, s % 8u);
  quads planes = quads(acts.q + uint64_t(at) * SEGMENT_BYTES);
  uint four[8];
  integers_at(block, s % 8u, four);
  int dots[2] = int[2](0, 0), all[2] = int[2](0, 0);
  for (uint e = 0u; e < 4u; e++) { // eight at once
    uvec4 x = planes.at[e];
    dots[e / 2u] += dot(four[2u * e], x.x, x.z) + dot(four[2u * e + 1u], x.y, x.w);
    if (TYPE == Q2_K) all[e / 2u] += dot(0x01010101u, x.x, x.z) + dot(0x01010101u, x.y, x.w);
  }
  int64_t both = int64_t(by.sc[0]) * int64_t(dots[0]) + int64_t(by.sc[1]) * int64_t(dots[1]);
  float value = product(by.d, float(both)); // beyond 32 bits
  if (!has_minimum()) return value;
  PRECISE float minus = -by.m;
  int least = TYPE == Q2_K ? by.lo[0] * all[0] + by.lo[1] * all[1] : by.lo[0] * int(words(acts.sum).at[at]);
  return fused(adds_minimum() ? by.m : minus, float(least), value);
}

// The fold of n values, n not a power of two as well.
float folded(uint n) {
  uint j = gl_LocalInvocationIndex, left = n, reach = 1u;
  while (reach < n) reach *= 2u;
  for (reach /= 2u; reach > 0u; reach /= 2u) {
    barrier();
    for (uint i = j; i < reach; i += LANES)
      if (i + reach < left) values[i] = sum(values[i], values[i + reach]);
    left = min(left, reach);
  }
  barrier();
  return values[0];
}

// A wide sum, of weights that are not quantised and of activations as they were: into values.
uint plain_values(uint64_t row, acts_of acts, uint at) {
  for (uint j = gl_LocalInvocationIndex; j < WIDE_LANES; j += LANES) {
    float own = 0.0;
    for (uint i = j; i < acts.k; i += WIDE_LANES) {
      float w = plain_at(row, i), x = floats(acts.x).at[at * acts.stride + i];
      own = i == j ? product(w, x) : fused(w, x, own);
    }
    values[j] = own;
  }
  return min(acts.k, WIDE_LANES);
}

uint segment_values(uint64_t row, acts_of acts, uint at) {
  uint segments = acts.k / SEGMENT;
  for (uint s = gl_LocalInvocationIndex; s < segments; s += LANES)
    values[s] = product(floats(acts.d).at[at * acts.segments + s],
                        segment_value(row, acts, at * acts.segments + s, s));
  return segments;
}

void one_row(gemv_argument t, uint row) {
  rows_of rows = t.job[0].rows;
  acts_of acts = t.acts;
  uint y = gl_WorkGroupID.y, at = y / max(acts.share, 1u);
  uint64_t data = rows.data + uint64_t(row) * rows.row_bytes;
  if (t.experts != 0ul) data += uint64_t(words(t.experts).at[y]) * rows.expert_bytes;
  uint count = is_plain() ? plain_values(data, acts, at) : segment_values(data, acts, at);
  float result = folded(count);
  if (gl_LocalInvocationIndex != 0u) return;
  uint place = y * rows.count + row;
  floats(t.job[0].result).at[place] = result;
  if (t.add != 0ul) floats(t.total).at[place] = sum(floats(t.add).at[place], result);
}

void main() {
  gemv_argument t = gemv_argument(argument);
  for (uint row = gl_WorkGroupID.x; row < t.job[0].rows.count; row += gl_NumWorkGroups.x) {
    one_row(t, row);
    barrier(); // the values of this row have been read
  }
}
