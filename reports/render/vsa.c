/* vsa.json: the same run as one verdict, an in-toto Statement v1 with SLSA's verification summary
 * as its predicate. Of the known types it is the one that has a place for each of what a release
 * gate asks: which policy (the contract), which verifier (pv), which bytes (model, kernels), held
 * or not. test-result, which statement.json has, names the tests and neither policy nor verifier.
 *
 * PASSED says "Verified" and nothing less: a run that could not judge everything, a declared
 * divergence and a contract that claims nothing are FAILED here, for the type has no third word. */
#include <ctype.h>
#include <string.h>

#include "reports/render/json_parts.h"

#define VERIFIER "pkg:generic/pv-contracts"

/* "pkg:generic/NAME?checksum=sha256:DIGEST", of the last part of a path. */
static json_t *resource(const char *path, const char *digest) {
  const char *slash = strrchr(path, '/');
  pv_text text = PV_TEXT_INIT;
  pv_text_puts(&text, "pkg:generic/");
  for (const char *c = slash == NULL ? path : slash + 1; *c != '\0'; c++)
    if (isalnum((unsigned char)*c) || strchr(".-_~", *c) != NULL)
      pv_text_add(&text, c, 1);
    else
      pv_text_printf(&text, "%%%02X", (unsigned)(unsigned char)*c);
  pv_text_printf(&text, "?checksum=sha256:%s", digest);
  json_t *out = text.failed ? NULL : json_string(text.data);
  pv_text_free(&text);
  return out;
}

/* Whatever is said of the two programs: pv_version, pv_sha256, probe_version, probe_sha256. */
static json_t *versions(const pv_result *r) {
  json_t *out = json_object();
  for (size_t i = 0; i < r->environment_count; i++) {
    const char *name = pv_view_text(r->environment[i].name);
    if (strncmp(name, "pv_", 3) == 0 || strncmp(name, "probe_", 6) == 0)
      pv_json_set(&out, name, pv_json_text(r->environment[i].value));
  }
  return out;
}

/* The file by its bytes and, where no source differs from it, the commit of its repository. */
static json_t *policy(const pv_result *r) {
  const char *git = pv_view_text(pv_fact_value(r->environment, r->environment_count, "git"));
  json_t *digest = json_pack("{s:s}", "sha256", r->contract->sha256);
  if (git[0] != '\0' && git[strspn(git, "0123456789abcdef")] == '\0')
    pv_json_set(&digest, "gitCommit", json_string(git));
  return json_pack("{s:o, s:o}", "uri", pv_json_text(r->contract->path), "digest", digest);
}

static json_t *levels(const pv_result *r, bool passed) {
  pv_text level = PV_TEXT_INIT;
  json_t *list = json_array();
  if (passed) pv_json_append(&list, json_string("SLSA_BUILD_LEVEL_UNEVALUATED"));
  pv_text_printf(&level, passed ? "PV_%s" : "FAILED", pv_contract_status_name(r->status_after));
  pv_json_append(&list, level.failed ? NULL : json_string(level.data));
  pv_text_free(&level);
  return list;
}

static json_t *subjects(const pv_result *r) {
  static const char *const of_model[] = {"sha256", "model_signing_sha256", NULL};
  static const char *const only[] = {"kernels_sha256", "ptx_sha256", NULL};
  json_t *list = json_array();
  const char *model = pv_fact_value(r->model, r->model_count, "path");
  pv_statement_facts(&list, r->model, r->model_count, model != NULL ? model : "model", of_model);
  pv_statement_facts(&list, r->environment, r->environment_count, "environment", only);
  if (json_array_size(list) == 0)
    pv_statement_resource(&list, r->contract->path, r->contract->sha256);
  return list;
}

pv_code pv_render_vsa(const pv_result *r, const char *statement_sha256, pv_text *out,
                      pv_error *err) {
  const pv_code code = pv_render_check(r, err);
  if (code != PV_OK) return code;
  const bool passed = r->exit_code == 0 && strcmp(pv_view_outcome(r), "Verified") == 0;
  const char *model = pv_fact_value(r->model, r->model_count, "path");
  const char *digest = pv_fact_value(r->model, r->model_count, "sha256");
  const bool named = model != NULL && digest != NULL;
  json_t *predicate =
      json_pack("{s:{s:s, s:o}, s:o, s:o, s:o, s:s, s:o, s:s}", "verifier", "id", VERIFIER,
                "version", versions(r), "timeVerified", pv_json_text(r->started), "resourceUri",
                resource(named ? model : pv_view_text(r->contract->path),
                         named ? digest : r->contract->sha256),
                "policy", policy(r), "verificationResult", passed ? "PASSED" : "FAILED",
                "verifiedLevels", levels(r, passed), "slsaVersion", "1.0");
  if (statement_sha256 != NULL)
    pv_json_set(&predicate, "inputAttestations",
                json_pack("[{s:s, s:{s:s}}]", "uri", "statement.json", "digest", "sha256",
                          statement_sha256));
  json_t *statement =
      json_pack("{s:s, s:o, s:s, s:o}", "_type", "https://in-toto.io/Statement/v1", "subject",
                subjects(r), "predicateType", PV_RENDER_VSA, "predicate", predicate);
  return pv_json_put(out, statement, err);
}
