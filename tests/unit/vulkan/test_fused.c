/* The shaders of a decoded position, which do several operations at once, on a device of this
 * machine: each bit is that of kernels/definition, one operation after the other. */
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "kernels/cuda/attend_step.h"
#include "kernels/cuda/down.h"
#include "kernels/cuda/gate_up.h"
#include "kernels/cuda/gemv.h"
#include "kernels/cuda/round.h"
#include "kernels/definition/definition.h"
#include "tests/unit/testing.h"
#include "tests/unit/vulkan/bench.h"

/* The numbers of blocks.glsl and of attend_step.comp. */
enum { TYPES = 40, NORMED = TYPES * 17, ROUNDED = 2 * NORMED, SINKS = 64 };

static uint32_t variant_of(pv_type type, size_t k) {
  const size_t eights = k % 256 == 0 && k <= 4096 ? k / 256 : 0;
  return (uint32_t)((size_t)type + TYPES * eights);
}

static size_t row_bytes_of(pv_type type, size_t k) {
  const pv_type_info *info = pv_type_get(type);
  return k / info->block_elements * info->block_bytes;
}

/* Where in a block its scale is; a minimum is behind it. */
static size_t scale_at(pv_type type) {
  return type == PV_TYPE_Q2_K    ? 80
         : type == PV_TYPE_Q3_K  ? 108
         : type == PV_TYPE_Q6_K  ? 208
         : type == PV_TYPE_TQ2_0 ? 64
                                 : 0;
}

/* Any bytes, but scales and plain values that are numbers. */
static void fill_weights(pv_type type, unsigned char *bytes, size_t count, uint64_t seed) {
  const pv_type_info *info = pv_type_get(type);
  const size_t scale = scale_at(type);
  if (type == PV_TYPE_F32) {
    fill((float *)(void *)bytes, count / sizeof(float), seed, true);
    return;
  }
  for (size_t i = 0; i < count; i++) bytes[i] = (unsigned char)(pv_random_next(&seed) >> 30);
  for (size_t at = 0; at + info->block_bytes <= count; at += info->block_bytes)
    for (size_t of = 0; of < (pv_form_has_minimum(info->form) ? 2U : 1U); of++) {
      const uint16_t d = (uint16_t)(0x2000 + pv_random_next(&seed) % 0x400);
      memcpy(bytes + at + scale + 2 * of, &d, sizeof d);
    }
}

/* The norm of a row inside its product, which the shader also keeps. */
static void check_normed(pv_type type, pv_product product, size_t k, size_t rows) {
  enum { ROWS_MAX = 40 };
  static _Alignas(16) unsigned char weights[ROWS_MAX * K_MAX * 4];
  static float x[K_MAX], weight[K_MAX], normed[K_MAX], want[ROWS_MAX], other[ROWS_MAX],
      sum[ROWS_MAX];
  const size_t row_bytes = row_bytes_of(type, k);
  const bool quantised = pv_cuda_quantised((uint32_t)type);
  float *const out[] = {want};
  const pv_act act = {.x = normed};
  const pv_mm mm = {type, product, weights, row_bytes, rows, k, &act, out, 0, 1};
  fill(x, k, k, false);
  fill(weight, k, k + 1, true);
  fill(other, rows, k + 2, true);
  fill_weights(type, weights, rows * row_bytes, k + rows);
  pv_definition.rmsnorm(x, weight, k, 1e-6F, normed);
  pv_definition.mm(&mm);
  pv_definition.add(other, want, rows, sum);
  begin();
  const pv_cuda_norm norm = {.x = place(x, k * sizeof *x),
                             .weight = place(weight, k * sizeof *weight),
                             .out = place(NULL, k * sizeof *x),
                             .acts = quantised ? empty_acts(k, 1) : (pv_cuda_acts){0},
                             .n = (uint32_t)k,
                             .eps = 1e-6F,
                             .max = product == PV_PRODUCT_I8 ? PV_ACT8_MAX : PV_ACT16_MAX,
                             .whole = pv_cuda_whole((uint32_t)type)};
  const pv_cuda_gemv t = {.job = {{.rows = {.data = place(weights, rows * row_bytes),
                                            .row_bytes = row_bytes,
                                            .type = (uint32_t)type,
                                            .count = (uint32_t)rows},
                                   .out = place(NULL, rows * sizeof(float))}},
                          .acts = {.k = (uint32_t)k, .stride = (uint32_t)k, .share = 1},
                          .norm = norm,
                          .add = place(other, rows * sizeof *other),
                          .total = place(NULL, rows * sizeof(float)),
                          .jobs = 1};
  REQUIRE(launch("mm", variant_of(type, k) + NORMED, &t, sizeof t,
                 quantised ? parts(rows, 16) : (uint32_t)rows + 1, 1));
  same_floats(result(norm.out), normed, k, "norm of a product");
  same_floats(result(t.job[0].out), want, rows, "rmsnorm, mm");
  same_floats(result(t.total), sum, rows, "rmsnorm, mm, add");
  if (norm.acts.q != 0 && product == PV_PRODUCT_I16)
    same_acts(&norm.acts, normed, k, 0, norm.whole != 0);
}

