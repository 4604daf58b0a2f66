/* Reports about one call over several contracts: what a CI shows. As those of render.h: pure, and
 * on failure `out` holds what it held before. */
#ifndef PV_RENDER_CALL_H
#define PV_RENDER_CALL_H

#include "reports/render/render.h"

#define PV_RENDER_SUMMARY_LIMIT (1024u * 1024u) /* a summary stays below this many bytes */

typedef struct pv_outcome {
  const pv_result *result;
  const char *file;   /* the contract, from the root of its repository: what a CI calls it */
  const char *folder; /* the report's; NULL: there is none */
} pv_outcome;

/* A call that ended early has `failures`, and those that were judged before it did. */
typedef struct pv_call {
  const pv_outcome *items;
  size_t count;
  const pv_error *failures;
  size_t failure_count;
} pv_call;

/* JUnit with a suite for each contract. A failure is a case in error, so that a server that looks
 * at nothing else does not take the call for a success. */
pv_code pv_render_junit_call(const pv_call *call, pv_text *out, pv_error *err);

/* SARIF 2.1.0, one run. Its rules are the criteria; its results only what keeps the exit code from
 * 0, for servers show whatever is a result as a problem. */
pv_code pv_render_sarif(const pv_call *call, pv_text *out, pv_error *err);

/* Markdown below PV_RENDER_SUMMARY_LIMIT: a table of the contracts, then the criteria of each. */
pv_code pv_render_summary(const pv_call *call, pv_text *out, pv_error *err);

/* Workflow commands of GitHub, each on a line of its own: of one contract, and of one failure. A
 * notice where all is well. */
pv_code pv_render_github(const pv_outcome *outcome, pv_text *out, pv_error *err);
void pv_render_github_failure(const pv_error *failure, pv_text *out);

/* "3 contracts: 1 as claimed, 1 not as claimed, 1 not judged". Exit codes are those of pv_result.
 */
void pv_render_tally(const pv_call *call, pv_text *out);

#endif
