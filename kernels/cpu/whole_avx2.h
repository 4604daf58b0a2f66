/* Rows of blocks of 256 weights against many activation rows: sixteen rows at a time, as panel.
 * With the sub-scales in the weights, the products of a block are one sum, cut only where 32 bits
 * would not hold it. */
#ifndef PV_CPU_WHOLE_AVX2_H
#define PV_CPU_WHOLE_AVX2_H

#include "kernels/cpu/panel_avx2.h"

enum {
#ifdef __AVX512VNNI__
  TILE = 12,  /* activation rows at once */
  CHAINS = 2, /* sums of each: an instruction takes longer than those of six rows */
#else
  TILE = 4, /* eight sums; twelve leave too few registers */
  CHAINS = 1,
#endif
  ACTS_MOST = 128, /* that meet a panel before it is made again */
  CHUNKS_MAX = PV_K_MAX / 256,
  LARGE_ROOM = 416 << 10 /* bytes */
};

/* How many words (pairs of weights) in a row a lane can sum up, beside 16 bits left of those
 * before. */
#undef PV_PLAIN_ROW
#undef PV_TYPE_ROW
#define PV_PLAIN_ROW(NAME, name, number)
#define WORDS_FIT(largest, words) \
  ((int64_t)(largest)*PV_ACT16_MAX * 2 * (words) + 0xffff <= INT32_MAX)
