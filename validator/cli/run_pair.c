/* Two runs: which are meant, and what changed from the one to the other. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "validator/cli/files.h"
#include "validator/cli/run_pair.h"
#include "validator/history/history.h"
#include "validator/history/then.h"
#include "validator/judge/site.h"
#include "validator/model/bind.h"
#include "validator/model/contract_load.h"
#include "validator/run/run.h"

static const char latest[] = "latest";

/* "20261129T150855Z-98476d57", or the 8 digits at its end. */
static bool is_id(const char *word) {
  static const char form[] = "ddddddddTddddddZ-xxxxxxxx";
  const size_t length = strlen(word);
  if (length != sizeof form - 1 && length != 8) return false;
  for (size_t i = 0; i < length; i++) {
    const char want = form[sizeof form - 1 - length + i], c = word[i];
    const bool digit = c >= '0' && c <= '9';
    if (want == 'd' ? !digit : want == 'x' ? !digit && !(c >= 'a' && c <= 'f') : c != want)
      return false;
  }
  return true;
}

static bool is_evidence(const char *word) {
  const char *slash = strrchr(word, '/');
  return strcmp(slash == NULL ? word : slash + 1, PV_EVIDENCE_FILE) == 0;
}

bool pv_run_pair_names(const char *word) {
  if (pv_files_is_folder(word) || is_evidence(word)) return true;
  return access(word, F_OK) != 0 && (strcmp(word, latest) == 0 || is_id(word));
}

static pv_code read_folder(pv_arena *arena, const char *word, pv_evidence *out, const char **place,
                           pv_error *err) {
  const char *file =
      is_evidence(word) ? word : pv_arena_printf(arena, "%s/%s", word, PV_EVIDENCE_FILE);
  pv_bytes bytes = {0};
  if (file == NULL) return pv_error_nomem(err, "a run");
  *place = word;
  pv_code code = pv_file_read(file, PV_EVIDENCE_LIMIT, &bytes, err);
  if (code == PV_ERR_IO) {
    pv_error_hint(err, "a run is a folder with " PV_EVIDENCE_FILE ", its id, or `latest`");
    err->code = code = PV_ERR_INPUT;
  }
  if (code == PV_OK) code = pv_evidence_read_sealed(arena, file, &bytes, out, err);
  pv_bytes_free(&bytes);
  return code;
}

static bool by_path(const char *word) {
  return pv_files_is_folder(word) || is_evidence(word);
}

/* The folder that a path lies in. */
static const char *folder_of(pv_arena *arena, const char *path) {
  const char *slash = strrchr(path, '/');
  if (slash == NULL) return ".";
  return slash == path ? "/" : pv_arena_strndup(arena, path, (size_t)(slash - path));
}

/* The folder that has reports/: above a run that is named by its path, else above this one. */
static pv_code find_home(pv_arena *arena, const char *const words[2], const char **out,
                         pv_error *err) {
  const char *from = by_path(words[1]) ? words[1] : by_path(words[0]) ? words[0] : ".";
  const char *reports = NULL;
  *out = NULL;
  if (is_evidence(from)) from = folder_of(arena, from);
  if (from == NULL) return pv_error_nomem(err, "a path");
  const pv_code code = pv_site_above(arena, from, "reports", &reports, err);
  if (code != PV_OK || reports == NULL) return code;
  *out = pv_arena_strndup(arena, reports, strlen(reports) - sizeof "/reports" + 1);
  return *out == NULL ? pv_error_nomem(err, "a path") : PV_OK;
}

/* `other`: the run that is known already; NULL: not yet. */
static pv_code find_run(pv_arena *arena, const char *word, const char *home,
                        const pv_evidence *other, pv_evidence *out, const char **place,
                        pv_error *err) {
  if (by_path(word)) return read_folder(arena, word, out, place, err);
  if (home == NULL)
    return pv_error_refuse(err, "name the run's folder, or call pv from the contract's repository",
                           "no folder from here upwards has reports/ to find '%s' in", word);
  pv_history_which which = {.home = home, .repository = true, .id = word};
  if (strcmp(word, latest) == 0 && other != NULL) {
    which.id = NULL;
    which.contract = other->result->contract->name;
    which.skip = other->result->run_id;
  }
  return pv_history_find(arena, &which, out, place, err);
}

