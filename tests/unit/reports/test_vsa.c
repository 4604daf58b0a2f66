/* The verification summary of every sample, and the table of thresholds. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/reports/sample.h"
#include "tests/unit/reports/xml_scan.h"
#include "tests/unit/testing.h"

static json_t *summary(sample_kind kind, const char *statement) {
  pv_text out = PV_TEXT_INIT;
  sample *s = sample_make(kind);
  json_t *root = NULL;
  if (EXPECT(s != NULL) && EXPECT(pv_render_vsa(&s->result, statement, &out, NULL) == PV_OK))
    root = json_loadb(out.data, out.length, JSON_REJECT_DUPLICATES, NULL);
  EXPECT(root != NULL);
  pv_text_free(&out);
  sample_free(s);
  return root;
}

static const char *text_at(const json_t *object, const char *name) {
  return json_string_value(json_object_get(object, name));
}

static void test_every_sample(void) {
  for (int kind = 0; kind < SAMPLE_KINDS; kind++) {
    json_t *root = summary((sample_kind)kind, NULL);
    const json_t *p = json_object_get(root, "predicate");
    const json_t *subjects = json_object_get(root, "subject");
    const char *uri = text_at(p, "resourceUri");
    EXPECT_STR(text_at(root, "_type"), "https://in-toto.io/Statement/v1");
    EXPECT_STR(text_at(root, "predicateType"), "https://slsa.dev/verification_summary/v1");
    EXPECT(json_array_size(subjects) > 0);
    for (size_t i = 0; i < json_array_size(subjects); i++)
      EXPECT_U64(strlen(text_at(json_object_get(json_array_get(subjects, i), "digest"), "sha256")),
                 64);
    /* Nothing of a stranger's leaves its place in an address. */
    REQUIRE(uri != NULL);
    EXPECT_U64(
        strspn(uri, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_~%?=:/"),
        strlen(uri));
    EXPECT(strncmp(uri, "pkg:generic/", 12) == 0);
    EXPECT(json_object_get(p, "inputAttestations") == NULL);
    json_decref(root);
  }
}

static void test_carried(void) {
  json_t *root = summary(SAMPLE_CARRIED, "1234");
  const json_t *p = json_object_get(root, "predicate");
  EXPECT_STR(text_at(p, "verificationResult"), "PASSED");
  EXPECT_STR(json_string_value(json_array_get(json_object_get(p, "verifiedLevels"), 0)),
             "SLSA_BUILD_LEVEL_UNEVALUATED");
  EXPECT_STR(json_string_value(json_array_get(json_object_get(p, "verifiedLevels"), 1)),
             "PV_ACTIVE_ALGORITHM_LEVEL");
  EXPECT_STR(text_at(json_object_get(p, "verifier"), "id"), "pkg:generic/pv-contracts");
  EXPECT_U64(strlen(text_at(json_object_get(json_object_get(p, "policy"), "digest"), "sha256")),
             64);
  EXPECT_STR(
      text_at(json_object_get(json_array_get(json_object_get(p, "inputAttestations"), 0), "digest"),
              "sha256"),
      "1234");
  json_decref(root);
}

/* PASSED says "Verified", and no other outcome does. */
static void test_never_better(void) {
  sample *s = sample_make(SAMPLE_CARRIED);
  REQUIRE(s != NULL);
  for (int i = 0; i < 3; i++) {
    pv_text out = PV_TEXT_INIT;
    pv_result r = s->result;
    if (i == 0) r.exit_code = 3;
    if (i == 1) r.status_before = r.status_after = PV_STATUS_DEPRECATED;
    if (i == 2) r.status_before = PV_STATUS_DRAFT; /* claims nothing */
    EXPECT(pv_render_vsa(&r, NULL, &out, NULL) == PV_OK);
    EXPECT_HAS(out.data, "\"verificationResult\": \"FAILED\"");
    EXPECT(strstr(out.data, "PV_") == NULL);
    pv_text_free(&out);
  }
  sample_free(s);
  json_t *root = summary(SAMPLE_REFUTED, NULL);
  EXPECT_STR(text_at(json_object_get(root, "predicate"), "verificationResult"), "FAILED");
  json_decref(root);
}

static void test_thresholds(void) {
  static const char *const words[] = {"yes", "no", "not known"};
  sample *s = sample_make(SAMPLE_CARRIED);
  pv_text markdown = PV_TEXT_INIT, html = PV_TEXT_INIT;
  size_t at = 0;
  REQUIRE(s != NULL && s->result.falsifier_count >= 3);
  for (size_t i = 0; i < 3; i++)
    s->result.falsifiers[i].fixed = (pv_fixed){.name = sample_hostile,
                                               .value = "4",
                                               .commit = i < 2 ? "0123456789abcdef" : NULL,
                                               .date = i < 2 ? "2026-02-01T00:00:00Z" : NULL,
                                               .why = i > 0 ? sample_hostile : NULL,
                                               .before = i == 0};
  EXPECT(pv_render_markdown(&s->result, NULL, &markdown, NULL) == PV_OK);
  EXPECT(pv_render_html(&s->result, NULL, &html, NULL) == PV_OK);
  EXPECT(xml_scan(strchr(html.data, '>') + 1,
                  (size_t)(html.data + html.length - strchr(html.data, '>') - 1), &at) == NULL);
  const char *table = strstr(markdown.data, "## When the thresholds were fixed");
  REQUIRE(table != NULL);
  EXPECT_HAS(table, " | 2026-02-01T00:00:00Z, 0123456789ab | yes |\n");
  for (size_t i = 0; i < 3; i++) {
    char cell[32];
    snprintf(cell, sizeof cell, "| %s |\n", words[i]);
    EXPECT_HAS(table, cell);
    snprintf(cell, sizeof cell, ">%s</td></tr>", words[i]);
    EXPECT_HAS(html.data, cell);
  }
  pv_text_free(&markdown);
  pv_text_free(&html);
  sample_free(s);
}

int main(void) {
  return pv_testing_main("summary", (pv_case[]){PV_CASE(test_every_sample),
                                                PV_CASE(test_carried),
                                                PV_CASE(test_never_better),
                                                PV_CASE(test_thresholds),
                                                {0}});
}
