/* Every metadata key that a converter can write below the architecture's prefix: computed, neutral
 * at its value, without influence, or refused; and the document that lists them. */
#include "runtime/model/metadata.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "tests/unit/gguf/build.h"
#include "tests/unit/model/variant.h"
#include "tests/unit/testing.h"

#define ARCH "qwen3moe."

/* Of the model in models/. */
#define HEAD_DIM "64"
#define ROWS     "4096"

/* Keys as llama.cpp's converter and its Python package name them. `good` open, `bad` is refused. */
static const struct {
  const char *key, *type, *good[3], *bad;
} neutral[] = {
    {"vocab_size", "u32", {ROWS}, "4095"},
    {"tensor_data_layout", "str", {"reference"}, "Meta AI original pth"},
    {"use_parallel_residual", "bool", {"false"}, "true"},
    {"pooling_type", "u32", {"0"}, "3"},
    {"logit_scale", "f32", {"0", "1"}, "0.0625"},
    {"residual_scale", "f32", {"0", "1"}, "0.25"},
    {"embedding_scale", "f32", {"0", "1"}, "12"},
    {"attn_logit_softcapping", "f32", {"0"}, "50"},
    {"final_logit_softcapping", "f32", {"0"}, "30"},
    {"router_logit_softcapping", "f32", {"0"}, "30"},
    {"leading_dense_block_count", "u32", {"0"}, "1"},
    {"interleave_moe_layer_step", "u32", {"1"}, "2"},
    {"moe_every_n_layers", "u32", {"1"}, "2"},
    {"nextn_predict_layers", "u32", {"0"}, "1"},
    {"decoder_block_count", "u32", {"0"}, "4"},
    {"expert_gating_func", "u32", {"0", "1"}, "2"},
    {"expert_weights_scale", "f32", {"0", "1"}, "2.5"},
    {"expert_group_count", "u32", {"0", "1"}, "8"},
    {"expert_group_used_count", "u32", {"0", "1"}, "4"},
    {"expert_shared_count", "u32", {"0"}, "1"},
    {"expert_shared_feed_forward_length", "u32", {"0"}, "5632"},
    {"attention.value_length", "u32", {HEAD_DIM}, "32"},
    {"attention.key_length_swa", "u32", {HEAD_DIM}, "128"},
    {"attention.value_length_swa", "u32", {HEAD_DIM}, "128"},
    {"attention.causal", "bool", {"true"}, "false"},
    {"attention.scale", "f32", {"0", "0.125"}, "0.0625"},
    {"attention.output_scale", "f32", {"0", "1"}, "0.5"},
    {"attention.clamp_kqv", "f32", {"0"}, "8"},
    {"attention.max_alibi_bias", "f32", {"0"}, "8"},
    {"attention.temperature_length", "u32", {"0"}, "8192"},
    {"attention.temperature_scale", "f32", {"0"}, "0.1"},
    {"attention.sliding_window", "u32", {"0"}, "4"},
    {"attention.sliding_window_pattern", "bools", {"false"}, "true"},
    {"attention.shared_kv_layers", "u32", {"0"}, "2"},
    {"rope.dimension_count", "u32", {HEAD_DIM}, "32"},
    {"rope.dimension_count_swa", "u32", {HEAD_DIM}, "32"},
    {"rope.dimension_sections", "i32s", {"0"}, "24"},
    {"rope.freq_base_swa", "f32", {"1000000"}, "10000"},
    {"rope.scaling.alpha", "f32", {"0", "1"}, "1000"},
    {"rope.scaling.yarn_ext_factor", "f32", {"0"}, "1"},
    {"rope.scaling.yarn_log_multiplier", "f32", {"0"}, "0.1"},
};

static const char *const computed[] = {"block_count",          "context_length",
                                       "embedding_length",     "expert_count",
                                       "expert_used_count",    "expert_feed_forward_length",
                                       "attention.head_count", "attention.layer_norm_rms_epsilon"};

/* Computed, and with a meaning where they are absent. */
static const char *const optional[] = {"attention.head_count_kv",
                                       "attention.key_length",
                                       "rope.freq_base",
                                       "expert_weights_norm",
                                       "rope.scaling.type",
                                       "rope.scaling.factor",
                                       "rope.scale_linear",
                                       "rope.scaling.attn_factor",
                                       "rope.scaling.original_context_length",
                                       "rope.scaling.yarn_attn_factor",
                                       "rope.scaling.yarn_beta_fast",
                                       "rope.scaling.yarn_beta_slow"};

