/* Q2_K and Q3_K against one row of activations. Their blocks are small, so that it is the work on
 * each weight that takes the time: integers stay where two bits put them, and everything that
 * depends on the activations alone is made once.
 *
 * With x = 256 high + low, both signed bytes, 32 weights meet a plane in one instruction; the sums
 * over a half segment stay in 16 bits and are multiplied with the sub-scales there. Weights of odd
 * segments are unpacked 4 times too large and sub-scales of even ones are, so all sums are: a
 * quarter of the activation's scale undoes it, exactly, for nothing here is near the ends of
 * float32 (d and dmin are multiples of 2^-24, and the scale is at least 2^-115). */
#ifndef PV_CPU_CRUMBS_AVX2_H
#define PV_CPU_CRUMBS_AVX2_H

#include "kernels/cpu/unpack_avx2.h"

/* Eight segments of activations. Registers 0..3 and 4..7 of the planes are the two eights of
 * pv_half_slot, the latter with its halves exchanged: odd segments, then even ones. */
typedef struct crumb_act {
  __m256i high[8], low[8];
  __m256i start[4]; /* Q3_K: what -4 contributes to the sums of high, low, high, low */
  __m256i pair[2];  /* Q2_K: sums of x over a half segment, 256 b + a as (a, b) */
  __m256 quarter;   /* of the scale */
} crumb_act;

PV_INLINE __m256i exchange(__m256i x) {
  return _mm256_permute4x64_epi64(x, 0x4e);
}

/* Bytes for even segments in the lower half, for odd ones in the upper. */
PV_INLINE __m256i by_parity(int even, int odd) {
  return _mm256_inserti128_si256(_mm256_set1_epi8((char)even), _mm_set1_epi8((char)odd), 1);
}

PV_INLINE __m256i pair_of(__m256i x) {
  const __m256i b = _mm256_srai_epi32(_mm256_add_epi32(x, _mm256_set1_epi32(128)), 8);
  const __m256i a = _mm256_sub_epi32(x, _mm256_slli_epi32(b, 8));
  return _mm256_or_si256(_mm256_slli_epi32(b, 16), _mm256_and_si256(a, _mm256_set1_epi32(0xffff)));
}

PV_INLINE void prepare_crumbs(const pv_act *act, size_t c, crumb_act *out) {
  const __m256i byte = _mm256_set1_epi16(255), half = _mm256_set1_epi16(128);
  const __m256i four = by_parity(4, 16), none = _mm256_setzero_si256();
  for (size_t i = 0; i < 4; i++) out->start[i] = none;
  for (size_t i = 0; i < 8; i++) {
    const __m256i even = load256(act->q + 256 * c + 32 * i);
    const __m256i odd = load256(act->q + 256 * c + 32 * i + 16);
    const __m256i high = _mm256_srli_epi16(_mm256_add_epi16(even, half), 8);
    const __m256i high_odd = _mm256_andnot_si256(byte, _mm256_add_epi16(odd, half));
    const __m256i both = _mm256_or_si256(high, high_odd);
    const __m256i low = _mm256_or_si256(_mm256_and_si256(even, byte), _mm256_slli_epi16(odd, 8));
    const __m256i offset = i < 4 ? four : exchange(four);
    __m256i *start = out->start + i / 4 * 2;
    out->high[i] = i < 4 ? both : exchange(both);
    out->low[i] = i < 4 ? low : exchange(low);
    start[0] = _mm256_sub_epi16(start[0], _mm256_maddubs_epi16(offset, out->high[i]));
    start[1] = _mm256_sub_epi16(start[1], _mm256_maddubs_epi16(offset, out->low[i]));
  }
  for (size_t e = 0; e < 2; e++)
    out->pair[e] = pair_of(_mm256_srai_epi32(load256(act->offset + 16 * c + 8 * e), 5));
  out->quarter = _mm256_mul_ps(_mm256_loadu_ps(act->d + 8 * c), _mm256_set1_ps(0.25f));
}

/* 64 bytes with two bits of each weight (four segments in each 32), and of Q3_K 32 bytes with a
 * third bit (bit j for segment j): at bit 2 of even segments, at bit 4 of odd ones. */
PV_INLINE void rows_crumbs_apart(const uint8_t *q, const uint8_t *third, __m256i r[8]) {
  const __m256i keep = by_parity(0x03, 0x0c), keep_odd = exchange(keep);
  const __m256i a = load256(q), b = load256(q + 32);
  __m256i t[4];
  transpose4(a, b, _mm256_srli_epi16(a, 4), _mm256_srli_epi16(b, 4), t);
#pragma GCC unroll 4
  for (int p = 0; p < 4; p++) {
    r[p] = _mm256_and_si256(t[p], keep);
    r[4 + p] = _mm256_and_si256(t[p], keep_odd);
  }
  if (third == NULL) return;
  /* Bits 0..3 are moved above 3: then each is at least what it shall become. */
  const __m256i of = _mm256_setr_epi32(0x10101010, 0x10101010, 0x40404040, 0x40404040, 0x20202020,
                                       0x20202020, (int)0x80808080, (int)0x80808080);
  const __m256i four = by_parity(4, 16), of_odd = exchange(of), four_odd = exchange(four);
  const __m256i bits = load256(third), moved = _mm256_slli_epi16(bits, 4);
  const __m256i u[2] = {_mm256_unpacklo_epi32(moved, bits), _mm256_unpackhi_epi32(moved, bits)};
#pragma GCC unroll 4
  for (int p = 0; p < 4; p++) {
    const __m256i here =
        p % 2 == 0 ? _mm256_shuffle_epi32(u[p / 2], 0x44) : _mm256_shuffle_epi32(u[p / 2], 0xee);
    const __m256i even = _mm256_min_epu8(_mm256_and_si256(here, of), four);
    const __m256i odd = _mm256_min_epu8(_mm256_and_si256(here, of_odd), four_odd);
    r[p] = _mm256_or_si256(r[p], even);
    r[4 + p] = _mm256_or_si256(r[4 + p], odd);
  }
}

