/* One activation row against eight rows of Q4_K, Q5_K or Q6_K side by side: each lane of a register
 * belongs to a row, so that no sum needs the lanes of others. Weights are bytes as they are
 * unpacked, which meet the two planes of an activation: with q = 256 high + low, both signed, the
 * sums of 16 weights of Q5_K and Q6_K, and of 32 of Q4_K, stay in 16 bits and are multiplied with
 * their sub-scales there. */
#ifndef PV_CPU_EIGHTS_AVX2_H
#define PV_CPU_EIGHTS_AVX2_H

#include "kernels/cpu/panel_avx2.h"

/* 256 activations: words of four bytes, eight side by side in the order of pv_half_slot. */
typedef struct eight_act {
  int8_t planes[512]; /* of split_planes */
  /* Q6_K: what -32 contributes to the sums of a half segment: of high, of the first two words of
   * low, which would not stay in 16 bits, and of the last two. */
  __m256i start[2][3];
} eight_act;

/* Sums over the planes: of Q5_K and Q6_K at most 2^27. */
typedef struct plane_sums {
  __m256i high, low;
} plane_sums;

PV_INLINE __m256i four_bytes(const void *p) {
  int32_t word;
  memcpy(&word, p, sizeof word);
  return _mm256_set1_epi32(word);
}

PV_INLINE void prepare_eights(pv_type type, const pv_planes *x, size_t c, eight_act *out) {
  split_planes(x->q + 256 * c, 256, out->planes);
  if (type != PV_TYPE_Q6_K) return;
  const __m256i by = _mm256_set1_epi8(32);
  for (size_t e = 0; e < 2; e++) {
    __m256i *start = out->start[e];
    for (size_t k = 0; k < 3; k++) start[k] = _mm256_setzero_si256();
    for (size_t i = 0; i < 4; i++) {
      const int8_t *p = out->planes + 64 * (4 * e + i);
      start[0] = _mm256_sub_epi16(start[0], _mm256_maddubs_epi16(by, load256(p)));
      __m256i *low = start + 1 + i / 2;
      *low = _mm256_sub_epi16(*low, _mm256_maddubs_epi16(by, load256(p + 32)));
    }
  }
}

/* sum + the products with word i of half `h` of segment s, of the low plane if `low`. */
PV_INLINE __m256i add_four(__m256i sum, __m256i w, const eight_act *x, size_t s, size_t h, size_t i,
                           bool low) {
  const size_t lane = pv_half_slot(s, h), at = 64 * (4 * (lane / 8) + i) + 4 * (lane % 8);
  return _mm256_add_epi16(sum, _mm256_maddubs_epi16(w, four_bytes(x->planes + at + 32 * low)));
}

PV_INLINE __m256i add_scaled(__m256i sum, __m256i a, __m256i scale) {
  return _mm256_add_epi32(sum, _mm256_madd_epi16(a, scale));
}

/* Sums are made where they are written: a compiler that is left to order them keeps them in
 * memory. */
#define MADE(a, b) __asm__("" : "+x"(a), "+x"(b))

/* Of each word of four sub-scales one, for both halves of the word. */
PV_INLINE __m256i unsigned_pairs(__m256i words, unsigned byte) {
  const __m256i first = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(0, -128, 0, -128, 4, -128, 4, -128, 8, -128, 8, -128, 12, -128, 12, -128));
  return _mm256_shuffle_epi8(words, _mm256_add_epi8(first, _mm256_set1_epi16((short)byte)));
}

/* Q4_K and Q5_K. */
PV_INLINE plane_sums sum_k4(pv_type type, const unsigned char *const row[8], const __m256i sc[2],
                            const eight_act *x) {
  const __m256i nibble = _mm256_set1_epi8(15), zero = _mm256_setzero_si256();
  const bool fifth = type == PV_TYPE_Q5_K;
  plane_sums all = {zero, zero};
#pragma GCC unroll 4
  for (size_t j = 0; j < 4; j++) {
    const __m256i even = unsigned_pairs(sc[j / 2], 2 * j % 4);
    const __m256i odd = unsigned_pairs(sc[j / 2], 2 * j % 4 + 1);
    plane_sums a = all, b = all;
#pragma GCC unroll 2
    for (size_t h = 0; h < 2; h++) {
      __m256i t[4], high[4];
      words_of_rows(row, nibbles_of(type) + 32 * j + 16 * h, t);
      if (fifth) words_of_rows(row, offsetof(pv_block_q5_k, high) + 16 * h, high);
      if (fifth || h == 0) a = b = (plane_sums){zero, zero};
#pragma GCC unroll 4
      for (size_t i = 0; i < 4; i++) {
        __m256i v = _mm256_and_si256(t[i], nibble);
        __m256i w = _mm256_and_si256(_mm256_srli_epi16(t[i], 4), nibble);
        if (fifth) add_fifths(high[i], j, &v, &w);
        a.high = add_four(a.high, v, x, 2 * j, h, i, false);
        a.low = add_four(a.low, v, x, 2 * j, h, i, true);
        b.high = add_four(b.high, w, x, 2 * j + 1, h, i, false);
        b.low = add_four(b.low, w, x, 2 * j + 1, h, i, true);
        MADE(a.high, a.low);
        MADE(b.high, b.low);
      }
      if (!fifth && h == 0) continue;
      all.high = add_scaled(add_scaled(all.high, a.high, even), b.high, odd);
      all.low = add_scaled(add_scaled(all.low, a.low, even), b.low, odd);
      MADE(all.high, all.low);
    }
  }
  return all;
}