static void test_normed(void) {
  check_normed(PV_TYPE_Q4_K, PV_PRODUCT_I16, 256, 40);
  check_normed(PV_TYPE_Q6_K, PV_PRODUCT_I16, 2048, 19);
  check_normed(PV_TYPE_Q4_K, PV_PRODUCT_I8, 4096, 9);
  check_normed(PV_TYPE_Q5_K, PV_PRODUCT_I16, 512, 40);
  check_normed(PV_TYPE_Q8_0, PV_PRODUCT_I16, 768, 33);
  check_normed(PV_TYPE_F32, PV_PRODUCT_I16, 300, 3);
  check_normed(PV_TYPE_F32, PV_PRODUCT_I16, 2048, 2);
}

static void fill_alike(pv_type type, unsigned char *row, size_t k, size_t r) {
  static const int bytes[] = {0, 0xff, 0x80, 0x7f, 0x3f};
  const uint16_t one[] = {0x3c00, 0x3c00};
  const pv_type_info *info = pv_type_get(type);
  memset(row, bytes[r % 5], row_bytes_of(type, k));
  for (size_t i = 0; i < k / info->block_elements; i++)
    memcpy(row + i * info->block_bytes + scale_at(type), one,
           pv_form_has_minimum(info->form) ? 4 : 2);
}

/* A row that nobody has rounded; `same`: all activations are alike, and so are all bytes of a row's
 * numbers and sub-scales, so that sums of integers are as large as they can be. */
static void check_rounded(pv_type type, pv_product product, size_t k, size_t rows, bool same) {
  enum { ROWS_MAX = 40 };
  static _Alignas(16) unsigned char weights[ROWS_MAX * K_MAX];
  static float x[K_MAX], want[ROWS_MAX];
  const size_t row_bytes = row_bytes_of(type, k);
  float *const out[] = {want};
  const pv_act act = {.x = x};
  const pv_mm mm = {type, product, weights, row_bytes, rows, k, &act, out, 0, 1};
  fill(x, k, k, false);
  for (size_t i = 0; k > 256 && i < 256; i++) x[i] *= 1e-33F; /* to nothing */
  for (size_t i = 0; i < k && same; i++) x[i] = 1.0F;
  for (size_t r = 0; r < rows && same; r++) fill_alike(type, weights + r * row_bytes, k, r);
  if (!same) fill_weights(type, weights, rows * row_bytes, k + rows);
  pv_definition.mm(&mm);
  begin();
  const pv_cuda_gemv t = {
      .job = {{.rows = {.data = place(weights, rows * row_bytes),
                        .row_bytes = row_bytes,
                        .type = (uint32_t)type,
                        .count = (uint32_t)rows},
               .out = place(NULL, rows * sizeof(float))}},
      .acts = {.x = place(x, sizeof x), .k = (uint32_t)k, .stride = (uint32_t)k, .share = 1},
      .norm = {.max = product == PV_PRODUCT_I8 ? PV_ACT8_MAX : PV_ACT16_MAX, .whole = true},
      .jobs = 1};
  REQUIRE(launch("mm", variant_of(type, k) + ROUNDED, &t, sizeof t, parts(rows, 8), 1));
  same_floats(result(t.job[0].out), want, rows, pv_type_get(type)->name);
}

