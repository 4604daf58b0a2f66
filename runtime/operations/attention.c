/* What depends on the position: RoPE, and one step of attention over a cache. */
#include <math.h>

#include "base/random.h"
#include "kernels/arith/rope.h"
#include "kernels/definition/definition.h"
#include "runtime/operations/rows.h"

enum { ROPE_HALVES, ROPE_PAIRS, ATTENTION };
enum { DIM, HEADS, BATCH };                   /* sizes of RoPE */
enum { /* DIM, HEADS, */ KV = 2, POSITIONS }; /* sizes of attention */

static void fill(const pv_operation *op, const pv_op_case *c, uint64_t *state, pv_op_values *v) {
  const size_t reals = op->kind == ATTENTION ? 3 : 1;
  for (size_t i = 0; i < reals; i++) pv_op_fill(c->data, state, v[i].rows * v[i].row, v[i].real);
  for (size_t i = 0; op->kind != ATTENTION && i < v[1].rows; i++)
    v[1].index[i] = (int32_t)(i == 0 ? 0 : pv_random_next(state) % 512);
}

static const char *refuse(const pv_operation *op, const pv_op_case *c) {
  if (c->size[DIM] % 2 != 0 || c->size[DIM] > PV_HEAD_DIM_MAX) return "dim is odd or above 256";
  if (op->kind == ATTENTION && (c->size[KV] == 0 || c->size[HEADS] % c->size[KV] != 0))
    return "heads is no multiple of kv";
  return NULL;
}

/* A pair turned by an angle that is a float32 product of the position and of a power: the power,
 * its product, sine and cosine are off by 4 roundings for each radian and 8 at once, an
 * approximation of sine and cosine by 2^-20 of a turn more. */
static void turn(const pv_operation *op, const pv_op_case *c, const pv_op_numerics *n,
                 pv_op_values *v, size_t head) {
  const size_t dim = c->size[DIM], at = head * dim;
  const double position = (double)v[1].index[head / c->size[HEADS]];
  const float *x = v[0].real + at;
  for (size_t i = 0; i < dim / 2; i++) {
    const double angle = position * pow(c->scalar[0], -2.0 * (double)i / (double)dim);
    const size_t one = op->kind == ROPE_PAIRS ? 2 * i : i;
    const size_t two = op->kind == ROPE_PAIRS ? 2 * i + 1 : i + dim / 2;
    const double a = (double)x[one], b = (double)x[two], s = sin(angle), t = cos(angle);
    const double bound = (fabs(a) + fabs(b)) * (n->unit * (8.0 + 4.0 * angle) +
                                                (n->approx ? 0x1p-20 * (1.0 + angle) : 0.0)) +
                         4.0 * pv_op_lost(n);
    pv_op_put(n, &v[2], at + one, a * t - b * s, bound);
    pv_op_put(n, &v[2], at + two, b * t + a * s, bound);
  }
}

/* One head over its cache: scores, their softmax, the weighted sum; `e` has three numbers for each
 * position. A score's error is one of its exponential; the weighted sum has that of each weight and
 * of the sum of all, and roundings of both sums, which a kernel that goes by chunks has twice. */
static void attend(const pv_op_case *c, const pv_op_numerics *n, pv_op_values *v, size_t head,
                   double *e) {
  const size_t dim = c->size[DIM], positions = c->size[POSITIONS], width = c->size[KV] * dim;
  const size_t first = head / (c->size[HEADS] / c->size[KV]) * dim;
  const float *q = v[0].real + head * dim;
  const double scale = 1.0 / sqrt((double)dim);
  double *error = e + positions, top = -INFINITY, sum = 0.0, off = 0.0;
  for (size_t p = 0; p < positions; p++) {
    const float *k = v[1].real + p * width + first;
    double score = 0.0, size = 0.0;
    for (size_t i = 0; i < dim; i++) {
      score += (double)q[i] * (double)k[i];
      size += fabs((double)q[i] * (double)k[i]);
    }
    e[p] = score * scale;
    error[p] = scale * (size * (n->unit * (pv_op_growth(n, (double)dim) + 3.0) + 2.0 * n->factor) +
                        (double)dim * pv_op_lost(n));
    top = fmax(top, e[p]);
  }
  for (size_t p = 0; p < positions; p++) {
    error[p] += pv_op_exp(n, fmax(fabs(e[p]), fabs(e[p] - top)));
    e[p] = exp(e[p] - top);
    sum += e[p];
    off += e[p] * error[p];
  }
  const double roundings = n->unit * (4.0 * pv_op_growth(n, (double)positions) + 4.0) +
                           2.0 * n->factor + pv_op_approximate(n);
  for (size_t i = 0; i < dim; i++) {
    double value = 0.0, bound = 0.0;
    for (size_t p = 0; p < positions; p++) {
      const double part = e[p] / sum * (double)v[2].real[p * width + first + i];
      value += part;
      bound += fabs(part) * (error[p] + off / sum + roundings);
    }
    pv_op_put(n, &v[3], head * dim + i, value, bound + (double)positions * 2.0 * pv_op_lost(n));
  }
}

