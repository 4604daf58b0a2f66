#include "validator/store/derive.h"

#include <string.h>

#include "validator/model/stage.h"

/* Receipts are weaker news than this run: one of them makes the criterion's source a receipt. */
static void join_sources(const pv_result *r, pv_criterion_result *c) {
  c->source = PV_FROM_NOWHERE;
  for (size_t i = 0; i < c->falsifier_count; i++) {
    const pv_falsifier_result *f = &r->falsifiers[c->falsifiers[i]];
    if (f->verdict == c->verdict && f->source > c->source) c->source = f->source;
  }
}

static pv_code judge_criterion(pv_arena *arena, pv_result *r, size_t index, pv_error *err) {
  const pv_criterion *criterion = &r->contract->criteria[index];
  pv_criterion_result *c = &r->criteria[index];
  *c = (pv_criterion_result){.criterion = criterion,
                             .falsifiers = PV_ARENA_NEW(arena, r->falsifier_count + 1, size_t)};
  if (c->falsifiers == NULL) return pv_error_nomem(err, "criteria");
  for (size_t i = 0; i < r->falsifier_count; i++) {
    if (!pv_strings_has(&r->falsifiers[i].falsifier->criteria, criterion->id)) continue;
    c->verdict = c->falsifier_count == 0 ? r->falsifiers[i].verdict
                                         : pv_verdict_join(c->verdict, r->falsifiers[i].verdict);
    c->falsifiers[c->falsifier_count++] = i;
  }
  join_sources(r, c);
  return PV_OK;
}

static void count(pv_summary *s, pv_verdict verdict) {
  unsigned *const counts[PV_VERDICT_COUNT] = {
      [PV_PASS] = &s->discharged, [PV_FAIL] = &s->falsified,
      [PV_VACUOUS] = &s->vacuous, [PV_NOT_RUN] = &s->not_run,
      [PV_STALE] = &s->stale,     [PV_NOT_APPLICABLE] = &s->not_applicable};
  ++*(counts[verdict] != NULL ? counts[verdict] : &s->error);
}

/* The highest rung that some criterion is needed for. */
static pv_contract_status highest_claimed(const pv_contract *c) {
  pv_contract_status top = PV_STATUS_DRAFT;
  for (size_t i = 0; i < c->criterion_count; i++)
    if (c->criteria[i].needed_for > top && c->criteria[i].needed_for <= PV_STATUS_ACTIVE_RUNTIME)
      top = c->criteria[i].needed_for;
  return top;
}

/* Whether the rung needs criteria, and none of them applies to the model: nothing was shown. */
static bool nothing_applies(const pv_result *r, pv_contract_status rung) {
  bool needs = false;
  for (size_t i = 0; i < r->criterion_count; i++)
    needs |= r->criteria[i].criterion->needed_for <= rung;
  return needs && pv_result_needed(r, rung) == 0;
}

static pv_contract_status highest_supported(const pv_result *r) {
  pv_contract_status rung = highest_claimed(r->contract);
  for (size_t i = 0; i < r->criterion_count; i++) {
    const pv_contract_status need = r->criteria[i].criterion->needed_for;
    const pv_verdict v = r->criteria[i].verdict;
    if (v == PV_PASS || v == PV_NOT_APPLICABLE || need > rung) continue;
    rung = need == PV_STATUS_DRAFT ? PV_STATUS_DRAFT : need - 1;
  }
  /* A rung that needs nothing is nowhere to rise to: nothing was shown for it. */
  while ((rung > r->status_before && pv_result_needed(r, rung) == 0) ||
         (rung > PV_STATUS_DRAFT && nothing_applies(r, rung)))
    rung--;
  return rung;
}

typedef struct tally {
  bool false_unnamed; /* falsified, and not declared as such */
  bool named_pass, named_open, other_open;
  bool broken; /* a check broke down */
} tally;

