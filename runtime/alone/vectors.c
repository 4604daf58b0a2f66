/* Cases of kernels without weights. */
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "kernels/arith/arith.h"
#include "runtime/alone/trial.h"

enum { BLOCKS_MOST = 66 }; /* of attend_step for one group of heads: what a device has room for */

/* Every other case is rounded in blocks of 256, where its rows are made of these. */
static pv_grain grain_of(const pv_trial *t) {
  return t->c.k % 256 == 0 && t->c.data % 2 == 1 ? PV_GRAIN_256 : PV_GRAIN_32;
}

void pv_trial_norm(pv_trial *t) {
  const uint32_t k = t->c.k, n = t->c.batch;
  if (!pv_trial_takes(t, n, &(pv_cuda_norm){.n = k})) return;
  const pv_cuda_step step = {0, n + 2, n, 0}; /* two rows before have no logits */
  const float *x = pv_trial_reals(t, (size_t)(n + 2) * k), *weight = pv_trial_reals(t, k);
  float *want = PV_TRIAL_NEW(t, (size_t)n * k, float);
  if (t->code != PV_OK) return;
  for (uint32_t i = 0; i < n; i++)
    t->ops->rmsnorm(x + (size_t)(i + 2) * k, weight, k, 1e-6f, want + (size_t)i * k);
  /* What a last segment that is not whole is rounded to is not defined: no product reads it. */
  pv_cuda_acts rounded = {0};
  const pv_grain grain = grain_of(t);
  if (k % PV_SEGMENT == 0) rounded = pv_trial_rounded(t, grain, want, k, n);
  const pv_cuda_norm a = {pv_trial_input(t, x, (size_t)(n + 2) * k * sizeof *x),
                          pv_trial_input(t, weight, k * sizeof *weight),
                          pv_trial_input(t, &step, sizeof step),
                          pv_trial_output_at(t, "out", true, want, (size_t)n * k),
                          rounded,
                          k,
                          1e-6f,
                          t->max,
                          grain == PV_GRAIN_256};
  pv_trial_launch_add(t, t->kernel, n, &a);
}

/* Heads of a layer and their cache. Which of the forms a case has, its data say: every other one
 * has neighbours for pairs and sinks, every other two have no norm and a window, unless the kernel
 * takes usual heads alone. */
typedef struct turned {
  uint32_t dim, heads, kv, batch, position; /* of the first row */
  bool usual;
  bool neighbours, plain;                                             /* plain: no norm */
  bool whole;                                                         /* rounded in 256 */
  uint32_t window;                                                    /* 0: none */
  float *sinks;                                                       /* NULL: none */
  float *q, *k, *v, *q_weight, *k_weight, *cos, *sin, *keys, *values; /* as given */
  float *q_out, *k_out, *new_keys, *new_values;                       /* as made */
} turned;

static void norm_and_turn(const pv_trial *t, const turned *h, const float *from,
                          const float *weight, uint32_t position, float *to) {
  const size_t half = h->dim / 2;
  if (h->plain)
    memcpy(to, from, h->dim * sizeof *to);
  else
    t->ops->rmsnorm(from, weight, h->dim, 1e-6f, to);
  (h->neighbours ? t->ops->rope_neighbours : t->ops->rope)(to, h->dim, h->cos + position * half,
                                                           h->sin + position * half);
}

