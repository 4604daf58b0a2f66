#include "validator/judge/same_run.h"

#include <stdio.h>
#include <string.h>

static bool same_text(const char *a, const char *b) {
  return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool same_facts(const pv_fact *a, size_t a_count, const pv_fact *b, size_t b_count) {
  bool same = a_count == b_count;
  for (size_t i = 0; i < a_count && same; i++)
    same = same_text(pv_fact_value(b, b_count, a[i].name), a[i].value);
  return same;
}

static pv_code differ(const pv_named_part *a, const pv_named_part *b, const char *what,
                      const char *left, const char *right, pv_error *err) {
  pv_error_set(err, PV_ERR_INPUT, "the parts are of two runs: %s differs: %s in %s, %s in %s", what,
               left == NULL ? "none" : left, a->folder, right == NULL ? "none" : right, b->folder);
  pv_error_hint(err, "parts of one run are made by one call, but for K in --shard K/N");
  return PV_ERR_INPUT;
}

/* By these a run is told from another one, whatever its hosts are. The commit first: whatever else
 * differs may follow from it. */
static const char *const by_environment[][2] = {{"git", "the commit"},
                                                {"pv_version", "the version of pv"},
                                                {"pv_sha256", "the program pv"},
                                                {"probe_sha256", "the program pv-probe"},
                                                {"kernels_sha256", "the kernels"},
                                                {"ptx_sha256", "the PTX"},
                                                {"builtin_prompts_sha256", "the built-in prompts"}};
enum { BY_ENVIRONMENT = sizeof by_environment / sizeof *by_environment };

/* What is not the same of one falsifier; NULL: all is. What nobody knew in either is the same. */
static const char *other_subject(const pv_subject *a, const pv_subject *b) {
  return strcmp(a->falsifier, b->falsifier) != 0  ? "what it claims"
         : !same_text(a->model, b->model)         ? "the model"
         : !same_text(a->reference, b->reference) ? "the reference"
         : !same_text(a->code, b->code)           ? "the code of the check"
         : !same_text(a->kernels, b->kernels)     ? "the kernels"
         : !same_text(a->ptx, b->ptx)             ? "the PTX"
         : !same_facts(a->numerics, a->numerics_count, b->numerics, b->numerics_count)
             ? "the numerics"
         : !same_facts(a->files, a->file_count, b->files, b->file_count) ? "a file that it names"
                                                                         : NULL;
}

static pv_code same_subjects(const pv_named_part *a, const pv_named_part *b, pv_error *err) {
  const pv_result *left = a->evidence.result, *right = b->evidence.result;
  if (left->falsifier_count != right->falsifier_count)
    return differ(a, b, "the list of falsifiers", "one", "another", err);
  for (size_t i = 0; i < left->falsifier_count; i++) {
    const char *id = left->falsifiers[i].falsifier->id;
    if (strcmp(id, right->falsifiers[i].falsifier->id) != 0)
      return differ(a, b, "the list of falsifiers", id, right->falsifiers[i].falsifier->id, err);
    const pv_subject *of_left = &a->evidence.subjects[i], *of_right = &b->evidence.subjects[i];
    const char *what = other_subject(of_left, of_right);
    if (what == NULL) continue;
    pv_error_set(err, PV_ERR_INPUT, "the parts are of two runs: %s of %s differs in %s and %s",
                 what, id, a->folder, b->folder);
    if (strcmp(what, "the model") == 0)
      return differ(a, b, what, of_left->model, of_right->model, err);
    pv_error_hint(err, "pv diff says what lies between two runs");
    return PV_ERR_INPUT;
  }
  return PV_OK;
}

pv_code pv_same_run(const pv_named_part *a, const pv_named_part *b, pv_error *err) {
  const pv_result *left = a->evidence.result, *right = b->evidence.result;
  char here[16], there[16];
  if (strcmp(left->contract->name, right->contract->name) != 0)
    return differ(a, b, "the contract", left->contract->name, right->contract->name, err);
  for (size_t i = 0; i < BY_ENVIRONMENT; i++) {
    const char *one =
        pv_fact_value(left->environment, left->environment_count, by_environment[i][0]);
    const char *two =
        pv_fact_value(right->environment, right->environment_count, by_environment[i][0]);
    if (!same_text(one, two)) return differ(a, b, by_environment[i][1], one, two, err);
  }
  if (strcmp(left->contract->sha256, right->contract->sha256) != 0)
    return differ(a, b, "the contract", left->contract->sha256, right->contract->sha256, err);
  snprintf(here, sizeof here, "%u", left->part.of);
  snprintf(there, sizeof there, "%u", right->part.of);
  if (left->part.of != right->part.of) return differ(a, b, "the number of parts", here, there, err);
  if (left->part.faults != right->part.faults)
    return differ(a, b, "--faults", left->part.faults ? "given" : "not given",
                  right->part.faults ? "given" : "not given", err);
  if (strcmp(left->part.split, right->part.split) != 0)
    return differ(a, b, "who judges what", left->part.split_by, right->part.split_by, err);
  if (!same_facts(left->numerics, left->numerics_count, right->numerics, right->numerics_count))
    return differ(a, b, "the numerics", "one", "another", err);
  return same_subjects(a, b, err);
}

/* Facts as they are collected, with room for those of all parts. */
typedef struct facts {
  pv_arena *arena;
  pv_fact *items;
  size_t count;
} facts;

static pv_fact *find(const facts *all, const char *name) {
  for (size_t i = 0; i < all->count; i++)
    if (strcmp(all->items[i].name, name) == 0) return &all->items[i];
  return NULL;
}

/* Whether `value` is one of "a | b | c". */
static bool listed(const char *list, const char *value) {
  const size_t length = strlen(value);
  for (const char *at = list; at != NULL; at = strstr(at, " | "), at = at == NULL ? NULL : at + 3)
    if (strncmp(at, value, length) == 0 &&
        (at[length] == '\0' || strncmp(at + length, " | ", 3) == 0))
      return true;
  return false;
}

static pv_code add_environment(facts *all, const pv_fact *fact, pv_error *err) {
  pv_fact *known = find(all, fact->name);
  const bool device = strcmp(fact->name, "device") == 0;
  if (known == NULL)
    return pv_fact_make(all->arena, &all->items[all->count++], fact->name, fact->value)
               ? PV_OK
               : pv_error_nomem(err, "the parts");
  if (listed(known->value, fact->value) || (device && strcmp(fact->value, "none") == 0))
    return PV_OK;
  if (device && strcmp(known->value, "none") != 0)
    return pv_error_refuse(err, "join those of each device alone",
                           "one run is on one device, and the parts were on two: %s and %s",
                           known->value, fact->value);
  known->value = device ? pv_arena_strdup(all->arena, fact->value)
                        : pv_arena_printf(all->arena, "%s | %s", known->value, fact->value);
  return known->value == NULL ? pv_error_nomem(err, "the parts") : PV_OK;
}

static pv_code add_model(facts *all, const pv_fact *fact, pv_error *err) {
  const pv_fact *known = find(all, fact->name);
  if (known == NULL)
    return pv_fact_make(all->arena, &all->items[all->count++], fact->name, fact->value)
               ? PV_OK
               : pv_error_nomem(err, "the parts");
  if (same_text(known->value, fact->value) || strcmp(fact->name, "path") == 0) return PV_OK;
  return pv_error_refuse(err, "one run is about one model",
                         "the parts are of two runs: the model differs: %s is %s and %s",
                         fact->name, known->value, fact->value);
}

pv_code pv_same_run_facts(pv_arena *arena, const pv_named_part *parts, size_t count,
                          pv_result *result, pv_error *err) {
  size_t environment = 1, model = 1;
  pv_code code = PV_OK;
  for (size_t p = 0; p < count; p++) {
    environment += parts[p].evidence.result->environment_count;
    model += parts[p].evidence.result->model_count;
  }
  facts hosts = {arena, PV_ARENA_NEW(arena, environment, pv_fact), 0};
  facts models = {arena, PV_ARENA_NEW(arena, model, pv_fact), 0};
  if (hosts.items == NULL || models.items == NULL) return pv_error_nomem(err, "the parts");
  for (size_t p = 0; p < count; p++) {
    const pv_result *r = parts[p].evidence.result;
    for (size_t i = 0; i < r->environment_count && code == PV_OK; i++)
      code = add_environment(&hosts, &r->environment[i], err);
    for (size_t i = 0; i < r->model_count && code == PV_OK; i++)
      code = add_model(&models, &r->model[i], err);
  }
  if (code != PV_OK) return code;
  result->environment = hosts.items;
  result->environment_count = hosts.count;
  result->model = models.items;
  result->model_count = models.count;
  return PV_OK;
}
