/* Which side is wrong, where, and what it inherited. */
#include <math.h>
#include <string.h>

#include "runtime/bisect/bisect.h"
#include "runtime/model/arch/qwen3moe.h"
#include "runtime/walk/rows.h"
#include "tests/unit/testing.h"

static pv_model *model;
static const uint32_t ids[] = {861, 1644, 198, 17, 5, 3000, 12, 700};
enum { IDS = sizeof ids / sizeof *ids };

static pv_bisect_result bisect(pv_numerics left, const char *left_fault, pv_numerics right,
                               const char *right_fault) {
  const char *const faults[] = {left_fault, right_fault};
  pv_bisect_result out = {0};
  pv_bisect_spec spec = {
      .model = model,
      .side = {{"left", {pv_side_kind_find("cpu"), left, {NULL, -1}, NULL, NULL, ""}, NULL},
               {"right", {pv_side_kind_find("cpu"), right, {NULL, -1}, NULL, NULL, ""}, NULL}},
      .ids = ids,
      .count = IDS,
      .batch = 4,
      .threads = 2};
  pv_error err = PV_ERROR_INIT;
  for (int i = 0; i < 2; i++)
    if (faults[i] != NULL)
      EXPECT_I64(pv_fault_parse(faults[i], &spec.side[i].who.planted, NULL), PV_OK);
  if (!EXPECT_I64(pv_bisect(&spec, &out, &err), PV_OK)) pv_error_print(&err, stderr);
  return out;
}

static uint64_t undefined(const pv_bisect_result *r, int side) {
  uint64_t sum = 0;
  for (uint32_t l = 0; l < r->layers; l++)
    for (int s = 0; s < PV_STAGES; s++) sum += r->stages[l][s].side[side].undefined;
  return sum;
}

static void test_equal(void) {
  pv_bisect_result r = bisect(PV_NUMERICS_I16, NULL, PV_NUMERICS_I16, NULL);
  EXPECT_I64(r.verdict, PV_BISECT_EQUAL);
  EXPECT(r.compared > 100000);
  EXPECT_U64(r.different + undefined(&r, 0) + undefined(&r, 1), 0);
  EXPECT(!r.first.present && !r.culprit[0].present && !r.culprit[1].present);
  EXPECT_U64(r.routing.sets, 4 * IDS);
  EXPECT_U64(r.routing.different, 0);
  EXPECT(!r.routing.replayed);
  EXPECT(r.worst_cosine[0] > 0.9999999 && r.worst_cosine[0] < 1.0);
  pv_bisect_free(&r);
}

/* All that is wrong is made in one stage; everything behind inherits it. */
static void test_introduced_and_inherited(void) {
  pv_bisect_result r =
      bisect(PV_NUMERICS_I16, NULL, PV_NUMERICS_I16, "last_expert_dropped:layer=1");
  EXPECT_I64(r.verdict, PV_BISECT_RIGHT);
  REQUIRE(r.culprit[1].present);
  EXPECT_I64(r.culprit[1].stage, PV_STAGE_MOE_FFN_OUT);
  EXPECT_U64(r.culprit[1].layer, 1);
  EXPECT_U64(r.culprit[1].position, 0);
  EXPECT_U64(undefined(&r, 1), r.stages[1][PV_STAGE_MOE_FFN_OUT].side[1].undefined);
  EXPECT_U64(undefined(&r, 0), 0);
  const pv_bisect_stage *made = &r.stages[1][PV_STAGE_MOE_FFN_OUT];
  const pv_bisect_stage *behind = &r.stages[3][PV_STAGE_FFN_RESIDUAL];
  EXPECT(made->side[1].introduced > 0.01 && made->side[0].introduced < 1e-5);
  EXPECT(behind->side[1].total > 0.01 && behind->side[1].introduced < 1e-5);
  EXPECT(behind->different > 0);
  EXPECT_U64(r.stages[1][PV_STAGE_EXPERT_DOWN].different, 0);
  EXPECT_I64(pv_bisect_less_exact(&r), 1);
  pv_bisect_free(&r);
}

/* A defect of one bit in the last place is told from the other side's rounding. */
static void test_left_side(void) {
  pv_bisect_result r = bisect(PV_NUMERICS_I16, "contraction:layer=3", PV_NUMERICS_I16, NULL);
  EXPECT_I64(r.verdict, PV_BISECT_LEFT);
  EXPECT(r.culprit[0].present && !r.culprit[1].present);
  EXPECT_I64(r.culprit[0].stage, PV_STAGE_Q_ROPE);
  EXPECT_U64(r.culprit[0].layer, 3);
  pv_bisect_free(&r);
}

static void test_both_sides(void) {
  pv_bisect_result r =
      bisect(PV_NUMERICS_I16, "rope_pairs:layer=2", PV_NUMERICS_I16, "superblock_short:layer=1");
  EXPECT_I64(r.verdict, PV_BISECT_BOTH);
  EXPECT_I64(r.culprit[0].stage, PV_STAGE_Q_ROPE);
  EXPECT_U64(r.culprit[0].layer, 2);
  EXPECT_I64(r.culprit[1].stage, PV_STAGE_Q);
  EXPECT_U64(r.culprit[1].layer, 1);
  pv_bisect_free(&r);
}