static bool turn(pv_trial *t, turned *h) {
  const size_t rows = h->batch, last = h->position + rows, half = h->dim / 2;
  const size_t width = (size_t)h->heads * h->dim, narrow = (size_t)h->kv * h->dim;
  h->neighbours = t->c.data % 2 == 1 && !h->usual;
  h->plain = t->c.data / 2 % 2 == 1 && !h->usual;
  h->window = h->plain ? (uint32_t)(last / 2 + 1) : 0;
  h->sinks = h->neighbours ? pv_trial_reals(t, h->heads) : NULL;
  h->q = pv_trial_reals(t, rows * width);
  h->k = pv_trial_reals(t, rows * narrow);
  h->v = pv_trial_reals(t, rows * narrow);
  h->q_weight = pv_trial_reals(t, h->dim);
  h->k_weight = pv_trial_reals(t, h->dim);
  h->keys = pv_trial_reals(t, last * narrow);
  h->values = pv_trial_reals(t, last * narrow);
  h->cos = PV_TRIAL_NEW(t, last * half, float);
  h->sin = PV_TRIAL_NEW(t, last * half, float);
  h->q_out = PV_TRIAL_NEW(t, rows * width, float);
  h->k_out = PV_TRIAL_NEW(t, rows * narrow, float);
  h->new_keys = PV_TRIAL_NEW(t, last * narrow, float);
  h->new_values = PV_TRIAL_NEW(t, last * narrow, float);
  if (t->code != PV_OK) return false;
  memcpy(h->new_keys, h->keys, last * narrow * sizeof *h->keys);
  memcpy(h->new_values, h->values, last * narrow * sizeof *h->values);
  for (size_t p = 0; p < last; p++)
    t->ops->angles(&(pv_rope){.base = 1e6}, h->dim, p, h->cos + p * half, h->sin + p * half);
  for (uint32_t r = 0; r < rows; r++) {
    const uint32_t p = h->position + r;
    for (uint32_t i = 0; i < h->heads; i++)
      norm_and_turn(t, h, h->q + r * width + i * h->dim, h->q_weight, p,
                    h->q_out + r * width + i * h->dim);
    for (uint32_t i = 0; i < h->kv; i++)
      norm_and_turn(t, h, h->k + r * narrow + i * h->dim, h->k_weight, p,
                    h->k_out + r * narrow + i * h->dim);
    memcpy(h->new_keys + p * narrow, h->k_out + r * narrow, narrow * sizeof(float));
    memcpy(h->new_values + p * narrow, h->v + r * narrow, narrow * sizeof(float));
  }
  return true;
}

static pv_cuda_heads heads_of(pv_trial *t, const turned *h, uint64_t step) {
  const size_t rows = h->batch, last = h->position + rows, table = last * (h->dim / 2);
  const size_t width = (size_t)h->heads * h->dim, narrow = (size_t)h->kv * h->dim;
  return (pv_cuda_heads){
      .q = pv_trial_input(t, h->q, rows * width * sizeof(float)),
      .k = pv_trial_input(t, h->k, rows * narrow * sizeof(float)),
      .v = pv_trial_input(t, h->v, rows * narrow * sizeof(float)),
      .q_weight = h->plain ? 0 : pv_trial_input(t, h->q_weight, h->dim * sizeof(float)),
      .k_weight = h->plain ? 0 : pv_trial_input(t, h->k_weight, h->dim * sizeof(float)),
      .q_out = pv_trial_output_at(t, "q_out", true, h->q_out, rows * width),
      .k_out = pv_trial_output_at(t, "k_out", true, h->k_out, rows * narrow),
      .keys = pv_trial_changed(t, "keys", true, h->keys, h->new_keys, last * narrow),
      .values = pv_trial_changed(t, "values", true, h->values, h->new_values, last * narrow),
      .cos = pv_trial_input(t, h->cos, table * sizeof(float)),
      .sin = pv_trial_input(t, h->sin, table * sizeof(float)),
      .step = step,
      .heads = h->heads,
      .kv_heads = h->kv,
      .dim = h->dim,
      .eps = 1e-6f,
      .neighbours = h->neighbours};
}

void pv_trial_heads(pv_trial *t) {
  turned h = {.dim = t->c.k, .heads = t->c.rows, .kv = 1, .batch = t->c.batch, .position = 5};
  const pv_cuda_step step = {h.position, h.batch, 0, 0};
  const pv_cuda_heads sizes = {.heads = h.heads, .kv_heads = h.kv, .dim = h.dim};
  if (!pv_trial_takes(t, h.batch, &sizes) || !turn(t, &h)) return;
  const pv_cuda_heads a = heads_of(t, &h, pv_trial_input(t, &step, sizeof step));
  pv_trial_launch_add(t, t->kernel, h.batch, &a);
}

