/* A side that was computed before, elsewhere or by another program: a trace folder (trace/folder.h
 * writes them). Nothing in it is trusted: names, shapes, types and sizes of all files are checked
 * when it is opened for a model, else when they are read. Stages may be missing. No tensor is kept:
 * rows are read when they are asked for. */
#ifndef PV_TRACE_RECORDED_H
#define PV_TRACE_RECORDED_H

#include <stdbool.h>

#include "base/sha256.h"
#include "runtime/trace/manifest.h"
#include "runtime/walk/walk.h"

/* What a trace must be of. */
typedef struct pv_recorded_model {
  const pv_model *model; /* whose shape the files must have; NULL: any */
  const char *path; /* its file: a trace that carries a digest must be of it; NULL: not known */
  char sha256[PV_SHA256_HEX]; /* of the file; "" at first, made when a trace asks for it */
  const pv_plan *plan; /* without a model: whose stages are asked for; NULL: the trace's own */
} pv_recorded_model;

typedef struct pv_recorded {
  pv_manifest *manifest; /* owned */
  bool defined;          /* pv has a definition of the manifest's identity: */
  pv_numerics numerics;
  char place[4096];                               /* the manifest's path */
  const pv_trace_tensor **tensors[PV_STAGES_MAX]; /* [stage][layer]; NULL: not recorded; owned */
  pv_source source;                               /* the same rows, for a walk */
} pv_recorded;

/* An error names the file. A trace of another model is PV_ERR_INPUT. */
pv_code pv_recorded_open(const char *folder, pv_recorded_model *of, pv_recorded **out,
                         pv_error *err);
void pv_recorded_close(pv_recorded *recorded);

bool pv_recorded_has(const pv_recorded *recorded, pv_stage_id stage, uint32_t layer);

/* Digest of manifest and files. */
pv_code pv_recorded_digest(const pv_recorded *recorded, char out[PV_SHA256_HEX], pv_error *err);

#endif
