/* y = weights x, for rows of every type of weights, and the same by expert. */
#include <math.h>

#include "base/random.h"
#include "kernels/definition/definition.h"
#include "runtime/alone/rows.h"
#include "runtime/operations/rows.h"

enum { PLAIN, EXPERTS };
enum { K, ROWS, BATCH, EXPERT_COUNT, USED, SOURCES }; /* sizes */
/* A weight that is decoded, times an activation: scale, number, minimum, product. */
#define ROUNDINGS 4.0
/* The largest integer that a subnormal partial result may be multiplied with: 63 * 31. */
#define INTEGER_MOST 2048.0

/* For each row of the batch different experts. The first is empty; in every other case the last is
 * full: each row has it. */
static void fill_ids(const pv_op_case *c, uint64_t *state, int32_t *ids) {
  const int32_t experts = (int32_t)c->size[EXPERT_COUNT];
  const uint32_t used = c->size[USED];
  const int32_t first = used < c->size[EXPERT_COUNT] ? 1 : 0;
  for (uint32_t t = 0; t < c->size[BATCH]; t++, ids += used) {
    for (uint32_t u = 0; u < used; u++) {
      bool taken = true;
      while (taken) {
        ids[u] = first + (int32_t)(pv_random_next(state) % (uint64_t)(experts - first));
        if (u == 0 && c->seed % 2 == 0) ids[u] = experts - 1;
        taken = false;
        for (uint32_t v = 0; v < u; v++) taken = taken || ids[v] == ids[u];
      }
    }
  }
}

static void fill(const pv_operation *op, const pv_op_case *c, uint64_t *state, pv_op_values *v) {
  pv_op_fill_weights(op, c, state, &v[0]);
  pv_op_fill_acts(c, state, &v[1]);
  if (op->kind == EXPERTS) fill_ids(c, state, v[2].index);
}

static const char *refuse(const pv_operation *op, const pv_op_case *c) {
  if (c->size[K] > PV_K_MAX) return "k is above 65536";
  if (op->kind == PLAIN) return NULL;
  if (c->size[USED] > c->size[EXPERT_COUNT]) return "more experts are used than there are";
  if (c->size[SOURCES] != 1 && c->size[SOURCES] != c->size[USED])
    return "sources is neither 1 nor used";
  return NULL;
}

/* What is known of a row of activations, whichever row of weights it meets. */
typedef struct facts {
  double quantum;
  int bits;
  bool finite;
} facts;

static facts facts_of(const float *x, size_t k) {
  facts out = {.finite = true};
  for (size_t i = 0; i < k; i++) {
    const int bits = pv_op_bits((double)x[i]);
    out.quantum = pv_op_smaller(out.quantum, pv_op_lowest_bit((double)x[i]));
    out.finite = out.finite && isfinite(x[i]);
    if (bits > out.bits) out.bits = bits;
  }
  return out;
}

/* One element: value and bound. */
static void product(const pv_operation *op, const pv_op_numerics *n, const pv_op_row *row,
                    const float *x, const facts *f, size_t k, double *want, double *bound) {
  const bool quantised = pv_type_get((uint32_t)op->type)->quantised;
  pv_op_sum sum = {.terms = k,
                   .roundings = ROUNDINGS,
                   .scale = INTEGER_MOST,
                   .quantum = f->quantum * row->quantum,
                   .factor_bits = row->bits > f->bits ? row->bits : f->bits};
  for (size_t i = 0; i < k; i++) {
    const double a = (double)x[i];
    sum.value += row->w[i] * a;
    sum.magnitude += row->magnitude[i] * fabs(a);
    sum.counted += row->counted[i] * fabs(a);
  }
  *want = sum.value;
  if (f->finite)
    *bound = pv_op_sum_bound(n, &sum);
  else /* scales and minimum apart, an infinity may meet its opposite or a 0 */
    *bound = quantised ? INFINITY : 0.0;
  if (!f->finite && quantised) *want = NAN;
}

/* The row of weights that row `r` of slot `s` is. */
static size_t row_of(const pv_operation *op, const pv_op_case *c, const pv_op_values *v, size_t s,
                     size_t r) {
  return (op->kind == EXPERTS ? (size_t)v[2].index[s] * c->size[ROWS] : 0) + r;
}

static const float *acts_of(const pv_operation *op, const pv_op_case *c, const pv_op_values *v,
                            size_t slot) {
  if (op->kind == PLAIN) return v[1].real + slot * v[1].row;
  const size_t sources = c->size[SOURCES];
  return v[1].real + (slot / c->size[USED] * sources + slot % c->size[USED] % sources) * v[1].row;
}

static void define(const pv_operation *op, const pv_op_case *c, const pv_op_numerics *n,
                   pv_op_values *v, const pv_op_values *y) {
  for (size_t s = 0; s < y->rows; s++)
    for (size_t r = 0; r < y->row; r++) {
      float result, *out = &result;
      const pv_act act = {.x = acts_of(op, c, v, s)};
      const pv_mm mm = {op->type,
                        n->product,
                        v[0].bytes + row_of(op, c, v, s, r) * v[0].row_bytes,
                        v[0].row_bytes,
                        1,
                        v[0].row,
                        &act,
                        &out,
                        0,
                        1};
      pv_definition.mm(&mm);
      y->want[s * y->row + r] = (double)result;
    }
}