/* Attention of `batch` rows, the first at `position`, over keys and values, and the buffers between
 * the chunks and their sum. */
static pv_cuda_attend attend_of(pv_trial *t, const turned *h, const float *q, uint32_t chunks) {
  const size_t width = (size_t)h->heads * h->dim, stride = (size_t)h->kv * h->dim;
  const size_t parts = (size_t)h->batch * h->heads * chunks;
  float *out = PV_TRIAL_NEW(t, h->batch * width, float);
  float *scratch = PV_TRIAL_NEW(t, t->ops->attend_scratch(h->dim, h->position + h->batch), float);
  pv_cuda_attend a = {.top = pv_trial_between(t, parts),
                      .sum = pv_trial_between(t, parts),
                      .value = pv_trial_between(t, parts * h->dim),
                      .heads = h->heads,
                      .kv_heads = h->kv,
                      .dim = h->dim,
                      .chunks = chunks,
                      .scale = pv_div_f32(1.0f, pv_sqrt_f32((float)h->dim)),
                      .max = t->max,
                      .window = h->window};
  for (size_t r = 0; t->code == PV_OK && !t->unasked && r < h->batch; r++)
    for (size_t i = 0; i < h->heads; i++) {
      const size_t kv = i / (h->heads / h->kv) * h->dim, at = r * width + i * h->dim;
      const size_t all = h->position + r + 1;
      const size_t seen = h->window > 0 && all > h->window ? h->window : all;
      const pv_attend one = {.q = q + at,
                             .k = h->new_keys + (all - seen) * stride + kv,
                             .v = h->new_values + (all - seen) * stride + kv,
                             .stride = stride,
                             .head_dim = h->dim,
                             .positions = seen,
                             .scale = a.scale,
                             .sink = h->sinks != NULL ? h->sinks + i : NULL,
                             .out = out + at,
                             .scratch = scratch};
      t->ops->attend(&one);
    }
  a.out = pv_trial_output_at(t, "out", true, out, h->batch * width);
  a.whole = h->whole;
  if (pv_attend_rounds(&a))
    a.acts =
        pv_trial_rounded(t, h->whole ? PV_GRAIN_256 : PV_GRAIN_32, out, (uint32_t)width, h->batch);
  if (h->sinks != NULL) a.sinks = pv_trial_input(t, h->sinks, h->heads * sizeof *h->sinks);
  return a;
}

/* Chunks of the positions that a row sees at most. */
static uint32_t chunks_seen(const turned *h) {
  const size_t last = h->position + h->batch;
  return (uint32_t)pv_cuda_parts(h->window > 0 && h->window < last ? h->window : last,
                                 PV_ATTENTION_CHUNK);
}

static const pv_kernel *chunks_of(uint32_t share) {
  return pv_kernel_get(share % 8 == 0   ? PV_GPU_attend_8
                       : share % 4 == 0 ? PV_GPU_attend_4
                                        : PV_GPU_attend_1);
}

/* The chunks and their sum: one of the two kernels is on trial, the other makes its input or its
 * result. `rows` is the query heads of one KV head. */
