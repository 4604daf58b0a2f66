/* Every allocation fails while something from a stranger is read: a model, its tokenizer, YAML, a
 * contract, its rules. */
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "runtime/model/model.h"
#include "runtime/tokenizer/tokenizer.h"
#include "tests/fault/each.h"
#include "tests/fault/failing.h"
#include "tests/unit/base/folder.h"
#include "tests/unit/gguf/build.h"
#include "tests/unit/known.h"
#include "tests/unit/model/variant.h"
#include "tests/unit/rules/sample.h"
#include "tests/unit/testing.h"
#include "tests/unit/tokenizer/vocab_file.h"
#include "validator/model/contract_load.h"
#include "validator/rules/rules.h"

#define CONTRACT "contracts/moe-router-v1.yaml"
#define MODEL    "models/tiny-coder-moe-Q4_K_M.gguf"

void *__real_malloc(size_t size); /* of the linker */

static pv_text gguf_file;
static pv_bytes contract_file;
static pv_contract *dependent, *faulty;
static pv_yaml_node *old_root;

static bool ended(pv_code code, const pv_error *err) {
  if (code != PV_OK) EXPECT(code == PV_ERR_NOMEM && err->code == code);
  return code == PV_OK;
}

static bool gguf_work(void) {
  pv_gguf *gguf = NULL;
  const pv_gguf_string *strings = NULL;
  uint64_t count = 0;
  pv_error err = PV_ERROR_INIT;
  pv_code code = pv_gguf_parse(gguf_file.data, gguf_file.length, "sound", &gguf, &err);
  EXPECT((code == PV_OK) == (gguf != NULL));
  if (code == PV_OK) code = pv_gguf_get_strings(gguf, "words", &strings, &count, &err);
  EXPECT(code != PV_OK || count == 2);
  pv_gguf_close(gguf);
  return ended(code, &err);
}

/* A model in two parts. */
static pv_text set_files[2];
static bool set_work(void) {
  pv_gguf *gguf = NULL;
  pv_error err = PV_ERROR_INIT;
  const pv_gguf_bytes_of parts[2] = {{set_files[0].data, set_files[0].length, "first"},
                                     {set_files[1].data, set_files[1].length, "second"}};
  const pv_code code = pv_gguf_parse_set(parts, 2, &gguf, &err);
  EXPECT((code == PV_OK) == (gguf != NULL));
  EXPECT(gguf == NULL || pv_gguf_tensor_count(gguf) == 2);
  pv_gguf_close(gguf);
  return ended(code, &err);
}
static void test_set(void) {
  for (uint32_t i = 0; i < 2; i++) {
    pv_text *out = &set_files[i];
    gb_header(out, 1, 3);
    gb_key_u32(out, "split.no", i);
    gb_key_u32(out, "split.count", 2);
    gb_key_u32(out, "split.tensors.count", 2);
    gb_tensor(out, i == 0 ? "a" : "b", 4, 2, 0, PV_TYPE_F32, 0);
    gb_data(out, 32, 32);
  }
  each_allocation(set_work, 15);
  for (uint32_t i = 0; i < 2; i++) pv_text_free(&set_files[i]);
}

static bool model_work(void) {
  pv_model *model = NULL;
  pv_tokenizer *tokenizer = NULL;
  pv_error err = PV_ERROR_INIT;
  uint32_t *ids = NULL;
  size_t count = 0;
  pv_text text = PV_TEXT_INIT;
  pv_code code = pv_model_open(MODEL, &model, &err);
  EXPECT((code == PV_OK) == (model != NULL));
  if (model != NULL) code = pv_tokenizer_open(model->gguf, &tokenizer, &err);
  EXPECT((code == PV_OK) == (tokenizer != NULL));
  if (code == PV_OK)
    code = pv_tokenizer_prompt(tokenizer, "class e\u0301\u0323:", 12, true, &ids, &count, &err);
  EXPECT((code == PV_OK) == (count > 0));
  free(ids);
  pv_text_free(&text);
  pv_tokenizer_close(tokenizer);
  pv_model_close(model);
  return ended(code, &err);
}

