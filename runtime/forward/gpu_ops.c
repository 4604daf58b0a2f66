/* Which kernels a step launches, with which arguments. */
#include "kernels/arith/arith.h"
#include "runtime/forward/gpu_state.h"

enum { BLOCKS_PER_PROCESSOR = 2 };

/* `rows` as the kernel's header says. */
static void launch(pv_gpu_backend *b, pv_gpu_kernel kernel, size_t rows, const void *args) {
  pv_gpu_launch l;
  if (b->code == PV_OK)
    b->code = pv_kernel_launch(pv_kernel_get(kernel), b->kernel[kernel], args, rows, &l, b->err);
  if (b->code == PV_OK) b->code = b->gpu->ops->launch(b->gpu, &l, b->err);
}

/* More needs a device that allows it; then a batch is computed in more launches instead. */
enum { SHARED_MAX = 48 << 10 };

static const pv_stage_row *row_of(const pv_gpu_backend *b, size_t row) {
  return &b->base.model->plan->rows[row];
}

static bool is(const pv_gpu_backend *b, size_t row, unsigned flag) {
  return pv_plan_is(b->base.model->plan, row, flag);
}

static pv_cuda_rows weight(const pv_gpu_backend *b, size_t row, uint32_t layer) {
  return (is(b, row, PV_ROW_ONCE) ? &b->once : &b->layers[layer])->weight[row];
}

static uint64_t input(const pv_gpu_backend *b, size_t row, size_t k, uint32_t layer) {
  const pv_model *m = b->base.model;
  return b->stage[pv_plan_input(m->plan, row, k, layer, m->shape.layers, NULL)];
}

static size_t rows_of(const pv_gpu_backend *b, size_t row) {
  return is(b, row, PV_ROW_LAST_ROWS) ? b->batch.logits : b->batch.count;
}

/* Activations in a stage, with room for their rounded form. */
static pv_cuda_acts acts_of(const pv_gpu_backend *b, size_t row, size_t share) {
  pv_cuda_acts acts = is(b, row, PV_ROW_BY_EXPERT) ? b->expert : b->plain;
  const size_t k = pv_plan_part(b->base.model->plan, row, &b->base.model->shape);
  acts.x = b->stage[row];
  acts.k = acts.stride = (uint32_t)k;
  acts.segments = (uint32_t)pv_cuda_parts(k, PV_SEGMENT);
  acts.share = (uint32_t)share;
  if (b->max == 0.0f) acts.q = 0;
  return acts;
}

static pv_gpu_kernel f64acc_kernel(uint32_t type) {
  switch ((pv_type)type) {
    case PV_TYPE_F32:
      return PV_GPU_f32_gemv_f64acc;
    case PV_TYPE_F16:
      return PV_GPU_f16_gemv_f64acc;
    case PV_TYPE_BF16:
      return PV_GPU_bf16_gemv_f64acc;
    case PV_TYPE_Q8_0:
      return PV_GPU_q8_0_gemv_f64acc;
    case PV_TYPE_Q4_K:
      return PV_GPU_q4k_gemv_f64acc;
    case PV_TYPE_Q5_K:
      return PV_GPU_q5k_gemv_f64acc;
    case PV_TYPE_Q6_K:
      return PV_GPU_q6k_gemv_f64acc;
    default: /* refused when the model was opened */
      return PV_GPU_KERNEL_COUNT;
  }
}

static void add(pv_gpu_backend *b, uint64_t left, uint64_t right, uint64_t out, uint64_t n) {
  const pv_cuda_add a = {left, right, out, n};
  launch(b, PV_GPU_add, 1, &a);
}

/* Integer matrix products pay for a batch of this many rows; gemv reads the weights once a row. */
enum { GEMM_ROWS = 8 };

static bool takes_gemm(const pv_cuda_rows *rows, uint32_t k, size_t batch) {
  return batch >= GEMM_ROWS && pv_cuda_quantised(rows->type) && PV_GEMM_FITS(k, 6);
}

static bool takes_gemm_all(const pv_cuda_gemv *a, size_t batch) {
  for (uint32_t j = 0; j < a->jobs; j++)
    if (!takes_gemm(&a->job[j].rows, a->acts.k, batch)) return false;
  return true;
}

/* The kernels that norm, route or combine on the way to a product. */
static bool takes_gemv(const pv_gpu_backend *b, const pv_cuda_gemv *a, size_t batch) {
  return b->max != 0.0f && !takes_gemm_all(a, batch) &&
         pv_cuda_act_shared(a->acts.k) + a->acts.k * sizeof(float) <= SHARED_MAX;
}

