/* Every allocation fails while a command prints JSON: it is whole, or there is none and exit
 * code 4. Half of a list would look like a shorter one. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/fault/each.h"
#include "tests/fault/printed.h"
#include "tests/unit/base/folder.h"
#include "tests/unit/store/sample.h"
#include "tests/unit/testing.h"
#include "validator/cli/commands.h"
#include "validator/run/run.h"

static char old_path[300], new_path[300], wrong_path[300], run_folder[600];
static char folder[300];
static const char *probe;

pv_code __real_pv_run_describe(pv_arena *arena, const char *path, double timeout_s,
                               const pv_known **out, pv_error *err);
pv_code __wrap_pv_run_describe(pv_arena *arena, const char *path, double timeout_s,
                               const pv_known **out, pv_error *err);

/* What a probe describes is asked once, not at each failure: that reading fails with its memory is
 * tested with the other inputs. */
pv_code __wrap_pv_run_describe(pv_arena *arena, const char *path, double timeout_s,
                               const pv_known **out, pv_error *err) {
  static pv_arena own;
  static const pv_known *known;
  (void)arena;
  if (known == NULL && __real_pv_run_describe(&own, path, timeout_s, &known, err) != PV_OK) exit(1);
  *out = known;
  return PV_OK;
}

static void test_lint(void) {
  printed_whole(pv_cmd_lint, (const char *[]){"lint", "--json", old_path, wrong_path, NULL}, 100);
}
static void test_diff(void) {
  printed_whole(pv_cmd_diff, (const char *[]){"diff", "--json", old_path, new_path, NULL}, 100);
}
/* With the contract that the evidence is about beside it, which claims something else now. */
static void test_evidence(void) {
  printed_whole(pv_cmd_evidence, (const char *[]){"evidence", "show", run_folder, "--json", NULL},
                100);
  printed_whole(
      pv_cmd_evidence,
      (const char *[]){"evidence", "verify", run_folder, "--json", "--probe", probe, NULL}, 100);
}
static void test_status(void) {
  printed_whole(pv_cmd_status, (const char *[]){"status", folder, "--probe", probe, NULL}, 100);
}

static bool prepare(void) {
  static sample s;
  char text[4096];
  if (folder_make() == NULL || !sample_make(&s)) return false;
  sample_fill(&s);
  const char *made = sample_publish(&s, folder_path("published"));
  if (made == NULL) return false;
  snprintf(run_folder, sizeof run_folder, "%s", made);
  sample_free(&s);
  snprintf(text, sizeof text, "%s", sample_yaml);
  memcpy(strstr(text, "property: Second"), "property: Fourth", 16);
  memcpy(strstr(text, "F_TWO"), "F_SIX", 5);
  folder_write("old.yaml", sample_yaml);
  folder_write("new.yaml", text);
  snprintf(folder, sizeof folder, "%s", folder_path("contracts"));
  if (mkdir(folder, 0777) != 0) return false;
  folder_write("contracts/sample.yaml", text);
  memcpy(strstr(text, "names.resolve"), "names.nothing", 13);
  folder_write("wrong.yaml", text);
  snprintf(old_path, sizeof old_path, "%s", folder_path("old.yaml"));
  snprintf(new_path, sizeof new_path, "%s", folder_path("new.yaml"));
  snprintf(wrong_path, sizeof wrong_path, "%s", folder_path("wrong.yaml"));
  return true;
}

int main(void) {
  probe = getenv("PV_FAKE_PROBE");
  if (probe == NULL || !prepare()) return 1;
  const int code = pv_testing_main("fault cli", (pv_case[]){PV_CASE(test_lint),
                                                            PV_CASE(test_diff),
                                                            PV_CASE(test_evidence),
                                                            PV_CASE(test_status),
                                                            {0}});
  printf("%u failures injected\n", each_injected());
  folder_remove();
  return code;
}
