/* Bars below each other: each has its name and its word, whatever its value is. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "reports/render/bars.h"
#include "tests/unit/reports/xml_scan.h"
#include "tests/unit/testing.h"

static size_t occurrences(const char *text, const char *what) {
  size_t n = 0;
  for (const char *s = strstr(text, what); s != NULL; s = strstr(s + 1, what)) n++;
  return n;
}

static pv_text drawn(const pv_bar *bars, size_t count) {
  const pv_bars picture = {"p", "Title", "alt", "microseconds", "floor", bars, count};
  pv_text out = PV_TEXT_INIT;
  size_t at = 0;
  pv_bars_draw(&out, &picture);
  EXPECT(!out.failed);
  EXPECT(xml_scan(out.data, out.length, &at) == NULL);
  EXPECT(strstr(out.data, "nan") == NULL && strstr(out.data, "inf\"") == NULL);
  return out;
}

/* Where the width of the nth drawn rectangle stands. */
static double width_of(const char *text, const char *slot, size_t nth) {
  double width = -1.0;
  for (const char *s = text; (s = strstr(s, slot)) != NULL; s++) {
    const char *w = strstr(s, " width=\"");
    if (strncmp(s + strlen(slot), " x=\"210\"", 8) != 0 || nth-- > 0 || w == NULL) continue;
    EXPECT_I64(sscanf(w, " width=\"%lf\"", &width), 1);
    break;
  }
  return width;
}

static void test_lengths(void) {
  const pv_bar bars[] = {{"mm", "q, k, v", "80 %", 80.0, 40.0}, {"add", "", "20 %", 20.0, 0.0}};
  pv_text out = drawn(bars, 2);
  EXPECT_HAS(out.data, ">mm</text>");
  EXPECT_HAS(out.data, ">q, k, v</text>");
  EXPECT_HAS(out.data, ">80 %</text>");
  const double first = width_of(out.data, "pf s0\"", 0);
  EXPECT(first > 100.0);
  EXPECT_F64(width_of(out.data, "pf s0\"", 1), first / 4.0, 0.11);
  EXPECT_F64(width_of(out.data, "pf s1\"", 0), first / 2.0, 0.11);
  EXPECT_F64(width_of(out.data, "pf s1\"", 1), -1.0, 0.0); /* no mark */
  pv_text_free(&out);
}

static void test_odd_values(void) {
  const pv_bar bars[] = {
      {"none", "", "-", 0.0, 0.0},
      {"not a number", "", "-", NAN, INFINITY},
      {"negative", "", "-", -3.0, -1.0},
      {"a<b & \"c\"", "a long list of stages, longer than there is room for", "-", 1.0, 2.0}};
  pv_text out = drawn(bars, 4);
  EXPECT_U64(occurrences(out.data, " x=\"210\""), 2);
  EXPECT_HAS(out.data, "a&lt;b &amp;");
  EXPECT_HAS(out.data, "a long list of stages, longer than there ...<");
  pv_text_free(&out);
  out = drawn(bars, 0);
  EXPECT_U64(occurrences(out.data, " x=\"210\""), 0);
  pv_text_free(&out);
}

int main(void) {
  return pv_testing_main("reports bars",
                         (pv_case[]){PV_CASE(test_lengths), PV_CASE(test_odd_values), {0}});
}
