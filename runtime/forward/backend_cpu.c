/* The CPU backend: identities i16, i8 and f32-f64acc over the kernels of kernels/cpu. */
#include <stdlib.h>
#include <string.h>

#include "base/ck.h"
#include "base/pool.h"
#include "kernels/arith/arith.h"
#include "kernels/arith/rope.h"
#include "kernels/cpu/cpu.h"
#include "runtime/forward/backend.h"
#include "runtime/forward/groups.h"

/* Rounded rows, one buffer for the widest of them. */
typedef struct acts {
  pv_act *rows;
  int16_t *q;
  float *d;
  int32_t *sum, *offset;
} acts;

typedef struct job { /* one matrix product, cut into tasks of `tile` rows */
  pv_mm mm;
  size_t tile, first_task;
} job;

typedef struct cpu {
  pv_backend base;
  const pv_cpu_path *path;
  pv_product product;
  pv_pool *pool;
  pv_batch batch;
  float *stage[PV_STAGES]; /* index stages hold int32_t */
  float *keys, *values;    /* [layer][context][kv width] */
  float *cos, *sin;        /* [context][head_dim / 2] */
  float *scratch;          /* per thread, for attention */
  size_t scratch_floats;
  acts plain, expert; /* one row per position; one per (position, rank) */
  pv_groups groups;
  job *jobs;
  pv_act *job_acts;
  float **job_out;
  uint64_t bytes;
  size_t width[PV_STAGES];
  uint32_t layer;
  pv_stage_id norm_out, norm_in; /* arguments of the norm tasks */
  const pv_gguf_tensor *norm_weight;
  size_t norm_first;
} cpu;

