/* What must hold for every result, whatever it says: valid formats, nothing escaped from its
 * place, bounded size, the same bytes twice, and no verdict made better on the way. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/render/put.h"
#include "tests/unit/reports/sample.h"
#include "tests/unit/reports/xml_scan.h"
#include "tests/unit/testing.h"

enum { MARKDOWN, HTML, JUNIT, STATEMENT, JSON, TERMINAL, FORMATS };

static pv_code render(int format, const pv_result *r, pv_text *out) {
  static const pv_render_links links = {.folder = "reports/runs/x"};
  static const pv_terminal terminal = {.width = 72};
  pv_error err = PV_ERROR_INIT;
  switch (format) {
    case MARKDOWN:
      return pv_render_markdown(r, &links, out, &err);
    case HTML:
      return pv_render_html(r, &links, out, &err);
    case JUNIT:
      return pv_render_junit(r, out, &err);
    case STATEMENT:
      return pv_render_statement(r, &links, out, &err);
    case JSON:
      return pv_render_json(r, &links, out, &err);
    default:
      return pv_render_terminal(r, &links, &terminal, out, &err);
  }
}

/* The text of one format of one sample; free it. Empty when it failed. */
static pv_text rendered(int format, sample_kind kind) {
  pv_text out = PV_TEXT_INIT;
  sample *s = sample_make(kind);
  if (EXPECT(s != NULL)) EXPECT(render(format, &s->result, &out) == PV_OK);
  if (out.data == NULL) pv_text_puts(&out, "");
  sample_free(s);
  return out;
}

static void expect_xml(const char *what, const char *text, size_t length) {
  size_t at = 0;
  const char *wrong = xml_scan(text, length, &at);
  if (!EXPECT(wrong == NULL))
    fprintf(stderr, "  %s: %s at byte %zu: %.80s\n", what, wrong, at, text + at);
}

static void test_scanner_refuses(void) {
  static const char *const bad[] = {"",
                                    "<a>",
                                    "<a></b>",
                                    "<a/><b/>",
                                    "<a>&</a>",
                                    "<a>&nbsp;</a>",
                                    "<a>]]></a>",
                                    "<a b=c/>",
                                    "<a b=\"<\"/>",
                                    "<a b=\"1\" b=\"2\"/>",
                                    "<a b=\"1\"c=\"2\"/>",
                                    "<a>\x01</a>",
                                    "<a>\xff</a>",
                                    "<a>\xef\xbf\xbf</a>",
                                    "<a>< b</a>",
                                    "x<a/>"};
  size_t at;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    if (!EXPECT(xml_scan(bad[i], strlen(bad[i]), &at) != NULL)) fprintf(stderr, "  %s\n", bad[i]);
  const char *good = "<a b=\"&amp;\">x<c/>\n<d>&lt;</d></a>\n";
  EXPECT(xml_scan(good, strlen(good), &at) == NULL);
  EXPECT_U64(xml_count(good, "c"), 1);
}

static void test_xml_well_formed(void) {
  for (int k = 0; k < SAMPLE_KINDS; k++) {
    for (int format = HTML; format <= JUNIT; format++) {
      pv_text out = rendered(format, (sample_kind)k);
      expect_xml(sample_names[k], out.data, out.length);
      pv_text_free(&out);
    }
    sample *s = sample_make((sample_kind)k);
    pv_pictures p;
    REQUIRE(s != NULL);
    EXPECT(pv_render_pictures(&s->result, &p, NULL) == PV_OK);
    for (size_t i = 0; i < p.count; i++)
      expect_xml(p.items[i].file, p.items[i].svg, p.items[i].svg_length);
    pv_pictures_free(&p);
    sample_free(s);
  }
}

/* Inside a code fence everything is text: the one command of the report is taken out. */
static void drop_fence(char *text) {
  char *begin = strstr(text, "```sh\n");
  char *end = begin == NULL ? NULL : strstr(begin + 6, "\n```");
  if (EXPECT(end != NULL)) memset(begin + 6, ' ', (size_t)(end - begin - 6));
}

/* A stranger's text must not act: no script, no cursor movement, no reordered line. */
static void test_nothing_escapes(void) {
  static const char *const never[] = {"<script", "\x1b[", "\x07", "\xe2\x80\xae", "\xff", "\r"};
  for (int format = 0; format < FORMATS; format++) {
    pv_text out = rendered(format, SAMPLE_HOSTILE);
    if (format == MARKDOWN) drop_fence(out.data);
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
      if (i == 0 && format >= STATEMENT) continue; /* '<' is plain text in JSON and a terminal */
      if (i == 3 && (format == STATEMENT || format == JSON)) continue; /* data, not display */
      if (!EXPECT(strstr(out.data, never[i]) == NULL))
        fprintf(stderr, "  format %d, %zu\n", format, i);
    }
    if (format != JSON) EXPECT(pv_utf8_valid(out.data, out.length));
    pv_text_free(&out);
  }
}

