/* One driver for every set of kernels on the host: it walks the rows of the plan and knows no
 * architecture. Included once for float32 and once for float64. The file that includes it has
 * defined before:
 *   real, host_kernels, host_act, host_mm, host_attend   types
 * and defines behind it:
 *   take_planes, ready                                   room for rounded rows; one such row
 *   complete_mm, complete_attend                         members that only one of both has */
#include "runtime/forward/host_state.h"

static bool in_layer(const host *h) {
  return h->defect.layer < 0 || h->defect.layer == (int64_t)h->layer;
}

static bool is_wrong(const host *h, size_t row) {
  const pv_stage_row *r = &h->rows[row];
  const pv_defect *d = &h->defect;
  return in_layer(h) &&
         ((d->ops >> r->op & 1) != 0 || (d->role != PV_ROLE_NONE && d->role == r->role));
}

/* Stages that are made together. */
typedef struct work {
  host *h;
  size_t first, count;
  bool wrong; /* the defect acts here */
  const host_kernels *kernels;
} work;

/* When a part begins, if anybody asks. */
static double now(const host *h) {
  return h->meter != NULL ? pv_clock_now() : 0.0;
}

/* A part that began at `start` has ended. `what` as in pv_meter_part. */
static void tell(const host *h, const char *what, size_t first, size_t count, double start) {
  if (h->meter == NULL) return;
  h->meter->part(h->meter->context, &(pv_meter_part){.what = what,
                                                     .rows = (((uint64_t)1 << count) - 1) << first,
                                                     .layer = h->layer,
                                                     .position = h->batch.position,
                                                     .count = h->batch.count,
                                                     .logits = h->batch.logits,
                                                     .seconds = pv_clock_now() - start});
}

/* What takes a thread less than two microseconds is done where it stands: threads need one to meet.
 * `elements`: of what a task reads. */
static void run_tasks(host *h, pv_task task, void *context, size_t count, size_t elements) {
  enum { SMALL = 1 << 11 };
  if (count * elements > SMALL) {
    pv_pool_run(h->pool, task, context, count);
    return;
  }
  for (size_t i = 0; i < count; i++) task(context, i, 0);
}

/* Matrix products: all jobs share one list of tasks. */
typedef struct job_list {
  const host_kernels *kernels;
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
  host_mm mm = j->mm;
  const size_t from = (task - j->first_task) * j->tile;
  mm.rows += from * mm.row_bytes;
  mm.first_out += from;
  mm.row_count = mm.row_count - from < j->tile ? mm.row_count - from : j->tile;
  list->kernels->mm(&mm);
}

/* Long tasks, since each begins with weights that nothing has asked for yet; but so many that no
 * thread waits long for the last. */
static void run_jobs(const work *w, size_t count) {
  enum { TASK_MOST = 1 << 19, TASK_LEAST = 1 << 14, TASKS_PER_THREAD = 32, ROWS_MIN = 16 };
  host *h = w->h;
  size_t weights = 0, tasks = 0;
  for (size_t i = 0; i < count; i++) weights += h->jobs[i].mm.row_count * h->jobs[i].mm.k;
  size_t share = weights / (TASKS_PER_THREAD * (size_t)pv_pool_threads(h->pool));
  if (share > TASK_MOST) share = TASK_MOST;
  if (share * h->batch.count < TASK_LEAST) share = TASK_LEAST / h->batch.count;
  for (size_t i = 0; i < count; i++) {
    job *j = &h->jobs[i];
    const size_t rows = share / j->mm.k & ~(size_t)(ROWS_MIN - 1);
    j->tile = rows < ROWS_MIN ? ROWS_MIN : rows;
    j->first_task = tasks;
    tasks += (j->mm.row_count + j->tile - 1) / j->tile;
  }
  job_list list = {w->kernels, h->jobs, count};
  pv_pool_run(h->pool, job_task, &list, tasks);
}

/* Rows of what products take, made ready unless whoever made them has. */
static void ready_task(void *context, size_t part, unsigned thread) {
  const work *w = context;
  host *h = w->h;
  const size_t row = h->rows[w->first].in[0];
  (void)thread;
  ready(h, &acts_of(h, row)->rows[part], at(h, row, part), h->part[row]);
}

