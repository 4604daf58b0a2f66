/* Contracts and changes at the edge of what can be rewritten: refused, or changed exactly. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/unit/base/folder.h"
#include "tests/unit/store/sample.h"
#include "tests/unit/testing.h"
#include "validator/model/contract_load.h"
#include "validator/store/rewrite.h"

static pv_arena arena;
static pv_error err;
static char version[] = "1.0.10", date[] = "2026-11-22", kind[] = "evidence", title[] = "Status";

/* Replaces the first `from` in `text` by `to`; in the arena. */
static char *with(const char *text, const char *from, const char *to) {
  const char *at = strstr(text, from);
  if (!EXPECT(at != NULL)) return NULL;
  return pv_arena_printf(&arena, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

static pv_contract *load(const char *text) {
  pv_contract *c = NULL;
  err = PV_ERROR_INIT;
  if (!EXPECT(pv_contract_load_bytes(&arena, "odd.yaml", text, strlen(text), &c, &err) == PV_OK)) {
    pv_error_print(&err, stdout);
    printf("%s\n", text);
  }
  return c;
}

static pv_rewrite change(const pv_contract *c) {
  return (pv_rewrite){.contract = c,
                      .status = PV_STATUS_ACTIVE_RUNTIME,
                      .amendment = {version, date, kind, title, NULL, NULL, {0}}};
}

static void expect_refused(const pv_rewrite *w, pv_code code, const char *words) {
  pv_text out = PV_TEXT_INIT;
  pv_text_puts(&out, "before");
  err = PV_ERROR_INIT;
  EXPECT(pv_rewrite_text(w, &out, &err) == code);
  EXPECT(err.code == code);
  if (!EXPECT_HAS(err.message, words)) printf("%s\n", err.message);
  EXPECT_STR(out.data, "before");
  pv_text_free(&out);
}

/* The text after the change; "" when that is refused. In the arena. */
static char *apply(const pv_rewrite *w) {
  pv_text out = PV_TEXT_INIT;
  char *copy = NULL;
  err = PV_ERROR_INIT;
  if (EXPECT(pv_rewrite_text(w, &out, &err) == PV_OK)) copy = pv_arena_strdup(&arena, out.data);
  if (copy == NULL) pv_error_print(&err, stdout);
  pv_text_free(&out);
  return copy == NULL ? pv_arena_strdup(&arena, "") : copy;
}

static const char entry_end[] =
    "      title: First version\n      description: >-\n"
    "        Folded\n        text.\n";

/* A second amendment behind the first; with its version and date. */
static char *two_amendments(const char *second, const char *when) {
  char *more = pv_arena_printf(&arena,
                               "%s    - version: \"%s\"\n      date: \"%s\"\n      kind: k\n"
                               "      title: t\n",
                               entry_end, second, when);
  return with(sample_yaml, entry_end, more);
}

/* Which end is the newer one: by version, then by date; the end when nobody can say. */
static void test_which_end(void) {
  static const struct {
    const char *second, *when;
    bool head;
  } cases[] = {{"1.0.8", "2026-11-20", true},  {"1.0.10", "2026-11-20", false},
               {"1.0.9", "2026-11-19", true},  {"1.0.9", "2026-11-20", false},
               {"1.0.9", "2026-11-21", false}, {"one", "2026-11-19", false},
               {"0.9.9", "2026-11-21", true}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const pv_contract *c = load(two_amendments(cases[i].second, cases[i].when));
    REQUIRE(c != NULL);
    const pv_rewrite w = change(c);
    const pv_contract *now = load(apply(&w));
    REQUIRE(now != NULL);
    REQUIRE(now->amendment_count == 3);
    EXPECT_STR(now->amendments[cases[i].head ? 0 : 2].title, title);
  }
  const pv_contract *c =
      load(with(two_amendments("1.0.8", "2026-11-19"), "- version: \"1.0.9\"", "- version: one"));
  REQUIRE(c != NULL);
  const pv_rewrite w = change(c);
  const pv_contract *now = load(apply(&w));
  REQUIRE(now != NULL);
  EXPECT_STR(now->amendments[2].title, title);
}

/* Characters that a terminal or YAML would act on are escaped, and read back as they were. */
static void test_control_characters(void) {
  static char about[] = "a\tb\x7f\x01\x1b[31m\r\n";
  const pv_contract *c = load(sample_yaml);
  REQUIRE(c != NULL);
  pv_rewrite w = change(c);
  w.amendment.description = about;
  const char *text = apply(&w);
  EXPECT_HAS(text, "description: \"a\\x09b\\x7F\\x01\\x1B[31m\\x0D\\n\"\n");
  const pv_contract *now = load(text);
  REQUIRE(now != NULL);
  EXPECT_STR(now->amendments[1].description, about);
  EXPECT(now->amendments[1].evidence == NULL);
}

/* What would not be read back as it was meant is not written. */
static void test_changes_that_read_back_differently(void) {
  static char separator[] = "one\xe2\x80\xa8two", no_utf8[] = "\xff", comment[] = "1.0.10 # x";
  static char empty[] = "", quote[] = "1.0\"", claim[] = "1.0.10\n  depends_on: [other]";
  const pv_contract *c = load(sample_yaml);
  const pv_contract *plain = load(with(sample_yaml, "\"1.0.9\"   #", "1.0.9   #"));
  REQUIRE(c != NULL && plain != NULL);
  const char *unsafe = "laid out in a way that can not be changed safely";
  pv_rewrite w = change(c);
  w.amendment.title = separator; /* YAML 1.1 would take it for a line end */
  expect_refused(&w, PV_ERR_INPUT, "a control or bidirectional character");
  w.amendment.title = no_utf8;
  expect_refused(&w, PV_ERR_INPUT, "");
  w = change(plain);
  w.amendment.version = comment;
  expect_refused(&w, PV_ERR_UNSUPPORTED, unsafe);
  w.amendment.version = claim; /* brings another claim in */
  expect_refused(&w, PV_ERR_UNSUPPORTED, unsafe);
  EXPECT_STR(err.file, "odd.yaml");
  EXPECT(err.line > 0);
  w = change(c);
  w.amendment.version = quote;
  expect_refused(&w, PV_ERR_INPUT, "");
  w = change(c);
  w.status = (pv_contract_status)77; /* none: its name is that of a draft */
  expect_refused(&w, PV_ERR_UNSUPPORTED, unsafe);
  char **const fields[] = {&w.amendment.date, &w.amendment.kind, &w.amendment.title};
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    w = change(c);
    *fields[i] = empty;
    pv_text out = PV_TEXT_INIT;
    const pv_code code = pv_rewrite_text(&w, &out, &err);
    EXPECT(code != PV_OK || strstr(out.data, ": \"\"\n") != NULL);
    pv_text_free(&out);
  }
}

/* A block that keeps the blank lines behind it would swallow or lose some: each field in turn is
 * the last one of the last amendment. */
static void test_kept_blank_lines(void) {
  static const char *const fields[] = {"date", "kind", "title", "description", "evidence"};
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    pv_text entry = PV_TEXT_INIT;
    pv_text_puts(&entry, "    - version: \"1.0.9\"\n");
    for (size_t k = 0; k < sizeof fields / sizeof *fields; k++)
      if (k != i) pv_text_printf(&entry, "      %s: \"2026-11-20\"\n", fields[k]);
    pv_text_printf(&entry, "      %s: |+\n        2026-11-20\n\n\n", fields[i]);
    const char *begin = strstr(sample_yaml, "    - version:");
    const char *end = strstr(sample_yaml, "  # a comment behind");
    char *text = pv_arena_printf(&arena, "%.*s%s%s", (int)(begin - sample_yaml), sample_yaml,
                                 entry.data, end);
    pv_text_free(&entry);
    pv_contract *c = NULL;
    if (pv_contract_load_bytes(&arena, "odd.yaml", text, strlen(text), &c, NULL) != PV_OK) {
      printf("%s may not be such a text\n", fields[i]);
      continue;
    }
    const pv_rewrite w = change(c);
    expect_refused(&w, PV_ERR_UNSUPPORTED, "can not be changed safely");
  }
}

