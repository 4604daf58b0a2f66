/* Element by element. */
#include <math.h>

#include "kernels/definition/definition.h"
#include "runtime/operations/rows.h"

enum { SWIGLU, SILU, GELU, ADD, SCALE };

static bool has_two(const pv_operation *op) {
  return op->kind == SWIGLU || op->kind == ADD;
}

static void fill(const pv_operation *op, const pv_op_case *c, uint64_t *state, pv_op_values *v) {
  const size_t count = v[0].rows * v[0].row;
  pv_op_fill(c->data, state, count, v[0].real);
  const bool gates = op->kind == SWIGLU && (c->data == PV_DATA_SWEEP || c->data == PV_DATA_TINY);
  if (has_two(op)) pv_op_fill(gates ? PV_DATA_ORDINARY : c->data, state, count, v[1].real);
}

/* Of one element: the value, and how far off a kernel may be. */
typedef struct near {
  double value, error;
} near;

/* x / (1 + exp(-x)). Where exp(-x) is beyond what the arithmetic holds, the quotient is a zero. */
static near silu(const pv_op_numerics *n, double x) {
  const double e = exp(-x), value = x / (1.0 + e), part = isinf(e) ? 1.0 : e / (1.0 + e);
  const double error =
      fabs(value) * (part * pv_op_exp(n, fabs(x)) + 3.0 * n->unit + pv_op_approximate(n)) +
      pv_op_lost(n) * (1.0 + fabs(x));
  return (near){value, e < n->most ? error : error + fabs(value)};
}

static near times(const pv_op_numerics *n, near a, double b) {
  return (near){a.value * b, a.error * fabs(b) + n->unit * fabs(a.value * b) +
                                 pv_op_lost(n) * (1.0 + fabs(a.value))};
}

/* x / 2 * (1 + tanh(z)), z = sqrt(2 / pi) * (x + 0.044715 x^3): z is off by 6 roundings, its tanh
 * by as much times 1 - tanh^2, twice that where it is made of exp, and by 8 of its own; tanh.approx
 * of a GPU by 2^-10.9. */
static near gelu(const pv_op_numerics *n, double x) {
  const double z = 0.79788456080286535588 * (x + 0.044715 * x * x * x), t = tanh(z);
  const double turned = isinf(z) ? 0.0 : (1.0 - t * t) * (12.0 * fabs(z) + 8.0);
  const double error = n->unit * (turned + 8.0) + (n->approx ? 0x1p-10 : 0.0);
  return (near){0.5 * x * (1.0 + t), 0.5 * fabs(x) * error + pv_op_lost(n) * (2.0 + fabs(x))};
}

static near element(const pv_operation *op, const pv_op_case *c, const pv_op_numerics *n,
                    const pv_op_values *v, size_t at) {
  const double x = (double)v[0].real[at], other = has_two(op) ? (double)v[1].real[at] : 0.0;
  switch (op->kind) {
    case SWIGLU:
      return times(n, silu(n, x), other);
    case SILU:
      return silu(n, x);
    case GELU:
      return gelu(n, x);
    case ADD:
      return (near){x + other, n->unit * fabs(x + other) + pv_op_lost(n)};
    default:
      return times(n, (near){x, 0.0}, (double)(float)c->scalar[0]);
  }
}

static pv_code define(const pv_operation *op, const pv_op_numerics *n, pv_arena *arena,
                      pv_op_values *v, pv_error *err) {
  const size_t count = v[0].rows * v[0].row;
  if (!has_two(op)) return pv_op_undefined(op, n, err);
  float *out = PV_ARENA_NEW(arena, count, float);
  if (out == NULL) return pv_error_nomem(err, "what a case must hold");
  (op->kind == ADD ? pv_definition.add : pv_definition.swiglu)(v[0].real, v[1].real, count, out);
  for (size_t i = 0; i < count; i++) v[2].want[i] = (double)out[i];
  return PV_OK;
}

