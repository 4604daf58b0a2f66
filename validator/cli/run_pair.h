/* Two runs side by side. */
#ifndef PV_CLI_RUN_PAIR_H
#define PV_CLI_RUN_PAIR_H

#include <jansson.h>

#include "base/arena.h"
#include "base/error.h"
#include "validator/store/evidence.h"

#define PV_RUN_DIFF_SCHEMA "pv/run-diff/v1"

/* Whether a word of `pv diff` names a run: `latest`, an id or the 8 digits that it ends with, a
 * folder with evidence.json, or that file. Else it is a contract. */
bool pv_run_pair_names(const char *word);

typedef struct pv_run_pair {
  pv_evidence run[2]; /* the old one and the new one */
  const char *place[2];
  /* In what follows NULL is what only one of them has. */
  struct pv_pair_verdict {
    const char *kind, *id; /* "criterion" or "falsifier" */
    const char *verdict[2];
    bool worse; /* also when it is gone */
  } * verdicts;
  struct pv_pair_metric {
    const char *falsifier, *name;
    bool known[2], gated[2];
    double value[2], gate[2];
    bool minimum;
    const char *unit;
  } * metrics;
  struct pv_pair_text {
    const char *name, *value[2];
  } * digests, *environment;
  size_t verdict_count, metric_count, digest_count, environment_count;
} pv_run_pair;

/* Finds both runs and what changed from the one to the other, in the arena: nothing else is in the
 * lists. Runs of two contracts are PV_ERR_INPUT. */
pv_code pv_run_pair_make(pv_arena *arena, const char *const words[2], const char *probe,
                         const pv_run_pair **out, pv_error *err);
bool pv_run_pair_worse(const pv_run_pair *pair);

pv_code pv_run_pair_print(const pv_run_pair *pair, bool json, pv_error *err);

#endif
