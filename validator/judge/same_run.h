/* Whether two parts are of one run, and what that run then says of model and machine. */
#ifndef PV_JUDGE_SAME_RUN_H
#define PV_JUDGE_SAME_RUN_H

#include "validator/store/evidence.h"

typedef struct pv_named_part {
  const char *folder;
  pv_evidence evidence; /* of a part */
} pv_named_part;

/* PV_ERR_INPUT, with both values, for the first thing that is not the same in both and would be in
 * one run: contract, commit, number of parts, split, programs, kernels, numerics, and what each
 * falsifier is about, whoever judged it. */
pv_code pv_same_run(const pv_named_part *a, const pv_named_part *b, pv_error *err);

/* Fills environment and model of `result` from parts of one run. A fact of the hosts that differs
 * is each of its values, with " | " between. One run is on one device: PV_ERR_INPUT for two, and
 * for two values of one fact about the model but its path. */
pv_code pv_same_run_facts(pv_arena *arena, const pv_named_part *parts, size_t count,
                          pv_result *result, pv_error *err);

#endif