static tally look(const pv_result *r) {
  tally t = {0};
  const pv_strings *known = &r->contract->known_divergence;
  for (size_t i = 0; i < r->criterion_count; i++) {
    const pv_verdict v = r->criteria[i].verdict;
    const bool named = pv_strings_has(known, r->criteria[i].criterion->id);
    if (pv_verdict_falsifies(v)) {
      t.false_unnamed |= !named || v == PV_VACUOUS;
    } else if (v == PV_PASS) {
      t.named_pass |= named;
    } else if (v != PV_NOT_APPLICABLE || named) {
      t.named_open |= named;
      t.other_open |= !named;
      t.broken |= pv_verdict_broken(v);
    }
  }
  return t;
}

/* A falsifier may be bound to no criterion, or only to declared ones. */
static bool false_falsifier(const pv_result *r, bool declared) {
  for (size_t i = 0; i < r->falsifier_count; i++) {
    const pv_strings *bound = &r->falsifiers[i].falsifier->criteria;
    bool excused = declared && bound->count > 0 && r->falsifiers[i].verdict == PV_FAIL;
    for (size_t k = 0; k < bound->count; k++)
      excused = excused && pv_strings_has(&r->contract->known_divergence, bound->items[k]);
    if (pv_verdict_falsifies(r->falsifiers[i].verdict) && !excused) return true;
  }
  return false;
}

bool pv_status_broken(const pv_result *r) {
  for (size_t i = 0; i < r->falsifier_count; i++) {
    if (pv_verdict_broken(r->falsifiers[i].verdict)) return true;
  }
  return false;
}

static void judge_divergence(pv_result *r, const tally *t) {
  const bool named = r->contract->known_divergence.count > 0;
  const bool wrong = t->false_unnamed || t->named_pass || false_falsifier(r, true) || !named;
  r->status_carried = !wrong && !t->named_open && !t->other_open;
  r->status_after = r->status_carried ? PV_STATUS_KNOWN_DIVERGENCE : highest_supported(r);
  r->exit_code = wrong ? 1 : r->status_carried && !pv_status_broken(r) ? 0 : 3;
}

/* A falsifier that was not run here, and that no receipt, be it about another model, ever judged.
 */
static bool never_judged(const pv_result *r, const pv_criterion_result *c) {
  bool never = c->falsifier_count == 0;
  for (size_t i = 0; i < c->falsifier_count; i++) {
    const pv_falsifier_result *f = &r->falsifiers[c->falsifiers[i]];
    never |= f->verdict == PV_NOT_RUN && !f->judged_elsewhere;
  }
  return never;
}

/* A criterion that the file's status needs was not run here, and no receipt, not even a stale one,
 * says that it ever was; or no criterion is needed for that status: somebody typed it. */
bool pv_status_never_shown(const pv_result *r) {
  if (r->status_before > highest_claimed(r->contract)) return true;
  for (size_t i = 0; i < r->criterion_count; i++)
    if (r->criteria[i].verdict == PV_NOT_RUN &&
        r->criteria[i].criterion->needed_for <= r->status_before &&
        never_judged(r, &r->criteria[i]))
      return !r->partial;
  return false;
}

/* Criteria that stand between the evidence and the file's status. */
static bool in_the_way(const pv_result *r, size_t i) {
  const pv_criterion_result *c = &r->criteria[i];
  const bool named = pv_strings_has(&r->contract->known_divergence, c->criterion->id);
  if (r->status_before != PV_STATUS_KNOWN_DIVERGENCE)
    return c->verdict != PV_PASS && c->verdict != PV_NOT_APPLICABLE &&
           c->criterion->needed_for <= r->status_before;
  if (c->verdict == PV_NOT_APPLICABLE) return named;
  return c->verdict != (named ? PV_FAIL : PV_PASS);
}

static void judge_ladder(pv_result *r, const tally *t) {
  r->status_after = highest_supported(r);
  r->status_carried = r->status_before <= r->status_after;
  for (size_t i = 0; i < r->criterion_count; i++) r->status_carried &= !in_the_way(r, i);
  if (t->false_unnamed || false_falsifier(r, false) || pv_status_never_shown(r))
    r->exit_code = 1;
  else
    r->exit_code = !r->status_carried || t->broken || pv_status_broken(r) ? 3 : 0;
}

