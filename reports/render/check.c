#include "reports/render/render.h"
#include "validator/model/stage.h"

/* A renderer does not believe the result it is given: what it would print as proven must be
 * supported inside the result itself. */

static pv_code refuse(pv_error *err, const char *what, const char *id) {
  return pv_error_set(err, PV_ERR_INTERNAL, "the result contradicts itself: %s%s%s", what,
                      id[0] != '\0' ? ": " : "", id);
}

static pv_code check_falsifier(const pv_falsifier_result *f, pv_error *err) {
  if (f->falsifier == NULL || f->falsifier->id == NULL)
    return refuse(err, "a falsifier without its contract entry", "");
  const char *id = f->falsifier->id;
  if ((unsigned)f->verdict >= PV_VERDICT_COUNT) return refuse(err, "an unknown verdict", id);
  if (f->verdict != PV_PASS) return PV_OK;
  if (f->compared == 0) return refuse(err, "a PASS that compared nothing", id);
  if (f->source != PV_FROM_RUN && f->source != PV_FROM_RECEIPT)
    return refuse(err, "a PASS from nowhere", id);
  return PV_OK;
}

static pv_code check_criterion(const pv_result *r, const pv_criterion_result *c, pv_error *err) {
  if (c->criterion == NULL || c->criterion->id == NULL)
    return refuse(err, "a criterion without its contract entry", "");
  const char *id = c->criterion->id;
  if ((unsigned)c->verdict >= PV_VERDICT_COUNT) return refuse(err, "an unknown verdict", id);
  for (size_t i = 0; i < c->falsifier_count; i++)
    if (c->falsifiers[i] >= r->falsifier_count)
      return refuse(err, "a criterion bound to a falsifier that is not there", id);
  for (size_t i = 0; i < c->falsifier_count && c->verdict == PV_NOT_APPLICABLE; i++)
    if (r->falsifiers[c->falsifiers[i]].verdict != PV_NOT_APPLICABLE &&
        r->falsifiers[c->falsifiers[i]].verdict != PV_PASS)
      return refuse(err, "a criterion better than its falsifiers", id);
  if (c->verdict != PV_PASS) return PV_OK;
  if (c->falsifier_count == 0) return refuse(err, "a PASS that no falsifier supports", id);
  if (c->source != PV_FROM_RUN && c->source != PV_FROM_RECEIPT)
    return refuse(err, "a PASS from nowhere", id);
  for (size_t i = 0; i < c->falsifier_count; i++)
    if (r->falsifiers[c->falsifiers[i]].verdict != PV_PASS)
      return refuse(err, "a criterion better than its falsifiers", id);
  return PV_OK;
}

static pv_code check_totals(const pv_result *r, pv_error *err) {
  size_t passed = 0;
  bool falsified = pv_result_falsified(r);
  for (size_t i = 0; i < r->criterion_count; i++) {
    const pv_verdict v = r->criteria[i].verdict;
    passed += v == PV_PASS;
    falsified = falsified || pv_verdict_falsifies(v);
  }
  if (r->summary.discharged != passed)
    return refuse(err, "the summary counts other discharged criteria than there are", "");
  /* Beside the ladder a claim may be false and said to be so. */
  const bool ladder = r->status_before <= PV_STATUS_ACTIVE_RUNTIME;
  const bool part = r->part.of > 0;
  if (r->exit_code == 0 && ((falsified && ladder) || (!part && !r->status_carried)))
    return refuse(err, "exit code 0 over a claim that is falsified or not supported", "");
  if (part && (r->status_carried || r->status_after != PV_STATUS_DRAFT))
    return refuse(err, "a part of a run that supports a status", "");
  size_t needed = 0;
  for (size_t i = 0; i < r->criterion_count && ladder && r->status_carried; i++) {
    const pv_contract_status need = r->criteria[i].criterion->needed_for;
    if (need == PV_STATUS_DRAFT || need > r->status_before) continue;
    needed++;
    if (r->criteria[i].verdict != PV_PASS && r->criteria[i].verdict != PV_NOT_APPLICABLE)
      return refuse(err, "a status is called supported without a criterion that it needs",
                    r->criteria[i].criterion->id);
  }
  if (needed > 0 && pv_result_needed(r, r->status_after) == 0)
    return refuse(err, "a status is called supported where no criterion applies", "");
  return PV_OK;
}

static pv_code check_stages(const pv_result *r, pv_error *err) {
  for (size_t i = 0; i < r->stage_count; i++) {
    const pv_stage_result *s = &r->stages[i];
    if (s->stage == NULL || s->stage->id == NULL)
      return refuse(err, "a stage without its contract entry", "");
    const pv_stage_result own = pv_stage_derive(r, s->stage);
    if (own.status != s->status || own.held != s->held)
      return refuse(err, "a stage that is not what its criteria make of it", s->stage->id);
  }
  return PV_OK;
}

pv_code pv_render_check(const pv_result *result, pv_error *err) {
  if (result == NULL || result->contract == NULL)
    return refuse(err, "there is no contract in it", "");
  if ((unsigned)result->status_before >= PV_STATUS_COUNT ||
      (unsigned)result->status_after >= PV_STATUS_COUNT)
    return refuse(err, "an unknown status", "");
  pv_code code = PV_OK;
  for (size_t i = 0; i < result->falsifier_count && code == PV_OK; i++)
    code = check_falsifier(&result->falsifiers[i], err);
  for (size_t i = 0; i < result->criterion_count && code == PV_OK; i++)
    code = check_criterion(result, &result->criteria[i], err);
  if (code == PV_OK) code = check_stages(result, err);
  return code == PV_OK ? check_totals(result, err) : code;
}
