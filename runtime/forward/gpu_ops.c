/* Which kernels a step launches, with which arguments. */
#include "kernels/arith/arith.h"
#include "runtime/forward/gpu_state.h"

void pv_gpu_start(pv_gpu_backend *b, pv_gpu_kernel kernel, size_t rows, const void *args) {
  const bool metered = b->metered.meter != NULL;
  pv_gpu_launch l;
  if (b->code == PV_OK)
    b->code = pv_kernel_launch(pv_kernel_get(kernel), b->kernel[kernel], args, rows, &l, b->err);
  if (metered) pv_gpu_meter_before(b, pv_kernel_get(kernel), args);
  l.crowded = b->batch.count >= PV_GPU_CROWDED;
  l.apart = metered || b->apart;
  b->apart = false;
  if (b->code == PV_OK) b->code = b->gpu->ops->launch(b->gpu, &l, b->err);
  if (metered) pv_gpu_meter_behind(b);
}

bool pv_gpu_fuses(const pv_gpu_backend *b) {
  return b->gpu->ops->takes == NULL;
}

bool pv_gpu_takes(const pv_gpu_backend *b, pv_gpu_kernel kernel, const void *args, size_t rows) {
  pv_gpu_launch l = {0};
  if (!pv_kernel_get(kernel)->shape(args, rows, &l)) return false;
  l.kernel = (unsigned)kernel;
  l.args = args;
  return pv_gpu_fuses(b) || b->gpu->ops->takes(&l);
}

static const pv_stage_row *row_of(const pv_gpu_backend *b, size_t row) {
  return &b->base.model->plan->rows[row];
}

static bool is(const pv_gpu_backend *b, size_t row, unsigned flag) {
  return pv_plan_is(b->base.model->plan, row, flag);
}

pv_cuda_rows pv_gpu_weight(const pv_gpu_backend *b, size_t row, uint32_t layer) {
  return (is(b, row, PV_ROW_ONCE) ? &b->once : &b->layers[layer])->weight[row];
}

uint64_t pv_gpu_input(const pv_gpu_backend *b, size_t row, size_t k, uint32_t layer) {
  const pv_model *m = b->base.model;
  return b->stage[pv_plan_input(m->plan, row, k, layer, m->shape.layers, NULL)];
}

static size_t rows_of(const pv_gpu_backend *b, size_t row) {
  return is(b, row, PV_ROW_LAST_ROWS) ? b->batch.logits : b->batch.count;
}

size_t pv_gpu_slots(const pv_gpu_backend *b, size_t row) {
  return rows_of(b, row) * (is(b, row, PV_ROW_BY_EXPERT) ? b->base.model->shape.used : 1);
}

static size_t part_of(const pv_gpu_backend *b, size_t row) {
  return pv_plan_part(b->base.model->plan, row, &b->base.model->shape);
}

pv_cuda_acts pv_gpu_acts(const pv_gpu_backend *b, size_t row, size_t share) {
  pv_cuda_acts acts = b->acts[row];
  acts.x = b->stage[row];
  acts.k = acts.stride = (uint32_t)part_of(b, row);
  acts.segments = (uint32_t)pv_cuda_parts(acts.k, PV_SEGMENT);
  acts.share = (uint32_t)share;
  return acts;
}

void pv_gpu_add(pv_gpu_backend *b, uint64_t left, uint64_t right, uint64_t out, uint64_t n) {
  const pv_cuda_add a = {left, right, out, n};
  pv_gpu_start(b, PV_GPU_add, 1, &a);
}

