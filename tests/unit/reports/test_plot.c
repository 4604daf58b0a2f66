/* Pictures: nothing is dropped in silence, and what fails has another shape. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/render/plot.h"
#include "reports/render/scale.h"
#include "tests/unit/reports/sample.h"
#include "tests/unit/reports/xml_scan.h"
#include "tests/unit/testing.h"

static size_t occurrences(const char *text, const char *what) {
  size_t n = 0;
  for (const char *s = strstr(text, what); s != NULL; s = strstr(s + 1, what)) n++;
  return n;
}

static pv_text drawn(const double *x, const double *y, size_t count, pv_plot_kind kind, bool log,
                     bool failed) {
  const pv_plot_line line = {"line", x, y, count, kind, failed};
  const pv_plot plot = {"p", "Title", "alt", "x", "y", log, false, &line, 1};
  pv_text out = PV_TEXT_INIT;
  size_t at = 0;
  pv_plot_draw(&out, &plot);
  EXPECT(!out.failed);
  EXPECT(xml_scan(out.data, out.length, &at) == NULL);
  EXPECT(strstr(out.data, "nan") == NULL && strstr(out.data, "inf\"") == NULL);
  return out;
}

static void test_lanes(void) {
  const double x[] = {0, 1, 2, 3, 4}, y[] = {0.0, 1e-6, NAN, -1.0, 1e-3};
  pv_text out = drawn(x, y, 5, PV_PLOT_LINE, true, false);
  EXPECT_HAS(out.data, ">exactly 0</text>");
  EXPECT_HAS(out.data, ">not finite</text>");
  EXPECT_HAS(out.data, "1 negative value cannot be shown on a logarithmic axis");
  EXPECT_U64(occurrences(out.data, "class=\"pc bad"), 1); /* the NaN */
  EXPECT_U64(occurrences(out.data, "<circle"), 4);        /* three points and the legend */
  pv_text_free(&out);
  out = drawn(x, (const double[]){1, 2, 3, 4, 5}, 5, PV_PLOT_LINE, true, false);
  EXPECT(strstr(out.data, "exactly 0") == NULL && strstr(out.data, "not finite") == NULL);
  pv_text_free(&out);
}

static void test_failing_line_has_another_shape(void) {
  const double x[] = {0, 1, 2}, y[] = {0.0, 1e-6, 1e-3};
  pv_text good = drawn(x, y, 3, PV_PLOT_LINE, true, false);
  pv_text bad = drawn(x, y, 3, PV_PLOT_LINE, true, true);
  EXPECT_U64(occurrences(good.data, "class=\"pc bad"), 0);
  EXPECT_U64(occurrences(bad.data, "class=\"pc bad"), 3); /* two points and the legend */
  EXPECT_U64(occurrences(bad.data, "<circle"), 1);        /* where it still agrees */
  EXPECT_HAS(bad.data, "line — fails");
  pv_text_free(&good);
  pv_text_free(&bad);
}

static void test_degenerate(void) {
  const double inf[] = {INFINITY, NAN}, zero[] = {0, 0}, huge[] = {-1.7e308, 1.7e308};
  const double tiny[] = {4.9e-324, 4.9e-324};
  for (int kind = 0; kind <= PV_PLOT_RULE; kind++)
    for (int log = 0; log < 2; log++) {
      const double *sets[] = {inf, zero, huge, tiny};
      for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 4; k++) {
          pv_text out = drawn(sets[i], sets[k], 2, (pv_plot_kind)kind, log != 0, k % 2 != 0);
          pv_text_free(&out);
        }
      pv_text out = drawn(zero, zero, 0, (pv_plot_kind)kind, log != 0, false);
      pv_text_free(&out);
    }
}

