/* Test rows of every tensor type, and what a product with them must give. */
#ifndef PV_CHECKS_ROWS_H
#define PV_CHECKS_ROWS_H

#include <stdint.h>

#include "kernels/cpu/cpu.h"

/* Blocks of random bits with scales of moderate size: every weight integer and sub-scale occurs;
 * `state` is that of pv_random_next. */
void pv_rows_random(pv_type type, size_t k, uint64_t *state, void *row);

/* Activations and weights whose product is exact in every identity: scales are powers of two, one
 * activation of each segment is 32512 and meets a small weight, the others are tiny integers.
 * For i8 the large one is 127. */
void pv_rows_exact(pv_type type, pv_product product, size_t k, uint64_t *state, void *row,
                   float *x);

/* Space for one rounded row. Free with pv_rows_act_free. */
typedef struct pv_rows_act {
  pv_act act;
  int16_t *q;
  float *d;
  int32_t *sum, *offset;
} pv_rows_act;
pv_code pv_rows_act_make(const pv_cpu_path *path, pv_product product, const float *x, size_t k,
                         pv_rows_act *out, pv_error *err);
void pv_rows_act_free(pv_rows_act *act);

/* The product by a kernel, and its exact value with the largest error that the roundings named in
 * kernels/arith/act.h can cause. */
float pv_rows_multiply(const pv_cpu_path *path, pv_product product, pv_type type, const void *row,
                       size_t k, const pv_rows_act *act);
pv_code pv_rows_exact_value(pv_type type, pv_product product, const void *row, const float *x,
                            size_t k, double *value, double *bound, pv_error *err);

#endif
