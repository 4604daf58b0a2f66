/* What to run next after a verdict that is not green. */
#ifndef PV_CLI_SUGGEST_H
#define PV_CLI_SUGGEST_H

#include "base/text.h"
#include "validator/judge/judge.h"

/* Appends the calls of `pv bisect` that the judgement names; nothing when there are none. */
void pv_suggest_bisect(const pv_judgement *j, pv_text *out);

/* Appends, where there is no device and receipts of one are STALE because the kernels changed, the
 * call that interprets these kernels; nothing where this build has none to interpret. */
void pv_suggest_interpreter(const pv_judgement *j, pv_text *out);

#endif
