/* Weights that are no numbers: a finding of the model, where it begins, and never a small figure.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "runtime/bisect/bisect.h"
#include "runtime/model/arch/qwen3moe.h"
#include "tests/unit/base/folder.h"
#include "tests/unit/bisect/patched.h"
#include "tests/unit/testing.h"

static const uint32_t ids[] = {861, 1644, 198, 17};
enum { IDS = sizeof ids / sizeof *ids };

static pv_bisect_result bisect(const pv_model *model, pv_numerics left, pv_numerics right) {
  pv_bisect_result out = {0};
  const pv_bisect_spec spec = {
      .model = model,
      .side = {{"left", {pv_side_kind_find("cpu"), left, {NULL, -1}, NULL, NULL, ""}, NULL},
               {"right", {pv_side_kind_find("cpu"), right, {NULL, -1}, NULL, NULL, ""}, NULL}},
      .ids = ids,
      .count = IDS,
      .batch = 2,
      .threads = 2};
  pv_error err = PV_ERROR_INIT;
  if (!EXPECT_I64(pv_bisect(&spec, &out, &err), PV_OK)) pv_error_print(&err, stderr);
  return out;
}

static const unsigned char nan32[] = {0, 0, 0xc0, 0x7f}, inf32[] = {0, 0, 0x80, 0x7f},
                           nan16[] = {0, 0x7e};

/* Found on both sides, in float64 too, in the stage and layer of the weight and by its number. */
static void test_where(void) {
  static const struct {
    const char *tensor;
    uint64_t offset;
    const unsigned char *bytes;
    size_t length;
    pv_stage_id stage;
    uint32_t layer;
    size_t position;
    uint64_t element;
  } table[] = {
      {"blk.1.ffn_gate_inp.weight", 2048, nan32, 4, PV_STAGE_MOE_ROUTER_LOGITS, 1, 0, 512},
      {"blk.2.attn_norm.weight", 28, inf32, 4, PV_STAGE_ATTN_NORM, 2, 0, 7},
      {"blk.0.attn_q.weight", 3 * 144, nan16, 2, PV_STAGE_Q, 0, 0, 768},
      {"blk.3.attn_k_norm.weight", 40, nan32, 4, PV_STAGE_K_ROPE, 3, 0, 10},
      {"token_embd.weight", 1644 * 144, nan16, 2, PV_STAGE_EMBEDDING, 0, 1, UINT64_C(1644) * 256},
      {"output_norm.weight", 12, nan32, 4, PV_STAGE_FINAL_NORM, 0, 0, 3}};
  static const pv_numerics sides[][2] = {{PV_NUMERICS_I16, PV_NUMERICS_I16},
                                         {PV_NUMERICS_F64, PV_NUMERICS_I16},
                                         {PV_NUMERICS_F32_F64ACC, PV_NUMERICS_I8}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    pv_model *model = patched_model(folder_path("patched.gguf"), table[i].tensor, table[i].offset,
                                    table[i].bytes, table[i].length);
    REQUIRE(model != NULL);
    for (size_t k = 0; k < 3; k++) {
      pv_bisect_result r = bisect(model, sides[k][0], sides[k][1]);
      EXPECT_I64(r.verdict, PV_BISECT_NOT_FINITE);
      for (int side = 0; side < 2; side++) {
        const pv_bisect_place *p = &r.not_finite[side];
        EXPECT(p->present && !r.culprit[side].present);
        EXPECT_STR(model->plan->rows[p->stage].name, model->plan->rows[table[i].stage].name);
        EXPECT_U64(p->layer, table[i].layer);
        EXPECT_U64(p->position, table[i].position);
        EXPECT(r.weight[side].present && !isfinite(r.weight[side].value));
        EXPECT_U64(r.weight[side].element, table[i].element);
        /* No figure where there is no number: here, and in all that is made of it. */
        EXPECT(isnan(r.stages[p->layer][p->stage].side[side].introduced));
        EXPECT(isnan(r.stages[p->layer][p->stage].side[side].total));
        EXPECT(isnan(r.stages[0][PV_STAGE_LOGITS].side[side].total));
        EXPECT(isnan(r.worst_cosine[side]));
      }
      pv_bisect_free(&r);
    }
    pv_model_close(model);
  }
}

/* Every block of the experts: the first expert that is chosen shows it. */
static void test_expert(void) {
  static unsigned char all[589824];
  memset(all, 0xff, sizeof all);
  pv_model *model =
      patched_model(folder_path("patched.gguf"), "blk.1.ffn_gate_exps.weight", 0, all, sizeof all);
  REQUIRE(model != NULL);
  pv_bisect_result r = bisect(model, PV_NUMERICS_F64, PV_NUMERICS_I16);
  EXPECT_I64(r.verdict, PV_BISECT_NOT_FINITE);
  EXPECT_I64(r.not_finite[1].stage, PV_STAGE_EXPERT_GATE);
  EXPECT(r.not_finite[1].expert >= 0);
  EXPECT(r.weight[1].present);
  EXPECT_U64(r.weight[1].element, (uint64_t)r.not_finite[1].expert * 256 * 256);
  pv_bisect_free(&r);
  pv_model_close(model);
}

/* Finite weights that are too large for float32: no weight is blamed, and float64 has numbers. */
static void test_overflow(void) {
  float large[256];
  for (size_t i = 0; i < 256; i++) large[i] = 3e38f;
  pv_model *model =
      patched_model(folder_path("patched.gguf"), "blk.0.attn_norm.weight", 0, large, sizeof large);
  REQUIRE(model != NULL);
  pv_bisect_result r = bisect(model, PV_NUMERICS_F64, PV_NUMERICS_I16);
  EXPECT_I64(r.verdict, PV_BISECT_NOT_FINITE);
  EXPECT(!r.not_finite[0].present && r.not_finite[1].present);
  EXPECT_I64(r.not_finite[1].stage, PV_STAGE_ATTN_NORM);
  EXPECT(!r.weight[1].present);
  EXPECT(isinf(r.stages[0][PV_STAGE_ATTN_NORM].side[1].introduced));
  pv_bisect_free(&r);
  pv_model_close(model);
}

int main(void) {
  if (folder_make() == NULL) return 1;
  const int code = pv_testing_main("not_finite", (pv_case[]){PV_CASE(test_where),
                                                             PV_CASE(test_expert),
                                                             PV_CASE(test_overflow),

                                                             {0}});
  folder_remove();
  return code;
}
