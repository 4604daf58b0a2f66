/* Reports about a call over several contracts: as red as its exit code, none of a stranger's text
 * out of its place, bounded. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/render/call.h"
#include "reports/render/marks.h"
#include "tests/unit/reports/sample.h"
#include "tests/unit/reports/xml_scan.h"
#include "tests/unit/testing.h"

/* Its samples come from no file: lines, as one would have given them. */
static pv_outcome outcome_of(sample *s) {
  s->contract.status_place = (pv_place){.line = 5, .column = 11};
  for (size_t i = 0; i < s->contract.criterion_count; i++)
    s->contract.criteria[i].place = (pv_place){.line = 20 + (int64_t)i, .column = 5};
  for (size_t i = 0; i < s->contract.falsifier_count; i++)
    s->contract.falsifiers[i].place = (pv_place){.line = 1000 + (int64_t)i, .column = 5};
  return (pv_outcome){&s->result, "contracts/a b,c:d.yaml", "reports/runs/x/y"};
}

static json_t *sarif(const pv_call *call) {
  pv_text out = PV_TEXT_INIT;
  pv_error err = PV_ERROR_INIT;
  json_error_t error;
  json_t *root = NULL;
  if (EXPECT(pv_render_sarif(call, &out, &err) == PV_OK))
    root = json_loads(out.data, JSON_REJECT_DUPLICATES, &error);
  pv_text_free(&out);
  EXPECT(root != NULL);
  return root;
}

static json_t *run_of(const json_t *root) {
  return json_array_get(json_object_get(root, "runs"), 0);
}

/* What keeps the exit code from 0, and no more: servers show every result as a problem. */
static void test_marks(void) {
  static const pv_mark_level want[PV_VERDICT_COUNT] = {
      [PV_NOT_RUN] = PV_MARK_WARNING, [PV_FAIL] = PV_MARK_ERROR,
      [PV_ERROR] = PV_MARK_WARNING,   [PV_TIMEOUT] = PV_MARK_WARNING,
      [PV_CRASH] = PV_MARK_WARNING,   [PV_VACUOUS] = PV_MARK_ERROR,
      [PV_STALE] = PV_MARK_WARNING,   [PV_INCOMPARABLE] = PV_MARK_WARNING};
  sample *s = sample_make(SAMPLE_EVERY);
  REQUIRE(s != NULL);
  pv_marks m;
  EXPECT(pv_marks_make(&s->result, &m, NULL) == PV_OK);
  EXPECT_U64(m.count, PV_VERDICT_COUNT - 2 + 1); /* all but PASS and NOT_APPLICABLE, the status */
  for (size_t i = 0; i + 1 < m.count; i++) {
    EXPECT_U64(m.items[i].level, want[m.items[i].criterion->verdict]);
    EXPECT_HAS(m.items[i].text, m.items[i].criterion->criterion->property);
    EXPECT_HAS(m.items[i].text, "the reason of this verdict");
  }
  EXPECT_STR(m.items[m.count - 1].id, "status");
  EXPECT_U64(m.items[m.count - 1].level, PV_MARK_ERROR);
  pv_marks_free(&m);
  s->result.exit_code = 3;
  s->contract.criteria[PV_STALE].needed_for = PV_STATUS_ACTIVE_RUNTIME;
  for (size_t i = 0; i < s->result.criterion_count; i++)
    if (pv_view_concern(s->result.criteria[i].verdict) == PV_CONCERN_FALSE)
      s->result.criteria[i].verdict = s->result.falsifiers[i].verdict = PV_ERROR;
  EXPECT(pv_marks_make(&s->result, &m, NULL) == PV_OK);
  EXPECT_U64(m.count, PV_VERDICT_COUNT - 3 + 1); /* nor what a higher rung needs */
  for (size_t i = 0; i < m.count; i++) EXPECT_U64(m.items[i].level, PV_MARK_WARNING);
  pv_marks_free(&m);
  sample_free(s);
  s = sample_make(SAMPLE_CARRIED); /* exit code 0: three that nobody looked at, and no mark */
  REQUIRE(s != NULL);
  EXPECT(pv_marks_make(&s->result, &m, NULL) == PV_OK);
  EXPECT_U64(m.count, 1);
  EXPECT_U64(m.items[0].level, PV_MARK_NOTICE);
  pv_marks_free(&m);
  sample_free(s);
}

