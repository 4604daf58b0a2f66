/* Sides of checks that compute nothing here: a trace, or another engine, run as a program. */
#include <stdlib.h>
#include <string.h>

#include "kernels/exact/exact.h"
#include "runtime/checks/check.h"

/* pv ends the probe, and the engine with it, when the falsifier's time is over. */
static const double TIMEOUT_S = 86400.0;

bool pv_check_records(const char *word) {
  char name[PV_DEVICES_TEXT + 32];
  snprintf(name, sizeof name, "%.*s", (int)strcspn(word, ":@"), word);
  const pv_side_kind *kind = pv_side_kind_find(name);
  return kind != NULL && kind->backend == NULL;
}

/* A verdict has no place beside its reason. */
static pv_code with_place(pv_code code, const char *word, pv_error *err) {
  pv_error told = PV_ERROR_INIT;
  const char *file = strrchr(err->file, '/');
  if (code == PV_OK || err->file[0] == '\0') return code;
  if (strncmp(err->file, word, strlen(word)) == 0) /* it names the side already */
    pv_error_set(&told, code, "%.120s: %.380s", err->file, err->message);
  else
    pv_error_set(&told, code, "%.90s: %.60s: %.350s", word, file != NULL ? file + 1 : err->file,
                 err->message);
  *err = told;
  return code;
}

/* What lies at a path is not the contract's to run: it may come from a stranger. */
static pv_code refuse_path(const pv_side *side, const char *word, pv_error *err) {
  if (memchr(side->program, '/', pv_side_piece(side->program)) == NULL) return PV_OK;
  return pv_error_set(err, PV_ERR_INPUT,
                      "'%.100s' names a file: a contract names a program in $PATH", word);
}

static pv_code check_tokens(const pv_recorded *trace, const char *word, const uint32_t *ids,
                            size_t count, pv_error *err) {
  const pv_source *s = &trace->source;
  if (s->ids == NULL || (s->positions == count && memcmp(s->ids, ids, count * sizeof *ids) == 0))
    return PV_OK;
  return pv_error_set(err, PV_ERR_INPUT, "'%.200s' is of other tokens than the prompt", word);
}

pv_code pv_check_record(pv_check *check, const char *word, const uint32_t *ids, size_t count,
                        pv_check_recorded *out, pv_error *err) {
  pv_error local = PV_ERROR_INIT;
  pv_recorded_model of = {.model = check->model, .path = check->model_path};
  pv_check_recorded made = {0};
  pv_side side;
  *out = made;
  pv_code code = pv_check_side(word, PV_NUMERICS_I16, &side, &local);
  if (code == PV_OK && side.program != NULL) code = refuse_path(&side, word, &local);
  if (code == PV_OK && side.program != NULL) {
    code = pv_engine_find(&side, &local);
    if (code == PV_ERR_INPUT) return pv_check_verdict(check, "NOT_RUN", "%s", local.message);
  }
  snprintf(of.sha256, sizeof of.sha256, "%s", check->cache->model_sha256);
  if (code == PV_OK && side.program != NULL) {
    const pv_engine_spec spec = {&side, check->model_path, ids, count, TIMEOUT_S};
    code = pv_walker_record(word, &spec, &of, &made.made, &made.trace, &local);
  } else if (code == PV_OK) {
    code = pv_recorded_open(side.folder, &of, &made.trace, &local);
    if (code == PV_OK) code = check_tokens(made.trace, word, ids, count, &local);
  }
  snprintf(check->cache->model_sha256, sizeof check->cache->model_sha256, "%s", of.sha256);
  if (code == PV_OK) {
    *out = made;
    return PV_OK;
  }
  with_place(code, word, &local);
  if (err != NULL) *err = local;
  pv_check_recorded_close(&made);
  return code;
}

void pv_check_recorded_close(pv_check_recorded *recorded) {
  pv_recorded_close(recorded->trace);
  pv_engine_forget(recorded->made);
  *recorded = (pv_check_recorded){0};
}

