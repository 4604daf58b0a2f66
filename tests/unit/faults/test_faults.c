/* The table of faults, how one is named, and that each changes what it says it changes. */
#include <stdlib.h>
#include <string.h>

#include "runtime/checks/spec.h"
#include "runtime/faults/faults.h"
#include "runtime/trace/capture.h"
#include "tests/unit/testing.h"

static pv_model *model;
static const uint32_t ids[] = {861, 1644, 198, 17, 5, 3000};
enum { IDS = sizeof ids / sizeof *ids, CUT = 3 };

static void test_table(void) {
  size_t count = 0;
  const pv_fault *list = pv_faults(&count);
  EXPECT(count >= 25);
  for (size_t i = 0; i < count; i++) {
    EXPECT_STR(pv_fault_find(list[i].name)->name, list[i].name);
    EXPECT(list[i].summary[0] != '\0' && list[i].area[0] != '\0');
    EXPECT((list[i].numerics != 0) == (list[i].host != PV_FAULT_IN_READER));
    for (size_t k = 0; k < i; k++) EXPECT(strcmp(list[i].name, list[k].name) != 0);
  }
  EXPECT(pv_fault_find("no_such_fault") == NULL);
}

/* Each is seen by checks that exist. */
static void test_caught_by(void) {
  size_t count = 0;
  const pv_fault *list = pv_faults(&count);
  for (size_t i = 0; i < count; i++) {
    size_t checks = 0;
    for (const char *at = list[i].caught_by; *at != '\0'; checks++) {
      char check[64];
      const size_t n = strcspn(at, " ");
      snprintf(check, sizeof check, "%.*s", (int)n, at);
      if (!EXPECT(pv_check_find(check) != NULL)) printf("%s: %s\n", list[i].name, check);
      at += n + (at[n] == ' ');
    }
    EXPECT(checks > 0);
  }
}

