/* The shaders of stages on a device of this machine: each bit is that of
 * kernels/definition. They take the arguments of the CUDA kernels, from memory. */
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "kernels/cuda/append.h"
#include "kernels/cuda/argmax.h"
#include "kernels/cuda/bias.h"
#include "kernels/cuda/elementwise.h"
#include "kernels/cuda/embed.h"
#include "kernels/cuda/gemv.h"
#include "kernels/cuda/round.h"
#include "kernels/definition/definition.h"
#include "tests/unit/testing.h"
#include "tests/unit/vulkan/bench.h"

enum { ROWS_MAX = 64 };

static void test_add(void) {
  enum { N = 5000 };
  static float a[N], b[N], want[N];
  fill(a, N, 1, true);
  fill(b, N, 2, true);
  pv_definition.add(a, b, N, want);
  begin();
  const pv_cuda_add t = {place(a, sizeof a), place(b, sizeof b), place(NULL, sizeof a), N};
  REQUIRE(launch("add", 0, &t, sizeof t, parts(N, 256), 1));
  same_floats(result(t.out), want, N, "add");
}

/* Rounded in blocks of 256, or of 32. */
static void check_rmsnorm(bool whole) {
  static const size_t sizes[] = {1, 31, 96, 256, 300, 2048, 3000, 4096};
  enum { ROWS = 8 };
  static float x[ROWS * K_MAX], weight[K_MAX], want[K_MAX];
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
    const size_t n = sizes[s], block = whole ? 256 : PV_SEGMENT;
    fill(x, ROWS * n, n, false);
    fill(weight, n, n + 1, true);
    if (n >= 96) {
      memset(x, 0, (n > block ? block : 32) * sizeof *x); /* a block that is rounded to nothing */
      x[n + 40] = NAN;                                    /* a row that is none */
      for (size_t i = 0; i < n; i++) x[2 * n + i] *= 1e-20F;
      for (size_t i = 3 * n; i < ROWS * n;
           i++) /* all of the sum is one lane's: its order is seen */
        if (i % n % PV_WIDE_LANES != 7) x[i] = 0;
    }
    begin();
    const pv_cuda_norm t = {.x = place(x, ROWS * n * sizeof *x),
                            .weight = place(weight, n * sizeof *weight),
                            .out = place(NULL, ROWS * n * sizeof *x),
                            .acts = n % block == 0 ? empty_acts(n, ROWS) : (pv_cuda_acts){0},
                            .n = (uint32_t)n,
                            .eps = 1e-6F,
                            .max = PV_ACT16_MAX,
                            .whole = whole};
    REQUIRE(launch("rmsnorm", 0, &t, sizeof t, ROWS, 1));
    for (size_t r = 0; r < ROWS; r++) {
      pv_definition.rmsnorm(x + r * n, weight, n, t.eps, want);
      same_floats((const float *)result(t.out) + r * n, want, n, "rmsnorm");
      if (t.acts.q != 0) same_acts(&t.acts, want, n, r, whole);
    }
  }
}

static void test_rmsnorm(void) {
  check_rmsnorm(false);
  check_rmsnorm(true);
}

/* The forms of the shader by their numbers. */
static void test_swiglu(void) {
  static const size_t sizes[] = {1, 100, 768, 4096};
  enum { SLOTS = 2, FORMS = 3 };
  void (*const forms[FORMS])(const float *, const float *, size_t, float *) = {
      pv_definition.swiglu, pv_definition.geglu, pv_definition.swiglu_clamped};
  static float gate[SLOTS * K_MAX], up[SLOTS * K_MAX], want[K_MAX];
  for (size_t s = 0; s < FORMS * (sizeof sizes / sizeof *sizes); s++) {
    const size_t n = sizes[s / FORMS], bytes = SLOTS * n * sizeof *gate;
    fill(gate, SLOTS * n, n, true);
    fill(up, SLOTS * n, n + 1, true);
    for (size_t i = 0; i < n; i += 7) gate[i] *= 20.0F; /* on both sides of -32 */
    begin();
    const pv_cuda_gate_up t = {
        .gate = {.count = (uint32_t)n},
        .gate_out = place(gate, bytes),
        .up_out = place(up, bytes),
        .out = place(NULL, bytes),
        .acts = n % PV_SEGMENT == 0 ? empty_acts(n, SLOTS) : (pv_cuda_acts){0},
        .max = PV_ACT16_MAX};
    REQUIRE(launch("swiglu", s % FORMS, &t, sizeof t, parts(n, 256), SLOTS));
    for (size_t r = 0; r < SLOTS; r++) {
      forms[s % FORMS](gate + r * n, up + r * n, n, want);
      same_floats((const float *)result(t.out) + r * n, want, n, "swiglu");
      if (t.acts.q != 0) same_acts(&t.acts, want, n, r, false);
    }
  }
}

