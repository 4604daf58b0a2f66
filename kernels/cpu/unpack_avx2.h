/* 256 weights as sixteen registers of 16-bit integers in the order of pv_act_slot: register p
 * holds elements 2 p and 2 p + 1 of eight segments side by side, so that vpmaddwd with the
 * activations of the same order sums each segment in a lane of its own. */
#ifndef PV_CPU_UNPACK_AVX2_H
#define PV_CPU_UNPACK_AVX2_H

#include <immintrin.h>
#include <string.h>

#include "runtime/quant/quant.h"

#define PV_INLINE static inline __attribute__((always_inline))

PV_INLINE __m256i load256(const void *p) {
  return _mm256_loadu_si256(p);
}

/* The float and integer scales of eight segments. */
typedef struct pv_scale8 {
  __m256 d, dmin;
  __m256i sc, sc1, m; /* Q4_K, Q5_K: sc, m; Q6_K: sc, sc1 for the two halves */
} pv_scale8;

/* Rows of 32 bytes, one per segment: pairs of bytes transposed, then widened. */
PV_INLINE void transpose(__m256i r[8], __m256i out[16]) {
  __m256i a[8], b[8];
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    a[i] = _mm256_unpacklo_epi16(r[2 * i], r[2 * i + 1]);
    a[4 + i] = _mm256_unpackhi_epi16(r[2 * i], r[2 * i + 1]);
  }
#pragma GCC unroll 2
  for (int h = 0; h < 2; h++) {
    const __m256i *s = a + 4 * h;
    b[4 * h + 0] = _mm256_unpacklo_epi32(s[0], s[1]);
    b[4 * h + 1] = _mm256_unpackhi_epi32(s[0], s[1]);
    b[4 * h + 2] = _mm256_unpacklo_epi32(s[2], s[3]);
    b[4 * h + 3] = _mm256_unpackhi_epi32(s[2], s[3]);
  }
#pragma GCC unroll 8
  for (int p = 0; p < 8; p++) {
    const __m256i low = b[p / 4 * 4 + p / 2 % 2], high = b[p / 4 * 4 + 2 + p / 2 % 2];
    const __m256i t =
        p % 2 == 0 ? _mm256_unpacklo_epi64(low, high) : _mm256_unpackhi_epi64(low, high);
    out[p] = _mm256_cvtepi8_epi16(_mm256_castsi256_si128(t));
    out[p + 8] = _mm256_cvtepi8_epi16(_mm256_extracti128_si256(t, 1));
  }
}

/* sc[8] then m[8], one byte each. */
PV_INLINE __m128i k4_scales(const uint8_t packed[12]) {
  uint32_t u[3];
  memcpy(u, packed, sizeof u);
  return _mm_setr_epi32(
      (int)(u[0] & 0x3f3f3f3fu), (int)((u[2] & 0x0f0f0f0fu) | ((u[0] >> 2) & 0x30303030u)),
      (int)(u[1] & 0x3f3f3f3fu), (int)(((u[2] >> 4) & 0x0f0f0f0fu) | ((u[1] >> 2) & 0x30303030u)));
}

PV_INLINE pv_scale8 scale_k4(const pv_block_q4_k *b) {
  const __m128i packed = k4_scales(b->scales);
  const pv_scale8 s = {.d = _mm256_set1_ps(_cvtsh_ss(b->d)),
                       .dmin = _mm256_set1_ps(_cvtsh_ss(b->dmin)),
                       .sc = _mm256_cvtepu8_epi32(packed),
                       .m = _mm256_cvtepu8_epi32(_mm_srli_si128(packed, 8))};
  return s;
}

PV_INLINE void rows_q4_k(const pv_block_q4_k *b, __m256i r[8]) {
  const __m256i nibble = _mm256_set1_epi8(15);
#pragma GCC unroll 4
  for (int j = 0; j < 4; j++) {
    const __m256i q = load256(b->q + 32 * j);
    r[2 * j] = _mm256_and_si256(q, nibble);
    r[2 * j + 1] = _mm256_and_si256(_mm256_srli_epi16(q, 4), nibble);
  }
}

