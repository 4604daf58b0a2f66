/* The table: every case of every operation in every arithmetic, formats, indices, refusals. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kernels/foreign/foreign.h"
#include "runtime/alone/rows.h"
#include "runtime/operations/bounds.h"
#include "tests/unit/operations/naive.h"
#include "tests/unit/testing.h"

static void test_rows(void) {
  const pv_operation *op;
  char text[128];
  size_t n = 0;
  for (; (op = pv_operation_at(n)) != NULL; n++) {
    pv_op_case c;
    double number;
    EXPECT(pv_operation_find(op->name) == op); /* names are unlike */
    EXPECT(op->about[0] != '\0' && op->formula[0] != '\0');
    EXPECT(pv_operation_tensors(op) >= 2);
    EXPECT(pv_operation_case_at(op, 0, &c) && !pv_operation_case_at(op, op->case_count, &c));
    EXPECT(pv_operation_number(op, &c, op->size[0], &number) && number == c.size[0]);
    EXPECT(!pv_operation_number(op, &c, "nothing", &number));
  }
  EXPECT(n >= 40);
  EXPECT(pv_operation_find("q4_k") == NULL);
  const pv_operation *gemv = pv_operation_find("q4_k_gemv"), *norm = pv_operation_find("rmsnorm");
  pv_op_case c;
  double eps = 0.0;
  REQUIRE(gemv != NULL && norm != NULL && pv_operation_case_at(gemv, 1, &c));
  pv_operation_case_text(gemv, &c, text, sizeof text);
  EXPECT_STR(text, "k=768 rows=7 batch=2, exact");
  EXPECT(pv_operation_case_at(norm, 0, &c) && pv_operation_number(norm, &c, "eps", &eps));
  EXPECT_F64(eps, 1e-6, 0.0);
}

/* In its first dozen every operation has what its data may be like. */
static void test_first_dozen(void) {
  const pv_operation *op = pv_operation_find("q6_k_gemv");
  pv_op_case c;
  unsigned data = 0, batches = 0;
  REQUIRE(op != NULL);
  for (size_t i = 0; i < 12 && pv_operation_case_at(op, i, &c); i++) {
    data |= 1u << c.data;
    batches |= 1u << c.size[2];
  }
  EXPECT_U64(data & 0x3f, 0x3f);
  EXPECT((data & 1u << PV_DATA_EXACT) != 0);
  EXPECT_U64(batches & 0x226, 0x226); /* 1, 2, 5, 9 */
}

static void all_of(const pv_operation *op, const pv_op_case *c, const pv_op_numerics *n) {
  pv_arena arena = PV_ARENA_INIT;
  pv_op_values v[PV_OP_TENSORS], again[PV_OP_TENSORS];
  pv_error err = PV_ERROR_INIT;
  REQUIRE(pv_operation_make(op, c, &arena, v, &err) == PV_OK);
  REQUIRE(pv_operation_make(op, c, &arena, again, &err) == PV_OK);
  for (size_t i = 0; i < pv_operation_tensors(op); i++) {
    const size_t count = v[i].rows * v[i].row;
    EXPECT(count > 0);
    if (v[i].real != NULL) EXPECT_BYTES(v[i].real, again[i].real, count * 4);
    if (v[i].bytes != NULL) EXPECT_BYTES(v[i].bytes, again[i].bytes, v[i].rows * v[i].row_bytes);
    if (v[i].index != NULL) EXPECT_BYTES(v[i].index, again[i].index, count * 4);
  }
  const pv_code code = pv_operation_expect(op, c, n, &arena, v, &err);
  if (n->is_identity && code == PV_ERR_UNSUPPORTED) {
    EXPECT_HAS(err.message, "is not defined in");
    pv_arena_free(&arena);
    return;
  }
  EXPECT(code == PV_OK);
  for (size_t i = 0; code == PV_OK && i < pv_operation_tensors(op); i++) {
    bool sane = true;
    for (size_t j = 0; v[i].bound != NULL && j < v[i].rows * v[i].parts; j++)
      sane = sane && !isnan(v[i].bound[j]) && (!n->is_identity || v[i].bound[j] == 0.0);
    EXPECT(sane);
    EXPECT((op->tensor[i].role == PV_OP_IN) == (v[i].want == NULL && v[i].want_index == NULL));
  }
  pv_arena_free(&arena);
}