static pv_text scored_file;
static bool scored_work(void) {
  pv_gguf *gguf = NULL;
  pv_tokenizer *tokenizer = NULL;
  pv_error err = PV_ERROR_INIT;
  uint32_t *ids = NULL;
  size_t count = 0;
  pv_text text = PV_TEXT_INIT;
  pv_code code = pv_gguf_parse(scored_file.data, scored_file.length, "scored", &gguf, &err);
  if (code == PV_OK) code = pv_tokenizer_open(gguf, &tokenizer, &err);
  EXPECT((code == PV_OK) == (tokenizer != NULL));
  if (code == PV_OK)
    code = pv_tokenizer_prompt(tokenizer, "hello</s>\xe2\x96\x81x", 13, true, &ids, &count, &err);
  EXPECT((code == PV_OK) == (count > 0));
  if (code == PV_OK) code = pv_tokenizer_decode(tokenizer, ids, count, &text, &err);
  free(ids);
  pv_text_free(&text);
  pv_tokenizer_close(tokenizer);
  pv_gguf_close(gguf);
  return ended(code, &err);
}
static void test_scored(void) {
  const pv_vocab vocab = pv_vocab_scored();
  pv_vocab_write(&vocab, &scored_file);
  each_allocation(scored_work, 15);
  pv_text_free(&scored_file);
}

static bool contract_work(void) {
  pv_arena arena = PV_ARENA_INIT;
  pv_contract *c = NULL;
  pv_findings findings = {0};
  pv_error err = PV_ERROR_INIT;
  pv_code code =
      pv_contract_load_bytes(&arena, CONTRACT, contract_file.data, contract_file.length, &c, &err);
  EXPECT((code == PV_OK) == (c != NULL));
  if (code == PV_OK) code = pv_rules_run(&arena, testing_known(), c, &findings, &err);
  if (code == PV_OK) EXPECT_U64(findings.count, 0);
  pv_arena_free(&arena);
  return ended(code, &err);
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
  pv_code code =
      pv_contract_load_bytes(&arena, "contracts/sample.yaml", wrong, sizeof wrong - 1, &c, &err);
  if (code == PV_OK) code = pv_rules_run(&arena, testing_known(), c, &findings, &err);
  if (code == PV_OK) EXPECT_U64(findings.severe, 5);
  pv_arena_free(&arena);
  return ended(code, &err);
}

/* Its dependencies are read while it is judged. */
static bool dependent_work(void) {
  pv_arena arena = PV_ARENA_INIT;
  pv_findings findings = {0};
  pv_error err = PV_ERROR_INIT;
  const pv_code code = pv_rules_run(&arena, testing_known(), dependent, &findings, &err);
  EXPECT_U64(findings.count, 0);
  pv_arena_free(&arena);
  return ended(code, &err);
}

/* An arena asks for memory when its block is full: `left` bytes of the block are free when the work
 * begins, so that each of its own allocations, however small, is one time the one that asks. */
enum { BLOCK_BYTES = 64 << 10, GRAIN = 16, DEPTH = 1024 };
static size_t left;

static bool fill(pv_arena *arena) {
  return pv_arena_alloc(arena, BLOCK_BYTES - left, 1) != NULL;
}

static unsigned asked_by(each_work work, size_t bytes) {
  left = bytes;
  failing_begin(UINT_MAX, false);
  EXPECT(work());
  return failing_end();
}

/* From where everything fits downwards; `sizes`: different amounts that the work takes, at least.
 */
static void each_room(each_work work, unsigned sizes) {
  const unsigned least = asked_by(work, BLOCK_BYTES - GRAIN);
  size_t enough = 0;
  while (asked_by(work, enough) > least) enough += GRAIN;
  REQUIRE(enough > (size_t)GRAIN * sizes);
  for (unsigned i = 1; i <= DEPTH && enough >= (size_t)GRAIN * i; i++) {
    EXPECT(asked_by(work, enough - (size_t)GRAIN * i) > least);
    each_allocation(work, 2);
  }
}

static bool yaml_work(void) {
  static const char text[] = "one: [a, 'b', {c: d}]\ntwo: |\n  e\nthree: {f: g, h: i}\n";
  pv_arena arena = PV_ARENA_INIT;
  pv_yaml_node *root = NULL;
  pv_error err = PV_ERROR_INIT;
  pv_code code = fill(&arena) ? PV_OK : pv_error_set(&err, PV_ERR_NOMEM, "no room");
  if (code == PV_OK) code = pv_yaml_parse(&arena, "file.yaml", text, sizeof text - 1, &root, &err);
  EXPECT((code == PV_OK) == (root != NULL));
  if (code == PV_OK) EXPECT_STR(pv_yaml_get(pv_yaml_get(root, "three"), "h")->text, "i");
  pv_arena_free(&arena);
  return ended(code, &err);
}

