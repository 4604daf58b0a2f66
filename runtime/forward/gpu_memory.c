/* Device memory of the GPU backend: weights in their file form, stages, cache, scratch. */
#include <stdlib.h>

#include "base/ck.h"
#include "base/clock.h"
#include "kernels/arith/rope.h"
#include "runtime/forward/gpu_state.h"

enum {
  ALIGNMENT = 256,
  TAIL = 256,              /* kernels read whole words around a row */
  ATTEND_BYTES = 128 << 20 /* wanted for the parts of attention */
};

/* One plan, walked twice: first to add up what is needed, then to allocate. */
typedef struct plan {
  pv_gpu_backend *b;
  bool allocate;
  uint64_t bytes;
  pv_code code;
  pv_error *err;
} plan;

static void take(plan *p, uint64_t *out, uint64_t count, uint64_t size) {
  uint64_t bytes = 0, padded = 0;
  if (p->code != PV_OK) return;
  if (!pv_ck_mul(count, size, &bytes) || !pv_ck_add(bytes, ALIGNMENT, &padded) ||
      !pv_ck_add(p->bytes, padded, &p->bytes)) {
    p->code = pv_error_set(p->err, PV_ERR_LIMIT, "the sizes of the device's buffers overflow");
    return;
  }
  if (p->allocate) p->code = p->b->gpu->ops->alloc(p->b->gpu, padded, out, p->err);
}

/* What a row of the plan is rounded to for the products that take it. */
static void take_acts(plan *p, size_t row) {
  const pv_model *m = p->b->base.model;
  const size_t k = pv_plan_part(m->plan, row, &m->shape), segments = pv_cuda_parts(k, PV_SEGMENT);
  const bool by_expert = pv_plan_is(m->plan, row, PV_ROW_BY_EXPERT);
  const uint64_t rows = (uint64_t)p->b->base.config.batch * (by_expert ? m->shape.used : 1);
  pv_cuda_acts *a = &p->b->acts[row];
  if (!p->b->cover.feeds[row] || p->b->max == 0.0f) return;
  take(p, &a->q, rows, segments * PV_CUDA_ACT_BYTES);
  take(p, &a->d, rows, segments * sizeof(float));
  take(p, &a->sum, rows, segments * sizeof(int32_t));
}