static void add_job(host *h, size_t *count, const pv_gguf_tensor *t, const unsigned char *rows,
                    const host_act *in, real *const *out, size_t in_count) {
  host_mm *mm = &h->jobs[(*count)++].mm;
  *mm = (host_mm){.type = t->type,
                  .rows = rows,
                  .row_bytes = t->row_bytes,
                  .row_count = (size_t)t->dims[1],
                  .k = (size_t)t->dims[0],
                  .acts = in,
                  .out = out,
                  .act_count = in_count};
  complete_mm(h, mm);
}

/* One job for each active expert: its slots' activations against its rows. */
static void expert_jobs(host *h, size_t *jobs, size_t row, real **outs) {
  const size_t used = h->base.model->shape.used, slots = h->batch.count * used;
  const size_t in = h->rows[row].in[0];
  const bool by_slot = is(h, in, PV_ROW_BY_EXPERT);
  const pv_gguf_tensor *t = weight(h, row);
  for (size_t k = 0; k < slots; k++) {
    const uint32_t slot = h->groups.slots[k];
    h->job_acts[k] = acts_of(h, in)->rows[by_slot ? slot : slot / used];
    outs[k] = at(h, row, slot);
  }
  for (size_t a = 0; a < h->groups.active_count; a++) {
    const uint32_t e = h->groups.active[a], first = h->groups.first[e];
    add_job(h, jobs, t, pv_model_expert(t, e), h->job_acts + first, outs + first,
            h->groups.first[e + 1] - first);
  }
}

/* Products of one input: the jobs of all of them share the threads. */
static void multiply(work *w) {
  host *h = w->h;
  const size_t in = h->rows[w->first].in[0], rows = rows_of(h, w->first);
  acts *a = acts_of(h, in);
  size_t jobs = 0;
  if (*held_of(h, in) != in) {
    const double start = now(h);
    run_tasks(h, ready_task, w, rows * parts_of(h, in), h->part[in]);
    tell(h, "round", 0, 0, start);
  }
  *held_of(h, in) = in;
  for (size_t k = 0; k < w->count; k++) {
    const size_t row = w->first + k;
    real **outs = h->job_out + k * rows * parts_of(h, row);
    if (is(h, row, PV_ROW_BY_EXPERT)) {
      expert_jobs(h, &jobs, row, outs);
      continue;
    }
    const pv_gguf_tensor *t = weight(h, row);
    for (size_t i = 0; i < rows; i++) outs[i] = at(h, row, i);
    add_job(h, &jobs, t, t->data, a->rows, outs, rows);
  }
  const double start = now(h);
  run_jobs(w, jobs);
  tell(h, NULL, w->first, w->count, start);
}

static real *cache_row(const host *h, size_t which, size_t position) {
  real *cache = which == 0 ? h->keys : h->values;
  return cache +
         ((size_t)h->layer * h->base.config.context + position) * h->width[h->cached[which]];
}

static void attend_task(void *context, size_t task, unsigned thread) {
  const work *w = context;
  const host *h = w->h;
  const pv_defect *d = &h->defect;
  const pv_shape *s = &h->base.model->shape;
  const size_t i = task / s->heads, dim = s->head_dim;
  const uint32_t head = (uint32_t)(task % s->heads);
  const size_t group =
      w->wrong && d->group != NULL ? d->group(s, head) : head / (s->heads / s->kv_heads);
  const size_t end = w->wrong && d->visible != NULL
                         ? d->visible(&h->batch, i, h->base.config.context)
                         : h->batch.position + i + 1;
  const size_t seen = pv_shape_first(s, h->layer, h->batch.position + i);
  const size_t first = seen < end ? seen : end - 1;
  host_attend a = {.q = (const real *)at(h, source(h, w->first, 0), i) + head * dim,
                   .k = cache_row(h, 0, first) + group * dim,
                   .v = cache_row(h, 1, first) + group * dim,
                   .stride = h->width[h->cached[0]],
                   .head_dim = dim,
                   .positions = end - first,
                   .sink = h->rows[w->first].weight != NULL ? vector(h, w->first) + head : NULL,
                   .out = (real *)at(h, w->first, i) + head * dim,
                   .scratch = h->scratch + thread * h->scratch_reals};
  complete_attend(&a, s->score_scale);
  w->kernels->attend(&a);
}

