/* Sixteen rows of 256 weights side by side: each lane of a register belongs to a row, so that sums
 * over weights need no lanes of others. Weights are multiplied by their sub-scales as they are put
 * here, once for all activations. */
#ifndef PV_CPU_PANEL_AVX2_H
#define PV_CPU_PANEL_AVX2_H

#include "kernels/cpu/lanes.h"
#include "kernels/cpu/sums_avx2.h"

enum { PANEL_ROWS = 16, PANEL_WORDS = 128 };

typedef struct panel {
  __m256i w[PANEL_WORDS][2]; /* pairs of weights in the order of pv_act_slot; rows 0..7, 8..15 */
  __m256i lo[16][2];         /* sub-minima in the order of pv_segment_slot or pv_half_slot */
  __m256 d[2], dmin[2];
} panel;

/* d in the low halves of words and dmin in the high ones. */
PV_INLINE void put_d_dmin(__m256i words, __m256 *d, __m256 *dmin) {
  const __m256i packed = _mm256_packus_epi32(_mm256_and_si256(words, _mm256_set1_epi32(0xffff)),
                                             _mm256_srli_epi32(words, 16));
  const __m256i all = _mm256_permute4x64_epi64(packed, 0xd8);
  *d = _mm256_cvtph_ps(_mm256_castsi256_si128(all));
  *dmin = _mm256_cvtph_ps(_mm256_extracti128_si256(all, 1));
}

/* Eight rows, one after the other: of any type. */
PV_INLINE void fill_by_row(pv_type type, size_t chunk_bytes, const unsigned char *const row[8],
                           int half, panel *out) {
  _Alignas(32) int16_t w[8][256];
  _Alignas(32) int32_t lo[8][16];
  _Alignas(32) float d[8], dmin[8];
  const unsigned char *from[8];
#pragma GCC unroll 1
  for (size_t i = 0; i < 8; i++) {
    __m256i r[8], *to = (__m256i *)(void *)w[i];
    pv_scale8 s;
    unpack(type, chunk_bytes, row[i], 8, r, &s);
    const __m256i off = _mm256_set1_epi16((short)offset_of(type));
#pragma GCC unroll 8
    for (int p = 0; p < 8; p++) {
      const __m256i sc = has_halves(type) && p >= 4 ? s.sc1 : s.sc;
      const __m256i by = form_of(type) == PV_FORM_D
                             ? _mm256_set1_epi16(1)
                             : _mm256_or_si256(_mm256_and_si256(sc, _mm256_set1_epi32(0xffff)),
                                               _mm256_slli_epi32(sc, 16));
      to[2 * p] = _mm256_mullo_epi16(_mm256_sub_epi16(widen_even(type, r[p]), off), by);
      to[2 * p + 1] = _mm256_mullo_epi16(_mm256_sub_epi16(widen_odd(type, r[p]), off), by);
    }
    if (pv_form_has_minimum(form_of(type))) {
      store256(lo[i], s.lo);
      store256(lo[i] + 8, s.lo1);
    }
    d[i] = _mm256_cvtss_f32(s.d);
    dmin[i] = pv_form_has_minimum(form_of(type)) ? _mm256_cvtss_f32(s.dmin) : 0.0f;
  }
  out->d[half] = _mm256_load_ps(d);
  out->dmin[half] = _mm256_load_ps(dmin);
  for (size_t i = 0; i < 8; i++) from[i] = (const unsigned char *)w[i];
#pragma GCC unroll 1
  for (size_t i = 0; i < PANEL_WORDS; i += 4) {
    __m256i words[4];
    words_of_rows(from, 4 * i, words);
    for (size_t j = 0; j < 4; j++) out->w[i + j][half] = words[j];
  }
  if (!pv_form_has_minimum(form_of(type))) return;
  for (size_t i = 0; i < 8; i++) from[i] = (const unsigned char *)lo[i];
  for (size_t i = 0; i < (form_of(type) == PV_FORM_HALVES_M ? 16 : 8); i += 4) {
    __m256i words[4];
    words_of_rows(from, 4 * i, words);
    for (size_t j = 0; j < 4; j++) out->lo[i + j][half] = words[j];
  }
}

