/* Foreign PTX: a kernel that is not understood is named and left unread, and spoils no other. */
#include <stdlib.h>
#include <string.h>

#include "kernels/ptx/assert.h"
#include "tests/unit/ptx/sample.h"
#include "tests/unit/testing.h"

#define HEAD ".version 8.0\n.target sm_90\n.address_size 64\n"
#define SOUND                                                                               \
  ".entry sound(.param .u64 p) {\n.reg .f32 %f<3>;\n.reg .b64 %r<2>;\nld.param.u64 %r1, "   \
  "[p];\nld.global.f32 %f1, [%r1];\nbra $end;\nadd.rn.f32 %f2, %f1, %f1;\n$end: st.global." \
  "f32 [%r1], %f2;\nret;\n}\n"

static pv_arena arena;

static pv_code each(const char *text, pv_ptx_module **out, pv_error *err) {
  *out = NULL;
  *err = PV_ERROR_INIT;
  pv_arena_free(&arena);
  return pv_ptx_parse_each(&arena, "x.ptx", text, strlen(text), out, err);
}

/* `text` before and after a sound kernel: `name` is unread for that reason at that place. */
static void left(const char *text, const char *name, const char *why, uint32_t line,
                 uint32_t column) {
  char both[4000];
  for (int after = 0; after < 2; after++) {
    pv_ptx_module *m = NULL;
    pv_error err;
    snprintf(both, sizeof both, HEAD "%s%s%s", after ? SOUND : "", text, after ? "" : SOUND);
    if (!EXPECT(each(both, &m, &err) == PV_OK)) {
      fprintf(stderr, "%s: %s\n", text, err.message);
      return;
    }
    const pv_ptx_function *f = pv_ptx_kernel(m, name), *sound = pv_ptx_kernel(m, "sound");
    if (!EXPECT(f != NULL && f->unread != NULL && sound != NULL)) return;
    EXPECT_HAS(f->unread->why, why);
    EXPECT_U64(f->unread->line, 3 + line + (after ? 10 : 0));
    EXPECT_U64(f->unread->column, column);
    EXPECT(f->instruction_count == 0 && f->register_count == 0 && f->label_count == 0);
    EXPECT(sound->unread == NULL && sound->instruction_count == 6 && sound->register_count == 3);
    EXPECT_U64(m->function_count, 2);
    /* the whole text is refused by who wants all of it */
    pv_ptx_module *none = NULL;
    EXPECT(pv_ptx_parse(&arena, "x.ptx", both, strlen(both), &none, &err) == PV_ERR_INPUT);
    EXPECT(none == NULL && err.line == f->unread->line);
  }
}

static void test_left_unread(void) {
  left(
      ".entry tma() {\n.reg .b32 %r<2>;\n.reg .b64 %d<2>;\n"
      "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%r1], [%d1, "
      "{%r1, %r1}], [%r1];\nret;\n}\n",
      "tma", "no modifier '.tensor' is known", 4, 1);
  left(
      ".entry k() {\n.reg .b64 %d<3>; wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {}, %d1, "
      "%d2, 1;\n}\n",
      "k", "no modifier '.m64n8k16' is known", 2, 18);
  left(".entry k() { tcgen05.wait; }\n", "k", "no instruction 'tcgen05' is known", 1, 14);
  left(".entry k() { mov.u32 %r1, 1; }\n", "k", "'%r1' is not declared", 1, 22);
  left(".entry k() { { bra $end; } }\n", "k", "'$end' is not declared", 1, 16);
  left(".entry k() { { { { add; } } { } } }\n", "k", "has 0 operands", 1, 20);
  left(".entry k() { add.u32 {{{{{{{{{{{{{{{{{{1}}}}}}}}}}}}}}}}}}; }\n", "k", "nested deeper", 1,
       38);
  left(".entry k() { x: .callprototype _ (.param .b32 _); }\n", "k", "a directive that", 1, 17);
  left(".entry k(.param .b7 a) { ret; }\n", "k", "a type is wanted", 1, 17);
  left(".entry k() .unheard_of 5 { ret; }\n", "k", "the body of the function", 1, 12);
  left(".entry k() { .shared .b8 \"a;}\"; }\n", "k", "a name is wanted", 1, 26);
  left(".entry k(.param .b7 a);\n", "k", "a type is wanted", 1, 17);
}

