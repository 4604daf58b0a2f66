/* The runner against a probe that misbehaves: each way its own verdict, the others unharmed, no
 * process left behind. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/base/folder.h"
#include "tests/unit/known.h"
#include "tests/unit/testing.h"
#include "validator/model/bind.h"
#include "validator/run/run.h"

enum { MANY = 40 };

static pv_falsifier falsifiers[MANY];
static pv_contract contract;
static pv_arena arena;
static pv_run_outcome outcome;
static pv_error err;
static char log_path[512];
/* A contract's texts are not const. */
static char topk[] = "router.topk_rule", finite[] = "forward.finite", backend[] = "backend";

/* Falsifiers with these ids, "id" or "id:backend". */
static void prepare(const char *const *ids) {
  static pv_param params[MANY];
  static char copies[MANY][64];
  pv_arena_free(&arena);
  contract = (pv_contract){.falsifiers = falsifiers};
  for (; ids[contract.falsifier_count] != NULL; contract.falsifier_count++) {
    const size_t i = contract.falsifier_count;
    snprintf(copies[i], sizeof copies[i], "%s", ids[i]);
    char *colon = strchr(copies[i], ':');
    /* Short only for those that are to run into it: this machine may be busy. */
    const bool late = strstr(ids[i], "HANG") != NULL || strstr(ids[i], "FRAMES") != NULL;
    falsifiers[i] = (pv_falsifier){.id = copies[i], .check = topk, .timeout_s = late ? 0.4 : 200};
    if (colon == NULL) continue;
    *colon = '\0';
    params[i] = (pv_param){.name = backend, .text = colon + 1};
    falsifiers[i].check = finite;
    falsifiers[i].with = &params[i];
    falsifiers[i].with_count = 1;
  }
  pv_bind_checks(&contract, testing_known());
}

static pv_code run_prepared(void) {
  snprintf(log_path, sizeof log_path, "%s", folder_path("pids"));
  unlink(log_path);
  setenv("PV_FAKE_LOG", log_path, 1);
  err = PV_ERROR_INIT;
  const pv_run_spec spec = {.probe = getenv("PV_FAKE_PROBE"),
                            .contract = &contract,
                            .threads = 3,
                            .start_timeout_s = 200};
  return pv_run(&arena, &spec, &outcome, &err);
}

/* They, run against the fake probe. */
static pv_code run(const char *const *ids) {
  prepare(ids);
  return run_prepared();
}

/* Ended, or a zombie that waits for the machine's first process: orphans are its to reap. */
static bool gone(long pid) {
  char path[64], state = '?';
  snprintf(path, sizeof path, "/proc/%ld/stat", pid);
  FILE *stat = fopen(path, "rb");
  if (stat == NULL) return true;
  const bool read = fscanf(stat, "%*d (%*[^)]) %c", &state) == 1;
  fclose(stat);
  return !read || state == 'Z' || state == 'X';
}

/* How many of the processes that wrote their number still run. */
static unsigned left_behind(void) {
  unsigned alive = 0;
  long pid = 0;
  FILE *log = fopen(log_path, "rb");
  if (!EXPECT(log != NULL)) return 1;
  while (fscanf(log, "%ld", &pid) == 1) {
    for (int i = 0; i < 50000 && !gone(pid); i++) /* a killed one takes a moment to die */
      nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    alive += !gone(pid);
  }
  fclose(log);
  return alive;
}

static const char *verdict(size_t i) {
  return pv_verdict_name(outcome.falsifiers[i].verdict);
}
static const char *reason(size_t i) {
  return outcome.falsifiers[i].reason;
}

/* One bad falsifier between two good ones: it gets `want`, they pass. */
static void between(const char *bad, const char *want, const char *why, unsigned children) {
  const char *ids[] = {"F_PASS_1", bad, "F_PASS_2", NULL};
  EXPECT(run(ids) == PV_OK);
  EXPECT_STR(verdict(0), "PASS");
  EXPECT_STR(verdict(1), want);
  EXPECT_HAS(reason(1), why);
  EXPECT_STR(verdict(2), "PASS");
  EXPECT_U64(outcome.children, children);
  EXPECT_U64(left_behind(), 0);
  if (strcmp(verdict(1), want) != 0) printf("  that was %s: %s\n", bad, reason(1));
}

