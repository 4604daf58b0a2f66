/* Two traces by the digests of their tensors, where one of them lacks numbers. Of a file that is
 * there the digest is made, and must be the one that its trace names. */
#ifndef PV_TRACE_HASHES_H
#define PV_TRACE_HASHES_H

#include "runtime/trace/folder.h"
#include "runtime/trace/recorded.h"

typedef struct pv_trace_digests {
  uint64_t equal, different;
  uint64_t only_left, only_right; /* tensors that one side lacks */
  bool other_model, other_ids;    /* both are known and differ: then nothing is compared */
  bool cut;                       /* of what both have, cut or typed in two ways: so are digests */
  pv_stage_id stage;              /* of the first of the different, or of those that are cut */
  uint32_t layer;                 /* 0 outside the layers */
} pv_trace_digests;
typedef void (*pv_trace_digest_report)(void *context, pv_stage_id stage, uint32_t layer,
                                       bool equal);

/* In the order of computation; adds to `*out`, which begins as {0}. `right` was opened with the
 * plan of `left`. */
pv_code pv_trace_compare_digests(const pv_recorded *left, const pv_recorded *right,
                                 const pv_trace_filter *filter, pv_trace_digest_report report,
                                 void *context, pv_trace_digests *out, pv_error *err);

#endif
