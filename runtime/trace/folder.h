/* Traces on disk: `manifest.json` and one raw little-endian file per stage and layer. */
#ifndef PV_TRACE_FOLDER_H
#define PV_TRACE_FOLDER_H

#include <stdbool.h>

#include "base/sha256.h"
#include "runtime/forward/forward.h"
#include "runtime/measure/distance.h"

/* Which stages and layers are wanted. NULL means all. Names as in the plan; layers as
 * numbers, separated by commas. */
typedef struct pv_trace_filter {
  bool stage[PV_STAGES_MAX];
  bool layer[PV_MODEL_LAYERS_MAX];
} pv_trace_filter;
pv_code pv_trace_filter_parse(const char *stages, const char *layers, const pv_model *model,
                              pv_trace_filter *out, pv_error *err);

/* Writer. The folder must not exist or be empty; files appear in it as the forward runs, and the
 * manifest last: a folder without a manifest is no trace. */
typedef struct pv_trace_writer pv_trace_writer;
pv_code pv_trace_begin(const char *folder, const pv_forward *forward, const pv_model *model,
                       const pv_trace_filter *filter, pv_trace_writer **out, pv_error *err);
pv_sink pv_trace_sink(pv_trace_writer *writer);
/* `about` (name and text pairs, NULL-ended) goes into the manifest. */
pv_code pv_trace_finish(pv_trace_writer *writer, const char *const *about, pv_error *err);
void pv_trace_free(pv_trace_writer *writer); /* after finish, or to abandon: files are removed */

/* Comparison tensor by tensor: of two trace folders, or of a running forward with a capture. */
typedef struct pv_trace_comparison {
  uint64_t tensors, elements, different;
  uint64_t only_left, only_right;      /* tensors that one side lacks */
  char numerics[2][400];               /* identities; "" when not recorded */
  char model_sha256[2][PV_SHA256_HEX]; /* of two folders; "" when not recorded */
  bool ids_known[2];
  bool other_model, other_ids; /* both are known and differ: then nothing is compared */
} pv_trace_comparison;
typedef struct pv_trace_row { /* one tensor of both */
  const pv_plan *plan;
  pv_stage_id stage;
  uint32_t layer; /* 0 outside the layers */
  pv_distance apart;
} pv_trace_row;
typedef void (*pv_trace_report)(void *context, const pv_trace_row *row);
pv_code pv_trace_compare(const char *left, const char *right, pv_trace_report report, void *context,
                         pv_trace_comparison *out, pv_error *err);

/* Runs `forward` from position 0 in batches of at most `batch` and compares the stages of `filter`
 * with `left`, which must be a capture of the same ids and element size. Nothing is kept but sums.
 * Reports once for each stage and layer, in the order of computation. */
struct pv_capture;
pv_code pv_trace_compare_forward(const struct pv_capture *left, pv_forward *forward,
                                 const uint32_t *ids, size_t batch, const pv_trace_filter *filter,
                                 pv_trace_report report, void *context, pv_trace_comparison *out,
                                 pv_error *err);

#endif
