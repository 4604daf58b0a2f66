/* Correctly rounded values of the functions in kernels/arith/arith.h.
 *
 * Three steps, each exact in what it decides:
 *
 * 1. `direct`: arguments whose rounded value follows from an inequality (overflow, underflow, the
 *    limits at infinity, arguments so small that the first term of the series decides).
 * 2. `approx`: the value in double with |approx / f - 1| <= PV_REFERENCE_ERROR. Rounding to float
 *    is monotone, so when approx * (1 - 2E) and approx * (1 + 2E) round to the same float, then so
 *    does every number between them, and f is one of them (E = PV_REFERENCE_ERROR, 2E also covers
 *    the rounding of the two products). The libm used here documents errors of 1 ulp = 2^-52 for
 *    exp; with at most three more roundings that is 2^-50, and E = 2^-45 leaves a factor of 32.
 *    pv_reference_audit measures approx against step 3 before a sweep relies on it.
 * 3. `exact`: MPFR with p bits and an error of at most 2^(4-p); p doubles until both ends of the
 *    interval round to the same float. It ends because none of the functions has a value exactly
 *    between two floats: exp and silu of a non-zero rational are irrational, and a square root
 *    with 25 significant bits would have a square of at least 49. */
#ifndef PV_TESTS_ARITH_REFERENCE_H
#define PV_TESTS_ARITH_REFERENCE_H

#include <mpfr.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PV_REFERENCE_ERROR 0x1p-45

typedef struct pv_reference {
  const char *name;        /* as in pv_<name>_f32 */
  float (*compute)(float); /* what is judged */
  double bound;            /* documented largest error in ulp */
  bool rounded;            /* every result must be the correctly rounded one */
  uint32_t worst;          /* where a full sweep found the largest error: judged by every run */
  float domain;            /* arguments with |x| above it are outside the contract; INFINITY: all */
  bool (*direct)(float x, float *rounded, double *value);
  double (*approx)(double x);
  void (*exact)(mpfr_t out, mpfr_t x); /* relative error at most 2^(4 - precision of out) */
} pv_reference;

extern const pv_reference pv_references[];
extern const size_t pv_reference_count;

typedef struct pv_judgement {
  float rounded; /* the correctly rounded value */
  double value;  /* the value itself, to a relative error of PV_REFERENCE_ERROR */
  bool by_mpfr;
} pv_judgement;

/* The reference value at `x`, which is not NaN. */
pv_judgement pv_reference_at(const pv_reference *reference, float x);

/* |y - value| in units in the last place of `rounded` (subnormal and zero: 2^-149; infinity counts
 * as 2^128 with the unit 2^104). Infinite when exactly one of `y` and the reference is NaN. */
double pv_reference_ulp(float y, const pv_judgement *judgement);

/* The same from MPFR alone, for the figures that are printed. */
double pv_reference_ulp_exact(const pv_reference *reference, float x, float y);

/* Largest relative error of `approx` against MPFR over `samples` arguments spread over all bit
 * patterns. */
double pv_reference_audit(const pv_reference *reference, unsigned samples);

#endif
