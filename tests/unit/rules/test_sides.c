/* A side in a contract by the one grammar: bound, it is what was written in two parameters before.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "tests/unit/known.h"
#include "tests/unit/rules/sample.h"
#include "tests/unit/testing.h"
#include "validator/model/bind.h"
#include "validator/model/contract_load.h"

/* The parameters that the check gets; "" when they are refused. The caller frees. */
static pv_text bound(const char *check, const char *with) {
  pv_arena arena = PV_ARENA_INIT;
  pv_contract *contract = NULL;
  pv_error err = PV_ERROR_INIT;
  pv_text text = PV_TEXT_INIT, out = PV_TEXT_INIT;
  json_t *json = NULL;
  sample_edit(&text, sample_sound,
              (const char *const[]){"gemv.exact", check, "{type: Q6_K}", with, NULL});
  pv_text_puts(&out, "");
  if (EXPECT_I64(
          pv_contract_load_bytes(&arena, SAMPLE_PATH, text.data, text.length, &contract, &err),
          PV_OK)) {
    for (int twice = 0; twice < 2; twice++) pv_bind_checks(contract, testing_known());
    if (pv_bind_with(&contract->falsifiers[0], NULL, &json, NULL) == PV_OK)
      EXPECT_I64(pv_json_write(json, JSON_SORT_KEYS, &out, NULL), PV_OK);
  }
  json_decref(json);
  pv_text_free(&text);
  pv_arena_free(&arena);
  return out;
}

static void same(const char *check, const char *now, const char *before) {
  pv_text a = bound(check, now), b = bound(check, before);
  EXPECT(b.length > 0);
  EXPECT_STR(a.data, b.data);
  pv_text_free(&a);
  pv_text_free(&b);
}

static void refused(const char *check, const char *with) {
  pv_text out = bound(check, with);
  EXPECT_STR(out.data, "");
  pv_text_free(&out);
}

static void test_as_before(void) {
  same("forward.parity", "{left: \"cpu:i8\", right: \"cuda:i8\"}",
       "{left: cpu, left_numerics: i8, right: cuda, right_numerics: i8}");
  same("forward.finite", "{backend: \"cuda:f32-f64acc\"}", "{backend: cuda, numerics: f32-f64acc}");
  same("router.index_sets", "{left: f64, right: \"cpu:i16\"}",
       "{left: cpu, left_numerics: f64, right: cpu, right_numerics: i16}");
  same("forward.finite", "{backend: cuda}", "{backend: cuda, numerics: i16}");
  /* One identity for both sides. */
  same("forward.argmax", "{left: \"cpu:i8\", right: \"cuda:i8\"}",
       "{left: cpu, right: cuda, numerics: i8}");
  same("forward.finite", "{backend: \"cuda:i8\", numerics: i8}", "{backend: cuda, numerics: i8}");
  /* Kinds that the old spelling did not have, and faults. */
  same("forward.finite", "{backend: \"scalar:i8\"}", "{backend: scalar, numerics: i8}");
  same("forward.finite", "{backend: \"definition:f32-f64acc\"}",
       "{backend: definition, numerics: f32-f64acc}");
  same("forward.parity", "{left: \"cpu:i8\", right: \"cpu:i8@rope_pairs:layer=1\"}",
       "{left: cpu, left_numerics: i8, right: \"cpu@rope_pairs:layer=1\", right_numerics: i8}");
  same("router.index_sets", "{left: \"f64@rope_pairs\", right: cpu}",
       "{left: \"cpu@rope_pairs\", left_numerics: f64, right: cpu, right_numerics: i16}");
  same("gemv.bound", "{type: Q6_K, on: \"ptx:i8\"}", "{type: Q6_K, numerics: i8, on: ptx}");
  same("quant.blocks", "{type: Q6_K}", "{type: Q6_K, on: cpu}");
}

static void test_refused(void) {
  refused("forward.finite", "{backend: \"cuda:i17\"}");
  refused("forward.finite", "{backend: \"gpu:i16\"}");
  refused("forward.finite", "{backend: \"cuda:\"}");
  refused("forward.finite", "{backend: \":i16\"}");
  refused("forward.finite", "{backend: \"cuda:i8\", numerics: i16}");
  refused("forward.argmax", "{left: \"cpu:i8\", right: \"cuda:i16\"}");
  refused("forward.no_fallback", "{backend: \"cuda:i16\"}"); /* it takes no identity */
  refused("forward.finite", "{backend: [\"cuda:i16\"]}");
  refused("forward.finite", "{backend: \"cpu:i16@\"}");
  refused("forward.finite", "{backend: \"cpu@rope pairs\"}");
  refused("forward.finite", "{backend: \"cpu@rope_pairs:layer=\"}");
  refused("forward.finite", "{backend: \"cpu@rope_pairs:level=1\"}");
  refused("forward.no_fallback", "{backend: \"trace:folder\"}");
  refused("forward.batch_split", "{backend: llamacpp}");
  refused("forward.no_fallback", "{backend: f64}");
  refused("quant.blocks", "{type: Q6_K, on: \"ptx:i16\"}"); /* it takes no identity */
}

