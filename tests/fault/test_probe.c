/* Every allocation fails while pv-probe prints JSON: it is whole, or there is none and exit code 4.
 */
#include <stdio.h>
#include <stdlib.h>

#include "runtime/probe/probe.h"
#include "tests/fault/each.h"
#include "tests/fault/printed.h"
#include "tests/unit/testing.h"

static void test_faults(void) {
  printed_whole(pv_probe_faults, (const char *[]){"faults", "--json", NULL}, 300);
}
static void test_version(void) {
  printed_whole(pv_probe_version, (const char *[]){"version", NULL}, 20);
}
static void test_tensors(void) {
  const char *model = "models/tiny-coder-moe-Q4_K_M.gguf";
  printed_whole(pv_probe_tensors, (const char *[]){"tensors", model, "--json", NULL}, 300);
  printed_whole(pv_probe_tensors, (const char *[]){"tensors", model, NULL}, 20);
}

int main(void) {
  const int code = pv_testing_main(
      "fault probe",
      (pv_case[]){PV_CASE(test_faults), PV_CASE(test_version), PV_CASE(test_tensors), {0}});
  printf("%u failures injected\n", each_injected());
  return code;
}
