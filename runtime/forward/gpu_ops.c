/* Which kernels an operation launches, with which arguments. */
#include "kernels/arith/act.h"
#include "kernels/arith/arith.h"
#include "kernels/quant/quant.h"
#include "runtime/forward/gpu_state.h"

enum { BLOCK = 256, WARPS = BLOCK / 32, DOWN_ROWS = 8, BLOCKS_PER_PROCESSOR = 2 };

static void launch(pv_gpu_backend *b, pv_gpu_kernel kernel, size_t x, size_t y, size_t z,
                   unsigned block, size_t shared, const void *args, size_t bytes) {
  const pv_gpu_launch l = {b->kernel[kernel],
                           {(unsigned)x, (unsigned)y, (unsigned)z},
                           block,
                           (unsigned)shared,
                           args,
                           bytes};
  if (b->code == PV_OK) b->code = b->gpu->ops->launch(b->gpu, &l, b->err);
}
#define LAUNCH(b, kernel, x, y, block, shared, args) \
  launch(b, kernel, x, y, 1, block, shared, &(args), sizeof(args))

static size_t parts(size_t n, size_t size) {
  return (n + size - 1) / size;
}

/* More needs a device that allows it; then a batch is computed in more launches instead. */
enum { SHARED_MAX = 48 << 10 };

/* Activations in `stage` with the rounded form in `acts`. */
static pv_cuda_acts acts_of(const pv_gpu_backend *b, pv_cuda_acts acts, pv_stage_id stage, size_t k,
                            size_t share) {
  acts.x = b->stage[stage];
  acts.k = acts.stride = (uint32_t)k;
  acts.segments = (uint32_t)parts(k, PV_SEGMENT);
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
  LAUNCH(b, PV_GPU_add, parts(n, BLOCK), 1, BLOCK, 0, a);
}

/* Integer matrix products pay for a batch of this many rows; gemv reads the weights once a row. */
enum { GEMM_ROWS = 8 };

static bool takes_gemm(const pv_cuda_rows *rows, uint32_t k, size_t batch) {
  return batch >= GEMM_ROWS && pv_type_get(rows->type)->quantised && k % 64 == 0 && k <= 64 << 6;
}

static bool takes_gemm_all(const pv_cuda_gemv *a, size_t batch) {
  for (uint32_t j = 0; j < a->jobs; j++)
    if (!takes_gemm(&a->job[j].rows, a->acts.k, batch)) return false;
  return true;
}

/* The kernels that norm, route or combine on the way to a product. */
static bool takes_gemv(const pv_gpu_backend *b, const pv_cuda_gemv *a, size_t batch) {
  return b->max != 0.0f && !takes_gemm_all(a, batch) &&
         pv_gpu_act_shared(a->acts.k) + a->acts.k * sizeof(float) <= SHARED_MAX;
}

/* `slots` rows of output; by expert when `a->experts` is there. */
static void gemm(pv_gpu_backend *b, const pv_cuda_gemv *a, size_t slots) {
  enum { ROWS = 32 };
  pv_cuda_gemm g = {.acts = a->acts, .jobs = a->jobs, .count = (uint32_t)slots};
  size_t blocks = 0, tiles = parts(slots, PV_CUDA_TILE);
  for (uint32_t j = 0; j < a->jobs; j++) {
    g.job[j] = a->job[j];
    blocks += parts(a->job[j].rows.count, ROWS);
  }
  if (a->experts != 0) {
    g.slots = b->order;
    g.tiles = b->tiles;
    g.tile_count = b->tile_count;
    const size_t most = slots / PV_CUDA_TILE + b->base.model->shape.experts;
    tiles = most < slots ? most : slots;
  }
  const uint32_t k = a->acts.k;
  const pv_gpu_kernel kernel = k <= 64 << 4   ? PV_GPU_gemm_4
                               : k <= 64 << 5 ? PV_GPU_gemm_5
                                              : PV_GPU_gemm_6;
  LAUNCH(b, kernel, blocks, tiles, BLOCK, (size_t)k / PV_SEGMENT * PV_CUDA_TILE * 8, g);
}

/* Divides the rows of all jobs among blocks that are all there at once, and returns how many blocks
 * that is. Beside other types a warp gets a third as many rows of Q6_K: they take three times as
 * long to unpack, and all would wait for the few blocks that have them. */
static size_t divide_rows(pv_cuda_gemv *a, size_t wave) {
  size_t all = 0;
  for (uint32_t j = 0; j < a->jobs; j++) all += a->job[j].rows.count;
  for (size_t rows = parts(all, WARPS * wave);; rows++) {
    size_t blocks = 0;
    for (uint32_t j = 0; j < a->jobs; j++) {
      pv_cuda_job *job = &a->job[j];
      const bool slow = a->jobs > 1 && job->rows.type == PV_TYPE_Q6_K;
      job->rows_per_block = (uint32_t)(WARPS * (slow ? parts(rows, 3) : rows));
      blocks += parts(job->rows.count, job->rows_per_block);
    }
    if (blocks <= wave || rows >= all) return blocks;
  }
}

static void gemv(pv_gpu_backend *b, pv_cuda_gemv *a, size_t rows) {
  const size_t wave = (size_t)b->info.processors * BLOCKS_PER_PROCESSOR;
  const pv_cuda_rows *first = &a->job[0].rows;
  const bool few = rows == 1 && first->count <= wave && a->jobs == 1 && first->type == PV_TYPE_F32;
  const size_t blocks = few ? first->count : divide_rows(a, wave);
  if (few) a->job[0].rows_per_block = 1;
  const size_t unrounded = a->norm.x != 0 ? a->acts.k * sizeof(float) : 0;
  LAUNCH(b, PV_GPU_gemv, blocks, rows, BLOCK, pv_gpu_act_shared(a->acts.k) + unrounded, *a);
}

