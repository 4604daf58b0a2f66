/* What `pv bisect` prints. */
#ifndef PV_PROBE_BISECT_REPORT_H
#define PV_PROBE_BISECT_REPORT_H

#include <jansson.h>

#include "runtime/bisect/bisect.h"

/* A finding for a reader: what, where, which side, how much, since when, how to see it again.
 * `again` is the command that was given. */
void pv_bisect_text(const pv_bisect_spec *spec, const pv_bisect_result *result, const char *again);
/* One JSON object with everything that was measured, and what limits say of each side, which is
 * taken. PV_ERR_NOMEM. */
pv_code pv_bisect_json(const pv_bisect_spec *spec, const pv_bisect_result *result, json_t *judged,
                       const char *again, pv_error *err);

/* Pictures by layer in `folder`: error.svg, what has piled up on both sides, and router.svg, the
 * margins beside what the sides differ by. One of which nothing is known is left out. */
pv_code pv_bisect_svg(const char *folder, const pv_bisect_spec *spec,
                      const pv_bisect_result *result, pv_error *err);

/* Every fault planted once in the right side of `base`, in a layer in its middle, as a table of
 * markdown or JSON. `*all_found`: stage, layer and side are right for each. */
pv_code pv_bisect_all_faults(const pv_bisect_spec *base, bool json, bool *all_found, pv_error *err);

/* Stages that `stage` depends on and that side `side` has not recorded, back to those that it has:
 * out[layer][stage], room for `result->layers`. Their number. */
size_t pv_bisect_behind(const pv_bisect_result *result, int side, pv_stage_id stage, uint32_t layer,
                        bool (*out)[PV_STAGES_MAX]);

/* The kernels that make a stage, each with its file; NULL for who is not known. `computed`: "cpu",
 * "cuda", "ptx" or "definition". */
const char *pv_bisect_source(const pv_model *model, const char *computed, pv_numerics numerics,
                             pv_stage_id stage, uint32_t layer);

/* The largest error that a side introduces, and where; 0 when there is none. */
double pv_bisect_worst(const pv_bisect_result *result, int side, pv_stage_id *stage,
                       uint32_t *layer);
/* "an expert that the row has already"; for PV_BISECT_OTHER_BITS and PV_BISECT_SOUND "". */
const char *pv_bisect_why_text(pv_bisect_why why);
const char *pv_bisect_verdict_name(pv_bisect_verdict verdict);
/* The place that the verdict is about; NULL when there is none (equal, or a fallback alone). */
const pv_bisect_place *pv_bisect_culprit(const pv_bisect_result *result);

#endif
