#include "runtime/trace/capture.h"

#include <stdlib.h>
#include <string.h>

#include "base/ck.h"
#include "base/sha256.h"

uint32_t pv_capture_layers(const pv_capture *capture, pv_stage_id stage) {
  return pv_plan_is_layered(capture->model->plan, stage) ? capture->model->shape.layers : 1;
}

static size_t element_bytes(const pv_capture *c, pv_stage_id stage) {
  return pv_plan_is(c->model->plan, stage, PV_ROW_INDEX) ? sizeof(int32_t) : c->real_bytes;
}

size_t pv_capture_row_bytes(const pv_capture *capture, pv_stage_id stage) {
  return pv_plan_width(capture->model->plan, stage, &capture->model->shape) *
         element_bytes(capture, stage);
}

static void *row_at(const pv_capture *c, pv_stage_id stage, uint32_t layer, size_t position) {
  return (char *)c->data[stage][layer] + position * pv_capture_row_bytes(c, stage);
}

const void *pv_capture_row(const pv_capture *capture, pv_stage_id stage, uint32_t layer,
                           size_t position) {
  return row_at(capture, stage, layer, position);
}

void pv_capture_free(pv_capture *capture) {
  if (capture == NULL) return;
  for (int s = 0; s < PV_STAGES_MAX; s++) {
    if (capture->data[s] == NULL) continue;
    for (uint32_t l = 0; l < pv_capture_layers(capture, (pv_stage_id)s); l++)
      free(capture->data[s][l]);
    free(capture->data[s]);
  }
  free(capture);
}

static pv_code allocate(const pv_model *model, size_t positions, size_t real_bytes,
                        pv_capture **out, pv_error *err) {
  pv_capture *c = calloc(1, sizeof *c);
  bool failed = c == NULL;
  if (!failed) {
    c->model = model;
    c->positions = positions;
    c->real_bytes = real_bytes;
  }
  for (pv_stage_id s = 0; !failed && s < model->plan->count; s++) {
    const uint32_t layers = pv_capture_layers(c, (pv_stage_id)s);
    uint64_t bytes = 0;
    c->data[s] = calloc(layers, sizeof *c->data[s]);
    failed = c->data[s] == NULL ||
             !pv_ck_mul(positions, pv_capture_row_bytes(c, (pv_stage_id)s), &bytes);
    for (uint32_t l = 0; l < layers && !failed; l++) {
      c->data[s][l] = malloc(bytes);
      failed = c->data[s][l] == NULL;
    }
  }
  if (failed) {
    pv_capture_free(c);
    return pv_error_set(err, PV_ERR_NOMEM, "out of memory to keep all stages of %zu positions",
                        positions);
  }
  *out = c;
  return PV_OK;
}

static pv_code keep(void *context, const pv_walk_at *at, pv_error *err) {
  pv_capture *c = context;
  for (size_t k = 0; k < at->step.count; k++) {
    const pv_rows *r = &at->of[0][k];
    if (!pv_ck_range(at->position, r->rows, c->positions) ||
        r->width != pv_plan_width(c->model->plan, r->stage, &c->model->shape))
      return pv_error_set(err, PV_ERR_INTERNAL, "stage %s has an unexpected shape",
                          c->model->plan->rows[r->stage].name);
    memcpy(row_at(c, r->stage, at->step.layer, at->position), r->data,
           r->rows * pv_capture_row_bytes(c, r->stage));
    c->rows[r->stage] += r->rows;
  }
  return PV_OK;
}

/* A stage that did not arrive whole would be compared as garbage. */
static pv_code check_complete(const pv_capture *c, pv_error *err) {
  for (pv_stage_id s = 0; s < c->model->plan->count; s++)
    if (c->rows[s] != (uint64_t)c->positions * pv_capture_layers(c, s))
      return pv_error_set(err, PV_ERR_INTERNAL, "stage %s was traced at %llu of %llu rows",
                          c->model->plan->rows[s].name, (unsigned long long)c->rows[s],
                          (unsigned long long)c->positions * pv_capture_layers(c, s));
  return PV_OK;
}

static size_t batch_of(const pv_capture_spec *spec) {
  return spec->batch > 0 && spec->batch < spec->count ? spec->batch : spec->count;
}

pv_code pv_capture_with(pv_forward *forward, const pv_model *model, const pv_capture_spec *spec,
                        pv_capture **out, pv_error *err) {
  const pv_source source = pv_source_of(forward, model, spec->numerics);
  const pv_walk_spec walk = {.plan = model->plan,
                             .layers = model->shape.layers,
                             .sources = &source,
                             .source_count = 1,
                             .ids = spec->ids,
                             .count = spec->count,
                             .batch = batch_of(spec),
                             .batches = spec->batches};
  pv_capture *c = NULL;
  pv_code code = allocate(model, spec->count, source.real_bytes, &c, err);
  const pv_visitor visitor = {.context = c, .visit = keep};
  if (code == PV_OK) code = pv_walk(&walk, &visitor, err);
  if (code == PV_OK) code = check_complete(c, err);
  if (code == PV_OK) {
    c->backend = source.computed;
    *out = c;
  } else {
    pv_capture_free(c);
  }
  return code;
}

