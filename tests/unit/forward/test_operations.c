/* Every operation that a plan may have, in one plan that no file has: each row of it made again
 * from the rows before it by formulas written down here, and the sets of kernels bit for bit. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "runtime/alone/rows.h"
#include "runtime/forward/host.h"
#include "runtime/forward/weights.h"
#include "runtime/trace/capture.h"
#include "tests/unit/testing.h"

enum { LAYERS = 3, COUNT = 11, WIDEST = 128 };

/* clang-format off */
enum { /* rows */
  EMBEDDING, ATTN_NORM, Q, K, V, Q_BIAS, K_BIAS, V_BIAS, Q_NORM, Q_ROPE, K_ROPE, ATTN_OUT,
  ATTN_PROJ, POST_NORM, ATTN_RESIDUAL, FFN_NORM, ROUTER, SHARED_LOGIT, LOGITS_OF_EXPERTS,
  WEIGHTS, INDICES, SHARED_GATE, SHARED_UP, SHARED_ACT, SHARED_DOWN, SHARED_OUT, GATE, UP,
  GATE_BIAS, UP_BIAS, ACT, DOWN, DOWN_BIAS, COMBINED, FFN_OUT, LAYER_OUT, FINAL_NORM, LOGITS,
  TOP, ROWS
};
/* clang-format on */

