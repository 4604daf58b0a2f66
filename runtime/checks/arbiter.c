/* Checks against more exact witnesses: the float64 arbiter and the Hugging Face reference. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "runtime/checks/check.h"

enum { LONGEST = 4096 };

/* Per layer: largest error of the residual stream over the largest magnitude; margins of routing;
 * use of experts. Grows over prompts. */
typedef struct survey {
  double *error, *cosine; /* per layer: worst relative error, worst 1 - cosine */
  double *margin, *noise; /* per (prompt, layer, position): router margin, error of logits */
  size_t rows, capacity;
  double *usage;       /* per expert */
  double worst_cosine; /* of logits */
  double least_margin; /* below which a set may be another */
  uint64_t positions, argmax_different, sets, sets_different, behind;
  double top_margin; /* smallest distance of the two best logits */
} survey;

/* The choice of experts in one layer, and how sure it was. True: others were chosen, as the check
 * allows; what follows is made of another function. */
static bool survey_choice(pv_check *check, survey *v, const pv_capture *exact,
                          const pv_capture *side, uint32_t l, size_t p, const char *prompt) {
  const pv_shape *s = &check->model->shape;
  const pv_distance noise =
      pv_capture_distance(exact, side, pv_model_stage(exact->model, PV_ROLE_ROUTER_LOGITS), l, p);
  const pv_vector chosen =
      pv_capture_vector(exact, pv_model_stage(exact->model, PV_ROLE_ROUTER_INDICES), l, p);
  v->margin[v->rows] = pv_set_margin(
      pv_capture_vector(exact, pv_model_stage(exact->model, PV_ROLE_ROUTER_LOGITS), l, p), chosen);
  v->noise[v->rows++] = pv_distance_largest(&noise);
  for (uint32_t r = 0; r < s->used; r++) {
    const double e =
        pv_capture_at(side, pv_model_stage(exact->model, PV_ROLE_ROUTER_INDICES), l, p, r);
    if (e >= 0.0 && e < s->experts)
      v->usage[(size_t)e] += 1.0;
    else
      pv_check_fail(check, "layer %u, position %zu of prompt %s has the expert %g, outside 0..%u",
                    l, p, prompt, e, s->experts - 1);
  }
  v->sets++;
  check->compared++;
  if (pv_set_same(chosen, pv_capture_vector(
                              side, pv_model_stage(exact->model, PV_ROLE_ROUTER_INDICES), l, p)))
    return false;
  v->sets_different++;
  if (v->margin[v->rows - 1] < v->least_margin) return true;
  pv_check_fail(check,
                "layer %u chooses other experts than the arbiter at position %zu of prompt %s, "
                "where the margin is %s",
                l, p, prompt, PV_REAL('g', 3, v->margin[v->rows - 1]));
  return false;
}

static bool survey_layer(pv_check *check, survey *v, const pv_capture *exact,
                         const pv_capture *side, uint32_t l, size_t p, const char *prompt) {
  if (pv_plan_has_experts(exact->model->plan) && survey_choice(check, v, exact, side, l, p, prompt))
    return true;
  const pv_distance d =
      pv_capture_distance(exact, side, pv_model_stage(exact->model, PV_ROLE_LAYER_OUT), l, p);
  pv_keep_largest(&v->error[l], pv_distance_error(&d));
  pv_keep_largest(&v->cosine[l], 1.0 - pv_distance_cosine(&d));
  check->compared += check->model->shape.hidden;
  return false;
}

