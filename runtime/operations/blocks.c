/* Blocks made of numbers, and numbers of blocks. */
#include <math.h>

#include "base/random.h"
#include "kernels/definition/definition.h"
#include "runtime/operations/rows.h"

enum { QUANTIZE, DEQUANTIZE, EMBED };
enum { K, ROWS, TABLE /* of EMBED */ }; /* sizes */
enum { SEGMENT = 32 };

static void fill(const pv_operation *op, const pv_op_case *c, uint64_t *state, pv_op_values *v) {
  if (op->kind == QUANTIZE) {
    pv_op_fill(c->data, state, v[0].rows * v[0].row, v[0].real);
    return;
  }
  pv_op_fill_weights(op, c, state, &v[0]);
  for (size_t i = 0; op->kind == EMBED && i < v[1].rows; i++) /* the last row, too */
    v[1].index[i] = (int32_t)(i == 0 ? c->size[TABLE] - 1 : pv_random_next(state) % c->size[TABLE]);
}

/* What a block of 32 holds. An integer is the nearest to x * 127 / max, which is off by 8 roundings
 * where it is made: beside a tie either neighbour is right. The scale is max / 127 in binary16, the
 * sum in binary16 that of the numbers or of what the integers stand for. */
static void quantize(const pv_op_numerics *n, pv_format format, const float *x, pv_op_values *y,
                     size_t at) {
  double most = 0.0, sum = 0.0, kept = 0.0, size = 0.0;
  size_t ties = 0;
  bool finite = true;
  const size_t head = format == PV_FORMAT_Q8_1 ? 2 : 1;
  for (size_t i = 0; i < SEGMENT; i++) {
    finite = finite && isfinite(x[i]);
    most = fmax(most, fabs((double)x[i]));
  }
  const double d = most / 127.0, slack = (8.0 * n->unit + pv_op_approximate(n)) * 127.0;
  for (size_t i = 0; i < SEGMENT; i++) {
    const double q = most > 0.0 ? (double)x[i] / d : 0.0;
    ties += fabs(fabs(q - trunc(q)) - 0.5) <= slack;
    sum += (double)x[i];
    size += fabs((double)x[i]);
    kept += d * rint(q);
    pv_op_put(n, y, at + head + i, q, most > 0.0 ? 0.5 + slack : 0.0);
  }
  pv_op_put(n, y, at, d, d * (0x1p-11 + 4.0 * n->unit + pv_op_approximate(n)) + 0x1p-25);
  if (head == 2)
    pv_op_put(n, y, at + 1, 0.5 * (sum + kept),
              0.5 * fabs(sum - kept) + d * (double)ties + 0x1p-11 * fmax(fabs(sum), fabs(kept)) +
                  (double)SEGMENT * n->unit * size + 0x1p-25);
  /* An inverse of the scale overflows, or there is no largest number. */
  for (size_t i = 0; (!finite || (most > 0.0 && most < 0x1p-100)) && i < SEGMENT + head; i++)
    y->bound[at + i] = PV_OP_ANY;
}

static pv_code define(const pv_operation *op, const pv_op_case *c, const pv_op_numerics *n,
                      pv_arena *arena, pv_op_values *v, pv_error *err) {
  pv_op_values *y = &v[op->kind == EMBED ? 2 : 1];
  if (op->kind == QUANTIZE) return pv_op_undefined(op, n, err);
  float *row = PV_ARENA_NEW(arena, c->size[K], float);
  if (row == NULL) return pv_error_nomem(err, "a row");
  for (size_t r = 0; r < y->rows; r++) {
    const size_t from = op->kind == EMBED ? (size_t)v[1].index[r] : r;
    pv_definition.gather(op->type, v[0].bytes + from * v[0].row_bytes, y->row, row);
    for (size_t i = 0; i < y->row; i++) y->want[r * y->row + i] = (double)row[i];
  }
  return PV_OK;
}

static void decode(const pv_operation *op, const pv_op_numerics *n, pv_op_values *v,
                   pv_op_row *row) {
  pv_op_values *y = &v[op->kind == EMBED ? 2 : 1];
  const bool quantised = pv_type_get((uint32_t)op->type)->quantised;
  for (size_t r = 0; r < y->rows; r++) {
    const size_t from = op->kind == EMBED ? (size_t)v[1].index[r] : r;
    pv_op_decode(op->type, v[0].bytes + from * v[0].row_bytes, y->row, row);
    for (size_t i = 0; i < y->row; i++) {
      const pv_op_sum one = {
          .value = row->w[i],
          .magnitude = row->magnitude[i],
          .terms = 1,
          .roundings = 2.0, /* a scale and its product; a difference is the term */
          .scale = 2048.0,
          .quantum = quantised ? row->quantum : pv_op_lowest_bit(row->w[i]),
          .counted = row->magnitude[i],
          .factor_bits = quantised ? row->bits : pv_op_bits(row->w[i])};
      pv_op_put(n, y, r * y->row + i, one.value, pv_op_sum_bound(n, &one));
    }
  }
}

