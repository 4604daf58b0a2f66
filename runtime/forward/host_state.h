/* What the driver of host_driver.h keeps, and where its rows lie. Included by it alone, once for
 * each kind of real. */
#include <stdlib.h>
#include <string.h>

#include "base/ck.h"
#include "base/clock.h"
#include "base/pool.h"
#include "runtime/forward/groups.h"
#include "runtime/forward/host.h"
#include "runtime/forward/room.h"

/* Rows as products take them. */
typedef struct acts {
  host_act *rows;
  void *planes[8];
} acts;

typedef struct job { /* one matrix product, cut into tasks of `tile` rows */
  host_mm mm;
  size_t tile, first_task;
} job;

typedef struct host {
  pv_backend base;
  const pv_stage_row *rows; /* of the plan */
  const host_kernels *kernels;
  host_kernels planted; /* those with the defect's */
  pv_defect defect;
  pv_product product;
  const pv_meter *meter; /* NULL: nobody asks for times */
  pv_pool *pool;
  pv_batch batch;
  unsigned char *stage[PV_STAGES_MAX]; /* real, or int32_t */
  unsigned char *before;               /* a stage before it was computed; NULL: not needed */
  real *keys, *values;                 /* [layer][context][kv width] */
  real *cos, *sin; /* [context][head_dim / 2]; once more for sliding layers that have their own */
  real *scratch;   /* per thread, for attention */
  size_t scratch_reals;
  acts plain, expert; /* one row per position; one per (position, rank) */
  pv_groups groups;
  job *jobs;
  host_act *job_acts;
  real **job_out;
  uint64_t bytes;
  uint32_t stay; /* layers before this one stay in memory; all of them where nobody limits it */
  pv_room_drops drops;
  int64_t paged; /* of the others the one that is there; -1: none */
  size_t width[PV_STAGES_MAX], part[PV_STAGES_MAX]; /* part: of one chosen expert */
  bool feeds[PV_STAGES_MAX];                        /* products take it */
  size_t embedding, layer_out;                      /* rows: what the stream is */
  size_t cached[2];                                 /* rows: keys, values */
  /* Written between tasks, in lines of the cache that tasks read nothing else from. */
  _Alignas(64) size_t held[2]; /* the stage that plain and expert hold; PV_STAGES_MAX: none */
  uint32_t layer;
} host;

static void take_planes(host *h, acts *a, size_t rows, size_t k, bool *failed);
static void ready(const host *h, host_act *act, const real *x, size_t k);
static void complete_mm(const host *h, host_mm *mm);
static void complete_attend(host_attend *attend, float scale);

static void *take(host *h, uint64_t count, uint64_t size, bool *failed) {
  uint64_t bytes = 0;
  size_t n = 0;
  if (*failed || !pv_ck_mul(count, size, &bytes) || !pv_ck_size(bytes, &n)) {
    *failed = true;
    return NULL;
  }
  void *p = calloc(1, n > 0 ? n : 1);
  if (p == NULL) *failed = true;
  h->bytes += bytes;
  return p;
}

static void host_close(pv_backend *backend) {
  host *h = (host *)backend;
  pv_room_drops_end(&h->drops);
  pv_pool_close(h->pool);
  for (size_t s = 0; s < PV_STAGES_MAX; s++) free(h->stage[s]);
  acts *both[] = {&h->plain, &h->expert};
  for (int i = 0; i < 2; i++) {
    free(both[i]->rows);
    for (int k = 0; k < 8; k++) free(both[i]->planes[k]);
  }
  void *const all[] = {h->before, h->keys,          h->values,       h->cos,
                       h->sin,    h->scratch,       h->groups.slots, h->groups.first,
                       h->jobs,   h->groups.active, h->job_acts,     (void *)h->job_out};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
  free(h);
}

static bool is(const host *h, size_t row, unsigned flag) {
  return (h->rows[row].flags & flag) != 0;
}

static acts *acts_of(host *h, size_t row) {
  return is(h, row, PV_ROW_BY_EXPERT) ? &h->expert : &h->plain;
}

static size_t *held_of(host *h, size_t row) {
  return &h->held[is(h, row, PV_ROW_BY_EXPERT)];
}

/* The tables of RoPE, one after the other: sliding layers may have a second. */
static const pv_rope *rope_of(const host *h, size_t table) {
  const pv_shape *s = &h->base.model->shape;
  if (table == 0) return &s->rope;
  return s->window > 0 && s->rope_sliding.base > 0.0 ? &s->rope_sliding : NULL;
}

static void take_angles(host *h, bool *failed) {
  const size_t dim = h->base.model->shape.head_dim, context = h->base.config.context;
  const size_t tables = rope_of(h, 1) != NULL ? 2 : 1, half = dim / 2;
  h->cos = take(h, tables * context, half * sizeof(real), failed);
  h->sin = take(h, tables * context, half * sizeof(real), failed);
  for (size_t i = 0; i < tables * context && !*failed; i++)
    h->kernels->angles(rope_of(h, i / context), dim, i % context, h->cos + i * half,
                       h->sin + i * half);
}

static void take_acts(host *h, acts *a, size_t rows, size_t k, bool *failed) {
  a->rows = take(h, rows, sizeof *a->rows, failed);
  take_planes(h, a, rows, k, failed);
}

