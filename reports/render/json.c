/* The object of `pv validate --json`. */
#include "reports/render/json_parts.h"

#include <stdlib.h>
#include <string.h>

#include "reports/render/stages.h"

json_t *pv_json_text(const char *value) {
  return pv_json_string(pv_view_text(value));
}

/* A key must be valid text as well; the same name twice keeps the last value. */
static int set_named(json_t *object, const char *name, json_t *value) {
  json_t *key = pv_json_text(name);
  const int bad = key == NULL ? -1 : json_object_set_new(object, json_string_value(key), value);
  if (key == NULL) json_decref(value);
  json_decref(key);
  return bad;
}

static json_t *facts_object(const pv_fact *facts, size_t count) {
  json_t *out = json_object();
  for (size_t i = 0; i < count && out != NULL; i++)
    if (set_named(out, facts[i].name, pv_json_text(facts[i].value)) != 0) {
      json_decref(out);
      return NULL;
    }
  return out;
}

static json_t *strings_array(const pv_strings *list) {
  json_t *out = json_array();
  for (size_t i = 0; i < list->count; i++) pv_json_append(&out, pv_json_text(list->items[i]));
  return out;
}

static json_t *worst_object(const pv_worst *w) {
  if (!w->present) return json_null();
  return json_pack("{s:o, s:I, s:I, s:I, s:o, s:o}", "stage", pv_json_text(w->stage), "layer",
                   (json_int_t)w->layer, "position", (json_int_t)w->position, "index",
                   (json_int_t)w->index, "left", pv_json_number(w->left), "right",
                   pv_json_number(w->right));
}

static json_t *receipt_object(const pv_falsifier_result *f) {
  if (f->receipt_run == NULL && f->receipt_date == NULL && f->receipt_device == NULL)
    return json_null();
  return json_pack("{s:o, s:o, s:o}", "run", pv_json_text(f->receipt_run), "date",
                   pv_json_text(f->receipt_date), "device", pv_json_text(f->receipt_device));
}

static json_t *falsifier_object(const pv_falsifier_result *f) {
  json_t *metrics = json_object();
  for (size_t i = 0; i < f->metric_count && metrics != NULL; i++)
    if (set_named(metrics, f->metrics[i].name, pv_json_number(f->metrics[i].value)) != 0) {
      json_decref(metrics);
      metrics = NULL;
    }
  json_t *faults = json_pack("{s:o, s:o}", "declared", strings_array(&f->faults_declared), "killed",
                             strings_array(&f->faults_killed));
  return json_pack("{s:o, s:o, s:s, s:s, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "id",
                   pv_json_text(f->falsifier->id), "check", pv_json_text(f->falsifier->check),
                   "verdict", pv_verdict_name(f->verdict), "source", pv_source_name(f->source),
                   "reason", pv_json_text(f->reason), "metrics", metrics, "compared",
                   (json_int_t)(f->compared > INT64_MAX ? INT64_MAX : f->compared), "worst",
                   worst_object(&f->worst), "needed_tolerance",
                   f->has_needed_tolerance ? pv_json_number(f->needed_tolerance) : json_null(),
                   "duration_s", pv_json_number(f->duration_s), "backends",
                   strings_array(&f->backends), "faults", faults, "receipt", receipt_object(f));
}

static json_t *criterion_object(const pv_result *r, const pv_criterion_result *c) {
  json_t *ids = json_array();
  for (size_t i = 0; i < c->falsifier_count; i++)
    pv_json_append(&ids, pv_json_text(r->falsifiers[c->falsifiers[i]].falsifier->id));
  return json_pack("{s:o, s:s, s:s, s:s, s:o}", "id", pv_json_text(c->criterion->id), "verdict",
                   pv_verdict_name(c->verdict), "source", pv_source_name(c->source), "needed_for",
                   pv_contract_status_name(c->criterion->needed_for), "falsifiers", ids);
}

static json_t *lists(const pv_result *r, bool criteria) {
  json_t *out = json_array();
  const size_t count = criteria ? r->criterion_count : r->falsifier_count;
  for (size_t i = 0; i < count; i++)
    pv_json_append(&out, criteria ? criterion_object(r, &r->criteria[i])
                                  : falsifier_object(&r->falsifiers[i]));
  return out;
}

static json_t *result_object(const pv_result *r, const pv_render_links *links) {
  const pv_summary *s = &r->summary;
  const char *folder = links == NULL ? NULL : links->folder;
  json_t *contract =
      json_pack("{s:o, s:o, s:s, s:s, s:b, s:s, s:o}", "name", pv_json_text(r->contract->name),
                "version", pv_json_text(r->contract->version), "status_before",
                pv_contract_status_name(r->status_before), "status_after",
                pv_contract_status_name(r->status_after), "status_carried", (int)r->status_carried,
                "sha256", r->contract->sha256, "path", pv_json_text(r->contract->path));
  json_t *summary = json_pack("{s:i, s:i, s:i, s:i, s:i, s:i}", "discharged", (int)s->discharged,
                              "falsified", (int)s->falsified, "not_run", (int)s->not_run, "stale",
                              (int)s->stale, "error", (int)s->error, "vacuous", (int)s->vacuous);
  return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:i}",
                   "contract", contract, "summary", summary, "criteria", lists(r, true), "stages",
                   pv_stages_json(r), "falsifiers", lists(r, false), "environment",
                   facts_object(r->environment, r->environment_count), "model",
                   facts_object(r->model, r->model_count), "numerics",
                   facts_object(r->numerics, r->numerics_count), "evidence",
                   folder != NULL ? pv_json_text(folder) : json_null(), "run_id",
                   pv_json_text(r->run_id), "started", pv_json_text(r->started), "duration_s",
                   pv_json_number(r->duration_s), "published", (int)r->publish, "exit_code",
                   r->exit_code);
}

pv_code pv_json_put(pv_text *out, json_t *object, pv_error *err) {
  const size_t begin = out->length;
  if (object == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory while writing JSON");
  pv_code code = pv_json_write(object, JSON_INDENT(2), out, err);
  json_decref(object);
  if (code != PV_OK) return code;
  pv_text_puts(out, "\n");
  return pv_view_end(out, begin, PV_OK, err);
}

pv_code pv_render_json(const pv_result *result, const pv_render_links *links, pv_text *out,
                       pv_error *err) {
  const pv_code code = pv_render_check(result, err);
  return code == PV_OK ? pv_json_put(out, result_object(result, links), err) : code;
}
