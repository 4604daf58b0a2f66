#include "validator/cli/named_model.h"

#include <string.h>

#include "base/sha256.h"
#include "runtime/probe/check_spec.h"

pv_code pv_named_model_keep(const pv_contract *contract, const char *what, const char *want,
                            bool given, const char **path, pv_error *err) {
  char digest[PV_SHA256_HEX];
  if (*path == NULL || want == NULL) return PV_OK;
  const pv_code code = pv_sha256_file(*path, digest, err);
  if (code != PV_OK || strcmp(digest, want) == 0) return code;
  if (given) {
    pv_error_set(err, PV_ERR_INPUT, "the %s '%s' is not the one that %s names: its SHA-256 is %s",
                 what, *path, contract->name, digest);
    pv_error_hint(err, "make it with: %s FILE", contract->model.made_by);
    return PV_ERR_INPUT;
  }
  *path = NULL;
  return PV_OK;
}

char *pv_named_model_cure(pv_arena *arena, const pv_contract *contract) {
  return pv_arena_printf(
      arena,
      "the model that the contract names is not here with its reference; make both with "
      "`%s FILE` "
      "and name it with --model",
      contract->model.made_by);
}

void pv_named_model_leave_out(const pv_contract *contract, bool *selected, bool *absent) {
  for (size_t i = 0; i < contract->falsifier_count; i++) {
    const pv_check_spec *spec = pv_check_find(contract->falsifiers[i].check);
    absent[i] = selected[i] && (spec == NULL || (spec->needs & PV_NEEDS_MODEL) != 0);
    if (absent[i]) selected[i] = false;
  }
}

pv_code pv_named_model_explain(pv_arena *arena, const pv_contract *contract, const bool *absent,
                               pv_falsifier_result *results, pv_error *err) {
  for (size_t i = 0; i < contract->falsifier_count; i++) {
    if (!absent[i]) continue;
    results[i].reason = pv_named_model_cure(arena, contract);
    if (results[i].reason == NULL)
      return pv_error_set(err, PV_ERR_NOMEM, "out of memory for a reason");
  }
  return PV_OK;
}
