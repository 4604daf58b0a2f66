/* A side that was computed before, elsewhere or by another program: a trace folder (trace/folder.h
 * writes them). Nothing in it is trusted: names, shapes, types and sizes of all files are checked
 * when it is opened. Stages may be missing. No tensor is kept: rows are read when they are asked
 * for. */
#ifndef PV_BISECT_RECORDED_H
#define PV_BISECT_RECORDED_H

#include <stdbool.h>

#include "runtime/forward/forward.h"

typedef struct pv_recorded {
  char *folder;   /* owned, as all below */
  char *backend;  /* who computed, by the manifest; "" when it does not say */
  char *identity; /* the numerics identity, by the manifest; "" when it does not say */
  bool defined;   /* pv has a definition of that identity: */
  pv_numerics numerics;
  uint32_t *ids;    /* tokens, by the manifest; NULL when it does not say */
  size_t positions; /* rows of each file */
  size_t real_bytes;
  uint32_t layers;
  char **files[PV_STAGES]; /* [stage][layer]: name inside the folder; NULL: not recorded */
} pv_recorded;

/* An error names the file. `model`: whose shape the files must have. */
pv_status pv_recorded_open(const char *folder, const pv_model *model, pv_recorded **out,
                           pv_error *err);
void pv_recorded_close(pv_recorded *recorded);

bool pv_recorded_has(const pv_recorded *recorded, pv_stage_id stage, uint32_t layer);

/* A forward whose operations compute nothing and whose stages are read from the folder; reading
 * one that is not recorded is PV_ERR_INPUT. `recorded` must outlive it. */
pv_status pv_recorded_forward(const pv_recorded *recorded, const pv_model *model,
                              const pv_backend_config *config, pv_forward **out, pv_error *err);

/* Digest of manifest and files. */
pv_status pv_recorded_digest(const pv_recorded *recorded, char out[65], pv_error *err);

#endif
