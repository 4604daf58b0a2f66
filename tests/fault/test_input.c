/* Every allocation fails while something from a stranger is read: a model, its tokenizer, YAML, a
 * contract, its rules. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/file.h"
#include "runtime/model/model.h"
#include "runtime/tokenizer/tokenizer.h"
#include "tests/fault/each.h"
#include "tests/unit/gguf/build.h"
#include "tests/unit/testing.h"
#include "validator/model/contract_load.h"
#include "validator/rules/rules.h"

#define CONTRACT "contracts/moe-router-v1.yaml"
#define MODEL    "models/tiny-coder-moe-Q4_K_M.gguf"

static pv_text gguf_file;
static pv_bytes contract_file;

static bool ended(pv_status status, const pv_error *err) {
  if (status != PV_OK) EXPECT(status == PV_ERR_NOMEM && err->status == status);
  return status == PV_OK;
}

static bool gguf_work(void) {
  pv_gguf *gguf = NULL;
  const pv_gguf_string *strings = NULL;
  uint64_t count = 0;
  pv_error err = PV_ERROR_INIT;
  pv_status status = pv_gguf_parse(gguf_file.data, gguf_file.length, "sound", &gguf, &err);
  EXPECT((status == PV_OK) == (gguf != NULL));
  if (status == PV_OK) status = pv_gguf_get_strings(gguf, "words", &strings, &count, &err);
  EXPECT(status != PV_OK || count == 2);
  pv_gguf_close(gguf);
  return ended(status, &err);
}

static bool model_work(void) {
  pv_model *model = NULL;
  pv_tokenizer *tokenizer = NULL;
  pv_error err = PV_ERROR_INIT;
  uint32_t *ids = NULL;
  size_t count = 0;
  pv_text text = PV_TEXT_INIT;
  pv_status status = pv_model_open(MODEL, &model, &err);
  EXPECT((status == PV_OK) == (model != NULL));
  if (status == PV_OK) status = pv_tokenizer_open(model->gguf, &tokenizer, &err);
  EXPECT((status == PV_OK) == (tokenizer != NULL));
  if (status == PV_OK)
    status = pv_tokenizer_encode(tokenizer, "class Stack:", 12, true, &ids, &count, &err);
  EXPECT((status == PV_OK) == (count > 0));
  free(ids);
  pv_text_free(&text);
  pv_tokenizer_close(tokenizer);
  pv_model_close(model);
  return ended(status, &err);
}

static bool contract_work(void) {
  pv_arena arena = PV_ARENA_INIT;
  pv_contract *c = NULL;
  pv_findings findings = {0};
  pv_error err = PV_ERROR_INIT;
  pv_status status =
      pv_contract_load_bytes(&arena, CONTRACT, contract_file.data, contract_file.length, &c, &err);
  EXPECT((status == PV_OK) == (c != NULL));
  if (status == PV_OK) status = pv_rules_run(&arena, c, &findings, &err);
  if (status == PV_OK) EXPECT_U64(findings.count, 0);
  pv_arena_free(&arena);
  return ended(status, &err);
}

/* Found wanting, or not judged: never found good because there was no room for the finding. */
static bool bad_contract_work(void) {
  static const char wrong[] =
      "schema: pv/contract/v1\nmetadata:\n  name: other\n  version: \"1.0\"\n  kind: k\n"
      "  status: PROPOSED\n  created: \"2026-13-01\"\n  author: a\n  description: d\n"
      "  amendment_history:\n    - {version: \"1.0.0\", date: \"2026-11-20\", kind: k, title: t}\n"
      "acceptance_criteria:\n  - {id: AC_1, property: p, needed_for: PROPOSED}\n"
      "falsification_tests:\n  - {id: F_1, rule: r, criteria: [AC_9], check: gemv.exakt}\n";
  pv_arena arena = PV_ARENA_INIT;
  pv_contract *c = NULL;
  pv_findings findings = {0};
  pv_error err = PV_ERROR_INIT;
  pv_status status =
      pv_contract_load_bytes(&arena, "contracts/sample.yaml", wrong, sizeof wrong - 1, &c, &err);
  if (status == PV_OK) status = pv_rules_run(&arena, c, &findings, &err);
  if (status == PV_OK) EXPECT_U64(findings.severe, 5);
  pv_arena_free(&arena);
  return ended(status, &err);
}

static bool dialect_work(void) {
  static const char text[] =
      "metadata:\n  version: \"1.0.0\"\nversion: \"2.0.0\"\nproof_obligations:\n  - id: OB-1\n"
      "    property: p\n    status: proven\nfalsification_tests:\n  - id: T-1\n    rule: OB-7\n"
      "    test: Requires an API\n  - id: T-1\n";
  pv_arena arena = PV_ARENA_INIT;
  pv_yaml_node *root = NULL;
  pv_findings findings = {0};
  pv_error err = PV_ERROR_INIT;
  pv_status status = pv_yaml_parse(&arena, "old.yaml", text, sizeof text - 1, &root, &err);
  EXPECT((status == PV_OK) == (root != NULL));
  if (status == PV_OK) status = pv_rules_dialect(&arena, "old.yaml", root, &findings, &err);
  if (status == PV_OK) EXPECT(findings.count > 4);
  pv_arena_free(&arena);
  return ended(status, &err);
}

static void test_gguf(void) {
  each_allocation(gguf_work, 8);
}
static void test_model(void) {
  each_allocation(model_work, 20);
}
static void test_contract(void) {
  each_allocation(contract_work, 100);
}
static void test_bad_contract(void) {
  each_allocation(bad_contract_work, 50);
}
static void test_dialect(void) {
  each_allocation(dialect_work, 20);
}

/* The mapping and its file. */
static bool open_work(void) {
  pv_model *model = NULL;
  pv_error err = PV_ERROR_INIT;
  const pv_status status = pv_model_open(MODEL, &model, &err);
  EXPECT((status == PV_OK) == (model != NULL));
  if (status != PV_OK) EXPECT(err.status == status && err.message[0] != '\0');
  pv_model_close(model);
  return status == PV_OK;
}
static bool load_work(void) {
  pv_arena arena = PV_ARENA_INIT;
  pv_contract *c = NULL;
  pv_error err = PV_ERROR_INIT;
  const pv_status status = pv_contract_load(&arena, CONTRACT, &c, &err);
  if (status != PV_OK) EXPECT(err.status == status && err.message[0] != '\0');
  if (status == PV_OK)
    EXPECT(c->length == contract_file.length &&
           memcmp(c->bytes, contract_file.data, c->length) == 0);
  pv_arena_free(&arena);
  return status == PV_OK;
}
static void test_open(void) {
  each_call(open_work, 3);
  each_call(load_work, 5);
}

int main(void) {
  gb_sound(&gguf_file);
  if (pv_file_read(CONTRACT, 1 << 20, &contract_file, NULL) != PV_OK) return 1;
  const int code = pv_testing_main("fault input", (pv_case[]){PV_CASE(test_gguf),
                                                              PV_CASE(test_model),
                                                              PV_CASE(test_contract),
                                                              PV_CASE(test_bad_contract),
                                                              PV_CASE(test_dialect),
                                                              PV_CASE(test_open),
                                                              {0}});
  printf("%u failures injected\n", each_injected());
  pv_bytes_free(&contract_file);
  pv_text_free(&gguf_file);
  return code;
}
