/* Rows that are divided by something of their own: norms and softmax. */
#include <math.h>

#include "kernels/definition/definition.h"
#include "runtime/operations/rows.h"

enum { RMSNORM, PLAIN_RMSNORM, ADD_RMSNORM, LAYERNORM, SOFTMAX };
enum { K, ROWS }; /* sizes */

static void fill(const pv_operation *op, const pv_op_case *c, uint64_t *state, pv_op_values *v) {
  for (size_t i = 0; i < pv_operation_tensors(op); i++) {
    const bool column =
        i > 0 && v[i].rows == 1; /* of numbers too small, or none, nothing is left */
    const bool plain = column && (c->data == PV_DATA_ODD || c->data == PV_DATA_TINY);
    if (v[i].real != NULL)
      pv_op_fill(plain ? PV_DATA_ORDINARY : c->data, state, v[i].rows * v[i].row, v[i].real);
  }
}

/* A norm of x: each element times `scale` = 1 / sqrt(spread + eps), which is off by `error`. */
typedef struct norm {
  double mean, mean_error, scale, error;
} norm;

static norm norm_of(const pv_op_numerics *n, const double *x, size_t k, double eps, bool centred) {
  double sum = 0.0, size = 0.0, square = 0.0, spread = 0.0;
  norm out = {0};
  for (size_t i = 0; i < k; i++) {
    sum += x[i];
    size += fabs(x[i]);
    square += x[i] * x[i];
  }
  const double count = (double)k, growth = pv_op_growth(n, count);
  if (centred) {
    out.mean = sum / count;
    out.mean_error = n->unit * (growth + 2.0) * size / count + pv_op_lost(n);
  }
  for (size_t i = 0; i < k; i++) spread += (x[i] - out.mean) * (x[i] - out.mean);
  const double base = spread / count + eps;
  /* The sum of squares, its mean, eps: of those of x itself, since a kernel may take away the
   * square of the mean at the end. The root halves what is relative; then itself and a division. */
  const double of_base = n->unit * ((growth + 3.0) * square / count + 2.0 * base) +
                         2.0 * out.mean_error * out.mean_error + 3.0 * pv_op_lost(n);
  out.scale = 1.0 / sqrt(base);
  const double relative = of_base / base,
               root = relative < 1.0 ? 1.0 / sqrt(1.0 - relative) : INFINITY;
  out.error = square > n->most ? INFINITY : root - 1.0 + 2.0 * n->unit + pv_op_approximate(n);
  return out;
}

static void normed(const pv_op_numerics *n, const norm *by, double x, double weight, double bias,
                   pv_op_values *y, size_t at) {
  const double moved = x - by->mean, product = moved * by->scale * weight;
  const double lost = pv_op_lost(n) * (1.0 + fabs(weight) * (1.0 + by->scale));
  const double bound = fabs(product) * (by->error + 3.0 * n->unit) +
                       fabs(by->scale * weight) * by->mean_error + lost +
                       (by->mean_error > 0.0 ? n->unit * (fabs(product) + fabs(bias)) : 0.0);
  pv_op_put(n, y, at, product + bias, bound);
}

/* The row that is normed; of a sum also what storing it as the kernel does adds to the error. */
static double row_of(const pv_operation *op, const pv_op_numerics *n, pv_op_values *v, size_t r,
                     double *x) {
  const size_t k = v[0].row;
  for (size_t i = 0; i < k; i++) x[i] = (double)v[0].real[r * k + i];
  if (op->kind != ADD_RMSNORM) return 0.0;
  for (size_t i = 0; i < k; i++) {
    x[i] += (double)v[1].real[r * k + i];
    pv_op_put(n, &v[1], r * k + i, x[i], n->unit * fabs(x[i]) + pv_op_lost(n));
  }
  return n->unit + (v[1].format == PV_FORMAT_F32 ? 0.0 : pv_format_get(v[1].format)->unit);
}

static void norms(const pv_operation *op, const pv_op_case *c, const pv_op_numerics *n,
                  pv_op_values *v, double *x) {
  const size_t k = v[0].row;
  const float *weight = op->kind == PLAIN_RMSNORM ? NULL : v[op->kind == ADD_RMSNORM ? 2 : 1].real;
  const bool centred = op->kind == LAYERNORM;
  pv_op_values *y = &v[pv_operation_tensors(op) - 1];
  for (size_t r = 0; r < v[0].rows; r++) {
    const double stored = row_of(op, n, v, r, x);
    norm by = norm_of(n, x, k, c->scalar[0], centred);
    by.error += 2.0 * stored; /* of the element and of the norm */
    for (size_t i = 0; i < k; i++)
      normed(n, &by, x[i], weight != NULL ? (double)weight[i] : 1.0,
             centred ? (double)v[2].real[i] : 0.0, y, r * k + i);
  }
}

