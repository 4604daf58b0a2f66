/* Identity i16 with AVX2: the same integers and the same float terms as mm_i16.c, four values at
 * a time. One activation row: four weight rows together. Several: two weight rows, unpacked once,
 * against four activation rows. */
#include "kernels/arith/fold.h"
#include "kernels/cpu/unpack_avx2.h"
#include "kernels/cpu/vector.h"

/* Sum of both accumulators as four int64 partial sums. */
PV_INLINE __m256i widen(const __m256i acc[2]) {
  __m256i s = _mm256_cvtepi32_epi64(_mm256_castsi256_si128(acc[0]));
  s = _mm256_add_epi64(s, _mm256_cvtepi32_epi64(_mm256_extracti128_si256(acc[0], 1)));
  s = _mm256_add_epi64(s, _mm256_cvtepi32_epi64(_mm256_castsi256_si128(acc[1])));
  return _mm256_add_epi64(s, _mm256_cvtepi32_epi64(_mm256_extracti128_si256(acc[1], 1)));
}

/* Four exact sums below 2^51 as floats, each rounded once: int64 -> double is exact. */
PV_INLINE __m128 sums_to_f32(__m256i a, __m256i b, __m256i c, __m256i d) {
  const __m256i ab = _mm256_add_epi64(_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b));
  const __m256i cd = _mm256_add_epi64(_mm256_unpacklo_epi64(c, d), _mm256_unpackhi_epi64(c, d));
  const __m256i low = _mm256_permute2x128_si256(ab, cd, 0x20);
  const __m256i sum = _mm256_add_epi64(low, _mm256_permute2x128_si256(ab, cd, 0x31));
  const __m256d magic = _mm256_set1_pd(0x1.8p52);
  const __m256i biased = _mm256_add_epi64(sum, _mm256_castpd_si256(magic));
  return _mm256_cvtpd_ps(_mm256_sub_pd(_mm256_castsi256_pd(biased), magic));
}

/* Four dot products of eight int32 (each below 2^31 in all) as floats. */
PV_INLINE __m128 mins_to_f32(__m256i a, __m256i b, __m256i c, __m256i d) {
  const __m256i abcd = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
  return _mm_cvtepi32_ps(
      _mm_add_epi32(_mm256_castsi256_si128(abcd), _mm256_extracti128_si256(abcd, 1)));
}

PV_INLINE __m128 finish(pv_type type, __m128 d, __m128 dmin, __m128 dx, __m128 high, __m128 low) {
  const __m128 top = _mm_mul_ps(d, high);
  if (type == PV_TYPE_Q6_K) return _mm_mul_ps(dx, top);
  return _mm_mul_ps(dx, _mm_fnmadd_ps(dmin, low, top));
}

/* The fold over chunks, four values side by side. */
PV_INLINE __m128 fold4(__m128 *v, size_t n) {
  size_t p = 1;
  while (p < n) p *= 2;
  for (size_t s = p / 2; s > 0; s /= 2) {
    const size_t m = n - s < s ? n - s : s;
    for (size_t i = 0; i < m; i++) v[i] = _mm_add_ps(v[i], v[i + s]);
    n = s;
  }
  return v[0];
}