/* RoPE of each head, of HEADS after its norm. */
static void make_heads(const work *w, size_t row, size_t i) {
  const host *h = w->h;
  const pv_shape *s = &h->base.model->shape;
  const bool moved = w->wrong && h->defect.position != NULL;
  const size_t position = moved ? h->defect.position(&h->batch, i) : h->batch.position + i;
  const bool second = rope_of(h, 1) != NULL && pv_shape_slides(s, h->layer);
  const size_t dim = s->head_dim;
  const size_t angles = ((second ? h->base.config.context : 0) + position) * (dim / 2);
  const real *in = at(h, source(h, row, 0), i);
  real *out = at(h, row, i);
  if (h->rows[row].op == PV_OP_ROPE) memcpy(out, in, h->width[row] * sizeof *out);
  for (size_t k = 0; k < h->width[row]; k += dim) {
    if (h->rows[row].op == PV_OP_HEADS)
      w->kernels->rmsnorm(in + k, vector(h, row), dim, s->eps, out + k);
    (is(h, row, PV_ROW_NEIGHBOURS) ? w->kernels->rope_neighbours : w->kernels->rope)(
        out + k, dim, h->cos + angles, h->sin + angles);
  }
}

/* Weights and indices of the same logits come of one call where both are asked for. */
static bool are_routed_together(const work *w, size_t row) {
  const pv_stage_row *r = &w->h->rows[row];
  return row >= w->first && row + 1 < w->first + w->count && r[0].op == PV_OP_ROUTE &&
         r[1].op == PV_OP_TOPK && r[0].in[0] == r[1].in[0];
}

static void make_route(const work *w, size_t row, size_t i) {
  const host *h = w->h;
  const pv_shape *s = &h->base.model->shape;
  const bool both = are_routed_together(w, row), index = is(h, row, PV_ROW_INDEX);
  int32_t indices[PV_EXPERTS_MAX];
  real weights[PV_EXPERTS_MAX];
  if (index && are_routed_together(w, row - 1)) return;
  w->kernels->route(s->route, at(h, source(h, row, 0), i), s->experts, s->used,
                    index  ? at(h, row, i)
                    : both ? at(h, row + 1, i)
                           : indices,
                    index ? weights : at(h, row, i));
}

static void make_combined(const work *w, size_t row, size_t i) {
  const host *h = w->h;
  const size_t used = h->base.model->shape.used;
  const real *parts[PV_EXPERTS_MAX];
  for (size_t r = 0; r < used; r++) parts[r] = at(h, source(h, row, 0), i * used + r);
  w->kernels->combine(parts, at(h, source(h, row, 1), i), used, h->width[row], at(h, row, i));
}

static void make_embedding(const work *w, size_t row, size_t i) {
  const host *h = w->h;
  const pv_gguf_tensor *t = weight(h, row);
  const float factor = h->base.model->shape.embedding_scale;
  real *out = at(h, row, i);
  w->kernels->gather(t->type, t->data + h->batch.ids[i] * t->row_bytes, h->part[row], out);
  if (factor != 0.0f) w->kernels->scale(out, (real)factor, h->part[row], out);
}

static void make_biased(const work *w, size_t row, size_t i) {
  const host *h = w->h;
  const size_t n = h->part[row];
  size_t which = 0;
  if (is(h, row, PV_ROW_BY_EXPERT))
    which = (size_t)((const int32_t *)(const void *)h->stage[source(h, row, 1)])[i];
  w->kernels->bias(at(h, source(h, row, 0), i), vector(h, row) + which * n, n, at(h, row, i));
}

