/* Q2_K, Q3_K, Q5_K, Q6_K and TQ2_0 against one row of activations. Their blocks are small, so that
 * it is the work on each weight that takes the time: integers stay where they are put with the
 * fewest steps, and everything that depends on the activations alone is made once.
 *
 * With x = 256 high + low, both signed bytes, 32 weights meet a plane in one instruction; the sums
 * over a half segment stay in 16 bits and are multiplied with the sub-scales there. Which halves of
 * segments the two eights of registers have is what the bits of a type make easy:
 *   Two bits: 0 4 2 6 first and 1 5 3 7 second, as pv_half_slot has them; then 1 5 3 7 first and
 *     0 4 2 6 second. Integers of odd segments stay 4 times too large, and so are their minima,
 *     until their sums are there.
 *   Q3_K: 0 4 1 5, first and second; then 2 6 3 7.
 *   Q5_K and Q6_K: 0 4 2 6, first and second; then 1 5 3 7. */
#ifndef PV_CPU_CRUMBS_AVX2_H
#define PV_CPU_CRUMBS_AVX2_H

#include "kernels/cpu/sums_avx2.h"

/* 256 activations in the order of a type. */
typedef struct crumb_act {
  __m256i high[8], low[8];
  /* What -4 (Q3_K) or -32 contributes to the sums of each eight: of high and low; of Q6_K, where
   * four of low do not stay in 16 bits, of the first two registers of low and of the last two. */
  __m256i start[2][3];
  __m256i less; /* TQ2_0: what -1 takes off the sums of segments */
  __m256i a, b; /* Q2_K: 256 b + a is the sum of x over a half segment, two to a lane */
} crumb_act;

PV_INLINE __m256i exchange(__m256i x) {
  return _mm256_permute2x128_si256(x, x, 1);
}

/* Bytes for even segments in the lower half, for odd ones in the upper. */
PV_INLINE __m256i by_parity(int even, int odd) {
  return _mm256_inserti128_si256(_mm256_set1_epi8((char)even), _mm_set1_epi8((char)odd), 1);
}

/* Registers of the two eights of pv_half_slot in the order of a type. */
PV_INLINE void in_order(pv_type type, __m256i a, __m256i b, __m256i *first, __m256i *second) {
  const __m256i even = _mm256_permute2x128_si256(a, b, 0x20);
  const __m256i odd = _mm256_permute2x128_si256(b, a, 0x31);
  const bool q3 = type == PV_TYPE_Q3_K, two_bits = type == PV_TYPE_Q2_K || type == PV_TYPE_TQ2_0;
  *first = q3 ? _mm256_unpacklo_epi64(even, odd) : two_bits ? a : even;
  *second = q3 ? _mm256_unpackhi_epi64(even, odd) : two_bits ? exchange(b) : odd;
}

/* `offset` has 32 times the sums of x over half segments. Those of odd segments are made 4 times
 * too large, as all of them is. */
PV_INLINE void split_sums(const int32_t *offset, crumb_act *out) {
  const __m256i right = _mm256_setr_epi32(5, 5, 5, 5, 3, 3, 3, 3), half = _mm256_set1_epi32(128);
  const __m256i x0 = load256(offset), x1 = load256(offset + 8), word = _mm256_set1_epi32(0xffff);
  const __m256i h[2] = {_mm256_blend_epi32(x0, x1, 0xf0), _mm256_blend_epi32(x1, x0, 0xf0)};
  __m256i a[2], b[2];
  for (size_t i = 0; i < 2; i++) {
    const __m256i sum = _mm256_srav_epi32(h[i], right);
    b[i] = _mm256_srai_epi32(_mm256_add_epi32(sum, half), 8);
    a[i] = _mm256_sub_epi32(sum, _mm256_slli_epi32(b[i], 8));
  }
  out->a = _mm256_or_si256(_mm256_and_si256(a[0], word), _mm256_slli_epi32(a[1], 16));
  out->b = _mm256_or_si256(_mm256_and_si256(b[0], word), _mm256_slli_epi32(b[1], 16));
}