static pv_code expect(const pv_operation *op, const pv_op_case *c, const pv_op_numerics *n,
                      pv_arena *arena, pv_op_values *v, pv_error *err) {
  for (size_t i = 0; op->kind == EMBED && i < v[1].rows; i++)
    if (v[1].index[i] < 0 || (uint32_t)v[1].index[i] >= c->size[TABLE])
      return pv_error_set(err, PV_ERR_INPUT, "%s: there is no row %d", op->name,
                          (int)v[1].index[i]);
  if (n->is_identity) return define(op, c, n, arena, v, err);
  if (op->kind == QUANTIZE) {
    const pv_format_info *info = pv_format_get(op->packed);
    for (size_t r = 0; r < v[0].rows; r++)
      for (size_t i = 0; i < v[0].row; i += SEGMENT)
        quantize(n, op->packed, v[0].real + r * v[0].row + i, &v[1],
                 r * v[1].parts + i / SEGMENT * info->numbers);
    return PV_OK;
  }
  pv_op_row *row = PV_ARENA_NEW(arena, 1, pv_op_row);
  if (row == NULL) return pv_error_nomem(err, "a row of weights");
  decode(op, n, v, row);
  return PV_OK;
}

static const char *refuse(const pv_operation *op, const pv_op_case *c) {
  (void)op;
  return c->size[K] > PV_K_MAX ? "k is above 65536" : NULL;
}

static const pv_op_case blocks[] = {
    {.size = {32, 1}, .data = PV_DATA_ORDINARY},  {.size = {96, 3}, .data = PV_DATA_OUTLIERS},
    {.size = {2048, 2}, .data = PV_DATA_TIES},    {.size = {1056, 1}, .data = PV_DATA_INTEGERS},
    {.size = {512, 5}, .data = PV_DATA_TINY},     {.size = {512, 2}, .data = PV_DATA_ODD},
    {.size = {4096, 9}, .data = PV_DATA_ORDINARY}};
static const pv_op_case tables[] = {{.size = {256, 1, 1}, .data = PV_DATA_ORDINARY},
                                    {.size = {768, 3, 7}, .data = PV_DATA_EXACT},
                                    {.size = {2048, 2, 33}, .data = PV_DATA_ORDINARY},
                                    {.size = {8448, 1, 2}, .data = PV_DATA_ORDINARY},
                                    {.size = {512, 9, 130}, .data = PV_DATA_INTEGERS}};

#define COUNTED(list) (list), sizeof(list) / sizeof *(list)
#define QUANTIZED(name, format, text, written)                                          \
  {                                                                                     \
    "quantize_" name, "rows in blocks of " text, written, {"k", "rows"}, {{NULL, 0.0}}, \
        {{"x", PV_OP_REAL, PV_OP_IN, "rows", "k", "numbers"},                           \
         {"y", PV_OP_PACKED, PV_OP_OUT, "rows", "k", "their blocks"}},                  \
        PV_TYPE_F32, format, QUANTIZE, COUNTED(blocks), refuse, fill, expect            \
  }
#define DEQUANTIZED(name, type, text)                                                             \
  {                                                                                               \
    name "_dequantize", "the numbers of rows of " text, "y[r][i] = weights[r][i]", {"k", "rows"}, \
        {{NULL, 0.0}},                                                                            \
        {{"weights", PV_OP_WEIGHTS, PV_OP_IN, "rows", "k", "rows of " text},                      \
         {"y", PV_OP_REAL, PV_OP_OUT, "rows", "k", "their numbers"}},                             \
        type, PV_FORMAT_F32, DEQUANTIZE, COUNTED(tables), refuse, fill, expect                    \
  }
#define EMBEDDED(name, type, text)                                                    \
  {                                                                                   \
    name "_embed", "chosen rows of a table of " text, "y[r][i] = weights[ids[r]][i]", \
        {"k", "rows", "table"}, {{NULL, 0.0}},                                        \
        {{"weights", PV_OP_WEIGHTS, PV_OP_IN, "table", "k", "a table of " text},      \
         {"ids", PV_OP_INDEX, PV_OP_IN, "rows", "1", "rows of the table"},            \
         {"y", PV_OP_REAL, PV_OP_OUT, "rows", "k", "their numbers"}},                 \
        type, PV_FORMAT_F32, EMBED, COUNTED(tables), refuse, fill, expect             \
  }
static const pv_operation rows[] = {
    QUANTIZED("q8_0", PV_FORMAT_Q8_0, "Q8_0", "d = max of |x| / 127, q[i] = nearest of x[i] / d"),
    QUANTIZED("q8_1", PV_FORMAT_Q8_1, "Q8_1",
              "d = max of |x| / 127, q[i] = nearest of x[i] / d, s = sum of x"),
    DEQUANTIZED("f16", PV_TYPE_F16, "float16"),
    DEQUANTIZED("bf16", PV_TYPE_BF16, "bfloat16"),
#undef PV_PLAIN_ROW
#undef PV_TYPE_ROW
#define PV_PLAIN_ROW(NAME, name, number)
#define PV_TYPE_ROW(NAME, name, ...) DEQUANTIZED(#name, PV_TYPE_##NAME, #NAME),
#include "kernels/quant/list.h"
    EMBEDDED("f32", PV_TYPE_F32, "float32"),
    EMBEDDED("f16", PV_TYPE_F16, "float16"),
    EMBEDDED("bf16", PV_TYPE_BF16, "bfloat16"),
#undef PV_TYPE_ROW
#define PV_TYPE_ROW(NAME, name, ...) EMBEDDED(#name, PV_TYPE_##NAME, #NAME),
#include "kernels/quant/list.h"
};
const pv_op_family pv_op_blocks = {rows, sizeof rows / sizeof *rows};