PV_INLINE void one_act(pv_type type, size_t block_bytes, const pv_mm *mm, const pv_act *act,
                       float *out) {
  const size_t chunks = mm->k / 256;
  __m128 term[PV_K_MAX / 256];
  for (size_t r = 0; r < mm->row_count; r += 4) {
    const unsigned char *row[4];
    for (size_t i = 0; i < 4; i++) {
      const size_t at = r + i < mm->row_count ? r + i : mm->row_count - 1;
      row[i] = mm->rows + at * mm->row_bytes;
    }
    for (size_t c = 0; c < chunks; c++) {
      const __m256i sums = load256(act->sum + 8 * c);
      __m256i high[4], low[4];
      float d[4], dmin[4];
#pragma GCC unroll 4
      for (int i = 0; i < 4; i++) {
        pv_use u = {NULL, act->q + 256 * c, {_mm256_setzero_si256(), _mm256_setzero_si256()}};
        _mm_prefetch((const char *)(row[i] + (c + 8) * block_bytes), _MM_HINT_T0);
        const pv_block_scale s = unpack(type, row[i] + c * block_bytes, &u);
        high[i] = widen(u.acc);
        low[i] = _mm256_mullo_epi32(s.m, sums);
        d[i] = s.d;
        dmin[i] = s.dmin;
      }
      term[c] = finish(type, _mm_loadu_ps(d), _mm_loadu_ps(dmin), _mm_set1_ps(act->d[c]),
                       sums_to_f32(high[0], high[1], high[2], high[3]),
                       mins_to_f32(low[0], low[1], low[2], low[3]));
    }
    float value[4];
    _mm_storeu_ps(value, fold4(term, chunks));
    for (size_t i = 0; i < 4 && r + i < mm->row_count; i++) out[mm->first_out + r + i] = value[i];
  }
}

typedef struct pair {
  int16_t w[2][PV_K_MAX];
  pv_block_scale scale[2][PV_K_MAX / 256];
} pair;

/* Two unpacked rows against four activation rows. */
PV_INLINE void two_by_four(pv_type type, const pair *rows, size_t chunks, const pv_act *const *act,
                           __m128 out[2]) {
  __m128 term[2][PV_K_MAX / 256];
  for (size_t c = 0; c < chunks; c++) {
    __m256i acc[2][4][2];
#pragma GCC unroll 2
    for (int h = 0; h < 2; h++) {
      __m256i part[2][4];
      for (int t = 0; t < 4; t++) part[0][t] = part[1][t] = _mm256_setzero_si256();
#pragma GCC unroll 8
      for (int i = 8 * h; i < 8 * h + 8; i++) {
        const __m256i w0 = load256(rows->w[0] + 256 * c + 16 * (size_t)i);
        const __m256i w1 = load256(rows->w[1] + 256 * c + 16 * (size_t)i);
#pragma GCC unroll 4
        for (int t = 0; t < 4; t++) {
          const __m256i x = load256(act[t]->q + 256 * c + 16 * (size_t)i);
          part[0][t] = _mm256_add_epi32(part[0][t], _mm256_madd_epi16(w0, x));
          part[1][t] = _mm256_add_epi32(part[1][t], _mm256_madd_epi16(w1, x));
        }
      }
      for (int t = 0; t < 4; t++) {
        acc[0][t][h] = part[0][t];
        acc[1][t][h] = part[1][t];
      }
    }
    const __m128 dx = _mm_setr_ps(act[0]->d[c], act[1]->d[c], act[2]->d[c], act[3]->d[c]);
#pragma GCC unroll 2
    for (int r = 0; r < 2; r++) {
      const pv_block_scale *s = &rows->scale[r][c];
      __m256i low[4];
      for (int t = 0; t < 4; t++) low[t] = _mm256_mullo_epi32(s->m, load256(act[t]->sum + 8 * c));
      term[r][c] = finish(
          type, _mm_set1_ps(s->d), _mm_set1_ps(s->dmin), dx,
          sums_to_f32(widen(acc[r][0]), widen(acc[r][1]), widen(acc[r][2]), widen(acc[r][3])),
          mins_to_f32(low[0], low[1], low[2], low[3]));
    }
  }
  out[0] = fold4(term[0], chunks);
  out[1] = fold4(term[1], chunks);
}

