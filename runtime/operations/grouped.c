/* y = weights x, for numbers of four bits with a scale and a zero for each group of a row: what
 * GPTQ, AWQ and HQQ make. How they are packed is a kernel's own: here each number is an index. And
 * for numbers of eight bits with one scale for a row. */
#include <math.h>

#include "base/random.h"
#include "kernels/quant/quant.h"
#include "runtime/operations/rows.h"

enum { INT4, INT8 };
enum { K, ROWS, BATCH, GROUP };        /* sizes */
enum { NUMBERS, ZEROS, SCALES, X, Y }; /* tensors of INT4; INT8 has no zeros */
enum { CODES = 16, GROUP_LEAST = 8 };
/* Number less zero, times scale, times activation: the first is exact. */
#define ROUNDINGS    2.0
#define INTEGER_MOST 16.0

static const char *refuse(const pv_operation *op, const pv_op_case *c) {
  if (c->size[K] > PV_K_MAX) return "k is above 65536";
  if (op->kind == INT8) return NULL;
  if (c->size[GROUP] < GROUP_LEAST) return "a group has less than 8";
  return c->size[K] % c->size[GROUP] != 0 ? "k is no whole number of groups" : NULL;
}

static void fill_codes(uint64_t *state, pv_op_values *v) {
  for (size_t i = 0; i < v->rows * v->row; i++)
    v->index[i] = (int32_t)(pv_random_next(state) % CODES);
}

/* Scales are binary16 numbers, as they are stored; of exact data powers of two. */
static void fill_scales(const pv_op_case *c, uint64_t *state, pv_op_values *v) {
  const bool exact = c->data == PV_DATA_EXACT || c->data == PV_DATA_INTEGERS;
  for (size_t i = 0; i < v->rows * v->row; i++) {
    const uint64_t bits = pv_random_next(state);
    v->real[i] = exact ? ldexpf(1.0f, -(int)(bits % 4))
                       : pv_f16_to_f32(pv_f32_to_f16((float)(bits % 4096 + 64) * 0x1p-18f));
  }
}

static void fill_bytes(const pv_op_case *c, uint64_t *state, pv_op_values *v) {
  const bool exact = c->data == PV_DATA_EXACT || c->data == PV_DATA_INTEGERS;
  for (size_t i = 0; i < v->rows * v->row;
       i++) { /* exact sums: small ones, and now and then a large */
    const uint64_t bits = pv_random_next(state);
    const bool small = exact && bits % 64 != 0;
    v->bytes[i] = (unsigned char)(small ? bits / 64 % 7 - 3 : bits / 64 % 256);
  }
}

static void fill(const pv_operation *op, const pv_op_case *c, uint64_t *state, pv_op_values *v) {
  if (op->kind == INT8) {
    fill_bytes(c, state, &v[NUMBERS]);
    fill_scales(c, state, &v[SCALES - 1]);
    pv_op_fill_acts(c, state, &v[X - 1]);
    return;
  }
  fill_codes(state, &v[NUMBERS]);
  fill_codes(state, &v[ZEROS]);
  fill_scales(c, state, &v[SCALES]);
  pv_op_fill_acts(c, state, &v[X]);
}

/* A row of weights: what they are, and what a kernel may add up for each that multiplies number and
 * zero apart. */
static void decode(const pv_op_case *c, const pv_op_values *v, size_t r, pv_op_row *out) {
  const size_t group = c->size[GROUP];
  out->quantum = 0.0;
  out->bits = 0;
  for (size_t i = 0; i < v[NUMBERS].row; i++) {
    const size_t g = r * v[SCALES].row + i / group;
    const double scale = (double)v[SCALES].real[g];
    const double number = v[NUMBERS].index[r * v[NUMBERS].row + i], zero = v[ZEROS].index[g];
    out->w[i] = (number - zero) * scale;
    out->magnitude[i] = out->counted[i] = (number + zero) * fabs(scale);
    out->quantum = pv_op_smaller(out->quantum, pv_op_lowest_bit(scale));
    if (pv_op_bits(out->w[i]) > out->bits) out->bits = pv_op_bits(out->w[i]);
  }
}

static void decode_bytes(const pv_op_values *v, size_t r, pv_op_row *out) {
  const double scale = (double)v[SCALES - 1].real[r];
  out->quantum = pv_op_lowest_bit(scale);
  out->bits = 0;
  for (size_t i = 0; i < v[NUMBERS].row; i++) {
    out->w[i] = (int8_t)v[NUMBERS].bytes[r * v[NUMBERS].row + i] * scale;
    out->magnitude[i] = out->counted[i] = fabs(out->w[i]);
    if (pv_op_bits(out->w[i]) > out->bits) out->bits = pv_op_bits(out->w[i]);
  }
}

static void product(const pv_op_numerics *n, const pv_op_row *w, const float *x, pv_op_values *y,
                    size_t k, size_t at) {
  pv_op_sum sum = {
      .terms = k, .roundings = ROUNDINGS, .scale = INTEGER_MOST, .factor_bits = w->bits};
  double quantum = 0.0;
  bool finite = true;
  for (size_t i = 0; i < k; i++) {
    const double a = (double)x[i];
    sum.value += w->w[i] * a;
    sum.magnitude += w->magnitude[i] * fabs(a);
    sum.counted += w->counted[i] * fabs(a);
    finite = finite && isfinite(a);
    quantum = pv_op_smaller(quantum, pv_op_lowest_bit(a));
    if (pv_op_bits(a) > sum.factor_bits) sum.factor_bits = pv_op_bits(a);
  }
  sum.quantum = quantum * w->quantum;
  y->want[at] = finite ? sum.value : NAN;
  y->bound[at] = finite ? pv_op_sum_bound(n, &sum) : INFINITY; /* number and zero apart: 0 or NaN */
}

