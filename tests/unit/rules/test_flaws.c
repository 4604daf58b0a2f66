/* What is wrong with a file is told in one reading: missing keys, unknown ones, wrong kinds. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/rules/sample.h"
#include "tests/unit/testing.h"
#include "validator/model/contract_load.h"

#define PATH SAMPLE_PATH
#define IN_METADATA(place)                                                      \
  "PV011 " place                                                                \
  " metadata has no 'name', 'version', 'kind', 'status', 'created', 'author', " \
  "'description', 'amendment_history'\n"                                        \
  "PV011 " place " an amendment has no 'version', 'date', 'kind', 'title'\n"
#define IN_CRITERION(place) "PV011 " place " a criterion has no 'id', 'property', 'needed_for'\n"
#define IN_FALSIFIER(place) "PV011 " place " a falsifier has no 'id', 'rule', 'criteria', 'check'\n"

static void test_missing_keys(void) {
  /* What the entries of a list need is told although there is no list. */
  sample_expect(PATH, "schema: pv/contract/v1\n",
                "PV011 1:1 a contract has no 'metadata', 'acceptance_criteria', "
                "'falsification_tests'\n" IN_METADATA("1:1") IN_CRITERION("1:1")
                    IN_FALSIFIER("1:1"));
  sample_expect(PATH,
                "schema: pv/contract/v1\nmetadata: {}\nacceptance_criteria: [{}, {id: A}]\n"
                "falsification_tests:\n  - {}\n  - {id: F, rule: r, criteria: [A]}\n"
                "implementation_stages: [{}]\nmodel: {}\nqa_gate: {}\nequations: {e: {}}\n",
                IN_METADATA("2:11") "PV011 8:8 model has no 'sha256', 'made_by'\n"
                                    "PV011 10:16 an equation has no 'formula'\n" IN_CRITERION(
                                        "3:23") "PV011 3:27 a criterion has no 'property', "
                                                "'needed_for'\n" IN_FALSIFIER("5:5")
                    "PV011 6:5 a falsifier has no 'check'\n"
                    "PV011 7:25 an implementation stage has no 'id', 'description', 'criteria'\n"
                    "PV011 9:10 qa_gate has no 'id', 'name', 'pass_criteria'\n");
}

static void test_wrong_kinds_and_unknown_keys(void) {
  static const char *const changes[] = {"  kind: kernel\n",
                                        "  kin: kernel\n",
                                        "status: PROPOSED",
                                        "status: SHIPPED",
                                        "property: it holds",
                                        "property: [it, holds]",
                                        "criteria: [AC_1]",
                                        "criteria: AC_1",
                                        "{type: Q6_K}",
                                        "{type: {a: b}, other: [[], x]}",
                                        "if_fails: look",
                                        "timeout_s: soon\n    if_fails: look",
                                        "  - id: first",
                                        "  - first\n  - id: \"\"",
                                        "    criteria: []\n",
                                        "    status: DONE\n    expected_acceptance: all\n",
                                        NULL};
  pv_text text = PV_TEXT_INIT;
  sample_edit(&text, sample_sound, changes);
  sample_expect(PATH, text.data,
                "PV010 5:3 metadata has no key 'kin'\n"
                "PV011 3:3 metadata has no 'kind'\n"
                "PV013 6:11 status 'SHIPPED' is no status\n"
                "PV012 17:15 property of a criterion is a list, not a text\n"
                "PV012 23:15 criteria of a falsifier is a text, not a list\n"
                "PV012 25:18 parameter 'type' is a mapping\n"
                "PV012 25:34 an entry of other is no text\n"
                "PV014 27:16 timeout_s 'soon' is no number of seconds from 0 to 86400\n"
                "PV012 30:5 an implementation stage is a text, not a mapping\n"
                "PV012 31:9 id of an implementation stage is empty\n"
                "PV010 32:5 an implementation stage has no key 'status' any more\n"
                "PV010 33:5 an implementation stage has no key 'expected_acceptance' any more\n"
                "PV011 31:5 an implementation stage has no 'criteria'\n");
  pv_text_free(&text);
}