/* `slots` rows of output; by expert when `a->experts` is there. */
static void gemm(pv_gpu_backend *b, const pv_cuda_gemv *a, size_t slots) {
  pv_cuda_gemm g = {.acts = a->acts, .jobs = a->jobs, .count = (uint32_t)slots};
  size_t tiles = pv_cuda_parts(slots, PV_CUDA_TILE);
  for (uint32_t j = 0; j < a->jobs; j++) g.job[j] = a->job[j];
  if (a->experts != 0) {
    g.slots = b->order;
    g.tiles = b->tiles;
    g.tile_count = b->tile_count;
    const size_t most = pv_group_tiles(slots, b->base.model->shape.experts);
    tiles = most < slots ? most : slots;
  }
  const uint32_t k = a->acts.k;
  const pv_gpu_kernel kernel = PV_GEMM_FITS(k, 4)   ? PV_GPU_gemm_4
                               : PV_GEMM_FITS(k, 5) ? PV_GPU_gemm_5
                                                    : PV_GPU_gemm_6;
  launch(b, kernel, tiles, &g);
}

/* Divides the rows of all jobs among blocks that are all there at once. Beside other types a warp
 * gets a third as many rows of Q6_K: they take three times as long to unpack, and all would wait
 * for the few blocks that have them. */
static void divide_rows(pv_cuda_gemv *a, size_t wave) {
  size_t all = 0;
  for (uint32_t j = 0; j < a->jobs; j++) all += a->job[j].rows.count;
  for (size_t rows = pv_cuda_parts(all, PV_CUDA_WARPS * wave);; rows++) {
    for (uint32_t j = 0; j < a->jobs; j++) {
      pv_cuda_job *job = &a->job[j];
      const bool slow = a->jobs > 1 && job->rows.type == PV_TYPE_Q6_K;
      job->rows_per_block = (uint32_t)(PV_CUDA_WARPS * (slow ? pv_cuda_parts(rows, 3) : rows));
    }
    if (pv_gemv_blocks(a) <= wave || rows >= all) return;
  }
}

static void gemv(pv_gpu_backend *b, pv_cuda_gemv *a, size_t rows) {
  const size_t wave = (size_t)b->info.processors * BLOCKS_PER_PROCESSOR;
  const pv_cuda_rows *first = &a->job[0].rows;
  const bool few = rows == 1 && first->count <= wave && a->jobs == 1 && first->type == PV_TYPE_F32;
  if (few)
    a->job[0].rows_per_block = 1;
  else
    divide_rows(a, wave);
  launch(b, PV_GPU_gemv, rows, a);
}

/* Products of `a->jobs` matrices, one row of each output for each of `rows`. */
static void products(pv_gpu_backend *b, pv_cuda_gemv *a, size_t rows) {
  if (b->max == 0.0f) {
    for (uint32_t j = 0; j < a->jobs; j++) {
      pv_cuda_gemv one = *a;
      one.job[0] = a->job[j];
      one.jobs = 1;
      launch(b, f64acc_kernel(one.job[0].rows.type), rows, &one);
    }
    if (a->add != 0) add(b, a->add, a->job[0].out, a->total, rows * a->job[0].rows.count);
    return;
  }
  if (takes_gemm_all(a, a->experts != 0 ? b->batch.count : rows)) {
    gemm(b, a, rows);
    if (a->add != 0) add(b, a->add, a->job[0].out, a->total, rows * a->job[0].rows.count);
    return;
  }
  gemv(b, a, rows);
}

/* RMSNorm, and what it is rounded to. */
static pv_cuda_norm norm_of(const pv_gpu_backend *b, size_t row, uint32_t layer) {
  const pv_shape *s = &b->base.model->shape;
  return (pv_cuda_norm){.x = input(b, row, 0, layer),
                        .weight = weight(b, row, layer).data,
                        .step = is(b, row, PV_ROW_LAST_ROWS) ? b->step : 0,
                        .out = b->stage[row],
                        .acts = acts_of(b, row, 1),
                        .n = s->hidden,
                        .eps = s->eps,
                        .max = b->max};
}

