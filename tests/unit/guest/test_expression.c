#include "runtime/guest/expression.h"

#include <stdio.h>
#include <string.h>

#include "../testing.h"

static const char *const names[] = {"k", "rows", "eps"};
static const pv_guest_value values[] = {
    {.whole = 768}, {.whole = 7}, {.is_real = true, .real = 1e-5}};

static pv_code compute(const char *text, pv_guest_value *out, pv_error *err) {
  pv_arena arena = PV_ARENA_INIT;
  const pv_guest_expression *e = NULL;
  const pv_guest_place place = {"my.yaml", 3, 7};
  pv_code code = pv_guest_expression_read(&arena, text, place, names, 3, &e, err);
  if (code == PV_OK) code = pv_guest_expression_value(e, values, out, err);
  pv_arena_free(&arena);
  return code;
}

static void whole(const char *text, int64_t want) {
  pv_guest_value got = {.is_real = true};
  pv_error err = PV_ERROR_INIT;
  if (!EXPECT(compute(text, &got, &err) == PV_OK)) printf("%s: %s\n", text, err.message);
  EXPECT(!got.is_real);
  if (!EXPECT_I64(got.whole, want)) printf("in %s\n", text);
}

static void real(const char *text, double want) {
  pv_guest_value got = {0};
  EXPECT(compute(text, &got, NULL) == PV_OK);
  EXPECT(got.is_real);
  EXPECT_F64(got.real, want, 0);
}

/* At this column of the text, which begins in column 7. */
static void refused(const char *text, int64_t at, const char *why) {
  pv_guest_value got = {.whole = 42};
  pv_error err = PV_ERROR_INIT;
  if (!EXPECT(compute(text, &got, &err) == PV_ERR_INPUT)) printf("%s\n", text);
  EXPECT_HAS(err.message, why);
  EXPECT_STR(err.file, "my.yaml");
  EXPECT_I64(err.line, 3);
  if (!EXPECT_I64(err.column, 7 + at)) printf("in %s\n", text);
  EXPECT_I64(got.whole, 42);
}

static void test_wholes(void) {
  whole("1 + 2 * 3", 7);
  whole("(1 + 2) * 3", 9);
  whole("10 - 4 - 3", 3);
  whole("k / 256 % 2", 1);
  whole("-k + 1", -767);
  whole("--3", 3);
  whole("1 << 4 + 1", 32);
  whole("256 >> 3", 32);
  whole("ceil_div(rows, 2)", 4);
  whole("ceil_div(8, 2)", 4);
  whole("round_up(rows, 4)", 8);
  whole("min(k, rows) + max(k, rows)", 775);
  whole("log2(k)", 9);
  whole("log2(1)", 0);
  whole("9223372036854775807", INT64_MAX);
}

static void test_conditions(void) {
  whole("k % 256 == 0 && rows != 0", 1);
  whole("k < rows || rows >= 8", 0);
  whole("!(k <= 768)", 0);
  whole("k > 1 == 1", 1);
  whole("1 || 0 && 0", 1);
  whole("eps < 1", 1);
  /* What is not needed is not computed. */
  whole("rows == 7 || 1 / 0", 1);
  whole("rows == 8 && 1 / 0", 0);
}

static void test_reals(void) {
  real("eps", 1e-5);
  real("1.0 / 4", 0.25);
  real("1 / 4.0", 0.25);
  real("-2.5e-3", -2.5e-3);
  real("min(eps, 1)", 1e-5);
  real("2 * eps", 2e-5);
}

static void test_refused(void) {
  refused("", 0, "the end where a value is wanted");
  refused("k +", 3, "the end where a value is wanted");
  refused("k k", 2, "something behind the end");
  refused("batch", 0, "an unknown name");
  refused("1 + foo(2)", 4, "an unknown function");
  refused("min(k)", 5, "a ',' or ')' is wanted");
  refused("(k", 2, "a ',' or ')' is wanted");
  refused("k ? 1 : 2", 2, "something behind the end");
  refused("@", 0, "a sign that is not known");
  refused("9223372036854775808", 0, "too large");
  refused("0x10", 0, "a number that is none");
  refused("1e999", 0, "a number that is none");
}

static void test_not_computed(void) {
  refused("k / (rows - 7)", 2, "a division by zero");
  refused("1 + k % 0", 6, "a division by zero");
  refused("9223372036854775807 + k", 20, "an overflow");
  refused("k * 9223372036854775807", 2, "an overflow");
  refused("1 << 63", 2, "an overflow");
  refused("ceil_div(0 - k, 4)", 0, "a negative number");
  refused("round_up(k, 0)", 0, "a division by zero");
  refused("log2(0)", 0, "log2");
  refused("eps % 2", 4, "a float where a whole number is wanted");
  refused("eps / 0", 4, "a division by zero");
}

static void test_names_nearest(void) {
  pv_guest_value got;
  pv_error err = PV_ERROR_INIT;
  EXPECT(compute("row", &got, &err) == PV_ERR_INPUT);
  EXPECT_STR(err.hint, "did you mean rows?");
  EXPECT(compute("channels", &got, &err) == PV_ERR_INPUT);
  EXPECT_STR(err.hint, "known here: k, rows, eps");
}

/* Neither a stack nor time runs out. */
static void test_deep(void) {
  char text[4000];
  memset(text, '(', sizeof text);
  text[sizeof text - 1] = '\0';
  pv_guest_value got;
  pv_error err = PV_ERROR_INIT;
  EXPECT(compute(text, &got, &err) == PV_ERR_INPUT);
  EXPECT_HAS(err.message, "too much nesting");
  memset(text, '-', sizeof text - 1);
  EXPECT(compute(text, &got, &err) == PV_ERR_INPUT);
  EXPECT_HAS(err.message, "too much nesting");
}

static void test_range(void) {
  pv_arena arena = PV_ARENA_INIT;
  const pv_guest_expression *e = NULL;
  pv_error err = PV_ERROR_INIT;
  int64_t out = 5;
  const pv_guest_place place = {"my.yaml", 3, 7};
  REQUIRE(pv_guest_expression_read(&arena, "k", place, names, 3, &e, NULL) == PV_OK);
  EXPECT(pv_guest_expression_whole(e, values, "the grid", 1, 768, &out, NULL) == PV_OK);
  EXPECT_I64(out, 768);
  EXPECT(pv_guest_expression_whole(e, values, "the grid", 1, 767, &out, &err) == PV_ERR_INPUT);
  EXPECT_STR(err.message, "the grid is 768 by 'k': it must be from 1 to 767");
  EXPECT_I64(err.column, 7);
  REQUIRE(pv_guest_expression_read(&arena, "eps", place, names, 3, &e, NULL) == PV_OK);
  EXPECT(pv_guest_expression_whole(e, values, "the grid", 0, 9, &out, &err) == PV_ERR_INPUT);
  EXPECT_HAS(err.message, "no whole number");
  pv_arena_free(&arena);
}

int main(void) {
  return pv_testing_main("expressions of a descriptor", (pv_case[]){PV_CASE(test_wholes),
                                                                    PV_CASE(test_conditions),
                                                                    PV_CASE(test_reals),
                                                                    PV_CASE(test_refused),
                                                                    PV_CASE(test_not_computed),
                                                                    PV_CASE(test_names_nearest),
                                                                    PV_CASE(test_deep),
                                                                    PV_CASE(test_range),
                                                                    {0}});
}
