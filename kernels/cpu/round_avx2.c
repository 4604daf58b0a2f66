/* Rounding of activations to fixed point, AVX2: the floats of round.c and its integers, 256 at a
 * time. */
#include "kernels/cpu/general_avx2.h"
#include "kernels/cpu/lanes.h"
#include "kernels/cpu/vector.h"

/* The largest bit pattern of a magnitude: of n elements, a multiple of 8. */
PV_INLINE uint32_t largest_magnitude(const float *x, size_t n) {
  const __m256i magnitude = _mm256_set1_epi32(0x7fffffff);
  __m256i top = _mm256_setzero_si256();
  for (size_t i = 0; i < n; i += 8)
    top = _mm256_max_epi32(top, _mm256_and_si256(load256(x + i), magnitude));
  __m128i four = _mm_max_epi32(_mm256_castsi256_si128(top), _mm256_extracti128_si256(top, 1));
  four = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0x4e));
  return (uint32_t)_mm_cvtsi128_si32(_mm_max_epi32(four, _mm_shuffle_epi32(four, 0xb1)));
}

/* What a block is multiplied with; 0: its integers are zeros. */
PV_INLINE float inverse_of(uint32_t top, float max, float *d) {
  const float a = pv_f32_bits(top);
  *d = 0.0f;
  if (top >= 0x7f800000u) *d = pv_f32_bits(0x7fc00000u);
  if (top >= 0x7f800000u || a < PV_ACT_TINY) return 0.0f;
  *d = pv_div_f32(a, max);
  return pv_div_f32(max, a);
}

/* The integers of half a segment: of each four the first and the third, then the other two. */
PV_INLINE __m256i half_segment(const float *x, __m256 inverse) {
  const __m256i pairs = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15));
  const __m256i a = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x), inverse));
  const __m256i b = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + 8), inverse));
  const __m256i both = _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), 0xd8);
  return _mm256_shuffle_epi8(both, pairs);
}

/* 256 elements whose blocks have `block` of them. */
PV_INLINE void round_256(const float *x, size_t block, float max, size_t c, const pv_planes *out) {
  _Alignas(32) int16_t half[16][16]; /* in the order of pv_half_slot */
  __m256i sum[2];
  float d = 0.0f, inverse = 0.0f;
  for (size_t s = 0; s < 8; s++) {
    if (s * PV_SEGMENT % block == 0)
      inverse = inverse_of(largest_magnitude(x + s * PV_SEGMENT, block), max, &d);
    out->d[8 * c + pv_segment_slot(s)] = d;
    for (size_t h = 0; h < 2; h++)
      store256(half[pv_half_slot(s, h)], inverse == 0.0f ? _mm256_setzero_si256()
                                                         : half_segment(x + s * PV_SEGMENT + 16 * h,
                                                                        _mm256_set1_ps(inverse)));
  }
  for (size_t e = 0; e < 2; e++) {
    const unsigned char *rows[8];
    for (size_t i = 0; i < 8; i++) rows[i] = (const unsigned char *)half[8 * e + i];
    sum[e] = _mm256_setzero_si256();
    for (size_t i = 0; i < 8; i += 4) {
      __m256i words[4];
      words_of_rows(rows, 4 * i, words);
      for (size_t j = 0; j < 4; j++) {
        store256(out->q + 256 * c + 128 * e + 16 * (i + j), words[j]);
        sum[e] = _mm256_add_epi32(sum[e], _mm256_madd_epi16(words[j], _mm256_set1_epi16(1)));
      }
    }
    store256(out->offset + 16 * c + 8 * e, _mm256_slli_epi32(sum[e], 5));
  }
  store256(out->sum + 8 * c, _mm256_add_epi32(sum[0], sum[1]));
}

void PV_PATH(round)(pv_product product, pv_grain grain, const float *x, size_t k,
                    const pv_planes *out) {
  const float max = product == PV_PRODUCT_I8 ? PV_ACT8_MAX : PV_ACT16_MAX;
  const size_t block = grain == PV_GRAIN_256 ? 256 : PV_SEGMENT, left = k % 256;
  size_t c = 0;
  for (; 256 * (c + 1) <= k; c++) round_256(x + 256 * c, block, max, c, out);
  if (left == 0) return;
  float last[256] = {0};
  memcpy(last, x + 256 * c, left * sizeof *last);
  round_256(last, block, max, c, out);
}