/* Cells of a table row: unescaped pipes, less the one that opens the row. */
static size_t cells(const char *line) {
  size_t count = 0;
  for (const char *s = line; *s != '\0' && *s != '\n'; s++) {
    if (*s == '\\' && s[1] != '\0' && s[1] != '\n') {
      s++;
    } else {
      count += *s == '|';
    }
  }
  return count;
}

static void test_markdown_tables_hold(void) {
  for (int k = 0; k < SAMPLE_KINDS; k++) {
    pv_text out = rendered(MARKDOWN, (sample_kind)k);
    size_t width = 0, rows = 0;
    for (const char *line = out.data; *line != '\0';) {
      const char *next = strchr(line, '\n');
      if (line[0] == '|') {
        if (width == 0) width = cells(line);
        EXPECT_U64(cells(line), width);
        rows++;
      } else {
        width = 0;
      }
      line = next == NULL ? line + strlen(line) : next + 1;
    }
    EXPECT(rows >= 3);
    EXPECT(strstr(out.data, "\n# head") == NULL);
    pv_text_free(&out);
  }
}

static void test_sizes_are_bounded(void) {
  pv_text md = rendered(MARKDOWN, SAMPLE_BIG), html = rendered(HTML, SAMPLE_BIG);
  EXPECT(md.length > 100000 && md.length < PV_RENDER_MARKDOWN_LIMIT);
  EXPECT(html.length < 2u * PV_RENDER_MARKDOWN_LIMIT);
  EXPECT_HAS(md.data, "more criteria were left out of this report");
  EXPECT_HAS(md.data, "more falsifiers were left out of this report");
  EXPECT_HAS(md.data, "and 9976 more in `evidence.json`");
  EXPECT_HAS(html.data, "more criteria were left out of this report");
  pv_text_free(&md);
  pv_text_free(&html);
}

static void test_same_bytes_twice(void) {
  for (int k = 0; k < SAMPLE_KINDS; k++)
    for (int format = 0; format < FORMATS; format++) {
      pv_text a = rendered(format, (sample_kind)k), b = rendered(format, (sample_kind)k);
      EXPECT(a.length > 0);
      EXPECT_U64(a.length, b.length);
      EXPECT(a.length == b.length && memcmp(a.data, b.data, a.length) == 0);
      pv_text_free(&a);
      pv_text_free(&b);
    }
}

/* The case of one falsifier, or of the status; free it. */
static pv_text junit_case(const pv_result *r, const char *name) {
  pv_text all = PV_TEXT_INIT, out = PV_TEXT_INIT;
  char opening[80];
  snprintf(opening, sizeof opening, " name=\"%s\"", name);
  EXPECT(render(JUNIT, r, &all) == PV_OK);
  pv_text_puts(&all, "");
  pv_text_puts(&out, "");
  expect_xml("junit", all.data, all.length);
  const char *from = strstr(all.data, "<testcase");
  while (from != NULL && strncmp(strstr(from, " name="), opening, strlen(opening)) != 0)
    from = strstr(from + 1, "<testcase");
  const char *to = from == NULL ? NULL : strstr(from, "</testcase>");
  if (EXPECT(to != NULL)) pv_text_add(&out, from, (size_t)(to - from));
  pv_text_free(&all);
  return out;
}

static void expect_case(const pv_result *r, const char *name, const char *element) {
  static const char *const all[] = {"failure", "error", "skipped"};
  pv_text text = junit_case(r, name);
  for (size_t i = 0; i < 3; i++)
    if (!EXPECT_U64(xml_count(text.data, all[i]), strcmp(all[i], element) == 0))
      fprintf(stderr, "  %s: want %s: %s\n", name, element, text.data);
  pv_text_free(&text);
}