void pv_trial_attend(pv_trial *t) {
  const pv_kernel *sum = pv_kernel_get(PV_GPU_attend_combine);
  turned h = {.dim = t->c.k, .heads = 2 * t->c.rows, .kv = 2, .batch = t->c.batch};
  h.whole = h.heads * h.dim % 256 == 0 && h.dim % 32 == 0 && t->c.data % 2 == 1;
  h.position = h.batch == 1 ? 2100 : 190; /* one row alone: more chunks than a warp has lanes */
  const pv_cuda_step step = {h.position, h.batch, 0, 0};
  const size_t last = h.position + h.batch, narrow = (size_t)h.kv * h.dim;
  const pv_cuda_attend sizes = {.heads = h.heads, .kv_heads = h.kv, .dim = h.dim, .chunks = 1};
  if (!pv_trial_takes(t, h.batch, &sizes) || !turn(t, &h)) return;
  if (t->kernel == pv_kernel_get(PV_GPU_attend_rows)) h.window = 0;
  /* A value that the last row alone sees: a row before must not multiply it even by zero. */
  if (t->c.data == PV_DATA_OUTLIERS) h.new_values[last * narrow - 1] = INFINITY;
  pv_cuda_attend a = attend_of(t, &h, h.q_out, chunks_seen(&h));
  a.q = pv_trial_input(t, h.q_out, (size_t)h.batch * h.heads * h.dim * sizeof(float));
  a.keys = pv_trial_input(t, h.new_keys, last * narrow * sizeof(float));
  a.values = pv_trial_input(t, h.new_values, last * narrow * sizeof(float));
  a.step = pv_trial_input(t, &step, sizeof step);
  pv_trial_launch_add(t, t->kernel == sum ? chunks_of(t->c.rows) : t->kernel, h.batch, &a);
  pv_trial_launch_add(t, sum, h.batch, &a);
}

static bool takes_usual_alone(const pv_kernel *k) {
  return k == pv_kernel_get(PV_GPU_attend_step_1_128) ||
         k == pv_kernel_get(PV_GPU_attend_step_4_128) ||
         k == pv_kernel_get(PV_GPU_attend_step_8_128);
}

static uint32_t heads_of_block(const pv_kernel *k) {
  return k == pv_kernel_get(PV_GPU_attend_step_8) || k == pv_kernel_get(PV_GPU_attend_step_8_128)
             ? 8
         : k == pv_kernel_get(PV_GPU_attend_step_4) || k == pv_kernel_get(PV_GPU_attend_step_4_128)
             ? 4
             : 1;
}

/* The same for one position; `batch` is how many positions there are. With odd data, and where
 * there are many, blocks have several chunks, or all. */
void pv_trial_attend_step(pv_trial *t) {
  const pv_kernel *sum = pv_kernel_get(PV_GPU_attend_step_combine);
  turned h = {.dim = t->c.k,
              .heads = 2 * t->c.rows,
              .kv = 2,
              .batch = 1,
              .position = t->c.batch - 1,
              .usual = takes_usual_alone(t->kernel)};
  const pv_cuda_step step = {h.position, 1, 1, 0};
  const pv_cuda_attend sizes = {.heads = h.heads, .kv_heads = h.kv, .dim = h.dim, .chunks = 1};
  const pv_cuda_attend_step both = {
      .heads = {.q_weight = 1, .k_weight = 1}, .attend = sizes, .whole = true, .blocks = 1};
  if (!pv_trial_takes(t, 1, t->kernel == sum ? (const void *)&sizes : &both) || !turn(t, &h))
    return;
  const uint64_t at = pv_trial_input(t, &step, sizeof step);
  const uint32_t chunks = chunks_seen(&h);
  pv_cuda_attend_step a = {.heads = heads_of(t, &h, at),
                           .attend = attend_of(t, &h, h.q_out, chunks)};
  const bool several = chunks > BLOCKS_MOST || t->c.data % 2 == 1;
  a.whole = t->kernel != sum && pv_step_whole(&a.attend, heads_of_block(t->kernel)) &&
            (chunks == 1 || several);
  a.blocks = a.whole != 0 ? 1 : several ? (chunks + 2) / 3 : chunks;
  if (a.blocks > BLOCKS_MOST) a.blocks = BLOCKS_MOST;
  a.attend.keys = a.heads.keys;
  a.attend.values = a.heads.values;
  a.attend.step = at;
  pv_trial_launch_add(t, t->kernel == sum ? pv_kernel_get(PV_GPU_attend_step_1) : t->kernel, 1, &a);
  if (!a.whole) pv_trial_launch_add(t, sum, 1, &a.attend);
}

