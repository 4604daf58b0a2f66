/* The one walk: sources are led over the same tokens in lockstep, operation by operation, and a
 * visitor sees what each of them has of every stage. Trace, capture, compare, bisect and noise are
 * visitors. Nothing is kept but the rows of one operation. */
#ifndef PV_WALK_WALK_H
#define PV_WALK_WALK_H

#include "runtime/forward/forward.h"
#include "runtime/walk/witness.h"

/* Somebody who has rows of stages: a forward that computes them in the order of the plan, or rows
 * that were kept (a trace, a capture), which are read in any order. What it points to outlives it;
 * there is nothing to free. */
typedef struct pv_source pv_source;
typedef struct pv_span {
  size_t from, until; /* positions; none where until is not larger */
} pv_span;
struct pv_source {
  pv_forward *forward; /* who computes; NULL: rows that were kept */
  const void *kept;
  const pv_plan *plan;   /* whose stages these are */
  const pv_shape *shape; /* of the model; NULL: not known */
  uint32_t layers;       /* it has no stage of a later one */
  size_t positions;      /* rows of every stage; 0: those of any walk */
  size_t real_bytes;     /* 4, or 8 of float64 */
  size_t others;         /* recorded stages that are none of the plan's */
  /* Who computed, which function, of which file and tokens; "" and NULL: not known. */
  const char *computed, *identity, *model_sha256;
  const uint32_t *ids;
  const char *place; /* of an error; NULL: none */
  /* Elements of a row; 0: the source has no such stage. `layer` is 0 outside the layers. */
  size_t (*width)(const pv_source *source, pv_stage_id stage, uint32_t layer);
  /* Positions of a stage that it has; NULL: all, of every stage that it has. */
  pv_span (*span)(const pv_source *source, pv_stage_id stage, uint32_t layer);
  /* Rows position .. position + rows - 1, of who computes only those of the batch. */
  pv_code (*read)(const pv_source *source, pv_stage_id stage, uint32_t layer, size_t position,
                  size_t rows, void *out, pv_error *err);
};

/* A forward as a source, by the model that it computes. */
pv_source pv_source_of(pv_forward *forward);

bool pv_source_has(const pv_source *source, pv_stage_id stage, uint32_t layer);

typedef struct pv_sequence { /* of tokens */
  const uint32_t *ids;
  size_t count;
} pv_sequence;

/* What the sources have of an operation: of[source][k] is stage step.first + k; absent where a
 * source lacks it, and where nobody wants it. Each has its own width. */
typedef struct pv_walk_at {
  pv_step step;
  size_t position, rows; /* of the batch */
  const pv_rows (*of)[PV_STEP_ROWS];
} pv_walk_at;

typedef struct pv_visitor {
  void *context;
  /* Which stages are read; NULL: all. `layer` is 0 outside the layers. */
  bool (*want)(const void *context, pv_stage_id stage, uint32_t layer);
  pv_code (*visit)(void *context, const pv_walk_at *at, pv_error *err);
  bool parts; /* it takes a stage that lacks rows of the batch; else such a stage is absent */
  pv_witness *witnesses; /* begin each batch with the sources */
  size_t witness_count;
} pv_visitor;

/* For who waits: shown after each operation. `done` goes on from walk to walk. */
typedef struct pv_walk_progress {
  void (*show)(void *context, size_t done, size_t total); /* NULL: nobody waits */
  void *context;
  size_t done, total;
} pv_walk_progress;

typedef struct pv_walk_spec {
  const pv_plan *plan;
  uint32_t layers;
  const pv_source *sources;
  size_t source_count;
  const uint32_t *ids;        /* NULL only where no source computes */
  size_t count, batch;        /* one sequence from position 0, in batches of at most `batch` */
  const size_t *batches;      /* sizes that add up to `count`, instead of `batch`; NULL: none */
  pv_walk_progress *progress; /* NULL: none */
} pv_walk_spec;

/* Logits are asked for at every position. PV_ERR_INPUT for a source of another number of
 * positions; PV_ERR_CANCELLED between two operations. */
pv_code pv_walk(const pv_walk_spec *spec, const pv_visitor *visitor, pv_error *err);
/* Operations of the walk, for its progress. */
size_t pv_walk_operations(const pv_walk_spec *spec);

#endif