#define STEP    PV_ROW_STEP
#define EXPERT  PV_ROW_BY_EXPERT
#define OUTSIDE (PV_ROW_ONCE | PV_ROW_LAST_ROWS)
#define ROW(id, op, role, width, flags, weight, ...) \
  [id] = {#id, PV_OP_##op, PV_ROLE_##role, {__VA_ARGS__}, weight, PV_DIM_##width, flags}

/* clang-format off */
static const pv_stage_row sound[ROWS] = {
  ROW(EMBEDDING, GATHER, EMBEDDING, HIDDEN, PV_ROW_ONCE | STEP | PV_ROW_BLOCK, "a", 0),
  ROW(ATTN_NORM, NORM, NONE, HIDDEN, STEP, "b", PV_STREAM),
  ROW(Q, MATMUL, NONE, Q, STEP, "c", ATTN_NORM),
  ROW(K, MATMUL, NONE, KV, 0, "d", ATTN_NORM),
  ROW(V, MATMUL, NONE, KV, 0, "e", ATTN_NORM),
  ROW(Q_BIAS, BIAS, NONE, Q, STEP, "f", Q),
  ROW(K_BIAS, BIAS, NONE, KV, 0, "g", K),
  ROW(V_BIAS, BIAS, NONE, KV, PV_ROW_APPENDS, "h", V),
  ROW(Q_NORM, NORM, NONE, Q, STEP, "i", Q_BIAS),
  ROW(Q_ROPE, ROPE, NONE, Q, STEP | PV_ROW_NEIGHBOURS, NULL, Q_NORM),
  ROW(K_ROPE, HEADS, NONE, KV, PV_ROW_NEIGHBOURS | PV_ROW_APPENDS, "j", K_BIAS),
  ROW(ATTN_OUT, ATTEND, NONE, Q, STEP, "k", Q_ROPE, K_ROPE, V_BIAS),
  ROW(ATTN_PROJ, MATMUL, NONE, HIDDEN, STEP, "l", ATTN_OUT),
  ROW(POST_NORM, NORM, NONE, HIDDEN, STEP, "m", ATTN_PROJ),
  ROW(ATTN_RESIDUAL, ADD, NONE, HIDDEN, PV_ROW_BLOCK, NULL, PV_STREAM, POST_NORM),
  ROW(FFN_NORM, NORM, FFN_IN, HIDDEN, STEP | PV_ROW_BLOCK, "n", ATTN_RESIDUAL),
  ROW(ROUTER, MATMUL, NONE, EXPERTS, STEP, "o", FFN_NORM),
  ROW(SHARED_LOGIT, MATMUL, NONE, ONE, 0, "p", FFN_NORM),
  ROW(LOGITS_OF_EXPERTS, BIAS, ROUTER_LOGITS, EXPERTS, STEP, "q", ROUTER),
  ROW(WEIGHTS, ROUTE, ROUTER_WEIGHTS, USED, 0, NULL, LOGITS_OF_EXPERTS),
  ROW(INDICES, TOPK, ROUTER_INDICES, USED, PV_ROW_INDEX, NULL, LOGITS_OF_EXPERTS),
  /* Between two products of the same row another one is made ready. */
  ROW(SHARED_GATE, MATMUL, NONE, SHARED, STEP, "x", FFN_NORM),
  ROW(SHARED_UP, MATMUL, NONE, SHARED, 0, "y", FFN_NORM),
  ROW(SHARED_ACT, GEGLU, NONE, SHARED, 0, NULL, SHARED_GATE, SHARED_UP),
  ROW(SHARED_DOWN, MATMUL, NONE, HIDDEN, STEP, "z", SHARED_ACT),
  ROW(SHARED_OUT, GATE, NONE, HIDDEN, STEP, NULL, SHARED_DOWN, SHARED_LOGIT),
  ROW(GATE, MATMUL, NONE, FFN, STEP | EXPERT, "r", FFN_NORM, INDICES),
  ROW(UP, MATMUL, NONE, FFN, EXPERT, "s", FFN_NORM, INDICES),
  ROW(GATE_BIAS, BIAS, NONE, FFN, STEP | EXPERT, "t", GATE, INDICES),
  ROW(UP_BIAS, BIAS, NONE, FFN, EXPERT, "u", UP, INDICES),
  ROW(ACT, SWIGLU_CLAMPED, NONE, FFN, EXPERT, NULL, GATE_BIAS, UP_BIAS),
  ROW(DOWN, MATMUL, NONE, HIDDEN, STEP | EXPERT, "v", ACT, INDICES),
  ROW(DOWN_BIAS, BIAS, EXPERTS_OUT, HIDDEN, EXPERT, "w", DOWN, INDICES),
  ROW(COMBINED, COMBINE, NONE, HIDDEN, STEP, NULL, DOWN_BIAS, WEIGHTS),
  ROW(FFN_OUT, ADD, FFN_OUT, HIDDEN, 0, NULL, COMBINED, SHARED_OUT),
  ROW(LAYER_OUT, ADD, LAYER_OUT, HIDDEN, PV_ROW_BLOCK, NULL, ATTN_RESIDUAL, FFN_OUT),
  ROW(FINAL_NORM, NORM, NONE, HIDDEN, OUTSIDE | STEP, "A", PV_STREAM),
  ROW(LOGITS, MATMUL, LOGITS, VOCAB, OUTSIDE | STEP, "B", FINAL_NORM),
  ROW(TOP, ARGMAX, TOP, ONE, OUTSIDE | PV_ROW_INDEX, NULL, LOGITS),
};
/* clang-format on */

/* Layers 0 and 1 see four positions, layer 2 all. */
static const pv_shape shape = {.layers = LAYERS,
                               .hidden = 64,
                               .heads = 4,
                               .kv_heads = 2,
                               .head_dim = 32,
                               .experts = 5,
                               .used = 2,
                               .ffn = 96,
                               .vocab = 40,
                               .context = 64,
                               .shared = 64,
                               .window = 4,
                               .window_period = 3,
                               .rope = {.base = 1e4,
                                        .factor = 4.0,
                                        .magnitude = 1.25,
                                        .yarn = true,
                                        .original = 32.0,
                                        .beta_fast = 8.0,
                                        .beta_slow = 1.0},
                               .rope_sliding = {.base = 100.0},
                               .route = PV_ROUTE_ALL,
                               .embedding_scale = 3.0f,
                               .score_scale = 0.3f,
                               .eps = 1e-5f};

static pv_stage_row rows[ROWS];
static pv_plan plan = {.name = "every", .rows = rows, .count = ROWS};
static pv_gguf_tensor tensors[LAYERS][ROWS];
static pv_layer layers[LAYERS];
static pv_model model;

/* Matrices of Q8_0, so that rows are rounded before they meet them; vectors and the router F32. */
static void make_tensor(pv_gguf_tensor *t, size_t row, uint64_t *seed) {
  const pv_op op = rows[row].op;
  const bool matrix = op == PV_OP_MATMUL || op == PV_OP_GATHER;
  const uint64_t experts = pv_plan_is(&plan, row, EXPERT) ? shape.experts : 1;
  const uint64_t width = pv_plan_part(&plan, row, &shape);
  *t = (pv_gguf_tensor){.type = matrix && width > 5 ? PV_TYPE_Q8_0 : PV_TYPE_F32, .dim_count = 3};
  t->dims[0] = op == PV_OP_MATMUL   ? pv_plan_part(&plan, rows[row].in[0], &shape)
               : op == PV_OP_HEADS  ? shape.head_dim
               : op == PV_OP_ATTEND ? shape.heads
                                    : width;
  t->dims[1] = op == PV_OP_MATMUL ? width : op == PV_OP_GATHER ? shape.vocab : experts;
  t->dims[2] = op == PV_OP_MATMUL ? experts : 1;
  const pv_type_info *type = pv_type_get(t->type);
  t->row_bytes = t->dims[0] / type->block_elements * type->block_bytes;
  unsigned char *data = malloc((size_t)(t->row_bytes * t->dims[1] * t->dims[2]));
  if (!EXPECT(data != NULL)) exit(1);
  for (uint64_t r = 0; r < t->dims[1] * t->dims[2]; r++)
    pv_rows_random(t->type, (size_t)t->dims[0], seed, data + r * t->row_bytes);
  t->data = data;
}

static void free_model(void) {
  for (size_t i = 0; i < LAYERS; i++)
    for (size_t row = 0; row < ROWS; row++) free((void *)(uintptr_t)tensors[i][row].data);
  memset(tensors, 0, sizeof tensors);
}

static void make_model(void) {
  uint64_t seed = 29;
  memcpy(rows, sound, sizeof rows);
  model = (pv_model){.plan = &plan, .shape = shape, .layers = layers};
  for (size_t layer = 0; layer < LAYERS; layer++)
    for (size_t row = 0; row < ROWS; row++) {
      const bool once = pv_plan_is(&plan, row, PV_ROW_ONCE);
      if (rows[row].weight == NULL || (once && layer > 0)) continue;
      make_tensor(&tensors[layer][row], row, &seed);
      (once ? &model.once : &layers[layer])->weight[row] = &tensors[layer][row];
    }
}

static const uint32_t ids[COUNT] = {3, 39, 0, 7, 7, 21, 13, 1, 30, 8, 19};

static pv_capture *capture(pv_forward *forward, size_t batch) {
  const pv_capture_spec spec = {.ids = ids, .count = COUNT, .batch = batch};
  pv_capture *out = NULL;
  EXPECT_I64(pv_capture_with(forward, &model, &spec, &out, NULL), PV_OK);
  pv_forward_close(forward);
  return out;
}

static pv_capture *run(pv_numerics numerics, const char *path, size_t batch) {
  const pv_backend_config config = {numerics, COUNT, COUNT, 2, path};
  pv_forward *f = NULL;
  EXPECT_I64(pv_forward_open(&model, "cpu", &config, &f, NULL), PV_OK);
  return f != NULL ? capture(f, batch) : NULL;
}

static pv_capture *run_definition(pv_numerics numerics, const pv_defect *defect, size_t batch) {
  const pv_backend_config config = {numerics, COUNT, COUNT, 2, NULL};
  pv_backend *b = NULL;
  pv_forward *f = NULL;
  EXPECT_I64(pv_definition_open(&model, &config, defect, &b, NULL), PV_OK);
  if (b != NULL) EXPECT_I64(pv_forward_adopt(b, &f, NULL), PV_OK);
  return f != NULL ? capture(f, batch) : NULL;
}

/* Where a row is made: a layer, a position, a part of one expert. */
typedef struct place {
  const pv_capture *c;
  size_t row, position, part;
  uint32_t layer;
} place;

/* Input `k` at a position, with its part of the expert where it has one. */
static size_t take(const place *p, size_t k, size_t position, double *out) {
  uint32_t layer = 0;
  const size_t in = (size_t)pv_plan_input(&plan, p->row, k, p->layer, LAYERS, &layer);
  const size_t n = pv_plan_part(&plan, in, &shape);
  const size_t first = pv_plan_is(&plan, in, EXPERT) ? p->part * n : 0;
  for (size_t i = 0; i < n; i++)
    out[i] = pv_capture_at(p->c, (pv_stage_id)in, layer, position, first + i);
  return n;
}

/* Row `r` of matrix `m` of the weight, in float64. */
static void weights_of(const place *p, size_t m, size_t r, double *out) {
  const pv_gguf_tensor *t = pv_model_weight(&model, p->row, p->layer);
  pv_dequant_f64(t->type, t->data + (m * t->dims[1] + r) * t->row_bytes, t->dims[0], out);
}

static size_t expert_of(const place *p) {
  return pv_plan_is(&plan, p->row, EXPERT)
             ? (size_t)pv_capture_at(p->c, INDICES, p->layer, p->position, p->part)
             : 0;
}

static void norm(const double *x, const double *gain, size_t n, double *out) {
  double sum = 0.0;
  for (size_t i = 0; i < n; i++) sum += x[i] * x[i];
  for (size_t i = 0; i < n; i++)
    out[i] = x[i] * gain[i] / sqrt(sum / (double)n + (double)shape.eps);
}

static void turn(const place *p, double *x) {
  const size_t half = shape.head_dim / 2;
  double cosine[WIDEST], sine[WIDEST];
  const bool slides = model.shape.window > 0 && p->layer < 2;
  pv_exact.angles(
      slides && model.shape.rope_sliding.base > 0.0 ? &model.shape.rope_sliding : &model.shape.rope,
      shape.head_dim, p->position, cosine, sine);
  for (size_t i = 0; i < half; i++) {
    const bool near = pv_plan_is(&plan, p->row, PV_ROW_NEIGHBOURS);
    double *a = &x[near ? 2 * i : i], *b = &x[near ? 2 * i + 1 : i + half], was = *a;
    *a = was * cosine[i] - *b * sine[i];
    *b = *b * cosine[i] + was * sine[i];
  }
}

static size_t first_seen(const place *p) {
  const size_t window = model.shape.window;
  return window > 0 && p->layer < 2 && p->position >= window ? p->position + 1 - window : 0;
}

/* Over positions first .. end - 1. */
static void attend(const place *p, size_t first, size_t end, double *out) {
  const size_t dim = shape.head_dim;
  double q[WIDEST], k[WIDEST], v[WIDEST], sinks[4];
  const double scale =
      model.shape.score_scale != 0.0f ? (double)model.shape.score_scale : 1.0 / sqrt((double)dim);
  weights_of(p, 0, 0, sinks);
  take(p, 0, p->position, q);
  for (size_t head = 0; head < shape.heads; head++) {
    const size_t at = head / 2 * dim;
    double sum = rows[ATTN_OUT].weight != NULL ? exp(sinks[head]) : 0.0;
    for (size_t d = 0; d < dim; d++) out[head * dim + d] = 0.0;
    for (size_t j = first; j < end; j++) {
      double score = 0.0;
      take(p, 1, j, k);
      take(p, 2, j, v);
      for (size_t d = 0; d < dim; d++) score += q[head * dim + d] * k[at + d];
      const double e = exp(score * scale);
      sum += e;
      for (size_t d = 0; d < dim; d++) out[head * dim + d] += e * v[at + d];
    }
    for (size_t d = 0; d < dim; d++) out[head * dim + d] /= sum;
  }
}

/* Ranks by counting who comes before. */
static void route(const double *logits, double *out, bool index) {
  double all = 0.0, kept = 0.0, weight[5];
  size_t chosen[5];
  for (size_t e = 0; e < shape.experts; e++) {
    size_t rank = 0;
    for (size_t o = 0; o < shape.experts; o++) rank += logits[o] > logits[e];
    chosen[rank] = e;
    all += exp(logits[e]);
  }
  for (size_t r = 0; r < shape.used; r++) kept += weight[r] = exp(logits[chosen[r]]);
  for (size_t r = 0; r < shape.used; r++)
    out[r] =
        index ? (double)chosen[r] : weight[r] / (model.shape.route == PV_ROUTE_ALL ? all : kept);
}

static double gated(pv_op op, double g, double u) {
  const double pi = acos(-1.0);
  if (op == PV_OP_GEGLU)
    return g / 2.0 * (1.0 + tanh(sqrt(2.0 / pi) * (g + 0.044715 * g * g * g))) * u;
  g = fmin(g, 7.0);
  u = fmin(fmax(u, -7.0), 7.0);
  return g / (1.0 + exp(-1.702 * g)) * (u + 1.0);
}

/* One part of a row, from the rows that the capture holds. */
static void make_again(const place *p, double *out) {
  const pv_op op = rows[p->row].op;
  const size_t n = pv_plan_part(&plan, p->row, &shape);
  double a[WIDEST] = {0}, b[WIDEST] = {0}, w[WIDEST];
  size_t k = 0;
  if (op != PV_OP_GATHER) k = take(p, 0, p->position, a);
  if (op == PV_OP_ADD || op == PV_OP_GEGLU || op == PV_OP_SWIGLU_CLAMPED || op == PV_OP_GATE ||
      op == PV_OP_COMBINE)
    take(p, 1, p->position, b);
  if (op == PV_OP_GATHER) {
    weights_of(p, 0, ids[p->position], w);
    for (size_t i = 0; i < n; i++)
      out[i] =
          w[i] * (model.shape.embedding_scale != 0.0f ? (double)model.shape.embedding_scale : 1.0);
  }
  if (op == PV_OP_NORM) {
    weights_of(p, 0, 0, w);
    norm(a, w, n, out);
  }
  if (op == PV_OP_HEADS || op == PV_OP_ROPE) {
    memcpy(out, a, n * sizeof *out);
    if (op == PV_OP_HEADS) weights_of(p, 0, 0, w);
    for (size_t h = 0; h < n; h += shape.head_dim) {
      if (op == PV_OP_HEADS) norm(a + h, w, shape.head_dim, out + h);
      turn(p, out + h);
    }
  }
  if (op == PV_OP_BIAS) {
    weights_of(p, 0, expert_of(p), w);
    for (size_t i = 0; i < n; i++) out[i] = a[i] + w[i];
  }
  for (size_t i = 0; i < n && op == PV_OP_MATMUL; i++) {
    weights_of(p, expert_of(p), i, w);
    out[i] = 0.0;
    for (size_t j = 0; j < k; j++) out[i] += w[j] * a[j];
  }
  for (size_t i = 0; i < n && op == PV_OP_ADD; i++) out[i] = a[i] + b[i];
  for (size_t i = 0; i < n && op == PV_OP_GATE; i++) out[i] = a[i] / (1.0 + exp(-b[0]));
  for (size_t i = 0; i < n && (op == PV_OP_GEGLU || op == PV_OP_SWIGLU_CLAMPED); i++)
    out[i] = gated(op, a[i], b[i]);
  if (op == PV_OP_ROUTE || op == PV_OP_TOPK) route(a, out, op == PV_OP_TOPK);
  if (op == PV_OP_ATTEND) attend(p, first_seen(p), p->position + 1, out);
  for (size_t i = 0; i < n && op == PV_OP_COMBINE; i++) {
    out[i] = 0.0;
    for (size_t r = 0; r < shape.used; r++)
      out[i] += b[r] * pv_capture_at(p->c, DOWN_BIAS, p->layer, p->position, r * n + i);
  }
}

/* The largest distance of a row from what is made again, of the largest of the row. */
static void expect_row(const pv_capture *c, size_t row, uint32_t layer, double tolerance) {
  const size_t n = pv_plan_part(&plan, row, &shape);
  const size_t parts = pv_plan_is(&plan, row, EXPERT) ? shape.used : 1;
  for (size_t i = 0; i < COUNT * parts; i++) {
    const place p = {c, row, i / parts, i % parts, layer};
    double want[WIDEST], largest = 0.0, worst = 0.0;
    make_again(&p, want);
    for (size_t j = 0; j < n; j++) {
      const double got = pv_capture_at(c, (pv_stage_id)row, layer, p.position, p.part * n + j);
      largest = fmax(largest, fabs(want[j]));
      if (!(fabs(got - want[j]) <= worst)) worst = fabs(got - want[j]);
    }
    if (!EXPECT(worst <= tolerance * fmax(largest, 1.0)))
      fprintf(stderr, "  %s, layer %u, position %zu, part %zu: %.3g of %.3g\n", rows[row].name,
              layer, p.position, p.part, worst, largest);
  }
}

static void expect_all(pv_capture *c, double tolerance) {
  REQUIRE(c != NULL);
  for (size_t row = 0; row < ROWS; row++)
    for (uint32_t layer = 0; layer < (pv_plan_is(&plan, row, PV_ROW_ONCE) ? 1 : LAYERS); layer++)
      if (rows[row].op != PV_OP_ARGMAX) expect_row(c, row, layer, tolerance);
  pv_capture_free(c);
}

static void expect_same(pv_capture *a, pv_capture *b, const char *what) {
  pv_difference d = {0};
  if (a != NULL && b != NULL) EXPECT_I64(pv_capture_compare(a, b, &d, NULL), PV_OK);
  EXPECT(d.compared > 10000);
  if (!EXPECT_U64(d.different, 0))
    fprintf(stderr, "  %s: first in %s, layer %u, position %zu, element %zu: %.9g %.9g\n", what,
            rows[d.stage].name, d.layer, d.position, d.index, d.left, d.right);
  pv_capture_free(a);
  pv_capture_free(b);
}

static void expect_every_set(void) {
  static const pv_numerics each[] = {PV_NUMERICS_I16, PV_NUMERICS_F32_F64ACC, PV_NUMERICS_I8};
  expect_all(run(PV_NUMERICS_F64, NULL, 0), 1e-12);
  expect_all(run(PV_NUMERICS_F64, NULL, 3), 1e-12);
  expect_all(run(PV_NUMERICS_F32_F64ACC, NULL, 0), 4e-6);
  for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
    expect_same(run(each[i], NULL, 0), run(each[i], "scalar", 0), "scalar");
    expect_same(run(each[i], NULL, 0), run(each[i], NULL, 1), "one by one");
    expect_same(run(each[i], NULL, 0), run(each[i], NULL, 4), "by four");
    expect_same(run(each[i], NULL, 0), run_definition(each[i], NULL, 5), "definition");
  }
}

