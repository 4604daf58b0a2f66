/* The tokenizer of the shared model against ids that two other implementations agree on. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/tokenizer/tokenizer.h"
#include "tests/unit/testing.h"

static json_t *manifest;
static pv_gguf *gguf;
static pv_tokenizer *tok;

/* Opens both once; false (and skipped or failed) without the shared folder. */
static bool golden(void) {
  const char *shared = pv_testing_shared();
  if (tok != NULL) return true;
  if (shared == NULL) {
    pv_testing_skip("no shared folder");
    return false;
  }
  char path[4096];
  json_error_t json_error;
  pv_error err = PV_ERROR_INIT;
  snprintf(path, sizeof path, "%s/golden/manifest.json", shared);
  manifest = json_load_file(path, 0, &json_error);
  if (!EXPECT(manifest != NULL)) return false;
  snprintf(path, sizeof path, "%s/models/tiny-coder-moe-Q4_K_M.gguf", shared);
  if (EXPECT(pv_gguf_open(path, &gguf, &err) == PV_OK))
    EXPECT(pv_tokenizer_open(gguf, &tok, &err) == PV_OK);
  if (tok == NULL) pv_error_print(&err, stderr);
  return tok != NULL;
}

static void check(const char *text, size_t length, const json_t *want) {
  uint32_t *ids = NULL;
  size_t count = 0;
  pv_error err = PV_ERROR_INIT;
  pv_text back = PV_TEXT_INIT;
  if (!EXPECT(pv_tokenizer_encode(tok, text, length, true, &ids, &count, &err) == PV_OK)) return;
  if (EXPECT_U64(count, json_array_size(want)))
    for (size_t i = 0; i < count; i++)
      EXPECT_I64(ids[i], json_integer_value(json_array_get(want, i)));
  EXPECT(pv_tokenizer_decode(tok, ids, count, &back, &err) == PV_OK);
  if (EXPECT_U64(back.length, length) && length > 0) EXPECT_BYTES(back.data, text, length);
  pv_text_free(&back);
  free(ids);
}

static void test_probes(void) {
  if (!golden()) return;
  json_t *probes = json_object_get(manifest, "tokenizer_probe");
  const char *text;
  json_t *ids;
  EXPECT_U64(json_object_size(probes), 22);
  json_object_foreach(probes, text, ids) check(text, strlen(text), ids);
}

static void test_prompts(void) {
  if (!golden()) return;
  const json_t *prompts = json_object_get(manifest, "prompts");
  EXPECT_U64(json_array_size(prompts), 9);
  for (size_t i = 0; i < json_array_size(prompts); i++) {
    const json_t *prompt = json_array_get(prompts, i), *text = json_object_get(prompt, "text");
    check(json_string_value(text), json_string_length(text), json_object_get(prompt, "ids"));
  }
}

/* The reference's continuation is text as well: what it wrote must decode to what it printed. */
static void test_continuations(void) {
  if (!golden()) return;
  const json_t *prompts = json_object_get(manifest, "prompts");
  unsigned compared = 0;
  for (size_t i = 0; i < json_array_size(prompts); i++) {
    const json_t *prompt = json_array_get(prompts, i);
    const json_t *list = json_object_get(prompt, "hf_greedy_32");
    const char *want = json_string_value(json_object_get(prompt, "hf_greedy_text"));
    uint32_t ids[32];
    if (list == NULL || want == NULL) continue;
    REQUIRE(json_array_size(list) == 32);
    for (size_t k = 0; k < 32; k++) ids[k] = (uint32_t)json_integer_value(json_array_get(list, k));
    pv_text text = PV_TEXT_INIT;
    EXPECT(pv_tokenizer_decode(tok, ids, 32, &text, NULL) == PV_OK);
    EXPECT_STR(text.data, want);
    pv_text_free(&text);
    compared++;
  }
  EXPECT_U64(compared, 8);
}

static void test_named_ids(void) {
  if (!golden()) return;
  uint32_t id = 0;
  EXPECT_U64(pv_tokenizer_count(tok), 4096);
  EXPECT(pv_tokenizer_bos(tok, &id));
  EXPECT_U64(id, 4094);
  id = 0;
  EXPECT(pv_tokenizer_eos(tok, &id));
  EXPECT_U64(id, 4094);
}

/* Without `specials` the control token is plain text: it takes several ids and comes back whole. */
static void test_control_tokens_as_text(void) {
  if (!golden()) return;
  static const char text[] = "<|endoftext|>";
  uint32_t *ids = NULL;
  size_t count = 0;
  pv_text back = PV_TEXT_INIT;
  REQUIRE(pv_tokenizer_encode(tok, text, sizeof text - 1, false, &ids, &count, NULL) == PV_OK);
  EXPECT(count > 1);
  for (size_t i = 0; i < count; i++) EXPECT(ids[i] < 4094);
  EXPECT(pv_tokenizer_decode(tok, ids, count, &back, NULL) == PV_OK);
  EXPECT_STR(back.data, text);
  pv_text_free(&back);
  free(ids);
}

static void test_close(void) {
  pv_tokenizer_close(tok);
  pv_gguf_close(gguf);
  json_decref(manifest);
  EXPECT(true);
}

int main(void) {
  return pv_testing_main("tokenizer/golden", (pv_case[]){PV_CASE(test_probes),
                                                         PV_CASE(test_prompts),
                                                         PV_CASE(test_continuations),
                                                         PV_CASE(test_named_ids),
                                                         PV_CASE(test_control_tokens_as_text),
                                                         PV_CASE(test_close),
                                                         {0}});
}