/* The line is shown without its indentation; of a long one the part from the place on. */
static void test_text(void) {
  char text[600];
  pv_ptx_module *m = NULL;
  pv_error err;
  EXPECT(each(HEAD ".entry k() {\n\tsust.b\t[1]; // c\r\n}\n", &m, &err) == PV_OK);
  REQUIRE(m != NULL && m->functions[0]->unread != NULL);
  EXPECT_STR(m->functions[0]->unread->text, "sust.b [1]; // c");
  EXPECT_U64(m->functions[0]->last_line, 6);
  snprintf(text, sizeof text, HEAD ".entry k() { %0300d %s; }\n", 1, "x");
  memset(strchr(text, '{') + 1, ' ', 300);
  EXPECT(each(text, &m, &err) == PV_OK);
  REQUIRE(m != NULL && m->functions[0]->unread != NULL);
  EXPECT(strlen(m->functions[0]->unread->text) <= 100);
}

/* What is no PTX for anybody stays an error of the whole, with its place. */
static void broken(const char *text, const char *why, int64_t line, int64_t column) {
  char whole[1000];
  pv_ptx_module *m = NULL;
  pv_error err;
  snprintf(whole, sizeof whole, HEAD "%s", text);
  if (!EXPECT(each(whole, &m, &err) == PV_ERR_INPUT && m == NULL)) fprintf(stderr, "%s\n", text);
  EXPECT_HAS(err.message, why);
  EXPECT_I64(err.line, 3 + line);
  EXPECT_I64(err.column, column);
  EXPECT_STR(err.file, "x.ptx");
}

static void test_still_broken(void) {
  broken(".entry k() { add \x01; }\n" SOUND, "no place in PTX", 1, 18);
  broken(".entry k() { sust; /* \n }\n" SOUND, "this comment does not end", 1, 20);
  broken(".entry k() { sust \"; }\n" SOUND, "this string does not end", 1, 19);
  broken(".entry k() { sust; \n" SOUND, "no instruction 'sust'", 1, 14);
  broken(".entry k() { ret; } }\n" SOUND, "a directive that is understood", 1, 21);
  broken(".entry k(.param .b7 a) }\n" SOUND, "a type is wanted", 1, 17);
  broken(".entry .k() { ret; }\n" SOUND, "the name of a function", 1, 8);
  broken(".entry k() { sust; } .entry k() { ret; }\n", "declared twice", 1, 29);
  broken(".alias a, b;\n" SOUND, "a directive that is understood", 1, 1);
}

/* What a declaration says holds for the body: a body that is understood after a declaration that is
 * not is not judged, and so is one that is declared well again. */
static void test_declared_badly(void) {
  static const char *const texts[] = {".entry k() .odd; .entry k() { ret; }\n",
                                      ".func k(.odd); .func k(.param .b64 a);\n"};
  for (size_t i = 0; i < 2; i++) {
    pv_ptx_module *m = NULL;
    pv_error err;
    char text[200];
    snprintf(text, sizeof text, HEAD "%s", texts[i]);
    EXPECT(each(text, &m, &err) == PV_OK);
    REQUIRE(m != NULL && m->function_count == 1 && m->functions[0]->unread != NULL);
    EXPECT(m->functions[0]->has_body == (i == 0) && m->functions[0]->instruction_count == 0);
    EXPECT_U64(m->functions[0]->unread->line, 4);
    EXPECT_HAS(m->functions[0]->unread->text, ".odd");
  }
}

