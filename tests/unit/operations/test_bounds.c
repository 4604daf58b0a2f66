/* Sound kernels lie well within the bounds of every operation, and defective ones do not. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/operations/naive.h"
#include "tests/unit/testing.h"

/* What is rounded once or twice may use all of its bound: that is what a rounding is. Sums have
 * room. */
static double most(const char *name) {
  static const char *const few[] = {"quantize_q8_0", "quantize_q8_1", "add",
                                    "scale",         "add_rmsnorm",   "layernorm",
                                    "swiglu",        "silu",          "gelu"};
  for (size_t i = 0; i < sizeof few / sizeof *few; i++)
    if (strcmp(few[i], name) == 0) return 1.0;
  return strstr(name, "dequantize") != NULL || strstr(name, "embed") != NULL ? 1.0 : 0.5;
}

static void test_sound(void) {
  static const defect ways[] = {SOUND, PAIRWISE, BLOCKED};
  const pv_operation *op;
  for (size_t i = 0; (op = pv_operation_at(i)) != NULL; i++)
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
      const judged j = naive_judge_all(op->name, "float32", ways[w]);
      EXPECT_U64(j.wrong, 0);
      EXPECT(j.worst <= most(op->name));
      EXPECT(j.cases >= 5 && j.unjudged * 5 < j.compared);
      if (j.worst > most(op->name) || w == 0)
        printf("%-18s %zu cases, %6zu compared, %5zu exact, %4zu not judged, worst %.3f (%s)\n",
               op->name, j.cases, j.compared, j.exact, j.unjudged, j.worst, j.where);
    }
}

typedef struct planted {
  const char *operation;
  defect defect;
  size_t cases; /* that show it, at least */
} planted;

static const planted defects[] = {
    {"f32_gemv", DROPPED, 10},
    {"f32_gemv", HALF_SUM, 10},
    {"f32_gemv", BF16_SUM, 10},
    {"f32_gemv", TF32_FACTORS, 8},
    {"f16_gemv", HALF_SUM, 10},
    {"q8_0_gemv", WRONG_SCALE, 8},
    {"q8_0_gemv", HALF_SUM, 10},
    {"q4_k_gemv", DROPPED, 10},
    {"q4_k_gemv", HALF_SUM, 10},
    {"q4_k_gemv", BF16_SUM, 10},
    {"q4_k_gemv", TF32_FACTORS, 8},
    {"q4_k_gemv", WRONG_SCALE, 10},
    {"q4_k_gemv", NO_MINIMUM, 10},
    {"q4_k_gemv", LAST_ROW_MISSING, 10},
    {"q5_k_gemv", WRONG_SCALE, 10},
    {"q5_k_gemv", NO_MINIMUM, 10},
    {"q6_k_gemv", WRONG_SCALE, 10},
    {"q6_k_gemv", HALF_SUM, 10},
    {"q4_k_gemv_experts", DROPPED, 8},
    {"q4_k_gemv_experts", WRONG_SCALE, 8},
    {"q4_k_gemv_experts", LAST_ROW_MISSING, 10},
    {"int8_gemv", DROPPED, 7},
    {"int8_gemv", NO_WEIGHT, 9},
    {"int8_gemv", SHIFTED, 7},
    {"int8_gemv", HALF_SUM, 6},
    {"int4_gemv", DROPPED, 8},
    {"int4_gemv", WRONG_SCALE, 5},
    {"int4_gemv", NO_WEIGHT, 9},
    {"int4_gemv", SHIFTED, 9},
    {"int4_gemv", HALF_SUM, 6},
    {"int4_gemv", LAST_ROW_MISSING, 9},
    {"rmsnorm", DROPPED, 6},
    {"rmsnorm", NO_EPS, 1},
    {"rmsnorm", NO_WEIGHT, 8},
    {"rmsnorm", SHIFTED, 7},
    {"rmsnorm", HALF_SUM, 4},
    {"rmsnorm_plain", DROPPED, 6},
    {"rmsnorm_plain", HALF_SUM, 5},
    {"add_rmsnorm", DROPPED, 6},
    {"add_rmsnorm", NO_WEIGHT, 8},
    {"layernorm", DROPPED, 6},
    {"layernorm", NO_EPS, 2},
    {"layernorm", SHIFTED, 7},
    {"softmax", DROPPED, 6},
    {"softmax", SHIFTED, 4},
    {"softmax", HALF_SUM, 6},
    {"swiglu", NO_WEIGHT, 8},
    {"swiglu", SHIFTED, 8},
    {"swiglu", HALF_SUM, 5},
    {"swiglu", LAST_ROW_MISSING, 7},
    {"silu", HALF_SUM, 5},
    {"gelu", HALF_SUM, 5},
    {"add", HALF_SUM, 5},
    {"add", SHIFTED, 8},
    {"scale", HALF_SUM, 5},
    {"argmax", DROPPED, 1},
    {"topk_softmax", DROPPED, 1},
    {"topk_softmax", SHIFTED, 6},
    {"topk_softmax_norm", SHIFTED, 6},
    {"quantize_q8_0", SHIFTED, 4},
    {"quantize_q8_1", SHIFTED, 4},
    {"q4_k_dequantize", WRONG_SCALE, 4},
    {"q4_k_dequantize", NO_MINIMUM, 4},
    {"q6_k_dequantize", HALF_SUM, 3},
    {"q6_k_embed", DROPPED, 4},
    {"rope_halves", SHIFTED, 5},
    {"rope_halves", DROPPED, 5},
    {"rope_pairs", SHIFTED, 5},
    {"attention", DROPPED, 5},
    {"attention", HALF_SUM, 3},
};

