/* Rows of blocks of 256 weights against many activation rows: sixteen rows at a time, as panel.
 * With the sub-scales in the weights, the products of a block are one sum, cut only where 32 bits
 * would not hold it. */
#ifndef PV_CPU_WHOLE_AVX2_H
#define PV_CPU_WHOLE_AVX2_H

#include "kernels/cpu/panel_avx2.h"

enum {
  TILE = 4,        /* activation rows at once: eight sums; twelve leave too few registers */
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
PV_INLINE void add_word(__m256i a, __m256i b, const int16_t *x, __m256i sum[2]) {
#ifdef __AVX512VNNI__
  int32_t word;
  memcpy(&word, x, sizeof word);
  const __m256i y = _mm256_set1_epi32(word);
  sum[0] = add_products(sum[0], a, y);
  sum[1] = add_products(sum[1], b, y);
#else
  __m256i y, z;
  __asm__(
      "vpbroadcastd %[x], %[y]\n\t"
      "vpmaddwd %[y], %[a], %[z]\n\t"
      "vpmaddwd %[y], %[b], %[y]\n\t"
      "vpaddd %[z], %[s], %[s]\n\t"
      "vpaddd %[y], %[t], %[t]"
      : [y] "=&x"(y), [z] "=&x"(z), [s] "+x"(sum[0]), [t] "+x"(sum[1])
      : [a] "x"(a), [b] "x"(b), [x] "m"(*(const two_acts *)(const void *)x));
#endif
}

/* `count` words of sixteen rows against n activation rows. */
PV_INLINE void sum_words(const __m256i w[][2], size_t count, int n, const int16_t *x[TILE],
                         __m256i sum[TILE][2]) {
  /* Four addresses, where a compiler would make each of its own base. */
#pragma GCC unroll 4
  for (int t = 0; t < n; t++) __asm__("" : "+r"(x[t]));
#pragma GCC unroll 4
  for (size_t i = 0; i < count; i++) {
    const __m256i a = w[i][0], b = w[i][1];
#pragma GCC unroll 4
    for (int t = 0; t < n; t++) add_word(a, b, x[t] + 2 * i, sum[t]);
  }
}

/* f32 of the products of a block, of each row with each of n activation rows. */
PV_INLINE void products_by_n(pv_type type, const panel *p, int n, const pv_act *act, size_t c,
                             __m256 out[TILE][2]) {
  const size_t together = words_together(type);
  const int16_t *q[TILE];
  __m256i sum[TILE][2], high[TILE][2];
#pragma GCC unroll 4
  for (int t = 0; t < n; t++) {
    q[t] = act[t].by[PV_GRAIN_256].q + 256 * c;
    sum[t][0] = sum[t][1] = high[t][0] = high[t][1] = _mm256_setzero_si256();
  }
#pragma GCC unroll 1
  for (size_t i = 0; i < PANEL_WORDS; i += together) {
    sum_words(p->w + i, together, n, q, sum);
    if (together == PANEL_WORDS) break;
#pragma GCC unroll 4
    for (int t = 0; t < n; t++) {
      q[t] += 2 * together;
#pragma GCC unroll 2
      for (int r = 0; r < 2; r++) {
        high[t][r] = _mm256_add_epi32(high[t][r], high_bits(sum[t][r]));
        sum[t][r] = low_bits(sum[t][r]);
      }
    }
  }
#pragma GCC unroll 4
  for (int t = 0; t < n; t++)
#pragma GCC unroll 2
    for (int r = 0; r < 2; r++) {
      const __m256 low = _mm256_cvtepi32_ps(sum[t][r]);
      out[t][r] = together == PANEL_WORDS ? low
                                          : _mm256_fmadd_ps(_mm256_set1_ps(65536.0f),
                                                            _mm256_cvtepi32_ps(high[t][r]), low);
    }
}

PV_INLINE void ask_for(const void *bytes, size_t count) {
  for (size_t i = 0; i < count; i += 64) _mm_prefetch((const char *)bytes + i, _MM_HINT_T0);
}

/* The minima of a block, of each row against each of n activation rows. */
PV_INLINE void minima_by_n(pv_type type, const panel *p, int n, const pv_act *act, size_t c,
                           __m256i sum[TILE][2]) {
  const bool halves = form_of(type) == PV_FORM_HALVES_M;
#pragma GCC unroll 4
  for (int t = 0; t < n; t++) sum[t][0] = sum[t][1] = _mm256_setzero_si256();
  const size_t words = halves ? 16 : 8;
#pragma GCC unroll 1
  for (size_t i = 0; i < words; i++)
#pragma GCC unroll 4
    for (int t = 0; t < n; t++) {
      const pv_planes *x = &act[t].by[PV_GRAIN_256];
      const __m256i y = halves ? _mm256_srai_epi32(_mm256_set1_epi32(x->offset[16 * c + i]), 5)
                               : _mm256_set1_epi32(x->sum[8 * c + i]);
#pragma GCC unroll 2
      for (int r = 0; r < 2; r++)
        sum[t][r] = _mm256_add_epi32(sum[t][r], _mm256_mullo_epi32(p->lo[i][r], y));
    }
}

/* Values of a block: value[(2 t + r) * stride] of rows 8 r .. 8 r + 7 against activation row t. */
PV_INLINE void panel_by_n(pv_type type, const panel *p, const pv_act *act, size_t c, int n,
                          __m256 *value, size_t stride) {
  __m256 products[TILE][2];
  __m256i minima[TILE][2];
  products_by_n(type, p, n, act, c, products);
  if (pv_form_has_minimum(form_of(type))) minima_by_n(type, p, n, act, c, minima);
#pragma GCC unroll 4
  for (int t = 0; t < n; t++) {
    const __m256 dx = _mm256_set1_ps(act[t].by[PV_GRAIN_256].d[8 * c]);
#pragma GCC unroll 2
    for (int r = 0; r < 2; r++) {
      __m256 v = _mm256_mul_ps(p->d[r], products[t][r]);
      if (pv_form_has_minimum(form_of(type)))
        v = _mm256_fnmadd_ps(p->dmin[r], _mm256_cvtepi32_ps(minima[t][r]), v);
      value[(size_t)(2 * t + r) * stride] = _mm256_mul_ps(dx, v);
    }
  }
}

/* n from 2 to TILE: of three or more no part is less. */
PV_INLINE void panel_by(pv_type type, const panel *p, const pv_act *act, size_t c, size_t n,
                        __m256 *value, size_t stride) {
  switch (n) {
    case 2:
      panel_by_n(type, p, act, c, 2, value, stride);
      break;
    case 3:
      panel_by_n(type, p, act, c, 3, value, stride);
      break;
    default:
      panel_by_n(type, p, act, c, TILE, value, stride);
      break;
  }
}

/* PANEL_ROWS rows from r on, as far as they are there, against activation rows t .. t + n - 1. */
PV_INLINE void panel_of_rows(pv_type type, size_t chunk_bytes, const pv_mm *mm, size_t r, size_t t,
                             size_t n, __m256 *value) {
  const size_t chunks = mm->k / 256, tiles = (n + TILE - 1) / TILE;
  const size_t kept = mm->row_count - r < PANEL_ROWS ? mm->row_count - r : PANEL_ROWS;
  /* The next panel comes while this one is multiplied, a few lines of the cache at a time. */
  const size_t part = kept * chunk_bytes / (tiles + 2) + 1;
  const unsigned char *row[PANEL_ROWS], *next = mm->rows + (r + kept) * mm->row_bytes;
  _Alignas(32) float sum[PANEL_ROWS];
  panel p;
  for (size_t i = 0; i < PANEL_ROWS; i++)
    row[i] = mm->rows + (r + (i < kept ? i : kept - 1)) * mm->row_bytes;
  for (size_t c = 0; c < chunks; c++) {
#pragma GCC unroll 1
    for (int half = 0; half < 2; half++, next += part) {
      ask_for(next, part);
      fill_half(type, chunk_bytes, row + 8 * half, half, &p);
    }
    for (size_t i = 0; i < PANEL_ROWS; i++) row[i] += chunk_bytes;
    for (size_t i = 0, from = 0; i < tiles; i++, next += part) {
      const size_t to = n * (i + 1) / tiles;
      ask_for(next, part);
      panel_by(type, &p, mm->acts + t + from, c, to - from, value + 2 * from * chunks + c, chunks);
      from = to;
    }
  }
  for (size_t i = 0; i < n; i++) {
    _mm256_store_ps(sum, fold_chunks(value + 2 * i * chunks, chunks));
    _mm256_store_ps(sum + 8, fold_chunks(value + (2 * i + 1) * chunks, chunks));
    memcpy(mm->out[t + i] + mm->first_out + r, sum, kept * sizeof *sum);
  }
}

/* Parts of about one size, at most of ACTS_MOST activation rows and of as many as have room. */
PV_INLINE size_t parts_of_acts(const pv_mm *mm) {
  const size_t fit = LARGE_ROOM / (2 * sizeof(__m256)) / (mm->k / 256);
  const size_t most = fit < ACTS_MOST ? fit : ACTS_MOST;
  return (mm->act_count + most - 1) / most;
}

/* The room that many_acts_whole asks for. */
PV_INLINE size_t whole_room(const pv_mm *mm) {
  const size_t parts = parts_of_acts(mm), most = (mm->act_count + parts - 1) / parts;
  return most * 2 * sizeof(__m256) * (mm->k / 256);
}

PV_INLINE void many_acts_whole(pv_type type, size_t chunk_bytes, const pv_mm *mm, __m256 *room) {
  const size_t parts = parts_of_acts(mm);
  for (size_t i = 0; i < parts; i++) {
    const size_t t = mm->act_count * i / parts, end = mm->act_count * (i + 1) / parts;
    for (size_t r = 0; r < mm->row_count; r += PANEL_ROWS)
      panel_of_rows(type, chunk_bytes, mm, r, t, end - t, room);
  }
}

#endif
