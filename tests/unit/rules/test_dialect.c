/* The older dialect: every cause of every rule, at its place, and what is no cause. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/rules/sample.h"
#include "tests/unit/testing.h"

#define PATH       "/tmp/old.yaml"
#define OLD        "PV057 1:1 a contract of an older dialect, read for lint only\n"
#define NO_HEAD    "PV058 1:1 there is no metadata, so nobody knows which version this is\n"
#define NO_LIST    " is no list: what it says is not read\n"
#define NO_COMMAND "prose in the place of a test: "

static const char sound[] =
    "metadata:\n"                 /* 1 */
    "  version: \"1.0.0\"\n"      /* 2 */
    "proof_obligations:\n"        /* 3 */
    "  - id: OB-1\n"              /* 4 */
    "    property: sums to one\n" /* 5 */
    "falsification_tests:\n"      /* 6 */
    "  - id: T-1\n"               /* 7 */
    "    rule: OB-1\n"            /* 8 */
    "    test: tests/run_it.sh\n" /* 9 */
    "kani_harnesses:\n"           /* 10 */
    "  - id: K-1\n"               /* 11 */
    "    obligation: OB-1\n";     /* 12 */

typedef struct old_case {
  const char *from, *to; /* in `sound`; from NULL: `to` is the whole text */
  const char *wanted;
} old_case;