static void test_plain_verdicts(void) {
  const char *ids[] = {"F_PASS", "F_FAIL", "F_NOTRUN", "F_ERROR", "F_INCOMP", "F_MUTE", NULL};
  EXPECT(run(ids) == PV_OK);
  EXPECT_STR(verdict(0), "PASS");
  EXPECT_STR(reason(0), "");
  EXPECT_U64(outcome.falsifiers[0].compared, 10);
  EXPECT_U64(outcome.falsifiers[0].metric_count, 2);
  EXPECT_F64(outcome.falsifiers[0].metrics[0].value, 0.99999994039535522, 0);
  EXPECT(outcome.falsifiers[0].source == PV_FROM_RUN);
  EXPECT(outcome.falsifiers[0].falsifier == &falsifiers[0]);
  EXPECT_STR(verdict(1), "FAIL");
  EXPECT_STR(reason(1), "3 of 10 elements differ");
  EXPECT_STR(verdict(2), "NOT_RUN");
  EXPECT_STR(reason(2), "there is no CUDA device");
  EXPECT(outcome.falsifiers[2].source == PV_FROM_NOWHERE);
  EXPECT_STR(verdict(3), "ERROR");
  EXPECT_STR(verdict(4), "INCOMPARABLE");
  EXPECT_STR(verdict(5), "FAIL");
  EXPECT_HAS(reason(5), "no reason");
  EXPECT_U64(outcome.children, 1);
  EXPECT(outcome.heard);
  EXPECT_STR(pv_fact_value(outcome.hello.environment, outcome.hello.environment_count, "threads"),
             "3");
  EXPECT_STR(pv_fact_value(outcome.hello.numerics, outcome.hello.numerics_count, "i16"), "i16-v1");
  EXPECT(pv_fact_value(outcome.hello.model, outcome.hello.model_count, "sha256") == NULL);
}

static void test_policy(void) {
  const char *ids[] = {"F_ZERO",        "F_NAN",           "F_NULLMETRIC", "F_PASS:cpu",
                       "F_PASS_2:cuda", "F_NOBACKEND:cpu", "F_RICH",       NULL};
  EXPECT(run(ids) == PV_OK);
  EXPECT_STR(verdict(0), "VACUOUS");
  EXPECT_STR(verdict(1), "ERROR");
  EXPECT_HAS(reason(1), "worst_cosine");
  EXPECT_STR(verdict(2), "ERROR");
  EXPECT_STR(verdict(3), "PASS");
  EXPECT_STR(verdict(4), "FAIL");
  EXPECT_HAS(reason(4), "silent fallback");
  EXPECT_HAS(reason(4), "cuda");
  EXPECT_STR(verdict(5), "FAIL");
  EXPECT_STR(verdict(6), "PASS");
  const pv_falsifier_result *rich = &outcome.falsifiers[6];
  EXPECT(rich->worst.present && rich->has_needed_tolerance);
  EXPECT_STR(rich->worst.stage, "moe_ffn_out");
  EXPECT_I64(rich->worst.position, 17);
  EXPECT(rich->worst.right > 1e308);
  EXPECT_F64(rich->needed_tolerance, 0.1, 0);
  EXPECT_U64(rich->series_count, 1);
  EXPECT_U64(rich->series[0].count, 2);
  EXPECT(rich->series[0].log_y && rich->series[0].y[1] != rich->series[0].y[1]);
}