PV_INLINE void many_acts(pv_type type, size_t block_bytes, const pv_mm *mm) {
  const size_t chunks = mm->k / 256;
  pair rows;
  for (size_t r = 0; r < mm->row_count; r += 2) {
    for (size_t i = 0; i < 2; i++) {
      const size_t at = r + i < mm->row_count ? r + i : mm->row_count - 1;
      const unsigned char *row = mm->rows + at * mm->row_bytes;
      for (size_t c = 0; c < chunks; c++) {
        pv_use u = {rows.w[i] + 256 * c, NULL, {_mm256_setzero_si256(), _mm256_setzero_si256()}};
        rows.scale[i][c] = unpack(type, row + c * block_bytes, &u);
      }
    }
    for (size_t t = 0; t < mm->act_count; t += 4) {
      const pv_act *act[4];
      for (size_t i = 0; i < 4; i++)
        act[i] = &mm->acts[t + i < mm->act_count ? t + i : mm->act_count - 1];
      __m128 value[2];
      float lane[2][4];
      two_by_four(type, &rows, chunks, act, value);
      _mm_storeu_ps(lane[0], value[0]);
      _mm_storeu_ps(lane[1], value[1]);
      for (size_t i = 0; i < 4 && t + i < mm->act_count; i++)
        for (size_t j = 0; j < 2 && r + j < mm->row_count; j++)
          mm->out[t + i][mm->first_out + r + j] = lane[j][i];
    }
  }
}

PV_INLINE void mm_k(pv_type type, size_t block_bytes, const pv_mm *mm) {
  if (mm->act_count > 2) {
    many_acts(type, block_bytes, mm);
    return;
  }
  for (size_t t = 0; t < mm->act_count; t++)
    one_act(type, block_bytes, mm, &mm->acts[t], mm->out[t]);
}

/* Q8_0: 32 weights share a scale, so each chunk has eight float terms. */
static float q8_chunk(const pv_block_q8_0 *blocks, const pv_act *act, size_t at, size_t n) {
  float value[8];
  for (size_t s = 0; s < n / 32; s++) {
    const int16_t *x = act->q + at + s * 32;
    const __m256i q = load256(blocks[s].q);
    const __m256i a = _mm256_cvtepi8_epi16(_mm256_castsi256_si128(q));
    const __m256i b = _mm256_cvtepi8_epi16(_mm256_extracti128_si256(q, 1));
    const __m256i p =
        _mm256_add_epi32(_mm256_madd_epi16(a, load256(x)), _mm256_madd_epi16(b, load256(x + 16)));
    __m128i h = _mm_add_epi32(_mm256_castsi256_si128(p), _mm256_extracti128_si256(p, 1));
    h = _mm_add_epi32(h, _mm_shuffle_epi32(h, 0x4e));
    h = _mm_add_epi32(h, _mm_shuffle_epi32(h, 0xb1));
    value[s] = act->d[at / PV_ACT_BLOCK] * (_cvtsh_ss(blocks[s].d) * (float)_mm_cvtsi128_si32(h));
  }
  return pv_fold_f32(value, n / 32);
}

static void mm_q8_0(const pv_mm *mm) {
  for (size_t r = 0; r < mm->row_count; r++) {
    const void *row = mm->rows + r * mm->row_bytes;
    const pv_block_q8_0 *blocks = row;
    for (size_t t = 0; t < mm->act_count; t++) {
      float value[PV_K_MAX / 256];
      size_t count = 0;
      for (size_t c = 0; c < mm->k; c += 256) {
        const size_t n = mm->k - c < 256 ? mm->k - c : 256;
        value[count++] = q8_chunk(blocks + c / 32, &mm->acts[t], c, n);
      }
      mm->out[t][mm->first_out + r] = pv_fold_f32(value, count);
    }
  }
}

void PV_PATH(mm_i16)(const pv_mm *mm) {
  switch (mm->type) {
    case PV_TYPE_Q4_K:
      mm_k(PV_TYPE_Q4_K, sizeof(pv_block_q4_k), mm);
      break;
    case PV_TYPE_Q5_K:
      mm_k(PV_TYPE_Q5_K, sizeof(pv_block_q5_k), mm);
      break;
    case PV_TYPE_Q6_K:
      mm_k(PV_TYPE_Q6_K, sizeof(pv_block_q6_k), mm);
      break;
    default:
      mm_q8_0(mm);
      break;
  }
}