/* Of a part: it supports no status, and all that it was to judge is there or is not. */
static void judge_part(pv_result *r) {
  const bool declared = r->status_before == PV_STATUS_KNOWN_DIVERGENCE;
  bool open = r->faults_untried > 0;
  r->status_after = PV_STATUS_DRAFT;
  r->status_carried = false;
  for (size_t i = 0; i < r->falsifier_count; i++) {
    const pv_falsifier_result *f = &r->falsifiers[i];
    open |= !f->of_another_part && f->verdict != PV_PASS && f->verdict != PV_NOT_APPLICABLE &&
            !pv_verdict_falsifies(f->verdict);
  }
  r->exit_code = false_falsifier(r, declared) ? 1 : open ? 3 : 0;
}

static pv_code derive_stages(pv_arena *arena, pv_result *r, pv_error *err) {
  r->stage_count = r->contract->stage_count;
  r->stages = PV_ARENA_NEW(arena, r->stage_count + 1, pv_stage_result);
  if (r->stages == NULL) return pv_error_nomem(err, "stages");
  for (size_t i = 0; i < r->stage_count; i++)
    r->stages[i] = pv_stage_derive(r, &r->contract->stages[i]);
  return PV_OK;
}

pv_code pv_status_derive(pv_arena *arena, pv_result *r, pv_error *err) {
  pv_code code = PV_OK;
  r->criterion_count = r->contract->criterion_count;
  r->criteria = PV_ARENA_NEW(arena, r->criterion_count + 1, pv_criterion_result);
  if (r->criteria == NULL) return pv_error_nomem(err, "criteria");
  for (size_t i = 0; i < r->criterion_count && code == PV_OK; i++)
    code = judge_criterion(arena, r, i, err);
  if (code == PV_OK) code = derive_stages(arena, r, err);
  if (code != PV_OK) return code;
  r->summary = (pv_summary){0};
  for (size_t i = 0; i < r->criterion_count; i++) count(&r->summary, r->criteria[i].verdict);
  r->status_before = r->contract->status;
  tally t = look(r);
  if (r->part.of > 0) {
    judge_part(r);
  } else if (r->status_before == PV_STATUS_DEPRECATED) {
    r->status_after = PV_STATUS_DEPRECATED;
    r->status_carried = true;
    r->exit_code = 0;
  } else if (r->status_before == PV_STATUS_KNOWN_DIVERGENCE) {
    judge_divergence(r, &t);
  } else {
    /* Names of known divergence excuse nothing under any other status. */
    for (size_t i = 0; i < r->criterion_count; i++)
      t.false_unnamed |= pv_verdict_falsifies(r->criteria[i].verdict);
    judge_ladder(r, &t);
  }
  /* Who asks whether the falsifiers can fail is not told yes when nobody looked. */
  if (r->exit_code == 0 && r->faults_untried > 0) r->exit_code = 3;
  return PV_OK;
}

void pv_status_explain(const pv_result *r, pv_text *out) {
  enum { SHOWN = 4 };
  size_t seen = 0;
  if (r->status_carried) return;
  pv_text_printf(out, "the file claims %s, the evidence supports %s: ",
                 pv_contract_status_name(r->status_before),
                 pv_contract_status_name(r->status_after));
  for (size_t i = 0; i < r->criterion_count; i++) {
    if (!in_the_way(r, i) || seen++ >= SHOWN) continue;
    pv_text_puts(out, seen > 1 ? ", " : "");
    pv_text_escape(out, r->criteria[i].criterion->id, strlen(r->criteria[i].criterion->id));
    pv_text_printf(out, " is %s", pv_verdict_name(r->criteria[i].verdict));
  }
  if (seen > SHOWN) pv_text_printf(out, " and %zu more", seen - SHOWN);
  if (seen == 0)
    pv_text_puts(out, nothing_applies(r, r->status_before)
                          ? "no criterion that it needs applies to this model"
                          : "no criterion is needed for that status, so nothing supports it");
}
