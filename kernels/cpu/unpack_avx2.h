/* 256 weights in the order of pv_act_slot. Blocks of Q4_K keep two segments in the nibbles of a
 * byte: its four registers are transposed as they are and only then taken apart. */
#ifndef PV_CPU_UNPACK_AVX2_H
#define PV_CPU_UNPACK_AVX2_H

#include <immintrin.h>
#include <string.h>

#include "kernels/cpu/cpu.h"

#define PV_INLINE static inline __attribute__((always_inline))

PV_INLINE __m256i load256(const void *p) {
  return _mm256_loadu_si256(p);
}

/* The float and integer scales of eight segments in the order of pv_segment_slot. */
typedef struct pv_scale8 {
  __m256 d, dmin, m;
  __m256i sc, sc1; /* of halves: those in the two eights of pv_half_slot */
  __m256i lo, lo1;
} pv_scale8;

/* Lane p of each half of a, b, c, d, side by side. */
PV_INLINE void transpose4(__m256i a, __m256i b, __m256i c, __m256i d, __m256i out[4]) {
  const __m256i ab0 = _mm256_unpacklo_epi32(a, b), ab1 = _mm256_unpackhi_epi32(a, b);
  const __m256i cd0 = _mm256_unpacklo_epi32(c, d), cd1 = _mm256_unpackhi_epi32(c, d);
  out[0] = _mm256_unpacklo_epi64(ab0, cd0);
  out[1] = _mm256_unpackhi_epi64(ab0, cd0);
  out[2] = _mm256_unpacklo_epi64(ab1, cd1);
  out[3] = _mm256_unpackhi_epi64(ab1, cd1);
}

/* Even and odd segments to the order of pv_half_slot. */
PV_INLINE void pair_halves(const __m256i even[4], const __m256i odd[4], __m256i r[8]) {
#pragma GCC unroll 4
  for (int p = 0; p < 4; p++) {
    r[p] = _mm256_blend_epi32(even[p], odd[p], 0xf0);
    r[4 + p] = _mm256_permute2x128_si256(even[p], odd[p], 0x21);
  }
}

/* Rows of 32 bytes, one for each segment, to the order of pv_act_slot. */
PV_INLINE void transpose8(const __m256i row[8], __m256i r[8]) {
  __m256i even[4], odd[4];
  transpose4(row[0], row[4], row[2], row[6], even);
  transpose4(row[1], row[5], row[3], row[7], odd);
  pair_halves(even, odd, r);
}

/* Whether the integers come unpacked as bytes of 0..127. */
PV_INLINE bool is_unsigned(pv_type type) {
  return type == PV_TYPE_Q4_K || type == PV_TYPE_Q5_K || type == PV_TYPE_Q6_K;
}

/* Bytes to 16 bits without a shuffle: bytes 0 and 2 of each four, and bytes 1 and 3. */
PV_INLINE __m256i widen_even(pv_type type, __m256i r) {
  if (!is_unsigned(type)) return _mm256_srai_epi16(_mm256_slli_epi16(r, 8), 8);
  return _mm256_and_si256(r, _mm256_set1_epi16(255));
}
PV_INLINE __m256i widen_odd(pv_type type, __m256i r) {
  return is_unsigned(type) ? _mm256_srli_epi16(r, 8) : _mm256_srai_epi16(r, 8);
}

/* The first 16 bytes of a Q4_K or Q5_K block: d, dmin, then six bits each of sc[8] and m[8]; the
 * upper two bits of the last four of each lie above the first four. */