static void test_gate(void) {
  enum { N = 700, ROWS = 2 };
  static float x[ROWS * N], want[N];
  const float logits[ROWS] = {-40.5F, 1.25F};
  fill(x, ROWS * N, 1, true);
  begin();
  const pv_cuda_gate t = {place(x, sizeof x), place(logits, sizeof logits), place(NULL, sizeof x),
                          N};
  REQUIRE(launch("gate", 0, &t, sizeof t, parts(N, 256), ROWS));
  for (size_t r = 0; r < ROWS; r++) {
    pv_definition.gate(x + r * N, logits[r], N, want);
    same_floats((const float *)result(t.out) + r * N, want, N, "gate");
  }
}

/* Of one vector, and of one for each expert; the second job is longer. */
static void test_bias(void) {
  enum { N = 300, ROWS = 2, EXPERTS = 3 };
  static float x[ROWS * 2 * N], bias[EXPERTS * 2 * N], want[2 * N];
  const int32_t experts[ROWS] = {2, 0};
  fill(x, ROWS * 2 * N, 1, true);
  fill(bias, EXPERTS * 2 * N, 2, true);
  for (int by_expert = 0; by_expert < 2; by_expert++) {
    begin();
    const uint64_t from = place(x, sizeof x), vectors = place(bias, sizeof bias);
    const pv_cuda_bias t = {.job = {{from, vectors, place(NULL, sizeof x), N},
                                    {from, vectors, place(NULL, sizeof x), 2 * N}},
                            .experts = by_expert ? place(experts, sizeof experts) : 0,
                            .jobs = 2};
    REQUIRE(launch("bias", 0, &t, sizeof t, parts(2 * N, 256), ROWS));
    for (size_t i = 0; i < (size_t)2 * ROWS; i++) {
      const size_t r = i / 2, n = t.job[i % 2].n, of = by_expert ? (size_t)experts[r] : 0;
      pv_definition.bias(x + r * n, bias + of * n, n, want);
      same_floats((const float *)result(t.job[i % 2].out) + r * n, want, n, "bias");
    }
  }
}

static void test_append(void) {
  enum { K = 320, ROWS = 2, POSITION = 3 };
  static float x[ROWS * K], cache[(POSITION + ROWS) * K];
  const pv_cuda_step step = {.position = POSITION, .count = ROWS};
  fill(x, ROWS * K, 1, false);
  begin();
  const pv_cuda_append t = {place(x, sizeof x), place(NULL, sizeof cache),
                            place(&step, sizeof step), K};
  REQUIRE(launch("append", 0, &t, sizeof t, parts(K, 256), ROWS));
  same_floats((const float *)result(t.cache) + POSITION * K, x, ROWS * K, "append");
}

/* The last block of 256 may be a part. */
static void test_round(void) {
  enum { K = 608, ROWS = 2 };
  static float x[ROWS * K];
  fill(x, ROWS * K, 1, false);
  for (size_t i = 0; i < 256; i++) x[K + i] *= 1e-33F; /* to nothing */
  x[K + 300] = INFINITY;
  for (int whole = 0; whole < 2; whole++) {
    begin();
    pv_cuda_round t = {.acts = empty_acts(K, ROWS), .max = PV_ACT16_MAX, .whole = (uint32_t)whole};
    t.acts.x = place(x, sizeof x);
    t.acts.stride = K;
    REQUIRE(launch("round_rows", 0, &t, sizeof t, parts(K, 256), ROWS));
    for (size_t r = 0; r < ROWS; r++) same_acts(&t.acts, x + r * K, K, r, whole != 0);
  }
}