PV_INLINE void prepare_starts(pv_type type, crumb_act *out) {
  const bool q3 = type == PV_TYPE_Q3_K;
  const __m256i offset = _mm256_set1_epi8(q3 ? 4 : 32);
  for (size_t e = 0; e < 2; e++) {
    __m256i *start = out->start[e];
    for (size_t k = 0; k < 3; k++) start[k] = _mm256_setzero_si256();
    for (size_t i = 0; i < 4; i++) {
      __m256i *low = start + (q3 ? 1 : 1 + i / 2);
      start[0] = _mm256_sub_epi16(start[0], _mm256_maddubs_epi16(offset, out->high[4 * e + i]));
      *low = _mm256_sub_epi16(*low, _mm256_maddubs_epi16(offset, out->low[4 * e + i]));
    }
  }
}

PV_INLINE void prepare_crumbs(pv_type type, const pv_planes *act, size_t c, crumb_act *out) {
  const __m256i twice = _mm256_setr_epi32(0, 0, 0, 0, 2, 2, 2, 2);
  int8_t planes[512];
  split_planes(act->q + 256 * c, 256, planes);
  for (size_t p = 0; p < 4; p++) {
    const int8_t *a = planes + 64 * p, *b = a + 256;
    in_order(type, load256(a), load256(b), &out->high[p], &out->high[4 + p]);
    in_order(type, load256(a + 32), load256(b + 32), &out->low[p], &out->low[4 + p]);
  }
  if (type == PV_TYPE_Q3_K || type == PV_TYPE_Q6_K) prepare_starts(type, out);
  if (type == PV_TYPE_TQ2_0) out->less = _mm256_sllv_epi32(load256(act->sum + 8 * c), twice);
  if (type == PV_TYPE_Q2_K) split_sums(act->offset + 16 * c, out);
}

/* 64 bytes with two bits of each weight, four segments in each 32. */
PV_INLINE void rows_two_bits(const uint8_t *q, __m256i r[8]) {
  const __m256i keep = by_parity(0x03, 0x0c), keep_odd = exchange(keep);
  const __m256i a = load256(q), b = load256(q + 32);
  const __m256i low = _mm256_unpacklo_epi32(a, b), high = _mm256_unpackhi_epi32(a, b);
  const __m256i low4 = _mm256_srli_epi16(low, 4), high4 = _mm256_srli_epi16(high, 4);
  const __m256i t[4] = {_mm256_unpacklo_epi64(low, low4), _mm256_unpackhi_epi64(low, low4),
                        _mm256_unpacklo_epi64(high, high4), _mm256_unpackhi_epi64(high, high4)};
#pragma GCC unroll 4
  for (int p = 0; p < 4; p++) {
    r[p] = _mm256_and_si256(t[p], keep);
    r[4 + p] = _mm256_and_si256(t[p], keep_odd);
  }
}

/* The same with 32 bytes of third bits, bit j for segment j: nibbles of three bits, those of 0 and
 * 2 in a byte, of 1 and 3, 4 and 6, 5 and 7. */
PV_INLINE void rows_q3_k(const pv_block_q3_k *block, __m256i r[8]) {
  const __m256i crumbs = _mm256_set1_epi8(0x33), three = _mm256_set1_epi8(7);
  const __m256i nibble = _mm256_set1_epi8(15);
  /* Of four third bits the first and the third to bits 2 and 6, and the other two. */
  const __m256i even = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(0, 4, 0, 4, 64, 68, 64, 68, 0, 4, 0, 4, 64, 68, 64, 68));
  const __m256i odd = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(0, 0, 4, 4, 0, 0, 4, 4, 64, 64, 68, 68, 64, 64, 68, 68));
  const __m256i h = load256(block->high);
  __m256i t[4], w[4];
#pragma GCC unroll 2
  for (int i = 0; i < 2; i++) {
    const __m256i q = load256(block->q + 32 * i);
    const __m256i n = _mm256_and_si256(i == 0 ? h : _mm256_srli_epi16(h, 4), nibble);
    w[i] = _mm256_or_si256(_mm256_and_si256(q, crumbs), _mm256_shuffle_epi8(even, n));
    w[2 + i] = _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(q, 2), crumbs),
                               _mm256_shuffle_epi8(odd, n));
  }
  transpose4(w[0], w[1], w[2], w[3], t);