static void test_expert(void) {
  pv_bisect_result r = bisect(PV_NUMERICS_I16, NULL, PV_NUMERICS_I16, "nan_in_one_element:layer=3");
  EXPECT_I64(r.verdict, PV_BISECT_RIGHT);
  REQUIRE(r.culprit[1].present);
  EXPECT_I64(r.culprit[1].stage, PV_STAGE_EXPERT_DOWN);
  EXPECT_U64(r.culprit[1].position, 0);
  EXPECT_U64(r.culprit[1].index, (uint64_t)model->shape.used * model->shape.hidden / 2);
  EXPECT_I64(r.culprit[1].rank, model->shape.used / 2);
  EXPECT(r.culprit[1].expert >= 0 && r.culprit[1].expert < (int64_t)model->shape.experts);
  EXPECT(isnan(r.culprit[1].right) && isfinite(r.culprit[1].exact));
  EXPECT(isinf(r.stages[3][PV_STAGE_EXPERT_DOWN].side[1].introduced));
  /* Behind it a NaN made from a NaN is no new error. */
  EXPECT_U64(undefined(&r, 1), 1);
  /* In the last layer, so of one position: the sound ones behind it do not make it forgotten. */
  EXPECT(isnan(r.worst_cosine[1]) && r.worst_cosine[0] > 0.99);
  EXPECT_I64(pv_bisect_less_exact(&r), 1);
  pv_bisect_free(&r);
}

/* Two identities: no side is wrong, one is less exact; with its routing replaced the top tokens
 * come back. */
static void test_functions(void) {
  pv_bisect_result r = bisect(PV_NUMERICS_I16, NULL, PV_NUMERICS_I8, NULL);
  EXPECT_I64(r.verdict, PV_BISECT_FUNCTIONS);
  EXPECT(!r.same_identity);
  EXPECT_U64(undefined(&r, 0) + undefined(&r, 1), 0);
  EXPECT_I64(pv_bisect_less_exact(&r), 1);
  EXPECT_I64(r.first.stage, PV_STAGE_Q);
  EXPECT(r.stages[0][PV_STAGE_Q].side[1].introduced >
         50.0 * r.stages[0][PV_STAGE_Q].side[0].introduced);
  pv_bisect_free(&r);
  r = bisect(PV_NUMERICS_F64, NULL, PV_NUMERICS_F32_F64ACC, NULL);
  EXPECT_I64(r.verdict, PV_BISECT_FUNCTIONS);
  EXPECT_U64(undefined(&r, 0), 0);
  EXPECT(r.worst_cosine[0] >= r.worst_cosine[1]);
  pv_bisect_free(&r);
}

/* A wrong choice of experts is the whole divergence: with the other side's it goes away. */
static void test_routing_replayed(void) {
  pv_model *tied = NULL, *kept = model;
  REQUIRE(pv_fault_tied_model(model, &tied, NULL) == PV_OK);
  model = tied;
  pv_bisect_result r = bisect(PV_NUMERICS_I16, NULL, PV_NUMERICS_I16, "tie_rule_reversed:layer=2");
  model = kept;
  EXPECT_I64(r.verdict, PV_BISECT_RIGHT);
  EXPECT(r.routing.present && r.routing.replayed && r.routing.different > 0);
  EXPECT_U64(r.routing.layer, 2);
  EXPECT_F64(r.routing.margin, 0.0, 0.0);
  EXPECT_F64(r.routing.noise, 0.0, 0.0);
  EXPECT(r.routing.cosine < 0.9999);
  EXPECT_F64(r.routing.replayed_cosine, 1.0, 1e-15);
  EXPECT_U64(r.routing.replayed_tops, 0);
  pv_bisect_free(&r);
  pv_fault_model_free(tied);
}

static void test_missing_backend(void) {
  static const pv_side_kind gpu = {.name = "gpu", .backend = "gpu"};
  pv_bisect_result out;
  pv_error err = PV_ERROR_INIT;
  const pv_bisect_spec spec = {
      .model = model,
      .side = {{"left",
                {pv_side_kind_find("cpu"), PV_NUMERICS_I16, {NULL, -1}, NULL, NULL, ""},
                NULL},
               {"right", {&gpu, PV_NUMERICS_I16, {NULL, -1}, NULL, NULL, ""}, NULL}},
      .ids = ids,
      .count = IDS,
      .batch = 4};
  EXPECT_I64(pv_bisect(&spec, &out, &err), PV_ERR_INPUT);
  EXPECT(out.stages == NULL);
}

int main(void) {
  pv_error err = PV_ERROR_INIT;
  if (pv_model_open("models/tiny-coder-moe-Q4_K_M.gguf", &model, &err) != PV_OK) {
    pv_error_print(&err, stderr);
    return 1;
  }
  const int code = pv_testing_main("bisect", (pv_case[]){PV_CASE(test_equal),
                                                         PV_CASE(test_introduced_and_inherited),
                                                         PV_CASE(test_left_side),
                                                         PV_CASE(test_both_sides),
                                                         PV_CASE(test_expert),
                                                         PV_CASE(test_functions),
                                                         PV_CASE(test_routing_replayed),
                                                         PV_CASE(test_missing_backend),
                                                         {0}});
  pv_model_close(model);
  return code;
}
