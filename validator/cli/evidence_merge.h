/* pv evidence merge. */
#ifndef PV_CLI_EVIDENCE_MERGE_H
#define PV_CLI_EVIDENCE_MERGE_H

#include "validator/judge/merge.h"

/* Joins and prints the run, as `pv evidence show` does; `exit_code` is the run's, or 3 where parts
 * are missing, which are then named. */
pv_code pv_evidence_merge(pv_arena *arena, const pv_merge_ask *ask, bool json, int *exit_code,
                          pv_error *err);

#endif
