/* Every way of computing gives the same bits at every stage: code paths, threads, cuts. */
#include <stdlib.h>
#include <string.h>

#include "kernels/cpu/cpu.h"
#include "runtime/model/arch/qwen3moe.h"
#include "tests/unit/forward/golden.h"
#include "tests/unit/testing.h"

enum { IDS = 1024 };
static golden g;

static pv_capture *capture(const pv_model *model, const pv_capture_spec *spec) {
  pv_error err = PV_ERROR_INIT;
  pv_capture *out = NULL;
  if (!EXPECT_I64(pv_capture_run(model, spec, &out, &err), PV_OK)) pv_error_print(&err, stderr);
  return out;
}

static void expect_same(const pv_capture *a, const pv_capture *b, const char *what) {
  pv_difference d;
  if (a == NULL || b == NULL) return;
  EXPECT_I64(pv_capture_compare(a, b, &d, NULL), PV_OK);
  EXPECT(d.compared > 1000);
  if (!EXPECT_U64(d.different, 0))
    fprintf(stderr, "  %s: first in %s, layer %u, position %zu, element %zu: %.9g %.9g\n", what,
            a->model->plan->rows[d.stage].name, d.layer, d.position, d.index, d.left, d.right);
}

/* All variants of one prompt against one thread of the default path in one batch. */
static void variants(const char *kind, const char *prompt, pv_numerics numerics, bool scalar) {
  pv_model *model = golden_model(&g, kind);
  uint32_t ids[IDS];
  size_t count = 0, batches[IDS], n = 0;
  if (model == NULL) return;
  for (size_t p = 0; p < golden_prompts(&g); p++)
    if (strcmp(golden_name(&g, p), prompt) == 0) count = golden_ids(&g, p, "ids", ids, IDS);
  pv_capture_spec spec = {
      .backend = "cpu", .numerics = numerics, .threads = 1, .ids = ids, .count = count};
  pv_capture *base = capture(model, &spec);
  for (size_t i = 0; i < 3; i++) {
    static const unsigned threads[] = {2, 7, 64};
    static const char *const said[] = {"2 threads", "7 threads", "64 threads"};
    spec.threads = threads[i];
    pv_capture *other = capture(model, &spec);
    expect_same(base, other, said[i]);
    pv_capture_free(other);
  }
  spec.threads = 2;
  for (size_t i = 0; i < 2 && scalar; i++) {
    static const char *const paths[] = {"scalar", "avx2"};
    if (pv_cpu_path_get(paths[i]) == NULL) continue;
    spec.path = paths[i];
    pv_capture *other = capture(model, &spec);
    expect_same(base, other, paths[i]);
    pv_capture_free(other);
    spec.path = NULL;
  }
  for (size_t left = count, size = 1; left > 0; size = size * 5 % 23 + 1) {
    batches[n] = size < left ? size : left;
    left -= batches[n++];
  }
  spec.batches = batches;
  spec.batch_count = n;
  pv_capture *ragged = capture(model, &spec);
  expect_same(base, ragged, "ragged batches");
  pv_capture_free(ragged);
  for (n = 0; n < count; n++) batches[n] = 1;
  spec.batch_count = n;
  pv_capture *decode = capture(model, &spec);
  expect_same(base, decode, "decode");
  pv_capture_free(decode);
  pv_capture_free(base);
  pv_model_close(model);
}

static void test_q4_i16(void) {
  variants("Q4_K_M", "p6", PV_NUMERICS_I16, true);
}
static void test_q6_i16(void) {
  variants("Q6_K", "p4", PV_NUMERICS_I16, true);
}
static void test_q8_i16(void) {
  variants("Q8_0", "p1", PV_NUMERICS_I16, true);
}
static void test_bf16_i16(void) {
  variants("BF16", "p2", PV_NUMERICS_I16, true);
}
static void test_q4_acc(void) {
  variants("Q4_K_M", "p6", PV_NUMERICS_F32_F64ACC, true);
}
static void test_q4_i8(void) {
  variants("Q4_K_M", "p6", PV_NUMERICS_I8, true);
}
static void test_q4_f64(void) {
  variants("Q4_K_M", "p3", PV_NUMERICS_F64, false);
}
static void test_long_i16(void) {
  variants("Q4_K_M", "long", PV_NUMERICS_I16, true);
}
static void test_long_acc(void) {
  variants("Q4_K_M", "long", PV_NUMERICS_F32_F64ACC, true);
}