/* The norm, then the products of its result: in one launch where the products are gemv. */
static void norm_products(pv_gpu_backend *b, const pv_cuda_norm *norm, pv_cuda_gemv *a,
                          size_t rows) {
  a->acts = norm->acts;
  if (takes_gemv(b, a, rows)) {
    a->norm = *norm;
  } else {
    launch(b, PV_GPU_rmsnorm, rows, norm);
  }
  products(b, a, rows);
}

/* The gain of the norm that comes next: it is asked for before it is needed. */
static pv_cuda_ahead next_norm(const pv_gpu_backend *b, size_t row, uint32_t layer) {
  const pv_model *m = b->base.model;
  size_t next = row + 1;
  while (row_of(b, next)->op != PV_OP_NORM) next++;
  if (is(b, next, PV_ROW_ONCE) && layer + 1 < m->shape.layers) {
    next = (size_t)pv_plan_op(m->plan, PV_OP_NORM);
    layer++;
  }
  return (pv_cuda_ahead){weight(b, next, layer).data, m->shape.hidden * sizeof(float)};
}

/* The norm and the products that take its result, up to the first that experts make. */
static void norm_and_products(pv_gpu_backend *b, size_t row, uint32_t layer) {
  const pv_cuda_norm norm = norm_of(b, row, layer);
  pv_cuda_gemv a = {.jobs = 0};
  for (size_t i = row + 1; i < b->base.model->plan->count && a.jobs < PV_STEP_ROWS; i++) {
    if (row_of(b, i)->op != PV_OP_MATMUL || is(b, i, PV_ROW_BY_EXPERT)) break;
    a.job[a.jobs++] = (pv_cuda_job){weight(b, i, layer), b->stage[i], 0};
  }
  norm_products(b, &norm, &a, rows_of(b, row));
}

static uint64_t cache_layer(const pv_gpu_backend *b, uint64_t cache, uint32_t layer) {
  const uint64_t kv = pv_dim_size(PV_DIM_KV, &b->base.model->shape);
  return cache + (uint64_t)layer * b->base.config.context * kv * sizeof(float);
}

static pv_cuda_heads heads_of(const pv_gpu_backend *b, uint32_t layer) {
  const pv_shape *s = &b->base.model->shape;
  const uint8_t *turned = row_of(b, (size_t)pv_plan_op(b->base.model->plan, PV_OP_ATTEND))->in;
  return (pv_cuda_heads){.q = input(b, turned[0], 0, layer),
                         .k = input(b, turned[1], 0, layer),
                         .v = b->stage[turned[2]],
                         .q_weight = weight(b, turned[0], layer).data,
                         .k_weight = weight(b, turned[1], layer).data,
                         .q_out = b->stage[turned[0]],
                         .k_out = b->stage[turned[1]],
                         .keys = cache_layer(b, b->keys, layer),
                         .values = cache_layer(b, b->values, layer),
                         .cos = b->cos,
                         .sin = b->sin,
                         .step = b->step,
                         .heads = s->heads,
                         .kv_heads = s->kv_heads,
                         .dim = s->head_dim,
                         .eps = s->eps};
}

static pv_cuda_attend attend_of(const pv_gpu_backend *b, uint32_t layer) {
  const pv_shape *s = &b->base.model->shape;
  const size_t row = (size_t)pv_plan_op(b->base.model->plan, PV_OP_ATTEND);
  return (pv_cuda_attend){.q = input(b, row, 0, layer),
                          .keys = cache_layer(b, b->keys, layer),
                          .values = cache_layer(b, b->values, layer),
                          .step = b->step,
                          .top = b->top,
                          .sum = b->sum,
                          .value = b->value,
                          .out = b->stage[row],
                          .acts = acts_of(b, row, 1),
                          .heads = s->heads,
                          .kv_heads = s->kv_heads,
                          .dim = s->head_dim,
                          .chunks = b->chunks,
                          .scale = pv_div_f32(1.0f, pv_sqrt_f32((float)s->head_dim)),
                          .max = b->max};
}

/* Query heads that one block takes together: more of them read the cache less often, fewer of them
 * keep more processors busy, of which `blocks` blocks are enough. */
static unsigned attend_group(const pv_gpu_backend *b, size_t rows, size_t blocks) {
  const pv_shape *s = &b->base.model->shape;
  const uint32_t share = s->heads / s->kv_heads;
  const size_t work = (size_t)s->heads * b->chunks * rows;
  if (share % 8 == 0 && work >= 8 * blocks) return 8;
  if (share % 4 == 0 && work >= 4 * blocks) return 4;
  return 1;
}