static void test_sarif(void) {
  sample *every = sample_make(SAMPLE_EVERY), *carried = sample_make(SAMPLE_CARRIED);
  REQUIRE(every != NULL && carried != NULL);
  const pv_outcome both[] = {outcome_of(every), outcome_of(carried)};
  json_t *root = sarif(&(pv_call){.items = both, .count = 2}), *run = run_of(root);
  const json_t *results = json_object_get(run, "results"), *one;
  size_t i, errors = 0;
  EXPECT_U64(json_array_size(results), PV_VERDICT_COUNT - 1);
  json_array_foreach(results, i, one) {
    errors += strcmp(json_string_value(json_object_get(one, "level")), "error") == 0;
    const char *uri = NULL;
    int line = 0;
    EXPECT(json_unpack((json_t *)(uintptr_t)one, "{s:[{s:{s:{s:s}, s:{s:i}}}]}", "locations",
                       "physicalLocation", "artifactLocation", "uri", &uri, "region", "startLine",
                       &line) == 0);
    EXPECT_STR(uri, "contracts/a%20b%2Cc%3Ad.yaml");
    EXPECT(line > 0);
  }
  EXPECT_U64(errors, 2 + 1);
  const json_t *rules =
      json_object_get(json_object_get(json_object_get(run, "tool"), "driver"), "rules");
  EXPECT_U64(json_array_size(rules),
             every->result.criterion_count + carried->result.criterion_count + 2);
  json_decref(root);
  sample_free(every);
  sample_free(carried);
}

/* A call that ended early is no success to anybody. */
static void test_failures(void) {
  sample *s = sample_make(SAMPLE_CARRIED);
  REQUIRE(s != NULL);
  const pv_outcome one = outcome_of(s);
  pv_error failures[2] = {PV_ERROR_INIT, PV_ERROR_INIT};
  pv_error_set(&failures[0], PV_ERR_INPUT, "a <criterion> has no key");
  pv_error_at(&failures[0], "contracts/x.yaml", 7, 3, -1);
  pv_error_rule(&failures[0], "PV010");
  pv_error_set(&failures[1], PV_ERR_CANCELLED, "interrupted");
  const pv_call call = {&one, 1, failures, 2};
  pv_text junit = PV_TEXT_INIT, summary = PV_TEXT_INIT, github = PV_TEXT_INIT;
  size_t at = 0;
  EXPECT(pv_render_junit_call(&call, &junit, NULL) == PV_OK);
  EXPECT(xml_scan(junit.data, junit.length, &at) == NULL);
  EXPECT_U64(xml_count(junit.data, "error"), 2);
  EXPECT_HAS(junit.data,
             "<testsuites name=\"pv validate\" tests=\"15\" failures=\"0\" errors=\"2\"");
  EXPECT_HAS(junit.data,
             "<error message=\"line 7: a &lt;criterion&gt; has no key\" type=\"PV010\">");
  EXPECT(pv_render_summary(&call, &summary, NULL) == PV_OK);
  EXPECT_HAS(summary.data, "**The call ended before all was judged.**");
  EXPECT_HAS(summary.data, "line 7");
  for (size_t i = 0; i < 2; i++) pv_render_github_failure(&failures[i], &github);
  EXPECT_HAS(github.data, "::error file=contracts/x.yaml,line=7,col=3,title=pv validate PV010::a ");
  EXPECT_HAS(github.data, "\n::error title=pv validate::interrupted\n");
  json_t *root = sarif(&call);
  const json_t *invocation = json_array_get(json_object_get(run_of(root), "invocations"), 0);
  EXPECT(json_is_false(json_object_get(invocation, "executionSuccessful")));
  EXPECT_U64(json_array_size(json_object_get(invocation, "toolExecutionNotifications")), 2);
  json_decref(root);
  pv_text_free(&junit);
  pv_text_free(&summary);
  pv_text_free(&github);
  sample_free(s);
}

