/* A side whose function is known is judged as if it were another engine's: its own identity
 * explains it, another does not, and a planted defect is named by stage and layer. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "runtime/limits/limits.h"
#include "runtime/model/arch/qwen3moe.h"
#include "runtime/sources/side.h"
#include "runtime/trace/capture.h"
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

/* A kept run that lacks positions of every stage but those named, or has rows of another width. */
static pv_capture *kept;
static pv_span part;
static int wide = -1, last = -1; /* a stage of another width; one of which the last row is there */

static pv_span span_of(const pv_source *s, pv_stage_id stage, uint32_t layer) {
  (void)s;
  (void)layer;
  return (int)stage == last ? (pv_span){IDS - 1, IDS} : part;
}

static size_t width_of(const pv_source *s, pv_stage_id stage, uint32_t layer) {
  return kept->source.width(s, stage, layer) - ((int)stage == wide);
}

static pv_code read_part(const pv_source *s, pv_stage_id stage, uint32_t layer, size_t position,
                         size_t rows, void *out, pv_error *err) {
  if ((int)stage != wide) return kept->source.read(s, stage, layer, position, rows, out, err);
  memset(out, 0, rows * 4 * (kept->source.width(s, stage, layer) - 1));
  return PV_OK;
}

static pv_limits_result judge_part(void) {
  const pv_capture_spec spec = {
      .backend = "cpu", .numerics = PV_NUMERICS_F32_F64ACC, .threads = 2, .ids = ids, .count = IDS};
  pv_limits_result out = {0};
  pv_foreign as;
  if (!EXPECT(pv_capture_run(model, &spec, &kept, NULL) == PV_OK &&
              pv_foreign_read("float32", &as)))
    return out;
  pv_source source = kept->source;
  source.span = span_of;
  source.width = width_of;
  source.read = read_part;
  const pv_limits_spec limits = {.model = model,
                                 .source = &source,
                                 .identity = &as,
                                 .ids = ids,
                                 .count = IDS,
                                 .threads = 2,
                                 .factor = 1.0};
  EXPECT_I64(pv_limits(&limits, &out, NULL), PV_OK);
  pv_capture_free(kept);
  return out;
}

/* Rows that are there are judged, where their inputs are there too: attention looks back. */
static void test_parts(void) {
  part = (pv_span){5, 7};
  pv_limits_result r = judge_part();
  EXPECT_U64(r.beyond, 0);
  EXPECT_U64(r.unjudged, model->shape.layers);
  EXPECT_U64(r.stages[1][PV_STAGE_ATTN_OUT].elements, 0);
  EXPECT_U64(r.stages[1][PV_STAGE_Q].elements, 2 * 512);
  EXPECT_U64(r.stages[0][PV_STAGE_ARGMAX].elements, 2);
  pv_limits_free(&r);
  part = (pv_span){0, IDS};
  last = PV_STAGE_FINAL_NORM;
  r = judge_part();
  EXPECT_U64(r.beyond + r.unjudged, 0);
  EXPECT_U64(r.stages[0][PV_STAGE_LOGITS].elements, 4096);
  EXPECT_U64(r.stages[3][PV_STAGE_ATTN_OUT].elements, IDS * 512);
  last = -1;
  pv_limits_free(&r);
}

/* Another width is the finding, and nothing is judged that is made from such rows. */
static void test_width(void) {
  part = (pv_span){0, IDS};
  wide = PV_STAGE_EXPERT_UP;
  pv_limits_result r = judge_part();
  wide = -1;
  EXPECT_I64(r.first.why, PV_LIMITS_WIDTH);
  EXPECT_U64(r.first.stage, PV_STAGE_EXPERT_UP);
  EXPECT_U64(r.first.layer, 0);
  EXPECT_F64(r.first.got, r.first.exact - 1.0, 0.0);
  EXPECT_U64(r.beyond, model->shape.layers);
  EXPECT_U64(r.unjudged, model->shape.layers); /* expert_swiglu */
  EXPECT_U64(r.stages[0][PV_STAGE_EXPERT_GATE].beyond, 0);
  pv_limits_free(&r);
}

/* In u of the largest, for an element of 2 in a row whose largest is 8. */
static double in_u(pv_op op, const char *identity, double bound) {
  pv_foreign as;
  return EXPECT(pv_foreign_read(identity, &as))
             ? pv_limits_of(op, &as, 0, 2.0, 8.0, bound) * 0x1p24 / 8.0
             : -1.0;
}

/* What an engine with a table of GELU may do, what one that stores bfloat16, and none else. */
static void test_limits_of_operations(void) {
  static const pv_op rounded[] = {PV_OP_ADD,    PV_OP_BIAS,  PV_OP_GATE,
                                  PV_OP_SWIGLU, PV_OP_GEGLU, PV_OP_SWIGLU_CLAMPED};
  const double bf16 = 0x1p16 * 2.0 / 8.0; /* one rounding of the element */
  for (size_t i = 0; i < sizeof rounded / sizeof *rounded; i++)
    EXPECT_F64(in_u(rounded[i], "float32", 0.0), 16.0, 0.0);
  EXPECT_F64(in_u(PV_OP_GEGLU, "ggml-cpu", 0.0), 16.0 + 0x1p15, 0.0);
  EXPECT_F64(in_u(PV_OP_GEGLU, "ggml-cuda", 0.0), 16.0, 0.0);
  EXPECT_F64(in_u(PV_OP_BIAS, "bfloat16", 0.0), 16.0 + bf16, 0.0);
  EXPECT_F64(in_u(PV_OP_GATE, "bfloat16", 0.0), 16.0 + 2.0 * bf16, 0.0);
  EXPECT_F64(in_u(PV_OP_SWIGLU_CLAMPED, "bfloat16", 0.0), 16.0 + 4.0 * bf16 + 0x1p16, 0.0);
  EXPECT_F64(in_u(PV_OP_GATHER, "float32", 0.0), 0.0, 0.0);
  EXPECT_F64(in_u(PV_OP_GATHER, "float32", 0x1p-21), 1.0, 0.0);
  EXPECT_F64(in_u(PV_OP_ROPE, "float32", 0.0), in_u(PV_OP_HEADS, "float32", 0.0), 0.0);
}

int main(void) {
  const char *path = "models/tiny-coder-moe-Q4_K_M.gguf";
  if (pv_model_open(path, &model, NULL) != PV_OK) return 1;
  const int code = pv_testing_main("limits", (pv_case[]){PV_CASE(test_sound),
                                                         PV_CASE(test_other_identity),
                                                         PV_CASE(test_defects),
                                                         PV_CASE(test_parts),
                                                         PV_CASE(test_width),
                                                         PV_CASE(test_limits_of_operations),
                                                         {0}});
  pv_model_close(model);
  return code;
}
