#include "runtime/profile/profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is told while passes run: seconds of row r in pass p at [r * passes + p]. */
typedef struct tally {
  const pv_speed *speed;
  const pv_worker *worker;
  pv_profile *out;
  size_t passes, pass, longest; /* longest: batch */
  double *row, *rest, *whole;
  double parts, own; /* of the measurement under way: of its rows; by the device's clock, or -1 */
  uint32_t *experts; /* [batch][layer]: that were chosen; NULL: as many as a position uses */
  bool full;         /* there are more rows than have room */
  size_t parts_told, told[PV_PROFILE_ROWS]; /* by then the row had its last one; from 1 */
} tally;

static bool is_what(const pv_profile_row *row, const pv_meter_part *part) {
  return row->what == part->what ||
         (row->what != NULL && part->what != NULL && strcmp(row->what, part->what) == 0);
}

/* A kernel's launch that begins no row is the rest of what its last one began: attention behind
 * many positions is several. */
static pv_profile_row *row_of(tally *t, const pv_meter_part *part) {
  pv_profile *out = t->out;
  const size_t none = out->count;
  size_t at = none, rest = none;
  for (size_t i = 0; i < out->count; i++) {
    const pv_profile_row *row = &out->row[i];
    if (!is_what(row, part)) continue;
    if (row->rows == part->rows) at = i;
    if (part->rows == 0 && part->what != NULL && row->rows != 0 &&
        (rest == none || t->told[i] > t->told[rest]))
      rest = i;
  }
  if (rest != none) at = rest;
  t->parts_told++;
  if (at != none) {
    t->told[at] = t->parts_told;
    return &out->row[at];
  }
  t->full |= out->count == PV_PROFILE_ROWS;
  if (t->full) return NULL;
  t->told[out->count] = t->parts_told;
  out->row[out->count] = (pv_profile_row){.what = part->what, .rows = part->rows};
  return &out->row[out->count++];
}

static void take_part(void *context, const pv_meter_part *part) {
  tally *t = context;
  const pv_shape *s = &t->worker->model->shape;
  pv_profile_row *row = row_of(t, part);
  if (row == NULL) return;
  t->row[(size_t)(row - t->out->row) * t->passes + t->pass] += part->seconds;
  t->parts += part->seconds;
  if (t->pass > 0) return; /* the others do the same */
  const size_t batch = part->position / t->longest;
  const pv_work work = pv_work_of(
      t->worker, part, t->experts != NULL ? t->experts[batch * s->layers + part->layer] : s->used);
  row->calls += 1.0;
  pv_work_add(&row->work, &work);
}

static void take_whole(void *context, double seconds) {
  ((tally *)context)->own = seconds;
}

static pv_code begin(tally *t, pv_meter *meter, pv_error *err) {
  *meter = (pv_meter){take_part, take_whole, t};
  t->parts = 0.0;
  t->own = -1.0;
  return pv_forward_meter(t->speed->forward, meter, err);
}

/* `spent`: by the caller's clock. */
static pv_code end(tally *t, double spent, pv_error *err) {
  const pv_code code = pv_forward_meter(t->speed->forward, NULL, err);
  const double whole = t->own >= 0.0 ? t->own : spent;
  t->whole[t->pass] += whole;
  t->rest[t->pass] += whole - t->parts;
  if (t->full)
    return pv_error_set(err, PV_ERR_LIMIT, "a profile of more than %d rows", PV_PROFILE_ROWS);
  return code;
}

static pv_code open_tally(tally *t, size_t repeats, pv_error *err) {
  *t->out = (pv_profile){0};
  t->passes = repeats;
  t->longest = t->speed->batch < PV_SPEED_BATCH ? t->speed->batch : PV_SPEED_BATCH;
  t->row = calloc((PV_PROFILE_ROWS + 2) * repeats, sizeof *t->row);
  if (t->row == NULL) return pv_error_nomem(err, "a profile");
  t->rest = t->row + PV_PROFILE_ROWS * repeats;
  t->whole = t->rest + repeats;
  return PV_OK;
}

static pv_rates rates_of(double *values, size_t count, double units) {
  for (size_t i = 0; i < count; i++) values[i] /= units;
  return pv_rates_of(values, count);
}

