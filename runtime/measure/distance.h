/* How far two tensors are apart, whether two sets are the same, how close a choice was: the one
 * measure of checks, compare, bisect and noise. Nothing that is no number makes a figure better,
 * and of nothing compared there is no figure: each is NaN then, which no bound lets through. */
#ifndef PV_MEASURE_DISTANCE_H
#define PV_MEASURE_DISTANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum pv_element { PV_ELEMENT_F32, PV_ELEMENT_F64, PV_ELEMENT_I32 } pv_element;
size_t pv_element_bytes(pv_element type);

/* Elements that stand one behind the other, at any address; borrowed. Without `data` each is NaN.
 */
typedef struct pv_vector {
  const void *data;
  size_t count;
  pv_element type;
} pv_vector;
double pv_vector_at(const pv_vector *v, size_t index);
/* Elements of one type by their bits, of two by their value. */
bool pv_vector_same(const pv_vector *a, const pv_vector *b, size_t index);

/* What is wrong with the worst element. */
typedef enum pv_oddness {
  PV_ODD_NOT,     /* every element of both is a number */
  PV_ODD_NEITHER, /* somewhere neither is one */
  PV_ODD_ONE      /* somewhere one is and the other is not */
} pv_oddness;

/* Grows over any number of pieces; begins as {0}. */
typedef struct pv_distance {
  uint64_t elements, different; /* different: as pv_vector_same says */
  double scale;                 /* largest magnitude on the left */
  /* The first element that is a number on one side alone, else the first that is none on either,
   * else the first of the largest difference; 0 when there is none. */
  uint64_t worst;
  double max_abs, left, right; /* |left - right| there, and the two */
  pv_oddness odd;
  double dot, left_square, right_square;
} pv_distance;
/* Vectors of different length are apart as if what one lacks were no number. */
void pv_distance_add(pv_distance *d, pv_vector left, pv_vector right);
pv_distance pv_distance_of(pv_vector left, pv_vector right);

/* 1 exactly when all elements are equal; NaN when one is no number, or when one side is zero and
 * the other is not. */
double pv_distance_cosine(const pv_distance *d);
/* 1 - cosine without cancellation, from the vectors that were added; infinite where there is none.
 */
double pv_distance_angle(const pv_distance *d, pv_vector left, pv_vector right);
/* The largest difference over `scale`: infinite when an element is a number on one side alone, or
 * the left is zero and the right is not; NaN when one is a number on neither. */
double pv_distance_error(const pv_distance *d);
/* The largest difference; infinite when an element is no number. */
double pv_distance_largest(const pv_distance *d);

/* The order of errors: infinite is the largest, then what has no figure (NaN), then numbers. */
bool pv_distance_exceeds(double error, double largest);
/* True when the value is the largest so far, or the smallest: it is kept then. A NaN counts as
 * infinite, or is the smallest and stays. */
bool pv_keep_largest(double *largest, double value);
bool pv_keep_smallest(double *smallest, double value);

/* Sets in any order, in which an element may be there twice. How many of `a` have no partner in
 * `b`; whether the two are the same, which nothing is with an empty one. */
size_t pv_set_missing(pv_vector a, pv_vector b);
bool pv_set_same(pv_vector a, pv_vector b);
bool pv_set_holds(pv_vector set, double element);

/* The smallest value at the `chosen` indices over the largest at any other. */
double pv_set_margin(pv_vector values, pv_vector chosen);

#endif
