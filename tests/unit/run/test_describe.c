/* What a probe says that it can check: read strictly, and each kind of nonsense refused by its
 * place. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tests/unit/base/folder.h"
#include "tests/unit/known.h"
#include "tests/unit/testing.h"
#include "validator/run/run.h"

static pv_code read(const char *text, size_t length, const pv_known **out, pv_error *err) {
  static pv_arena arena;
  pv_arena_free(&arena);
  return pv_known_read(&arena, text, length, out, err);
}

static void test_sound(void) {
  const pv_known *known = NULL;
  REQUIRE(read(known_sound, strlen(known_sound), &known, NULL) == PV_OK);
  const pv_known_check *check = pv_known_check_find(known, "a.b");
  REQUIRE(check != NULL && known->check_count == 1 && known->fault_count == 1);
  EXPECT(check->subject == PV_ON_FORWARD && check->needs == (PV_NEEDS_MODEL | PV_NEEDS_PROMPTS));
  EXPECT(check->timeout_s == 60 && check->param_count == 3);
  EXPECT_U64(strlen(check->digest), 64);
  EXPECT(pv_known_gate(check) == &check->params[1] && check->params[1].loosens == -1);
  EXPECT(check->params[0].loosens == 0 && check->params[0].max == 9);
  EXPECT(check->params[1].fallback == NULL);
  EXPECT_STR(check->params[1].unit, "ulp");
  EXPECT(pv_known_lists(check->params[2].words, "y"));
  EXPECT_STR(pv_known_check_nearest(known, "a.c"), "a.b");
  EXPECT(pv_known_fault_find(known, "g") == NULL && pv_known_fault_find(known, "f") != NULL);
  EXPECT_STR(pv_known_words(known, "w")[0], "x");
  EXPECT(pv_known_words(known, "v")[0] == NULL);
}

typedef struct nonsense {
  const char *from, *to, *says;
} nonsense;

static const nonsense cases[] = {
    {"{\"schema\"", "", "expected"},
    {"\"schema\":\"pv/describe/v1\"", "\"schema\":\"pv/describe/v2\"", "its schema is"},
    {"\"version\":\"0\"", "\"version\":\"0\",\"version\":\"1\"", "duplicate object key"},
    {"\"version\":\"0\",", "", "the whole: 'version' is missing"},
    {"\"version\":\"0\"", "\"version\":\"0\",\"more\":1", "there is no key 'more'"},
    {"\"version\":\"0\"", "\"version\":0", "the whole: 'version' has another type"},
    {"\"checks\":[", "\"checks\":[],\"x\":[", "there is no key 'x'"},
    {"\"name\":\"a.b\"", "\"name\":\"\"", "the check '' is no name"},
    {"\"name\":\"a.b\"", "\"name\":\"a b\"", "the check 'a b' is no name"},
    {"\"name\":\"a.b\"", "\"name\":null", "a check: 'name' has another type"},
    {"\"about\":\"A.\"", "\"about\":\"\"", "check a.b: a text is empty"},
    {"\"about\":\"A.\"", "\"about\":\"\\u001b[2J\"", "check a.b: a text is empty"},
    {"\"about\":\"A.\"", "\"about\":\"\\u0000\"", "\\u0000 is not allowed"},
    {"\"subject\":\"forward\"", "\"subject\":\"weather\"", "check a.b: it is about 'weather'"},
    {"\"subject\":\"forward\"", "\"subjekt\":\"forward\"", "a check: 'subject' is missing"},
    {"[\"model\",", "[\"oracle\",", "check a.b: it needs 'oracle'"},
    {"[\"model\",", "[\"prompts\",", "check a.b: needs: 'prompts' twice"},
    {"\"needs\":[\"model\",\"prompts\"]", "\"needs\":\"model\"",
     "a check: 'needs' has another type"},
    {"\"timeout_s\":60", "\"timeout_s\":0", "a timeout of 0 s"},
    {"\"timeout_s\":60", "\"timeout_s\":1e300", "a timeout of 1e+300 s"},
    {"\"digest\":\"0", "\"digest\":\"", "not 64 hexadecimal digits"},
    {"\"digest\":\"0", "\"digest\":\"g", "not 64 hexadecimal digits"},
    {"\"name\":\"r\"", "\"name\":\"n\"", "check a.b: the parameter 'n' twice"},
    {"\"name\":\"r\"", "\"name\":\"\"", "the parameter '' is no name"},
    {"\"type\":\"number\"", "\"type\":\"complex\"", "parameter r: there is no type 'complex'"},
    {"\"min\":1,\"max\":9", "\"min\":9,\"max\":1", "parameter n: bounds from 9 to 1"},
    {"\"min\":1,\"max\":9", "\"min\":1", "parameter n: bounds from 1 to 0"},
    {"\"min\":1,\"max\":9", "\"min\":\"1\",\"max\":9", "'min' has another type"},
    {"\"min\":1,\"max\":9", "\"min\":1,\"max\":1e999", "real number overflow"},
    {"\"loosens\":\"down\"", "\"loosens\":\"sideways\"", "parameter r: it loosens 'sideways'"},
    {"[\"x\",\"y\"],", "[\"x\",\"y\"],\"loosens\":\"up\",", "parameter w: no number loosens"},
    {"[\"x\",\"y\"],", "[\"x\",\"y\"],\"min\":1,\"max\":2,", "parameter w: bounds from 1 to 2"},
    {"[\"x\",\"y\"]", "[]", "parameter w: words are of a word"},
    {"[\"x\",\"y\"]", "[\"x\",\"x\"]", "words: 'x' twice"},
    {"[\"x\",\"y\"]", "[\"x\",7]", "the words '' is no name"},
    {"[\"x\",\"y\"]", "[\"x\",\"y:\"]", "the words 'y:' is no name"},
    {"\"word\",\"words\":[\"x\",\"y\"]", "\"side\",\"words\":[\"x\",\"x:\"]",
     "words: the kind 'x:' twice"},
    {"\"word\",\"words\":[\"x\",\"y\"]", "\"side\",\"words\":[\"x\",\":y\"]",
     "the kind ':y' is none"},
    {"\"word\",\"words\":[\"x\",\"y\"]", "\"side\",\"words\":[\"x\",\"y:a:b\"]",
     "the kind 'y:a:b' is none"},
    {"\"word\",\"words\":[\"x\",\"y\"]", "\"side\",\"words\":[\"x\",7]", "the kind '' is none"},
    {"\"default\":\"3\"", "\"words\":[\"x\"]", "parameter n: words are of a word"},
    {"{\"cpu\":\"here\"}", "{}", "the sources: there are none"},
    {"{\"cpu\":\"here\"}", "[\"cpu\"]", "'sources' has another type"},
    {"{\"cpu\":\"here\"}", "{\"c p u\":\"here\"}", "the entry 'c p u' is no name"},
    {"{\"cpu\":\"i16\"}", "{\"cpu\":1}", "who computes: a text is empty"},
    {"\"computes\":{\"cpu\":\"i16\"},", "", "computes"},
    {"\"i16\":\"whole numbers\"", "\"i16\":1", "the identities: a text is empty"},
    {"\"name\":\"f\"", "\"name\":\"-->\"", "the fault '-->' is no name"},
    {"\"about\":\"W.\"", "\"about\":\"\"", "the words: a text is empty, too long or not printable"},
    {"\"kind\":\"thing\"", "\"kind\":1", "the words: 'kind' has another type"},
    {"\"words\":[", "\"wrods\":[", "wrods"},
    {"\"takes_layer\":true", "\"takes_layer\":1", "the faults: 'takes_layer' has another type"},
    {"\"caught_by\":[\"a.b\"]", "\"caught_by\":[\"a.b\",\"a.b\"]", "caught_by: 'a.b' twice"},
    {"\"takes_layer\":true}]}", "\"takes_layer\":true}]}}", "end of file expected"},
};

static void put_edited(pv_text *out, const nonsense *c) {
  const char *at = strstr(known_sound, c->from);
  if (!EXPECT(at != NULL)) return;
  pv_text_add(out, known_sound, (size_t)(at - known_sound));
  pv_text_puts(out, c->to);
  pv_text_puts(out, at + strlen(c->from));
}

/* Nothing of it is believed: the result is not touched. */
static void expect_refused(const char *text, size_t length, const char *says) {
  const pv_known *known = NULL;
  pv_error err = PV_ERROR_INIT;
  EXPECT_I64(read(text, length, &known, &err), PV_ERR_INPUT);
  EXPECT(known == NULL);
  EXPECT_HAS(err.message, says);
}

