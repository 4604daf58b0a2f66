/* Approximations are the correctly rounded result: within one unit of what libm says in extended
 * precision, and exact where the result is a number of the format. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "kernels/ptx/machine.h"
#include "tests/unit/testing.h"

enum { N = 64 };

static long double reciprocal(long double x) {
  return 1 / x;
}
static long double reciprocal_root(long double x) {
  return 1 / sqrtl(x);
}

static pv_code run(const char *opcode, const float *in, float *out, pv_error *err) {
  pv_text text = PV_TEXT_INIT;
  pv_ptx_machine *machine = NULL;
  uint64_t at[2] = {0, 0};
  uint32_t line = 0;
  pv_text_printf(&text,
                 ".version 7.8\n.target sm_80\n.address_size 64\n"
                 ".visible .entry k(.param .u64 in, .param .u64 out) {\n.reg .b32 %%t;\n"
                 ".reg .b64 %%a, %%b, %%c;\n.reg .f32 %%x, %%y;\nmov.u32 %%t, %%tid.x;\n"
                 "ld.param.u64 %%a, [in];\nld.param.u64 %%b, [out];\nmul.wide.u32 %%c, %%t, 4;\n"
                 "add.u64 %%a, %%a, %%c;\nadd.u64 %%b, %%b, %%c;\nld.global.f32 %%x, [%%a];\n"
                 "%s;\nst.global.f32 [%%b], %%y;\nret;\n}\n",
                 opcode);
  pv_code code = pv_ptx_machine_open(1, &machine, err);
  if (code == PV_OK) {
    pv_ptx_machine_permit(machine);
    code = pv_ptx_machine_load(machine, "k", text.data, text.length, err);
  }
  for (unsigned i = 0; i < 2 && code == PV_OK; i++)
    code = pv_ptx_machine_alloc(machine, N * sizeof *in, &at[i], err);
  if (code == PV_OK) code = pv_ptx_machine_upload(machine, at[0], in, N * sizeof *in, err);
  pv_ptx_launch l = {.grid = {1, 1, 1}, .block = {N, 1, 1}, .params = at, .param_bytes = sizeof at};
  if (code == PV_OK) code = pv_ptx_machine_find(machine, "k", &l.kernel, err);
  if (code == PV_OK) EXPECT(pv_ptx_machine_approximates(machine, l.kernel, &line) && line == 15);
  if (code == PV_OK) code = pv_ptx_machine_launch(machine, &l, err);
  if (code == PV_OK) code = pv_ptx_machine_download(machine, out, at[1], N * sizeof *out, err);
  if (machine != NULL) pv_ptx_machine_close(machine);
  pv_text_free(&text);
  return code;
}

static void test_within_a_unit(void) {
  static const struct {
    const char *opcode;
    long double (*exact)(long double);
  } all[] = {{"ex2.approx.f32 %y, %x", exp2l},      {"lg2.approx.f32 %y, %x", log2l},
             {"rcp.approx.f32 %y, %x", reciprocal}, {"rsqrt.approx.f32 %y, %x", reciprocal_root},
             {"sqrt.approx.f32 %y, %x", sqrtl},     {"sin.approx.f32 %y, %x", sinl},
             {"cos.approx.f32 %y, %x", cosl},       {"tanh.approx.f32 %y, %x", tanhl}};
  float in[N], out[N];
  for (int i = 0; i < N; i++) in[i] = ldexpf(1.0f + (float)i * 0.37f, i % 9 - 6);
  for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
    pv_error err = PV_ERROR_INIT;
    if (!EXPECT_U64(run(all[k].opcode, in, out, &err), PV_OK)) pv_error_print(&err, stdout);
    for (int i = 0; i < N; i++) {
      const long double exact = all[k].exact(in[i]), unit = ldexpl(fabsl(exact), -23);
      pv_expect(fabsl((long double)out[i] - exact) <= unit, all[k].opcode, __FILE__, __LINE__);
    }
  }
}

static void expect_one(const char *opcode, float x, uint32_t bits) {
  float in[N] = {x}, out[N];
  uint32_t got = 0;
  pv_error err = PV_ERROR_INIT;
  if (!EXPECT_U64(run(opcode, in, out, &err), PV_OK)) pv_error_print(&err, stdout);
  memcpy(&got, out, sizeof got);
  EXPECT_U64(got, bits);
}

static void test_edges(void) {
  expect_one("ex2.approx.f32 %y, %x", -140.0f, 1u << 9);
  expect_one("ex2.approx.ftz.f32 %y, %x", -140.0f, 0);
  expect_one("lg2.approx.ftz.f32 %y, %x", 0x1p-140f, 0xff800000u);
  expect_one("rsqrt.approx.f32 %y, %x", -0.0f, 0xff800000u);
  expect_one("sqrt.approx.f32 %y, %x", -1.0f, 0x7fffffffu);
  expect_one("div.approx.f32 %y, 0f40000000, %x", 0x1p127f, 0);
  expect_one("div.full.f32 %y, 0f40000000, %x", 0x1p127f, 0x00800000u);
  expect_one("div.approx.f32 %y, 0f40400000, %x", 2.0f, 0x3fc00000u);
}

int main(void) {
  return pv_testing_main("ptx approx",
                         (pv_case[]){PV_CASE(test_within_a_unit), PV_CASE(test_edges), {0}});
}
