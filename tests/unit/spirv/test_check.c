/* Each rule over a module that is made by hand, and bytes that are none. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kernels/spirv/spirv.h"
#include "tests/unit/testing.h"

enum { GLSL = 1, VOID, F32, F64, MAIN, FN, LABEL, A, B, RESULT, V2, OTHER, BOUND = 20 };

typedef struct made {
  uint32_t words[256];
  size_t count;
} made;

/* One instruction of `n` operands. */
static void put(made *m, unsigned opcode, unsigned n, ...) {
  va_list operands;
  va_start(operands, n);
  m->words[m->count++] = opcode | (n + 1) << 16;
  for (unsigned i = 0; i < n; i++) m->words[m->count++] = va_arg(operands, unsigned);
  va_end(operands);
}

static const unsigned main_text = 0x6e69616d; /* "main" */

/* A compute shader up to its function; `code` follows, then end(). */
static made begin(void) {
  made m = {{0x07230203, 0x00010500, 0, BOUND, 0}, 5};
  put(&m, 17, 1, 1);                                           /* Shader */
  put(&m, 11, 5, GLSL, 0x4c534c47, 0x6474732e, 0x3035342e, 0); /* GLSL.std.450 */
  put(&m, 14, 2, 0, 1);                                        /* Logical GLSL450 */
  put(&m, 15, 4, 5, MAIN, main_text, 0);                       /* GLCompute */
  put(&m, 16, 5, MAIN, 17, 64, 1, 1);                          /* LocalSize */
  put(&m, 5, 3, MAIN, main_text, 0);
  return m;
}

static void types(made *m) {
  put(m, 19, 1, VOID);
  put(m, 22, 2, F32, 32);
  put(m, 22, 2, F64, 64);
  put(m, 23, 3, V2, F32, 2);
  put(m, 33, 2, FN, VOID);
  put(m, 54, 4, VOID, MAIN, 0, FN);
  put(m, 248, 1, LABEL);
}

static void end(made *m) {
  put(m, 253, 0);
  put(m, 56, 0);
}

/* The rules that find something, each as often as it does. */
static const char *found(const made *m) {
  static char text[600];
  pv_arena arena = PV_ARENA_INIT;
  pv_error err = PV_ERROR_INIT;
  pv_spirv_report r;
  text[0] = '\0';
  if (pv_spirv_check(&arena, m->words, m->count * 4, &r, &err) != PV_OK)
    (void)snprintf(text, sizeof text, "refused: %s", err.message);
  for (size_t i = 0; text[0] != 'r' && i < r.count; i++) {
    strncat(text, r.findings[i].rule, sizeof text - strlen(text) - 2);
    strcat(text, " ");
  }
  pv_arena_free(&arena);
  return text;
}

/* Of either width: a sum of float64 is no other operation either. */
static void test_arithmetic(void) {
  static const unsigned rounded[] = {127, 129, 131, 133,
                                     142, 143, 147}; /* FNegate ... OuterProduct */
  static const unsigned widths[] = {F32, F64};
  for (size_t i = 0; i < 2 * (sizeof rounded / sizeof *rounded); i++) {
    made with = begin(), without = begin();
    put(&with, 71, 2, RESULT, 42);
    types(&with);
    types(&without);
    put(&with, rounded[i / 2], 4, widths[i % 2], RESULT, A, B);
    put(&without, rounded[i / 2], 4, widths[i % 2], RESULT, A, B);
    end(&with);
    end(&without);
    EXPECT_STR(found(&with), "");
    EXPECT_STR(found(&without), "no_contraction ");
  }
}

