/* Quantised rows with rounded activations, AVX2, and once more with the instructions of AVX-512,
 * VNNI among them: the same integers and the same float terms as mm_int.c. The eight segments of
 * 256 weights lie side by side in a register, or one segment of many rows (rows_avx2.h). */
#include "kernels/arith/fold.h"
#include "kernels/cpu/by_rows_avx2.h"
#include "kernels/cpu/crumbs_avx2.h"
#include "kernels/cpu/lanes.h"
#include "kernels/cpu/vector.h"
#include "kernels/cpu/whole_avx2.h"

enum {
  SMALL_CHUNKS = 8, /* K = 2048 */
  AHEAD = 2048      /* bytes; the hardware's own prefetcher stops at each page */
};

/* What the integers are too large by, of halves with 32 times the sum `x`. */
PV_INLINE __m256i too_large(pv_type type, __m256i x) {
  const int offset = offset_of(type);
  if (offset > 32) return _mm256_mullo_epi32(x, _mm256_set1_epi32(offset / 32));
  return _mm256_srai_epi32(_mm256_mullo_epi32(x, _mm256_set1_epi32(offset)), 5);
}

/* What the integers of 256 weights are too large by, taken off the sums of their halves in the two
 * eights of pv_half_slot; where halves are not needed apart, all of it off the first. */
PV_INLINE void take_off(pv_type type, const pv_planes *x, size_t c, __m256i half[2]) {
  if (has_halves(type)) {
    for (size_t e = 0; e < 2; e++)
      half[e] = _mm256_sub_epi32(half[e], too_large(type, load256(x->offset + 16 * c + 8 * e)));
  } else if (offset_of(type) != 0) {
    const __m256i sum = load256(x->sum + 8 * c);
    half[0] =
        _mm256_sub_epi32(half[0], _mm256_mullo_epi32(sum, _mm256_set1_epi32(offset_of(type))));
  }
}

/* Values of eight blocks of 32 from the sums of their halves. */
PV_INLINE __m256 finish(pv_type type, const pv_scale8 *s, __m256i half[2], const pv_planes *x,
                        size_t c) {
  const __m256 dx = _mm256_loadu_ps(x->d + 8 * c);
  take_off(type, x, c, half);
  const __m256 all = _mm256_cvtepi32_ps(_mm256_add_epi32(half[0], half[1]));
  const __m256 high = _mm256_mul_ps(s->d, all);
  if (form_of(type) != PV_FORM_D_M) return _mm256_mul_ps(dx, high);
  const __m256 sum = _mm256_cvtepi32_ps(load256(x->sum + 8 * c));
  return _mm256_mul_ps(dx, _mm256_fmadd_ps(s->dmin, sum, high));
}

/* The minima of the segments of a block of 256, times the sums of the activations. */
PV_INLINE __m256i minima_of(pv_type type, const pv_scale8 *s, const pv_planes *x, size_t c) {
  if (form_of(type) == PV_FORM_SUB_M) return _mm256_mullo_epi32(s->lo, load256(x->sum + 8 * c));
  if (form_of(type) != PV_FORM_HALVES_M) return _mm256_setzero_si256();
  const __m256i x0 = load256(x->offset + 16 * c), x1 = load256(x->offset + 16 * c + 8);
  return _mm256_add_epi32(_mm256_mullo_epi32(s->lo, _mm256_srai_epi32(x0, 5)),
                          _mm256_mullo_epi32(s->lo1, _mm256_srai_epi32(x1, 5)));
}

/* The sums of a block of 256 from those of its half segments. */
PV_INLINE block_sums gather_sums(pv_type type, const pv_scale8 *s, __m256i half[2],
                                 const pv_planes *x, size_t c) {
  const __m256i minima = minima_of(type, s, x, c);
  take_off(type, x, c, half);
  if (has_halves(type)) {
    const __m256i a = _mm256_mullo_epi32(s->sc, half[0]), b = _mm256_mullo_epi32(s->sc1, half[1]);
    return whole_fits(type) ? sums_of(type, _mm256_add_epi32(a, b), minima)
                            : sums_of_two(a, b, minima);
  }
  const __m256i all = _mm256_add_epi32(half[0], half[1]);
  return sums_of(type, form_of(type) == PV_FORM_D ? all : _mm256_mullo_epi32(s->sc, all), minima);
}

