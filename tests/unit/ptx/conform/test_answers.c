/* The interpreter gives the answers of devices, bit for bit, on each kernel of the suite: those of
 * an H100, and of an H200 to what came later. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "tests/unit/ptx/conform/suite.h"
#include "tests/unit/testing.h"

#define ANSWERS "tests/unit/ptx/conform/"

/* An interpreter that takes each `from` in a kernel for `to`. Both have the same length. */
static struct {
  pv_conform_runner base, *real;
  const char *from, *to;
} broken;

static pv_code run_broken(pv_conform_runner *self, const pv_conform_kernel *kernel, uint64_t *out,
                          pv_error *err) {
  pv_conform_kernel other = *kernel;
  (void)self;
  other.text = PV_TEXT_INIT;
  pv_text_add(&other.text, kernel->text.data, kernel->text.length);
  for (char *at = other.text.data; (at = strstr(at, broken.from)) != NULL; at++)
    memcpy(at, broken.to, strlen(broken.to));
  const pv_code code = broken.real->run(broken.real, &other, out, err);
  pv_text_free(&other.text);
  return code;
}

static pv_conform_result run(pv_conform_runner *runner, const char *only, const char *answers) {
  pv_conform_result result = {0};
  pv_error err = PV_ERROR_INIT;
  if (!EXPECT(pv_conform_suite_run(runner, only, answers, NULL, &result, &err) == PV_OK))
    pv_error_print(&err, stdout);
  return result;
}

/* Both files, one after the other. */
static char *read_answers(void) {
  static const char *const paths[] = {ANSWERS "h100.txt", ANSWERS "h200.txt"};
  pv_text all = PV_TEXT_INIT;
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
    pv_bytes bytes = {0};
    pv_error err = PV_ERROR_INIT;
    if (!EXPECT(pv_file_read(paths[i], (size_t)4 << 20, &bytes, &err) == PV_OK))
      pv_error_print(&err, stdout);
    pv_text_add(&all, (const char *)bytes.data, bytes.length);
    pv_bytes_free(&bytes);
  }
  return all.data;
}

static void test_the_answers_are_those_of_devices(void) {
  pv_conform_runner *interpreter = NULL;
  char *answers = read_answers();
  REQUIRE(answers != NULL);
  REQUIRE(pv_conform_interpreter_open(&interpreter, NULL) == PV_OK);
  EXPECT_HAS(answers, "device NVIDIA H100");
  EXPECT_HAS(answers, "device NVIDIA H200");
  pv_conform_result r = run(interpreter, NULL, answers);
  if (!EXPECT_U64(r.different, 0)) printf("%s", r.report.data);
  EXPECT(r.kernels > 1400);
  EXPECT(r.cases > 2048 * r.kernels);
  printf("%zu kernels, %zu cases, %zu refused\n", r.kernels, r.cases, r.refused);
  pv_text_free(&r.report);
  interpreter->close(interpreter);
  free(answers);
}

static void test_a_broken_instruction_is_found(void) {
  static const struct {
    const char *from, *to;
  } defects[] = {
      {"add.rn.f32", "sub.rn.f32"},
      {"min.f32", "max.f32"},
      {"shr.s32", "shr.u32"},
      {"cvt.rzi.s32.f32", "cvt.rni.s32.f32"},
      {"setp.lt.f32", "setp.le.f32"},
      {"setp.num.f32", "setp.neu.f32"},
      {"shfl.sync.idx.b32 %o0", "shfl.sync.bfly.b32%o0"},
      {"redux.sync.max.u32", "redux.sync.max.s32"},
      {"shf.r.wrap", "shf.l.wrap"},
      {"dp4a.s32.s32", "dp4a.s32.u32"},
      {"32.row.col.s32.s8.s8", "32.row.col.s32.u8.s8"},
      {"mul.wide.u32", "mul.wide.s32"},
      {"add.rn.f16", "sub.rn.f16"},
      {"max.NaN.bf16x2", "min.NaN.bf16x2"},
      {"mul.rm.ftz.f32", "mul.rp.ftz.f32"},
      {"mul.rn.ftz.f32", "mul.rz.ftz.f32"},
      {"cvt.rz.bf16x2.f32", "cvt.rn.bf16x2.f32"},
      {"mad.lo.cc.u32", "mad.hi.cc.u32"},
      {"set.gt.f16x2.f16x2", "set.ge.f16x2.f16x2"},
      {"testp.normal.f32", "testp.finite.f32"},
  };
  char *answers = read_answers();
  REQUIRE(answers != NULL);
  REQUIRE(pv_conform_interpreter_open(&broken.real, NULL) == PV_OK);
  broken.base.run = run_broken;
  for (size_t i = 0; i < sizeof defects / sizeof *defects; i++) {
    broken.from = defects[i].from;
    broken.to = defects[i].to;
    char only[64];
    snprintf(only, sizeof only, "%.*s", (int)strcspn(broken.from, " "), broken.from);
    pv_conform_result r = run(&broken.base, only, answers);
    pv_expect(r.kernels > 0 && r.different > 0, broken.from, __FILE__, __LINE__);
    EXPECT_HAS(r.report.data, "expected");
    pv_text_free(&r.report);
  }
  broken.real->close(broken.real);
  free(answers);
}

int main(void) {
  return pv_testing_main("ptx answers", (pv_case[]){PV_CASE(test_the_answers_are_those_of_devices),
                                                    PV_CASE(test_a_broken_instruction_is_found),
                                                    {0}});
}