static void test_each_rule(void) {
  static const struct {
    unsigned opcode, operands[5], count;
    const char *rules;
  } cases[] = {
      {136, {F32, RESULT, A, B}, 4, "no_contraction chosen_form "}, /* FDiv */
      {136, {V2, RESULT, A, B}, 4, "no_contraction chosen_form "},
      {136, {F64, RESULT, A, B}, 4, "no_contraction chosen_form "},
      {12, {F32, RESULT, GLSL, 31, A}, 5, "chosen_form "}, /* Sqrt */
      {12, {F64, RESULT, GLSL, 31, A}, 5, "chosen_form "},
      {12, {F64, RESULT, GLSL, 50, A}, 5, "no_fma "},
      {12, {F32, RESULT, GLSL, 27, A}, 5, "no_approximation "}, /* Exp */
      {12, {F32, RESULT, GLSL, 37, A}, 5, "no_approximation "}, /* FMin, of which NaN is anything */
      {12, {F32, RESULT, GLSL, 4, A}, 5, ""},                   /* FAbs */
      {12, {F32, RESULT, OTHER, 4, A}, 5, "known "},            /* of no set */
      {141, {F32, RESULT, A, B}, 4, "no_approximation "},       /* FMod */
      {116, {F32, RESULT, A}, 3, "no_approximation "},          /* QuantizeToF16 */
      {148, {F32, RESULT, A, B}, 4, "stated_order "},           /* Dot */
      {350, {F32, RESULT, A, B}, 4, "stated_order "},           /* GroupNonUniformFAdd */
      {6035, {F32, RESULT, A, B}, 4, "no_float_atomics "},
      {52, {F32, RESULT, 129, A}, 4, "known "}, /* FAdd of constants */
      {52, {F32, RESULT, 128, A}, 4, ""},       /* IAdd */
      {6030, {F32, RESULT, A, B}, 4, "known "}, /* an fma of an extension */
      {74, {A, B}, 2, "known "},                /* a group of decorations */
      {71, {A, 0}, 2, "no_relaxed "},           /* wherever they stand */
      {72, {A, 0, 0}, 3, "no_relaxed "},
      {71, {A, 39, 1}, 3, "modes "},       /* FPRoundingMode */
      {71, {A, 40, 1}, 3, "modes "},       /* FPFastMathMode */
      {16, {MAIN, 4460, 32}, 3, "modes "}, /* DenormFlushToZero */
      {16, {MAIN, 4463, 32}, 3, "modes "}, /* RoundingModeRTZ */
      {16, {MAIN, 4459, 32}, 3, ""},       /* DenormPreserve */
      {128, {F32, RESULT, A, B}, 4, ""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    made m = begin();
    types(&m);
    m.words[m.count++] = cases[i].opcode | (cases[i].count + 1) << 16;
    for (unsigned k = 0; k < cases[i].count; k++) m.words[m.count++] = cases[i].operands[k];
    end(&m);
    if (!EXPECT_STR(found(&m), cases[i].rules)) fprintf(stderr, "case %zu\n", i);
  }
}

static void test_place(void) {
  pv_arena arena = PV_ARENA_INIT;
  pv_spirv_report r;
  made m = begin();
  types(&m);
  const size_t at = m.count * 4;
  put(&m, 129, 4, F32, RESULT, A, B);
  end(&m);
  REQUIRE(pv_spirv_check(&arena, m.words, m.count * 4, &r, NULL) == PV_OK);
  REQUIRE(EXPECT_U64(r.count, 1));
  EXPECT_U64(r.findings[0].byte, at);
  EXPECT_STR(r.findings[0].function, "main");
  EXPECT_STR(r.findings[0].text, "OpFAdd %10 is not decorated NoContraction");
  EXPECT_U64(r.float_operations, 1);
  EXPECT_U64(r.instructions, 16);
  pv_arena_free(&arena);
}

static void refused(const made *m, const char *why) {
  EXPECT_HAS(found(m), why);
}

static void test_none(void) {
  const made whole = begin();
  made m = whole;
  refused(&m, ""); /* what is whole is not refused */
  EXPECT_STR(found(&m), "");
  m.words[0] = 0x03022307;
  refused(&m, "refused: SPIR-V of the other byte order");
  m.words[0] = 0;
  refused(&m, "it does not begin with");
  m = whole;
  m.words[1] = 0x00010700;
  refused(&m, "SPIR-V 1.7 is not read");
  m = whole;
  m.words[3] = 0;
  refused(&m, "number of ids");
  m.words[3] = 0xffffffff;
  refused(&m, "number of ids");
  m = whole;
  m.words[3] = MAIN;
  refused(&m, "an id is out of bounds");
  m = whole;
  m.words[m.count++] = 0;
  refused(&m, "an instruction without words");
  m = whole;
  m.words[m.count++] = 5 << 16 | 5;
  refused(&m, "an instruction is cut off");
  m = whole;
  put(&m, 5, 2, MAIN, 0x61616161);
  refused(&m, "a text does not end");
  m = whole;
  put(&m, 129, 1, F32);
  refused(&m, "lacks operands");
  m = whole;
  m.words[6] = 6; /* Kernel in the place of Shader */
  refused(&m, "no compute shader");
  m.count = 4;
  refused(&m, "shorter than its header");
}

/* Any beginning of a module, and any word of it changed, is refused or read; a sanitizer looks on.
 */
static void test_cut_and_changed(void) {
  made whole = begin();
  types(&whole);
  put(&whole, 129, 4, F32, RESULT, A, B);
  end(&whole);
  size_t refusals = 0;
  for (size_t count = 0; count <= whole.count; count++) {
    made m = whole;
    m.count = count;
    refusals += found(&m)[0] == 'r';
  }
  EXPECT(refusals > 20);
  static const uint32_t values[] = {0, 1, 0xffff0005, 0x00020047, 0xffffffff, 0x7fffffff};
  for (size_t i = 0; i < whole.count; i++)
    for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
      made m = whole;
      m.words[i] = values[k];
      refusals += found(&m)[0] == 'r';
    }
  EXPECT(refusals > 100);
}

int main(void) {
  return pv_testing_main("spirv", (pv_case[]){PV_CASE(test_arithmetic),
                                              PV_CASE(test_each_rule),
                                              PV_CASE(test_place),
                                              PV_CASE(test_none),
                                              PV_CASE(test_cut_and_changed),
                                              {0}});
}
