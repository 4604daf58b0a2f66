#include "runtime/noise/noise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/noise/parts.h"

/* One that runs beside the arbiter. */
typedef struct runner {
  size_t source, repeat;
  pv_fault_side side; /* rounded: the forward of the identity */
  size_t walked;      /* rounded: which one of the walk; else 0 */
  /* perturbed: the one that is; rounded: starts each block where the side is */
  pv_witness *arbiter;
  pv_rows chosen; /* experts of the layer */
} runner;

typedef struct run {
  const pv_noise_spec *spec;
  pv_noise_result *out;
  pv_forward *exact;
  runner *runners;
  pv_witness *arbiters; /* of the runners */
  size_t runner_count;
  pv_source walked[1 + PV_NOISE_SOURCES_MAX]; /* the arbiter, and the identities */
  size_t walked_count;
  /* Of the last operation: the arbiter's, and a runner's own. */
  const pv_rows *want, *got;
  pv_rows perturbed[PV_STEP_ROWS]; /* `got` of a perturbed one */
  pv_rows chosen;                  /* the arbiter's experts of the layer */
  pv_rows aligned;                 /* see pv_noise_align */
  pv_noise_place place;
} run;

static const pv_noise_source *source_of(const run *r, const runner *who) {
  return &r->spec->sources[who->source];
}

static pv_code check(const pv_noise_spec *s, pv_error *err) {
  if (s->prompt_count == 0 || s->source_count == 0 || s->batch == 0)
    return pv_error_set(err, PV_ERR_INPUT, "there is nothing to measure");
  if (s->source_count > PV_NOISE_SOURCES_MAX)
    return pv_error_set(err, PV_ERR_INPUT, "more than %d sources of noise", PV_NOISE_SOURCES_MAX);
  for (size_t i = 0; i < s->prompt_count; i++)
    if (s->prompts[i].count == 0)
      return pv_error_set(err, PV_ERR_INPUT, "prompt %zu has no tokens", i);
  for (size_t i = 0; i < s->source_count; i++) {
    const pv_noise_source *source = &s->sources[i];
    if (source->kind == PV_NOISE_PERTURBED && (s->repeats < 1 || s->repeats > PV_NOISE_REPEATS_MAX))
      return pv_error_set(err, PV_ERR_INPUT, "%zu repeats are outside 1..%d", s->repeats,
                          PV_NOISE_REPEATS_MAX);
    if (source->kind == PV_NOISE_ROUNDED && source->side.numerics == PV_NUMERICS_F64)
      return pv_error_set(err, PV_ERR_INPUT, "f64 is the arbiter: it has no distance from itself");
  }
  return PV_OK;
}

static pv_code make_room(run *r, pv_error *err) {
  const pv_noise_spec *s = r->spec;
  pv_noise_result *out = r->out;
  size_t count = 0;
  out->plan = s->model->plan;
  out->layers = s->model->shape.layers;
  out->source_count = s->source_count;
  for (size_t i = 0; i < s->source_count; i++) {
    pv_noise_of *of = &out->of[i];
    of->finite = true;
    of->stages = calloc(out->layers, sizeof *of->stages);
    of->routing = calloc(out->layers, sizeof *of->routing);
    if (of->stages == NULL || of->routing == NULL)
      return pv_error_set(err, PV_ERR_NOMEM, "out of memory for sums");
    for (uint32_t l = 0; l < out->layers; l++)
      of->routing[l].margin = of->routing[l].ratio = INFINITY;
    count += s->sources[i].kind == PV_NOISE_PERTURBED ? s->repeats : 1;
  }
  r->runners = calloc(count, sizeof *r->runners);
  r->arbiters = calloc(count, sizeof *r->arbiters);
  if (r->runners == NULL || r->arbiters == NULL)
    return pv_error_set(err, PV_ERR_NOMEM, "out of memory for the runs");
  for (size_t i = 0; i < s->source_count; i++)
    for (size_t k = 0; k < (s->sources[i].kind == PV_NOISE_PERTURBED ? s->repeats : 1); k++)
      r->runners[r->runner_count++] = (runner){.source = i, .repeat = k};
  return PV_OK;
}

