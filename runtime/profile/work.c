#include "runtime/profile/work.h"

/* Where a row's work is counted. */
typedef struct place {
  const pv_worker *worker;
  const pv_meter_part *part;
  const pv_plan *plan;
  const pv_shape *shape;
  double real; /* bytes of an element that is no index */
  double positions;
  size_t row;
  uint32_t experts;
} place;

static double width(const place *p, size_t row) {
  return (double)pv_plan_width(p->plan, row, p->shape);
}

static double row_bytes(const place *p, size_t row) {
  return width(p, row) * (pv_plan_is(p->plan, row, PV_ROW_INDEX) ? sizeof(int32_t) : p->real);
}

/* What is read of a weight that has all experts'. */
static double used_bytes(const place *p, const pv_gguf_tensor *t) {
  const bool by_expert = pv_plan_is(p->plan, p->row, PV_ROW_BY_EXPERT);
  return (double)t->bytes * (by_expert ? (double)p->experts / (double)p->shape->experts : 1.0);
}

static double positions_of(const place *p, size_t row) {
  return (double)(pv_plan_is(p->plan, row, PV_ROW_LAST_ROWS) ? p->part->logits : p->part->count);
}

/* A product with weights of a plain type is one of floats in any identity. */
static pv_unit unit_of(const place *p, pv_type type) {
  const pv_numerics n = p->worker->numerics;
  if (n == PV_NUMERICS_F64 || n == PV_NUMERICS_F32_F64ACC) return PV_UNIT_F64;
  return pv_type_get(type)->quantised ? PV_UNIT_INTEGER : PV_UNIT_F32;
}

/* Arithmetic outside products with weights. */
static pv_unit real_unit(const place *p) {
  return p->worker->numerics == PV_NUMERICS_F64 ? PV_UNIT_F64 : PV_UNIT_F32;
}

/* Of a matrix the products; of the embedding the rows of the ids; gains, biases and sinks are read.
 */
static void count_weight(const place *p, pv_op op, const pv_gguf_tensor *t, pv_work *w) {
  const pv_unit unit = unit_of(p, t->type);
  const double planes = unit == PV_UNIT_INTEGER ? p->worker->planes : 1.0;
  w->weights += op == PV_OP_GATHER ? p->positions * (double)t->row_bytes : used_bytes(p, t);
  if (op == PV_OP_MATMUL)
    w->operations[unit] += 2.0 * planes * (double)t->dims[0] * p->positions * width(p, p->row);
}

/* All positions that the batch sees, read once; each row of it against those that it sees. */
static void count_attend(const place *p, pv_work *w) {
  const pv_meter_part *part = p->part;
  const size_t end = part->position + part->count;
  const double keys = (double)pv_dim_size(PV_DIM_KV, p->shape);
  double seen = 0.0;
  for (size_t i = part->position; i < end; i++)
    seen += (double)(i + 1 - pv_shape_first(p->shape, part->layer, i));
  w->cache +=
      2.0 * keys * p->real * (double)(end - pv_shape_first(p->shape, part->layer, part->position));
  w->operations[real_unit(p)] += 4.0 * seen * width(p, p->row);
}

static void count_row(const place *p, pv_work *w) {
  const pv_stage_row *r = &p->plan->rows[p->row];
  const pv_gguf_tensor *t =
      r->weight != NULL ? pv_model_weight(p->worker->model, p->row, p->part->layer) : NULL;
  w->activations += p->positions * row_bytes(p, p->row);
  if (pv_plan_is(p->plan, p->row, PV_ROW_APPENDS)) w->cache += p->positions * row_bytes(p, p->row);
  if (t != NULL) count_weight(p, r->op, t, w);
  if (r->op == PV_OP_ATTEND) count_attend(p, w);
  if (r->op == PV_OP_COMBINE)
    w->operations[real_unit(p)] += 2.0 * p->shape->used * p->positions * width(p, p->row);
}

/* Keys and values come from the cache. */
static bool is_cached(const place *p, size_t k) {
  return p->plan->rows[p->row].op == PV_OP_ATTEND && k > 0;
}

pv_work pv_work_of(const pv_worker *worker, const pv_meter_part *part, uint32_t experts) {
  const pv_model *m = worker->model;
  place p = {.worker = worker,
             .part = part,
             .plan = m->plan,
             .shape = &m->shape,
             .real = worker->numerics == PV_NUMERICS_F64 ? sizeof(double) : sizeof(float),
             .experts = experts};
  uint64_t read = part->rows;
  pv_work out = {0};
  for (p.row = 0; p.row < m->plan->count; p.row++) {
    if ((part->rows >> p.row & 1) == 0) continue;
    p.positions = positions_of(&p, p.row);
    count_row(&p, &out);
    for (size_t k = 0; k < 3; k++) {
      const int in = pv_plan_input(m->plan, p.row, k, part->layer, m->shape.layers, NULL);
      if (in < 0 || is_cached(&p, k) || (read >> in & 1) != 0) continue;
      read |= (uint64_t)1 << in;
      out.activations += p.positions * row_bytes(&p, (size_t)in);
    }
  }
  return out;
}

pv_work pv_work_token(const pv_worker *worker, size_t context) {
  const pv_model *m = worker->model;
  pv_work out = {0};
  for (pv_step step = {0}; pv_plan_next(m->plan, m->shape.layers, &step);) {
    const pv_meter_part part = {.rows = (((uint64_t)1 << step.count) - 1) << step.first,
                                .layer = step.layer,
                                .position = context,
                                .count = 1,
                                .logits = 1};
    const pv_work work = pv_work_of(worker, &part, m->shape.used);
    pv_work_add(&out, &work);
  }
  return out;
}

void pv_work_add(pv_work *sum, const pv_work *work) {
  sum->weights += work->weights;
  sum->cache += work->cache;
  sum->activations += work->activations;
  for (int u = 0; u < PV_UNITS; u++) sum->operations[u] += work->operations[u];
}

double pv_work_bytes(const pv_work *work) {
  return work->weights + work->cache + work->activations;
}
