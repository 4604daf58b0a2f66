/* Cases of kernels that multiply with weights. */
#include <string.h>

#include "base/random.h"
#include "kernels/arith/arith.h"
#include "runtime/alone/trial.h"

enum { EXPERTS = 6 };

/* With odd data times a number. */
void pv_trial_embed(pv_trial *t) {
  const float factor = t->c.data % 2 == 1 ? 3.3f : 0.0f;
  const uint32_t k = t->c.k, rows = t->c.rows, n = t->c.batch;
  const unsigned char *host = NULL;
  const pv_cuda_rows table = pv_trial_rows(t, t->c.type, k, rows, 1, &host);
  uint32_t *ids = PV_TRIAL_NEW(t, n, uint32_t);
  float *want = PV_TRIAL_NEW(t, (size_t)n * k, float);
  if (t->code != PV_OK) return;
  for (uint32_t i = 0; i < n; i++) {
    ids[i] = rows - 1 - i % rows;
    t->ops->gather(t->c.type, host + ids[i] * table.row_bytes, k, want + (size_t)i * k);
    if (factor > 0.0f) t->ops->scale(want + (size_t)i * k, factor, k, want + (size_t)i * k);
  }
  const pv_cuda_embed a = {table, pv_trial_input(t, ids, n * sizeof *ids),
                           pv_trial_output_at(t, "out", true, want, (size_t)n * k), k, factor};
  pv_trial_given(t, host, ids);
  pv_trial_launch_add(t, t->kernel, n, &a);
}

/* Slots that use each expert but the first: that one is empty. Every other case gives all slots to
 * one expert: it is full. */
static int32_t *choose(pv_trial *t, size_t count) {
  int32_t *experts = PV_TRIAL_NEW(t, count, int32_t);
  for (size_t i = 0; experts != NULL && i < count; i++)
    experts[i] = t->c.is_i8 ? EXPERTS - 1 : 1 + (int32_t)(pv_random_next(&t->seed) % (EXPERTS - 1));
  return experts;
}

static void job(pv_trial *t, pv_cuda_job *out, const char *name, uint32_t rows, uint32_t experts,
                const float *x, uint32_t share, const int32_t *chosen, uint32_t count,
                float **product) {
  const unsigned char *host = NULL;
  out->rows = pv_trial_rows(t, t->c.type, t->c.k, rows, experts, &host);
  *product = PV_TRIAL_NEW(t, (size_t)count * rows, float);
  pv_trial_multiply(t, &out->rows, host, x, share, chosen, count, *product);
  out->out = pv_trial_output_at(t, name, true, *product, (size_t)count * rows);
  if (chosen == NULL) pv_trial_given(t, host, x);
}

/* Two matrices (one where few rows are meant) and a residual; every third case norms first, every
 * third chooses experts, where the kernel does. */
