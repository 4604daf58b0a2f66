/* The rewriting of a contract: exactly one change, for every layout. */
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
static char version[] = "1.0.10", date[] = "2026-11-22", kind[] = "evidence";
static char title[] = "Status raised", about[] = "A \"quote\", a \\ and\ntwo lines: é";
static char evidence[] = "20261122T101500Z-0badcafe";

/* Replaces the first `from` in `text` by `to`; the result is to be freed. */
static char *with(const char *text, const char *from, const char *to) {
  const char *at = strstr(text, from);
  char *out = calloc(1, strlen(text) + strlen(to) + 1);
  if (!EXPECT(at != NULL) || out == NULL) return out;
  memcpy(out, text, (size_t)(at - text));
  strcat(out, to);
  return strcat(out, at + strlen(from));
}

static pv_contract *load(const char *text) {
  pv_contract *c = NULL;
  err = PV_ERROR_INIT;
  if (!EXPECT(pv_contract_load_bytes(&arena, "sample.yaml", text, strlen(text), &c, &err) == PV_OK))
    pv_error_print(&err, stdout);
  return c;
}

static pv_rewrite change(const pv_contract *c) {
  return (pv_rewrite){.contract = c,
                      .status = PV_STATUS_ACTIVE_RUNTIME,
                      .amendment = {version, date, kind, title, about, evidence, {0}}};
}

/* `text` rewritten, to be freed; "" when that is refused. */
static char *rewritten(const char *text) {
  pv_text out = PV_TEXT_INIT;
  const pv_contract *c = load(text);
  if (c == NULL) return calloc(1, 1);
  const pv_rewrite w = change(c);
  if (pv_rewrite_text(&w, &out, &err) == PV_OK) return out.data;
  pv_text_free(&out);
  return calloc(1, 1);
}

static const char amendment[] =
    "    - version: \"1.0.10\"\n"
    "      date: \"2026-11-22\"\n"
    "      kind: \"evidence\"\n"
    "      title: \"Status raised\"\n"
    "      description: \"A \\\"quote\\\", a \\\\ and\\ntwo lines: é\"\n"
    "      evidence: \"20261122T101500Z-0badcafe\"\n";

/* The expected text by three replacements, none of which the code under test makes. */
static char *expected(const char *text, const char *behind, const char *entry) {
  char insert[1200];
  snprintf(insert, sizeof insert, "%s%s", behind, entry);
  char *one = with(text, "PROPOSED # typed", "ACTIVE_RUNTIME # typed");
  char *two = with(one, "1.0.9\"   #", "1.0.10\"   #");
  char *three = with(two, behind, insert);
  free(one);
  free(two);
  return three;
}

static void test_every_other_byte_stays(void) {
  char *want = expected(sample_yaml, "        text.\n", amendment);
  char *got = rewritten(sample_yaml);
  EXPECT_STR(got, want);
  free(got);
  free(want);
}

/* Bound to a probe, sides have another spelling in memory than in the file. */
static void test_bound(void) {
  char spelled[] = "left_numerics";
  char *want = expected(sample_yaml, "        text.\n", amendment);
  pv_text out = PV_TEXT_INIT;
  pv_contract *c = load(sample_yaml);
  size_t f = 0;
  REQUIRE(c != NULL);
  while (f < c->falsifier_count && c->falsifiers[f].with_count == 0) f++;
  REQUIRE(f < c->falsifier_count);
  c->falsifiers[f].with[0].name = spelled;
  const pv_rewrite w = change(c);
  EXPECT(pv_rewrite_text(&w, &out, &err) == PV_OK);
  EXPECT_STR(out.data, want);
  pv_text_free(&out);
  free(want);
}

static void test_twice(void) {
  char *once = rewritten(sample_yaml);
  pv_contract *c = load(once);
  REQUIRE(c != NULL);
  EXPECT_U64(c->amendment_count, 2);
  EXPECT_STR(c->amendments[1].description, about);
  EXPECT_STR(c->version, "1.0.10");
  char next[] = "1.0.11";
  pv_rewrite w = change(c);
  pv_text out = PV_TEXT_INIT;
  w.amendment.version = next;
  w.status = PV_STATUS_DRAFT;
  EXPECT(pv_rewrite_text(&w, &out, &err) == PV_OK);
  c = load(out.data);
  REQUIRE(c != NULL);
  EXPECT_U64(c->amendment_count, 3);
  EXPECT_STR(c->amendments[2].version, "1.0.11");
  EXPECT(c->status == PV_STATUS_DRAFT);
  pv_text_free(&out);
  free(once);
}

