/* Where the values come from that reach a shuffle: sound kernels, each fault, and forms by hand. */
#include <string.h>

#include "kernels/ptx/assert.h"
#include "tests/unit/ptx/sample.h"
#include "tests/unit/testing.h"

#define HEAD                                                                     \
  ".version 8.0\n.target sm_80\n.address_size 64\n.entry k(.param .u64 out) {\n" \
  ".reg .f32 %f<20>; .reg .f64 %fd<20>; .reg .b32 %r<20>; .reg .pred %p<9>;\n"

static const char *const writers[] = {"fma.rn.f64", "add.f64", "zero"};
static const pv_ptx_flow standard = {"shfl.sync", "cvt.rn.f32.f64", "add.f32", writers, 3, NULL, 0};

typedef struct outcome {
  pv_code code;
  size_t count, failed;
  uint64_t compared;
  char first[200], message[512];
} outcome;

static outcome trace(pv_arena *arena, const pv_ptx_function *f, const pv_ptx_flow *flow) {
  pv_ptx_report r = {0};
  pv_error err = PV_ERROR_INIT;
  outcome o = {.code = pv_ptx_check_flow(arena, f, flow, &r, &err)};
  o.count = r.count;
  o.failed = r.failed;
  o.compared = r.compared;
  for (size_t i = r.count; i-- > 0;)
    if (!r.findings[i].held)
      snprintf(o.first, sizeof o.first, "%u %s", r.findings[i].line, r.findings[i].text);
  snprintf(o.message, sizeof o.message, "%s", err.message);
  return o;
}

static outcome trace_with(const char *kernel, const pv_ptx_flow *flow) {
  sample s = sample_open(SAMPLES "faults.ptx");
  outcome out = {.code = PV_ERR_INTERNAL};
  const pv_ptx_function *f = s.module != NULL ? pv_ptx_kernel(s.module, kernel) : NULL;
  if (EXPECT(f != NULL)) out = trace(&s.arena, f, flow);
  sample_close(&s);
  return out;
}

static outcome trace_kernel(const char *kernel) {
  return trace_with(kernel, &standard);
}

static outcome trace_text(const char *body, const pv_ptx_flow *flow) {
  char text[1200];
  pv_arena arena = PV_ARENA_INIT;
  pv_ptx_module *m = NULL;
  pv_error err = PV_ERROR_INIT;
  outcome out = {.code = PV_ERR_INTERNAL};
  snprintf(text, sizeof text, "%s%s\nret;\n}\n", HEAD, body);
  if (!EXPECT(pv_ptx_parse(&arena, "text", text, strlen(text), &m, &err) == PV_OK))
    pv_error_print(&err, stderr);
  else
    out = trace(&arena, m->functions[0], flow);
  pv_arena_free(&arena);
  return out;
}

static void holds(outcome o) {
  EXPECT(o.code == PV_OK);
  EXPECT(o.count == 1 && o.compared > 0);
  EXPECT_STR(o.first, "");
}

static void fails(outcome o, const char *first) {
  EXPECT(o.code == PV_OK);
  EXPECT(o.failed > 0);
  EXPECT_HAS(o.first, first);
}

static void test_sound_kernels(void) {
  holds(trace_kernel("sound"));
  holds(trace_kernel("sound_loop"));
  holds(trace_kernel("one_step_short")); /* the count finds that one, not the flow */
}

static void test_faults(void) {
  fails(trace_kernel("f32_accumulator"), "fma.rn.f32 reaches shfl.sync, but not through");
  fails(trace_kernel("f32_block_sums"), "cvt.f64.f32 writes an accumulator");
  fails(trace_kernel("unfused_product"), "mul.rn.f64 writes an accumulator");
  fails(trace_kernel("dropped_downcast"), "fma.rn.f64 reaches shfl.sync, but not through");
  fails(trace_kernel("foreign_sum"), "adds something else than a value's shuffled self");
  fails(trace_kernel("approximate_exp"), "shfl.sync does not occur");
}

#define SHUFFLE(to, from) "shfl.sync.down.b32 " to ", " from ", 16, 31, -1;\n"

