/* Rules that several things break: each cause with its place and words, and what just holds. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/rules/sample.h"
#include "tests/unit/testing.h"

#define VERSION   "  version: \"1.0.0\"\n  kind"
#define AMENDMENT "    - version: \"1.0.0\"\n      date: \"2026-11-22\"\n"
#define CRITERION "  - id: AC_1\n    property: it holds\n    needed_for: ACTIVE_RUNTIME\n"
/* Up to the fault that this check sees and others may not. */
#define CHECK "    check: gemv.exact\n    with: {type: Q6_K}\n    faults: [wrong_sub_scale]\n"
#define ENTRY(version, date) \
  "    - {version: \"" version "\", date: \"" date "\", kind: k, title: t}\n"
#define HISTORY                                                                 \
  "    - version: \"1.0.0\"\n      date: \"2026-11-22\"\n      kind: created\n" \
  "      title: First version\n"

#define BIG    "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKL" /* 64 */
#define SHA256 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define EIGHT  "a, b, c, d, e, f, g, h"

typedef struct cause {
  const char *changes[5]; /* of the sound contract, see sample_edit */
  const char *wanted;
} cause;

static void expect(const cause *causes, size_t count) {
  for (size_t i = 0; i < count; i++) {
    pv_text text = PV_TEXT_INIT;
    sample_edit(&text, sample_sound, causes[i].changes);
    if (!sample_expect(SAMPLE_PATH, text.data, causes[i].wanted))
      fprintf(stderr, "  for: %s\n", causes[i].changes[1]);
    pv_text_free(&text);
  }
}
#define EXPECT_CAUSES(list) expect(list, sizeof(list) / sizeof *(list))

static void test_version_texts(void) {
  static const char *const bad[] = {"1",       "1.",     "1.2",    "1.2.",           ".1.2",
                                    "1.2.3.4", "1.2.3x", "01.0.0", "1.00.0",         "1.0.00",
                                    "a.0.0",   "1.a.0",  "1.0.a",  "1234567890.0.0", "1,0,0",
                                    "1.0,0",   "v1.0.0", "1.0.-1", " 1.0.0"};
  static const char *const good[] = {"0.0.0", "10.20.30", "999999999.0.1"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char version[80], first[80], said[120];
    snprintf(version, sizeof version, "  version: \"%s\"\n  kind", bad[i]);
    snprintf(said, sizeof said, "PV021 4:12 '%s' is no version\n", bad[i]);
    const cause own = {{VERSION, version}, said};
    expect(&own, 1);
    snprintf(first, sizeof first, "    - version: \"%s\"\n", bad[i]);
    snprintf(said, sizeof said, "PV021 11:7 '%s' is no version\n", bad[i]);
    const cause amendment = {{"    - version: \"1.0.0\"\n", first}, said};
    expect(&amendment, 1);
  }
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    char version[80], first[80];
    snprintf(version, sizeof version, "  version: \"%s\"\n  kind", good[i]);
    snprintf(first, sizeof first, "    - version: \"%s\"\n", good[i]);
    const cause both = {{VERSION, version, "    - version: \"1.0.0\"\n", first}, ""};
    expect(&both, 1);
  }
}

static void test_date_texts(void) {
  static const char *const bad[] = {"2026-11-2",  "2026-11-222", "2026/11-22", "2026-11/22",
                                    "2026-1x-22", "x026-11-22",  "2026-11-2x", "2026-00-10",
                                    "2026-13-01", "2026-11-31",  "2026-11-00", "2026-02-30"};
  static const char *const good[] = {"2026-01-31", "2028-02-29", "2026-12-31", "2026-11-30"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char date[80], said[120];
    snprintf(date, sizeof date, "created: \"%s\"", bad[i]);
    snprintf(said, sizeof said, "PV023 7:12 created '%s' is no date\n", bad[i]);
    const cause created = {{"created: \"2026-11-22\"", date}, said};
    expect(&created, 1);
    snprintf(date, sizeof date, " date: \"%s\"", bad[i]);
    snprintf(said, sizeof said, "PV023 11:7 '%s' is no date\n", bad[i]);
    const cause amendment = {{" date: \"2026-11-22\"", date}, said};
    expect(&amendment, 1);
  }
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    char date[80];
    snprintf(date, sizeof date, "created: \"%s\"", good[i]);
    const cause created = {{"created: \"2026-11-22\"", date}, ""};
    expect(&created, 1);
  }
}

