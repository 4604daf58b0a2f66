#include "runtime/trace/capture.h"

#include <stdlib.h>
#include <string.h>

#include "base/ck.h"
#include "base/sha256.h"

static const pv_rows *rows_of(const pv_capture *c, pv_stage_id stage, uint32_t layer) {
  return &c->stages[layer][stage];
}

size_t pv_capture_row_bytes(const pv_capture *capture, pv_stage_id stage) {
  const pv_rows *r = rows_of(capture, stage, 0);
  return r->width * r->size;
}

const void *pv_capture_row(const pv_capture *capture, pv_stage_id stage, uint32_t layer,
                           size_t position) {
  return pv_capture_vector(capture, stage, layer, position).data;
}

void pv_capture_free(pv_capture *capture) {
  if (capture == NULL) return;
  for (uint32_t l = 0; capture->stages != NULL && l < capture->source.layers; l++)
    for (pv_stage_id s = 0; s < PV_STAGES_MAX; s++) free(capture->stages[l][s].data);
  free(capture->stages);
  free(capture->identity);
  free(capture->about);
  free(capture);
}

static size_t kept_width(const pv_source *s, pv_stage_id stage, uint32_t layer) {
  return rows_of(s->kept, stage, layer)->width;
}

static pv_code read_kept(const pv_source *s, pv_stage_id stage, uint32_t layer, size_t position,
                         size_t rows, void *out, pv_error *err) {
  (void)err;
  memcpy(out, pv_capture_row(s->kept, stage, layer, position),
         rows * pv_capture_row_bytes(s->kept, stage));
  return PV_OK;
}

/* Nothing in it points to what `from` came from: that may be closed before the capture is. */
static pv_code tell(const pv_source *from, pv_capture *c, pv_error *err) {
  c->identity = strdup(from->identity);
  if (c->identity == NULL) return pv_error_nomem(err, "a capture");
  c->backend = from->forward != NULL ? from->computed : "";
  c->source = (pv_source){.kept = c,
                          .plan = from->plan,
                          .shape = &c->model->shape,
                          .layers = from->layers,
                          .positions = c->positions,
                          .real_bytes = from->real_bytes,
                          .computed = c->backend,
                          .identity = c->identity,
                          .model_sha256 = "",
                          .width = kept_width,
                          .read = read_kept};
  return PV_OK;
}

static void leave_out(pv_rows *kept) {
  kept->absent = true;
  kept->width = 0;
}

static bool wants(const pv_capture *c, size_t stage) {
  return c->roles == 0 || (c->roles >> c->source.plan->rows[stage].role & 1) != 0;
}

pv_code pv_capture_begin(const pv_source *from, const pv_model *model, size_t positions,
                         unsigned roles, pv_capture **out, pv_error *err) {
  pv_capture *c = calloc(1, sizeof *c);
  if (c != NULL) c->stages = calloc(from->layers, sizeof *c->stages);
  if (c == NULL || c->stages == NULL) {
    free(c);
    return pv_error_set(err, PV_ERR_NOMEM, "out of memory to keep all stages");
  }
  c->model = model;
  c->positions = positions;
  c->roles = roles;
  pv_code code = tell(from, c, err);
  for (pv_step step = {0}; code == PV_OK && pv_plan_next(from->plan, from->layers, &step);)
    for (size_t s = step.first; s < step.first + step.count && code == PV_OK; s++) {
      pv_rows *kept = &c->stages[step.layer][s];
      if (wants(c, s))
        code =
            pv_rows_room(from->plan, (pv_stage_id)s, from->width(from, (pv_stage_id)s, step.layer),
                         positions, from->real_bytes, kept, err);
      else
        leave_out(kept);
    }
  if (code == PV_OK)
    *out = c;
  else
    pv_capture_free(c);
  return code;
}

pv_code pv_capture_keep(pv_capture *c, const pv_walk_at *at, size_t source, pv_error *err) {
  for (size_t k = 0; k < at->step.count; k++) {
    const pv_rows *r = &at->of[source][k];
    pv_rows *kept = &c->stages[at->step.layer][r->stage];
    const size_t bytes = r->width * r->size;
    if (!wants(c, r->stage)) continue;
    if (r->absent && c->backend[0] == '\0') {
      leave_out(kept);
      continue;
    }
    if (r->absent || r->width != kept->width || !pv_ck_range(at->position, r->rows, c->positions))
      return pv_error_set(err, PV_ERR_INTERNAL, "stage %s has an unexpected shape",
                          c->model->plan->rows[r->stage].name);
    memcpy((char *)kept->data + at->position * bytes, r->data, r->rows * bytes);
  }
  return PV_OK;
}

static bool want(const void *context, pv_stage_id stage, uint32_t layer) {
  (void)layer;
  return wants(context, stage);
}