static void test_combine(void) {
  enum { N = 700, USED = 5, ROWS = 2 };
  static float out[ROWS * USED * N], weights[ROWS * USED], residual[ROWS * N], sum[N], total[N];
  fill(out, ROWS * USED * N, 1, true);
  fill(weights, ROWS * USED, 2, false);
  fill(residual, ROWS * N, 3, true);
  for (int with = 0; with < 2; with++) {
    begin();
    const pv_cuda_down t = {.rows = {.count = N},
                            .weights = place(weights, sizeof weights),
                            .residual = with ? place(residual, sizeof residual) : 0,
                            .out = place(out, sizeof out),
                            .sum = place(NULL, sizeof residual),
                            .total = place(NULL, sizeof residual),
                            .used = USED};
    REQUIRE(launch("combine", 0, &t, sizeof t, parts(N, 256), ROWS));
    for (size_t r = 0; r < ROWS; r++) {
      const float *rows[USED];
      for (size_t k = 0; k < USED; k++) rows[k] = out + (r * USED + k) * N;
      pv_definition.combine(rows, weights + r * USED, USED, N, sum);
      pv_definition.add(residual + r * N, sum, N, total);
      same_floats((const float *)result(t.sum) + r * N, sum, N, "combine");
      if (with) same_floats((const float *)result(t.total) + r * N, total, N, "combine, add");
    }
  }
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
  for (size_t i = 0; i < count; i++) bytes[i] = (unsigned char)(pv_random_next(&seed) >> 30);
  for (size_t at = 0; at + info->block_bytes <= count; at += info->block_bytes) {
    const uint16_t d = (uint16_t)(0x2400 + pv_random_next(&seed) % 0x400);
    const uint16_t least = (uint16_t)(pv_random_next(&seed) % 0x400); /* subnormal too */
    const float plain = (float)(pv_random_unit(&seed) - 0.5);
    if (type == PV_TYPE_F32)
      memcpy(bytes + at, &plain, sizeof plain);
    else if (type == PV_TYPE_BF16)
      memcpy(bytes + at, (const char *)&plain + 2, 2);
    else if (type == PV_TYPE_MXFP4)
      bytes[at] = (unsigned char)(at % 5 == 0 ? at % 3 : 110U + bytes[at] % 16);
    else
      memcpy(bytes + at + scale_at(type), at % 64 == 2 ? &least : &d, sizeof d);
    if (pv_form_has_minimum(info->form))
      memcpy(bytes + at + scale_at(type) + 2, &least, sizeof least);
  }
}

static void check_mm(pv_type type, pv_product product, size_t k, size_t rows, bool with_add) {
  enum { ACTS = 2 };
  static unsigned char weights[ROWS_MAX * K_MAX * 2];
  static float x[ACTS * K_MAX], wanted[ACTS * ROWS_MAX], add[ACTS * ROWS_MAX], sum[ACTS * ROWS_MAX];
  const size_t row_bytes = row_bytes_of(type, k);
  fill(x, ACTS * k, k, false);
  fill(add, ACTS * rows, k + 1, true);
  fill_weights(type, weights, rows * row_bytes, k + rows);
  begin();
  /* The device rounds the activations itself: of a norm whose weights undo nothing. */
  static float ones[K_MAX], normed[ACTS * K_MAX];
  for (size_t i = 0; i < k; i++) ones[i] = 1.0F;
  const pv_cuda_norm norm = {.x = place(x, ACTS * k * sizeof *x),
                             .weight = place(ones, k * sizeof *ones),
                             .out = place(NULL, ACTS * k * sizeof *x),
                             .acts = empty_acts(k, ACTS),
                             .n = (uint32_t)k,
                             .eps = 1e-6F,
                             .max = product == PV_PRODUCT_I8 ? PV_ACT8_MAX : PV_ACT16_MAX,
                             .whole = pv_cuda_whole((uint32_t)type)};
  REQUIRE(launch("rmsnorm", 0, &norm, sizeof norm, ACTS, 1));
  const pv_act acts[ACTS] = {{.x = normed}, {.x = normed + k}};
  float *const out[ACTS] = {wanted, wanted + rows};
  for (size_t t = 0; t < ACTS; t++)
    pv_definition.rmsnorm(x + t * k, ones, k, norm.eps, normed + t * k);
  const pv_mm want = {type, product, weights, row_bytes, rows, k, acts, out, 0, ACTS};
  pv_definition.mm(&want);
  pv_definition.add(add, wanted, ACTS * rows, sum);
  const pv_cuda_gemv t = {.job = {{.rows = {.data = place(weights, rows * row_bytes),
                                            .row_bytes = row_bytes,
                                            .type = (uint32_t)type,
                                            .count = (uint32_t)rows},
                                   .out = place(NULL, ACTS * rows * sizeof(float))}},
                          .acts = norm.acts,
                          .add = with_add ? place(add, ACTS * rows * sizeof *add) : 0,
                          .total = place(NULL, ACTS * rows * sizeof(float)),
                          .jobs = 1};
  REQUIRE(launch("mm", (uint32_t)type, &t, sizeof t, parts(rows, 4), ACTS));
  same_floats(result(t.job[0].out), wanted, ACTS * rows, "mm");
  if (with_add) same_floats(result(t.total), sum, ACTS * rows, "mm, add");
}