static char *to_crlf(const char *text) {
  char *out = calloc(2, strlen(text) + 1), *p = out;
  for (; out != NULL && *text != '\0'; text++) {
    if (*text == '\n') *p++ = '\r';
    *p++ = *text;
  }
  return out;
}

static void test_crlf_stays(void) {
  char *unix_want = expected(sample_yaml, "        text.\n", amendment);
  char *want = to_crlf(unix_want), *text = to_crlf(sample_yaml);
  char *got = rewritten(text);
  EXPECT_STR(got, want);
  free(got);
  free(text);
  free(want);
  free(unix_want);
}

static void test_newest_first(void) {
  static const char newer[] =
      "    - version: \"1.0.9\"\n      date: \"2026-11-21\"\n"
      "      kind: k\n      title: t\n";
  char *older = with(sample_yaml, "    - version: \"1.0.9\"", "    - version: \"1.0.8\"");
  char *text = with(older, "  amendment_history:\n", "  amendment_history:\n  # newest first\n@");
  char *both = with(text, "@", newer);
  char *want = expected(both, "  # newest first\n", amendment);
  char *got = rewritten(both);
  EXPECT_STR(got, want);
  free(got);
  free(want);
  free(both);
  free(text);
  free(older);
}

/* Layouts of the history; the inserted entry takes the layout of its neighbour. */
static void test_layouts(void) {
  static const struct {
    const char *old, *entry_begins;
  } layouts[] = {
      {"  - version: \"1.0.9\"\n    date: \"2026-11-20\"\n    kind: k\n    title: t\n",
       "  - version: \"1.0.10\"\n    date:"},
      {"    -   version: \"1.0.9\"\n        date: \"2026-11-20\"\n        kind: k\n"
       "        title: t\n",
       "    -   version: \"1.0.10\"\n        date:"},
      {"    -\n      version: \"1.0.9\"\n      date: \"2026-11-20\"\n      kind: k\n"
       "      title: t\n",
       "    - version: \"1.0.10\"\n      date:"},
      {"    - {version: \"1.0.9\", date: \"2026-11-20\", kind: k, title: t}\n",
       "    - version: \"1.0.10\"\n      date:"},
      {"    - version: \"1.0.9\"\n      date: \"2026-11-20\"\n\n      # inside\n      kind: k\n"
       "      title: |+\n        t\n\n",
       "    - version: \"1.0.10\"\n      date:"},
      {"    # first\n    - kind: k # behind\n      version: \"1.0.9\"\n"
       "      date: \"2026-11-20\"\n      title: \"- no dash\"\n      # last\n",
       "    - version: \"1.0.10\"\n      date:"}};
  const char *begin = strstr(sample_yaml, "    - version:");
  const char *end = strstr(sample_yaml, "  # a comment behind");
  char history[512];
  snprintf(history, sizeof history, "%.*s", (int)(end - begin), begin);
  for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
    char *text = with(sample_yaml, history, layouts[i].old);
    char *got = rewritten(text);
    /* `|+` keeps blank lines: an entry between would change the text, so it is refused. */
    if (strstr(layouts[i].old, "|+") != NULL) {
      EXPECT_STR(got, "");
      EXPECT(err.code == PV_ERR_UNSUPPORTED);
    } else if (EXPECT_HAS(got, layouts[i].entry_begins)) {
      char *kept = with(layouts[i].old, layouts[i].old, layouts[i].old);
      EXPECT_HAS(got, kept);
      free(kept);
    }
    free(got);
    free(text);
  }
}

static void test_at_the_end_of_the_file(void) {
  /* metadata last, and no line end behind the last entry */
  const char *rest = strstr(sample_yaml, "acceptance_criteria:");
  const char *metadata = strstr(sample_yaml, "metadata:");
  const char *comment = strstr(sample_yaml, "  # a comment behind");
  char text[4096];
  snprintf(text, sizeof text, "schema: pv/contract/v1\n%s%.*s", rest, (int)(comment - metadata) - 1,
           metadata);
  char *got = rewritten(text);
  EXPECT_HAS(got, "        text.\n    - version: \"1.0.10\"\n");
  EXPECT_U64(strncmp(got, "schema", 6), 0);
  free(got);
}

static void refused(const char *from, const char *to, const char *why) {
  char *text = with(sample_yaml, from, to);
  char *got = rewritten(text);
  EXPECT_STR(got, "");
  EXPECT(err.code == PV_ERR_UNSUPPORTED);
  EXPECT_HAS(err.message, why);
  EXPECT(err.line > 0);
  free(got);
  free(text);
}