/* Everything that is found is whole, and whole is what is found on success. */
static bool judged(pv_code code, const pv_findings *findings, size_t count, const pv_error *err) {
  EXPECT(code != PV_OK || findings->count == count);
  for (size_t i = 0; i < findings->count; i++) {
    const pv_finding *f = &findings->items[i];
    EXPECT(f->file != NULL && f->message != NULL && f->hint != NULL);
  }
  return ended(code, err);
}

static const char wrong_contract[] =
    "schema: pv/contract/v1\nmetadata:\n  name: bad name\n  version: \"1.0.0\"\n  kind: k\n"
    "  status: PROPOSED\n  created: \"2026-11-22\"\n  author: a\n  description: d\n"
    "  depends_on: [nowhere-1, nowhere-2]\n  known_divergence: [X_1, X_2]\n"
    "  amendment_history:\n"
    "    - {version: 1.0.0, date: 2026-11-20, kind: k, title: t, evidence: none-1}\n"
    "    - {version: 1.0.0, date: 2026-11-21, kind: k, title: t, evidence: none-2}\n"
    "    - {version: 1.0.0, date: 2026-11-20, kind: k, title: t}\n"
    "acceptance_criteria:\n  - {id: A 1, property: p, needed_for: DEPRECATED}\n"
    "  - {id: A 2, property: p, needed_for: DEPRECATED}\n"
    "falsification_tests:\n"
    "  - {id: F 1, rule: r, criteria: [A_8, A_9], check: ptx.flow, with: {a: 1, b: 2},\n"
    "     faults: [x, x, x]}\n"
    "  - {id: F_2, rule: r, criteria: [], check: no.check}\n"
    "implementation_stages:\n  - {id: s 1, criteria: [x, x], description: d}\n"
    "  - {id: s 2, criteria: [], description: d}\n";

static bool wrong_work(void) {
  pv_arena arena = PV_ARENA_INIT;
  pv_findings findings = {0};
  pv_error err = PV_ERROR_INIT;
  pv_code code = fill(&arena) ? PV_OK : pv_error_set(&err, PV_ERR_NOMEM, "no room");
  if (code == PV_OK) code = pv_rules_run(&arena, testing_known(), faulty, &findings, &err);
  const bool good = judged(code, &findings, 33, &err);
  pv_arena_free(&arena);
  return good;
}

static const char wrong_dialect[] =
    "metadata:\n  version: \"1.0.0\"\nversion: \"2.0.0\"\n"
    "proof_obligations:\n  - {property: p, status: proven, verified: 3}\n  - {id: OB-1}\n"
    "falsification_tests:\n  - {id: T-1, test: Requires an API}\n  - {id: T-1}\n"
    "kani_harnesses:\n  - {id: T-1, obligation: OB-7}\n  - {id: K-1}\n";

static bool dialect_work(void) {
  pv_arena arena = PV_ARENA_INIT;
  pv_findings findings = {0};
  pv_error err = PV_ERROR_INIT;
  pv_code code = fill(&arena) ? PV_OK : pv_error_set(&err, PV_ERR_NOMEM, "no room");
  if (code == PV_OK) code = pv_rules_dialect(&arena, "old.yaml", old_root, &findings, &err);
  const bool good = judged(code, &findings, 12, &err);
  pv_arena_free(&arena);
  return good;
}

/* Believed whole, or not at all. */
static bool known_work(void) {
  pv_arena arena = PV_ARENA_INIT;
  const pv_known *known = NULL;
  pv_error err = PV_ERROR_INIT;
  const pv_code code = pv_known_read(&arena, known_sound, strlen(known_sound), &known, &err);
  EXPECT((code == PV_OK) == (known != NULL));
  pv_arena_free(&arena);
  return ended(code, &err);
}

