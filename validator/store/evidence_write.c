#include <string.h>

#include "validator/store/canon.h"
#include "validator/store/evidence.h"

static json_t *text_or_null(const char *text) {
  return text == NULL ? json_null() : json_string(text);
}
static json_t *text(const char *value) {
  return json_string(value == NULL ? "" : value);
}

static json_t *strings(const pv_strings *list) {
  json_t *out = json_array();
  for (size_t i = 0; i < list->count; i++) pv_json_append(&out, json_string(list->items[i]));
  return out;
}

static json_t *facts(const pv_fact *list, size_t count) {
  json_t *out = json_object();
  for (size_t i = 0; i < count; i++) pv_json_set(&out, list[i].name, text(list[i].value));
  return out;
}

static json_t *numbers(const double *values, size_t count) {
  json_t *out = json_array();
  for (size_t i = 0; i < count; i++) pv_json_append(&out, pv_json_number(values[i]));
  return out;
}

static json_t *metrics(const pv_falsifier_result *f) {
  json_t *out = json_object();
  for (size_t i = 0; i < f->metric_count; i++)
    pv_json_set(&out, f->metrics[i].name, pv_json_number(f->metrics[i].value));
  return out;
}

static json_t *worst(const pv_worst *w) {
  if (!w->present) return json_null();
  return json_pack("{s:o, s:I, s:I, s:I, s:o, s:o}", "stage", text(w->stage), "layer",
                   (json_int_t)w->layer, "position", (json_int_t)w->position, "index",
                   (json_int_t)w->index, "left", pv_json_number(w->left), "right",
                   pv_json_number(w->right));
}

static json_t *series(const pv_falsifier_result *f) {
  json_t *out = json_array();
  for (size_t i = 0; i < f->series_count; i++) {
    const pv_series *s = &f->series[i];
    pv_json_append(
        &out,
        json_pack("{s:o, s:o, s:o, s:o, s:b, s:o, s:o}", "picture", text(s->picture), "name",
                  text(s->name), "x_label", text(s->x_label), "y_label", text(s->y_label), "log_y",
                  s->log_y ? 1 : 0, "x", numbers(s->x, s->count), "y", numbers(s->y, s->count)));
  }
  return out;
}

static json_t *receipt(const pv_falsifier_result *f) {
  if (f->receipt_run == NULL) return json_null();
  return json_pack("{s:o, s:o, s:o}", "run", text(f->receipt_run), "date", text(f->receipt_date),
                   "device", text(f->receipt_device));
}

static json_t *subject(const pv_subject *s) {
  return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "falsifier", s->falsifier, "model",
                   text_or_null(s->model), "reference", text_or_null(s->reference), "code",
                   text_or_null(s->code), "kernels", text_or_null(s->kernels), "ptx",
                   text_or_null(s->ptx), "numerics", facts(s->numerics, s->numerics_count));
}

static json_t *falsifier(const pv_falsifier_result *f, const pv_subject *about) {
  json_t *out = json_pack(
      "{s:s, s:o, s:o, s:s, s:s, s:o, s:I, s:o, s:o}", "id", f->falsifier->id, "check",
      text(f->falsifier->check), "criteria", strings(&f->falsifier->criteria), "verdict",
      pv_verdict_name(f->verdict), "source", pv_source_name(f->source), "reason", text(f->reason),
      "compared", (json_int_t)f->compared, "metrics", metrics(f), "worst", worst(&f->worst));
  json_t *rest = json_pack(
      "{s:o, s:o, s:o, s:o, s:{s:o, s:o}, s:o, s:o, s:o}", "needed_tolerance",
      f->has_needed_tolerance ? pv_json_number(f->needed_tolerance) : json_null(), "duration_s",
      pv_json_number(f->duration_s), "series", series(f), "backends", strings(&f->backends),
      "faults", "declared", strings(&f->faults_declared), "killed", strings(&f->faults_killed),
      "receipt", receipt(f), "output", text_or_null(f->output), "subject", subject(about));
  if (out == NULL || rest == NULL || json_object_update(out, rest) != 0) {
    json_decref(out);
    out = NULL;
  }
  json_decref(rest);
  return out;
}

