// What the shaders of stages share: arguments, which are the structs that the CUDA kernels take
// (kernels/cuda/*.h), read from the memory that a push constant names; exp and what is made of it
// (kernels/arith/arith.h).
//
// They are written for their bits, which are those of kernels/definition, and not for speed.
#include "kernels/vulkan/arith.glsl"

const uint WIDE_LANES = 256u;
const uint SEGMENT = 32u;
const uint SEGMENT_BYTES = 64u; // of rounded activations

layout(buffer_reference, std430, buffer_reference_align = 4) buffer floats { float at[]; };
layout(buffer_reference, std430, buffer_reference_align = 4) buffer words { uint at[]; };
layout(buffer_reference, std430, buffer_reference_align = 4) coherent buffer counts_of { uint at[]; };
layout(buffer_reference, std430, buffer_reference_align = 16) readonly buffer quads { uvec4 at[]; };
layout(buffer_reference, std430, buffer_reference_align = 16) writeonly buffer planes_to { uvec4 at[]; };
layout(buffer_reference, std430, buffer_reference_align = 16) readonly buffer fours { vec4 at[]; };
// `counters` are zeros before a launch and after it: groups of one launch count in them which of them ends last.
layout(push_constant) uniform pushed { uint64_t argument, counters; };

struct rows_of { // pv_cuda_rows
  uint64_t data, row_bytes, expert_bytes;
  uint type, count;
};
struct acts_of { // pv_cuda_acts
  uint64_t x, q, d, sum;
  uint k, stride, segments, share;
};
struct norm_of { // pv_cuda_norm
  uint64_t x, weight, step, result;
  acts_of acts;
  uint n;
  float eps, largest;
  uint whole; // rounded in blocks of 256; 0: of 32
};

// Memory is read in words of 32 bits: a byte, or 16 bits that begin at any even address.
uint byte_at(uint64_t address) {
  return words(address & ~3ul).at[0] >> (8u * uint(address & 3ul)) & 255u;
}
int signed_byte_at(uint64_t address) { return int(byte_at(address) << 24) >> 24; }
// What stands above the 16 bits is anything.
uint half_word(uint64_t address) {
  uint word = words(address & ~3ul).at[0];
  return (address & 2ul) != 0ul ? word >> 16 : word;
}
float half_at(uint64_t address) { return unpackHalf2x16(half_word(address)).x; }

const uint EXP_OF[6] = uint[6](0x3c0905b7u, 0x3d2aaa8du, 0x3e2aaa6eu, 0x3f000000u, 0u, 0u);

// exp(x) = result * one * two.
float exp_parts(float x, out float one, out float two) {
  float near = x < -120.0 ? -120.0 : x;
  near = near > 120.0 ? 120.0 : near;
  uint turns = 0u;
  double of_t = chained(exact(double(near), double(uintBitsToFloat(0x3fb8aa3bu))), 12582912.0lf, turns);
  float t = float(of_t), n = difference(t, 12582912.0), q = 0.0;
  double of_r = chained(exact(double(n), double(uintBitsToFloat(0xbf317200u))), double(near), turns);
  of_r = chained(exact(double(n), double(uintBitsToFloat(0xb5bfbe8eu))), of_r, turns);
  float r = float(of_r);
  double of_q = double(uintBitsToFloat(0x3ab68885u));
  [[unroll]] for (uint i = 0u; i < 4u; i++) of_q = chained(exact(of_q, of_r), double(uintBitsToFloat(EXP_OF[i])), turns);
  q = float(chained(exact(of_q, double(product(r, r))), of_r, turns));
  if (turns != 0u) { // step by step
    float a = near, b = uintBitsToFloat(0x3fb8aa3bu), c = 12582912.0;
    [[dont_unroll]] for (uint step = 0u; step < 8u; step++) {
      float y = fused(a, b, c);
      if (step == 0u) {
        t = y;
        n = difference(t, 12582912.0);
      }
      if (step <= 2u) r = y;
      if (step >= 2u) q = step == 2u ? uintBitsToFloat(0x3ab68885u) : y;
      a = step < 2u ? n : q;
      b = step == 0u ? uintBitsToFloat(0xbf317200u) : step == 1u ? uintBitsToFloat(0xb5bfbe8eu) : r;
      if (step == 6u) b = product(r, r);
      c = step == 0u ? near : step == 1u || step == 6u ? r : uintBitsToFloat(EXP_OF[min(step - 2u, 5u)]);
    }
  }
  int k = int(floatBitsToUint(t) - 0x4b400000u), half_of = k >> 1;
  one = uintBitsToFloat(uint(half_of + 127) << 23);
  two = uintBitsToFloat(uint(k - half_of + 127) << 23);
  return sum(1.0, q);
}

// x / (1 + exp(-z)).
float logistic(float x, float z) {
  float one, two;
  PRECISE float minus = -z;
  float e = product(exp_parts(minus, one, two), one);
  float far = x < -120.0 ? -120.0 : x;
  float rest = uintBitsToFloat(0x7f000000u - floatBitsToUint(two));
  float d = z < -32.0 ? e : sum(1.0, product(e, two));
  return product(divided(far, d), z < -32.0 ? rest : 1.0);
}

float swiglu(float gate, float up) { return product(logistic(gate, gate), up); }

bool is_nan(float x) { return (floatBitsToUint(x) & ~SIGN) > INFINITE; }

// The larger; a NaN stays.
float larger(float a, float b) { return b > a || is_nan(b) ? b : a; }

float exponential(float x) {
  float one, two;
  float e = exp_parts(x, one, two);
  return product(product(e, one), two);
}

// The order of candidates (pv_before): value descending, then index ascending, what is none at the end.
bool comes_before(float a, uint i, float b, uint j) {
  if (is_nan(a) != is_nan(b)) return is_nan(b);
  if (!is_nan(a) && a != b) return a > b;
  return i < j;
}
