/* A result that contradicts itself is refused by every renderer, and nothing is written. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "reports/render/escape.h"
#include "reports/render/fmt.h"
#include "tests/unit/reports/sample.h"
#include "tests/unit/testing.h"

static void expect_refused(const pv_result *r, const char *why) {
  static const pv_terminal terminal = {.width = 80};
  pv_error err = PV_ERROR_INIT;
  pv_text out = PV_TEXT_INIT;
  pv_pictures pictures;
  pv_text_puts(&out, "kept");
  EXPECT(pv_render_check(r, &err) == PV_ERR_INTERNAL);
  EXPECT_HAS(err.message, why);
  EXPECT(pv_render_markdown(r, NULL, &out, NULL) == PV_ERR_INTERNAL);
  EXPECT(pv_render_html(r, NULL, &out, NULL) == PV_ERR_INTERNAL);
  EXPECT(pv_render_junit(r, &out, NULL) == PV_ERR_INTERNAL);
  EXPECT(pv_render_statement(r, NULL, &out, NULL) == PV_ERR_INTERNAL);
  EXPECT(pv_render_json(r, NULL, &out, NULL) == PV_ERR_INTERNAL);
  EXPECT(pv_render_terminal(r, NULL, &terminal, &out, NULL) == PV_ERR_INTERNAL);
  EXPECT(pv_render_pictures(r, &pictures, NULL) == PV_ERR_INTERNAL);
  EXPECT_STR(out.data, "kept");
  pv_pictures_free(&pictures);
  pv_text_free(&out);
}

static void test_contradictions(void) {
  sample *s = sample_make(SAMPLE_CARRIED);
  REQUIRE(s != NULL);
  pv_result *r = &s->result;
  EXPECT(pv_render_check(r, NULL) == PV_OK);

  r->falsifiers[1].compared = 0;
  expect_refused(r, "a PASS that compared nothing: F_AC_GPU_MOE_002");
  r->falsifiers[1].compared = 1;
  r->falsifiers[1].source = PV_FROM_NOWHERE;
  expect_refused(r, "a PASS from nowhere: F_AC_GPU_MOE_002");
  r->falsifiers[1].source = PV_FROM_RUN;

  r->criteria[0].verdict = PV_PASS;
  r->criteria[0].source = PV_FROM_RUN;
  expect_refused(r, "a criterion better than its falsifiers: AC_GPU_MOE_001");
  r->criteria[0].falsifier_count = 0;
  expect_refused(r, "a PASS that no falsifier supports: AC_GPU_MOE_001");
  r->criteria[0].falsifier_count = 1;
  r->criteria[0].verdict = PV_NOT_RUN;

  r->summary.discharged++;
  expect_refused(r, "the summary counts other discharged criteria");
  r->summary.discharged--;
  r->status_carried = false;
  expect_refused(r, "exit code 0 over a claim");
  r->status_carried = true;
  r->falsifiers[0].verdict = PV_FAIL;
  expect_refused(r, "exit code 0 over a claim");
  r->status_before = PV_STATUS_KNOWN_DIVERGENCE; /* says so itself, so that is no contradiction */
  EXPECT(pv_render_check(r, NULL) == PV_OK);
  r->status_before = PV_STATUS_ACTIVE_ALGORITHM_LEVEL;
  r->falsifiers[0].verdict = PV_NOT_RUN;

  r->status_before = PV_STATUS_ACTIVE_RUNTIME;
  expect_refused(r, "without a criterion that it needs: AC_GPU_MOE_001");
  r->status_before = PV_STATUS_ACTIVE_ALGORITHM_LEVEL;

  r->criteria[2].falsifiers[0] = r->falsifier_count;
  expect_refused(r, "a falsifier that is not there");
  r->criteria[2].falsifiers[0] = 2;
  EXPECT(pv_render_check(r, NULL) == PV_OK);
  sample_free(s);
}

