/* For each rule of the catalogue a test that sees it reported, and where. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "tests/unit/known.h"
#include "tests/unit/rules/sample.h"
#include "tests/unit/testing.h"
#include "validator/model/contract_load.h"
#include "validator/model/second_reader.h"
#include "validator/rules/rules.h"

static const char dialect[] =
    "metadata:\n  version: \"1.0.0\"\n"
    "proof_obligations:\n  - id: OB-1\n    property: p\n"
    "falsification_tests:\n  - id: T-1\n    rule: OB-1\n    test: tests/run_it.sh\n";

typedef struct rule_case {
  const char *rule;
  const char *from, *to; /* replaced once in `sound`; from "" appends, from NULL replaces all */
  int64_t line;          /* 0: any */
  const char *base;      /* NULL: sound */
} rule_case;

static const rule_case cases[] = {
    {"PV002", NULL, "\xef\xbb\xbfschema: x\n", 1, NULL},
    {"PV003", "a sample", "a \x01 sample", 9, NULL},
    {"PV003", "a sample", "a \xe2\x80\xae sample", 9, NULL},
    {"PV004", NULL, "a: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n", 1,
     NULL},
    {"PV005", "  kind: kernel", "  kind: [kernel", 0, NULL},
    {"PV006", "  kind: kernel", "  ? [a]\n  : kernel", 5, NULL},
    {"PV007", "kernel", "&anchor kernel", 5, NULL},
    {"PV007", "kernel", "!!str kernel", 5, NULL},
    {"PV007", "  kind: kernel", "  <<: kernel", 5, NULL},
    {"PV008", "  kind: kernel", "  kind: kernel\n  kind: kernel", 6, NULL},
    {"PV009", "", "---\nschema: again\n", 32, NULL},
    {"PV010", "  kind: kernel", "  kin: kernel", 5, NULL},
    {"PV011", "  kind: kernel\n", "", 0, NULL},
    {"PV012", "criteria: [AC_1]", "criteria: AC_1", 23, NULL},
    {"PV013", "PROPOSED", "SHIPPED", 6, NULL},
    {"PV014", "    if_fails", "    timeout_s: nan\n    if_fails", 27, NULL},
    {"PV014", "    if_fails", "    timeout_s: 0x10\n    if_fails", 27, NULL},
    {"PV015", "pv/contract/v1", "pv/contract/v9", 1, NULL},
    {"PV020", "name: sample", "name: other", 3, NULL},
    {"PV021", "  version: \"1.0.0\"\n  kind", "  version: \"1.0\"\n  kind", 4, NULL},
    {"PV022", "  version: \"1.0.0\"\n  kind", "  version: \"1.0.1\"\n  kind", 4, NULL},
    {"PV023", "date: \"2026-11-22\"", "date: \"2026-13-22\"", 0, NULL},
    {"PV024", "  - id: AC_1\n", "  - id: \"AC 1\"\n", 16, NULL},
    {"PV024", "falsification_tests:",
     "  - id: AC_1\n    property: p\n    needed_for: PROPOSED\nfalsification_tests:", 19, NULL},
    {"PV025", "falsification_tests:",
     "  - id: AC_2\n    property: p\n    needed_for: PROPOSED\nfalsification_tests:", 19, NULL},
    {"PV026", "criteria: [AC_1]", "criteria: [AC_1, AC_9]", 23, NULL},
    {"PV027", "gemv.exact", "gemv.exakt", 24, NULL},
    {"PV028", "{type: Q6_K}", "{type: Q6_K, tolerance: 1}", 25, NULL},
    {"PV028", "{type: Q6_K}", "{type: Q9_K}", 25, NULL},
    {"PV028", "    with: {type: Q6_K}\n", "", 24, NULL},
    {"PV029", "  amendment_history:", "  depends_on: [nowhere-v1]\n  amendment_history:", 10, NULL},
    {"PV029", "  amendment_history:", "  depends_on: [../sample]\n  amendment_history:", 10, NULL},
    {"PV030", "      title: First version",
     "      title: First version\n      evidence: no-such-run", 0, NULL},
    {"PV031", "status: PROPOSED", "status: KNOWN_DIVERGENCE", 6, NULL},
    {"PV031", "  amendment_history:", "  known_divergence: [AC_1]\n  amendment_history:", 6, NULL},
    {"PV033", "    if_fails: look there\n", "", 20, NULL},
    {"PV034", "  - id: AC_1\n    property: it holds\n    needed_for: ACTIVE_RUNTIME\n", "  []\n", 0,
     NULL},
    {"PV035", "[wrong_sub_scale]", "[wrong_sub_scale, wrong_sub_scale]", 26, NULL},
    {"PV036", "First version", "All stages DISCHARGED", 0, NULL},
    {"PV037", "acceptance_criteria:\n",
     "model: {sha256: 0123, made_by: pv synth --out}\nacceptance_criteria:\n", 15, NULL},
    {"PV038", "    needed_for", "    where: dense\n    needed_for", 18, NULL},
    {"PV038", "    needed_for", "    where: experts\n    needed_for", 25, NULL},
    {"PV038",
     "needed_for: ACTIVE_RUNTIME\nfalsification_tests:\n  - id: F_1\n    rule: a rule\n"
     "    prediction: nothing differs\n    criteria: [AC_1]\n    check: gemv.exact\n"
     "    with: {type: Q6_K}\n    faults: [wrong_sub_scale]\n",
     "where: experts\n    needed_for: ACTIVE_RUNTIME\n  - id: AC_2\n    property: it holds\n"
     "    needed_for: ACTIVE_RUNTIME\nfalsification_tests:\n  - id: F_1\n    rule: a rule\n"
     "    prediction: nothing differs\n    criteria: [AC_1, AC_2]\n    check: router.weights_sum\n",
     27, NULL},
    {"PV040",
     "it holds\n    needed_for: ACTIVE_RUNTIME\nfalsification_tests:\n  - id: F_1\n    rule: a "
     "rule\n"
     "    prediction: nothing differs\n    criteria: [AC_1]\n    check: gemv.exact\n"
     "    with: {type: Q6_K}\n",
     "the sums are equal\n    needed_for: ACTIVE_RUNTIME\nfalsification_tests:\n  - id: F_1\n"
     "    rule: a rule\n    prediction: nothing differs\n    criteria: [AC_1]\n"
     "    check: experts.dispatch\n",
     16, NULL},
    {"PV041", "criteria: []", "criteria: [AC_2]", 30, NULL},
    {"PV042", "[wrong_sub_scale]", "[wrong_sub_scal]", 26, NULL},
    {"PV042", "[wrong_sub_scale]", "[nan_in_one_element]", 26, NULL},
    {"PV042", "gemv.exact\n    with: {type: Q6_K}\n    faults: [wrong_sub_scale]",
     "gemv.bound\n    with: {type: Q6_K, numerics: f64}\n    faults: [activations_8bit]", 26, NULL},
    {"PV043", "gemv.exact", "mine/near", 24, NULL},
    {"PV044", "acceptance_criteria:\n",
     "providers: [{name: router, program: /bin/sh}]\nacceptance_criteria:\n", 15, NULL},
    {"PV044", "acceptance_criteria:\n",
     "providers:\n  - {name: a, program: /bin/sh}\n  - {name: a, program: /bin/sh}\n"
     "acceptance_criteria:\n",
     17, NULL},
    {"PV044", "acceptance_criteria:\n", "providers: [{name: a.b}]\nacceptance_criteria:\n", 15,
     NULL},
    {"PV045", "acceptance_criteria:\n",
     "providers: [{name: mine, program: no/where}]\nacceptance_criteria:\n", 15, NULL},
    {"PV045", "acceptance_criteria:\n",
     "providers: [{name: mine, program: /etc/passwd}]\nacceptance_criteria:\n", 15, NULL},
    {"PV045", "acceptance_criteria:\n",
     "providers: [{name: mine, files: [no/where]}]\nacceptance_criteria:\n", 15, NULL},
    {"PV046", "acceptance_criteria:\n",
     "providers: [{name: mine, program: /bin/sh}]\nacceptance_criteria:\n", 15, NULL},
    {"PV050", NULL, "version: \"1.0.0\"\nbindings: [a]\n", 1, NULL},
    {"PV051", "metadata:", "version: \"2.0.0\"\nmetadata:", 3, dialect},
    {"PV052", "tests/run_it.sh", "Requires an API that is not there", 9, dialect},
    {"PV053", "", "kani_harnesses:\n  - id: K-1\n    obligation: OB-7\n", 12, dialect},
    {"PV054", "    rule: OB-1\n", "    rule: x\n", 4, dialect},
    {"PV055", "    property: p\n", "    property: p\n    status: proven\n", 6, dialect},
    {"PV056", "    test: tests/run_it.sh\n",
     "    test: tests/run_it.sh\n  - id: T-1\n    test: tests/run_it.sh\n", 10, dialect},
    {"PV057", "", "", 1, dialect},
    {"PV058", "    property: p\n", "    property: p\n    type: banana\n", 6, dialect},
};
enum { CASES = sizeof cases / sizeof *cases };

