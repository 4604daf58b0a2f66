// Identity f32-f64acc (kernels/arith/act.h): a matrix of any type times activations as they are. Of pv_cuda_gemv with
// one job. Groups: of eight rows, or as many as a grid has, each for every so many of them, and positions (slots,
// where there are experts); 32 threads have a row, of which each is a lane. Reference: mm of kernels/definition.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#include "kernels/vulkan/stages.glsl"

#include "kernels/vulkan/blocks.glsl"
#include "kernels/vulkan/gemv.glsl"

layout(local_size_x = 256) in;
const uint LANES = 32u, CHUNK = 256u;
const uint ROWS = 8u; // of a group, as gpu_shaders.c has it
shared float lanes[ROWS * LANES];

// Weight i of a row in float64 (pv_dequant_f64). Products are exact; whole numbers have less than 24 bits, so that
// float32 has them exactly, by a conversion that is proved.
double weight_at(uint64_t row, uint i) {
  if (PLAIN) return double(plain_at(row, i));
  uint s = i / SEGMENT, of = i % SEGMENT;
  uint64_t block = block_of(row, s);
  scales_of by = scales_at(block, s % 8u);
  double number = double(float(by.sc[of / 16u] * integer_at(block, s % 8u, of)));
  double scaled = exact(double(by.d), number);
  if (!MINIMUM) return scaled;
  double least = exact(double(by.m), double(float(by.lo[of / 16u])));
  PRECISE double w = ADDS_MINIMUM ? scaled + least : scaled - least;
  return w;
}

// fma(w, x, c). A weight without a minimum has 26 bits at most, 24 if it is plain: its product with a float32 is exact
// in float64, so a product and a sum, none of them contracted, are the fma.
double added(double w, double x, double c) {
  if (MINIMUM) return fused_long(w, x, c);
  PRECISE double s = exact(w, x) + c;
  return s;
}

double lane_of(uint64_t row, uint64_t x, uint lane, uint k) {
  double all = 0.0lf;
  for (uint begin = lane; begin < k; begin += CHUNK) {
    double chunk = 0.0lf;
    [[dont_unroll]] for (uint s = 0u; s < CHUNK / LANES; s++) {
      uint i = begin + LANES * s;
      if (i < k) chunk = added(weight_at(row, i), double(floats(x).at[i]), chunk);
    }
    PRECISE double next = all + chunk;
    all = next;
  }
  return all;
}

void main() {
  gemv_argument t = gemv_argument(argument);
  rows_of rows = t.job[0].rows;
  uint j = gl_LocalInvocationIndex, lane = j % LANES, y = gl_WorkGroupID.y;
  uint64_t expert = t.experts != 0ul ? uint64_t(words(t.experts).at[y]) : 0ul;
  uint64_t data = rows.data + expert * rows.expert_bytes;
  uint64_t x = t.acts.x + 4ul * (uint64_t(y / max(t.acts.share, 1u)) * t.acts.stride);
  for (uint first = gl_WorkGroupID.x * ROWS; first < rows.count; first += gl_NumWorkGroups.x * ROWS) {
    uint r = first + j / LANES; // beyond the last: nobody's, but it comes to each barrier
    lanes[j] = float(lane_of(data + uint64_t(min(r, rows.count - 1u)) * rows.row_bytes, x, lane, t.acts.k));
    barrier();
    for (uint reach = LANES / 2u; reach > 0u; reach /= 2u) {
      if (lane < reach) lanes[j] = sum(lanes[j], lanes[j + reach]);
      barrier();
    }
    if (lane == 0u && r < rows.count) floats(t.job[0].result).at[y * rows.count + r] = lanes[j];
  }
}