static void *take(cpu *c, uint64_t count, uint64_t size, bool *failed) {
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

static void take_acts(cpu *c, acts *a, size_t rows, size_t k, bool *failed) {
  const size_t padded = pv_act_padded(k), segments = padded / PV_SEGMENT;
  a->rows = take(c, rows, sizeof *a->rows, failed);
  a->q = take(c, rows, padded * sizeof *a->q, failed);
  a->d = take(c, rows, segments * sizeof *a->d, failed);
  a->sum = take(c, rows, segments * sizeof *a->sum, failed);
  a->offset = take(c, rows, 2 * segments * sizeof *a->offset, failed);
  for (size_t i = 0; i < rows && !*failed; i++)
    a->rows[i] = (pv_act){NULL, a->q + i * padded, a->d + i * segments, a->sum + i * segments,
                          a->offset + 2 * i * segments};
}

static void cpu_close(pv_backend *backend) {
  cpu *c = (cpu *)backend;
  pv_pool_close(c->pool);
  for (int s = 0; s < PV_STAGES; s++) free(c->stage[s]);
  acts *both[] = {&c->plain, &c->expert};
  for (int i = 0; i < 2; i++) {
    free(both[i]->rows);
    free(both[i]->q);
    free(both[i]->d);
    free(both[i]->sum);
    free(both[i]->offset);
  }
  free(c->keys);
  free(c->values);
  free(c->cos);
  free(c->sin);
  free(c->scratch);
  free(c->groups.slots);
  free(c->groups.first);
  free(c->groups.active);
  free(c->jobs);
  free(c->job_acts);
  free(c->job_out);
  free(c);
}

static bool take_all(cpu *c) {
  const pv_shape *s = &c->base.model->shape;
  const size_t rows = c->base.config.batch, slots = rows * s->used;
  const size_t kv = c->width[PV_STAGE_K], q = c->width[PV_STAGE_Q];
  bool failed = false;
  for (int i = 0; i < PV_STAGES; i++)
    c->stage[i] = take(c, rows, c->width[i] * sizeof(float), &failed);
  const uint64_t cache = (uint64_t)s->layers * c->base.config.context;
  c->keys = take(c, cache, kv * sizeof(float), &failed);
  c->values = take(c, cache, kv * sizeof(float), &failed);
  c->cos = take(c, c->base.config.context, s->head_dim / 2 * sizeof(float), &failed);
  c->sin = take(c, c->base.config.context, s->head_dim / 2 * sizeof(float), &failed);
  c->scratch_floats = pv_attend_scratch(s->head_dim, c->base.config.context);
  c->scratch = take(c, pv_pool_threads(c->pool), c->scratch_floats * sizeof(float), &failed);
  take_acts(c, &c->plain, rows, q > s->hidden ? q : s->hidden, &failed);
  take_acts(c, &c->expert, slots, s->ffn, &failed);
  c->groups.slots = take(c, slots, sizeof(uint32_t), &failed);
  c->groups.first = take(c, s->experts + 1u, sizeof(uint32_t), &failed);
  c->groups.active = take(c, s->experts, sizeof(uint32_t), &failed);
  c->jobs = take(c, 2u * s->experts + 3u, sizeof *c->jobs, &failed);
  c->job_acts = take(c, slots + rows, sizeof *c->job_acts, &failed);
  c->job_out = take(c, 3 * (slots + rows), sizeof *c->job_out, &failed);
  return !failed;
}

static pv_code cpu_open(const pv_model *model, const pv_backend_config *config, pv_backend **out,
                        pv_error *err) {
  const pv_shape *s = &model->shape;
  if (config->numerics == PV_NUMERICS_F64)
    return pv_error_set(err, PV_ERR_INTERNAL, "the arbiter has a backend of its own");
  cpu *c = calloc(1, sizeof *c);
  if (c == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for the CPU backend");
  c->base = (pv_backend){&pv_backend_cpu, model, *config, sizeof(float)};
  c->product = config->numerics == PV_NUMERICS_I16  ? PV_PRODUCT_I16
               : config->numerics == PV_NUMERICS_I8 ? PV_PRODUCT_I8
                                                    : PV_PRODUCT_F64ACC;
  for (int i = 0; i < PV_STAGES; i++) c->width[i] = pv_stage_width((pv_stage_id)i, s);
  c->path = pv_cpu_path_get(config->path);
  pv_code code = PV_OK;
  if (c->path == NULL)
    code = pv_error_set(err, PV_ERR_UNSUPPORTED, "this machine has no CPU path '%s'", config->path);
  if (code == PV_OK) code = pv_pool_open(config->threads, &c->pool, err);
  if (code == PV_OK && !take_all(c))
    code = pv_error_set(err, PV_ERR_NOMEM,
                        "out of memory: %zu positions of context and batches of %zu",
                        config->context, config->batch);
  if (code != PV_OK) {
    cpu_close(&c->base);
    return code;
  }
  const size_t half = s->head_dim / 2;
  for (size_t p = 0; p < config->context; p++)
    pv_rope_row(s->rope_base, s->head_dim, p, c->cos + p * half, c->sin + p * half);
  *out = &c->base;
  return PV_OK;
}

static float *row(const cpu *c, pv_stage_id stage, size_t i) {
  return c->stage[stage] + i * c->width[stage];
}

static void round_row(const cpu *c, pv_act *act, const float *x, size_t k) {
  act->x = x;
  if (c->product == PV_PRODUCT_F64ACC) return;
  c->path->round(c->product, x, k, (int16_t *)(uintptr_t)act->q, (float *)(uintptr_t)act->d,
                 (int32_t *)(uintptr_t)act->sum, (int32_t *)(uintptr_t)act->offset);
}

/* Matrix products: all jobs share one list of tasks. */
typedef struct job_list {
  const cpu *c;
  const job *jobs;
  size_t count;
} job_list;

static void job_task(void *context, size_t task, unsigned thread) {
  const job_list *list = context;
  (void)thread;
  size_t low = 0, high = list->count;
  while (high - low > 1) {
    const size_t middle = (low + high) / 2;
    if (list->jobs[middle].first_task <= task)
      low = middle;
    else
      high = middle;
  }
  const job *j = &list->jobs[low];
  pv_mm mm = j->mm;
  const size_t at = (task - j->first_task) * j->tile;
  mm.rows += at * mm.row_bytes;
  mm.first_out += at;
  mm.row_count = mm.row_count - at < j->tile ? mm.row_count - at : j->tile;
  list->c->path->mm(&mm);
}

static void add_job(cpu *c, size_t *count, const pv_gguf_tensor *w, const unsigned char *rows,
                    const pv_act *act, float *const *out, size_t act_count) {
  job *j = &c->jobs[(*count)++];
  j->mm = (pv_mm){w->type, c->product, rows, w->row_bytes, (size_t)w->dims[1], (size_t)w->dims[0],
                  act,     out,        0,    act_count};
}

/* Long tasks, since each begins with weights that nothing has asked for yet; but so many that no
 * thread waits long for the last. */
static void run_jobs(cpu *c, size_t count) {
  enum { TASK_WEIGHTS = 1 << 19, TASKS_PER_THREAD = 32, ROWS_MIN = 16 };
  size_t weights = 0, tasks = 0;
  for (size_t i = 0; i < count; i++) weights += c->jobs[i].mm.row_count * c->jobs[i].mm.k;
  const size_t share = weights / (TASKS_PER_THREAD * (size_t)pv_pool_threads(c->pool));
  for (size_t i = 0; i < count; i++) {
    job *j = &c->jobs[i];
    const size_t rows = (share < TASK_WEIGHTS ? share : TASK_WEIGHTS) / j->mm.k & ~(size_t)3;
    j->tile = rows < ROWS_MIN ? ROWS_MIN : rows;
    j->first_task = tasks;
    tasks += (j->mm.row_count + j->tile - 1) / j->tile;
  }
  job_list list = {c, c->jobs, count};
  pv_pool_run(c->pool, job_task, &list, tasks);
}

/* Rows of a stage as output pointers; returns them. */
static float *const *outputs(cpu *c, size_t first, pv_stage_id stage, size_t count) {
  float **out = c->job_out + first;
  for (size_t i = 0; i < count; i++) out[i] = row(c, stage, i);
  return out;
}

static void embed_task(void *context, size_t i, unsigned thread) {
  cpu *c = context;
  const pv_gguf_tensor *t = c->base.model->once.weight[PV_STAGE_EMBEDDING];
  (void)thread;
  pv_dequant_f32(t->type, t->data + c->batch.ids[i] * t->row_bytes, t->dims[0],
                 row(c, PV_STAGE_EMBEDDING, i));
}

static void norm_task(void *context, size_t i, unsigned thread) {
  cpu *c = context;
  const pv_shape *s = &c->base.model->shape;
  float *out = row(c, c->norm_out, i);
  (void)thread;
  c->path->rmsnorm(row(c, c->norm_in, c->norm_first + i),
                   (const float *)(const void *)c->norm_weight->data, s->hidden, s->eps, out);
  round_row(c, &c->plain.rows[i], out, s->hidden);
}

static void norm(cpu *c, pv_stage_id in, size_t first, const pv_gguf_tensor *weight,
                 pv_stage_id out, size_t rows) {
  c->norm_in = in;
  c->norm_first = first;
  c->norm_weight = weight;
  c->norm_out = out;
  pv_pool_run(c->pool, norm_task, c, rows);
}

static void qkv(cpu *c, const pv_layer *l) {
  const size_t n = c->batch.count;
  size_t jobs = 0;
  add_job(c, &jobs, l->weight[PV_STAGE_Q], l->weight[PV_STAGE_Q]->data, c->plain.rows,
          outputs(c, 0, PV_STAGE_Q, n), n);
  add_job(c, &jobs, l->weight[PV_STAGE_K], l->weight[PV_STAGE_K]->data, c->plain.rows,
          outputs(c, n, PV_STAGE_K, n), n);
  add_job(c, &jobs, l->weight[PV_STAGE_V], l->weight[PV_STAGE_V]->data, c->plain.rows,
          outputs(c, 2 * n, PV_STAGE_V, n), n);
  run_jobs(c, jobs);
}

static float *cache_row(const cpu *c, float *cache, size_t position) {
  const size_t kv = c->width[PV_STAGE_K];
  return cache + ((size_t)c->layer * c->base.config.context + position) * kv;
}

static void heads_task(void *context, size_t i, unsigned thread) {
  cpu *c = context;
  const pv_shape *s = &c->base.model->shape;
  const pv_layer *l = &c->base.model->layers[c->layer];
  const size_t dim = s->head_dim, position = c->batch.position + i;
  const float *cos = c->cos + position * (dim / 2), *sin = c->sin + position * (dim / 2);
  const struct {
    pv_stage_id in, out;
    uint32_t heads;
    const pv_gguf_tensor *weight;
  } side[2] = {{PV_STAGE_Q, PV_STAGE_Q_ROPE, s->heads, l->weight[PV_STAGE_Q_ROPE]},
               {PV_STAGE_K, PV_STAGE_K_ROPE, s->kv_heads, l->weight[PV_STAGE_K_ROPE]}};
  (void)thread;
  for (int k = 0; k < 2; k++)
    for (size_t h = 0; h < side[k].heads; h++) {
      float *out = row(c, side[k].out, i) + h * dim;
      c->path->rmsnorm(row(c, side[k].in, i) + h * dim,
                       (const float *)(const void *)side[k].weight->data, dim, s->eps, out);
      c->path->rope(out, dim, cos, sin);
    }
  const size_t kv_bytes = c->width[PV_STAGE_K] * sizeof(float);
  memcpy(cache_row(c, c->keys, position), row(c, PV_STAGE_K_ROPE, i), kv_bytes);
  memcpy(cache_row(c, c->values, position), row(c, PV_STAGE_V, i), kv_bytes);
}

static void attend_task(void *context, size_t task, unsigned thread) {
  cpu *c = context;
  const pv_shape *s = &c->base.model->shape;
  const size_t i = task / s->heads, h = task % s->heads, dim = s->head_dim;
  const size_t group = h / (s->heads / s->kv_heads);
  const pv_attend a = {
      .q = row(c, PV_STAGE_Q_ROPE, i) + h * dim,
      .k = cache_row(c, c->keys, 0) + group * dim,
      .v = cache_row(c, c->values, 0) + group * dim,
      .stride = c->width[PV_STAGE_K],
      .head_dim = dim,
      .positions = c->batch.position + i + 1,
      .scale = 1.0f / __builtin_sqrtf((float)dim),
      .out = row(c, PV_STAGE_ATTN_OUT, i) + h * dim,
      .scratch = c->scratch + thread * c->scratch_floats,
  };
  c->path->attend(&a);
}

static void round_attention_task(void *context, size_t i, unsigned thread) {
  cpu *c = context;
  (void)thread;
  round_row(c, &c->plain.rows[i], row(c, PV_STAGE_ATTN_OUT, i), c->width[PV_STAGE_ATTN_OUT]);
}

static void attention_projection(cpu *c, const pv_layer *l) {
  const size_t n = c->batch.count;
  const pv_stage_id input = c->layer == 0 ? PV_STAGE_EMBEDDING : PV_STAGE_FFN_RESIDUAL;
  size_t jobs = 0;
  pv_pool_run(c->pool, round_attention_task, c, n);
  add_job(c, &jobs, l->weight[PV_STAGE_ATTN_PROJ], l->weight[PV_STAGE_ATTN_PROJ]->data,
          c->plain.rows, outputs(c, 0, PV_STAGE_ATTN_PROJ, n), n);
  run_jobs(c, jobs);
  for (size_t i = 0; i < n; i++)
    c->path->add(row(c, input, i), row(c, PV_STAGE_ATTN_PROJ, i), c->base.model->shape.hidden,
                 row(c, PV_STAGE_ATTN_RESIDUAL, i));
}

static int32_t *indices(const cpu *c, size_t i) {
  return (int32_t *)(void *)row(c, PV_STAGE_MOE_ROUTER_INDICES, i);
}

static void route(cpu *c, const pv_layer *l) {
  const pv_shape *s = &c->base.model->shape;
  const size_t n = c->batch.count;
  size_t jobs = 0;
  add_job(c, &jobs, l->weight[PV_STAGE_MOE_ROUTER_LOGITS],
          l->weight[PV_STAGE_MOE_ROUTER_LOGITS]->data, c->plain.rows,
          outputs(c, 0, PV_STAGE_MOE_ROUTER_LOGITS, n), n);
  run_jobs(c, jobs);
  for (size_t i = 0; i < n; i++)
    c->path->route(row(c, PV_STAGE_MOE_ROUTER_LOGITS, i), s->experts, s->used, indices(c, i),
                   row(c, PV_STAGE_MOE_ROUTER, i));
  pv_groups_fill(&c->groups, indices(c, 0), n, s->used, s->experts);
}

/* One job for each active expert: its slots' activations against its rows. */
static void expert_jobs(cpu *c, size_t *jobs, const pv_gguf_tensor *w, const acts *in, bool by_slot,
                        pv_stage_id out, size_t out_first) {
  const pv_shape *s = &c->base.model->shape;
  const size_t width = (size_t)w->dims[1];
  const size_t slots = c->batch.count * s->used;
  float **outs = c->job_out + out_first;
  for (size_t k = 0; k < slots; k++) {
    const uint32_t slot = c->groups.slots[k];
    c->job_acts[k] = in->rows[by_slot ? slot : slot / s->used];
    outs[k] = c->stage[out] + slot * width;
  }
  for (size_t a = 0; a < c->groups.active_count; a++) {
    const uint32_t e = c->groups.active[a], first = c->groups.first[e];
    add_job(c, jobs, w, pv_model_expert(w, e), c->job_acts + first, outs + first,
            c->groups.first[e + 1] - first);
  }
}

static void swiglu_task(void *context, size_t slot, unsigned thread) {
  cpu *c = context;
  const size_t f = c->base.model->shape.ffn, at = slot * f;
  float *out = c->stage[PV_STAGE_EXPERT_SWIGLU] + at;
  (void)thread;
  c->path->swiglu(c->stage[PV_STAGE_EXPERT_GATE] + at, c->stage[PV_STAGE_EXPERT_UP] + at, f, out);
  round_row(c, &c->expert.rows[slot], out, f);
}

static void experts(cpu *c, const pv_layer *l) {
  const size_t slots = c->batch.count * c->base.model->shape.used;
  size_t jobs = 0;
  expert_jobs(c, &jobs, l->weight[PV_STAGE_EXPERT_GATE], &c->plain, false, PV_STAGE_EXPERT_GATE, 0);
  expert_jobs(c, &jobs, l->weight[PV_STAGE_EXPERT_UP], &c->plain, false, PV_STAGE_EXPERT_UP, slots);
  run_jobs(c, jobs);
  pv_pool_run(c->pool, swiglu_task, c, slots);
}

static void combine_task(void *context, size_t i, unsigned thread) {
  cpu *c = context;
  const pv_shape *s = &c->base.model->shape;
  const float *rows[PV_EXPERTS_MAX];
  (void)thread;
  for (size_t r = 0; r < s->used; r++) rows[r] = row(c, PV_STAGE_EXPERT_DOWN, i) + r * s->hidden;
  c->path->combine(rows, row(c, PV_STAGE_MOE_ROUTER, i), s->used, s->hidden,
                   row(c, PV_STAGE_MOE_FFN_OUT, i));
  c->path->add(row(c, PV_STAGE_ATTN_RESIDUAL, i), row(c, PV_STAGE_MOE_FFN_OUT, i), s->hidden,
               row(c, PV_STAGE_FFN_RESIDUAL, i));
}

static void down(cpu *c, const pv_layer *l) {
  size_t jobs = 0;
  expert_jobs(c, &jobs, l->weight[PV_STAGE_EXPERT_DOWN], &c->expert, true, PV_STAGE_EXPERT_DOWN, 0);
  run_jobs(c, jobs);
  pv_pool_run(c->pool, combine_task, c, c->batch.count);
}

static void argmax_task(void *context, size_t i, unsigned thread) {
  cpu *c = context;
  const float *logits = row(c, PV_STAGE_LOGITS, i);
  int32_t best = 0;
  (void)thread;
  for (size_t v = 1; v < c->width[PV_STAGE_LOGITS]; v++)
    if (pv_before(logits[v], (int64_t)v, logits[best], best)) best = (int32_t)v;
  *(int32_t *)(void *)row(c, PV_STAGE_ARGMAX, i) = best;
}

static void head(cpu *c) {
  const pv_gguf_tensor *w = c->base.model->once.weight[PV_STAGE_LOGITS];
  const size_t n = c->batch.logits;
  size_t jobs = 0;
  add_job(c, &jobs, w, w->data, c->plain.rows, outputs(c, 0, PV_STAGE_LOGITS, n), n);
  run_jobs(c, jobs);
  pv_pool_run(c->pool, argmax_task, c, n);
}

static pv_code cpu_begin(pv_backend *backend, const pv_batch *batch, pv_error *err) {
  (void)err;
  ((cpu *)backend)->batch = *batch;
  return PV_OK;
}

static pv_code cpu_run(pv_backend *backend, const pv_step *step, pv_error *err) {
  cpu *c = (cpu *)backend;
  const pv_model *m = backend->model;
  const uint32_t layer = step->layer;
  const pv_layer *l = &m->layers[layer];
  const size_t n = c->batch.count;
  (void)err;
  c->layer = layer;
  switch (step->first) {
    case PV_STAGE_EMBEDDING:
      pv_pool_run(c->pool, embed_task, c, n);
      break;
    case PV_STAGE_ATTN_NORM:
      norm(c, layer == 0 ? PV_STAGE_EMBEDDING : PV_STAGE_FFN_RESIDUAL, 0,
           l->weight[PV_STAGE_ATTN_NORM], PV_STAGE_ATTN_NORM, n);
      break;
    case PV_STAGE_Q:
      qkv(c, l);
      break;
    case PV_STAGE_Q_ROPE:
      pv_pool_run(c->pool, heads_task, c, n);
      break;
    case PV_STAGE_ATTN_OUT:
      pv_pool_run(c->pool, attend_task, c, n * m->shape.heads);
      break;
    case PV_STAGE_ATTN_PROJ:
      attention_projection(c, l);
      break;
    case PV_STAGE_FFN_NORM:
      norm(c, PV_STAGE_ATTN_RESIDUAL, 0, l->weight[PV_STAGE_FFN_NORM], PV_STAGE_FFN_NORM, n);
      break;
    case PV_STAGE_MOE_ROUTER_LOGITS:
      route(c, l);
      break;
    case PV_STAGE_EXPERT_GATE:
      experts(c, l);
      break;
    case PV_STAGE_EXPERT_DOWN:
      down(c, l);
      break;
    case PV_STAGE_FINAL_NORM:
      norm(c, PV_STAGE_FFN_RESIDUAL, n - c->batch.logits, m->once.weight[PV_STAGE_FINAL_NORM],
           PV_STAGE_FINAL_NORM, c->batch.logits);
      break;
    case PV_STAGE_LOGITS:
      head(c);
      break;
  }
  return PV_OK;
}

static pv_code cpu_read(pv_backend *backend, pv_stage_id stage, size_t first, size_t rows,
                        void *out, pv_error *err) {
  const cpu *c = (const cpu *)backend;
  if (!pv_ck_range(first, rows, c->base.config.batch))
    return pv_error_set(err, PV_ERR_INTERNAL, "rows %zu + %zu are outside the batch", first, rows);
  memcpy(out, row(c, stage, first), rows * c->width[stage] * sizeof(float));
  return PV_OK;
}

static uint64_t cpu_memory(const pv_backend *backend) {
  return ((const cpu *)backend)->bytes;
}

const pv_backend_ops pv_backend_cpu = {.name = "cpu",
                                       .open = cpu_open,
                                       .close = cpu_close,
                                       .begin = cpu_begin,
                                       .run = cpu_run,
                                       .read = cpu_read,
                                       .memory = cpu_memory};