static void test_mm(void) {
  static const pv_type types[] = {PV_TYPE_Q8_0,  PV_TYPE_Q4_K, PV_TYPE_Q6_K,   PV_TYPE_Q4_0,
                                  PV_TYPE_Q4_1,  PV_TYPE_Q5_0, PV_TYPE_Q5_1,   PV_TYPE_Q2_K,
                                  PV_TYPE_Q3_K,  PV_TYPE_Q5_K, PV_TYPE_IQ4_NL, PV_TYPE_IQ4_XS,
                                  PV_TYPE_TQ2_0, PV_TYPE_MXFP4};
  static const pv_product products[] = {PV_PRODUCT_I16, PV_PRODUCT_I8};
  for (size_t p = 0; p < 2; p++) {
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
      check_mm(types[i], products[p], 2816, 5, true);
      if (i > 2) continue; /* of other types it is their bytes alone */
      check_mm(types[i], products[p], 256, 3, false);
      check_mm(types[i], products[p], 4096, 64, false);
    }
    check_mm(PV_TYPE_Q8_0, products[p], 32, 1, false);
    check_mm(PV_TYPE_Q8_0, products[p], 96, 7, true);
  }
}

/* Of an expert each. */
enum { SLOTS = 4, SHARE = 2, EXPERTS = 3, EXPERT_ROWS = 13 };
static unsigned char expert_weights[EXPERTS * EXPERT_ROWS * K_MAX * 4];
static float slot_x[SLOTS / SHARE * K_MAX];

/* Activations as they were: identity f32-f64acc of any type, or others, of those that are not
 * quantised. */
static void check_slots(pv_type type, pv_product product, size_t k, size_t rows) {
  static float want[SLOTS * ROWS_MAX];
  const int32_t experts[SLOTS] = {2, 0, 0, 1};
  const size_t row_bytes = row_bytes_of(type, k), expert_bytes = rows * row_bytes;
  begin();
  const pv_cuda_gemv t = {.job = {{.rows = {.data = place(expert_weights, EXPERTS * expert_bytes),
                                            .row_bytes = row_bytes,
                                            .expert_bytes = expert_bytes,
                                            .type = (uint32_t)type,
                                            .count = (uint32_t)rows},
                                   .out = place(NULL, SLOTS * rows * sizeof *want)}},
                          .acts = {.x = place(slot_x, sizeof slot_x),
                                   .k = (uint32_t)k,
                                   .stride = (uint32_t)k,
                                   .share = SHARE},
                          .experts = place(experts, sizeof experts),
                          .jobs = 1};
  REQUIRE(launch(product == PV_PRODUCT_F64ACC ? "mm_f64acc" : "mm", (uint32_t)type, &t, sizeof t,
                 parts(rows, 12), SLOTS));
  for (size_t slot = 0; slot < SLOTS; slot++) {
    const pv_act act = {.x = slot_x + slot / SHARE * k};
    float *const out[] = {want + slot * rows};
    const unsigned char *of = expert_weights + (size_t)experts[slot] * expert_bytes;
    const pv_mm mm = {type, product, of, row_bytes, rows, k, &act, out, 0, 1};
    pv_definition.mm(&mm);
  }
  same_floats(result(t.job[0].out), want, SLOTS * rows, pv_type_get(type)->name);
}

static void check_plain(pv_type type, pv_product product, size_t k, size_t rows) {
  fill(slot_x, SLOTS / SHARE * k, k, true);
  fill_weights(type, expert_weights, EXPERTS * rows * row_bytes_of(type, k), k);
  check_slots(type, product, k, rows);
}

/* All weights are one, of more bits than a product with it has room for, and each second segment
 * takes away what the one before it added: what is left is what each fma rounded. */
static void check_what_is_rounded(pv_type type) {
  enum { K = 512, ROWS = 2 };
  const pv_type_info *info = pv_type_get(type);
  const uint16_t scales[] = {0x7155, 0x0155}; /* 10,920; subnormal */
  const size_t bytes = EXPERTS * ROWS * row_bytes_of(type, K);
  memset(expert_weights, 0xff, bytes);
  for (size_t at = 0; at < bytes; at += info->block_bytes)
    memcpy(expert_weights + at + scale_at(type), scales, sizeof scales);
  fill(slot_x, SLOTS / SHARE * K, K, false);
  for (size_t i = 0; i < (size_t)SLOTS / SHARE * K; i++)
    if (i / PV_SEGMENT % 2 == 1) slot_x[i] = -slot_x[i - PV_SEGMENT];
  check_slots(type, PV_PRODUCT_F64ACC, K, ROWS);
}

