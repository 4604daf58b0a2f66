/* What is chosen by its value: the largest, and the experts of a router. */
#include <math.h>

#include "kernels/definition/definition.h"
#include "kernels/exact/exact.h"
#include "runtime/operations/rows.h"

enum { ARGMAX, TOPK_SOFTMAX, TOPK_SOFTMAX_NORM };
enum { K, ROWS, USED }; /* sizes */

static void fill(const pv_operation *op, const pv_op_case *c, uint64_t *state, pv_op_values *v) {
  const size_t k = v[0].row;
  (void)op;
  pv_op_fill(c->data, state, v[0].rows * k, v[0].real);
  /* The largest stands at an end. */
  for (size_t r = 0; c->data == PV_DATA_ORDINARY && r < v[0].rows; r++)
    v[0].real[r * k + (r % 2 == 0 ? k - 1 : 0)] = 3.0f;
}

static const char *refuse(const pv_operation *op, const pv_op_case *c) {
  if (op->kind == ARGMAX) return NULL;
  if (c->size[K] > PV_EXACT_EXPERTS_MAX) return "k is above 1024";
  return c->size[USED] > c->size[K] ? "more are chosen than there are" : NULL;
}

/* Where a NaN stands nobody has agreed on what is largest. */
static bool is_ordered(const double *x, size_t k) {
  bool ordered = true;
  for (size_t i = 0; i < k; i++) ordered = ordered && !isnan(x[i]);
  return ordered;
}

static void best(const pv_op_numerics *n, pv_op_values *out) {
  for (size_t r = 0; r < out->rows; r++) {
    const double *x = out->key + r * out->keys;
    const bool judged = n->is_identity || is_ordered(x, out->keys);
    out->want_index[r] = judged ? pv_exact.argmax(x, out->keys) : -1;
  }
}

/* The weight of each rank of row r: exp(x - max) over the sum of all, or of the chosen. */
static void weigh(const pv_operation *op, const pv_op_case *c, const pv_op_numerics *n,
                  const double *x, size_t r, pv_op_values *y, pv_op_values *ids) {
  const size_t k = c->size[K], used = c->size[USED];
  const int32_t *chosen = ids->want_index + r * used;
  double sum = 0.0, kept = 0.0, error = 0.0, largest = 0.0;
  const double top = x[chosen[0]];
  for (size_t i = 0; i < k; i++) {
    largest = fmax(largest, fmax(fabs(x[i]), fabs(x[i] - top)));
    sum += exp(x[i] - top);
  }
  for (size_t u = 0; u < used; u++) kept += exp(x[chosen[u]] - top);
  /* Relative: exp of an element and of those in the sum; roundings of the sums and of divisions. */
  error = 2.0 * pv_op_exp(n, largest) + n->unit * (pv_op_growth(n, (double)k) + 4.0) +
          pv_op_approximate(n);
  if (op->kind == TOPK_SOFTMAX_NORM) error += n->unit * ((double)used + 4.0) + pv_op_approximate(n);
  /* Candidates may be compared by what exp made of them; then each other's weights stand there. */
  if (error > ids->slack) ids->slack = error;
  for (size_t u = 0; u < used; u++) {
    const double want = exp(x[chosen[u]] - top) / (op->kind == TOPK_SOFTMAX_NORM ? kept : sum);
    pv_op_put(n, y, r * used + u, want, 2.0 * want * error + 2.0 * pv_op_lost(n));
  }
}

static void undefined_row(pv_op_values *y, pv_op_values *ids, size_t r, size_t used) {
  for (size_t u = 0; u < used; u++) {
    ids->want_index[r * used + u] = -1;
    y->bound[r * used + u] = PV_OP_ANY;
  }
}

/* Where there are infinities or NaNs nothing is defined. */
static bool all_finite(const double *x, size_t k) {
  bool finite = true;
  for (size_t i = 0; i < k; i++) finite = finite && isfinite(x[i]);
  return finite;
}

static void route(const pv_operation *op, const pv_op_case *c, const pv_op_numerics *n,
                  pv_op_values *v) {
  const size_t used = c->size[USED], k = c->size[K];
  double weights[PV_EXACT_EXPERTS_MAX];
  for (size_t r = 0; r < v[0].rows; r++) {
    const double *x = v[2].key + r * k;
    if (!all_finite(x, k)) {
      undefined_row(&v[1], &v[2], r, used);
      continue;
    }
    pv_exact.route(PV_ROUTE_SUM_ONE, x, k, used, v[2].want_index + r * used, weights);
    weigh(op, c, n, x, r, &v[1], &v[2]);
  }
}

