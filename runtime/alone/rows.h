/* Test rows of every tensor type, and what a product with them must give. */
#ifndef PV_ALONE_ROWS_H
#define PV_ALONE_ROWS_H

#include <stdint.h>

#include "kernels/cpu/cpu.h"

/* Blocks of random bits with scales of moderate size: every weight integer and sub-scale occurs;
 * `state` is that of pv_random_next. */
void pv_rows_random(pv_type type, size_t k, uint64_t *state, void *row);

/* The same, but one block has scales of another kind: zeros of both signs, subnormal, negative,
 * the largest, infinite or no number. */
void pv_rows_odd_scales(pv_type type, size_t k, uint64_t *state, void *row);

/* Activations and weights whose product is exact in every identity: scales are powers of two, one
 * activation of each segment is `max` (PV_ACT16_MAX; PV_ACT8_MAX for i8) and meets a small weight,
 * the others are tiny integers. Which one depends on `k` alone, so that any such row goes with any.
 * Against weights that are not quantised all are tiny. */
float pv_rows_exact_act(pv_type type, float max, size_t k, size_t i, uint64_t *state);
void pv_rows_exact(pv_type type, size_t k, uint64_t *state, void *row);

/* Space for one row of activations, rounded where the path does that. Free with pv_rows_act_free.
 */
typedef struct pv_rows_act {
  pv_act act;
  void *room; /* of its planes */
} pv_rows_act;
pv_code pv_rows_act_make(const pv_cpu_path *path, pv_product product, const float *x, size_t k,
                         pv_rows_act *out, pv_error *err);
void pv_rows_act_free(pv_rows_act *act);

/* The product by a kernel. */
float pv_rows_multiply(const pv_cpu_path *path, pv_product product, pv_type type, const void *row,
                       size_t k, const pv_rows_act *act);
/* Its exact value, and the largest error that the roundings named in kernels/arith/act.h cause. */
double pv_rows_exact_value(pv_type type, pv_product product, const void *row, const float *x,
                           size_t k, double *bound);

#endif