static void test_rounded(void) {
  static const pv_type types[] = {PV_TYPE_Q4_K, PV_TYPE_Q5_K,   PV_TYPE_Q6_K, PV_TYPE_Q2_K,
                                  PV_TYPE_Q3_K, PV_TYPE_IQ4_XS, PV_TYPE_TQ2_0};
  check_rounded(PV_TYPE_Q4_K, PV_PRODUCT_I16, 256, 40, false);
  check_rounded(PV_TYPE_Q4_K, PV_PRODUCT_I16, 4096, 19, false);
  check_rounded(PV_TYPE_Q6_K, PV_PRODUCT_I8, 2048, 9, false);
  check_rounded(PV_TYPE_Q5_K, PV_PRODUCT_I16, 2816, 9, false);
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    check_rounded(types[i], PV_PRODUCT_I16, 256, 5, true);
}

/* Products of three matrices, of which each has its groups. */
static void test_jobs(void) {
  enum { K = 256, TOGETHER = 256, ROWS = 5 * TOGETHER + 7, LAST = 100 };
  static const size_t counts[] = {ROWS, ROWS, LAST};
  static float x[K], weight[K], normed[K], want[2 * ROWS + LAST];
  const size_t row_bytes = row_bytes_of(PV_TYPE_Q4_K, K), bytes = (2 * ROWS + LAST) * row_bytes;
  unsigned char *weights = malloc(bytes);
  REQUIRE(weights != NULL);
  float *const out[] = {want};
  const pv_act act = {.x = normed};
  const pv_mm mm = {
      PV_TYPE_Q4_K, PV_PRODUCT_I16, weights, row_bytes, 2 * ROWS + LAST, K, &act, out, 0, 1};
  fill(x, K, 1, false);
  fill(weight, K, 2, true);
  fill_weights(PV_TYPE_Q4_K, weights, bytes, 3);
  pv_definition.rmsnorm(x, weight, K, 1e-6F, normed);
  pv_definition.mm(&mm);
  begin();
  pv_cuda_gemv t = {.acts = {.k = K, .stride = K, .share = 1},
                    .norm = {.x = place(x, sizeof x),
                             .weight = place(weight, sizeof weight),
                             .out = place(NULL, sizeof x),
                             .acts = empty_acts(K, 1),
                             .n = K,
                             .eps = 1e-6F,
                             .max = PV_ACT16_MAX,
                             .whole = true},
                    .jobs = 3};
  const uint64_t data = place(weights, bytes);
  size_t first = 0;
  for (size_t j = 0; j < 3; first += counts[j++]) {
    t.job[j].rows = (pv_cuda_rows){.data = data + first * row_bytes,
                                   .row_bytes = row_bytes,
                                   .type = PV_TYPE_Q4_K,
                                   .count = (uint32_t)counts[j]};
    t.job[j].out = place(NULL, counts[j] * sizeof(float));
  }
  REQUIRE(launch("mm", NORMED + variant_of(PV_TYPE_Q4_K, K), &t, sizeof t,
                 2 * parts(ROWS, TOGETHER) + 1, 1));
  first = 0;
  for (size_t j = 0; j < 3; first += counts[j++])
    same_floats(result(t.job[j].out), want + first, counts[j], "a product of several");
  same_floats(result(t.norm.out), normed, K, "its norm");
  free(weights);
}

enum { HIDDEN = 256, FFN = 256, EXPERTS = 6, USED = 3 };

typedef struct experts {     /* a layer's, and what the definition makes of a row */
  unsigned char *weights[3]; /* gate, up, down */
  size_t row_bytes, bytes;   /* of a row, of an expert; hidden and ffn are alike */
  float x[HIDDEN], gate[USED * FFN], up[USED * FFN], swiglu[USED * FFN], down[USED * HIDDEN];
  float logits[EXPERTS], chosen[USED], sum[HIDDEN], total[HIDDEN], residual[HIDDEN];
  int32_t indices[USED];
} experts;

static void multiply(pv_type type, const experts *e, size_t matrix, size_t rank, const float *x,
                     float *out) {
  const pv_act act = {.x = x};
  const pv_mm mm = {type,
                    PV_PRODUCT_I16,
                    e->weights[matrix] + (size_t)e->indices[rank] * e->bytes,
                    e->row_bytes,
                    HIDDEN,
                    HIDDEN,
                    &act,
                    &out,
                    0,
                    1};
  pv_definition.mm(&mm);
}

