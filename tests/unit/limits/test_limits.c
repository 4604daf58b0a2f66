/* A side whose function is known is judged as if it were another engine's: its own identity
 * explains it, another does not, and a planted defect is named by stage and layer. */
#include <math.h>
#include <stdio.h>

#include "runtime/limits/limits.h"
#include "runtime/model/arch/qwen3moe.h"
#include "runtime/sources/side.h"
#include "tests/unit/testing.h"

static pv_model *model;
static const uint32_t ids[] = {861, 1644, 198, 17, 5, 3000, 12, 700};
enum { IDS = sizeof ids / sizeof *ids };

static pv_limits_result judge(const char *side, const char *identity) {
  const pv_backend_config config = {PV_NUMERICS_F64, IDS, IDS, 2, NULL};
  pv_limits_result out = {0};
  pv_error err = PV_ERROR_INIT;
  pv_side who;
  bool old = false;
  pv_foreign as;
  pv_fault_side opened = {0};
  EXPECT(pv_foreign_read(identity, &as));
  if (!EXPECT_I64(pv_side_parse(side, &who, &old, &err), PV_OK) ||
      !EXPECT_I64(pv_side_open(&who, model, &config, &opened, &err), PV_OK)) {
    pv_error_print(&err, stderr);
    return out;
  }
  const pv_source source = pv_source_of(opened.forward);
  const pv_limits_spec spec = {.model = model,
                               .source = &source,
                               .identity = &as,
                               .ids = ids,
                               .count = IDS,
                               .threads = 2,
                               .factor = 1.0};
  if (!EXPECT_I64(pv_limits(&spec, &out, &err), PV_OK)) pv_error_print(&err, stderr);
  pv_fault_close(&opened);
  return out;
}

static void expect_sound(const char *side, const char *identity) {
  pv_limits_result r = judge(side, identity);
  EXPECT_U64(r.beyond, 0);
  EXPECT_U64(r.absent + r.unjudged, 0);
  EXPECT(r.judged > 200000);
  EXPECT(r.worst.ratio > 0.01 && r.worst.ratio < 1.0);
  pv_limits_free(&r);
}

static void test_sound(void) {
  expect_sound("cpu:f32-f64acc", "float32");
  expect_sound("cpu:f32-f64acc", "any");
  expect_sound("cpu:i16", "any");
  expect_sound("cpu:i8", "any");
}

static void test_other_identity(void) {
  static const char *const pairs[][2] = {
      {"cpu:i16", "float32"}, {"cpu:i8", "float32"}, {"cpu:f32-f64acc", "ggml-cpu"}};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    pv_limits_result r = judge(pairs[i][0], pairs[i][1]);
    EXPECT_I64(r.first.why, PV_LIMITS_BEYOND);
    EXPECT_U64(r.first.stage, PV_STAGE_Q);
    EXPECT(r.worst.ratio > 10.0);
    pv_limits_free(&r);
  }
}

/* The first place, in any identity. */
static void test_defects(void) {
  static const struct {
    const char *fault;
    pv_stage_id stage;
    uint32_t layer;
    int why;
  } cases[] = {
      {"rope_pairs:layer=2", PV_STAGE_Q_ROPE, 2, PV_LIMITS_BEYOND},
      {"wrong_rope_base", PV_STAGE_Q_ROPE, 0, PV_LIMITS_BEYOND},
      {"wrong_head_group:layer=1", PV_STAGE_ATTN_OUT, 1, PV_LIMITS_BEYOND},
      {"no_renormalisation:layer=3", PV_STAGE_MOE_ROUTER, 3,
       PV_LIMITS_STRUCTURE + PV_STRUCTURE_WEIGHT},
      {"expert_stride_off_by_one:layer=2", PV_STAGE_EXPERT_GATE, 2, PV_LIMITS_BEYOND},
      {"weights_permuted:layer=1", PV_STAGE_MOE_FFN_OUT, 1, PV_LIMITS_BEYOND},
      {"wrong_sub_scale:layer=1", PV_STAGE_Q, 1, PV_LIMITS_BEYOND},
      {"nan_in_one_element:layer=1", PV_STAGE_EXPERT_DOWN, 1, PV_LIMITS_NO_NUMBER},
      {"argmax_out_of_range", PV_STAGE_ARGMAX, 0, PV_LIMITS_STRUCTURE + PV_STRUCTURE_NO_TOKEN}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char side[96];
    snprintf(side, sizeof side, "definition:f32-f64acc@%s", cases[i].fault);
    pv_limits_result r = judge(side, "any");
    const bool found = EXPECT_I64(r.first.why, cases[i].why) &&
                       EXPECT_U64(r.first.stage, cases[i].stage) &&
                       EXPECT_U64(r.first.layer, cases[i].layer);
    if (!found) fprintf(stderr, "  %s\n", side);
    pv_limits_free(&r);
  }
}

int main(void) {
  const char *path = "models/tiny-coder-moe-Q4_K_M.gguf";
  if (pv_model_open(path, &model, NULL) != PV_OK) return 1;
  const int code = pv_testing_main(
      "limits",
      (pv_case[]){PV_CASE(test_sound), PV_CASE(test_other_identity), PV_CASE(test_defects), {0}});
  pv_model_close(model);
  return code;
}
