/* The object of `pv validate --json`. */
#include "reports/render/json_parts.h"

#include "validator/model/told.h"

static json_t *result_object(const pv_result *r, const pv_render_links *links) {
  const char *folder = links == NULL ? NULL : links->folder;
  json_t *contract =
      json_pack("{s:o, s:o, s:s, s:s, s:b, s:s, s:o}", "name", pv_json_text(r->contract->name),
                "version", pv_json_text(r->contract->version), "status_before",
                pv_contract_status_name(r->status_before), "status_after",
                pv_contract_status_name(r->status_after), "status_carried", (int)r->status_carried,
                "sha256", r->contract->sha256, "path", pv_json_text(r->contract->path));
  json_t *criteria = json_array(), *falsifiers = json_array();
  for (size_t i = 0; i < r->criterion_count; i++)
    pv_json_append(&criteria, pv_told_criterion(r, i));
  for (size_t i = 0; i < r->falsifier_count; i++)
    pv_json_append(&falsifiers, pv_told_falsifier(&r->falsifiers[i]));
  json_t *out = json_pack(
      "{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:i}", "schema",
      "pv/validate/v1", "contract", contract, "summary", pv_told_summary(&r->summary), "criteria",
      criteria, "stages", pv_stages_json(r), "falsifiers", falsifiers, "environment",
      pv_told_facts(r->environment, r->environment_count), "model",
      pv_told_facts(r->model, r->model_count), "numerics",
      pv_told_facts(r->numerics, r->numerics_count), "evidence",
      folder != NULL ? pv_json_text(folder) : json_null(), "run_id", pv_json_text(r->run_id),
      "started", pv_json_text(r->started), "duration_s", pv_json_number(r->duration_s), "published",
      (int)r->publish, "exit_code", r->exit_code);
  if (r->part.of > 0)
    pv_json_set(&out, "part",
                json_pack("{s:i, s:i, s:s}", "number", (int)r->part.number, "of", (int)r->part.of,
                          "split_by", r->part.split_by));
  return out;
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