static void define_experts(pv_type type, experts *e) {
  const float *rows[USED];
  e->row_bytes = row_bytes_of(type, HIDDEN);
  e->bytes = FFN * e->row_bytes;
  for (size_t m = 0; m < 3; m++) {
    e->weights[m] = malloc(EXPERTS * e->bytes);
    if (e->weights[m] == NULL) abort();
    fill_weights(type, e->weights[m], EXPERTS * e->bytes, m + 1);
  }
  fill(e->x, HIDDEN, 4, false);
  fill(e->residual, HIDDEN, 5, true);
  fill(e->logits, EXPERTS, 6, false);
  e->logits[1] = e->logits[4] = 7.0F; /* a tie */
  pv_definition.route(PV_ROUTE_SUM_ONE, e->logits, EXPERTS, USED, e->indices, e->chosen);
  for (size_t r = 0; r < USED; r++) {
    multiply(type, e, 0, r, e->x, e->gate + r * FFN);
    multiply(type, e, 1, r, e->x, e->up + r * FFN);
    pv_definition.swiglu(e->gate + r * FFN, e->up + r * FFN, FFN, e->swiglu + r * FFN);
    multiply(type, e, 2, r, e->swiglu + r * FFN, e->down + r * HIDDEN);
    rows[r] = e->down + r * HIDDEN;
  }
  pv_definition.combine(rows, e->chosen, USED, HIDDEN, e->sum);
  pv_definition.add(e->residual, e->sum, HIDDEN, e->total);
}

static pv_cuda_rows place_rows(pv_type type, const experts *e, size_t matrix) {
  return (pv_cuda_rows){.data = place(e->weights[matrix], EXPERTS * e->bytes),
                        .row_bytes = e->row_bytes,
                        .expert_bytes = e->bytes,
                        .type = (uint32_t)type,
                        .count = FFN};
}

/* `max` not 0: nobody has rounded the rows, and the shader does. */
static void check_down(pv_type type, const experts *e, const pv_cuda_gate_up *from,
                       const pv_cuda_acts *in, float max) {
  const pv_cuda_down t = {.rows = place_rows(type, e, 2),
                          .experts = from->route.indices,
                          .weights = from->route.weights,
                          .residual = place(e->residual, sizeof e->residual),
                          .in = *in,
                          .out = place(NULL, sizeof e->down),
                          .sum = place(NULL, sizeof e->sum),
                          .total = place(NULL, sizeof e->total),
                          .used = USED,
                          .max = max};
  REQUIRE(launch("down", variant_of(type, FFN) + (max > 0.0F ? ROUNDED : 0), &t, sizeof t,
                 HIDDEN / PV_DOWN_ROWS, 1));
  same_floats(result(t.out), e->down, (size_t)USED * HIDDEN, "down");
  same_floats(result(t.sum), e->sum, HIDDEN, "down, combine");
  same_floats(result(t.total), e->total, HIDDEN, "down, combine, add");
}

/* In blocks of 256 the rows are rounded by down, then by a launch of their own. */
static void check_downs(pv_type type, const experts *e, const pv_cuda_gate_up *from) {
  pv_cuda_round rounded = {empty_acts(FFN, USED), PV_ACT16_MAX, true};
  if (!pv_cuda_whole((uint32_t)type)) {
    check_down(type, e, from, &from->acts, 0.0F);
    return;
  }
  rounded.acts.x = from->out;
  rounded.acts.stride = FFN;
  check_down(type, e, from, &rounded.acts, PV_ACT16_MAX);
  REQUIRE(launch("round_rows", 0, &rounded, sizeof rounded, parts(FFN, 256), USED));
  check_down(type, e, from, &rounded.acts, 0.0F);
}

