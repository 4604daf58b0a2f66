#include "runtime/limits/limits.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/walk/witness.h"

#define UNIT 0x1p-24

enum { PRODUCTS, BOUNDS, WITNESSES };

typedef struct run {
  const pv_limits_spec *spec;
  pv_limits_result *out;
  pv_witness witness[WITNESSES];
  bool (*odd)[PV_STAGES_MAX]; /* [layer]; not of this model's width */
  pv_rows mixed;              /* what the witnesses are given */
  uint64_t limits;            /* summed up in wide */
} run;

double pv_limits_of(pv_op op, const pv_foreign *identity, size_t position, double exact,
                    double largest, double bound) {
  const double once = identity->stored * fabs(exact);
  switch (op) {
    case PV_OP_GATHER: /* a copy, or a product */
    case PV_OP_MATMUL:
      return bound + once;
    case PV_OP_ROPE:  /* without the norm: what that leaves out is below what is unknown of an angle
                       */
    case PV_OP_HEADS: /* angles of float32 grow with the position; 8 roundings: 3 of the norm, of
                         cos and sin, of two products and their sum */
      return (16.0 + identity->turn * (8.0 + (double)position)) * UNIT * largest +
             8.0 * identity->stored * largest;
    case PV_OP_ATTEND: /* sums over the positions before it */
      return identity->attend * (4.0 + sqrt((double)position + 1.0)) * largest + once;
    case PV_OP_NORM: /* of the normed row, the gain and their product */
      return 16.0 * UNIT * largest + 3.0 * once;
    case PV_OP_SWIGLU: /* of silu, or of a sigmoid, and of the product */
    case PV_OP_GATE:
      return 16.0 * UNIT * largest + 2.0 * once;
    case PV_OP_GEGLU: /* GELU may come from a table */
      return (16.0 * UNIT + identity->gelu) * largest + 2.0 * once;
    case PV_OP_SWIGLU_CLAMPED: /* sigmoid's argument, its value, two products and a sum; what the
                                  first does is at most about the largest */
      return 16.0 * UNIT * largest + 4.0 * once + identity->stored * largest;
    case PV_OP_COMBINE:
      return 16.0 * UNIT * largest + identity->stored * bound;
    case PV_OP_ADD:
    case PV_OP_BIAS:
    case PV_OP_ROUTE:
      return 16.0 * UNIT * largest + once;
    case PV_OP_TOPK:
    case PV_OP_ARGMAX:
      break;
  }
  return 0.0;
}

/* Whether the limit needs the sum of magnitudes. */
static bool bounded(pv_op op) {
  return op == PV_OP_MATMUL || op == PV_OP_COMBINE;
}

/* What the identity allows beside the roundings of the operation: of the embedding its scale, which
 * an engine may have rounded, and the product. */
static double bound_of(const run *r, pv_op op, const pv_rows *exact, size_t p, size_t i) {
  if (op == PV_OP_GATHER)
    return r->spec->model->shape.embedding_scale == 0.0f
               ? 0.0
               : 2.0 * UNIT * fabs(pv_rows_at(exact, p, i));
  return bounded(op) ? pv_rows_at(&r->witness[BOUNDS].made, p, i) : 0.0;
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
  if (sum->beyond++ == 0) sum->first = sum->last = place->position;
  if (place->position < sum->first) sum->first = place->position;
  if (place->position > sum->last) sum->last = place->position;
  if (r->out->first.why == PV_LIMITS_WITHIN) r->out->first = *place;
}

/* By the distance; what is no number is beyond any limit, where it is not the same. */
static void measure(pv_limits_place *place) {
  const double got = place->got, want = place->exact;
  const bool same = got == want || (isnan(got) && isnan(want));
  place->ratio = same ? 0.0 : fabs(got - want) / place->limit;
  place->why = place->ratio <= 1.0 ? PV_LIMITS_WITHIN : PV_LIMITS_BEYOND;
  if (same || (isfinite(got) && isfinite(want) && !isnan(place->ratio))) return;
  place->ratio = INFINITY;
  place->why = PV_LIMITS_NO_NUMBER;
}

/* How far an angle may have grown from: ggml multiplies a position by one factor for each pair,
 * whose rounding a head of 256 repeats twice as often as one of 128, which the limit is of. */
