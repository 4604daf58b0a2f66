/* Every stage of a forward, or of what was recorded of one, kept in memory, and the comparison of
 * two such captures. One that was asked for some roles alone has no other stage. */
#ifndef PV_TRACE_CAPTURE_H
#define PV_TRACE_CAPTURE_H

#include <stdbool.h>

#include "runtime/walk/walk.h"

typedef struct pv_capture {
  const pv_model *model;
  size_t positions;
  unsigned roles;         /* bit n: it has the stages of pv_role n alone; 0: all */
  const char *backend;    /* who computed; "" of rows that were kept */
  char *identity, *about; /* which function; of a recording which engine, NULL: not known; owned */
  pv_source source;       /* the same rows, for a walk */
  pv_rows (*stages)[PV_STAGES_MAX]; /* [layer]; stages outside the layers in layer 0; owned */
} pv_capture;

/* What to run: one sequence from position 0, cut into batches. */
typedef struct pv_capture_spec {
  const char *backend; /* "cpu", "cuda", "ptx" */
  pv_numerics numerics;
  const char *path; /* CPU path or NULL */
  unsigned threads;
  const uint32_t *ids;
  size_t count;
  const size_t *batches; /* sizes that add up to count; NULL: */
  size_t batch_count;
  size_t batch;   /* largest batch; 0: all at once */
  unsigned roles; /* as in pv_capture */
} pv_capture_spec;

/* Runs and keeps all stages; logits for every position. */
pv_code pv_capture_run(const pv_model *model, const pv_capture_spec *spec, pv_capture **out,
                       pv_error *err);
/* Its parts, for a forward that is opened otherwise: what it must be opened with, and the run from
 * position 0 on; `spec`'s backend and path are not looked at. */
pv_code pv_capture_config(const pv_capture_spec *spec, pv_backend_config *out, pv_error *err);
pv_code pv_capture_with(pv_forward *forward, const pv_model *model, const pv_capture_spec *spec,
                        pv_capture **out, pv_error *err);
/* The same of any source, of which nothing is needed afterwards. Of rows that were kept a stage
 * that lacks some of the positions is absent in the capture, and is no number when it is asked for.
 */
pv_code pv_capture_source(const pv_source *source, const pv_model *model,
                          const pv_capture_spec *spec, pv_capture **out, pv_error *err);
/* For a visitor of a walk of `positions` in which `from` takes part: an empty capture of it, and
 * what the source of this number left of an operation. */
pv_code pv_capture_begin(const pv_source *from, const pv_model *model, size_t positions,
                         unsigned roles, pv_capture **out, pv_error *err);
pv_code pv_capture_keep(pv_capture *capture, const pv_walk_at *at, size_t source, pv_error *err);
/* Whether a stage is absent; of `layer` 0 outside the layers. */
bool pv_capture_lacks(const pv_capture *capture, pv_stage_id stage, uint32_t layer);
void pv_capture_free(pv_capture *capture);

/* Element as a number, whatever the stage's type. */
double pv_capture_at(const pv_capture *capture, pv_stage_id stage, uint32_t layer, size_t position,
                     size_t index);
size_t pv_capture_row_bytes(const pv_capture *capture, pv_stage_id stage);
const void *pv_capture_row(const pv_capture *capture, pv_stage_id stage, uint32_t layer,
                           size_t position);
pv_vector pv_capture_vector(const pv_capture *capture, pv_stage_id stage, uint32_t layer,
                            size_t position);

typedef struct pv_difference {
  uint64_t compared;  /* elements */
  uint64_t different; /* elements whose bits differ */
  bool present;       /* of the first difference in the order of computation */
  pv_stage_id stage;
  uint32_t layer;
  size_t position, index;
  double left, right;
} pv_difference;

/* Counts what differs in one row of two that have the same shape. */
void pv_difference_add(pv_difference *difference, const pv_rows *left, const pv_rows *right,
                       size_t row, uint32_t layer, size_t position);

/* Bits of all stages. The two must be of the same model, length and element size, and lack nothing;
 * otherwise PV_ERR_INTERNAL. */
pv_code pv_capture_compare(const pv_capture *left, const pv_capture *right, pv_difference *out,
                           pv_error *err);

/* How far two rows are apart. */
pv_distance pv_capture_distance(const pv_capture *left, const pv_capture *right, pv_stage_id stage,
                                uint32_t layer, size_t position);

/* SHA-256 over all stages in order; PV_ERR_INTERNAL when some were left out. */
pv_code pv_capture_digest(const pv_capture *capture, char out[65], pv_error *err);

#endif
