/* Verdicts, what they mean for a status, and the ladder of statuses. */
#ifndef PV_MODEL_VERDICT_H
#define PV_MODEL_VERDICT_H

#include <stdbool.h>

typedef enum pv_verdict {
  PV_NOT_RUN = 0, /* zero value on purpose: a forgotten field never passes */
  PV_PASS,
  PV_FAIL,  /* the claim is false */
  PV_ERROR, /* the check itself broke down */
  PV_TIMEOUT,
  PV_CRASH,        /* the probe ended without an answer (signal in the reason) */
  PV_VACUOUS,      /* nothing was compared, or a declared fault survived */
  PV_INCOMPARABLE, /* the two sides compute different functions */
  PV_STALE, /* only receipts about this model, and something else that they rest on changed */
  PV_NOT_APPLICABLE, /* the claim is about what the model does not have, and says so (`where`) */
  PV_VERDICT_COUNT
} pv_verdict;

const char *pv_verdict_name(pv_verdict verdict);          /* "PASS" ... */
bool pv_verdict_parse(const char *name, pv_verdict *out); /* exact names only */
bool pv_verdict_falsifies(pv_verdict verdict);            /* FAIL, VACUOUS: exit code 1 */
/* ERROR, TIMEOUT, CRASH, INCOMPARABLE: the check broke down and says nothing of the claim. */
bool pv_verdict_broken(pv_verdict verdict);

/* The verdict of a criterion from its falsifiers: the worst of them; none at all is NOT_RUN.
 * Order, worst first: FAIL VACUOUS CRASH ERROR TIMEOUT INCOMPARABLE STALE NOT_RUN NOT_APPLICABLE
 * PASS. */
pv_verdict pv_verdict_join(pv_verdict a, pv_verdict b);

typedef enum pv_contract_status {
  PV_STATUS_DRAFT = 0,
  PV_STATUS_PROPOSED,
  PV_STATUS_ACTIVE_ALGORITHM_LEVEL,
  PV_STATUS_ACTIVE_RUNTIME,
  PV_STATUS_KNOWN_DIVERGENCE, /* beside the ladder: set by hand with named criteria */
  PV_STATUS_DEPRECATED,       /* beside the ladder */
  PV_STATUS_COUNT
} pv_contract_status;

const char *pv_contract_status_name(pv_contract_status status);
bool pv_contract_status_parse(const char *name, pv_contract_status *out);

/* A stage of the work has no status of its own: it follows from the verdicts of its criteria. */
typedef enum pv_stage_status {
  PV_STAGE_PENDING = 0, /* none of its criteria holds, or it has none yet */
  PV_STAGE_IN_PROGRESS, /* some hold */
  PV_STAGE_DONE,        /* all hold, and there is one */
  PV_STAGE_FALSIFIED,   /* one is FAIL or VACUOUS */
  PV_STAGE_COUNT
} pv_stage_status;

const char *pv_stage_status_name(pv_stage_status status);

#endif
