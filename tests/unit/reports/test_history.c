/* What is said of the runs of a contract, in each format: hostile texts, numbers that are none,
 * gates that are not known, and a history of nothing. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "reports/render/gate.h"
#include "reports/render/history.h"
#include "tests/unit/reports/sample.h"
#include "tests/unit/reports/xml_scan.h"
#include "tests/unit/testing.h"

enum { RUNS = 4 };

static pv_past_run runs[RUNS] = {{.origin = PV_RUN_COMMITTED,
                                  .place = "reports/published/x/cpu",
                                  .commit = "0123456789012345678901234567890123456789",
                                  .committed = "20261101T000000Z",
                                  .unreadable = sample_hostile},
                                 {.origin = PV_RUN_COMMITTED,
                                  .id = "20261102T030405Z-00000001",
                                  .started = "2026-11-02T03:04:05Z",
                                  .place = "reports/published/x/cpu",
                                  .version = "1.0.0",
                                  .source = "0123456789012345678901234567890123456789 (changed)",
                                  .device = sample_hostile,
                                  .summary = {.discharged = 1, .vacuous = 1}},
                                 {.origin = PV_RUN_LOCAL,
                                  .id = "20261103T030405Z-00000002",
                                  .started = "2026-11-03T03:04:05Z",
                                  .place = "reports/runs/x/1",
                                  .version = "1.0.0",
                                  .source = "none",
                                  .device = "cpu",
                                  .model = "abcdef0123456789"},
                                 {.origin = PV_RUN_PRESENT,
                                  .id = "20261104T030405Z-00000003",
                                  .started = "2026-11-04T03:04:05Z",
                                  .place = "this run",
                                  .version = "1.0.0",
                                  .source = "none",
                                  .device = "cpu",
                                  .summary = {.discharged = 2}}};

static pv_past_point odd[RUNS] = {{0},
                                  {.measured = true, .gated = true, .value = NAN, .gate = 1e-6},
                                  {.measured = true, .value = 3.0},
                                  {.measured = true,
                                   .gated = true,
                                   .factored = true,
                                   .value = 0.0,
                                   .gate = 1e-6,
                                   .margin = INFINITY}};
static pv_past_point speeds[RUNS] = {{0},
                                     {true, true, true, 100.0, 150.0, 100.0 / 150.0},
                                     {0},
                                     {true, true, true, 300.0, 150.0, 2.0}};
static pv_track tracks[] = {
    {.falsifier = "F_1", .check = "c.d", .bound = sample_hostile, .unit = "", .points = odd},
    {.falsifier = "F_2",
     .check = "throughput.decode",
     .bound = "min_tokens_per_s",
     .unit = "tokens/s",
     .minimum = true,
     .points = speeds}};
static pv_past_verdict first[RUNS] = {{0}, {true, PV_VACUOUS}, {true, PV_NOT_RUN}, {true, PV_PASS}};
static pv_past_verdict second[RUNS] = {{0}, {true, PV_PASS}, {true, PV_PASS}, {true, PV_PASS}};
static pv_past_criterion criteria[] = {
    {.id = sample_hostile, .verdicts = first, .tracks = tracks, .track_count = 2},
    {.id = "AC_2", .verdicts = second}};
static const pv_history whole = {.contract = "x",
                                 .runs = runs,
                                 .run_count = RUNS,
                                 .left_out = 2,
                                 .criteria = criteria,
                                 .criterion_count = 2,
                                 .incomplete = "the clone is shallow"};
static const pv_history nothing = {.contract = "x"};

static void test_text(void) {
  for (unsigned width = 40; width <= 100; width += 20) {
    pv_text out = PV_TEXT_INIT;
    REQUIRE(pv_render_history_text(&whole, width, &out, NULL) == PV_OK);
    EXPECT_HAS(out.data, "x: 4 runs, 1 of them can not be read\n");
    EXPECT_HAS(out.data, "incomplete: the clone is shallow");
    EXPECT_HAS(out.data, "2 older runs are left out");
    EXPECT_HAS(out.data, "2: 0.6667x");
    EXPECT_HAS(out.data, "2: nan");
    EXPECT_HAS(out.data, "4: inf");
    EXPECT_HAS(out.data, "0123456+");
    EXPECT_HAS(out.data, "2026-11-01 00:00"); /* of the commit, where there is no id */
    EXPECT_HAS(out.data, "AC_2 2-4: PASS\n");
    EXPECT(strchr(out.data, '\x1b') == NULL);
    for (const char *at = out.data; *at != '\0'; at += strcspn(at, "\n") + 1) {
      const size_t length = strcspn(at, "\n");
      /* A cell that is longer than the line is not cut: here the hostile one. */
      EXPECT(length <= width || memchr(at, '<', length) != NULL);
    }
    pv_text_free(&out);
  }
}