#pragma GCC unroll 4
  for (int p = 0; p < 4; p++) {
    r[p] = _mm256_and_si256(t[p], three);
    r[4 + p] = _mm256_and_si256(_mm256_srli_epi16(t[p], 4), three);
  }
}

/* Adds two registers from `first` on, with each plane. */
PV_INLINE void add_two(const __m256i w[8], const crumb_act *x, int first, __m256i *high,
                       __m256i *low) {
#pragma GCC unroll 2
  for (int i = first; i < first + 2; i++) {
    *high = _mm256_add_epi16(*high, _mm256_maddubs_epi16(w[i], x->high[i]));
    *low = _mm256_add_epi16(*low, _mm256_maddubs_epi16(w[i], x->low[i]));
    /* Added here and not where the sums are needed: there the terms do not fit the registers. */
    __asm__("" : "+x"(*high), "+x"(*low));
  }
}

/* Adds eight halves of segments, of register 4 e on. */
PV_INLINE void add_halves(const __m256i w[8], const crumb_act *x, int e, __m256i *high,
                          __m256i *low) {
  add_two(w, x, 4 * e, high, low);
  add_two(w, x, 4 * e + 2, high, low);
}

/* The byte of each lane's half segment, times 256, in both its 16 bits. */
#define EACH(a, b, c, d, e, f, g, h)                                                            \
  _mm256_setr_epi8(-1, a, -1, a, -1, b, -1, b, -1, c, -1, c, -1, d, -1, d, -1, e, -1, e, -1, f, \
                   -1, f, -1, g, -1, g, -1, h, -1, h)

/* Sums of eight segments, times their sub-scales: at most 187269120 (Q2_K). `all` has in both
 * halves 16 sub-scales, one for each half segment. */
PV_INLINE __m256i sum_crumbs(pv_type type, const __m256i w[8], __m256i all, const crumb_act *x) {
  const bool q3 = type == PV_TYPE_Q3_K;
  const __m256i of[2] = {q3 ? EACH(0, 8, 2, 10, 1, 9, 3, 11) : EACH(0, 8, 4, 12, 3, 11, 7, 15),
                         q3 ? EACH(4, 12, 6, 14, 5, 13, 7, 15) : EACH(2, 10, 6, 14, 1, 9, 5, 13)};
  __m256i sum[2];
#pragma GCC unroll 2
  for (int e = 0; e < 2; e++) {
    const __m256i scale = _mm256_shuffle_epi8(all, of[e]);
    __m256i high = q3 ? x->start[e][0] : _mm256_setzero_si256();
    __m256i low = q3 ? x->start[e][1] : _mm256_setzero_si256();
    add_halves(w, x, e, &high, &low);
    sum[e] = _mm256_add_epi32(_mm256_madd_epi16(high, scale),
                              _mm256_madd_epi16(low, _mm256_srai_epi16(scale, 8)));
  }
  if (!q3) return _mm256_add_epi32(sum[0], exchange(sum[1]));
  return _mm256_add_epi32(_mm256_blend_epi32(sum[0], sum[1], 0xf0),
                          _mm256_permute2x128_si256(sum[0], sum[1], 0x21));
}

/* Sums of segments of which the odd ones are 4 times too large. */
PV_INLINE __m256i quarter_odd(__m256i sum) {
  return _mm256_srav_epi32(sum, _mm256_setr_epi32(0, 0, 0, 0, 2, 2, 2, 2));
}

PV_INLINE block_sums crumbs_q3_k(const pv_block_q3_k *b, const crumb_act *x, pv_scale8 *s) {
  __m256i w[8];
  rows_q3_k(b, w);
  const __m256i sum = sum_crumbs(PV_TYPE_Q3_K, w, _mm256_broadcastsi128_si256(scales_q3_k(b)), x);
  s->d = s->dmin = _mm256_castps128_ps256(_mm_cvtph_ps(_mm_cvtsi32_si128(b->d)));
  return sums_of(PV_TYPE_Q3_K, sum, _mm256_setzero_si256());
}