void pv_trial_gemv(pv_trial *t) {
  const uint32_t k = t->c.k, rows = t->c.rows, n = t->c.batch;
  const pv_cuda_gemv sizes = {
      .acts = {.k = k}, .jobs = 1, .job = {{.rows_per_block = 1, .rows = {.type = t->c.type}}}};
  if (!pv_trial_takes(t, n, &sizes)) return;
  const bool few = t->kernel == pv_kernel_get(PV_GPU_gemv_few);
  const bool norms = t->c.data % 3 == 1, by_expert = t->c.data % 3 == 2 && !few;
  const float *x = pv_trial_reals(t, (size_t)n * k), *weight = pv_trial_reals(t, k);
  const float *residual = pv_trial_reals(t, (size_t)n * rows);
  float *normed = PV_TRIAL_NEW(t, (size_t)n * k, float), *first, *second;
  float *total = PV_TRIAL_NEW(t, (size_t)n * rows, float);
  const int32_t *chosen = by_expert ? choose(t, n) : NULL;
  pv_cuda_gemv a = {.jobs = few ? 1 : 2};
  const pv_grain grain = pv_grain_of(t->c.type);
  if (t->code != PV_OK) return;
  if (norms) {
    for (uint32_t i = 0; i < n; i++)
      t->ops->rmsnorm(x + (size_t)i * k, weight, k, 1e-6f, normed + (size_t)i * k);
    a.norm = (pv_cuda_norm){.x = pv_trial_input(t, x, (size_t)n * k * sizeof *x),
                            .weight = pv_trial_input(t, weight, k * sizeof *weight),
                            .out = pv_trial_output_at(t, "norm.out", true, normed, (size_t)n * k),
                            .acts = pv_trial_rounded(t, grain, normed, k, n),
                            .n = k,
                            .eps = 1e-6f,
                            .max = t->max,
                            .whole = grain == PV_GRAIN_256};
    a.acts = a.norm.acts;
    x = normed;
  } else {
    a.acts = pv_trial_acts(t, x, k, n, 1);
    if (grain == PV_GRAIN_256 && t->c.data % 2 == 1 && !few) { /* the kernel rounds */
      a.norm = (pv_cuda_norm){.max = t->max, .whole = true};
      a.acts.q = 0;
    }
  }
  if (by_expert) a.experts = pv_trial_input(t, chosen, n * sizeof *chosen);
  job(t, &a.job[0], "job[0].out", rows, by_expert ? EXPERTS : 1, x, 1, chosen, n, &first);
  if (!few)
    job(t, &a.job[1], "job[1].out", rows / 2 + 1, by_expert ? EXPERTS : 1, x, 1, chosen, n,
        &second);
  if (t->code != PV_OK) return;
  t->ops->add(residual, first, (size_t)n * rows, total);
  a.add = pv_trial_input(t, residual, (size_t)n * rows * sizeof *residual);
  a.total = pv_trial_output_at(t, "total", true, total, (size_t)n * rows);
  a.job[0].rows_per_block = a.job[1].rows_per_block = few ? 1 : PV_CUDA_WARPS;
  pv_trial_launch_add(t, t->kernel, n, &a);
}

void pv_trial_f64acc(pv_trial *t) {
  const uint32_t k = t->c.k, rows = t->c.rows, n = t->c.batch;
  const pv_cuda_gemv sizes = {.acts = {.k = k}, .jobs = 1, .job = {{.rows = {.type = t->c.type}}}};
  if (!pv_trial_takes(t, n, &sizes)) return;
  const float *x = pv_trial_reals(t, (size_t)n * k);
  pv_cuda_gemv a = {.jobs = 1};
  float *product;
  t->product = PV_PRODUCT_F64ACC;
  if (t->code != PV_OK) return;
  a.acts = (pv_cuda_acts){
      .x = pv_trial_input(t, x, (size_t)n * k * sizeof *x), .k = k, .stride = k, .share = 1};
  job(t, &a.job[0], "job[0].out", rows, 1, x, 1, NULL, n, &product);
  pv_trial_launch_add(t, t->kernel, n, &a);
}

/* Rows in order, or by expert with the tiles that `group` makes. */
void pv_trial_gemm(pv_trial *t) {
  const uint32_t k = t->c.k, rows = t->c.rows, n = t->c.batch;
  const pv_cuda_gemm sizes = {.acts = {.k = k}, .jobs = 1, .job = {{.rows = {.type = t->c.type}}}};
  if (!pv_trial_takes(t, 1, &sizes)) return;
  const bool by_expert = t->c.data % 2 == 1;
  const float *x = pv_trial_reals(t, (size_t)n * k);
  const int32_t *chosen = by_expert ? choose(t, n) : NULL;
  const size_t most = pv_group_tiles(n, EXPERTS);
  pv_cuda_gemm a = {.acts = pv_trial_acts(t, x, k, n, 1), .jobs = 2, .count = n};
  float *first, *second;
  if (t->code != PV_OK) return;
  if (by_expert) {
    const pv_cuda_group g = {pv_trial_input(t, chosen, n * sizeof *chosen),
                             pv_trial_between(t, n),
                             pv_trial_between(t, most * sizeof(pv_cuda_tile) / 4),
                             pv_trial_between(t, 1),
                             n,
                             EXPERTS};
    a.slots = g.order;
    a.tiles = g.tiles;
    a.tile_count = g.tile_count;
    pv_trial_launch_add(t, pv_kernel_get(PV_GPU_group), 1, &g);
  }
  job(t, &a.job[0], "job[0].out", rows, by_expert ? EXPERTS : 1, x, 1, chosen, n, &first);
  job(t, &a.job[1], "job[1].out", rows / 2 + 1, by_expert ? EXPERTS : 1, x, 1, chosen, n, &second);
  pv_trial_launch_add(t, t->kernel, by_expert ? most : pv_cuda_parts(n, PV_CUDA_TILE), &a);
}

