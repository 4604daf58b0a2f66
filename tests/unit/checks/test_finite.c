/* forward.finite names the first element that is no number in the order of computation, and the
 * weight that made it so. */
#include <jansson.h>
#include <stdio.h>

#include "runtime/checks/check.h"
#include "tests/unit/base/folder.h"
#include "tests/unit/bisect/patched.h"
#include "tests/unit/testing.h"

static pv_reference *reference;

static void expect_in(uint64_t room, const pv_model *model, const char *name, const char *numerics,
                      const char *reason) {
  pv_capture_cache cache = {.room = room};
  pv_error err = PV_ERROR_INIT;
  json_t *with = json_pack("{s:s, s:[s]}", "numerics", numerics, "prompts", "p0");
  pv_check check = {.cache = &cache,
                    .spec = pv_check_find(name),
                    .with = with,
                    .model = model,
                    .reference = reference,
                    .threads = 2,
                    .verdict = "NOT_RUN",
                    .metrics = json_object(),
                    .series = json_array(),
                    .backends = json_array()};
  EXPECT_I64(check.spec->run(&check, &err), PV_OK);
  EXPECT_STR(check.verdict, "FAIL");
  EXPECT_HAS(check.reason, reason);
  if (check.spec == pv_check_find("forward.finite"))
    EXPECT_STR(json_string_value(json_object_get(check.metrics, "largest_magnitude")), "inf");
  json_decref(with);
  json_decref(check.metrics);
  json_decref(check.series);
  json_decref(check.backends);
  json_decref(check.worst);
  pv_capture_cache_free(&cache);
}

/* Of stages that are kept, and that are not. */
static void expect(const pv_model *model, const char *name, const char *numerics,
                   const char *reason) {
  expect_in(PV_CAPTURE_ROOM, model, name, numerics, reason);
  expect_in(1, model, name, numerics, reason);
}

static void test_weight(void) {
  static const unsigned char none[] = {0, 0, 0xc0, 0x7f};
  pv_model *model = patched_model(folder_path("patched.gguf"), "blk.1.ffn_gate_inp.weight", 2048,
                                  none, sizeof none);
  REQUIRE(model != NULL);
  static const char *const numerics[] = {"i16", "f64", "f32-f64acc", "i8"};
  for (size_t i = 0; i < 4; i++)
    expect(model, "forward.finite", numerics[i],
           "the weights are not finite: blk.1.ffn_gate_inp.weight, element 512 is nan; so stage "
           "moe_router_logits of layer 1 is nan at position 0 of prompt p0");
  /* Rows that are the same since nothing in them is a number. */
  expect(model, "forward.shape", "i16", "holds no number for the tokens ");
  pv_model_close(model);
}

/* Outside the layers no layer is told. */
static void test_outside_the_layers(void) {
  static const unsigned char none[] = {0, 0, 0x80, 0xff};
  pv_model *model =
      patched_model(folder_path("patched.gguf"), "output_norm.weight", 20, none, sizeof none);
  REQUIRE(model != NULL);
  expect(model, "forward.finite", "i16",
         "the weights are not finite: output_norm.weight, element 5 is -inf; so stage final_norm "
         "is ");
  pv_model_close(model);
}

/* Finite weights: what overflows is told, and no weight. */
static void test_overflow(void) {
  float large[256];
  for (size_t i = 0; i < 256; i++) large[i] = 3e38f;
  pv_model *model =
      patched_model(folder_path("patched.gguf"), "blk.2.ffn_norm.weight", 0, large, sizeof large);
  REQUIRE(model != NULL);
  expect(model, "forward.finite", "i16", "stage ffn_norm of layer 2 is ");
  expect(model, "forward.finite", "i16", "computed by cpu from numbers");
  pv_model_close(model);
}

int main(void) {
  pv_error err = PV_ERROR_INIT;
  if (folder_make() == NULL ||
      pv_reference_open("models/tiny-coder-moe.reference", &reference, &err) != PV_OK) {
    pv_error_print(&err, stderr);
    return 1;
  }
  const int code = pv_testing_main(
      "finite",
      (pv_case[]){
          PV_CASE(test_weight), PV_CASE(test_outside_the_layers), PV_CASE(test_overflow), {0}});
  pv_reference_close(reference);
  folder_remove();
  return code;
}