static const old_case cases[] = {
    {"metadata", "metadata", OLD},
    /* what is a contract at all */
    {NULL, "metadata: {a: b}\n", "PV050 1:1 this is YAML, but not a contract\n"},
    {NULL, "# a list\nproof_obligations: []\n",
     "PV057 2:1 a contract of an older dialect, read for lint only\n"
     "PV058 2:1 there is no metadata, so nobody knows which version this is\n"},
    {NULL, "falsification_tests: []\n", OLD NO_HEAD},
    {NULL, "kani_harnesses: []\n", OLD NO_HEAD},
    {NULL, "name: w\nverification_summary: {target_level: L3, current_level: L3}\n",
     OLD NO_HEAD "PV055 2:57 a level of 'L3' typed by hand\n"},
    {NULL, "schema: other/v2\nproof_obligations: []\n", OLD NO_HEAD},
    {NULL, "metadata: {version: \"1\"}\nqa_gate: {id: x}\n",
     "PV050 1:1 this is YAML, but not a contract\n"},
    {NULL, "[metadata, proof_obligations]\n", "PV050 1:1 this is YAML, but not a contract\n"},
    {NULL, "metadata\n", "PV050 1:1 this is YAML, but not a contract\n"},
    {NULL, "metadata: x\nproof_obligations: []\n", OLD "PV058 1:11 metadata is no mapping\n"},
    {NULL, "metadata: [x]\nfalsification_tests: []\n", OLD "PV058 1:11 metadata is no mapping\n"},
    /* one version */
    {"metadata:", "version: \"2.0.0\"\nmetadata:",
     OLD "PV051 3:12 version '1.0.0' here, '2.0.0' in line 1\n"},
    {"metadata:", "version: \"1.0.0\"\nmetadata:", OLD},
    {"metadata:", "contract_version: \"2.0.0\"\nmetadata:",
     OLD "PV051 3:12 version '1.0.0' here, '2.0.0' in line 1\n"},
    {"metadata:", "version: 1.0.0\ncontract_version: 1.0.1\nmetadata:",
     OLD "PV051 2:19 version '1.0.1' here, '1.0.0' in line 1\n"},
    {"proof_obligations:", "contract: {version: 3}\nproof_obligations:",
     OLD "PV051 3:21 version '3' here, '1.0.0' in line 2\n"},
    {"metadata:", "version: [\"2.0.0\"]\nmetadata:", OLD "PV058 1:10 version is no single value\n"},
    {"metadata:\n  version: \"1.0.0\"\n", "metadata: [version]\ncontract: {contract_version: 3}\n",
     OLD "PV058 1:11 metadata is no mapping\n"},
    /* tests that run */
    {"    test: tests/run_it.sh\n", "", OLD "PV052 7:5 this falsification test has no test\n"},
    {"tests/run_it.sh", "[tests/run_it.sh]", OLD "PV052 7:5 this falsification test has no test\n"},
    {"  - id: T-1\n    rule: OB-1\n    test: tests/run_it.sh\n", "  - tests/run_it.sh\n",
     OLD "PV052 7:5 this falsification test has no test\n"},
    {"  - id: T-1\n    rule: OB-1\n    test: tests/run_it.sh\n",
     "  T-1: {rule: OB-1, test: a proof}\n  T-2: {test: prose}\n",
     OLD "PV052 7:27 " NO_COMMAND "a proof\nPV052 8:15 " NO_COMMAND "prose\n"},
    {"  - id: T-1\n    rule: OB-1\n    test: tests/run_it.sh\n", "  none\n",
     OLD "PV058 7:3 falsification_tests" NO_LIST},
    /* harnesses */
    {"    obligation: OB-1\n", "", OLD "PV053 11:5 this harness names no obligation\n"},
    {"obligation: OB-1", "obligation: [OB-1]", OLD "PV053 11:5 this harness names no obligation\n"},
    {"  - id: K-1\n    obligation: OB-1\n", "  - OB-1\n",
     OLD "PV053 11:5 this harness names no obligation\n"},
    {"obligation: OB-1", "obligation: OB-2",
     OLD "PV053 12:17 the harness refers to 'OB-2', which no obligation has\n"},
    {"  - id: OB-1\n    property: sums to one\n", "  []\n",
     OLD "PV053 11:17 the harness refers to 'OB-1', which no obligation has\n"},
    {"proof_obligations:\n  - id: OB-1\n    property: sums to one\n", "",
     OLD "PV053 9:17 the harness refers to 'OB-1', which no obligation has\n"},
    {"  - id: OB-1\n    property: sums to one\n", "  OB-1: {property: p}\n",
     OLD "PV058 4:3 proof_obligations" NO_LIST
         "PV053 11:17 the harness refers to 'OB-1', which no obligation has\n"},
    {"  - id: K-1\n    obligation: OB-1\n", "  K-1: {obligation: OB-2}\n",
     OLD "PV058 11:3 kani_harnesses" NO_LIST},
    {"  - id: K-1\n    obligation: OB-1\n", "  none\n", OLD "PV058 11:3 kani_harnesses" NO_LIST},
    {"kani_harnesses:\n  - id: K-1\n    obligation: OB-1\n", "", OLD},
    /* obligations that something is bound to */
    {"  - id: OB-1\n    property: sums to one\n",
     "  - property: sums to one\n  - id: [OB-1]\n    property: [it]\n  - OB-1\n  - id: OB-1\n",
     OLD "PV054 4:5 the obligation 'sums to one' has no id, so nothing can be bound to it\n"
         "PV054 5:5 the obligation '' has no id, so nothing can be bound to it\n"
         "PV054 7:5 the obligation '' has no id, so nothing can be bound to it\n"},
    {"    rule: OB-1\n", "    rule: OB-2\n", OLD}, /* the harness is bound to it */
    {"kani_harnesses:\n  - id: K-1\n    obligation: OB-1\n", "", OLD}, /* the test is */
    {"falsification_tests:\n  - id: T-1\n    rule: OB-1\n", "falsification_tests:\n  - id: T-1\n",
     OLD},
    {"OB-1\n    property", "OB-2\n    property",
     OLD "PV053 12:17 the harness refers to 'OB-1', which no obligation has\n"
         "PV054 4:9 the obligation OB-2 is bound to nothing\n"},
    {"  - id: T-1\n    rule: OB-1\n    test: tests/run_it.sh\nkani_harnesses:\n  - id: K-1\n"
     "    obligation: OB-1\n",
     "  - id: OB-1\n    rules: [OB-1]\n    test: run_it\n",
     OLD "PV054 4:9 the obligation OB-1 is bound to nothing\n"
         "PV056 7:9 the id 'OB-1' stands twice (line 4)\n"},
    {"  - id: T-1\n    rule: OB-1\n    test: tests/run_it.sh\nkani_harnesses:\n  - id: K-1\n"
     "    obligation: OB-1\n",
     "  T-1: {rule: OB-1, test: run_it}\n", OLD},
    {"  - id: T-1\n    rule: OB-1\n    test: tests/run_it.sh\nkani_harnesses:\n  - id: K-1\n"
     "    obligation: OB-1\n",
     "  OB-1\n",
     OLD "PV058 7:3 falsification_tests" NO_LIST
         "PV054 4:9 the obligation OB-1 is bound to nothing\n"},
    /* ids */
    {"id: K-1", "id: T-1", OLD "PV056 11:9 the id 'T-1' stands twice (line 7)\n"},
    {"id: K-1", "id: OB-1", OLD "PV056 11:9 the id 'OB-1' stands twice (line 4)\n"},
    {"metadata:\n", "id: T-1\nmetadata:\n  id: T-1\n", OLD},
    {"property: sums to one", "id_of: T-1", OLD},
    {"property: sums to one", "cases: [{id: T-1}, {id: T-2}, {id: T-1}]",
     OLD "PV056 5:40 the id 'T-1' stands twice (line 5)\n"
         "PV056 7:9 the id 'T-1' stands twice (line 5)\n"},
};