/* A stranger's text begins no line of a log, and ends no property. */
static void test_github(void) {
  sample *s = sample_make(SAMPLE_HOSTILE);
  REQUIRE(s != NULL);
  s->contract.name = (char[]){"n,line=1::x%0A"};
  s->contract.criteria[0].property = (char[]){"first\n::set-output name=a::b\r\n##[error]"};
  pv_outcome o = outcome_of(s);
  pv_text out = PV_TEXT_INIT;
  pv_marks m;
  size_t lines = 0;
  EXPECT(pv_marks_make(&s->result, &m, NULL) == PV_OK);
  EXPECT(pv_render_github(&o, &out, NULL) == PV_OK);
  for (const char *at = out.data; at != NULL && *at != '\0'; lines++) {
    EXPECT(strncmp(at, "::error file=contracts/a b%2Cc%3Ad.yaml,line=", 45) == 0 ||
           strncmp(at, "::warning file=contracts/a b%2Cc%3Ad.yaml,line=", 47) == 0);
    at = strchr(at, '\n') + 1;
  }
  EXPECT_U64(lines, m.count);
  EXPECT_HAS(out.data, "title=n%2Cline=1%3A%3Ax%250A ");
  pv_marks_free(&m);
  pv_text_free(&out);
  sample_free(s);
}

/* 256 contracts of 400 long criteria: cut, with the sentence, and the table is whole. */
static void test_summary_is_bounded(void) {
  enum { MANY = 256 };
  sample *s = sample_make(SAMPLE_BIG);
  REQUIRE(s != NULL);
  pv_outcome all[MANY];
  for (size_t i = 0; i < MANY; i++) all[i] = outcome_of(s);
  pv_text out = PV_TEXT_INIT;
  EXPECT(pv_render_summary(&(pv_call){.items = all, .count = MANY}, &out, NULL) == PV_OK);
  EXPECT(out.length < PV_RENDER_SUMMARY_LIMIT);
  EXPECT(out.length > PV_RENDER_SUMMARY_LIMIT / 4);
  EXPECT_HAS(out.data, "This summary was cut to stay below 1 MiB");
  out.length = 0;
  EXPECT(pv_render_summary(&(pv_call){.items = all, .count = 1}, &out, NULL) == PV_OK);
  pv_text_free(&out);
  sample_free(s);
  s = sample_make(SAMPLE_EVERY);
  REQUIRE(s != NULL);
  const pv_outcome one = outcome_of(s);
  EXPECT(pv_render_summary(&(pv_call){.items = &one, .count = 1}, &out, NULL) == PV_OK);
  EXPECT(strstr(out.data, "was cut") == NULL);
  EXPECT_HAS(out.data, "1 contract: 0 as claimed, 1 not as claimed, 0 not judged.");
  pv_text_free(&out);
  sample_free(s);
}

/* A result that contradicts itself is in no report. */
static void test_contradiction(void) {
  sample *s = sample_make(SAMPLE_REFUTED);
  REQUIRE(s != NULL);
  s->result.exit_code = 0;
  pv_outcome one = outcome_of(s);
  const pv_call call = {.items = &one, .count = 1};
  pv_text out = PV_TEXT_INIT;
  EXPECT(pv_render_junit_call(&call, &out, NULL) == PV_ERR_INTERNAL);
  EXPECT(pv_render_sarif(&call, &out, NULL) == PV_ERR_INTERNAL);
  EXPECT(pv_render_summary(&call, &out, NULL) == PV_ERR_INTERNAL);
  EXPECT(pv_render_github(&one, &out, NULL) == PV_ERR_INTERNAL);
  EXPECT_U64(out.length, 0);
  pv_text_free(&out);
  sample_free(s);
}

int main(void) {
  return pv_testing_main("reports call", (pv_case[]){PV_CASE(test_marks),
                                                     PV_CASE(test_sarif),
                                                     PV_CASE(test_failures),
                                                     PV_CASE(test_github),
                                                     PV_CASE(test_summary_is_bounded),
                                                     PV_CASE(test_contradiction),
                                                     {0}});
}
