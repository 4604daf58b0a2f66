/* Whole reports against files. PV_UPDATE_GOLDEN=1 writes the files anew (and fails, so that it is
 * never left on); read the difference before committing it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "tests/unit/reports/sample.h"
#include "tests/unit/testing.h"

#define FOLDER "tests/unit/reports/golden/"

static const pv_render_links links = {
    .folder = "reports/runs/some-v1/20261122T101500Z-7ab5d193",
    .evidence_sha256 = "0000000000000000000000000000000000000000000000000000000000000001"};

static void compare(const char *name, const char *suffix, const char *data, size_t length) {
  char path[256];
  pv_bytes want = {0};
  pv_error err = PV_ERROR_INIT;
  snprintf(path, sizeof path, FOLDER "%s%s", name, suffix);
  if (getenv("PV_UPDATE_GOLDEN") != NULL) {
    EXPECT(pv_file_replace(path, data, length, &err) == PV_OK);
    EXPECT(!"golden files were written anew: run again without PV_UPDATE_GOLDEN");
    return;
  }
  if (!EXPECT(pv_file_read(path, 4u << 20, &want, &err) == PV_OK)) {
    pv_error_print(&err, stderr);
    return;
  }
  const bool same = want.length == length && memcmp(want.data, data, length) == 0;
  if (!EXPECT(same)) {
    size_t at = 0;
    while (at < length && at < want.length && (char)want.data[at] == data[at]) at++;
    fprintf(stderr, "  %s differs at byte %zu: ...%.60s\n", path, at,
            data + (at < 20 ? 0 : at - 20));
  }
  pv_bytes_free(&want);
}

#define GOLDEN(kind, suffix, call)                                                          \
  do {                                                                                      \
    pv_text out = PV_TEXT_INIT;                                                             \
    pv_error err = PV_ERROR_INIT;                                                           \
    if (EXPECT((call) == PV_OK)) compare(sample_names[kind], suffix, out.data, out.length); \
    pv_text_free(&out);                                                                     \
  } while (0)

static void texts(sample_kind kind) {
  const pv_terminal wide = {.color = true, .width = 100};
  const pv_terminal narrow = {.ascii = true, .width = 50};
  sample *s = sample_make(kind);
  REQUIRE(s != NULL);
  const pv_result *r = &s->result;
  GOLDEN(kind, ".md", pv_render_markdown(r, &links, &out, &err));
  GOLDEN(kind, ".junit.xml", pv_render_junit(r, &out, &err));
  GOLDEN(kind, ".statement.json", pv_render_statement(r, &links, &out, &err));
  GOLDEN(kind, ".json", pv_render_json(r, &links, &out, &err));
  GOLDEN(kind, ".color.txt", pv_render_terminal(r, &links, &wide, &out, &err));
  GOLDEN(kind, ".ascii.txt", pv_render_terminal(r, &links, &narrow, &out, &err));
  sample_free(s);
}

static void test_carried(void) {
  texts(SAMPLE_CARRIED);
}
static void test_refuted(void) {
  texts(SAMPLE_REFUTED);
}
static void test_every_verdict(void) {
  texts(SAMPLE_EVERY);
}
static void test_empty(void) {
  texts(SAMPLE_EMPTY);
}
static void test_hostile(void) {
  texts(SAMPLE_HOSTILE);
}

static void test_html(void) {
  const sample_kind kinds[] = {SAMPLE_EVERY, SAMPLE_HOSTILE};
  for (size_t i = 0; i < 2; i++) {
    sample *s = sample_make(kinds[i]);
    REQUIRE(s != NULL);
    GOLDEN(kinds[i], ".html", pv_render_html(&s->result, &links, &out, &err));
    sample_free(s);
  }
}

static void pictures(sample_kind kind, size_t count) {
  sample *s = sample_make(kind);
  REQUIRE(s != NULL);
  pv_pictures p;
  pv_error err = PV_ERROR_INIT;
  EXPECT(pv_render_pictures(&s->result, &p, &err) == PV_OK);
  EXPECT_U64(p.count, count);
  for (size_t i = 0; i < p.count; i++) {
    char suffix[48];
    snprintf(suffix, sizeof suffix, ".picture-%zu.svg", i);
    compare(sample_names[kind], suffix, p.items[i].svg, p.items[i].svg_length);
  }
  pv_pictures_free(&p);
  sample_free(s);
}

static void test_pictures(void) {
  pictures(SAMPLE_REFUTED, 3);
  pictures(SAMPLE_HOSTILE, 3);
  pictures(SAMPLE_EMPTY, 0);
}

int main(void) {
  return pv_testing_main("reports golden", (pv_case[]){PV_CASE(test_carried),
                                                       PV_CASE(test_refuted),
                                                       PV_CASE(test_every_verdict),
                                                       PV_CASE(test_empty),
                                                       PV_CASE(test_hostile),
                                                       PV_CASE(test_html),
                                                       PV_CASE(test_pictures),
                                                       {0}});
}