/* Nothing is asserted of what is unread, nor of what calls it where a call must be looked into. */
static void test_not_judged(void) {
  static const char text[] = HEAD
      ".func f() { sust; }\n.entry k() { sust; }\n"
      ".entry calls() {\ncall f;\nret;\n}\n";
  const char *ret = "ret", *add = "add";
  pv_ptx_module *m = NULL;
  pv_ptx_report report = {0};
  pv_error err;
  const pv_ptx_directives require = {.require = &ret, .requires = 1},
                          forbid = {.forbid = &add, .forbids = 1};
  const pv_ptx_flow flow = {"shfl", "cvt", "add", &add, 1, NULL, 0};
  EXPECT(each(text, &m, &err) == PV_OK);
  REQUIRE(m != NULL);
  const pv_ptx_function *k = pv_ptx_kernel(m, "k"), *calls = pv_ptx_kernel(m, "calls");
  REQUIRE(k != NULL && calls != NULL);
  EXPECT(pv_ptx_check_directives(&arena, k, &require, &report, &err) == PV_ERR_UNSUPPORTED);
  EXPECT_STR(err.message, "line 5: no instruction 'sust' is known: .entry k() { sust; }");
  EXPECT_I64(err.line, 5);
  EXPECT(pv_ptx_check_directives(&arena, k, &forbid, &report, &err) == PV_ERR_UNSUPPORTED);
  EXPECT(pv_ptx_check_rules(&arena, k, NULL, 0, &report, &err) == PV_ERR_UNSUPPORTED);
  EXPECT(pv_ptx_check_flow(&arena, k, &flow, &report, &err) == PV_ERR_UNSUPPORTED);
  EXPECT(pv_ptx_check_rules(&arena, calls, NULL, 0, &report, &err) == PV_ERR_UNSUPPORTED);
  EXPECT_HAS(err.message, "line 7 calls f, which is not read; line 4: no instruction 'sust'");
  EXPECT(pv_ptx_check_directives(&arena, calls, &forbid, &report, &err) == PV_ERR_UNSUPPORTED);
  EXPECT(report.count == 0);
  EXPECT(pv_ptx_check_directives(&arena, calls, &require, &report, &err) == PV_OK);
  EXPECT(report.count == 1 && report.failed == 0);
}

/* What nvcc writes for printf, assert and new: the bodies are in no file, and nothing is added up
 * in them. A function of that name with a body is looked into. */
static void test_of_the_runtime(void) {
  static const char text[] = HEAD
      ".extern .func (.param .b32 r) vprintf\n(\n.param .b64 a,\n.param .b64 b\n)\n;\n"
      ".extern .func __assertfail(.param .b64 a, .param .b64 b, .param .b32 c, .param .b64 d, "
      ".param .b64 e);\n.extern .func (.param .b64 r) malloc(.param .b64 a);\n"
      ".func free(.param .b64 a) { .reg .f32 %f<2>; ex2.approx.f32 %f1, %f1; }\n"
      ".entry k() {\n.reg .b32 %r<2>;\n.reg .b64 %d<2>;\n{\n.param .b64 a;\n.param .b64 b;\n"
      ".param .b32 v;\nst.param.b64 [a], %d1;\nst.param.b64 [b+0], %d1;\n"
      "call.uni (v), vprintf, (a, b);\nld.param.b32 %r1, [v];\n}\n"
      "call.uni __assertfail, (1, 2, 3, 4, 5);\ntrap;\n}\n"
      ".entry g() {\n.param .b64 a;\ncall.uni free, (a);\n}\n";
  pv_ptx_module *m = NULL;
  pv_ptx_report report = {0};
  pv_error err;
  const char *add = "call", *misspelt = "cal";
  const pv_ptx_directives forbid = {.forbid = &add, .forbids = 1},
                          wrong = {.forbid = &misspelt, .forbids = 1};
  EXPECT(each(text, &m, &err) == PV_OK);
  REQUIRE(m != NULL);
  EXPECT(pv_ptx_check_rules(&arena, pv_ptx_kernel(m, "k"), NULL, 0, &report, &err) == PV_OK);
  EXPECT(report.count == 5 && report.failed == 0 && report.compared > 0);
  EXPECT(pv_ptx_check_rules(&arena, pv_ptx_kernel(m, "g"), NULL, 0, &report, &err) == PV_OK);
  EXPECT_U64(report.failed, 1);
  EXPECT(pv_ptx_check_directives(&arena, pv_ptx_kernel(m, "k"), &forbid, &report, &err) == PV_OK);
  EXPECT_U64(report.failed, 2); /* the call itself is seen */
  EXPECT(pv_ptx_check_directives(&arena, pv_ptx_kernel(m, "k"), &wrong, &report, &err) ==
         PV_ERR_INPUT);
}

