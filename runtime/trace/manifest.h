/* The manifest of a trace folder: the one reader of what pv trace, or another program, wrote.
 * Nothing in it is trusted: what stands here after opening has been checked, but for what only a
 * model can tell (how many layers, how wide a stage is). */
#ifndef PV_TRACE_MANIFEST_H
#define PV_TRACE_MANIFEST_H

#include <stdbool.h>

#include "runtime/forward/forward.h"
#include "runtime/measure/distance.h"

typedef struct pv_trace_tensor {
  const char *file; /* inside the folder; no path */
  pv_stage_id stage;
  uint32_t layer; /* 0 outside the layers */
  pv_element type;
  uint64_t rows, width, elements, bytes;
} pv_trace_tensor;

typedef struct pv_manifest {
  char *folder;
  const pv_plan *plan; /* whose stages these are */
  /* By the manifest; "" when it does not say. */
  const char *backend, *identity, *model, *model_sha256; /* who computed, what, of which file */
  uint32_t *ids;                                         /* NULL when it does not say */
  size_t positions;                                      /* rows of every tensor */
  pv_trace_tensor *tensors;
  size_t count;
  void *root; /* what the texts point into */
} pv_manifest;

/* An error names the file. PV_ERR_INPUT for another schema, no tensors, a file outside the folder,
 * an unknown stage, a stage or type that do not go together, one that is there twice, another
 * number of positions than the others', a position other than 0, ids or a digest that are none.
 * `plan` NULL: the first architecture that has all of its stages. */
pv_code pv_manifest_open(const char *folder, const pv_plan *plan, pv_manifest **out, pv_error *err);
void pv_manifest_close(pv_manifest *manifest);

/* "DIR/FILE" as the place of an error; returns `code`. */
pv_code pv_manifest_at(const pv_manifest *manifest, const char *file, pv_code code, pv_error *err);
/* A regular file of exactly the bytes that the manifest promises, open for reading. */
pv_code pv_manifest_file(const pv_manifest *manifest, const pv_trace_tensor *tensor, int *fd,
                         pv_error *err);

#endif
