/* The arbiter: the forward in plain float64 over dequantised weights. Written to be read next to
 * the formulas, with libm and without the tricks of the fast kernels, so that it is an
 * independent witness. Rows of work are shared by threads; no sum is. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/ck.h"
#include "base/pool.h"
#include "runtime/forward/backend.h"
#include "runtime/forward/groups.h"

typedef struct f64 {
  pv_backend base;
  pv_pool *pool;
  pv_batch batch;
  double *stage[PV_STAGES]; /* index stages hold int32_t */
  double *keys, *values;    /* [layer][context][kv width] */
  double *score;            /* per thread: context */
  double **in, **out;       /* arguments of a product */
  pv_groups groups;
  size_t width[PV_STAGES];
  uint64_t bytes;
  uint32_t layer;
} f64;

static void *take(f64 *c, uint64_t count, uint64_t size, bool *failed) {
  uint64_t bytes = 0;
  size_t n = 0;
  if (*failed || !pv_ck_mul(count, size, &bytes) || !pv_ck_size(bytes, &n)) {
    *failed = true;
    return NULL;
  }
  void *p = calloc(1, n > 0 ? n : 1);
  if (p == NULL) *failed = true;
  c->bytes += bytes;
  return p;
}

static void f64_close(pv_backend *backend) {
  f64 *c = (f64 *)backend;
  pv_pool_close(c->pool);
  for (int s = 0; s < PV_STAGES; s++) free(c->stage[s]);
  free(c->keys);
  free(c->values);
  free(c->score);
  free(c->in);
  free(c->out);
  free(c->groups.slots);
  free(c->groups.first);
  free(c->groups.active);
  free(c);
}