static void test_every_operation(void) {
  size_t row = 0;
  make_model();
  EXPECT(pv_plan_flaw(&plan, &row) == NULL);
  expect_every_set();
  free_model();
}

/* What a shape may leave out: then nothing slides, is scaled or has a sink of its own. */
static void test_plain_shape(void) {
  make_model();
  model.shape.window = model.shape.window_period = 0;
  model.shape.route = PV_ROUTE_CHOSEN;
  model.shape.embedding_scale = model.shape.score_scale = 0.0f;
  rows[Q_ROPE].flags &= ~(unsigned)PV_ROW_NEIGHBOURS;
  rows[K_ROPE].flags &= ~(unsigned)PV_ROW_NEIGHBOURS;
  expect_every_set();
  free_model();
}

/* One window and one RoPE for all sliding layers; the window of one position is the position. */
static void test_short_windows(void) {
  make_model();
  model.shape.rope_sliding = (pv_rope){0};
  for (model.shape.window = 1; model.shape.window <= COUNT + 1; model.shape.window += 5)
    expect_all(run(PV_NUMERICS_F64, NULL, 2), 1e-12);
  free_model();
}

static size_t sees_nothing_of_itself(const pv_batch *batch, size_t row, size_t context) {
  (void)context;
  return batch->position + row > 0 ? batch->position + row : 1;
}