static uint64_t round_up(uint64_t x) {
  return (x + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* The model's own tensors, one after the other, each at an aligned place, with zeros between them
 * and behind the last. Walked twice: first `b` is NULL and only the sizes count. A model with a
 * fault planted has tensors that are in no file. */
typedef struct loading {
  pv_gpu_backend *b;
  uint64_t at;
  pv_code code;
  pv_error *err;
} loading;

static void load_bytes(loading *l, const void *bytes, uint64_t count) {
  if (l->b != NULL && l->code == PV_OK && count > 0)
    l->code = l->b->gpu->ops->upload(l->b->gpu, l->at, bytes, count, l->err);
  l->at += count; /* of tensors that memory holds: no sum overflows */
}

static const unsigned char zeros[ALIGNMENT > TAIL ? ALIGNMENT : TAIL];

static uint64_t load(loading *l, const pv_gguf_tensor *t) {
  const uint64_t place = l->at;
  load_bytes(l, t->data, t->bytes);
  load_bytes(l, zeros, round_up(t->bytes) - t->bytes);
  return place;
}

static pv_cuda_rows load_rows(loading *l, const pv_gguf_tensor *t) {
  return (pv_cuda_rows){load(l, t), t->row_bytes, t->row_bytes * t->dims[1], (uint32_t)t->type,
                        (uint32_t)t->dims[1]};
}

/* The rows of one layer, or those outside the layers. A tied head is there once. */
static void load_layer(loading *l, const pv_model *m, bool once, uint32_t layer) {
  const int embedding = pv_plan_role(m->plan, PV_ROLE_EMBEDDING);
  pv_gpu_layer *to = l->b == NULL ? NULL : once ? &l->b->once : &l->b->layers[layer];
  for (size_t i = 0; i < m->plan->count; i++) {
    if (m->plan->rows[i].weight == NULL || pv_plan_is(m->plan, i, PV_ROW_ONCE) != once) continue;
    const pv_gguf_tensor *t = pv_model_weight(m, i, layer);
    const bool same = once && (int)i != embedding && t == m->once.weight[embedding];
    if (!same) {
      const pv_cuda_rows rows = load_rows(l, t);
      if (to != NULL) to->weight[i] = rows;
    } else if (to != NULL) {
      to->weight[i] = to->weight[embedding];
    }
  }
}

static void load_model(loading *l, const pv_model *m) {
  load_layer(l, m, true, 0);
  for (uint32_t i = 0; i < m->shape.layers; i++) load_layer(l, m, false, i);
  load_bytes(l, zeros, TAIL);
}

static uint64_t weights_bytes(const pv_model *m) {
  loading l = {0};
  load_model(&l, m);
  return l.at;
}

/* Tables of RoPE: sliding layers may have their own. */
static size_t tables(const pv_shape *s) {
  return s->window > 0 && s->rope_sliding.base > 0.0 ? 2 : 1;
}

static void take_all(plan *p) {
  pv_gpu_backend *b = p->b;
  const pv_shape *s = &b->base.model->shape;
  const uint64_t rows = b->base.config.batch, context = b->base.config.context;
  const uint64_t slots = rows * s->used, cache = context * s->layers;
  const pv_plan *stages = b->base.model->plan;
  const size_t kv = pv_dim_size(PV_DIM_KV, s);
  take(p, &b->weights, weights_bytes(b->base.model), 1);
  for (size_t i = 0; i < stages->count; i++) {
    take(p, &b->stage[i], rows, pv_plan_width(stages, i, s) * sizeof(float));
    take_acts(p, i);
  }
  take(p, &b->keys, cache, kv * sizeof(float));
  take(p, &b->values, cache, kv * sizeof(float));
  for (size_t i = 0; i < tables(s); i++) {
    take(p, &b->angles[i].cos, context, s->head_dim / 2 * sizeof(float));
    take(p, &b->angles[i].sin, context, s->head_dim / 2 * sizeof(float));
  }
  take(p, &b->step, 1, sizeof(pv_cuda_step));
  take(p, &b->ids, rows, sizeof(uint32_t));
  /* Parts of attention: room for one row at least, for more while that is cheap. */
  const uint64_t chunks = (context + PV_ATTENTION_CHUNK - 1) / PV_ATTENTION_CHUNK;
  const uint64_t one = 2 * chunks * s->heads; /* chunks are rounded up to a power of two */
  const uint64_t many = ATTEND_BYTES / sizeof(float) / s->head_dim;
  b->attend_floats = one > many ? one : one * rows < many ? one * rows : many;
  take(p, &b->top, b->attend_floats, sizeof(float));
  take(p, &b->sum, b->attend_floats, sizeof(float));
  take(p, &b->value, b->attend_floats, s->head_dim * sizeof(float));
  take(p, &b->parts, rows * PV_GPU_ARGMAX_PARTS, sizeof(int32_t));
  take(p, &b->order, slots, sizeof(uint32_t));
  take(p, &b->tiles, pv_group_tiles(slots, s->experts), sizeof(pv_cuda_tile));
  take(p, &b->tile_count, 1, sizeof(uint32_t));
}

static pv_code upload_weights(pv_gpu_backend *b, pv_error *err) {
  loading l = {b, b->weights, PV_OK, err};
  b->layers = calloc(b->base.model->shape.layers, sizeof *b->layers);
  if (b->layers == NULL)
    return pv_error_set(err, PV_ERR_NOMEM, "out of memory for the GPU backend");
  const double start = pv_clock_now();
  load_model(&l, b->base.model);
  if (l.code == PV_OK) l.code = b->gpu->ops->finish(b->gpu, err);
  b->load_s = pv_clock_now() - start;
  b->loaded = l.at - b->weights;
  return l.code;
}

static pv_code upload_rope(pv_gpu_backend *b, const pv_rope *rope, const pv_gpu_angles *to,
                           pv_error *err) {
  const pv_shape *s = &b->base.model->shape;
  const size_t half = s->head_dim / 2, context = b->base.config.context;
  float *cos = calloc(context, half * sizeof *cos), *sin = calloc(context, half * sizeof *sin);
  pv_code code = PV_OK;
  if (cos == NULL || sin == NULL)
    code = pv_error_set(err, PV_ERR_NOMEM, "out of memory for the RoPE tables");
  for (size_t p = 0; p < context && code == PV_OK; p++)
    pv_rope_row(rope, s->head_dim, p, cos + p * half, sin + p * half);
  const uint64_t bytes = (uint64_t)context * half * sizeof *cos;
  if (code == PV_OK) code = b->gpu->ops->upload(b->gpu, to->cos, cos, bytes, err);
  if (code == PV_OK) code = b->gpu->ops->upload(b->gpu, to->sin, sin, bytes, err);
  if (code == PV_OK) code = b->gpu->ops->finish(b->gpu, err);
  free(cos);
  free(sin);
  return code;
}

/* What no launch could do is said before anything is copied. */
static pv_code check_limits(const pv_gpu_backend *b, pv_error *err) {
  const pv_shape *s = &b->base.model->shape;
  const pv_plan *stages = b->base.model->plan;
  /* Rows are one dimension of a grid, or slots, of which there are more. */
  const size_t batch = b->base.config.batch, most = PV_CUDA_GRID_MAX / (s->used > 0 ? s->used : 1);
  if (batch > most) {
    pv_error_set(err, PV_ERR_LIMIT, "a batch of %zu positions is too large for a GPU: at most %zu",
                 batch, most);
    pv_error_hint(err, "ask for smaller batches: the bits are the same");
    return PV_ERR_LIMIT;
  }
  if (b->max == 0.0f) return PV_OK; /* f32-f64acc keeps no activations in shared memory */
  for (size_t i = 0; i < stages->count; i++) {
    const pv_stage_row *in = &stages->rows[stages->rows[i].in[0]];
    if (stages->rows[i].op != PV_OP_MATMUL) continue;
    const size_t k = pv_dim_size(in->width, s), needed = pv_cuda_act_shared(k) + PV_GEMV_DECLARED;
    if (needed > b->info.shared)
      return pv_error_set(err, PV_ERR_LIMIT,
                          "the model is too wide for this device: a product takes %zu elements of "
                          "%s, for which a block needs %zu bytes of shared memory and can have %u",
                          k, in->name, needed, b->info.shared);
  }
  return PV_OK;
}

pv_code pv_gpu_memory_open(pv_gpu_backend *b, pv_error *err) {
  const pv_shape *s = &b->base.model->shape;
  plan p = {b, false, 0, check_limits(b, err), err};
  take_all(&p);
  if (p.code != PV_OK) return p.code;
  if (p.bytes > b->info.free_) {
    pv_error_set(err, PV_ERR_NOMEM, "%.2f GB of device memory are needed, %.2f of %.2f are free",
                 (double)p.bytes / 1e9, (double)b->info.free_ / 1e9, (double)b->info.memory / 1e9);
    pv_error_hint(err, "ask for less context, or free the device's memory");
    return PV_ERR_NOMEM;
  }
  b->bytes = p.bytes;
  p.bytes = 0;
  p.allocate = true;
  take_all(&p);
  if (p.code == PV_OK) p.code = upload_weights(b, err);
  for (size_t i = 0; i < tables(s) && p.code == PV_OK; i++)
    p.code = upload_rope(b, i == 0 ? &s->rope : &s->rope_sliding, &b->angles[i], err);
  return p.code;
}