static void expect(const char *text, const char *wanted) {
  if (!sample_expect(PATH, text, wanted)) fprintf(stderr, "  for:\n%s", text);
}

static void test_each_case(void) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    pv_text text = PV_TEXT_INIT;
    if (cases[i].from == NULL)
      pv_text_puts(&text, cases[i].to);
    else
      sample_edit(&text, sound, (const char *const[]){cases[i].from, cases[i].to, NULL});
    expect(text.data, cases[i].wanted);
    pv_text_free(&text);
  }
}

/* `value` in the place of the test, and what is said of it; NULL: nothing. */
static void expect_test(const char *value, const char *said) {
  pv_text text = PV_TEXT_INIT, wanted = PV_TEXT_INIT;
  sample_edit(&text, sound, (const char *const[]){"tests/run_it.sh", value, NULL});
  pv_text_puts(&wanted, OLD);
  if (said != NULL) pv_text_printf(&wanted, "PV052 9:11 " NO_COMMAND "%s\n", said);
  expect(text.data, wanted.data);
  pv_text_free(&wanted);
  pv_text_free(&text);
}

static void test_what_runs(void) {
  static const char *const runs[] = {
      "cargo test",   "pytest t.py",   "make check",     "bash run.sh",   "sh run.sh",
      "ctest -R one", "python run.py", "python3 run.py", "go test ./...", "pv validate c.yaml",
      "./run it",     "../run it",     "krate::module",  "run_it",        "tests/run"};
  static const char *const prose[] = {"word", "Static assertion", "see tests/run_it.sh", "n/a",
                                      "N/A",  "recargo a_test"};
  for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) expect_test(runs[i], NULL);
  for (size_t i = 0; i < sizeof prose / sizeof *prose; i++) expect_test(prose[i], prose[i]);
  expect_test("\"\"", "");
  expect_test("\"a_b\\tc_d\"", "a_b\tc_d");
  expect_test("\"a_b\\nc_d\"", "a_b\nc_d");
}

/* `entry` in the place of the property, and what is said of it; NULL: nothing. */
static void expect_claim(const char *entry, int column, const char *said) {
  pv_text text = PV_TEXT_INIT, wanted = PV_TEXT_INIT;
  sample_edit(&text, sound, (const char *const[]){"property: sums to one", entry, NULL});
  pv_text_puts(&wanted, OLD);
  if (said != NULL) pv_text_printf(&wanted, "PV055 5:%d %s\n", column, said);
  expect(text.data, wanted.data);
  pv_text_free(&wanted);
  pv_text_free(&text);
}

/* One value in the place of another, and what is said of it; NULL: nothing. */
typedef struct value_case {
  const char *from, *to, *said;
} value_case;

static const value_case values[] = {
    {"\"1.0.0\"", "1", NULL},
    {"\"1.0.0\"", "banana", "2:12 version is 'banana', no version"},
    {"\"1.0.0\"", "\"1..0\"", "2:12 version is '1..0', no version"},
    {"\"1.0.0\"", "\"\"", "2:12 version is '', no version"},
    {"\"1.0.0\"", "\"1.0.0\"\n  created: \"2026-11-22\"", NULL},
    {"\"1.0.0\"", "\"1.0.0\"\n  created: yesterday", "3:12 created is 'yesterday', no date"},
    {"\"1.0.0\"", "\"1.0.0\"\n  created: \"2026-13-22\"", "3:12 created is '2026-13-22', no date"},
    {"\"1.0.0\"", "\"1.0.0\"\n  demand_score: 5", NULL},
    {"\"1.0.0\"", "\"1.0.0\"\n  demand_score: 6",
     "3:17 demand_score is '6', no number that it can be"},
    {"\"1.0.0\"", "\"1.0.0\"\n  demand_score: 0",
     "3:17 demand_score is '0', no number that it can be"},
    {"\"1.0.0\"", "\"1.0.0\"\n  intake_status: partial", NULL},
    {"\"1.0.0\"", "\"1.0.0\"\n  intake_status: perhaps",
     "3:18 intake_status is 'perhaps', none of its words"},
    {"\"1.0.0\"", "\"1.0.0\"\n  enforcement_level: strict", NULL},
    {"\"1.0.0\"", "\"1.0.0\"\n  enforcement_level: high",
     "3:22 enforcement_level is 'high', none of its words"},
    {"property: sums to one", "type: loop_invariant", NULL},
    {"property: sums to one", "type: loop_invariants",
     "5:11 type is 'loop_invariants', none of its words"},
    {"property: sums to one", "type: [bound]", "5:11 type is no single value"},
    {"property: sums to one", "tolerance: 0.0", NULL},
    {"property: sums to one", "tolerance: 1e-5", NULL},
    {"property: sums to one", "tolerance: -1e-5",
     "5:16 tolerance is '-1e-5', no amount of 0 or more"},
    {"property: sums to one", "tolerance: nan", "5:16 tolerance is 'nan', no amount of 0 or more"},
    {"property: sums to one", "tolerance: small",
     "5:16 tolerance is 'small', no amount of 0 or more"},
    {"obligation: OB-1", "obligation: OB-1\n    bound: 1", NULL},
    {"obligation: OB-1", "obligation: OB-1\n    bound: 0",
     "13:12 bound is '0', no number that it can be"},
    {"obligation: OB-1", "obligation: OB-1\n    bound: 1.5",
     "13:12 bound is '1.5', no number that it can be"},
    {"obligation: OB-1", "obligation: OB-1\n    strategy: bounded_int", NULL},
    {"obligation: OB-1", "obligation: OB-1\n    strategy: bounded_bytes",
     "13:15 strategy is 'bounded_bytes', none of its words"},
};