/* v8_fold for lanes in the order of pv_segment_slot. */
PV_INLINE float fold_slots(__m256 v) {
  const __m256 a = _mm256_add_ps(v, _mm256_movehdup_ps(v));
  const __m128 low = _mm256_castps256_ps128(a), high = _mm256_extractf128_ps(a, 1);
  return _mm_cvtss_f32(_mm_add_ss(_mm_add_ss(low, _mm_movehl_ps(low, low)),
                                  _mm_add_ss(high, _mm_movehl_ps(high, high))));
}

/* v8_fold of eight at once, in lanes in the order of pv_segment_slot; the eight sums in order. */
PV_INLINE __m256 fold_slots8(const __m256 v[8]) {
  const __m256 a = _mm256_hadd_ps(_mm256_hadd_ps(v[0], v[1]), _mm256_hadd_ps(v[2], v[3]));
  const __m256 b = _mm256_hadd_ps(_mm256_hadd_ps(v[4], v[5]), _mm256_hadd_ps(v[6], v[7]));
  return _mm256_add_ps(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
}

/* A row that ends within a register. */
PV_INLINE float fold_part(__m256 *v, size_t chunks, size_t segments) {
  const __m256i order = _mm256_setr_epi32(0, 4, 2, 6, 1, 5, 3, 7);
  for (size_t i = 0; i < chunks; i++) v[i] = _mm256_permutevar8x32_ps(v[i], order);
  return pv_fold_f32((float *)v, segments);
}

/* Fold of all segments of a row: whole registers first, then the lanes of the last one. */
PV_INLINE float fold_row(__m256 *v, size_t chunks, size_t segments) {
  if (segments % 8 != 0) return fold_part(v, chunks, segments);
  return fold_slots(fold_chunks(v, chunks));
}

PV_INLINE size_t segments_at(size_t k, size_t chunk) {
  const size_t left = k / PV_SEGMENT - 8 * chunk;
  return left < 8 ? left : 8;
}

/* BY_PLANES: integers of five bits or fewer, as they are unpacked, meet the two planes of an
 * activation as bytes, 32 at a time: with q = 256 high + low, both signed, the sums of a half
 * segment are at most 31 * 128 * 16 / 2 = 31744 in 16 bits. Where unpacking takes the longest this
 * pays. */

/* The sums of 256 weights in the two eights of pv_half_slot. */
PV_INLINE void dot_planes(const __m256i w[8], const int8_t *planes, __m256i sum[2]) {
  const __m256i one = _mm256_set1_epi16(1), high_one = _mm256_set1_epi16(256);
#pragma GCC unroll 2
  for (int e = 0; e < 2; e++) {
    __m256i high = _mm256_setzero_si256(), low = high;
#pragma GCC unroll 4
    for (int i = 4 * e; i < 4 * e + 4; i++) {
      high = _mm256_add_epi16(high, _mm256_maddubs_epi16(w[i], load256(planes + 64 * i)));
      low = _mm256_add_epi16(low, _mm256_maddubs_epi16(w[i], load256(planes + 64 * i + 32)));
    }
    sum[e] = _mm256_add_epi32(_mm256_madd_epi16(high, high_one), _mm256_madd_epi16(low, one));
  }
}

PV_INLINE void dot_widened(pv_type type, const __m256i w[8], const int16_t *x, __m256i sum[2]) {
  sum[0] = sum[1] = _mm256_setzero_si256();
#pragma GCC unroll 8
  for (int i = 0; i < 8; i++) {
    sum[i / 4] = add_products(sum[i / 4], widen_even(type, w[i]), load256(x + 32 * i));
    sum[i / 4] = add_products(sum[i / 4], widen_odd(type, w[i]), load256(x + 32 * i + 16));
  }
}

/* 256 weights, which go from memory to their sums without a stop. */
PV_INLINE void unpack_chunk(pv_type type, size_t chunk_bytes, const unsigned char *chunk,
                            size_t segments, __m256i w[8], pv_scale8 *s) {
  for (size_t ahead = 0; ahead < chunk_bytes; ahead += 64)
    _mm_prefetch((const char *)(chunk + ahead + AHEAD), _MM_HINT_T0);
  unpack(type, chunk_bytes, chunk, segments, w, s);
}

/* One activation row, weights in blocks of 32. */
PV_INLINE void one_act(pv_type type, size_t chunk_bytes, const pv_mm *mm, const pv_planes *x,
                       float *out, unsigned char *room) {
  const size_t chunks = (mm->k + 255) / 256;
  __m256 *value = (__m256 *)(void *)room;
  int8_t *planes = (int8_t *)(value + chunks);
  if (way_of(type) == BY_PLANES) split_planes(x->q, mm->k, planes);
  for (size_t r = 0; r < mm->row_count; r++) {
    const unsigned char *row = mm->rows + r * mm->row_bytes;
    for (size_t c = 0; c < chunks; c++) {
      __m256i w[8], half[2];
      pv_scale8 s;
      unpack_chunk(type, chunk_bytes, row + c * chunk_bytes, segments_at(mm->k, c), w, &s);
      if (way_of(type) == BY_PLANES)
        dot_planes(w, planes + 512 * c, half);
      else
        dot_widened(type, w, x->q + 256 * c, half);
      value[c] = finish(type, &s, half, x, c);
    }
    out[mm->first_out + r] = fold_row(value, chunks, mm->k / PV_SEGMENT);
  }
}

/* The fold of a row's blocks. */
PV_INLINE float fold_blocks(float *value, size_t blocks) {
  if (blocks == 1) return value[0];
  if (blocks == 3) return (value[0] + value[2]) + value[1]; /* K = 768 */
  if (blocks == 8) return v8_fold(_mm256_loadu_ps(value));  /* K = 2048 */
  return pv_fold_f32(value, blocks);
}

/* The sums of a block of 256; of `s` d and dmin are used after. */
PV_INLINE block_sums one_block(pv_type type, size_t chunk_bytes, const unsigned char *block,
                               const pv_planes *x, const crumb_act *crumb, size_t c, pv_scale8 *s) {
  if (way_of(type) == BY_CRUMBS) {
    for (size_t ahead = 0; ahead < chunk_bytes; ahead += 64)
      _mm_prefetch((const char *)(block + ahead + AHEAD), _MM_HINT_T0);
    return crumbs(type, block, &crumb[c], x->sum + 8 * c, s);
  }
  __m256i w[8], half[2];
  unpack_chunk(type, chunk_bytes, block, 8, w, s);
  dot_widened(type, w, x->q + 256 * c, half);
  return gather_sums(type, s, half, x, c);
}

/* The first lane of each. */
PV_INLINE __m128 first_of(const __m128 v[4]) {
  return _mm_movelh_ps(_mm_unpacklo_ps(v[0], v[1]), _mm_unpacklo_ps(v[2], v[3]));
}

enum { ROWS_AT_ONCE = 4 }; /* so that their blocks are done by four, however long a row is */

/* The values of the blocks of ROWS_AT_ONCE rows, one row after the other; `dx` as many scales. */
PV_INLINE void block_values(pv_type type, size_t chunk_bytes, const pv_mm *mm, size_t r,
                            const pv_planes *x, const crumb_act *crumb, const float *dx,
                            float *value) {
  const size_t chunks = mm->k / 256, last = mm->row_count - 1;
  const unsigned char *row = mm->rows + r * mm->row_bytes;
  size_t c = 0;
  for (size_t at = 0; at < ROWS_AT_ONCE * chunks; at += 4) {
    block_sums v[4];
    __m128 d[4], dmin[4];
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++) {
      pv_scale8 s;
      v[i] = one_block(type, chunk_bytes, row + c * chunk_bytes, x, crumb, c, &s);
      d[i] = _mm256_castps256_ps128(s.d);
      dmin[i] = _mm256_castps256_ps128(s.dmin);
      if (++c < chunks) continue;
      c = 0;
      if (r < last) row += mm->row_bytes; /* past the end: the last one again */
      r++;
    }
    _mm_storeu_ps(value + at, values4(type, v, first_of(d), first_of(dmin), _mm_loadu_ps(dx + at)));
  }
}

