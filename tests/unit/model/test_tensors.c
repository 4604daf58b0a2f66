/* What a file holds beside or instead of the architecture's tensors is named, with a cure: types,
 * extra, fused and per-expert tensors, a vocabulary of another size. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/gguf/build.h"
#include "tests/unit/model/variant.h"
#include "tests/unit/testing.h"

static void refused_with(pv_text *bytes, const char *rule, const char *words, const char *cure) {
  pv_error err = PV_ERROR_INIT;
  EXPECT(variant_open(bytes, &err) != PV_OK);
  EXPECT_STR(err.rule, rule);
  EXPECT_HAS(err.message, words);
  EXPECT_HAS(err.hint, cure);
}

static void test_types_by_name(void) {
  static const struct {
    uint32_t number;
    const char *name;
  } types[] = {{16, "IQ2_XXS"}, {17, "IQ2_XS"},   {18, "IQ3_XXS"}, {19, "IQ1_S"},
               {21, "IQ3_S"},   {31, "Q4_0_4_4"}, {34, "TQ1_0"},   {40, "NVFP4"}};
  char words[160];
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    pv_text bytes = variant_typed("blk.1.ffn_up_exps.weight", types[i].number);
    snprintf(words, sizeof words,
             "tensor 'blk.1.ffn_up_exps.weight' is %s, which pv does not compute (of 51 tensors: 1 "
             "%s)",
             types[i].name, types[i].name);
    refused_with(&bytes, "PV-MODEL-TENSOR-TYPE", words, "Q4_K_M or Q8_0");
  }
  pv_text bytes = variant_typed("blk.1.ffn_up_exps.weight", 21);
  variant_retype(&bytes, "blk.2.ffn_up_exps.weight", 21);
  variant_retype(&bytes, "blk.3.attn_q.weight", 16);
  refused_with(&bytes, "PV-MODEL-TENSOR-TYPE", "(of 51 tensors: 1 IQ2_XXS, 2 IQ3_S)", "quantise");
  bytes = variant_typed("blk.1.ffn_up_exps.weight", 99); /* nobody knows its size */
  refused_with(&bytes, "PV-GGUF-TENSOR-TYPE", "is of type 99, whose format pv does not know",
               "requantise");
}

static void test_tensors_beside(void) {
  static const struct {
    const char *name, *cure;
  } names[] = {{"blk.0.attn_q.bias", "without biases"},
               {"blk.1.ffn_gate_up_exps.weight", "fused"},
               {"blk.1.ffn_down.15.weight", "one tensor for each expert"},
               {"blk.2.ffn_up.weight", "without dense layers"},
               {"blk.0.ffn_up_shexp.weight", "shared experts"},
               {"blk.4.attn_norm.weight", "beyond block_count"},
               {"blk.0.attn_qkv.weight", "q, k and v are fused"},
               {"blk.0.exp_probs_b.bias", "a bias of the router"},
               {"blk.0.ffn_up_exps.scale", "scales that stand beside"},
               {"rope_freqs.weight", "rotary frequencies"},
               {"blk.00.attn_q.weight", "pv tensors FILE"},
               {"blk.0.attn_q.weightt", "pv tensors FILE"},
               {"blk..attn_q.weight", "pv tensors FILE"},
               {"blk.0", "pv tensors FILE"},
               {"blk.99999999999999999999.attn_q.weight", "pv tensors FILE"},
               {"a tensor", "pv tensors FILE"}};
  char words[160];
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    pv_text bytes = variant_with_tensor(names[i].name);
    snprintf(words, sizeof words, "does not know: 1 of 52, the first is '%s'", names[i].name);
    refused_with(&bytes, "PV-MODEL-TENSORS", words, names[i].cure);
  }
}

/* A tensor that is missing because another stands in its place. */
static void test_tensors_instead(void) {
  static const struct {
    const char *name, *other, *cure;
  } cases[] = {
      {"blk.0.ffn_gate_exps.weight", "blk.0.ffn_gate_up_exps.wei", "fused"},
      {"blk.0.ffn_gate_exps.weight", "blk.0.ffn_gate.0000.weight", "one tensor for each expert"},
      {"output_norm.weight", "output_morn.weight", "pv tensors FILE"},
  };
  char words[192];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    pv_text bytes = variant_renamed(cases[i].name, cases[i].other);
    snprintf(words, sizeof words,
             "tensor '%s' is missing; tensors that the architecture does not "
             "know: 1 of 51, the first is '%s'",
             cases[i].name, cases[i].other);
    refused_with(&bytes, "PV-MODEL-TENSORS", words, cases[i].cure);
  }
}

/* How many names a model has; 0 and an error when it is refused. */
static uint64_t names(pv_text *bytes, pv_error *err) {
  pv_gguf *gguf = NULL;
  pv_model *model = NULL;
  uint64_t count = 0;
  if (pv_gguf_parse(bytes->data, bytes->length, "names.gguf", &gguf, err) == PV_OK &&
      pv_model_from_gguf(gguf, &model, err) == PV_OK)
    count = model->names;
  if (model == NULL) pv_gguf_close(gguf);
  pv_model_close(model);
  pv_text_free(bytes);
  return count;
}

static void test_names(void) {
  pv_error err = PV_ERROR_INIT;
  pv_text bytes = variant_with_names(4096);
  EXPECT_U64(names(&bytes, &err), 4096);
  bytes = variant_with_names(4000); /* it runs; pv-probe says so on opening */
  EXPECT_U64(names(&bytes, &err), 4000);
  bytes = variant_with_names(4097);
  refused_with(&bytes, "", "the tokenizer names 4097 tokens, the embedding has rows for 4096",
               "convert the model again");
}

int main(void) {
  if (!variant_begin()) return 1;
  const int code = pv_testing_main("model tensors", (pv_case[]){PV_CASE(test_types_by_name),
                                                                PV_CASE(test_tensors_beside),
                                                                PV_CASE(test_tensors_instead),
                                                                PV_CASE(test_names),
                                                                {0}});
  variant_end();
  return code;
}