/* Part `i` of a stage that is made part by part. */
static void make_part(const work *w, size_t row, size_t i) {
  const host *h = w->h;
  const host_kernels *kernels = w->kernels;
  const size_t n = h->part[row], in = source(h, row, 0);
  real *out = at(h, row, i);
  switch (h->rows[row].op) {
    case PV_OP_GATHER:
      make_embedding(w, row, i);
      break;
    case PV_OP_NORM: /* of the last rows: row 0 is the first of them */
      kernels->rmsnorm(at(h, in, rows_of(h, in) - rows_of(h, row) + i), vector(h, row), n,
                       h->base.model->shape.eps, out);
      break;
    case PV_OP_HEADS:
    case PV_OP_ROPE:
      make_heads(w, row, i);
      break;
    case PV_OP_ADD:
      kernels->add(at(h, in, i), at(h, source(h, row, 1), i), n, out);
      break;
    case PV_OP_BIAS:
      make_biased(w, row, i);
      break;
    case PV_OP_ROUTE:
    case PV_OP_TOPK:
      make_route(w, row, i);
      break;
    case PV_OP_SWIGLU:
      kernels->swiglu(at(h, in, i), at(h, source(h, row, 1), i), n, out);
      break;
    case PV_OP_GEGLU:
      kernels->geglu(at(h, in, i), at(h, source(h, row, 1), i), n, out);
      break;
    case PV_OP_SWIGLU_CLAMPED:
      kernels->swiglu_clamped(at(h, in, i), at(h, source(h, row, 1), i), n, out);
      break;
    case PV_OP_GATE:
      kernels->gate(at(h, in, i), *(const real *)at(h, source(h, row, 1), i), n, out);
      break;
    case PV_OP_COMBINE:
      make_combined(w, row, i);
      break;
    case PV_OP_ARGMAX:
      *(int32_t *)at(h, row, i) = w->kernels->argmax(at(h, in, i), h->width[in]);
      break;
    case PV_OP_MATMUL: /* multiply, attend_task */
    case PV_OP_ATTEND:
      break;
  }
}

static void part_task(void *context, size_t i, unsigned thread) {
  const work *w = context;
  host *h = w->h;
  (void)thread;
  for (size_t row = w->first; row < w->first + w->count; row++) {
    make_part(w, row, i);
    if (h->feeds[row] && !w->wrong)
      ready(h, &acts_of(h, row)->rows[i], at(h, row, i), h->part[row]);
  }
}

/* Keys and values enter the cache as soon as they are there. */
static void append(host *h, size_t row) {
  const pv_defect *d = &h->defect;
  if (!is(h, row, PV_ROW_APPENDS)) return;
  for (size_t i = 0; i < h->batch.count; i++) {
    if (d->appended != NULL && in_layer(h) && !d->appended(&h->batch, i)) continue;
    memcpy(cache_row(h, row == h->cached[0] ? 0 : 1, h->batch.position + i), at(h, row, i),
           h->width[row] * sizeof(real));
  }
}

/* What follows from a stage that has been made or written. `is_ready`: for products, too. */
static void settle(host *h, size_t row, bool is_ready) {
  const pv_shape *s = &h->base.model->shape;
  if (h->feeds[row]) *held_of(h, row) = is_ready ? row : PV_STAGES_MAX;
  if (h->rows[row].op == PV_OP_TOPK)
    pv_groups_fill(&h->groups, at(h, row, 0), h->batch.count, s->used, s->experts);
  append(h, row);
}

static void make(work *w) {
  host *h = w->h;
  const pv_shape *s = &h->base.model->shape;
  const size_t row = w->first, rows = rows_of(h, row),
               bytes = h->width[row] * element_bytes(h, row);
  const bool altered = w->wrong && h->defect.after != NULL;
  const pv_op op = h->rows[row].op;
  if (altered) memcpy(h->before, h->stage[row], rows * bytes);
  const double start = now(h);
  if (op == PV_OP_MATMUL)
    multiply(w);
  else if (op == PV_OP_ATTEND)
    run_tasks(h, attend_task, w, rows * s->heads, 2 * s->head_dim * (h->batch.position + rows));
  else
    run_tasks(h, part_task, w, rows * parts_of(h, row), h->part[row]);
  if (op != PV_OP_MATMUL) tell(h, NULL, row, w->count, start);
  for (size_t i = 0; i < rows && altered; i++)
    h->defect.after(h->batch.position + h->batch.count - rows + i, h->width[row],
                    h->before + i * bytes, h->stage[row] + i * bytes);
  const bool by_part = op != PV_OP_MATMUL && op != PV_OP_ATTEND;
  for (size_t i = 0; i < w->count; i++) settle(h, row + i, by_part && !w->wrong);
}

