/* What a provider says: its description and its answers, read strictly. How it behaves as a process
 * is in tests/cli/providers.sh. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "tests/unit/testing.h"
#include "validator/model/known.h"
#include "validator/run/answer.h"

static pv_arena arena;
static pv_error err;

static const char sound[] =
    "{\"protocol\":\"pv/provider/v1\",\"name\":\"mine\",\"version\":\"1.0\",\"checks\":["
    "{\"name\":\"near\",\"about\":\"A.\",\"timeout_s\":5,\"needs\":[\"model\"],\"faults\":[\"f\"],"
    "\"params\":[{\"name\":\"n\",\"about\":\"N\",\"type\":\"number\",\"min\":0,\"max\":1,"
    "\"unit\":\"\",\"loosens\":\"up\",\"default\":\"0.5\"},"
    "{\"name\":\"data\",\"about\":\"D\",\"type\":\"file\"}]},"
    "{\"name\":\"bare\",\"about\":\"B.\"}]}";

static pv_code read(const char *text, const char *name, pv_known_provider *out) {
  pv_arena_free(&arena);
  err = PV_ERROR_INIT;
  return pv_known_read_provider(&arena, text, strlen(text), name, out, &err);
}

static void test_sound(void) {
  pv_known_provider p = {0};
  REQUIRE(read(sound, "mine", &p) == PV_OK);
  EXPECT_STR(p.name, "mine");
  EXPECT_STR(p.version, "1.0");
  REQUIRE(p.known->check_count == 2);
  const pv_known_check *near = pv_known_check_find(p.known, "mine/near");
  const pv_known_check *bare = pv_known_check_find(p.known, "mine/bare");
  REQUIRE(near != NULL && bare != NULL);
  EXPECT(near->subject == PV_ON_FOREIGN && near->needs == PV_NEEDS_MODEL && near->timeout_s == 5);
  EXPECT(pv_known_lists(near->faults, "f") && near->digest == NULL);
  EXPECT(near->params[1].type == PV_KNOWN_FILE && near->params[1].fallback == NULL);
  EXPECT(bare->param_count == 0 && bare->faults[0] == NULL && bare->timeout_s == 60);
  EXPECT(read(sound, NULL, &p) == PV_OK);
}

static const struct {
  const char *from, *to, *says;
} cases[] = {
    {"{\"protocol\"", "", "expected"},
    {"provider/v1", "provider/v2", "its protocol is 'pv/provider/v2', not pv/provider/v1"},
    {"\"name\":\"mine\"", "\"name\":\"yours\"", "it is named 'yours', not 'mine'"},
    {"\"name\":\"mine\"", "\"name\":\"a/b\"", "the provider 'a/b' is no name"},
    {"\"name\":\"mine\"", "\"name\":\"mine\",\"name\":\"mine\"", "duplicate object key"},
    {"\"version\":\"1.0\",", "", "'version' is missing"},
    {"\"version\":\"1.0\"", "\"version\":\"\\u001b[2J\"", "a text is empty, too long or not print"},
    {"\"version\":\"1.0\"", "\"version\":\"1.0\",\"more\":1", "there is no key 'more'"},
    {"\"name\":\"bare\"", "\"name\":\"near\"", "check near: it is there twice"},
    {"\"name\":\"bare\"", "\"name\":\"a/b\"", "the check 'a/b' is no name"},
    {"\"about\":\"B.\"", "\"about\":\"\"", "check bare: a text is empty"},
    {"\"about\":\"B.\"", "\"about\":\"B.\",\"subject\":\"ptx\"", "there is no key 'subject'"},
    {"\"timeout_s\":5", "\"timeout_s\":0", "check near: a timeout of 0 s"},
    {"[\"model\"]", "[\"prompts\"]", "check near: it can need a model and a reference"},
    {"[\"f\"]", "[\"f\",\"f\"]", "check near: faults: 'f' twice"},
    {"[\"f\"]", "\"f\"", "'faults' has another type"},
    {"\"max\":1", "\"max\":0", "check near: parameter n: bounds from 0 to 0"},
    {"\"type\":\"file\"", "\"type\":\"side\",\"words\":[\"cpu\"]", "a provider has no sides"},
    {"\"name\":\"data\"", "\"name\":\"n\"", "check near: the parameter 'n' twice"},
};

static void test_nonsense(void) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    pv_text text = PV_TEXT_INIT;
    pv_known_provider p = {.name = "untouched"};
    const char *at = strstr(sound, cases[i].from);
    REQUIRE(at != NULL);
    pv_text_add(&text, sound, (size_t)(at - sound));
    pv_text_puts(&text, cases[i].to);
    pv_text_puts(&text, at + strlen(cases[i].from));
    EXPECT(read(text.data, "mine", &p) == PV_ERR_INPUT);
    EXPECT_HAS(err.message, cases[i].says);
    EXPECT_STR(p.name, "untouched");
    pv_text_free(&text);
  }
  pv_known_provider p;
  EXPECT(read("{\"protocol\":\"pv/provider/v1\",\"name\":\"mine\",\"version\":\"1\",\"checks\":[]}",
              "mine", &p) == PV_ERR_INPUT);
  EXPECT_HAS(err.message, "it describes no check");
}

/* The verdict of an answer's text; ERROR for one that is refused. */
static pv_falsifier_result answer(const char *text) {
  static char id[] = "F_1";
  static pv_falsifier f = {.id = id};
  pv_falsifier_result out = {.falsifier = &f, .verdict = PV_ERROR};
  json_t *message = json_loads(text, 0, NULL);
  pv_arena_free(&arena);
  err = PV_ERROR_INIT;
  EXPECT(message != NULL);
  const pv_code code = pv_answer_foreign(&arena, message, NULL, &out, &err);
  EXPECT(code == PV_OK || code == PV_ERR_INPUT);
  json_decref(message);
  return out;
}

