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
  pv_forward *left;
  pv_backend *right;
  pv_rows routing, given, logits[2], tops[2];
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
  return !out->culprit[1].present || (fault != NULL && fault->host == PV_FAULT_IN_PLAIN);
}

static pv_code open_right(again *a, pv_error *err) {
  const pv_bisect_side *side = &a->spec->side[1];
  const pv_numerics numerics =
      side->recorded != NULL ? side->recorded->numerics : side->who.numerics;
  const pv_backend_config config = {numerics, a->spec->count, a->spec->batch, a->spec->threads,
                                    NULL};
  const pv_fault *fault = side->who.planted.fault;
  pv_defect defect = {.layer = -1};
  if (fault != NULL && fault->host == PV_FAULT_IN_PLAIN) defect = fault->defect;
  defect.layer = fault != NULL ? side->who.planted.layer : -1;
  if (numerics == PV_NUMERICS_F64)
    return pv_backend_f64.open(a->spec->model, &config, &a->right, err);
  return pv_definition_open(a->spec->model, &config, &defect, &a->right, err);
}

/* The left side's choice of this layer, written over the right side's own. */
static pv_code hand_over(again *a, uint32_t layer, size_t rows, pv_error *err) {
  const pv_plan *plan = a->spec->model->plan;
  const pv_stage_id stages[] = {(pv_stage_id)pv_plan_role(plan, PV_ROLE_ROUTER_WEIGHTS),
                                (pv_stage_id)pv_plan_role(plan, PV_ROLE_ROUTER_INDICES)};
  pv_code code = PV_OK;
  for (size_t i = 0; i < 2 && code == PV_OK; i++) {
    code = pv_rows_read(a->left, a->spec->model, stages[i], rows, &a->routing, err);
    if (code == PV_OK) code = pv_rows_convert(&a->routing, a->right->real_bytes, &a->given, err);
    if (code == PV_OK) code = a->right->ops->write(a->right, stages[i], layer, a->given.data, err);
  }
  return code;
}

static pv_code note_outputs(again *a, size_t rows, pv_bisect_routing *out, pv_error *err) {
  const pv_plan *plan = a->spec->model->plan;
  const pv_stage_id stages[] = {(pv_stage_id)pv_plan_role(plan, PV_ROLE_LOGITS),
                                (pv_stage_id)pv_plan_role(plan, PV_ROLE_TOP)};
  pv_rows *kept[2] = {a->logits, a->tops};
  pv_code code = PV_OK;
  for (size_t i = 0; i < 2 && code == PV_OK; i++) {
    pv_rows *right = &kept[i][1];
    code = pv_rows_read(a->left, a->spec->model, stages[i], rows, &kept[i][0], err);
    if (code == PV_OK)
      code = pv_rows_room(a->spec->model, stages[i], rows, a->right->real_bytes, right, err);
    if (code == PV_OK) code = a->right->ops->read(a->right, stages[i], 0, rows, right->data, err);
  }
  for (size_t p = 0; p < rows && code == PV_OK; p++) {
    const pv_distance apart = pv_rows_distance(&a->logits[0], &a->logits[1], p);
    pv_keep_smallest(&out->replayed_cosine, pv_distance_cosine(&apart));
    out->replayed_tops += pv_rows_at(&a->tops[0], p, 0) != pv_rows_at(&a->tops[1], p, 0);
  }
  return code;
}

static pv_code run_batch(again *a, size_t at, size_t count, pv_bisect_routing *out, pv_error *err) {
  const pv_model *model = a->spec->model;
  const pv_batch batch = {a->spec->ids + at, count, at, count};
  pv_code code = pv_forward_begin(a->left, batch.ids, count, count, err);
  if (code == PV_OK) code = a->right->ops->begin(a->right, &batch, err);
  for (size_t i = 0; code == PV_OK && i < pv_forward_steps(model, count); i++) {
    const pv_step step = pv_forward_step_at(model, i);
    code = pv_forward_step(a->left, step, NULL, err);
    if (code == PV_OK) code = a->right->ops->run(a->right, &step, err);
    if (code == PV_OK && pv_step_find(model->plan, &step, PV_ROLE_ROUTER_INDICES) >= 0)
      code = hand_over(a, step.layer, count, err);
  }
  if (code != PV_OK) return code;
  pv_forward_end(a->left);
  return note_outputs(a, count, out, err);
}

pv_code pv_bisect_route_again(const pv_bisect_spec *spec, pv_forward *left, pv_bisect_routing *out,
                              pv_error *err) {
  again a = {.spec = spec, .left = left};
  pv_code code = open_right(&a, err);
  out->replayed_cosine = 1.0;
  pv_forward_rewind(left, 0);
  for (size_t at = 0; at < spec->count && code == PV_OK; at += spec->batch) {
    const size_t n = spec->count - at < spec->batch ? spec->count - at : spec->batch;
    code = run_batch(&a, at, n, out, err);
  }
  out->replayed = code == PV_OK;
  if (a.right != NULL) a.right->ops->close(a.right);
  free(a.routing.data);
  free(a.given.data);
  for (int i = 0; i < 2; i++) {
    free(a.logits[i].data);
    free(a.tops[i].data);
  }
  return code;
}
