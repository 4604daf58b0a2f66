/* From the verdicts of falsifiers to criteria, status and exit code. Nothing is read or run here.
 *
 * The ladder is DRAFT, PROPOSED, ACTIVE_ALGORITHM_LEVEL, ACTIVE_RUNTIME. A rung is supported when
 * every criterion that it or a lower one needs is PASS, and when the contract has a criterion for
 * it or for a higher rung: nothing supports a rung that nobody made a claim for. Nothing rises to a
 * rung that needs no criterion.
 * KNOWN_DIVERGENCE is supported when exactly the criteria named by the contract fail and every
 * other one is PASS. A DEPRECATED contract claims nothing.
 *
 * Exit codes: 1 when a criterion or a falsifier is FAIL or VACUOUS (but for the named ones of a
 * supported KNOWN_DIVERGENCE), when a named one passes, or when the file's status needs a criterion
 * that neither a whole run nor any receipt, stale ones and those about other models included, ever
 * judged; else 3 when the file's status is not supported, a check broke down (ERROR, TIMEOUT,
 * CRASH, INCOMPARABLE) or a declared fault was to be tried and was not; else 0.
 *
 * A part of a run supports no status: DRAFT, and `status_carried` is false. Its exit code is about
 * the falsifiers that it was to judge: 1 and 3 as above, 3 also where one has no verdict, else 0.
 *
 * A stage claims nothing beyond its criteria: its status follows from theirs and has no part in the
 * exit code. */
#ifndef PV_STORE_DERIVE_H
#define PV_STORE_DERIVE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "validator/model/result.h"

/* `result` has its contract and one result for each falsifier; fills criteria, stages, summary,
 * statuses and exit code. */
pv_code pv_status_derive(pv_arena *arena, pv_result *result, pv_error *err);

/* Whether the file's status was typed and not earned: it needs a criterion that neither this run,
 * if it was a whole one, nor any receipt, stale ones included, ever judged. */
bool pv_status_never_shown(const pv_result *result);

/* Whether the check of some falsifier broke down: ERROR, TIMEOUT, CRASH, INCOMPARABLE. */
bool pv_status_broken(const pv_result *result);

/* One sentence on why the file's status is not supported, naming the first criteria in the way;
 * nothing when it is supported. */
void pv_status_explain(const pv_result *result, pv_text *out);

#endif
