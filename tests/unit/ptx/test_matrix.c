/* Matrices in shared memory: what each lane gets, and the faults of a row. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "kernels/ptx/machine.h"
#include "tests/unit/testing.h"

enum { LANES = 32, WARPS = 2, MATRICES = 4 };

/* Each thread stores its row of 8 elements, `between`, and loads with `load` from the address in
 * %a; element e of row r of matrix m is 64 m + 8 r + e. */
static pv_code run(const char *between, const char *load, uint32_t out[LANES][MATRICES],
                   pv_ptx_fault *fault, pv_error *err) {
  pv_text text = PV_TEXT_INIT;
  pv_ptx_machine *machine = NULL;
  uint64_t to = 0;
  const uint32_t bytes = LANES * WARPS * MATRICES * 4;
  uint32_t all[WARPS * LANES][MATRICES];
  pv_text_printf(
      &text,
      ".version 7.8\n.target sm_90\n.address_size 64\n.visible .entry k(.param .u64 out) {\n"
      ".reg .b32 %%t, %%v, %%a, %%w<4>, %%r<4>;\n.reg .b64 %%o, %%at;\n"
      ".shared .align 16 .b8 tile[1024];\nmov.u32 %%t, %%tid.x;\nmov.u32 %%a, tile;\n"
      "mad.lo.u32 %%a, %%t, 16, %%a;\nand.b32 %%v, %%t, 31;\nmul.lo.u32 %%v, %%v, 524296;\n"
      "add.u32 %%w0, %%v, 65536;\nadd.u32 %%w1, %%w0, 131074;\nadd.u32 %%w2, %%w1, 131074;\n"
      "add.u32 %%w3, %%w2, 131074;\nmov.u32 %%r0, 0;\nmov.u32 %%r1, 0;\nmov.u32 %%r2, 0;\n"
      "mov.u32 %%r3, 0;\nst.shared.v4.u32 [%%a], {%%w0, %%w1, %%w2, %%w3};\n%s\n%s\n"
      "ld.param.u64 %%o, [out];\nmul.wide.u32 %%at, %%t, 16;\nadd.u64 %%o, %%o, %%at;\n"
      "st.global.v4.u32 [%%o], {%%r0, %%r1, %%r2, %%r3};\nret;\n}\n",
      between, load);
  pv_code code = pv_ptx_machine_open(1, &machine, err);
  if (code == PV_OK) code = pv_ptx_machine_load(machine, "k", text.data, text.length, err);
  if (code == PV_OK) code = pv_ptx_machine_alloc(machine, bytes, &to, err);
  pv_ptx_launch l = {
      .grid = {1, 1, 1}, .block = {LANES * WARPS, 1, 1}, .params = &to, .param_bytes = sizeof to};
  if (code == PV_OK) code = pv_ptx_machine_find(machine, "k", &l.kernel, err);
  if (code == PV_OK) code = pv_ptx_machine_launch(machine, &l, err);
  if (code == PV_OK) code = pv_ptx_machine_download(machine, all, to, bytes, err);
  if (code == PV_OK) memcpy(out, all, sizeof *out * LANES);
  if (code == PV_ERR_DEVICE) *fault = *pv_ptx_machine_fault(machine);
  if (machine != NULL) pv_ptx_machine_close(machine);
  pv_text_free(&text);
  return code;
}

#define LOAD "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r0, %r1, %r2, %r3}, "

static void expect_lanes(const char *between, const char *load, bool transposed) {
  uint32_t out[LANES][MATRICES] = {{0}};
  pv_ptx_fault fault;
  pv_error err = PV_ERROR_INIT;
  if (!EXPECT_U64(run(between, load, out, &fault, &err), PV_OK)) pv_error_print(&err, stdout);
  for (uint32_t l = 0; l < LANES; l++)
    for (uint32_t m = 0; m < MATRICES; m++) {
      const uint32_t row = l / 4, column = l % 4 * 2;
      const uint32_t first = transposed ? 8 * column + row : 8 * row + column;
      const uint32_t second = transposed ? first + 8 : first + 1;
      EXPECT_U64(out[l][m], (64 * m + first) | (64 * m + second) << 16);
    }
}

static void test_what_each_lane_gets(void) {
  expect_lanes("bar.sync 0;", LOAD "[%a];", false);
  expect_lanes("bar.sync 0;",
               "ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%r0, %r1, %r2, %r3}, [%a];", true);
  /* loaded, stored turned round in the place where it was, and loaded turned round again */
  expect_lanes("bar.sync 0;\n" LOAD
               "[%a];\nbar.sync 0;\n"
               "stmatrix.sync.aligned.m8n8.x4.trans.shared.b16 [%a], {%r0, %r1, %r2, %r3};\n"
               "bar.sync 0;",
               LOAD "[%a];", true);
  expect_lanes("bar.sync 0;",
               LOAD
               "[%a];\nmovmatrix.sync.aligned.m8n8.trans.b16 %r0, %r0;\n"
               "movmatrix.sync.aligned.m8n8.trans.b16 %r1, %r1;\n"
               "movmatrix.sync.aligned.m8n8.trans.b16 %r2, %r2;\n"
               "movmatrix.sync.aligned.m8n8.trans.b16 %r3, %r3;",
               true);
}

static void expect_fault(const char *between, const char *load, pv_ptx_fault_kind kind) {
  uint32_t out[LANES][MATRICES];
  pv_ptx_fault fault = {0};
  pv_error err = PV_ERROR_INIT;
  EXPECT_U64(run(between, load, out, &fault, &err), PV_ERR_DEVICE);
  EXPECT_STR(pv_ptx_fault_name(fault.kind), pv_ptx_fault_name(kind));
  EXPECT_HAS(fault.instruction, "matrix.sync.aligned.m8n8");
}

static void test_faults(void) {
  expect_fault("bar.sync 0;", LOAD "[%a+8];", PV_PTX_MISALIGNED);
  expect_fault("bar.sync 0;", LOAD "[%a+1024];", PV_PTX_OUT_OF_BOUNDS);
  expect_fault("bar.sync 0;", "add.u32 %a, %a, 1024;\n" LOAD "[%a];", PV_PTX_OUT_OF_BOUNDS);
  expect_fault("", "xor.b32 %a, %a, 512;\n" LOAD "[%a];", PV_PTX_UNINITIALISED);
  expect_fault("xor.b32 %v, %t, 1;\nmov.u32 %a, tile;\nmad.lo.u32 %a, %v, 16, %a;", LOAD "[%a];",
               PV_PTX_SHARED_RACE);
  expect_fault("bar.sync 0;\nxor.b32 %a, %a, 512;",
               "stmatrix.sync.aligned.m8n8.x4.shared.b16 [%a+4], {%r0, %r1, %r2, %r3};",
               PV_PTX_MISALIGNED);
}

int main(void) {
  return pv_testing_main("ptx matrix",
                         (pv_case[]){PV_CASE(test_what_each_lane_gets), PV_CASE(test_faults), {0}});
}