static size_t turns_of(size_t position, const pv_shape *shape) {
  return shape->head_dim > 128 ? position * shape->head_dim / 128 : position;
}

/* Elements of one row against what the witness made of it. */
static void judge_reals(run *r, const pv_rows *rows, const pv_walk_at *at, size_t p) {
  const pv_plan *plan = r->out->plan;
  const pv_shape *shape = &r->spec->model->shape;
  const pv_rows *exact = &r->witness[PRODUCTS].made;
  const pv_op op = plan->rows[rows->stage].op;
  const bool turned = op == PV_OP_HEADS || op == PV_OP_ROPE;
  const size_t part = turned ? shape->head_dim : pv_plan_part(plan, rows->stage, shape);
  pv_limits_place place = {
      .stage = rows->stage, .layer = at->step.layer, .position = at->position + p};
  const size_t far = turned ? turns_of(place.position, shape) : place.position;
  double largest = 0.0;
  for (size_t i = 0; i < rows->width; i++) {
    if (i % part == 0) largest = largest_of(exact, p, i, part);
    place.index = i;
    place.got = pv_rows_at(rows, p, i);
    place.exact = pv_rows_at(exact, p, i);
    place.limit = r->spec->factor * pv_limits_of(op, r->spec->identity, far, place.exact, largest,
                                                 bound_of(r, op, exact, p, i));
    measure(&place);
    note(r, &place);
    if (!(place.limit > 0.0)) continue;
    r->out->wide += log2(place.limit);
    r->limits++;
  }
}

static pv_structure_room room_of(const run *r) {
  const pv_foreign *f = r->spec->identity;
  const double logits = r->spec->factor * fmax(0x1p-18, 2.0 * f->stored);
  return (pv_structure_room){
      .logits = logits, .weights = r->spec->factor * (16.0 * UNIT + f->stored), .top = logits};
}

/* What the side's own stages of this operation contradict by more than their rounding. */
static void judge_structure(run *r, const pv_rows *rows, size_t k, const pv_walk_at *at, size_t p) {
  const pv_structure_room room = room_of(r);
  for (size_t i = 0; i < rows[k].width; i++) {
    const pv_structure s = pv_structure_judge(rows, k, p, i, r->spec->model, &room);
    const double own = pv_rows_at(&rows[k], p, i);
    pv_limits_place place = {
        .stage = rows[k].stage,
        .layer = at->step.layer,
        .position = at->position + p,
        .index = i,
        .got = own,
        .exact = rows[k].index ? pv_rows_at(&r->witness[PRODUCTS].made, p, i) : s.want,
        .limit = s.limit,
        .ratio = s.ratio};
    if (s.why != PV_STRUCTURE_SOUND) place.why = (pv_limits_why)(PV_LIMITS_STRUCTURE + s.why);
    if (!isfinite(own) && isfinite(place.exact)) {
      place.why = PV_LIMITS_NO_NUMBER;
      place.ratio = INFINITY;
    }
    note(r, &place);
  }
}

static bool has_row(const pv_rows *r, size_t p) {
  return !r->absent && p >= r->from && p < r->until;
}

static bool is_sound(const run *r, const pv_rows *rows, size_t k, size_t p) {
  const pv_structure_room room = room_of(r);
  for (size_t i = 0; i < rows[k].width; i++)
    if (pv_structure_judge(rows, k, p, i, r->spec->model, &room).why != PV_STRUCTURE_SOUND)
      return false;
  return true;
}

/* Whether weights are judged by the experts that they were given to: in whichever order these are.
 * Not where neither the weights fit the choice nor the choice its logits: then the choice is wrong
 * alone, if the weights are those of the exact one. */
static bool by_choice(const run *r, const pv_rows *rows, size_t k, size_t p) {
  const pv_op op = r->out->plan->rows[rows[k].stage].op;
  return op == PV_OP_TOPK || op == PV_OP_ARGMAX ||
         (op == PV_OP_ROUTE && has_row(&rows[k + 1], p) && rows[k + 1].width == rows[k].width &&
          pv_structure_is_choice(&rows[k + 1], p, r->spec->model->shape.experts) &&
          (is_sound(r, rows, k, p) || is_sound(r, rows, k + 1, p)));
}