static void test_answers(void) {
  pv_falsifier_result r = answer("{\"type\":\"result\",\"verdict\":\"PASS\",\"compared\":3}");
  EXPECT(r.verdict == PV_PASS && r.compared == 3 && r.metric_count == 0 && r.backends.count == 0);
  EXPECT_STR(r.reason, "");
  r = answer("{\"verdict\":\"PASS\",\"compared\":0}");
  EXPECT(r.verdict == PV_VACUOUS);
  r = answer("{\"verdict\":\"PASS\",\"compared\":1,\"metrics\":{\"m\":\"nan\"}}");
  EXPECT(r.verdict == PV_ERROR && strstr(r.reason, "the metric 'm'") != NULL);
  r = answer("{\"verdict\":\"PASS\",\"compared\":1,\"needed_tolerance\":\"inf\"}");
  EXPECT(r.verdict == PV_ERROR && strstr(r.reason, "needed tolerance") != NULL);
  r = answer("{\"verdict\":\"FAIL\",\"compared\":1}");
  EXPECT(r.verdict == PV_FAIL);
  EXPECT_STR(r.reason, "it gave no reason");
  r = answer("{\"verdict\":\"NOT_RUN\",\"compared\":0,\"reason\":\"no disk\"}");
  EXPECT(r.verdict == PV_NOT_RUN && r.source == PV_FROM_NOWHERE);
  r = answer(
      "{\"verdict\":\"FAIL\",\"compared\":1,\"worst\":{\"stage\":\"s\",\"layer\":-1,"
      "\"position\":2,\"index\":3,\"left\":1,\"right\":\"inf\"}}");
  EXPECT(r.worst.present && r.worst.position == 2);
}

