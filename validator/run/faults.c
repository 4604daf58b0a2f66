#include "validator/run/faults.h"

#include <string.h>

/* Of what does not apply to the model nothing can be planted. */
static bool chosen(const pv_run_spec *spec, const pv_falsifier_result *results, size_t i) {
  return (spec->selected == NULL || spec->selected[i]) && results[i].verdict != PV_NOT_APPLICABLE &&
         spec->contract->falsifiers[i].faults.count > 0;
}

/* A contract whose falsifiers are the pairs: of each falsifier first the one without a fault. */
static pv_code make_pairs(pv_arena *arena, const pv_run_spec *spec,
                          const pv_falsifier_result *results, pv_contract *out, pv_error *err) {
  const pv_contract *c = spec->contract;
  size_t count = 0;
  *out = *c;
  for (size_t i = 0; i < c->falsifier_count; i++)
    if (chosen(spec, results, i)) count += 1 + c->falsifiers[i].faults.count;
  out->falsifiers = PV_ARENA_NEW(arena, count + 1, pv_falsifier);
  out->falsifier_count = 0;
  if (out->falsifiers == NULL) return pv_error_nomem(err, "the faults");
  for (size_t i = 0; i < c->falsifier_count; i++)
    for (size_t k = 0; chosen(spec, results, i) && k <= c->falsifiers[i].faults.count; k++) {
      pv_falsifier *pair = &out->falsifiers[out->falsifier_count++];
      *pair = c->falsifiers[i];
      pair->planted = k == 0 ? "none" : c->falsifiers[i].faults.items[k - 1];
      pair->id = pv_arena_printf(arena, "%s with %s", pair->id, pair->planted);
      pair->faults = (pv_strings){0};
      if (pair->id == NULL) return pv_error_nomem(err, "the faults");
    }
  return PV_OK;
}

static pv_code add_note(pv_arena *arena, pv_strings *notes, const pv_falsifier *f,
                        const char *fault, const pv_falsifier_result *why, pv_error *err) {
  char **grown = PV_ARENA_NEW(arena, notes->count + 1, char *);
  char *text = pv_arena_printf(arena, "%s: the fault %s was not tried: %s", f->id, fault,
                               why->reason[0] != '\0' ? why->reason : "it fails without one too");
  if (grown == NULL || text == NULL) return pv_error_nomem(err, "the faults");
  if (notes->count > 0) memcpy(grown, notes->items, notes->count * sizeof *grown);
  grown[notes->count] = text;
  *notes = (pv_strings){grown, NULL, notes->count + 1};
  return PV_OK;
}

/* `pairs`: the answer without a fault, then one for each fault. */
static pv_code judge(pv_arena *arena, const pv_falsifier *f, const pv_falsifier_result *pairs,
                     pv_falsifier_result *out, pv_strings *notes, pv_error *err) {
  const bool sound = pairs[0].verdict == PV_PASS;
  const char *survivor = NULL;
  pv_code code = PV_OK;
  out->faults_killed = (pv_strings){.items = PV_ARENA_NEW(arena, f->faults.count + 1, char *)};
  if (out->faults_killed.items == NULL) return pv_error_nomem(err, "the faults");
  for (size_t k = 0; k < f->faults.count && code == PV_OK; k++) {
    const pv_falsifier_result *r = &pairs[k + 1];
    if (sound && r->verdict == PV_FAIL)
      out->faults_killed.items[out->faults_killed.count++] = f->faults.items[k];
    else if (sound && r->verdict == PV_PASS)
      survivor = survivor == NULL ? f->faults.items[k] : survivor;
    else
      code = add_note(arena, notes, f, f->faults.items[k], sound ? r : &pairs[0], err);
  }
  if (survivor == NULL || out->verdict == PV_FAIL) return code;
  out->verdict = PV_VACUOUS;
  out->source = PV_FROM_RUN;
  out->reason = pv_arena_printf(arena, "it passes over the planted fault %s", survivor);
  return out->reason == NULL ? pv_error_nomem(err, "the faults") : code;
}

pv_code pv_run_faults(pv_arena *arena, const pv_run_spec *spec, pv_falsifier_result *results,
                      pv_strings *notes, pv_error *err) {
  pv_contract pairs;
  pv_run_outcome outcome;
  pv_code code = make_pairs(arena, spec, results, &pairs, err);
  if (code != PV_OK || pairs.falsifier_count == 0) return code;
  pv_run_spec all = *spec;
  all.contract = &pairs;
  all.selected = NULL;
  code = pv_run(arena, &all, &outcome, err);
  size_t at = 0;
  for (size_t i = 0; i < spec->contract->falsifier_count && code == PV_OK; i++) {
    const pv_falsifier *f = &spec->contract->falsifiers[i];
    if (!chosen(spec, results, i)) continue;
    code = judge(arena, f, &outcome.falsifiers[at], &results[i], notes, err);
    at += 1 + f->faults.count;
  }
  return code;
}