static void test_all(void) {
  const pv_operation *op;
  const pv_op_numerics *n;
  pv_op_case c;
  for (size_t i = 0; (op = pv_operation_at(i)) != NULL; i++)
    for (size_t k = 0; (n = pv_op_numerics_at(k)) != NULL; k++)
      for (size_t j = 0; j < 8 && pv_operation_case_at(op, j, &c); j++)
        if (c.size[0] * (size_t)c.size[1] < 50000) all_of(op, &c, n);
}

/* Identities: the bits of our kernels, and no others. */
static void test_identity(void) {
  static const char *const names[] = {"i16", "i8", "f32-f64acc"};
  const pv_operation *op = pv_operation_find("q4_k_gemv");
  pv_op_case c;
  for (size_t i = 0; i < 3; i++) {
    pv_arena arena = PV_ARENA_INIT;
    pv_op_values v[PV_OP_TENSORS];
    pv_op_numerics n;
    pv_rows_act act;
    pv_error err = PV_ERROR_INIT;
    REQUIRE(pv_operation_case_at(op, 2, &c) && pv_op_numerics_find(names[i], &n));
    REQUIRE(pv_operation_make(op, &c, &arena, v, &err) == PV_OK);
    REQUIRE(pv_operation_expect(op, &c, &n, &arena, v, &err) == PV_OK);
    REQUIRE(pv_rows_act_make(&pv_cpu_scalar, n.product, v[1].real, v[0].row, &act, &err) == PV_OK);
    for (size_t r = 0; r < v[2].row; r++) {
      const float got = pv_rows_multiply(&pv_cpu_scalar, n.product, op->type,
                                         v[0].bytes + r * v[0].row_bytes, v[0].row, &act);
      EXPECT_F64(pv_op_excess((double)got, v[2].want[r], v[2].bound[r]), 0.0, 0.0);
      EXPECT(pv_op_excess((double)nextafterf(got, 1e9f), v[2].want[r], v[2].bound[r]) > 1.0);
    }
    pv_rows_act_free(&act);
    pv_arena_free(&arena);
  }
}

