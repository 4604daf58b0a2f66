#include "runtime/operations/bounds.h"

#include <math.h>

#define LEAST_NORMAL 0x1p-126 /* of float32 and bfloat16: what is smaller may be flushed */

double pv_op_lowest_bit(double x) {
  int exponent;
  if (x == 0.0 || !isfinite(x)) return 0.0;
  const double fraction = frexp(fabs(x), &exponent);
  const uint64_t whole = (uint64_t)ldexp(fraction, 53);
  return ldexp((double)(whole & -whole), exponent - 53);
}

int pv_op_bits(double x) {
  const double low = pv_op_lowest_bit(x);
  return low == 0.0 ? 0 : ilogb(x) - ilogb(low) + 1;
}

double pv_op_growth(double terms) {
  return fmin(terms, 8.0 + 2.0 * sqrt(terms));
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
  return (n->unit * (s->roundings + pv_op_growth(count)) + 2.0 * n->factor) * s->magnitude +
         lost * count * s->scale;
}

/* Instructions of a GPU: ex2.approx and rcp.approx 1 ulp and 2 ulp, rsqrt.approx 2^-22.9: 4 units.
 */
#define APPROXIMATE 4.0

double pv_op_rounded(const pv_op_numerics *n, double magnitude, double roundings) {
  const double more = n->approx ? APPROXIMATE * 0x1p-24 : 0.0;
  return (n->unit * roundings + more) * magnitude + n->least * roundings +
         (n->ftz ? LEAST_NORMAL * roundings : 0.0);
}
