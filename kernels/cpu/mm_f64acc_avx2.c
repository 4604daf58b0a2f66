/* Identity f32-f64acc, AVX2: the sums of mm_f64acc.c, four of the 32 lanes in a register. Lanes
 * never meet before the fold, so rows and activations can be taken several at once. */
#include "kernels/cpu/lanes.h"
#include "kernels/cpu/vector.h"

#define PV_INLINE static inline __attribute__((always_inline))

/* ROWS x ACTS sums in float64 fill 12 of 16 registers. SLAB: weights of a row that are kept as
 * float64; a row that is no longer is decoded once, however many activations there are. BLOCK:
 * activations whose lanes are kept. */
enum { LANES = 32, CHUNK = 256, ROWS = 4, ACTS = 3, SLAB = 4096, BLOCK = 16 * ACTS };

typedef struct rows_kept {
  double w[ROWS][SLAB];
  double lane[BLOCK][ROWS][LANES];
} rows_kept;

/* The 32 weights of a segment, as segment_f64 of kernels/quant has them. A zero may have the other
 * sign, which no sum shows: all begin with +0. */
PV_INLINE void decode_segment(pv_form form, const pv_scales *s, const uint32_t four[8],
                              double *out) {
#pragma GCC unroll 8
  for (int t = 0; t < 8; t++) {
    const __m256d scale = _mm256_set1_pd((double)s->d * (double)s->sc[t / 4]);
    const __m256d minimum = _mm256_set1_pd((double)s->m * (double)s->lo[t / 4]);
    const __m256d q = _mm256_cvtepi32_pd(_mm_cvtepi8_epi32(_mm_cvtsi32_si128((int)four[t])));
    const __m256d product = _mm256_mul_pd(scale, q); /* exact */
    _mm256_storeu_pd(out + 4 * t, form == PV_FORM_D_M         ? _mm256_add_pd(product, minimum)
                                  : pv_form_has_minimum(form) ? _mm256_sub_pd(product, minimum)
                                                              : product);
  }
}

PV_INLINE void decode_plain(pv_type type, const void *row, size_t count, double *out) {
  const uint16_t *half = row;
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const v8 x = type == PV_TYPE_F16    ? v8_load_f16(half + i)
                 : type == PV_TYPE_BF16 ? v8_load_bf16(half + i)
                                        : v8_load((const float *)row + i);
    _mm256_storeu_pd(out + i, _mm256_cvtps_pd(_mm256_castps256_ps128(x)));
    _mm256_storeu_pd(out + i + 4, _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1)));
  }
  const size_t bytes = type == PV_TYPE_F32 ? sizeof(float) : sizeof(uint16_t);
  if (i < count) pv_dequant_f64(type, (const char *)row + i * bytes, count - i, out + i);
}

/* A row of each type. */
#undef PV_PLAIN_ROW
#undef PV_TYPE_ROW
#define PV_PLAIN_ROW(NAME, name, number)                                             \
  __attribute__((noinline)) static void decode_##name(const void *row, size_t count, \
                                                      double *out) {                 \
    decode_plain(PV_TYPE_##NAME, row, count, out);                                   \
  }
#define PV_TYPE_ROW(NAME, name, number, elements, form, ...)                         \
  __attribute__((noinline)) static void decode_##name(const void *row, size_t count, \
                                                      double *out) {                 \
    const pv_block_##name *block = row;                                              \
    for (size_t i = 0; i < count / PV_SEGMENT; i++) {                                \
      const pv_block_##name *b = block + i / ((elements) / PV_SEGMENT);              \
      const unsigned s = (unsigned)(i % ((elements) / PV_SEGMENT));                  \
      const pv_scales scales = pv_##name##_scales(b, s);                             \
      uint32_t four[8];                                                              \
      for (unsigned t = 0; t < 8; t++) four[t] = pv_##name##_four(b, s, t);          \
      decode_segment(form, &scales, four, out + PV_SEGMENT * i);                     \
    }                                                                                \
  }
#include "kernels/quant/list.h"

static void decode(pv_type type, const void *row, size_t count, double *out) {
  switch (type) {
#undef PV_PLAIN_ROW
#undef PV_TYPE_ROW
#define PV_PLAIN_ROW(NAME, name, number) PV_TYPE_ROW(NAME, name)
#define PV_TYPE_ROW(NAME, name, ...) \
  case PV_TYPE_##NAME:               \
    decode_##name(row, count, out);  \
    return;
#include "kernels/quant/list.h"
  }
}

/* `n` weights of ROWS rows from `k` on, with zeros up to a whole chunk. Behind the last row it is
 * taken again. */
