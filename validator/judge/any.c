#include "validator/judge/any.h"

#include <string.h>

#include "base/parts.h"
#include "validator/judge/own.h"
#include "validator/run/run.h"

pv_code pv_any_contract(pv_arena *arena, const char **out, pv_error *err) {
  const char *found = NULL;
  const pv_code code = pv_own_file(arena, PV_OWN_CONTRACT, &found, err);
  if (code != PV_OK) return code;
  if (found == NULL)
    return pv_error_refuse(err, "name it: pv validate CONTRACT --model FILE",
                           "no contract was named, and in no folder above pv's own that may be "
                           "trusted is " PV_OWN_CONTRACT);
  *out = found;
  return PV_OK;
}

/* Whether the probe has kernels, and no device of CUDA to run them. */
static pv_code can_only_interpret(pv_arena *arena, const pv_contract *contract, const char *given,
                                  bool *out, pv_error *err) {
  pv_run_spec spec = {.contract = contract};
  pv_run_hello hello = {0};
  pv_code code = pv_run_find_probe(arena, given, &spec.probe, err);
  if (code == PV_OK) code = pv_run_ask(arena, &spec, &hello, err);
  if (code != PV_OK) return code;
  *out = pv_fact_value(hello.environment, hello.environment_count, "ptx_sha256") != NULL &&
         pv_fact_value(hello.environment, hello.environment_count, "cuda_code") == NULL;
  return PV_OK;
}

pv_code pv_any_ask(pv_arena *arena, pv_contract *contract, pv_request *request, pv_error *err) {
  uint64_t length = 0;
  bool interpret = false;
  pv_code code = PV_OK;
  contract->status = PV_STATUS_ACTIVE_ALGORITHM_LEVEL;
  if (request->backend == NULL && pv_parts_length(request->model, &length) &&
      length <= PV_ANY_INTERPRETED)
    code = can_only_interpret(arena, contract, request->probe, &interpret, err);
  if (code == PV_OK && interpret) request->backend = "ptx";
  if (code == PV_OK) request->any = true;
  return code;
}
