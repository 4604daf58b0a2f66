/* Directives and rules: each holds on a sound kernel and fails on one with the fault it is for. */
#include <string.h>

#include "kernels/ptx/assert.h"
#include "tests/unit/ptx/sample.h"
#include "tests/unit/testing.h"

typedef struct outcome {
  pv_code code;
  size_t count, failed;
  uint64_t compared;
  char first[200]; /* "LINE directive: text" of the first finding against */
  char message[512], hint[256];
} outcome;

static outcome conclude(pv_code code, const pv_ptx_report *r, const pv_error *err) {
  outcome o = {code, r->count, r->failed, r->compared, "", "", ""};
  for (size_t i = r->count; i-- > 0;)
    if (!r->findings[i].held)
      snprintf(o.first, sizeof o.first, "%u %s: %s", r->findings[i].line, r->findings[i].directive,
               r->findings[i].text);
  snprintf(o.message, sizeof o.message, "%s", err->message);
  snprintf(o.hint, sizeof o.hint, "%s", err->hint);
  return o;
}

static outcome direct(const char *path, const char *kernel, const pv_ptx_directives *d) {
  sample s = sample_open(path);
  pv_ptx_report report = {0};
  pv_error err = PV_ERROR_INIT;
  outcome out = {.code = PV_ERR_INTERNAL};
  const pv_ptx_function *f = s.module != NULL ? pv_ptx_kernel(s.module, kernel) : NULL;
  if (EXPECT(f != NULL)) {
    const pv_code code = pv_ptx_check_directives(&s.arena, f, d, &report, &err);
    out = conclude(code, &report, &err);
  }
  sample_close(&s);
  return out;
}

/* One directive of one kind over faults.ptx. */
static outcome require(const char *kernel, const char *pattern) {
  return direct(SAMPLES "faults.ptx", kernel,
                &(pv_ptx_directives){.require = &pattern, .requires = 1});
}
static outcome forbid(const char *kernel, const char *pattern) {
  return direct(SAMPLES "faults.ptx", kernel,
                &(pv_ptx_directives){.forbid = &pattern, .forbids = 1});
}
static outcome count(const char *kernel, const char *pattern) {
  return direct(SAMPLES "faults.ptx", kernel, &(pv_ptx_directives){.count = &pattern, .counts = 1});
}
static outcome order(const char *kernel, const char *const *list, size_t items) {
  return direct(SAMPLES "faults.ptx", kernel, &(pv_ptx_directives){.order = list, .orders = items});
}

static void holds(outcome o) {
  EXPECT(o.code == PV_OK);
  EXPECT(o.count > 0 && o.compared > 0);
  EXPECT_STR(o.first, "");
}

static void fails(outcome o, const char *first) {
  EXPECT(o.code == PV_OK);
  EXPECT(o.failed > 0);
  EXPECT_HAS(o.first, first);
}

static void is_error(outcome o, const char *message) {
  EXPECT(o.code == PV_ERR_INPUT);
  EXPECT_HAS(o.message, message);
}

static void test_require(void) {
  holds(require("sound", "fma.rn.f64"));
  holds(require("sound", "add.f64")); /* add.rn.f64 */
  holds(require("sound", "fma"));
  holds(require("sound", ".f64"));
  fails(require("f32_accumulator", "fma.rn.f64"), "require fma.rn.f64: does not occur");
  fails(require("sound", "cvt.f64.f32.rn"), "does not occur"); /* another order of the parts */
  fails(require("sound", "shfl.up"), "does not occur");
}

static void test_forbid(void) {
  holds(forbid("sound", ".approx"));
  holds(forbid("sound", ".local"));
  holds(forbid("sound", "fma.rn.f32"));
  holds(forbid("integer_atomics", "atom.add.f32"));
  fails(forbid("approximate_exp", ".approx"), "forbid .approx: ex2.approx.f32");
  fails(forbid("f32_accumulator", "fma.rn.f32"), "fma.rn.f32");
  fails(forbid("atomics", "atom.add.f32"), "atom.global.add.f32");
  fails(forbid("local_memory", ".local"), ".local");
  /* what the kernel calls belongs to it */
  fails(forbid("fault_in_a_call", ".approx"), "ex2.approx.f32 in ");
  const char *ftz = ".ftz";
  fails(direct(SAMPLES "flushed.ptx", "add", &(pv_ptx_directives){.forbid = &ftz, .forbids = 1}),
        "add.rn.ftz.f32");
}