static bool take_all(host *h) {
  const pv_shape *s = &h->base.model->shape;
  const size_t rows = h->base.config.batch, slots = rows * s->used;
  const size_t count = h->base.model->plan->count, context = h->base.config.context;
  const uint64_t cache = (uint64_t)s->layers * context;
  size_t widest = 0, k[2] = {0}; /* k: of what products take, and by expert */
  bool failed = false;
  for (size_t i = 0; i < count; i++) {
    size_t *most = &k[is(h, i, PV_ROW_BY_EXPERT) ? 1 : 0];
    h->stage[i] = take(h, rows, h->width[i] * sizeof(real), &failed);
    if (h->width[i] > widest) widest = h->width[i];
    if (h->feeds[i] && h->part[i] > *most) *most = h->part[i];
  }
  if (h->defect.after != NULL) h->before = take(h, rows, widest * sizeof(real), &failed);
  h->keys = take(h, cache, h->width[h->cached[0]] * sizeof(real), &failed);
  h->values = take(h, cache, h->width[h->cached[1]] * sizeof(real), &failed);
  take_angles(h, &failed);
  h->scratch_reals = h->kernels->attend_scratch(s->head_dim, context);
  h->scratch = take(h, pv_pool_threads(h->pool), h->scratch_reals * sizeof(real), &failed);
  take_acts(h, &h->plain, rows, k[0], &failed);
  take_acts(h, &h->expert, slots, k[1], &failed);
  h->groups.slots = take(h, slots, sizeof(uint32_t), &failed);
  h->groups.first = take(h, s->experts + 1u, sizeof(uint32_t), &failed);
  h->groups.active = take(h, s->experts, sizeof(uint32_t), &failed);
  h->jobs = take(h, PV_STEP_ROWS * (s->experts + 1u), sizeof *h->jobs, &failed);
  h->job_acts = take(h, slots, sizeof *h->job_acts, &failed);
  h->job_out = take(h, PV_STEP_ROWS * (slots + rows), sizeof *h->job_out, &failed);
  return !failed;
}

/* What of the plan is asked for again and again. */
static void note_plan(host *h) {
  const pv_plan *plan = h->base.model->plan;
  h->rows = plan->rows;
  h->embedding = (size_t)pv_plan_role(plan, PV_ROLE_EMBEDDING);
  h->layer_out = (size_t)pv_plan_role(plan, PV_ROLE_LAYER_OUT);
  for (size_t i = 0; i < plan->count; i++) {
    h->width[i] = pv_plan_width(plan, i, &h->base.model->shape);
    h->part[i] = pv_plan_part(plan, i, &h->base.model->shape);
    if (plan->rows[i].op == PV_OP_MATMUL) h->feeds[plan->rows[i].in[0]] = true;
    for (size_t k = 0; k < 2 && plan->rows[i].op == PV_OP_ATTEND; k++)
      h->cached[k] = plan->rows[i].in[k + 1];
  }
}

/* Where memory is limited: layers of the mapped file come and go beside what was taken. */
static pv_code choose_layers(host *h, pv_error *err) {
  const pv_model *m = h->base.model;
  const uint32_t layers = m->shape.layers;
  const pv_room room = {m->memory, h->bytes + pv_room_file_bytes(m, true, 0), "memory",
                        "allow more with --memory, or ask for less context and smaller batches"};
  h->paged = -1;
  h->stay = layers;
  if (m->memory == 0) return PV_OK;
  uint64_t *bytes = calloc(layers, sizeof *bytes);
  if (bytes == NULL) return pv_error_nomem(err, "the sizes of layers");
  for (uint32_t i = 0; i < layers; i++) bytes[i] = pv_room_file_bytes(m, false, i);
  const pv_code code = pv_room_layers(&room, bytes, layers, &h->stay, err);
  free(bytes);
  return code;
}

static pv_code host_open(const host *with, const pv_model *model, const pv_backend_config *config,
                         pv_backend **out, pv_error *err) {
  host *h = aligned_alloc(_Alignof(host), sizeof *h);
  if (h == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for a backend");
  *h = *with;
  h->base.model = model;
  h->base.config = *config;
  h->base.real_bytes = sizeof(real);
  note_plan(h);
  pv_code code = pv_pool_open(config->threads, &h->pool, err);
  if (code == PV_OK && !take_all(h))
    code = pv_error_set(err, PV_ERR_NOMEM,
                        "out of memory: %zu positions of context and batches of %zu",
                        config->context, config->batch);
  if (code == PV_OK) code = choose_layers(h, err);
  if (code == PV_OK)
    *out = &h->base;
  else
    host_close(&h->base);
  return code;
}

static size_t element_bytes(const host *h, size_t row) {
  return is(h, row, PV_ROW_INDEX) ? sizeof(int32_t) : sizeof(real);
}

/* Part `i` of a stage: a position's row, or what one of its experts has of it. */
static void *at(const host *h, size_t row, size_t i) {
  return h->stage[row] + i * h->part[row] * element_bytes(h, row);
}

static size_t parts_of(const host *h, size_t row) {
  return is(h, row, PV_ROW_BY_EXPERT) ? h->base.model->shape.used : 1;
}

static size_t rows_of(const host *h, size_t row) {
  return is(h, row, PV_ROW_LAST_ROWS) ? h->batch.logits : h->batch.count;
}

/* The row of an input. */
static size_t source(const host *h, size_t row, size_t k) {
  const size_t in = h->rows[row].in[k];
  if (in != PV_STREAM) return in;
  return h->layer == 0 && !is(h, row, PV_ROW_ONCE) ? h->embedding : h->layer_out;
}

static const pv_gguf_tensor *weight(const host *h, size_t row) {
  return pv_model_weight(h->base.model, row, h->layer);
}

/* A gain, a bias, sinks: a vector of F32. */
static const float *vector(const host *h, size_t row) {
  return (const float *)(const void *)weight(h, row)->data;
}