/* Sums of the two eights, times their sub-scales, 4 times too large: at most 532676608 (Q3_K).
 * `all` has in both halves 16 sub-scales, one for each half segment, those of even segments
 * times 4. */
PV_INLINE __m256i sum_crumbs(pv_type type, const __m256i w[8], __m256i all, const crumb_act *x) {
  /* The byte of each lane's half segment, times 256, in both its 16 bits. */
  const __m256i first =
      _mm256_setr_epi8(-1, 0, -1, 0, -1, 8, -1, 8, -1, 4, -1, 4, -1, 12, -1, 12, -1, 3, -1, 3, -1,
                       11, -1, 11, -1, 7, -1, 7, -1, 15, -1, 15);
  const __m256i second =
      _mm256_setr_epi8(-1, 2, -1, 2, -1, 10, -1, 10, -1, 6, -1, 6, -1, 14, -1, 14, -1, 1, -1, 1, -1,
                       9, -1, 9, -1, 5, -1, 5, -1, 13, -1, 13);
  __m256i sum[2];
#pragma GCC unroll 2
  for (int e = 0; e < 2; e++) {
    const __m256i scale = _mm256_shuffle_epi8(all, e == 0 ? first : second);
    const bool q3 = type == PV_TYPE_Q3_K;
    __m256i high = q3 ? x->start[2 * e] : _mm256_setzero_si256();
    __m256i low = q3 ? x->start[2 * e + 1] : _mm256_setzero_si256();
#pragma GCC unroll 4
    for (int i = 4 * e; i < 4 * e + 4; i++) {
      high = _mm256_add_epi16(high, _mm256_maddubs_epi16(w[i], x->high[i]));
      low = _mm256_add_epi16(low, _mm256_maddubs_epi16(w[i], x->low[i]));
    }
    sum[e] = _mm256_add_epi32(_mm256_madd_epi16(high, scale),
                              _mm256_madd_epi16(low, _mm256_srai_epi16(scale, 8)));
  }
  return _mm256_add_epi32(sum[0], exchange(sum[1]));
}

PV_INLINE __m256 crumbs_q3_k(const pv_block_q3_k *b, const crumb_act *x) {
  const __m128i sc = scales_q3_k(b), two = _mm_add_epi8(sc, sc);
  const __m128i all = _mm_blend_epi16(sc, _mm_add_epi8(two, two), 0x55);
  __m256i w[8];
  rows_crumbs_apart(b->q, b->high, w);
  const __m256i sum = sum_crumbs(PV_TYPE_Q3_K, w, _mm256_broadcastsi128_si256(all), x);
  const __m256 d = _mm256_broadcastss_ps(_mm_cvtph_ps(_mm_cvtsi32_si128(b->d)));
  return _mm256_mul_ps(x->quarter, _mm256_mul_ps(d, _mm256_cvtepi32_ps(sum)));
}

PV_INLINE __m256 crumbs_q2_k(const pv_block_q2_k *b, const crumb_act *x) {
  /* The byte of each lane's half segment, as it is and times 256. */
  const __m256i first =
      _mm256_setr_epi8(0, -1, -1, 0, 8, -1, -1, 8, 4, -1, -1, 4, 12, -1, -1, 12, 3, -1, -1, 3, 11,
                       -1, -1, 11, 7, -1, -1, 7, 15, -1, -1, 15);
  const __m256i second =
      _mm256_setr_epi8(1, -1, -1, 1, 9, -1, -1, 9, 5, -1, -1, 5, 13, -1, -1, 13, 2, -1, -1, 2, 10,
                       -1, -1, 10, 6, -1, -1, 6, 14, -1, -1, 14);
  const __m256i packed =
      _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)b->scales));
  const __m256i four = _mm256_blend_epi16(packed, _mm256_slli_epi16(packed, 2), 0x55);
  const __m256i sc = _mm256_and_si256(four, _mm256_set1_epi32(0x0f0f3c3c));
  /* Minima are 4 times too large as well. */
  const __m256i lo = _mm256_and_si256(_mm256_srli_epi16(packed, 2), _mm256_set1_epi8(0x3c));
  __m256i w[8];
  rows_crumbs_apart(b->q, NULL, w);
  const __m256i sum = sum_crumbs(PV_TYPE_Q2_K, w, sc, x);
  const __m256i low =
      _mm256_add_epi32(_mm256_madd_epi16(x->pair[0], _mm256_shuffle_epi8(lo, first)),
                       _mm256_madd_epi16(x->pair[1], _mm256_shuffle_epi8(lo, second)));
  const __m256 d = _mm256_cvtph_ps(_mm_set1_epi32(word_at((const uint8_t *)&b->d)));
  const __m256 high = _mm256_mul_ps(_mm256_moveldup_ps(d), _mm256_cvtepi32_ps(sum));
  return _mm256_mul_ps(x->quarter,
                       _mm256_fnmadd_ps(_mm256_movehdup_ps(d), _mm256_cvtepi32_ps(low), high));
}

#endif