/* What is false stays visible under a status that allows it. */
static void test_beside_the_ladder(void) {
  static const struct {
    pv_contract_status status;
    const char *word, *not_word;
  } rows[] = {{PV_STATUS_KNOWN_DIVERGENCE, "Known divergence", "✓ Known"},
              {PV_STATUS_DEPRECATED, "Deprecated", "Verified"}};
  static const pv_terminal terminal = {.width = 80};
  sample *s = sample_make(SAMPLE_CARRIED);
  REQUIRE(s != NULL);
  s->result.falsifiers[0].verdict = s->result.criteria[0].verdict = PV_FAIL;
  for (size_t i = 0; i < 2; i++) {
    pv_text out = PV_TEXT_INIT;
    s->result.status_before = s->result.status_after = rows[i].status;
    EXPECT(pv_render_terminal(&s->result, NULL, &terminal, &out, NULL) == PV_OK);
    EXPECT_HAS(out.data, rows[i].word);
    EXPECT_HAS(out.data, "1 of 12 criteria is false (AC_GPU_MOE_001)");
    EXPECT(strstr(out.data, rows[i].not_word) == NULL);
    pv_text_free(&out);
  }
  sample_free(s);
}

static void expect_number(double value, const char *want) {
  pv_text out = PV_TEXT_INIT;
  pv_fmt_number(&out, value);
  EXPECT_STR(out.data, want);
  pv_text_free(&out);
}

static void test_numbers(void) {
  expect_number(0.0, "0");
  expect_number(-0.0, "0");
  expect_number(1.0, "1");
  expect_number(-1234567.0, "-1,234,567");
  expect_number(0.5, "0.5");
  expect_number(1.5e-7, "1.5e-7");
  expect_number(1e-300, "1e-300");
  expect_number(2.5e20, "2.5e20");
  expect_number(0.99999999413, "0.9999999941"); /* not "1" */
  expect_number(NAN, "nan");
  expect_number(INFINITY, "inf");
  expect_number(-INFINITY, "-inf");
}

static void expect_seconds(double value, const char *want) {
  pv_text out = PV_TEXT_INIT;
  pv_fmt_seconds(&out, value);
  EXPECT_STR(out.data, want);
  pv_text_free(&out);
}

static void test_seconds(void) {
  expect_seconds(0.00042, "0.4 ms");
  expect_seconds(0.25, "250 ms");
  expect_seconds(9.99, "9.99 s");
  expect_seconds(12.34, "12.3 s");
  expect_seconds(125.9, "2 min 05 s");
  expect_seconds(-1.0, "0.0 ms");
}

#define EXPECT_ESCAPED(call, want) \
  do {                             \
    pv_text out = PV_TEXT_INIT;    \
    call;                          \
    EXPECT_STR(out.data, want);    \
    pv_text_free(&out);            \
  } while (0)

static void test_escapes(void) {
  EXPECT_ESCAPED(pv_esc_xml(&out, "a<b>&\"'", 0), "a&lt;b&gt;&amp;&quot;&#39;");
  EXPECT_ESCAPED(pv_esc_xml(&out, "a\n \tb", 0), "a b");
  EXPECT_ESCAPED(pv_esc_xml(&out, "\xef\xbf\xbe", 0), "\\xef\\xbf\\xbe");
  EXPECT_ESCAPED(pv_esc_line(&out, "12345", 3), "123…");
  EXPECT_ESCAPED(pv_esc_line(&out, "1ä", 2), "1…"); /* no half character */
  EXPECT_ESCAPED(pv_esc_xml_lines(&out, "a\n\tb\x01", 0), "a\n\tb\\x01");
  EXPECT_ESCAPED(pv_esc_markdown(&out, "a|b *c* _d_ e_f <g>"),
                 "a\\|b \\*c\\* \\_d\\_ e_f &lt;g&gt;");
  EXPECT_ESCAPED(pv_esc_markdown_code(&out, "AC_1"), "`AC_1`");
  EXPECT_ESCAPED(pv_esc_markdown_code(&out, "a`|"), "a\\`\\|");
}

int main(void) {
  return pv_testing_main("reports check", (pv_case[]){PV_CASE(test_contradictions),
                                                      PV_CASE(test_beside_the_ladder),
                                                      PV_CASE(test_numbers),
                                                      PV_CASE(test_seconds),
                                                      PV_CASE(test_escapes),
                                                      {0}});
}
