/* What is run of a contract, and what came of it. */
#ifndef PV_JUDGE_TRIAL_H
#define PV_JUDGE_TRIAL_H

#include "validator/judge/ground.h"
#include "validator/run/run.h"

typedef struct pv_trial {
  pv_run_spec spec; /* as the probe got it */
  bool *absent;     /* not run because the model that is named is not here; one a falsifier */
  pv_run_outcome outcome;
} pv_trial;

/* Runs the falsifiers that the request selects. With none to run the probe is only asked what it
 * is, but for a deprecated contract, of which nothing is judged. */
pv_code pv_trial_run(pv_arena *arena, const pv_request *request, const pv_ground *ground,
                     pv_trial *out, pv_error *err);

/* Runs nothing, and asks the probe. */
pv_code pv_trial_ask(pv_arena *arena, const pv_request *request, pv_trial *out, pv_error *err);

/* Runs each falsifier that was asked for against the faults that it declares; pairs that could not
 * be tried are counted in `untried` and told in `notes`. */
pv_code pv_trial_faults(pv_arena *arena, pv_trial *trial, pv_strings *notes, unsigned *untried,
                        pv_error *err);

#endif
