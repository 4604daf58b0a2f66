/* An in-toto Statement v1 with the test-result predicate: who claims that which bytes passed which
 * tests. Subjects are the things tested, so the digests of the model, the probe and the evidence;
 * the contract is the configuration of the test. */
#include <string.h>

#include "reports/render/json_parts.h"

static bool is_digest(const char *value) {
  return strlen(value) == 64 && strspn(value, "0123456789abcdef") == 64;
}

void pv_statement_resource(json_t **list, const char *name, const char *digest) {
  if (is_digest(pv_view_text(digest)))
    pv_json_append(
        list, json_pack("{s:o, s:{s:s}}", "name", pv_json_text(name), "digest", "sha256", digest));
}

void pv_statement_facts(json_t **list, const pv_fact *facts, size_t count, const char *whole,
                        const char *const *only) {
  static const char suffix[] = "sha256";
  for (size_t i = 0; i < count; i++) {
    const char *name = pv_view_text(facts[i].name);
    if (only != NULL && !pv_known_lists(only, name)) continue;
    const size_t length = strlen(name);
    if (length < sizeof suffix - 1 || strcmp(name + length - (sizeof suffix - 1), suffix) != 0)
      continue;
    size_t stem = length - (sizeof suffix - 1);
    while (stem > 0 && strchr(" _.-", name[stem - 1]) != NULL) stem--;
    pv_text subject = PV_TEXT_INIT;
    pv_text_add(&subject, stem > 0 ? name : whole, stem > 0 ? stem : strlen(whole));
    if (subject.failed) pv_json_append(list, NULL);
    pv_statement_resource(list, subject.data, facts[i].value);
    pv_text_free(&subject);
  }
}

static json_t *subjects(const pv_result *r, const pv_render_links *links) {
  json_t *list = json_array();
  const char *model = pv_fact_value(r->model, r->model_count, "path");
  if (links != NULL) pv_statement_resource(&list, "evidence.json", links->evidence_sha256);
  pv_statement_facts(&list, r->model, r->model_count, model != NULL ? model : "model", NULL);
  pv_statement_facts(&list, r->environment, r->environment_count, "environment", NULL);
  /* Without any other digest the statement is still about something: the contract itself. */
  if (json_array_size(list) == 0)
    pv_statement_resource(&list, r->contract->path, r->contract->sha256);
  return list;
}

/* `passed`: names of the falsifiers that passed; otherwise those that are false. Those without an
 * answer are warned: neither passed nor failed. */
static json_t *tests(const pv_result *r, int kind) {
  json_t *list = json_array();
  for (size_t i = 0; i < r->falsifier_count; i++) {
    const pv_concern concern = pv_view_concern(r->falsifiers[i].verdict);
    const int of = concern == PV_CONCERN_NONE ? 0 : concern == PV_CONCERN_FALSE ? 2 : 1;
    if (of == kind) pv_json_append(&list, pv_json_text(r->falsifiers[i].falsifier->id));
  }
  return list;
}

static const char *outcome(const pv_result *r) {
  if (r->part.of > 0) return r->exit_code == 1 ? "FAILED" : "WARNED";
  if (r->exit_code == 1 || !r->status_carried) return "FAILED";
  const bool open = pv_view_count(r, PV_CONCERN_NONE) != r->criterion_count;
  return r->exit_code == 0 && !open               ? "PASSED"
         : r->exit_code == 0 || r->exit_code == 3 ? "WARNED"
                                                  : "FAILED";
}

pv_code pv_render_statement(const pv_result *result, const pv_render_links *links, pv_text *out,
                            pv_error *err) {
  const pv_code code = pv_render_check(result, err);
  if (code != PV_OK) return code;
  json_t *predicate =
      json_pack("{s:s, s:[{s:o, s:{s:s}}], s:o, s:o, s:o}", "result", outcome(result),
                "configuration", "name", pv_json_text(result->contract->path), "digest", "sha256",
                result->contract->sha256, "passedTests", tests(result, 0), "warnedTests",
                tests(result, 1), "failedTests", tests(result, 2));
  json_t *statement = json_pack("{s:s, s:o, s:s, s:o}", "_type", "https://in-toto.io/Statement/v1",
                                "subject", subjects(result, links), "predicateType",
                                PV_RENDER_TEST_RESULT, "predicate", predicate);
  return pv_json_put(out, statement, err);
}