/* Rules that a test of this file has seen reported, by their place in the list. */
enum { RULES_MAX = 100 };
static bool reported[RULES_MAX];

static void note(const pv_rule *rule) {
  size_t count = 0;
  const pv_rule *rules = pv_rule_list(&count);
  if (EXPECT(rule >= rules && rule < rules + count && count <= RULES_MAX))
    reported[rule - rules] = true;
}

static void make(const rule_case *c, pv_text *out) {
  const char *base = c->base != NULL ? c->base : sample_sound;
  if (c->from == NULL) {
    pv_text_puts(out, c->to);
    return;
  }
  const char *at = c->from[0] == '\0' ? base + strlen(base) : strstr(base, c->from);
  if (!EXPECT(at != NULL)) return;
  pv_text_add(out, base, (size_t)(at - base));
  pv_text_puts(out, c->to);
  pv_text_puts(out, at + strlen(c->from));
}

static void test_sound_contract_has_no_findings(void) {
  pv_arena arena = PV_ARENA_INIT;
  pv_findings findings = {0};
  sample_judge(&arena, SAMPLE_PATH, sample_sound, strlen(sample_sound), &findings);
  EXPECT_U64(findings.count, 0);
  for (size_t i = 0; i < findings.count; i++)
    fprintf(stderr, "  %s: %s\n", findings.items[i].rule->id, findings.items[i].message);
  pv_arena_free(&arena);
}

