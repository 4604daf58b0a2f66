/* Sixteen rows of 256 weights side by side. Weights are multiplied by their sub-scales as they are
 * put here, once for all activations. */
#ifndef PV_CPU_PANEL_AVX2_H
#define PV_CPU_PANEL_AVX2_H

#include "kernels/cpu/lanes.h"
#include "kernels/cpu/rows_avx2.h"

enum { PANEL_ROWS = 16, PANEL_WORDS = 128, PARTS = PANEL_ROWS / ROWS };

typedef struct panel {
  rows_i w[PANEL_WORDS][PARTS]; /* pairs of weights in the order of pv_act_slot */
  rows_i lo[8][PARTS]; /* pairs of sub-minima in the order of pv_segment_slot or pv_half_slot */
  rows_f d[PARTS], dmin[PARTS];
} panel;

/* Rows, one after the other: of any type. */
PV_INLINE void fill_by_row(pv_type type, size_t chunk_bytes, const unsigned char *const *row,
                           int part, panel *out) {
  _Alignas(64) int16_t w[ROWS][256];
  _Alignas(64) int16_t lo[ROWS][16];
  _Alignas(64) float d[ROWS], dmin[ROWS];
  const unsigned char *from[ROWS];
#pragma GCC unroll 1
  for (size_t i = 0; i < ROWS; i++) {
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
      const __m256i both = _mm256_packs_epi32(s.lo, s.lo1);
      store256(lo[i], _mm256_permute4x64_epi64(both, 0xd8));
    }
    d[i] = _mm256_cvtss_f32(s.d);
    dmin[i] = pv_form_has_minimum(form_of(type)) ? _mm256_cvtss_f32(s.dmin) : 0.0f;
  }
  out->d[part] = ROWS_OP(load_ps)(d);
  out->dmin[part] = ROWS_OP(load_ps)(dmin);
  for (size_t i = 0; i < ROWS; i++) from[i] = (const unsigned char *)w[i];
#pragma GCC unroll 1
  for (size_t i = 0; i < PANEL_WORDS; i += 4) {
    rows_i words[4];
    rows_words(from, 4 * i, words);
    for (size_t j = 0; j < 4; j++) out->w[i + j][part] = words[j];
  }
  if (!pv_form_has_minimum(form_of(type))) return;
  for (size_t i = 0; i < ROWS; i++) from[i] = (const unsigned char *)lo[i];
  for (size_t i = 0; i < (form_of(type) == PV_FORM_HALVES_M ? 8 : 4); i += 4) {
    rows_i words[4];
    rows_words(from, 4 * i, words);
    for (size_t j = 0; j < 4; j++) out->lo[i + j][part] = words[j];
  }
}

/* Of each word of four sub-scales one, for the first and for the second byte of each half word:
 * what the integers of a pair are multiplied with. */
typedef struct pair_scale {
  rows_i first, second;
} pair_scale;

PV_INLINE rows_i scale_bytes(rows_i words, unsigned byte) {
  const rows_i first = rows_quarters(
      _mm_setr_epi8(0, -128, 0, -128, 4, -128, 4, -128, 8, -128, 8, -128, 12, -128, 12, -128));
  return ROWS_OP(shuffle_epi8)(words, ROWS_OP(add_epi8)(first, ROWS_OP(set1_epi16)((short)byte)));
}

PV_INLINE pair_scale scale_pair(rows_i words, unsigned byte) {
  const rows_i first = scale_bytes(words, byte);
  return (pair_scale){first, ROWS_OP(slli_epi16)(first, 8)};
}

/* Word `i` of half `h` of segment s: four integers from 0 on of each row, the scale's
 * multiples of them, less `less`. */
PV_INLINE void put_four(rows_i bytes, const pair_scale *by, rows_i less, size_t s, size_t h,
                        size_t i, int part, panel *out) {
  const size_t lane = pv_half_slot(s, h), at = 64 * (lane / 8) + 16 * i + lane % 8;
  out->w[at][part] = ROWS_OP(sub_epi16)(ROWS_OP(maddubs_epi16)(bytes, by->first), less);
  out->w[at + 8][part] = ROWS_OP(sub_epi16)(ROWS_OP(maddubs_epi16)(bytes, by->second), less);
}

/* The sub-scales and sub-minima of segments 0..3 and 4..7 of Q4_K and Q5_K; d and dmin, as in
 * put_d_dmin. */
PV_INLINE rows_i scales_k4(const unsigned char *const *row, rows_i sc[2], rows_i lo[2]) {
  const rows_i six = ROWS_OP(set1_epi8)(0x3f), four = ROWS_OP(set1_epi8)(0x0f);
  const rows_i upper = ROWS_OP(set1_epi8)(0x30);
  rows_i head[4];
  rows_words(row, 0, head);
  sc[0] = rows_and(head[1], six);
  lo[0] = rows_and(head[2], six);
  sc[1] = rows_or(rows_and(head[3], four), rows_and(ROWS_OP(srli_epi16)(head[1], 2), upper));
  lo[1] = rows_or(rows_and(ROWS_OP(srli_epi16)(head[3], 4), four),
                  rows_and(ROWS_OP(srli_epi16)(head[2], 2), upper));
  return head[0];
}

/* Sub-minimum s. */
PV_INLINE rows_i minimum_k4(const rows_i lo[2], size_t s) {
  const __m128i first = _mm_setr_epi32(0, 4, 8, 12);
  const rows_i byte = ROWS_OP(set1_epi32)((int)(0x80808000U + s % 4));
  return ROWS_OP(shuffle_epi8)(lo[s / 4], rows_or(rows_quarters(first), byte));
}