/* Of another schema, another dialect or no mapping nothing more can be told. */
static void test_other_documents(void) {
  sample_expect(PATH, "schema: pv/contract/v2\nunknown: x\n",
                "PV015 1:9 schema 'pv/contract/v2' is unknown\n");
  sample_expect(PATH, "schema: other\nunknown: x\n", "PV015 1:9 schema 'other' is unknown\n");
  sample_expect(
      PATH, "acceptance_criteria: []\nproof_obligations: []\n",
      "PV010 2:1 a contract has no key 'proof_obligations'\n"
      "PV011 1:1 a contract has no 'schema', 'metadata', 'falsification_tests'\n" IN_METADATA("1:1")
          IN_FALSIFIER("1:1"));
}

/* The words that every command but `pv lint` has for it. */
static void refuse(const char *text, const char *rule, size_t count) {
  pv_arena arena = PV_ARENA_INIT;
  pv_error err = PV_ERROR_INIT;
  pv_flaws flaws = {0};
  pv_contract *c = NULL;
  EXPECT_I64(pv_contract_read_bytes(&arena, PATH, text, strlen(text), &c, &flaws, &err),
             PV_ERR_INPUT);
  EXPECT(c == NULL);
  EXPECT_STR(err.rule, rule);
  EXPECT_U64(flaws.count, count);
  EXPECT_I64(pv_contract_load_bytes(&arena, PATH, text, strlen(text), &c, NULL), PV_ERR_INPUT);
  EXPECT(c == NULL);
  pv_arena_free(&arena);
}

static void test_refusals(void) {
  refuse("metadata: {version: 1}\nproof_obligations: []\n", "PV057", 1);
  refuse("verification_summary: {}\n", "PV057", 1);
  refuse("schema: kernel/v3\nfalsification_tests: []\n", "PV057", 1);
  refuse("a: b\n", "PV010", 6);
  refuse("[a, b]\n", "PV012", 1);
  refuse("just a text\n", "PV012", 1);
  refuse("a: [\n", "PV005", 1);
}

/* A bound, and a word where it was reached. */
static void test_many(void) {
  for (size_t keys = PV_FLAWS_MAX - 4; keys <= PV_FLAWS_MAX + 4; keys++) {
    pv_arena arena = PV_ARENA_INIT;
    pv_error err = PV_ERROR_INIT;
    pv_flaws flaws = {0};
    pv_contract *c = NULL;
    pv_text text = PV_TEXT_INIT;
    pv_text_puts(&text, sample_sound);
    for (size_t i = 0; i < keys; i++) pv_text_printf(&text, "unknown_%zu: x\n", i);
    EXPECT_I64(pv_contract_read_bytes(&arena, PATH, text.data, text.length, &c, &flaws, &err),
               PV_ERR_INPUT);
    EXPECT_U64(flaws.count, keys < PV_FLAWS_MAX ? keys : PV_FLAWS_MAX);
    EXPECT_STR(err.message, "a contract has no key 'unknown_0'");
    const bool told = strstr(flaws.items[flaws.count - 1].hint, "there is more") != NULL;
    EXPECT(told == (keys > PV_FLAWS_MAX));
    pv_text_free(&text);
    pv_arena_free(&arena);
  }
}

/* What took the place of a key that is gone, and which criterion was meant. */
static void test_hints(void) {
  static const char *const hints[][3] = {
      {"criteria: []\n", "criteria: []\n    status: DONE\n", "the status follows from"},
      {"criteria: []\n", "criteria: []\n    expected_acceptance: x\n", "write criteria: [ID, ...]"},
      {"criteria: []\n", "criteria: [AC_2]\n", "did you mean AC_1?"},
      {"criteria: []\n", "criteria: [something_else]\n", "correct the id"}};
  for (size_t i = 0; i < sizeof hints / sizeof *hints; i++) {
    pv_arena arena = PV_ARENA_INIT;
    pv_findings findings = {0};
    pv_text text = PV_TEXT_INIT;
    sample_edit(&text, sample_sound, (const char *const[]){hints[i][0], hints[i][1], NULL});
    sample_judge(&arena, PATH, text.data, text.length, &findings);
    if (EXPECT_U64(findings.count, 1)) EXPECT_HAS(findings.items[0].hint, hints[i][2]);
    pv_text_free(&text);
    pv_arena_free(&arena);
  }
}

int main(void) {
  return pv_testing_main("everything wrong at once",
                         (pv_case[]){PV_CASE(test_missing_keys),
                                     PV_CASE(test_wrong_kinds_and_unknown_keys),
                                     PV_CASE(test_other_documents),
                                     PV_CASE(test_refusals),
                                     PV_CASE(test_many),
                                     PV_CASE(test_hints),
                                     {0}});
}