/* Nothing but PASS may look like a success to a JUnit reader. */
static void test_junit_counts(void) {
  pv_text out = rendered(JUNIT, SAMPLE_EVERY);
  EXPECT_U64(xml_count(out.data, "testcase"), PV_VERDICT_COUNT + 1);
  EXPECT_U64(xml_count(out.data, "failure"), 3);
  EXPECT_U64(xml_count(out.data, "error"), 6);
  EXPECT_U64(xml_count(out.data, "skipped"), 1);
  EXPECT_HAS(out.data, "tests=\"11\" failures=\"3\" errors=\"6\" skipped=\"1\"");
  EXPECT_HAS(out.data, "<error message=\"NOT_RUN: the reason of this verdict\" type=\"NOT_RUN\"/>");
  EXPECT_HAS(out.data,
             "<failure message=\"VACUOUS: the reason of this verdict\" type=\"VACUOUS\"/>");
  pv_text_free(&out);
}

/* What keeps pv from exit code 0 is a failure or an error; only what the status does not need may
 * be skipped. */
static void test_junit_is_as_red_as_the_exit_code(void) {
  sample *s = sample_make(SAMPLE_EVERY);
  REQUIRE(s != NULL);
  pv_result *r = &s->result;
  static const char *const element[PV_VERDICT_COUNT] = {
      [PV_NOT_RUN] = "error",         [PV_PASS] = "none",          [PV_FAIL] = "failure",
      [PV_ERROR] = "error",           [PV_TIMEOUT] = "error",      [PV_CRASH] = "error",
      [PV_VACUOUS] = "failure",       [PV_INCOMPARABLE] = "error", [PV_STALE] = "error",
      [PV_NOT_APPLICABLE] = "skipped"};
  for (size_t i = 0; i < PV_VERDICT_COUNT; i++)
    expect_case(r, r->falsifiers[i].falsifier->id, element[i]);
  expect_case(r, "status", "failure");
  r->exit_code = 3;
  expect_case(r, "status", "error");
  /* A criterion of a higher rung than the file's does not keep it from exit code 0. */
  s->contract.criteria[PV_NOT_RUN].needed_for = PV_STATUS_ACTIVE_RUNTIME;
  expect_case(r, r->falsifiers[PV_NOT_RUN].falsifier->id, "skipped");
  expect_case(r, r->falsifiers[PV_STALE].falsifier->id, "error");
  /* Beside the ladder all are needed. */
  r->status_before = PV_STATUS_KNOWN_DIVERGENCE;
  expect_case(r, r->falsifiers[PV_NOT_RUN].falsifier->id, "error");
  sample_free(s);
  /* Three criteria that the status does not need were not looked at: exit code 0, nothing red. */
  pv_text out = rendered(JUNIT, SAMPLE_CARRIED);
  EXPECT_HAS(out.data, " failures=\"0\" errors=\"0\" skipped=\"3\"");
  pv_text_free(&out);
}

/* A status that somebody typed: every falsifier is PASS, and still the exit code is 1. */
static void test_junit_has_the_status(void) {
  sample *s = sample_make(SAMPLE_CARRIED);
  REQUIRE(s != NULL);
  expect_case(&s->result, "status", "none");
  s->result.status_carried = false;
  s->result.exit_code = 1;
  pv_text text = junit_case(&s->result, "status");
  EXPECT_HAS(text.data, "<failure message=\"Not verified: ");
  pv_text_free(&text);
  sample_free(s);
}

/* A receipt is marked as one and has no running time of its own. */
static void test_junit_marks_receipts(void) {
  sample *s = sample_make(SAMPLE_EVERY);
  REQUIRE(s != NULL);
  pv_text text = junit_case(&s->result, s->result.falsifiers[PV_PASS].falsifier->id);
  EXPECT(s->result.falsifiers[PV_PASS].duration_s > 0.0);
  EXPECT_HAS(text.data, "<system-out>source: receipt: ");
  EXPECT_HAS(text.data, ", 2026-11-20\nreceipt: 20261120T");
  EXPECT(strstr(text.data, " time=") == NULL);
  pv_text_free(&text);
  sample_free(s);
  s = sample_make(SAMPLE_REFUTED);
  REQUIRE(s != NULL);
  text = junit_case(&s->result, s->result.falsifiers[0].falsifier->id);
  EXPECT_HAS(text.data, "<system-out>source: this run\n");
  EXPECT_HAS(text.data, " time=\"2.310\"");
  pv_text_free(&text);
  sample_free(s);
}

static json_t *parsed(int format, sample_kind kind) {
  pv_text out = rendered(format, kind);
  json_error_t error;
  json_t *root = json_loads(out.data, JSON_REJECT_DUPLICATES, &error);
  if (!EXPECT(root != NULL)) fprintf(stderr, "  %s\n", error.text);
  pv_text_free(&out);
  return root;
}

