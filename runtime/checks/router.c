/* Checks of the router in a forward: weights, index sets. */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "runtime/checks/check.h"

enum { LONGEST = 4096 };

/* What the weights of the chosen add up to: 1, or their share of the softmax over all logits. */
static double wanted_sum(const pv_capture *c, uint32_t l, size_t p) {
  const pv_stage_id logits = pv_model_stage(c->model, PV_ROLE_ROUTER_LOGITS);
  const pv_stage_id chosen = pv_model_stage(c->model, PV_ROLE_ROUTER_INDICES);
  const pv_shape *s = &c->model->shape;
  double most = -INFINITY, all = 0.0, of = 0.0;
  if (s->route != PV_ROUTE_ALL) return 1.0;
  for (uint32_t e = 0; e < s->experts; e++) most = fmax(most, pv_capture_at(c, logits, l, p, e));
  for (uint32_t e = 0; e < s->experts; e++) {
    const double share = exp(pv_capture_at(c, logits, l, p, e) - most);
    all += share;
    for (uint32_t r = 0; r < s->used; r++)
      if (pv_capture_at(c, chosen, l, p, r) == (double)e) of += share;
  }
  return of / all;
}

static pv_code run_router_weights_sum(pv_check *check, pv_error *err) {
  const double tolerance = pv_check_real(check, "tolerance");
  pv_prompts prompts;
  double worst = 0.0;
  if (!pv_check_has(check, true)) return PV_OK;
  const uint32_t used = check->model->shape.used;
  pv_code code = pv_check_prompts(check, LONGEST, &prompts, err);
  for (size_t i = 0; i < prompts.count && code == PV_OK; i++) {
    const pv_capture *c = NULL;
    code = pv_check_capture(check, pv_check_word(check, "backend"),
                            pv_check_numerics(check, "numerics"), prompts.items[i], &c, err);
    if (code != PV_OK || c == NULL) return code;
    for (uint32_t l = 0; l < check->model->shape.layers; l++)
      for (size_t p = 0; p < c->positions; p++) {
        const double want = wanted_sum(c, l, p);
        double sum = 0.0;
        for (uint32_t r = 0; r < used; r++)
          sum += pv_capture_at(c, pv_model_stage(c->model, PV_ROLE_ROUTER_WEIGHTS), l, p, r);
        check->compared++;
        if (pv_keep_largest(&worst, fabs(sum - want)))
          pv_check_worst(check, pv_model_stage(c->model, PV_ROLE_ROUTER_WEIGHTS), l, p, 0, sum,
                         want);
        if (!(fabs(sum - want) <= tolerance))
          pv_check_fail(check, "the weights of layer %u at position %zu of prompt %s add up to %s",
                        l, p, prompts.items[i]->name, PV_REAL('g', 9, sum));
      }
  }
  pv_check_metric(check, "largest_deviation", worst);
  pv_check_needed(check, worst);
  return code == PV_OK ? pv_check_pass(check) : code;
}

const pv_check_spec pv_check_router_weights_sum = {
    .name = "router.weights_sum",
    .about =
        "The weights of the chosen experts add up to 1 within the tolerance, at every layer and "
        "position; in a model that does not normalise them, to their share of the softmax over "
        "all.",
    .subject = "forward",
    .needs = PV_NEEDS_MODEL | PV_NEEDS_EXPERTS | PV_NEEDS_PROMPTS,
    .timeout_s = 60,
    .roles = 1u << PV_ROLE_ROUTER_WEIGHTS,
    .params = PV_PARAMS(PV_TAKES_ANY_BACKEND, PV_TAKES_NUMERICS,
                        PV_TAKES_REAL("tolerance", 1e-12, 0.1, PV_LOOSENS_UP, "", "1e-6",
                                      "largest distance of the sum from that"),
                        PV_TAKES_PROMPTS),
    .run = run_router_weights_sum};

/* Experts of the left side that the right one has not chosen, where its margin is large enough. */
static size_t missing(pv_check *check, const pv_capture *a, const pv_capture *b, uint32_t l,
                      size_t p, bool *swapped) {
  const pv_stage_id chosen = pv_model_stage(a->model, PV_ROLE_ROUTER_INDICES);
  const pv_vector right = pv_capture_vector(b, chosen, l, p);
  const size_t n = pv_set_missing(pv_capture_vector(a, chosen, l, p), right);
  const double least = pv_check_real(check, "least_margin");
  *swapped =
      n > 0 && least > 0.0 &&
      pv_set_margin(pv_capture_vector(b, pv_model_stage(b->model, PV_ROLE_ROUTER_LOGITS), l, p),
                    right) < least;
  return n;
}

/* Position by position, so that what follows from another choice is not taken for one. */
static size_t compare_sets(pv_check *check, const pv_capture *a, const pv_capture *b,
                           const char *prompt, size_t *different) {
  const pv_shape *s = &check->model->shape;
  for (size_t p = 0; p < a->positions; p++)
    for (uint32_t l = 0; l < s->layers; l++) {
      bool swapped;
      const size_t n = missing(check, a, b, l, p, &swapped);
      check->compared++;
      *different += n > 0;
      if (swapped) return a->positions - p;
      if (n > 0)
        pv_check_fail(check, "%zu of %u experts differ in layer %u at position %zu of prompt %s", n,
                      s->used, l, p, prompt);
    }
  return 0;
}

static pv_code run_router_index_sets(pv_check *check, pv_error *err) {
  const char *left = pv_check_word(check, "left"), *right = pv_check_word(check, "right");
  const pv_numerics ln = pv_check_numerics(check, "left_numerics");
  const pv_numerics rn = pv_check_numerics(check, "right_numerics");
  pv_prompts prompts;
  size_t different = 0, behind = 0;
  if (!pv_check_has(check, true)) return PV_OK;
  if (strcmp(left, right) == 0 && ln == rn)
    return pv_check_verdict(check, "VACUOUS", "both sides are %s %s: nothing is compared", left,
                            pv_numerics_name(ln));
  pv_code code = pv_check_prompts(check, LONGEST, &prompts, err);
  for (size_t i = 0; i < prompts.count && code == PV_OK; i++) {
    const pv_capture *a = NULL, *b = NULL;
    code = pv_check_capture(check, left, ln, prompts.items[i], &a, err);
    if (code == PV_OK && a != NULL)
      code = pv_check_capture(check, right, rn, prompts.items[i], &b, err);
    if (code != PV_OK || b == NULL) return code;
    behind += compare_sets(check, a, b, prompts.items[i]->name, &different);
  }
  pv_check_metric(check, "index_sets", (double)check->compared);
  pv_check_metric(check, "index_sets_different", (double)different);
  pv_check_metric(check, "positions_not_compared", (double)behind);
  return code == PV_OK ? pv_check_pass(check) : code;
}

const pv_check_spec pv_check_router_index_sets = {
    .name = "router.index_sets",
    .about =
        "The sets of chosen experts are the same on both sides at every layer and position. The "
        "sides may have different identities: sets must be equal all the same, but where the right "
        "side's margin is below least_margin.",
    .subject = "forward",
    .needs = PV_NEEDS_MODEL | PV_NEEDS_EXPERTS | PV_NEEDS_PROMPTS,
    .timeout_s = 120,
    .roles = 1u << PV_ROLE_ROUTER_INDICES | 1u << PV_ROLE_ROUTER_LOGITS,
    .params =
        PV_PARAMS(PV_TAKES_SIDES, PV_TAKES_TWO_NUMERICS, PV_TAKES_LEAST_MARGIN, PV_TAKES_PROMPTS),
    .run = run_router_index_sets};