/* Only what is about experts by its check and by its criteria may be left unjudged. */
static void test_not_applicable(void) {
  const char *ids[] = {"F_APART", "F_APART_2", "F_APART_3", NULL};
  static const pv_known_check about = {.name = "router.weights_sum", .needs = PV_NEEDS_EXPERTS},
                              other = {.name = "forward.finite", .needs = PV_NEEDS_MODEL};
  static const pv_known_check *const checks[] = {&about, &about, &other};
  prepare(ids);
  for (size_t i = 0; i < 3; i++) {
    falsifiers[i].known = checks[i];
    falsifiers[i].where = i == 1 ? NULL : "experts";
  }
  EXPECT(run_prepared() == PV_OK);
  EXPECT_STR(verdict(0), "NOT_APPLICABLE");
  EXPECT_STR(reason(0), "no experts");
  EXPECT_STR(verdict(1), "ERROR");
  EXPECT_HAS(reason(1), "where: experts");
  EXPECT_STR(verdict(2), "ERROR");
}

static void test_crashes(void) {
  between("F_SEGV", "CRASH", "signal 11 (SEGV)", 2);
  EXPECT_HAS(outcome.falsifiers[1].output, "about to fall");
  between("F_ABRT", "CRASH", "signal 6", 2);
  between("F_BUS", "CRASH", "signal 7 (BUS)", 2);
  between("F_OOM", "CRASH", "want of memory", 2);
  between("F_EXIT3", "ERROR", "exit code 3", 2);
  between("F_EXIT0", "ERROR", "exit code 0", 2);
  between("F_SAYPASS", "ERROR", "exit code 0", 2);
}

static void test_hangs(void) {
  between("F_HANG", "TIMEOUT", "within 0.4 s", 2);
  between("F_FORKHANG", "TIMEOUT", "within 0.4 s", 2);
  between("F_FRAMES", "TIMEOUT", "within 0.4 s", 2);
}

/* Processes that left the probe's group, its session and its parent. */
static void test_leaves_processes(void) {
  between("F_ORPHANHANG", "TIMEOUT", "within 0.4 s", 2);
  between("F_ORPHANEXIT3", "ERROR", "exit code 3", 2);
  between("F_ORPHANSEGV", "CRASH", "signal 11", 2);
  between("F_ORPHAN", "PASS", "", 1);
}

/* The answer of the shared child is void; four children in all. */
static void test_lies(void) {
  between("F_GARBAGE", "ERROR", "no frame", 4);
  between("F_BIG", "ERROR", "4194305", 4);
  between("F_DIGEST", "ERROR", "digest", 4);
  between("F_NOTJSON", "ERROR", "JSON", 4);
  between("F_SHORT", "ERROR", "middle of a frame", 4);
  between("F_NONCE", "ERROR", "nonce", 4);
  between("F_UNKNOWN", "ERROR", "nobody asked", 4);
  between("F_TWICE", "ERROR", "twice", 4);
  between("F_VERDICT", "ERROR", "verdict", 4);
  between("F_HELLO", "ERROR", "hello twice", 4);
  between("F_EARLYEND", "ERROR", "without an answer", 4);
}

static void test_ends_badly(void) {
  /* It answered, then left or fell between two falsifiers: what it said before is void. */
  between("F_NOEND", "ERROR", "without an answer", 4);
  between("F_LATERSEGV", "CRASH", "signal 11", 4);
}

static void test_flood(void) {
  const char *ids[] = {"F_PASS", "F_FLOOD", NULL};
  EXPECT(run(ids) == PV_OK);
  EXPECT_STR(verdict(0), "PASS");
  /* 10 MB on stderr is no crime; it is read away and only its head is kept. */
  EXPECT_STR(verdict(1), "PASS");
  EXPECT_U64(left_behind(), 0);
}

static void test_several_bad_ones(void) {
  const char *ids[] = {"F_SEGV_1",  "F_PASS_1", "F_HANG_1", "F_SEGV_2",
                       "F_NONCE_1", "F_FAIL",   "F_PASS_2", NULL};
  const char *want[] = {"CRASH", "PASS", "TIMEOUT", "CRASH", "ERROR", "FAIL", "PASS"};
  EXPECT(run(ids) == PV_OK);
  for (size_t i = 0; i < 7; i++) EXPECT_STR(verdict(i), want[i]);
  EXPECT_U64(left_behind(), 0);
}

