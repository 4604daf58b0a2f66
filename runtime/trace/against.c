/* A forward that is compared with a capture while it runs. */
#include <stdlib.h>

#include "runtime/trace/capture.h"
#include "runtime/trace/folder.h"

typedef struct against {
  const pv_capture *left;
  const pv_trace_filter *filter;
  pv_distance *sums[PV_STAGES_MAX]; /* [layer]; over all batches */
} against;

static int want(void *context, pv_stage_id stage, uint32_t layer) {
  const against *a = context;
  return a->filter->stage[stage] &&
         (!pv_plan_is_layered(a->left->model->plan, stage) || a->filter->layer[layer]);
}

static pv_code put(void *context, pv_stage_id stage, uint32_t layer, size_t position, size_t rows,
                   size_t width, const void *data, pv_error *err) {
  against *a = context;
  const size_t bytes = pv_capture_row_bytes(a->left, stage);
  if (position + rows > a->left->positions)
    return pv_error_set(err, PV_ERR_INTERNAL, "the forward is longer than the capture");
  for (size_t p = 0; p < rows; p++) {
    const pv_vector left = pv_capture_vector(a->left, stage, layer, position + p);
    const pv_vector right = {(const char *)data + p * bytes, width, left.type};
    pv_distance_add(&a->sums[stage][layer], left, right);
  }
  return PV_OK;
}

static void report_all(const against *a, pv_trace_report report, void *context,
                       pv_trace_comparison *out) {
  const uint32_t layers = a->left->model->shape.layers;
  const pv_plan *plan = a->left->model->plan;
  for (uint32_t layer = 0; layer < layers; layer++)
    for (pv_stage_id i = 0; i < plan->count; i++) {
      const bool once = i == 0 ? layer == 0 : layer + 1 == layers;
      if (!pv_plan_is_layered(plan, i) && !once) continue;
      const pv_trace_row row = {plan, i, layer,
                                a->sums[i][pv_plan_is_layered(plan, i) ? layer : 0]};
      if (row.apart.elements == 0) continue;
      out->tensors++;
      out->elements += row.apart.elements;
      out->different += row.apart.different;
      report(context, &row);
    }
}

pv_code pv_trace_compare_forward(const pv_capture *left, pv_forward *forward, const uint32_t *ids,
                                 size_t batch, const pv_trace_filter *filter,
                                 pv_trace_report report, void *context, pv_trace_comparison *out,
                                 pv_error *err) {
  against a = {.left = left, .filter = filter};
  const pv_sink sink = {&a, want, put};
  pv_code code = PV_OK;
  *out = (pv_trace_comparison){0};
  if (left->real_bytes != pv_forward_real_bytes(forward))
    return pv_error_set(err, PV_ERR_INTERNAL, "the two sides have elements of different size");
  for (int i = 0; i < PV_STAGES_MAX && code == PV_OK; i++) {
    a.sums[i] = calloc(left->model->shape.layers, sizeof *a.sums[i]);
    if (a.sums[i] == NULL) code = pv_error_set(err, PV_ERR_NOMEM, "out of memory for sums");
  }
  pv_forward_rewind(forward, 0);
  for (size_t at = 0; at < left->positions && code == PV_OK; at += batch) {
    const size_t n = left->positions - at < batch ? left->positions - at : batch;
    code = pv_forward_run(forward, ids + at, n, n, &sink, err);
  }
  if (code == PV_OK) report_all(&a, report, context, out);
  for (int i = 0; i < PV_STAGES_MAX; i++) free(a.sums[i]);
  return code;
}
