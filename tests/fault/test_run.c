/* Every allocation and every system call fails while a probe is run: its PASS is taken over, or
 * there is an error or another verdict; never a wrong one, and no process is left. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fault/each.h"
#include "tests/unit/known.h"
#include "tests/unit/testing.h"
#include "validator/model/bind.h"
#include "validator/run/run.h"

void *__real_malloc(size_t size); /* of the linker */

static char pass[] = "F_PASS_1", fail[] = "F_FAIL_1", topk[] = "router.topk_rule";
static pv_falsifier falsifiers[] = {{.id = pass, .check = topk, .timeout_s = 5},
                                    {.id = fail, .check = topk, .timeout_s = 5}};
static pv_contract contract = {.falsifiers = falsifiers, .falsifier_count = 2};

static bool work(void) {
  pv_arena arena = PV_ARENA_INIT;
  pv_run_outcome outcome;
  pv_error err = PV_ERROR_INIT;
  const pv_run_spec spec = {
      .probe = getenv("PV_FAKE_PROBE"), .contract = &contract, .threads = 1, .start_timeout_s = 5};
  const pv_code code = pv_run(&arena, &spec, &outcome, &err);
  bool good = code == PV_OK;
  if (!good) EXPECT(err.code == code && err.message[0] != '\0' && code != PV_ERR_INPUT);
  if (good) {
    const pv_falsifier_result *a = &outcome.falsifiers[0], *b = &outcome.falsifiers[1];
    /* What went wrong here is never a claim's: the other verdicts all say that nobody knows. */
    EXPECT(a->verdict != PV_FAIL && a->verdict != PV_VACUOUS && b->verdict != PV_PASS);
    EXPECT(a->verdict != PV_PASS || a->compared == 10);
    EXPECT(a->verdict == PV_PASS || a->reason[0] != '\0');
    good = a->verdict == PV_PASS && b->verdict == PV_FAIL && outcome.children == 1;
  }
  pv_arena_free(&arena);
  return good;
}

static void test_allocations(void) {
  each_allocation(work, 10);
}
/* Also those of jansson, while the request is made: the probe is asked everything, or nothing. */
static void test_request(void) {
  json_set_alloc_funcs(malloc, free);
  each_allocation(work, 50);
  json_set_alloc_funcs(__real_malloc, free);
}
static void test_calls(void) {
  each_call(work, 30);
}

int main(void) {
  if (getenv("PV_FAKE_PROBE") == NULL) return 1;
  pv_bind_checks(&contract, testing_known());
  const int code = pv_testing_main(
      "fault run",
      (pv_case[]){PV_CASE(test_allocations), PV_CASE(test_request), PV_CASE(test_calls), {0}});
  printf("%u failures injected\n", each_injected());
  return code;
}