static void test_nonsense(void) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    pv_text text = PV_TEXT_INIT;
    put_edited(&text, &cases[i]);
    expect_refused(text.data, text.length, cases[i].says);
    pv_text_free(&text);
  }
}

/* Twice the same, none, too many. */
static void test_counts(void) {
  const char *first = strstr(known_sound, "{\"name\":\"a.b\""),
             *end = strstr(known_sound, "],\"sources\"");
  const char *fault = strstr(known_sound, "{\"name\":\"f\""),
             *done = known_sound + strlen(known_sound) - 2;
  REQUIRE(first != NULL && end != NULL && fault != NULL);
  pv_text text = PV_TEXT_INIT;
  pv_text_printf(&text, "%.*s,%s", (int)(end - known_sound), known_sound, first);
  expect_refused(text.data, text.length, "check a.b: it is there twice");
  pv_text_free(&text);
  pv_text_printf(&text, "%.*s%s", (int)(first - known_sound), known_sound, end);
  expect_refused(text.data, text.length, "it describes no check");
  pv_text_free(&text);
  pv_text_printf(&text, "%.*s,%s", (int)(done - known_sound), known_sound, fault);
  expect_refused(text.data, text.length, "the fault 'f' twice");
  pv_text_free(&text);
  pv_text_add(&text, known_sound, (size_t)(first - known_sound));
  for (int i = 0; i < 1025; i++) pv_text_puts(&text, i > 0 ? ",1" : "1");
  pv_text_puts(&text, end);
  expect_refused(text.data, text.length, "more than 1024 checks");
  pv_text_free(&text);
}