/* Golden values, made by hand. */
static void test_golden(void) {
  pv_arena arena = PV_ARENA_INIT;
  pv_op_values v[PV_OP_TENSORS];
  pv_op_case c;
  pv_op_numerics n;
  pv_error err = PV_ERROR_INIT;
  const pv_operation *op = pv_operation_find("rmsnorm");
  REQUIRE(pv_operation_case_at(op, 0, &c) && pv_op_numerics_find("float32", &n));
  c.size[0] = 2;
  c.scalar[0] = 0.5;
  REQUIRE(pv_operation_make(op, &c, &arena, v, &err) == PV_OK);
  v[0].real[0] = 3.0f;
  v[0].real[1] = 4.0f;
  v[1].real[0] = 1.0f;
  v[1].real[1] = -2.0f;
  REQUIRE(pv_operation_expect(op, &c, &n, &arena, v, &err) == PV_OK);
  EXPECT_F64(v[2].want[0], 3.0 / sqrt(13.0), 1e-15);
  EXPECT_F64(v[2].want[1], -8.0 / sqrt(13.0), 1e-15);

  op = pv_operation_find("q4_k_gemv"); /* d 2, scale 3, number 5, dmin 1, minimum 4: 26 */
  REQUIRE(pv_operation_case_at(op, 0, &c));
  REQUIRE(pv_operation_make(op, &c, &arena, v, &err) == PV_OK);
  pv_block_q4_k *b = (pv_block_q4_k *)(void *)v[0].bytes;
  b->d = 0x4000;
  b->dmin = 0x3c00;
  pv_k4_pack((uint8_t[8]){3, 3, 3, 3, 3, 3, 3, 3}, (uint8_t[8]){4, 4, 4, 4, 4, 4, 4, 4}, b->scales);
  memset(b->q, 0x55, sizeof b->q);
  for (size_t i = 0; i < 256; i++) v[1].real[i] = i < 2 ? 1.5f : 0.0f;
  REQUIRE(pv_operation_expect(op, &c, &n, &arena, v, &err) == PV_OK);
  EXPECT_F64(v[2].want[0], 78.0, 0.0);
  EXPECT_F64(v[2].bound[0], 0.0, 0.0); /* small integers: in no order is anything rounded */
  REQUIRE(pv_op_numerics_find("float16", &n));
  REQUIRE(pv_operation_expect(op, &c, &n, &arena, v, &err) == PV_OK);
  EXPECT_F64(v[2].bound[0], 0.0, 0.0);
  REQUIRE(pv_op_numerics_find("bfloat16", &n));
  REQUIRE(pv_operation_expect(op, &c, &n, &arena, v, &err) == PV_OK);
  EXPECT(v[2].bound[0] == 0.0); /* 34 * 2 * 1.5 halves are 204, below 256 */

  op = pv_operation_find("topk_softmax_norm");
  REQUIRE(pv_operation_case_at(op, 1, &c) && pv_op_numerics_find("float32", &n));
  c.size[1] = 1;
  REQUIRE(pv_operation_make(op, &c, &arena, v, &err) == PV_OK);
  for (size_t i = 0; i < 8; i++) v[0].real[i] = i == 5 ? 2.0f : i == 2 || i == 7 ? 1.0f : -1.0f;
  REQUIRE(pv_operation_expect(op, &c, &n, &arena, v, &err) == PV_OK);
  EXPECT_I64(v[2].want_index[0], 5);
  EXPECT_F64(v[1].want[0], 1.0 / (1.0 + exp(-1.0)), 1e-15);
  EXPECT(pv_op_index_fits(&v[2], 0, (int32_t[]){5, 2}, 1)); /* a tie may fall either way */
  EXPECT(pv_op_index_fits(&v[2], 0, (int32_t[]){5, 7}, 1));
  EXPECT(!pv_op_index_fits(&v[2], 0, (int32_t[]){5, 5}, 1));
  EXPECT(!pv_op_index_fits(&v[2], 0, (int32_t[]){5, 3}, 1));
  EXPECT(!pv_op_index_fits(&v[2], 0, (int32_t[]){5, 8}, 1));
  EXPECT(!pv_op_index_fits(&v[2], 0, (int32_t[]){5, -1}, 1));
  v[0].real[5] = -1.0f; /* two are best */
  REQUIRE(pv_operation_expect(op, &c, &n, &arena, v, &err) == PV_OK);
  EXPECT(pv_op_index_fits(&v[2], 0, (int32_t[]){7, 2}, 1));
  EXPECT(!pv_op_index_fits(&v[2], 0, (int32_t[]){2, 2}, 1));
  pv_arena_free(&arena);
}