static const char *const idle[] = {"feed_forward_length", "attention.layer_norm_epsilon",
                                   "rope.scaling.finetuned"};

/* What the package knows for other architectures, and pv for none: refused at any value. */
static const char *const unknown[] = {"embedding_length_out",
                                      "features_length",
                                      "expert_chunk_feed_forward_length",
                                      "expert_group_scale",
                                      "experts_per_group",
                                      "moe_latent_size",
                                      "n_deepstack_layers",
                                      "decoder_start_token_id",
                                      "swin_norm",
                                      "rescale_every_n_layers",
                                      "time_mix_extra_dim",
                                      "time_decay_extra_dim",
                                      "token_shift_count",
                                      "full_attention_interval",
                                      "activation_sparsity_scale",
                                      "altup.active_idx",
                                      "altup.num_inputs",
                                      "embedding_length_per_layer_input",
                                      "swiglu_clamp_exp",
                                      "swiglu_clamp_shexp",
                                      "dense_2_feat_in",
                                      "dense_2_feat_out",
                                      "attention.group_norm_epsilon",
                                      "attention.group_norm_groups",
                                      "attention.q_lora_rank",
                                      "attention.kv_lora_rank",
                                      "attention.decay_lora_rank",
                                      "attention.iclr_lora_rank",
                                      "attention.value_residual_mix_lora_rank",
                                      "attention.gate_lora_rank",
                                      "attention.relative_buckets_count",
                                      "attention.key_length_mla",
                                      "attention.value_length_mla",
                                      "attention.indexer.head_count",
                                      "attention.indexer.key_length",
                                      "attention.indexer.top_k",
                                      "ssm.conv_kernel",
                                      "ssm.inner_size",
                                      "ssm.state_size",
                                      "ssm.time_step_rank",
                                      "ssm.group_count",
                                      "ssm.dt_b_c_rms",
                                      "kda.head_dim",
                                      "wkv.head_size",
                                      "posnet.embedding_length",
                                      "posnet.block_count",
                                      "convnext.embedding_length",
                                      "convnext.block_count",
                                      "classifier.output_labels",
                                      "shortconv.l_cache",
                                      "rope.scaling.typ",
                                      "rope.scaling.type.",
                                      ""};

#define COUNT(list) (sizeof(list) / sizeof *(list))

static bool is(const char *a, const char *b) {
  return strcmp(a, b) == 0;
}

static pv_text with(const char *key, const char *type, const char *value) {
  pv_text pair = variant_pair(key, type, value);
  pv_text out = variant_with(key, &pair);
  pv_text_free(&pair);
  return out;
}

static void opens(const char *key, const char *type, const char *value) {
  pv_error err = PV_ERROR_INIT;
  pv_text bytes = with(key, type, value);
  if (!EXPECT_I64(variant_open(&bytes, &err), PV_OK)) pv_error_print(&err, stderr);
}

static void refused(const char *key, const char *type, const char *value, const char *rule,
                    const char *words) {
  pv_text bytes = with(key, type, value);
  variant_refused(&bytes, rule, words);
}

static void test_neutral(void) {
  char key[96], words[192];
  for (size_t i = 0; i < COUNT(neutral); i++) {
    snprintf(key, sizeof key, ARCH "%s", neutral[i].key);
    for (size_t k = 0; k < 3 && neutral[i].good[k] != NULL; k++)
      opens(key, neutral[i].type, neutral[i].good[k]);
    snprintf(words, sizeof words, "%s is ", key);
    refused(key, neutral[i].type, neutral[i].bad, "PV-MODEL-KEY", words);
    if (is(neutral[i].type, "str") || is(neutral[i].type, "f32") || is(neutral[i].type, "u32"))
      refused(key, neutral[i].type, neutral[i].bad, "PV-MODEL-KEY", neutral[i].bad);
  }
}

/* A number where a truth value belongs is no "false", and a text no 0. */
static void test_wrong_types(void) {
  char key[96];
  for (size_t i = 0; i < COUNT(neutral); i++) {
    snprintf(key, sizeof key, ARCH "%s", neutral[i].key);
    const char *type = neutral[i].type;
    const bool array = is(type, "bools") || is(type, "i32s");
    const char *rule = array ? "PV-MODEL-KEY" : "PV-GGUF-KEY-TYPE";
    refused(key, is(type, "str") ? "u32" : "str", "0", rule, key);
    refused(key, array ? "u32" : "i32s", "0", rule, key);
    if (is(type, "bool") || is(type, "f32")) refused(key, "u32", "1", rule, key);
    if (is(type, "u32")) refused(key, "f32", "1", rule, key);
  }
}