/* Cut anywhere it is no JSON. */
static void test_truncated(void) {
  for (size_t n = 0; n < strlen(known_sound); n++) expect_refused(known_sound, n, "");
}

static void expect_probe(const char *mode, double timeout_s, pv_code code, const char *says) {
  pv_arena arena = PV_ARENA_INIT;
  const pv_known *known = NULL;
  pv_error err = PV_ERROR_INIT;
  setenv("PV_FAKE_DESCRIBE", mode, 1);
  EXPECT_I64(pv_run_describe(&arena, getenv("PV_FAKE_PROBE"), timeout_s, &known, &err), code);
  EXPECT((known != NULL) == (code == PV_OK));
  EXPECT_HAS(err.message, says);
  EXPECT((err.hint[0] != '\0') == (code != PV_OK));
  pv_arena_free(&arena);
}

static void test_probes(void) {
  REQUIRE(folder_make() != NULL);
  expect_probe("", 0, PV_OK, "");
  expect_probe("exit3", 0, PV_ERR_INPUT, "left with exit code 3");
  expect_probe("segv", 0, PV_ERR_INPUT, "ended by signal 11");
  expect_probe("frames", 0, PV_ERR_INPUT, "it writes frames");
  expect_probe("hang", 0.3, PV_ERR_INPUT, "it did not end in time");
  expect_probe("/dev/null", 0, PV_ERR_INPUT, "it says nothing");
  folder_write("sound", known_sound);
  expect_probe(folder_path("sound"), 0, PV_OK, "");
  folder_write("sound", "[1");
  expect_probe(folder_path("sound"), 0, PV_ERR_INPUT, "the whole: ");
  char *much = calloc(1, (1 << 20) + 2);
  REQUIRE(much != NULL);
  memset(much, ' ', (1 << 20) + 1);
  folder_write("sound", much);
  expect_probe(folder_path("sound"), 0, PV_ERR_INPUT, "it says more than 1 MiB");
  free(much);
  folder_remove();
  const pv_known *known = NULL;
  pv_arena arena = PV_ARENA_INIT;
  pv_error err = PV_ERROR_INIT;
  EXPECT_I64(pv_run_describe(&arena, "/nowhere/probe", 0, &known, &err), PV_ERR_INPUT);
  EXPECT_HAS(err.message, "there is no program '/nowhere/probe'");
  pv_arena_free(&arena);
}

/* What the probe of this build says is believed whole. */
static void test_real(void) {
  const pv_known *known = testing_known();
  EXPECT(known->check_count >= 26 && known->fault_count >= 30);
  for (size_t i = 0; i < known->fault_count; i++)
    for (size_t k = 0; known->faults[i].caught_by[k] != NULL; k++)
      EXPECT(pv_known_check_find(known, known->faults[i].caught_by[k]) != NULL);
}

int main(void) {
  return pv_testing_main("describe", (pv_case[]){PV_CASE(test_sound),
                                                 PV_CASE(test_nonsense),
                                                 PV_CASE(test_counts),
                                                 PV_CASE(test_truncated),
                                                 PV_CASE(test_probes),
                                                 PV_CASE(test_real),
                                                 {0}});
}
