#include "runtime/checks/check.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/ck.h"
#include "base/json.h"
#include "base/text.h"

enum { PLANTED_LONGEST = 32 };
/* Tokens of the longest prompt that the interpreter gets by itself: a matter of time. */
enum { INTERPRETED = 16 };

const char *pv_check_word(const pv_check *check, const char *name) {
  const json_t *value = json_object_get(check->with, name);
  if (json_is_string(value)) return json_string_value(value);
  const pv_param_spec *spec = pv_check_param(check->spec, name);
  return spec != NULL && spec->fallback != NULL ? spec->fallback : "";
}

double pv_check_real(const pv_check *check, const char *name) {
  const json_t *value = json_object_get(check->with, name);
  double out = 0.0;
  if (json_is_number(value)) return json_number_value(value);
  const char *text = pv_check_word(check, name);
  return pv_parse_f64(text, strlen(text), &out) ? out : 0.0;
}

size_t pv_check_list(const pv_check *check, const char *name, const char *out[32]) {
  const json_t *list = json_object_get(check->with, name);
  size_t count = 0;
  if (json_is_string(list)) {
    out[count++] = json_string_value(list);
    return count;
  }
  for (size_t i = 0; i < json_array_size(list) && count < 32; i++)
    if (json_is_string(json_array_get(list, i)))
      out[count++] = json_string_value(json_array_get(list, i));
  return count;
}

pv_numerics pv_check_numerics(const pv_check *check, const char *name) {
  const int found = pv_numerics_find(pv_check_word(check, name));
  return found < 0 ? PV_NUMERICS_I16 : (pv_numerics)found;
}

bool pv_check_failed(const pv_check *check) {
  return strcmp(check->verdict, "FAIL") == 0;
}

pv_code pv_check_pass(pv_check *check) {
  if (!pv_check_failed(check)) check->verdict = "PASS";
  return PV_OK;
}

pv_code pv_check_fail(pv_check *check, const char *fmt, ...) {
  if (pv_check_failed(check)) return PV_OK;
  check->verdict = "FAIL";
  va_list args;
  va_start(args, fmt);
  vsnprintf(check->reason, sizeof check->reason, fmt, args);
  va_end(args);
  return PV_OK;
}

pv_code pv_check_verdict(pv_check *check, const char *verdict, const char *fmt, ...) {
  check->verdict = verdict;
  va_list args;
  va_start(args, fmt);
  vsnprintf(check->reason, sizeof check->reason, fmt, args);
  va_end(args);
  return PV_OK;
}

/* What is no number is told in words, and the parent refuses a PASS. */
void pv_check_metric(pv_check *check, const char *name, double value) {
  pv_json_set(&check->metrics, name, pv_json_number(value));
}

void pv_check_needed(pv_check *check, double tolerance) {
  check->has_needed = isfinite(tolerance);
  check->needed = tolerance;
}

void pv_check_backend(pv_check *check, const char *name) {
  for (size_t i = 0; i < json_array_size(check->backends); i++)
    if (strcmp(json_string_value(json_array_get(check->backends, i)), name) == 0) return;
  pv_json_append(&check->backends, json_string(name));
}

void pv_check_worst(pv_check *check, pv_stage_id stage, uint32_t layer, size_t position,
                    size_t index, double left, double right) {
  json_decref(check->worst);
  check->worst =
      json_pack("{s:s, s:I, s:I, s:I, s:o, s:o}", "stage", check->model->plan->rows[stage].name,
                "layer", pv_plan_is_layered(check->model->plan, stage) ? (json_int_t)layer : -1,
                "position", (json_int_t)position, "index", (json_int_t)index, "left",
                pv_json_number(left), "right", pv_json_number(right));
  if (check->worst == NULL) pv_json_set(&check->metrics, "worst", NULL); /* then nothing is told */
}

void pv_check_series(pv_check *check, const char *picture, const char *name, const char *x_label,
                     const char *y_label, bool log_y, const double *x, const double *y,
                     size_t count) {
  json_t *xs = json_array(), *ys = json_array();
  for (size_t i = 0; i < count; i++) {
    pv_json_append(&xs, pv_json_number(x[i]));
    pv_json_append(&ys, pv_json_number(y[i]));
  }
  pv_json_append(&check->series, json_pack("{s:s, s:s, s:s, s:s, s:b, s:o, s:o}", "picture",
                                           picture, "name", name, "x_label", x_label, "y_label",
                                           y_label, "log_y", log_y ? 1 : 0, "x", xs, "y", ys));
}