static void test_known(void) {
  json_set_alloc_funcs(malloc, free);
  each_allocation(known_work, 10);
  json_set_alloc_funcs(__real_malloc, free);
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
static void test_dependencies(void) {
  pv_arena arena = PV_ARENA_INIT;
  REQUIRE(folder_make() != NULL);
  sample_put("sample", "  depends_on: [near]\n");
  sample_put("near", "  depends_on: [far, farther]\n");
  sample_put("far", "");
  REQUIRE(
      EXPECT_I64(pv_contract_load(&arena, folder_path("sample.yaml"), &dependent, NULL), PV_OK));
  each_allocation(dependent_work, 100);
  pv_arena_free(&arena);
  folder_remove();
}
static void test_yaml(void) {
  each_room(yaml_work, 30);
}
static void test_findings(void) {
  pv_arena arena = PV_ARENA_INIT;
  REQUIRE(EXPECT_I64(pv_contract_load_bytes(&arena, "contracts/none.yaml", wrong_contract,
                                            sizeof wrong_contract - 1, &faulty, NULL),
                     PV_OK));
  each_room(wrong_work, 100);
  pv_arena_free(&arena);
}
static void test_dialect(void) {
  pv_arena arena = PV_ARENA_INIT;
  REQUIRE(EXPECT_I64(
      pv_yaml_parse(&arena, "old.yaml", wrong_dialect, sizeof wrong_dialect - 1, &old_root, NULL),
      PV_OK));
  each_room(dialect_work, 50);
  pv_arena_free(&arena);
}

/* A refusal that can not be worded for want of memory is no refusal of the model. */
static const char *refused_words;
static pv_text refused_bytes;
static bool refused_work(void) {
  pv_gguf *gguf = NULL;
  pv_model *model = NULL;
  pv_error err = PV_ERROR_INIT;
  pv_code code = pv_gguf_parse(refused_bytes.data, refused_bytes.length, "refused", &gguf, &err);
  if (code == PV_OK) code = pv_model_from_gguf(gguf, &model, &err);
  EXPECT(model == NULL && err.code == code && err.message[0] != '\0');
  pv_gguf_close(gguf);
  const bool worded = code == PV_ERR_UNSUPPORTED && strstr(err.message, refused_words) != NULL;
  EXPECT(worded || code == PV_ERR_NOMEM);
  return worded;
}
static void test_refused(void) {
  REQUIRE(variant_begin());
  pv_text pair = variant_pair("qwen3moe.rope.scaling.type", "str", "\x1b[2J yarn");
  refused_bytes = variant_with("qwen3moe.rope.scaling.type", &pair);
  refused_words = "rope.scaling.type is '\\x1b[2J yarn'";
  each_allocation(refused_work, 8);
  pv_text_free(&pair);
  pv_text_free(&refused_bytes);
  refused_bytes = variant_typed("blk.1.ffn_up_exps.weight", 21);
  refused_words = "(of 51 tensors: 1 IQ3_S)";
  each_allocation(refused_work, 8);
  pv_text_free(&refused_bytes);
  variant_end();
}

/* The mapping and its file. */
static bool open_work(void) {
  pv_model *model = NULL;
  pv_error err = PV_ERROR_INIT;
  const pv_code code = pv_model_open(MODEL, &model, &err);
  EXPECT((code == PV_OK) == (model != NULL));
  if (code != PV_OK) EXPECT(err.code == code && err.message[0] != '\0');
  pv_model_close(model);
  return code == PV_OK;
}
static bool load_work(void) {
  pv_arena arena = PV_ARENA_INIT;
  pv_contract *c = NULL;
  pv_error err = PV_ERROR_INIT;
  const pv_code code = pv_contract_load(&arena, CONTRACT, &c, &err);
  if (code != PV_OK) EXPECT(err.code == code && err.message[0] != '\0');
  if (code == PV_OK)
    EXPECT(c->length == contract_file.length &&
           memcmp(c->bytes, contract_file.data, c->length) == 0);
  pv_arena_free(&arena);
  return code == PV_OK;
}
static void test_open(void) {
  each_call(open_work, 3);
  each_call(load_work, 5);
}

int main(void) {
  testing_known(); /* before anything fails */
  gb_sound(&gguf_file);
  if (pv_file_read(CONTRACT, 1 << 20, &contract_file, NULL) != PV_OK) return 1;
  const int code = pv_testing_main("fault input", (pv_case[]){PV_CASE(test_gguf),
                                                              PV_CASE(test_set),
                                                              PV_CASE(test_model),
                                                              PV_CASE(test_scored),
                                                              PV_CASE(test_contract),
                                                              PV_CASE(test_bad_contract),
                                                              PV_CASE(test_dependencies),
                                                              PV_CASE(test_yaml),
                                                              PV_CASE(test_findings),
                                                              PV_CASE(test_dialect),
                                                              PV_CASE(test_refused),
                                                              PV_CASE(test_known),
                                                              PV_CASE(test_open),
                                                              {0}});
  printf("%u failures injected\n", each_injected());
  pv_bytes_free(&contract_file);
  pv_text_free(&gguf_file);
  return code;
}