pv_route_form pv_trial_form(const pv_trial *t) {
  return t->c.data == PV_DATA_OUTLIERS                           ? PV_ROUTE_ALL
         : t->c.data == PV_DATA_TINY || t->c.data == PV_DATA_ODD ? PV_ROUTE_CHOSEN
                                                                 : PV_ROUTE_SUM_ONE;
}

void pv_trial_route(pv_trial *t) {
  const uint32_t experts = t->c.k, used = t->c.rows, n = t->c.batch;
  const pv_cuda_route sizes = {.experts = experts, .used = used};
  if (!pv_trial_takes(t, n, &sizes)) return;
  const float *logits = pv_trial_reals(t, (size_t)n * experts);
  int32_t *indices = PV_TRIAL_NEW(t, n * used, int32_t);
  float *weights = PV_TRIAL_NEW(t, n * used, float);
  if (t->code != PV_OK) return;
  for (uint32_t i = 0; i < n; i++)
    t->ops->route(pv_trial_form(t), logits + (size_t)i * experts, experts, used, indices + i * used,
                  weights + i * used);
  pv_cuda_route a = {.experts = experts, .used = used, .form = pv_trial_form(t)};
  a.logits = pv_trial_input(t, logits, (size_t)n * experts * sizeof *logits);
  a.indices = pv_trial_output_at(t, "indices", false, indices, n * used);
  pv_trial_given(t, logits, NULL);
  a.weights = pv_trial_output_at(t, "weights", true, weights, n * used);
  pv_trial_given(t, logits, NULL);
  pv_trial_launch_add(t, t->kernel, n, &a);
}

/* `batch` slots among `k` experts; every other case fills one expert. */
void pv_trial_group(pv_trial *t) {
  const uint32_t experts = t->c.k, n = t->c.batch;
  if (!pv_trial_takes(t, 1, &(pv_cuda_group){.experts = experts})) return;
  const size_t room = pv_group_tiles(n, experts);
  int32_t *indices = PV_TRIAL_NEW(t, n, int32_t);
  uint32_t *order = PV_TRIAL_NEW(t, n, uint32_t), tiles = 0, at = 0;
  pv_cuda_tile *tile = PV_TRIAL_NEW(t, room, pv_cuda_tile);
  uint32_t *count = PV_TRIAL_NEW(t, 1, uint32_t);
  if (t->code != PV_OK) return;
  for (uint32_t i = 0; i < n; i++)
    indices[i] = (int32_t)(t->c.data % 2 == 1 ? experts - 1 : pv_random_next(&t->seed) % experts);
  for (uint32_t e = 0; e < experts; e++) {
    const uint32_t first = at;
    for (uint32_t i = 0; i < n; i++)
      if (indices[i] == (int32_t)e) order[at++] = i;
    for (uint32_t i = first; i < at; i += PV_CUDA_TILE)
      tile[tiles++] = (pv_cuda_tile){e, i, at - i < PV_CUDA_TILE ? at - i : PV_CUDA_TILE};
  }
  *count = tiles;
  const pv_cuda_group a = {pv_trial_input(t, indices, n * sizeof *indices),
                           pv_trial_output_at(t, "order", false, order, n),
                           pv_trial_output_at(t, "tiles", false, tile, 3 * (size_t)tiles),
                           pv_trial_output_at(t, "tile_count", false, count, 1),
                           n,
                           experts};
  pv_trial_launch_add(t, t->kernel, 1, &a);
}

void pv_trial_add(pv_trial *t) {
  const uint32_t n = t->c.k;
  const float *x = pv_trial_reals(t, n), *y = pv_trial_reals(t, n);
  float *want = PV_TRIAL_NEW(t, n, float);
  if (t->code != PV_OK) return;
  t->ops->add(x, y, n, want);
  const pv_cuda_add a = {pv_trial_input(t, x, n * sizeof *x), pv_trial_input(t, y, n * sizeof *y),
                         pv_trial_output_at(t, "out", true, want, n), n};
  pv_trial_launch_add(t, t->kernel, 1, &a);
}

