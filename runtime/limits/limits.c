#include "runtime/limits/limits.h"

#include <math.h>
#include <stdlib.h>

#include "runtime/walk/witness.h"

#define UNIT 0x1p-24

enum { PRODUCTS, BOUNDS, WITNESSES };

typedef struct run {
  const pv_limits_spec *spec;
  pv_limits_result *out;
  pv_witness witness[WITNESSES];
} run;

double pv_limits_of(pv_op op, const pv_foreign *identity, size_t position, double exact,
                    double largest, double bound) {
  const double stored = identity->stored * fabs(exact);
  switch (op) {
    case PV_OP_GATHER: /* a copy */
      return stored;
    case PV_OP_MATMUL:
      return bound + stored;
    case PV_OP_HEADS: /* angles of float32 grow with the position */
      return (16.0 + 2.0 * (8.0 + (double)position)) * UNIT * largest + stored;
    case PV_OP_ATTEND: /* keys, values and sums of float16 */
      return 4.0 * 0x1p-11 * largest + stored;
    case PV_OP_NORM:
    case PV_OP_ADD:
    case PV_OP_ROUTE:
    case PV_OP_SWIGLU:
    case PV_OP_COMBINE:
      return 16.0 * UNIT * largest + stored;
    case PV_OP_TOPK:
    case PV_OP_ARGMAX:
      break;
  }
  return 0.0;
}

/* Largest magnitude of elements first .. first + count - 1. */
static double largest_of(const pv_rows *r, size_t row, size_t first, size_t count) {
  double most = 0.0;
  for (size_t i = first; i < first + count; i++) most = fmax(most, fabs(pv_rows_at(r, row, i)));
  return most;
}

static void note(run *r, const pv_limits_place *place) {
  pv_limits_stage *sum = &r->out->stages[place->layer][place->stage];
  if (place->ratio > sum->ratio) sum->ratio = place->ratio;
  if (place->ratio > r->out->worst.ratio) r->out->worst = *place;
  if (place->why == PV_LIMITS_WITHIN) return;
  sum->beyond++;
  if (r->out->first.why == PV_LIMITS_WITHIN) r->out->first = *place;
}

/* Elements of one row against what the witness made of it. */
static void judge_reals(run *r, const pv_rows *rows, const pv_walk_at *at, size_t p) {
  const pv_plan *plan = r->out->plan;
  const pv_shape *shape = &r->spec->model->shape;
  const pv_rows *exact = &r->witness[PRODUCTS].made, *bounds = &r->witness[BOUNDS].made;
  const pv_op op = plan->rows[rows->stage].op;
  const size_t part = op == PV_OP_HEADS ? shape->head_dim : pv_plan_part(plan, rows->stage, shape);
  pv_limits_place place = {
      .stage = rows->stage, .layer = at->step.layer, .position = at->position + p};
  double largest = 0.0;
  for (size_t i = 0; i < rows->width; i++) {
    if (i % part == 0) largest = largest_of(exact, p, i, part);
    const double got = pv_rows_at(rows, p, i), want = pv_rows_at(exact, p, i);
    const double limit =
        r->spec->factor * pv_limits_of(op, r->spec->identity, place.position, want, largest,
                                       op == PV_OP_MATMUL ? pv_rows_at(bounds, p, i) : 0.0);
    place.index = i;
    place.got = got;
    place.exact = want;
    place.limit = limit;
    place.ratio = got == want ? 0.0 : fabs(got - want) / limit;
    place.why = place.ratio <= 1.0 ? PV_LIMITS_WITHIN : PV_LIMITS_BEYOND;
    if (isnan(place.ratio)) {
      place.ratio = isfinite(want) ? INFINITY : 0.0; /* what overflows has no figure */
      place.why = isfinite(want) ? PV_LIMITS_NO_NUMBER : PV_LIMITS_WITHIN;
    }
    note(r, &place);
  }
}