static const cause histories[] = {
    {{HISTORY, "    []\n"}, "PV022 11:5 there is no amendment\n"},
    {{VERSION, "  version: \"1.0.1\"\n  kind"},
     "PV022 4:12 the version is 1.0.1, the newest amendment's 1.0.0\n"},
    /* oldest first, newest first, on one day */
    {{HISTORY, ENTRY("0.9.0", "2026-11-20") ENTRY("1.0.0", "2026-11-21")}, ""},
    {{HISTORY, ENTRY("1.0.0", "2026-11-21") ENTRY("0.9.0", "2026-11-20")}, ""},
    {{HISTORY, ENTRY("1.0.0", "2026-11-21") ENTRY("0.9.0", "2026-11-21")}, ""},
    {{HISTORY, ENTRY("0.8.0", "2026-11-20") ENTRY("0.9.0", "2026-11-20")
                   ENTRY("1.0.0", "2026-11-21") ENTRY("1.0.0", "2026-11-21")},
     ""},
    {{HISTORY,
      ENTRY("0.8.0", "2026-11-20") ENTRY("0.9.0", "2026-11-21") ENTRY("1.0.0", "2026-11-20")},
     "PV023 13:7 the amendment of 2026-11-20 stands out of order\n"},
    {{HISTORY,
      ENTRY("1.0.0", "2026-11-21") ENTRY("0.9.0", "2026-11-20") ENTRY("0.8.0", "2026-11-22")},
     "PV023 13:7 the amendment of 2026-11-22 stands out of order\n"},
    /* the newest by number, not by text or place */
    {{HISTORY, ENTRY("0.10.0", "2026-11-21") ENTRY("0.9.0", "2026-11-21"), VERSION,
      "  version: \"0.10.0\"\n  kind"},
     ""},
    {{HISTORY, ENTRY("0.9.0", "2026-11-21") ENTRY("0.10.0", "2026-11-21"), VERSION,
      "  version: \"0.9.0\"\n  kind"},
     "PV022 4:12 the version is 0.9.0, the newest amendment's 0.10.0\n"},
    {{HISTORY, ENTRY("1.9.9", "2026-11-21") ENTRY("2.0.0", "2026-11-21"), VERSION,
      "  version: \"1.9.9\"\n  kind"},
     "PV022 4:12 the version is 1.9.9, the newest amendment's 2.0.0\n"},
    {{HISTORY, ENTRY("1.0.1", "2026-11-21") ENTRY("1.0.0", "2026-11-21")},
     "PV022 4:12 the version is 1.0.0, the newest amendment's 1.0.1\n"},
    /* titles and the status */
    {{"First version", "Stage DISCHARGED"},
     "PV036 11:7 the status is PROPOSED while the newest amendment is titled 'Stage DISCHARGED'\n"},
    {{"First version", "it is discharged", "PROPOSED", "DRAFT"},
     "PV036 11:7 the status is DRAFT while the newest amendment is titled 'it is discharged'\n"},
    {{"First version", "SHIPPED"},
     "PV036 11:7 the status is PROPOSED while the newest amendment is titled 'SHIPPED'\n"},
    {{"First version", "shipped"},
     "PV036 11:7 the status is PROPOSED while the newest amendment is titled 'shipped'\n"},
    {{"First version", "SHIPPED", "PROPOSED", "ACTIVE_ALGORITHM_LEVEL"}, ""},
    {{HISTORY, "    - {version: \"0.9.0\", date: \"2026-11-20\", kind: k, title: shipped}\n" ENTRY(
                   "1.0.0", "2026-11-21")},
     ""},
};

static void test_histories(void) {
  EXPECT_CAUSES(histories);
}