/* Bias, three matrices at once; by expert with odd data. */
void pv_trial_bias(pv_trial *t) {
  enum { EXPERTS = 3 };
  static const char *const names[] = {"job[0].out", "job[1].out", "job[2].out"};
  const uint32_t n = t->c.batch, experts = t->c.data % 2 == 1 ? EXPERTS : 1;
  int32_t *chosen = PV_TRIAL_NEW(t, n, int32_t);
  pv_cuda_bias a = {.jobs = 3};
  for (uint32_t i = 0; chosen != NULL && i < n; i++)
    chosen[i] = (int32_t)(pv_random_next(&t->seed) % experts);
  for (uint32_t j = 0; j < a.jobs; j++) {
    const uint32_t k = t->c.k / (j + 1) + j;
    const float *x = pv_trial_reals(t, (size_t)n * k);
    const float *vectors = pv_trial_reals(t, (size_t)experts * k);
    float *want = PV_TRIAL_NEW(t, (size_t)n * k, float);
    if (t->code != PV_OK) return;
    for (uint32_t i = 0; i < n; i++)
      t->ops->bias(x + (size_t)i * k, vectors + (size_t)chosen[i] * k, k, want + (size_t)i * k);
    a.job[j].x = pv_trial_input(t, x, (size_t)n * k * sizeof *x);
    a.job[j].bias = pv_trial_input(t, vectors, (size_t)experts * k * sizeof *vectors);
    a.job[j].out = pv_trial_output_at(t, names[j], true, want, (size_t)n * k);
    a.job[j].n = k;
  }
  if (experts > 1) a.experts = pv_trial_input(t, chosen, n * sizeof *chosen);
  pv_trial_launch_add(t, t->kernel, n, &a);
}

/* `batch` rows, a number for each: of the sweep all gates. */
void pv_trial_gate(pv_trial *t) {
  const uint32_t k = t->c.k, n = t->c.batch;
  const float *logits = pv_trial_reals(t, n), *x = pv_trial_reals(t, (size_t)n * k);
  float *want = PV_TRIAL_NEW(t, (size_t)n * k, float);
  if (t->code != PV_OK) return;
  for (uint32_t i = 0; i < n; i++)
    t->ops->gate(x + (size_t)i * k, logits[i], k, want + (size_t)i * k);
  const pv_cuda_gate a = {pv_trial_input(t, x, (size_t)n * k * sizeof *x),
                          pv_trial_input(t, logits, n * sizeof *logits),
                          pv_trial_output_at(t, "out", true, want, (size_t)n * k), k};
  pv_trial_launch_add(t, t->kernel, n, &a);
}

void pv_trial_round(pv_trial *t) {
  const uint32_t k = t->c.k, n = t->c.batch;
  const float *x = pv_trial_reals(t, (size_t)n * k);
  const pv_grain grain = grain_of(t);
  pv_cuda_round a = {pv_trial_rounded(t, grain, x, k, n), t->max, grain == PV_GRAIN_256};
  a.acts.x = pv_trial_input(t, x, (size_t)n * k * sizeof *x);
  pv_trial_launch_add(t, t->kernel, n, &a);
}

/* Rows behind the third position. */
void pv_trial_append(pv_trial *t) {
  const uint32_t k = t->c.k, n = t->c.batch;
  const pv_cuda_step step = {3, n, 0, 0};
  const size_t all = (size_t)(step.position + n) * k;
  const float *x = pv_trial_reals(t, (size_t)n * k), *before = pv_trial_reals(t, all);
  float *want = PV_TRIAL_NEW(t, all, float);
  if (t->code != PV_OK) return;
  memcpy(want, before, all * sizeof *want);
  memcpy(want + (size_t)step.position * k, x, (size_t)n * k * sizeof *want);
  const pv_cuda_append a = {pv_trial_input(t, x, (size_t)n * k * sizeof *x),
                            pv_trial_changed(t, "cache", true, before, want, all),
                            pv_trial_input(t, &step, sizeof step), k};
  pv_trial_launch_add(t, t->kernel, n, &a);
}

