/* The one model that a contract names, found here or not. Texts are owned by the arena. */
#ifndef PV_CLI_NAMED_MODEL_H
#define PV_CLI_NAMED_MODEL_H

#include <stdbool.h>

#include "base/arena.h"
#include "validator/model/result.h"

/* Keeps `*path` (may be NULL) only where the file's digest is `want`. One that the user gave and is
 * another file is PV_ERR_INPUT, the default one becomes NULL. `what`: "model" or "reference". */
pv_code pv_named_model_keep(const pv_contract *contract, const char *what, const char *want,
                            bool given, const char **path, pv_error *err);

/* How to get the model: one sentence. */
char *pv_named_model_cure(pv_arena *arena, const pv_contract *contract);

/* Without the model: falsifiers that would look at it are not run, whatever a probe would say
 * (`absent` gets which), and afterwards say how to get it. Both have an entry for each falsifier.
 */
void pv_named_model_leave_out(const pv_contract *contract, bool *selected, bool *absent);
pv_code pv_named_model_explain(pv_arena *arena, const pv_contract *contract, const bool *absent,
                               pv_falsifier_result *results, pv_error *err);

#endif