static pv_code find_both(pv_arena *arena, const char *const words[2], const char *home,
                         pv_run_pair *p, pv_error *err) {
  const size_t first = strcmp(words[0], latest) == 0 ? 1 : 0, last = 1 - first;
  if (strcmp(words[first], latest) == 0)
    return pv_error_refuse(err, "for example: pv diff latest reports/published/NAME/DEVICE",
                           "`latest` is the last run of the contract of the other one");
  pv_code code = find_run(arena, words[first], home, NULL, &p->run[first], &p->place[first], err);
  if (code == PV_OK)
    code = find_run(arena, words[last], home, &p->run[first], &p->run[last], &p->place[last], err);
  if (code != PV_OK) return code;
  const char *a = p->run[0].result->contract->name, *b = p->run[1].result->contract->name;
  if (strcmp(a, b) == 0) return PV_OK;
  return pv_error_refuse(err, "name two runs of one contract",
                         "these are runs of two contracts: %s and %s", a, b);
}

typedef struct making {
  pv_arena *arena;
  pv_run_pair *p;
  size_t verdict_room, metric_room, digest_room, environment_room;
  bool failed;
} making;

static bool same(const char *a, const char *b) {
  return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void add_text(making *m, struct pv_pair_text **list, size_t *count, size_t *room,
                     const char *name, const char *old, const char *new) {
  if (same(old, new) || m->failed) return;
  m->failed = name == NULL || !pv_arena_room(m->arena, list, *count, room, sizeof **list);
  if (!m->failed) (*list)[(*count)++] = (struct pv_pair_text){name, {old, new}};
}

static void add_digest(making *m, const char *name, const char *old, const char *new) {
  add_text(m, &m->p->digests, &m->p->digest_count, &m->digest_room, name, old, new);
}

static void add_environment(making *m, const char *name, const char *old, const char *new) {
  add_text(m, &m->p->environment, &m->p->environment_count, &m->environment_room, name, old, new);
}

static bool is_digest(const char *name) {
  const char *end = strrchr(name, '_');
  return strcmp(end == NULL ? name : end + 1, "sha256") == 0;
}

typedef struct facts {
  const pv_fact *items;
  size_t count;
} facts;

/* Of both, each name once; `prefix` before the names. */
static void compare_facts(making *m, const char *prefix, facts old, facts new, bool digests) {
  for (size_t i = 0; i < old.count + new.count; i++) {
    const char *name = i < old.count ? old.items[i].name : new.items[i - old.count].name;
    const char *a = pv_fact_value(old.items, old.count, name);
    const char *b = pv_fact_value(new.items, new.count, name);
    if ((i >= old.count && a != NULL) || same(a, b)) continue;
    const char *full = prefix[0] == '\0' ? name : pv_arena_printf(m->arena, "%s %s", prefix, name);
    (digests || is_digest(name) ? add_digest : add_environment)(m, full, a, b);
  }
}

static const pv_falsifier_result *falsifier(const pv_evidence *e, const char *id, size_t *index) {
  for (size_t i = 0; i < e->result->falsifier_count; i++)
    if (strcmp(e->result->falsifiers[i].falsifier->id, id) == 0) {
      *index = i;
      return &e->result->falsifiers[i];
    }
  return NULL;
}

static void compare_subjects(making *m, const char *id, const pv_subject *a, const pv_subject *b) {
  add_digest(m, pv_arena_printf(m->arena, "claim or test of %s", id), a->falsifier, b->falsifier);
  add_digest(m, pv_arena_printf(m->arena, "check code of %s", id), a->code, b->code);
  compare_facts(m, pv_arena_printf(m->arena, "file of %s:", id), (facts){a->files, a->file_count},
                (facts){b->files, b->file_count}, true);
}

static void compare_digests(making *m) {
  const pv_evidence *a = &m->p->run[0], *b = &m->p->run[1];
  const pv_result *old = a->result, *new = b->result;
  add_digest(m, "contract", old->contract->sha256, new->contract->sha256);
  add_digest(m, "claims of the contract", a->semantics, b->semantics);
  compare_facts(m, "model", (facts){old->model, old->model_count},
                (facts){new->model, new->model_count}, false);
  compare_facts(m, "", (facts){old->environment, old->environment_count},
                (facts){new->environment, new->environment_count}, false);
  compare_facts(m, "numerics", (facts){old->numerics, old->numerics_count},
                (facts){new->numerics, new->numerics_count}, true);
  for (size_t i = 0, k = 0; i < old->falsifier_count; i++) {
    const char *id = old->falsifiers[i].falsifier->id;
    if (falsifier(b, id, &k) != NULL) compare_subjects(m, id, &a->subjects[i], &b->subjects[k]);
  }
}

/* What is gone is not judged any more, and what is new was not before. */
static void add_verdict(making *m, const char *kind, const char *id, const pv_verdict *old,
                        const pv_verdict *new) {
  pv_run_pair *p = m->p;
  if (m->failed || (old != NULL && new != NULL &&*old == *new)) return;
  const pv_verdict before = old != NULL ? *old : PV_NOT_RUN;
  const bool worse = new == NULL || (*new != before &&pv_verdict_join(before, *new) == *new);
  m->failed = !pv_arena_room(m->arena, &p->verdicts, p->verdict_count, &m->verdict_room,
                             sizeof *p->verdicts);
  if (m->failed) return;
  p->verdicts[p->verdict_count++] = (struct pv_pair_verdict){
      kind,
      id,
      {old == NULL ? NULL : pv_verdict_name(*old), new == NULL ? NULL : pv_verdict_name(*new)},
      worse};
}

static const pv_verdict *criterion(const pv_evidence *e, const char *id) {
  for (size_t i = 0; i < e->result->criterion_count; i++)
    if (strcmp(e->result->criteria[i].criterion->id, id) == 0)
      return &e->result->criteria[i].verdict;
  return NULL;
}

static void compare_verdicts(making *m) {
  const pv_evidence *a = &m->p->run[0], *b = &m->p->run[1];
  const pv_result *old = a->result, *new = b->result;
  size_t at = 0;
  for (size_t i = 0; i < old->criterion_count; i++) {
    const char *id = old->criteria[i].criterion->id;
    add_verdict(m, "criterion", id, &old->criteria[i].verdict, criterion(b, id));
  }
  for (size_t i = 0; i < new->criterion_count; i++) {
    const char *id = new->criteria[i].criterion->id;
    if (criterion(a, id) == NULL) add_verdict(m, "criterion", id, NULL, &new->criteria[i].verdict);
  }
  for (size_t i = 0; i < old->falsifier_count; i++) {
    const pv_falsifier_result *f = &old->falsifiers[i], *g = falsifier(b, f->falsifier->id, &at);
    add_verdict(m, "falsifier", f->falsifier->id, &f->verdict, g == NULL ? NULL : &g->verdict);
  }
  for (size_t i = 0; i < new->falsifier_count; i++) {
    const pv_falsifier_result *f = &new->falsifiers[i];
    if (falsifier(a, f->falsifier->id, &at) == NULL)
      add_verdict(m, "falsifier", f->falsifier->id, NULL, &f->verdict);
  }
}

static void add_metric(making *m, struct pv_pair_metric metric) {
  pv_run_pair *p = m->p;
  const bool number =
      metric.known[0] == metric.known[1] &&
      (metric.value[0] == metric.value[1] || (isnan(metric.value[0]) && isnan(metric.value[1])));
  const bool gate = metric.gated[0] == metric.gated[1] && metric.gate[0] == metric.gate[1];
  if (m->failed || (number && gate)) return;
  m->failed =
      !pv_arena_room(m->arena, &p->metrics, p->metric_count, &m->metric_room, sizeof *p->metrics);
  if (!m->failed) p->metrics[p->metric_count++] = metric;
}

static const pv_metric *metric_of(const pv_falsifier_result *f, const char *name) {
  for (size_t i = 0; f != NULL && i < f->metric_count; i++)
    if (strcmp(f->metrics[i].name, name) == 0) return &f->metrics[i];
  return NULL;
}

/* What the gate is about, by the gate's name; then the others by theirs. NULL: it is not there. */
static void compare_falsifier(making *m, const pv_then *then, const char *id) {
  const pv_falsifier_result *f[2];
  struct pv_pair_metric judged = {.falsifier = id, .name = "measured", .unit = ""};
  for (int side = 0; side < 2; side++) {
    size_t at = 0;
    pv_gate gate;
    f[side] = falsifier(&m->p->run[side], id, &at);
    if (f[side] == NULL || !f[side]->has_needed_tolerance) continue;
    judged.known[side] = true;
    judged.value[side] = f[side]->needed_tolerance;
    if (then == NULL || !pv_then_gate(then, &m->p->run[side], at, &gate)) continue;
    judged.gated[side] = true;
    judged.gate[side] = gate.value;
    judged.minimum = gate.minimum;
    judged.unit = gate.unit;
    judged.name = gate.name;
  }
  add_metric(m, judged);
  for (int side = 0; side < 2; side++)
    for (size_t i = 0; f[side] != NULL && i < f[side]->metric_count; i++) {
      const char *name = f[side]->metrics[i].name;
      const pv_metric *a = metric_of(f[0], name), *b = metric_of(f[1], name);
      if (side == 1 && a != NULL) continue; /* told with the old ones */
      add_metric(m, (struct pv_pair_metric){
                        .falsifier = id,
                        .name = name,
                        .unit = "",
                        .known = {a != NULL, b != NULL},
                        .value = {a == NULL ? 0.0 : a->value, b == NULL ? 0.0 : b->value}});
    }
}

static void compare_metrics(making *m, const pv_then *then) {
  const pv_result *old = m->p->run[0].result, *new = m->p->run[1].result;
  size_t at = 0;
  for (size_t i = 0; i < old->falsifier_count; i++)
    compare_falsifier(m, then, old->falsifiers[i].falsifier->id);
  for (size_t i = 0; i < new->falsifier_count; i++)
    if (falsifier(&m->p->run[0], new->falsifiers[i].falsifier->id, &at) == NULL)
      compare_falsifier(m, then, new->falsifiers[i].falsifier->id);
}

/* The contract as it lies here, and what git has of it. Without it the gates are not known, which
 * is no error: the runs say all else themselves. */
static pv_code find_gates(pv_arena *arena, const pv_run_pair *p, const char *home,
                          const char *probe, pv_then *out, bool *found, pv_error *err) {
  const pv_evidence *const runs[] = {&p->run[0], &p->run[1]};
  const pv_known *known = NULL;
  pv_contract *contract = NULL;
  if (home == NULL) return PV_OK;
  const char *path = pv_arena_printf(arena, "%s/%s", home, p->run[1].contract_path);
  const char *folder = path == NULL ? NULL : folder_of(arena, path);
  if (folder == NULL) return pv_error_nomem(err, "a path");
  if (pv_contract_load(arena, path, &contract, NULL) != PV_OK ||
      pv_run_describe(arena, probe, 0, &known, NULL) != PV_OK)
    return PV_OK;
  pv_bind_checks(contract, known);
  const pv_code code = pv_then_read(arena, contract, folder, runs, 2, out, err);
  *found = code == PV_OK;
  return code;
}

pv_code pv_run_pair_make(pv_arena *arena, const char *const words[2], const char *probe,
                         const pv_run_pair **out, pv_error *err) {
  /* Not on the stack: the lists point into the evidence that it holds. */
  pv_run_pair *pair = PV_ARENA_NEW(arena, 1, pv_run_pair);
  making m = {.arena = arena, .p = pair};
  pv_then then;
  bool gates = false;
  const char *home = NULL;
  if (pair == NULL) return pv_error_nomem(err, "the changes");
  pv_code code = find_home(arena, words, &home, err);
  if (code == PV_OK) code = find_both(arena, words, home, pair, err);
  if (code == PV_OK) code = find_gates(arena, pair, home, probe, &then, &gates, err);
  if (code != PV_OK) return code;
  compare_verdicts(&m);
  compare_metrics(&m, gates ? &then : NULL);
  compare_digests(&m);
  if (m.failed) return pv_error_nomem(err, "the changes");
  *out = pair;
  return PV_OK;
}

bool pv_run_pair_worse(const pv_run_pair *p) {
  for (size_t i = 0; i < p->verdict_count; i++)
    if (p->verdicts[i].worse) return true;
  return false;
}
