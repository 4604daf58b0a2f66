/* Shared by the files of this room only. */
#ifndef PV_SYNTH_INTERNAL_H
#define PV_SYNTH_INTERNAL_H

#include "base/text.h"
#include "runtime/synth/synth.h"

typedef enum synth_kind {
  SYNTH_NORM,
  SYNTH_BIAS, /* sinks, too */
  SYNTH_EMBEDDING,
  SYNTH_ROUTER,
  SYNTH_ROUTER_BIAS,
  SYNTH_MATRIX
} synth_kind;

typedef struct synth_tensor {
  char name[PV_WEIGHT_NAME];
  synth_kind kind;
  pv_type type;
  unsigned dim_count;
  uint64_t dims[3]; /* unused ones are 1 */
  uint64_t elements, row_bytes, bytes;
  uint64_t offset;  /* in the data section */
  double deviation; /* of its weights */
  uint64_t stream;  /* what its random numbers start from: seed and name */
  uint64_t rows;    /* elements / dims[0] */
} synth_tensor;

typedef struct synth_plan {
  const pv_synth_options *options;
  synth_tensor *tensors; /* owned */
  uint64_t count;
  uint64_t data_bytes; /* of the data section */
} synth_plan;

#define SYNTH_ALIGNMENT 32u

/* options.c: every limit, with a cure. */
pv_code synth_check(const pv_synth_options *options, pv_error *err);
/* The names of shapes and layouts; NULL past the last. */
const char *synth_shape_at(size_t n);
const char *synth_layout_at(size_t n);
bool synth_layout_by_name(const char *name, pv_synth_layout *out);

/* plan.c */
pv_code synth_plan_make(const pv_synth_options *options, synth_plan *out, pv_error *err);
void synth_plan_free(synth_plan *plan);

/* metadata.c: the file up to the first byte of tensor data. */
pv_code synth_header(const synth_plan *plan, pv_text *out, pv_error *err);

/* fill.c: rows [first, first + count) of a tensor, which depend on the plan and nothing else. A
 * maker keeps what rows of one tensor share; each thread has its own. */
typedef struct synth_maker synth_maker;
synth_maker *synth_maker_new(const synth_plan *plan); /* NULL when memory is out */
void synth_maker_free(synth_maker *maker);
void synth_fill(synth_maker *maker, const synth_tensor *tensor, uint64_t first, uint64_t count,
                unsigned char *out);

#endif