static int by_time(const void *a, const void *b) {
  const double x = ((const pv_profile_row *)a)->seconds.median;
  const double y = ((const pv_profile_row *)b)->seconds.median;
  return (x < y) - (x > y);
}

/* Of one unit: a prompt, or one of so many tokens. */
static void close_tally(tally *t, double units) {
  pv_profile *out = t->out;
  for (size_t i = 0; i < out->count; i++) {
    pv_profile_row *row = &out->row[i];
    row->seconds = rates_of(t->row + i * t->passes, t->passes, units);
    row->calls /= units;
    row->work.weights /= units;
    row->work.cache /= units;
    row->work.activations /= units;
    for (int u = 0; u < PV_UNITS; u++) row->work.operations[u] /= units;
    out->sum += row->seconds.median;
  }
  out->rest = rates_of(t->rest, t->passes, units);
  out->whole = rates_of(t->whole, t->passes, units);
  out->sum += out->rest.median;
  qsort(out->row, out->count, sizeof *out->row, by_time);
}

/* How many experts the rows of a batch chose. */
static pv_code count_chosen(const pv_speed *s, size_t rows, uint32_t *out, pv_error *err) {
  const pv_shape *shape = &s->model->shape;
  const pv_stage_id stage = pv_model_stage(s->model, PV_ROLE_ROUTER_INDICES);
  int32_t *chosen = calloc(rows * shape->used, sizeof *chosen);
  bool *seen = calloc(shape->experts, sizeof *seen);
  pv_code code = PV_OK;
  if (chosen == NULL || seen == NULL)
    code = pv_error_nomem(err, "chosen experts");
  else
    code = pv_forward_read(s->forward, stage, 0, rows, chosen, err);
  *out = 0;
  for (size_t i = 0; i < rows * shape->used && code == PV_OK; i++) {
    const uint32_t e = (uint32_t)chosen[i];
    if (e >= shape->experts)
      code =
          pv_error_set(err, PV_ERR_INTERNAL, "expert %u is outside 0..%u", e, shape->experts - 1);
    else if (!seen[e])
      seen[e] = true, ++*out;
  }
  free(seen);
  free(chosen);
  return code;
}

/* The prompt once before it is measured, step by step: which weights it reads depends on what it
 * chooses. */
static pv_code count_experts(tally *t, size_t tokens, pv_error *err) {
  const pv_speed *s = t->speed;
  const pv_plan *plan = s->model->plan;
  const size_t layers = s->model->shape.layers;
  uint32_t ids[PV_SPEED_BATCH], *to;
  pv_code code = PV_OK;
  pv_forward_rewind(s->forward, 0);
  if (!pv_plan_has_experts(plan)) return pv_speed_fill(s, tokens, err);
  t->experts = calloc((tokens / t->longest + 1) * layers, sizeof *t->experts);
  if (t->experts == NULL) return pv_error_nomem(err, "counts of experts");
  to = t->experts;
  for (size_t n; code == PV_OK && (n = pv_speed_ids(s, tokens, ids)) > 0; to += layers) {
    code = pv_forward_begin(s->forward, ids, n, 0, err);
    for (pv_step step = {0}; code == PV_OK && pv_forward_next(s->model, 0, &step);) {
      code = pv_forward_step(s->forward, step, err);
      if (code == PV_OK && pv_step_find(plan, &step, PV_ROLE_ROUTER_INDICES) >= 0)
        code = count_chosen(s, n, &to[step.layer], err);
    }
    if (code == PV_OK) pv_forward_end(s->forward);
  }
  return code;
}

pv_code pv_profile_prefill(const pv_speed *s, const pv_worker *worker, size_t tokens,
                           size_t repeats, pv_profile *out, pv_error *err) {
  tally t = {.speed = s, .worker = worker, .out = out};
  pv_meter meter;
  pv_code code = open_tally(&t, repeats, err);
  if (code == PV_OK) code = count_experts(&t, tokens, err);
  for (; t.pass < repeats && code == PV_OK; t.pass++) {
    double rate = 0.0;
    code = begin(&t, &meter, err);
    if (code == PV_OK) code = pv_speed_prefill(s, tokens, &rate, err);
    if (code == PV_OK) code = end(&t, (double)tokens / rate, err);
  }
  if (code == PV_OK) close_tally(&t, 1.0);
  free(t.experts);
  free(t.row);
  return code;
}