static void decode_rows(const pv_mm *mm, size_t r, size_t k, size_t n, rows_kept *tile) {
  const pv_type_info *type = pv_type_get(mm->type);
  for (size_t i = 0; i < ROWS; i++) {
    const size_t at = r + i < mm->row_count ? r + i : mm->row_count - 1;
    const unsigned char *row = mm->rows + at * mm->row_bytes;
    decode(mm->type, row + k / type->block_elements * type->block_bytes, n, tile->w[i]);
    for (size_t j = n; j % CHUNK != 0; j++) tile->w[i][j] = 0.0;
  }
}

/* A chunk of the rows against `acts` rows of activations, a number that the compiler knows. */
PV_INLINE void add_chunk(const rows_kept *tile, size_t c, const float *const *x, int acts,
                         double (*lane)[ROWS][LANES]) {
  for (size_t v = 0; v < LANES; v += 4) {
    __m256d sum[ACTS][ROWS];
#pragma GCC unroll 3
    for (int t = 0; t < acts; t++)
#pragma GCC unroll 4
      for (int r = 0; r < ROWS; r++) sum[t][r] = _mm256_setzero_pd();
#pragma GCC unroll 8
    for (size_t i = v; i < CHUNK; i += LANES) {
      __m256d a[ACTS];
#pragma GCC unroll 3
      for (int t = 0; t < acts; t++) a[t] = _mm256_cvtps_pd(_mm_loadu_ps(x[t] + i));
#pragma GCC unroll 4
      for (int r = 0; r < ROWS; r++) {
        const __m256d w = _mm256_loadu_pd(tile->w[r] + c + i);
#pragma GCC unroll 3
        for (int t = 0; t < acts; t++) sum[t][r] = _mm256_fmadd_pd(w, a[t], sum[t][r]);
      }
    }
#pragma GCC unroll 3
    for (int t = 0; t < acts; t++)
#pragma GCC unroll 4
      for (int r = 0; r < ROWS; r++) {
        double *to = &lane[t][r][v];
        _mm256_storeu_pd(to, _mm256_add_pd(_mm256_loadu_pd(to), sum[t][r]));
      }
  }
}

/* Chunks of a slab of `n` elements. Zeros behind the end of a row change no lane. */
PV_INLINE void add_slab(const rows_kept *tile, const pv_act *act, size_t k, size_t n, int acts,
                        double (*lane)[ROWS][LANES]) {
  for (size_t c = 0; c < n; c += CHUNK) {
    float padded[ACTS][CHUNK];
    const float *x[ACTS];
    for (int t = 0; t < acts; t++) {
      x[t] = act[t].x + k + c;
      if (n - c >= CHUNK) continue;
      memset(padded[t], 0, sizeof padded[t]);
      memcpy(padded[t], x[t], (n - c) * sizeof(float));
      x[t] = padded[t];
    }
    add_chunk(tile, c, x, acts, lane);
  }
}

static void add_acts(rows_kept *tile, const pv_act *act, size_t k, size_t n, size_t count) {
  for (size_t t = 0; t < count; t += ACTS) switch (count - t) {
      case 1:
        add_slab(tile, act + t, k, n, 1, tile->lane + t);
        break;
      case 2:
        add_slab(tile, act + t, k, n, 2, tile->lane + t);
        break;
      default:
        add_slab(tile, act + t, k, n, ACTS, tile->lane + t);
        break;
    }
}

/* Lanes rounded to float32 and folded, by 16 and 8 as registers. */
static float fold_lanes(const double lane[LANES]) {
  v8 part[4];
  for (size_t i = 0; i < 4; i++)
    part[i] = _mm256_set_m128(_mm256_cvtpd_ps(_mm256_loadu_pd(lane + 8 * i + 4)),
                              _mm256_cvtpd_ps(_mm256_loadu_pd(lane + 8 * i)));
  return v8_fold(v8_add(v8_add(part[0], part[2]), v8_add(part[1], part[3])));
}

void PV_PATH(mm_f64acc)(const pv_mm *mm) {
  rows_kept tile;
  for (size_t r = 0; r < mm->row_count; r += ROWS) {
    const size_t rows = mm->row_count - r < ROWS ? mm->row_count - r : ROWS;
    for (size_t t = 0; t < mm->act_count; t += BLOCK) {
      const size_t acts = mm->act_count - t < BLOCK ? mm->act_count - t : BLOCK;
      memset(tile.lane, 0, acts * sizeof *tile.lane);
      for (size_t k = 0; k < mm->k; k += SLAB) {
        const size_t n = mm->k - k < SLAB ? mm->k - k : SLAB;
        if (t == 0 || mm->k > SLAB) decode_rows(mm, r, k, n, &tile);
        add_acts(&tile, mm->acts + t, k, n, acts);
      }
      for (size_t a = 0; a < acts; a++)
        for (size_t i = 0; i < rows; i++)
          mm->out[t + a][mm->first_out + r + i] = fold_lanes(tile.lane[a][i]);
    }
  }
}
