/* Super-blocks as 256 signed 16-bit integers, each weight already multiplied by its sub-scale:
 * Q4_K at most 945, Q5_K 1953, Q6_K 4096 in magnitude. With activations of at most 32512, eight
 * int32 lanes hold 32 products each of Q4_K or Q5_K (2.04e9), or 16 of Q6_K (2.14e9), so two
 * accumulators of 128 weights never overflow for any type. */
#ifndef PV_CPU_UNPACK_AVX2_H
#define PV_CPU_UNPACK_AVX2_H

#include <immintrin.h>
#include <string.h>

#include "runtime/quant/quant.h"

#define PV_INLINE static inline __attribute__((always_inline))

/* Where unpacked weights go: kept in `w`, or multiplied at once with `x` into `acc`. */
typedef struct pv_use {
  int16_t *w;
  const int16_t *x;
  __m256i acc[2];
} pv_use;

PV_INLINE __m256i load256(const void *p) {
  return _mm256_loadu_si256(p);
}

PV_INLINE void use(pv_use *u, int i, __m256i bytes16, int scale) {
  const __m256i v = _mm256_mullo_epi16(bytes16, _mm256_set1_epi16((short)scale));
  if (u->w != NULL)
    _mm256_storeu_si256((__m256i *)(void *)(u->w + 16 * i), v);
  else
    u->acc[i / 8] = _mm256_add_epi32(u->acc[i / 8], _mm256_madd_epi16(v, load256(u->x + 16 * i)));
}

/* 32 unsigned bytes: weights 32 i .. 32 i + 31, one scale. */
PV_INLINE void use32(pv_use *u, int i, __m256i bytes, int scale) {
  use(u, 2 * i, _mm256_cvtepu8_epi16(_mm256_castsi256_si128(bytes)), scale);
  use(u, 2 * i + 1, _mm256_cvtepu8_epi16(_mm256_extracti128_si256(bytes, 1)), scale);
}

/* sc[8] then m[8], one byte each. */
PV_INLINE void k4_scales(const uint8_t packed[12], uint8_t out[16]) {
  uint32_t u[3], v[4];
  memcpy(u, packed, sizeof u);
  v[0] = u[0] & 0x3f3f3f3fu;
  v[1] = (u[2] & 0x0f0f0f0fu) | ((u[0] >> 2) & 0x30303030u);
  v[2] = u[1] & 0x3f3f3f3fu;
  v[3] = ((u[2] >> 4) & 0x0f0f0f0fu) | ((u[1] >> 2) & 0x30303030u);
  memcpy(out, v, sizeof v);
}

PV_INLINE void unpack_q4_k(const pv_block_q4_k *b, const uint8_t *sc, pv_use *u) {
  const __m256i nibble = _mm256_set1_epi8(15);
#pragma GCC unroll 4
  for (int j = 0; j < 4; j++) {
    const __m256i q = load256(b->q + 32 * j);
    use32(u, 2 * j, _mm256_and_si256(q, nibble), sc[2 * j]);
    use32(u, 2 * j + 1, _mm256_and_si256(_mm256_srli_epi16(q, 4), nibble), sc[2 * j + 1]);
  }
}

PV_INLINE void unpack_q5_k(const pv_block_q5_k *b, const uint8_t *sc, pv_use *u) {
  const __m256i nibble = _mm256_set1_epi8(15), one = _mm256_set1_epi8(1);
  const __m256i high = load256(b->high);
#pragma GCC unroll 4
  for (int j = 0; j < 4; j++) {
    const __m256i q = load256(b->q + 32 * j);
    const __m256i h0 = _mm256_and_si256(_mm256_srli_epi16(high, 2 * j), one);
    const __m256i h1 = _mm256_and_si256(_mm256_srli_epi16(high, 2 * j + 1), one);
    const __m256i l1 = _mm256_and_si256(_mm256_srli_epi16(q, 4), nibble);
    use32(u, 2 * j, _mm256_or_si256(_mm256_and_si256(q, nibble), _mm256_slli_epi16(h0, 4)),
          sc[2 * j]);
    use32(u, 2 * j + 1, _mm256_or_si256(l1, _mm256_slli_epi16(h1, 4)), sc[2 * j + 1]);
  }
}

/* 32 weights 0..63 with two scales; the offset of 32 is taken off in bytes. */
PV_INLINE void use_q6(pv_use *u, int i, __m256i low, __m256i high, const int8_t *sc) {
  const __m256i bytes = _mm256_sub_epi8(_mm256_or_si256(low, high), _mm256_set1_epi8(32));
  use(u, 2 * i, _mm256_cvtepi8_epi16(_mm256_castsi256_si128(bytes)), sc[2 * i]);
  use(u, 2 * i + 1, _mm256_cvtepi8_epi16(_mm256_extracti128_si256(bytes, 1)), sc[2 * i + 1]);
}

PV_INLINE void unpack_q6_k(const pv_block_q6_k *b, pv_use *u) {
  const __m256i nibble = _mm256_set1_epi8(15), top = _mm256_set1_epi8(0x30);
#pragma GCC unroll 2
  for (int h = 0; h < 2; h++) {
    const __m256i a = load256(b->low + 64 * h), c = load256(b->low + 64 * h + 32);
    const __m256i q = load256(b->high + 32 * h);
    use_q6(u, 4 * h, _mm256_and_si256(a, nibble), _mm256_and_si256(_mm256_slli_epi16(q, 4), top),
           b->scales);
    use_q6(u, 4 * h + 1, _mm256_and_si256(c, nibble),
           _mm256_and_si256(_mm256_slli_epi16(q, 2), top), b->scales);
    use_q6(u, 4 * h + 2, _mm256_and_si256(_mm256_srli_epi16(a, 4), nibble),
           _mm256_and_si256(q, top), b->scales);
    use_q6(u, 4 * h + 3, _mm256_and_si256(_mm256_srli_epi16(c, 4), nibble),
           _mm256_and_si256(_mm256_srli_epi16(q, 2), top), b->scales);
  }
}

/* The per-block part of the float value: d, dmin, and m[8] widened. Q6_K has d alone. */
typedef struct pv_block_scale {
  float d, dmin;
  __m256i m;
} pv_block_scale;

PV_INLINE pv_block_scale unpack(pv_type type, const void *block, pv_use *u) {
  pv_block_scale s = {0.0f, 0.0f, _mm256_setzero_si256()};
  if (type == PV_TYPE_Q6_K) {
    const pv_block_q6_k *b = block;
    unpack_q6_k(b, u);
    s.d = _cvtsh_ss(b->d);
    return s;
  }
  const pv_block_q4_k *b = block; /* Q5_K begins alike */
  uint8_t sc[16];
  k4_scales(b->scales, sc);
  if (type == PV_TYPE_Q5_K)
    unpack_q5_k(block, sc, u);
  else
    unpack_q4_k(block, sc, u);
  s.d = _cvtsh_ss(b->d);
  s.dmin = _cvtsh_ss(b->dmin);
  s.m = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)(sc + 8)));
  return s;
}

#endif