static const cause identities[] = {
    {{"id: AC_1", "id: " BIG, "[AC_1]", "[" BIG "]"}, ""},
    {{"id: AC_1", "id: " BIG "x", "[AC_1]", "[" BIG "x]"},
     "PV024 16:9 the id '" BIG "x' is not well-formed\n"},
    {{"id: AC_1", "id: 1AC", "[AC_1]", "[1AC]"}, "PV024 16:9 the id '1AC' is not well-formed\n"},
    {{"id: AC_1", "id: a.c", "[AC_1]", "[a.c]"}, "PV024 16:9 the id 'a.c' is not well-formed\n"},
    {{"id: AC_1", "id: a-C_2", "[AC_1]", "[a-C_2]"}, ""},
    {{"falsification_tests:", CRITERION "falsification_tests:"},
     "PV024 19:9 the id 'AC_1' stands a second time\n"},
    {{"implementation_stages:",
      "  - {id: F_1, rule: r, prediction: p, criteria: [AC_1], check: router.topk_rule, if_fails: "
      "i}\nimplementation_stages:"},
     "PV024 28:10 the id 'F_1' stands a second time\n"},
    {{"id: F_1", "id: F 1"}, "PV024 20:9 the id 'F 1' is not well-formed\n"},
    {{"  - id: first", "  - {id: first, criteria: [], description: d}\n  - id: first"},
     "PV024 30:9 the id 'first' stands a second time\n"},
    {{"  - id: first", "  - {id: zero, criteria: [AC_1], description: d}\n  - id: first"}, ""},
    {{"  - id: first", "  - id: 1st"}, "PV024 29:9 the id '1st' is not well-formed\n"},
    {{"criteria: []\n", "criteria: [AC_1, AC_11, AC_1, AC_1]\n"},
     "PV041 30:22 stage first names the criterion 'AC_11', which does not exist\n"
     "PV041 30:29 stage first names the criterion 'AC_1' twice\n"
     "PV041 30:35 stage first names the criterion 'AC_1' twice\n"},
    {{"name: sample", "name: sam.ple"}, "PV024 3:9 the name 'sam.ple' is not well-formed\n"},
    {{"name: sample", "name: samples"},
     "PV020 3:9 the contract is named 'samples', its file 'sample'\n"},
    {{"name: sample", "name: sampl"},
     "PV020 3:9 the contract is named 'sampl', its file 'sample'\n"},
    {{"name: sample", "name: simple"},
     "PV020 3:9 the contract is named 'simple', its file 'sample'\n"},
};

static void test_identities(void) {
  EXPECT_CAUSES(identities);
}

