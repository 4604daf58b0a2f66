/* Texts that are no PTX, or not PTX that is understood: an error with its place, never a crash. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/ptx/sample.h"
#include "tests/unit/testing.h"

#define HEAD ".version 8.0\n.target sm_80\n.address_size 64\n"

/* Parses a copy of exactly `length` bytes, so that a sanitizer sees a read past its end. */
static pv_code parse(const char *text, size_t length, pv_error *err) {
  pv_arena arena = PV_ARENA_INIT;
  pv_ptx_module *module = NULL;
  char *copy = malloc(length > 0 ? length : 1);
  if (copy == NULL) return PV_ERR_NOMEM;
  if (length > 0) memcpy(copy, text, length);
  const pv_code code = pv_ptx_parse(&arena, "x.ptx", copy, length, &module, err);
  EXPECT((code == PV_OK) == (module != NULL));
  free(copy);
  pv_arena_free(&arena);
  return code;
}

static void refused(const char *text, const char *message, int64_t line, int64_t column) {
  pv_error err = PV_ERROR_INIT;
  if (!EXPECT(parse(text, strlen(text), &err) == PV_ERR_INPUT)) fprintf(stderr, "%s\n", text);
  EXPECT_HAS(err.message, message);
  EXPECT_STR(err.file, "x.ptx");
  if (!EXPECT_I64(err.line, line) || !EXPECT_I64(err.column, column))
    fprintf(stderr, "  %s\n", text);
}

/* A kernel with this on line 5. */
static void refused_in_body(const char *body, const char *message, int64_t column) {
  char text[600];
  snprintf(text, sizeof text, HEAD ".entry k() { .reg .b32 %%r<4>; .reg .pred %%p<2>;\n%s\n}\n",
           body);
  refused(text, message, 5, column);
}

static void test_heads(void) {
  refused("", "the text ends where .version is wanted", 1, 1);
  refused(".target sm_80", ".version is wanted", 1, 1);
  refused(".version 8\n.target sm_80", "a version is wanted", 1, 10);
  refused(".version 8.0.1\n.target sm_80", "a version is wanted", 1, 10);
  refused(".version 8.0\n.address_size 64", ".target is wanted", 2, 1);
  refused(".version 8.0\n.target debug\n", "names no sm_", 2, 1);
  refused(".version 8.0\n.target sm_80\n.address_size 48\n", "32 or 64", 3, 15);
  refused(HEAD ".alias a, b;", "a directive that is understood", 4, 1);
  refused(HEAD "/* never ends", "does not end", 4, 1);
  refused(HEAD ".file 1 \"x", "does not end", 4, 9);
  refused(HEAD "\x01", "no place in PTX", 4, 1);
  refused(HEAD "\xc3\xa9", "no place in PTX", 4, 1);
  refused(HEAD ".section .debug_info { { } }", "'}' is wanted", 4, 24);
}

static void test_declarations(void) {
  refused(HEAD ".global .align 3 .b8 a;", "a power of two", 4, 9);
  refused(HEAD ".global .b7 a;", "a type is wanted", 4, 9);
  refused(HEAD ".global .pred a;", "can not be a predicate", 4, 15);
  refused(HEAD ".global .b64 a[0x2000000000000000];", "does not fit", 4, 14);
  refused(HEAD ".global .b64 a[0xFFFFFFFFFFFFFFFF][2];", "does not fit", 4, 35);
  refused(HEAD ".global .b64 a[99999999999999999999];", "64 bits", 4, 16);
  refused(HEAD ".global .u32 a; .global .u32 a;", "declared twice", 4, 30);
  refused(HEAD ".global .u32 a = {1, {2, {3};", "is wanted", 4, 29);
  refused(HEAD ".global .u64 a = nowhere;", "'nowhere' is not declared", 4, 16);
  refused(HEAD ".entry k(.reg .u32 a) { ret; }", ".param is wanted", 4, 10);
  refused(HEAD ".entry k() .maxthreads 4 { ret; }", "the body of the function", 4, 12);
  refused(HEAD ".entry k() { ret; } .entry k() { ret; }", "declared twice", 4, 28);
  refused(HEAD ".entry k(); .func k() { ret; }", "declared twice", 4, 19);
  refused(HEAD ".func (.param .b32 f) f() { ret; }", "the name of its result", 4, 23);
  refused(HEAD ".entry k() { ret;", "the text ends", 4, 18);
}

