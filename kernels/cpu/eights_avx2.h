/* One activation row against eight rows of Q4_K side by side: each lane of a register belongs to a
 * row, so that no sum needs the lanes of others. Weights are bytes as they are unpacked, which meet
 * the two planes of an activation: with q = 256 high + low, both signed, the sums of a segment stay
 * in 16 bits and are multiplied with its sub-scale there. */
#ifndef PV_CPU_EIGHTS_AVX2_H
#define PV_CPU_EIGHTS_AVX2_H

#include "kernels/cpu/panel_avx2.h"

/* Sums over the planes of 256 activations: at most 2^25. */
typedef struct plane_sums {
  __m256i high, low;
} plane_sums;

/* sum + the products with word i of half `h` of segment s, of the low plane if `low`. `planes` are
 * those of split_planes: words of four bytes, eight side by side in the order of pv_half_slot. */
PV_INLINE __m256i add_four(__m256i sum, __m256i w, const int8_t *planes, size_t s, size_t h,
                           size_t i, bool low) {
  const size_t lane = pv_half_slot(s, h);
  int32_t word;
  memcpy(&word, planes + 64 * (4 * (lane / 8) + i) + 32 * low + 4 * (lane % 8), sizeof word);
  return _mm256_add_epi16(sum, _mm256_maddubs_epi16(w, _mm256_set1_epi32(word)));
}

PV_INLINE __m256i add_scaled(__m256i sum, __m256i a, __m256i scale) {
  return _mm256_add_epi32(sum, _mm256_madd_epi16(a, scale));
}

/* A quarter of eight blocks to come: more lines of the cache at once than a core keeps under way
 * would stop it. */
PV_INLINE void ask_for_quarter(const unsigned char *blocks, size_t quarter) {
  enum { LINES = 8 * sizeof(pv_block_q4_k) / 64 };
#pragma GCC unroll 18
  for (size_t i = 0; i < LINES; i++)
    if (4 * i / LINES == quarter) _mm_prefetch((const char *)blocks + 64 * i, _MM_HINT_T0);
}

/* Segments 2 j and 2 j + 1. Sums are made where they are written: a compiler that is left to order
 * them keeps them in memory. */
PV_INLINE void sum_two(const unsigned char *const row[8], size_t j, const __m256i sc[2],
                       const int8_t *planes, plane_sums *all) {
  const __m256i nibble = _mm256_set1_epi8(15), zero = _mm256_setzero_si256();
  plane_sums a = {zero, zero}, b = a;
#pragma GCC unroll 2
  for (size_t h = 0; h < 2; h++) {
    __m256i t[4];
    words_of_rows(row, offsetof(pv_block_q4_k, q) + 32 * j + 16 * h, t);
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++) {
      const __m256i v = _mm256_and_si256(t[i], nibble);
      const __m256i w = _mm256_and_si256(_mm256_srli_epi16(t[i], 4), nibble);
      a.high = add_four(a.high, v, planes, 2 * j, h, i, false);
      a.low = add_four(a.low, v, planes, 2 * j, h, i, true);
      b.high = add_four(b.high, w, planes, 2 * j + 1, h, i, false);
      b.low = add_four(b.low, w, planes, 2 * j + 1, h, i, true);
      __asm__("" : "+x"(a.high), "+x"(a.low), "+x"(b.high), "+x"(b.low));
    }
  }
  const __m256i even = scale_bytes(sc[j / 2], 2 * j % 4);
  const __m256i odd = scale_bytes(sc[j / 2], 2 * j % 4 + 1);
  all->high = add_scaled(add_scaled(all->high, a.high, even), b.high, odd);
  all->low = add_scaled(add_scaled(all->low, a.low, even), b.low, odd);
  __asm__("" : "+x"(all->high), "+x"(all->low));
}

/* f32 of 256 high + low. */
PV_INLINE __m256 f32_of(plane_sums sum) {
  const __m256i left = _mm256_slli_epi32(_mm256_and_si256(sum.high, _mm256_set1_epi32(255)), 8);
  const __m256i low = _mm256_add_epi32(left, sum.low);
  const __m256i high = _mm256_add_epi32(_mm256_srai_epi32(sum.high, 8), high_bits(low));
  return _mm256_fmadd_ps(_mm256_set1_ps(65536.0f), _mm256_cvtepi32_ps(high),
                         _mm256_cvtepi32_ps(low_bits(low)));
}

/* The values of block c of eight rows; `next`: eight blocks to ask for. */
PV_INLINE __m256 eight_values(const unsigned char *const row[8], const pv_planes *x, size_t c,
                              const int8_t *planes, const unsigned char *next) {
  plane_sums all = {_mm256_setzero_si256(), _mm256_setzero_si256()};
  __m256i sc[2], lo[2], minima = all.high;
  __m256 d, dmin;
  put_d_dmin(scales_k4(row, sc, lo), &d, &dmin);
#pragma GCC unroll 4
  for (size_t j = 0; j < 4; j++) {
    ask_for_quarter(next, j);
    sum_two(row, j, sc, planes, &all);
  }
#pragma GCC unroll 8
  for (size_t s = 0; s < 8; s++) {
    const __m256i sum = _mm256_set1_epi32(x->sum[8 * c + pv_segment_slot(s)]);
    minima = _mm256_add_epi32(minima, _mm256_mullo_epi32(minimum_k4(lo, s), sum));
  }
  const __m256 v = _mm256_mul_ps(d, f32_of(all));
  return _mm256_mul_ps(_mm256_set1_ps(x->d[8 * c]),
                       _mm256_fnmadd_ps(dmin, _mm256_cvtepi32_ps(minima), v));
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

PV_INLINE void one_act_eights(size_t chunk_bytes, const pv_mm *mm, const pv_planes *x, float *out,
                              unsigned char *room) {
  const size_t chunks = mm->k / 256;
  __m256 *value = (__m256 *)(void *)room;
  int8_t *planes = (int8_t *)(value + chunks);
  split_planes(x->q, mm->k, planes);
  for (size_t r = 0; r < mm->row_count; r += 8) {
    const size_t kept = mm->row_count - r < 8 ? mm->row_count - r : 8;
    const unsigned char *row[8], *next = mm->rows + (r + 16) * mm->row_bytes;
    for (size_t i = 0; i < 8; i++)
      row[i] = mm->rows + (r + (i < kept ? i : kept - 1)) * mm->row_bytes;
    for (size_t c = 0; c < chunks; c++, next += 8 * chunk_bytes) {
      value[c] = eight_values(row, x, c, planes + 512 * c, next);
      for (size_t i = 0; i < 8; i++) row[i] += chunk_bytes;
    }
    store_kept(out + mm->first_out + r, kept, fold_chunks(value, chunks));
  }
}

#endif