void pv_check_progress(pv_check *check, size_t done, size_t total) {
  if (check->progress != NULL) check->progress(check->progress_context, done, total);
}

static const pv_reference *source_of(const pv_check *check) {
  return check->reference != NULL ? check->reference : check->builtin;
}

/* Names in `prompts`; 0 when all are meant. */
static size_t named_prompts(const pv_check *check, const char *names[32]) {
  const size_t named = pv_check_list(check, "prompts", names);
  return named == 1 && strcmp(names[0], "all") == 0 ? 0 : named;
}

bool pv_check_has(pv_check *check, bool prompts) {
  const char *names[32];
  if (check->model == NULL) {
    pv_check_verdict(check, "NOT_RUN", "no model was given");
    return false;
  }
  if ((check->spec->needs & PV_NEEDS_EXPERTS) != 0 && !pv_plan_has_experts(check->model->plan)) {
    pv_check_verdict(check, "NOT_APPLICABLE", "the model has no experts (architecture %s)",
                     check->model->plan->architecture);
    return false;
  }
  if (prompts && source_of(check) == NULL) {
    pv_check_verdict(check, "NOT_RUN", "no prompts were given");
    return false;
  }
  const size_t named = prompts && check->reference == NULL ? named_prompts(check, names) : 0;
  for (size_t n = 0; n < named; n++)
    if (pv_reference_find(check->builtin, names[n]) == NULL) {
      pv_check_verdict(check, "NOT_RUN",
                       "no reference was given, and none of the built-in prompts is '%s'",
                       names[n]);
      return false;
    }
  return true;
}

static bool interprets(const pv_check *check) {
  static const char *const names[] = {"backend", "left", "right"};
  for (size_t i = 0; i < 3; i++)
    if (strncmp(pv_check_word(check, names[i]), "ptx", 3) == 0) return true;
  return false;
}

pv_code pv_check_prompts(const pv_check *check, size_t longest, pv_prompts *out, pv_error *err) {
  const char *names[32];
  const size_t named = named_prompts(check, names);
  const pv_reference *source = source_of(check);
  *out = (pv_prompts){0};
  /* What stands in with a fault is slow; a fault that is seen in few prompts is seen. */
  if (check->planted.fault != NULL && longest > PLANTED_LONGEST) longest = PLANTED_LONGEST;
  if (interprets(check) && longest > INTERPRETED) longest = INTERPRETED;
  const size_t count = pv_reference_prompt_count(source);
  for (size_t i = 0; i < count && named == 0; i++) {
    const pv_reference_prompt *p = pv_reference_prompt_at(source, i);
    if (p->count <= longest && out->count < 64) out->items[out->count++] = p;
  }
  for (size_t n = 0; n < named; n++) {
    const pv_reference_prompt *p = pv_reference_find(source, names[n]);
    if (p == NULL)
      return pv_error_set(err, PV_ERR_INPUT, "the reference has no prompt '%s'", names[n]);
    out->items[out->count++] = p;
  }
  return PV_OK;
}

bool pv_check_planted(const pv_check *check, const char *fault) {
  return check->planted.fault != NULL && strcmp(check->planted.fault->name, fault) == 0;
}

pv_code pv_check_side(const char *word, pv_numerics numerics, pv_side *out, pv_error *err) {
  char text[256];
  bool old = false;
  const int kind = (int)strcspn(word, "@");
  if (pv_check_records(word)) return pv_side_parse(word, out, &old, err);
  snprintf(text, sizeof text, "%.*s:%s%s", kind, word, pv_numerics_name(numerics), word + kind);
  return pv_side_parse(text, out, &old, err);
}

/* Is this the side that a fault is planted in? Of two sides the right one, unless that is the
 * arbiter; of code paths those that are compared with the default; never the arbiter beside it. */
