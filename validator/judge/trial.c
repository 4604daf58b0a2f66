#include "validator/judge/trial.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "validator/model/bind.h"
#include "validator/run/faults.h"

/* Selects falsifiers by their own id or by that of a criterion. */
static pv_code select_one(const pv_contract *c, const char *id, size_t length, bool *selected,
                          pv_error *err) {
  bool found = false;
  char word[80];
  snprintf(word, sizeof word, "%.*s", (int)(length < 79 ? length : 79), id);
  for (size_t i = 0; i < c->falsifier_count; i++) {
    const bool hit =
        strcmp(c->falsifiers[i].id, word) == 0 || pv_strings_has(&c->falsifiers[i].criteria, word);
    selected[i] |= hit;
    found |= hit;
  }
  if (found) return PV_OK;
  pv_error_set(err, PV_ERR_INPUT, "%s has no criterion or falsifier '%s'", c->name, word);
  const char *best =
      pv_text_nearest(word, c->falsifiers, c->falsifier_count, sizeof *c->falsifiers, 6);
  const char *nearer = pv_text_nearest(word, c->criteria, c->criterion_count, sizeof *c->criteria,
                                       best != NULL ? pv_text_distance(word, best) : 6);
  if (best != NULL || nearer != NULL)
    pv_error_hint(err, "did you mean %s?", nearer != NULL ? nearer : best);
  return PV_ERR_INPUT;
}

static pv_code select_all(const pv_request *request, bool *selected, pv_error *err) {
  const pv_contract *c = request->contract;
  pv_code code = PV_OK;
  if (c->status == PV_STATUS_DEPRECATED) return PV_OK;
  for (size_t i = 0; i < c->falsifier_count; i++)
    selected[i] = request->shard != NULL ? request->shard->mine[i] : request->only == NULL;
  for (const char *at = request->only; at != NULL && code == PV_OK;) {
    const size_t length = strcspn(at, ",");
    code = select_one(c, at, length, selected, err);
    at = at[length] == ',' ? at + length + 1 : NULL;
  }
  return code;
}

/* Without the model that is named nothing that would look at it is run, whatever a probe would say.
 */
static void leave_out(const pv_contract *c, bool *selected, bool *absent) {
  for (size_t i = 0; i < c->falsifier_count; i++) {
    absent[i] = selected[i] && (pv_bind_needs(&c->falsifiers[i]) & PV_NEEDS_MODEL) != 0;
    selected[i] = selected[i] && !absent[i];
  }
}

/* A trial of nothing: with a probe, and room for what is selected and absent. */
static pv_code begin(pv_arena *arena, const pv_request *request, bool **selected, pv_trial *out,
                     pv_error *err) {
  const pv_contract *c = request->contract;
  *selected = PV_ARENA_NEW(arena, c->falsifier_count + 1, bool);
  *out = (pv_trial){.spec = {.backend = request->backend,
                             .threads = request->threads,
                             .memory = request->memory,
                             .contract = c,
                             .selected = *selected,
                             .unselected = "nothing was run",
                             .progress = !request->quiet},
                    .absent = PV_ARENA_NEW(arena, c->falsifier_count + 1, bool)};
  if (*selected == NULL || out->absent == NULL) return pv_error_nomem(err, "a judgement");
  return pv_run_find_probe(arena, request->probe, &out->spec.probe, err);
}

static pv_code explain_absent(pv_arena *arena, const pv_trial *t, pv_error *err) {
  for (size_t i = 0; i < t->outcome.falsifier_count; i++) {
    if (!t->absent[i]) continue;
    t->outcome.falsifiers[i].reason = pv_ground_cure(arena, t->spec.contract);
    if (t->outcome.falsifiers[i].reason == NULL) return pv_error_nomem(err, "a judgement");
  }
  return PV_OK;
}

pv_code pv_trial_run(pv_arena *arena, const pv_request *request, const pv_ground *ground,
                     pv_trial *out, pv_error *err) {
  const pv_contract *c = request->contract;
  const bool deprecated = c->status == PV_STATUS_DEPRECATED;
  bool *selected = NULL;
  pv_trial t;
  pv_code code = begin(arena, request, &selected, &t, err);
  if (code == PV_OK) code = select_all(request, selected, err);
  if (code != PV_OK) return code;
  if (ground->lacking && c->model.sha256 != NULL) leave_out(c, selected, t.absent);
  t.spec.unselected = deprecated               ? "the contract is deprecated: nothing is judged"
                      : request->shard != NULL ? "in another part"
                                               : "left out by --only";
  const unsigned bits = pv_ground_needs(c, selected);
  if ((bits & PV_NEEDS_MODEL) != 0) t.spec.model = ground->model;
  if ((bits & (PV_NEEDS_REFERENCE | PV_NEEDS_PROMPTS)) != 0) t.spec.reference = ground->reference;
  code = pv_run(arena, &t.spec, &t.outcome, err);
  if (code == PV_OK) code = explain_absent(arena, &t, err);
  for (size_t i = 0; code == PV_OK && request->shard != NULL && i < c->falsifier_count; i++)
    t.outcome.falsifiers[i].of_another_part = !request->shard->mine[i];
  /* With nothing selected nobody was asked what receipts must match. */
  if (code == PV_OK && !deprecated && !t.outcome.heard && t.outcome.children == 0)
    code = pv_run_ask(arena, &t.spec, &t.outcome.hello, err);
  if (code == PV_OK) *out = t;
  return code;
}

pv_code pv_trial_ask(pv_arena *arena, const pv_request *request, pv_trial *out, pv_error *err) {
  bool *selected = NULL;
  pv_trial t;
  pv_code code = begin(arena, request, &selected, &t, err);
  if (code == PV_OK) code = pv_run(arena, &t.spec, &t.outcome, err);
  if (code == PV_OK) code = pv_run_ask(arena, &t.spec, &t.outcome.hello, err);
  if (code == PV_OK) *out = t;
  return code;
}

pv_code pv_trial_faults(pv_arena *arena, pv_trial *trial, pv_strings *notes, unsigned *untried,
                        pv_error *err) {
  const pv_contract *c = trial->spec.contract;
  pv_strings told = {0};
  pv_code code = pv_run_faults(arena, &trial->spec, trial->outcome.falsifiers, &told, err);
  for (size_t i = 0; code == PV_OK && i < told.count; i++)
    code = pv_ground_note(arena, notes, told.items[i], "", err);
  *untried = (unsigned)told.count;
  /* What --only leaves out was not asked for; what the named model's absence leaves out was. */
  for (size_t i = 0; code == PV_OK && i < c->falsifier_count; i++) {
    const pv_falsifier *f = &c->falsifiers[i];
    if (!trial->absent[i] || f->faults.count == 0) continue;
    *untried += (unsigned)f->faults.count;
    code = pv_ground_note(arena, notes, f->id, ": its faults were not tried: the model is not here",
                          err);
  }
  return code;
}