static void test_forms(void) {
  holds(
      trace_text("mov.f64 %fd1, 0d0000000000000000;\nfma.rn.f64 %fd2, %fd8, %fd9, %fd1;\n"
                 "cvt.rn.f32.f64 %f1, %fd2;\nmov.b32 %r1, %f1;\n" SHUFFLE("%r2", "%r1"),
                 &standard));
  /* a choice between an accumulator and zero */
  holds(
      trace_text("fma.rn.f64 %fd2, %fd8, %fd9, 0d0000000000000000;\n"
                 "selp.f64 %fd3, %fd2, 0d0000000000000000, %p1;\ncvt.rn.f32.f64 %f1, %fd3;\n"
                 "mov.b32 %r1, %f1;\n" SHUFFLE("%r2", "%r1"),
                 &standard));
  /* the sum's operands the other way round */
  holds(trace_text(
      "fma.rn.f64 %fd2, %fd8, %fd9, 0d0000000000000000;\ncvt.rn.f32.f64 %f1, %fd2;\n"
      "mov.b32 %r1, %f1;\n" SHUFFLE(
          "%r2", "%r1") "mov.b32 %f2, %r2;\n"
                        "add.f32 %f3, %f2, %f1;\nmov.b32 %r3, %f3;\n" SHUFFLE("%r4", "%r3"),
      &standard));
}

static void test_faults_by_hand(void) {
  /* one of two writers */
  fails(trace_text("fma.rn.f64 %fd2, %fd8, %fd9, 0d0000000000000000;\n"
                   "@%p1 mul.rn.f64 %fd2, %fd8, %fd9;\ncvt.rn.f32.f64 %f1, %fd2;\n"
                   "mov.b32 %r1, %f1;\n" SHUFFLE("%r2", "%r1"),
                   &standard),
        "7 mul.rn.f64 writes an accumulator");
  /* the other side of a choice */
  fails(trace_text("mul.rn.f64 %fd2, %fd8, %fd9;\n"
                   "selp.f64 %fd3, 0d0000000000000000, %fd2, %p1;\ncvt.rn.f32.f64 %f1, %fd3;\n"
                   "mov.b32 %r1, %f1;\n" SHUFFLE("%r2", "%r1"),
                   &standard),
        "6 mul.rn.f64 writes an accumulator");
  /* half of a value that is put together */
  fails(trace_text(
            "fma.rn.f64 %fd2, %fd8, %fd9, 0d0000000000000000;\nmov.b64 {%r5, %r6}, %fd2;\n"
            "mov.b64 %fd3, {%r5, %r7};\ncvt.rn.f32.f64 %f1, %fd3;\nmov.b32 %r1, %f1;\n" SHUFFLE(
                "%r2", "%r1"),
            &standard),
        "nothing writes %r7");
  /* another rounding */
  fails(trace_text("fma.rn.f64 %fd2, %fd8, %fd9, 0d0000000000000000;\ncvt.rz.f32.f64 %f1, %fd2;\n"
                   "mov.b32 %r1, %f1;\n" SHUFFLE("%r2", "%r1"),
                   &standard),
        "7 cvt.rz.f32.f64 reaches shfl.sync, but not through");
  /* an accumulator that begins with something else than zero */
  fails(trace_text("mov.f64 %fd1, 0d8000000000000000;\nfma.rn.f64 %fd2, %fd8, %fd9, %fd1;\n"
                   "cvt.rn.f32.f64 %f1, %fd2;\nmov.b32 %r1, %f1;\n" SHUFFLE("%r2", "%r1"),
                   &standard),
        "6 mov.f64 uses a value that no writer made");
  fails(
      trace_text("cvt.rn.f32.f64 %f1, %fd2;\nmov.b32 %r1, %f1;\n" SHUFFLE("%r2", "%r1"), &standard),
      "nothing writes %fd2");
  fails(trace_text("mov.b32 %r1, 0;\n" SHUFFLE("%r2", "%r1"), &standard), "rounds nothing");
  /* shuffled twice without a sum between */
  fails(trace_text("fma.rn.f64 %fd2, %fd8, %fd9, 0d0000000000000000;\ncvt.rn.f32.f64 %f1, %fd2;\n"
                   "mov.b32 %r1, %f1;\n" SHUFFLE("%r2", "%r1") SHUFFLE("%r3", "%r2"),
                   &standard),
        "shfl.sync.down.b32 reaches shfl.sync, but not through");
  /* registers that move into each other for ever */
  fails(trace_text("mov.b32 %r1, %r2;\nmov.b32 %r2, %r1;\n" SHUFFLE("%r3", "%r1"), &standard),
        "rounds nothing");
  fails(trace_text("mov.b32 %f1, %f2;\nmov.b32 %f2, %f1;\nadd.f32 %f3, %f1, %f2;\n"
                   "mov.b32 %r1, %f3;\n" SHUFFLE("%r3", "%r1"),
                   &standard),
        "adds something else");
}