static json_t *falsifiers(const pv_evidence *e) {
  const pv_result *r = e->result;
  json_t *out = json_array();
  for (size_t i = 0; i < r->falsifier_count; i++)
    pv_json_append(&out, falsifier(&r->falsifiers[i], &e->subjects[i]));
  return out;
}

static json_t *criteria(const pv_result *r) {
  json_t *out = json_array();
  for (size_t i = 0; i < r->criterion_count; i++) {
    const pv_criterion_result *c = &r->criteria[i];
    json_t *ids = json_array();
    for (size_t k = 0; k < c->falsifier_count; k++)
      pv_json_append(&ids, json_string(r->falsifiers[c->falsifiers[k]].falsifier->id));
    pv_json_append(&out, json_pack("{s:s, s:o, s:s, s:s, s:s, s:o}", "id", c->criterion->id,
                                   "property", text(c->criterion->property), "needed_for",
                                   pv_contract_status_name(c->criterion->needed_for), "verdict",
                                   pv_verdict_name(c->verdict), "source", pv_source_name(c->source),
                                   "falsifiers", ids));
  }
  return out;
}

static json_t *stages(const pv_result *r) {
  json_t *out = json_array();
  for (size_t i = 0; i < r->stage_count; i++) {
    const pv_stage *s = r->stages[i].stage;
    pv_json_append(
        &out, json_pack("{s:s, s:o, s:s, s:o}", "id", s->id, "description", text(s->description),
                        "status", pv_stage_status_name(r->stages[i].status), "criteria",
                        strings(&s->criteria)));
  }
  return out;
}

static json_t *run_object(const pv_result *r) {
  return json_pack("{s:o, s:o, s:o, s:o, s:b, s:i}", "id", text(r->run_id), "started",
                   text(r->started), "duration_s", pv_json_number(r->duration_s), "command",
                   text(r->command), "publish", r->publish ? 1 : 0, "exit_code", r->exit_code);
}

static json_t *contract_object(const pv_evidence *e) {
  const pv_result *r = e->result;
  return json_pack("{s:o, s:o, s:o, s:s, s:s, s:s, s:s, s:b}", "name", text(r->contract->name),
                   "version", text(r->contract->version), "path", text(e->contract_path), "sha256",
                   r->contract->sha256, "semantics_sha256", e->semantics, "status_before",
                   pv_contract_status_name(r->status_before), "status_after",
                   pv_contract_status_name(r->status_after), "status_carried",
                   r->status_carried ? 1 : 0);
}

static json_t *summary_object(const pv_summary *s) {
  return json_pack("{s:i, s:i, s:i, s:i, s:i, s:i}", "discharged", (int)s->discharged, "falsified",
                   (int)s->falsified, "not_run", (int)s->not_run, "stale", (int)s->stale, "error",
                   (int)s->error, "vacuous", (int)s->vacuous);
}

pv_code pv_evidence_render(const pv_evidence *e, pv_text *out, pv_error *err) {
  char seal[PV_SHA256_HEX];
  const pv_result *r = e->result;
  pv_text whole = PV_TEXT_INIT;
  pv_code code = PV_OK;
  json_t *object =
      json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "schema", PV_EVIDENCE_SCHEMA,
                "run", run_object(r), "contract", contract_object(e), "environment",
                facts(r->environment, r->environment_count), "model",
                facts(r->model, r->model_count), "numerics", facts(r->numerics, r->numerics_count),
                "criteria", criteria(r), "falsifiers", falsifiers(e), "summary",
                summary_object(&r->summary), "files", facts(e->files, e->file_count));
  if (object == NULL) {
    code = pv_error_set(err, PV_ERR_INTERNAL, "the evidence can not be written as JSON");
    goto cleanup;
  }
  if (r->stage_count > 0) pv_json_set(&object, "stages", stages(r));
  code = pv_canon_digest(object, seal, err);
  if (code != PV_OK) goto cleanup;
  pv_json_set(&object, "seal", json_string(seal));
  code = pv_canon_write(object, &whole, err);
  if (code == PV_OK) pv_text_add(out, whole.data, whole.length);
  if (code == PV_OK && out->failed)
    code = pv_error_set(err, PV_ERR_NOMEM, "out of memory for the evidence");
cleanup:
  pv_text_free(&whole);
  json_decref(object);
  return code;
}
