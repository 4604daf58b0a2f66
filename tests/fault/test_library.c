/* Each allocation fails while a kernel of the CPU is judged: the verdict is the one without a
 * failure, over the same elements, or there is an error. Never a PASS over less, and never a
 * finding that is none of the kernel's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/library/library.h"
#include "tests/fault/each.h"
#include "tests/unit/testing.h"

static const char *kernel;
static pv_library_report wanted;

/* The child is this program, in which nothing fails. */
static pv_code check(pv_library_report *out, pv_error *err) {
  static const char *const host[2] = {"/proc/self/exe", "library"};
  return pv_library_check(kernel, host, out, err);
}

static bool whole(const pv_library_report *r) {
  return r->verdict == PV_LIBRARY_PASS && r->cases == wanted.cases &&
         r->left_out == wanted.left_out && r->compared == wanted.compared && r->finding_count == 0;
}

static bool work(void) {
  pv_library_report r = {.verdict = PV_LIBRARY_NOT_RUN};
  pv_error err = PV_ERROR_INIT;
  const pv_code code = check(&r, &err);
  if (code == PV_OK) return EXPECT(whole(&r));
  EXPECT(code == PV_ERR_NOMEM && err.code == code && err.message[0] != '\0');
  EXPECT(r.verdict == PV_LIBRARY_NOT_RUN && r.compared == 0);
  return false;
}

static void test_allocations(void) {
  each_allocation(work, 30);
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "library") == 0) return pv_library_host(argc - 1, argv + 1);
  pv_error err = PV_ERROR_INIT;
  kernel = getenv("PV_KERNEL");
  if (kernel == NULL || check(&wanted, &err) != PV_OK) {
    pv_error_print(&err, stderr);
    return 1;
  }
  if (!whole(&wanted) || wanted.compared == 0) return 1;
  const int code = pv_testing_main("fault library", (pv_case[]){PV_CASE(test_allocations), {0}});
  printf("%u failures injected\n", each_injected());
  return code;
}