static void test_defects(void) {
  for (size_t i = 0; i < sizeof defects / sizeof *defects; i++) {
    const judged j = naive_judge_all(defects[i].operation, "float32", defects[i].defect);
    EXPECT(j.cases_wrong >= defects[i].cases);
    printf("%s, defect %d: seen in %zu of %zu cases, worst %.3g\n", defects[i].operation,
           (int)defects[i].defect, j.cases_wrong, j.cases, j.worst);
  }
}

/* What is declared is no defect, and what is not is one. */
static void test_declared(void) {
  static const struct {
    const char *operation, *numerics;
    defect defect;
  } list[] = {
      {"f32_gemv", "float16", HALF_SUM},
      {"q4_k_gemv", "float16", HALF_SUM},
      {"q6_k_gemv", "float16", HALF_SUM},
      {"f32_gemv", "bfloat16", BF16_SUM},
      {"q4_k_gemv", "bfloat16", BF16_SUM},
      {"q8_0_gemv", "bfloat16", BF16_SUM},
      {"f32_gemv", "tf32", TF32_FACTORS},
      {"q4_k_gemv", "tf32", TF32_FACTORS},
      {"f32_gemv", "bfloat16-factors", SOUND},
      {"q5_k_gemv", "float16-factors", SOUND},
      {"rmsnorm", "float16", HALF_SUM},
      {"rmsnorm", "bfloat16", BF16_SUM},
      {"softmax", "float16", HALF_SUM},
      {"softmax", "bfloat16", BF16_SUM},
      {"attention", "bfloat16", BF16_SUM},
      {"f32_gemv", "float32 ftz", FLUSHED},
      {"q4_k_gemv", "float32 ftz", FLUSHED},
      {"swiglu", "float32 ftz", FLUSHED},
      {"rmsnorm", "float32 ftz", FLUSHED},
      {"softmax", "float32 ftz", FLUSHED},
      {"silu", "float32 approx", APPROXIMATE},
      {"swiglu", "float32 approx", APPROXIMATE},
      {"softmax", "float32 approx", APPROXIMATE},
      {"rmsnorm", "float32 approx", APPROXIMATE},
      {"layernorm", "float32 approx", APPROXIMATE},
  };
  for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
    const judged j = naive_judge_all(list[i].operation, list[i].numerics, list[i].defect);
    EXPECT_U64(j.wrong, 0);
    printf("%s in %s: worst %.3f (%s)\n", list[i].operation, list[i].numerics, j.worst, j.where);
  }
  EXPECT(naive_judge_all("swiglu", "float32", FLUSHED).cases_wrong >= 1);
}

int main(void) {
  return pv_testing_main(
      "operations: bounds",
      (pv_case[]){PV_CASE(test_sound), PV_CASE(test_defects), PV_CASE(test_declared), {0}});
}