/* What is behind the kind of a recorded side is its text: it goes to the check as it is. */
static void expect_text(const char *side) {
  char with[200], want[200];
  snprintf(with, sizeof with, "{backend: \"%s\"}", side);
  snprintf(want, sizeof want, "\"backend\": \"%s\"", side);
  pv_text out = bound("forward.finite", with);
  EXPECT_HAS(out.data, want);
  EXPECT_HAS(out.data, "\"numerics\": \"i16\"");
  pv_text_free(&out);
}

static void test_recorded(void) {
  static const char *const texts[] = {"llamacpp",
                                      "llamacpp:",
                                      "llamacpp:,threads=4,flash=on",
                                      "huggingface:prog,attention=eager",
                                      "engine:a:b@c d,batches=8,8,7,x=y=z",
                                      "trace:a folder/with:colons@and:layer=",
                                      "trace:f64@i16"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) expect_text(texts[i]);
  /* The other side's identity stays the other side's. */
  same("router.index_sets", "{left: \"llamacpp:,threads=1\", right: f64}",
       "{left: \"llamacpp:,threads=1\", right: cpu, right_numerics: f64}");
  same("forward.argmax", "{left: \"trace:i8:i8\", right: \"cpu:i8\"}",
       "{left: \"trace:i8:i8\", right: cpu, numerics: i8}");
  refused("forward.finite", "{backend: trace}");
  refused("forward.finite", "{backend: \"trace:\"}");
  refused("forward.finite", "{backend: engine}");
  refused("forward.finite", "{backend: \"engine:\"}");
  refused("forward.finite", "{backend: \"llamacpp@rope_pairs\"}");
  refused("forward.finite", "{backend: \"llamacp:,a=b\"}");
  refused("forward.finite", "{backend: \"llamacpp:\\u0007\"}");
  refused("gemv.bound", "{type: Q6_K, on: \"llamacpp:\"}");
}

/* No fault can be planted in the side that is under test. */
static void test_faults(void) {
  pv_text text = PV_TEXT_INIT;
  sample_edit(&text, sample_sound,
              (const char *const[]){"gemv.exact", "forward.finite", "{type: Q6_K}",
                                    "{backend: \"llamacpp:,threads=1\"}", "[wrong_sub_scale]",
                                    "[nan_in_one_element]", NULL});
  sample_expect(SAMPLE_PATH, text.data,
                "PV042 26:14 the fault nan_in_one_element cannot be planted in "
                "llamacpp:,threads=1\n");
  pv_text_free(&text);
}

/* And lint says which value is none. */
static void test_finding(void) {
  pv_text text = PV_TEXT_INIT;
  sample_edit(&text, sample_sound,
              (const char *const[]){"gemv.exact", "forward.finite", "{type: Q6_K}",
                                    "{backend: \"gpu:i16\"}", "[wrong_sub_scale]",
                                    "[nan_in_one_element]", NULL});
  sample_expect(SAMPLE_PATH, text.data,
                "PV028 25:21 parameter backend is 'gpu', not one of cpu scalar avx2 vnni cuda "
                "cuda0+1 cuda0+1/experts ptx ptx0+1 ptx0+1/experts vulkan vulkan0 vulkan1 "
                "definition trace:DIR llamacpp: "
                "huggingface: engine:PROGRAM\n");
  pv_text_free(&text);
  sample_edit(&text, sample_sound,
              (const char *const[]){"gemv.exact", "forward.finite", "{type: Q6_K}",
                                    "{backend: \"cpu:i16@rope_pair\"}", "[wrong_sub_scale]",
                                    "[nan_in_one_element]", NULL});
  sample_expect(SAMPLE_PATH, text.data,
                "PV028 25:21 parameter backend is 'cpu@rope_pair', not a side with one of `pv "
                "faults`, such as rope_pairs\n");
  pv_text_free(&text);
}

int main(void) {
  return pv_testing_main("rules_sides", (pv_case[]){PV_CASE(test_as_before),
                                                    PV_CASE(test_refused),
                                                    PV_CASE(test_recorded),
                                                    PV_CASE(test_faults),
                                                    PV_CASE(test_finding),
                                                    {0}});
}