static pv_code keep(void *context, const pv_walk_at *at, pv_error *err) {
  return pv_capture_keep(context, at, 0, err);
}

static size_t batch_of(const pv_capture_spec *spec) {
  return spec->batch > 0 && spec->batch < spec->count ? spec->batch : spec->count;
}

pv_code pv_capture_source(const pv_source *source, const pv_model *model,
                          const pv_capture_spec *spec, pv_capture **out, pv_error *err) {
  const pv_walk_spec walk = {.plan = model->plan,
                             .layers = model->shape.layers,
                             .sources = source,
                             .source_count = 1,
                             .ids = spec->ids,
                             .count = spec->count,
                             .batch = batch_of(spec),
                             .batches = spec->batches};
  pv_capture *c = NULL;
  pv_code code = pv_capture_begin(source, model, spec->count, spec->roles, &c, err);
  const pv_visitor visitor = {.context = c, .want = want, .visit = keep};
  if (code == PV_OK) code = pv_walk(&walk, &visitor, err);
  if (code == PV_OK)
    *out = c;
  else
    pv_capture_free(c);
  return code;
}

pv_code pv_capture_with(pv_forward *forward, const pv_model *model, const pv_capture_spec *spec,
                        pv_capture **out, pv_error *err) {
  const pv_source source = pv_source_of(forward);
  return pv_capture_source(&source, model, spec, out, err);
}

bool pv_capture_lacks(const pv_capture *capture, pv_stage_id stage, uint32_t layer) {
  return rows_of(capture, stage, layer)->absent;
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
  return pv_rows_vector(rows_of(capture, stage, layer), position);
}

double pv_capture_at(const pv_capture *capture, pv_stage_id stage, uint32_t layer, size_t position,
                     size_t index) {
  return pv_rows_at(rows_of(capture, stage, layer), position, index);
}

pv_distance pv_capture_distance(const pv_capture *left, const pv_capture *right, pv_stage_id stage,
                                uint32_t layer, size_t position) {
  return pv_distance_of(pv_capture_vector(left, stage, layer, position),
                        pv_capture_vector(right, stage, layer, position));
}

void pv_difference_add(pv_difference *out, const pv_rows *left, const pv_rows *right, size_t row,
                       uint32_t layer, size_t position) {
  const pv_vector a = pv_rows_vector(left, row), b = pv_rows_vector(right, row);
  for (size_t i = 0; i < left->width; i++) {
    if (pv_vector_same(&a, &b, i) || out->different++ > 0) continue;
    out->present = true;
    out->stage = left->stage;
    out->layer = layer;
    out->position = position;
    out->index = i;
    out->left = pv_vector_at(&a, i);
    out->right = pv_vector_at(&b, i);
  }
}

static void compare_rows(const pv_rows *left, const pv_rows *right, uint32_t layer,
                         pv_difference *out) {
  for (size_t p = 0; p < left->rows; p++) {
    const void *a = pv_rows_vector(left, p).data, *b = pv_rows_vector(right, p).data;
    out->compared += left->width;
    if (memcmp(a, b, left->width * left->size) != 0)
      pv_difference_add(out, left, right, p, layer, p);
  }
}

pv_code pv_capture_compare(const pv_capture *left, const pv_capture *right, pv_difference *out,
                           pv_error *err) {
  const pv_source *s = &left->source;
  if (left->model != right->model || left->positions != right->positions ||
      s->real_bytes != right->source.real_bytes)
    return pv_error_set(err, PV_ERR_INTERNAL, "two captures of different shape were compared");
  for (pv_step step = {0}; pv_plan_next(s->plan, s->layers, &step);)
    for (size_t k = step.first; k < step.first + step.count; k++)
      if (left->stages[step.layer][k].absent || right->stages[step.layer][k].absent)
        return pv_error_set(err, PV_ERR_INTERNAL, "two captures that lack stages were compared");
  *out = (pv_difference){0};
  for (pv_step step = {0}; pv_plan_next(s->plan, s->layers, &step);)
    for (size_t k = step.first; k < step.first + step.count; k++)
      compare_rows(&left->stages[step.layer][k], &right->stages[step.layer][k], step.layer, out);
  return PV_OK;
}

pv_code pv_capture_digest(const pv_capture *capture, char out[65], pv_error *err) {
  if (capture->roles != 0)
    return pv_error_set(err, PV_ERR_INTERNAL, "a digest was asked for of some stages alone");
  pv_sha256 *hash = pv_sha256_new();
  if (hash == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for a digest");
  for (pv_stage_id s = 0; s < capture->source.plan->count; s++)
    for (uint32_t l = 0; l < capture->source.layers; l++) {
      const pv_rows *r = rows_of(capture, s, l); /* of none outside the layers */
      pv_sha256_add(hash, r->data, r->rows * r->width * r->size);
    }
  return pv_sha256_finish(hash, out, err);
}
