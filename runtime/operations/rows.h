/* Inside the room: the rows of each family, and what their functions share. */
#ifndef PV_OPERATIONS_ROWS_H
#define PV_OPERATIONS_ROWS_H

#include "runtime/operations/bounds.h"

typedef struct pv_op_family {
  const pv_operation *rows;
  size_t count;
} pv_op_family;

extern const pv_op_family pv_op_products, pv_op_norms, pv_op_elements, pv_op_choices, pv_op_blocks,
    pv_op_attention, pv_op_grouped;

/* A row of weights, decoded: what they are, what a kernel adds up for each, and what it may add up
 * at most while every part is a multiple of the quantum. */
typedef struct pv_op_row {
  double w[PV_K_MAX], magnitude[PV_K_MAX], counted[PV_K_MAX];
  double quantum;
  int bits;
} pv_op_row;
void pv_op_decode(pv_type type, const unsigned char *row, size_t k, pv_op_row *out);
/* The smaller of two quanta; 0 is none. */
double pv_op_smaller(double a, double b);

/* Random blocks, or such that sums are exact. */
void pv_op_fill_weights(const pv_operation *op, const pv_op_case *c, uint64_t *state,
                        pv_op_values *w);
/* Activations. Of data whose sums are exact one in 32 is large: of EXACT it needs 7 bits, so that
 * blocks of 8 bits hold all; of INTEGERS 12, more than TF32 and binary16 have. */
void pv_op_fill_acts(const pv_op_case *c, uint64_t *state, pv_op_values *x);
/* `count` numbers of the case's data. */
void pv_op_fill(pv_alone_data data, uint64_t *state, size_t count, float *out);
/* PV_ERR_UNSUPPORTED: nobody says what the identity makes of the operation. */
pv_code pv_op_undefined(const pv_operation *op, const pv_op_numerics *n, pv_error *err);

#endif
