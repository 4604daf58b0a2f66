// The operation suite: result[i] = operation(a[i], b[i], c[i]). cases.h numbers the operations, and
// cases.c has them as the CPU computes them.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#include "kernels/vulkan/arith.glsl"

layout(local_size_x = 256) in;
layout(buffer_reference, std430, buffer_reference_align = 4) buffer words { uint at[]; };
layout(buffer_reference, std430, buffer_reference_align = 8) buffer pairs { uint64_t at[]; };

layout(push_constant) uniform arguments { // arguments of prove.c
  uint64_t a, b, c, result;
  uint operation, count, base, unused;
} p;

shared float row[256];

// The 256 numbers of a group, added in one tree: halves onto halves.
float reduced(float own) {
  uint t = gl_LocalInvocationIndex;
  row[t] = own;
  barrier();
#if defined(OTHER_TREE)
  for (uint half_of = 1u; half_of < 256u; half_of *= 2u) {
    if (t % (2u * half_of) == 0u) row[t] = sum(row[t], row[t + half_of]);
#else
  for (uint half_of = 128u; half_of > 0u; half_of /= 2u) {
    if (t < half_of) row[t] = sum(row[t], row[t + half_of]);
#endif
    barrier();
  }
  return row[0];
}

uint to_signed(float x) {
#if defined(CONVERSION_ROUNDS)
  if (abs(x) < 1048576.0) return uint(int(sum(x, x < 0.0 ? -0.5 : 0.5)));
#endif
  return uint(int(x));
}

// A float to a whole number; the host asks for what fits alone.
uint converted(uint operation, uint bits) {
  float x = uintBitsToFloat(bits);
  return operation == 0u ? to_signed(x) : uint(x);
}

// The results of 4096 inputs in one number: pv_op_folded of cases.c. The inner loop is for drivers to
// unroll.
uint folded(uint operation, uint first) {
  uint h = 0u, key = first * 0x9e3779b9u;
  for (uint i = first; i != first + 4096u; i += 32u)
    for (uint j = 0u; j < 32u; j++) {
      h += converted(operation, i + j) ^ key;
      key += 0x9e3779b9u;
    }
  return h;
}

uint half_widened(uint bits) {
#if defined(HALF_FLUSHED)
  if ((bits & 0x7c00u) == 0u) bits &= 0x8000u;
#endif
  return floatBitsToUint(unpackHalf2x16(bits).x);
}

// The 16 bits number i of an array of words.
uint half_of_word(words from, uint i) {
  uint word = from.at[i / 2u];
  return i % 2u == 0u ? word & 0xffffu : word >> 16;
}

// What becomes one operation where contraction is not forbidden.
float twice_rounded(float x, float y, float z) {
  PRECISE float r = x * y + z;
  return r;
}

// All forms of fma: where that of a chain has another result and does not say so, there is none.
float in_a_chain(float x, float y, float z) {
  uint turns = 0u, r = floatBitsToUint(fused(x, y, z));
  uint step = floatBitsToUint(float(chained(exact(double(x), double(y)), double(z), turns)));
  uint again = 0u, even = floatBitsToUint(float(chained_even(exact(double(x), double(y)), double(z), again)));
  bool alike = (turns != 0u || step == r) && (again != 0u || even == r);
  return uintBitsToFloat(alike ? r : r ^ 0x00400000u);
}

uint narrow(uint i) {
  words a = words(p.a), b = words(p.b), c = words(p.c);
  if (p.operation == 10u) return half_widened(half_of_word(a, i));
  if (p.operation == 11u) return half_of_word(a, i) << 16; // bfloat16
  if (p.operation == 14u) return uint(dot_of_bytes(a.at[i], b.at[i]));
  float x = uintBitsToFloat(a.at[i]), y = uintBitsToFloat(b.at[i]), z = uintBitsToFloat(c.at[i]);
  float r;
  switch (p.operation) {
    case 0u: r = sum(x, y); break;
    case 1u: r = difference(x, y); break;
    case 2u: r = product(x, y); break;
    case 3u: r = twice_rounded(x, y, z); break;
    case 4u: r = divided(x, y); break;
    case 5u: r = root(x); break;
    case 6u: r = in_a_chain(x, y, z); break;
    case 7u: r = planes(x, y); break;
    default: r = whole(x); break;
  }
  return floatBitsToUint(r);
}

uint narrowed(double x) {
  uint r = floatBitsToUint(float(x));
#if defined(NARROWED_FLUSHED)
  if ((r & INFINITE) == 0u) r &= SIGN;
#endif
  return r;
}

// Of 64 bits.
uint64_t long_one(uint i) {
  uint64_t a = pairs(p.a).at[i], b = pairs(p.b).at[i];
  PRECISE double r;
  double x = uint64BitsToDouble(a), y = uint64BitsToDouble(b);
  switch (p.operation) {
    case 16u: r = x + y; break;
    case 17u: r = x - y; break;
    case 18u: r = x * y; break;
    case 19u: r = double(uintBitsToFloat(uint(a))); break;
#if defined(NARROWED_TO_ZERO)
    case 20u: return uint64_t(floatBitsToUint(float(uint64BitsToDouble(a & ~0x1ffffffful))));
#else
    case 20u: return uint64_t(narrowed(x));
#endif
    case 21u: return uint64_t(floatBitsToUint(float(int(a))));
    case 22u: return uint64_t(floatBitsToUint(float(uint(a))));
    case 23u: return uint64_t(floatBitsToUint(float(int64_t(a))));
    default: r = fused_long(x, uint64BitsToDouble(b & ~0x1ffffffful), uint64BitsToDouble(pairs(p.c).at[i])); break;
  }
  return doubleBitsToUint64(r);
}

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (p.operation == 9u) {
    float all = reduced(uintBitsToFloat(words(p.a).at[i]));
    if (gl_LocalInvocationIndex == 0u) words(p.result).at[gl_WorkGroupID.x] = floatBitsToUint(all);
    return;
  }
  if (i >= p.count) return;
  if (p.operation >= 32u)
    words(p.result).at[i] = converted(p.operation - 32u, p.base + i);
  else if (p.operation >= 16u)
    pairs(p.result).at[i] = long_one(i);
  else if (p.operation == 12u || p.operation == 13u)
    words(p.result).at[i] = folded(p.operation - 12u, p.base + i * 4096u);
  else
    words(p.result).at[i] = narrow(i);
}