static pv_code expect(const pv_operation *op, const pv_op_case *c, const pv_op_numerics *n,
                      pv_arena *arena, pv_op_values *v, pv_error *err) {
  if (n->is_identity) return pv_op_undefined(op, n, err);
  pv_op_row *row = PV_ARENA_NEW(arena, 1, pv_op_row);
  if (row == NULL) return pv_error_nomem(err, "a row of weights");
  const pv_op_values *x = &v[op->kind == INT8 ? X - 1 : X];
  pv_op_values *y = &v[op->kind == INT8 ? Y - 1 : Y];
  for (size_t r = 0; r < v[NUMBERS].rows; r++) {
    if (op->kind == INT8)
      decode_bytes(v, r, row);
    else
      decode(c, v, r, row);
    for (size_t b = 0; b < x->rows; b++)
      product(n, row, x->real + b * x->row, y, x->row, b * y->row + r);
  }
  return PV_OK;
}

/* k, rows, batch, group. Rows by eights: a word has so many. */
static const pv_op_case cases[] = {
    {.size = {128, 8, 1, 128}, .data = PV_DATA_ORDINARY},
    {.size = {384, 24, 2, 128}, .data = PV_DATA_EXACT},
    {.size = {1024, 40, 1, 128}, .data = PV_DATA_OUTLIERS},
    {.size = {512, 64, 5, 64}, .data = PV_DATA_INTEGERS},
    {.size = {2048, 16, 1, 128}, .data = PV_DATA_TIES},
    {.size = {1152, 96, 3, 128}, .data = PV_DATA_TINY},
    {.size = {128, 136, 2, 128}, .data = PV_DATA_ODD},
    {.size = {160, 72, 1, 32}, .data = PV_DATA_ORDINARY},
    {.size = {896, 128, 1, 128}, .data = PV_DATA_ORDINARY},
    {.size = {320, 8, 33, 64}, .data = PV_DATA_INTEGERS},
    {.size = {1024, 64, 2, 64}, .data = PV_DATA_EXACT},
    {.size = {2048, 128, 1, 128}, .data = PV_DATA_ORDINARY},
};
static const pv_op_case of_bytes[] = {
    {.size = {32, 1, 1}, .data = PV_DATA_ORDINARY},
    {.size = {96, 7, 2}, .data = PV_DATA_EXACT},
    {.size = {2048, 33, 1}, .data = PV_DATA_OUTLIERS},
    {.size = {516, 64, 5}, .data = PV_DATA_INTEGERS},
    {.size = {1057, 3, 1}, .data = PV_DATA_TIES},
    {.size = {355, 5, 9}, .data = PV_DATA_TINY},
    {.size = {256, 130, 2}, .data = PV_DATA_ODD},
    {.size = {1311, 65, 1}, .data = PV_DATA_ORDINARY},
    {.size = {8449, 9, 1}, .data = PV_DATA_OUTLIERS},
    {.size = {2048, 256, 1}, .data = PV_DATA_ORDINARY},
};
static const pv_operation rows[] = {
    {"int4_gemv",
     "a product with rows of four bits, a scale and a zero for each group",
     "y[b][r] = sum over i of (numbers[r][i] - zeros[r][i / group]) * scales[r][i / group] * "
     "x[b][i]",
     {"k", "rows", "batch", "group"},
     {{NULL, 0.0}},
     {{"numbers", PV_OP_INDEX, PV_OP_IN, "rows", "k", "0 to 15"},
      {"zeros", PV_OP_INDEX, PV_OP_IN, "rows", "k / group", "0 to 15"},
      {"scales", PV_OP_REAL, PV_OP_IN, "rows", "k / group", "numbers of float16"},
      {"x", PV_OP_REAL, PV_OP_IN, "batch", "k", "activations"},
      {"y", PV_OP_REAL, PV_OP_OUT, "batch", "rows", "the products"}},
     PV_TYPE_F32,
     PV_FORMAT_F32,
     INT4,
     cases,
     sizeof cases / sizeof *cases,
     refuse,
     fill,
     expect},
    {"int8_gemv",
     "a product with rows of eight bits and a scale for each",
     "y[b][r] = sum over i of numbers[r][i] * scales[r] * x[b][i]",
     {"k", "rows", "batch"},
     {{NULL, 0.0}},
     {{"numbers", PV_OP_PACKED, PV_OP_IN, "rows", "k", "-128 to 127"},
      {"scales", PV_OP_REAL, PV_OP_IN, "rows", "1", "numbers of float16"},
      {"x", PV_OP_REAL, PV_OP_IN, "batch", "k", "activations"},
      {"y", PV_OP_REAL, PV_OP_OUT, "batch", "rows", "the products"}},
     PV_TYPE_F32,
     PV_FORMAT_I8,
     INT8,
     of_bytes,
     sizeof of_bytes / sizeof *of_bytes,
     refuse,
     fill,
     expect},
};
const pv_op_family pv_op_grouped = {rows, sizeof rows / sizeof *rows};