static pv_code expect(const pv_operation *op, const pv_op_case *c, const pv_op_numerics *n,
                      pv_arena *arena, pv_op_values *v, pv_error *err) {
  pv_op_values *y = &v[has_two(op) ? 2 : 1];
  if (n->is_identity) return define(op, n, arena, v, err);
  for (size_t i = 0; i < y->rows * y->row; i++) {
    const near a = element(op, c, n, v, i);
    pv_op_put(n, y, i, a.value, a.error);
    /* exp(infinity) under a fraction line: the limit is a zero, the quotient no number. */
    if (op->kind <= GELU && isinf(v[0].real[i]) && v[0].real[i] < 0.0f) y->bound[i] = PV_OP_ANY;
  }
  return PV_OK;
}

static const pv_op_case sizes[] = {
    {.size = {1, 1}, .data = PV_DATA_ORDINARY},    {.size = {33, 3}, .data = PV_DATA_INTEGERS},
    {.size = {256, 2}, .data = PV_DATA_OUTLIERS},  {.size = {333, 2}, .data = PV_DATA_SWEEP},
    {.size = {100, 5}, .data = PV_DATA_TINY},      {.size = {257, 9}, .data = PV_DATA_TIES},
    {.size = {1024, 2}, .data = PV_DATA_ODD},      {.size = {2048, 1}, .data = PV_DATA_ORDINARY},
    {.size = {31, 130}, .data = PV_DATA_ORDINARY}, {.size = {1029, 5}, .data = PV_DATA_ORDINARY},
};

#define SIZES (sizes), sizeof(sizes) / sizeof *(sizes)
#define TENSOR(name, role, about) \
  { name, PV_OP_REAL, PV_OP_##role, "rows", "k", about }
static const pv_operation rows[] = {
    {"swiglu",
     "a gate and what it lets through",
     "y[r][i] = gate[r][i] / (1 + exp(-gate[r][i])) * up[r][i]",
     {"k", "rows"},
     {{NULL, 0.0}},
     {TENSOR("gate", IN, "gates"), TENSOR("up", IN, "what they are multiplied with"),
      TENSOR("y", OUT, "the products")},
     PV_TYPE_F32,
     PV_FORMAT_F32,
     SWIGLU,
     SIZES,
     NULL,
     fill,
     expect},
    {"silu",
     "a gate alone",
     "y[r][i] = x[r][i] / (1 + exp(-x[r][i]))",
     {"k", "rows"},
     {{NULL, 0.0}},
     {TENSOR("x", IN, "gates"), TENSOR("y", OUT, "the gates' values")},
     PV_TYPE_F32,
     PV_FORMAT_F32,
     SILU,
     SIZES,
     NULL,
     fill,
     expect},
    {"gelu",
     "the gate of tanh",
     "y[r][i] = x[r][i] / 2 * (1 + tanh(sqrt(2 / pi) * (x[r][i] + 0.044715 * x[r][i]^3)))",
     {"k", "rows"},
     {{NULL, 0.0}},
     {TENSOR("x", IN, "gates"), TENSOR("y", OUT, "the gates' values")},
     PV_TYPE_F32,
     PV_FORMAT_F32,
     GELU,
     SIZES,
     NULL,
     fill,
     expect},
    {"add",
     "a sum of two",
     "y[r][i] = a[r][i] + b[r][i]",
     {"k", "rows"},
     {{NULL, 0.0}},
     {TENSOR("a", IN, "one"), TENSOR("b", IN, "the other"), TENSOR("y", OUT, "the sums")},
     PV_TYPE_F32,
     PV_FORMAT_F32,
     ADD,
     SIZES,
     NULL,
     fill,
     expect},
    {"scale",
     "a product with one number",
     "y[r][i] = x[r][i] * factor",
     {"k", "rows"},
     {{"factor", 0.1}},
     {TENSOR("x", IN, "what is multiplied"), TENSOR("y", OUT, "the products")},
     PV_TYPE_F32,
     PV_FORMAT_F32,
     SCALE,
     SIZES,
     NULL,
     fill,
     expect},
};
const pv_op_family pv_op_elements = {rows, sizeof rows / sizeof *rows};