/* Sub-minima s and s + 4, which are neighbours in the order of pv_segment_slot. */
PV_INLINE rows_i minima_k4(const rows_i lo[2], size_t s) {
  return rows_or(minimum_k4(lo, s), ROWS_OP(slli_epi32)(minimum_k4(lo, s + 4), 16));
}

/* The fifth bits of segments 2 j and 2 j + 1. */
PV_INLINE void add_fifths(rows_i high, size_t j, rows_i *a, rows_i *b) {
  const rows_i bit = ROWS_OP(set1_epi8)(16);
  const int up = 4 - 2 * (int)j;
  const rows_i even = up > 0 ? rows_left16(high, up) : rows_right16(high, -up);
  const rows_i odd = up > 1 ? rows_left16(high, up - 1) : rows_right16(high, 1 - up);
  *a = rows_or(*a, rows_and(even, bit));
  *b = rows_or(*b, rows_and(odd, bit));
}

/* Where the nibbles are. */
PV_INLINE size_t nibbles_of(pv_type type) {
  return type == PV_TYPE_Q5_K ? offsetof(pv_block_q5_k, q) : offsetof(pv_block_q4_k, q);
}

/* Q4_K and Q5_K. */
PV_INLINE void fill_k4(pv_type type, const unsigned char *const *row, int part, panel *out) {
  const rows_i nibble = ROWS_OP(set1_epi8)(15), zero = rows_zero();
  const bool fifth = type == PV_TYPE_Q5_K;
  rows_i sc[2], lo[2], high[4], t[4];
  put_d_dmin(scales_k4(row, sc, lo), &out->d[part], &out->dmin[part]);
#pragma GCC unroll 4
  for (size_t s = 0; s < 4; s++) out->lo[pv_segment_slot(s) / 2][part] = minima_k4(lo, s);
#pragma GCC unroll 2
  for (size_t h = 0; h < 2; h++) {
    if (fifth) rows_words(row, offsetof(pv_block_q5_k, high) + 16 * h, high);
#pragma GCC unroll 4
    for (size_t j = 0; j < 4; j++) {
      const pair_scale even = scale_pair(sc[j / 2], 2 * j % 4);
      const pair_scale odd = scale_pair(sc[j / 2], 2 * j % 4 + 1);
      rows_words(row, nibbles_of(type) + 32 * j + 16 * h, t);
#pragma GCC unroll 4
      for (size_t i = 0; i < 4; i++) {
        rows_i a = rows_and(t[i], nibble);
        rows_i b = rows_and(ROWS_OP(srli_epi16)(t[i], 4), nibble);
        if (fifth) add_fifths(high[i], j, &a, &b);
        put_four(a, &even, zero, 2 * j, h, i, part, out);
        put_four(b, &odd, zero, 2 * j + 1, h, i, part, out);
      }
    }
  }
}

PV_INLINE rows_f d_q6_k(const unsigned char *const *row) {
  uint16_t d[ROWS];
  for (size_t i = 0; i < ROWS; i++) memcpy(&d[i], row[i] + offsetof(pv_block_q6_k, d), sizeof d[i]);
  return rows_load_f16(d);
}

PV_INLINE rows_i rows_q6(rows_i low, rows_i high) {
  return rows_or(rows_and(low, ROWS_OP(set1_epi8)(15)), rows_and(high, ROWS_OP(set1_epi8)(0x30)));
}

/* A segment's half of Q6_K from its integers and the word of its sub-scale. */
PV_INLINE void put_half_q6(const rows_i q[4], rows_i scales, unsigned byte, size_t s, size_t h,
                           int part, panel *out) {
  const pair_scale by = scale_pair(scales, byte);
  const rows_i less = ROWS_OP(srai_epi16)(by.second, 3); /* 32 of 256 */
#pragma GCC unroll 4
  for (size_t i = 0; i < 4; i++) put_four(q[i], &by, less, s, h, i, part, out);
}

PV_INLINE void fill_q6_k(const unsigned char *const *row, int part, panel *out) {
  rows_i sc[4];
  out->d[part] = d_q6_k(row);
  rows_words(row, offsetof(pv_block_q6_k, scales), sc);
#pragma GCC unroll 4
  for (size_t g = 0; g < 4; g++) { /* of 128 weights the halves of four segments */
    const size_t n = g / 2, h = g % 2;
    rows_i a[4], b[4], high[4], q[4][4];
    rows_words(row, 64 * n + 16 * h, a);
    rows_words(row, 64 * n + 32 + 16 * h, b);
    rows_words(row, offsetof(pv_block_q6_k, high) + 32 * n + 16 * h, high);
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++) {
      q[0][i] = rows_q6(a[i], ROWS_OP(slli_epi16)(high[i], 4));
      q[1][i] = rows_q6(b[i], ROWS_OP(slli_epi16)(high[i], 2));
      q[2][i] = rows_q6(ROWS_OP(srli_epi16)(a[i], 4), high[i]);
      q[3][i] = rows_q6(ROWS_OP(srli_epi16)(b[i], 4), ROWS_OP(srli_epi16)(high[i], 2));
    }
#pragma GCC unroll 4
    for (size_t k = 0; k < 4; k++)
      put_half_q6(q[k], sc[2 * n + k / 2], (unsigned)(h + k % 2 * 2), 4 * n + k, h, part, out);
  }
}

PV_INLINE void fill_part(pv_type type, size_t chunk_bytes, const unsigned char *const *row,
                         int part, panel *out) {
  if (way_of(type) == BY_ROWS || (way_of(type) == BY_CRUMBS && type == PV_TYPE_Q5_K))
    fill_k4(type, row, part, out);
  else if (way_of(type) == BY_CRUMBS && type == PV_TYPE_Q6_K)
    fill_q6_k(row, part, out);
  else
    fill_by_row(type, chunk_bytes, row, part, out);
}

#endif