static void test_names(void) {
  pv_planted p;
  pv_error err = PV_ERROR_INIT;
  EXPECT_I64(pv_fault_parse("rope_pairs", &p, &err), PV_OK);
  EXPECT_I64(p.layer, -1);
  EXPECT_I64(pv_fault_parse("rope_pairs:layer=3", &p, &err), PV_OK);
  EXPECT_I64(p.layer, 3);
  EXPECT_STR(p.fault->name, "rope_pairs");
  EXPECT_I64(pv_fault_parse("rope_pair", &p, &err), PV_ERR_INPUT);
  EXPECT_HAS(err.hint, "rope_pairs");
  EXPECT_I64(pv_fault_parse("", &p, &err), PV_ERR_INPUT);
  static const char *const wrong[] = {
      "rope_pairs:",        "rope_pairs:layer=", "rope_pairs:layer=-1",
      "rope_pairs:layer=x", "rope_pairs:2",      "rope_pairs:layer=1024"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    EXPECT_I64(pv_fault_parse(wrong[i], &p, &err), PV_ERR_INPUT);
  EXPECT_I64(pv_fault_parse("argmax_out_of_range:layer=1", &p, &err), PV_ERR_INPUT);
  EXPECT_HAS(err.message, "belongs to no layer");
}

static pv_capture *capture(const pv_model *m, pv_numerics numerics, const pv_planted *planted) {
  const pv_backend_config config = {numerics, IDS, CUT, 2, NULL};
  const pv_capture_spec spec = {.numerics = numerics, .ids = ids, .count = IDS, .batch = CUT};
  pv_fault_side side;
  pv_capture *out = NULL;
  pv_error err = PV_ERROR_INIT;
  if (EXPECT_I64(pv_fault_open(m, "cpu", &config, planted, &side, &err), PV_OK))
    EXPECT_I64(pv_capture_with(side.forward, m, &spec, &out, &err), PV_OK);
  else
    pv_error_print(&err, stderr);
  pv_fault_close(&side);
  return out;
}

/* Each fault in one layer: the first bit that differs is where the table says. */
static void test_first_difference(void) {
  size_t count = 0, tried = 0, shown = 0;
  const pv_fault *list = pv_faults(&count);
  pv_model *tied = NULL;
  REQUIRE(pv_fault_tied_model(model, &tied, NULL) == PV_OK);
  for (size_t i = 0; i < count; i++) {
    pv_planted p = {&list[i], list[i].once ? -1 : 2};
    const pv_numerics numerics =
        (list[i].numerics >> PV_NUMERICS_I16 & 1) != 0 ? PV_NUMERICS_I16 : PV_NUMERICS_F32_F64ACC;
    const pv_model *m = list[i].needs_tie ? tied : model;
    pv_stage_id stage;
    uint32_t layer;
    pv_difference d = {0};
    if (list[i].host == PV_FAULT_IN_READER) continue;
    shown++;
    if (!pv_fault_shows(&p, model, &stage, &layer)) continue;
    pv_capture *sound = capture(m, numerics, NULL), *faulty = capture(m, numerics, &p);
    REQUIRE(sound != NULL && faulty != NULL);
    faulty->model = sound->model; /* the altered one is gone; it had the same shape */
    EXPECT_I64(pv_capture_compare(sound, faulty, &d, NULL), PV_OK);
    const bool right = d.present && d.stage == stage && d.layer == layer;
    if (!EXPECT(right))
      fprintf(stderr, "  %s: %s %u, want %s %u\n", list[i].name, model->plan->rows[d.stage].name,
              d.layer, model->plan->rows[stage].name, layer);
    pv_capture_free(sound);
    pv_capture_free(faulty);
    tried++;
  }
  EXPECT_U64(tried, shown - 1); /* a fallback shows in no stage */
  pv_fault_model_free(tied);
}

static void test_where_it_does_not_exist(void) {
  const pv_backend_config i16 = {PV_NUMERICS_I16, IDS, IDS, 1, NULL};
  const pv_backend_config f64 = {PV_NUMERICS_F64, IDS, IDS, 1, NULL};
  pv_planted p = {pv_fault_find("f32_accumulator"), -1};
  pv_fault_side side;
  pv_error err = PV_ERROR_INIT;
  EXPECT_I64(pv_fault_open(model, "cpu", &i16, &p, &side, &err), PV_ERR_INPUT);
  EXPECT_HAS(err.message, "does not exist in i16");
  p.fault = pv_fault_find("rope_pairs");
  EXPECT_I64(pv_fault_open(model, "cpu", &f64, &p, &side, &err), PV_ERR_INPUT);
  p.layer = 4;
  EXPECT_I64(pv_fault_open(model, "cpu", &i16, &p, &side, &err), PV_ERR_INPUT);
  EXPECT_HAS(err.message, "outside 0..3");
  p = (pv_planted){pv_fault_find("q6k_read_as_q4k"), 0}; /* layer 0 has no Q6_K */
  EXPECT_I64(pv_fault_open(model, "cpu", &i16, &p, &side, &err), PV_ERR_INPUT);
  EXPECT_HAS(err.message, "no tensor there");
  p.fault = pv_fault_find("shape_unchecked");
  EXPECT_I64(pv_fault_open(model, "cpu", &i16, &p, &side, &err), PV_ERR_INPUT);
  EXPECT(side.forward == NULL && side.model == NULL);
}

/* Who was asked for is not who computes. */
static void test_fallback(void) {
  const pv_backend_config config = {PV_NUMERICS_I16, IDS, IDS, 1, NULL};
  const pv_planted p = {pv_fault_find("silent_fallback"), -1};
  pv_fault_side side;
  REQUIRE(pv_fault_open(model, "cuda", &config, &p, &side, NULL) == PV_OK);
  EXPECT_STR(pv_forward_backend(side.forward), "cpu");
  pv_fault_close(&side);
}

enum { OTHER_ROWS = 7, EXPERTS = 6 };
/* What other architectures have instead: RoPE without a norm, a router with a bias, GeGLU. */
static const pv_stage_row other_rows[OTHER_ROWS] = {
    {"embedding", PV_OP_GATHER, PV_ROLE_EMBEDDING, {0}, "a", PV_DIM_HIDDEN, PV_ROW_ONCE},
    {"q", PV_OP_MATMUL, PV_ROLE_NONE, {0}, "b", PV_DIM_Q, 0},
    {"q_rope", PV_OP_ROPE, PV_ROLE_NONE, {1}, NULL, PV_DIM_Q, PV_ROW_NEIGHBOURS},
    {"router", PV_OP_MATMUL, PV_ROLE_NONE, {1}, "c", PV_DIM_EXPERTS, 0},
    {"logits", PV_OP_BIAS, PV_ROLE_ROUTER_LOGITS, {3}, "d", PV_DIM_EXPERTS, 0},
    {"weights", PV_OP_ROUTE, PV_ROLE_ROUTER_WEIGHTS, {4}, NULL, PV_DIM_USED, 0},
    {"act", PV_OP_GEGLU, PV_ROLE_NONE, {1, 1}, NULL, PV_DIM_Q, 0},
};
static const pv_plan other_plan = {.name = "other", .rows = other_rows, .count = OTHER_ROWS};

/* Whether a fault shows in `other`, and there first. */
static bool shows(const pv_model *other, const char *name, pv_stage_id row, uint32_t at) {
  const pv_planted p = {pv_fault_find(name), -1};
  pv_stage_id stage = 0;
  uint32_t layer = 0;
  return pv_fault_shows(&p, other, &stage, &layer) && pv_fault_applies(&p, other) && stage == row &&
         layer == at;
}

static void test_other_architectures(void) {
  pv_layer layers[3] = {0};
  pv_model other = {.plan = &other_plan,
                    .layers = layers,
                    .shape = {.layers = 3, .window = 4, .window_period = 3, .rope = {.base = 1e6}}};
  const pv_planted unnormed = {pv_fault_find("no_renormalisation"), -1};
  const pv_planted after = {pv_fault_find("softmax_after_topk"), -1};
  EXPECT(shows(&other, "rope_pairs", 2, 0));
  EXPECT(shows(&other, "contraction", 2, 0));
  EXPECT(shows(&other, "wrong_position_after_split", 2, 0));
  EXPECT(shows(&other, "approximate_exp", 6, 0));
  EXPECT(shows(&other, "wrong_rope_base", 2, 0));
  other.shape.rope_sliding.base = 1e4; /* of layers 0 and 1: both bases are wrong then */
  EXPECT(shows(&other, "wrong_rope_base", 2, 0));
  EXPECT(shows(&other, "no_renormalisation", 5, 0) && shows(&other, "softmax_after_topk", 5, 0));
  other.shape.route = PV_ROUTE_CHOSEN;
  EXPECT(shows(&other, "no_renormalisation", 5, 0) && !pv_fault_applies(&after, &other));
  other.shape.route = PV_ROUTE_ALL;
  EXPECT(!pv_fault_applies(&unnormed, &other) && pv_fault_applies(&after, &other));
}

/* In threes, the bias with the matrix before it. */
static void test_ties_of_a_bias(void) {
  float matrix[EXPERTS][4], bias[EXPERTS];
  pv_gguf_tensor tensors[2] = {
      {.type = PV_TYPE_F32, .dim_count = 2, .dims = {4, EXPERTS, 1, 1}, .elements = 4 * EXPERTS},
      {.type = PV_TYPE_F32, .dim_count = 1, .dims = {EXPERTS, 1, 1, 1}, .elements = EXPERTS}};
  pv_layer layer = {{NULL}};
  const pv_model other = {
      .plan = &other_plan, .layers = &layer, .shape = {.layers = 1, .experts = EXPERTS}};
  pv_model *tied = NULL;
  for (size_t i = 0; i < EXPERTS; i++) {
    for (size_t k = 0; k < 4; k++) matrix[i][k] = (float)(10 * i + k);
    bias[i] = (float)i;
  }
  tensors[0].data = (const unsigned char *)matrix, tensors[0].row_bytes = sizeof matrix[0];
  tensors[1].data = (const unsigned char *)bias, tensors[1].row_bytes = sizeof bias;
  tensors[0].bytes = sizeof matrix, tensors[1].bytes = sizeof bias;
  layer.weight[3] = &tensors[0], layer.weight[4] = &tensors[1];
  REQUIRE(pv_fault_tied_model(&other, &tied, NULL) == PV_OK);
  const float *m = (const float *)(const void *)tied->layers[0].weight[3]->data;
  const float *b = (const float *)(const void *)tied->layers[0].weight[4]->data;
  for (size_t i = 0; i < EXPERTS; i++) {
    EXPECT_BITS32(b[i], (float)(i / 3 * 3));
    for (size_t k = 0; k < 4; k++) EXPECT_BITS32(m[4 * i + k], (float)(10 * (i / 3 * 3) + k));
  }
  pv_fault_model_free(tied);
}

/* Apart, but by less than a millionth. */
static void expect_apart(const float *x, const float *y, size_t n) {
  EXPECT(memcmp(x, y, n * sizeof *x) != 0);
  for (size_t i = 0; i < n; i++) EXPECT_F64((double)x[i], (double)y[i], 1e-6);
}

/* A defect that has a kernel for each form of an operation is not the definition's in any. */
static void test_kernels_of_every_form(void) {
  enum { N = 40 };
  const pv_cpu_path pairs = pv_fault_kernels(pv_fault_find("rope_pairs"));
  const pv_cpu_path fused = pv_fault_kernels(pv_fault_find("contraction"));
  const pv_cpu_path rough = pv_fault_kernels(pv_fault_find("approximate_exp"));
  float cosine[N / 2], sine[N / 2], gate[N], up[N], x[N], y[N];
  pv_rope_row(&(pv_rope){.base = 1e4}, N, 17, cosine, sine);
  for (int i = 0; i < N; i++) gate[i] = -0.37f * (float)i, up[i] = 1.3f - 0.07f * (float)i;
  memcpy(x, up, sizeof x);
  memcpy(y, up, sizeof y);
  pairs.rope_neighbours(x, N, cosine, sine);
  pv_definition.rope(y, N, cosine, sine);
  EXPECT_BYTES(x, y, sizeof x);
  memcpy(x, up, sizeof x);
  memcpy(y, up, sizeof y);
  fused.rope_neighbours(x, N, cosine, sine);
  pv_definition.rope_neighbours(y, N, cosine, sine);
  expect_apart(x, y, N);
  rough.geglu(gate, up, N, x);
  pv_definition.geglu(gate, up, N, y);
  expect_apart(x, y, N);
  rough.swiglu_clamped(gate, up, N, x);
  pv_definition.swiglu_clamped(gate, up, N, y);
  expect_apart(x, y, N);
}

int main(void) {
  pv_error err = PV_ERROR_INIT;
  if (pv_model_open("models/tiny-coder-moe-Q4_K_M.gguf", &model, &err) != PV_OK) {
    pv_error_print(&err, stderr);
    return 1;
  }
  const int code = pv_testing_main("faults", (pv_case[]){PV_CASE(test_table),
                                                         PV_CASE(test_names),
                                                         PV_CASE(test_caught_by),
                                                         PV_CASE(test_first_difference),
                                                         PV_CASE(test_where_it_does_not_exist),
                                                         PV_CASE(test_fallback),
                                                         PV_CASE(test_other_architectures),
                                                         PV_CASE(test_ties_of_a_bias),
                                                         PV_CASE(test_kernels_of_every_form),
                                                         {0}});
  pv_model_close(model);
  return code;
}
