/* Blocks of 256 weights whose scales are integers: the sums of eight segments lie in the lanes of a
 * register and meet there, exactly; floats begin where four or eight blocks are done. */
#ifndef PV_CPU_SUMS_AVX2_H
#define PV_CPU_SUMS_AVX2_H

#include "kernels/cpu/unpack_avx2.h"

/* Whether a block of the type is 256 weights, so that activations are rounded in 256 as well. */
PV_INLINE bool is_whole(pv_type type) {
  return blocks_in_256(type) == 1;
}

/* Whether the sums of a segment's halves are needed apart: for their own scales, or because only
 * then they stay below 2^31 (IQ4_XS: 127 * 32512 * 16 * 32). */
PV_INLINE bool has_halves(pv_type type) {
  return pv_form_group(form_of(type)) == 16 || !whole_fits(type);
}

/* Whether the products of two segments together stay below 2^31. */
#undef PV_PLAIN_ROW
#undef PV_TYPE_ROW
#define PV_PLAIN_ROW(NAME, name, number)
#define PV_TYPE_ROW(NAME, name, number, elements, form, ...) \
  case PV_TYPE_##NAME:                                       \
    return PV_TYPE_LARGEST(__VA_ARGS__) * PV_ACT16_MAX < (1 << 25);
PV_INLINE bool two_fit(pv_type type) {
  switch ((uint32_t)type) {
#include "kernels/quant/list.h"
  }
  return false;
}
#undef PV_TYPE_ROW
#define PV_TYPE_ROW(NAME, ...)

/* Over the lanes, `products` is the sum of the products where two fit, else 65536 high + low is;
 * `minima` is that of the minima. High parts are at most 2^16 in a lane, so that all sums of eight
 * are exact as floats. */
typedef struct block_sums {
  __m256i products, high, low, minima;
} block_sums;

PV_INLINE __m256i high_bits(__m256i x) {
  return _mm256_srai_epi32(x, 16);
}
PV_INLINE __m256i low_bits(__m256i x) {
  return _mm256_and_si256(x, _mm256_set1_epi32(0xffff));
}

PV_INLINE block_sums sums_of(pv_type type, __m256i products, __m256i minima) {
  block_sums s = {.minima = minima};
  if (two_fit(type))
    s.products = products;
  else
    s.high = high_bits(products), s.low = low_bits(products);
  return s;
}

/* The same of a + b, which may be beyond 32 bits. */
PV_INLINE block_sums sums_of_two(__m256i a, __m256i b, __m256i minima) {
  return (block_sums){.high = _mm256_add_epi32(high_bits(a), high_bits(b)),
                      .low = _mm256_add_epi32(low_bits(a), low_bits(b)),
                      .minima = minima};
}

/* The lanes of a register whose halves are yet to be added. */
PV_INLINE __m128i add_halves_of(__m256i v) {
  return _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
}

/* The lanes of four registers, each added up. */
PV_INLINE __m128i meet4(__m256i a, __m256i b, __m256i c, __m256i d) {
  return add_halves_of(_mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d)));
}

/* f32 of the products of four blocks. */
PV_INLINE __m128 products4(pv_type type, const block_sums v[4]) {
  __m128i high, low;
  if (two_fit(type)) {
    const __m256i a = _mm256_hadd_epi32(v[0].products, v[1].products);
    const __m256i b = _mm256_hadd_epi32(v[2].products, v[3].products);
    high = add_halves_of(_mm256_hadd_epi32(high_bits(a), high_bits(b)));
    low = add_halves_of(_mm256_hadd_epi32(low_bits(a), low_bits(b)));
  } else {
    high = meet4(v[0].high, v[1].high, v[2].high, v[3].high);
    low = meet4(v[0].low, v[1].low, v[2].low, v[3].low);
  }
  return _mm_fmadd_ps(_mm_set1_ps(65536.0f), _mm_cvtepi32_ps(high), _mm_cvtepi32_ps(low));
}

/* d * f32(S), less dmin * f32(X), times dx: of four blocks each. */
PV_INLINE __m128 values4(pv_type type, const block_sums v[4], __m128 d, __m128 dmin, __m128 dx) {
  __m128 value = _mm_mul_ps(d, products4(type, v));
  if (pv_form_has_minimum(form_of(type))) {
    const __m128i minima = meet4(v[0].minima, v[1].minima, v[2].minima, v[3].minima);
    value = _mm_fnmadd_ps(dmin, _mm_cvtepi32_ps(minima), value);
  }
  return _mm_mul_ps(dx, value);
}

/* sum + the products of 16 bits, two neighbours at a time. */
PV_INLINE __m256i add_products(__m256i sum, __m256i a, __m256i b) {
#ifdef __AVX512VNNI__
  return _mm256_dpwssd_epi32(sum, a, b);
#else
  return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
#endif
}

/* NAME: registers of values of a row's segments, or of rows, to one: the upper levels of the fold.
 */
#define PV_FOLD_CHUNKS(NAME, type, OP)                                               \
  PV_INLINE type NAME(type v[], size_t chunks) {                                     \
    if (chunks == 1) return v[0];                                                    \
    if (chunks == 3) return OP(add_ps)(OP(add_ps)(v[0], v[2]), v[1]); /* K = 768 */  \
    if (chunks == 8) {                                                /* K = 2048 */ \
      for (size_t i = 0; i < 4; i++) v[i] = OP(add_ps)(v[i], v[i + 4]);              \
      return OP(add_ps)(OP(add_ps)(v[0], v[2]), OP(add_ps)(v[1], v[3]));             \
    }                                                                                \
    size_t n = chunks, p = 1;                                                        \
    while (p < n) p *= 2;                                                            \
    for (size_t s = p / 2; s > 0; s /= 2) {                                          \
      for (size_t i = 0; i + s < n; i++) v[i] = OP(add_ps)(v[i], v[i + s]);          \
      n = s;                                                                         \
    }                                                                                \
    return v[0];                                                                     \
  }
PV_FOLD_CHUNKS(fold_chunks, __m256, PV_OP256)

#endif
