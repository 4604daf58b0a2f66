#include "kernels/arith/rope.h"

#include <stdint.h>
#include <string.h>

#include "kernels/arith/arith.h"

#define LN2_HIGH 0x1.62e42fefa3800p-1 /* 42 bits: products with |k| < 2^11 are exact */
#define LN2_LOW  0x1.ef35793c76730p-45

static double power_of_two(int k) {
  const uint64_t bits = (uint64_t)(k + 1023) << 52;
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* x = 2^k m, m in [sqrt(1/2), sqrt(2)); log m = 2 atanh((m - 1) / (m + 1)) as a series. */
double pv_log_f64(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  int k = (int)(bits >> 52) - 1023;
  double m = x * power_of_two(-k);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    k++;
  }
  const double s = (m - 1.0) / (m + 1.0), z = s * s;
  double sum = 0.0;
  for (int n = 27; n >= 3; n -= 2) sum = pv_fma_f64(sum, z, 1.0 / n);
  const double tail = 2.0 * s * (z * sum);
  return pv_fma_f64(k, LN2_HIGH, pv_fma_f64(k, LN2_LOW, tail) + 2.0 * s);
}

/* x = k ln2 + r; Taylor series of degree 14 on |r| < 0.35. */
double pv_exp_f64(double x) {
  const double shift = 0x1.8p52;
  const double k = (x * 1.4426950408889634 + shift) - shift;
  const double r = pv_fma_f64(-k, LN2_LOW, pv_fma_f64(-k, LN2_HIGH, x));
  double sum = 1.0;
  for (int n = 14; n >= 1; n--) sum = pv_fma_f64(sum, r / n, 1.0);
  return sum * power_of_two((int)k);
}

/* x = k pi/2 + r with pi/2 in three parts; Taylor series on |r| < 0.79. */
void pv_sincos_f64(double x, double *sine, double *cosine) {
  const double shift = 0x1.8p52;
  const double k = (x * 0.6366197723675814 + shift) - shift;
  double r = pv_fma_f64(-k, 0x1.921fb54442d18p+0, x);
  r = pv_fma_f64(-k, 0x1.1a62633145c07p-54, r);
  r = pv_fma_f64(-k, -0x1.f1976b7ed8fbcp-110, r);
  const double z = r * r;
  double s = 1.0, c = 1.0;
  for (int n = 9; n >= 1; n--) {
    s = pv_fma_f64(s, -z / (2.0 * n * (2.0 * n + 1.0)), 1.0);
    c = pv_fma_f64(c, -z / ((2.0 * n - 1.0) * 2.0 * n), 1.0);
  }
  s *= r;
  const int64_t quadrant = (int64_t)k & 3;
  const double a = quadrant & 1 ? c : s, b = quadrant & 1 ? s : c;
  *sine = quadrant & 2 ? -a : a;
  *cosine = (quadrant == 1 || quadrant == 2) ? -b : b;
}

/* The pair below which a rotation is made less than `beta` times within the original context. */
static double correction(const pv_rope *r, double dim, double beta) {
  const double two_pi = 0x1.921fb54442d18p+2;
  return dim * pv_log_f64(r->original / (two_pi * beta)) / (2.0 * pv_log_f64(r->base));
}

static double clip(double x, double high) {
  return x < 0.0 ? 0.0 : x > high ? high : x;
}

/* Floor, for |x| < 2^51. */
static double whole_below(double x) {
  const double near = (x + 0x1.8p52) - 0x1.8p52;
  return near > x ? near - 1.0 : near;
}

static double ramp_of(const pv_rope *r, size_t dim, size_t i) {
  const double last = (double)dim - 1.0;
  double low = correction(r, (double)dim, r->beta_fast);
  double high = correction(r, (double)dim, r->beta_slow);
  if (!r->unrounded) {
    low = whole_below(low);
    high = -whole_below(-high);
  }
  low = clip(low, last);
  high = clip(high, last);
  if (low == high) high += 0.001;
  return clip(((double)i - low) / (high - low), 1.0);
}

static double rate_of(const pv_rope *r, size_t dim, size_t i) {
  double rate = pv_exp_f64(-pv_log_f64(r->base) * (2.0 * (double)i) / (double)dim);
  if (r->factors != NULL) rate = rate / (double)r->factors[i];
  if (r->factor == 0.0) return rate;
  if (!r->yarn) return rate / r->factor;
  const double ramp = ramp_of(r, dim, i);
  return rate / r->factor * ramp + rate * (1.0 - ramp);
}

void pv_rope_row(const pv_rope *rope, size_t dim, size_t position, float *cos, float *sin) {
  const double magnitude = rope->magnitude == 0.0 ? 1.0 : rope->magnitude;
  for (size_t i = 0; i < dim / 2; i++) {
    double s, c;
    pv_sincos_f64((double)position * rate_of(rope, dim, i), &s, &c);
    cos[i] = (float)(c * magnitude);
    sin[i] = (float)(s * magnitude);
  }
}