static pv_code define(const pv_operation *op, const pv_op_case *c, const pv_op_numerics *n,
                      pv_arena *arena, pv_op_values *v, pv_error *err) {
  const size_t dim = c->size[DIM], positions = c->size[POSITIONS], width = c->size[KV] * dim;
  pv_op_values *y = &v[op->kind == ATTENTION ? 3 : 2];
  if (op->kind == ROPE_PAIRS) return pv_op_undefined(op, n, err);
  const size_t room = op->kind == ATTENTION ? pv_attend_scratch(dim, positions) : dim;
  float *scratch = PV_ARENA_NEW(arena, room, float), *out = PV_ARENA_NEW(arena, dim, float);
  if (scratch == NULL || out == NULL) return pv_error_nomem(err, "a head");
  for (size_t head = 0; head < y->rows * y->row / dim; head++) {
    const float *x = v[0].real + head * dim;
    if (op->kind == ATTENTION) {
      const size_t first = head / (c->size[HEADS] / c->size[KV]) * dim;
      const pv_attend a = {.q = x,
                           .k = v[1].real + first,
                           .v = v[2].real + first,
                           .stride = width,
                           .head_dim = dim,
                           .positions = positions,
                           .scale = 1.0f / sqrtf((float)dim),
                           .out = out,
                           .scratch = scratch};
      pv_definition.attend(&a);
    } else {
      for (size_t i = 0; i < dim; i++) out[i] = x[i];
      pv_definition.angles(&(pv_rope){.base = c->scalar[0]}, dim,
                           (size_t)v[1].index[head / c->size[HEADS]], scratch, scratch + dim / 2);
      pv_definition.rope(out, dim, scratch, scratch + dim / 2);
    }
    for (size_t i = 0; i < dim; i++) y->want[head * dim + i] = (double)out[i];
  }
  return PV_OK;
}

static pv_code expect(const pv_operation *op, const pv_op_case *c, const pv_op_numerics *n,
                      pv_arena *arena, pv_op_values *v, pv_error *err) {
  for (size_t i = 0; op->kind != ATTENTION && i < v[1].rows; i++)
    if (v[1].index[i] < 0)
      return pv_error_set(err, PV_ERR_INPUT, "%s: there is no position %d", op->name,
                          (int)v[1].index[i]);
  if (n->is_identity) return define(op, c, n, arena, v, err);
  if (op->kind == ATTENTION) {
    double *e = PV_ARENA_NEW(arena, 2 * (size_t)c->size[POSITIONS], double);
    if (e == NULL) return pv_error_nomem(err, "scores");
    for (size_t head = 0; head < c->size[HEADS]; head++) attend(c, n, v, head, e);
    return PV_OK;
  }
  for (size_t head = 0; head < v[0].rows * c->size[HEADS]; head++) turn(op, c, n, v, head);
  return PV_OK;
}

static const pv_op_case turned[] = {
    {.size = {128, 1, 1}, .data = PV_DATA_ORDINARY}, {.size = {64, 3, 2}, .data = PV_DATA_OUTLIERS},
    {.size = {2, 1, 5}, .data = PV_DATA_ORDINARY},   {.size = {80, 5, 3}, .data = PV_DATA_TINY},
    {.size = {256, 2, 9}, .data = PV_DATA_TIES},     {.size = {128, 2, 2}, .data = PV_DATA_ODD},
    {.size = {128, 32, 5}, .data = PV_DATA_ORDINARY}};
static const pv_op_case steps[] = {{.size = {128, 1, 1, 1}, .data = PV_DATA_ORDINARY},
                                   {.size = {64, 4, 2, 33}, .data = PV_DATA_ORDINARY},
                                   {.size = {128, 4, 1, 65}, .data = PV_DATA_INTEGERS},
                                   {.size = {64, 2, 2, 300}, .data = PV_DATA_TINY},
                                   {.size = {80, 3, 3, 129}, .data = PV_DATA_TIES},
                                   {.size = {256, 2, 1, 64}, .data = PV_DATA_ORDINARY},
                                   {.size = {128, 8, 2, 1000}, .data = PV_DATA_ORDINARY}};

#define COUNTED(list) (list), sizeof(list) / sizeof *(list)
#define ROPE(name, about, formula, kind)                                             \
  {                                                                                  \
    name, about, formula, {"dim", "heads", "batch"}, {{"base", 1e4}},                \
        {{"x", PV_OP_REAL, PV_OP_IN, "batch", "heads * dim", "heads"},               \
         {"positions", PV_OP_INDEX, PV_OP_IN, "batch", "1", "of each row"},          \
         {"y", PV_OP_REAL, PV_OP_OUT, "batch", "heads * dim", "the heads, turned"}}, \
        PV_TYPE_F32, PV_FORMAT_F32, kind, COUNTED(turned), refuse, fill, expect      \
  }
static const pv_operation rows[] = {
    ROPE("rope_halves", "heads turned by their position, halves paired",
         "(x[i], x[i + dim / 2]) turned by position * base^(-2 i / dim)", ROPE_HALVES),
    ROPE("rope_pairs", "heads turned by their position, neighbours paired",
         "(x[2 i], x[2 i + 1]) turned by position * base^(-2 i / dim)", ROPE_PAIRS),
    {"attention",
     "one row of queries over a cache",
     "y[h] = sum over p of softmax(q[h] . keys[p] / sqrt(dim))[p] * values[p]",
     {"dim", "heads", "kv", "positions"},
     {{NULL, 0.0}},
     {{"q", PV_OP_REAL, PV_OP_IN, "heads", "dim", "a query of each head"},
      {"keys", PV_OP_REAL, PV_OP_IN, "positions", "kv * dim", "of each position, head by head"},
      {"values", PV_OP_REAL, PV_OP_IN, "positions", "kv * dim", "the same"},
      {"y", PV_OP_REAL, PV_OP_OUT, "heads", "dim", "the weighted values"}},
     PV_TYPE_F32,
     PV_FORMAT_F32,
     ATTENTION,
     COUNTED(steps),
     refuse,
     fill,
     expect},
};
const pv_op_family pv_op_attention = {rows, sizeof rows / sizeof *rows};