static pv_code f64_open(const pv_model *model, const pv_backend_config *config, pv_backend **out,
                        pv_error *err) {
  const pv_shape *s = &model->shape;
  f64 *c = calloc(1, sizeof *c);
  if (c == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for the arbiter");
  c->base = (pv_backend){&pv_backend_f64, model, *config, sizeof(double)};
  pv_code code = pv_pool_open(config->threads, &c->pool, err);
  if (code == PV_OK) {
    bool failed = false;
    const size_t rows = config->batch, slots = rows * s->used;
    for (int i = 0; i < PV_STAGES; i++) {
      c->width[i] = pv_stage_width((pv_stage_id)i, s);
      c->stage[i] = take(c, rows, c->width[i] * sizeof(double), &failed);
    }
    const uint64_t cache = (uint64_t)s->layers * config->context;
    c->keys = take(c, cache, c->width[PV_STAGE_K] * sizeof(double), &failed);
    c->values = take(c, cache, c->width[PV_STAGE_K] * sizeof(double), &failed);
    c->score = take(c, pv_pool_threads(c->pool), config->context * sizeof(double), &failed);
    c->in = take(c, slots, sizeof *c->in, &failed);
    c->out = take(c, slots, sizeof *c->out, &failed);
    c->groups.slots = take(c, slots, sizeof(uint32_t), &failed);
    c->groups.first = take(c, s->experts + 1u, sizeof(uint32_t), &failed);
    c->groups.active = take(c, s->experts, sizeof(uint32_t), &failed);
    if (failed) code = pv_error_set(err, PV_ERR_NOMEM, "out of memory for the arbiter");
  }
  if (code != PV_OK) {
    f64_close(&c->base);
    return code;
  }
  *out = &c->base;
  return PV_OK;
}

static double *row(const f64 *c, pv_stage_id stage, size_t i) {
  return c->stage[stage] + i * c->width[stage];
}

static int32_t *indices(const f64 *c, size_t i) {
  return (int32_t *)(void *)c->stage[PV_STAGE_MOE_ROUTER_INDICES] +
         i * c->width[PV_STAGE_MOE_ROUTER_INDICES];
}

/* out[t][r] = row r . in[t]. Eight partial sums, so that the compiler may use vectors. */
typedef struct product {
  const pv_gguf_tensor *w;
  const unsigned char *rows;
  double *const *in;
  double *const *out;
  size_t count;
} product;

enum { TILE = 32 };

static double dot(const double *a, const double *b, size_t n) {
  double lane[8] = {0};
  size_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (size_t j = 0; j < 8; j++) lane[j] += a[i + j] * b[i + j];
  double sum = 0.0;
  for (size_t j = 0; j < 8; j++) sum += lane[j];
  for (; i < n; i++) sum += a[i] * b[i];
  return sum;
}

static void product_task(void *context, size_t task, unsigned thread) {
  const product *p = context;
  const size_t k = (size_t)p->w->dims[0], rows = (size_t)p->w->dims[1];
  double w[PV_MODEL_WIDTH_MAX];
  (void)thread;
  for (size_t r = task * TILE; r < (task + 1) * TILE && r < rows; r++) {
    pv_dequant_f64(p->w->type, p->rows + r * p->w->row_bytes, k, w);
    for (size_t t = 0; t < p->count; t++) p->out[t][r] = dot(w, p->in[t], k);
  }
}

static void multiply(f64 *c, const pv_gguf_tensor *w, const unsigned char *rows, double **in,
                     double **out, size_t count) {
  product p = {w, rows, in, out, count};
  pv_pool_run(c->pool, product_task, &p, ((size_t)w->dims[1] + TILE - 1) / TILE);
}

static void multiply_stage(f64 *c, const pv_gguf_tensor *w, pv_stage_id in, pv_stage_id out,
                           size_t count) {
  for (size_t i = 0; i < count; i++) {
    c->in[i] = row(c, in, i);
    c->out[i] = row(c, out, i);
  }
  multiply(c, w, w->data, c->in, c->out, count);
}

/* y = x / sqrt(mean(x^2) + eps) * weight */
static void rmsnorm(const double *x, const pv_gguf_tensor *weight, size_t n, double eps,
                    double *out) {
  const float *w = (const float *)(const void *)weight->data;
  double sum = 0.0;
  for (size_t i = 0; i < n; i++) sum += x[i] * x[i];
  const double scale = 1.0 / sqrt(sum / (double)n + eps);
  for (size_t i = 0; i < n; i++) out[i] = x[i] * scale * (double)w[i];
}

static void norm(f64 *c, pv_stage_id in, size_t first, const pv_gguf_tensor *weight,
                 pv_stage_id out, size_t count) {
  for (size_t i = 0; i < count; i++)
    rmsnorm(row(c, in, first + i), weight, c->base.model->shape.hidden,
            (double)c->base.model->shape.eps, row(c, out, i));
}

/* Halves are paired: (x[i], x[i + n/2]) turned by position * base^(-2 i / n). */
static void rope(double *x, size_t n, double base, size_t position) {
  for (size_t i = 0; i < n / 2; i++) {
    const double angle = (double)position * pow(base, -2.0 * (double)i / (double)n);
    const double a = x[i], b = x[i + n / 2];
    x[i] = a * cos(angle) - b * sin(angle);
    x[i + n / 2] = b * cos(angle) + a * sin(angle);
  }
}

static double *cache_row(const f64 *c, double *cache, size_t position) {
  return cache + ((size_t)c->layer * c->base.config.context + position) * c->width[PV_STAGE_K];
}

static void heads(f64 *c, pv_stage_id in, const pv_gguf_tensor *gain, pv_stage_id out) {
  const pv_shape *s = &c->base.model->shape;
  for (size_t i = 0; i < c->batch.count; i++)
    for (size_t h = 0; h < c->width[out]; h += s->head_dim) {
      rmsnorm(row(c, in, i) + h, gain, s->head_dim, (double)s->eps, row(c, out, i) + h);
      rope(row(c, out, i) + h, s->head_dim, s->rope_base, c->batch.position + i);
    }
}

/* Keys and values enter the cache as soon as they are there. */
static void append(f64 *c, pv_stage_id stage) {
  if (stage == PV_STAGE_V || stage == PV_STAGE_K_ROPE)
    memcpy(cache_row(c, stage == PV_STAGE_V ? c->values : c->keys, c->batch.position),
           row(c, stage, 0), c->batch.count * c->width[stage] * sizeof(double));
}

/* softmax(q . k / sqrt(dim)) v over positions 0 .. position */
static void attend_task(void *context, size_t task, unsigned thread) {
  f64 *c = context;
  const pv_shape *s = &c->base.model->shape;
  const size_t i = task / s->heads, h = task % s->heads, dim = s->head_dim;
  const size_t group = h / (s->heads / s->kv_heads), positions = c->batch.position + i + 1;
  const double *q = row(c, PV_STAGE_Q_ROPE, i) + h * dim;
  double *score = c->score + thread * c->base.config.context;
  double *out = row(c, PV_STAGE_ATTN_OUT, i) + h * dim;
  double top = -INFINITY, sum = 0.0;
  for (size_t p = 0; p < positions; p++) {
    score[p] = dot(q, cache_row(c, c->keys, p) + group * dim, dim) / sqrt((double)dim);
    if (!(score[p] <= top)) top = score[p];
  }
  for (size_t p = 0; p < positions; p++) {
    score[p] = exp(score[p] - top);
    sum += score[p];
  }
  for (size_t d = 0; d < dim; d++) out[d] = 0.0;
  for (size_t p = 0; p < positions; p++) {
    const double *v = cache_row(c, c->values, p) + group * dim;
    for (size_t d = 0; d < dim; d++) out[d] += score[p] / sum * v[d];
  }
}

static void residual(f64 *c, pv_stage_id a, pv_stage_id b, pv_stage_id out) {
  const size_t n = c->batch.count * c->base.model->shape.hidden;
  for (size_t i = 0; i < n; i++) c->stage[out][i] = c->stage[a][i] + c->stage[b][i];
}

static bool before(double a, int32_t index_a, double b, int32_t index_b) {
  if (isnan(a) || isnan(b)) return isnan(a) == isnan(b) ? index_a < index_b : isnan(b);
  return a != b ? a > b : index_a < index_b;
}

/* Weights by rank, and whose they are; either may be NULL. */
static void route_row(const f64 *c, size_t i, double *weight, int32_t *index) {
  const pv_shape *s = &c->base.model->shape;
  const double *logits = row(c, PV_STAGE_MOE_ROUTER_LOGITS, i);
  double weights[PV_MODEL_EXPERTS_MAX], all = 0.0, sum = 0.0;
  int32_t chosen[PV_MODEL_EXPERTS_MAX] = {0};
  bool taken[PV_MODEL_EXPERTS_MAX] = {false};
  for (uint32_t r = 0; r < s->used; r++) {
    int32_t best = -1;
    for (int32_t e = 0; e < (int32_t)s->experts; e++)
      if (!taken[e] && (best < 0 || before(logits[e], e, logits[best], best))) best = e;
    taken[best] = true;
    chosen[r] = best;
  }
  for (uint32_t e = 0; e < s->experts; e++) all += exp(logits[e] - logits[chosen[0]]);
  for (uint32_t r = 0; r < s->used; r++)
    sum += weights[r] = exp(logits[chosen[r]] - logits[chosen[0]]) / all;
  for (uint32_t r = 0; r < s->used && weight != NULL; r++) weight[r] = weights[r] / sum;
  for (uint32_t r = 0; r < s->used && index != NULL; r++) index[r] = chosen[r];
}

static void group(f64 *c) {
  const pv_shape *s = &c->base.model->shape;
  pv_groups_fill(&c->groups, indices(c, 0), c->batch.count, s->used, s->experts);
}

/* Expert by expert; `per_slot` inputs have a row for each (position, rank). */
static void multiply_experts(f64 *c, const pv_gguf_tensor *w, pv_stage_id in, bool per_slot,
                             pv_stage_id out) {
  const pv_shape *s = &c->base.model->shape;
  const size_t k = (size_t)w->dims[0], n = (size_t)w->dims[1];
  for (size_t a = 0; a < c->groups.active_count; a++) {
    const uint32_t e = c->groups.active[a], first = c->groups.first[e];
    const size_t count = c->groups.first[e + 1] - first;
    for (size_t i = 0; i < count; i++) {
      const size_t slot = c->groups.slots[first + i];
      c->in[i] = c->stage[in] + (per_slot ? slot : slot / s->used) * k;
      c->out[i] = c->stage[out] + slot * n;
    }
    multiply(c, w, pv_model_expert(w, e), c->in, c->out, count);
  }
}

static void swiglu(f64 *c) {
  const size_t n = c->batch.count * c->width[PV_STAGE_EXPERT_SWIGLU];
  for (size_t i = 0; i < n; i++) {
    const double g = c->stage[PV_STAGE_EXPERT_GATE][i];
    c->stage[PV_STAGE_EXPERT_SWIGLU][i] = g / (1.0 + exp(-g)) * c->stage[PV_STAGE_EXPERT_UP][i];
  }
}

static void combine(f64 *c) {
  const pv_shape *s = &c->base.model->shape;
  for (size_t i = 0; i < c->batch.count; i++) {
    double *out = row(c, PV_STAGE_MOE_FFN_OUT, i);
    memset(out, 0, s->hidden * sizeof *out);
    for (uint32_t r = 0; r < s->used; r++) {
      const double w = row(c, PV_STAGE_MOE_ROUTER, i)[r];
      const double *d = row(c, PV_STAGE_EXPERT_DOWN, i) + (size_t)r * s->hidden;
      for (uint32_t j = 0; j < s->hidden; j++) out[j] += w * d[j];
    }
  }
}

static void argmax(f64 *c) {
  int32_t *out = (int32_t *)(void *)c->stage[PV_STAGE_ARGMAX];
  for (size_t i = 0; i < c->batch.logits; i++) {
    const double *logits = row(c, PV_STAGE_LOGITS, i);
    int32_t best = 0;
    for (int32_t v = 1; v < (int32_t)c->base.model->shape.vocab; v++)
      if (before(logits[v], v, logits[best], best)) best = v;
    out[i] = best;
  }
}

static void embed(f64 *c) {
  const pv_gguf_tensor *t = c->base.model->once.weight[PV_STAGE_EMBEDDING];
  for (size_t i = 0; i < c->batch.count; i++)
    pv_dequant_f64(t->type, t->data + c->batch.ids[i] * t->row_bytes, t->dims[0],
                   row(c, PV_STAGE_EMBEDDING, i));
}

static pv_code f64_begin(pv_backend *backend, const pv_batch *batch, pv_error *err) {
  (void)err;
  ((f64 *)backend)->batch = *batch;
  return PV_OK;
}

static pv_code f64_compute(pv_backend *backend, pv_stage_id stage, uint32_t layer, pv_error *err) {
  f64 *c = (f64 *)backend;
  const pv_model *m = backend->model;
  const pv_layer *l = &m->layers[layer];
  const size_t n = c->batch.count, k = c->batch.logits;
  const pv_stage_id stream = layer == 0 ? PV_STAGE_EMBEDDING : PV_STAGE_FFN_RESIDUAL;
  (void)err;
  c->layer = layer;
  switch (stage) {
    case PV_STAGE_EMBEDDING:
      embed(c);
      break;
    case PV_STAGE_ATTN_NORM:
      norm(c, stream, 0, l->weight[PV_STAGE_ATTN_NORM], stage, n);
      break;
    case PV_STAGE_Q:
      multiply_stage(c, l->weight[PV_STAGE_Q], PV_STAGE_ATTN_NORM, stage, n);
      break;
    case PV_STAGE_K:
      multiply_stage(c, l->weight[PV_STAGE_K], PV_STAGE_ATTN_NORM, stage, n);
      break;
    case PV_STAGE_V:
      multiply_stage(c, l->weight[PV_STAGE_V], PV_STAGE_ATTN_NORM, stage, n);
      break;
    case PV_STAGE_Q_ROPE:
      heads(c, PV_STAGE_Q, l->weight[PV_STAGE_Q_ROPE], stage);
      break;
    case PV_STAGE_K_ROPE:
      heads(c, PV_STAGE_K, l->weight[PV_STAGE_K_ROPE], stage);
      break;
    case PV_STAGE_ATTN_OUT:
      pv_pool_run(c->pool, attend_task, c, n * m->shape.heads);
      break;
    case PV_STAGE_ATTN_PROJ:
      multiply_stage(c, l->weight[PV_STAGE_ATTN_PROJ], PV_STAGE_ATTN_OUT, stage, n);
      break;
    case PV_STAGE_ATTN_RESIDUAL:
      residual(c, stream, PV_STAGE_ATTN_PROJ, stage);
      break;
    case PV_STAGE_FFN_NORM:
      norm(c, PV_STAGE_ATTN_RESIDUAL, 0, l->weight[PV_STAGE_FFN_NORM], stage, n);
      break;
    case PV_STAGE_MOE_ROUTER_LOGITS:
      multiply_stage(c, l->weight[PV_STAGE_MOE_ROUTER_LOGITS], PV_STAGE_FFN_NORM, stage, n);
      break;
    case PV_STAGE_MOE_ROUTER:
      for (size_t i = 0; i < n; i++) route_row(c, i, row(c, stage, i), NULL);
      break;
    case PV_STAGE_MOE_ROUTER_INDICES:
      for (size_t i = 0; i < n; i++) route_row(c, i, NULL, indices(c, i));
      group(c);
      break;
    case PV_STAGE_EXPERT_GATE:
      multiply_experts(c, l->weight[PV_STAGE_EXPERT_GATE], PV_STAGE_FFN_NORM, false, stage);
      break;
    case PV_STAGE_EXPERT_UP:
      multiply_experts(c, l->weight[PV_STAGE_EXPERT_UP], PV_STAGE_FFN_NORM, false, stage);
      break;
    case PV_STAGE_EXPERT_SWIGLU:
      swiglu(c);
      break;
    case PV_STAGE_EXPERT_DOWN:
      multiply_experts(c, l->weight[PV_STAGE_EXPERT_DOWN], PV_STAGE_EXPERT_SWIGLU, true, stage);
      break;
    case PV_STAGE_MOE_FFN_OUT:
      combine(c);
      break;
    case PV_STAGE_FFN_RESIDUAL:
      residual(c, PV_STAGE_ATTN_RESIDUAL, PV_STAGE_MOE_FFN_OUT, stage);
      break;
    case PV_STAGE_FINAL_NORM:
      norm(c, PV_STAGE_FFN_RESIDUAL, n - k, m->once.weight[PV_STAGE_FINAL_NORM], stage, k);
      break;
    case PV_STAGE_LOGITS:
      multiply_stage(c, m->once.weight[PV_STAGE_LOGITS], PV_STAGE_FINAL_NORM, stage, k);
      break;
    case PV_STAGE_ARGMAX:
      argmax(c);
      break;
    case PV_STAGES:
      break;
  }
  append(c, stage);
  return PV_OK;
}

static pv_code f64_run(pv_backend *backend, const pv_step *step, pv_error *err) {
  pv_code code = PV_OK;
  for (size_t i = 0; i < step->count && code == PV_OK; i++)
    code = f64_compute(backend, (pv_stage_id)(step->first + i), step->layer, err);
  return code;
}

static size_t element_bytes(pv_stage_id stage) {
  return pv_stage_is_index(stage) ? sizeof(int32_t) : sizeof(double);
}

static pv_code f64_write(pv_backend *backend, pv_stage_id stage, uint32_t layer, const void *data,
                         pv_error *err) {
  f64 *c = (f64 *)backend;
  const pv_shape *s = &c->base.model->shape;
  const size_t rows = stage >= PV_STAGE_FINAL_NORM ? c->batch.logits : c->batch.count;
  const bool routing = stage == PV_STAGE_MOE_ROUTER_INDICES;
  const int32_t *index = data;
  c->layer = layer;
  for (size_t i = 0; routing && i < rows * s->used; i++)
    if (index[i] < 0 || (uint32_t)index[i] >= s->experts)
      return pv_error_set(err, PV_ERR_INPUT, "expert %d of layer %u is outside 0..%u", index[i],
                          layer, s->experts - 1);
  memcpy(c->stage[stage], data, rows * c->width[stage] * element_bytes(stage));
  if (routing) group(c);
  append(c, stage);
  return PV_OK;
}

static pv_code f64_read(pv_backend *backend, pv_stage_id stage, size_t first, size_t rows,
                        void *out, pv_error *err) {
  const f64 *c = (const f64 *)backend;
  const size_t size = element_bytes(stage);
  if (!pv_ck_range(first, rows, c->base.config.batch))
    return pv_error_set(err, PV_ERR_INTERNAL, "rows %zu + %zu are outside the batch", first, rows);
  memcpy(out, (const char *)c->stage[stage] + first * c->width[stage] * size,
         rows * c->width[stage] * size);
  return PV_OK;
}

static uint64_t f64_memory(const pv_backend *backend) {
  return ((const f64 *)backend)->bytes;
}

const pv_backend_ops pv_backend_f64 = {.name = "cpu",
                                       .open = f64_open,
                                       .close = f64_close,
                                       .begin = f64_begin,
                                       .run = f64_run,
                                       .read = f64_read,
                                       .memory = f64_memory,
                                       .compute = f64_compute,
                                       .write = f64_write};