/* The same as one_act, weights in blocks of 256. */
PV_INLINE void one_act_whole(pv_type type, size_t chunk_bytes, const pv_mm *mm, const pv_planes *x,
                             float *out, unsigned char *room) {
  const size_t chunks = mm->k / 256, count = ROWS_AT_ONCE * chunks;
  float *value = (float *)(void *)room, *dx = value + count;
  crumb_act *crumb = (crumb_act *)(void *)(dx + count);
  for (size_t i = 0; i < count; i++) dx[i] = x->d[i % chunks * 8];
  for (size_t c = 0; c < chunks && way_of(type) == BY_CRUMBS; c++)
    prepare_crumbs(type, x, c, &crumb[c]);
  for (size_t r = 0; r < mm->row_count; r += ROWS_AT_ONCE) {
    block_values(type, chunk_bytes, mm, r, x, crumb, dx, value);
    for (size_t i = 0; i < ROWS_AT_ONCE && r + i < mm->row_count; i++)
      out[mm->first_out + r + i] = fold_blocks(value + i * chunks, chunks);
  }
}

/* Two rows, unpacked, and the values of their segments against four activation rows: of each 256
 * weights one after the other. */
typedef struct pair {
  int16_t *w[2];
  pv_scale8 *scale[2];
  __m256 *value;
} pair;