static void test_values(void) {
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    pv_text text = PV_TEXT_INIT, wanted = PV_TEXT_INIT;
    sample_edit(&text, sound, (const char *const[]){values[i].from, values[i].to, NULL});
    pv_text_puts(&wanted, OLD);
    if (values[i].said != NULL) pv_text_printf(&wanted, "PV058 %s\n", values[i].said);
    expect(text.data, wanted.data);
    pv_text_free(&wanted);
    pv_text_free(&text);
  }
}

static void test_claims(void) {
  static const char *const words[] = {"proved",     "PROVEN",  "Verified",
                                      "discharged", "SHIPPED", "ACTIVE_RUNTIME"};
  static const char *const keys[] = {"proved",     "l4_lean_proven", "verified_count",
                                     "discharged", "n-verified",     "unproven_or_proven"};
  static const char *const nothing[] = {
      "status: pending", "status: unproven", "status: \"\"", "state: proven", "status: [proven]",
      "proved: 0",       "proved: \"\"",     "proved: 12a",  "proved: all",   "proved: -1",
      "unproven: 12",    "unverified: 12",   "proof: 12",    "verifies: 12"};
  char entry[80], said[120];
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    snprintf(entry, sizeof entry, "status: %s", words[i]);
    snprintf(said, sizeof said, "a status of '%s' typed by hand", words[i]);
    expect_claim(entry, 13, said);
    snprintf(entry, sizeof entry, "lean: {status: %s}", words[i]);
    expect_claim(entry, 20, said);
  }
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    snprintf(entry, sizeof entry, "%s: 12", keys[i]);
    snprintf(said, sizeof said, "%s: 12, a count of proofs typed by hand", keys[i]);
    expect_claim(entry, 7 + (int)strlen(keys[i]), said);
  }
  for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++) expect_claim(nothing[i], 0, NULL);
}

/* As many ids as a document can have, the last one twice. */
static void test_many_ids(void) {
  enum { IDS = (PV_YAML_NODES_MAX - 5) / 3 };
  pv_arena arena = PV_ARENA_INIT;
  pv_findings findings = {0};
  pv_text text = PV_TEXT_INIT;
  pv_text_puts(&text, "metadata: {}\nfalsification_tests:\n");
  for (int i = 0; i < IDS; i++) pv_text_printf(&text, "- id: T-%d\n", i < IDS - 1 ? i : i - 1);
  sample_judge(&arena, PATH, text.data, text.length, &findings);
  REQUIRE(EXPECT_U64(findings.count, 1 + IDS + 1));
  const pv_finding *last = &findings.items[findings.count - 1];
  EXPECT_STR(last->rule->id, "PV056");
  EXPECT_I64(last->line, IDS + 2);
  EXPECT_I64(last->column, 7);
  EXPECT_STR(last->message, "the id 'T-5457' stands twice (line 5460)");
  pv_text_free(&text);
  pv_arena_free(&arena);
}

int main(void) {
  return pv_testing_main("the older dialect", (pv_case[]){PV_CASE(test_each_case),
                                                          PV_CASE(test_what_runs),
                                                          PV_CASE(test_claims),
                                                          PV_CASE(test_values),
                                                          PV_CASE(test_many_ids),
                                                          {0}});
}