/* One matrix, and rows as they are. */
void pv_trial_wide(pv_trial *t) {
  const uint32_t k = t->c.k, rows = t->c.rows, n = t->c.batch;
  const pv_cuda_wide sizes = {.rows = {.type = t->c.type}, .k = k, .stride = k, .count = n};
  if (!pv_trial_takes(t, n, &sizes)) return;
  const float *x = pv_trial_reals(t, (size_t)n * k);
  pv_cuda_job one;
  float *product;
  if (t->code != PV_OK) return;
  const uint64_t in = pv_trial_input(t, x, (size_t)n * k * sizeof *x);
  job(t, &one, "out", rows, 1, x, 1, NULL, n, &product);
  const pv_cuda_wide a = {one.rows, in, one.out, k, k, n};
  pv_trial_launch_add(t, t->kernel, n, &a);
}

/* Slots: `batch` rows, `used` experts of EXPERTS for each. */
void pv_trial_gate_up(pv_trial *t) {
  const uint32_t k = t->c.k, ffn = t->c.rows, n = t->c.batch, used = 2, slots = n * used;
  const size_t all = (size_t)slots * ffn;
  const pv_cuda_rows shape = {.type = t->c.type, .count = ffn};
  const pv_cuda_gate_up sizes = {
      .gate = shape, .up = shape, .in = {.k = k}, .route = {.experts = EXPERTS, .used = used}};
  if (!pv_trial_takes(t, slots, &sizes)) return;
  const float *x = pv_trial_reals(t, (size_t)n * k), *logits = pv_trial_reals(t, n * EXPERTS);
  int32_t *indices = PV_TRIAL_NEW(t, slots, int32_t);
  float *weights = PV_TRIAL_NEW(t, slots, float), *gate = PV_TRIAL_NEW(t, all, float);
  float *up = PV_TRIAL_NEW(t, all, float), *out = PV_TRIAL_NEW(t, all, float);
  const unsigned char *gate_host = NULL, *up_host = NULL;
  if (t->code != PV_OK) return;
  for (uint32_t i = 0; i < n; i++)
    t->ops->route(pv_trial_form(t), logits + (size_t)i * EXPERTS, EXPERTS, used, indices + i * used,
                  weights + i * used);
  pv_cuda_gate_up a = {.gate = pv_trial_rows(t, t->c.type, k, ffn, EXPERTS, &gate_host),
                       .up = pv_trial_rows(t, t->c.type, k, ffn, EXPERTS, &up_host),
                       .in = pv_trial_acts(t, x, k, n, used),
                       .max = t->max};
  pv_trial_multiply(t, &a.gate, gate_host, x, used, indices, slots, gate);
  pv_trial_multiply(t, &a.up, up_host, x, used, indices, slots, up);
  if (t->code != PV_OK) return;
  t->ops->swiglu(gate, up, all, out);
  a.route = (pv_cuda_route){pv_trial_input(t, logits, n * EXPERTS * sizeof *logits),
                            pv_trial_output_at(t, "route.indices", false, indices, slots),
                            pv_trial_output_at(t, "route.weights", true, weights, slots),
                            EXPERTS,
                            used,
                            pv_trial_form(t)};
  a.gate_out = pv_trial_output_at(t, "gate_out", true, gate, all);
  a.up_out = pv_trial_output_at(t, "up_out", true, up, all);
  a.out = pv_trial_output_at(t, "out", true, out, all);
  if (t->kernel != pv_kernel_get(PV_GPU_gate_up_64)) /* which leaves it to who takes it */
    a.acts = pv_trial_rounded(t, PV_GRAIN_32, out, ffn, slots);
  pv_trial_launch_add(t, t->kernel, slots, &a);
}

