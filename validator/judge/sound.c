#include "validator/judge/sound.h"

#include <libgen.h>
#include <limits.h>
#include <string.h>

#include "validator/model/contract_load.h"

enum { FAMILY_MAX = 256 };

/* The contract and all it rests on, by name. */
typedef struct family {
  const char *names[FAMILY_MAX];
  size_t count, done;
} family;

static pv_code add(family *all, const char *name, pv_error *err) {
  for (size_t i = 0; i < all->count; i++)
    if (strcmp(all->names[i], name) == 0) return PV_OK;
  if (all->count == FAMILY_MAX)
    return pv_error_set(err, PV_ERR_LIMIT, "more than %d contracts depend on one another",
                        FAMILY_MAX);
  all->names[all->count++] = name;
  return PV_OK;
}

static pv_code add_needed(family *all, const pv_contract *c, pv_error *err) {
  pv_code code = PV_OK;
  for (size_t i = 0; c != NULL && code == PV_OK && i < c->depends_on.count; i++)
    code = add(all, c->depends_on.items[i], err);
  return code;
}

/* Loads and lints one, and with `given` asks its providers first; `*out` is NULL when what is wrong
 * is that it could not be read. All of several flaws are findings; one alone is told as the error
 * that it is. */
static pv_code look(pv_arena *arena, const pv_known *known, const pv_given_providers *given,
                    const char *path, pv_contract **out, pv_findings *severe, pv_error *err) {
  pv_findings findings = {0};
  pv_flaws flaws = {0};
  *out = NULL;
  pv_code code = pv_contract_read(arena, path, out, &flaws, err);
  if (flaws.count > 1) code = PV_OK;
  for (size_t i = 0; code == PV_OK && flaws.count > 1 && i < flaws.count; i++)
    code = pv_findings_from_error(arena, severe, &flaws.items[i], err);
  if (code == PV_OK && *out != NULL && given != NULL)
    code = pv_providers_ask(arena, *out, given, err);
  if (code == PV_OK && *out != NULL) code = pv_rules_run(arena, known, *out, &findings, err);
  for (size_t i = 0; code == PV_OK && i < findings.count; i++) {
    const pv_finding *f = &findings.items[i];
    if (f->rule->severity == PV_SEVERE)
      code = pv_findings_add(arena, severe, f->rule->id, f->file, f->line, f->column, f->hint, err,
                             "%s", f->message);
  }
  return code;
}

pv_code pv_sound_load(pv_arena *arena, const pv_known *known, const pv_given_providers *given,
                      const char *path, pv_contract **out, pv_findings *findings, pv_error *err) {
  char copy[PATH_MAX];
  const size_t before = findings->count;
  family all = {0};
  pv_contract *contract = NULL;
  if (strlen(path) >= sizeof copy)
    return pv_error_set(err, PV_ERR_INPUT, "the contract's path is too long");
  strcpy(copy, path);
  const char *folder = dirname(copy);
  pv_code code = look(arena, known, given, path, &contract, findings, err);
  *out = contract;
  if (code == PV_OK && contract != NULL) code = add(&all, contract->name, err);
  if (code == PV_OK && findings->count == before) code = add_needed(&all, contract, err);
  for (all.done = 1; code == PV_OK && findings->count == before && all.done < all.count;
       all.done++) {
    const char *below = pv_arena_printf(arena, "%s/%s.yaml", folder, all.names[all.done]);
    if (below == NULL) return pv_error_nomem(err, "a path");
    code = look(arena, known, NULL, below, &contract, findings, err);
    if (code == PV_OK) code = add_needed(&all, contract, err);
  }
  if (code != PV_OK || findings->count == before) return code;
  pv_error_set(err, PV_ERR_INPUT, "nothing was run: the contract%s not valid",
               all.done > 1 ? " or one that it depends on is" : " is");
  pv_error_at(err, path, 0, 0, -1);
  pv_error_hint(err, "`pv explain RULE` says more about a finding");
  return PV_ERR_INPUT;
}