/* The comparison itself sees one flipped bit, and says where. */
static void test_comparison_can_fail(void) {
  pv_model *model = golden_model(&g, "Q4_K_M");
  const uint32_t ids[] = {861, 1644, 198};
  const pv_capture_spec spec = {.backend = "cpu", .threads = 1, .ids = ids, .count = 3};
  if (model == NULL) return;
  pv_capture *a = capture(model, &spec), *b = capture(model, &spec);
  pv_difference d = {0};
  ((unsigned char *)b->stages[2][PV_STAGE_EXPERT_UP].data)[4 * 777] ^= 1;
  EXPECT_I64(pv_capture_compare(a, b, &d, NULL), PV_OK);
  EXPECT_U64(d.different, 1);
  EXPECT_I64(d.stage, PV_STAGE_EXPERT_UP);
  EXPECT_U64(d.layer, 2);
  EXPECT_U64(d.position, 0);
  EXPECT_U64(d.index, 777);
  pv_capture_free(a);
  pv_capture_free(b);
  pv_model_close(model);
}

static void test_bad_calls(void) {
  pv_model *model = golden_model(&g, "Q4_K_M");
  pv_error err = PV_ERROR_INIT;
  pv_forward *f = NULL;
  if (model == NULL) return;
  pv_backend_config config = {PV_NUMERICS_I16, 4, 4, 1, NULL};
  EXPECT_I64(pv_forward_open(model, "cuda", &config, &f, &err), PV_ERR_UNSUPPORTED);
  EXPECT_I64(pv_forward_open(model, "gpu", &config, &f, &err), PV_ERR_INPUT);
  config.context = 1u << 30;
  EXPECT_I64(pv_forward_open(model, "cpu", &config, &f, &err), PV_ERR_INPUT);
  config.context = 4;
  config.path = "avx9";
  EXPECT_I64(pv_forward_open(model, "cpu", &config, &f, &err), PV_ERR_UNSUPPORTED);
  config.path = NULL;
  REQUIRE(pv_forward_open(model, "cpu", &config, &f, &err) == PV_OK);
  const uint32_t bad[] = {1, 4096}, good[] = {1, 2, 3, 4, 5};
  EXPECT_I64(pv_forward_run(f, bad, 2, 1, &err), PV_ERR_INPUT);
  EXPECT_HAS(err.message, "4096");
  EXPECT_I64(pv_forward_run(f, good, 5, 1, &err), PV_ERR_INPUT);
  EXPECT_I64(pv_forward_run(f, good, 4, 1, &err), PV_OK);
  EXPECT_I64(pv_forward_run(f, good, 1, 1, &err), PV_ERR_INPUT);
  EXPECT_U64(pv_forward_position(f), 4);
  pv_forward_close(f);
  pv_model_close(model);
}

static void test_without_golden(void) {
  pv_testing_skip("the golden folder is not here");
}

int main(void) {
  if (!golden_open(&g))
    return pv_testing_main("bits", (pv_case[]){PV_CASE(test_without_golden), {0}});
  const int code = pv_testing_main("bits", (pv_case[]){PV_CASE(test_q4_i16),
                                                       PV_CASE(test_q6_i16),
                                                       PV_CASE(test_q8_i16),
                                                       PV_CASE(test_bf16_i16),
                                                       PV_CASE(test_q4_acc),
                                                       PV_CASE(test_q4_i8),
                                                       PV_CASE(test_q4_f64),
                                                       PV_CASE(test_long_i16),
                                                       PV_CASE(test_long_acc),
                                                       PV_CASE(test_comparison_can_fail),
                                                       PV_CASE(test_bad_calls),
                                                       {0}});
  golden_close(&g);
  return code;
}
