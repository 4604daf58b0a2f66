/* A side held to limits, for the commands that tell of it. */
#ifndef PV_PROBE_JUDGED_H
#define PV_PROBE_JUDGED_H

#include <jansson.h>

#include "runtime/limits/limits.h"
#include "runtime/probe/call.h"
#include "runtime/sources/walker.h"

typedef struct pv_judged {
  const pv_walker *side;
  pv_job *job;         /* with one sequence of tokens */
  pv_foreign identity; /* of pv_judged_identity */
  double factor;       /* of every limit */
} pv_judged;

/* `as` (NULL: not given), else what the side says that it computes, else what holds for any. */
pv_code pv_judged_identity(const pv_walker *side, const char *as, pv_foreign *out, pv_error *err);
pv_code pv_judged_run(const pv_judged *judged, pv_limits_result *out, pv_error *err);
/* "Every judged stage is what ggml-cpu explains: ..." or the first place outside, and the worst.
 * `who` begins the line. */
void pv_judged_print(const pv_judged *judged, const char *who, const pv_limits_result *r);
/* identity, judged, outside, first, worst, stages ...; NULL when memory is out. */
json_t *pv_judged_json(const pv_judged *judged, const pv_limits_result *r);
/* A table of all identities, and which explains the run. The side's own type of a cache is kept.
 * `*exit_code`: as pv_judged_exit. */
pv_code pv_judged_explain(const pv_judged *judged, int *exit_code, pv_error *err);
/* 0: all that was judged is explained; 1: a finding; 3: nothing was judged. */
int pv_judged_exit(const pv_limits_result *r);

#endif