/* Products of `a->jobs` matrices, one row of each output for each of `rows`. */
static void products(pv_gpu_backend *b, pv_cuda_gemv *a, size_t rows) {
  if (b->max == 0.0f) {
    for (uint32_t j = 0; j < a->jobs; j++) {
      pv_cuda_gemv one = *a;
      one.job[0] = a->job[j];
      one.jobs = 1;
      LAUNCH(b, f64acc_kernel(one.job[0].rows.type), parts(one.job[0].rows.count, WARPS), rows,
             BLOCK, 0, one);
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
    LAUNCH(b, PV_GPU_rmsnorm, rows, 1, BLOCK, 0, *norm);
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
  const uint64_t kv = pv_stage_width(PV_STAGE_K, &b->base.model->shape);
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

/* Shared memory of attend_step: a chunk of keys (padded) and values, q of each head of the group,
 * and room for a row of each warp and then for the scores. */
static size_t step_shared(const pv_shape *s, unsigned group) {
  const size_t dim = s->head_dim, chunk = PV_ATTENTION_CHUNK;
  const size_t rows = WARPS * dim, scores = group * chunk;
  return sizeof(float) * (chunk * (2 * dim + 8) + group * dim + (rows > scores ? rows : scores));
}

/* A decoded position has its heads and its attention in one launch. */
static bool takes_step(const pv_gpu_backend *b) {
  const pv_shape *s = &b->base.model->shape;
  return b->batch.count == 1 && s->head_dim % 8 == 0 && step_shared(s, 8) <= b->info.shared;
}

/* Then blocks of attention may round what they computed: no segment has parts of two heads. */
static bool even_heads(const pv_gpu_backend *b) {
  return takes_step(b) && b->base.model->shape.head_dim % PV_SEGMENT == 0;
}

static void heads(pv_gpu_backend *b, uint32_t layer) {
  const pv_shape *s = &b->base.model->shape;
  const pv_cuda_heads h = heads_of(b, layer);
  if (!takes_step(b)) {
    LAUNCH(b, PV_GPU_heads, parts(s->heads + s->kv_heads, WARPS), b->batch.count, BLOCK, 0, h);
    return;
  }
  const pv_cuda_attend_step a = {h, attend_of(b, layer), b->chunks == 1 && even_heads(b)};
  const unsigned group = attend_group(b, 1, b->info.processors);
  LAUNCH(b,
         group == 8   ? PV_GPU_attend_step_8
         : group == 4 ? PV_GPU_attend_step_4
                      : PV_GPU_attend_step_1,
         s->heads / group, b->chunks, BLOCK, step_shared(s, group), a);
}

static void attend(pv_gpu_backend *b, uint32_t layer) {
  const pv_shape *s = &b->base.model->shape;
  const size_t width = (size_t)s->heads * s->head_dim, n = b->batch.count;
  const size_t room = b->attend_floats / ((size_t)s->heads * b->chunks);
  pv_cuda_attend a = attend_of(b, layer);
  if (even_heads(b)) {
    if (b->chunks > 1) LAUNCH(b, PV_GPU_attend_step_combine, width / PV_SEGMENT, 1, BLOCK, 0, a);
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
             b->chunks, s->heads / group, rows, BLOCK, 0, &a, sizeof a);
    LAUNCH(b, PV_GPU_attend_combine, parts(width, BLOCK), rows, BLOCK, 0, a);
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
    LAUNCH(b, PV_GPU_gate_up, parts(s->ffn, PV_SEGMENT) + 1, slots, BLOCK,
           pv_gpu_act_shared(s->hidden), a);
  else
    LAUNCH(b, PV_GPU_route, n, 1, 128, 0, a.route);
  if (n >= GEMM_ROWS) LAUNCH(b, PV_GPU_group, 1, 1, 1024, 0, g);
  if (fused) return;
  products(b, &both, slots);
  LAUNCH(b, PV_GPU_swiglu, parts(s->ffn, BLOCK), slots, BLOCK, 0, a);
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
  const size_t shared =
      pv_gpu_act_shared((size_t)s->used * s->ffn) + s->used * (DOWN_ROWS + 1) * sizeof(float);
  const bool even = s->ffn % (2 * PV_SEGMENT) == 0 && s->hidden % DOWN_ROWS == 0;
  if (takes_gemv(b, &one, n) && shared <= SHARED_MAX && even) {
    LAUNCH(b, PV_GPU_down, s->hidden / DOWN_ROWS, n, BLOCK, shared, a);
    return;
  }
  products(b, &one, n * s->used);
  LAUNCH(b, PV_GPU_combine, parts(s->hidden, BLOCK), n, BLOCK, 0, a);
}

static void embed(pv_gpu_backend *b) {
  const pv_cuda_embed a = {b->embedding, b->ids, b->stage[PV_STAGE_EMBEDDING],
                           b->base.model->shape.hidden};
  LAUNCH(b, PV_GPU_embed, b->batch.count, 1, BLOCK, 0, a);
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
  LAUNCH(b, PV_GPU_argmax_parts, a.parts, rows, BLOCK, 0, a);
  LAUNCH(b, PV_GPU_argmax, rows, 1, BLOCK, 0, a);
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