static void test_count(void) {
  holds(count("sound", "shfl.sync.down.b32.5"));
  holds(count("sound", "shfl.5"));
  holds(count("sound", "fma.rn.f32.0"));
  fails(count("one_step_short", "shfl.sync.down.b32.5"), "occurs 4 times");
  fails(count("dropped_downcast", "shfl.sync.down.b32.5"), "occurs 10 times");
  fails(count("f32_accumulator", "fma.rn.f64.1"), "occurs 0 times");
  is_error(count("sound", "shfl.sync.down.b32"), "does not end with a count");
  is_error(count("sound", "shfl.sync.05"), "does not end with a count");
  is_error(count("sound", "shfl.sync.-1"), "does not end with a count");
  is_error(count("sound", "5"), "does not end with a count");
}

static void test_order(void) {
  const char *const list[] = {"fma.rn.f64", "cvt.rn.f32.f64", "shfl.sync.down.b32",
                              "st.global.f32"};
  const char *const back[] = {"st.global.f32", "shfl.sync"};
  const char *const missing[] = {"fma.rn.f64", "ex2"};
  const char *const same[] = {"fma.rn.f64", "fma"};
  holds(order("sound", list, 4));
  holds(order("sound_loop", list, 4));
  fails(order("dropped_downcast", list, 4), "the first shfl.sync.down.b32 stands before");
  fails(order("f32_accumulator", list, 4), "fma.rn.f64 does not occur");
  fails(order("sound", back, 2), "the first shfl.sync stands before the first st.global.f32");
  fails(order("sound", missing, 2), "ex2 does not occur");
  fails(order("sound", same, 2), "stands before");
  is_error(order("sound", list, 1), "an order of one");
}

/* The last occurrences count too: a conversion after the shuffles is found. */
static void test_order_of_the_last(void) {
  static const char text[] =
      ".version 8.0\n.target sm_80\n.address_size 64\n.entry k() {\n.reg .f32 %f<9>; .reg .f64 "
      "%fd<9>;\ncvt.rn.f32.f64 %f1, %fd1;\nadd.rn.f32 %f2, %f1, %f1;\ncvt.rn.f32.f64 %f3, "
      "%fd1;\nret;\n}\n";
  const char *const list[] = {"cvt", "add"};
  pv_arena arena = PV_ARENA_INIT;
  pv_ptx_module *m = NULL;
  pv_ptx_report report = {0};
  pv_error err = PV_ERROR_INIT;
  REQUIRE(pv_ptx_parse(&arena, "x", text, sizeof text - 1, &m, &err) == PV_OK);
  const pv_ptx_directives d = {.order = list, .orders = 2};
  const pv_code code = pv_ptx_check_directives(&arena, m->functions[0], &d, &report, &err);
  fails(conclude(code, &report, &err), "8 order cvt < add: the last cvt stands after");
  pv_arena_free(&arena);
}

static void test_misspelt(void) {
  is_error(forbid("sound", ".aprox"), "PTX has no modifier 'aprox'");
  EXPECT_STR(forbid("sound", ".aprox").hint, "did you mean approx?");
  is_error(forbid("sound", "fmaa"), "PTX has no instruction 'fmaa'");
  is_error(require("sound", "add.f65"), "PTX has no modifier 'f65'");
  is_error(require("sound", "add..f64"), "PTX has no modifier ''");
  is_error(require("sound", ""), "an empty pattern");
  is_error(require("sound", "."), "an empty pattern");
  is_error(require("sound", "Add.f64"), "PTX has no instruction 'Add'");
  is_error(direct(SAMPLES "faults.ptx", "sound", &(pv_ptx_directives){0}), "nothing is asserted");
}

static outcome ruled(const char *path, const char *kernel, const char *rule) {
  sample s = sample_open(path);
  pv_ptx_report report = {0};
  pv_error err = PV_ERROR_INIT;
  outcome out = {.code = PV_ERR_INTERNAL};
  const pv_ptx_function *f = s.module != NULL ? pv_ptx_kernel(s.module, kernel) : NULL;
  if (EXPECT(f != NULL)) {
    const pv_code code =
        pv_ptx_check_rules(&s.arena, f, &rule, rule != NULL ? 1 : 0, &report, &err);
    out = conclude(code, &report, &err);
  }
  sample_close(&s);
  return out;
}

