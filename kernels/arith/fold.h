/* Host form of the sums defined in act.h. */
#ifndef PV_ARITH_FOLD_H
#define PV_ARITH_FOLD_H

#include <stddef.h>

#include "kernels/arith/act.h"
#include "kernels/arith/arith.h"

/* In place; the sum of v[0..n). 0 when n is 0. */
static inline float pv_fold_f32(float *v, size_t n) {
  size_t p = 1;
  if (n == 0) return 0.0f;
  while (p < n) p *= 2;
  for (size_t s = p / 2; s > 0; s /= 2) {
    const size_t m = n - s < s ? n - s : s;
    for (size_t i = 0; i < m; i++) v[i] += v[i + s];
    n = s;
  }
  return v[0];
}

/* Wide sum of squares. */
static inline float pv_wide_squares_f32(const float *x, size_t n) {
  float lane[PV_WIDE_LANES];
  const size_t first = n < PV_WIDE_LANES ? n : PV_WIDE_LANES;
  for (size_t j = 0; j < first; j++) lane[j] = x[j] * x[j];
  for (size_t i = PV_WIDE_LANES; i < n; i += PV_WIDE_LANES) {
    const size_t m = n - i < PV_WIDE_LANES ? n - i : PV_WIDE_LANES;
    for (size_t j = 0; j < m; j++) lane[j] = pv_fma_f32(x[i + j], x[i + j], lane[j]);
  }
  return pv_fold_f32(lane, first);
}

/* Wide sum of plain terms. */
static inline float pv_wide_sum_f32(const float *x, size_t n) {
  float lane[PV_WIDE_LANES];
  const size_t first = n < PV_WIDE_LANES ? n : PV_WIDE_LANES;
  for (size_t j = 0; j < first; j++) lane[j] = x[j];
  for (size_t i = PV_WIDE_LANES; i < n; i += PV_WIDE_LANES) {
    const size_t m = n - i < PV_WIDE_LANES ? n - i : PV_WIDE_LANES;
    for (size_t j = 0; j < m; j++) lane[j] += x[i + j];
  }
  return pv_fold_f32(lane, first);
}

#endif
