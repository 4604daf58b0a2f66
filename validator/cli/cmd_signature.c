/* pv signature: is a model signed, by whom, and is it still the model that was signed? A command of
 * its own, for model.sig is a stranger's: `pv validate` starts it as a child and believes the
 * answer, so that no process that may write a status reads it. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/options.h"
#include "base/output.h"
#include "reports/render/put.h"
#include "validator/cli/commands.h"
#include "validator/signed/manifest.h"

typedef struct call {
  const char *key, *words[1];
  bool json, help;
} call;

typedef struct answer {
  const char *state; /* "verified", "not verified", "not signed" */
  const char *why;   /* of all but the first */
  char by[PV_SIGNED_BY];
  pv_manifest model; /* of the first */
} answer;

/* The signature lies beside the model, whatever that is a link to. */
static pv_code beside(const char *model, char out[PATH_MAX], pv_error *err) {
  const char *slash = strrchr(model, '/');
  const int folder = slash == NULL ? 0 : (int)(slash - model + 1);
  struct stat info;
  if (stat(model, &info) != 0 || !S_ISREG(info.st_mode))
    return pv_error_refuse(err, "name a model's file", "there is no model '%s'", model);
  return snprintf(out, PATH_MAX, "%.*s" PV_MANIFEST_FILE, folder, model) < PATH_MAX
             ? PV_OK
             : pv_error_set(err, PV_ERR_INPUT, "the model's path is too long");
}

static pv_code look(pv_arena *arena, const call *c, answer *out, pv_error *err) {
  char path[PATH_MAX];
  pv_signed s = {0};
  pv_key key = {0};
  pv_code code = beside(c->words[0], path, err);
  if (code == PV_OK && c->key != NULL) code = pv_key_read(c->key, &key, err);
  if (code != PV_OK) goto cleanup;
  if (access(path, F_OK) != 0) {
    *out =
        (answer){.state = "not signed", .why = "there is no " PV_MANIFEST_FILE " beside the model"};
    goto cleanup;
  }
  code = pv_signed_read(arena, path, &s, err);
  if (code != PV_OK) goto cleanup;
  out->state = "not verified";
  if (c->key == NULL) {
    out->why = s.keyless != NULL ? s.keyless : "no key was named";
    goto cleanup;
  }
  code = pv_signed_verify(&s, &key, out->by, err);
  if (code == PV_OK) code = pv_manifest_check(&s, c->words[0], &out->model, err);
  if (code == PV_OK) out->state = "verified";
cleanup:
  pv_signed_free(&s);
  pv_key_free(&key);
  return code;
}

static pv_code print_json(const call *c, const answer *a, pv_error *err) {
  const bool verified = a->why == NULL;
  json_t *object =
      json_pack("{s:s, s:o, s:s, s:o, s:o, s:o, s:o}", "schema", "pv/signature/v1", "model",
                pv_json_text(c->words[0]), "state", a->state, "why", pv_json_exact(a->why), "by",
                pv_json_exact(verified ? a->by : NULL), "sha256",
                pv_json_exact(verified ? a->model.sha256 : NULL), "model_signing_sha256",
                pv_json_exact(verified ? a->model.root : NULL));
  return pv_json_print(object, JSON_INDENT(2), err);
}

static pv_code print(const call *c, const answer *a, pv_error *err) {
  pv_text out = PV_TEXT_INIT;
  pv_put_plain(&out, "%s: %s\n", c->words[0], a->state);
  if (a->why != NULL)
    pv_put_plain(&out, "  %s\n", a->why);
  else
    pv_put_plain(&out, "  signed with %s\n  sha256         %s\n  model signing  %s\n", a->by,
                 a->model.sha256, a->model.root);
  const pv_code code = out.failed ? pv_error_nomem(err, "what is said of the signature")
                                  : pv_output_write(out.data, out.length, err);
  pv_text_free(&out);
  return code;
}

int pv_cmd_signature(int argc, char **argv) {
  pv_arena arena = PV_ARENA_INIT;
  pv_error err = PV_ERROR_INIT;
  call c = {0};
  answer a = {0};
  int exit_code = 0;
  const pv_option list[] = {
      {"--key", "FILE", "a public key, or certificates that the signer's leads to (PEM)", &c.key,
       NULL},
      {"--json", NULL, "one JSON object", NULL, &c.json},
      {0}};
  pv_options options = {
      .command = "signature",
      .summary =
          "Verifies the model.sig (OpenSSF Model Signing) beside a model: that the key signed it,\n"
          "and that the file, or each part of it, has the digest that was signed.\n"
          "Exit codes: 0 verified; 2 the signature does not hold, or wrong input or call;\n"
          "3 not signed, or not verified: no key was named, or it is keyless.",
      .positional = "MODEL",
      .examples =
          "  pv signature models/tiny-coder-moe-Q4_K_M.gguf\n"
          "  pv signature M.gguf --key publisher.pub\n",
      .list = list,
      .rest = c.words,
      .rest_max = 1};
  pv_code code = pv_options_parse(&options, argc, argv, &c.help, &err);
  if (code == PV_OK && !c.help && options.rest_count != 1)
    code = pv_error_refuse(&err, "for example: pv signature model.gguf --key publisher.pub",
                           "name one model");
  if (code == PV_OK && !c.help) code = look(&arena, &c, &a, &err);
  if (code == PV_OK && !c.help) {
    code = c.json ? print_json(&c, &a, &err) : print(&c, &a, &err);
    exit_code = a.why == NULL ? 0 : 3;
  }
  if (code != PV_OK) {
    pv_error_print(&err, stderr);
    exit_code = code == PV_ERR_UNSUPPORTED ? 3 : pv_code_exit(code);
  }
  pv_arena_free(&arena);
  return exit_code;
}