static void test_refusals(void) {
  const char *begin = strstr(sample_yaml, "\n    - version:");
  const char *end = strstr(sample_yaml, "  # a comment behind");
  char history[512];
  snprintf(history, sizeof history, "%.*s", (int)(end - begin), begin);
  refused("status: PROPOSED", "status: \"PROP\\x4fSED\"", "status");
  refused("\"1.0.9\"   #", "\"1.0.\\x39\"   #", "version");
  refused("status: PROPOSED # typed by pv", "status: >-\n    PROPOSED\n", "status");
  refused(history, " [{version: \"1.0.9\", date: \"2026-11-20\", kind: k, title: t}]\n", "history");
  refused(history, " []\n", "history");
}

static void test_quoted_scalars(void) {
  char *text = with(sample_yaml, "status: PROPOSED", "status: 'PROPOSED'");
  char *got = rewritten(text);
  EXPECT_HAS(got, "status: 'ACTIVE_RUNTIME' # typed");
  free(got);
  free(text);
}

static void test_bump(void) {
  char *out = NULL;
  static const char *const wrong[] = {
      "1.0",    "1.0.0.0", "1.0.x", "01.0.0", "", "1..0", "1.0.18446744073709551615",
      "-1.0.0", "1.0.0 "};
  EXPECT(pv_rewrite_bump(&arena, "1.4.9", &out, NULL) == PV_OK);
  EXPECT_STR(out, "1.4.10");
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    EXPECT(pv_rewrite_bump(&arena, wrong[i], &out, NULL) == PV_ERR_INPUT);
}

static void test_conflict_and_links(void) {
  char path[600], real[600];
  pv_contract *c = NULL;
  folder_write("c.yaml", sample_yaml);
  snprintf(path, sizeof path, "%s", folder_path("c.yaml"));
  REQUIRE(pv_contract_load(&arena, path, &c, &err) == PV_OK);
  const pv_rewrite w = change(c);
  char *other = with(sample_yaml, "A comment", "Another comment");
  folder_write("c.yaml", other);
  EXPECT(pv_rewrite_commit(&w, NULL, NULL, &err) == PV_ERR_CONFLICT);
  EXPECT_HAS(err.message, "changed since it was read");
  free(other);
  snprintf(real, sizeof real, "%s", folder_path("real.yaml"));
  folder_write("real.yaml", sample_yaml);
  EXPECT(unlink(path) == 0 && symlink(real, path) == 0);
  EXPECT(pv_rewrite_commit(&w, NULL, NULL, &err) == PV_ERR_INPUT);
  EXPECT_HAS(err.message, "link");
  EXPECT(unlink(path) == 0);
  EXPECT(pv_rewrite_commit(&w, NULL, NULL, &err) == PV_ERR_IO);
}

static pv_code refuse(void *context, pv_error *e) {
  (void)context;
  return pv_error_set(e, PV_ERR_IO, "the disk is full");
}

static void test_refused_before(void) {
  char path[600];
  pv_contract *c = NULL;
  pv_bytes bytes = {0};
  folder_write("c.yaml", sample_yaml);
  snprintf(path, sizeof path, "%s", folder_path("c.yaml"));
  REQUIRE(pv_contract_load(&arena, path, &c, &err) == PV_OK);
  const pv_rewrite w = change(c);
  EXPECT(pv_rewrite_commit(&w, refuse, NULL, &err) == PV_ERR_IO);
  EXPECT(pv_file_read(path, 1 << 20, &bytes, NULL) == PV_OK);
  EXPECT_STR((const char *)bytes.data, sample_yaml);
  pv_bytes_free(&bytes);
}

int main(void) {
  if (folder_make() == NULL) return 1;
  const int code = pv_testing_main("rewrite", (pv_case[]){PV_CASE(test_every_other_byte_stays),
                                                          PV_CASE(test_bound),
                                                          PV_CASE(test_twice),
                                                          PV_CASE(test_crlf_stays),
                                                          PV_CASE(test_newest_first),
                                                          PV_CASE(test_layouts),
                                                          PV_CASE(test_at_the_end_of_the_file),
                                                          PV_CASE(test_refusals),
                                                          PV_CASE(test_quoted_scalars),
                                                          PV_CASE(test_bump),
                                                          PV_CASE(test_conflict_and_links),
                                                          PV_CASE(test_refused_before),
                                                          {0}});
  pv_arena_free(&arena);
  folder_remove();
  return code;
}