/* What the terms of a sum are made of counts, not what is left of it. */
static void test_parts(void) {
  pv_arena arena = PV_ARENA_INIT;
  pv_op_values v[PV_OP_TENSORS];
  pv_op_case c;
  pv_op_numerics n;
  pv_error err = PV_ERROR_INIT;
  const pv_operation *op = pv_operation_find("q4_k_gemv"); /* 16.5 less 16.4 */
  REQUIRE(pv_operation_case_at(op, 0, &c) && pv_op_numerics_find("float32", &n));
  REQUIRE(pv_operation_make(op, &c, &arena, v, &err) == PV_OK);
  pv_block_q4_k *b = (pv_block_q4_k *)(void *)v[0].bytes;
  b->d = pv_f32_to_f16(1.1f);
  b->dmin = pv_f32_to_f16(4.1f);
  pv_k4_pack((uint8_t[8]){3, 3, 3, 3, 3, 3, 3, 3}, (uint8_t[8]){4, 4, 4, 4, 4, 4, 4, 4}, b->scales);
  memset(b->q, 0x55, sizeof b->q);
  for (size_t i = 0; i < 256; i++) v[1].real[i] = i == 0 ? 1.1f : 0.0f;
  REQUIRE(pv_operation_expect(op, &c, &n, &arena, v, &err) == PV_OK);
  EXPECT(fabs(v[2].want[0]) < 0.2);
  EXPECT(v[2].bound[0] > 0x1p-24 * 30.0 * 30.0);

  op =
      pv_operation_find("q6_k_gemv"); /* numbers of 32, less 32: a kernel may add up 256 * 32 * x */
  REQUIRE(pv_operation_case_at(op, 0, &c));
  REQUIRE(pv_operation_make(op, &c, &arena, v, &err) == PV_OK);
  pv_block_q6_k *six = (pv_block_q6_k *)(void *)v[0].bytes;
  int8_t numbers[256] = {1};
  pv_block_pack(PV_TYPE_Q6_K, numbers, six);
  memset(six->scales, 1, sizeof six->scales);
  six->d = 0x3c00;
  for (size_t i = 0; i < 256; i++) v[1].real[i] = 4095.0f;
  REQUIRE(pv_operation_expect(op, &c, &n, &arena, v, &err) == PV_OK);
  EXPECT_F64(v[2].want[0], 4095.0, 0.0);
  EXPECT(v[2].bound[0] > 0.0);

  op = pv_operation_find("add_rmsnorm"); /* the norm may be of what was stored */
  REQUIRE(pv_operation_case_at(op, 2, &c));
  REQUIRE(pv_operation_make(op, &c, &arena, v, &err) == PV_OK);
  v[1].format = PV_FORMAT_BF16;
  REQUIRE(pv_operation_expect(op, &c, &n, &arena, v, &err) == PV_OK);
  EXPECT(v[3].bound[7] > 1.9 * 0x1p-8 * fabs(v[3].want[7]));
  pv_arena_free(&arena);
}

static void test_refused(void) {
  pv_arena arena = PV_ARENA_INIT;
  pv_op_values v[PV_OP_TENSORS] = {{.rows = 77}};
  pv_op_case c;
  pv_error err = PV_ERROR_INIT;
  const pv_operation *op = pv_operation_find("q4_k_gemv_experts");
  REQUIRE(pv_operation_case_at(op, 1, &c));
  c.size[0] = 300;
  EXPECT(pv_operation_make(op, &c, &arena, v, &err) == PV_ERR_INPUT);
  EXPECT_HAS(err.message, "weights has no rows for k=300");
  c.size[0] = 0;
  EXPECT(pv_operation_make(op, &c, &arena, v, &err) == PV_ERR_INPUT);
  c.size[0] = 256;
  c.size[4] = 7;
  EXPECT(pv_operation_make(op, &c, &arena, v, &err) == PV_ERR_INPUT);
  EXPECT_HAS(err.message, "more experts are used than there are");
  c.size[4] = 4;
  c.size[5] = 3;
  EXPECT(pv_operation_make(op, &c, &arena, v, &err) == PV_ERR_INPUT);
  EXPECT_HAS(err.message, "sources is neither 1 nor used");
  c.size[5] = 1;
  c.size[1] = 0x40000000;
  EXPECT(pv_operation_make(op, &c, &arena, v, &err) == PV_ERR_LIMIT);
  EXPECT_U64(v[0].rows, 77); /* untouched */
  REQUIRE(pv_operation_case_at(op, 1, &c));
  REQUIRE(pv_operation_make(op, &c, &arena, v, &err) == PV_OK);
  v[2].index[0] = 6;
  EXPECT(pv_operation_expect(op, &c, pv_op_numerics_at(0), &arena, v, &err) == PV_ERR_INPUT);
  EXPECT_HAS(err.message, "there is no expert 6");
  pv_arena_free(&arena);
}