/* Of each word of four sub-scales one, for the first and for the second byte of each half word:
 * what the integers of a pair are multiplied with. */
typedef struct pair_scale {
  __m256i first, second;
} pair_scale;

PV_INLINE __m256i scale_bytes(__m256i words, unsigned byte) {
  const __m256i first = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(0, -128, 0, -128, 4, -128, 4, -128, 8, -128, 8, -128, 12, -128, 12, -128));
  return _mm256_shuffle_epi8(words, _mm256_add_epi8(first, _mm256_set1_epi16((short)byte)));
}

PV_INLINE pair_scale scale_pair(__m256i words, unsigned byte) {
  const __m256i first = scale_bytes(words, byte);
  return (pair_scale){first, _mm256_slli_epi16(first, 8)};
}

/* Word `i` of half `h` of segment s: four integers from 0 on of each of eight rows, the scale's
 * multiples of them, less `less`. */
PV_INLINE void put_four(__m256i bytes, const pair_scale *by, __m256i less, size_t s, size_t h,
                        size_t i, int half, panel *out) {
  const size_t lane = pv_half_slot(s, h), at = 64 * (lane / 8) + 16 * i + lane % 8;
  out->w[at][half] = _mm256_sub_epi16(_mm256_maddubs_epi16(bytes, by->first), less);
  out->w[at + 8][half] = _mm256_sub_epi16(_mm256_maddubs_epi16(bytes, by->second), less);
}

/* The sub-scales and sub-minima of segments 0..3 and 4..7 of Q4_K and Q5_K; d and dmin, as in
 * put_d_dmin. */
PV_INLINE __m256i scales_k4(const unsigned char *const row[8], __m256i sc[2], __m256i lo[2]) {
  const __m256i six = _mm256_set1_epi8(0x3f), four = _mm256_set1_epi8(0x0f);
  const __m256i upper = _mm256_set1_epi8(0x30);
  __m256i head[4];
  words_of_rows(row, 0, head);
  sc[0] = _mm256_and_si256(head[1], six);
  lo[0] = _mm256_and_si256(head[2], six);
  sc[1] = _mm256_or_si256(_mm256_and_si256(head[3], four),
                          _mm256_and_si256(_mm256_srli_epi16(head[1], 2), upper));
  lo[1] = _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(head[3], 4), four),
                          _mm256_and_si256(_mm256_srli_epi16(head[2], 2), upper));
  return head[0];
}

/* Sub-minimum s. */
PV_INLINE __m256i minimum_k4(const __m256i lo[2], size_t s) {
  return _mm256_and_si256(_mm256_srli_epi32(lo[s / 4], s % 4 * 8), _mm256_set1_epi32(0xff));
}

/* The fifth bits of segments 2 j and 2 j + 1. */
PV_INLINE void add_fifths(__m256i high, size_t j, __m256i *a, __m256i *b) {
  const __m256i bit = _mm256_set1_epi8(16);
  const int up = 4 - 2 * (int)j;
  const __m256i even = up > 0 ? _mm256_slli_epi16(high, up) : _mm256_srli_epi16(high, -up);
  const __m256i odd = up > 1 ? _mm256_slli_epi16(high, up - 1) : _mm256_srli_epi16(high, 1 - up);
  *a = _mm256_or_si256(*a, _mm256_and_si256(even, bit));
  *b = _mm256_or_si256(*b, _mm256_and_si256(odd, bit));
}

/* Where the nibbles are. */
PV_INLINE size_t nibbles_of(pv_type type) {
  return type == PV_TYPE_Q5_K ? offsetof(pv_block_q5_k, q) : offsetof(pv_block_q4_k, q);
}

