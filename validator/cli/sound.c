#include "validator/cli/sound.h"

#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "validator/model/contract_load.h"
#include "validator/rules/rules.h"

enum { FAMILY_MAX = 256 };

/* The contract and all it rests on, by name. */
typedef struct family {
  const char *names[FAMILY_MAX];
  size_t count, done;
} family;

static void print_finding(const pv_finding *f) {
  pv_error shown = PV_ERROR_INIT;
  pv_error_set(&shown, PV_ERR_INPUT, "%s", f->message);
  pv_error_at(&shown, f->file, f->line, f->column, -1);
  pv_error_rule(&shown, f->rule->id);
  if (f->hint != NULL && f->hint[0] != '\0') pv_error_hint(&shown, "%s", f->hint);
  pv_error_print(&shown, stderr);
}

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

/* All of several; one alone is told as the error that it is. */
static bool print_flaws(const pv_flaws *flaws) {
  for (size_t i = 0; flaws->count > 1 && i < flaws->count; i++)
    pv_error_print(&flaws->items[i], stderr);
  return flaws->count > 1;
}

/* Loads and lints one; the number of severe findings is added to `severe`, and `*out` is NULL when
 * they are about what could not be read. */
static pv_code look(pv_arena *arena, const char *path, pv_contract **out, size_t *severe,
                    pv_error *err) {
  pv_findings findings = {0};
  pv_flaws flaws = {0};
  *out = NULL;
  pv_code code = pv_contract_read(arena, path, out, &flaws, err);
  if (print_flaws(&flaws)) {
    *severe += flaws.count;
    return PV_OK;
  }
  if (code == PV_OK) code = pv_rules_run(arena, *out, &findings, err);
  if (code != PV_OK) return code;
  for (size_t i = 0; i < findings.count; i++)
    if (findings.items[i].rule->severity == PV_SEVERE) print_finding(&findings.items[i]);
  *severe += findings.severe;
  return PV_OK;
}

pv_code pv_sound_load(pv_arena *arena, const char *path, pv_contract **out, pv_error *err) {
  char copy[PATH_MAX];
  size_t severe = 0;
  family all = {0};
  pv_contract *contract = NULL;
  if (strlen(path) >= sizeof copy)
    return pv_error_set(err, PV_ERR_INPUT, "the contract's path is too long");
  strcpy(copy, path);
  const char *folder = dirname(copy);
  pv_code code = look(arena, path, &contract, &severe, err);
  *out = contract;
  if (code == PV_OK && contract != NULL) code = add(&all, contract->name, err);
  if (code == PV_OK && severe == 0) code = add_needed(&all, contract, err);
  for (all.done = 1; code == PV_OK && severe == 0 && all.done < all.count; all.done++) {
    const char *below = pv_arena_printf(arena, "%s/%s.yaml", folder, all.names[all.done]);
    if (below == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for a path");
    code = look(arena, below, &contract, &severe, err);
    if (code == PV_OK) code = add_needed(&all, contract, err);
  }
  if (code != PV_OK || severe == 0) return code;
  pv_error_set(err, PV_ERR_INPUT, "nothing was run: the contract%s not valid",
               all.done > 1 ? " or one that it depends on is" : " is");
  pv_error_at(err, path, 0, 0, -1);
  pv_error_hint(err, "`pv explain RULE` says more about a finding");
  return PV_ERR_INPUT;
}