PV_INLINE void scale_k4(const pv_block_q4_k *b, pv_scale8 *s) {
  const __m128i head = _mm_loadu_si128((const __m128i *)(const void *)b);
  const __m128i low =
      _mm_and_si128(_mm_srlv_epi32(_mm_shuffle_epi32(head, 0xed), _mm_setr_epi32(0, 0, 0, 4)),
                    _mm_setr_epi32(0x3f3f3f3f, 0x0f0f0f0f, 0x3f3f3f3f, 0x0f0f0f0f));
  const __m128i high = _mm_and_si128(_mm_srli_epi32(_mm_shuffle_epi32(head, 0xa5), 2),
                                     _mm_setr_epi32(0, 0x30303030, 0, 0x30303030));
  const __m128i all = _mm_shuffle_epi8(
      _mm_or_si128(low, high), _mm_setr_epi8(0, 4, 2, 6, 1, 5, 3, 7, 8, 12, 10, 14, 9, 13, 11, 15));
  const __m128 d = _mm_cvtph_ps(head);
  s->d = _mm256_broadcastss_ps(d);
  s->dmin = _mm256_broadcastss_ps(_mm_movehdup_ps(d));
  s->sc = _mm256_cvtepu8_epi32(all);
  s->m = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(all, 8)));
}

PV_INLINE void rows_q4_k(const pv_block_q4_k *b, __m256i r[8]) {
  const __m256i nibble = _mm256_set1_epi8(15);
  __m256i t[4], even[4], odd[4];
  transpose4(load256(b->q), load256(b->q + 64), load256(b->q + 32), load256(b->q + 96), t);
#pragma GCC unroll 4
  for (int p = 0; p < 4; p++) {
    even[p] = _mm256_and_si256(t[p], nibble);
    odd[p] = _mm256_and_si256(_mm256_srli_epi16(t[p], 4), nibble);
  }
  pair_halves(even, odd, r);
}

PV_INLINE void rows_q5_k(const pv_block_q5_k *b, __m256i r[8]) {
  const __m256i nibble = _mm256_set1_epi8(15), bit = _mm256_set1_epi8(16);
  const __m256i high = load256(b->high);
  __m256i row[8];
#pragma GCC unroll 4
  for (int j = 0; j < 4; j++) {
    const __m256i q = load256(b->q + 32 * j);
    const __m256i h0 =
        j < 2 ? _mm256_slli_epi16(high, 4 - 2 * j) : _mm256_srli_epi16(high, 2 * j - 4);
    const __m256i h1 =
        j < 2 ? _mm256_slli_epi16(high, 3 - 2 * j) : _mm256_srli_epi16(high, 2 * j - 3);
    row[2 * j] = _mm256_or_si256(_mm256_and_si256(q, nibble), _mm256_and_si256(h0, bit));
    row[2 * j + 1] = _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(q, 4), nibble),
                                     _mm256_and_si256(h1, bit));
  }
  transpose8(row, r);
}

PV_INLINE __m256i q6(__m256i low, __m256i high) {
  const __m256i four = _mm256_and_si256(low, _mm256_set1_epi8(15));
  return _mm256_or_si256(four, _mm256_and_si256(high, _mm256_set1_epi8(0x30)));
}

/* From 0 to 63. */
PV_INLINE void rows_q6_k(const pv_block_q6_k *b, __m256i r[8]) {
  __m256i row[8];
#pragma GCC unroll 2
  for (int h = 0; h < 2; h++) {
    const __m256i a = load256(b->low + 64 * h), c = load256(b->low + 64 * h + 32);
    const __m256i q = load256(b->high + 32 * h);
    row[4 * h] = q6(a, _mm256_slli_epi16(q, 4));
    row[4 * h + 1] = q6(c, _mm256_slli_epi16(q, 2));
    row[4 * h + 2] = q6(_mm256_srli_epi16(a, 4), q);
    row[4 * h + 3] = q6(_mm256_srli_epi16(c, 4), _mm256_srli_epi16(q, 2));
  }
  transpose8(row, r);
}

PV_INLINE void scale_q6_k(const pv_block_q6_k *b, pv_scale8 *s) {
  const __m128i packed = _mm_loadu_si128((const __m128i *)(const void *)b->scales);
  const __m128i all =
      _mm_shuffle_epi8(packed, _mm_setr_epi8(0, 8, 4, 12, 3, 11, 7, 15, 1, 9, 5, 13, 2, 10, 6, 14));
  s->d = _mm256_set1_ps(_cvtsh_ss(b->d));
  s->sc = _mm256_cvtepi8_epi32(all);
  s->sc1 = _mm256_cvtepi8_epi32(_mm_srli_si128(all, 8));
}

