/* Inside the room: the rows of each family, and what their functions share. */
#ifndef PV_OPERATIONS_ROWS_H
#define PV_OPERATIONS_ROWS_H

#include "runtime/operations/bounds.h"

typedef struct pv_op_family {
  const pv_operation *rows;
  size_t count;
} pv_op_family;

extern const pv_op_family pv_op_products;

/* `count` numbers of the case's data. */
void pv_op_fill(pv_alone_data data, uint64_t *state, size_t count, float *out);
/* PV_ERR_UNSUPPORTED: nobody says what the identity makes of the operation. */
pv_code pv_op_undefined(const pv_operation *op, const pv_op_numerics *n, pv_error *err);

#endif