static void test_reals_that_are_no_numbers(void) {
  static const char *const keys[] = {ARCH "expert_weights_scale", ARCH "rope.freq_base_swa",
                                     ARCH "attention.scale"};
  for (size_t i = 0; i < COUNT(keys); i++) {
    refused(keys[i], "f32", "nan", "PV-GGUF-KEY-RANGE", "not a finite number");
    refused(keys[i], "f32", "inf", "PV-GGUF-KEY-RANGE", "not a finite number");
  }
  refused(ARCH "expert_weights_scale", "f32", "1.00000012", "PV-MODEL-KEY", "1.00000012");
}

static void test_computed(void) {
  char key[96], other[96], words[192];
  for (size_t i = 0; i < COUNT(computed); i++) {
    snprintf(key, sizeof key, ARCH "%s", computed[i]);
    memset(other, 'x', sizeof other);
    other[strlen(key)] = '\0';
    pv_text bytes = variant_renamed(key, other);
    snprintf(words, sizeof words, "the model has no key '%s'", key);
    variant_refused(&bytes, "PV-GGUF-KEY-ABSENT", words);
  }
}

static void test_without_influence(void) {
  char key[96];
  for (size_t i = 0; i < COUNT(idle); i++) {
    snprintf(key, sizeof key, ARCH "%s", idle[i]);
    opens(key, "u32", "12345");
    opens(key, "f32", "0.5");
    opens(key, "bool", "true");
  }
}

static void test_unknown(void) {
  char key[96], words[192];
  for (size_t i = 0; i < COUNT(unknown); i++) {
    snprintf(key, sizeof key, ARCH "%s", unknown[i]);
    snprintf(words, sizeof words, "%s is 0; pv does not know this key", key);
    refused(key, "u32", "0", "PV-MODEL-KEY", words);
  }
}

/* What stands beside the architecture's prefix. */
static void test_other_prefixes(void) {
  opens("general.type", "str", "model");
  refused("general.type", "str", "adapter", "PV-MODEL-KEY", "general.type is 'adapter'");
  refused("general.type", "str", "imatrix", "PV-MODEL-KEY", "general.type is 'imatrix'");
  refused("general.quantization_version", "u32", "1", "PV-MODEL-KEY",
          "general.quantization_version is 1");
  opens("general.quantization_version", "u32", "2");
  opens("general.file_type", "u32", "15");
  opens("general.base_model.0.name", "str", "another");
  opens("tokenizer.chat_template", "str", "{{ x }}");
  opens("quantize.imatrix.chunks_count", "u32", "100");
  opens("somebody.rope.scaling.note", "str", "yarn");
  opens("qwen3moe_note", "u32", "1");
  refused("adapter.type", "str", "lora", "PV-MODEL-KEY", "adapter.type is 'lora'");
  refused("mamba.rope.scaling.type", "str", "none", "PV-MODEL-KEY", "another architecture");
  refused("qwen3.block_count", "u32", "4", "PV-MODEL-KEY", "another architecture");
  opens("split.count", "u32", "1");
  opens("split.no", "u32", "0");
  opens("split.tensors.count", "u32", "51");
  refused("split.no", "u32", "1", "PV-MODEL-KEY", "split.no is 1");
  refused("split.tensors.count", "u32", "52", "PV-MODEL-KEY", "split.tensors.count is 52");
}

/* A long value or one that moves the cursor is cut and escaped. */
static void test_values_of_strangers(void) {
  char text[2000];
  pv_error err = PV_ERROR_INIT;
  memset(text, 'y', sizeof text);
  memcpy(text, "\x1b[2J", 4);
  text[sizeof text - 1] = '\0';
  pv_text bytes = with(ARCH "tensor_data_layout", "str", text);
  EXPECT(variant_open(&bytes, &err) != PV_OK);
  EXPECT_HAS(err.message, "\\x1b[2Jyyyy");
  EXPECT_HAS(err.message, "...'; pv computes the model only where it is 'reference'");
  memset(text, 'k', sizeof text);
  memcpy(text, ARCH, strlen(ARCH));
  text[1500] = '\0';
  bytes = with(text, "u32", "1");
  EXPECT(variant_open(&bytes, &err) != PV_OK);
  EXPECT_HAS(err.message, "pv does not know this key");
}

static unsigned count_in(const char *const *list, size_t count, const char *name) {
  unsigned found = 0;
  for (size_t i = 0; i < count; i++) found += is(name, list[i]);
  return found;
}