static const char *text_at(const json_t *object, const char *a, const char *b) {
  const char *text = json_string_value(json_object_get(json_object_get(object, a), b));
  return text == NULL ? "(none)" : text;
}

static void test_json_reads_back(void) {
  for (int k = 0; k < SAMPLE_KINDS; k++) json_decref(parsed(JSON, (sample_kind)k));
  json_t *root = parsed(JSON, SAMPLE_REFUTED);
  EXPECT_STR(text_at(root, "contract", "status_before"), "ACTIVE_RUNTIME");
  EXPECT_STR(text_at(root, "contract", "status_after"), "ACTIVE_ALGORITHM_LEVEL");
  const json_t *summary = json_object_get(root, "summary");
  EXPECT_I64(json_integer_value(json_object_get(summary, "discharged")), 9);
  EXPECT_I64(json_integer_value(json_object_get(summary, "falsified")), 1);
  EXPECT_U64(json_array_size(json_object_get(root, "criteria")), 12);
  const json_t *first = json_array_get(json_object_get(root, "falsifiers"), 0);
  EXPECT_STR(json_string_value(json_object_get(first, "verdict")), "FAIL");
  EXPECT_I64(json_integer_value(json_object_get(first, "compared")), 6839214);
  EXPECT_STR(json_string_value(json_object_get(root, "evidence")), "reports/runs/x");
  json_decref(root);
  root = parsed(JSON, SAMPLE_HOSTILE);
  first = json_array_get(json_object_get(root, "falsifiers"), 0);
  EXPECT_STR(text_at(first, "metrics", "b"), "inf");
  EXPECT_STR(text_at(first, "metrics", "c"), "-inf");
  EXPECT(json_is_real(json_object_get(json_object_get(first, "metrics"), "d")));
  json_decref(root);
}

static void test_statement_fields(void) {
  json_t *root = parsed(STATEMENT, SAMPLE_EVERY);
  EXPECT_STR(json_string_value(json_object_get(root, "_type")), "https://in-toto.io/Statement/v1");
  EXPECT_STR(json_string_value(json_object_get(root, "predicateType")),
             "https://in-toto.io/attestation/test-result/v0.1");
  EXPECT_U64(json_array_size(json_object_get(root, "subject")), 1);
  const json_t *p = json_object_get(root, "predicate");
  EXPECT_STR(json_string_value(json_object_get(p, "result")), "FAILED");
  EXPECT_U64(json_array_size(json_object_get(p, "configuration")), 1);
  EXPECT_U64(json_array_size(json_object_get(p, "passedTests")), 1);
  EXPECT_U64(json_array_size(json_object_get(p, "warnedTests")), 7);
  EXPECT_U64(json_array_size(json_object_get(p, "failedTests")), 2);
  json_decref(root);
  root = parsed(STATEMENT, SAMPLE_CARRIED);
  p = json_object_get(root, "predicate");
  /* Verified, but three criteria have no answer: not a plain PASSED. */
  EXPECT_STR(json_string_value(json_object_get(p, "result")), "WARNED");
  EXPECT_U64(json_array_size(json_object_get(root, "subject")), 3);
  json_decref(root);
}

static void test_put(void) {
  pv_text out = PV_TEXT_INIT;
  pv_put_xml(&out, "<a b=\"%s\">%-s%% %g %f %.1f %ju %zu %u %d</a>", "<&\">", "", 0.125, 61.0,
             -0.01, (uintmax_t)1234567, (size_t)12345, 3u, -4);
  EXPECT_STR(out.data, "<a b=\"&lt;&amp;&quot;&gt;\">% 0.125 61.0 s 0.0 1,234,567 12345 3 -4</a>");
  pv_text_free(&out);
}

int main(void) {
  return pv_testing_main("reports formats",
                         (pv_case[]){PV_CASE(test_scanner_refuses),
                                     PV_CASE(test_xml_well_formed),
                                     PV_CASE(test_nothing_escapes),
                                     PV_CASE(test_markdown_tables_hold),
                                     PV_CASE(test_sizes_are_bounded),
                                     PV_CASE(test_same_bytes_twice),
                                     PV_CASE(test_junit_counts),
                                     PV_CASE(test_junit_is_as_red_as_the_exit_code),
                                     PV_CASE(test_junit_has_the_status),
                                     PV_CASE(test_junit_marks_receipts),
                                     PV_CASE(test_json_reads_back),
                                     PV_CASE(test_statement_fields),
                                     PV_CASE(test_put),
                                     {0}});
}