/* The sum over ranks and the residual; down_of without products. */
static void combine(pv_trial *t, pv_cuda_down *a, const float *products, uint32_t hidden,
                    uint32_t used) {
  const uint32_t n = t->c.batch;
  const float *weights = pv_trial_reals(t, n * used);
  const float *residual = pv_trial_reals(t, (size_t)n * hidden);
  float *sum = PV_TRIAL_NEW(t, (size_t)n * hidden, float);
  float *total = PV_TRIAL_NEW(t, (size_t)n * hidden, float);
  const float **rows = PV_TRIAL_NEW(t, used, const float *);
  if (t->code != PV_OK) return;
  for (uint32_t i = 0; i < n; i++) {
    for (uint32_t r = 0; r < used; r++) rows[r] = products + ((size_t)i * used + r) * hidden;
    t->ops->combine(rows, weights + i * used, used, hidden, sum + (size_t)i * hidden);
  }
  t->ops->add(residual, sum, (size_t)n * hidden, total);
  a->weights = pv_trial_input(t, weights, n * used * sizeof *weights);
  a->sum = pv_trial_output_at(t, "sum", true, sum, (size_t)n * hidden);
  if (t->c.data % 2 == 0) { /* with odd data nobody asks for the total */
    a->residual = pv_trial_input(t, residual, (size_t)n * hidden * sizeof *residual);
    a->total = pv_trial_output_at(t, "total", true, total, (size_t)n * hidden);
  }
  a->used = used;
  pv_trial_launch_add(t, t->kernel, n, a);
}

void pv_trial_down(pv_trial *t) {
  const uint32_t k = t->c.k, hidden = t->c.rows, used = 3, slots = t->c.batch * used;
  const pv_cuda_down sizes = {
      .rows = {.type = t->c.type, .count = hidden}, .in = {.k = k}, .used = used};
  if (!pv_trial_takes(t, t->c.batch, &sizes)) return;
  const float *x = pv_trial_reals(t, (size_t)slots * k);
  const int32_t *chosen = choose(t, slots);
  float *products = PV_TRIAL_NEW(t, (size_t)slots * hidden, float);
  const unsigned char *host = NULL;
  pv_cuda_down a = {.rows = pv_trial_rows(t, t->c.type, k, hidden, EXPERTS, &host),
                    .in = pv_trial_acts(t, x, k, slots, 1)};
  if (pv_grain_of(t->c.type) == PV_GRAIN_256 && t->c.data % 2 == 1) { /* the kernel rounds */
    a.max = t->max;
    a.in.q = 0;
  }
  pv_trial_multiply(t, &a.rows, host, x, 1, chosen, slots, products);
  if (t->code != PV_OK) return;
  a.experts = pv_trial_input(t, chosen, slots * sizeof *chosen);
  a.out = pv_trial_output_at(t, "out", true, products, (size_t)slots * hidden);
  combine(t, &a, products, hidden, used);
}

void pv_trial_combine(pv_trial *t) {
  const uint32_t hidden = t->c.k, used = t->c.rows;
  const size_t all = (size_t)t->c.batch * used * hidden;
  const float *products = pv_trial_reals(t, all);
  pv_cuda_down a = {.rows = {.count = hidden}};
  if (t->code != PV_OK) return;
  a.out = pv_trial_input(t, products, all * sizeof *products);
  combine(t, &a, products, hidden, used);
}