PV_INLINE block_sums crumbs_q2_k(const pv_block_q2_k *b, const crumb_act *x, pv_scale8 *s) {
  /* The bytes of both halves of each lane's segment, times 256. */
  const __m256i both = _mm256_setr_epi8(-1, 0, -1, 1, -1, 8, -1, 9, -1, 4, -1, 5, -1, 12, -1, 13,
                                        -1, 2, -1, 3, -1, 10, -1, 11, -1, 6, -1, 7, -1, 14, -1, 15);
  const __m256i packed =
      _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)b->scales));
  const __m256i lo = _mm256_srli_epi16(_mm256_shuffle_epi8(packed, both), 12);
  __m256i w[8];
  rows_two_bits(b->q, w);
  const __m256i sum =
      sum_crumbs(PV_TYPE_Q2_K, w, _mm256_and_si256(packed, _mm256_set1_epi8(15)), x);
  const __m256i low = _mm256_add_epi32(_mm256_slli_epi32(_mm256_madd_epi16(x->b, lo), 8),
                                       _mm256_madd_epi16(x->a, lo));
  const __m128 d = _mm_cvtph_ps(_mm_cvtsi32_si128(word_at((const uint8_t *)&b->d)));
  s->d = _mm256_castps128_ps256(d);
  s->dmin = _mm256_castps128_ps256(_mm_movehdup_ps(d));
  return sums_of(PV_TYPE_Q2_K, quarter_odd(sum), quarter_odd(low));
}

/* Without sub-scales the halves of a segment meet in 16 bits: at most 12 * 128 * 16 = 24576. */
PV_INLINE block_sums crumbs_tq2_0(const pv_block_tq2_0 *b, const crumb_act *x, pv_scale8 *s) {
  const __m256i one = _mm256_set1_epi16(1), high_one = _mm256_set1_epi16(256);
  __m256i w[8], high[2], low[2];
  rows_two_bits(b->q, w);
#pragma GCC unroll 2
  for (int e = 0; e < 2; e++) {
    high[e] = low[e] = _mm256_setzero_si256();
    add_halves(w, x, e, &high[e], &low[e]);
  }
  const __m256i h = _mm256_add_epi16(high[0], exchange(high[1]));
  const __m256i l = _mm256_add_epi16(low[0], exchange(low[1]));
  const __m256i all = _mm256_add_epi32(_mm256_madd_epi16(h, high_one), _mm256_madd_epi16(l, one));
  const __m256i sum = _mm256_sub_epi32(all, x->less);
  s->d = s->dmin = _mm256_castps128_ps256(_mm_cvtph_ps(_mm_cvtsi32_si128(b->d)));
  return sums_of(PV_TYPE_TQ2_0, quarter_odd(sum), _mm256_setzero_si256());
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
  transpose4(row[0], row[4], row[2], row[6], r);
  transpose4(row[1], row[5], row[3], row[7], r + 4);
}

/* d and dmin; the sub-scales of segments and then their minima, in the order of pv_segment_slot.
 * The first 16 bytes are d, dmin, then six bits each of sc[8] and m[8]; the upper two bits of the
 * last four of each lie above the first four. */
PV_INLINE __m128i scales_q5_k(const pv_block_q5_k *b, pv_scale8 *s) {
  const __m128i head = _mm_loadu_si128((const __m128i *)(const void *)b);
  const __m128i low =
      _mm_and_si128(_mm_srlv_epi32(_mm_shuffle_epi32(head, 0xed), _mm_setr_epi32(0, 0, 0, 4)),
                    _mm_setr_epi32(0x3f3f3f3f, 0x0f0f0f0f, 0x3f3f3f3f, 0x0f0f0f0f));
  const __m128i high = _mm_and_si128(_mm_srli_epi32(_mm_shuffle_epi32(head, 0xa5), 2),
                                     _mm_setr_epi32(0, 0x30303030, 0, 0x30303030));
  const __m128 d = _mm_cvtph_ps(head);
  s->d = _mm256_castps128_ps256(d);
  s->dmin = _mm256_castps128_ps256(_mm_movehdup_ps(d));
  return _mm_shuffle_epi8(_mm_or_si128(low, high),
                          _mm_setr_epi8(0, 4, 2, 6, 1, 5, 3, 7, 8, 12, 10, 14, 9, 13, 11, 15));
}

