/* A model without a contract: the contract that is about every model, and what this machine can
 * show of it. */
#ifndef PV_JUDGE_ANY_H
#define PV_JUDGE_ANY_H

#include "validator/judge/ground.h"

/* Its path among what pv came with (own.h). PV_ERR_INPUT where there is none. */
pv_code pv_any_contract(pv_arena *arena, const char **out, pv_error *err);

/* The largest model whose kernels are interpreted without being asked for: a matter of time. */
#define PV_ANY_INTERPRETED ((uint64_t)64 << 20)

/* Completes a request that names a model and no contract. What is asked is what any machine can
 * show, ACTIVE_ALGORITHM_LEVEL, whatever the file claims of the default model; and where no device
 * is, a small model's kernels are interpreted: `ptx` becomes the backend, unless one was named. */
pv_code pv_any_ask(pv_arena *arena, pv_contract *contract, pv_request *request, pv_error *err);

#endif
