/* A forward that is compared with a capture while it runs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/trace/capture.h"
#include "runtime/trace/folder.h"

typedef struct sums { /* of one stage and layer, over all batches */
  pv_trace_row row;
  double ab, aa, bb;
} sums;

typedef struct against {
  const pv_capture *left;
  const pv_trace_filter *filter;
  sums *sums[PV_STAGES]; /* [layer] */
} against;

static int want(void *context, pv_stage_id stage, uint32_t layer) {
  const against *a = context;
  return a->filter->stage[stage] && (!pv_stage_is_layered(stage) || a->filter->layer[layer]);
}

static double number(pv_stage_id stage, size_t size, const char *p) {
  int32_t index;
  float single;
  double value;
  if (pv_stage_is_index(stage)) {
    memcpy(&index, p, sizeof index);
    return index;
  }
  if (size == sizeof value) {
    memcpy(&value, p, sizeof value);
    return value;
  }
  memcpy(&single, p, sizeof single);
  return (double)single;
}

static void add_element(sums *s, double x, double y, bool same, uint64_t index) {
  const double difference = fabs(x - y);
  s->ab += x * y;
  s->aa += x * x;
  s->bb += y * y;
  s->row.elements++;
  s->row.different += !same;
  if (fabs(x) > s->row.scale) s->row.scale = fabs(x);
  if (isnan(s->row.max_abs) || difference <= s->row.max_abs) return;
  s->row.max_abs = difference;
  s->row.worst = index;
  s->row.left = x;
  s->row.right = y;
}

static pv_code put(void *context, pv_stage_id stage, uint32_t layer, size_t position, size_t rows,
                   size_t width, const void *data, pv_error *err) {
  against *a = context;
  sums *s = &a->sums[stage][layer];
  const size_t bytes = pv_capture_row_bytes(a->left, stage), size = bytes / width;
  if (position + rows > a->left->positions)
    return pv_error_set(err, PV_ERR_INTERNAL, "the forward is longer than the capture");
  for (size_t p = 0; p < rows; p++) {
    const char *x = pv_capture_row(a->left, stage, layer, position + p);
    const char *y = (const char *)data + p * bytes;
    for (size_t i = 0; i < width; i++)
      add_element(s, number(stage, size, x + i * size), number(stage, size, y + i * size),
                  memcmp(x + i * size, y + i * size, size) == 0, (position + p) * width + i);
  }
  return PV_OK;
}

static void report_all(const against *a, pv_trace_report report, void *context,
                       pv_trace_comparison *out) {
  const uint32_t layers = a->left->model->shape.layers;
  for (uint32_t layer = 0; layer < layers; layer++)
    for (int i = 0; i < PV_STAGES; i++) {
      const pv_stage_id stage = (pv_stage_id)i;
      const bool once = i == PV_STAGE_EMBEDDING ? layer == 0 : layer + 1 == layers;
      if (!pv_stage_is_layered(stage) && !once) continue;
      sums *s = &a->sums[i][pv_stage_is_layered(stage) ? layer : 0];
      if (s->row.elements == 0) continue;
      s->row.stage = stage;
      s->row.layer = layer;
      s->row.cosine = s->aa == 0.0 && s->bb == 0.0 ? 1.0 : s->ab / (sqrt(s->aa) * sqrt(s->bb));
      out->tensors++;
      out->elements += s->row.elements;
      out->different += s->row.different;
      report(context, &s->row);
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
  for (int i = 0; i < PV_STAGES && code == PV_OK; i++) {
    a.sums[i] = calloc(left->model->shape.layers, sizeof *a.sums[i]);
    if (a.sums[i] == NULL) code = pv_error_set(err, PV_ERR_NOMEM, "out of memory for sums");
  }
  pv_forward_rewind(forward, 0);
  for (size_t at = 0; at < left->positions && code == PV_OK; at += batch) {
    const size_t n = left->positions - at < batch ? left->positions - at : batch;
    code = pv_forward_run(forward, ids + at, n, n, &sink, err);
  }
  if (code == PV_OK) report_all(&a, report, context, out);
  for (int i = 0; i < PV_STAGES; i++) free(a.sums[i]);
  return code;
}