static void test_plain(void) {
  static const pv_type types[] = {PV_TYPE_F32, PV_TYPE_F16, PV_TYPE_BF16};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    check_plain(types[i], PV_PRODUCT_I16, 4, 1);
    check_plain(types[i], PV_PRODUCT_I16, 300, 5);
    check_plain(types[i], PV_PRODUCT_I16, 2048, 5);
  }
}

static const pv_type all_types[] = {
#undef PV_PLAIN_ROW
#undef PV_TYPE_ROW
#define PV_PLAIN_ROW(NAME, name, number) PV_TYPE_##NAME,
#define PV_TYPE_ROW(NAME, ...)           PV_TYPE_##NAME,
#include "kernels/quant/list.h"
};
enum { TYPES = sizeof all_types / sizeof *all_types };

/* One chunk, parts of one, and more rows than a group has. */
static void test_f64acc(void) {
  for (size_t i = 0; i < TYPES; i++) {
    const size_t block = pv_type_get(all_types[i])->block_elements;
    check_plain(all_types[i], PV_PRODUCT_F64ACC, block, 1);
    check_plain(all_types[i], PV_PRODUCT_F64ACC, block < 256 ? 2848 : 2816, EXPERT_ROWS);
    if (pv_form_has_minimum(pv_type_get(all_types[i])->form)) check_what_is_rounded(all_types[i]);
  }
  check_plain(PV_TYPE_F32, PV_PRODUCT_F64ACC, 300, 5);
  check_plain(PV_TYPE_Q4_K, PV_PRODUCT_F64ACC, 4096, 8);
}

static void test_embed(void) {
  enum { ROWS = 3, VOCABULARY = 6, K = 768 };
  static unsigned char weights[VOCABULARY * K * 4];
  static float want[K];
  const uint32_t ids[ROWS] = {5, 0, 3};
  for (size_t i = 0; i < (size_t)2 * TYPES; i++) {
    const pv_type type = all_types[i / 2];
    const size_t row_bytes = row_bytes_of(type, K);
    fill_weights(type, weights, VOCABULARY * row_bytes, i);
    begin();
    const pv_cuda_embed t = {.rows = {.data = place(weights, VOCABULARY * row_bytes),
                                      .row_bytes = row_bytes,
                                      .type = (uint32_t)type,
                                      .count = VOCABULARY},
                             .ids = place(ids, sizeof ids),
                             .out = place(NULL, ROWS * K * sizeof *want),
                             .k = K,
                             .scale = i % 2 == 0 ? 0.0F : 27.7F};
    REQUIRE(launch("embed", (uint32_t)type, &t, sizeof t, parts(K, 256), ROWS));
    for (size_t r = 0; r < ROWS; r++) {
      pv_definition.gather(type, weights + ids[r] * row_bytes, K, want);
      if (t.scale != 0) pv_definition.scale(want, t.scale, K, want);
      same_floats((const float *)result(t.out) + r * K, want, K, pv_type_get(type)->name);
    }
  }
}

static void test_argmax(void) {
  enum { ROWS = 3, N = 5000 };
  static const uint32_t sizes[] = {1, 255, 257, N};
  static float x[ROWS * N];
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
    const uint32_t n = sizes[s];
    fill(x, ROWS * n, n, false);
    if (n > 256) {
      x[100] = x[200] = x[256] = 1e30F;
      x[n] = NAN; /* and behind it, of the same thread, the best */
      x[n + 256] = 2e30F;
      x[2 * n + 8] = x[2 * n + 9] = INFINITY;
    }
    begin();
    const pv_cuda_argmax t = {
        .x = place(x, ROWS * n * sizeof *x), .out = place(NULL, ROWS * sizeof(int32_t)), .n = n};
    REQUIRE(launch("argmax", 0, &t, sizeof t, ROWS, 1));
    for (size_t r = 0; r < ROWS; r++)
      EXPECT_I64(((const int32_t *)result(t.out))[r], pv_definition.argmax(x + r * n, n));
  }
}

int main(void) {
  const int none = bench_open();
  if (none != 0) return none;
  const int code = pv_testing_main("vulkan stages", (pv_case[]){PV_CASE(test_add),
                                                                PV_CASE(test_rmsnorm),
                                                                PV_CASE(test_swiglu),
                                                                PV_CASE(test_gate),
                                                                PV_CASE(test_bias),
                                                                PV_CASE(test_append),
                                                                PV_CASE(test_round),
                                                                PV_CASE(test_combine),
                                                                PV_CASE(test_mm),
                                                                PV_CASE(test_plain),
                                                                PV_CASE(test_f64acc),
                                                                PV_CASE(test_embed),
                                                                PV_CASE(test_argmax),
                                                                {0}});
  bench_close();
  return code;
}
