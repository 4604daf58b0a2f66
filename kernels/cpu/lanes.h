/* Eight float lanes: AVX2 registers where the file is compiled for them, arrays elsewhere. The
 * operations are IEEE-exact either way, so a kernel written over lanes gives the same bits. */
#ifndef PV_CPU_LANES_H
#define PV_CPU_LANES_H

#include <string.h>

#include "kernels/arith/arith.h"

/* The larger of the maximum so far and the next; a NaN stays. */
static inline float larger(float m, float next) {
  return next > m || !(next == next) ? next : m;
}

#ifdef __AVX2__
#include <immintrin.h>
typedef __m256 v8;
static inline v8 v8_load(const float *p) {
  return _mm256_loadu_ps(p);
}
static inline void v8_store(float *p, v8 a) {
  _mm256_storeu_ps(p, a);
}
static inline v8 v8_set(float x) {
  return _mm256_set1_ps(x);
}
static inline v8 v8_add(v8 a, v8 b) {
  return _mm256_add_ps(a, b);
}
static inline v8 v8_mul(v8 a, v8 b) {
  return _mm256_mul_ps(a, b);
}
static inline v8 v8_div(v8 a, v8 b) {
  return _mm256_div_ps(a, b);
}
static inline v8 v8_fma(v8 a, v8 b, v8 c) {
  return _mm256_fmadd_ps(a, b, c);
}
static inline v8 v8_load_f16(const uint16_t *p) {
  return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p));
}
static inline v8 v8_load_bf16(const uint16_t *p) {
  const __m128i half = _mm_loadu_si128((const __m128i *)(const void *)p);
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
}
/* `larger`, lane by lane. */
static inline v8 v8_larger(v8 m, v8 next) {
  const v8 above = _mm256_cmp_ps(next, m, _CMP_GT_OQ);
  return _mm256_blendv_ps(m, next, _mm256_or_ps(above, _mm256_cmp_ps(next, next, _CMP_UNORD_Q)));
}
/* The larger of the maximum so far and the next; a NaN that comes next is passed over. */
static inline v8 v8_above(v8 m, v8 next) {
  return _mm256_max_ps(next, m);
}
/* Lanes folded by 4, 2, 1. */
static inline float v8_fold(v8 a) {
  const __m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  const __m128 c = _mm_add_ps(b, _mm_movehl_ps(b, b));
  return _mm_cvtss_f32(_mm_add_ss(c, _mm_movehdup_ps(c)));
}
#else
#include "kernels/quant/quant.h"
typedef struct v8 {
  float f[8];
} v8;
static inline v8 v8_load(const float *p) {
  v8 a;
  memcpy(a.f, p, sizeof a.f);
  return a;
}
static inline void v8_store(float *p, v8 a) {
  memcpy(p, a.f, sizeof a.f);
}
#define PV_V8_EACH(expression)                       \
  v8 r;                                              \
  for (int i = 0; i < 8; i++) r.f[i] = (expression); \
  return r
static inline v8 v8_set(float x) {
  PV_V8_EACH(x);
}
static inline v8 v8_add(v8 a, v8 b) {
  PV_V8_EACH(a.f[i] + b.f[i]);
}
static inline v8 v8_mul(v8 a, v8 b) {
  PV_V8_EACH(a.f[i] * b.f[i]);
}
static inline v8 v8_div(v8 a, v8 b) {
  PV_V8_EACH(pv_div_f32(a.f[i], b.f[i]));
}
static inline v8 v8_fma(v8 a, v8 b, v8 c) {
  PV_V8_EACH(pv_fma_f32(a.f[i], b.f[i], c.f[i]));
}
static inline v8 v8_larger(v8 m, v8 next) {
  PV_V8_EACH(larger(m.f[i], next.f[i]));
}
static inline v8 v8_above(v8 m, v8 next) {
  PV_V8_EACH(next.f[i] > m.f[i] ? next.f[i] : m.f[i]);
}
static inline v8 v8_load_f16(const uint16_t *p) {
  PV_V8_EACH(pv_f16_to_f32(p[i]));
}
static inline v8 v8_load_bf16(const uint16_t *p) {
  PV_V8_EACH(pv_bf16_to_f32(p[i]));
}
static inline float v8_fold(v8 a) {
  const float s0 = a.f[0] + a.f[4], s1 = a.f[1] + a.f[5];
  const float s2 = a.f[2] + a.f[6], s3 = a.f[3] + a.f[7];
  return (s0 + s2) + (s1 + s3);
}
#endif

#endif