/* Rows of the batch whose inputs the side has, of this model's width. Attention looks back: it
 * takes keys and values from position 0 on. */
static pv_span with_inputs(const run *r, const pv_rows *rows, const pv_walk_at *at) {
  const pv_source *s = r->spec->source;
  const bool attends = r->out->plan->rows[rows->stage].op == PV_OP_ATTEND;
  pv_span out = {rows->from, rows->until};
  for (size_t k = 0;; k++) {
    uint32_t of = 0;
    const int in = pv_plan_input(r->out->plan, rows->stage, k, at->step.layer, r->out->layers, &of);
    if (in < 0) return out;
    const pv_stage_id stage = (pv_stage_id)in;
    pv_span have = {0, at->position + at->rows};
    if (!pv_source_has(s, stage, of) || r->odd[of][stage]) return (pv_span){0, 0};
    if (s->span != NULL) have = s->span(s, stage, of);
    if (attends && k > 0 && have.from > 0) return (pv_span){0, 0};
    if (have.from > at->position + out.from) out.from = have.from - at->position;
    if (have.until < at->position + out.until)
      out.until = have.until > at->position ? have.until - at->position : 0;
  }
}

static void judge_stage(run *r, const pv_rows *rows, size_t k, const pv_walk_at *at) {
  const pv_span there = with_inputs(r, &rows[k], at);
  if (there.until <= there.from) {
    r->out->unjudged++;
    return;
  }
  r->out->stages[at->step.layer][rows[k].stage].elements +=
      (there.until - there.from) * rows[k].width;
  for (size_t p = there.from; p < there.until; p++)
    if (by_choice(r, rows, k, p))
      judge_structure(r, rows, k, at, p);
    else
      judge_reals(r, &rows[k], at, p);
}

/* Rows that are not as wide as this model's: nothing can be made from them. */
static void note_width(run *r, const pv_rows *rows, const pv_walk_at *at) {
  const pv_limits_place place = {.why = PV_LIMITS_WIDTH,
                                 .stage = rows->stage,
                                 .layer = at->step.layer,
                                 .position = at->position + rows->from,
                                 .got = (double)rows->width,
                                 .exact = (double)r->witness[PRODUCTS].made.width,
                                 .ratio = INFINITY};
  r->out->stages[at->step.layer][rows->stage].elements += (rows->until - rows->from) * rows->width;
  note(r, &place);
}

static bool wanted(const run *r, const pv_rows *rows, const pv_walk_at *at) {
  const pv_limits_spec *s = r->spec;
  return s->want == NULL || s->want(s->want_context, rows->stage, at->step.layer);
}

static void judge(run *r, const pv_walk_at *at, size_t k) {
  const pv_rows *rows = &at->of[0][k];
  const bool odd = !rows->absent && rows->width != r->witness[PRODUCTS].made.width;
  if (odd) r->odd[at->step.layer][rows->stage] = true;
  if (!wanted(r, rows, at)) return;
  if (rows->absent)
    r->out->absent++;
  else if (odd)
    note_width(r, rows, at);
  else
    judge_stage(r, at->of[0], k, at);
}

static pv_code give_all(run *r, const pv_rows *rows, uint32_t layer, pv_error *err) {
  pv_code code = PV_OK;
  for (int w = 0; w < WITNESSES && code == PV_OK; w++)
    code = pv_witness_give(&r->witness[w], rows, layer, err);
  return code;
}

/* What the witnesses go on from: what the side has, in the cache as its identity keeps it; else
 * what the exact one made. */
static pv_code mix(run *r, const pv_rows *rows, pv_error *err) {
  const pv_rows *made = &r->witness[PRODUCTS].made;
  const pv_code code = pv_rows_convert(rows, made->size, &r->mixed, err);
  if (code != PV_OK) return code;
  const size_t row = made->width * made->size;
  char *to = r->mixed.data;
  const char *from = made->data;
  memcpy(to, from, rows->from * row);
  memcpy(to + rows->until * row, from + rows->until * row, (rows->rows - rows->until) * row);
  if (!pv_plan_is(r->out->plan, rows->stage, PV_ROW_APPENDS)) return PV_OK;
  for (size_t p = 0; p < rows->rows; p++) {
    double *x = (double *)(void *)(to + p * row);
    for (size_t i = 0; i < made->width; i += r->spec->model->shape.head_dim)
      pv_foreign_round(r->spec->identity->cache, x + i, r->spec->model->shape.head_dim, x + i);
  }
  return PV_OK;
}