static void test_each_case(void) {
  for (size_t i = 0; i < CASES; i++) {
    pv_arena arena = PV_ARENA_INIT;
    pv_findings findings = {0};
    pv_text text = PV_TEXT_INIT;
    const pv_finding *hit = NULL;
    make(&cases[i], &text);
    sample_judge(&arena, SAMPLE_PATH, text.data, text.length, &findings);
    for (size_t k = 0; k < findings.count && hit == NULL; k++)
      if (strcmp(findings.items[k].rule->id, cases[i].rule) == 0) hit = &findings.items[k];
    if (!EXPECT(hit != NULL)) {
      fprintf(stderr, "  case %zu: no %s, but", i, cases[i].rule);
      for (size_t k = 0; k < findings.count; k++)
        fprintf(stderr, " %s", findings.items[k].rule->id);
      fputc('\n', stderr);
    } else if (cases[i].line > 0 && !EXPECT_I64(hit->line, cases[i].line)) {
      fprintf(stderr, "  case %zu, %s: %s\n", i, cases[i].rule, hit->message);
    } else {
      note(hit->rule);
    }
    pv_text_free(&text);
    pv_arena_free(&arena);
  }
}

/* Once for each repetition, not for each pair: a list of thousands must not fill the memory. */
static void test_repetitions_are_counted_once(void) {
  static const rule_case thrice = {
      "", "[wrong_sub_scale]",
      "[wrong_sub_scale, wrong_sub_scale, wrong_sub_scale, wrong_sub_scale]", 0, NULL};
  pv_arena arena = PV_ARENA_INIT;
  pv_findings findings = {0};
  pv_text text = PV_TEXT_INIT;
  make(&thrice, &text);
  sample_judge(&arena, SAMPLE_PATH, text.data, text.length, &findings);
  EXPECT_U64(findings.count, 3);
  pv_text_free(&text);
  pv_arena_free(&arena);
}

static void test_sizes(void) {
  pv_arena arena = PV_ARENA_INIT;
  pv_findings findings = {0};
  pv_text text = PV_TEXT_INIT;
  pv_text_puts(&text, sample_sound);
  while (text.length <= PV_YAML_BYTES_MAX) pv_text_puts(&text, "# a comment that fills the file\n");
  sample_judge(&arena, SAMPLE_PATH, text.data, text.length, &findings);
  REQUIRE(findings.count == 1);
  EXPECT_STR(findings.items[0].rule->id, "PV001");
  note(findings.items[0].rule);
  pv_text_free(&text);
  pv_arena_free(&arena);
}

/* Another reading of `sound` than its bytes give, as a fault in one reader would make it. */
static void misread(pv_contract *c, int what) {
  static char other[] = "other";
  switch (what) {
    case 0:
      c->schema = other;
      break;
    case 1:
      c->name = other;
      break;
    case 2:
      c->version = other;
      break;
    case 3:
      c->status = PV_STATUS_DRAFT;
      break;
    case 4:
      c->criterion_count = 0;
      break;
    case 5:
      c->falsifier_count = 0;
      break;
    case 6:
      c->criteria[0].id = other;
      break;
    case 7:
      c->criteria[0].needed_for = PV_STATUS_PROPOSED;
      break;
    case 8:
      c->falsifiers[0].id = other;
      break;
    case 9:
      c->falsifiers[0].check = other;
      break;
    case 10:
      c->falsifiers[0].criteria.count = 0;
      break;
    case 11:
      c->falsifiers[0].criteria.items[0] = other;
      break;
    case 12:
      c->stage_count = 0;
      break;
    case 13:
      c->stages[0].id = other;
      break;
    case 14:
      c->stages[0].criteria = c->falsifiers[0].criteria; /* one in the place of none */
      break;
    default:
      c->length -= 12; /* the bytes end within a key */
  }
}

