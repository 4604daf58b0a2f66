/* Maps from an engine's nodes to stages: those that are shipped, and those that are refused. */
#include <stdio.h>
#include <string.h>

#include "runtime/trace/map.h"
#include "tests/unit/testing.h"

#define HEAD "{\"schema\": \"pv/map/v1\", \"engine\": \"e\", \"nodes\": {"

static pv_code parse(const char *text, pv_trace_map **out, pv_error *err) {
  return pv_trace_map_parse("e/map.json", text, strlen(text), out, err);
}

static void test_shipped(void) {
  static const struct {
    const char *path, *node, *stage;
    int64_t layer;
  } table[] = {{"engines/llama.cpp/map.json", "l_out-47", "ffn_residual", 47},
               {"engines/llama.cpp/map.json", "result_output", "logits", -1},
               {"engines/ik_llama.cpp/map.json", "Qcur_roped-3", "q_rope", 3},
               {"engines/huggingface/map.json", "model.layers.12", "ffn_residual", 12},
               {"engines/huggingface/map.json", "model.layers.0.self_attn.q_proj", "q", 0},
               {"engines/huggingface/map.json", "lm_head", "logits", -1}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    pv_trace_map *map = NULL;
    pv_error err = PV_ERROR_INIT;
    const char *stage = NULL;
    int64_t layer = 0;
    if (!EXPECT_I64(pv_trace_map_open(table[i].path, &map, &err), PV_OK)) continue;
    EXPECT_U64(pv_trace_map_find(map, table[i].node, &stage, &layer), 1);
    EXPECT_STR(stage, table[i].stage);
    EXPECT_I64(layer, table[i].layer);
    pv_trace_map_close(map);
  }
}

static void test_names(void) {
  static const char *const none[] = {"a-",   "a-1x", "a-01", "a-+1", "a-99999999999",
                                     "xa-1", "a",    "b1",   "bb",   ""};
  pv_trace_map *map = NULL;
  pv_error err = PV_ERROR_INIT;
  const char *stage = NULL;
  int64_t layer = 0;
  REQUIRE(EXPECT_I64(
      parse(HEAD "\"a-{layer}\": \"q\", \"b\": \"logits\", \"{layer}.c\": \"k\", \"1{layer}.c\": "
                 "\"v\"}}",
            &map, &err),
      PV_OK));
  for (size_t i = 0; i < sizeof none / sizeof *none; i++)
    EXPECT_U64(pv_trace_map_find(map, none[i], &stage, &layer), 0);
  EXPECT_U64(pv_trace_map_find(map, "a-10", &stage, &layer), 1);
  EXPECT_I64(layer, 10);
  EXPECT_U64(pv_trace_map_find(map, "2.c", &stage, &layer), 1);
  EXPECT_STR(stage, "k");
  EXPECT_U64(pv_trace_map_find(map, "12.c", &stage, &layer), 2); /* layer 12 of k, or 2 of v? */
  EXPECT_STR(stage, "k");
  EXPECT_U64(strlen(pv_trace_map_sha256(map)), 64);
  pv_trace_map_close(map);
}

static void test_refused(void) {
  static const struct {
    const char *text, *why;
  } table[] = {
      {"", "is no JSON"},
      {"{\"schema\"", "is no JSON"},
      {"[]", "is no pv/map/v1"},
      {"{\"schema\": \"pv/map/v2\", \"nodes\": {\"b\": \"logits\"}}", "is no pv/map/v1"},
      {HEAD "}}", "is no pv/map/v1 with nodes"},
      {HEAD "\"b\": \"logit\"}}", "node 'b' is mapped to 'logit', which is no stage"},
      {HEAD "\"b\": 3}}", "node 'b' is mapped to '', which is no stage"},
      {HEAD "\"b\": \"q\"}}", "node 'b' lacks {layer}, and 'q' is a stage of each layer"},
      {HEAD "\"b{layer}\": \"logits\"}}",
       "has {layer}, and 'logits' is a stage outside the layers"},
      {HEAD "\"{layer}b{layer}\": \"q\"}}", "node '{layer}b{layer}' has {layer} twice"},
      {HEAD "\"a{layer}\": \"q\", \"b{layer}\": \"q\"}}",
       "node 'b{layer}' is mapped to 'q', as 'a{layer}' is"},
      {HEAD "\"b\": \"logits\", \"b\": \"logits\"}}", "duplicate"},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    pv_trace_map *map = NULL;
    pv_error err = PV_ERROR_INIT;
    EXPECT_I64(parse(table[i].text, &map, &err), PV_ERR_INPUT);
    EXPECT(map == NULL);
    EXPECT_HAS(err.message, table[i].why);
    EXPECT_STR(err.file, "e/map.json");
  }
  pv_error err = PV_ERROR_INIT;
  pv_trace_map *map = NULL;
  EXPECT_I64(pv_trace_map_open("nowhere.json", &map, &err), PV_ERR_IO);
}

int main(void) {
  return pv_testing_main(
      "trace map",
      (pv_case[]){PV_CASE(test_shipped), PV_CASE(test_names), PV_CASE(test_refused), {0}});
}
