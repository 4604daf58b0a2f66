/* Every allocation and every system call fails while a provider is asked and run: its PASS is taken
 * over, or there is an error or another verdict; never a wrong one, and no process and no folder is
 * left. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fault/each.h"
#include "tests/unit/base/folder.h"
#include "tests/unit/testing.h"
#include "validator/model/bind.h"
#include "validator/run/run.h"

void *__real_malloc(size_t size); /* of the linker */

static char pass[] = "F_PASS", fail[] = "F_FAIL", check[] = "mine/do", name[] = "mine";
static char answer[] = "answer", no[] = "FAIL", path[] = "c.yaml", program[] = "p";
static pv_param with[] = {{.name = answer, .text = no}};

/* An allocation that is refused is told, unless it is the verdict of its falsifier: jansson's own
 * in a reader of what the provider says is none of these. */
static bool work(void) {
  pv_arena arena = PV_ARENA_INIT;
  pv_provider p = {.name = name, .program = program, .path = getenv("PV_FAKE_PROVIDER")};
  pv_falsifier falsifiers[] = {
      {.id = pass, .check = check, .timeout_s = 5},
      {.id = fail, .check = check, .timeout_s = 5, .with = with, .with_count = 1}};
  pv_contract contract = {.path = path,
                          .providers = &p,
                          .provider_count = 1,
                          .falsifiers = falsifiers,
                          .falsifier_count = 2};
  pv_asked asked = {0};
  pv_run_outcome outcome;
  pv_error err = PV_ERROR_INIT;
  pv_code code = pv_run_ask_provider(&arena, p.path, name, 5, &asked, &err);
  p.why = asked.why;
  p.verdict = asked.verdict;
  p.known = asked.said.known;
  if (code == PV_OK) {
    EXPECT((asked.why == NULL) == (asked.said.known != NULL));
    pv_bind_checks(&contract, NULL);
    const pv_run_spec spec = {.contract = &contract, .threads = 1};
    code = pv_run(&arena, &spec, &outcome, &err);
  }
  bool good = code == PV_OK;
  if (!good) EXPECT(err.code == code && err.message[0] != '\0' && code != PV_ERR_INPUT);
  if (good) {
    const pv_falsifier_result *a = &outcome.falsifiers[0], *b = &outcome.falsifiers[1];
    EXPECT(a->verdict != PV_FAIL && a->verdict != PV_VACUOUS && b->verdict != PV_PASS);
    EXPECT(a->verdict != PV_PASS || a->compared == 10);
    EXPECT(a->reason[0] != '\0' && b->reason[0] != '\0');
    good = a->verdict == PV_PASS && b->verdict == PV_FAIL;
  }
  pv_arena_free(&arena);
  each_rest();
  EXPECT_U64(folder_count(), 0);
  each_go_on();
  return good;
}

static void test_allocations(void) {
  each_allocation(work, 10);
}
static void test_request(void) {
  json_set_alloc_funcs(malloc, free);
  each_allocation(work, 50);
  json_set_alloc_funcs(__real_malloc, free);
}
static void test_calls(void) {
  each_call(work, 30);
}

int main(void) {
  if (getenv("PV_FAKE_PROVIDER") == NULL || folder_make() == NULL) return 1;
  char base[4096];
  snprintf(base, sizeof base, "%s", folder_path(""));
  setenv("TMPDIR", base, 1);
  const int code = pv_testing_main(
      "fault provider",
      (pv_case[]){PV_CASE(test_allocations), PV_CASE(test_request), PV_CASE(test_calls), {0}});
  printf("%u failures injected\n", each_injected());
  folder_remove();
  return code;
}
