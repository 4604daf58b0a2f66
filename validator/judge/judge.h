/* One contract judged. A pipeline: each step makes its value from those before it.
 *
 *   request -> ground (what lies around) -> trial (what was run) -> subjects (what verdicts rest
 * on), receipts -> result (what follows) -> folder (what is written), and with `publish` the
 * contract. */
#ifndef PV_JUDGE_JUDGE_H
#define PV_JUDGE_JUDGE_H

#include "validator/judge/signature.h"
#include "validator/judge/trial.h"
#include "validator/store/subject.h"

typedef struct pv_judgement { /* all of it in the arena */
  pv_request request;         /* as it was made */
  pv_ground ground;
  pv_signature signature; /* of pv_judge alone */
  pv_trial trial;
  pv_subject *subjects; /* one for each falsifier */
  pv_result result;
  pv_strings notes; /* receipts that are broken, what was not found */
  /* of pv_judge alone */
  pv_git git;
  const char *shown;          /* the report's folder as the user can type it */
  pv_strings next;            /* pv_bisect_calls */
  pv_contract_status written; /* the status in the contract after publishing */
} pv_judgement;

/* Runs, judges, writes the report. On failure nothing is left behind and no status is moved. */
pv_code pv_judge(pv_arena *arena, const pv_request *request, pv_judgement *out, pv_error *err);

/* The same from receipts alone: no falsifier is run, nothing is written. The receipts are held
 * against the digests of the files that lie here and against what the probe says of itself. */
pv_code pv_judge_receipts(pv_arena *arena, const pv_request *request, pv_judgement *out,
                          pv_error *err);

#endif
