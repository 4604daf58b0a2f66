#include "runtime/walk/walk.h"

#include <stdlib.h>
#include <string.h>

#include "base/child.h"

static size_t computed_width(const pv_source *s, pv_stage_id stage, uint32_t layer) {
  (void)layer;
  return pv_plan_width(s->plan, stage, s->shape);
}

static pv_code read_computed(const pv_source *s, pv_stage_id stage, uint32_t layer, size_t position,
                             size_t rows, void *out, pv_error *err) {
  (void)layer; /* the one of the last step */
  const size_t row = position - pv_forward_position(s->forward);
  return pv_forward_read(s->forward, stage, row, rows, out, err);
}

pv_source pv_source_of(pv_forward *forward) {
  const pv_backend *who = pv_forward_who(forward);
  return (pv_source){.forward = forward,
                     .plan = who->model->plan,
                     .shape = &who->model->shape,
                     .layers = who->model->shape.layers,
                     .real_bytes = who->real_bytes,
                     .computed = who->ops->name,
                     .identity = pv_numerics_identity(who->config.numerics),
                     .model_sha256 = "",
                     .width = computed_width,
                     .read = read_computed};
}

bool pv_source_has(const pv_source *source, pv_stage_id stage, uint32_t layer) {
  const uint32_t at = pv_plan_is_layered(source->plan, stage) ? layer : 0;
  return at < source->layers && source->width(source, stage, at) > 0;
}

typedef pv_rows held[PV_STEP_ROWS]; /* what a source has of an operation */

static size_t batch_size(const pv_walk_spec *w, size_t n, size_t at) {
  const size_t left = w->count - at, size = w->batches != NULL ? w->batches[n] : w->batch;
  return w->batches != NULL || size < left ? size : left;
}

size_t pv_walk_operations(const pv_walk_spec *w) {
  size_t batches = 0;
  for (size_t at = 0; at < w->count; batches++) at += batch_size(w, batches, at);
  return batches * pv_plan_steps(w->plan, w->layers);
}

/* Rows of the batch that the source has of a stage. */
static pv_span rows_there(const pv_source *s, pv_stage_id stage, const pv_walk_at *at) {
  if (!pv_source_has(s, stage, at->step.layer)) return (pv_span){0, 0};
  if (s->span == NULL) return (pv_span){0, at->rows};
  const pv_span all = s->span(s, stage, at->step.layer);
  const size_t from = all.from > at->position ? all.from - at->position : 0;
  const size_t until = all.until > at->position ? all.until - at->position : 0;
  return (pv_span){from, until < at->rows ? until : at->rows};
}

static void leave_out(const pv_walk_spec *w, const pv_source *s, const pv_walk_at *at,
                      pv_stage_id stage, pv_rows *out) {
  *out = (pv_rows){.stage = stage,
                   .index = pv_plan_is(w->plan, stage, PV_ROW_INDEX),
                   .rows = at->rows,
                   .data = out->data,
                   .room = out->room,
                   .absent = true};
  if (s->shape != NULL) out->width = pv_plan_width(w->plan, stage, s->shape);
}

static pv_code read_stage(const pv_walk_spec *w, const pv_source *s, bool parts,
                          const pv_walk_at *at, pv_stage_id stage, pv_rows *out, pv_error *err) {
  const pv_span there = rows_there(s, stage, at);
  const bool whole = there.from == 0 && there.until == at->rows;
  if (there.until <= there.from || (!whole && !parts)) {
    leave_out(w, s, at, stage, out);
    return PV_OK;
  }
  const size_t width = s->width(s, stage, at->step.layer);
  const pv_code code = pv_rows_room(w->plan, stage, width, at->rows, s->real_bytes, out, err);
  if (code != PV_OK) return code;
  const size_t row = width * out->size;
  if (!whole) memset(out->data, 0xff, at->rows * row); /* NaN, and -1 */
  out->from = there.from;
  out->until = there.until;
  return s->read(s, stage, at->step.layer, at->position + there.from, there.until - there.from,
                 (char *)out->data + there.from * row, err);
}

