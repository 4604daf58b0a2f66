/* RoPE tables, made once on the host by functions of our own, so that they do not depend on the
 * host's libm. Computed in float64 from IEEE-exact operations and rounded to float32 once. */
#ifndef PV_ARITH_ROPE_H
#define PV_ARITH_ROPE_H

#include <stdbool.h>
#include <stddef.h>

/* Natural logarithm of x > 0 (normal), exponential for |x| < 700, sine and cosine for
 * |x| < 2^27; errors below 2 ulp. */
double pv_log_f64(double x);
double pv_exp_f64(double x);
void pv_sincos_f64(double x, double *sine, double *cosine);

/* How positions become angles. All zero but `base`: position * base^(-2 i / dim).
 *
 * The rate of pair i is r = base^(-2 i / dim), divided by factors[i] where they are there. Linear
 * scaling: r / factor. YaRN (Peng et al. 2023, arXiv 2309.00071, as Hugging Face computes it): with
 *   c(b) = dim * ln(original / (2 pi b)) / (2 ln base), low = c(beta_fast), high = c(beta_slow),
 * rounded outwards (floor, ceil) unless `unrounded`, both clipped to 0 .. dim - 1, high = low +
 * 0.001 if they are equal, and ramp = clamp((i - low) / (high - low), 0, 1):
 *   r / factor * ramp + r * (1 - ramp).
 * Cosine and sine are multiplied by `magnitude`. */
typedef struct pv_rope {
  double base;
  double factor;    /* 0: positions are not scaled */
  double magnitude; /* 0: 1 */
  bool yarn;        /* else linear */
  bool unrounded;
  double original; /* YaRN: the context before scaling */
  double beta_fast, beta_slow;
  const float *factors; /* dim / 2, not owned; NULL: none */
} pv_rope;

/* cos[i], sin[i] of a position for i < dim / 2. */
void pv_rope_row(const pv_rope *rope, size_t dim, size_t position, float *cos, float *sin);

#endif
