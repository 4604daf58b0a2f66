/* A side that was computed before, elsewhere or by another program: a trace folder (trace/folder.h
 * writes them). Nothing in it is trusted: names, shapes, types and sizes of all files are checked
 * when it is opened for a model, else when they are read. Stages may be missing. No tensor is kept:
 * rows are read when they are asked for. */
#ifndef PV_TRACE_RECORDED_H
#define PV_TRACE_RECORDED_H

#include <stdbool.h>

#include "base/sha256.h"
#include "runtime/walk/walk.h"

/* What a trace must be of. */
typedef struct pv_recorded_model {
  const pv_model *model; /* whose shape the files must have; NULL: any */
  const char *path; /* its file: a trace that carries a digest must be of it; NULL: not known */
  char sha256[PV_SHA256_HEX]; /* of the file; "" at first, made when a trace asks for it */
  const pv_plan *plan; /* without a model: whose stages are asked for; NULL: the trace's own */
} pv_recorded_model;

typedef struct pv_trace_tensor {
  const char *file;  /* inside the folder; no path */
  pv_stage_id stage; /* of the trace's own plan */
  uint32_t layer;    /* 0 outside the layers */
  pv_element type;
  uint64_t rows, width, bytes;
} pv_trace_tensor;

enum { PV_RECORDED_PATH = 4096 };

typedef struct pv_recorded {
  pv_source source; /* what the manifest says, and the rows for a walk */
  bool defined;     /* pv has a definition of the identity: */
  pv_numerics numerics;
  char *folder;
  char place[PV_RECORDED_PATH]; /* the manifest */
  void *root;                   /* what the texts point into */
  uint32_t *ids;
  const pv_plan *plan;    /* whose stages these are */
  int own[PV_STAGES_MAX]; /* the plan's stage for one of source.plan; -1: it has none */
  pv_trace_tensor *list;
  size_t count;
  const pv_trace_tensor *(*tensors)[PV_STAGES_MAX]; /* [layer]; NULL: not recorded */
} pv_recorded;

/* An error names the file. PV_ERR_INPUT for another schema, no tensors, a file outside the folder,
 * an unknown stage, a stage or type that do not go together, one that is there twice, another
 * number of positions than the others', a position other than 0, ids or a digest that are none; a
 * trace of another model, or of another shape than the model's. Without a model the stages are
 * those of the first architecture that has all of them, and files are looked at when they are read.
 */
pv_code pv_recorded_open(const char *folder, pv_recorded_model *of, pv_recorded **out,
                         pv_error *err);
void pv_recorded_close(pv_recorded *recorded);

/* NULL: not recorded. */
const pv_trace_tensor *pv_recorded_tensor(const pv_recorded *recorded, pv_stage_id stage,
                                          uint32_t layer);
bool pv_recorded_has(const pv_recorded *recorded, pv_stage_id stage, uint32_t layer);

/* Digest of manifest and files. */
pv_code pv_recorded_digest(const pv_recorded *recorded, char out[PV_SHA256_HEX], pv_error *err);

#endif