pv_code pv_capture_config(const pv_capture_spec *spec, pv_backend_config *out, pv_error *err) {
  size_t largest = spec->batches != NULL ? 0 : batch_of(spec), all = 0;
  for (size_t i = 0; spec->batches != NULL && i < spec->batch_count; i++) {
    largest = spec->batches[i] > largest ? spec->batches[i] : largest;
    all += spec->batches[i];
  }
  if (spec->batches != NULL && all != spec->count)
    return pv_error_set(err, PV_ERR_INTERNAL, "the batches do not add up to the sequence");
  *out = (pv_backend_config){spec->numerics, spec->count, largest, spec->threads, spec->path};
  return PV_OK;
}

pv_code pv_capture_run(const pv_model *model, const pv_capture_spec *spec, pv_capture **out,
                       pv_error *err) {
  pv_forward *forward = NULL;
  pv_backend_config config;
  pv_code code = pv_capture_config(spec, &config, err);
  if (code == PV_OK) code = pv_forward_open(model, spec->backend, &config, &forward, err);
  if (code == PV_OK) code = pv_capture_with(forward, model, spec, out, err);
  pv_forward_close(forward);
  return code;
}

pv_vector pv_capture_vector(const pv_capture *capture, pv_stage_id stage, uint32_t layer,
                            size_t position) {
  const pv_element real = capture->real_bytes == sizeof(double) ? PV_ELEMENT_F64 : PV_ELEMENT_F32;
  return (pv_vector){row_at(capture, stage, layer, position),
                     pv_plan_width(capture->model->plan, stage, &capture->model->shape),
                     pv_plan_is(capture->model->plan, stage, PV_ROW_INDEX) ? PV_ELEMENT_I32 : real};
}

static size_t kept_width(const pv_source *s, pv_stage_id stage, uint32_t layer) {
  (void)layer;
  return pv_plan_width(s->plan, stage, s->shape);
}

static pv_code read_kept(const pv_source *s, pv_stage_id stage, uint32_t layer, size_t position,
                         size_t rows, void *out, pv_error *err) {
  const pv_capture *c = s->kept;
  (void)err;
  memcpy(out, row_at(c, stage, layer, position), rows * pv_capture_row_bytes(c, stage));
  return PV_OK;
}

pv_source pv_capture_source(const pv_capture *capture, pv_numerics numerics) {
  const pv_model *model = capture->model;
  return (pv_source){.kept = capture,
                     .plan = model->plan,
                     .shape = &model->shape,
                     .layers = model->shape.layers,
                     .positions = capture->positions,
                     .real_bytes = capture->real_bytes,
                     .computed = capture->backend,
                     .identity = pv_numerics_identity(numerics),
                     .model_sha256 = "",
                     .width = kept_width,
                     .read = read_kept};
}

double pv_capture_at(const pv_capture *capture, pv_stage_id stage, uint32_t layer, size_t position,
                     size_t index) {
  const pv_vector row = pv_capture_vector(capture, stage, layer, position);
  return pv_vector_at(&row, index);
}

static void note_first(pv_difference *d, const pv_capture *left, const pv_capture *right,
                       pv_stage_id stage, uint32_t layer, size_t position, size_t index) {
  d->different++;
  if (d->present) return;
  *d = (pv_difference){d->compared,
                       d->different,
                       true,
                       stage,
                       layer,
                       position,
                       index,
                       pv_capture_at(left, stage, layer, position, index),
                       pv_capture_at(right, stage, layer, position, index)};
}

pv_code pv_capture_compare(const pv_capture *left, const pv_capture *right, pv_difference *out,
                           pv_error *err) {
  if (left->model != right->model || left->positions != right->positions ||
      left->real_bytes != right->real_bytes)
    return pv_error_set(err, PV_ERR_INTERNAL, "two captures of different shape were compared");
  *out = (pv_difference){0};
  for (uint32_t layer = 0; layer < left->model->shape.layers; layer++)
    for (pv_stage_id stage = 0; stage < left->model->plan->count; stage++) {
      const bool last = layer + 1 == left->model->shape.layers;
      const bool layered = pv_plan_is_layered(left->model->plan, stage);
      if (!layered && !(stage == 0 ? layer == 0 : last)) continue;
      const uint32_t l = layered ? layer : 0;
      const size_t size = element_bytes(left, stage), bytes = pv_capture_row_bytes(left, stage);
      for (size_t p = 0; p < left->positions; p++) {
        const char *a = row_at(left, stage, l, p), *b = row_at(right, stage, l, p);
        out->compared += bytes / size;
        if (memcmp(a, b, bytes) == 0) continue;
        for (size_t i = 0; i < bytes / size; i++)
          if (memcmp(a + i * size, b + i * size, size) != 0)
            note_first(out, left, right, stage, l, p, i);
      }
    }
  return PV_OK;
}

pv_distance pv_capture_distance(const pv_capture *left, const pv_capture *right, pv_stage_id stage,
                                uint32_t layer, size_t position) {
  return pv_distance_of(pv_capture_vector(left, stage, layer, position),
                        pv_capture_vector(right, stage, layer, position));
}

pv_code pv_capture_digest(const pv_capture *capture, char out[65], pv_error *err) {
  pv_sha256 *hash = pv_sha256_new();
  if (hash == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for a digest");
  for (pv_stage_id s = 0; s < capture->model->plan->count; s++)
    for (uint32_t l = 0; l < pv_capture_layers(capture, s); l++)
      pv_sha256_add(hash, capture->data[s][l],
                    capture->positions * pv_capture_row_bytes(capture, s));
  return pv_sha256_finish(hash, out, err);
}