/* Q4_K and Q5_K. */
PV_INLINE void fill_k4(pv_type type, const unsigned char *const row[8], int half, panel *out) {
  const __m256i nibble = _mm256_set1_epi8(15), zero = _mm256_setzero_si256();
  const bool fifth = type == PV_TYPE_Q5_K;
  __m256i sc[2], lo[2], high[4], t[4];
  put_d_dmin(scales_k4(row, sc, lo), &out->d[half], &out->dmin[half]);
#pragma GCC unroll 8
  for (size_t s = 0; s < 8; s++) out->lo[pv_segment_slot(s)][half] = minimum_k4(lo, s);
#pragma GCC unroll 2
  for (size_t h = 0; h < 2; h++) {
    if (fifth) words_of_rows(row, offsetof(pv_block_q5_k, high) + 16 * h, high);
#pragma GCC unroll 4
    for (size_t j = 0; j < 4; j++) {
      const pair_scale even = scale_pair(sc[j / 2], 2 * j % 4);
      const pair_scale odd = scale_pair(sc[j / 2], 2 * j % 4 + 1);
      words_of_rows(row, nibbles_of(type) + 32 * j + 16 * h, t);
#pragma GCC unroll 4
      for (size_t i = 0; i < 4; i++) {
        __m256i a = _mm256_and_si256(t[i], nibble);
        __m256i b = _mm256_and_si256(_mm256_srli_epi16(t[i], 4), nibble);
        if (fifth) add_fifths(high[i], j, &a, &b);
        put_four(a, &even, zero, 2 * j, h, i, half, out);
        put_four(b, &odd, zero, 2 * j + 1, h, i, half, out);
      }
    }
  }
}

/* d of eight rows. */
PV_INLINE __m256 d_q6_k(const unsigned char *const row[8]) {
  uint16_t d[8];
  for (size_t i = 0; i < 8; i++) memcpy(&d[i], row[i] + offsetof(pv_block_q6_k, d), sizeof d[i]);
  return v8_load_f16(d);
}

/* A segment's half of Q6_K from its integers and the word of its sub-scale. */
PV_INLINE void put_half_q6(const __m256i q[4], __m256i scales, unsigned byte, size_t s, size_t h,
                           int half, panel *out) {
  const pair_scale by = scale_pair(scales, byte);
  const __m256i less = _mm256_srai_epi16(by.second, 3); /* 32 of 256 */
#pragma GCC unroll 4
  for (size_t i = 0; i < 4; i++) put_four(q[i], &by, less, s, h, i, half, out);
}

PV_INLINE void fill_q6_k(const unsigned char *const row[8], int half, panel *out) {
  __m256i sc[4];
  out->d[half] = d_q6_k(row);
  words_of_rows(row, offsetof(pv_block_q6_k, scales), sc);
#pragma GCC unroll 4
  for (size_t g = 0; g < 4; g++) { /* of 128 weights the halves of four segments */
    const size_t n = g / 2, h = g % 2;
    __m256i a[4], b[4], high[4], q[4][4];
    words_of_rows(row, 64 * n + 16 * h, a);
    words_of_rows(row, 64 * n + 32 + 16 * h, b);
    words_of_rows(row, offsetof(pv_block_q6_k, high) + 32 * n + 16 * h, high);
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++) {
      q[0][i] = q6(a[i], _mm256_slli_epi16(high[i], 4));
      q[1][i] = q6(b[i], _mm256_slli_epi16(high[i], 2));
      q[2][i] = q6(_mm256_srli_epi16(a[i], 4), high[i]);
      q[3][i] = q6(_mm256_srli_epi16(b[i], 4), _mm256_srli_epi16(high[i], 2));
    }
#pragma GCC unroll 4
    for (size_t k = 0; k < 4; k++)
      put_half_q6(q[k], sc[2 * n + k / 2], (unsigned)(h + k % 2 * 2), 4 * n + k, h, half, out);
  }
}

PV_INLINE void fill_half(pv_type type, size_t chunk_bytes, const unsigned char *const row[8],
                         int half, panel *out) {
  if (way_of(type) == BY_EIGHTS || (way_of(type) == BY_CRUMBS && type == PV_TYPE_Q5_K))
    fill_k4(type, row, half, out);
  else if (way_of(type) == BY_CRUMBS && type == PV_TYPE_Q6_K)
    fill_q6_k(row, half, out);
  else
    fill_by_row(type, chunk_bytes, row, half, out);
}

#endif