/* RMSNorm, and what it is rounded to. Rows that are wanted of all are the last. */
static pv_cuda_norm norm_of(pv_gpu_backend *b, size_t row, uint32_t layer) {
  const pv_model *m = b->base.model;
  const int in = pv_plan_input(m->plan, row, 0, layer, m->shape.layers, NULL);
  const bool last = is(b, row, PV_ROW_LAST_ROWS) && !is(b, (size_t)in, PV_ROW_LAST_ROWS);
  b->whole[row] = pv_gpu_meets_whole(b, row, layer);
  return (pv_cuda_norm){.x = b->stage[in],
                        .weight = pv_gpu_weight(b, row, layer).data,
                        .step = last ? b->step : 0,
                        .out = b->stage[row],
                        .acts = pv_gpu_acts(b, row, 1),
                        .n = (uint32_t)part_of(b, row),
                        .eps = m->shape.eps,
                        .max = b->max,
                        .whole = b->whole[row]};
}

/* The gain of the norm that comes next, behind `row`: it is asked for before it is needed. */
static pv_cuda_ahead next_norm(const pv_gpu_backend *b, size_t row, uint32_t layer) {
  const pv_model *m = b->base.model;
  size_t next = row + 1;
  const bool left = next == m->plan->count || is(b, next, PV_ROW_ONCE);
  if (left && !is(b, row, PV_ROW_ONCE) && layer + 1 < m->shape.layers) {
    for (next = 0; is(b, next, PV_ROW_ONCE);) next++;
    layer++;
  }
  if (next == m->plan->count || row_of(b, next)->op != PV_OP_NORM) return (pv_cuda_ahead){0, 0};
  if (!pv_gpu_makes(b, next, layer)) return (pv_cuda_ahead){0, 0};
  if (!is(b, next, PV_ROW_ONCE) && layer >= b->stream.first) return (pv_cuda_ahead){0, 0};
  return (pv_cuda_ahead){pv_gpu_weight(b, next, layer).data, part_of(b, next) * sizeof(float)};
}

static pv_cuda_job job_of(const pv_gpu_backend *b, size_t row, uint32_t layer) {
  return (pv_cuda_job){pv_gpu_weight(b, row, layer), b->stage[row], 0};
}

/* The products in `rows` rows, all of one input. */
static pv_cuda_gemv products_of(const pv_gpu_backend *b, size_t row, size_t rows, uint32_t layer) {
  const size_t in = row_of(b, row)->in[0];
  const bool shared = is(b, row, PV_ROW_BY_EXPERT) && !is(b, in, PV_ROW_BY_EXPERT);
  pv_cuda_gemv a = {.acts = pv_gpu_acts(b, in, shared ? b->base.model->shape.used : 1),
                    .ahead = next_norm(b, row + rows - 1, layer)};
  if (is(b, row, PV_ROW_BY_EXPERT)) a.experts = pv_gpu_input(b, row, 1, layer);
  while (a.jobs < rows) {
    a.job[a.jobs] = job_of(b, row + a.jobs, layer);
    a.jobs++;
  }
  return a;
}

/* The norm, then the products of its result: in one launch where the products are gemv. */
static void norm_and_products(pv_gpu_backend *b, size_t row, uint32_t layer) {
  const pv_cuda_norm norm = norm_of(b, row, layer);
  const size_t rows = rows_of(b, row);
  const pv_cuda_gemv alone = products_of(b, row + 1, b->cover.rows[row] - 1u, layer);
  pv_cuda_gemv a = alone;
  a.norm = norm;
  if (!pv_gpu_takes_own(b, &a, rows)) {
    a = alone;
    pv_gpu_start(b, PV_GPU_rmsnorm, rows, &norm);
  }
  pv_gpu_products(b, &a, row, rows);
}

/* The other row of a sum with `part`. */
static uint64_t other(const pv_gpu_backend *b, size_t sum, size_t part, uint32_t layer) {
  return pv_gpu_input(b, sum, row_of(b, sum)->in[0] == part ? 1 : 0, layer);
}

/* A product and its sum with another row. */
static void product_and_sum(pv_gpu_backend *b, size_t row, uint32_t layer) {
  pv_cuda_gemv a = products_of(b, row, 1, layer);
  a.add = other(b, row + 1, row, layer);
  a.total = b->stage[row + 1];
  a.ahead = next_norm(b, row + 1, layer);
  pv_gpu_products(b, &a, row_of(b, row)->in[0], rows_of(b, row));
}