/* The history ends the file: with a line end, with blanks behind the last one. */
static void test_history_ends_the_file(void) {
  const char *rest = strstr(sample_yaml, "acceptance_criteria:");
  const char *metadata = strstr(sample_yaml, "metadata:");
  const char *comment = strstr(sample_yaml, "  # a comment behind");
  static const char *const behind[] = {"", "   ", "\n\n", "\n   "};
  for (size_t i = 0; i < sizeof behind / sizeof *behind; i++) {
    char *text = pv_arena_printf(&arena, "schema: pv/contract/v1\n%s%.*s%s", rest,
                                 (int)(comment - metadata), metadata, behind[i]);
    const pv_contract *c = load(text);
    REQUIRE(c != NULL);
    const pv_rewrite w = change(c);
    const char *want =
        pv_arena_printf(&arena,
                        "        text.\n    - version: \"1.0.10\"\n      date: \"2026-11-22\"\n"
                        "      kind: \"evidence\"\n      title: \"Status\"\n%s",
                        behind[i]);
    const char *got = apply(&w);
    const size_t n = strlen(got), m = strlen(want);
    EXPECT_STR(n >= m ? got + n - m : got, want);
  }
}

/* The whole contract on one line, and one that begins with an empty line. */
static void test_line_ends(void) {
  static const char one_line[] =
      "{schema: pv/contract/v1, metadata: {name: sample, version: \"1.0.9\", kind: kernel, "
      "status: PROPOSED, created: \"2026-11-20\", author: a, description: d, amendment_history: "
      "[{version: \"1.0.9\", date: \"2026-11-20\", kind: k, title: t}]}, acceptance_criteria: "
      "[{id: AC_ONE, property: p, formal: f, needed_for: PROPOSED}], falsification_tests: [{id: "
      "F_ONE, rule: r, prediction: p, criteria: [AC_ONE], check: router.topk_rule, if_fails: l}]}";
  const pv_contract *c = load(one_line);
  REQUIRE(c != NULL);
  pv_rewrite w = change(c);
  expect_refused(&w, PV_ERR_UNSUPPORTED, "amendment_history is not a list");
  c = load(pv_arena_printf(&arena, "\n%s", sample_yaml));
  REQUIRE(c != NULL);
  w = change(c);
  const char *text = apply(&w);
  EXPECT_U64(strncmp(text, "\n# A comment on top.\n", 21), 0);
  EXPECT(strchr(text, '\r') == NULL);
}

