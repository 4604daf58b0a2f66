/* What the rules look for beside the file: contracts that it depends on and runs that it names. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/unit/base/folder.h"
#include "tests/unit/rules/sample.h"
#include "tests/unit/testing.h"

/* The sample in the folder with one change, and what is said of it. */
static void expect_there(const char *from, const char *to, const char *wanted) {
  char path[400];
  pv_text text = PV_TEXT_INIT;
  sample_edit(&text, sample_sound, (const char *const[]){from, to, NULL});
  snprintf(path, sizeof path, "%s", folder_path("sample.yaml"));
  if (!sample_expect(path, text.data, wanted)) fprintf(stderr, "  for: %s\n", to);
  pv_text_free(&text);
}

static void expect_dependency(const char *names, const char *wanted) {
  char line[200];
  snprintf(line, sizeof line, "  depends_on: [%s]\n  amendment_history:", names);
  expect_there("  amendment_history:", line, wanted);
}

static void expect_hint(const char *names, const char *hint) {
  char change[200];
  pv_arena arena = PV_ARENA_INIT;
  pv_findings findings = {0};
  pv_text text = PV_TEXT_INIT;
  snprintf(change, sizeof change, "  depends_on: [%s]\n  amendment_history:", names);
  sample_edit(&text, sample_sound, (const char *const[]){"  amendment_history:", change, NULL});
  sample_judge(&arena, folder_path("sample.yaml"), text.data, text.length, &findings);
  if (EXPECT_U64(findings.count, 1)) EXPECT_STR(findings.items[0].hint, hint);
  pv_text_free(&text);
  pv_arena_free(&arena);
}

static void test_dependencies(void) {
  pv_text many = PV_TEXT_INIT;
  REQUIRE(folder_make() != NULL);
  pv_text_puts(&many, "  depends_on: [d0");
  for (int i = 1; i < 255; i++) pv_text_printf(&many, ", d%d", i);
  pv_text_puts(&many, "]\n");
  sample_put("most", many.data);
  many.length -= 2;
  pv_text_puts(&many, ", d255]\n");
  sample_put("more", many.data);
  sample_put("leaf", "");
  sample_put("odd", "  depends_on: [./back, nowhere, leaf, leaf]\n");
  sample_put("back", "  depends_on: [leaf, sample, far]\n");
  sample_put("round", "  depends_on: [about]\n");
  sample_put("about", "  depends_on: [round]\n"); /* a circle that the sample is not in */
  sample_put("far", "  depends_on: [odd, back]\n");
  folder_write("broken.yaml", "schema: [\n");
  folder_write("sample.yaml", sample_sound);
  expect_dependency("leaf, most, odd, broken, round", "");
  expect_dependency("sample", "PV029 10:16 the dependency on sample leads back to this contract\n");
  expect_dependency("back, far",
                    "PV029 10:16 the dependency on back leads back to this contract\n"
                    "PV029 10:22 the dependency on far leads back to this contract\n");
  expect_dependency("more, leaf",
                    "PV029 10:16 the dependency on more leads to more than 256 contracts\n");
  expect_dependency("none, ./leaf",
                    "PV029 10:16 the contract 'none' that this one depends on is not there\n"
                    "PV029 10:22 the contract './leaf' that this one depends on is not there\n");
  expect_hint("back", "break the circle");
  expect_hint("more", "depend on fewer");
  pv_text_free(&many);
  folder_remove();
}

/* Each rung stands on the next two: 2^27 ways down, 40 contracts. */
static void test_ladder(void) {
  enum { LADDER = 40 };
  REQUIRE(folder_make() != NULL);
  for (int i = 0; i < LADDER; i++) {
    char name[32], line[80];
    snprintf(name, sizeof name, "rung%d", i);
    snprintf(line, sizeof line, "  depends_on: [rung%d, rung%d]\n", i + 1, i + 2);
    sample_put(name, i + 2 < LADDER ? line : "");
  }
  folder_write("sample.yaml", sample_sound);
  expect_dependency("rung0", "");
  sample_put("rung39", "  depends_on: [sample]\n");
  expect_dependency("rung0", "PV029 10:16 the dependency on rung0 leads back to this contract\n");
  folder_remove();
}

/* A path that no system call takes is one that is not there. */
static void test_long_path(void) {
  pv_text path = PV_TEXT_INIT, text = PV_TEXT_INIT;
  while (path.length < 5000) pv_text_puts(&path, "/a-folder-with-a-long-name");
  pv_text_puts(&path, "/sample.yaml");
  sample_edit(
      &text, sample_sound,
      (const char *const[]){"  amendment_history:", "  depends_on: [leaf]\n  amendment_history:",
                            "First version", "t\n      evidence: run", NULL});
  sample_expect(
      path.data, text.data,
      "PV029 10:16 the contract 'leaf' that this one depends on is not there\n"
      "PV030 12:7 neither the run 'run' of amendment 1.0.0 nor a newer one is published\n");
  pv_text_free(&text);
  pv_text_free(&path);
}

/* A folder with the run's name and nothing in it is no run; tests/cli/publish.sh has sound ones. */
static void test_evidence(void) {
  static const char *const runs[] = {"20261123T230258Z-6cd68ef6",
                                     ".",
                                     "..",
                                     "../other",
                                     "20261123T230258Z-6cd68ef6/../../other",
                                     "a b"};
  static const char *const folders[] = {"contracts",
                                        "reports",
                                        "reports/published",
                                        "reports/published/sample",
                                        "reports/published/other",
                                        "reports/published/sample/20261123T230258Z-6cd68ef6"};
  REQUIRE(folder_make() != NULL);
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
    EXPECT_I64(mkdir(folder_path(folders[i]), 0700), 0);
  for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
    char change[120], wanted[200];
    pv_text text = PV_TEXT_INIT;
    snprintf(change, sizeof change, "First version\n      evidence: \"%s\"", runs[i]);
    snprintf(wanted, sizeof wanted,
             "PV030 11:7 neither the run '%s' of amendment 1.0.0 nor a newer one is published\n",
             runs[i]);
    sample_edit(&text, sample_sound, (const char *const[]){"First version", change, NULL});
    if (!sample_expect(folder_path("contracts/sample.yaml"), text.data, wanted))
      fprintf(stderr, "  for: %s\n", runs[i]);
    pv_text_free(&text);
  }
  folder_remove();
}

int main(void) {
  return pv_testing_main("beside a contract", (pv_case[]){PV_CASE(test_dependencies),
                                                          PV_CASE(test_ladder),
                                                          PV_CASE(test_long_path),
                                                          PV_CASE(test_evidence),
                                                          {0}});
}
