/* How far a kernel may be from the exact value that computes as it declares, in any order: the
 * derivations are in docs/numerics.md, "Bounds for kernels that are not ours". */
#ifndef PV_OPERATIONS_BOUNDS_H
#define PV_OPERATIONS_BOUNDS_H

#include "runtime/operations/operations.h"

/* Terms of a sum as a kernel adds them up. */
typedef struct pv_op_sum {
  double value, magnitude; /* of the terms */
  size_t terms;
  double roundings; /* of one term before it is added */
  double scale;     /* largest factor that a partial result is multiplied with afterwards */
  /* Every term, and whatever it is made of, is a whole multiple of `quantum`, and `counted` is
   * their sum of magnitudes in any way that it is cut into parts. 0: not known. */
  double quantum, counted;
  int factor_bits; /* most bits of a factor */
} pv_op_sum;

/* Of the sum; 0 where no order of summation rounds; PV_OP_ANY where a partial sum may be beyond the
 * largest number. */
double pv_op_sum_bound(const pv_op_numerics *n, const pv_op_sum *sum);
/* Roundings that add up over `terms` in any order, in units of the sum of magnitudes. */
double pv_op_growth(const pv_op_numerics *n, double terms);
/* What an error of a divisor, relative, makes of the quotient; infinite where nothing is left. */
double pv_op_inverse(double error);
/* What one operation may lose of a number that is too small: absolute. */
double pv_op_lost(const pv_op_numerics *n);
/* Relative, where exp, a division or a root is made by an approximation: 0 where it is not. */
double pv_op_approximate(const pv_op_numerics *n);
/* Relative: exp of a difference of arguments that are at most `largest`. */
double pv_op_exp(const pv_op_numerics *n, double largest);
/* Puts both; of what is no number, or beyond what the arithmetic holds, the bound that is due. */
void pv_op_put(const pv_op_numerics *n, pv_op_values *v, size_t at, double want, double bound);

/* The lowest bit that is set in a finite number other than 0, as its value; else 0. */
double pv_op_lowest_bit(double x);
/* Bits from the highest to the lowest that is set; 0 of what is 0 or not finite. */
int pv_op_bits(double x);

#endif