bool pv_check_tests(const pv_check *check, const char *backend, pv_numerics numerics) {
  if (check->planted.fault == NULL) return false;
  const bool two = pv_check_param(check->spec, "right") != NULL,
             apart = pv_check_param(check->spec, "right_numerics") != NULL;
  if (!two && pv_check_param(check->spec, "backend") == NULL) return strcmp(backend, "cpu") != 0;
  if (!two)
    return numerics != PV_NUMERICS_F64 || pv_check_numerics(check, "numerics") == PV_NUMERICS_F64;
  const bool left = apart && pv_check_numerics(check, "right_numerics") == PV_NUMERICS_F64;
  const char *side = pv_check_word(check, left ? "left" : "right");
  const char *identity = !apart ? "numerics" : left ? "left_numerics" : "right_numerics";
  return strcmp(backend, side) == 0 && numerics == pv_check_numerics(check, identity);
}

pv_code pv_check_open(pv_check *check, const char *backend, const pv_backend_config *config,
                      pv_fault_side *out, pv_error *err) {
  pv_side side;
  if (pv_check_tests(check, backend, config->numerics))
    return pv_fault_stand_in(check->model, config, &check->planted, out, err);
  pv_code code = pv_check_side(backend, config->numerics, &side, err);
  if (code == PV_OK) code = pv_side_open(&side, check->model, config, out, err);
  return code == PV_OK ? pv_check_note_streams(check, out->forward, err) : code;
}

/* Layers that do not stay are no secret of the side that computes. */
pv_code pv_check_note_streams(pv_check *check, pv_forward *forward, pv_error *err) {
  pv_gpu_info device = {0};
  bool has = false;
  const pv_code code = pv_forward_device(forward, &has, &device, err);
  if (code == PV_OK && device.streamed > 0)
    pv_check_metric(check, "streamed_bytes", (double)device.streamed);
  return code;
}

pv_code pv_check_set(pv_check *check, const char *word, pv_alone_set *out, pv_error *err) {
  pv_side side;
  const pv_code code = pv_check_side(word, PV_NUMERICS_I16, &side, err);
  if (code != PV_OK) return code;
  const pv_fault *fault = check->planted.fault != NULL ? check->planted.fault : side.planted.fault;
  /* One kernel runs on one device, the first. */
  if (fault == NULL)
    return pv_alone_set_find(side.devices[0] != '\0' ? side.kind->backend : side.kind->name, out,
                             err);
  check->kernels = pv_fault_kernels(fault);
  *out = (pv_alone_set){.name = side.kind->name, .host = &check->kernels};
  return PV_OK;
}

void pv_check_note_who(pv_check *check, const pv_capture *capture) {
  pv_check_backend(check, capture->backend);
  if (capture->about != NULL) pv_check_backend(check, capture->about);
  if (strncmp(capture->backend, "vulkan", strlen("vulkan")) == 0) pv_check_note_vulkan(check);
}

/* Whoever computed goes by the name of the side whose place it takes; a fallback does not. */
pv_code pv_check_name(pv_check *check, const char *word, pv_numerics numerics, pv_capture *capture,
                      pv_error *err) {
  const bool tested = pv_check_tests(check, word, numerics);
  pv_side side;
  const pv_code code = pv_check_side(word, numerics, &side, err);
  if (code != PV_OK) return code;
  const pv_fault *fault = tested ? check->planted.fault : side.planted.fault;
  if (fault != NULL ? fault->host != PV_FAULT_IN_CHOICE
                    : strcmp(capture->backend, side.kind->backend) == 0)
    capture->backend = word;
  pv_check_note_who(check, capture);
  return PV_OK;
}

static pv_code capture(pv_check *check, const pv_capture_spec *spec, pv_capture **out,
                       pv_error *err) {
  pv_backend_config config;
  pv_fault_side opened = {0};
  pv_capture *made = NULL;
  pv_code code = pv_capture_config(spec, &config, err);
  if (code == PV_OK) code = pv_check_open(check, spec->backend, &config, &opened, err);
  if (code == PV_OK) code = pv_capture_with(opened.forward, check->model, spec, &made, err);
  if (code == PV_OK) code = pv_check_name(check, spec->backend, spec->numerics, made, err);
  pv_fault_close(&opened);
  if (code == PV_OK)
    *out = made;
  else
    pv_capture_free(made);
  return code;
}

pv_code pv_check_capture_spec(pv_check *check, const pv_capture_spec *spec, pv_capture **out,
                              pv_error *err) {
  pv_error local = PV_ERROR_INIT;
  *out = NULL;
  if (pv_check_records(spec->backend)) return pv_check_capture_recorded(check, spec, out, err);
  const pv_code code = capture(check, spec, out, &local);
  if (code == PV_ERR_UNSUPPORTED) return pv_check_verdict(check, "NOT_RUN", "%s", local.message);
  if (code != PV_OK && err != NULL) *err = local;
  return code;
}