/* exp(x - max) / sum, or without the max. Where a row has an infinity or a NaN only what is -inf
 * among numbers is defined: its 0. */
static void softmax(const pv_op_case *c, const pv_op_numerics *n, const pv_op_values *in,
                    pv_op_values *y, double *e) {
  const size_t k = in->row;
  for (size_t r = 0; r < in->rows; r++) {
    const float *x = in->real + r * k;
    double top = -INFINITY, sum = 0.0, error = 0.0, largest = 0.0;
    bool defined = true;
    for (size_t i = 0; i < k; i++) {
      defined = defined && !isnan(x[i]) && !(x[i] > 0.0f && isinf(x[i]));
      top = fmax(top, (double)x[i]);
    }
    for (size_t i = 0; i < k; i++) {
      e[i] = exp((double)x[i] - top);
      sum += e[i];
      if (isfinite(x[i])) largest = fmax(fabs((double)x[i]), fabs((double)x[i] - top));
      error += e[i] * pv_op_exp(n, largest);
    }
    /* Terms that are all alike are rounded alike. */
    const double growth = c->data == PV_DATA_EQUAL ? (double)k : pv_op_growth(n, (double)k);
    for (size_t i = 0; i < k; i++) {
      const double want = e[i] / sum;
      if (isfinite(x[i])) largest = fmax(fabs((double)x[i]), fabs((double)x[i] - top));
      const double part = pv_op_exp(n, largest) + pv_op_approximate(n) +
                          pv_op_inverse(error / sum + n->unit * (growth + 3.0));
      pv_op_put(n, y, r * k + i, want, want * part + 5.0 * pv_op_lost(n));
      if (!defined || !isfinite(top)) y->bound[r * k + i] = PV_OP_ANY;
    }
  }
}

static pv_code define(const pv_operation *op, const pv_op_case *c, const pv_op_numerics *n,
                      pv_arena *arena, pv_op_values *v, pv_error *err) {
  const size_t k = v[0].row, weight = op->kind == ADD_RMSNORM ? 2 : 1;
  pv_op_values *y = &v[pv_operation_tensors(op) - 1];
  if (op->kind != RMSNORM && op->kind != ADD_RMSNORM) return pv_op_undefined(op, n, err);
  float *x = PV_ARENA_NEW(arena, k, float), *out = PV_ARENA_NEW(arena, k, float);
  if (x == NULL || out == NULL) return pv_error_nomem(err, "a row");
  for (size_t r = 0; r < v[0].rows; r++) {
    for (size_t i = 0; i < k; i++) {
      x[i] = v[0].real[r * k + i];
      if (op->kind != ADD_RMSNORM) continue;
      x[i] += v[1].real[r * k + i];
      v[1].want[r * k + i] = (double)x[i];
    }
    pv_definition.rmsnorm(x, v[weight].real, k, (float)c->scalar[0], out);
    for (size_t i = 0; i < k; i++) y->want[r * k + i] = (double)out[i];
  }
  return PV_OK;
}

static pv_code expect(const pv_operation *op, const pv_op_case *c, const pv_op_numerics *n,
                      pv_arena *arena, pv_op_values *v, pv_error *err) {
  if (n->is_identity) return define(op, c, n, arena, v, err);
  double *x = PV_ARENA_NEW(arena, v[0].row, double);
  if (x == NULL) return pv_error_nomem(err, "a row");
  if (op->kind == SOFTMAX)
    softmax(c, n, &v[0], &v[1], x);
  else
    norms(op, c, n, v, x);
  return PV_OK;
}