static void some_products(pv_gpu_backend *b, size_t row, uint32_t layer) {
  const pv_cuda_gemv a = products_of(b, row, b->cover.rows[row], layer);
  pv_gpu_products(b, &a, row_of(b, row)->in[0], pv_gpu_slots(b, row));
}

static pv_cuda_route route_of(const pv_gpu_backend *b, int weights, int indices, uint32_t layer) {
  const pv_shape *s = &b->base.model->shape;
  const size_t row = (size_t)(weights >= 0 ? weights : indices);
  return (pv_cuda_route){pv_gpu_input(b, row, 0, layer),
                         indices >= 0 ? b->stage[indices] : 0,
                         weights >= 0 ? b->stage[weights] : 0,
                         s->experts,
                         s->used,
                         (uint32_t)s->route};
}

/* Slots by expert, for batches whose products are gemm. */
static void group(pv_gpu_backend *b, size_t indices) {
  const size_t n = b->batch.count;
  const pv_shape *s = &b->base.model->shape;
  const pv_cuda_group a = {b->stage[indices],       b->order,  b->tiles, b->tile_count,
                           (uint32_t)(n * s->used), s->experts};
  const bool here = b->rows != PV_GPU_HOME_ROWS;
  if (here && pv_gpu_fuses(b) && n >= PV_GPU_GEMM_ROWS) pv_gpu_start(b, PV_GPU_group, 1, &a);
}

static void route(pv_gpu_backend *b, int weights, int indices, uint32_t layer) {
  const pv_cuda_route a = route_of(b, weights, indices, layer);
  pv_gpu_start(b, PV_GPU_route, b->batch.count, &a);
  if (indices >= 0) group(b, (size_t)indices);
}

/* The same without room where shaders need not round what they make, in blocks of 32: no product
 * takes it so. */
pv_cuda_acts pv_gpu_acts_made(const pv_gpu_backend *b, size_t row, uint32_t layer) {
  pv_cuda_acts acts = pv_gpu_acts(b, row, 1);
  if (!pv_gpu_fuses(b) && pv_gpu_meets_whole_alone(b, row, layer)) acts.q = 0;
  return acts;
}

/* What two products become. */
static pv_cuda_gate_up activation_of(const pv_gpu_backend *b, size_t row, uint32_t layer) {
  return (pv_cuda_gate_up){.gate = {.count = (uint32_t)part_of(b, row)},
                           .gate_out = pv_gpu_input(b, row, 0, layer),
                           .up_out = pv_gpu_input(b, row, 1, layer),
                           .out = b->stage[row],
                           .acts = pv_gpu_acts_made(b, row, layer),
                           .max = b->max};
}

static void activate(pv_gpu_backend *b, pv_gpu_kernel kernel, size_t row, pv_cuda_gate_up *a,
                     uint32_t layer) {
  b->whole[row] = pv_gpu_fuses(b) && pv_gpu_meets_whole(b, row, layer); /* no shader does */
  a->whole = b->whole[row];
  pv_gpu_start(b, kernel, pv_gpu_slots(b, row), a);
}

static void activate_alone(pv_gpu_backend *b, pv_gpu_kernel kernel, size_t row, uint32_t layer) {
  pv_cuda_gate_up a = activation_of(b, row, layer);
  activate(b, kernel, row, &a, layer);
}