PV_INLINE void rows_q5_k(const pv_block_q5_k *b, __m256i r[8]) {
  const __m256i nibble = _mm256_set1_epi8(15), bit = _mm256_set1_epi8(16);
  const __m256i high = load256(b->high);
#pragma GCC unroll 4
  for (int j = 0; j < 4; j++) {
    const __m256i q = load256(b->q + 32 * j);
    const __m256i h0 =
        j < 2 ? _mm256_slli_epi16(high, 4 - 2 * j) : _mm256_srli_epi16(high, 2 * j - 4);
    const __m256i h1 =
        j < 2 ? _mm256_slli_epi16(high, 3 - 2 * j) : _mm256_srli_epi16(high, 2 * j - 3);
    r[2 * j] = _mm256_or_si256(_mm256_and_si256(q, nibble), _mm256_and_si256(h0, bit));
    r[2 * j + 1] = _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(q, 4), nibble),
                                   _mm256_and_si256(h1, bit));
  }
}

PV_INLINE __m256i q6(__m256i low, __m256i high) {
  const __m256i four = _mm256_and_si256(low, _mm256_set1_epi8(15));
  const __m256i two = _mm256_and_si256(high, _mm256_set1_epi8(0x30));
  return _mm256_sub_epi8(_mm256_or_si256(four, two), _mm256_set1_epi8(32));
}

PV_INLINE void rows_q6_k(const pv_block_q6_k *b, __m256i r[8]) {
#pragma GCC unroll 2
  for (int h = 0; h < 2; h++) {
    const __m256i a = load256(b->low + 64 * h), c = load256(b->low + 64 * h + 32);
    const __m256i q = load256(b->high + 32 * h);
    r[4 * h] = q6(a, _mm256_slli_epi16(q, 4));
    r[4 * h + 1] = q6(c, _mm256_slli_epi16(q, 2));
    r[4 * h + 2] = q6(_mm256_srli_epi16(a, 4), q);
    r[4 * h + 3] = q6(_mm256_srli_epi16(c, 4), _mm256_srli_epi16(q, 2));
  }
}

PV_INLINE pv_scale8 scale_q6_k(const pv_block_q6_k *b) {
  const __m128i all = _mm_loadu_si128((const __m128i *)(const void *)b->scales);
  const __m128i even = _mm_srai_epi16(_mm_slli_epi16(all, 8), 8), odd = _mm_srai_epi16(all, 8);
  const pv_scale8 s = {.d = _mm256_set1_ps(_cvtsh_ss(b->d)),
                       .sc = _mm256_cvtepi16_epi32(even),
                       .sc1 = _mm256_cvtepi16_epi32(odd)};
  return s;
}

/* Up to eight blocks; what is missing counts as zero. */
PV_INLINE pv_scale8 unpack_q8_0(const pv_block_q8_0 *b, size_t count, __m256i r[8]) {
  uint16_t d[8] = {0};
#pragma GCC unroll 8
  for (size_t j = 0; j < 8; j++) {
    r[j] = j < count ? load256(b[j].q) : _mm256_setzero_si256();
    d[j] = j < count ? b[j].d : 0;
  }
  const pv_scale8 s = {.d = _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)d))};
  return s;
}

/* `segments` of the 256 weights at `block` are there (8 but at the end of a Q8_0 row). */
PV_INLINE pv_scale8 unpack(pv_type type, const void *block, size_t segments, __m256i w[16]) {
  __m256i r[8];
  pv_scale8 s;
  switch (type) {
    case PV_TYPE_Q4_K:
      rows_q4_k(block, r);
      s = scale_k4(block);
      break;
    case PV_TYPE_Q5_K:
      rows_q5_k(block, r);
      s = scale_k4(block);
      break;
    case PV_TYPE_Q6_K:
      rows_q6_k(block, r);
      s = scale_q6_k(block);
      break;
    default:
      s = unpack_q8_0(block, segments, r);
      break;
  }
  transpose(r, w);
  return s;
}

#endif
