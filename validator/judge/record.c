#include "validator/judge/record.h"

#include <string.h>

#include "validator/store/derive.h"

/* The model's facts, with its path as it is in the repository. */
static pv_code model_facts(pv_arena *arena, const pv_site *site, const pv_run_hello *hello,
                           const pv_contract *contract, pv_result *r, pv_error *err) {
  pv_fact *facts = PV_ARENA_NEW(arena, hello->model_count + 1, pv_fact);
  if (facts == NULL) return pv_error_nomem(err, "a record");
  for (size_t i = 0; i < hello->model_count; i++) {
    facts[i] = hello->model[i];
    if (strcmp(facts[i].name, "path") != 0) continue;
    const char *path = pv_site_relative(arena, site->root, facts[i].value);
    facts[i].value = path == NULL ? NULL : pv_arena_strdup(arena, path);
    if (facts[i].value == NULL) return pv_error_nomem(err, "a record");
  }
  r->model = facts;
  r->model_count = hello->model_count;
  if (hello->model_count == 0 || contract->model.made_by == NULL) return PV_OK;
  const bool whole =
      pv_fact_make(arena, &facts[r->model_count++], "made_by", contract->model.made_by);
  return whole ? PV_OK : pv_error_nomem(err, "a record");
}

/* What was taken from around the contract, and why from there. */
static pv_code site_facts(pv_arena *arena, const pv_request *request, const pv_ground *ground,
                          pv_result *r, pv_error *err) {
  const char *model = request->model != NULL  ? "--model"
                      : ground->model != NULL ? PV_SITE_MODEL
                                              : "none";
  const char *const facts[][2] = {{"root", ground->site.root_why},
                                  {"model_from", model},
                                  {"receipts_from", ground->site.evidence_why},
                                  {"prompts_from", request->prompts != NULL ? "the call" : NULL},
                                  {"asked", request->any ? "what any machine can show; no contract "
                                                           "was named"
                                                         : NULL}};
  enum { FACTS = sizeof facts / sizeof *facts };
  pv_fact *list = PV_ARENA_NEW(arena, r->environment_count + FACTS, pv_fact);
  if (list == NULL) return pv_error_nomem(err, "a record");
  memcpy(list, r->environment, r->environment_count * sizeof *list);
  for (size_t i = 0; i < FACTS; i++)
    if (facts[i][1] != NULL &&
        !pv_fact_make(arena, &list[r->environment_count++], facts[i][0], facts[i][1]))
      return pv_error_nomem(err, "a record");
  r->environment = list;
  return PV_OK;
}

bool pv_record_partial(const pv_request *request, const pv_ground *ground) {
  return request->only != NULL || ground->lacking || request->backend != NULL ||
         request->given_providers || request->prompts != NULL;
}

pv_code pv_record_fill(pv_arena *arena, const pv_request *request, const pv_ground *ground,
                       const pv_git *git, const pv_trial *trial, pv_result *result, pv_error *err) {
  const pv_run_hello *hello = &trial->outcome.hello;
  pv_result r = *result;
  r.partial = pv_record_partial(request, ground);
  r.numerics = hello->numerics;
  r.numerics_count = hello->numerics_count;
  r.falsifiers = trial->outcome.falsifiers;
  r.falsifier_count = trial->outcome.falsifier_count;
  if (request->shard != NULL) r.part = request->shard->part;
  pv_code code = model_facts(arena, &ground->site, hello, request->contract, &r, err);
  if (code == PV_OK)
    code = pv_facts_environment(arena, hello->environment, hello->environment_count, git,
                                &r.environment, &r.environment_count, err);
  if (code == PV_OK) code = site_facts(arena, request, ground, &r, err);
  if (code == PV_OK) code = pv_status_derive(arena, &r, err);
  if (code == PV_OK) *result = r;
  return code;
}