/* The room that 256 weights ask for, the same for all ways of multiplying. */
enum { CHUNK_ROOM = 2 * (256 * sizeof(int16_t) + sizeof(pv_scale8)) + 8 * sizeof(__m256) };
_Static_assert(sizeof(crumb_act) + sizeof(__m256) <= CHUNK_ROOM,
               "rows that crumbs_avx2.h multiplies");
_Static_assert(512 + sizeof(rows_f) <= CHUNK_ROOM, "rows that meet planes, Q4_K among them");
_Static_assert(CHUNKS_MAX *CHUNK_ROOM <= LARGE_ROOM, "rows of any length");

static pair pair_in(unsigned char *room, size_t chunks) {
  __m256 *value = (__m256 *)(void *)room;
  pv_scale8 *scale = (pv_scale8 *)(void *)(value + 8 * chunks);
  int16_t *w = (int16_t *)(void *)(scale + 2 * chunks);
  return (pair){{w, w + 256 * chunks}, {scale, scale + chunks}, value};
}

PV_INLINE void unpack_pair(pv_type type, size_t chunk_bytes, const pv_mm *mm, size_t r,
                           const pair *rows) {
  for (size_t i = 0; i < 2; i++) {
    const size_t at = r + i < mm->row_count ? r + i : mm->row_count - 1;
    const unsigned char *row = mm->rows + at * mm->row_bytes;
    for (size_t c = 0; 256 * c < mm->k; c++) {
      __m256i w[8], *to = (__m256i *)(void *)(rows->w[i] + 256 * c);
      unpack(type, chunk_bytes, row + c * chunk_bytes, segments_at(mm->k, c), w,
             &rows->scale[i][c]);
#pragma GCC unroll 8
      for (int p = 0; p < 8; p++) {
        _mm256_storeu_si256(to + 2 * p, widen_even(type, w[p]));
        _mm256_storeu_si256(to + 2 * p + 1, widen_odd(type, w[p]));
      }
    }
  }
}

/* 256 weights of two rows against `n` activation rows. */
PV_INLINE void dot_two_by_n(const int16_t *w0, const int16_t *w1, int n, const pv_act *act,
                            size_t at, __m256i sum[2][4]) {
#pragma GCC unroll 4
  for (int t = 0; t < n; t++) sum[0][t] = sum[1][t] = _mm256_setzero_si256();
#pragma GCC unroll 2
  for (size_t p = at; p < at + 256; p += 16) {
    const __m256i a = load256(w0 + p), b = load256(w1 + p);
#pragma GCC unroll 4
    for (int t = 0; t < n; t++) {
      const __m256i x = load256(act[t].by[PV_GRAIN_32].q + p);
      sum[0][t] = add_products(sum[0][t], a, x);
      sum[1][t] = add_products(sum[1][t], b, x);
    }
  }
}

/* Two rows against n activation rows; value[2 t + r] has `stride` registers. */
PV_INLINE void chunk_two_by_n(pv_type type, const pair *rows, size_t c, int n, const pv_act *act,
                              __m256 *value, size_t stride) {
  __m256i sum[2][4];
  dot_two_by_n(rows->w[0], rows->w[1], n, act, 256 * c, sum);
#pragma GCC unroll 2
  for (int r = 0; r < 2; r++)
#pragma GCC unroll 4
    for (int t = 0; t < n; t++) {
      __m256i all[2] = {sum[r][t], _mm256_setzero_si256()};
      value[(size_t)(2 * t + r) * stride + c] =
          finish(type, &rows->scale[r][c], all, &act[t].by[PV_GRAIN_32], c);
    }
}

/* Stores of the sums of two rows, lane 2 t + r that of row r and activation row t, the rows that
 * are there. */
PV_INLINE void store_two_by_n(const pv_mm *mm, size_t r, size_t t, int n, __m256 all) {
  _Alignas(32) float sum[8];
  _mm256_store_ps(sum, all);
  const size_t kept = mm->row_count - r < 2 ? 1 : 2;
#pragma GCC unroll 4
  for (size_t i = 0; i < (size_t)n; i++)
    for (size_t j = 0; j < kept; j++) mm->out[t + i][mm->first_out + r + j] = sum[2 * i + j];
}