static void started(const char *mode, const char *want, const char *why) {
  const char *ids[] = {"F_PASS_1", "F_PASS_2", NULL};
  setenv("PV_FAKE_START", mode, 1);
  EXPECT(run(ids) == PV_OK);
  unsetenv("PV_FAKE_START");
  EXPECT_STR(verdict(0), want);
  EXPECT_STR(verdict(1), want);
  EXPECT_HAS(reason(1), why);
  EXPECT(!outcome.heard);
  EXPECT_U64(outcome.children, 1); /* starting it again would not help */
  EXPECT_U64(left_behind(), 0);
}

static void test_start_up(void) {
  started("saypass", "ERROR", "exit code 0");
  started("segv", "CRASH", "signal 11");
  started("garbage", "ERROR", "no frame");
}

static void test_start_hangs(void) {
  setenv("PV_FAKE_START", "hang", 1);
  const pv_run_spec spec = {
      .probe = getenv("PV_FAKE_PROBE"), .contract = &contract, .start_timeout_s = 0.3};
  const char *ids[] = {NULL};
  EXPECT(run(ids) == PV_OK);
  contract.falsifier_count = 2;
  EXPECT(pv_run(&arena, &spec, &outcome, &err) == PV_OK);
  unsetenv("PV_FAKE_START");
  EXPECT_STR(verdict(0), "TIMEOUT");
  EXPECT_HAS(reason(0), "hello");
  EXPECT_U64(left_behind(), 0);
}

static void test_refusal_is_an_error_of_the_call(void) {
  const char *ids[] = {"F_PASS", NULL};
  setenv("PV_FAKE_START", "refuse", 1);
  EXPECT(run(ids) == PV_ERR_INPUT);
  unsetenv("PV_FAKE_START");
  EXPECT_STR(err.message, "'model.gguf' is no GGUF file");
  EXPECT_STR(err.hint, "name a GGUF file");
}

static void test_selection(void) {
  const char *ids[] = {"F_PASS", "F_SEGV", "F_FAIL", NULL};
  const char *none[] = {NULL};
  const bool selected[] = {true, false, false};
  EXPECT(run(ids) == PV_OK);
  const pv_run_spec spec = {.probe = getenv("PV_FAKE_PROBE"),
                            .contract = &contract,
                            .selected = selected,
                            .unselected = "left out by --only"};
  EXPECT(pv_run(&arena, &spec, &outcome, &err) == PV_OK);
  EXPECT_STR(verdict(0), "PASS");
  EXPECT_STR(verdict(1), "NOT_RUN");
  EXPECT_STR(reason(2), "left out by --only");
  EXPECT_U64(outcome.children, 1);
  EXPECT(run(none) == PV_OK);
  EXPECT_U64(outcome.children, 0);
}

static void test_ask(void) {
  pv_run_hello hello = {0};
  const pv_run_spec spec = {.probe = getenv("PV_FAKE_PROBE"), .contract = &contract};
  EXPECT(pv_run_ask(&arena, &spec, &hello, &err) == PV_OK);
  EXPECT_STR(pv_fact_value(hello.environment, hello.environment_count, "device"), "none");
  setenv("PV_FAKE_START", "segv", 1);
  EXPECT(pv_run_ask(&arena, &spec, &hello, &err) == PV_ERR_IO);
  unsetenv("PV_FAKE_START");
  EXPECT_HAS(err.message, "signal 11");
}

/* A run over this probe's own file as the model, which the contract names by `named` (NULL: not).
 */