static void test_excess(void) {
  EXPECT_F64(pv_op_excess(1.5, 1.0, 0.25), 2.0, 0.0);
  EXPECT_F64(pv_op_excess(-0.0, 0.0, 0.0), 0.0, 0.0);
  EXPECT(isinf(pv_op_excess(1.0, 1.5, 0.0)));
  EXPECT(isinf(pv_op_excess(NAN, 1.0, 5.0)) && isinf(pv_op_excess(1.0, NAN, 5.0)));
  EXPECT(isinf(pv_op_excess(INFINITY, -INFINITY, 0.0)) && isinf(pv_op_excess(INFINITY, 1.0, 9.0)));
  EXPECT_F64(pv_op_excess(NAN, NAN, 0.0), 0.0, 0.0);
  EXPECT_F64(pv_op_excess(INFINITY, NAN, INFINITY), 0.0, 0.0);
  EXPECT(isinf(pv_op_excess(1.0, NAN, INFINITY)));
  EXPECT_F64(pv_op_excess(NAN, 1.0, PV_OP_ANY), 0.0, 0.0);
  EXPECT_F64(pv_op_lowest_bit(12.0), 4.0, 0.0);
  EXPECT_F64(pv_op_lowest_bit(-0x1p-1074), 0x1p-1074, 0.0);
  EXPECT_F64(pv_op_lowest_bit(INFINITY), 0.0, 0.0);
  EXPECT_I64(pv_op_bits(4095.0), 12);
  EXPECT_I64(pv_op_bits(-32512.0), 7);
}

/* What is stored narrower is rounded once more, unless it needs no more bits. */
static void test_stored(void) {
  pv_arena arena = PV_ARENA_INIT;
  pv_op_values v[PV_OP_TENSORS];
  pv_op_case c;
  pv_op_numerics n;
  pv_error err = PV_ERROR_INIT;
  const pv_operation *op = pv_operation_find("scale");
  REQUIRE(pv_operation_case_at(op, 0, &c) && pv_op_numerics_find("float32", &n));
  c.size[0] = 4;
  c.scalar[0] = 1.0;
  REQUIRE(pv_operation_make(op, &c, &arena, v, &err) == PV_OK);
  v[0].real[0] = 1.5f;
  v[0].real[1] = 1.0f + 0x1p-12f;
  v[0].real[2] = 1e6f;
  v[0].real[3] = 0x1p-26f;
  v[1].format = PV_FORMAT_F16;
  REQUIRE(pv_operation_expect(op, &c, &n, &arena, v, &err) == PV_OK);
  EXPECT(pv_op_excess(1.0, v[1].want[1], v[1].bound[1]) <= 1.0);
  EXPECT(pv_op_excess(1.0 - 0x1p-10, v[1].want[1], v[1].bound[1]) > 1.0);
  EXPECT_F64(v[1].bound[2], PV_OP_ANY, 0.0);
  EXPECT(pv_op_excess(0.0, v[1].want[3], v[1].bound[3]) <= 1.0);
  pv_arena_free(&arena);
}

