/* What a forward cannot do without: the bytes that rows of a plan must read and write, whoever
 * computes them, and the products and sums that are made of them. */
#ifndef PV_PROFILE_WORK_H
#define PV_PROFILE_WORK_H

#include "runtime/forward/backend.h"

typedef enum pv_unit { /* what multiplies */
                       PV_UNIT_INTEGER,
                       PV_UNIT_F32,
                       PV_UNIT_F64,
                       PV_UNITS
} pv_unit;

typedef struct pv_work {
  double weights, cache, activations; /* bytes */
  /* A product and a sum are two. Counted are those of matrices, of attention and of weighted sums:
   * what is done a few times to each element never takes longer than to read it. */
  double operations[PV_UNITS];
} pv_work;

/* Whose work it is. */
typedef struct pv_worker {
  const pv_model *model;
  pv_numerics numerics;
  unsigned planes; /* products that one of an activation of 16 bits is made of */
} pv_worker;

/* Of `part->rows`, made together: an input that several take, or that is one of them, is read once
 * or not at all. `experts`: different ones that the positions of the batch chose in that layer. */
pv_work pv_work_of(const pv_worker *worker, const pv_meter_part *part, uint32_t experts);

/* Of one decoded token after `context` positions. */
pv_work pv_work_token(const pv_worker *worker, size_t context);

void pv_work_add(pv_work *sum, const pv_work *work);
double pv_work_bytes(const pv_work *work);

#endif