/* Routing, gate, up and SwiGLU. */
static void experts(pv_gpu_backend *b, size_t row, uint32_t layer) {
  const size_t indices = row + 1, first = row + 2, swiglu = row + 4, n = b->batch.count;
  const size_t slots = pv_gpu_slots(b, first);
  pv_cuda_gemv both = products_of(b, first, 2, layer);
  pv_cuda_gate_up a = activation_of(b, swiglu, layer);
  a.gate = pv_gpu_weight(b, row_of(b, swiglu)->in[0], layer);
  a.up = pv_gpu_weight(b, row_of(b, swiglu)->in[1], layer);
  a.in = both.acts;
  a.route = route_of(b, (int)row, (int)indices, layer);
  const bool whole = pv_cuda_whole(a.gate.type);
  const bool fused = pv_gpu_takes_gemv(b, &both, n) && pv_cuda_whole(a.up.type) == whole &&
                     pv_gpu_takes(b, PV_GPU_gate_up, &a, slots);
  if (fused) pv_gpu_round_as(b, row_of(b, first)->in[0], whole);
  pv_cuda_gate_up bare = a; /* what takes the result rounds it */
  bare.acts = (pv_cuda_acts){0};
  if (!fused)
    pv_gpu_start(b, PV_GPU_route, n, &a.route);
  else if (pv_gpu_meets_whole_alone(b, swiglu, layer) &&
           pv_gpu_takes(b, PV_GPU_gate_up_64, &bare, slots))
    pv_gpu_start(b, PV_GPU_gate_up_64, slots, &bare);
  else
    pv_gpu_start(b, PV_GPU_gate_up, slots, &a);
  group(b, indices);
  b->whole[swiglu] = false;
  if (fused) return;
  pv_gpu_products(b, &both, row_of(b, first)->in[0], slots);
  activate(b, PV_GPU_swiglu, swiglu, &a, layer);
}

/* A weighted sum of the experts' results, and the sum with another row if `rows` is 2. */
static pv_cuda_down combination_of(const pv_gpu_backend *b, size_t row, size_t rows,
                                   uint32_t layer) {
  pv_cuda_down a = {.rows = {.count = (uint32_t)part_of(b, row)},
                    .weights = pv_gpu_input(b, row, 1, layer),
                    .out = pv_gpu_input(b, row, 0, layer),
                    .sum = b->stage[row],
                    .ahead = next_norm(b, row + rows - 1, layer),
                    .used = b->base.model->shape.used};
  if (rows == 1) return a;
  a.residual = other(b, row + 1, row, layer);
  a.total = b->stage[row + 1];
  return a;
}

static void combine(pv_gpu_backend *b, size_t row, size_t rows, uint32_t layer) {
  const pv_cuda_down a = combination_of(b, row, rows, layer);
  pv_gpu_start(b, PV_GPU_combine, rows_of(b, row), &a);
}

/* The experts' last product, and what becomes of it. */
static void down(pv_gpu_backend *b, size_t row, uint32_t layer) {
  const size_t combined = row + 1, n = rows_of(b, combined);
  const pv_cuda_gemv one = products_of(b, row, 1, layer);
  pv_cuda_down a = combination_of(b, combined, b->cover.rows[row] - 1u, layer);
  a.rows = one.job[0].rows;
  a.experts = one.experts;
  a.in = one.acts;
  if (pv_gpu_takes_gemv(b, &one, n) && pv_down_shared(&a) <= PV_GPU_SHARED_MAX) {
    const size_t in = row_of(b, row)->in[0];
    const bool whole = pv_cuda_whole(a.rows.type);
    a.max = whole && !b->whole[in] ? b->max : 0.0f; /* the kernel rounds, if it can */
    if (!pv_gpu_takes(b, PV_GPU_down, &a, n)) a.max = 0.0f;
    if (pv_gpu_takes(b, PV_GPU_down, &a, n)) {
      if (a.max == 0.0f) pv_gpu_round_as(b, in, whole);
      pv_gpu_start(b, pv_gpu_takes(b, PV_GPU_down_24, &a, n) ? PV_GPU_down_24 : PV_GPU_down, n, &a);
      return;
    }
  }
  pv_gpu_products(b, &one, row_of(b, row)->in[0], pv_gpu_slots(b, row));
  pv_gpu_start(b, PV_GPU_combine, n, &a);
}