static pv_code expect(const pv_operation *op, const pv_op_case *c, const pv_op_numerics *n,
                      pv_arena *arena, pv_op_values *v, pv_error *err) {
  pv_op_values *y = &v[op->kind == EXPERTS ? 3 : 2];
  if (op->kind == EXPERTS)
    for (size_t i = 0; i < v[2].rows * v[2].row; i++)
      if (v[2].index[i] < 0 || (uint32_t)v[2].index[i] >= c->size[EXPERT_COUNT])
        return pv_error_set(err, PV_ERR_INPUT, "%s: there is no expert %d", op->name,
                            (int)v[2].index[i]);
  if (n->is_identity) {
    define(op, c, n, v, y);
    return PV_OK;
  }
  pv_op_row *row = PV_ARENA_NEW(arena, 1, pv_op_row);
  facts *known = PV_ARENA_NEW(arena, y->rows, facts);
  if (row == NULL || known == NULL) return pv_error_nomem(err, "a row of weights");
  for (size_t s = 0; s < y->rows; s++) known[s] = facts_of(acts_of(op, c, v, s), v[0].row);
  for (size_t w = 0; w < v[0].rows; w++) {
    const size_t expert = w / y->row, r = w % y->row;
    bool decoded_yet = false;
    for (size_t s = 0; s < y->rows; s++) {
      if (op->kind == EXPERTS && (size_t)v[2].index[s] != expert) continue;
      if (!decoded_yet) pv_op_decode(op->type, v[0].bytes + w * v[0].row_bytes, v[0].row, row);
      decoded_yet = true;
      const size_t at = s * y->row + r;
      product(op, n, row, acts_of(op, c, v, s), &known[s], v[0].row, &y->want[at], &y->bound[at]);
    }
  }
  return PV_OK;
}

/* k, rows, batch, data: small first, and every kind within the first dozen. */
static const pv_op_case blocks_256[] = {
    {.size = {256, 1, 1}, .data = PV_DATA_ORDINARY},
    {.size = {768, 7, 2}, .data = PV_DATA_EXACT},
    {.size = {2048, 33, 1}, .data = PV_DATA_OUTLIERS},
    {.size = {512, 64, 5}, .data = PV_DATA_INTEGERS},
    {.size = {8448, 3, 1}, .data = PV_DATA_TIES},
    {.size = {768, 5, 9}, .data = PV_DATA_TINY},
    {.size = {256, 130, 2}, .data = PV_DATA_ODD},
    {.size = {2048, 16, 1}, .data = PV_DATA_INTEGERS},
    {.size = {1280, 65, 1}, .data = PV_DATA_ORDINARY},
    {.size = {4352, 2, 2}, .data = PV_DATA_EXACT},
    {.size = {8448, 9, 1}, .data = PV_DATA_OUTLIERS},
    {.size = {2048, 256, 1}, .data = PV_DATA_ORDINARY},
    {.size = {256, 31, 9}, .data = PV_DATA_ORDINARY},
    {.size = {1024, 128, 2}, .data = PV_DATA_TIES},
};
static const pv_op_case blocks_32[] = {
    {.size = {32, 1, 1}, .data = PV_DATA_ORDINARY},
    {.size = {96, 7, 2}, .data = PV_DATA_EXACT},
    {.size = {2048, 33, 1}, .data = PV_DATA_OUTLIERS},
    {.size = {512, 64, 5}, .data = PV_DATA_INTEGERS},
    {.size = {1056, 3, 1}, .data = PV_DATA_TIES},
    {.size = {352, 5, 9}, .data = PV_DATA_TINY},
    {.size = {256, 130, 2}, .data = PV_DATA_ODD},
    {.size = {2080, 16, 1}, .data = PV_DATA_INTEGERS},
    {.size = {1312, 65, 1}, .data = PV_DATA_ORDINARY},
    {.size = {8416, 2, 2}, .data = PV_DATA_EXACT},
    {.size = {8448, 9, 1}, .data = PV_DATA_OUTLIERS},
    {.size = {2048, 256, 1}, .data = PV_DATA_ORDINARY},
    {.size = {224, 31, 9}, .data = PV_DATA_ORDINARY},
    {.size = {1024, 128, 2}, .data = PV_DATA_TIES},
};
static const pv_op_case elements[] = {
    {.size = {1, 1, 1}, .data = PV_DATA_ORDINARY},
    {.size = {96, 7, 2}, .data = PV_DATA_EXACT},
    {.size = {2048, 33, 1}, .data = PV_DATA_OUTLIERS},
    {.size = {515, 64, 5}, .data = PV_DATA_INTEGERS},
    {.size = {1057, 3, 1}, .data = PV_DATA_TIES},
    {.size = {355, 5, 9}, .data = PV_DATA_TINY},
    {.size = {257, 130, 2}, .data = PV_DATA_ODD},
    {.size = {2082, 16, 1}, .data = PV_DATA_INTEGERS},
    {.size = {1311, 65, 1}, .data = PV_DATA_ORDINARY},
    {.size = {8416, 2, 2}, .data = PV_DATA_EXACT},
    {.size = {8449, 9, 1}, .data = PV_DATA_OUTLIERS},
    {.size = {2048, 256, 1}, .data = PV_DATA_ORDINARY},
    {.size = {3, 31, 9}, .data = PV_DATA_ORDINARY},
    {.size = {1024, 128, 2}, .data = PV_DATA_TIES},
};
/* The same by expert: k, rows, batch, experts, used, sources. Whole blocks of any type. */
static const pv_op_case by_expert[] = {
    {.size = {256, 1, 1, 4, 1, 1}, .data = PV_DATA_ORDINARY},
    {.size = {768, 7, 2, 6, 2, 1}, .data = PV_DATA_EXACT},
    {.size = {2048, 17, 1, 8, 3, 3}, .data = PV_DATA_OUTLIERS},
    {.size = {512, 33, 5, 4, 2, 2}, .data = PV_DATA_INTEGERS},
    {.size = {4352, 3, 1, 4, 2, 1}, .data = PV_DATA_TIES},
    {.size = {768, 5, 9, 16, 4, 1}, .data = PV_DATA_TINY},
    {.size = {256, 65, 2, 4, 2, 2}, .data = PV_DATA_ODD},
    {.size = {256, 9, 3, 3, 3, 1}, .data = PV_DATA_INTEGERS},
    {.size = {1280, 31, 2, 4, 1, 1}, .data = PV_DATA_ORDINARY},
    {.size = {256, 16, 33, 8, 2, 2}, .data = PV_DATA_EXACT},
    {.size = {1024, 64, 4, 8, 2, 1}, .data = PV_DATA_ORDINARY},
};