/* Places that do not fit the bytes, as of a contract that was not loaded from them. */
static void test_wrong_places(void) {
  pv_contract *c = load(sample_yaml);
  REQUIRE(c != NULL);
  const pv_contract sound = *c;
  const pv_amendment entry = c->amendments[0];
  const pv_rewrite w = change(c);
  const int64_t length = (int64_t)c->length;
  const int64_t dashes = strstr(sample_yaml, "26-11-20\"\n      kind") - sample_yaml;
  const struct {
    int64_t begin, end;
  } scalar[] = {{-1, 7},
                {sound.status_place.end, sound.status_place.begin},
                {length - 3, length + 5},
                {sound.status_place.begin + 1, sound.status_place.end + 1},
                {sound.status_place.begin, sound.status_place.end + 1}};
  for (size_t i = 0; i < sizeof scalar / sizeof *scalar; i++) {
    c->status_place.begin = scalar[i].begin;
    c->status_place.end = scalar[i].end;
    expect_refused(&w, PV_ERR_UNSUPPORTED, "the status is not written plainly");
    *c = sound;
  }
  const int64_t begins[] = {-1, length, length + 1, 0, dashes + 3};
  for (size_t i = 0; i < sizeof begins / sizeof *begins; i++) {
    c->amendments[0].place.begin = begins[i];
    expect_refused(&w, PV_ERR_UNSUPPORTED, "amendment_history is not a list");
    c->amendments[0] = entry;
  }
  /* Only blanks before it; and a dash at the very start. */
  c = load(pv_arena_printf(&arena, "\n\n%s", sample_yaml));
  REQUIRE(c != NULL);
  c->amendments[0].place.begin = 2;
  const pv_rewrite blank = change(c);
  expect_refused(&blank, PV_ERR_UNSUPPORTED, "amendment_history is not a list");
  static const unsigned char dash[] = "- PROPOSED 1.0.9";
  c->bytes = dash;
  c->length = sizeof dash - 1;
  c->status_place.begin = c->amendments[0].place.begin = 2;
  c->status_place.end = 10;
  c->version_place.begin = 11;
  c->version_place.end = 16;
  expect_refused(&blank, PV_ERR_INPUT, ""); /* what comes out is no contract */
}

/* The file was cut, made longer, or changed in place since it was read. */
static void test_any_change_is_a_conflict(void) {
  const char *const others[] = {pv_arena_printf(&arena, "%s\n", sample_yaml),
                                pv_arena_printf(&arena, "%.*s", 40, sample_yaml), "",
                                with(sample_yaml, "A comment", "A c0mment")};
  char path[600];
  snprintf(path, sizeof path, "%s", folder_path("c.yaml"));
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    pv_contract *c = NULL;
    pv_bytes bytes = {0};
    folder_write("c.yaml", sample_yaml);
    REQUIRE(pv_contract_load(&arena, path, &c, &err) == PV_OK);
    const pv_rewrite w = change(c);
    EXPECT(pv_rewrite_untouched(&w));
    folder_write("c.yaml", others[i]);
    EXPECT(!pv_rewrite_untouched(&w));
    err = PV_ERROR_INIT;
    EXPECT(pv_rewrite_commit(&w, NULL, NULL, &err) == PV_ERR_CONFLICT);
    EXPECT(err.code == PV_ERR_CONFLICT);
    EXPECT_HAS(err.message, "c.yaml' was changed since it was read");
    EXPECT_STR(err.hint, "nothing was written; run the command again");
    REQUIRE(pv_file_read(path, 1 << 20, &bytes, NULL) == PV_OK);
    EXPECT_STR((const char *)bytes.data, others[i]);
    pv_bytes_free(&bytes);
  }
}

int main(void) {
  if (folder_make() == NULL) return 1;
  const int code =
      pv_testing_main("rewrite odd", (pv_case[]){PV_CASE(test_which_end),
                                                 PV_CASE(test_control_characters),
                                                 PV_CASE(test_changes_that_read_back_differently),
                                                 PV_CASE(test_kept_blank_lines),
                                                 PV_CASE(test_history_ends_the_file),
                                                 PV_CASE(test_line_ends),
                                                 PV_CASE(test_wrong_places),
                                                 PV_CASE(test_any_change_is_a_conflict),
                                                 {0}});
  pv_arena_free(&arena);
  folder_remove();
  return code;
}
