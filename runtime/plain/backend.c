/* One stage at a time: `compute` makes rows of a stage from the stages that the backend holds,
 * `write` replaces them, and an operation is its stages in order. */
#include "runtime/plain/plain.h"

#include <stdlib.h>
#include <string.h>

#include "base/ck.h"
#include "base/pool.h"
#include "kernels/arith/arith.h"
#include "kernels/arith/rope.h"

typedef struct plain {
  pv_backend base;
  pv_product product;
  pv_plain_defect defect;
  pv_cpu_path planted; /* the definition's kernels with those of the defect */
  pv_pool *pool;
  pv_batch batch;
  unsigned char *stage[PV_STAGES]; /* float, or int32_t */
  unsigned char *before;           /* a stage's rows before it was computed; NULL: not needed */
  float *keys, *values;            /* [layer][context][kv width] */
  float *scratch;                  /* per thread, for attention */
  size_t scratch_floats, width[PV_STAGES];
  uint64_t bytes;
} plain;

static void *take(plain *p, uint64_t count, uint64_t size, bool *failed) {
  uint64_t bytes = 0;
  size_t n = 0;
  if (*failed || !pv_ck_mul(count, size, &bytes) || !pv_ck_size(bytes, &n)) {
    *failed = true;
    return NULL;
  }
  void *got = calloc(1, n > 0 ? n : 1);
  if (got == NULL) *failed = true;
  p->bytes += bytes;
  return got;
}

static void plain_close(pv_backend *backend) {
  plain *p = (plain *)backend;
  pv_pool_close(p->pool);
  for (int s = 0; s < PV_STAGES; s++) free(p->stage[s]);
  free(p->before);
  free(p->keys);
  free(p->values);
  free(p->scratch);
  free(p);
}

static bool take_all(plain *p) {
  const pv_shape *s = &p->base.model->shape;
  const size_t rows = p->base.config.batch, kv = p->width[PV_STAGE_K];
  const uint64_t cache = (uint64_t)s->layers * p->base.config.context;
  size_t widest = 0;
  bool failed = false;
  for (int i = 0; i < PV_STAGES; i++) {
    p->stage[i] = take(p, rows, p->width[i] * sizeof(float), &failed);
    if (p->width[i] > widest) widest = p->width[i];
  }
  if (p->defect.after != NULL) p->before = take(p, rows, widest * sizeof(float), &failed);
  p->keys = take(p, cache, kv * sizeof(float), &failed);
  p->values = take(p, cache, kv * sizeof(float), &failed);
  p->scratch_floats = pv_attend_scratch(s->head_dim, p->base.config.context);
  p->scratch = take(p, pv_pool_threads(p->pool), p->scratch_floats * sizeof(float), &failed);
  return !failed;
}