/* SwiGLU, or what else two products become. */
void pv_trial_swiglu(pv_trial *t) {
  const uint32_t ffn = t->c.k, slots = t->c.batch;
  const size_t all = (size_t)slots * ffn;
  const pv_grain grain = grain_of(t);
  const float *gate = pv_trial_reals(t, all);
  if (t->c.data == PV_DATA_SWEEP) t->c.data = PV_DATA_ORDINARY; /* the gate alone */
  const float *up = pv_trial_reals(t, all);
  float *want = PV_TRIAL_NEW(t, all, float);
  if (t->code != PV_OK) return;
  (t->kernel == pv_kernel_get(PV_GPU_geglu)            ? t->ops->geglu
   : t->kernel == pv_kernel_get(PV_GPU_swiglu_clamped) ? t->ops->swiglu_clamped
                                                       : t->ops->swiglu)(gate, up, all, want);
  pv_cuda_gate_up a = {.gate = {.count = ffn}, .max = t->max, .whole = grain == PV_GRAIN_256};
  a.gate_out = pv_trial_input(t, gate, all * sizeof *gate);
  a.up_out = pv_trial_input(t, up, all * sizeof *up);
  a.out = pv_trial_output_at(t, "out", true, want, all);
  pv_trial_given(t, gate, up);
  a.acts = pv_trial_rounded(t, grain, want, ffn, slots);
  pv_trial_launch_add(t, t->kernel, slots, &a);
}

/* The parts and the best of them, one after the other; the one that is not on trial helps. */
void pv_trial_argmax(pv_trial *t) {
  const uint32_t n = t->c.k, rows = t->c.batch, parts = t->c.rows;
  const float *x = pv_trial_reals(t, (size_t)rows * n);
  int32_t *want = PV_TRIAL_NEW(t, rows, int32_t);
  if (t->code != PV_OK) return;
  for (uint32_t r = 0; r < rows; r++) want[r] = t->ops->argmax(x + (size_t)r * n, n);
  const pv_cuda_argmax a = {pv_trial_input(t, x, (size_t)rows * n * sizeof *x),
                            pv_trial_between(t, (size_t)rows * parts),
                            pv_trial_output_at(t, "out", false, want, rows), n, parts};
  pv_trial_launch_add(t, pv_kernel_get(PV_GPU_argmax_parts), rows, &a);
  pv_trial_launch_add(t, pv_kernel_get(PV_GPU_argmax), rows, &a);
}

/* It stands for no operation: it must leave its output alone. */
void pv_trial_scan(pv_trial *t) {
  const float *x = pv_trial_reals(t, (size_t)4 * t->c.k);
  const uint32_t kept = 7;
  uint32_t *want = PV_TRIAL_NEW(t, 1, uint32_t);
  if (t->code != PV_OK) return;
  *want = kept;
  const pv_cuda_scan a = {pv_trial_input(t, x, (size_t)16 * t->c.k),
                          pv_trial_changed(t, "out", false, &kept, want, 1), t->c.k};
  pv_trial_launch_add(t, t->kernel, t->c.batch, &a);
}

/* The same. */
void pv_trial_peak(pv_trial *t) {
  const uint32_t kept = 7;
  uint32_t *want = PV_TRIAL_NEW(t, 1, uint32_t);
  if (t->code != PV_OK) return;
  *want = kept;
  const pv_cuda_peak a = {pv_trial_changed(t, "out", false, &kept, want, 1), t->c.k, 6};
  pv_trial_launch_add(t, t->kernel, t->c.batch, &a);
}
