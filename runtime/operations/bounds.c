#include "runtime/operations/bounds.h"

#include <math.h>
#include <string.h>

#define LEAST_NORMAL 0x1p-126 /* of float32 and bfloat16: what is smaller may be flushed */

double pv_op_lowest_bit(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  const int exponent = (int)(bits >> 52 & 0x7ff);
  const uint64_t hidden = UINT64_C(1) << 52, fraction = bits & (hidden - 1);
  if (exponent == 0x7ff || (exponent == 0 && fraction == 0)) return 0.0;
  const uint64_t whole = exponent == 0 ? fraction : fraction | hidden;
  return ldexp(1.0, (exponent == 0 ? 1 : exponent) - 1075 + __builtin_ctzll(whole));
}

int pv_op_bits(double x) {
  const double low = pv_op_lowest_bit(x);
  return low == 0.0 ? 0 : ilogb(x) - ilogb(low) + 1;
}

/* Beyond a quarter of what a sum can count, terms of one sign are lost one after the other. */
double pv_op_growth(const pv_op_numerics *n, double terms) {
  return n->unit * terms > 0.25 ? terms : fmin(terms, 8.0 + 2.0 * sqrt(terms));
}

double pv_op_inverse(double error) {
  return error < 1.0 ? error / (1.0 - error) : INFINITY;
}

/* No sum of any of the terms needs more bits than a sum has, and nothing is below what is flushed
 * or above what is finite. */
static bool never_rounds(const pv_op_numerics *n, const pv_op_sum *s) {
  const double least = n->ftz ? LEAST_NORMAL : 2.0 * n->least;
  return s->quantum >= least && s->counted <= ldexp(s->quantum, n->bits) &&
         s->factor_bits <= n->factor_bits;
}

double pv_op_sum_bound(const pv_op_numerics *n, const pv_op_sum *s) {
  const double count = (double)s->terms;
  if (s->counted > n->most || s->magnitude > n->most) return PV_OP_ANY;
  if (s->magnitude == 0.0 || never_rounds(n, s)) return 0.0;
  const double lost = n->least * (s->roundings + 1.0) + (n->ftz ? 3.0 * LEAST_NORMAL : 0.0);
  return (n->unit * (s->roundings + pv_op_growth(n, count)) + 2.0 * n->factor) * s->magnitude +
         lost * count * s->scale;
}

double pv_op_lost(const pv_op_numerics *n) {
  return n->least + (n->ftz ? LEAST_NORMAL : 0.0);
}

/* ex2.approx, rcp.approx and div.approx of a GPU are off by at most 2 units in the last place,
 * which is 4 of ours; rsqrt.approx by 2^-22.9. */
double pv_op_approximate(const pv_op_numerics *n) {
  return n->approx ? 4.0 * 0x1p-24 : 0.0;
}

/* The difference is rounded, and for a power of two the factor log2 e and its product: 3 u of the
 * argument, which are as many of the result; the function itself is off by 2 units in the last
 * place. */
double pv_op_exp(const pv_op_numerics *n, double largest) {
  return n->unit * (4.0 + 3.0 * largest) + pv_op_approximate(n);
}

void pv_op_put(const pv_op_numerics *n, pv_op_values *v, size_t at, double want, double bound) {
  v->want[at] = want;
  v->bound[at] = !isfinite(want) ? 0.0 : !(fabs(want) + bound <= n->most) ? PV_OP_ANY : bound;
}
