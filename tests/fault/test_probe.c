/* Every allocation fails while pv-probe prints JSON: it is whole, or there is none and exit code 4.
 */
#include <stdio.h>
#include <stdlib.h>

#include "runtime/probe/probe.h"
#include "tests/fault/each.h"
#include "tests/fault/printed.h"
#include "tests/unit/base/folder.h"
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

static void test_inspect(void) {
  static const char model[] = "models/tiny-coder-moe-Q4_K_M.gguf";
  printed_whole(pv_probe_inspect, (const char *[]){"inspect", model, "--json", NULL}, 100);
  printed_whole(pv_probe_inspect, (const char *[]){"inspect", model, NULL}, 100);
}

static const char ptx[] =
    ".version 8.0\n.target sm_80\n.address_size 64\n\n"
    ".visible .entry first(.param .u64 to, .param .u32 count)\n{\n"
    "  .reg .b32 %r<3>;\n  .reg .b64 %rd<2>;\n"
    "  ld.param.u64 %rd1, [to];\n  ld.param.u32 %r1, [count];\n"
    "  st.global.u32 [%rd1], %r1;\n  ret;\n}\n";

static void test_ptx(void) {
  if (folder_make() == NULL) exit(1);
  folder_write("first.ptx", ptx);
  const char *ptx_path = folder_path("first.ptx");
  printed_whole(pv_probe_ptx, (const char *[]){"ptx", "list", "--file", ptx_path, "--json", NULL},
                20);
  printed_whole(pv_probe_ptx,
                (const char *[]){"ptx", "show", "--file", ptx_path, "first", "--json", NULL}, 20);
  printed_whole(pv_probe_ptx,
                (const char *[]){"ptx", "check", "--file", ptx_path, "first", "--require", "ret",
                                 "--forbid", "bar", "--json", NULL},
                20);
  folder_remove();
}

int main(void) {
  const int code = pv_testing_main("fault probe", (pv_case[]){PV_CASE(test_faults),
                                                              PV_CASE(test_version),
                                                              PV_CASE(test_tensors),
                                                              PV_CASE(test_inspect),
                                                              PV_CASE(test_ptx),
                                                              {0}});
  printf("%u failures injected\n", each_injected());
  return code;
}