static void test_refused(void) {
  static const char *const texts[][2] = {
      {"{\"verdict\":\"PASS\"}", "no usable 'compared'"},
      {"{\"verdict\":\"PASS\",\"compared\":-1}", "no usable 'compared'"},
      {"{\"verdict\":\"PASS\",\"compared\":1.5}", "no usable 'compared'"},
      {"{\"verdict\":\"STALE\",\"compared\":1}", "no usable 'verdict'"},
      {"{\"verdict\":\"PASS\",\"compared\":1,\"reason\":1}", "no usable 'reason'"},
      {"{\"verdict\":\"PASS\",\"compared\":1,\"metrics\":[]}", "no usable 'metrics'"},
      {"{\"verdict\":\"PASS\",\"compared\":1,\"series\":{}}", "no usable 'series'"},
      {"{\"verdict\":\"PASS\",\"compared\":1,\"worst\":1}", "no usable 'worst'"},
      {"{\"verdict\":\"FAIL\",\"compared\":1,\"metrics\":{\"m\":[1]}}", "no usable 'metrics'"},
      {"{\"verdict\":\"FAIL\",\"compared\":1,\"metrics\":{\"m\":\"far\"}}", "no usable 'metrics'"},
      {"{\"verdict\":\"FAIL\",\"compared\":1,\"metrics\":{\"\":1}}", "no usable 'metrics'"},
      {"{\"verdict\":\"FAIL\",\"compared\":1,\"needed_tolerance\":\"far\"}",
       "no usable 'needed_tolerance'"},
      {"{\"verdict\":\"PASS\",\"compared\":1,\"series\":[1]}", "no usable 'series'"},
      {"{\"verdict\":\"PASS\",\"compared\":1,\"series\":[{\"picture\":\"p\",\"name\":\"n\","
       "\"x_label\":\"x\",\"y_label\":\"y\",\"x\":[1],\"y\":[\"far\"]}]}",
       "no usable 'series'"},
      {"{\"verdict\":\"PASS\",\"compared\":1,\"series\":[{\"picture\":\"p\",\"name\":\"n\","
       "\"x_label\":\"x\",\"y_label\":\"y\",\"log_y\":1,\"x\":[1],\"y\":[1]}]}",
       "no usable 'series'"},
      {"{\"verdict\":\"PASS\",\"compared\":1,\"worst\":{\"stage\":\"s\",\"layer\":\"1\","
       "\"position\":2,\"index\":3,\"left\":1,\"right\":1}}",
       "no usable 'worst'"},
      {"{\"verdict\":\"PASS\",\"compared\":1,\"worst\":{\"stage\":\"s\",\"layr\":1,"
       "\"position\":2,\"index\":3,\"left\":1,\"right\":1}}",
       "no usable 'worst'"},
      {"{\"verdict\":\"PASS\",\"compared\":1,\"worst\":{\"stage\":\"s\",\"layer\":1,\"more\":1,"
       "\"position\":2,\"index\":3,\"left\":1,\"right\":1}}",
       "no usable 'worst'"},
      {"{\"verdict\":\"PASS\",\"compared\":1,\"backends\":[\"cuda\"]}", "a key 'backends'"},
      {"{\"verdict\":\"PASS\",\"compared\":1,\"unknown\":1}", "a key 'unknown'"}};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    const pv_falsifier_result r = answer(texts[i][0]);
    EXPECT(r.verdict == PV_ERROR && err.code == PV_ERR_INPUT);
    EXPECT_HAS(err.message, texts[i][1]);
  }
}

static void test_series(void) {
  const pv_falsifier_result r = answer(
      "{\"verdict\":\"PASS\",\"compared\":1,\"series\":[{\"picture\":\"p\",\"name\":\"n\","
      "\"x_label\":\"x\",\"y_label\":\"y\",\"log_y\":true,\"x\":[1],\"y\":[\"inf\"]}]}");
  EXPECT(r.verdict == PV_PASS && r.series_count == 1 && r.series[0].log_y);
}

/* A reason that would fill a report is cut, between characters. */
static void test_long_reason(void) {
  pv_text text = PV_TEXT_INIT;
  pv_text_puts(&text, "{\"verdict\":\"FAIL\",\"compared\":1,\"reason\":\"a");
  for (int i = 0; i < 5000; i++) pv_text_puts(&text, "é");
  pv_text_puts(&text, "\"}");
  const pv_falsifier_result r = answer(text.data);
  const size_t length = strlen(r.reason);
  EXPECT(r.verdict == PV_FAIL && length > 1900 && length <= 2000);
  EXPECT(pv_utf8_valid(r.reason, length));
  EXPECT_HAS(r.reason + length - 6, " [cut]");
  pv_text_free(&text);
}

static bool told(const char *text) {
  json_t *message = json_loads(text, 0, NULL);
  const bool well = EXPECT(message != NULL) && pv_answer_progress(message);
  json_decref(message);
  return well;
}

#define PROGRESS "{\"type\":\"progress\",\"nonce\":\"n\",\"id\":\"F\","

static void test_progress(void) {
  EXPECT(told(PROGRESS "\"done\":1,\"total\":2}"));
  EXPECT(!told(PROGRESS "\"done\":1}"));
  EXPECT(!told(PROGRESS "\"done\":\"1\",\"total\":2}"));
  EXPECT(!told(PROGRESS "\"done\":1,\"total\":2,\"more\":3}"));
}

int main(void) {
  const int code = pv_testing_main("provider", (pv_case[]){PV_CASE(test_sound),
                                                           PV_CASE(test_nonsense),
                                                           PV_CASE(test_answers),
                                                           PV_CASE(test_refused),
                                                           PV_CASE(test_series),
                                                           PV_CASE(test_long_reason),
                                                           PV_CASE(test_progress),
                                                           {0}});
  pv_arena_free(&arena);
  return code;
}