static void test_instructions(void) {
  refused_in_body("fmaa.rn.f32 %r1, %r1, %r1, %r1;", "no instruction 'fmaa' is known", 1);
  refused_in_body("add.s33 %r1, %r1, %r1;", "no modifier '.s33' is known", 1);
  refused_in_body("add..s32 %r1, %r1, %r1;", "no modifier '.' is known", 1);
  refused_in_body(" add.s32 %r1, %r1;", "has 2 operands, not 3 to 3", 2);
  refused_in_body("add.s32 5, %r1, %r1;", "can not be a result", 1);
  refused_in_body("add.s32 %r1, %r1 %r1;", "',' is wanted", 18);
  refused_in_body("add.s32 %r4, %r1, %r1;", "'%r4' is not declared", 9);
  refused_in_body("add.s32 %r01, %r1, %r1;", "'%r01' is not declared", 9);
  refused_in_body("mov.u32 %r1, %tid.w;", "'%tid.w' is not declared", 14);
  refused_in_body("bra nowhere;", "'nowhere' is not declared", 1);
  refused_in_body("a: a: ret;", "declared twice", 4);
  refused_in_body("@%r1 bra a; a:", "not a predicate", 1);
  refused_in_body("@!5 bra a; a:", "a predicate is wanted", 3);
  refused_in_body("mov.f32 %r1, 0f3F80;", "not a number", 14);
  refused_in_body("mov.f32 %r1, 0f3F8000000;", "not a number", 14);
  refused_in_body("mov.f32 %r1, 1.5;", "not a number", 14);
  refused_in_body("mov.f32 %r1, -0f3F800000;", "can not be negated", 15);
  refused_in_body("mov.u32 %r1, 0x1FFFFFFFFFFFFFFFF;", "not a number", 14);
  refused_in_body("ld.global.u32 %r1, [%r2+0xFFFFFFFFFFFFFFFF];", "does not fit", 24);
  refused_in_body("ld.global.u32 %r1, [%r2;", "']' is wanted", 24);
  refused_in_body(".reg .b32 %q1<4>;", "ends with a digit", 11);
  refused_in_body(".reg .b32 %r<9>;", "declared twice", 11);
  refused_in_body(".reg .b32 %r2; mov.u32 %r2, 1;", "declared twice", 24);
  refused_in_body("bra r; .reg .b32 r;", "'r' is not declared, or not as a label", 1);
  refused_in_body("t: .branchtargets %r1;", "a branch target is not a label", 1);
  refused_in_body("t: .branchtargets nowhere;", "'nowhere' is not declared", 1);
  refused_in_body(".unknown 5;", "a directive that is understood", 1);
  refused_in_body("{ { { { { { { { { { { { { { { { { { { {", "deeper than", 31);
  refused_in_body("{ inner: ret; } bra inner;", "'inner' is not declared", 17);
}

/* Deep nesting of operands ends with an error, not with the stack. */
static void test_depth(void) {
  static char text[20000];
  snprintf(text, sizeof text, HEAD ".global .b8 a[4] = ");
  memset(text + strlen(text), '{', 10000);
  refused(text, "nested deeper than", 4, 36);
}

static void test_errors_name_a_cure(void) {
  pv_error err = PV_ERROR_INIT;
  static const char text[] = HEAD ".entry k() { .reg .f32 %f<2>; ex2.aprox.f32 %f1, %f1; }";
  EXPECT(parse(text, sizeof text - 1, &err) == PV_ERR_INPUT);
  EXPECT_STR(err.hint, "did you mean .approx?");
}

/* Cut off anywhere: an error, or the end of a declaration. */
static void cut_everywhere(const char *path) {
  sample s = sample_open(path);
  const char *text = (const char *)s.bytes.data;
  size_t sound = 0;
  REQUIRE(s.module != NULL);
  for (size_t length = 0; length < s.bytes.length; length++) {
    pv_error err = PV_ERROR_INIT;
    const pv_code code = parse(text, length, &err);
    if (code == PV_OK)
      sound++;
    else
      EXPECT(code == PV_ERR_INPUT && err.line > 0 && err.column > 0 && err.byte >= 0);
  }
  EXPECT(sound > 0 && sound < s.bytes.length / 2);
  sample_close(&s);
}

static void test_cut_by_hand(void) {
  cut_everywhere(SAMPLES "reader.ptx");
}
static void test_cut_contracted(void) {
  cut_everywhere(SAMPLES "contracted.ptx");
}

/* One byte replaced by each of some others. */
static void test_replaced(void) {
  static const char others[] = "{}()[];,:.%<>\"/*0\n\0a-";
  sample s = sample_open(SAMPLES "reader.ptx");
  char *text = (char *)s.bytes.data;
  size_t errors = 0;
  REQUIRE(s.module != NULL);
  for (size_t i = 0; i < s.bytes.length; i++) {
    const char was = text[i];
    for (size_t k = 0; k < sizeof others - 1; k += 1 + i % 3) { /* not all of all: time */
      pv_error err = PV_ERROR_INIT;
      text[i] = others[k];
      if (parse(text, s.bytes.length, &err) != PV_OK) errors++;
    }
    text[i] = was;
  }
  EXPECT(errors > s.bytes.length);
  sample_close(&s);
}

int main(void) {
  return pv_testing_main("ptx_broken", (pv_case[]){PV_CASE(test_heads),
                                                   PV_CASE(test_declarations),
                                                   PV_CASE(test_instructions),
                                                   PV_CASE(test_depth),
                                                   PV_CASE(test_errors_name_a_cure),
                                                   PV_CASE(test_cut_by_hand),
                                                   PV_CASE(test_cut_contracted),
                                                   PV_CASE(test_replaced),
                                                   {0}});
}