static const cause bindings[] = {
    {{"acceptance_criteria:\n" CRITERION, "acceptance_criteria: []\n"},
     "PV034 3:9 there are 0 criteria and 1 falsifiers\n"
     "PV026 20:16 falsifier F_1 names the criterion 'AC_1', which does not exist\n"},
    {{"needed_for: ACTIVE_RUNTIME", "needed_for: KNOWN_DIVERGENCE"},
     "PV013 16:9 criterion AC_1 is needed for KNOWN_DIVERGENCE, which is no rung\n"},
    {{"needed_for: ACTIVE_RUNTIME", "needed_for: DEPRECATED"},
     "PV013 16:9 criterion AC_1 is needed for DEPRECATED, which is no rung\n"},
    {{"[AC_1]", "[]"},
     "PV025 16:9 criterion AC_1 is bound to no falsifier\n"
     "PV026 20:9 falsifier F_1 names no criterion\n"},
    {{"[AC_1]", "[AC_1, AC_2, AC_3]"},
     "PV026 23:22 falsifier F_1 names the criterion 'AC_2', which does not exist\n"
     "PV026 23:28 falsifier F_1 names the criterion 'AC_3', which does not exist\n"},
    {{"gemv.exact", "gemv.exakt"}, "PV027 24:12 there is no check 'gemv.exakt'\n"},
    {{"gemv.exact", "/bin/sh"}, "PV027 24:12 there is no check '/bin/sh'\n"},
    {{"    prediction: nothing differs\n", ""},
     "PV033 20:9 falsifier F_1 does not say what it predicts or what a failure means\n"},
    {{"    if_fails: look there\n", ""},
     "PV033 20:9 falsifier F_1 does not say what it predicts or what a failure means\n"},
    {{"it holds", "The logits equal the reference's", "gemv.exact\n    with: {type: Q6_K}",
      "forward.reference"},
     "PV040 16:9 AC_1 claims equality, and F_1 judges it with min_cosine\n"},
    {{"it holds", "exactly as it should be",
      "gemv.exact\n    with: {type: Q6_K}\n    faults: [wrong_sub_scale]", "swiglu.error"},
     "PV040 16:9 AC_1 claims equality, and F_1 judges it with max_ulp\n"},
    /* How near is said; inequality is no equality; equal bits are compared without a bound. */
    {{"it holds", "The cosine is above 0.99, the top token equal",
      "gemv.exact\n    with: {type: Q6_K}", "forward.reference"},
     ""},
    {{"it holds", "unequal samepeople", "gemv.exact\n    with: {type: Q6_K}", "forward.reference"},
     ""},
    {{"it holds", "Small integers give the exact result"}, ""},
    {{"[wrong_sub_scale]",
      "[wrong_sub_scale, high_bits_dropped, wrong_sub_scale, superblock_short, wrong_sub_scale]"},
     "PV035 26:50 the fault 'wrong_sub_scale' is listed twice\n"
     "PV035 26:85 the fault 'wrong_sub_scale' is listed twice\n"},
    {{"[wrong_sub_scale]", "[contraction, wrong_sub_scal, wrong_sub_scale]"},
     "PV042 26:14 the check gemv.exact does not see the fault contraction\n"
     "PV042 26:27 there is no fault 'wrong_sub_scal'\n"},
    {{"needed_for: ACTIVE_RUNTIME", "needed_for: DRAFT"},
     "PV013 16:9 criterion AC_1 is needed for DRAFT, which claims nothing\n"},
    {{"PROPOSED", "KNOWN_DIVERGENCE"},
     "PV031 6:11 the status is KNOWN_DIVERGENCE and known_divergence has 0 entries\n"},
    {{"  amendment_history:", "  known_divergence: [AC_1]\n  amendment_history:"},
     "PV031 6:11 the status is PROPOSED and known_divergence has 1 entries\n"},
    {{"  amendment_history:", "  known_divergence: [AC_1, AC_2, AC_3]\n  amendment_history:",
      "PROPOSED", "KNOWN_DIVERGENCE"},
     "PV031 10:28 known_divergence names 'AC_2', which is no criterion\n"
     "PV031 10:34 known_divergence names 'AC_3', which is no criterion\n"},
    {{"  amendment_history:", "  known_divergence: [AC_1]\n  amendment_history:", "PROPOSED",
      "KNOWN_DIVERGENCE"},
     ""},
};

static void test_bindings(void) {
  EXPECT_CAUSES(bindings);
}

/* The sample without falsifiers: its list is empty. */
static void test_no_falsifiers(void) {
  pv_text text = PV_TEXT_INIT;
  pv_text_add(&text, sample_sound,
              (size_t)(strstr(sample_sound, "falsification_tests:") - sample_sound));
  pv_text_puts(&text, "falsification_tests: []\n");
  sample_expect(SAMPLE_PATH, text.data,
                "PV034 3:9 there are 1 criteria and 0 falsifiers\n"
                "PV025 16:9 criterion AC_1 is bound to no falsifier\n");
  pv_text_free(&text);
}

/* `with` of a check, and what is said of it. */
typedef struct with_case {
  const char *check, *with, *wanted;
} with_case;