/* An expert that does not exist has been judged: the witnesses take the exact choice. */
static pv_code give(run *r, const pv_rows *rows, uint32_t layer, pv_error *err) {
  const pv_rows *made = &r->witness[PRODUCTS].made;
  pv_error local = PV_ERROR_INIT;
  if (rows->absent || rows->width != made->width) return give_all(r, made, layer, err);
  pv_code code = mix(r, rows, &local);
  if (code == PV_OK) code = give_all(r, &r->mixed, layer, &local);
  if (code == PV_ERR_INPUT && rows->index) return give_all(r, made, layer, err);
  if (code != PV_OK && err != NULL) *err = local;
  return code;
}

static pv_code visit(void *context, const pv_walk_at *at, pv_error *err) {
  run *r = context;
  pv_code code = PV_OK;
  for (size_t k = 0; k < at->step.count && code == PV_OK; k++) {
    const pv_rows *rows = &at->of[0][k];
    const bool with = bounded(r->out->plan->rows[rows->stage].op);
    code = pv_witness_make(&r->witness[PRODUCTS], rows->stage, at->step.layer, rows->rows, err);
    if (code == PV_OK && with && !rows->absent && wanted(r, rows, at))
      code = pv_witness_make(&r->witness[BOUNDS], rows->stage, at->step.layer, rows->rows, err);
    if (code != PV_OK) break;
    judge(r, at, k);
    code = give(r, rows, at->step.layer, err);
  }
  return code;
}

static pv_code open_all(run *r, pv_error *err) {
  const pv_limits_spec *s = r->spec;
  const pv_backend_config config = {PV_NUMERICS_F64, s->count, s->count, s->threads, NULL};
  pv_exact_kernels products = pv_exact, bounds = pv_exact;
  products.mm = s->identity->product;
  products.attend = pv_foreign_attend(s->identity->cache);
  bounds.mm = s->identity->bound;
  bounds.combine = pv_foreign_combine;
  pv_code code = pv_witness_open_exact(s->model, &config, &products, &r->witness[PRODUCTS], err);
  if (code == PV_OK)
    code = pv_witness_open_exact(s->model, &config, &bounds, &r->witness[BOUNDS], err);
  return code;
}

pv_code pv_limits(const pv_limits_spec *spec, pv_limits_result *out, pv_error *err) {
  run r = {.spec = spec, .out = out};
  const pv_visitor visitor = {.context = &r,
                              .visit = visit,
                              .parts = true,
                              .witnesses = r.witness,
                              .witness_count = WITNESSES};
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
  r.odd = calloc(out->layers, sizeof *r.odd);
  pv_code code = out->stages != NULL && r.odd != NULL
                     ? open_all(&r, err)
                     : pv_error_set(err, PV_ERR_NOMEM, "out of memory for sums");
  if (code == PV_OK) code = pv_walk(&walk, &visitor, err);
  for (uint32_t l = 0; l < out->layers && code == PV_OK; l++)
    for (size_t s = 0; s < out->plan->count; s++) {
      out->judged += out->stages[l][s].elements;
      out->beyond += out->stages[l][s].beyond;
    }
  if (r.limits > 0) out->wide /= (double)r.limits;
  for (int w = 0; w < WITNESSES; w++) pv_witness_close(&r.witness[w]);
  free(r.mixed.data);
  free(r.odd);
  if (code != PV_OK) pv_limits_free(out);
  return code;
}

const char *pv_limits_text(pv_limits_why why) {
  switch (why) {
    case PV_LIMITS_WITHIN:
      return "within its limit";
    case PV_LIMITS_BEYOND:
      return "outside its limit";
    case PV_LIMITS_NO_NUMBER:
      return "no number, where the operation has one, or the reverse";
    case PV_LIMITS_WIDTH:
      return "rows of another width than this model's";
    default:
      return pv_structure_text((pv_structure_why)(why - PV_LIMITS_STRUCTURE));
  }
}

void pv_limits_free(pv_limits_result *result) {
  free(result->stages);
  *result = (pv_limits_result){0};
}