/* Forms of other compilers: clang's pointers, 128 bits, managed variables, DWARF of Triton. */
static void test_other_compilers(void) {
  static const char text[] = HEAD
      ".visible .global .attribute(.managed) .align 4 .u32 m;\n"
      ".global .attribute(.unified(1, 2)) .u32 u = 3;\n"
      ".visible .entry k(.param .u64 .ptr .align 1 a, .param .u64 .ptr .global .align 4 b)\n"
      ".maxntid 128, 1, 1 .minnctapersm 2 .maxnreg 168\n{\n.loc 1 5 0\n"
      ".reg .b128 %q<2>;\n.reg .b64 %d<3>;\n.reg .b32 %r<2>;\n.reg .pred %p<2>;\n"
      "$L__func_begin0:\nmov.pred %p1, -1;\n"
      "@%p1 ld.global.b32 { %r1 }, [ %d1 + 0 ];\nmov.b128 %q1, {%d1, %d2};\n"
      ".loc 1 7 19, function_name $L__info_string0, inlined_at 1 6 19\nret;\n$L__tmp1:\n}\n"
      ".file 1 \"a.py\"\n.section .debug_info\n{\n.b32 64\n.b64 $L__func_begin0\n"
      ".b32 $L__tmp1-$L__func_begin0\n}\n";
  pv_ptx_module *m = NULL;
  pv_error err;
  if (!EXPECT(each(text, &m, &err) == PV_OK)) fprintf(stderr, "%s\n", err.message);
  REQUIRE(m != NULL && m->function_count == 1 && m->variable_count == 2);
  EXPECT(m->functions[0]->unread == NULL);
  EXPECT_U64(m->functions[0]->instruction_count, 4);
  EXPECT_U64(m->functions[0]->most_threads[0], 128);
  EXPECT_U64(m->functions[0]->most_threads[2], 1);
  EXPECT_U64(m->functions[0]->required_threads[0], 0);
  EXPECT_U64(m->variables[0]->bytes, 4);
  EXPECT(m->variables[1]->value_count == 1);
  broken(".global .attribute(.managed .u32 m;", "')' is wanted", 1, 35);
  broken(".global .attribute .u32 m;", "'(' is wanted", 1, 20);
}

/* What bounds a launch: what is left out of x, y, z is 1. */
static void test_launch_bounds(void) {
  pv_ptx_module *m = NULL;
  pv_error err;
  REQUIRE(each(HEAD ".entry k()\n.reqntid 64, 2\n{\nret;\n}\n.entry l()\n{\nret;\n}\n", &m, &err) ==
          PV_OK);
  const uint32_t *required = m->functions[0]->required_threads;
  EXPECT(required[0] == 64 && required[1] == 2 && required[2] == 1);
  EXPECT_U64(m->functions[0]->most_threads[0], 0);
  EXPECT_U64(m->functions[1]->required_threads[0], 0);
}

/* With one byte replaced anywhere: an error with its place, or a module whose unread functions say
 * why. */
static void test_replaced(void) {
  static const char others[] = "{}()[];,:.%<>\"/*0\na-";
  sample s = sample_open(SAMPLES "reader.ptx");
  char *text = (char *)s.bytes.data;
  size_t errors = 0, unread = 0;
  REQUIRE(s.module != NULL);
  for (size_t i = 0; i < s.bytes.length; i++) {
    const char was = text[i];
    for (size_t k = 0; k < sizeof others - 1; k += 1 + i % 3) {
      pv_ptx_module *m = NULL;
      pv_error err = PV_ERROR_INIT;
      text[i] = others[k];
      pv_arena_free(&arena);
      if (pv_ptx_parse_each(&arena, "x.ptx", text, s.bytes.length, &m, &err) != PV_OK) {
        EXPECT(err.line > 0 && err.column > 0 && m == NULL);
        errors++;
        continue;
      }
      for (size_t f = 0; f < m->function_count; f++) {
        const pv_ptx_unread *u = m->functions[f]->unread;
        if (u == NULL) continue;
        EXPECT(u->line > 0 && u->column > 0 && u->why[0] != '\0');
        EXPECT(m->functions[f]->instruction_count == 0);
        unread++;
      }
    }
    text[i] = was;
  }
  EXPECT(errors > 100 && unread > s.bytes.length);
  sample_close(&s);
}

int main(void) {
  const int code = pv_testing_main("ptx_each", (pv_case[]){PV_CASE(test_left_unread),
                                                           PV_CASE(test_text),
                                                           PV_CASE(test_still_broken),
                                                           PV_CASE(test_declared_badly),
                                                           PV_CASE(test_not_judged),
                                                           PV_CASE(test_of_the_runtime),
                                                           PV_CASE(test_other_compilers),
                                                           PV_CASE(test_launch_bounds),
                                                           PV_CASE(test_replaced),
                                                           {0}});
  pv_arena_free(&arena);
  return code;
}