/* A decoded position has its heads and its attention in one launch. */
static bool takes_step(const pv_gpu_backend *b) {
  const pv_shape *s = &b->base.model->shape;
  return b->batch.count == 1 && s->head_dim % 8 == 0 &&
         pv_step_shared(s->head_dim, 8) <= b->info.shared;
}

/* Then blocks of attention may round what they computed: no segment has parts of two heads. */
static bool even_heads(const pv_gpu_backend *b) {
  return takes_step(b) && b->base.model->shape.head_dim % PV_SEGMENT == 0;
}

static void heads(pv_gpu_backend *b, uint32_t layer) {
  const pv_cuda_heads h = heads_of(b, layer);
  if (!takes_step(b)) {
    launch(b, PV_GPU_heads, b->batch.count, &h);
    return;
  }
  const pv_cuda_attend_step a = {h, attend_of(b, layer), b->chunks == 1 && even_heads(b)};
  const unsigned group = attend_group(b, 1, b->info.processors);
  launch(b,
         group == 8   ? PV_GPU_attend_step_8
         : group == 4 ? PV_GPU_attend_step_4
                      : PV_GPU_attend_step_1,
         1, &a);
}

static void attend(pv_gpu_backend *b, uint32_t layer) {
  const pv_shape *s = &b->base.model->shape;
  const size_t n = b->batch.count;
  const size_t room = b->attend_floats / ((size_t)s->heads * b->chunks);
  pv_cuda_attend a = attend_of(b, layer);
  if (even_heads(b)) {
    if (b->chunks > 1) launch(b, PV_GPU_attend_step_combine, 1, &a);
    return;
  }
  for (size_t first = 0; first < n; first += room) {
    const size_t rows = n - first < room ? n - first : room;
    const unsigned group = attend_group(b, rows, 4 * (size_t)b->info.processors);
    a.first = (uint32_t)first;
    if (!takes_step(b))
      launch(b,
             group == 8   ? PV_GPU_attend_8
             : group == 4 ? PV_GPU_attend_4
                          : PV_GPU_attend_1,
             rows, &a);
    launch(b, PV_GPU_attend_combine, rows, &a);
  }
}

/* A product that is added to the residual stream. */
static void product_and_sum(pv_gpu_backend *b, const pv_step *step) {
  const size_t row = step->first, sum = row + 1;
  const size_t stream = row_of(b, sum)->in[0] == row ? 1 : 0;
  pv_cuda_gemv a = {.job = {{weight(b, row, step->layer), b->stage[row], 0}},
                    .acts = acts_of(b, row_of(b, row)->in[0], 1),
                    .add = input(b, sum, stream, step->layer),
                    .total = b->stage[sum],
                    .ahead = next_norm(b, sum, step->layer),
                    .jobs = 1};
  products(b, &a, b->batch.count);
}

/* SwiGLU of two products, `share` of them for each row of their input. */
static pv_cuda_gate_up gate_up_of(const pv_gpu_backend *b, size_t row, size_t share,
                                  uint32_t layer) {
  const uint8_t *in = row_of(b, row)->in;
  return (pv_cuda_gate_up){.gate = weight(b, in[0], layer),
                           .up = weight(b, in[1], layer),
                           .in = acts_of(b, row_of(b, in[0])->in[0], share),
                           .gate_out = b->stage[in[0]],
                           .up_out = b->stage[in[1]],
                           .out = b->stage[row],
                           .acts = acts_of(b, row, 1),
                           .max = b->max};
}

/* Routing, gate, up and SwiGLU. */
static void experts(pv_gpu_backend *b, size_t route, uint32_t layer) {
  const pv_plan *plan = b->base.model->plan;
  const pv_shape *s = &b->base.model->shape;
  const size_t n = b->batch.count, slots = n * s->used;
  const size_t swiglu = row_of(b, (size_t)pv_plan_role(plan, PV_ROLE_EXPERTS_OUT))->in[0];
  pv_cuda_gate_up a = gate_up_of(b, swiglu, s->used, layer);
  a.route = (pv_cuda_route){input(b, route, 0, layer),
                            b->stage[pv_plan_role(plan, PV_ROLE_ROUTER_INDICES)], b->stage[route],
                            s->experts, s->used};
  pv_cuda_gemv both = {.job = {{a.gate, a.gate_out, 0}, {a.up, a.up_out, 0}},
                       .acts = a.in,
                       .experts = a.route.indices,
                       .jobs = 2};
  const bool fused = takes_gemv(b, &both, n);
  const pv_cuda_group g = {a.route.indices, b->order,        b->tiles,
                           b->tile_count,   (uint32_t)slots, s->experts};
  if (fused)
    launch(b, PV_GPU_gate_up, slots, &a);
  else
    launch(b, PV_GPU_route, n, &a.route);
  if (n >= GEMM_ROWS) launch(b, PV_GPU_group, 1, &g);
  if (fused) return;
  products(b, &both, slots);
  launch(b, PV_GPU_swiglu, slots, &a);
}

