/* Rows of weights side by side: each lane of 32 bits belongs to a row, so that no sum needs the
 * lanes of others. Eight rows, sixteen where there are products in registers of 512 bits. */
#ifndef PV_CPU_ROWS_AVX2_H
#define PV_CPU_ROWS_AVX2_H

#include "kernels/cpu/sums_avx2.h"

#ifdef __AVX512VNNI__
#define ROWS_OP(name) _mm512_##name
typedef __m512i rows_i;
typedef __m512 rows_f;
PV_INLINE rows_i rows_and(rows_i a, rows_i b) {
  return _mm512_and_si512(a, b);
}
PV_INLINE rows_i rows_or(rows_i a, rows_i b) {
  return _mm512_or_si512(a, b);
}
PV_INLINE rows_i rows_zero(void) {
  return _mm512_setzero_si512();
}
PV_INLINE rows_i rows_load(const void *p) {
  return _mm512_loadu_si512(p);
}
PV_INLINE rows_i rows_quarters(__m128i x) {
  return _mm512_broadcast_i32x4(x);
}
PV_INLINE rows_f rows_f16(__m256i half_words) {
  return _mm512_cvtph_ps(half_words);
}
PV_INLINE rows_f rows_load_f16(const uint16_t *p) {
  return rows_f16(load256(p));
}
/* By numbers that are no literals. */
PV_INLINE rows_i rows_left16(rows_i x, int bits) {
  return _mm512_sll_epi16(x, _mm_cvtsi32_si128(bits));
}
PV_INLINE rows_i rows_right16(rows_i x, int bits) {
  return _mm512_srl_epi16(x, _mm_cvtsi32_si128(bits));
}
/* 16 bytes of every fourth row, from the first that is given on. */
PV_INLINE rows_i every_fourth(const unsigned char *const *row, size_t at) {
  return _mm512_inserti64x4(_mm512_castsi256_si512(load_two(row[0] + at, row[4] + at)),
                            load_two(row[8] + at, row[12] + at), 1);
}
#else
#define ROWS_OP(name) _mm256_##name
typedef __m256i rows_i;
typedef __m256 rows_f;
PV_INLINE rows_i rows_and(rows_i a, rows_i b) {
  return _mm256_and_si256(a, b);
}
PV_INLINE rows_i rows_or(rows_i a, rows_i b) {
  return _mm256_or_si256(a, b);
}
PV_INLINE rows_i rows_zero(void) {
  return _mm256_setzero_si256();
}
PV_INLINE rows_i rows_load(const void *p) {
  return _mm256_loadu_si256(p);
}
PV_INLINE rows_i rows_quarters(__m128i x) {
  return _mm256_broadcastsi128_si256(x);
}
PV_INLINE rows_f rows_f16(__m128i half_words) {
  return _mm256_cvtph_ps(half_words);
}
PV_INLINE rows_f rows_load_f16(const uint16_t *p) {
  return rows_f16(_mm_loadu_si128((const __m128i *)(const void *)p));
}
PV_INLINE rows_i rows_left16(rows_i x, int bits) {
  return _mm256_slli_epi16(x, bits);
}
PV_INLINE rows_i rows_right16(rows_i x, int bits) {
  return _mm256_srli_epi16(x, bits);
}
PV_INLINE rows_i every_fourth(const unsigned char *const *row, size_t at) {
  return load_two(row[0] + at, row[4] + at);
}
#endif

enum { ROWS = sizeof(rows_i) / sizeof(int32_t) };

PV_TRANSPOSE4(rows_transpose4, rows_i, ROWS_OP)
PV_FOLD_CHUNKS(fold_rows, rows_f, ROWS_OP)

/* The same 16 bytes of ROWS rows: register i has their word i, row by row. */
PV_INLINE void rows_words(const unsigned char *const *row, size_t at, rows_i out[4]) {
  rows_transpose4(every_fourth(row, at), every_fourth(row + 1, at), every_fourth(row + 2, at),
                  every_fourth(row + 3, at), out);
}

PV_INLINE rows_i rows_high(rows_i x) {
  return ROWS_OP(srai_epi32)(x, 16);
}
PV_INLINE rows_i rows_low(rows_i x) {
  return rows_and(x, ROWS_OP(set1_epi32)(0xffff));
}

/* d in the low halves of words and dmin in the high ones. */
PV_INLINE void put_d_dmin(rows_i words, rows_f *d, rows_f *dmin) {
#ifdef __AVX512VNNI__
  *d = rows_f16(_mm512_cvtepi32_epi16(words));
  *dmin = rows_f16(_mm512_cvtepi32_epi16(_mm512_srli_epi32(words, 16)));
#else
  const __m256i packed = _mm256_packus_epi32(_mm256_and_si256(words, _mm256_set1_epi32(0xffff)),
                                             _mm256_srli_epi32(words, 16));
  const __m256i all = _mm256_permute4x64_epi64(packed, 0xd8);
  *d = rows_f16(_mm256_castsi256_si128(all));
  *dmin = rows_f16(_mm256_extracti128_si256(all, 1));
#endif
}

#endif
