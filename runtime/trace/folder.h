/* Traces on disk: `manifest.json` and one raw little-endian file per stage and layer, or digests
 * alone. docs/trace-format.md has the format. */
#ifndef PV_TRACE_FOLDER_H
#define PV_TRACE_FOLDER_H

#include <stdbool.h>

#include "base/sha256.h"
#include "runtime/walk/walk.h"

/* Which stages and layers are wanted. NULL means all. Names as in the plan; layers as
 * numbers, separated by commas. */
typedef struct pv_trace_filter {
  const pv_plan *plan;
  bool stage[PV_STAGES_MAX];
  bool layer[PV_MODEL_LAYERS_MAX];
} pv_trace_filter;
pv_code pv_trace_filter_parse(const char *stages, const char *layers, const pv_plan *plan,
                              uint32_t layer_count, pv_trace_filter *out, pv_error *err);
/* pv_visitor.want over a filter. */
bool pv_trace_wanted(const void *filter, pv_stage_id stage, uint32_t layer);

/* Writer: a visitor of the walk over one source. The folder must not exist or be empty; files
 * appear in it as the source is walked, unless `hashes` asks for digests alone, and the manifest
 * last: a folder without a manifest is no trace. */
typedef struct pv_trace_writer pv_trace_writer;
pv_code pv_trace_begin(const char *folder, const pv_trace_filter *filter, bool hashes,
                       pv_trace_writer **out, pv_error *err);
pv_visitor pv_trace_visitor(pv_trace_writer *writer);
/* `about` (name and text pairs, NULL-ended) goes into the manifest; "configuration.KEY" into its
 * object. */
pv_code pv_trace_finish(pv_trace_writer *writer, const char *const *about, pv_error *err);
void pv_trace_free(pv_trace_writer *writer); /* after finish, or to abandon: files are removed */

/* Whether both are known and differ. */
void pv_trace_note_about(const pv_source sides[2], bool *other_model, bool *other_ids);

/* Comparison of two sources tensor by tensor, in the order of computation. */
typedef struct pv_trace_comparison {
  uint64_t tensors, elements, different;
  uint64_t only_left, only_right; /* tensors that one side lacks */
  uint64_t rows_left, rows_right; /* rows that one side lacks, of tensors that both have */
  bool other_model, other_ids;    /* both are known and differ: then nothing is compared */
} pv_trace_comparison;
typedef struct pv_trace_row { /* one tensor of both */
  const pv_plan *plan;
  pv_stage_id stage;
  uint32_t layer; /* 0 outside the layers */
  pv_distance apart;
} pv_trace_row;
typedef void (*pv_trace_report)(void *context, const pv_trace_row *row);

/* Walks over two sources and adds to `*out`, which begins as {0}: the rows that both have of a
 * tensor. Nothing is kept but sums; a tensor is reported when all is compared. Of `walk` the
 * sources and their number are not looked at. PV_ERR_INPUT when a tensor of both has two shapes. */
pv_code pv_trace_compare(const pv_source sides[2], const pv_walk_spec *walk,
                         const pv_trace_filter *filter, pv_trace_report report, void *context,
                         pv_trace_comparison *out, pv_error *err);

#endif
