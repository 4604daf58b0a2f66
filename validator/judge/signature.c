#include "validator/judge/signature.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "base/json.h"
#include "base/parts.h"
#include "base/text.h"
#include "validator/run/run.h"
#include "validator/signed/manifest.h"

enum { ANSWER_MAX = 64 << 10, SECONDS = 3600 }; /* it hashes the model */

/* The child is this program: a crash over a hostile file ends it, not the verdict. */
static pv_code start(const char *model, const char *key, pv_text *answer, bool *answered,
                     pv_error *err) {
  const char *argv[] = {"/proc/self/exe", "signature", model, "--json", NULL, NULL, NULL};
  if (key != NULL) argv[4] = "--key", argv[5] = key;
  const pv_child_spec spec = {argv, NULL, 0, ANSWER_MAX};
  pv_child *child = NULL;
  pv_text channel = PV_TEXT_INIT;
  pv_child_event event = PV_CHILD_TIMEOUT;
  pv_code code = pv_child_start(&spec, &child, err);
  if (code != PV_OK) return code;
  code = pv_child_wait(child, SECONDS, &channel, ANSWER_MAX, &event, err);
  const pv_child_exit *end = pv_child_result(child);
  if (code == PV_OK && (event != PV_CHILD_EXIT || end->signal != 0))
    code =
        pv_error_set(err, PV_ERR_INPUT, "the signature of '%s' was not judged: %s", model,
                     event != PV_CHILD_EXIT ? "it was not done in time" : "its reader broke down");
  if (code == PV_OK) {
    *answered = pv_child_stdout(child)->length > 0; /* else it says on standard error why not */
    const pv_text *said = *answered ? pv_child_stdout(child) : pv_child_stderr(child);
    pv_text_add(answer, said->data == NULL ? "" : said->data, said->length);
    if (answer->failed) code = pv_error_nomem(err, "a signature");
  }
  pv_child_free(child);
  pv_text_free(&channel);
  return code;
}

static const char *text_at(pv_arena *arena, const json_t *object, const char *name) {
  const char *text = json_string_value(json_object_get(object, name));
  return text == NULL ? NULL : pv_arena_strdup(arena, text);
}

/* What the child says in JSON: verified, or why not. */
static pv_code take(pv_arena *arena, const pv_text *answer, pv_signature *out, pv_error *err) {
  json_t *said = json_loadb(answer->data, answer->length, JSON_REJECT_DUPLICATES, NULL);
  const char *state = text_at(arena, said, "state"), *why = text_at(arena, said, "why");
  const char *by = text_at(arena, said, "by");
  pv_signature s = {.sha256 = text_at(arena, said, "sha256"),
                    .root = text_at(arena, said, "model_signing_sha256")};
  json_decref(said);
  if (state != NULL && by != NULL && s.sha256 != NULL && s.root != NULL)
    s.told = pv_arena_printf(arena, "%s: %s, signed with %s", state, PV_MANIFEST_FILE, by);
  else if (state != NULL && why != NULL)
    s.told = pv_arena_printf(arena, "%s: %s", state, why);
  if (s.told == NULL) return pv_error_set(err, PV_ERR_INPUT, "the signature was not judged");
  *out = s;
  return PV_OK;
}

/* A relative path that is no option, whatever it begins with. */
static const char *named(pv_arena *arena, const pv_request *request, const pv_ground *ground) {
  const char *path = request->model != NULL ? request->model : ground->model;
  return path[0] == '/' ? path : pv_arena_printf(arena, "./%s", path);
}

pv_code pv_signature_ask(pv_arena *arena, const pv_request *request, const pv_ground *ground,
                         pv_signature *out, pv_error *err) {
  pv_text answer = PV_TEXT_INIT;
  pv_error local = PV_ERROR_INIT;
  bool answered = false;
  const char *key = request->model_key;
  *out = (pv_signature){0};
  if (ground->model == NULL && key == NULL) return PV_OK;
  if (ground->model == NULL)
    return pv_error_refuse(err, "name the model with --model", "--model-key is of a model");
  const char *model = named(arena, request, ground);
  if (model == NULL) return pv_error_nomem(err, "a signature");
  pv_code code = start(model, key, &answer, &answered, err);
  if (code == PV_OK && answered)
    code = take(arena, &answer, out, err);
  else if (code == PV_OK)
    code = pv_run_refusal(answer.data == NULL ? "" : answer.data, &local);
  if (code == PV_OK && key != NULL && out->sha256 == NULL)
    code = pv_error_refuse(&local, "leave --model-key out to judge a model that nobody signed",
                           "the model '%s' is %s", model, out->told);
  pv_text_free(&answer);
  if (local.code == PV_OK) return code;
  if (key != NULL) {
    if (err != NULL) *err = local;
    return code;
  }
  out->told = pv_arena_printf(arena, "not verified: %s", local.message);
  return out->told == NULL ? pv_error_nomem(err, "a signature") : PV_OK;
}

pv_code pv_signature_same(const pv_signature *signature, const pv_fact *model, size_t count,
                          pv_error *err) {
  const char *ran = pv_fact_value(model, count, "sha256");
  if (signature->sha256 == NULL || ran == NULL || strcmp(signature->sha256, ran) == 0) return PV_OK;
  return pv_error_set(err, PV_ERR_CONFLICT,
                      "the model changed after its signature was verified: its SHA-256 is %s", ran);
}

/* Of a model in several files the digests of its parts are known only where they were verified. */
static pv_code root_of(pv_arena *arena, const pv_result *r, const char **out, pv_error *err) {
  const char *path = pv_fact_value(r->model, r->model_count, "path");
  const char *sha256 = pv_fact_value(r->model, r->model_count, "sha256");
  char root[PV_SHA256_HEX];
  pv_parts parts;
  if (path == NULL || sha256 == NULL || strlen(sha256) != PV_SHA256_HEX - 1) return PV_OK;
  if (pv_parts_named(path, &parts) && parts.count > 1) return PV_OK;
  const pv_code code = pv_manifest_root(sha256, root, err);
  if (code == PV_OK) *out = pv_arena_strdup(arena, root);
  return code == PV_OK && *out == NULL ? pv_error_nomem(err, "a signature") : code;
}

pv_code pv_signature_tell(pv_arena *arena, const pv_signature *signature, pv_result *r,
                          pv_error *err) {
  const char *root = signature->root;
  if (r->model_count == 0 || signature->told == NULL) return PV_OK;
  if (root == NULL) {
    const pv_code code = root_of(arena, r, &root, err);
    if (code != PV_OK) return code;
  }
  pv_fact *facts = PV_ARENA_NEW(arena, r->model_count + 2, pv_fact);
  if (facts == NULL) return pv_error_nomem(err, "a signature");
  memcpy(facts, r->model, r->model_count * sizeof *facts);
  bool whole = pv_fact_make(arena, &facts[r->model_count++], "signature", signature->told);
  if (root != NULL)
    whole &= pv_fact_make(arena, &facts[r->model_count++], "model_signing_sha256", root);
  r->model = facts;
  return whole ? PV_OK : pv_error_nomem(err, "a signature");
}