static size_t sees_next(const pv_batch *batch, size_t row, size_t context) {
  const size_t seen = batch->position + row + 2;
  return seen <= context ? seen : context;
}

/* A defect moves the end of what is seen, not its beginning; and something is always seen. */
static void expect_sight(const pv_capture *c, bool next) {
  for (size_t position = 0; position < COUNT; position++) {
    const place p = {c, ATTN_OUT, position, 0, 0};
    const size_t last =
        next ? (position + 1 < COUNT ? position + 1 : position) : (position > 0 ? position - 1 : 0);
    double want[WIDEST];
    attend(&p, first_seen(&p) < last ? first_seen(&p) : last, last + 1, want);
    for (size_t i = 0; i < WIDEST; i++)
      EXPECT_F64(pv_capture_at(c, ATTN_OUT, 0, position, i), want[i], 1e-5);
  }
}

static void test_defects_with_a_window(void) {
  make_model();
  for (model.shape.window = 1; model.shape.window <= 4; model.shape.window += 3)
    for (int next = 0; next < 2; next++) {
      const pv_defect defect = {.layer = 0,
                                .ops = 1u << PV_OP_ATTEND,
                                .visible = next ? sees_next : sees_nothing_of_itself};
      pv_capture *c = run_definition(PV_NUMERICS_I16, &defect, 0);
      REQUIRE(c != NULL);
      expect_sight(c, next);
      pv_capture_free(c);
    }
  free_model();
}