pv_code pv_profile_decode(const pv_speed *s, const pv_worker *worker, size_t context, size_t tokens,
                          size_t repeats, pv_profile *out, pv_error *err) {
  tally t = {.speed = s, .worker = worker, .out = out};
  pv_meter meter;
  pv_code code = open_tally(&t, repeats, err);
  for (; t.pass < repeats && code == PV_OK; t.pass++) {
    uint32_t id = 0;
    pv_forward_rewind(s->forward, context);
    code = pv_speed_token(s, &id, NULL, err); /* as pv_speed_decode: one that is not counted */
    for (size_t i = 0; i < tokens && code == PV_OK; i++) {
      double spent = 0.0;
      code = begin(&t, &meter, err);
      if (code == PV_OK) code = pv_speed_token(s, &id, &spent, err);
      if (code == PV_OK) code = end(&t, spent, err);
    }
  }
  if (code == PV_OK) close_tally(&t, (double)tokens);
  free(t.row);
  return code;
}

pv_floor pv_profile_floor(const pv_profile_row *row, const pv_ceilings *c) {
  pv_floor out = {0.0, NULL};
  const double bytes = pv_work_bytes(&row->work);
  if (bytes > 0.0 && c->bytes_per_s > 0.0) out = (pv_floor){bytes / c->bytes_per_s, "memory"};
  for (int u = 0; u < PV_UNITS; u++) {
    const pv_peak *peak = pv_ceilings_peak(c, row->what, (pv_unit)u);
    const double seconds = peak->per_s > 0.0 ? row->work.operations[u] / peak->per_s : 0.0;
    if (seconds > out.seconds) out = (pv_floor){seconds, peak->name};
  }
  return out;
}

/* A word for an operation: the member of a kernel set that computes it. */
static const char *word_of(pv_op op) {
  switch (op) {
    case PV_OP_GATHER:
      return "gather";
    case PV_OP_NORM:
      return "rmsnorm";
    case PV_OP_MATMUL:
      return "mm";
    case PV_OP_HEADS:
      return "rmsnorm, rope";
    case PV_OP_ATTEND:
      return "attend";
    case PV_OP_ADD:
      return "add";
    case PV_OP_ROUTE:
    case PV_OP_TOPK:
      return "route";
    case PV_OP_SWIGLU:
      return "swiglu";
    case PV_OP_COMBINE:
      return "combine";
    case PV_OP_ARGMAX:
      return "argmax";
    case PV_OP_ROPE:
      return "rope";
    case PV_OP_BIAS:
      return "bias";
    case PV_OP_GEGLU:
      return "geglu";
    case PV_OP_SWIGLU_CLAMPED:
      return "swiglu_clamped";
    case PV_OP_GATE:
      return "gate";
  }
  return "?";
}

/* Appends `word` to a list, unless it was the last one. */
static void append(char *list, size_t size, const char **last, const char *word) {
  const size_t length = strlen(list);
  if (*last != NULL && strcmp(*last, word) == 0) return;
  snprintf(list + length, size - length, "%s%s", length > 0 ? ", " : "", word);
  *last = word;
}

void pv_profile_name(const pv_profile_row *row, const pv_plan *plan, char *out, size_t size) {
  const char *last = NULL;
  out[0] = '\0';
  if (row->what != NULL) append(out, size, &last, row->what);
  for (size_t i = 0; i < plan->count && row->what == NULL; i++)
    if ((row->rows >> i & 1) != 0) append(out, size, &last, word_of(plan->rows[i].op));
}

void pv_profile_stages(const pv_profile_row *row, const pv_plan *plan, char *out, size_t size) {
  const char *last = NULL;
  out[0] = '\0';
  for (size_t i = 0; i < plan->count; i++)
    if ((row->rows >> i & 1) != 0) append(out, size, &last, plan->rows[i].name);
}