/* One operation of every source, and what it left. */
static pv_code walk_step(const pv_walk_spec *w, const pv_visitor *v, const pv_walk_at *at,
                         held *rows, pv_error *err) {
  bool wanted[PV_STEP_ROWS];
  pv_code code = PV_OK;
  for (size_t k = 0; k < at->step.count; k++)
    wanted[k] =
        v->want == NULL || v->want(v->context, (pv_stage_id)(at->step.first + k), at->step.layer);
  for (size_t i = 0; i < w->source_count && code == PV_OK; i++) {
    const pv_source *s = &w->sources[i];
    if (s->forward != NULL) code = pv_forward_step(s->forward, at->step, err);
    for (size_t k = 0; k < at->step.count && code == PV_OK; k++) {
      const pv_stage_id stage = (pv_stage_id)(at->step.first + k);
      if (wanted[k])
        code = read_stage(w, s, v->parts, at, stage, &rows[i][k], err);
      else
        leave_out(w, s, at, stage, &rows[i][k]);
    }
  }
  return code == PV_OK ? v->visit(v->context, at, err) : code;
}

static pv_code walk_batch(const pv_walk_spec *w, const pv_visitor *v, const pv_batch *batch,
                          held *rows, pv_error *err) {
  pv_code code = PV_OK;
  for (size_t i = 0; i < w->source_count && code == PV_OK; i++)
    if (w->sources[i].forward != NULL)
      code = pv_forward_begin(w->sources[i].forward, batch->ids, batch->count, batch->logits, err);
  for (size_t i = 0; i < v->witness_count && code == PV_OK; i++) {
    pv_backend *witness = v->witnesses[i].backend;
    if (witness != NULL) code = witness->ops->begin(witness, batch, err);
  }
  for (pv_step step = {0}; code == PV_OK && pv_plan_next(w->plan, w->layers, &step);) {
    const pv_walk_at at = {step, batch->position, batch->count, (const held *)rows};
    if (pv_cancelled()) return pv_error_set(err, PV_ERR_CANCELLED, "interrupted");
    code = walk_step(w, v, &at, rows, err);
    pv_walk_progress *p = w->progress;
    if (code == PV_OK && p != NULL && p->show != NULL) p->show(p->context, ++p->done, p->total);
  }
  for (size_t i = 0; i < w->source_count && code == PV_OK; i++)
    if (w->sources[i].forward != NULL) pv_forward_end(w->sources[i].forward);
  return code;
}

static pv_code check_sources(const pv_walk_spec *w, pv_error *err) {
  for (size_t i = 0; i < w->source_count; i++) {
    const pv_source *s = &w->sources[i];
    if (s->forward != NULL) pv_forward_rewind(s->forward, 0);
    if (s->positions == 0 || s->positions == w->count) continue;
    pv_error_set(err, PV_ERR_INPUT, "the trace has %zu positions, the run %zu", s->positions,
                 w->count);
    if (s->place != NULL) pv_error_at(err, s->place, 0, 0, -1);
    return PV_ERR_INPUT;
  }
  return PV_OK;
}

pv_code pv_walk(const pv_walk_spec *w, const pv_visitor *v, pv_error *err) {
  pv_code code = check_sources(w, err);
  if (code != PV_OK) return code;
  held *rows = calloc(w->source_count, sizeof *rows);
  if (rows == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for a walk");
  for (size_t n = 0, at = 0; at < w->count && code == PV_OK; n++) {
    const size_t size = batch_size(w, n, at);
    const pv_batch batch = {w->ids != NULL ? w->ids + at : NULL, size, at, size};
    code = walk_batch(w, v, &batch, rows, err);
    at += size;
  }
  for (size_t i = 0; i < w->source_count; i++)
    for (size_t k = 0; k < PV_STEP_ROWS; k++) free(rows[i][k].data);
  free(rows);
  return code;
}