static void plant(size_t row, uint32_t layer, size_t element, float value) {
  unsigned char *data = (unsigned char *)(uintptr_t)tensors[layer][row].data;
  memcpy(data + element * sizeof value, &value, sizeof value);
}

static pv_bad_weight bad(size_t row, uint32_t layer, size_t index, int64_t expert) {
  return pv_stage_bad_weight(
      &model, &(pv_stage_element){
                  .stage = (pv_stage_id)row, .layer = layer, .index = index, .expert = expert});
}

/* Of a vector only the number that makes the element is looked at. */
static void test_bad_numbers_of_vectors(void) {
  make_model();
  plant(GATE_BIAS, 1, 3 * shape.ffn + 5, NAN);
  plant(ATTN_OUT, 0, 2, INFINITY);
  plant(Q_BIAS, 2, 100, -INFINITY);
  const pv_bad_weight expert = bad(GATE_BIAS, 1, shape.ffn + 5, 3), sink = bad(ATTN_OUT, 0, 71, -1);
  EXPECT(expert.present && isnan(expert.value));
  EXPECT_U64(expert.element, 3 * shape.ffn + 5);
  EXPECT(!bad(GATE_BIAS, 1, shape.ffn + 5, 2).present);
  EXPECT(!bad(GATE_BIAS, 1, shape.ffn + 5, -1).present);
  EXPECT(!bad(GATE_BIAS, 1, 6, 3).present);
  EXPECT(sink.present && sink.value == (double)INFINITY);
  EXPECT_U64(sink.element, 2);
  EXPECT(!bad(ATTN_OUT, 0, 63, -1).present && !bad(ATTN_OUT, 0, 96, -1).present);
  EXPECT(bad(Q_BIAS, 2, 100, -1).present && !bad(Q_BIAS, 2, 99, -1).present);
  EXPECT(!bad(Q_ROPE, 2, 100, -1).present);
  free_model();
}

int main(void) {
  return pv_testing_main("operations of a plan", (pv_case[]){PV_CASE(test_every_operation),
                                                             PV_CASE(test_plain_shape),
                                                             PV_CASE(test_short_windows),
                                                             PV_CASE(test_defects_with_a_window),
                                                             PV_CASE(test_bad_numbers_of_vectors),
                                                             {0}});
}