static bool is_one_of(double index, uint32_t count) {
  return index >= 0.0 && index < (double)count;
}

/* What the side's own logits contradict by more than their rounding. */
static double room_of(const run *r, double largest) {
  return r->spec->factor * fmax(0x1p-18, 2.0 * r->spec->identity->stored) * largest;
}

/* Chosen experts by the side's own logits, which are two rows before: each is there once, and none
 * has a clearly smaller logit than one that is left out. */
static void judge_choice(run *r, const pv_rows *rows, const pv_walk_at *at, size_t p) {
  const pv_rows *logits = rows - 2;
  const uint32_t experts = r->spec->model->shape.experts;
  const double room = room_of(r, largest_of(logits, p, 0, logits->width));
  double left_out = -INFINITY;
  for (size_t e = 0; e < logits->width; e++)
    if (!pv_set_holds(pv_rows_vector(rows, p), (double)e))
      left_out = fmax(left_out, pv_rows_at(logits, p, e));
  for (size_t i = 0; i < rows->width; i++) {
    const double own = pv_rows_at(rows, p, i);
    bool wrong = !is_one_of(own, experts);
    for (size_t j = 0; j < i && !wrong; j++) wrong = pv_rows_at(rows, p, j) == own;
    const double below = wrong ? 0.0 : left_out - pv_rows_at(logits, p, (size_t)own);
    pv_limits_place place = {.stage = rows->stage,
                             .layer = at->step.layer,
                             .position = at->position + p,
                             .index = i,
                             .got = own,
                             .exact = pv_rows_at(&r->witness[PRODUCTS].made, p, i),
                             .limit = room,
                             .ratio = wrong         ? INFINITY
                                      : below > 0.0 ? below / room
                                                    : 0.0};
    place.why = place.ratio <= 1.0 ? PV_LIMITS_WITHIN : PV_LIMITS_CHOICE;
    note(r, &place);
  }
}

/* The top token by the side's own logits, the row before. */
static void judge_top(run *r, const pv_rows *rows, const pv_walk_at *at, size_t p) {
  const pv_rows *logits = rows - 1;
  const double own = pv_rows_at(rows, p, 0);
  const bool wrong = !is_one_of(own, r->spec->model->shape.vocab);
  const double room = room_of(r, largest_of(logits, p, 0, logits->width));
  double top = -INFINITY;
  for (size_t i = 0; i < logits->width; i++) top = fmax(top, pv_rows_at(logits, p, i));
  const double below = wrong ? 0.0 : top - pv_rows_at(logits, p, (size_t)own);
  pv_limits_place place = {.stage = rows->stage,
                           .position = at->position + p,
                           .got = own,
                           .exact = pv_rows_at(&r->witness[PRODUCTS].made, p, 0),
                           .limit = room,
                           .ratio = wrong         ? INFINITY
                                    : below > 0.0 ? below / room
                                                  : 0.0};
  place.why = place.ratio <= 1.0 ? PV_LIMITS_WITHIN : PV_LIMITS_TOP;
  note(r, &place);
}

/* Whether the side has all that this stage is made from. */
static bool has_inputs(const run *r, pv_stage_id stage, uint32_t layer) {
  for (size_t k = 0;; k++) {
    uint32_t of = 0;
    const int in = pv_plan_input(r->out->plan, stage, k, layer, r->out->layers, &of);
    if (in < 0) return true;
    if (!pv_source_has(r->spec->source, (pv_stage_id)in, of)) return false;
  }
}

static void judge_stage(run *r, const pv_rows *rows, const pv_walk_at *at) {
  const pv_op op = r->out->plan->rows[rows->stage].op;
  r->out->stages[at->step.layer][rows->stage].elements += rows->rows * rows->width;
  for (size_t p = 0; p < rows->rows; p++)
    if (op == PV_OP_TOPK)
      judge_choice(r, rows, at, p);
    else if (op == PV_OP_ARGMAX)
      judge_top(r, rows, at, p);
    else
      judge_reals(r, rows, at, p);
}