static const with_case withs[] = {
    {"forward.determinism", "{runs: 2}", ""},
    {"forward.determinism", "{runs: 10, prompts: all}", ""},
    {"forward.determinism", "{runs: 1}",
     "PV028 25:18 parameter runs is '1', not a whole number from 2 to 10\n"},
    {"forward.determinism", "{runs: 11}",
     "PV028 25:18 parameter runs is '11', not a whole number from 2 to 10\n"},
    {"forward.determinism", "{runs: 2.5}",
     "PV028 25:18 parameter runs is '2.5', not a whole number from 2 to 10\n"},
    {"forward.determinism", "{runs: [2]}",
     "PV028 25:18 parameter runs is 'a list', not one value, not a list\n"},
    {"forward.arbiter", "{min_cosine: 0.5}", ""},
    {"forward.arbiter", "{min_cosine: 1}", ""},
    {"forward.arbiter", "{min_cosine: 0.4}",
     "PV028 25:24 parameter min_cosine is '0.4', not a number from 0.5 to 1\n"},
    {"forward.arbiter", "{min_cosine: 1.1}",
     "PV028 25:24 parameter min_cosine is '1.1', not a number from 0.5 to 1\n"},
    {"forward.arbiter", "{min_cosine: nan}",
     "PV028 25:24 parameter min_cosine is 'nan', not a number from 0.5 to 1\n"},
    {"forward.arbiter", "{backend: gpu}",
     "PV028 25:21 parameter backend is 'gpu', not one of cpu scalar avx2 vnni cuda "
     "cuda0+1 cuda0+1/experts ptx ptx0+1 ptx0+1/experts vulkan vulkan0 vulkan1 definition "
     "trace:DIR llamacpp: huggingface: "
     "engine:PROGRAM\n"},
    {"forward.arbiter", "{prompts: [one, t.w_o-2]}", ""},
    {"forward.arbiter", "{prompts: []}",
     "PV028 25:21 parameter prompts is 'a list', not 1 to 32 words\n"},
    {"forward.arbiter", "{prompts: [" EIGHT "," EIGHT "," EIGHT "," EIGHT "]}", ""},
    {"forward.arbiter", "{prompts: [" EIGHT "," EIGHT "," EIGHT "," EIGHT ", z]}",
     "PV028 25:21 parameter prompts is 'a list', not 1 to 32 words\n"},
    {"forward.arbiter", "{prompts: a b}",
     "PV028 25:21 parameter prompts is 'a b', not a list of words\n"},
    {"forward.arbiter", "{prompts: [a, b c]}",
     "PV028 25:21 parameter prompts is 'a list', not words of letters, digits, '.', '_' and '-'\n"},
    {"ptx.rules", "{kernel: a.b_c-1}", ""},
    {"ptx.rules", "{kernel: a b}",
     "PV028 25:20 parameter kernel is 'a b', not letters, digits, '.', '_' and '-'\n"},
    {"ptx.rules", "{kernel: \"\"}",
     "PV028 25:20 parameter kernel is '', not letters, digits, '.', '_' and '-'\n"},
    {"ptx.rules", "{kernel: " BIG BIG "}", ""},
    {"ptx.rules", "{kernel: " BIG BIG "x}",
     "PV028 25:20 parameter kernel is "
     "'ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGH'"
     ", not letters, digits, '.', '_' and '-'\n"},
    {"router.topk_rule", "{}", ""},
    {"router.topk_rule", "{a: 1, b: 2}",
     "PV028 25:15 the check router.topk_rule has no parameter 'a'\n"
     "PV028 25:21 the check router.topk_rule has no parameter 'b'\n"},
    {"ptx.flow", "{sink: add}",
     "PV028 24:12 the check ptx.flow needs the parameter 'kernel'\n"
     "PV028 24:12 the check ptx.flow needs the parameter 'writers'\n"},
};

static void test_parameters(void) {
  for (size_t i = 0; i < sizeof withs / sizeof *withs; i++) {
    char change[400];
    snprintf(change, sizeof change, "    check: %s\n    with: %s\n", withs[i].check, withs[i].with);
    const cause one = {{CHECK, change}, withs[i].wanted};
    expect(&one, 1);
  }
}

#define MODEL(fields) \
  "acceptance_criteria:\n", "model: {" fields ", made_by: m}\nacceptance_criteria:\n"
#define FINITE       CHECK, "    check: forward.finite\n"
#define NAMED(names) CHECK, "    check: forward.finite\n    with: {prompts: " names "}\n"
#define UNNAMED      "PV037 15:17 a check needs a reference, and the model's is not named\n"
#define NO_DIGEST    "PV037 15:17 the model's digest is not 64 hexadecimal digits in lower case\n"