static const pv_op_case sizes[] = {
    {.size = {1, 1}, .data = PV_DATA_ORDINARY},     {.size = {33, 3}, .data = PV_DATA_INTEGERS},
    {.size = {256, 2}, .data = PV_DATA_OUTLIERS},   {.size = {2048, 1}, .data = PV_DATA_ORDINARY},
    {.size = {100, 5}, .data = PV_DATA_TINY},       {.size = {257, 9}, .data = PV_DATA_TIES},
    {.size = {1024, 2}, .data = PV_DATA_ODD},       {.size = {5120, 1}, .data = PV_DATA_OUTLIERS},
    {.size = {31, 130}, .data = PV_DATA_ORDINARY},  {.size = {4096, 5}, .data = PV_DATA_ORDINARY},
    {.size = {128, 17}, .data = PV_DATA_ORDINARY},  {.size = {128, 33}, .data = PV_DATA_ORDINARY},
    {.size = {128, 513}, .data = PV_DATA_ORDINARY}, /* kernels that give a block 16 or 32 rows */
};
static const pv_op_case logits[] = {
    {.size = {1, 1}, .data = PV_DATA_ORDINARY},    {.size = {33, 3}, .data = PV_DATA_SWEEP},
    {.size = {256, 2}, .data = PV_DATA_OUTLIERS},  {.size = {2048, 1}, .data = PV_DATA_ORDINARY},
    {.size = {100, 5}, .data = PV_DATA_TINY},      {.size = {257, 9}, .data = PV_DATA_TIES},
    {.size = {300, 4}, .data = PV_DATA_ODD},       {.size = {999, 2}, .data = PV_DATA_EQUAL},
    {.size = {31, 130}, .data = PV_DATA_PAIRS},    {.size = {4097, 3}, .data = PV_DATA_ORDINARY},
    {.size = {128, 17}, .data = PV_DATA_ORDINARY}, {.size = {128, 513}, .data = PV_DATA_ORDINARY},
};

#define COUNTED(list) (list), sizeof(list) / sizeof *(list)
#define X \
  { "x", PV_OP_REAL, PV_OP_IN, "rows", "k", "rows to be divided" }
#define Y \
  { "y", PV_OP_REAL, PV_OP_OUT, "rows", "k", "the same rows" }
#define WEIGHT \
  { "weight", PV_OP_REAL, PV_OP_IN, "1", "k", "a factor of each column" }
static const pv_operation rows[] = {
    {"rmsnorm",
     "each row by the root of its mean square",
     "y[r][i] = x[r][i] / sqrt(mean of x[r]^2 + eps) * weight[i]",
     {"k", "rows"},
     {{"eps", 1e-6}},
     {X, WEIGHT, Y},
     PV_TYPE_F32,
     PV_FORMAT_F32,
     RMSNORM,
     COUNTED(sizes),
     NULL,
     fill,
     expect},
    {"rmsnorm_plain",
     "each row by the root of its mean square, without a weight",
     "y[r][i] = x[r][i] / sqrt(mean of x[r]^2 + eps)",
     {"k", "rows"},
     {{"eps", 1e-6}},
     {X, Y},
     PV_TYPE_F32,
     PV_FORMAT_F32,
     PLAIN_RMSNORM,
     COUNTED(sizes),
     NULL,
     fill,
     expect},
    {"add_rmsnorm",
     "a residual that grows, and its norm",
     "residual[r] += x[r]; y[r][i] = residual[r][i] / sqrt(mean of residual[r]^2 + eps) * "
     "weight[i]",
     {"k", "rows"},
     {{"eps", 1e-6}},
     {X, {"residual", PV_OP_REAL, PV_OP_CHANGED, "rows", "k", "what x is added to"}, WEIGHT, Y},
     PV_TYPE_F32,
     PV_FORMAT_F32,
     ADD_RMSNORM,
     COUNTED(sizes),
     NULL,
     fill,
     expect},
    {"layernorm",
     "each row less its mean, by the root of its variance",
     "y[r][i] = (x[r][i] - mean) / sqrt(mean of (x[r] - mean)^2 + eps) * weight[i] + bias[i]",
     {"k", "rows"},
     {{"eps", 1e-5}},
     {X, WEIGHT, {"bias", PV_OP_REAL, PV_OP_IN, "1", "k", "added to each column"}, Y},
     PV_TYPE_F32,
     PV_FORMAT_F32,
     LAYERNORM,
     COUNTED(sizes),
     NULL,
     fill,
     expect},
    {"softmax",
     "each row as probabilities",
     "y[r][i] = exp(x[r][i]) / sum over j of exp(x[r][j])",
     {"k", "rows"},
     {{NULL, 0.0}},
     {X, Y},
     PV_TYPE_F32,
     PV_FORMAT_F32,
     SOFTMAX,
     COUNTED(logits),
     NULL,
     fill,
     expect},
};
const pv_op_family pv_op_norms = {rows, sizeof rows / sizeof *rows};
