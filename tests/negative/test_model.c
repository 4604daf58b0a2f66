/* A sound model with one thing changed: metadata that ask for more than there is, or for what no
 * model has, and tensors that are not those the metadata ask for. Each is refused, in words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "runtime/model/model.h"
#include "tests/unit/testing.h"

#define MODEL "models/tiny-coder-moe-Q4_K_M.gguf"

static pv_bytes file; /* restored after each change */

/* Up to eight bytes of the file, as they were. */
typedef struct change {
  uint64_t at, bytes, old;
} change;

static change put(uint64_t at, uint64_t value, unsigned bytes) {
  change done = {at, bytes, 0};
  for (unsigned i = 0; i < bytes && at + i < file.length; i++) {
    done.old |= (uint64_t)file.data[at + i] << (8 * i);
    file.data[at + i] = (unsigned char)(value >> (8 * i));
  }
  return done;
}

static void undo(change done) {
  put(done.at, done.old, (unsigned)done.bytes);
}

static pv_code open_model(pv_error *err) {
  pv_gguf *gguf = NULL;
  pv_model *model = NULL;
  pv_code code = pv_gguf_parse(file.data, file.length, "wrong.gguf", &gguf, err);
  if (code == PV_OK) code = pv_model_from_gguf(gguf, &model, err);
  EXPECT((code == PV_OK) == (model != NULL));
  if (model == NULL) pv_gguf_close(gguf); /* else it is the model's */
  pv_model_close(model);
  return code;
}

static void refused(const char *words) {
  pv_error err = PV_ERROR_INIT;
  EXPECT(open_model(&err) != PV_OK);
  EXPECT_HAS(err.message, words);
  EXPECT_STR(err.file, "wrong.gguf");
}

/* The place of a value, or of a tensor's directory entry behind its name. */
static uint64_t value_at(const char *key) {
  pv_gguf *gguf = NULL;
  EXPECT(pv_gguf_parse(file.data, file.length, "sound.gguf", &gguf, NULL) == PV_OK);
  const pv_gguf_value *value = gguf == NULL ? NULL : pv_gguf_find(gguf, key);
  const uint64_t at = value == NULL ? file.length : value->offset;
  EXPECT(at < file.length);
  pv_gguf_close(gguf);
  return at;
}

static uint64_t entry_at(const char *name) {
  pv_gguf *gguf = NULL;
  EXPECT(pv_gguf_parse(file.data, file.length, "sound.gguf", &gguf, NULL) == PV_OK);
  const pv_gguf_tensor *t = gguf == NULL ? NULL : pv_gguf_tensor_find(gguf, name);
  const uint64_t at =
      t == NULL ? file.length
                : (uint64_t)((const unsigned char *)t->name.data - file.data) + t->name.length;
  EXPECT(at < file.length);
  pv_gguf_close(gguf);
  return at;
}

static void with_value(const char *key, uint64_t value, unsigned bytes, const char *words) {
  const change done = put(value_at(key), value, bytes);
  refused(words);
  undo(done);
}

static uint32_t shape_value(const char *key) {
  pv_gguf *gguf = NULL;
  uint64_t value = 0;
  EXPECT(pv_gguf_parse(file.data, file.length, "sound.gguf", &gguf, NULL) == PV_OK);
  if (gguf != NULL) EXPECT(pv_gguf_get_u64(gguf, key, &value, NULL) == PV_OK);
  pv_gguf_close(gguf);
  return (uint32_t)value;
}

static void test_sound_is_sound(void) { /* else every refusal below could have another cause */
  EXPECT(open_model(NULL) == PV_OK);
}

static void test_counts(void) {
  static const struct {
    const char *key;
    uint32_t max;
  } keys[] = {{"qwen3moe.block_count", PV_MODEL_LAYERS_MAX},
              {"qwen3moe.embedding_length", PV_MODEL_WIDTH_MAX},
              {"qwen3moe.attention.head_count", 1024},
              {"qwen3moe.attention.head_count_kv", 1024},
              {"qwen3moe.attention.key_length", 256},
              {"qwen3moe.expert_count", PV_MODEL_EXPERTS_MAX},
              {"qwen3moe.expert_used_count", PV_MODEL_EXPERTS_MAX},
              {"qwen3moe.expert_feed_forward_length", PV_MODEL_WIDTH_MAX},
              {"qwen3moe.context_length", 1u << 24}};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    with_value(keys[i].key, 0, 4, "outside 1..");
    with_value(keys[i].key, keys[i].max + 1u, 4, "outside 1..");
    with_value(keys[i].key, UINT32_MAX, 4, "4294967295, outside 1..");
  }
}

static void test_layers(void) {
  const uint32_t layers = shape_value("qwen3moe.block_count");
  char missing[64];
  snprintf(missing, sizeof missing, "tensor 'blk.%u.attn_norm.weight' is missing",
           (unsigned)layers);
  with_value("qwen3moe.block_count", layers + 1, 4, missing);
  with_value("qwen3moe.block_count", PV_MODEL_LAYERS_MAX, 4, missing);
  snprintf(missing, sizeof missing, "12 of 51, the first is 'blk.%u.attn_norm.weight'",
           (unsigned)layers - 1);
  with_value("qwen3moe.block_count", layers - 1, 4, missing);
}