static const cause models[] = {
    {{MODEL("sha256: " SHA256)}, ""},
    {{MODEL("sha256: " SHA256 "0")}, NO_DIGEST},
    {{MODEL("sha256: " SHA256 "g")}, NO_DIGEST},
    {{MODEL("sha256: A123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")},
     NO_DIGEST},
    {{MODEL("sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdeg")},
     NO_DIGEST},
    {{MODEL("sha256: " SHA256 ", reference_sha256: " SHA256)}, ""},
    {{MODEL("sha256: " SHA256 ", reference_sha256: x")}, NO_DIGEST},
    {{MODEL("sha256: " SHA256), CHECK, "    check: forward.reference\n"}, UNNAMED},
    /* Prompts alone are built in, but for those by other names. */
    {{MODEL("sha256: " SHA256), FINITE}, ""},
    {{MODEL("sha256: " SHA256), NAMED("[p0]")}, UNNAMED},
    {{MODEL("sha256: " SHA256), NAMED("p0")}, UNNAMED},
    {{MODEL("sha256: " SHA256), NAMED("[builtin-3, p0]")}, UNNAMED},
    {{MODEL("sha256: " SHA256), NAMED("[builtin-3, builtin-17]")}, ""},
    {{MODEL("sha256: " SHA256), NAMED("all")}, ""},
    {{MODEL("sha256: " SHA256 ", reference_sha256: " SHA256), FINITE}, ""},
    {{MODEL("sha256: " SHA256), "gemv.exact", "no.check"},
     "PV027 25:12 there is no check 'no.check'\n"},
};

static void test_models(void) {
  EXPECT_CAUSES(models);
}

static void test_paths(void) {
  static const char *const good[] = {"sample.yaml", "sample", "./sample.yml", "/sample.yaml",
                                     "a.b/sample"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) sample_expect(good[i], sample_sound, "");
  sample_expect("sample.old.yaml", sample_sound,
                "PV020 3:9 the contract is named 'sample', its file 'sample.old'\n");
  sample_expect(".yaml", sample_sound, "PV020 3:9 the contract is named 'sample', its file ''\n");
  sample_expect(BIG BIG ".yaml", sample_sound,
                "PV020 3:9 the contract is named 'sample', its file '" BIG "ABCDEFGHIJKLMNOP'\n");
}

static void test_hints(void) {
  static const char *const hints[][2] = {{"gemv.exakt", "did you mean gemv.exact?"},
                                         {"a.check.far.from.all", "`pv explain` lists all checks"}};
  for (int i = 0; i < 2; i++) {
    pv_arena arena = PV_ARENA_INIT;
    pv_findings findings = {0};
    pv_text text = PV_TEXT_INIT;
    sample_edit(&text, sample_sound, (const char *const[]){"gemv.exact", hints[i][0], NULL});
    sample_judge(&arena, SAMPLE_PATH, text.data, text.length, &findings);
    REQUIRE(EXPECT_U64(findings.count, 1));
    EXPECT_STR(findings.items[0].hint, hints[i][1]);
    pv_text_free(&text);
    pv_arena_free(&arena);
  }
}

/* What is no finding: an id that the list lacks, and errors that no rule is behind. */
static void test_no_findings(void) {
  pv_arena arena = PV_ARENA_INIT;
  pv_findings findings = {0};
  pv_error err = PV_ERROR_INIT, broken = PV_ERROR_INIT;
  EXPECT_I64(pv_findings_add(&arena, &findings, "PV099", "f", 1, 1, "h", &err, "m"),
             PV_ERR_INTERNAL);
  EXPECT_STR(err.message, "there is no rule PV099");
  EXPECT_I64(pv_error_set(&broken, PV_ERR_IO, "the disk is gone"), PV_ERR_IO);
  EXPECT_I64(pv_findings_from_error(&arena, &findings, &broken, NULL), PV_ERR_IO);
  EXPECT_I64(pv_findings_from_error(&arena, &findings, &broken, &err), PV_ERR_IO);
  EXPECT_I64(err.code, PV_ERR_IO);
  EXPECT_STR(err.message, "the disk is gone");
  EXPECT_U64(findings.count, 0);
  EXPECT_U64(findings.severe, 0);
  pv_arena_free(&arena);
}

int main(void) {
  return pv_testing_main("causes of rules", (pv_case[]){PV_CASE(test_version_texts),
                                                        PV_CASE(test_date_texts),
                                                        PV_CASE(test_histories),
                                                        PV_CASE(test_identities),
                                                        PV_CASE(test_bindings),
                                                        PV_CASE(test_no_falsifiers),
                                                        PV_CASE(test_parameters),
                                                        PV_CASE(test_models),
                                                        PV_CASE(test_paths),
                                                        PV_CASE(test_hints),
                                                        PV_CASE(test_no_findings),
                                                        {0}});
}
