#include "validator/model/told.h"

json_t *pv_told_strings(const pv_strings *list) {
  json_t *out = json_array();
  for (size_t i = 0; i < list->count; i++) pv_json_append(&out, pv_json_text(list->items[i]));
  return out;
}

/* A key must be valid text as well; the same name twice keeps the last value. */
static void set_named(json_t **object, const char *name, json_t *value) {
  json_t *key = pv_json_text(name);
  pv_json_set(object, json_string_value(key), value);
  json_decref(key);
}

json_t *pv_told_facts(const pv_fact *facts, size_t count) {
  json_t *out = json_object();
  for (size_t i = 0; i < count; i++) set_named(&out, facts[i].name, pv_json_text(facts[i].value));
  return out;
}

json_t *pv_told_summary(const pv_summary *s) {
  json_t *out = json_pack("{s:i, s:i, s:i, s:i, s:i, s:i}", "discharged", (int)s->discharged,
                          "falsified", (int)s->falsified, "not_run", (int)s->not_run, "stale",
                          (int)s->stale, "error", (int)s->error, "vacuous", (int)s->vacuous);
  /* Left out where there is none, as in evidence of earlier versions. */
  if (s->not_applicable > 0) pv_json_set(&out, "not_applicable", json_integer(s->not_applicable));
  return out;
}

json_t *pv_told_criterion(const pv_result *r, size_t index) {
  const pv_criterion_result *c = &r->criteria[index];
  json_t *ids = json_array();
  for (size_t i = 0; i < c->falsifier_count; i++)
    pv_json_append(&ids, pv_json_text(r->falsifiers[c->falsifiers[i]].falsifier->id));
  json_t *out =
      json_pack("{s:o, s:s, s:s, s:s, s:o}", "id", pv_json_text(c->criterion->id), "verdict",
                pv_verdict_name(c->verdict), "source", pv_source_name(c->source), "needed_for",
                pv_contract_status_name(c->criterion->needed_for), "falsifiers", ids);
  if (c->criterion->where != NULL) pv_json_set(&out, "where", pv_json_text(c->criterion->where));
  return out;
}

static json_t *worst(const pv_worst *w) {
  if (!w->present) return json_null();
  return json_pack("{s:o, s:I, s:I, s:I, s:o, s:o}", "stage", pv_json_text(w->stage), "layer",
                   (json_int_t)w->layer, "position", (json_int_t)w->position, "index",
                   (json_int_t)w->index, "left", pv_json_number(w->left), "right",
                   pv_json_number(w->right));
}

static json_t *receipt(const pv_falsifier_result *f) {
  if (f->receipt_run == NULL && f->receipt_date == NULL && f->receipt_device == NULL)
    return json_null();
  return json_pack("{s:o, s:o, s:o}", "run", pv_json_text(f->receipt_run), "date",
                   pv_json_text(f->receipt_date), "device", pv_json_text(f->receipt_device));
}

static json_t *fixed(const pv_fixed *f) {
  return json_pack("{s:o, s:o, s:o, s:o, s:b, s:o}", "name", pv_json_text(f->name), "value",
                   pv_json_text(f->value), "commit", pv_json_exact(f->commit), "date",
                   pv_json_exact(f->date), "before_run", (int)f->before, "why",
                   pv_json_exact(f->why));
}

json_t *pv_told_falsifier(const pv_falsifier_result *f) {
  json_t *metrics = json_object();
  for (size_t i = 0; i < f->metric_count; i++)
    set_named(&metrics, f->metrics[i].name, pv_json_number(f->metrics[i].value));
  json_t *out = json_pack(
      "{s:o, s:o, s:s, s:s, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:{s:o, s:o}, s:o}", "id",
      pv_json_text(f->falsifier->id), "check", pv_json_text(f->falsifier->check), "verdict",
      pv_verdict_name(f->verdict), "source", pv_source_name(f->source), "reason",
      pv_json_text(f->reason), "metrics", metrics, "compared",
      (json_int_t)(f->compared > INT64_MAX ? INT64_MAX : f->compared), "worst", worst(&f->worst),
      "needed_tolerance",
      f->has_needed_tolerance ? pv_json_number(f->needed_tolerance) : json_null(), "duration_s",
      pv_json_number(f->duration_s), "backends", pv_told_strings(&f->backends), "faults",
      "declared", pv_told_strings(&f->faults_declared), "killed",
      pv_told_strings(&f->faults_killed), "receipt", receipt(f));
  /* Left out where it judges by no number, as in evidence of earlier versions. */
  if (f->fixed.name != NULL) pv_json_set(&out, "gate", fixed(&f->fixed));
  if (f->never_fails) pv_json_set(&out, "never_seen_to_fail", json_true());
  return out;
}