static void test_rules(void) {
  static const struct {
    const char *file, *kernel, *rule, *found;
  } faults[] = {
      {SAMPLES "flushed.ptx", "scale_add", "no_ftz", "mul.rn.ftz.f32"},
      {SAMPLES "faults.ptx", "approximate_exp", "no_approx", "ex2.approx.f32"},
      {SAMPLES "faults.ptx", "fault_in_a_call", "no_approx", "ex2.approx.f32"},
      {SAMPLES "faults.ptx", "atomics", "no_float_atomics", "atom.global.add.f32"},
      {SAMPLES "faults.ptx", "local_memory", "no_local", "st.local"},
      {SAMPLES "contracted.ptx", "add", "no_contraction", "add.f32"},
  };
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
    fails(ruled(faults[i].file, faults[i].kernel, faults[i].rule), faults[i].found);
    fails(ruled(faults[i].file, faults[i].kernel, NULL), faults[i].found);
    holds(ruled(SAMPLES "faults.ptx", "sound", faults[i].rule));
  }
  holds(ruled(SAMPLES "faults.ptx", "sound", NULL));
  EXPECT_U64(ruled(SAMPLES "faults.ptx", "sound", NULL).count, 5);
  holds(ruled(SAMPLES "faults.ptx", "integer_atomics", NULL));
  is_error(ruled(SAMPLES "faults.ptx", "sound", "no_fzt"), "there is no rule 'no_fzt'");
  EXPECT_STR(ruled(SAMPLES "faults.ptx", "sound", "no_fzt").hint, "did you mean no_ftz?");
  EXPECT_STR(pv_ptx_rule_at(0), "no_ftz");
  EXPECT(pv_ptx_rule_at(5) == NULL);
}

/* A declaration alone is local memory; an address that is taken need not be a .local access. */
static void test_local_declaration(void) {
  static const char text[] =
      ".version 8.0\n.target sm_80\n.entry k() {\n.local .b8 depot[4];\nret;\n}\n";
  pv_arena arena = PV_ARENA_INIT;
  pv_ptx_module *m = NULL;
  pv_ptx_report rules = {0}, directives = {0};
  pv_error err = PV_ERROR_INIT;
  const char *rule = "no_local", *pattern = ".local";
  REQUIRE(pv_ptx_parse(&arena, "x", text, sizeof text - 1, &m, &err) == PV_OK);
  EXPECT(pv_ptx_check_rules(&arena, m->functions[0], &rule, 1, &rules, &err) == PV_OK);
  fails(conclude(PV_OK, &rules, &err), "4 no_local: declares depot");
  const pv_ptx_directives d = {.forbid = &pattern, .forbids = 1};
  EXPECT(pv_ptx_check_directives(&arena, m->functions[0], &d, &directives, &err) == PV_OK);
  fails(conclude(PV_OK, &directives, &err), "4 forbid .local: declares depot");
  pv_arena_free(&arena);
}

/* What can not be looked at is not held against a rule and not passed either. */
static void test_calls_out_of_sight(void) {
  static const char text[] =
      ".version 8.0\n.target sm_80\n.extern .func f;\n.entry k() {\ncall.uni f;\nret;\n}\n"
      ".entry p() {\n.reg .b32 %r<2>;\ncall.uni %r1;\nret;\n}\n";
  pv_arena arena = PV_ARENA_INIT;
  pv_ptx_module *m = NULL;
  pv_ptx_report report = {0};
  pv_error err = PV_ERROR_INIT;
  REQUIRE(pv_ptx_parse(&arena, "x", text, sizeof text - 1, &m, &err) == PV_OK);
  EXPECT(pv_ptx_check_rules(&arena, pv_ptx_kernel(m, "k"), NULL, 0, &report, &err) != PV_OK);
  EXPECT_HAS(err.message, "line 5 calls f, whose body is not here");
  EXPECT(pv_ptx_check_rules(&arena, pv_ptx_kernel(m, "p"), NULL, 0, &report, &err) != PV_OK);
  EXPECT_HAS(err.message, "line 10 calls through a pointer");
  pv_arena_free(&arena);
}

int main(void) {
  return pv_testing_main("ptx_assert", (pv_case[]){PV_CASE(test_require),
                                                   PV_CASE(test_forbid),
                                                   PV_CASE(test_count),
                                                   PV_CASE(test_order),
                                                   PV_CASE(test_order_of_the_last),
                                                   PV_CASE(test_misspelt),
                                                   PV_CASE(test_rules),
                                                   PV_CASE(test_local_declaration),
                                                   PV_CASE(test_calls_out_of_sight),
                                                   {0}});
}