static pv_code define(const pv_operation *op, const pv_op_case *c, const pv_op_numerics *n,
                      pv_op_values *v, pv_error *err) {
  const size_t used = c->size[USED], k = c->size[K];
  float weights[PV_EXPERTS_MAX];
  if (op->kind != TOPK_SOFTMAX_NORM) return pv_op_undefined(op, n, err);
  for (size_t r = 0; r < v[0].rows; r++) {
    pv_definition.route(PV_ROUTE_SUM_ONE, v[0].real + r * k, k, used, v[2].want_index + r * used,
                        weights);
    for (size_t u = 0; u < used; u++) v[1].want[r * used + u] = (double)weights[u];
  }
  return PV_OK;
}

static pv_code expect(const pv_operation *op, const pv_op_case *c, const pv_op_numerics *n,
                      pv_arena *arena, pv_op_values *v, pv_error *err) {
  pv_op_values *ids = &v[op->kind == ARGMAX ? 1 : 2];
  if (n->is_identity && op->kind != ARGMAX) return define(op, c, n, v, err);
  double *key = PV_ARENA_NEW(arena, v[0].rows * v[0].row, double);
  if (key == NULL) return pv_error_nomem(err, "candidates");
  for (size_t i = 0; i < v[0].rows * v[0].row; i++) key[i] = (double)v[0].real[i];
  ids->key = key;
  ids->keys = v[0].row;
  ids->slack = 0.0;
  if (op->kind == ARGMAX)
    best(n, ids);
  else
    route(op, c, n, v);
  if (n->is_identity) ids->key = NULL; /* the definition's rule of ties, and no other */
  return PV_OK;
}

static const pv_op_case sizes[] = {
    {.size = {1, 1}, .data = PV_DATA_ORDINARY},      {.size = {33, 3}, .data = PV_DATA_TIES},
    {.size = {151936, 1}, .data = PV_DATA_ORDINARY}, {.size = {100, 5}, .data = PV_DATA_TINY},
    {.size = {257, 9}, .data = PV_DATA_INTEGERS},    {.size = {3000, 2}, .data = PV_DATA_PAIRS},
    {.size = {256, 4}, .data = PV_DATA_EQUAL},       {.size = {64, 3}, .data = PV_DATA_ODD},
    {.size = {1025, 2}, .data = PV_DATA_OUTLIERS},
};
static const pv_op_case routers[] = {
    {.size = {4, 1, 1}, .data = PV_DATA_ORDINARY},
    {.size = {8, 3, 2}, .data = PV_DATA_TIES},
    {.size = {128, 1, 8}, .data = PV_DATA_ORDINARY},
    {.size = {64, 5, 6}, .data = PV_DATA_PAIRS},
    {.size = {16, 9, 16}, .data = PV_DATA_TINY},
    {.size = {256, 2, 8}, .data = PV_DATA_OUTLIERS},
    {.size = {32, 4, 4}, .data = PV_DATA_EQUAL},
    {.size = {60, 3, 4}, .data = PV_DATA_INTEGERS},
    {.size = {128, 2, 8}, .data = PV_DATA_ODD},
    {.size = {128, 33, 8}, .data = PV_DATA_ORDINARY},
};

#define COUNTED(list) (list), sizeof(list) / sizeof *(list)
#define ROUTER(name, about, formula, kind)                                                   \
  {                                                                                          \
    name, about, formula, {"k", "rows", "used"}, {{NULL, 0.0}},                              \
        {{"logits", PV_OP_REAL, PV_OP_IN, "rows", "k", "a number for each of k experts"},    \
         {"weights", PV_OP_REAL, PV_OP_OUT, "rows", "used", "of the chosen, largest first"}, \
         {"ids", PV_OP_INDEX, PV_OP_OUT, "rows", "used", "the chosen"}},                     \
        PV_TYPE_F32, PV_FORMAT_F32, kind, COUNTED(routers), refuse, fill, expect             \
  }
static const pv_operation rows[] = {
    {"argmax",
     "the largest of each row",
     "ids[r] = i of the largest x[r][i]",
     {"k", "rows"},
     {{NULL, 0.0}},
     {{"x", PV_OP_REAL, PV_OP_IN, "rows", "k", "candidates"},
      {"ids", PV_OP_INDEX, PV_OP_OUT, "rows", "1", "the largest; of equal ones any"}},
     PV_TYPE_F32,
     PV_FORMAT_F32,
     ARGMAX,
     COUNTED(sizes),
     refuse,
     fill,
     expect},
    ROUTER("topk_softmax", "the likeliest experts of each row, by their share of all",
           "weights[r][u] = exp(logits[r][ids[r][u]]) / sum over j of exp(logits[r][j])",
           TOPK_SOFTMAX),
    ROUTER("topk_softmax_norm", "the likeliest experts of each row, by their share of the chosen",
           "weights[r][u] = exp(logits[r][ids[r][u]]) / sum over v of exp(logits[r][ids[r][v]])",
           TOPK_SOFTMAX_NORM),
};
const pv_op_family pv_op_choices = {rows, sizeof rows / sizeof *rows};
