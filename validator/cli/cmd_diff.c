/* pv diff: what changed between two versions of a contract, and whether it weakens it; or between
 * two runs (run_pair.h). */
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/options.h"
#include "base/text.h"
#include "reports/render/put.h"
#include "validator/cli/commands.h"
#include "validator/cli/run_pair.h"
#include "validator/model/bind.h"
#include "validator/model/contract_load.h"
#include "validator/run/run.h"

typedef struct diff {
  bool json, failed; /* failed: memory was out for a text */
  bool quiet;        /* counts and says nothing */
  json_t *changes;
  size_t breaking, compatible;
  const char *file;
} diff;

static void note(diff *d, bool breaking, const pv_place *place, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static void note(diff *d, bool breaking, const pv_place *place, const char *fmt, ...) {
  char raw[600];
  const char *word = breaking ? "BREAKING" : "compatible";
  const json_int_t line = place != NULL ? place->line : 0;
  va_list args;
  d->breaking += breaking;
  d->compatible += !breaking;
  if (d->quiet) return;
  va_start(args, fmt);
  vsnprintf(raw, sizeof raw, fmt, args);
  va_end(args);
  if (d->json) {
    pv_text text = PV_TEXT_INIT;
    pv_put_plain(&text, "%s", raw);
    d->failed |= text.failed;
    pv_json_append(&d->changes, json_pack("{s:b, s:I, s:s}", "breaking", breaking ? 1 : 0, "line",
                                          line, "change", text.data != NULL ? text.data : ""));
    pv_text_free(&text);
  } else {
    printf("%s", d->file);
    if (place != NULL) printf(":%lld", line);
    printf(": %s: ", word);
    d->failed |= !pv_put_print("%s\n", raw);
  }
}

/* What the one list has and the other lacks: told of both by the words for it. */
static void compare_ids(diff *d, const char *who, const pv_place *place, const pv_strings *old,
                        const pv_strings *new, const char *lost, const char *gained) {
  for (size_t i = 0; i < old->count; i++)
    if (!pv_strings_has(new, old->items[i]))
      note(d, true, place, "%s %s %s", who, lost, old->items[i]);
  for (size_t i = 0; i < new->count; i++)
    if (!pv_strings_has(old, new->items[i]))
      note(d, false, &new->places[i], "%s %s %s", who, gained, new->items[i]);
}

/* The value that counts: the contract's, else the check's. */
static const char *value_of(const pv_falsifier *f, const pv_known_param *spec,
                            const pv_param **own) {
  *own = pv_falsifier_param(f, spec->name);
  return *own != NULL ? (*own)->text : spec->fallback;
}

static bool same_list(const pv_param *a, const pv_param *b) {
  if (a == NULL || b == NULL || a->list.count != b->list.count) return a == b;
  for (size_t i = 0; i < a->list.count; i++)
    if (strcmp(a->list.items[i], b->list.items[i]) != 0) return false;
  return true;
}

static void compare_param(diff *d, const pv_falsifier *old, const pv_falsifier *new,
                          const pv_known_param *spec) {
  const pv_param *a, *b;
  const char *x = value_of(old, spec, &a), *y = value_of(new, spec, &b);
  const pv_place *place = b != NULL ? &b->place : &new->place;
  if (x == NULL || y == NULL) { /* lists: anything but an equal one may look at less */
    if (x == y && same_list(a, b)) return;
    note(d, true, place, "%s: the list '%s' changed", new->id, spec->name);
    return;
  }
  if (strcmp(x, y) == 0) return;
  double p = 0.0, q = 0.0;
  if (spec->loosens != 0 && pv_parse_f64(x, strlen(x), &p) && pv_parse_f64(y, strlen(y), &q)) {
    if (p == q) return;
    const bool looser = spec->loosens > 0 ? q > p : q < p;
    note(d, looser, place, "%s: %s is %s, was %s: %s", new->id, spec->name, y, x,
         looser ? "looser" : "stricter");
    return;
  }
  note(d, true, place, "%s: %s is %s, was %s", new->id, spec->name, y, x);
}

static bool same_text(const char *a, const char *b) {
  return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Of a provider nobody knows here which way a parameter loosens. */
static void compare_written(diff *d, const pv_falsifier *old, const pv_falsifier *new) {
  for (size_t i = 0; i < old->with_count + new->with_count; i++) {
    const bool gone = i < old->with_count;
    const char *name = gone ? old->with[i].name : new->with[i - old->with_count].name;
    const pv_param *a = pv_falsifier_param(old, name), *b = pv_falsifier_param(new, name);
    if (!gone && a != NULL) continue; /* told of with the old ones */
    if (a != NULL && b != NULL && same_text(a->text, b->text) && same_list(a, b)) continue;
    note(d, true, b != NULL ? &b->place : &new->place, "%s: %s is %s, was %s", new->id, name,
         b == NULL         ? "absent"
         : b->text != NULL ? b->text
                           : "another list",
         a == NULL         ? "absent"
         : a->text != NULL ? a->text
                           : "a list");
  }
}

static void compare_falsifier(diff *d, const pv_falsifier *old, const pv_falsifier *new) {
  if (strcmp(old->check, new->check) != 0) {
    note(d, true, &new->check_place, "%s: the check is %s, was %s", new->id, new->check,
         old->check);
    return;
  }
  const pv_known_check *spec = new->known;
  if (new->provider != NULL) compare_written(d, old, new);
  for (size_t i = 0; spec != NULL && i < spec->param_count; i++)
    compare_param(d, old, new, &spec->params[i]);
  compare_ids(d, new->id, &new->place, &old->criteria, &new->criteria, "no longer judges",
              "also judges");
  compare_ids(d, new->id, &new->place, &old->faults, &new->faults, "no longer declares the fault",
              "declares the fault");
  const double late = pv_bind_timeout(new), was = pv_bind_timeout(old);
  if (late != was) note(d, false, &new->place, "%s: timeout_s is %g, was %g", new->id, late, was);
}

/* An amendment since the old version says that words were made clearer. */
static bool says_clarified(const pv_contract *old, const pv_contract *new) {
  for (size_t i = 0; i < new->amendment_count; i++) {
    bool known = !same_text(new->amendments[i].kind, "clarified");
    for (size_t k = 0; k < old->amendment_count && !known; k++)
      known = strcmp(old->amendments[k].version, new->amendments[i].version) == 0;
    if (!known) return true;
  }
  return false;
}

/* Everything that judged the criterion still does, and demands no less: then other words for it
 * take nothing away. */
static bool judged_as_strictly(const pv_contract *old, const pv_contract *new, const char *id) {
  diff d = {.quiet = true};
  for (size_t i = 0; i < old->falsifier_count; i++) {
    if (!pv_strings_has(&old->falsifiers[i].criteria, id)) continue;
    const pv_falsifier *now = pv_contract_falsifier(new, old->falsifiers[i].id);
    if (now == NULL) return false;
    compare_falsifier(&d, &old->falsifiers[i], now);
  }
  return d.breaking == 0;
}

/* `reworded`: other words are only other words. */
static void compare_criterion(diff *d, const pv_criterion *old, const pv_criterion *new,
                              bool reworded) {
  if (new->needed_for != old->needed_for)
    note(d, new->needed_for > old->needed_for, &new->place, "%s is needed for %s, was for %s",
         new->id, pv_contract_status_name(new->needed_for),
         pv_contract_status_name(old->needed_for));
  if ((new->where == NULL) != (old->where == NULL))
    note(d, new->where != NULL, &new->place, "%s is about %s", new->id,
         new->where != NULL ? "models with experts alone, was about every model"
                            : "every model, was about those with experts alone");
  if (strcmp(new->property, old->property) != 0)
    note(d, !reworded, &new->place, "%s %s: %s", new->id,
         reworded ? "is worded otherwise, and judged as strictly" : "claims something else",
         new->property);
  if (strcmp(new->formal != NULL ? new->formal : "", old->formal != NULL ? old->formal : "") != 0)
    note(d, !reworded, &new->place, "%s: the formal statement changed%s", new->id,
         reworded ? ", and it is judged as strictly" : "");
}

/* A stage that needs less is done sooner. */
static void compare_stage(diff *d, const pv_stage *old, const pv_stage *new) {
  for (size_t i = 0; i < old->criteria.count; i++)
    if (!pv_strings_has(&new->criteria, old->criteria.items[i]))
      note(d, true, &new->place, "stage %s no longer needs %s", new->id, old->criteria.items[i]);
  for (size_t i = 0; i < new->criteria.count; i++)
    if (!pv_strings_has(&old->criteria, new->criteria.items[i]))
      note(d, false, &new->criteria.places[i], "stage %s needs %s too", new->id,
           new->criteria.items[i]);
}

static void compare_stages(diff *d, const pv_contract *old, const pv_contract *new) {
  for (size_t i = 0; i < old->stage_count; i++) {
    const pv_stage *s = pv_contract_stage(new, old->stages[i].id);
    if (s == NULL)
      note(d, true, NULL, "stage %s was removed", old->stages[i].id);
    else
      compare_stage(d, &old->stages[i], s);
  }
  for (size_t i = 0; i < new->stage_count; i++)
    if (pv_contract_stage(old, new->stages[i].id) == NULL)
      note(d, false, &new->stages[i].place, "stage %s was added", new->stages[i].id);
}

static void compare_providers(diff *d, const pv_contract *old, const pv_contract *new) {
  for (size_t i = 0; i < new->provider_count; i++) {
    const pv_provider *b = &new->providers[i];
    const pv_provider *a = pv_contract_provider(old, b->name);
    if (a == NULL)
      note(d, false, &b->place, "the provider %s was added", b->name);
    else if (!same_text(a->program, b->program))
      note(d, true, &b->place, "the provider %s is another program", b->name);
    if (a != NULL)
      compare_ids(d, b->name, &b->place, &a->files, &b->files, "no longer rests on",
                  "also rests on");
  }
}

static void compare(diff *d, const pv_contract *old, const pv_contract *new) {
  if (strcmp(old->name, new->name) != 0)
    note(d, true, &new->name_place, "the name is %s, was %s", new->name, old->name);
  if (strcmp(old->version, new->version) != 0)
    note(d, false, &new->version_place, "the version is %s, was %s", new->version, old->version);
  if (old->status != new->status)
    note(d, new->status > PV_STATUS_ACTIVE_RUNTIME || new->status < old->status, &new->status_place,
         "the status is %s, was %s", pv_contract_status_name(new->status),
         pv_contract_status_name(old->status));
  if (!same_text(old->model.sha256, new->model.sha256) ||
      !same_text(old->model.reference_sha256, new->model.reference_sha256))
    note(d, true, new->model.sha256 != NULL ? &new->model.place : NULL,
         "the contract is about another model");
  const bool clarified = says_clarified(old, new);
  for (size_t i = 0; i < old->criterion_count; i++) {
    const pv_criterion *k = pv_contract_criterion(new, old->criteria[i].id);
    if (k == NULL)
      note(d, true, NULL, "criterion %s was removed", old->criteria[i].id);
    else
      compare_criterion(d, &old->criteria[i], k, clarified && judged_as_strictly(old, new, k->id));
  }
  for (size_t i = 0; i < new->criterion_count; i++)
    if (pv_contract_criterion(old, new->criteria[i].id) == NULL)
      note(d, false, &new->criteria[i].place, "criterion %s was added", new->criteria[i].id);
  for (size_t i = 0; i < old->falsifier_count; i++) {
    const pv_falsifier *f = pv_contract_falsifier(new, old->falsifiers[i].id);
    if (f == NULL)
      note(d, true, NULL, "falsifier %s was removed", old->falsifiers[i].id);
    else
      compare_falsifier(d, &old->falsifiers[i], f);
  }
  for (size_t i = 0; i < new->falsifier_count; i++)
    if (pv_contract_falsifier(old, new->falsifiers[i].id) == NULL)
      note(d, false, &new->falsifiers[i].place, "falsifier %s was added", new->falsifiers[i].id);
  compare_providers(d, old, new);
  compare_stages(d, old, new);
  for (size_t i = 0; i < old->depends_on.count; i++)
    if (!pv_strings_has(&new->depends_on, old->depends_on.items[i]))
      note(d, true, NULL, "no longer depends on %s", old->depends_on.items[i]);
}

static pv_code finish(const diff *d, pv_error *err) {
  if (d->failed) return pv_error_nomem(err, "the changes");
  if (!d->json) {
    printf("%zu breaking, %zu compatible changes\n", d->breaking, d->compatible);
    return PV_OK;
  }
  json_t *root =
      json_pack("{s:s, s:O, s:I, s:I}", "schema", "pv/diff/v1", "changes", d->changes, "breaking",
                (json_int_t)d->breaking, "compatible", (json_int_t)d->compatible);
  return pv_json_print(root, JSON_INDENT(1), err);
}

static pv_code diff_contracts(pv_arena *arena, const char *const files[2], const char *probe,
                              bool json, bool *worse, pv_error *err) {
  diff d = {.json = json, .file = files[1]};
  pv_contract *old = NULL, *new = NULL;
  const pv_known *known = NULL;
  pv_code code = pv_contract_load(arena, files[0], &old, err);
  if (code == PV_OK) code = pv_contract_load(arena, files[1], &new, err);
  if (code == PV_OK) code = pv_run_describe(arena, probe, 0, &known, err);
  if (code != PV_OK) return code;
  pv_bind_checks(old, known);
  pv_bind_checks(new, known);
  d.changes = json_array();
  compare(&d, old, new);
  code = finish(&d, err);
  json_decref(d.changes);
  *worse = d.breaking > 0;
  return code;
}

static pv_code diff_runs(pv_arena *arena, const char *const words[2], const char *probe, bool json,
                         bool *worse, pv_error *err) {
  const pv_run_pair *pair = NULL;
  pv_code code = pv_run_pair_make(arena, words, probe, &pair, err);
  if (code == PV_OK) code = pv_run_pair_print(pair, json, err);
  if (code == PV_OK) *worse = pv_run_pair_worse(pair);
  return code;
}

static pv_code act(pv_arena *arena, const pv_options *options, const char *probe, bool json,
                   bool *worse, pv_error *err) {
  static const char example[] = "for example: pv diff old.yaml new.yaml, pv diff 1a2b3c4d latest";
  const char *const *words = options->rest;
  if (options->rest_count != 2)
    return pv_error_refuse(err, example, "name two contracts or two runs: OLD NEW");
  const bool runs = pv_run_pair_names(words[0]);
  if (runs != pv_run_pair_names(words[1]))
    return pv_error_refuse(err, example, "'%s' is a run and '%s' is none", words[runs ? 0 : 1],
                           words[runs ? 1 : 0]);
  return (runs ? diff_runs : diff_contracts)(arena, words, probe, json, worse, err);
}

int pv_cmd_diff(int argc, char **argv) {
  bool json = false, help = false, worse = false;
  const char *words[2] = {NULL, NULL}, *probe = NULL;
  const pv_option list[] = {
      {"--json", NULL, "one JSON object (of runs: docs/schema/run-diff.json)", NULL, &json},
      {"--probe", "FILE", "another pv-probe than the one beside pv", &probe, NULL},
      {0}};
  pv_options options = {
      .command = "diff",
      .summary =
          "Compares two versions of a contract by meaning, or two runs of a contract.\n"
          "Contracts: a loosened tolerance, a removed criterion or falsifier is BREAKING, and so\n"
          "are other words for a claim, unless an amendment of kind `clarified` says so and all\n"
          "that judges it is as strict.\n"
          "Runs: which verdicts, metrics (with their gates), digests and environment changed. A\n"
          "run is its folder, its evidence.json, its id or the 8 digits that the id ends with (as\n"
          "`pv history` shows them), or `latest`: the last one of the other's contract.\n"
          "Exit codes: 0 nothing is BREAKING, no verdict got worse; 1 something is, or one did (a\n"
          "criterion or falsifier that is gone, too); 2 wrong input or call.",
      .positional = "OLD NEW",
      .examples =
          "  git show HEAD~1:contracts/moe-router-v1.yaml > old.yaml\n"
          "  pv diff old.yaml contracts/moe-router-v1.yaml\n"
          "  pv diff reports/published/moe-router-v1/nvidia-h200 latest\n",
      .list = list,
      .rest = words,
      .rest_max = 2};
  pv_arena arena = PV_ARENA_INIT;
  pv_error err = PV_ERROR_INIT;
  pv_code code = pv_options_parse(&options, argc, argv, &help, &err);
  if (code == PV_OK && !help) code = act(&arena, &options, probe, json, &worse, &err);
  pv_arena_free(&arena);
  if (code != PV_OK) pv_error_print(&err, stderr);
  return code != PV_OK ? pv_code_exit(code) : worse ? 1 : 0;
}