void pv_capture_cache_free(pv_capture_cache *cache) {
  for (size_t i = 0; i < cache->count; i++) {
    pv_capture_free(cache->entries[i].capture);
    free(cache->entries[i].side);
  }
  free(cache->entries);
  *cache = (pv_capture_cache){0};
}

bool pv_check_fits(const pv_check *check, size_t positions) {
  const pv_model *m = check->model;
  const uint64_t room = check->cache->room > 0 ? check->cache->room : PV_CAPTURE_ROOM;
  uint64_t bytes = 0, of = 0;
  for (pv_step step = {0}; pv_plan_next(m->plan, m->shape.layers, &step);)
    for (size_t s = step.first; s < step.first + step.count; s++)
      if (!pv_ck_mul(pv_plan_width(m->plan, s, &m->shape) * sizeof(float), positions, &of) ||
          !pv_ck_add(bytes, of, &bytes))
        return false;
  return bytes <= room;
}

unsigned pv_check_roles(const pv_check *check) {
  return check->cache->roles | 1u << PV_ROLE_ROUTER_LOGITS | 1u << PV_ROLE_ROUTER_WEIGHTS |
         1u << PV_ROLE_ROUTER_INDICES;
}

pv_cached *pv_check_kept(const pv_check *check, const char *backend, pv_numerics numerics,
                         const pv_reference_prompt *prompt, unsigned roles) {
  const pv_capture_cache *cache = check->cache;
  const pv_fault *fault = pv_check_tests(check, backend, numerics) ? check->planted.fault : NULL;
  if (pv_check_records(backend)) numerics = PV_NUMERICS_I16; /* it has its own, whatever is asked */
  for (size_t i = 0; i < cache->count; i++) {
    pv_cached *e = &cache->entries[i];
    const unsigned has = e->capture->roles;
    if (strcmp(e->side, backend) == 0 && e->numerics == numerics && e->prompt == prompt &&
        e->fault == fault && (has == 0 || (roles != 0 && (roles & ~has) == 0)))
      return e;
  }
  return NULL;
}

pv_code pv_check_keep(pv_check *check, char *side, pv_numerics numerics,
                      const pv_reference_prompt *prompt, pv_capture *capture, pv_error *err) {
  pv_capture_cache *cache = check->cache;
  const pv_fault *fault = pv_check_tests(check, side, numerics) ? check->planted.fault : NULL;
  if (pv_check_records(side)) numerics = PV_NUMERICS_I16;
  pv_cached *grown = realloc(cache->entries, (cache->count + 1) * sizeof *grown);
  if (grown == NULL) return pv_error_nomem(err, "a capture");
  cache->entries = grown;
  grown[cache->count++] = (pv_cached){numerics, prompt, fault, side, capture, {0}};
  return PV_OK;
}

pv_code pv_check_capture(pv_check *check, const char *backend, pv_numerics numerics,
                         const pv_reference_prompt *prompt, const pv_capture **out, pv_error *err) {
  const unsigned roles = check->spec->roles;
  const pv_cached *kept = pv_check_kept(check, backend, numerics, prompt, roles);
  *out = NULL;
  if (kept != NULL) {
    *out = kept->capture;
    pv_check_note_who(check, *out);
    return pv_check_complete(check, backend, *out, err);
  }
  const bool whole = roles == 0 || pv_check_records(backend) || pv_check_fits(check, prompt->count);
  char *side = strdup(backend);
  if (side == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for a capture");
  const pv_capture_spec spec = {.backend = side,
                                .numerics = numerics,
                                .threads = check->threads,
                                .ids = prompt->ids,
                                .count = prompt->count,
                                .roles = whole ? 0 : roles | pv_check_roles(check)};
  pv_capture *made = NULL;
  pv_code code = pv_check_capture_spec(check, &spec, &made, err);
  if (code == PV_OK && made != NULL) {
    code = pv_check_keep(check, side, numerics, prompt, made, err);
    if (code == PV_OK) side = NULL;
  }
  if (side != NULL) { /* it was not kept */
    free(side);
    pv_capture_free(made);
    return code;
  }
  code = pv_check_complete(check, backend, made, err);
  if (code == PV_OK) *out = made;
  return code;
}