/* An engine that hands out logits leaves it to others which token is the top: by the rule of all.
 */
static pv_code add_top(pv_capture *c, pv_error *err) {
  const pv_stage_id top = pv_model_stage(c->model, PV_ROLE_TOP);
  const pv_stage_id logits = pv_model_stage(c->model, PV_ROLE_LOGITS);
  const size_t vocab = c->model->shape.vocab;
  pv_rows *rows = &c->stages[0][top];
  if (!pv_capture_lacks(c, top, 0) || pv_capture_lacks(c, logits, 0)) return PV_OK;
  double *row = calloc(vocab, sizeof *row);
  if (row == NULL) return pv_error_nomem(err, "a row of logits");
  const pv_code code =
      pv_rows_room(c->model->plan, top, 1, c->positions, c->source.real_bytes, rows, err);
  for (size_t p = 0; p < c->positions && code == PV_OK; p++) {
    for (size_t i = 0; i < vocab; i++) row[i] = pv_capture_at(c, logits, 0, p, i);
    ((int32_t *)rows->data)[p] = pv_exact.argmax(row, vocab);
  }
  free(row);
  return code;
}

pv_code pv_check_engine(const pv_recorded *trace, char **out, pv_error *err) {
  const char *engine = pv_listing_text(trace->listing.about, "engine");
  const char *version = pv_listing_text(trace->listing.about, "version");
  pv_text text = PV_TEXT_INIT;
  if (engine == NULL) return PV_OK;
  pv_text_printf(&text, "%.100s%s%.100s", engine, version != NULL ? " " : "",
                 version != NULL ? version : "");
  if (text.failed) return pv_error_nomem(err, "the name of an engine");
  *out = text.data;
  return PV_OK;
}

pv_code pv_check_capture_recorded(pv_check *check, const pv_capture_spec *spec, pv_capture **out,
                                  pv_error *err) {
  pv_error local = PV_ERROR_INIT;
  pv_check_recorded recorded = {0};
  pv_capture *made = NULL;
  if (pv_check_tests(check, spec->backend, spec->numerics))
    return pv_error_set(err, PV_ERR_INPUT, "no fault can be planted in %.200s", spec->backend);
  if (spec->batches != NULL || spec->batch > 0)
    return pv_error_set(err, PV_ERR_INTERNAL, "a recording was to be cut into batches");
  pv_code code = pv_check_record(check, spec->backend, spec->ids, spec->count, &recorded, &local);
  if (code == PV_OK && recorded.trace == NULL) return PV_OK;
  if (code == PV_OK)
    code = pv_capture_source(&recorded.trace->source, check->model, spec, &made, &local);
  if (code == PV_OK) code = add_top(made, &local);
  if (code == PV_OK) code = pv_check_engine(recorded.trace, &made->about, &local);
  if (code == PV_OK) {
    made->backend = spec->backend;
    pv_check_backend(check, made->backend);
    if (made->about != NULL) pv_check_backend(check, made->about);
    *out = made;
  } else {
    pv_capture_free(made);
    with_place(code, spec->backend, &local);
    if (err != NULL) *err = local;
  }
  pv_check_recorded_close(&recorded);
  return code;
}

static bool looks_at(const pv_check *check, size_t stage) {
  const pv_role role = check->model->plan->rows[stage].role;
  return check->spec->roles == 0 || (check->spec->roles >> role & 1) != 0;
}

pv_code pv_check_complete(const pv_check *check, const char *word, const pv_capture *capture,
                          pv_error *err) {
  const pv_plan *plan = check->model->plan;
  char place[PV_PLACE_LENGTH];
  for (pv_step step = {0}; pv_plan_next(plan, check->model->shape.layers, &step);)
    for (size_t s = step.first; s < step.first + step.count; s++)
      if (looks_at(check, s) && pv_capture_lacks(capture, (pv_stage_id)s, step.layer))
        return pv_error_set(err, PV_ERR_INPUT, "%.200s did not record %s at every position", word,
                            pv_plan_place(plan, s, step.layer, place));
  return PV_OK;
}