static void biases(pv_gpu_backend *b, size_t row, uint32_t layer) {
  pv_cuda_bias a = {.jobs = b->cover.rows[row]};
  if (is(b, row, PV_ROW_BY_EXPERT)) a.experts = pv_gpu_input(b, row, 1, layer);
  for (size_t j = 0; j < a.jobs; j++)
    a.job[j] = (pv_cuda_bias_job){pv_gpu_input(b, row + j, 0, layer),
                                  pv_gpu_weight(b, row + j, layer).data, b->stage[row + j],
                                  (uint32_t)part_of(b, row + j)};
  pv_gpu_start(b, PV_GPU_bias, pv_gpu_slots(b, row), &a);
}

static void embed(pv_gpu_backend *b, size_t row) {
  const pv_shape *s = &b->base.model->shape;
  const pv_cuda_embed a = {b->once.weight[row], b->ids, b->stage[row], s->hidden,
                           s->embedding_scale};
  pv_gpu_start(b, PV_GPU_embed, b->batch.count, &a);
}

static void argmax(pv_gpu_backend *b, size_t row) {
  const size_t rows = rows_of(b, row);
  const pv_cuda_argmax a = {pv_gpu_input(b, row, 0, 0), b->parts, b->stage[row],
                            (uint32_t)part_of(b, row_of(b, row)->in[0]), PV_GPU_ARGMAX_PARTS};
  if (pv_gpu_fuses(b)) pv_gpu_start(b, PV_GPU_argmax_parts, rows, &a); /* else in one step */
  pv_gpu_start(b, PV_GPU_argmax, rows, &a);
}

static void gate(pv_gpu_backend *b, size_t row, uint32_t layer) {
  const pv_cuda_gate a = {pv_gpu_input(b, row, 0, layer), pv_gpu_input(b, row, 1, layer),
                          b->stage[row], (uint32_t)part_of(b, row)};
  pv_gpu_start(b, PV_GPU_gate, pv_gpu_slots(b, row), &a);
}

static void norm(pv_gpu_backend *b, size_t row, uint32_t layer) {
  const pv_cuda_norm a = norm_of(b, row, layer);
  pv_gpu_start(b, PV_GPU_rmsnorm, pv_gpu_slots(b, row), &a);
}

/* One row by the kernel of its operation; products, biases and combinations are runs. */
static void alone(pv_gpu_backend *b, size_t row, uint32_t layer) {
  switch (row_of(b, row)->op) {
    case PV_OP_GATHER:
      return embed(b, row);
    case PV_OP_NORM:
      return norm(b, row, layer);
    case PV_OP_HEADS:
    case PV_OP_ROPE:
      return pv_gpu_turn(b, row, layer);
    case PV_OP_ATTEND:
      return pv_gpu_attend(b, layer);
    case PV_OP_ADD:
      return pv_gpu_add(b, pv_gpu_input(b, row, 0, layer), pv_gpu_input(b, row, 1, layer),
                        b->stage[row], pv_gpu_slots(b, row) * part_of(b, row));
    case PV_OP_ROUTE:
      return route(b, (int)row, -1, layer);
    case PV_OP_TOPK:
      return route(b, -1, (int)row, layer);
    case PV_OP_SWIGLU:
      return activate_alone(b, PV_GPU_swiglu, row, layer);
    case PV_OP_GEGLU:
      return activate_alone(b, PV_GPU_geglu, row, layer);
    case PV_OP_SWIGLU_CLAMPED:
      return activate_alone(b, PV_GPU_swiglu_clamped, row, layer);
    case PV_OP_GATE:
      return gate(b, row, layer);
    case PV_OP_ARGMAX:
      return argmax(b, row);
    case PV_OP_MATMUL:
    case PV_OP_COMBINE:
    case PV_OP_BIAS:
      break;
  }
}