static void test_experts(void) {
  const uint32_t experts = shape_value("qwen3moe.expert_count");
  with_value("qwen3moe.expert_used_count", experts + 1, 4, "more experts are used");
  with_value("qwen3moe.expert_count", experts + 1, 4, "the metadata ask for");
  with_value("qwen3moe.expert_count", experts - 1, 4, "the metadata ask for");
  with_value("qwen3moe.expert_feed_forward_length",
             shape_value("qwen3moe.expert_feed_forward_length") - 8, 4, "the metadata ask for");
}

static void test_heads(void) {
  const uint32_t heads = shape_value("qwen3moe.attention.head_count");
  with_value("qwen3moe.attention.head_count_kv", heads + 1, 4, "not a multiple of the key heads");
  with_value("qwen3moe.attention.key_length", 12, 4, "not a multiple of 8");
  const change wide = put(value_at("qwen3moe.attention.head_count"), 1024, 4);
  with_value("qwen3moe.attention.key_length", 256, 4, "wider than 65536");
  undo(wide);
}

static void test_reals(void) {
  static const uint32_t bits[] = {0x7fc00000u, 0x7f800000u, 0xff800000u};
  for (size_t i = 0; i < 3; i++) {
    with_value("qwen3moe.rope.freq_base", bits[i], 4, "not a finite number");
    with_value("qwen3moe.attention.layer_norm_rms_epsilon", bits[i], 4, "not a finite number");
  }
  with_value("qwen3moe.rope.freq_base", 0, 4, "outside (0, 1e+12]");
  with_value("qwen3moe.rope.freq_base", 0xbf800000u, 4, "is -1, outside");
  with_value("qwen3moe.rope.freq_base", 0x7f000000u, 4, "outside (0, 1e+12]");
  with_value("qwen3moe.attention.layer_norm_rms_epsilon", 0, 4, "outside (0, 1]");
  with_value("qwen3moe.attention.layer_norm_rms_epsilon", 0x40000000u, 4, "is 2, outside (0, 1]");
}

static void test_types_of_values(void) {
  const uint64_t layers = value_at("qwen3moe.block_count"),
                 base = value_at("qwen3moe.rope.freq_base");
  change done = put(layers - 4, PV_GGUF_F32, 4);
  refused("is of type f32, not an integer");
  undo(done);
  done = put(layers - 4, PV_GGUF_I32, 4);
  with_value("qwen3moe.block_count", UINT32_MAX, 4, "is negative (-1)");
  undo(done);
  done = put(base - 4, PV_GGUF_U32, 4);
  refused("is of type u32, not a real number");
  undo(done);
  done = put(value_at("general.architecture") + 8, 'Q', 1);
  refused("the model's architecture is 'Qwen3moe', not qwen3moe");
  undo(done);
}

static void test_keys_and_tensors_that_are_missing(void) {
  static const char *const keys[] = {"general.architecture", "qwen3moe.block_count",
                                     "qwen3moe.attention.head_count"};
  char words[96];
  for (size_t i = 0; i < 3; i++) { /* the last byte of the key stands before the type */
    const change done = put(value_at(keys[i]) - 5, 'X', 1);
    snprintf(words, sizeof words, "the model has no key '%s'", keys[i]);
    refused(words);
    undo(done);
  }
  static const char *const names[] = {"token_embd.weight", "output_norm.weight",
                                      "blk.0.attn_q.weight", "blk.1.ffn_down_exps.weight"};
  for (size_t i = 0; i < 4; i++) {
    const change done = put(entry_at(names[i]) - 1, 'X', 1);
    snprintf(words, sizeof words, "tensor '%s' is missing", names[i]);
    refused(words);
    undo(done);
  }
}

static void test_shapes_and_types_of_tensors(void) {
  uint64_t at = entry_at("blk.0.ffn_gate_exps.weight"); /* count, three dimensions, type */
  change done = put(at + 20, 1, 8);                     /* one expert only */
  refused("the metadata ask for");
  undo(done);
  done = put(at + 12, 1, 8); /* one row each */
  refused("the metadata ask for");
  undo(done);
  at = entry_at("blk.0.attn_norm.weight"); /* one dimension */
  done = put(at + 12, PV_TYPE_F16, 4);
  refused("vector 'blk.0.attn_norm.weight' is F16, not F32");
  undo(done);
}

int main(void) {
  if (pv_file_read(MODEL, (size_t)64 << 20, &file, NULL) != PV_OK) return 1;
  const int code =
      pv_testing_main("negative model", (pv_case[]){PV_CASE(test_sound_is_sound),
                                                    PV_CASE(test_counts),
                                                    PV_CASE(test_layers),
                                                    PV_CASE(test_experts),
                                                    PV_CASE(test_heads),
                                                    PV_CASE(test_reals),
                                                    PV_CASE(test_types_of_values),
                                                    PV_CASE(test_keys_and_tensors_that_are_missing),
                                                    PV_CASE(test_shapes_and_types_of_tensors),
                                                    PV_CASE(test_sound_is_sound),
                                                    {0}});
  pv_bytes_free(&file);
  return code;
}