/* Gate and up round their result in blocks of 32, or not at all. */
static void check_experts(pv_type type, bool rounds) {
  static experts e;
  define_experts(type, &e);
  begin();
  pv_cuda_round rounded = {
      .acts = empty_acts(HIDDEN, 1), .max = PV_ACT16_MAX, .whole = pv_cuda_whole((uint32_t)type)};
  rounded.acts.x = place(e.x, sizeof e.x);
  rounded.acts.stride = HIDDEN;
  REQUIRE(launch("round_rows", 0, &rounded, sizeof rounded, parts(HIDDEN, 256), 1));
  const pv_cuda_gate_up t = {.gate = place_rows(type, &e, 0),
                             .up = place_rows(type, &e, 1),
                             .route = {.logits = place(e.logits, sizeof e.logits),
                                       .indices = place(NULL, sizeof e.indices),
                                       .weights = place(NULL, sizeof e.chosen),
                                       .experts = EXPERTS,
                                       .used = USED,
                                       .form = PV_ROUTE_SUM_ONE},
                             .in = rounded.acts,
                             .gate_out = place(NULL, sizeof e.gate),
                             .up_out = place(NULL, sizeof e.up),
                             .out = place(NULL, sizeof e.swiglu),
                             .acts = rounds ? empty_acts(FFN, USED) : (pv_cuda_acts){0},
                             .max = PV_ACT16_MAX};
  REQUIRE(launch("gate_up", variant_of(type, HIDDEN), &t, sizeof t, FFN / PV_SEGMENT + 1, USED));
  same_floats(result(t.gate_out), e.gate, (size_t)USED * FFN, "gate");
  same_floats(result(t.up_out), e.up, (size_t)USED * FFN, "up");
  same_floats(result(t.out), e.swiglu, (size_t)USED * FFN, "swiglu");
  same_floats(result(t.route.weights), e.chosen, USED, "weights of experts");
  EXPECT_BYTES(result(t.route.indices), e.indices, sizeof e.indices);
  for (size_t r = 0; r < USED && rounds; r++) same_acts(&t.acts, e.swiglu + r * FFN, FFN, r, false);
  check_downs(type, &e, &t);
  for (size_t m = 0; m < 3; m++) free(e.weights[m]);
}

static void test_experts(void) {
  check_experts(PV_TYPE_Q4_K, false);
  check_experts(PV_TYPE_Q4_K, true);
  check_experts(PV_TYPE_Q5_K, false);
  check_experts(PV_TYPE_Q6_K, false);
  check_experts(PV_TYPE_Q8_0, true);
}

enum { HEADS = 4, KV_HEADS = 2, SEEN_MOST = 200, DIM_MOST = 256 };

typedef struct step { /* a decoded position */
  float q[HEADS * DIM_MOST], k[KV_HEADS * DIM_MOST], v[KV_HEADS * DIM_MOST], weight[DIM_MOST];
  float cosine[SEEN_MOST * DIM_MOST / 2], sine[SEEN_MOST * DIM_MOST / 2];
  float keys[SEEN_MOST * KV_HEADS * DIM_MOST], values[SEEN_MOST * KV_HEADS * DIM_MOST];
  float q_out[HEADS * DIM_MOST], k_out[KV_HEADS * DIM_MOST], out[HEADS * DIM_MOST];
} step;

static const float sinks[HEADS] = {0.5F, -3.0F, 9.0F, 0.0F};

static void define_step(step *s, size_t dim, size_t position, bool with_sinks) {
  static float scratch[SEEN_MOST * DIM_MOST];
  const size_t stride = KV_HEADS * dim, table = position * (dim / 2);
  for (size_t h = 0; h < HEADS; h++) {
    pv_definition.rmsnorm(s->q + h * dim, s->weight, dim, 1e-6F, s->q_out + h * dim);
    pv_definition.rope(s->q_out + h * dim, dim, s->cosine + table, s->sine + table);
  }
  for (size_t h = 0; h < KV_HEADS; h++) {
    pv_definition.rmsnorm(s->k + h * dim, s->weight, dim, 1e-6F, s->k_out + h * dim);
    pv_definition.rope(s->k_out + h * dim, dim, s->cosine + table, s->sine + table);
  }
  memcpy(s->keys + position * stride, s->k_out, stride * sizeof *s->keys);
  memcpy(s->values + position * stride, s->v, stride * sizeof *s->values);
  for (size_t h = 0; h < HEADS; h++) {
    const size_t at = h / (HEADS / KV_HEADS) * dim;
    const pv_attend a = {.q = s->q_out + h * dim,
                         .k = s->keys + at,
                         .v = s->values + at,
                         .stride = stride,
                         .head_dim = dim,
                         .positions = position + 1,
                         .scale = 0.125F,
                         .sink = with_sinks ? &sinks[h] : NULL,
                         .out = s->out + h * dim,
                         .scratch = scratch};
    pv_definition.attend(&a);
  }
}