#define COUNTED(list) (list), sizeof(list) / sizeof *(list)
#define GEMV(name, type, text, list)                                                              \
  {                                                                                               \
    name "_gemv", "a product with rows of " text,                                                 \
        "y[b][r] = sum over i of weights[r][i] * x[b][i]", {"k", "rows", "batch"}, {{NULL, 0.0}}, \
        {{"weights", PV_OP_WEIGHTS, PV_OP_IN, "rows", "k", "a matrix of " text},                  \
         {"x", PV_OP_REAL, PV_OP_IN, "batch", "k", "activations"},                                \
         {"y", PV_OP_REAL, PV_OP_OUT, "batch", "rows", "the products"}},                          \
        type, PV_FORMAT_F32, PLAIN, COUNTED(list), refuse, fill, expect                           \
  }
#define GEMV_EXPERTS(name, type, text)                                                            \
  {                                                                                               \
    name "_gemv_experts", "products with the rows of chosen experts, of " text,                   \
        "y[b][u][r] = sum over i of weights[ids[b][u]][r][i] * x[b][u % sources][i]",             \
        {"k", "rows", "batch", "experts", "used", "sources"}, {{NULL, 0.0}},                      \
        {{"weights", PV_OP_WEIGHTS, PV_OP_IN, "experts * rows", "k", "a matrix of each expert"},  \
         {"x", PV_OP_REAL, PV_OP_IN, "batch * sources", "k",                                      \
          "activations: one row for all experts of a row of the batch (sources 1), or one for "   \
          "each"},                                                                                \
         {"ids", PV_OP_INDEX, PV_OP_IN, "batch", "used", "the experts of each row of the batch"}, \
         {"y", PV_OP_REAL, PV_OP_OUT, "batch * used", "rows", "the products"}},                   \
        type, PV_FORMAT_F32, EXPERTS, COUNTED(by_expert), refuse, fill, expect                    \
  }
static const pv_operation rows[] = {
    GEMV("f32", PV_TYPE_F32, "float32", elements),    GEMV("f16", PV_TYPE_F16, "float16", elements),
    GEMV("bf16", PV_TYPE_BF16, "bfloat16", elements),
#undef PV_PLAIN_ROW
#undef PV_TYPE_ROW
#define PV_PLAIN_ROW(NAME, name, number)
#define PV_TYPE_ROW(NAME, name, number, elements, ...) GEMV_##elements(#name, PV_TYPE_##NAME, #NAME)
#define GEMV_32(name, type, text)                      GEMV(name, type, text, blocks_32),
#define GEMV_256(name, type, text)                     GEMV(name, type, text, blocks_256),
#include "kernels/quant/list.h"
    GEMV_EXPERTS("f32", PV_TYPE_F32, "float32"),      GEMV_EXPERTS("f16", PV_TYPE_F16, "float16"),
    GEMV_EXPERTS("bf16", PV_TYPE_BF16, "bfloat16"),
#undef PV_TYPE_ROW
#define PV_TYPE_ROW(NAME, name, ...) GEMV_EXPERTS(#name, PV_TYPE_##NAME, #NAME),
#include "kernels/quant/list.h"
};
const pv_op_family pv_op_products = {rows, sizeof rows / sizeof *rows};
