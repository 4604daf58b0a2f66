/* One activation row against ROWS rows of Q4_K. Weights are bytes as they are unpacked, which meet
 * the two planes of an activation: with q = 256 high + low, both signed, the sums of a segment stay
 * in 16 bits and are multiplied with its sub-scale there. */
#ifndef PV_CPU_BY_ROWS_AVX2_H
#define PV_CPU_BY_ROWS_AVX2_H

#include "kernels/cpu/panel_avx2.h"

enum { AHEAD_ROWS = 16 }; /* that are asked for: with twice as many it was slower from memory */

/* Sums over the planes of 256 activations: at most 2^25. */
typedef struct plane_sums {
  rows_i high, low;
} plane_sums;

/* sum + the products with word i of half `h` of segment s, of the low plane if `low`. `planes` are
 * those of split_planes: words of four bytes, eight side by side in the order of pv_half_slot. */
PV_INLINE rows_i add_four(rows_i sum, rows_i w, const int8_t *planes, size_t s, size_t h, size_t i,
                          bool low) {
  const size_t lane = pv_half_slot(s, h);
  int32_t word;
  memcpy(&word, planes + 64 * (4 * (lane / 8) + i) + 32 * low + 4 * (lane % 8), sizeof word);
  return ROWS_OP(add_epi16)(sum, ROWS_OP(maddubs_epi16)(w, ROWS_OP(set1_epi32)(word)));
}

PV_INLINE rows_i add_scaled(rows_i sum, rows_i a, rows_i scale) {
  return ROWS_OP(add_epi32)(sum, ROWS_OP(madd_epi16)(a, scale));
}

/* A quarter of ROWS blocks to come: more lines of the cache at once than a core keeps under way
 * would stop it. */
PV_INLINE void ask_for_quarter(const unsigned char *blocks, size_t quarter) {
  enum { LINES = ROWS * sizeof(pv_block_q4_k) / 64 };
#pragma GCC unroll 36
  for (size_t i = 0; i < LINES; i++)
    if (4 * i / LINES == quarter) _mm_prefetch((const char *)blocks + 64 * i, _MM_HINT_T0);
}

/* Segments 2 j and 2 j + 1. Sums are made where they are written: a compiler that is left to order
 * them keeps them in memory. */
PV_INLINE void sum_two(const unsigned char *const *row, size_t j, const rows_i sc[2],
                       const int8_t *planes, plane_sums *all) {
  const rows_i nibble = ROWS_OP(set1_epi8)(15), zero = rows_zero();
  plane_sums a = {zero, zero}, b = a;
#pragma GCC unroll 2
  for (size_t h = 0; h < 2; h++) {
    rows_i t[4];
    rows_words(row, offsetof(pv_block_q4_k, q) + 32 * j + 16 * h, t);
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++) {
      const rows_i v = rows_and(t[i], nibble);
      const rows_i w = rows_and(ROWS_OP(srli_epi16)(t[i], 4), nibble);
      a.high = add_four(a.high, v, planes, 2 * j, h, i, false);
      a.low = add_four(a.low, v, planes, 2 * j, h, i, true);
      b.high = add_four(b.high, w, planes, 2 * j + 1, h, i, false);
      b.low = add_four(b.low, w, planes, 2 * j + 1, h, i, true);
      __asm__("" : "+x"(a.high), "+x"(a.low), "+x"(b.high), "+x"(b.low));
    }
  }
  const rows_i even = scale_bytes(sc[j / 2], 2 * j % 4);
  const rows_i odd = scale_bytes(sc[j / 2], 2 * j % 4 + 1);
  all->high = add_scaled(add_scaled(all->high, a.high, even), b.high, odd);
  all->low = add_scaled(add_scaled(all->low, a.low, even), b.low, odd);
  __asm__("" : "+x"(all->high), "+x"(all->low));
}

/* f32 of 256 high + low. */
PV_INLINE rows_f f32_of(plane_sums sum) {
  const rows_i left = ROWS_OP(slli_epi32)(rows_and(sum.high, ROWS_OP(set1_epi32)(255)), 8);
  const rows_i low = ROWS_OP(add_epi32)(left, sum.low);
  const rows_i high = ROWS_OP(add_epi32)(ROWS_OP(srai_epi32)(sum.high, 8), rows_high(low));
  return ROWS_OP(fmadd_ps)(ROWS_OP(set1_ps)(65536.0f), ROWS_OP(cvtepi32_ps)(high),
                           ROWS_OP(cvtepi32_ps)(rows_low(low)));
}

/* The values of block c of ROWS rows; `next`: as many blocks to ask for. */
PV_INLINE rows_f rows_values(const unsigned char *const *row, const pv_planes *x, size_t c,
                             const int8_t *planes, const unsigned char *next) {
  plane_sums all = {rows_zero(), rows_zero()};
  rows_i sc[2], lo[2], minima = all.high;
  rows_f d, dmin;
  put_d_dmin(scales_k4(row, sc, lo), &d, &dmin);
#pragma GCC unroll 4
  for (size_t j = 0; j < 4; j++) {
    ask_for_quarter(next, j);
    sum_two(row, j, sc, planes, &all);
  }
#pragma GCC unroll 8
  for (size_t s = 0; s < 8; s++) {
    const rows_i sum = ROWS_OP(set1_epi32)(x->sum[8 * c + pv_segment_slot(s)]);
    minima = ROWS_OP(add_epi32)(minima, ROWS_OP(mullo_epi32)(minimum_k4(lo, s), sum));
  }
  const rows_f v = ROWS_OP(mul_ps)(d, f32_of(all));
  return ROWS_OP(mul_ps)(ROWS_OP(set1_ps)(x->d[8 * c]),
                         ROWS_OP(fnmadd_ps)(dmin, ROWS_OP(cvtepi32_ps)(minima), v));
}

/* Of ROWS results those whose rows are there. */
PV_INLINE void store_kept(float *out, size_t kept, rows_f all) {
  _Alignas(64) float sum[ROWS];
  if (kept == ROWS) {
    ROWS_OP(storeu_ps)(out, all);
    return;
  }
  ROWS_OP(store_ps)(sum, all);
  for (size_t i = 0; i < kept; i++) out[i] = sum[i];
}

PV_INLINE void one_act_by_rows(size_t chunk_bytes, const pv_mm *mm, const pv_planes *x, float *out,
                               unsigned char *room) {
  const size_t chunks = mm->k / 256;
  rows_f *value = (rows_f *)(void *)room;
  int8_t *planes = (int8_t *)(value + chunks);
  split_planes(x->q, mm->k, planes);
  for (size_t r = 0; r < mm->row_count; r += ROWS) {
    const size_t kept = mm->row_count - r < ROWS ? mm->row_count - r : ROWS;
    const unsigned char *row[ROWS], *next = mm->rows + (r + AHEAD_ROWS) * mm->row_bytes;
    for (size_t i = 0; i < ROWS; i++)
      row[i] = mm->rows + (r + (i < kept ? i : kept - 1)) * mm->row_bytes;
    for (size_t c = 0; c < chunks; c++, next += ROWS * chunk_bytes) {
      value[c] = rows_values(row, x, c, planes + 512 * c, next);
      for (size_t i = 0; i < ROWS; i++) row[i] += chunk_bytes;
    }
    store_kept(out + mm->first_out + r, kept, fold_rows(value, chunks));
  }
}

#endif