/* True: the rest of the prompt is not to be compared. */
static bool survey_position(pv_check *check, survey *v, const pv_capture *exact,
                            const pv_capture *side, size_t p, const char *prompt, double bound) {
  const pv_shape *s = &check->model->shape;
  for (uint32_t l = 0; l < s->layers; l++)
    if (survey_layer(check, v, exact, side, l, p, prompt)) return true;
  const pv_distance d =
      pv_capture_distance(exact, side, pv_model_stage(exact->model, PV_ROLE_LOGITS), 0, p);
  const double a = pv_capture_at(exact, pv_model_stage(exact->model, PV_ROLE_TOP), 0, p, 0);
  const double b = pv_capture_at(side, pv_model_stage(exact->model, PV_ROLE_TOP), 0, p, 0);
  const double cosine = pv_distance_cosine(&d);
  const double margin =
      pv_set_margin(pv_capture_vector(exact, pv_model_stage(exact->model, PV_ROLE_LOGITS), 0, p),
                    pv_capture_vector(exact, pv_model_stage(exact->model, PV_ROLE_TOP), 0, p));
  v->positions++;
  check->compared += 1 + s->vocab;
  if (margin < v->top_margin) v->top_margin = margin;
  if (pv_keep_smallest(&v->worst_cosine, cosine))
    pv_check_worst(
        check, pv_model_stage(exact->model, PV_ROLE_LOGITS), 0, p, d.worst,
        pv_capture_at(exact, pv_model_stage(exact->model, PV_ROLE_LOGITS), 0, p, d.worst),
        pv_capture_at(side, pv_model_stage(exact->model, PV_ROLE_LOGITS), 0, p, d.worst));
  if (!(cosine >= bound))
    pv_check_fail(check, "cosine %s of the logits at position %zu of prompt %s is below %.15g",
                  PV_REAL('g', 15, cosine), p, prompt, bound);
  if (a == b) return false;
  v->argmax_different++;
  pv_check_fail(check, "the top token at position %zu of prompt %s is %g, the arbiter's %g", p,
                prompt, b, a);
  return false;
}

static int by_margin(const void *a, const void *b) {
  const double x = ((const double *)a)[0], y = ((const double *)b)[0];
  return (x > y) - (x < y);
}

/* Smallest margins first, beside the error of the same row: where the curves would meet, an
 * expert could change. */