/* The experts' last product, their weighted sum and the residual. */
static void down(pv_gpu_backend *b, const pv_step *step) {
  const size_t row = step->first, combined = row + 1, sum = row + 2, n = b->batch.count;
  const pv_cuda_down a = {.rows = weight(b, row, step->layer),
                          .experts = input(b, row, 1, step->layer),
                          .weights = input(b, combined, 1, step->layer),
                          .residual = input(b, sum, 0, step->layer),
                          .in = acts_of(b, row_of(b, row)->in[0], 1),
                          .out = b->stage[row],
                          .sum = b->stage[combined],
                          .total = b->stage[sum],
                          .ahead = next_norm(b, sum, step->layer),
                          .used = b->base.model->shape.used};
  pv_cuda_gemv one = {.job = {{a.rows, a.out, 0}}, .acts = a.in, .experts = a.experts, .jobs = 1};
  pv_gpu_launch fused;
  if (takes_gemv(b, &one, n) && pv_kernel_get(PV_GPU_down)->shape(&a, n, &fused) &&
      fused.shared <= SHARED_MAX) {
    launch(b, PV_GPU_down, n, &a);
    return;
  }
  products(b, &one, n * a.used);
  launch(b, PV_GPU_combine, n, &a);
}

static void embed(pv_gpu_backend *b, size_t row) {
  const pv_cuda_embed a = {b->once.weight[row], b->ids, b->stage[row], b->base.model->shape.hidden};
  launch(b, PV_GPU_embed, b->batch.count, &a);
}

static void argmax(pv_gpu_backend *b, size_t row) {
  const size_t rows = rows_of(b, row);
  const pv_cuda_argmax a = {input(b, row, 0, 0), b->parts, b->stage[row],
                            b->base.model->shape.vocab, PV_GPU_ARGMAX_PARTS};
  launch(b, PV_GPU_argmax_parts, rows, &a);
  launch(b, PV_GPU_argmax, rows, &a);
}

/* A step that begins with products of a norm, which were launched with it: what follows them. */
static void behind_products(pv_gpu_backend *b, const pv_step *step) {
  for (size_t i = step->first + 1; i < step->first + step->count; i++) {
    const pv_op op = row_of(b, i)->op;
    if (op == PV_OP_ROUTE) experts(b, i, step->layer);
    if (op == PV_OP_ARGMAX) argmax(b, i);
    if (op == PV_OP_SWIGLU && !is(b, i, PV_ROW_BY_EXPERT)) {
      const pv_cuda_gate_up a = gate_up_of(b, i, 1, step->layer);
      launch(b, PV_GPU_swiglu, b->batch.count, &a);
    }
  }
}

/* Norms and routing are launched together with the products that follow: a step may do part of
 * what the next one stands for, never less than its own. */
pv_code pv_gpu_run_step(pv_gpu_backend *b, const pv_step *step, pv_error *err) {
  const pv_stage_row *first = row_of(b, step->first);
  b->code = PV_OK;
  b->err = err;
  switch (first->op) {
    case PV_OP_GATHER:
      embed(b, step->first);
      break;
    case PV_OP_NORM:
      norm_and_products(b, step->first, step->layer);
      break;
    case PV_OP_HEADS:
      heads(b, step->layer);
      break;
    case PV_OP_ATTEND:
      attend(b, step->layer);
      break;
    case PV_OP_MATMUL:
      if (row_of(b, first->in[0])->op == PV_OP_NORM)
        behind_products(b, step);
      else if (is(b, step->first, PV_ROW_BY_EXPERT))
        down(b, step);
      else
        product_and_sum(b, step);
      break;
    default:
      b->code =
          pv_error_set(err, PV_ERR_UNSUPPORTED, "no kernel begins with the stage %s", first->name);
  }
  return b->code;
}