static pv_code give_all(run *r, const pv_rows *rows, uint32_t layer, pv_error *err) {
  pv_code code = PV_OK;
  for (int w = 0; w < WITNESSES && code == PV_OK; w++)
    code = pv_witness_give(&r->witness[w], rows, layer, err);
  return code;
}

/* The witnesses go on from what the side has, else from what the exact one made. An expert that
 * does not exist has been judged: they take the exact choice. */
static pv_code give(run *r, const pv_rows *rows, uint32_t layer, pv_error *err) {
  const pv_rows *made = &r->witness[PRODUCTS].made;
  pv_error local = PV_ERROR_INIT;
  const pv_code code = give_all(r, rows->absent ? made : rows, layer, &local);
  if (code == PV_ERR_INPUT && rows->index) return give_all(r, made, layer, err);
  if (code != PV_OK && err != NULL) *err = local;
  return code;
}

static pv_code visit(void *context, const pv_walk_at *at, pv_error *err) {
  run *r = context;
  pv_code code = PV_OK;
  for (size_t k = 0; k < at->step.count && code == PV_OK; k++) {
    const pv_rows *rows = &at->of[0][k];
    const bool product = r->out->plan->rows[rows->stage].op == PV_OP_MATMUL;
    code = pv_witness_make(&r->witness[PRODUCTS], rows->stage, at->step.layer, rows->rows, err);
    if (code == PV_OK && product && !rows->absent)
      code = pv_witness_make(&r->witness[BOUNDS], rows->stage, at->step.layer, rows->rows, err);
    if (code != PV_OK) break;
    if (rows->absent)
      r->out->absent++;
    else if (has_inputs(r, rows->stage, at->step.layer))
      judge_stage(r, rows, at);
    else
      r->out->unjudged++;
    code = give(r, rows, at->step.layer, err);
  }
  return code;
}

static pv_code open_all(run *r, pv_error *err) {
  const pv_limits_spec *s = r->spec;
  const pv_backend_config config = {PV_NUMERICS_F64, s->count, s->count, s->threads, NULL};
  void (*const mm[])(const pv_exact_mm *) = {s->identity->product, s->identity->bound};
  pv_code code = PV_OK;
  for (int w = 0; w < WITNESSES && code == PV_OK; w++)
    code = pv_witness_open_products(s->model, &config, mm[w], &r->witness[w], err);
  return code;
}

pv_code pv_limits(const pv_limits_spec *spec, pv_limits_result *out, pv_error *err) {
  run r = {.spec = spec, .out = out};
  const pv_visitor visitor = {
      .context = &r, .visit = visit, .witnesses = r.witness, .witness_count = WITNESSES};
  const pv_walk_spec walk = {.plan = spec->model->plan,
                             .layers = spec->model->shape.layers,
                             .sources = spec->source,
                             .source_count = 1,
                             .ids = spec->ids,
                             .count = spec->count,
                             .batch = spec->count,
                             .progress = spec->progress};
  *out = (pv_limits_result){.plan = spec->model->plan, .layers = spec->model->shape.layers};
  out->stages = calloc(out->layers, sizeof *out->stages);
  pv_code code = out->stages != NULL ? open_all(&r, err)
                                     : pv_error_set(err, PV_ERR_NOMEM, "out of memory for sums");
  if (code == PV_OK) code = pv_walk(&walk, &visitor, err);
  for (uint32_t l = 0; l < out->layers && code == PV_OK; l++)
    for (size_t s = 0; s < out->plan->count; s++) {
      out->judged += out->stages[l][s].elements;
      out->beyond += out->stages[l][s].beyond;
    }
  for (int w = 0; w < WITNESSES; w++) pv_witness_close(&r.witness[w]);
  if (code != PV_OK) pv_limits_free(out);
  return code;
}

void pv_limits_free(pv_limits_result *result) {
  free(result->stages);
  *result = (pv_limits_result){0};
}