/* Whether two stages can be made together: products of one input, or both part by part. A stage
 * with a defect is made alone. */
static bool go_together(const host *h, size_t a, size_t b) {
  const pv_stage_row *x = &h->rows[a], *y = &h->rows[b];
  if (x->op == PV_OP_ATTEND || y->op == PV_OP_ATTEND || is_wrong(h, a) || is_wrong(h, b))
    return false;
  if (x->op == PV_OP_MATMUL && y->op == PV_OP_MATMUL && x->in[0] != y->in[0]) return false;
  return (x->op == PV_OP_MATMUL) == (y->op == PV_OP_MATMUL) && parts_of(h, a) == parts_of(h, b);
}

/* The next layer is asked for while this one is computed; the one before goes. */
static void hold(host *h, uint32_t layer) {
  const pv_model *m = h->base.model;
  const uint32_t next = layer + 1 < m->shape.layers ? layer + 1 : h->stay;
  if (h->paged == (int64_t)layer) return;
  if (h->paged >= (int64_t)h->stay) pv_room_drop_aside(&h->drops, m, (uint32_t)h->paged);
  h->paged = layer;
  if (next >= h->stay) pv_room_ask(m, next);
}

static void make_rows(host *h, size_t first, size_t count, uint32_t layer) {
  const size_t end = first + count;
  if (h->stay < h->base.model->shape.layers && !is(h, first, PV_ROW_ONCE)) hold(h, layer);
  if (h->layer != layer) h->layer = layer;
  for (size_t row = first, n = 1; row < end; row += n) {
    for (n = 1; row + n < end && go_together(h, row, row + n);) n++;
    const bool wrong = is_wrong(h, row);
    work w = {h, row, n, wrong, wrong ? &h->planted : h->kernels};
    make(&w);
  }
}

static pv_code host_begin(pv_backend *backend, const pv_batch *batch, pv_error *err) {
  host *h = (host *)backend;
  (void)err;
  h->batch = *batch;
  h->held[0] = h->held[1] = PV_STAGES_MAX;
  return PV_OK;
}

static pv_code host_run(pv_backend *backend, const pv_step *step, pv_error *err) {
  (void)err;
  make_rows((host *)backend, step->first, step->count, step->layer);
  return PV_OK;
}

static pv_code host_compute(pv_backend *backend, pv_stage_id stage, uint32_t layer, pv_error *err) {
  (void)err;
  make_rows((host *)backend, stage, 1, layer);
  return PV_OK;
}

static pv_code host_write(pv_backend *backend, pv_stage_id stage, uint32_t layer, const void *data,
                          pv_error *err) {
  host *h = (host *)backend;
  const pv_shape *s = &h->base.model->shape;
  const size_t rows = rows_of(h, stage);
  const int32_t *index = data;
  for (size_t i = 0; h->rows[stage].op == PV_OP_TOPK && i < rows * s->used; i++)
    if (index[i] < 0 || (uint32_t)index[i] >= s->experts)
      return pv_error_set(err, PV_ERR_INPUT, "expert %d of layer %u is outside 0..%u", index[i],
                          layer, s->experts - 1);
  h->layer = layer;
  memcpy(h->stage[stage], data, rows * h->width[stage] * element_bytes(h, stage));
  settle(h, stage, false);
  return PV_OK;
}

static pv_code host_read(pv_backend *backend, pv_stage_id stage, size_t first, size_t rows,
                         void *out, pv_error *err) {
  const host *h = (const host *)backend;
  const size_t bytes = h->width[stage] * element_bytes(h, stage);
  if (!pv_ck_range(first, rows, h->base.config.batch))
    return pv_error_set(err, PV_ERR_INTERNAL, "rows %zu + %zu are outside the batch", first, rows);
  memcpy(out, h->stage[stage] + first * bytes, rows * bytes);
  return PV_OK;
}

static pv_code host_meter(pv_backend *backend, const pv_meter *meter, pv_error *err) {
  (void)err;
  ((host *)backend)->meter = meter;
  return PV_OK;
}

static uint64_t host_memory(const pv_backend *backend) {
  return ((const host *)backend)->bytes;
}
