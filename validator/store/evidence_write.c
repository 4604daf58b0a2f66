#include "validator/model/told.h"
#include "validator/store/canon.h"
#include "validator/store/evidence.h"

static json_t *numbers(const double *values, size_t count) {
  json_t *out = json_array();
  for (size_t i = 0; i < count; i++) pv_json_append(&out, pv_json_number(values[i]));
  return out;
}

static json_t *series(const pv_falsifier_result *f) {
  json_t *out = json_array();
  for (size_t i = 0; i < f->series_count; i++) {
    const pv_series *s = &f->series[i];
    pv_json_append(
        &out, json_pack("{s:o, s:o, s:o, s:o, s:b, s:o, s:o}", "picture", pv_json_text(s->picture),
                        "name", pv_json_text(s->name), "x_label", pv_json_text(s->x_label),
                        "y_label", pv_json_text(s->y_label), "log_y", s->log_y ? 1 : 0, "x",
                        numbers(s->x, s->count), "y", numbers(s->y, s->count)));
  }
  return out;
}

static json_t *subject(const pv_subject *s) {
  json_t *out =
      json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "falsifier", s->falsifier, "model",
                pv_json_exact(s->model), "reference", pv_json_exact(s->reference), "code",
                pv_json_exact(s->code), "kernels", pv_json_exact(s->kernels), "ptx",
                pv_json_exact(s->ptx), "numerics", pv_told_facts(s->numerics, s->numerics_count));
  /* Left out where there is none, as in evidence of earlier versions. */
  if (s->file_count > 0) pv_json_set(&out, "files", pv_told_facts(s->files, s->file_count));
  return out;
}

static json_t *falsifiers(const pv_evidence *e) {
  json_t *out = json_array();
  for (size_t i = 0; i < e->result->falsifier_count; i++) {
    const pv_falsifier_result *f = &e->result->falsifiers[i];
    json_t *one = pv_told_falsifier(f);
    pv_json_set(&one, "criteria", pv_told_strings(&f->falsifier->criteria));
    pv_json_set(&one, "series", series(f));
    pv_json_set(&one, "output", pv_json_exact(f->output));
    pv_json_set(&one, "subject", subject(&e->subjects[i]));
    pv_json_append(&out, one);
  }
  return out;
}

static json_t *criteria(const pv_result *r) {
  json_t *out = json_array();
  for (size_t i = 0; i < r->criterion_count; i++) {
    json_t *one = pv_told_criterion(r, i);
    pv_json_set(&one, "property", pv_json_text(r->criteria[i].criterion->property));
    pv_json_append(&out, one);
  }
  return out;
}

static json_t *stages(const pv_result *r) {
  json_t *out = json_array();
  for (size_t i = 0; i < r->stage_count; i++) {
    const pv_stage *s = r->stages[i].stage;
    pv_json_append(&out, json_pack("{s:s, s:o, s:s, s:o}", "id", s->id, "description",
                                   pv_json_text(s->description), "status",
                                   pv_stage_status_name(r->stages[i].status), "criteria",
                                   pv_told_strings(&s->criteria)));
  }
  return out;
}

static json_t *run_object(const pv_result *r) {
  return json_pack("{s:o, s:o, s:o, s:o, s:b, s:i}", "id", pv_json_text(r->run_id), "started",
                   pv_json_text(r->started), "duration_s", pv_json_number(r->duration_s), "command",
                   pv_json_text(r->command), "publish", r->publish ? 1 : 0, "exit_code",
                   r->exit_code);
}

static json_t *contract_object(const pv_evidence *e) {
  const pv_result *r = e->result;
  return json_pack(
      "{s:o, s:o, s:o, s:s, s:s, s:s, s:s, s:b}", "name", pv_json_text(r->contract->name),
      "version", pv_json_text(r->contract->version), "path", pv_json_text(e->contract_path),
      "sha256", r->contract->sha256, "semantics_sha256", e->semantics, "status_before",
      pv_contract_status_name(r->status_before), "status_after",
      pv_contract_status_name(r->status_after), "status_carried", r->status_carried ? 1 : 0);
}

/* What only a part says, and what the run that is joined from all needs of it. */
static json_t *part_object(const pv_result *r) {
  json_t *others = json_array(), *unseen = json_array();
  for (size_t i = 0; i < r->falsifier_count; i++) {
    const pv_falsifier_result *f = &r->falsifiers[i];
    if (f->of_another_part) pv_json_append(&others, pv_json_text(f->falsifier->id));
    if (f->judged_elsewhere) pv_json_append(&unseen, pv_json_text(f->falsifier->id));
  }
  return json_pack("{s:i, s:i, s:o, s:o, s:o, s:b, s:i, s:b, s:o, s:o}", "number",
                   (int)r->part.number, "of", (int)r->part.of, "split", pv_json_text(r->part.split),
                   "split_by", pv_json_text(r->part.split_by), "whole", pv_json_text(r->part.whole),
                   "faults", (int)r->part.faults, "faults_untried", (int)r->faults_untried,
                   "partial", (int)r->partial, "in_other_parts", others, "judged_of_others",
                   unseen);
}

pv_code pv_evidence_render(const pv_evidence *e, pv_text *out, pv_error *err) {
  char seal[PV_SHA256_HEX];
  const pv_result *r = e->result;
  pv_text whole = PV_TEXT_INIT;
  json_t *object = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "schema",
                             r->part.of > 0 ? PV_EVIDENCE_PART : PV_EVIDENCE_SCHEMA, "run",
                             run_object(r), "contract", contract_object(e), "environment",
                             pv_told_facts(r->environment, r->environment_count), "model",
                             pv_told_facts(r->model, r->model_count), "numerics",
                             pv_told_facts(r->numerics, r->numerics_count), "criteria", criteria(r),
                             "falsifiers", falsifiers(e), "summary", pv_told_summary(&r->summary),
                             "files", pv_told_facts(e->files, e->file_count));
  if (r->stage_count > 0) pv_json_set(&object, "stages", stages(r));
  if (r->part.of > 0) pv_json_set(&object, "part", part_object(r));
  pv_code code = pv_canon_digest(object, seal, err);
  if (code != PV_OK) goto cleanup;
  pv_json_set(&object, "seal", json_string(seal));
  code = pv_canon_write(object, &whole, err);
  if (code == PV_OK) pv_text_add(out, whole.data, whole.length);
  if (code == PV_OK && out->failed) code = pv_error_nomem(err, "the evidence");
cleanup:
  pv_text_free(&whole);
  json_decref(object);
  return code;
}
