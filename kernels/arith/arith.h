/* Scalar float32 functions that every backend computes with: one source for gcc and nvcc.
 *
 * Built only from operations that IEEE 754 defines exactly (+ - * / fma sqrt, conversions,
 * comparisons, bit patterns), so equal inputs give equal bits on every machine. Compile with
 * -ffp-contract=off (gcc, clang) or --fmad=false (nvcc): a fused operation is fused because it is
 * written so. No libm, no approximate instructions, subnormals kept.
 *
 * Bodies are free of branches: gcc vectorises loops over them, lane by lane the same operations. */
#ifndef PV_ARITH_ARITH_H
#define PV_ARITH_ARITH_H

#include <stdint.h>
#include <string.h>

#ifdef __CUDACC__
#define PV_ARITH static __host__ __device__ __forceinline__
#else
#define PV_ARITH static inline __attribute__((always_inline))
#endif

/* Largest error over all 2^32 inputs, in units in the last place of the correctly rounded result
 * (subnormal results: in units of 2^-149). Proved by the program `check-arith`. */
#define PV_EXP_F32_MAX_ULP        1.1
#define PV_SIGMOID_F32_MAX_ULP    2.5
#define PV_SILU_F32_MAX_ULP       2.5
#define PV_GELU_F32_MAX_ULP       220.0
#define PV_QUICK_GELU_F32_MAX_ULP 90.0

PV_ARITH uint32_t pv_bits_f32(float x) {
  uint32_t u;
  memcpy(&u, &x, sizeof u);
  return u;
}

PV_ARITH float pv_f32_bits(uint32_t u) {
  float x;
  memcpy(&x, &u, sizeof x);
  return x;
}

/* a * b + c with one rounding. */
PV_ARITH float pv_fma_f32(float a, float b, float c) {
#ifdef __CUDA_ARCH__
  return __fmaf_rn(a, b, c);
#else
  return __builtin_fmaf(a, b, c);
#endif
}

PV_ARITH double pv_fma_f64(double a, double b, double c) {
#ifdef __CUDA_ARCH__
  return __fma_rn(a, b, c);
#else
  return __builtin_fma(a, b, c);
#endif
}

PV_ARITH float pv_sqrt_f32(float x) {
#ifdef __CUDA_ARCH__
  return __fsqrt_rn(x);
#else
  return __builtin_sqrtf(x);
#endif
}

PV_ARITH float pv_div_f32(float a, float b) {
#ifdef __CUDA_ARCH__
  return __fdiv_rn(a, b);
#else
  return a / b;
#endif
}

/* Nearest integer, ties to even, for |x| < 2^22; the result is also a float. */
PV_ARITH float pv_rint_f32(float x) {
  return (x + 12582912.0f) - 12582912.0f;
}

/* exp(x) = e * s1 * s2 for |x| <= 120 (beyond, the value at the nearer end, which no float holds).
 * x = k ln2 + r, |r| <= ln2 / 2, ln2 in two parts; e = exp(r) = 1 + r + r^2 q(r) with q of degree 4
 * interpolated at Chebyshev nodes (relative error of the polynomial 1.1e-8); s1 * s2 = 2^k, two
 * factors so that subnormal results round once. */
PV_ARITH float pv_exp_parts_f32(float x, float *s1, float *s2) {
  float xc = x < -120.0f ? -120.0f : x;
  xc = xc > 120.0f ? 120.0f : xc;
  const float t = pv_fma_f32(xc, 0x1.715476p+0f, 12582912.0f);
  const float n = t - 12582912.0f;
  float r = pv_fma_f32(n, -0x1.62e4p-1f, xc);
  r = pv_fma_f32(n, -0x1.7f7d1cp-20f, r);
  float q = 0x1.6d110ap-10f;
  q = pv_fma_f32(q, r, 0x1.120b6ep-7f);
  q = pv_fma_f32(q, r, 0x1.55551ap-5f);
  q = pv_fma_f32(q, r, 0x1.5554dcp-3f);
  q = pv_fma_f32(q, r, 0.5f);
  const int32_t k = (int32_t)(pv_bits_f32(t) - 0x4b400000u);
  const int32_t half = k >> 1;
  *s1 = pv_f32_bits((uint32_t)(half + 127) << 23);
  *s2 = pv_f32_bits((uint32_t)(k - half + 127) << 23);
  return 1.0f + pv_fma_f32(q, r * r, r);
}

PV_ARITH float pv_exp_f32(float x) {
  float s1, s2;
  const float e = pv_exp_parts_f32(x, &s1, &s2);
  return e * s1 * s2;
}

/* x / (1 + exp(-z)), for x whose quotient is -0 below -120. Below z = -32 the 1 is lost to
 * rounding, and exp(-z) overflows before the quotient underflows: there the second power of two is
 * applied to the quotient instead. The numerator is clamped so that -infinity gives its limit, -0.
 */
PV_ARITH float pv_logistic_f32(float x, float z) {
  float s1, s2;
  const float e = pv_exp_parts_f32(-z, &s1, &s2);
  const float far = x < -120.0f ? -120.0f : x;
  const float rest = pv_f32_bits(0x7f000000u - pv_bits_f32(s2)); /* 1 / s2 */
  const float d = z < -32.0f ? e * s1 : 1.0f + e * s1 * s2;
  return pv_div_f32(far, d) * (z < -32.0f ? rest : 1.0f);
}

PV_ARITH float pv_sigmoid_f32(float x) {
  return pv_logistic_f32(1.0f, x);
}

/* SiLU: x sigmoid(x). */
PV_ARITH float pv_silu_f32(float x) {
  return pv_logistic_f32(x, x);
}

/* GELU in its tanh form, x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))), as x sigmoid of twice
 * that argument. exp magnifies the roundings of an argument by its size: that is the error. */
PV_ARITH float pv_gelu_f32(float x) {
  return pv_logistic_f32(x, x * pv_fma_f32(0x1.2444f2p-4f, x * x, 0x1.988454p+0f));
}

/* x sigmoid(1.702 x), another approximation of GELU. */
PV_ARITH float pv_quick_gelu_f32(float x) {
  return pv_logistic_f32(x, 1.702f * x);
}

/* SwiGLU of one element: silu(gate) * up. */
PV_ARITH float pv_swiglu_f32(float gate, float up) {
  return pv_silu_f32(gate) * up;
}

PV_ARITH float pv_geglu_f32(float gate, float up) {
  return pv_gelu_f32(gate) * up;
}

/* SwiGLU of gpt-oss: the gate at most 7, up between -7 and 7. */
PV_ARITH float pv_swiglu_clamped_f32(float gate, float up) {
  const float g = gate > 7.0f ? 7.0f : gate;
  const float u = up > 7.0f ? 7.0f : up;
  return pv_quick_gelu_f32(g) * ((u < -7.0f ? -7.0f : u) + 1.0f);
}

PV_ARITH float pv_gate_f32(float x, float logit) {
  return x * pv_sigmoid_f32(logit);
}

/* The order of candidates everywhere a best one is taken: value descending, then index ascending.
 * A NaN orders after every number, so it is never chosen while a number is left. */
PV_ARITH int pv_before(float a, int64_t index_a, float b, int64_t index_b) {
  const int nan_a = !(a == a), nan_b = !(b == b);
  if (nan_a != nan_b) return nan_b;
  if (!nan_a && a != b) return a > b;
  return index_a < index_b;
}

#endif
