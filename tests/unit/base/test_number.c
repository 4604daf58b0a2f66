/* Strict numbers: what a lenient parser would take for a number must be refused. */
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "tests/unit/testing.h"

/* Never a number of any kind. */
static const char *const never[] = {
    "",
    " ",
    "-",
    "+",
    "+1",
    " 1",
    "1 ",
    "1\n",
    "\t1",
    "1_000",
    "1,000",
    "0x10",
    "0X1",
    "0b1",
    "0o7",
    "010",
    "00",
    "-01",
    "- 1",
    "--1",
    "nan",
    "NaN",
    ".nan",
    "-nan",
    "inf",
    ".inf",
    "-inf",
    "infinity",
    "true",
    "1a",
    "a1",
    "1e",
    "e1",
    "1e+",
    ".5",
    "5.",
    "1.e5",
    "0x1p3",
    "1.5f",
    "1d3",
    "1..2",
    "1.2.3",
    "1e2e3",
    "1e1.5",
    "\xd9\xa1",
    "1\xc2\xa0",
    "\xe2\x88\x92\x31",
    "1e400",
    "-1e400",
    "1e-400",
    "-1e-5000",
    "99999999999999999999999999999999999999999999999999999999999999999"};

static void test_never_numbers(void) {
  for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
    uint64_t u = 7;
    int64_t s = 7;
    double d = 7;
    const size_t n = strlen(never[i]);
    const bool taken = pv_parse_u64(never[i], n, &u) || pv_parse_i64(never[i], n, &s) ||
                       pv_parse_f64(never[i], n, &d);
    if (!EXPECT(!taken)) printf("  taken for a number: \"%s\"\n", never[i]);
    EXPECT(u == 7 && s == 7 && d == 7);
  }
}

static void test_embedded_nul(void) {
  uint64_t u = 7;
  double d = 7;
  EXPECT(!pv_parse_u64("1\0", 2, &u));
  EXPECT(!pv_parse_f64("1\0", 2, &d));
  EXPECT(!pv_parse_f64("1.5\0e", 5, &d));
  EXPECT_U64(u, 7);
}

static void test_length_decides(void) {
  uint64_t u = 0;
  int64_t s = 0;
  double d = 0;
  EXPECT(pv_parse_u64("123456", 3, &u));
  EXPECT_U64(u, 123);
  EXPECT(pv_parse_i64("-123456", 3, &s));
  EXPECT_I64(s, -12);
  EXPECT(pv_parse_f64("1.5e3", 3, &d));
  EXPECT_F64(d, 1.5, 0);
}

static bool u64(const char *text, uint64_t *out) {
  return pv_parse_u64(text, strlen(text), out);
}
static bool i64(const char *text, int64_t *out) {
  return pv_parse_i64(text, strlen(text), out);
}
static bool f64(const char *text, double *out) {
  return pv_parse_f64(text, strlen(text), out);
}

static void test_u64(void) {
  uint64_t v = 7;
  EXPECT(u64("0", &v));
  EXPECT_U64(v, 0);
  EXPECT(u64("18446744073709551615", &v));
  EXPECT_U64(v, UINT64_MAX);
  v = 7;
  EXPECT(!u64("18446744073709551616", &v));
  EXPECT(!u64("184467440737095516150", &v));
  EXPECT(!u64("-1", &v));
  EXPECT(!u64("-0", &v));
  EXPECT(!u64("1.0", &v));
  EXPECT(!u64("1e3", &v));
  EXPECT_U64(v, 7);
}

static void test_i64(void) {
  int64_t v = 7;
  EXPECT(i64("-9223372036854775808", &v));
  EXPECT_I64(v, INT64_MIN);
  EXPECT(i64("9223372036854775807", &v));
  EXPECT_I64(v, INT64_MAX);
  EXPECT(i64("-1", &v));
  EXPECT_I64(v, -1);
  v = 7;
  EXPECT(!i64("9223372036854775808", &v));
  EXPECT(!i64("-9223372036854775809", &v));
  EXPECT(!i64("1.0", &v));
  EXPECT_I64(v, 7);
}

static void test_f64(void) {
  double v = 7;
  EXPECT(f64("0", &v));
  EXPECT_F64(v, 0, 0);
  EXPECT(f64("0.99", &v));
  EXPECT_F64(v, 0.99, 0);
  EXPECT(f64("-2.5e-3", &v));
  EXPECT_F64(v, -2.5e-3, 0);
  EXPECT(f64("1E+3", &v));
  EXPECT_F64(v, 1000, 0);
  EXPECT(f64("1.7976931348623157e308", &v));
  EXPECT_F64(v, DBL_MAX, 0);
  EXPECT(f64("5e-324", &v)); /* the smallest subnormal is a number */
  EXPECT(v > 0 && v < DBL_MIN);
  EXPECT(f64("0.000e-900", &v)); /* zero, however it is written */
  EXPECT_F64(v, 0, 0);
  EXPECT(f64("-0", &v));
  EXPECT(signbit(v) && v == 0);
  EXPECT(f64("1e05", &v));
  EXPECT_F64(v, 1e5, 0);
}

static void test_locale_is_ignored(void) {
  static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE"};
  for (size_t i = 0; i < 3 && setlocale(LC_ALL, names[i]) == NULL; i++) continue;
  double v = 7;
  EXPECT(!f64("1,5", &v));
  EXPECT(f64("1.5", &v));
  EXPECT_F64(v, 1.5, 0);
  setlocale(LC_ALL, "C");
}

int main(void) {
  return pv_testing_main("number", (pv_case[]){PV_CASE(test_never_numbers),
                                               PV_CASE(test_embedded_nul),
                                               PV_CASE(test_length_decides),
                                               PV_CASE(test_u64),
                                               PV_CASE(test_i64),
                                               PV_CASE(test_f64),
                                               PV_CASE(test_locale_is_ignored),
                                               {0}});
}
