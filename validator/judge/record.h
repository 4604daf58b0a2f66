/* All that is said about one judgement, in reports and in evidence. */
#ifndef PV_JUDGE_RECORD_H
#define PV_JUDGE_RECORD_H

#include "validator/judge/trial.h"

/* The facts of the run, and what follows from its verdicts. `result` has what was known before: the
 * contract, the command, when it began, the faults that were not tried. */
pv_code pv_record_fill(pv_arena *arena, const pv_request *request, const pv_ground *ground,
                       const pv_git *git, const pv_trial *trial, pv_result *result, pv_error *err);

/* Was something that is missing not asked for, or could not be? Else missing evidence was never
 * made, and `pv validate` and `pv status` say so alike. */
bool pv_record_partial(const pv_request *request, const pv_ground *ground);

#endif
