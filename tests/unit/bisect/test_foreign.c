/* A side without a definition: what is wrong in every identity is named, and nothing else. */
#include <math.h>
#include <stdio.h>

#include "runtime/limits/structure.h"
#include "runtime/model/arch/qwen3moe.h"
#include "tests/unit/base/folder.h"
#include "tests/unit/bisect/recording.h"
#include "tests/unit/testing.h"

static const float none = NAN;

/* A trace whose bits nobody defines: f32-f64acc, said to be somebody's. */
static void make(const char *name) {
  recording_make(name, PV_NUMERICS_F32_F64ACC, NULL, NULL, NULL);
  recording_change(name, NULL, "numerics", json_string("somebody's/3"));
}

/* The same after `length` bytes at element `at` of a file of 4 byte elements. */
static pv_bisect_result with(const char *name, const char *file, size_t at, const void *bytes,
                             size_t length) {
  make(name);
  recording_poke(name, file, 4 * at, bytes, length);
  return recording_bisect(NULL, name);
}

static void wrong(pv_bisect_result *r, int why, pv_stage_id stage, uint32_t layer, size_t position,
                  size_t index) {
  EXPECT_I64(r->verdict, PV_BISECT_RIGHT);
  EXPECT_I64(r->why[1], why);
  EXPECT(r->culprit[1].present && !r->culprit[0].present);
  EXPECT_STR(r->plan->rows[r->culprit[1].stage].name, r->plan->rows[stage].name);
  EXPECT_U64(r->culprit[1].layer, layer);
  EXPECT_U64(r->culprit[1].position, position);
  EXPECT_U64(r->culprit[1].index, index);
  pv_bisect_free(r);
}

/* Different bits of a sound side are no finding, and no error stands out. */
static void test_sound(void) {
  make("sound");
  pv_bisect_result r = recording_bisect(NULL, "sound");
  EXPECT_I64(r.verdict, PV_BISECT_UNDECIDED);
  EXPECT(r.different > 1000 && !r.defined[1]);
  EXPECT(!r.culprit[1].present && !r.large[0].present && !r.large[1].present);
  EXPECT(!r.not_finite[1].present);
  pv_bisect_free(&r);
}

/* Experts: rows of `used` indices, position by position. */
static void test_experts(void) {
  const uint32_t used = recording_model->shape.used;
  const int32_t beyond = (int32_t)recording_model->shape.experts, below = -1;
  int32_t first = 0, worst = 0;
  pv_bisect_result r = with("beyond", "moe_router_indices.1.bin", 2 * used + 1, &beyond, 4);
  wrong(&r, PV_BISECT_STRUCTURE + PV_STRUCTURE_NO_EXPERT, PV_STAGE_MOE_ROUTER_INDICES, 1, 2, 1);
  r = with("below", "moe_router_indices.3.bin", 0, &below, 4);
  wrong(&r, PV_BISECT_STRUCTURE + PV_STRUCTURE_NO_EXPERT, PV_STAGE_MOE_ROUTER_INDICES, 3, 0, 0);
  /* The first of the row once more. */
  char path[300];
  snprintf(path, sizeof path, "%s/moe_router_indices.2.bin", folder_path("sound"));
  FILE *f = fopen(path, "rb");
  REQUIRE(f != NULL && fseek(f, (long)(3 * used * 4), SEEK_SET) == 0);
  REQUIRE(fread(&first, 4, 1, f) == 1 && fclose(f) == 0);
  r = with("twice", "moe_router_indices.2.bin", 3 * used + 2, &first, 4);
  wrong(&r, PV_BISECT_STRUCTURE + PV_STRUCTURE_TWICE, PV_STAGE_MOE_ROUTER_INDICES, 2, 3, 2);
  /* The expert with the smallest logit of all. */
  float logits[PV_MODEL_EXPERTS_MAX];
  snprintf(path, sizeof path, "%s/moe_router_logits.2.bin", folder_path("sound"));
  f = fopen(path, "rb");
  REQUIRE(f != NULL && fread(logits, 4, (size_t)beyond, f) == (size_t)beyond && fclose(f) == 0);
  for (int32_t e = 1; e < beyond; e++)
    if (logits[e] < logits[worst]) worst = e;
  /* Its weight is not that of this expert either, and weights come before indices. */
  r = with("worse", "moe_router_indices.2.bin", used - 1, &worst, 4);
  wrong(&r, PV_BISECT_STRUCTURE + PV_STRUCTURE_WEIGHT, PV_STAGE_MOE_ROUTER, 2, 0, 0);
}

