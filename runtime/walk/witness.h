/* A witness: makes stages from what was given to it. It walks with the sources, and does nothing by
 * itself. */
#ifndef PV_WALK_WITNESS_H
#define PV_WALK_WITNESS_H

#include "runtime/forward/host.h"
#include "runtime/walk/rows.h"

typedef struct pv_witness {
  pv_backend *backend;      /* NULL: there is none */
  pv_rows made, given;      /* what it makes of the stage; what it was given, in its own elements */
  pv_exact_kernels kernels; /* of one over others */
} pv_witness;

/* The definition of the identity, with a defect (NULL: none); f64: the arbiter. */
pv_code pv_witness_open(const pv_model *model, const pv_backend_config *config,
                        const pv_defect *defect, pv_witness *out, pv_error *err);
/* The arbiter over other kernels, which are copied. The witness must not move. */
pv_code pv_witness_open_exact(const pv_model *model, const pv_backend_config *config,
                              const pv_exact_kernels *kernels, pv_witness *out, pv_error *err);
void pv_witness_close(pv_witness *w);
uint64_t pv_witness_memory(const pv_witness *w);

/* A stage from what was given so far, into `made`. */
pv_code pv_witness_make(pv_witness *w, pv_stage_id stage, uint32_t layer, size_t rows,
                        pv_error *err);
/* Rows in the place of its own. An expert that does not exist is PV_ERR_INPUT. */
pv_code pv_witness_give(pv_witness *w, const pv_rows *rows, uint32_t layer, pv_error *err);

#endif