pv_code pv_plain_open(const pv_model *model, const pv_backend_config *config,
                      const pv_plain_defect *defect, pv_backend **out, pv_error *err) {
  static const pv_plain_defect none = {.layer = -1};
  if (config->numerics == PV_NUMERICS_F64)
    return pv_error_set(err, PV_ERR_UNSUPPORTED, "the plain backend does not compute f64");
  plain *p = calloc(1, sizeof *p);
  if (p == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for the plain backend");
  p->base = (pv_backend){&pv_backend_plain, model, *config, sizeof(float)};
  p->product = config->numerics == PV_NUMERICS_I16  ? PV_PRODUCT_I16
               : config->numerics == PV_NUMERICS_I8 ? PV_PRODUCT_I8
                                                    : PV_PRODUCT_F64ACC;
  p->defect = defect != NULL ? *defect : none;
  p->planted = pv_plain_with(p->defect.kernels);
  for (int i = 0; i < PV_STAGES; i++) p->width[i] = pv_stage_width((pv_stage_id)i, &model->shape);
  pv_code code = pv_pool_open(config->threads, &p->pool, err);
  if (code == PV_OK && !take_all(p))
    code = pv_error_set(err, PV_ERR_NOMEM, "out of memory for the plain backend");
  if (code != PV_OK) {
    plain_close(&p->base);
    return code;
  }
  *out = &p->base;
  return PV_OK;
}

static pv_code open_sound(const pv_model *model, const pv_backend_config *config, pv_backend **out,
                          pv_error *err) {
  return pv_plain_open(model, config, NULL, out, err);
}

static void *row(const plain *p, pv_stage_id stage, size_t i) {
  return p->stage[stage] + i * p->width[stage] * sizeof(float);
}

static const float *gains(const pv_gguf_tensor *t) {
  return (const float *)(const void *)t->data;
}

/* One stage of one layer, in tasks. */
typedef struct work {
  plain *p;
  pv_stage_id stage;
  uint32_t layer;
  bool wrong; /* the defect acts here */
  const pv_cpu_path *kernels;
  /* of a product: */
  const pv_gguf_tensor *weights;
  pv_stage_id in;
  size_t tiles; /* tasks for each row */
  bool experts;
} work;

static bool in_layer(const plain *p, uint32_t layer) {
  return p->defect.layer < 0 || p->defect.layer == (int64_t)layer;
}

enum { TILE = 64 };

/* A tile of one product: of a position, or of a slot (position, rank) with its expert's rows. */
static void product_task(void *context, size_t task, unsigned thread) {
  const work *w = context;
  plain *p = w->p;
  const pv_gguf_tensor *t = w->weights;
  const size_t used = p->base.model->shape.used, k = (size_t)t->dims[0], n = (size_t)t->dims[1];
  const size_t i = task / w->tiles, first = task % w->tiles * TILE;
  const unsigned char *rows = t->data;
  /* Gate and up share the row of a position; down has a row for each slot. */
  size_t source = i;
  (void)thread;
  if (w->experts) {
    const int32_t *indices = row(p, PV_STAGE_MOE_ROUTER_INDICES, i / used);
    rows = pv_model_expert(t, (uint32_t)indices[i % used]);
    if (w->in == PV_STAGE_FFN_NORM) source = i / used;
  }
  const pv_act act = {.x = (const float *)(void *)p->stage[w->in] + source * k};
  float *out = (float *)(void *)p->stage[w->stage] + i * n;
  const pv_mm mm = {t->type,
                    p->product,
                    rows + first * t->row_bytes,
                    t->row_bytes,
                    n - first < TILE ? n - first : TILE,
                    k,
                    &act,
                    &out,
                    first,
                    1};
  w->kernels->mm(&mm);
}

static void multiply(work *w, const pv_gguf_tensor *weights, pv_stage_id in, size_t rows) {
  w->weights = weights;
  w->in = in;
  w->tiles = ((size_t)weights->dims[1] + TILE - 1) / TILE;
  pv_pool_run(w->p->pool, product_task, w, rows * w->tiles);
}

static void multiply_experts(work *w, const pv_gguf_tensor *weights, pv_stage_id in) {
  w->experts = true;
  multiply(w, weights, in, w->p->batch.count * w->p->base.model->shape.used);
}

static float *cache_row(const plain *p, float *cache, uint32_t layer, size_t position) {
  return cache + ((size_t)layer * p->base.config.context + position) * p->width[PV_STAGE_K];
}

/* Norm of each head, then RoPE on halves. */
static void heads_row(const work *w, size_t i) {
  const plain *p = w->p;
  const pv_shape *s = &p->base.model->shape;
  const pv_layer *l = &p->base.model->layers[w->layer];
  const bool query = w->stage == PV_STAGE_Q_ROPE;
  const pv_gguf_tensor *gain = query ? l->weight[PV_STAGE_Q_ROPE] : l->weight[PV_STAGE_K_ROPE];
  const float *in = row(p, query ? PV_STAGE_Q : PV_STAGE_K, i);
  float *out = row(p, w->stage, i), cos[PV_HEAD_DIM_MAX / 2], sin[PV_HEAD_DIM_MAX / 2];
  const bool moved = w->wrong && p->defect.position != NULL;
  const size_t at = moved ? p->defect.position(&p->batch, i) : p->batch.position + i;
  pv_rope_row(s->rope_base, s->head_dim, at, cos, sin);
  for (size_t h = 0; h < p->width[w->stage]; h += s->head_dim) {
    w->kernels->rmsnorm(in + h, gains(gain), s->head_dim, s->eps, out + h);
    w->kernels->rope(out + h, s->head_dim, cos, sin);
  }
}

static void attend_task(void *context, size_t task, unsigned thread) {
  const work *w = context;
  const plain *p = w->p;
  const pv_shape *s = &p->base.model->shape;
  const size_t i = task / s->heads, dim = s->head_dim;
  const uint32_t h = (uint32_t)(task % s->heads);
  const pv_plain_defect *d = &p->defect;
  const size_t group = w->wrong && d->group != NULL ? d->group(s, h) : h / (s->heads / s->kv_heads);
  const size_t visible = w->wrong && d->visible != NULL
                             ? d->visible(&p->batch, i, p->base.config.context)
                             : p->batch.position + i + 1;
  const pv_attend a = {.q = (const float *)row(p, PV_STAGE_Q_ROPE, i) + h * dim,
                       .k = cache_row(p, p->keys, w->layer, 0) + group * dim,
                       .v = cache_row(p, p->values, w->layer, 0) + group * dim,
                       .stride = p->width[PV_STAGE_K],
                       .head_dim = dim,
                       .positions = visible,
                       .scale = 1.0f / __builtin_sqrtf((float)dim),
                       .out = (float *)row(p, PV_STAGE_ATTN_OUT, i) + h * dim,
                       .scratch = p->scratch + thread * p->scratch_floats};
  w->kernels->attend(&a);
}

static void route_row(const work *w, size_t i) {
  const plain *p = w->p;
  const pv_shape *s = &p->base.model->shape;
  int32_t indices[PV_EXPERTS_MAX];
  float weights[PV_EXPERTS_MAX];
  w->kernels->route(row(p, PV_STAGE_MOE_ROUTER_LOGITS, i), s->experts, s->used, indices, weights);
  memcpy(row(p, w->stage, i), w->stage == PV_STAGE_MOE_ROUTER ? (void *)weights : (void *)indices,
         s->used * sizeof(float));
}

static void combine_row(const work *w, size_t i) {
  const plain *p = w->p;
  const pv_shape *s = &p->base.model->shape;
  const float *rows[PV_EXPERTS_MAX];
  for (size_t r = 0; r < s->used; r++)
    rows[r] = (const float *)row(p, PV_STAGE_EXPERT_DOWN, i) + r * s->hidden;
  w->kernels->combine(rows, row(p, PV_STAGE_MOE_ROUTER, i), s->used, s->hidden,
                      row(p, PV_STAGE_MOE_FFN_OUT, i));
}

static void argmax_row(const plain *p, size_t i) {
  const float *logits = row(p, PV_STAGE_LOGITS, i);
  int32_t best = 0;
  for (size_t v = 1; v < p->width[PV_STAGE_LOGITS]; v++)
    if (pv_before(logits[v], (int64_t)v, logits[best], best)) best = (int32_t)v;
  memcpy(row(p, PV_STAGE_ARGMAX, i), &best, sizeof best);
}

static void norm_row(const work *w, pv_stage_id in, size_t source, const pv_gguf_tensor *gain,
                     size_t i) {
  const pv_shape *s = &w->p->base.model->shape;
  w->kernels->rmsnorm(row(w->p, in, source), gains(gain), s->hidden, s->eps,
                      row(w->p, w->stage, i));
}

static void add_row(const work *w, pv_stage_id a, pv_stage_id b, size_t i) {
  w->kernels->add(row(w->p, a, i), row(w->p, b, i), w->p->base.model->shape.hidden,
                  row(w->p, w->stage, i));
}

static void row_task(void *context, size_t i, unsigned thread) {
  const work *w = context;
  const plain *p = w->p;
  const pv_model *m = p->base.model;
  const pv_layer *l = &m->layers[w->layer];
  const pv_stage_id stream = w->layer == 0 ? PV_STAGE_EMBEDDING : PV_STAGE_FFN_RESIDUAL;
  const pv_gguf_tensor *t = m->once.weight[PV_STAGE_EMBEDDING];
  (void)thread;
  switch (w->stage) {
    case PV_STAGE_EMBEDDING:
      pv_dequant_f32(t->type, t->data + p->batch.ids[i] * t->row_bytes, t->dims[0],
                     row(p, PV_STAGE_EMBEDDING, i));
      break;
    case PV_STAGE_ATTN_NORM:
      norm_row(w, stream, i, l->weight[PV_STAGE_ATTN_NORM], i);
      break;
    case PV_STAGE_Q_ROPE:
    case PV_STAGE_K_ROPE:
      heads_row(w, i);
      break;
    case PV_STAGE_ATTN_RESIDUAL:
      add_row(w, stream, PV_STAGE_ATTN_PROJ, i);
      break;
    case PV_STAGE_FFN_NORM:
      norm_row(w, PV_STAGE_ATTN_RESIDUAL, i, l->weight[PV_STAGE_FFN_NORM], i);
      break;
    case PV_STAGE_MOE_ROUTER:
    case PV_STAGE_MOE_ROUTER_INDICES:
      route_row(w, i);
      break;
    case PV_STAGE_EXPERT_SWIGLU:
      w->kernels->swiglu(row(p, PV_STAGE_EXPERT_GATE, i), row(p, PV_STAGE_EXPERT_UP, i),
                         p->width[w->stage], row(p, w->stage, i));
      break;
    case PV_STAGE_MOE_FFN_OUT:
      combine_row(w, i);
      break;
    case PV_STAGE_FFN_RESIDUAL:
      add_row(w, PV_STAGE_ATTN_RESIDUAL, PV_STAGE_MOE_FFN_OUT, i);
      break;
    case PV_STAGE_FINAL_NORM:
      norm_row(w, PV_STAGE_FFN_RESIDUAL, p->batch.count - p->batch.logits + i, m->once.weight[PV_STAGE_FINAL_NORM], i);
      break;
    case PV_STAGE_ARGMAX:
      argmax_row(p, i);
      break;
    default: /* products and attention have tasks of their own */
      break;
  }
}

static void compute_stage(work *w, size_t rows) {
  const pv_model *m = w->p->base.model;
  const pv_layer *l = &m->layers[w->layer];
  switch (w->stage) {
    case PV_STAGE_Q:
      multiply(w, l->weight[PV_STAGE_Q], PV_STAGE_ATTN_NORM, rows);
      break;
    case PV_STAGE_K:
      multiply(w, l->weight[PV_STAGE_K], PV_STAGE_ATTN_NORM, rows);
      break;
    case PV_STAGE_V:
      multiply(w, l->weight[PV_STAGE_V], PV_STAGE_ATTN_NORM, rows);
      break;
    case PV_STAGE_ATTN_OUT:
      pv_pool_run(w->p->pool, attend_task, w, rows * m->shape.heads);
      break;
    case PV_STAGE_ATTN_PROJ:
      multiply(w, l->weight[PV_STAGE_ATTN_PROJ], PV_STAGE_ATTN_OUT, rows);
      break;
    case PV_STAGE_MOE_ROUTER_LOGITS:
      multiply(w, l->weight[PV_STAGE_MOE_ROUTER_LOGITS], PV_STAGE_FFN_NORM, rows);
      break;
    case PV_STAGE_EXPERT_GATE:
      multiply_experts(w, l->weight[PV_STAGE_EXPERT_GATE], PV_STAGE_FFN_NORM);
      break;
    case PV_STAGE_EXPERT_UP:
      multiply_experts(w, l->weight[PV_STAGE_EXPERT_UP], PV_STAGE_FFN_NORM);
      break;
    case PV_STAGE_EXPERT_DOWN:
      multiply_experts(w, l->weight[PV_STAGE_EXPERT_DOWN], PV_STAGE_EXPERT_SWIGLU);
      break;
    case PV_STAGE_LOGITS:
      multiply(w, m->once.weight[PV_STAGE_LOGITS], PV_STAGE_FINAL_NORM, rows);
      break;
    default:
      pv_pool_run(w->p->pool, row_task, w, rows);
      break;
  }
}

/* Keys and values enter the cache as soon as they are there. */
static void append(plain *p, pv_stage_id stage, uint32_t layer) {
  const pv_plain_defect *d = &p->defect;
  if (stage != PV_STAGE_V && stage != PV_STAGE_K_ROPE) return;
  for (size_t i = 0; i < p->batch.count; i++) {
    if (d->appended != NULL && in_layer(p, layer) && !d->appended(&p->batch, i)) continue;
    memcpy(cache_row(p, stage == PV_STAGE_V ? p->values : p->keys, layer, p->batch.position + i),
           row(p, stage, i), p->width[stage] * sizeof(float));
  }
}

static pv_code plain_compute(pv_backend *backend, pv_stage_id stage, uint32_t layer,
                             pv_error *err) {
  plain *p = (plain *)backend;
  const size_t rows = stage >= PV_STAGE_FINAL_NORM ? p->batch.logits : p->batch.count;
  const size_t bytes = p->width[stage] * sizeof(float);
  const bool wrong = in_layer(p, layer) && (p->defect.stages >> stage & 1) != 0;
  work w = {.p = p,
            .stage = stage,
            .layer = layer,
            .wrong = wrong,
            .kernels = wrong ? &p->planted : &pv_plain_kernels};
  (void)err;
  if (p->before != NULL && wrong) memcpy(p->before, p->stage[stage], rows * bytes);
  compute_stage(&w, rows);
  for (size_t i = 0; i < rows && p->before != NULL && wrong; i++)
    p->defect.after(p->batch.position + p->batch.count - rows + i, p->width[stage],
                    p->before + i * bytes, row(p, stage, i));
  append(p, stage, layer);
  return PV_OK;
}

static pv_code check_rows(const plain *p, size_t first, size_t rows, pv_error *err) {
  if (pv_ck_range(first, rows, p->base.config.batch)) return PV_OK;
  return pv_error_set(err, PV_ERR_INTERNAL, "rows %zu + %zu are outside the batch", first, rows);
}

static pv_code plain_write(pv_backend *backend, pv_stage_id stage, uint32_t layer, const void *data,
                           pv_error *err) {
  plain *p = (plain *)backend;
  const pv_shape *s = &p->base.model->shape;
  const size_t rows = stage >= PV_STAGE_FINAL_NORM ? p->batch.logits : p->batch.count;
  const int32_t *indices = data;
  for (size_t i = 0; stage == PV_STAGE_MOE_ROUTER_INDICES && i < rows * s->used; i++)
    if (indices[i] < 0 || (uint32_t)indices[i] >= s->experts)
      return pv_error_set(err, PV_ERR_INPUT, "expert %d of layer %u is outside 0..%u", indices[i],
                          layer, s->experts - 1);
  memcpy(p->stage[stage], data, rows * p->width[stage] * sizeof(float));
  append(p, stage, layer);
  return PV_OK;
}

static pv_code plain_begin(pv_backend *backend, const pv_batch *batch, pv_error *err) {
  (void)err;
  ((plain *)backend)->batch = *batch;
  return PV_OK;
}

static pv_code plain_run(pv_backend *backend, const pv_step *step, pv_error *err) {
  pv_code code = PV_OK;
  for (size_t i = 0; i < step->count && code == PV_OK; i++)
    code = plain_compute(backend, (pv_stage_id)(step->first + i), step->layer, err);
  return code;
}

static pv_code plain_read(pv_backend *backend, pv_stage_id stage, size_t first, size_t rows,
                          void *out, pv_error *err) {
  const plain *p = (const plain *)backend;
  const pv_code code = check_rows(p, first, rows, err);
  if (code == PV_OK) memcpy(out, row(p, stage, first), rows * p->width[stage] * sizeof(float));
  return code;
}

static uint64_t plain_memory(const pv_backend *backend) {
  return ((const plain *)backend)->bytes;
}

const pv_backend_ops pv_backend_plain = {.name = "plain",
                                         .open = open_sound,
                                         .close = plain_close,
                                         .begin = plain_begin,
                                         .run = plain_run,
                                         .read = plain_read,
                                         .memory = plain_memory,
                                         .compute = plain_compute,
                                         .write = plain_write};