/* What is multiplied in: loads and conversions are fine, sums are not. */
static void test_factors(void) {
  static const char *const exact[] = {"cvt.f64.f32", "cvt.rn.f64", "ld.global"};
  static const char *const products[] = {"cvt.f64.f32", "mul.rn.f64", "ld.global"};
  pv_ptx_flow flow = standard;
  holds(trace_kernel("f32_scaled_sums")); /* the gap without factors */
  flow.factors = exact;
  flow.factor_count = 3;
  holds(trace_with("sound", &flow));
  holds(trace_with("sound_loop", &flow));
  fails(trace_with("f32_scaled_sums", &flow), "fma.rn.f32 makes a factor of an accumulator");
  flow.factor_count = 2;
  fails(trace_with("sound", &flow), "ld.global.f32 makes a factor");
  flow.factors = products;
  flow.factor_count = 3;
  static const char *const head =
      "ld.global.f32 %f5, [out];\ncvt.f64.f32 %fd8, %f5;\nmov.f64 %fd9, 0d4000000000000000;\n";
  static const char *const tail =
      "fma.rn.f64 %fd2, %fd8, %fd7, 0d0000000000000000;\ncvt.rn.f32.f64 %f1, %fd2;\n"
      "mov.b32 %r1, %f1;\n" SHUFFLE("%r2", "%r1");
  char text[600];
  snprintf(text, sizeof text, "%smul.rn.f64 %%fd7, %%fd8, %%fd9;\n%s", head, tail);
  holds(trace_text(text, &flow));
  /* integers are exact, whatever was done to them */
  const char *const whole[] = {"cvt.rn.f64.s32", "cvt.f64.f32", "ld.global"};
  flow.factors = whole;
  snprintf(text, sizeof text, "%sadd.s32 %%r5, %%r6, 1;\ncvt.rn.f64.s32 %%fd7, %%r5;\n%s", head,
           tail);
  holds(trace_text(text, &flow));
  flow.factors = products;
  snprintf(text, sizeof text, "%sadd.rn.f64 %%fd7, %%fd8, %%fd9;\n%s", head, tail);
  fails(trace_text(text, &flow), "9 add.rn.f64 makes a factor");
  snprintf(text, sizeof text, "%smul.rn.f64 %%fd7, %%fd9, %%fd6;\n%s", head, tail);
  fails(trace_text(text, &flow), "nothing writes %fd6");
}

/* Zero may be written only where the contract says so. */
static void test_zero_is_named(void) {
  const pv_ptx_flow strict = {"shfl.sync", "cvt.rn.f32.f64", "add.f32", writers, 2, NULL, 0};
  fails(trace_text("fma.rn.f64 %fd2, %fd8, %fd9, 0d0000000000000000;\ncvt.rn.f32.f64 %f1, %fd2;\n"
                   "mov.b32 %r1, %f1;\n" SHUFFLE("%r2", "%r1"),
                   &strict),
        "6 fma.rn.f64 uses a value that no writer made");
}

static void test_calls_that_are_wrong(void) {
  const char *const misspelt[] = {"fma.rn.f46"}, *const zero[] = {"zero"};
  const pv_ptx_flow flows[] = {
      {"shfl.sinc", "cvt.rn.f32.f64", "add.f32", writers, 3, NULL, 0},
      {"shfl.sync", "cwt.rn.f32.f64", "add.f32", writers, 3, NULL, 0},
      {"shfl.sync", "cvt.rn.f32.f64", "ad.f32", writers, 3, NULL, 0},
      {"shfl.sync", "cvt.rn.f32.f64", "add.f32", misspelt, 1, NULL, 0},
      {"shfl.sync", "cvt.rn.f32.f64", "add.f32", zero, 1, NULL, 0},
      {"shfl.sync", "cvt.rn.f32.f64", "add.f32", NULL, 0, NULL, 0},
      {"shfl.sync", "cvt.rn.f32.f64", "add.f32", writers, 3, misspelt, 1},
  };
  static const char *const messages[] = {
      "'sinc'", "'cwt'", "'ad'", "'f46'", "no instruction is named", "no instruction is named",
      "'f46'"};
  for (size_t i = 0; i < sizeof flows / sizeof *flows; i++) {
    const outcome o = trace_text(SHUFFLE("%r3", "%r1"), &flows[i]);
    EXPECT(o.code == PV_ERR_INPUT);
    EXPECT_HAS(o.message, messages[i]);
  }
  const pv_ptx_flow none = {"ret", "cvt.rn.f32.f64", "add.f32", writers, 3, NULL, 0};
  EXPECT_HAS(trace_text("", &none).message, "nothing flows into 'ret'");
}

int main(void) {
  return pv_testing_main("ptx_flow", (pv_case[]){PV_CASE(test_sound_kernels),
                                                 PV_CASE(test_faults),
                                                 PV_CASE(test_forms),
                                                 PV_CASE(test_faults_by_hand),
                                                 PV_CASE(test_zero_is_named),
                                                 PV_CASE(test_factors),
                                                 PV_CASE(test_calls_that_are_wrong),
                                                 {0}});
}
