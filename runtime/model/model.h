/* A model of one of the architectures: shapes from the metadata, tensors found and checked against
 * those shapes. Weights stay in their file form inside the mapping. */
#ifndef PV_MODEL_MODEL_H
#define PV_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/gguf/gguf.h"
#include "runtime/model/plan.h"

typedef struct pv_layer { /* by row of the plan; NULL: the stage has none */
  const pv_gguf_tensor *weight[PV_STAGES_MAX];
} pv_layer;

typedef struct pv_model {
  pv_gguf *gguf; /* owned */
  const pv_plan *plan;
  pv_shape shape;
  uint64_t names; /* of tokens, in the file's tokenizer; below shape.vocab the last ids have none */
  pv_layer once;  /* of the stages outside the layers */
  pv_layer *layers; /* owned; shape.layers entries */
  /* Bytes that whoever computes it may hold: of each device its memory, on the CPU that of the
   * process; of the layers those that do not fit come and go. 0: what there is. */
  uint64_t memory;
} pv_model;

/* Refused is whatever would make the model another one than pv computes, each by name and with a
 * cure: another architecture, a metadata key that is not computed, neutral at its value or known to
 * be without influence (metadata.h), tensors of a type that is not computed, a tensor that is
 * missing, left over or of another shape than the metadata imply, norms, biases and sinks that are
 * not F32, more names of tokens than rows of the embedding. */
pv_code pv_model_open(const char *path, pv_model **out, pv_error *err);
/* The same over an open file; takes ownership of `gguf` only on success. */
pv_code pv_model_from_gguf(pv_gguf *gguf, pv_model **out, pv_error *err);
void pv_model_close(pv_model *model);

/* The stage with a role that the plan has. */
static inline pv_stage_id pv_model_stage(const pv_model *model, pv_role role) {
  return (pv_stage_id)pv_plan_role(model->plan, role);
}
/* The matrix or vectors that make a stage; NULL: none. */
const pv_gguf_tensor *pv_model_weight(const pv_model *model, size_t row, uint32_t layer);
/* Row 0 of expert `e` of a [row, rows, experts] tensor. */
const unsigned char *pv_model_expert(const pv_gguf_tensor *tensor, uint32_t e);

#endif