static pv_cuda_attend_step place_step(const step *s, size_t dim, const pv_cuda_step *at,
                                      bool with_sinks) {
  const size_t q = HEADS * dim * sizeof(float), kv = KV_HEADS * dim * sizeof(float);
  const size_t cache = (at->position + 1) * kv;
  const uint32_t chunks = parts(at->position + 1, PV_ATTENTION_CHUNK);
  const uint64_t weight = place(s->weight, dim * sizeof(float));
  const pv_cuda_heads heads = {.q = place(s->q, q),
                               .k = place(s->k, kv),
                               .v = place(s->v, kv),
                               .q_weight = weight,
                               .k_weight = weight,
                               .q_out = place(NULL, q),
                               .k_out = place(NULL, kv),
                               .keys = place(s->keys, cache),
                               .values = place(s->values, cache),
                               .cos = place(s->cosine, sizeof s->cosine),
                               .sin = place(s->sine, sizeof s->sine),
                               .step = place(at, sizeof *at),
                               .heads = HEADS,
                               .kv_heads = KV_HEADS,
                               .dim = (uint32_t)dim,
                               .eps = 1e-6F};
  const pv_cuda_attend attend = {.q = heads.q_out,
                                 .keys = heads.keys,
                                 .values = heads.values,
                                 .step = heads.step,
                                 .top = place(NULL, HEADS * chunks * sizeof(float)),
                                 .sum = place(NULL, HEADS * chunks * sizeof(float)),
                                 .value = place(NULL, q * chunks),
                                 .out = place(NULL, q),
                                 .sinks = with_sinks ? place(sinks, sizeof sinks) : 0,
                                 .acts = empty_acts(HEADS * dim, 1),
                                 .heads = HEADS,
                                 .kv_heads = KV_HEADS,
                                 .dim = (uint32_t)dim,
                                 .chunks = chunks,
                                 .scale = 0.125F,
                                 .max = PV_ACT16_MAX};
  return (pv_cuda_attend_step){heads, attend, chunks == 1 && dim % PV_SEGMENT == 0, 1};
}

/* What stands at the new position of the cache is not read: the shader makes it. */
static void check_step(size_t dim, uint32_t position, bool with_sinks) {
  static step s;
  const size_t stride = KV_HEADS * dim, width = HEADS * dim;
  const pv_cuda_step at = {.position = position, .count = 1};
  fill(s.q, width, dim, false);
  fill(s.k, stride, dim + 1, false);
  fill(s.v, stride, dim + 2, true);
  fill(s.weight, dim, dim + 3, false);
  fill(s.cosine, (position + 1) * dim / 2, dim + 4, false);
  fill(s.sine, (position + 1) * dim / 2, dim + 5, false);
  fill(s.keys, (position + 1) * stride, dim + 6, false);
  fill(s.values, (position + 1) * stride, dim + 7, true);
  begin();
  const pv_cuda_attend_step t = place_step(&s, dim, &at, with_sinks);
  define_step(&s, dim, position, with_sinks);
  REQUIRE(launch("attend_step", (uint32_t)(dim / 8) + (with_sinks ? SINKS : 0), &t, sizeof t,
                 t.attend.chunks * HEADS, 1));
  if (dim % PV_SEGMENT != 0)
    REQUIRE(launch("attend_combine", 0, &t.attend, sizeof t.attend, parts(width, 256), 1));
  same_floats(result(t.heads.q_out), s.q_out, width, "q of a step");
  same_floats(result(t.heads.k_out), s.k_out, stride, "k of a step");
  same_floats(result(t.heads.keys), s.keys, (position + 1) * stride, "keys");
  same_floats(result(t.heads.values), s.values, (position + 1) * stride, "values");
  same_floats(result(t.attend.out), s.out, width, "attend");
  same_acts(&t.attend.acts, s.out, width, 0, false);
}

static void test_step(void) {
  check_step(128, 0, false);
  check_step(128, 63, false);
  check_step(64, 40, true);
  check_step(40, 64, false);
  check_step(128, 190, false);
  check_step(256, 150, true);
}

int main(void) {
  const int none = bench_open();
  if (none != 0) return none;
  const int code = pv_testing_main("vulkan fused", (pv_case[]){PV_CASE(test_normed),
                                                               PV_CASE(test_rounded),
                                                               PV_CASE(test_jobs),
                                                               PV_CASE(test_experts),
                                                               PV_CASE(test_step),
                                                               {0}});
  bench_close();
  return code;
}
