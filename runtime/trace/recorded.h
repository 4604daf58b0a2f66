/* A side that was computed before, elsewhere or by another program: a trace (docs/trace-format.md),
 * a folder or one safetensors file. Nothing in it is trusted: names, shapes, types and sizes of all
 * files are checked when it is opened, digests too when that is for a model. Stages, layers and
 * positions may be missing. No tensor is kept: rows are read when they are asked for. */
#ifndef PV_TRACE_RECORDED_H
#define PV_TRACE_RECORDED_H

#include <stdbool.h>

#include "base/sha256.h"
#include "runtime/trace/listing.h"
#include "runtime/trace/map.h"
#include "runtime/walk/walk.h"

/* What a trace must be of. */
typedef struct pv_recorded_model {
  const pv_model *model; /* whose shape the tensors must have; NULL: any */
  const char *path; /* its file: a trace that carries a digest must be of it; NULL: not known */
  char sha256[PV_SHA256_HEX]; /* of the model; "" at first, made when a trace asks for it */
  const pv_plan *plan;     /* without a model: whose stages are asked for; NULL: the trace's own */
  const pv_trace_map *map; /* of the engine's own names; NULL: there may be none */
  bool any_width;          /* a row of another width than the model's is taken as it is */
} pv_recorded_model;

/* A piece and which stage it is. */
typedef struct pv_trace_part {
  const pv_piece *piece;
  const char *name; /* of the stage */
  int64_t number;   /* of the layer; -1: none */
  pv_stage_id stage;
  uint32_t layer; /* 0 outside the layers */
  uint64_t rows, width, bytes;
} pv_trace_part;

/* A stage of a layer: its parts follow each other. */
typedef struct pv_trace_tensor {
  const char *file;  /* of the first part; "": that of the trace; NULL: none */
  pv_stage_id stage; /* of the trace's own plan */
  uint32_t layer;    /* 0 outside the layers */
  pv_stored type;
  size_t width;
  pv_span rows; /* positions */
  const pv_trace_part *parts;
  size_t count;
  bool hashed; /* of some part there is a digest alone: no row is served */
} pv_trace_tensor;

typedef struct pv_recorded {
  pv_source source; /* what the trace says, and the rows for a walk */
  bool defined;     /* pv has a definition of the identity: */
  pv_numerics numerics;
  char *folder;         /* or the file: as it was named */
  char *about;          /* "llama.cpp 11434 (flash on, ubatch 512)"; NULL: not known */
  const char *observer; /* how far from a run that nobody watched; NULL: not known */
  size_t unmapped;      /* nodes that no row of the map names */
  pv_listing listing;
  uint32_t *ids;
  const pv_plan *plan;    /* whose stages these are */
  int own[PV_STAGES_MAX]; /* the plan's stage for one of source.plan; -1: it has none */
  pv_trace_part *parts;   /* by stage and layer, then by position */
  size_t part_count;
  pv_trace_tensor *list;
  size_t count;
  const pv_trace_tensor *(*tensors)[PV_STAGES_MAX]; /* [layer]; NULL: not recorded */
  char map_sha256[PV_SHA256_HEX];                   /* ""; of the map */
} pv_recorded;

/* An error names the file. PV_ERR_INPUT for what docs/trace-format.md calls one; for a trace of
 * another model, or of another shape than the model's; for one without a single row, where there is
 * a model. Without a model the stages are those of the first architecture that has all of them. */
pv_code pv_recorded_open(const char *path, pv_recorded_model *of, pv_recorded **out, pv_error *err);
/* The same of what was read before, which it takes; no file is looked at. `path` is for messages.
 */
pv_code pv_recorded_of(const char *path, pv_listing *listing, pv_recorded_model *of,
                       pv_recorded **out, pv_error *err);
void pv_recorded_close(pv_recorded *recorded);

/* NULL: not recorded. */
const pv_trace_tensor *pv_recorded_tensor(const pv_recorded *recorded, pv_stage_id stage,
                                          uint32_t layer);
/* Whether every row is there. */
bool pv_recorded_has(const pv_recorded *recorded, pv_stage_id stage, uint32_t layer);
/* Whether there is a tensor of which no row can be served. */
bool pv_recorded_hashed(const pv_recorded *recorded);

/* Digest of a part, of its bytes where they are there: then PV_ERR_INPUT if the trace says another.
 * Of a part without either it is "". */
pv_code pv_recorded_part(const pv_recorded *recorded, const pv_trace_part *part,
                         char out[PV_SHA256_HEX], pv_error *err);
/* Digest of manifest, files and map. */
pv_code pv_recorded_digest(const pv_recorded *recorded, char out[PV_SHA256_HEX], pv_error *err);

#endif