static pv_code open_all(run *r, pv_error *err) {
  const pv_noise_spec *s = r->spec;
  pv_backend_config config = {PV_NUMERICS_F64, 0, 0, s->threads, NULL};
  for (size_t i = 0; i < s->prompt_count; i++)
    if (s->prompts[i].count > config.context) config.context = s->prompts[i].count;
  config.batch = s->batch < config.context ? s->batch : config.context;
  pv_code code = pv_forward_open(s->model, "cpu", &config, &r->exact, err);
  if (code == PV_OK) r->out->memory += pv_forward_memory(r->exact);
  if (code == PV_OK) r->walked[r->walked_count++] = pv_source_of(r->exact);
  for (size_t i = 0; i < r->runner_count && code == PV_OK; i++) {
    runner *who = &r->runners[i];
    const pv_noise_source *source = source_of(r, who);
    who->arbiter = &r->arbiters[i];
    code = pv_witness_open(s->model, &config, NULL, who->arbiter, err);
    r->out->memory += pv_witness_memory(who->arbiter);
    if (code != PV_OK || source->kind == PV_NOISE_PERTURBED) continue;
    code = pv_side_open(&source->side, s->model, &config, &who->side, err);
    if (code != PV_OK) break;
    r->out->memory += pv_forward_memory(who->side.forward);
    r->out->of[who->source].computed = pv_forward_backend(who->side.forward);
    who->walked = r->walked_count;
    r->walked[r->walked_count++] = pv_source_of(who->side.forward);
  }
  return code;
}

static void close_all(run *r) {
  for (size_t i = 0; i < r->runner_count; i++) {
    pv_witness_close(&r->arbiters[i]);
    pv_fault_close(&r->runners[i].side);
    free(r->runners[i].chosen.data);
  }
  free(r->runners);
  free(r->arbiters);
  pv_forward_close(r->exact);
  for (int k = 0; k < PV_STEP_ROWS; k++) free(r->perturbed[k].data);
  free(r->chosen.data);
  free(r->aligned.data);
}

static pv_code perturb(run *r, const runner *who, pv_rows *rows, pv_error *err) {
  if ((source_of(r, who)->stages >> rows->stage & 1) == 0 || rows->index) return PV_OK;
  r->place.repeat = who->repeat;
  pv_noise_perturb(rows, &r->place, r->spec->amount);
  return pv_witness_give(who->arbiter, rows, r->place.layer, err);
}

/* A side's stage against what its arbiter makes from where the block began: those are the side's
 * own. */
static pv_code measure_block(run *r, const runner *who, const pv_rows *side, pv_noise_spread *block,
                             pv_error *err) {
  pv_witness *arbiter = who->arbiter;
  const pv_code code = pv_witness_make(arbiter, side->stage, r->place.layer, side->rows, err);
  for (size_t p = 0; p < side->rows && code == PV_OK && !side->index; p++)
    pv_noise_widen(block, &arbiter->made, side, p);
  if (code != PV_OK || !pv_plan_is(r->spec->model->plan, side->stage, PV_ROW_BLOCK)) return code;
  return pv_witness_give(arbiter, side, r->place.layer, err);
}

/* Experts are compared by themselves, not by rank: two of nearly the same weight may change places.
 */
static pv_code by_expert(run *r, const runner *who, const pv_rows *exact, const pv_rows **side,
                         pv_error *err) {
  const pv_stage_id stage = (*side)->stage;
  const pv_rows chosen[] = {r->chosen, who->chosen};
  if (!pv_plan_is(r->spec->model->plan, stage, PV_ROW_BY_EXPERT)) return PV_OK;
  const pv_code code = pv_noise_align(exact, *side, chosen, &r->aligned, err);
  *side = &r->aligned;
  return code;
}

static pv_code measure(run *r, const runner *who, size_t k, pv_error *err) {
  pv_noise_of *of = &r->out->of[who->source];
  const pv_rows *exact = &r->want[k], *own = &r->got[k], *side = own;
  pv_noise_stage *stage = &of->stages[r->place.layer][own->stage];
  pv_code code = PV_OK;
  if (!own->index) {
    code = by_expert(r, who, exact, &side, err);
    for (size_t p = 0; p < own->rows && code == PV_OK; p++)
      pv_noise_widen(&stage->total, exact, side, p);
    stage->elements += own->rows * own->width;
    if (isinf(stage->total.error)) of->finite = false;
  }
  if (code != PV_OK || source_of(r, who)->kind == PV_NOISE_PERTURBED) return code;
  return measure_block(r, who, own, &stage->block, err);
}