/* Up to eight blocks; what is missing counts as zero. */
PV_INLINE void unpack_q8_0(const pv_block_q8_0 *b, size_t count, __m256i r[8], pv_scale8 *s) {
  uint16_t d[8] = {0};
  __m256i row[8];
#pragma GCC unroll 8
  for (size_t j = 0; j < 8; j++) {
    row[j] = j < count ? load256(b[j].q) : _mm256_setzero_si256();
    d[pv_segment_slot(j)] = j < count ? b[j].d : 0;
  }
  transpose8(row, r);
  s->d = _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)d));
}

/* Any type, by its header. What is missing counts as zero. */
#undef PV_PLAIN_ROW
#undef PV_TYPE_ROW
#define PV_PLAIN_ROW(NAME, name, number)
#define PV_TYPE_ROW(NAME, name, number, elements, ...)                                        \
  PV_INLINE void unpack_any_##name(const pv_block_##name *b, size_t segments, __m256i r[8],   \
                                   pv_scale8 *s) {                                            \
    float d[8] = {0}, m[8] = {0};                                                             \
    int32_t sc[16] = {0}, lo[16] = {0};                                                       \
    __m256i row[8];                                                                           \
    for (size_t j = 0; j < 8; j++) {                                                          \
      const pv_block_##name *block = b + j / ((elements) / 32);                               \
      const unsigned at = (unsigned)(j % ((elements) / 32));                                  \
      uint32_t w[8] = {0};                                                                    \
      if (j < segments) {                                                                     \
        const pv_scales scales = pv_##name##_scales(block, at);                               \
        for (unsigned t = 0; t < 8; t++) w[t] = pv_##name##_four(block, at, t);               \
        place_scales(&scales, j, d, m, sc, lo);                                               \
      }                                                                                       \
      row[j] = load256(w);                                                                    \
    }                                                                                         \
    transpose8(row, r);                                                                       \
    *s = (pv_scale8){_mm256_loadu_ps(d), _mm256_loadu_ps(m), _mm256_cvtepi32_ps(load256(lo)), \
                     load256(sc),        load256(sc + 8),    load256(lo),                     \
                     load256(lo + 8)};                                                        \
  }
PV_INLINE void place_scales(const pv_scales *s, size_t j, float d[8], float m[8], int32_t sc[16],
                            int32_t lo[16]) {
  d[pv_segment_slot(j)] = s->d;
  m[pv_segment_slot(j)] = s->m;
  for (size_t h = 0; h < 2; h++) {
    sc[pv_half_slot(j, h)] = s->sc[h];
    lo[pv_half_slot(j, h)] = s->lo[h];
  }
}
#include "kernels/quant/list.h"

/* 256 weights as eight registers of bytes, register i for registers 2 i and 2 i + 1 of the
 * activations. `segments` of them are there (8 but at the end of a Q8_0 row). */
PV_INLINE void unpack(pv_type type, const void *block, size_t segments, __m256i r[8],
                      pv_scale8 *s) {
  if (type == PV_TYPE_Q4_K) {
    rows_q4_k(block, r);
    scale_k4(block, s);
    return;
  }
  if (type == PV_TYPE_Q5_K) {
    rows_q5_k(block, r);
    scale_k4(block, s);
    return;
  }
  if (type == PV_TYPE_Q6_K) {
    rows_q6_k(block, r);
    scale_q6_k(block, s);
    return;
  }
  if (type == PV_TYPE_Q8_0) {
    unpack_q8_0(block, segments, r, s);
    return;
  }
  switch ((uint32_t)type) {
#undef PV_TYPE_ROW
#define PV_TYPE_ROW(NAME, name, ...)          \
  case PV_TYPE_##NAME:                        \
    unpack_any_##name(block, segments, r, s); \
    break;
#include "kernels/quant/list.h"
  }
}

#undef PV_TYPE_ROW
#define PV_TYPE_ROW(NAME, name, number, elements, form, ...) \
  case PV_TYPE_##NAME:                                       \
    return form;
PV_INLINE pv_form form_of(pv_type type) {
  switch ((uint32_t)type) {
#include "kernels/quant/list.h"
  }
  return PV_FORM_PLAIN;
}

#endif
