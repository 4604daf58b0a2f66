/* Can a falsifier fail? Each is run once more for each fault that it declares, planted in the side
 * that it tests, and once with what stands in for that side and no fault. */
#ifndef PV_RUN_FAULTS_H
#define PV_RUN_FAULTS_H

#include "validator/run/run.h"

/* For each selected falsifier of `spec`: `faults_killed` of its entry in `results` (one for each
 * falsifier of the contract) becomes the faults that made it FAIL. One that passes over a fault
 * becomes VACUOUS, wherever its verdict came from, unless it is FAIL. Faults count only when the
 * falsifier passes without one; what could not be tried is told in `notes`, whose
 * items are new and in the arena. */
pv_code pv_run_faults(pv_arena *arena, const pv_run_spec *spec, pv_falsifier_result *results,
                      pv_strings *notes, pv_error *err);

#endif