/* What a source chose, after its operation. */
static void measure_choices(run *r, const runner *who, const pv_step *s) {
  const pv_plan *plan = r->spec->model->plan;
  const bool routed = pv_step_find(plan, s, PV_ROLE_ROUTER_INDICES) >= 0;
  const bool topped = pv_step_find(plan, s, PV_ROLE_TOP) >= 0;
  pv_noise_of *of = &r->out->of[who->source];
  const pv_rows exact[] = {r->want[0], r->want[2]}, side[] = {r->got[0], r->got[2]};
  for (size_t p = 0; routed && p < exact[0].rows; p++)
    pv_noise_route(&of->routing[r->place.layer], exact, side, p);
  for (size_t p = 0; topped && p < r->want[1].rows; p++) {
    of->tops++;
    of->tops_changed += pv_rows_at(&r->want[1], p, 0) != pv_rows_at(&r->got[1], p, 0);
  }
}

/* What a perturbed arbiter makes of an operation. */
static pv_code make_perturbed(run *r, const runner *who, const pv_walk_at *at, pv_error *err) {
  pv_code code = PV_OK;
  for (size_t k = 0; k < at->step.count && code == PV_OK; k++) {
    pv_rows *rows = &r->perturbed[k], *made = &who->arbiter->made;
    code = pv_witness_make(who->arbiter, (pv_stage_id)(at->step.first + k), at->step.layer,
                           at->rows, err);
    if (code == PV_OK) code = pv_rows_convert(made, made->size, rows, err);
    if (code == PV_OK) code = perturb(r, who, rows, err);
  }
  r->got = r->perturbed;
  return code;
}

static pv_code measure_one(run *r, runner *who, const pv_walk_at *at, bool routed, pv_error *err) {
  pv_code code = PV_OK;
  if (who->walked > 0)
    r->got = at->of[who->walked];
  else
    code = make_perturbed(r, who, at, err);
  for (size_t k = 0; k < at->step.count && code == PV_OK; k++) code = measure(r, who, k, err);
  if (code == PV_OK) measure_choices(r, who, &at->step);
  if (code == PV_OK && routed)
    code = pv_rows_convert(&r->got[2], sizeof(int32_t), &who->chosen, err);
  return code;
}

static pv_code visit(void *context, const pv_walk_at *at, pv_error *err) {
  run *r = context;
  const bool routed = pv_step_find(r->spec->model->plan, &at->step, PV_ROLE_ROUTER_INDICES) >= 0;
  pv_code code = PV_OK;
  r->place.layer = at->step.layer;
  r->place.position = at->position;
  r->want = at->of[0];
  if (routed) code = pv_rows_convert(&r->want[2], sizeof(int32_t), &r->chosen, err);
  for (size_t i = 0; i < r->runner_count && code == PV_OK; i++)
    code = measure_one(r, &r->runners[i], at, routed, err);
  return code;
}

static pv_code run_all(run *r, pv_error *err) {
  const pv_noise_spec *s = r->spec;
  const pv_visitor visitor = {
      .context = r, .visit = visit, .witnesses = r->arbiters, .witness_count = r->runner_count};
  pv_walk_progress progress = {.show = s->progress, .context = s->context};
  pv_walk_spec walk = {.plan = s->model->plan,
                       .layers = s->model->shape.layers,
                       .sources = r->walked,
                       .source_count = r->walked_count,
                       .batch = s->batch,
                       .progress = &progress};
  pv_code code = PV_OK;
  for (size_t i = 0; i < s->prompt_count; i++) {
    walk.count = s->prompts[i].count;
    progress.total += pv_walk_operations(&walk);
  }
  for (size_t i = 0; i < s->prompt_count && code == PV_OK; i++) {
    walk.ids = s->prompts[i].ids;
    walk.count = s->prompts[i].count;
    r->place.prompt = i;
    code = pv_walk(&walk, &visitor, err);
    r->out->positions += walk.count;
  }
  return code;
}

pv_code pv_noise(const pv_noise_spec *spec, pv_noise_result *out, pv_error *err) {
  run r = {.spec = spec, .out = out, .place = {.seed = spec->seed}};
  *out = (pv_noise_result){0};
  pv_code code = check(spec, err);
  if (code == PV_OK) code = make_room(&r, err);
  if (code == PV_OK) code = open_all(&r, err);
  if (code == PV_OK) code = run_all(&r, err);
  close_all(&r);
  if (code != PV_OK) pv_noise_free(out);
  return code;
}

void pv_noise_free(pv_noise_result *result) {
  for (size_t i = 0; i < result->source_count; i++) {
    free(result->of[i].stages);
    free(result->of[i].routing);
  }
  *result = (pv_noise_result){0};
}