/* No file is known that the two readers read differently: both stand on one library. So one reading
 * is changed here. */
static void test_two_readers(void) {
  for (int what = 0; what <= 15; what++) {
    pv_arena arena = PV_ARENA_INIT;
    pv_error err = PV_ERROR_INIT;
    pv_findings findings = {0};
    pv_contract *c = NULL;
    REQUIRE(EXPECT_I64(
        pv_contract_load_bytes(&arena, SAMPLE_PATH, sample_sound, strlen(sample_sound), &c, &err),
        PV_OK));
    EXPECT_I64(pv_second_reader_check(c, &err), PV_OK);
    misread(c, what);
    if (!EXPECT_I64(pv_second_reader_check(c, &err), PV_ERR_INPUT))
      fprintf(stderr, "  misreading %d\n", what);
    EXPECT_STR(err.rule, "PV016");
    EXPECT_STR(err.file, SAMPLE_PATH);
    EXPECT_HAS(err.message, "two YAML readers disagree");
    EXPECT_I64(pv_findings_from_error(&arena, &findings, &err, NULL), PV_OK);
    if (EXPECT_U64(findings.count, 1)) note(findings.items[0].rule);
    pv_arena_free(&arena);
  }
}

/* Places are bytes, not characters: the status after a line of umlauts is cut out exactly. */
static void test_places_are_bytes(void) {
  static const rule_case umlauts = {"", "  author: somebody\n",
                                    "  author: \"\xc3\xa4\xc3\xb6\xf0\x9f\x98\x80\"\n", 0, NULL};
  pv_arena arena = PV_ARENA_INIT;
  pv_contract *c = NULL;
  pv_text text = PV_TEXT_INIT;
  make(&umlauts, &text);
  REQUIRE(pv_contract_load_bytes(&arena, SAMPLE_PATH, text.data, text.length, &c, NULL) == PV_OK);
  EXPECT_I64(c->status_place.end - c->status_place.begin, 8);
  EXPECT_BYTES(text.data + c->status_place.begin, "PROPOSED", 8);
  EXPECT_BYTES(text.data + c->version_place.begin, "1.0.0", 5);
  EXPECT_BYTES(text.data + c->falsifiers[0].check_place.begin, "gemv.exact", 10);
  EXPECT_I64(c->falsifiers[0].check_place.line, 24);
  EXPECT_I64(c->falsifiers[0].check_place.column, 12);
  pv_text_free(&text);
  pv_arena_free(&arena);
}

static void test_our_contracts(void) {
  static const char *const files[] = {
      "qwen3-moe-forward-gpu-v1", "qwen3-moe-forward-v1",  "moe-router-v1",
      "moe-expert-dispatch-v1",   "swiglu-kernel-v1",      "q6k-gemv-v1",
      "tensor-names-v1",          "qwen3-coder-30b-a3b-v1"};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    char path[128];
    pv_arena arena = PV_ARENA_INIT;
    pv_findings findings = {0};
    pv_contract *c = NULL;
    snprintf(path, sizeof path, "contracts/%s.yaml", files[i]);
    if (EXPECT_I64(pv_contract_load(&arena, path, &c, NULL), PV_OK)) {
      EXPECT_I64(pv_rules_run(&arena, testing_known(), c, &findings, NULL), PV_OK);
      EXPECT_U64(findings.count, 0);
    }
    pv_arena_free(&arena);
  }
}

/* Stands last: what the tests above have reported is the whole list. */
static void test_every_rule_was_reported(void) {
  size_t count = 0;
  const pv_rule *rules = pv_rule_list(&count);
  for (size_t r = 0; r < count && r < RULES_MAX; r++) {
    if (!EXPECT(reported[r])) fprintf(stderr, "  no test reports %s\n", rules[r].id);
    EXPECT(pv_rule_find(rules[r].id) == &rules[r]);
    EXPECT(strlen(rules[r].because) > 10 && strlen(rules[r].fix) > 5);
    if (r > 0) EXPECT(strcmp(rules[r - 1].id, rules[r].id) < 0);
  }
  EXPECT(pv_rule_find("PV999") == NULL);
}

int main(void) {
  return pv_testing_main("rules", (pv_case[]){PV_CASE(test_sound_contract_has_no_findings),
                                              PV_CASE(test_each_case),
                                              PV_CASE(test_repetitions_are_counted_once),
                                              PV_CASE(test_sizes),
                                              PV_CASE(test_two_readers),
                                              PV_CASE(test_places_are_bytes),
                                              PV_CASE(test_our_contracts),
                                              PV_CASE(test_every_rule_was_reported),
                                              {0}});
}