/* Two rows against activation rows t .. t + n - 1, n from 1 to 4 and known to the compiler. */
PV_INLINE void two_by_n(pv_type type, const pair *rows, const pv_mm *mm, size_t r, size_t t,
                        int n) {
  const size_t chunks = (mm->k + 255) / 256, segments = mm->k / PV_SEGMENT;
  __m256 *value = rows->value, last[8] = {0};
  for (size_t c = 0; c < chunks; c++) chunk_two_by_n(type, rows, c, n, mm->acts + t, value, chunks);
  if (segments % 8 == 0) {
#pragma GCC unroll 8
    for (size_t i = 0; i < 2 * (size_t)n; i++) last[i] = fold_chunks(value + i * chunks, chunks);
    store_two_by_n(mm, r, t, n, fold_slots8(last));
    return;
  }
  for (size_t i = 0; i < (size_t)n; i++)
    for (size_t j = 0; j < 2 && r + j < mm->row_count; j++)
      mm->out[t + i][mm->first_out + r + j] =
          fold_part(value + (2 * i + j) * chunks, chunks, segments);
}

PV_INLINE void many_acts(pv_type type, size_t chunk_bytes, const pv_mm *mm, unsigned char *room) {
  const pair rows = pair_in(room, (mm->k + 255) / 256);
  for (size_t r = 0; r < mm->row_count; r += 2) {
    unpack_pair(type, chunk_bytes, mm, r, &rows);
    for (size_t t = 0; t < mm->act_count; t += 4) switch (mm->act_count - t) {
        case 1:
          two_by_n(type, &rows, mm, r, t, 1);
          break;
        case 2:
          two_by_n(type, &rows, mm, r, t, 2);
          break;
        case 3:
          two_by_n(type, &rows, mm, r, t, 3);
          break;
        default:
          two_by_n(type, &rows, mm, r, t, 4);
          break;
      }
  }
}

PV_INLINE void mm_type(pv_type type, size_t chunk_bytes, const pv_mm *mm, unsigned char *room) {
  if (mm->act_count > 2) {
    if (is_whole(type))
      many_acts_whole(type, chunk_bytes, mm, (rows_f *)(void *)room);
    else
      many_acts(type, chunk_bytes, mm, room);
    return;
  }
  for (size_t t = 0; t < mm->act_count; t++)
    if (way_of(type) == BY_ROWS)
      one_act_by_rows(chunk_bytes, mm, &mm->acts[t].by[PV_GRAIN_256], mm->out[t], room);
    else if (is_whole(type))
      one_act_whole(type, chunk_bytes, mm, &mm->acts[t].by[PV_GRAIN_256], mm->out[t], room);
    else
      one_act(type, chunk_bytes, mm, &mm->acts[t].by[PV_GRAIN_32], mm->out[t], room);
}

typedef void products_of(const pv_mm *mm, unsigned char *room);

#undef PV_TYPE_ROW
#define PV_TYPE_ROW(NAME, name, number, elements, ...)                                         \
  _Static_assert((elements) == 256 || 256 / (elements) * sizeof(pv_block_##name) <= CHUNK_MAX, \
                 #NAME);                                                                       \
  __attribute__((noinline)) static void mm_##name(const pv_mm *mm, unsigned char *room) {      \
    mm_type(PV_TYPE_##NAME, 256 / (elements) * sizeof(pv_block_##name), mm, room);             \
  }
#include "kernels/quant/list.h"

static products_of *products_for(pv_type type) {
  switch ((uint32_t)type) {
#undef PV_TYPE_ROW
#define PV_TYPE_ROW(NAME, name, ...) \
  case PV_TYPE_##NAME:               \
    return mm_##name;
#include "kernels/quant/list.h"
  }
  return NULL;
}

/* Whether products take more room than there is for SMALL_CHUNKS. */
static bool ask_for_more(const pv_mm *mm) {
  if (mm->act_count > 2 && pv_grain_of(mm->type) == PV_GRAIN_256)
    return whole_room(mm) > SMALL_CHUNKS * CHUNK_ROOM;
  return mm->k > 256 * SMALL_CHUNKS;
}

__attribute__((noinline)) static void in_large_room(const pv_mm *mm) {
  _Alignas(64) unsigned char room[LARGE_ROOM];
  products_for(mm->type)(mm, room);
}

/* A frame is touched page by page as it is made, so none is larger than its rows ask for: one for
 * the longest took two thirds of the time of the products of short rows. */
void PV_PATH(mm_int)(const pv_mm *mm) {
  _Alignas(64) unsigned char room[SMALL_CHUNKS * CHUNK_ROOM];
  if (ask_for_more(mm))
    in_large_room(mm);
  else
    products_for(mm->type)(mm, room);
}
