/* RoPE tables, made once on the host by functions of our own, so that they do not depend on the
 * host's libm. Computed in float64 from IEEE-exact operations and rounded to float32 once. */
#ifndef PV_ARITH_ROPE_H
#define PV_ARITH_ROPE_H

#include <stddef.h>

/* Natural logarithm of x > 0 (normal), exponential for |x| < 700, sine and cosine for
 * |x| < 2^27; errors below 2 ulp. */
double pv_log_f64(double x);
double pv_exp_f64(double x);
void pv_sincos_f64(double x, double *sine, double *cosine);

/* cos[i], sin[i] of position * base^(-2 i / dim) for i < dim / 2. */
void pv_rope_row(double base, size_t dim, size_t position, float *cos, float *sin);

#endif
