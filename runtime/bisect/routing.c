/* Does the downstream divergence come from the choice of experts? The right side runs once more
 * with the experts and weights that the left side chose. That takes a backend that can be written
 * to: the definition of the right side's identity. So it is done only where that is the right side:
 * no bit of the right side differs from it, or the right side is that backend, with a fault planted
 * in it. A kernel's own defect would not be in the rerun, and the divergence that it makes would be
 * called one of the routing. */
#include <stdlib.h>

#include "runtime/bisect/parts.h"

typedef struct again {
  const pv_bisect_spec *spec;
  pv_witness right;
  pv_rows logits, tops;
  pv_bisect_routing *out;
} again;

bool pv_bisect_can_route_again(const pv_bisect_spec *spec, const pv_bisect_result *out) {
  static const pv_role needed[] = {PV_ROLE_ROUTER_WEIGHTS, PV_ROLE_ROUTER_INDICES, PV_ROLE_LOGITS,
                                   PV_ROLE_TOP};
  const pv_recorded *left = spec->side[0].recorded;
  const pv_fault *fault = spec->side[1].who.planted.fault;
  for (size_t i = 0; left != NULL && i < sizeof needed / sizeof *needed; i++)
    for (uint32_t l = 0; l < out->layers; l++)
      if (!pv_recorded_has(left, (pv_stage_id)pv_plan_role(out->plan, needed[i]), l)) return false;
  if (!out->defined[1]) return false;
  return !out->culprit[1].present || (fault != NULL && fault->host == PV_FAULT_IN_OPERATION);
}

static pv_code open_right(again *a, pv_error *err) {
  const pv_walker *side = &a->spec->side[1];
  pv_backend_config config = {PV_NUMERICS_I16, a->spec->count, a->spec->batch, a->spec->threads,
                              NULL};
  const pv_fault *fault = side->who.planted.fault;
  pv_defect defect = {.layer = -1};
  if (fault != NULL && fault->host == PV_FAULT_IN_OPERATION) defect = fault->defect;
  defect.layer = fault != NULL ? side->who.planted.layer : -1;
  pv_walker_defined(side, &config.numerics);
  return pv_witness_open(a->spec->model, &config, &defect, &a->right, err);
}

/* `left`: logits and top tokens. */
static pv_code note_outputs(again *a, const pv_rows *left, pv_error *err) {
  const size_t rows = left[0].rows;
  pv_code code = pv_rows_held(a->right.backend, left[0].stage, rows, &a->logits, err);
  if (code == PV_OK) code = pv_rows_held(a->right.backend, left[1].stage, rows, &a->tops, err);
  for (size_t p = 0; p < rows && code == PV_OK; p++) {
    const pv_distance apart = pv_rows_distance(&left[0], &a->logits, p);
    pv_keep_smallest(&a->out->replayed_cosine, pv_distance_cosine(&apart));
    a->out->replayed_tops += pv_rows_at(&left[1], p, 0) != pv_rows_at(&a->tops, p, 0);
  }
  return code;
}

static pv_code visit(void *context, const pv_walk_at *at, pv_error *err) {
  again *a = context;
  const pv_plan *plan = a->spec->model->plan;
  const pv_rows *left = at->of[0];
  const int chosen = pv_step_find(plan, &at->step, PV_ROLE_ROUTER_INDICES);
  const int top = pv_step_find(plan, &at->step, PV_ROLE_TOP);
  pv_code code = a->right.backend->ops->run(a->right.backend, &at->step, err);
  /* What the left side chose, over the right side's own; before the indices stand their weights. */
  for (int k = chosen - 1; k >= 0 && k <= chosen && code == PV_OK; k++)
    code = pv_witness_give(&a->right, &left[k], at->step.layer, err);
  return code == PV_OK && top > 0 ? note_outputs(a, &left[top - 1], err) : code;
}

pv_code pv_bisect_route_again(const pv_bisect_spec *spec, const pv_source *left,
                              pv_bisect_routing *out, pv_error *err) {
  again a = {.spec = spec, .out = out};
  const pv_walk_spec walk = pv_bisect_walk(spec, left, 1);
  const pv_visitor visitor = {
      .context = &a, .visit = visit, .witnesses = &a.right, .witness_count = 1};
  pv_code code = open_right(&a, err);
  out->replayed_cosine = 1.0;
  if (code == PV_OK) code = pv_walk(&walk, &visitor, err);
  out->replayed = code == PV_OK;
  pv_witness_close(&a.right);
  free(a.logits.data);
  free(a.tops.data);
  return code;
}