static void test_json(void) {
  pv_text out = PV_TEXT_INIT;
  REQUIRE(pv_render_history_json(&whole, &out, NULL) == PV_OK);
  json_t *d = json_loadb(out.data, out.length, 0, NULL);
  json_t *all = json_object_get(d, "criteria"), *one = json_array_get(all, 0);
  json_t *track = json_array_get(json_object_get(one, "tracks"), 0);
  json_t *points = json_object_get(track, "points");
  EXPECT_STR(json_string_value(json_object_get(d, "schema")), "pv/history/v1");
  EXPECT_U64(json_array_size(json_object_get(d, "runs")), RUNS);
  EXPECT_U64(json_array_size(points), 3);
  EXPECT_STR(json_string_value(json_object_get(json_array_get(points, 0), "measured")), "nan");
  EXPECT(json_is_null(json_object_get(json_array_get(points, 1), "gate")));
  EXPECT_STR(json_string_value(json_object_get(json_array_get(points, 2), "margin")), "inf");
  EXPECT_U64(json_array_size(json_object_get(d, "throughput")), 1);
  json_decref(d);
  pv_text_free(&out);
}

static void test_svg(void) {
  const pv_history *const all[] = {&whole, &nothing};
  for (int i = 0; i < 2; i++) {
    pv_text out = PV_TEXT_INIT;
    size_t at = 0;
    REQUIRE(pv_render_history_svg(all[i], &out, NULL) == PV_OK);
    EXPECT_STR(xml_scan(out.data, out.length, &at), NULL);
    EXPECT(strstr(out.data, "nan") == NULL && strstr(out.data, "inf") == NULL);
    EXPECT(strstr(out.data, "<script>") == NULL);
    if (i == 0) EXPECT_HAS(out.data, ">?</text>");
    if (i == 0) EXPECT_HAS(out.data, "older ones may be missing");
    pv_text_free(&out);
  }
}

/* Renders both reports of the sample with this history. */
static void render(const pv_history *history, pv_text *markdown, pv_text *html) {
  sample *s = sample_make(SAMPLE_CARRIED);
  size_t at = 0;
  REQUIRE(s != NULL);
  s->result.history = history;
  EXPECT(pv_render_markdown(&s->result, NULL, markdown, NULL) == PV_OK);
  EXPECT(pv_render_html(&s->result, NULL, html, NULL) == PV_OK);
  EXPECT_STR(xml_scan(html->data, html->length, &at), NULL);
  sample_free(s);
}

static void test_reports(void) {
  pv_text markdown = PV_TEXT_INIT, html = PV_TEXT_INIT;
  render(&whole, &markdown, &html);
  EXPECT_HAS(markdown.data, "\n## Earlier runs\n");
  EXPECT_HAS(markdown.data, "| **this run** 2026-11-04 03:04 | `none` | `none` | cpu | 2 hold | ");
  EXPECT_HAS(markdown.data, "| 300 |\n");
  EXPECT_HAS(markdown.data, "2 older runs are not shown");
  EXPECT_HAS(html.data, "<h2>Earlier runs</h2>");
  EXPECT_HAS(html.data, "2026-11-04 03:04 <b>(this run)</b>");
  EXPECT_HAS(html.data, "Incomplete: the clone is shallow.");
  EXPECT(strstr(html.data, "<script>alert") == NULL);
  pv_text_free(&markdown);
  pv_text_free(&html);
  render(&nothing, &markdown, &html);
  EXPECT_HAS(markdown.data, "No earlier run of this contract is known here.");
  EXPECT_HAS(html.data, "No earlier run of this contract is known here.");
  pv_text_free(&markdown);
  pv_text_free(&html);
}

static void test_margin(void) {
  const pv_gate small = {"tolerance", "1e-6", "", 1e-6, false, false};
  const pv_gate large = {"min_tokens_per_s", "150", "tokens/s", 150.0, true, false};
  const pv_gate nines = {"min_cosine", "0.99", "", 0.99, true, true};
  double margin = -1.0;
  EXPECT(pv_gate_margin(&small, 1e-7, &margin));
  EXPECT_F64(margin, 10.0, 1e-9);
  EXPECT(pv_gate_margin(&large, 75.0, &margin));
  EXPECT_F64(margin, 0.5, 0.0);
  EXPECT(pv_gate_margin(&nines, 0.999, &margin));
  EXPECT_F64(margin, 10.0, 1e-9);
  EXPECT(pv_gate_margin(&small, 0.0, &margin) && isinf(margin));
  margin = -1.0;
  EXPECT(!pv_gate_margin(&small, NAN, &margin) && margin == -1.0);
}

int main(void) {
  static const pv_case cases[] = {PV_CASE(test_text),    PV_CASE(test_json),   PV_CASE(test_svg),
                                  PV_CASE(test_reports), PV_CASE(test_margin), {0}};
  return pv_testing_main("reports_history", cases);
}