/* 20,000 points become few, and the one spike among them is still there. */
static void test_thinning_keeps_extremes(void) {
  sample *s = sample_make(SAMPLE_BIG);
  pv_pictures p;
  REQUIRE(s != NULL);
  EXPECT(pv_render_pictures(&s->result, &p, NULL) == PV_OK);
  REQUIRE(p.count == 1);
  EXPECT_STR(p.items[0].file, "latency.svg");
  EXPECT(p.items[0].svg_length < 65536);
  EXPECT_HAS(p.items[0].alt, "to 50");
  EXPECT_HAS(p.items[0].svg, ",85.0L"); /* the top of the axes, where the spike reaches */
  pv_pictures_free(&p);
  sample_free(s);
}

static void test_names_of_files(void) {
  sample *s = sample_make(SAMPLE_HOSTILE);
  pv_pictures p;
  REQUIRE(s != NULL);
  EXPECT(pv_render_pictures(&s->result, &p, NULL) == PV_OK);
  EXPECT_U64(p.count, 3);
  for (size_t i = 0; i < p.count; i++) {
    const size_t stem = strspn(p.items[i].file, "abcdefghijklmnopqrstuvwxyz0123456789-");
    EXPECT_STR(p.items[i].file + stem, ".svg");
    for (size_t k = 0; k < i; k++) EXPECT(strcmp(p.items[i].file, p.items[k].file) != 0);
  }
  pv_pictures_free(&p);
  sample_free(s);
}

/* Two names that become the same file name are two files. */
static void test_names_do_not_collide(void) {
  sample *s = sample_make(SAMPLE_CARRIED);
  static char other[] = "Router Margin";
  pv_pictures p;
  REQUIRE(s != NULL);
  s->result.falsifiers[10].series[0].picture = other;
  EXPECT(pv_render_pictures(&s->result, &p, NULL) == PV_OK);
  REQUIRE(p.count == 4);
  EXPECT_STR(p.items[0].file, "router-margin.svg");
  EXPECT_STR(p.items[2].file, "router-margin-2.svg");
  pv_pictures_free(&p);
  sample_free(s);
}

static void expect_ticks(pv_scale scale, size_t count, double first, double last) {
  double ticks[PV_SCALE_TICKS];
  const size_t n = pv_scale_ticks(&scale, 5, false, ticks);
  EXPECT_U64(n, count);
  if (n == 0) return;
  EXPECT_F64(ticks[0], first, 1e-12 * fabs(first));
  EXPECT_F64(ticks[n - 1], last, 1e-12 * fabs(last));
}

static void test_ticks(void) {
  expect_ticks(pv_scale_linear(0.0, 0.0557, true, 0, 100), 7, 0.0, 0.06);
  expect_ticks(pv_scale_linear(-3.0, 7.0, true, 0, 100), 7, -4.0, 8.0);
  expect_ticks(pv_scale_linear(5.0, 5.0, true, 0, 100), 7, 2.0, 8.0);
  expect_ticks(pv_scale_log(2e-6, 3e-4, 0, 100), 4, 1e-6, 1e-3);
  expect_ticks(pv_scale_log(1e-12, 1.0, 0, 100), 7, 1e-12, 1.0);
  const pv_scale wide = pv_scale_linear(-1.7e308, 1.7e308, true, 0, 100);
  EXPECT(isfinite(wide.high - wide.low) && wide.high > wide.low);
  EXPECT_F64(pv_scale_place(&wide, 0.0), 50.0, 1e-6);
  const pv_scale s = pv_scale_log(1e-4, 1.0, 0, 100);
  EXPECT_F64(pv_scale_place(&s, 1e-2), 50.0, 1e-9);
}

int main(void) {
  return pv_testing_main("reports plot", (pv_case[]){PV_CASE(test_lanes),
                                                     PV_CASE(test_failing_line_has_another_shape),
                                                     PV_CASE(test_degenerate),
                                                     PV_CASE(test_thinning_keeps_extremes),
                                                     PV_CASE(test_names_of_files),
                                                     PV_CASE(test_names_do_not_collide),
                                                     PV_CASE(test_ticks),
                                                     {0}});
}
