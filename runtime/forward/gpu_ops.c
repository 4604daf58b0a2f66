/* Which kernels an operation launches, with which arguments. */
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

/* Activations in `stage` with the rounded form in `acts`. */
static pv_cuda_acts acts_of(const pv_gpu_backend *b, pv_cuda_acts acts, pv_stage_id stage, size_t k,
                            size_t share) {
  acts.x = b->stage[stage];
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
      break;
  }
  return PV_GPU_q6k_gemv_f64acc;
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

static pv_stage_id layer_input(uint32_t layer) {
  return layer == 0 ? PV_STAGE_EMBEDDING : PV_STAGE_FFN_RESIDUAL;
}

/* RMSNorm of `in`, and what it is rounded to, into `out` and b->plain. */
static pv_cuda_norm norm_of(const pv_gpu_backend *b, pv_stage_id in, uint64_t weight,
                            pv_stage_id out) {
  const pv_shape *s = &b->base.model->shape;
  return (pv_cuda_norm){.x = b->stage[in],
                        .weight = weight,
                        .step = out == PV_STAGE_FINAL_NORM ? b->step : 0,
                        .out = b->stage[out],
                        .acts = acts_of(b, b->plain, out, s->hidden, 1),
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

static pv_cuda_ahead norm_weights(const pv_gpu_backend *b, uint64_t weights) {
  return (pv_cuda_ahead){weights, b->base.model->shape.hidden * sizeof(float)};
}

static void qkv(pv_gpu_backend *b, const pv_gpu_layer *l, uint32_t layer) {
  const pv_cuda_norm norm = norm_of(b, layer_input(layer), l->attn_norm, PV_STAGE_ATTN_NORM);
  pv_cuda_gemv a = {.job = {{l->q, b->stage[PV_STAGE_Q]},
                            {l->k, b->stage[PV_STAGE_K]},
                            {l->v, b->stage[PV_STAGE_V]}},
                    .jobs = 3};
  norm_products(b, &norm, &a, b->batch.count);
}

static uint64_t cache_layer(const pv_gpu_backend *b, uint64_t cache, uint32_t layer) {
  const uint64_t kv = pv_plan_width(b->base.model->plan, PV_STAGE_K, &b->base.model->shape);
  return cache + (uint64_t)layer * b->base.config.context * kv * sizeof(float);
}

static pv_cuda_heads heads_of(const pv_gpu_backend *b, uint32_t layer) {
  const pv_shape *s = &b->base.model->shape;
  const pv_gpu_layer *l = &b->layers[layer];
  return (pv_cuda_heads){.q = b->stage[PV_STAGE_Q],
                         .k = b->stage[PV_STAGE_K],
                         .v = b->stage[PV_STAGE_V],
                         .q_weight = l->q_norm,
                         .k_weight = l->k_norm,
                         .q_out = b->stage[PV_STAGE_Q_ROPE],
                         .k_out = b->stage[PV_STAGE_K_ROPE],
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
  const size_t width = (size_t)s->heads * s->head_dim;
  return (pv_cuda_attend){.q = b->stage[PV_STAGE_Q_ROPE],
                          .keys = cache_layer(b, b->keys, layer),
                          .values = cache_layer(b, b->values, layer),
                          .step = b->step,
                          .top = b->top,
                          .sum = b->sum,
                          .value = b->value,
                          .out = b->stage[PV_STAGE_ATTN_OUT],
                          .acts = acts_of(b, b->plain, PV_STAGE_ATTN_OUT, width, 1),
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

static void attention_projection(pv_gpu_backend *b, const pv_gpu_layer *l, uint32_t layer) {
  const pv_shape *s = &b->base.model->shape;
  const size_t width = (size_t)s->heads * s->head_dim;
  pv_cuda_gemv a = {.job = {{l->o, b->stage[PV_STAGE_ATTN_PROJ]}},
                    .acts = acts_of(b, b->plain, PV_STAGE_ATTN_OUT, width, 1),
                    .add = b->stage[layer_input(layer)],
                    .total = b->stage[PV_STAGE_ATTN_RESIDUAL],
                    .ahead = norm_weights(b, l->ffn_norm),
                    .jobs = 1};
  products(b, &a, b->batch.count);
}

static void router(pv_gpu_backend *b, const pv_gpu_layer *l) {
  const pv_cuda_norm norm = norm_of(b, PV_STAGE_ATTN_RESIDUAL, l->ffn_norm, PV_STAGE_FFN_NORM);
  pv_cuda_gemv a = {.job = {{l->router, b->stage[PV_STAGE_MOE_ROUTER_LOGITS]}}, .jobs = 1};
  norm_products(b, &norm, &a, b->batch.count);
}

/* Routing, gate, up and SwiGLU. */
static void experts(pv_gpu_backend *b, const pv_gpu_layer *l) {
  const pv_shape *s = &b->base.model->shape;
  const size_t n = b->batch.count, slots = n * s->used;
  const pv_cuda_gate_up a = {
      .gate = l->gate,
      .up = l->up,
      .route = {b->stage[PV_STAGE_MOE_ROUTER_LOGITS], b->stage[PV_STAGE_MOE_ROUTER_INDICES],
                b->stage[PV_STAGE_MOE_ROUTER], s->experts, s->used},
      .in = acts_of(b, b->plain, PV_STAGE_FFN_NORM, s->hidden, s->used),
      .gate_out = b->stage[PV_STAGE_EXPERT_GATE],
      .up_out = b->stage[PV_STAGE_EXPERT_UP],
      .out = b->stage[PV_STAGE_EXPERT_SWIGLU],
      .acts = acts_of(b, b->expert, PV_STAGE_EXPERT_SWIGLU, s->ffn, 1),
      .max = b->max,
  };
  pv_cuda_gemv both = {.job = {{l->gate, a.gate_out}, {l->up, a.up_out}},
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

static void down(pv_gpu_backend *b, const pv_gpu_layer *l, uint32_t layer) {
  const pv_shape *s = &b->base.model->shape;
  const size_t n = b->batch.count;
  const pv_cuda_down a = {
      .rows = l->down,
      .experts = b->stage[PV_STAGE_MOE_ROUTER_INDICES],
      .weights = b->stage[PV_STAGE_MOE_ROUTER],
      .residual = b->stage[PV_STAGE_ATTN_RESIDUAL],
      .in = acts_of(b, b->expert, PV_STAGE_EXPERT_SWIGLU, s->ffn, 1),
      .out = b->stage[PV_STAGE_EXPERT_DOWN],
      .sum = b->stage[PV_STAGE_MOE_FFN_OUT],
      .total = b->stage[PV_STAGE_FFN_RESIDUAL],
      .ahead = norm_weights(b, layer + 1 < s->layers ? l[1].attn_norm : b->final_norm),
      .used = s->used,
  };
  pv_cuda_gemv one = {.job = {{l->down, a.out}}, .acts = a.in, .experts = a.experts, .jobs = 1};
  pv_gpu_launch fused;
  if (takes_gemv(b, &one, n) && pv_kernel_get(PV_GPU_down)->shape(&a, n, &fused) &&
      fused.shared <= SHARED_MAX) {
    launch(b, PV_GPU_down, n, &a);
    return;
  }
  products(b, &one, n * s->used);
  launch(b, PV_GPU_combine, n, &a);
}

static void embed(pv_gpu_backend *b) {
  const pv_cuda_embed a = {b->embedding, b->ids, b->stage[PV_STAGE_EMBEDDING],
                           b->base.model->shape.hidden};
  launch(b, PV_GPU_embed, b->batch.count, &a);
}

static void head(pv_gpu_backend *b) {
  const pv_cuda_norm norm = norm_of(b, PV_STAGE_FFN_RESIDUAL, b->final_norm, PV_STAGE_FINAL_NORM);
  pv_cuda_gemv a = {.job = {{b->head, b->stage[PV_STAGE_LOGITS]}}, .jobs = 1};
  norm_products(b, &norm, &a, b->batch.logits);
}

static void argmax(pv_gpu_backend *b) {
  const size_t rows = b->batch.logits;
  const pv_cuda_argmax a = {b->stage[PV_STAGE_LOGITS], b->parts, b->stage[PV_STAGE_ARGMAX],
                            b->base.model->shape.vocab, PV_GPU_ARGMAX_PARTS};
  launch(b, PV_GPU_argmax_parts, rows, &a);
  launch(b, PV_GPU_argmax, rows, &a);
}

/* Norms and routing are launched together with the products that follow: an operation may do part
 * of what the next one stands for, never less than its own. */
pv_code pv_gpu_run_op(pv_gpu_backend *b, pv_gpu_op op, uint32_t layer, pv_error *err) {
  const pv_gpu_layer *l = &b->layers[layer];
  b->code = PV_OK;
  b->err = err;
  switch (op) {
    case PV_GPU_OP_EMBED:
      embed(b);
      break;
    case PV_GPU_OP_ATTN_NORM:
      qkv(b, l, layer);
      break;
    case PV_GPU_OP_QKV:
      break;
    case PV_GPU_OP_HEADS:
      heads(b, layer);
      break;
    case PV_GPU_OP_ATTEND:
      attend(b, layer);
      break;
    case PV_GPU_OP_ATTN_PROJ:
      attention_projection(b, l, layer);
      break;
    case PV_GPU_OP_FFN_NORM:
      router(b, l);
      break;
    case PV_GPU_OP_ROUTE:
      experts(b, l);
      break;
    case PV_GPU_OP_EXPERTS:
      break;
    case PV_GPU_OP_DOWN:
      down(b, l, layer);
      break;
    case PV_GPU_OP_FINAL_NORM:
      head(b);
      break;
    case PV_GPU_OP_HEAD:
      argmax(b);
      break;
  }
  return b->code;
}