/* A choice among the wrong experts, with weights that belong to them. */
static void test_choice(void) {
  const uint32_t used = recording_model->shape.used, experts = recording_model->shape.experts;
  float logits[PV_MODEL_EXPERTS_MAX] = {0}, weights[PV_MODEL_EXPERTS_MAX];
  int32_t order[PV_MODEL_EXPERTS_MAX] = {0};
  char path[300];
  make("choice");
  snprintf(path, sizeof path, "%s/moe_router_logits.1.bin", folder_path("choice"));
  FILE *f = fopen(path, "rb");
  REQUIRE(f != NULL && fread(logits, 4, experts, f) == experts && fclose(f) == 0);
  for (uint32_t e = 0; e < experts; e++) order[e] = (int32_t)e;
  for (uint32_t i = 0; i < experts; i++) /* the smallest first */
    for (uint32_t k = i + 1; k < experts; k++)
      if (logits[order[k]] < logits[order[i]]) {
        const int32_t kept = order[i];
        order[i] = order[k];
        order[k] = kept;
      }
  double sum = 0.0;
  for (uint32_t i = 0; i < used; i++) sum += exp((double)logits[order[i]]);
  for (uint32_t i = 0; i < used; i++) weights[i] = (float)(exp((double)logits[order[i]]) / sum);
  recording_poke("choice", "moe_router.1.bin", 0, weights, 4 * (size_t)used);
  recording_poke("choice", "moe_router_indices.1.bin", 0, order, 4 * (size_t)used);
  pv_bisect_result r = recording_bisect(NULL, "choice");
  wrong(&r, PV_BISECT_STRUCTURE + PV_STRUCTURE_WORSE, PV_STAGE_MOE_ROUTER_INDICES, 1, 0, 0);
}

static void test_weights(void) {
  const uint32_t used = recording_model->shape.used;
  const float weights[] = {0.9f, 0.7f};
  pv_bisect_result r = with("weights", "moe_router.0.bin", used, weights, sizeof weights);
  wrong(&r, PV_BISECT_STRUCTURE + PV_STRUCTURE_WEIGHT, PV_STAGE_MOE_ROUTER, 0, 1, 0);
  /* Without its logits nobody can say which weights belong: not wrong, but far off. */
  recording_make("no-logits", PV_NUMERICS_F32_F64ACC, NULL, "moe_router,moe_router_indices", NULL);
  recording_change("no-logits", NULL, "numerics", json_string("somebody's/3"));
  recording_poke("no-logits", "moe_router.0.bin", 4 * (size_t)used, weights, sizeof weights);
  r = recording_bisect(NULL, "no-logits");
  EXPECT_I64(r.verdict, PV_BISECT_UNDECIDED);
  EXPECT(r.large[1].present && r.large[1].stage == PV_STAGE_MOE_ROUTER);
  pv_bisect_free(&r);
}

static void test_top(void) {
  const int32_t beyond = (int32_t)recording_model->shape.vocab, other = 5;
  pv_bisect_result r = with("no-token", "argmax.bin", 3, &beyond, 4);
  wrong(&r, PV_BISECT_STRUCTURE + PV_STRUCTURE_NO_TOKEN, PV_STAGE_ARGMAX, 0, 3, 0);
  r = with("not-top", "argmax.bin", 2, &other, 4);
  wrong(&r, PV_BISECT_STRUCTURE + PV_STRUCTURE_NOT_TOP, PV_STAGE_ARGMAX, 0, 2, 0);
}

/* A NaN of a late position in an early layer comes before one of an early position in a late layer,
 * whatever the batches of this run are. */
static void test_first_by_layer(void) {
  const uint32_t experts = recording_model->shape.experts, hidden = recording_model->shape.hidden;
  make("nan");
  recording_poke("nan", "attn_proj.2.bin", 0, &none, 4);
  recording_poke("nan", "moe_router_logits.1.bin", 4 * (3 * (size_t)experts + 5), &none, 4);
  recording_poke("nan", "ffn_residual.3.bin", 4 * (size_t)hidden, &none, 4);
  pv_bisect_result r = recording_bisect(NULL, "nan");
  EXPECT(r.not_finite[1].present && r.not_finite[1].layer == 1);
  EXPECT_I64(r.not_finite[1].stage, PV_STAGE_MOE_ROUTER_LOGITS);
  EXPECT(!r.weight[1].present);
  wrong(&r, PV_BISECT_NO_NUMBER, PV_STAGE_MOE_ROUTER_LOGITS, 1, 3, 5);
}

/* Nobody is called wrong for an error, but where it is first large is told. */
static void test_far_off(void) {
  recording_make("far", PV_NUMERICS_I16, "qk_norm_missing:layer=2", NULL, NULL);
  recording_change("far", NULL, "numerics", NULL);
  pv_bisect_result r = recording_bisect(NULL, "far");
  EXPECT_I64(r.verdict, PV_BISECT_UNDECIDED);
  EXPECT(!r.culprit[1].present && r.large[1].present && !r.large[0].present);
  EXPECT_I64(r.large[1].stage, PV_STAGE_Q_ROPE);
  EXPECT_U64(r.large[1].layer, 2);
  EXPECT(r.large_error[1] > PV_BISECT_LARGE);
  pv_bisect_free(&r);
}

int main(void) {
  pv_error err = PV_ERROR_INIT;
  if (folder_make() == NULL || pv_model_open(RECORDING_MODEL, &recording_model, &err) != PV_OK) {
    pv_error_print(&err, stderr);
    return 1;
  }
  const int code = pv_testing_main("foreign", (pv_case[]){PV_CASE(test_sound),
                                                          PV_CASE(test_experts),
                                                          PV_CASE(test_choice),
                                                          PV_CASE(test_weights),
                                                          PV_CASE(test_top),
                                                          PV_CASE(test_first_by_layer),
                                                          PV_CASE(test_far_off),
                                                          {0}});
  pv_model_close(recording_model);
  folder_remove();
  return code;
}
