/* What other engines compute, by what they round: an activation before it meets a weight, by the
 * type of the weight, and each element that they store. In which order they sum is left open:
 * beside the exact product over rounded activations stands a bound of what any order may make of
 * it, from the sum of magnitudes. Where each comes from: docs/numerics.md. */
#ifndef PV_FOREIGN_FOREIGN_H
#define PV_FOREIGN_FOREIGN_H

#include <stdbool.h>

#include "kernels/exact/exact.h"

typedef enum pv_rounding {
  PV_ROUND_NONE,
  PV_ROUND_Q8_K, /* 256 to a block: d = 1 / s, s = -127 / x[i], x[i] the first of largest magnitude
                  */
  PV_ROUND_Q8_0, /* 32 to a block: x * (127 / max) to an integer, times max / 127 in binary16 */
  PV_ROUND_BF16,
  PV_ROUND_F16,
  /* Not known how, only how far off: */
  PV_ROUND_TF32,     /* 11 bits of weight and activation, or more */
  PV_ROUND_ANY_8_32, /* to 8 bits or finer, in blocks of at most 32 */
  PV_ROUND_ANY_8     /* the same, of at most 256 */
} pv_rounding;

/* What weights have in common that meet activations of one rounding. */
typedef enum pv_foreign_class {
  PV_CLASS_F32,
  PV_CLASS_F16,
  PV_CLASS_BF16,
  PV_CLASS_32,         /* blocks of fewer than 256 weights, */
  PV_CLASS_32_MINIMUM, /* with a minimum that is added */
  PV_CLASS_256,        /* blocks of 256 */
  PV_CLASS_COUNT
} pv_foreign_class;

typedef struct pv_foreign {
  const char *name; /* of the identity, in manifests and on command lines */
  const char *about;
  pv_rounding rounding[PV_CLASS_COUNT]; /* of activations */
  pv_rounding weights;                  /* of what a weight is decoded to: NONE, BF16 or F16 */
  double stored;                        /* largest relative rounding of a stored element */
  pv_rounding cache;                    /* of keys and values, head by head */
  double attend;                        /* a rounding inside attention, of the row's largest */
  double turn; /* roundings of float32 in the angle of RoPE, for each position */
  double gelu; /* a rounding of GELU, of the row's largest */
  /* As pv_exact.mm: products over rounded activations; and instead of each its bound. */
  void (*product)(const pv_exact_mm *mm), (*bound)(const pv_exact_mm *mm);
} pv_foreign;

/* Of activations that meet weights of a type. */
pv_rounding pv_foreign_rounding(const pv_foreign *f, pv_type type);

/* The table: NULL past the last. The first is what holds for any engine with 8 bits or more. */
const pv_foreign *pv_foreign_at(size_t n);
/* By its name: NAME, or NAME/CACHE for another type of the cache than is usual, for example
 * ggml-cpu/q8_0. False: unknown; `*out` is untouched. */
bool pv_foreign_read(const char *text, pv_foreign *out);
/* Types of a cache; NULL past the last. */
const char *pv_foreign_cache(size_t n);
/* NAME or NAME/CACHE. */
void pv_foreign_text(const pv_foreign *identity, char *out, size_t size);

/* As pv_exact.attend over a query that is rounded as the keys are stored before it meets them. */
void (*pv_foreign_attend(pv_rounding cache))(const pv_exact_attend *attend);
/* As pv_exact.combine, instead of it how often a magnitude is rounded: each weight, each product
 * and each partial sum, times the sum of magnitudes. */
void pv_foreign_combine(const double *const *rows, const double *weight, size_t ranks, size_t n,
                        double *out);

/* `k` activations as they meet a weight, in the float32 arithmetic of the engine. Of TF32 and
 * ANY_8 they are as they are. */
void pv_foreign_round(pv_rounding rounding, const double *x, size_t k, double *out);

/* Of `k` decoded weights `w` of a row the magnitudes that a kernel adds up: of Q4_K and Q5_K those
 * of the scaled number and of its minimum, which nearly cancel where the weight is small. In place.
 */
void pv_foreign_magnitudes(pv_type type, const unsigned char *row, size_t k, double *w);

#endif
