#include "validator/model/result.h"

#include <string.h>

bool pv_fact_make(pv_arena *arena, pv_fact *out, const char *name, const char *value) {
  *out = (pv_fact){pv_arena_strdup(arena, name), pv_arena_strdup(arena, value)};
  return out->name != NULL && out->value != NULL;
}

const char *pv_fact_value(const pv_fact *facts, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++)
    if (facts[i].name != NULL && strcmp(facts[i].name, name) == 0) return facts[i].value;
  return NULL;
}

const char *pv_source_name(pv_source source) {
  return source == PV_FROM_RUN ? "run" : source == PV_FROM_RECEIPT ? "receipt" : "nowhere";
}

bool pv_result_falsified(const pv_result *r) {
  for (size_t i = 0; i < r->falsifier_count; i++)
    if (pv_verdict_falsifies(r->falsifiers[i].verdict)) return true;
  return false;
}

size_t pv_result_needed(const pv_result *result, pv_contract_status status) {
  size_t count = 0;
  for (size_t i = 0; i < result->criterion_count; i++)
    count +=
        result->criteria[i].verdict != PV_NOT_APPLICABLE &&
        (status <= PV_STATUS_ACTIVE_RUNTIME ? result->criteria[i].criterion->needed_for <= status
                                            : status == PV_STATUS_KNOWN_DIVERGENCE);
  return count;
}