#define PV_TYPE_ROW(NAME, name, number, elements, form, ...)                     \
  _Static_assert(WORDS_FIT(PV_TYPE_LARGEST(__VA_ARGS__), 8), "a sum of " #name); \
  _Static_assert(PV_TYPE_LARGEST(__VA_ARGS__) <= INT16_MAX, "a weight of " #name);
#include "kernels/quant/list.h"
#undef PV_TYPE_ROW
#define PV_TYPE_ROW(NAME, name, number, elements, form, ...)   \
  case PV_TYPE_##NAME:                                         \
    return WORDS_FIT(PV_TYPE_LARGEST(__VA_ARGS__), 128)  ? 128 \
           : WORDS_FIT(PV_TYPE_LARGEST(__VA_ARGS__), 64) ? 64  \
           : WORDS_FIT(PV_TYPE_LARGEST(__VA_ARGS__), 32) ? 32  \
           : WORDS_FIT(PV_TYPE_LARGEST(__VA_ARGS__), 16) ? 16  \
                                                         : 8;
PV_INLINE size_t words_together(pv_type type) {
  switch ((uint32_t)type) {
#include "kernels/quant/list.h"
  }
  return 0;
}
#undef PV_PLAIN_ROW
#undef PV_TYPE_ROW
#define PV_PLAIN_ROW(NAME, name, number)
#define PV_TYPE_ROW(NAME, ...)

typedef struct two_acts {
  int16_t of[2];
} two_acts;

/* The products of a pair of activations with the pairs of sixteen rows. Written out, since a
 * compiler that is left to order the sums of a tile keeps some of them in memory. */
PV_INLINE void add_word(const rows_i w[PARTS], const int16_t *x, rows_i sum[PARTS]) {
#ifdef __AVX512VNNI__
  __asm__("vpdpwssd %[x]%{1to16%}, %[w], %[s]"
          : [s] "+v"(sum[0])
          : [w] "v"(w[0]), [x] "m"(*(const two_acts *)(const void *)x));
#else
  __m256i y, z;
  __asm__(
      "vpbroadcastd %[x], %[y]\n\t"
      "vpmaddwd %[y], %[a], %[z]\n\t"
      "vpmaddwd %[y], %[b], %[y]\n\t"
      "vpaddd %[z], %[s], %[s]\n\t"
      "vpaddd %[y], %[t], %[t]"
      : [y] "=&x"(y), [z] "=&x"(z), [s] "+x"(sum[0]), [t] "+x"(sum[1])
      : [a] "x"(w[0]), [b] "x"(w[1]), [x] "m"(*(const two_acts *)(const void *)x));
#endif
}

typedef struct tile {
  rows_i of[TILE][PARTS];
} tile;

/* `count` words of sixteen rows against n activation rows, one after the other to the sums of each
 * of CHAINS. */
PV_INLINE void sum_words(const rows_i w[][PARTS], size_t count, int n, const int16_t *x[TILE],
                         tile sum[CHAINS]) {
  /* An address each, where a compiler would make each of its own base. */
#pragma GCC unroll 16
  for (int t = 0; t < n; t++) __asm__("" : "+r"(x[t]));
#pragma GCC unroll 1
  for (size_t i = 0; i < count; i += 4) {
#pragma GCC unroll 4
    for (size_t j = 0; j < 4; j++) {
      rows_i at[PARTS];
#pragma GCC unroll 2
      for (size_t r = 0; r < PARTS; r++) at[r] = w[i + j][r];
#pragma GCC unroll 16
      for (int t = 0; t < n; t++) add_word(at, x[t] + 2 * (i + j), sum[j % CHAINS].of[t]);
    }
  }
}

/* f32 of the products of a block, of each row with each of n activation rows. `together`: as in
 * words_together. */
PV_INLINE void products_by_n(size_t together, const panel *p, int n, const pv_act *act, size_t c,
                             rows_f out[TILE][PARTS]) {
  const int16_t *q[TILE];
  tile sum[CHAINS], high;
  const size_t fit = CHAINS * together, words = fit < PANEL_WORDS ? fit : PANEL_WORDS;
#pragma GCC unroll 16
  for (int t = 0; t < n; t++) {
    q[t] = act[t].by[PV_GRAIN_256].q + 256 * c;
#pragma GCC unroll 2
    for (size_t r = 0; r < PARTS; r++) {
      high.of[t][r] = rows_zero();
#pragma GCC unroll 2
      for (size_t k = 0; k < CHAINS; k++) sum[k].of[t][r] = rows_zero();
    }
  }
#pragma GCC unroll 1
  for (size_t i = 0; i < PANEL_WORDS; i += words) {
    sum_words(p->w + i, words, n, q, sum);
#pragma GCC unroll 16
    for (int t = 0; t < n; t++) {
      q[t] += 2 * words;
#pragma GCC unroll 2
      for (size_t r = 0; r < PARTS; r++)
#pragma GCC unroll 2
        for (size_t k = 0; k < CHAINS; k++) {
          high.of[t][r] = ROWS_OP(add_epi32)(high.of[t][r], rows_high(sum[k].of[t][r]));
          sum[k].of[t][r] = rows_low(sum[k].of[t][r]);
        }
    }
  }
#pragma GCC unroll 16
  for (int t = 0; t < n; t++)
#pragma GCC unroll 2
    for (size_t r = 0; r < PARTS; r++) {
      rows_i low = sum[0].of[t][r];
      if (CHAINS > 1) low = ROWS_OP(add_epi32)(low, sum[CHAINS - 1].of[t][r]);
      out[t][r] = ROWS_OP(fmadd_ps)(ROWS_OP(set1_ps)(65536.0f), ROWS_OP(cvtepi32_ps)(high.of[t][r]),
                                    ROWS_OP(cvtepi32_ps)(low));
    }
}

PV_INLINE void ask_for(const void *bytes, size_t count) {
  for (size_t i = 0; i < count; i += 64) _mm_prefetch((const char *)bytes + i, _MM_HINT_T0);
}

/* 16 bits of sums of activations: sum = 2^15 high + low. */
typedef struct sum_planes {
  int16_t low[16], high[16]; /* in the order of their minima */
} sum_planes;

PV_INLINE void split_sums16(bool halves, const pv_planes *x, size_t c, sum_planes *out) {
  const int32_t *from = halves ? x->offset + 16 * c : x->sum + 8 * c;
  const __m256i keep = _mm256_set1_epi32(0x7fff);
  __m256i a = load256(from), b = a;
  if (halves) {
    a = _mm256_srai_epi32(a, 5);
    b = _mm256_srai_epi32(load256(from + 8), 5);
  }
  const __m256i low = _mm256_packs_epi32(_mm256_and_si256(a, keep), _mm256_and_si256(b, keep));
  const __m256i high = _mm256_packs_epi32(_mm256_srai_epi32(a, 15), _mm256_srai_epi32(b, 15));
  store256(out->low, _mm256_permute4x64_epi64(low, 0xd8));
  store256(out->high, _mm256_permute4x64_epi64(high, 0xd8));
}

/* The minima of a block, of each row against each of n activation rows. */
PV_INLINE void minima_by_n(bool halves, const panel *p, int n, const pv_act *act, size_t c,
                           rows_i sum[TILE][PARTS]) {
  sum_planes x[TILE];
  rows_i high[TILE][PARTS];
#pragma GCC unroll 16
  for (int t = 0; t < n; t++) {
    split_sums16(halves, &act[t].by[PV_GRAIN_256], c, &x[t]);
#pragma GCC unroll 2
    for (size_t r = 0; r < PARTS; r++) sum[t][r] = high[t][r] = rows_zero();
  }
  const size_t words = halves ? 8 : 4;
#pragma GCC unroll 1
  for (size_t i = 0; i < words; i++)
#pragma GCC unroll 16
    for (int t = 0; t < n; t++) {
      add_word(p->lo[i], x[t].low + 2 * i, sum[t]);
      add_word(p->lo[i], x[t].high + 2 * i, high[t]);
    }
#pragma GCC unroll 16
  for (int t = 0; t < n; t++)
#pragma GCC unroll 2
    for (size_t r = 0; r < PARTS; r++)
      sum[t][r] = ROWS_OP(add_epi32)(sum[t][r], ROWS_OP(slli_epi32)(high[t][r], 15));
}

/* Values of a block: value[(PARTS t + r) * stride] of part r of the rows against activation row t.
 */
PV_INLINE void panel_by_n(pv_form form, size_t together, const panel *p, const pv_act *act,
                          size_t c, int n, rows_f *value, size_t stride) {
  rows_f products[TILE][PARTS];
  rows_i minima[TILE][PARTS];
  products_by_n(together, p, n, act, c, products);
  const bool minimum = pv_form_has_minimum(form);
  if (minimum) minima_by_n(form == PV_FORM_HALVES_M, p, n, act, c, minima);
#pragma GCC unroll 16
  for (int t = 0; t < n; t++) {
    const rows_f dx = ROWS_OP(set1_ps)(act[t].by[PV_GRAIN_256].d[8 * c]);
#pragma GCC unroll 2
    for (size_t r = 0; r < PARTS; r++) {
      rows_f v = ROWS_OP(mul_ps)(p->d[r], products[t][r]);
      if (minimum) v = ROWS_OP(fnmadd_ps)(p->dmin[r], ROWS_OP(cvtepi32_ps)(minima[t][r]), v);
      value[(PARTS * (size_t)t + r) * stride] = ROWS_OP(mul_ps)(dx, v);
    }
  }
}

/* n from 2 to TILE. */
__attribute__((noinline)) static void panel_by(pv_form form, size_t together, const panel *p,
                                               const pv_act *act, size_t c, size_t n, rows_f *value,
                                               size_t stride) {
#define PV_BY(count)                                             \
  case count:                                                    \
    panel_by_n(form, together, p, act, c, count, value, stride); \
    break
  switch (n) {
    PV_BY(2);
    PV_BY(3);
    PV_BY(4);
#ifdef __AVX512VNNI__
    PV_BY(5);
    PV_BY(6);
    PV_BY(7);
    PV_BY(8);
    PV_BY(9);
    PV_BY(10);
    PV_BY(11);
    PV_BY(12);
#endif
  }
#undef PV_BY
}

/* PANEL_ROWS rows from r on, as far as they are there, against activation rows t .. t + n - 1. */
PV_INLINE void panel_of_rows(pv_type type, size_t chunk_bytes, const pv_mm *mm, size_t r, size_t t,
                             size_t n, rows_f *value) {
  const size_t chunks = mm->k / 256, tiles = (n + TILE - 1) / TILE;
  const size_t kept = mm->row_count - r < PANEL_ROWS ? mm->row_count - r : PANEL_ROWS;
  /* The next panel comes while this one is multiplied, a few lines of the cache at a time. */
  const size_t part = kept * chunk_bytes / (tiles + PARTS) + 1;
  const unsigned char *row[PANEL_ROWS], *next = mm->rows + (r + kept) * mm->row_bytes;
  _Alignas(64) float sum[PANEL_ROWS];
  panel p;
  for (size_t i = 0; i < PANEL_ROWS; i++)
    row[i] = mm->rows + (r + (i < kept ? i : kept - 1)) * mm->row_bytes;
  for (size_t c = 0; c < chunks; c++) {
#pragma GCC unroll 1
    for (int i = 0; i < PARTS; i++, next += part) {
      ask_for(next, part);
      fill_part(type, chunk_bytes, row + ROWS * i, i, &p);
    }
    for (size_t i = 0; i < PANEL_ROWS; i++) row[i] += chunk_bytes;
    for (size_t i = 0, from = 0; i < tiles; i++, next += part) {
      const size_t to = n * (i + 1) / tiles;
      ask_for(next, part);
      panel_by(form_of(type), words_together(type), &p, mm->acts + t + from, c, to - from,
               value + PARTS * from * chunks + c, chunks);
      from = to;
    }
  }
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < PARTS; j++)
      ROWS_OP(store_ps)(sum + ROWS * j, fold_rows(value + (PARTS * i + j) * chunks, chunks));
    memcpy(mm->out[t + i] + mm->first_out + r, sum, kept * sizeof *sum);
  }
}

/* Parts of about one size, at most of ACTS_MOST activation rows and of as many as have room. */
PV_INLINE size_t parts_of_acts(const pv_mm *mm) {
  const size_t fit = LARGE_ROOM / (PARTS * sizeof(rows_f)) / (mm->k / 256);
  const size_t most = fit < ACTS_MOST ? fit : ACTS_MOST;
  return (mm->act_count + most - 1) / most;
}

/* The room that many_acts_whole asks for. */
PV_INLINE size_t whole_room(const pv_mm *mm) {
  const size_t parts = parts_of_acts(mm), most = (mm->act_count + parts - 1) / parts;
  return most * PARTS * sizeof(rows_f) * (mm->k / 256);
}

PV_INLINE void many_acts_whole(pv_type type, size_t chunk_bytes, const pv_mm *mm, rows_f *room) {
  const size_t parts = parts_of_acts(mm);
  for (size_t i = 0; i < parts; i++) {
    const size_t t = mm->act_count * i / parts, end = mm->act_count * (i + 1) / parts;
    for (size_t r = 0; r < mm->row_count; r += PANEL_ROWS)
      panel_of_rows(type, chunk_bytes, mm, r, t, end - t, room);
  }
}

#endif