static pv_code run_digest(const char *mode, const char *named) {
  static char name[] = "big", command[] = "pv synth --out", digest[PV_SHA256_HEX];
  const char *ids[] = {"F_PASS", "F_FAIL", NULL};
  const char *file = getenv("PV_FAKE_PROBE");
  prepare(ids);
  contract.name = name;
  contract.model.made_by = command;
  contract.model.sha256 = digest;
  if (strcmp(named, "this") != 0 || pv_sha256_file(file, digest, NULL) != PV_OK)
    memset(digest, 'a', PV_SHA256_HEX - 1);
  if (strcmp(named, "") == 0) contract.model.sha256 = NULL;
  const pv_run_spec spec = {
      .probe = file, .contract = &contract, .model = file, .start_timeout_s = 200};
  setenv("PV_FAKE_DIGEST", mode, 1);
  err = PV_ERROR_INIT;
  const pv_code code = pv_run(&arena, &spec, &outcome, &err);
  unsetenv("PV_FAKE_DIGEST");
  return code;
}

/* The model's digest may come after the hello, once; of another file than the contract's it ends
 * the run, whenever it comes. */
static void test_digest(void) {
  static const char *const well[][2] = {
      {"", "this"}, {"late", "this"}, {"late", ""}, {"", ""}, {"never", "this"}};
  for (size_t i = 0; i < sizeof well / sizeof *well; i++) {
    EXPECT_I64(run_digest(well[i][0], well[i][1]), PV_OK);
    EXPECT_STR(verdict(0), "PASS");
    EXPECT_STR(verdict(1), "FAIL");
    EXPECT_U64(outcome.children, 1);
    const char *said = pv_fact_value(outcome.hello.model, outcome.hello.model_count, "sha256");
    EXPECT((said != NULL) == (strcmp(well[i][0], "never") != 0));
  }
  static const char *const modes[] = {"", "late"};
  for (size_t i = 0; i < 2; i++) {
    EXPECT_I64(run_digest(modes[i], "another"), PV_ERR_INPUT);
    EXPECT_HAS(err.message, "is not the one that big names: its SHA-256 is ");
    EXPECT_HAS(err.hint, "pv synth --out FILE");
  }
  static const char *const odd[] = {"twice", "odd"};
  for (size_t i = 0; i < 2; i++) {
    EXPECT_I64(run_digest(odd[i], ""), PV_OK);
    EXPECT_STR(verdict(0), "ERROR");
    EXPECT_HAS(reason(0), "no usable 'sha256'");
  }
}

static void test_wrong_binding(void) {
  const char *ids[] = {"F_PASS:tpu", NULL};
  EXPECT(run(ids) == PV_ERR_INPUT);
  EXPECT_HAS(err.message, "backend");
}

static void test_no_probe(void) {
  const char *found = NULL;
  EXPECT(pv_run_find_probe(&arena, "/nowhere/pv-probe", &found, &err) == PV_ERR_INPUT);
  EXPECT_HAS(err.hint, "--probe");
  EXPECT(pv_run_find_probe(&arena, getenv("PV_FAKE_PROBE"), &found, &err) == PV_OK);
  EXPECT_STR(found, getenv("PV_FAKE_PROBE"));
}

int main(void) {
  if (getenv("PV_FAKE_PROBE") == NULL || folder_make() == NULL) return 1;
  const int code = pv_testing_main("run", (pv_case[]){PV_CASE(test_plain_verdicts),
                                                      PV_CASE(test_policy),
                                                      PV_CASE(test_not_applicable),
                                                      PV_CASE(test_crashes),
                                                      PV_CASE(test_hangs),
                                                      PV_CASE(test_leaves_processes),
                                                      PV_CASE(test_lies),
                                                      PV_CASE(test_ends_badly),
                                                      PV_CASE(test_flood),
                                                      PV_CASE(test_several_bad_ones),
                                                      PV_CASE(test_start_up),
                                                      PV_CASE(test_start_hangs),
                                                      PV_CASE(test_refusal_is_an_error_of_the_call),
                                                      PV_CASE(test_selection),
                                                      PV_CASE(test_digest),
                                                      PV_CASE(test_ask),
                                                      PV_CASE(test_wrong_binding),
                                                      PV_CASE(test_no_probe),
                                                      {0}});
  pv_arena_free(&arena);
  folder_remove();
  return code;
}
