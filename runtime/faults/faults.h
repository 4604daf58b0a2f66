/* Planted defects: what a falsifier must catch and what `pv bisect` must name. No kernel of a
 * release knows of them. A defect of weights or of the shape is a changed model that any backend
 * then computes, a GPU included; a defect of the computation is planted in the definition, which
 * otherwise gives the bits of the backend whose place it takes. */
#ifndef PV_FAULTS_FAULTS_H
#define PV_FAULTS_FAULTS_H

#include "kernels/definition/definition.h"
#include "runtime/forward/forward.h"
#include "runtime/forward/host.h"

typedef enum pv_fault_host {
  PV_FAULT_IN_WEIGHTS,   /* bytes or types of tensors as they are read */
  PV_FAULT_IN_SHAPE,     /* a number of the metadata as it is read */
  PV_FAULT_IN_OPERATION, /* an operation */
  PV_FAULT_IN_CHOICE,    /* who computes */
  PV_FAULT_IN_READER     /* what a reader of files lets pass; for its checks alone */
} pv_fault_host;

typedef struct pv_fault {
  const char *name, *area; /* area: "block formats", "arithmetic", "MoE", "attention", "system" */
  const char *summary;     /* what is done wrong, one line */
  const char *caught_by;   /* checks that see it, in some identity, separated by blanks */
  pv_fault_host host;
  unsigned numerics; /* bit n: it exists in pv_numerics n */
  /* PV_FAULT_IN_WEIGHTS: alters one row of `k` weights, whose `out` has room for any type, and
   * returns the type that the bytes are then read as; `types` ends with -1. */
  pv_type (*row)(pv_type type, const unsigned char *row, size_t k, unsigned char *out);
  int types[4];
  /* The same for checks of a kernel alone, where there is no model; NULL: see `defect`. */
  const pv_cpu_path *kernels;
  const char *ptx[2]; /* for checks of PTX: this instruction becomes that one; NULL: none */
  pv_defect defect;   /* PV_FAULT_IN_OPERATION; `layer` is filled in when it is planted */
  unsigned routes;    /* bit n: it exists in models of pv_route_form n; 0: in all */
  bool once;          /* outside the layers: takes no layer */
  bool needs_tie;     /* invisible unless two experts have the same logit */
} pv_fault;

const pv_fault *pv_faults(size_t *count);
const pv_fault *pv_fault_find(const char *name); /* NULL when there is none */

/* A fault and where it acts. */
typedef struct pv_planted {
  const pv_fault *fault;
  int64_t layer; /* -1: every layer */
} pv_planted;

/* "NAME" or "NAME:layer=N"; "none" is no fault, but with the definition in the side's place. */
pv_code pv_fault_parse(const char *text, pv_planted *out, pv_error *err);

/* Where the first wrong element must appear. False when the model has nothing that the fault acts
 * on (no tensor of the type in that layer), or when no stage is wrong at all (a fallback). */
bool pv_fault_shows(const pv_planted *planted, const pv_model *model, pv_stage_id *stage,
                    uint32_t *layer);

/* False when the model has nothing that the fault acts on. */
bool pv_fault_applies(const pv_planted *planted, const pv_model *model);

/* A model with the fault in its weights or shape. It shares `model`'s file, which must outlive it.
 * Free with pv_fault_model_free. PV_ERR_INPUT when no tensor has the type that the fault is about.
 */
pv_code pv_fault_model(const pv_model *model, const pv_planted *planted, pv_model **out,
                       pv_error *err);
/* A model whose router has the same row three times each: exact ties, also where the chosen end. */
pv_code pv_fault_tied_model(const pv_model *model, pv_model **out, pv_error *err);
void pv_fault_model_free(pv_model *model);

/* A side: as pv_forward_open, with a fault (NULL: none). pv_forward_backend says "definition" where
 * the definition stands in. A fault that the identity does not have, or that acts on nothing in the
 * model, is PV_ERR_INPUT. */
typedef struct pv_fault_side {
  pv_forward *forward;
  pv_model *model; /* the altered one, or NULL */
} pv_fault_side;
pv_code pv_fault_open(const pv_model *model, const char *backend, const pv_backend_config *config,
                      const pv_planted *planted, pv_fault_side *out, pv_error *err);
/* The same for a check: the definition (for f64 the arbiter) stands in for the side, whatever
 * the backend, so that a fault can be planted where the backend does not exist. */
pv_code pv_fault_stand_in(const pv_model *model, const pv_backend_config *config,
                          const pv_planted *planted, pv_fault_side *out, pv_error *err);
void pv_fault_close(pv_fault_side *side);

/* For checks of kernels: the definition's with the fault, complete. */
pv_cpu_path pv_fault_kernels(const pv_fault *fault);
/* Reads one row as the fault does, when it is about the type; `out` has room for any type. */
pv_type pv_fault_read_row(const pv_fault *fault, pv_type type, const void *row, size_t k,
                          unsigned char *out);

/* The parts, for the table. */
pv_type pv_fault_row_scale_and_min(pv_type, const unsigned char *, size_t, unsigned char *);
pv_type pv_fault_row_high_bits(pv_type, const unsigned char *, size_t, unsigned char *);
pv_type pv_fault_row_short(pv_type, const unsigned char *, size_t, unsigned char *);
pv_type pv_fault_row_q4k_as_q6k(pv_type, const unsigned char *, size_t, unsigned char *);
pv_type pv_fault_row_q6k_as_q4k(pv_type, const unsigned char *, size_t, unsigned char *);
pv_type pv_fault_row_sub_scale(pv_type, const unsigned char *, size_t, unsigned char *);
pv_type pv_fault_row_subnormals(pv_type, const unsigned char *, size_t, unsigned char *);

extern const pv_cpu_path pv_fault_high_bits_kernels, pv_fault_short_kernels,
    pv_fault_sub_scale_kernels, pv_fault_q4k_as_q6k_kernels, pv_fault_q6k_as_q4k_kernels,
    pv_fault_scale_and_min_kernels, pv_fault_subnormals_kernels, pv_fault_activations_8bit,
    pv_fault_f32_accumulator, pv_fault_contraction, pv_fault_approximate_exp, pv_fault_other_order,
    pv_fault_random_order, pv_fault_tie_reversed, pv_fault_not_renormalised, pv_fault_softmax_after,
    pv_fault_expert_dropped, pv_fault_weights_permuted, pv_fault_rope_pairs, pv_fault_no_norm;

size_t pv_fault_position_of_batch(const pv_batch *batch, size_t row);
size_t pv_fault_sees_next(const pv_batch *batch, size_t row, size_t context);
uint32_t pv_fault_head_modulo(const pv_shape *shape, uint32_t head);
bool pv_fault_first_kept(const pv_batch *batch, size_t row);
void pv_fault_last_unwritten(size_t position, size_t width, const void *before, void *data);
void pv_fault_one_nan(size_t position, size_t width, const void *before, void *data);
void pv_fault_out_of_range(size_t position, size_t width, const void *before, void *data);

#endif
