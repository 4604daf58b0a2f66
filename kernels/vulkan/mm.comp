// A matrix of a quantised type times rounded activations, identities i16 and i8, or of a plain type times
// activations as they are: of pv_cuda_gemv with one job and without a norm. Groups: of rows, or as many as a
// grid has, each for every so many of them, and positions (slots, where there are experts). Of a quantised
// type a group has up to eight rows at once, 32 threads each, and lane l the segments l, l + 32, ...; of a
// plain one it has a row, and thread j is wide lane j.
// Reference: mm of kernels/definition.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#include "kernels/vulkan/stages.glsl"

#include "kernels/vulkan/blocks.glsl"

layout(local_size_x = 256) in;
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

const uint MOST_SEGMENTS = 2048u, MOST_ROWS = 8u; // PV_K_MAX / SEGMENT; at once
const uint ONES = 0x01010101u;

shared float values[MOST_SEGMENTS + MOST_ROWS]; // of each row, and a place more: banks are apart

// Four weights times four activations, exactly.
int dot(uint four, uint high, uint low) { return 256 * dot_of_bytes(four, high) + dot_of_bytes(four, low); }

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
    if (TYPE == Q2_K) all[e / 2u] += dot(ONES, x.x, x.z) + dot(ONES, x.y, x.w);
  }
  int64_t both = int64_t(by.sc[0]) * int64_t(dots[0]) + int64_t(by.sc[1]) * int64_t(dots[1]);
  float value = product(by.d, float(both)); // beyond 32 bits
  if (!has_minimum()) return value;
  PRECISE float minus = -by.m;
  int least = TYPE == Q2_K ? by.lo[0] * all[0] + by.lo[1] * all[1] : by.lo[0] * int(words(acts.sum).at[at]);
  return fused(adds_minimum() ? by.m : minus, float(least), value);
}

// The fold of n values from `base` on, n not a power of two as well: as far as a lane's own values go, and
// then of the 32 that are left.
void fold_lane(uint base, uint lane, uint n) {
  uint left = n, reach = 1u;
  while (reach < n) reach *= 2u;
  for (reach /= 2u; reach >= LANES; reach /= 2u) {
    for (uint i = lane; i < reach; i += LANES)
      if (i + reach < left) values[base + i] = sum(values[base + i], values[base + i + reach]);
    left = min(left, reach);
  }
}

float folded(uint base, uint n) {
  float x[LANES];
  uint left = min(n, LANES);
  for (uint i = 0u; i < LANES; i++) x[i] = values[base + min(i, left - 1u)];
  for (uint reach = LANES / 2u; reach > 0u; reach /= 2u) {
    for (uint i = 0u; i < reach; i++)
      if (i + reach < left) x[i] = sum(x[i], x[i + reach]);
    left = min(left, reach);
  }
  return x[0];
}

// A wide sum, of weights that are not quantised and of activations as they were: into values.
void plain_values(uint64_t row, acts_of acts, uint at) {
  float own = 0.0;
  uint j = gl_LocalInvocationIndex;
  for (uint i = j; i < acts.k; i += WIDE_LANES) {
    float w = plain_at(row, i), x = floats(acts.x).at[at * acts.stride + i];
    own = i == j ? product(w, x) : fused(w, x, own);
  }
  values[j] = own;
  barrier();
  if (j < LANES) fold_lane(0u, j, min(acts.k, WIDE_LANES));
}

void segment_values(uint64_t row, acts_of acts, uint at, uint base, uint lane, uint n) {
  for (uint s = lane; s < n; s += LANES)
    values[base + s] = product(floats(acts.d).at[at * acts.segments + s],
                               segment_value(row, acts, at * acts.segments + s, s));
  fold_lane(base, lane, n);
}

void main() {
  gemv_argument t = gemv_argument(argument);
  rows_of rows = t.job[0].rows;
  acts_of acts = t.acts;
  uint j = gl_LocalInvocationIndex, y = gl_WorkGroupID.y, at = y / max(acts.share, 1u);
  uint n = is_plain() ? min(acts.k, WIDE_LANES) : acts.k / SEGMENT;
  uint together = is_plain() ? 1u : min(MOST_ROWS, MOST_SEGMENTS / n), own = j / LANES;
  uint64_t data = rows.data;
  if (t.experts != 0ul) data += uint64_t(words(t.experts).at[y]) * rows.expert_bytes;
  for (uint first = gl_WorkGroupID.x * together; first < rows.count; first += gl_NumWorkGroups.x * together) {
    uint row = first + own;
    if (is_plain())
      plain_values(data + uint64_t(first) * rows.row_bytes, acts, at);
    else if (own < together && row < rows.count)
      segment_values(data + uint64_t(row) * rows.row_bytes, acts, at, own * (n + 1u), j % LANES, n);
    barrier();
    row = first + j;
    if (j < together && row < rows.count) {
      float result = folded(j * (n + 1u), n);
      uint place = y * rows.count + row;
      floats(t.job[0].result).at[place] = result;
      if (t.add != 0ul) floats(t.total).at[place] = sum(floats(t.add).at[place], result);
    }
    barrier(); // the values have been read
  }
}