static void test_formats(void) {
  enum { N = 512 };
  float x[N], back[N];
  double wide[N], round_trip[N], numbers[2 * N];
  unsigned char bytes[N * 4];
  uint64_t state = 5;
  pv_format format;
  for (size_t i = 0; i < N; i++) {
    x[i] = i / 32 == 3 ? 0.0f : pv_alone_real(PV_DATA_OUTLIERS, i, N, &state);
    wide[i] = (double)x[i];
  }
  EXPECT(pv_format_find("Q8_1", &format) && format == PV_FORMAT_Q8_1);
  EXPECT(!pv_format_find("q9", &format));
  EXPECT_U64(pv_format_bytes(PV_FORMAT_Q8_1, 64), 72);
  EXPECT_U64(pv_format_bytes(PV_FORMAT_Q8_K, 512), 584);
  EXPECT_U64(pv_format_bytes(PV_FORMAT_Q8_0, 33), 0);
  static const struct {
    pv_format format;
    pv_rounding rounding;
  } pairs[] = {{PV_FORMAT_F32, PV_ROUND_NONE},  {PV_FORMAT_F16, PV_ROUND_F16},
               {PV_FORMAT_BF16, PV_ROUND_BF16}, {PV_FORMAT_Q8_0, PV_ROUND_Q8_0},
               {PV_FORMAT_Q8_1, PV_ROUND_Q8_0}, {PV_FORMAT_Q8_K, PV_ROUND_Q8_K}};
  for (size_t p = 0; p < sizeof pairs / sizeof *pairs; p++) {
    EXPECT(pv_format_encode(pairs[p].format, x, N, bytes));
    pv_format_decode(pairs[p].format, bytes, N, back);
    pv_foreign_round(pairs[p].rounding, wide, N, round_trip);
    size_t different = 0;
    for (size_t i = 0; i < N; i++) different += (float)round_trip[i] != back[i];
    EXPECT_U64(different, 0);
  }
  EXPECT(pv_format_encode(PV_FORMAT_Q8_1, x, 32, bytes));
  pv_format_numbers(PV_FORMAT_Q8_1, bytes, 32, numbers);
  double sum = 0.0;
  for (size_t i = 0; i < 32; i++) sum += numbers[2 + i];
  EXPECT_F64(numbers[1], numbers[0] * sum, fabs(numbers[1]) * 0x1p-9);
  EXPECT(pv_format_encode(PV_FORMAT_Q8_K, x, 256, bytes));
  pv_format_numbers(PV_FORMAT_Q8_K, bytes, 256, numbers);
  sum = 0.0;
  for (size_t i = 240; i < 256; i++) sum += numbers[1 + i];
  EXPECT_F64(numbers[272], sum, 0.0);
  for (size_t i = 0; i < 64; i++) x[i] = (float)(i * 4) - 128.0f;
  EXPECT(pv_format_encode(PV_FORMAT_I8, x, 64, bytes));
  EXPECT_I64((int8_t)bytes[0], -128);
  EXPECT_I64((int8_t)bytes[63], 124);
  pv_format_decode(PV_FORMAT_I8, bytes, 64, back);
  EXPECT_BYTES(back, x, 64 * sizeof *x);
  x[1] = 0.5f;
  EXPECT(!pv_format_encode(PV_FORMAT_I8, x, 64, bytes));
  x[1] = 128.0f;
  EXPECT(!pv_format_encode(PV_FORMAT_I8, x, 64, bytes));
  x[7] = NAN;
  EXPECT(!pv_format_encode(PV_FORMAT_I8, x + 7, 1, bytes));
  EXPECT(!pv_format_encode(PV_FORMAT_Q8_0, x, 32, bytes));
  EXPECT(pv_format_encode(PV_FORMAT_BF16, x, 32, bytes));
  x[7] = 1e9f;
  EXPECT(!pv_format_encode(PV_FORMAT_Q8_0, x, 32, bytes)); /* beyond a binary16 scale */
}

int main(void) {
  return pv_testing_main("operations: table", (pv_case[]){PV_CASE(test_rows),
                                                          PV_CASE(test_first_dozen),
                                                          PV_CASE(test_all),
                                                          PV_CASE(test_identity),
                                                          PV_CASE(test_golden),
                                                          PV_CASE(test_parts),
                                                          PV_CASE(test_refused),
                                                          PV_CASE(test_excess),
                                                          PV_CASE(test_stored),
                                                          PV_CASE(test_formats),
                                                          {0}});
}