static pv_code margin_series(pv_check *check, const survey *v, pv_error *err) {
  enum { SHOWN = 120 };
  double(*rows)[2] = calloc(v->rows, sizeof *rows);
  double x[SHOWN], margin[SHOWN], noise[SHOWN], ratio = INFINITY;
  if (rows == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for the margins");
  for (size_t i = 0; i < v->rows; i++) {
    rows[i][0] = v->margin[i];
    rows[i][1] = v->noise[i];
    if (v->margin[i] / (2.0 * v->noise[i]) < ratio) ratio = v->margin[i] / (2.0 * v->noise[i]);
  }
  qsort(rows, v->rows, sizeof *rows, by_margin);
  const size_t shown = v->rows < SHOWN ? v->rows : SHOWN;
  for (size_t i = 0; i < shown; i++) {
    const size_t at = v->rows <= SHOWN ? i : i * i * (v->rows - 1) / ((SHOWN - 1) * (SHOWN - 1));
    x[i] = (double)at;
    margin[i] = rows[at][0];
    noise[i] = rows[at][1];
  }
  pv_check_series(check, "router-margin", "margin of rank k over k+1", "routing, by margin",
                  "router logits", true, x, margin, shown);
  pv_check_series(check, "router-margin", "error of the logits", "routing, by margin",
                  "router logits", true, x, noise, shown);
  pv_check_metric(check, "smallest_router_margin", rows[0][0]);
  pv_check_metric(check, "smallest_margin_over_twice_noise", ratio);
  free(rows);
  return PV_OK;
}

static pv_code publish_choices(pv_check *check, survey *v, const double *x, pv_error *err) {
  const pv_shape *s = &check->model->shape;
  double all = 0.0;
  for (uint32_t e = 0; e < s->experts; e++) all += v->usage[e];
  for (uint32_t e = 0; e < s->experts; e++) v->usage[e] /= all;
  pv_check_series(check, "expert-usage", "share of routings", "expert", "share", false, x, v->usage,
                  s->experts);
  pv_check_metric(check, "expert_sets", (double)v->sets);
  pv_check_metric(check, "expert_sets_different", (double)v->sets_different);
  pv_check_metric(check, "positions_not_compared", (double)v->behind);
  return margin_series(check, v, err);
}

static pv_code publish(pv_check *check, survey *v, pv_error *err) {
  const pv_shape *s = &check->model->shape;
  double x[PV_MODEL_LAYERS_MAX];
  for (uint32_t i = 0; i < PV_MODEL_LAYERS_MAX; i++) x[i] = i;
  pv_check_series(check, "stage-error", "largest error / largest value", "layer", "residual stream",
                  true, x, v->error, s->layers);
  pv_check_series(check, "stage-error", "1 - cosine", "layer", "residual stream", true, x,
                  v->cosine, s->layers);
  pv_check_metric(check, "worst_cosine", v->worst_cosine);
  pv_check_metric(check, "positions", (double)v->positions);
  pv_check_metric(check, "argmax_different", (double)v->argmax_different);
  pv_check_metric(check, "smallest_top_margin", v->top_margin);
  pv_check_needed(check, v->worst_cosine);
  return v->sets > 0 ? publish_choices(check, v, x, err) : PV_OK;
}

static void survey_free(survey *v) {
  free(v->error);
  free(v->cosine);
  free(v->margin);
  free(v->noise);
  free(v->usage);
}

static pv_code survey_make(const pv_check *check, const pv_prompts *prompts, survey *v,
                           pv_error *err) {
  const pv_shape *s = &check->model->shape;
  size_t positions = 0;
  for (size_t i = 0; i < prompts->count; i++) positions += prompts->items[i]->count;
  *v = (survey){.worst_cosine = 2.0, .top_margin = INFINITY};
  v->capacity = positions * s->layers;
  v->error = calloc(s->layers, sizeof *v->error);
  v->cosine = calloc(s->layers, sizeof *v->cosine);
  v->usage = calloc(s->experts + 1u, sizeof *v->usage);
  v->margin = calloc(v->capacity, sizeof *v->margin);
  v->noise = calloc(v->capacity, sizeof *v->noise);
  if (v->error && v->cosine && v->usage && v->margin && v->noise) return PV_OK;
  return pv_error_set(err, PV_ERR_NOMEM, "out of memory for the comparison");
}

static pv_code run_forward_arbiter(pv_check *check, pv_error *err) {
  const pv_numerics numerics = pv_check_numerics(check, "numerics");
  const double bound = pv_check_real(check, "min_cosine");
  pv_prompts prompts;
  survey v = {0};
  if (!pv_check_has(check, true)) return PV_OK;
  if (numerics == PV_NUMERICS_F64)
    return pv_check_verdict(check, "VACUOUS", "the arbiter was asked to judge itself");
  pv_code code = pv_check_prompts(check, LONGEST, &prompts, err);
  if (code == PV_OK) code = survey_make(check, &prompts, &v, err);
  v.least_margin = pv_check_real(check, "least_margin");
  for (size_t i = 0; i < prompts.count && code == PV_OK; i++) {
    const pv_capture *exact = NULL, *side = NULL;
    code = pv_check_capture(check, pv_check_word(check, "backend"), numerics, prompts.items[i],
                            &side, err);
    if (code != PV_OK || side == NULL) goto cleanup;
    const pv_reference_prompt *prompt = prompts.items[i];
    code = pv_check_capture(check, "cpu", PV_NUMERICS_F64, prompt, &exact, err);
    if (code != PV_OK || exact == NULL) goto cleanup;
    size_t p = 0;
    while (p < exact->positions && !survey_position(check, &v, exact, side, p, prompt->name, bound))
      p++;
    v.behind += exact->positions - p;
    pv_check_progress(check, i + 1, prompts.count);
  }
  if (code == PV_OK && v.positions > 0) code = publish(check, &v, err);
  if (code == PV_OK && v.positions > 0) pv_check_pass(check);
cleanup:
  survey_free(&v);
  return code;
}

const pv_check_spec pv_check_forward_arbiter = {
    .name = "forward.arbiter",
    .about =
        "Logits, top tokens and expert sets (of a model that has experts) against the float64 "
        "arbiter at every position; reports router margins and the error of each layer.",
    .subject = "forward",
    .needs = PV_NEEDS_MODEL | PV_NEEDS_PROMPTS,
    .timeout_s = 120,
    .roles = 1u << PV_ROLE_ROUTER_LOGITS | 1u << PV_ROLE_ROUTER_INDICES | 1u << PV_ROLE_LAYER_OUT |
             1u << PV_ROLE_LOGITS | 1u << PV_ROLE_TOP,
    .params = PV_PARAMS(PV_TAKES_ANY_BACKEND, PV_TAKES_NUMERICS,
                        PV_TAKES_REAL("min_cosine", 0.5, 1, PV_LOOSENS_DOWN, "", "0.9999999",
                                      "smallest cosine of the logits at any position"),
                        PV_TAKES_LEAST_MARGIN, PV_TAKES_PROMPTS),
    .run = run_forward_arbiter};

typedef struct reference_row {
  double cosine;
  bool same_top;
} reference_row;

static reference_row against_reference(const pv_reference_prompt *prompt, const pv_capture *got,
                                       size_t p) {
  const pv_vector want = {prompt->logits + p * prompt->vocab, prompt->vocab, PV_ELEMENT_F32};
  const pv_distance d = pv_distance_of(
      want, pv_capture_vector(got, pv_model_stage(got->model, PV_ROLE_LOGITS), 0, p));
  return (reference_row){pv_distance_cosine(&d),
                         pv_capture_at(got, pv_model_stage(got->model, PV_ROLE_TOP), 0, p, 0) ==
                             (double)prompt->top[p]};
}

static pv_code run_forward_reference(pv_check *check, pv_error *err) {
  const double bound = pv_check_real(check, "min_cosine");
  pv_prompts prompts;
  double worst_last = 2.0, worst_any = 2.0;
  size_t positions = 0, different = 0;
  if (!pv_check_has(check, false)) return PV_OK;
  if (check->reference == NULL)
    return pv_check_verdict(check, "NOT_RUN",
                            "no reference was given: there are no outputs to compare with");
  pv_code code = pv_check_prompts(check, LONGEST, &prompts, err);
  for (size_t i = 0; i < prompts.count && code == PV_OK; i++) {
    const pv_reference_prompt *prompt = prompts.items[i];
    const pv_capture *c = NULL;
    if (prompt->logits == NULL) continue;
    if (prompt->vocab != check->model->shape.vocab)
      return pv_check_verdict(check, "INCOMPARABLE", "the reference has %u tokens, the model %u",
                              prompt->vocab, check->model->shape.vocab);
    code = pv_check_capture(check, pv_check_word(check, "backend"),
                            pv_check_numerics(check, "numerics"), prompt, &c, err);
    if (code != PV_OK || c == NULL) return code;
    for (size_t p = 0; p < c->positions; p++) {
      const reference_row r = against_reference(prompt, c, p);
      const bool last = p + 1 == c->positions;
      positions++;
      different += !r.same_top;
      check->compared += prompt->vocab;
      pv_keep_smallest(&worst_any, r.cosine);
      if (last) pv_keep_smallest(&worst_last, r.cosine);
      if (last && !(r.cosine > bound))
        pv_check_fail(check, "cosine %s at the end of prompt %s is not above %g",
                      PV_REAL('f', 6, r.cosine), prompt->name, bound);
      if (last && !r.same_top)
        pv_check_fail(check, "another top token than the reference at the end of prompt %s",
                      prompt->name);
    }
  }
  if (code != PV_OK) return code;
  if (positions == 0) return pv_check_verdict(check, "NOT_RUN", "the reference has no logits");
  pv_check_metric(check, "worst_cosine_last_position", worst_last);
  pv_check_metric(check, "worst_cosine_any_position", worst_any);
  pv_check_metric(check, "positions", (double)positions);
  pv_check_metric(check, "argmax_different_any_position", (double)different);
  pv_check_needed(check, worst_last);
  return pv_check_pass(check);
}

const pv_check_spec pv_check_forward_reference = {
    .name = "forward.reference",
    .about =
        "Cosine of the logits and the top token against the Hugging Face reference at the end of "
        "every prompt; other positions are counted and reported.",
    .subject = "forward",
    .needs = PV_NEEDS_MODEL | PV_NEEDS_PROMPTS | PV_NEEDS_REFERENCE,
    .timeout_s = 60,
    .roles = 1u << PV_ROLE_LOGITS | 1u << PV_ROLE_TOP,
    .params = PV_PARAMS(PV_TAKES_ANY_BACKEND, PV_TAKES_NUMERICS,
                        PV_TAKES_REAL("min_cosine", 0.5, 1, PV_LOOSENS_DOWN, "", "0.99",
                                      "the cosine at the end of each prompt lies above this"),
                        PV_TAKES_PROMPTS),
    .run = run_forward_reference};