static void run(pv_gpu_backend *b, size_t row, uint32_t layer) {
  switch (b->cover.run[row]) {
    case PV_GPU_RUN_NONE:
      return;
    case PV_GPU_RUN_ALONE:
      return alone(b, row, layer);
    case PV_GPU_RUN_NORM:
      return norm_and_products(b, row, layer);
    case PV_GPU_RUN_PRODUCTS:
      return some_products(b, row, layer);
    case PV_GPU_RUN_PRODUCT:
      return product_and_sum(b, row, layer);
    case PV_GPU_RUN_HEADS:
      return pv_gpu_heads(b, layer);
    case PV_GPU_RUN_ROUTE:
      return route(b, (int)row, (int)row + 1, layer);
    case PV_GPU_RUN_EXPERTS:
      return experts(b, row, layer);
    case PV_GPU_RUN_DOWN:
      return down(b, row, layer);
    case PV_GPU_RUN_COMBINE:
      return combine(b, row, b->cover.rows[row], layer);
    case PV_GPU_RUN_BIASES:
      return biases(b, row, layer);
  }
}

/* What a kernel rounds that makes it, and says how. */
static bool is_rounded(pv_op op) {
  return op == PV_OP_NORM || op == PV_OP_ATTEND || op == PV_OP_SWIGLU || op == PV_OP_GEGLU ||
         op == PV_OP_SWIGLU_CLAMPED;
}

/* What follows from a row that has been made. */
static void settle(pv_gpu_backend *b, size_t row, uint32_t layer) {
  const pv_op op = row_of(b, row)->op;
  if (!is_rounded(op)) {
    const bool whole = pv_gpu_meets_whole(b, row, layer);
    b->whole[row] = !whole;
    pv_gpu_round_as(b, row, whole);
  }
  if (is(b, row, PV_ROW_APPENDS) && !b->cover.turns_together) pv_gpu_append(b, row, layer);
}

pv_code pv_gpu_take_guests(pv_gpu_backend *b, size_t row, uint32_t layer, uint64_t order,
                           pv_error *err) {
  const uint32_t k = (uint32_t)part_of(b, row);
  const pv_cuda_rows guests = {b->guests, k * sizeof(float), 0, PV_TYPE_F32, 0};
  const pv_cuda_embed a = {guests, order, b->stage[row], k, 0.0f};
  const bool whole = pv_gpu_meets_whole(b, row, layer);
  b->err = err;
  b->code = PV_OK;
  b->apart = true; /* behind copies from other devices */
  pv_gpu_start(b, PV_GPU_embed, pv_gpu_slots(b, row), &a);
  b->whole[row] = !whole;
  pv_gpu_round_as(b, row, whole);
  return b->code;
}

pv_code pv_gpu_group_slots(pv_gpu_backend *b, pv_error *err) {
  b->err = err;
  b->code = PV_OK;
  group(b, pv_model_stage(b->base.model, PV_ROLE_ROUTER_INDICES));
  return b->code;
}

/* Whether rows of the layer behind the step are made here. */
static bool goes_on(const pv_gpu_backend *b, const pv_step *step) {
  const pv_plan *plan = b->base.model->plan;
  for (size_t row = step->first + step->count; row < plan->count; row++)
    if (pv_plan_is_layered(plan, row) && pv_gpu_makes(b, row, step->layer)) return true;
  return false;
}

/* A run may reach into the steps that follow: a step does part of what the next one stands for,
 * never less than its own. */
pv_code pv_gpu_run_step(pv_gpu_backend *b, const pv_step *step, pv_error *err) {
  const bool layered = pv_plan_is_layered(b->base.model->plan, step->first);
  b->err = err;
  b->code = layered ? pv_gpu_weights_enter(b, step->layer, err) : PV_OK;
  if (step->layer != b->layer) b->metered.done = 0;
  b->layer = step->layer;
  for (size_t row = step->first; row < step->first + step->count; row++) {
    run(b, row, step->layer);
    for (size_t i = 0; i < b->cover.rows[row]; i++) settle(b, row + i, step->layer);
  }
  if (layered && b->code == PV_OK && !goes_on(b, step))
    b->code = pv_gpu_weights_leave(b, step->layer, err);
  return b->code;
}
