/* One path's loops of nothing but products and sums. Sums do not wait for each other, and what is
 * multiplied is another in each round, so that no product is made once for all. */
#include "kernels/cpu/peak.h"

#include <stdint.h>

#include "kernels/cpu/lanes.h"
#include "kernels/cpu/vector.h"

enum { CHAINS = 10, TURN = 8, LANES = 8 };

#ifdef __AVX2__
#define ALIGNED _Alignas(64)
#ifdef __AVX512VNNI__
typedef __m512i integers; /* 32 of 16 bits, or 16 of 32 */
enum { PRODUCTS = 32 };
/* As it lies, from where no compiler knows: gcc 12 puts arrays where the address sanitizer looks
 * for their use after a return, and aligns them by 32 bytes there. */
static inline integers integers_load(const int16_t *p) {
  __asm__("" : "+r"(p));
  return _mm512_loadu_si512(p);
}
static inline integers integers_add(integers sum, integers a, integers b) {
  return _mm512_dpwssd_epi32(sum, a, b);
}
static inline double integers_first(integers a) {
  return _mm_cvtsi128_si32(_mm512_castsi512_si128(a));
}
#else
typedef __m256i integers; /* 16 of 16 bits, or 8 of 32 */
enum { PRODUCTS = 16 };
static inline integers integers_load(const int16_t *p) {
  return _mm256_load_si256((const __m256i *)(const void *)p);
}
static inline integers integers_add(integers sum, integers a, integers b) {
  return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
}
static inline double integers_first(integers a) {
  return _mm256_extract_epi32(a, 0);
}
#endif
typedef __m256d doubles;
enum { DOUBLES = 4 };
static inline doubles doubles_load(const double *p) {
  return _mm256_load_pd(p);
}
static inline doubles doubles_fma(doubles a, doubles b, doubles c) {
  return _mm256_fmadd_pd(a, b, c);
}
static inline double doubles_first(doubles a) {
  return _mm256_cvtsd_f64(a);
}
#else
#define ALIGNED _Alignas(16)
typedef int32_t integers;
typedef double doubles;
enum { PRODUCTS = 1, DOUBLES = 1 };
static inline integers integers_load(const int16_t *p) {
  return *p;
}
static inline integers integers_add(integers sum, integers a, integers b) {
  return (int32_t)((uint32_t)sum + (uint32_t)(a * b));
}
static inline double integers_first(integers a) {
  return a;
}
static inline doubles doubles_load(const double *p) {
  return *p;
}
static inline doubles doubles_fma(doubles a, doubles b, doubles c) {
  return pv_fma_f64(a, b, c);
}
static inline double doubles_first(doubles a) {
  return a;
}
#endif

/* Data that no compiler knows: `rounds` is in them. */
#define FILL(data, count, type) \
  for (size_t i = 0; i < (count); i++) (data)[i] = (type)((i + rounds) % 5)

/* Each sum gets the product of one vector with another of the data, twice in a round: variables by
 * name, since of an array the compiler keeps some in memory. */
#define EACH(DO, at) \
  DO(0, at)          \
  DO(1, at) DO(2, at) DO(3, at) DO(4, at) DO(5, at) DO(6, at) DO(7, at) DO(8, at) DO(9, at)
/* NOLINTBEGIN(bugprone-macro-parentheses): these make declarations and statements */
#define PEAK(name, vector, element, width, load, first)                                        \
  static double name(size_t rounds) {                                                          \
    ALIGNED element data[(CHAINS + TURN + 1) * (width)];                                       \
    FILL(data, (size_t)(CHAINS + TURN + 1) * (width), element);                                \
    const vector one = load(data);                                                             \
    vector s0 = one, s1 = one, s2 = one, s3 = one, s4 = one, s5 = one, s6 = one, s7 = one,     \
           s8 = one, s9 = one;                                                                 \
    for (size_t r = 0; r < rounds; r++) {                                                      \
      const element *at = data + r % TURN * (width);                                           \
      EACH(ADD_##name, at)                                                                     \
      EACH(ADD_##name, at + (width))                                                           \
    }                                                                                          \
    return first(s0) + first(s1) + first(s2) + first(s3) + first(s4) + first(s5) + first(s6) + \
           first(s7) + first(s8) + first(s9);                                                  \
  }
#define ADD_integer(c, at) s##c = integers_add(s##c, integers_load((at) + (c)*PRODUCTS), one);
#define ADD_f32(c, at)     s##c = v8_fma(v8_load((at) + (c)*LANES), one, s##c);
#define ADD_f64(c, at)     s##c = doubles_fma(doubles_load((at) + (c)*DOUBLES), one, s##c);
/* NOLINTEND(bugprone-macro-parentheses) */

PEAK(integer, integers, int16_t, PRODUCTS, integers_load, integers_first)
PEAK(f32, v8, float, LANES, v8_load, (double)v8_fold)
PEAK(f64, doubles, double, DOUBLES, doubles_load, doubles_first)

const pv_cpu_peak PV_JOIN(pv_cpu_peak_, PV_PATH_BARE) = {
    .name = PV_PATH_NAME,
    .run = {integer, f32, f64},
    .operations = {4.0 * CHAINS * PRODUCTS, 4.0 * CHAINS *LANES, 4.0 * CHAINS *DOUBLES}};
