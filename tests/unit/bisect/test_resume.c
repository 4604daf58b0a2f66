/* A bisection that is killed goes on, and says bit for bit what an uninterrupted one says. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "runtime/bisect/bisect.h"
#include "runtime/model/arch/qwen3moe.h"
#include "tests/unit/base/folder.h"
#include "tests/unit/bisect/same.h"
#include "tests/unit/testing.h"

static pv_model *model;
static char state[512];
static const uint32_t ids[] = {861, 1644, 198, 17};
enum { IDS = sizeof ids / sizeof *ids, STEPS = 2 * (1 + 4 * 9 + 2) }; /* two batches */
static char key[65];
static size_t seen; /* operations that the last run went through */

static pv_bisect_spec spec_of(const char *right_fault) {
  pv_bisect_spec spec = {
      .model = model,
      .side =
          {{"left", {pv_side_kind_find("cpu"), PV_NUMERICS_I16, {NULL, -1}, NULL, NULL, ""}, NULL},
           {"right", {pv_side_kind_find("cpu"), PV_NUMERICS_I8, {NULL, -1}, NULL, NULL, ""}, NULL}},
      .ids = ids,
      .count = IDS,
      .batch = 2,
      .threads = 2,
      .state = state,
      .key = key};
  EXPECT_I64(pv_fault_parse(right_fault, &spec.side[1].who.planted, NULL), PV_OK);
  return spec;
}

static void count_steps(void *context, size_t done, size_t total) {
  (void)context;
  EXPECT_U64(total, STEPS);
  seen = done;
}

static void die_at(void *context, size_t done, size_t total) {
  (void)total;
  if (done == *(size_t *)context) raise(SIGKILL);
}

static bool run(const char *fault, pv_bisect_result *out) {
  pv_bisect_spec spec = spec_of(fault);
  pv_error err = PV_ERROR_INIT;
  spec.progress = count_steps;
  seen = 0;
  const bool ok = EXPECT_I64(pv_bisect(&spec, out, &err), PV_OK);
  if (!ok) pv_error_print(&err, stderr);
  return ok;
}

static void killed_at(const char *fault, size_t step) {
  const pid_t child = fork();
  int status = 0;
  if (child == 0) {
    pv_bisect_spec spec = spec_of(fault);
    pv_bisect_result out;
    spec.progress = die_at;
    spec.context = &step;
    pv_bisect(&spec, &out, NULL);
    _exit(0);
  }
  EXPECT(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
}

/* In the first layer, at the boundary of a layer, of a batch, behind the last operation. */
static void test_killed(void) {
  static const size_t at[] = {3, 11, STEPS / 2, STEPS / 2 + 30, STEPS};
  pv_bisect_result whole, again;
  unlink(state);
  REQUIRE(run("wrong_head_group:layer=2", &whole));
  EXPECT_I64(whole.culprit[1].stage, PV_STAGE_ATTN_OUT);
  for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
    unlink(state);
    killed_at("wrong_head_group:layer=2", at[i]);
    /* Nothing is kept before the first layer is done. */
    EXPECT_I64(access(state, F_OK), at[i] < 10 ? -1 : 0);
    REQUIRE(run("wrong_head_group:layer=2", &again));
    EXPECT_U64(seen, STEPS);
    same_result(&whole, &again);
    pv_bisect_free(&again);
  }
  /* Killed twice. */
  unlink(state);
  killed_at("wrong_head_group:layer=2", 21);
  killed_at("wrong_head_group:layer=2", 60);
  REQUIRE(run("wrong_head_group:layer=2", &again));
  same_result(&whole, &again);
  pv_bisect_free(&again);
  /* A finished one computes nothing. */
  REQUIRE(run("wrong_head_group:layer=2", &again));
  EXPECT_U64(seen, 0);
  same_result(&whole, &again);
  pv_bisect_free(&again);
  pv_bisect_free(&whole);
}

static void refused(const char *fault, const char *why) {
  pv_bisect_spec spec = spec_of(fault);
  pv_bisect_result out;
  pv_error err = PV_ERROR_INIT;
  EXPECT_I64(pv_bisect(&spec, &out, &err), PV_ERR_INPUT);
  EXPECT_HAS(err.message, why);
  EXPECT_HAS(err.file, state);
  EXPECT(out.stages == NULL);
}

static void test_refused(void) {
  unlink(state);
  killed_at("wrong_head_group:layer=2", 40);
  key[0] = 'b';
  refused("wrong_head_group:layer=2", "of other sides, tokens or options");
  key[0] = 'a';
  /* The key is the caller's word; the bits are looked at, too. */
  refused("contraction:layer=0", "the sides do not compute what they did");
  pv_bytes bytes;
  pv_error err = PV_ERROR_INIT;
  REQUIRE(pv_file_read(state, 1u << 20, &bytes, &err) == PV_OK);
  bytes.data[bytes.length / 2] ^= 1;
  EXPECT_I64(pv_file_replace(state, bytes.data, bytes.length, &err), PV_OK);
  refused("wrong_head_group:layer=2", "damaged");
  EXPECT_I64(pv_file_replace(state, bytes.data, bytes.length - 1, &err), PV_OK);
  refused("wrong_head_group:layer=2", "damaged");
  EXPECT_I64(pv_file_replace(state, "something else", 14, &err), PV_OK);
  refused("wrong_head_group:layer=2", "is no state");
  pv_bytes_free(&bytes);
}

int main(void) {
  pv_error err = PV_ERROR_INIT;
  memset(key, 'a', sizeof key - 1);
  if (folder_make() == NULL ||
      pv_model_open("models/tiny-coder-moe-Q4_K_M.gguf", &model, &err) != PV_OK) {
    pv_error_print(&err, stderr);
    return 1;
  }
  snprintf(state, sizeof state, "%s", folder_path("state"));
  const int code =
      pv_testing_main("resume", (pv_case[]){PV_CASE(test_killed), PV_CASE(test_refused), {0}});
  pv_model_close(model);
  folder_remove();
  return code;
}