/* Half `h` of segment s of Q6_K, whose integers count from 0. */
PV_INLINE void add_half_q6(const __m256i w[4], __m256i scale, size_t s, size_t h,
                           const eight_act *x, plane_sums *all) {
  const size_t lane = pv_half_slot(s, h);
  const char *start = (const char *)x->start[lane / 8] + 4 * (lane % 8);
  __m256i high = four_bytes(start), low[2] = {four_bytes(start + 32), four_bytes(start + 64)};
#pragma GCC unroll 4
  for (size_t i = 0; i < 4; i++) {
    high = add_four(high, w[i], x, s, h, i, false);
    low[i / 2] = add_four(low[i / 2], w[i], x, s, h, i, true);
    MADE(high, low[i / 2]);
  }
  all->high = add_scaled(all->high, high, scale);
  all->low = add_scaled(add_scaled(all->low, low[0], scale), low[1], scale);
  MADE(all->high, all->low);
}

PV_INLINE plane_sums sum_q6_k(const unsigned char *const row[8], const eight_act *x) {
  plane_sums all = {_mm256_setzero_si256(), _mm256_setzero_si256()};
  __m256i sc[4];
  words_of_rows(row, offsetof(pv_block_q6_k, scales), sc);
#pragma GCC unroll 8
  for (size_t g = 0; g < 8; g++) { /* of 128 weights the halves of two segments, in nibbles */
    const size_t n = g / 4, h = g / 2 % 2, k = g % 2;
    __m256i low[4], high[4], w[4];
    words_of_rows(row, 64 * n + 32 * k + 16 * h, low);
    words_of_rows(row, offsetof(pv_block_q6_k, high) + 32 * n + 16 * h, high);
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++) w[i] = q6(low[i], _mm256_slli_epi16(high[i], k == 0 ? 4 : 2));
    const unsigned byte = (unsigned)(2 * k + h);
    add_half_q6(w, _mm256_srai_epi16(scale_pairs(sc[2 * n], byte), 8), 4 * n + k, h, x, &all);
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++)
      w[i] = q6(_mm256_srli_epi16(low[i], 4), k == 0 ? high[i] : _mm256_srli_epi16(high[i], 2));
    add_half_q6(w, _mm256_srai_epi16(scale_pairs(sc[2 * n + 1], byte), 8), 4 * n + k + 2, h, x,
                &all);
  }
  return all;
}
#undef MADE

/* f32 of 256 high + low. */
PV_INLINE __m256 f32_of(plane_sums sum) {
  const __m256i left = _mm256_slli_epi32(_mm256_and_si256(sum.high, _mm256_set1_epi32(255)), 8);
  const __m256i low = _mm256_add_epi32(left, sum.low);
  const __m256i high = _mm256_add_epi32(_mm256_srai_epi32(sum.high, 8), high_bits(low));
  return _mm256_fmadd_ps(_mm256_set1_ps(65536.0f), _mm256_cvtepi32_ps(high),
                         _mm256_cvtepi32_ps(low_bits(low)));
}

/* The values of block c of eight rows. */
PV_INLINE __m256 eight_values(pv_type type, const unsigned char *const row[8], const pv_planes *x,
                              size_t c, const eight_act *act) {
  const __m256 dx = _mm256_set1_ps(x->d[8 * c]);
  if (type == PV_TYPE_Q6_K)
    return _mm256_mul_ps(dx, _mm256_mul_ps(d_q6_k(row), f32_of(sum_q6_k(row, act))));
  __m256i sc[2], lo[2], minima = _mm256_setzero_si256();
  __m256 d, dmin;
  put_d_dmin(scales_k4(row, sc, lo), &d, &dmin);
#pragma GCC unroll 8
  for (size_t s = 0; s < 8; s++) {
    const __m256i sum = _mm256_set1_epi32(x->sum[8 * c + pv_segment_slot(s)]);
    minima = _mm256_add_epi32(minima, _mm256_mullo_epi32(minimum_k4(lo, s), sum));
  }
  const __m256 v = _mm256_mul_ps(d, f32_of(sum_k4(type, row, sc, act)));
  return _mm256_mul_ps(dx, _mm256_fnmadd_ps(dmin, _mm256_cvtepi32_ps(minima), v));
}

/* Of eight results those whose rows are there. */
PV_INLINE void store_kept(float *out, size_t kept, __m256 all) {
  _Alignas(32) float sum[8];
  if (kept == 8) {
    _mm256_storeu_ps(out, all);
    return;
  }
  _mm256_store_ps(sum, all);
  for (size_t i = 0; i < kept; i++) out[i] = sum[i];
}

PV_INLINE void one_act_eights(pv_type type, size_t chunk_bytes, const pv_mm *mm, const pv_planes *x,
                              float *out, unsigned char *room) {
  const size_t chunks = mm->k / 256;
  __m256 *value = (__m256 *)(void *)room;
  eight_act *act = (eight_act *)(void *)(value + chunks);
  for (size_t c = 0; c < chunks; c++) prepare_eights(type, x, c, &act[c]);
  for (size_t r = 0; r < mm->row_count; r += 8) {
    const size_t kept = mm->row_count - r < 8 ? mm->row_count - r : 8;
    const unsigned char *row[8], *next = mm->rows + (r + 8) * mm->row_bytes;
    for (size_t i = 0; i < 8; i++)
      row[i] = mm->rows + (r + (i < kept ? i : kept - 1)) * mm->row_bytes;
    for (size_t c = 0; c < chunks; c++, next += 8 * chunk_bytes) {
#pragma GCC unroll 32
      for (size_t i = 0; i < 8 * chunk_bytes; i += 64)
        _mm_prefetch((const char *)next + i, _MM_HINT_T0);
      value[c] = eight_values(type, row, x, c, &act[c]);
      for (size_t i = 0; i < 8; i++) row[i] += chunk_bytes;
    }
    store_kept(out + mm->first_out + r, kept, fold_chunks(value, chunks));
  }
}

#endif