/* Half segments meet in 16 bits, two segments in a lane: at most 2031309824. */
PV_INLINE block_sums crumbs_q5_k(const pv_block_q5_k *b, const crumb_act *x, const int32_t *sums,
                                 pv_scale8 *s) {
  const __m256i of[2] = {EACH(0, 1, 2, 3, 0, 1, 2, 3), EACH(4, 5, 6, 7, 4, 5, 6, 7)};
  const __m128i packed = scales_q5_k(b, s);
  const __m256i all = _mm256_broadcastsi128_si256(packed);
  const __m256i lo = _mm256_cvtepu8_epi32(_mm_srli_si128(packed, 8));
  __m256i w[8], sum[2];
  rows_q5_k(b, w);
#pragma GCC unroll 2
  for (int e = 0; e < 2; e++) {
    const __m256i scale = _mm256_shuffle_epi8(all, of[e]);
    __m256i high = _mm256_setzero_si256(), low = high;
    add_halves(w, x, e, &high, &low);
    sum[e] = _mm256_add_epi32(_mm256_madd_epi16(high, scale),
                              _mm256_madd_epi16(low, _mm256_srli_epi16(scale, 8)));
  }
  return sums_of(PV_TYPE_Q5_K, _mm256_add_epi32(sum[0], sum[1]),
                 _mm256_mullo_epi32(lo, load256(sums)));
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
  transpose4(row[0], row[4], row[2], row[6], r);
  transpose4(row[1], row[5], row[3], row[7], r + 4);
}

/* The sums of either eight, times their sub-scales: at most 2130706432. */
PV_INLINE block_sums crumbs_q6_k(const pv_block_q6_k *b, const crumb_act *x, pv_scale8 *s) {
  const __m256i of[2] = {EACH(0, 8, 4, 12, 1, 9, 5, 13), EACH(2, 10, 6, 14, 3, 11, 7, 15)};
  const __m256i all =
      _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)b->scales));
  __m256i w[8], sum[2];
  rows_q6_k(b, w);
#pragma GCC unroll 2
  for (int e = 0; e < 2; e++) {
    const __m256i scale = _mm256_shuffle_epi8(all, of[e]), low_scale = _mm256_srai_epi16(scale, 8);
    __m256i high = x->start[e][0], low[2] = {x->start[e][1], x->start[e][2]};
    add_two(w, x, 4 * e, &high, &low[0]);
    add_two(w, x, 4 * e + 2, &high, &low[1]);
    sum[e] = _mm256_add_epi32(_mm256_madd_epi16(high, scale),
                              _mm256_add_epi32(_mm256_madd_epi16(low[0], low_scale),
                                               _mm256_madd_epi16(low[1], low_scale)));
  }
  s->d = s->dmin = _mm256_castps128_ps256(_mm_cvtph_ps(_mm_cvtsi32_si128(b->d)));
  return sums_of_two(sum[0], sum[1], _mm256_setzero_si256());
}
#undef EACH

/* The sums of a block, of whose segments `sums` are the sums of x; of `s` lane 0 of d and of dmin.
 */
PV_INLINE block_sums crumbs(pv_type type, const void *block, const crumb_act *x,
                            const int32_t *sums, pv_scale8 *s) {
  return type == PV_TYPE_Q2_K    ? crumbs_q2_k(block, x, s)
         : type == PV_TYPE_Q5_K  ? crumbs_q5_k(block, x, sums, s)
         : type == PV_TYPE_Q6_K  ? crumbs_q6_k(block, x, s)
         : type == PV_TYPE_TQ2_0 ? crumbs_tq2_0(block, x, s)
                                 : crumbs_q3_k(block, x, s);
}

#endif