/* Each row of the table is in one of the lists above: a new one brings its case. */
static void test_lists_are_complete(void) {
  const pv_plan *plan = pv_plan_named("qwen3moe");
  size_t rows = 0;
  const pv_model_key *key = NULL;
  for (size_t n = 0; (key = pv_model_key_at(plan, n)) != NULL; n++) {
    if (key->name[0] != '.') continue;
    const char *own = key->name + 1;
    unsigned found = 0;
    if (key->rule < PV_KEY_NO_INFLUENCE)
      found = key->may_be_absent ? count_in(optional, COUNT(optional), own)
                                 : count_in(computed, COUNT(computed), own);
    else if (key->rule == PV_KEY_NO_INFLUENCE)
      found = count_in(idle, COUNT(idle), own);
    for (size_t i = 0; i < COUNT(neutral); i++)
      found += key->rule > PV_KEY_NO_INFLUENCE && is(own, neutral[i].key);
    if (!EXPECT_U64(found, 1)) fprintf(stderr, "no case for %s\n", key->name);
    rows++;
  }
  EXPECT_U64(rows, COUNT(computed) + COUNT(optional) + COUNT(idle) + COUNT(neutral));
}

/* Whether every architecture has the key, and it is the same to all of them. */
static bool is_of_all(const pv_model_key *key) {
  char says[96], other[96];
  pv_model_key_says(key, says);
  for (size_t p = 0; pv_plan_at(p) != NULL; p++) {
    const pv_model_key *k = NULL;
    for (size_t n = 0; (k = pv_model_key_at(pv_plan_at(p), n)) != NULL && !is(k->name, key->name);)
      n++;
    if (k == NULL || !is(pv_model_key_says(k, other), says) || !is(k->meaning, key->meaning))
      return false;
  }
  return true;
}

/* The row of a key, unless it is one of all architectures that is there already. */
static bool put_row(pv_text *rows, const pv_plan *plan, size_t own, size_t n) {
  char says[96], name[PV_MODEL_KEY_NAME], of[40] = "";
  const pv_model_key *key = pv_model_key_at(plan, n);
  const bool shared = n >= own || is_of_all(key);
  pv_text row = PV_TEXT_INIT;
  pv_model_key_name(plan, key, name);
  if (shared && key->name[0] == '.') snprintf(name, sizeof name, "ARCH%s", key->name);
  if (!shared && !is(plan->name, plan->architecture)) snprintf(of, sizeof of, " (%s)", plan->name);
  pv_text_printf(&row, "\n| `%s`%s | %s | %s |\n", name, of, pv_model_key_says(key, says),
                 key->meaning);
  const bool there = rows->data != NULL && strstr(rows->data, row.data) != NULL;
  if (!there) pv_text_add(rows, row.data, row.length);
  pv_text_free(&row);
  return !there;
}

/* docs/metadata.md holds exactly these rows. */
static void test_document(void) {
  pv_bytes page = {0};
  REQUIRE(pv_file_read("docs/metadata.md", 1 << 20, &page, NULL) == PV_OK);
  pv_text text = PV_TEXT_INIT, rows = PV_TEXT_INIT;
  pv_text_add(&text, (const char *)page.data, page.length);
  size_t count = 0, listed = 0;
  for (size_t p = 0; pv_plan_at(p) != NULL; p++) {
    size_t own = 0;
    while (pv_plan_at(p)->keys[own].name != NULL) own++;
    for (size_t n = 0; pv_model_key_at(pv_plan_at(p), n) != NULL; n++) {
      const size_t from = rows.length;
      if (!put_row(&rows, pv_plan_at(p), own, n)) continue;
      EXPECT_HAS(text.data, rows.data + from);
      count++;
    }
  }
  for (const char *at = text.data; (at = strstr(at, "\n| `")) != NULL; at++) listed++;
  EXPECT_U64(listed, count);
  pv_text_free(&rows);
  pv_text_free(&text);
  pv_bytes_free(&page);
}

int main(void) {
  if (!variant_begin()) return 1;
  const int code =
      pv_testing_main("model metadata", (pv_case[]){PV_CASE(test_neutral),
                                                    PV_CASE(test_wrong_types),
                                                    PV_CASE(test_reals_that_are_no_numbers),
                                                    PV_CASE(test_computed),
                                                    PV_CASE(test_without_influence),
                                                    PV_CASE(test_unknown),
                                                    PV_CASE(test_other_prefixes),
                                                    PV_CASE(test_values_of_strangers),
                                                    PV_CASE(test_lists_are_complete),
                                                    PV_CASE(test_document),
                                                    {0}});
  variant_end();
  return code;
}
