/* pv lint: the static rules over files and folders. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/options.h"
#include "reports/render/put.h"
#include "validator/cli/colour.h"
#include "validator/cli/commands.h"
#include "validator/cli/files.h"
#include "validator/model/contract_load.h"
#include "validator/rules/rules.h"
#include "validator/run/run.h"

typedef struct lint {
  const char *only;          /* one rule id, or NULL */
  pv_arena arena;            /* holds `known` */
  const pv_known *known;     /* NULL until a contract is met that needs it */
  bool json, colour, failed; /* failed: memory was out for a text */
  json_t *all;
  size_t files, contracts, severe, warnings;
} lint;

static void show_json(lint *l, const pv_finding *f) {
  pv_json_append(
      &l->all,
      json_pack("{s:s, s:s, s:I, s:I, s:o, s:o, s:o}", "rule", f->rule->id, "severity",
                f->rule->severity == PV_SEVERE ? "error" : "warning", "line", (json_int_t)f->line,
                "column", (json_int_t)f->column, "file", pv_json_string(f->file), "message",
                pv_json_string(f->message), "hint", pv_json_string(f->hint)));
}

static void show(lint *l, const pv_finding *f) {
  const bool severe = f->rule->severity == PV_SEVERE;
  if (l->only != NULL && strcmp(l->only, f->rule->id) != 0) return;
  l->severe += severe;
  l->warnings += !severe;
  if (l->json) {
    show_json(l, f);
    return;
  }
  bool whole = pv_put_print("%s", f->file);
  if (f->line > 0) printf(":%lld:%lld", (long long)f->line, (long long)f->column);
  printf(": %s%s%s: ", l->colour ? (severe ? "\033[1;31m" : "\033[1;33m") : "",
         severe ? "error" : "warning", l->colour ? "\033[0m" : "");
  whole &= pv_put_print("%s [%s]\n", f->message, f->rule->id);
  if (f->hint[0] != '\0') whole &= pv_put_print("  %s\n", f->hint);
  l->failed |= !whole;
}

static pv_code add_flaws(pv_arena *arena, pv_findings *findings, const pv_flaws *flaws,
                         pv_error *err) {
  pv_code code = PV_OK;
  for (size_t i = 0; i < flaws->count && code == PV_OK; i++)
    code = pv_findings_from_error(arena, findings, &flaws->items[i], err);
  return code;
}

/* Findings of one file; what a reader refuses is among them. A file that was `named` is meant to be
 * a contract, one that lies in a folder need not be. */
static pv_code judge(lint *l, pv_arena *arena, const char *path, bool named, pv_findings *findings,
                     pv_error *err) {
  pv_error local = PV_ERROR_INIT;
  pv_flaws flaws = {0};
  pv_bytes bytes = {0};
  pv_yaml_node *root = NULL;
  pv_contract *contract = NULL;
  pv_code code = pv_file_read(path, PV_YAML_BYTES_MAX, &bytes, &local);
  if (code == PV_ERR_LIMIT) pv_error_rule(&local, "PV001");
  if (code == PV_OK) code = pv_yaml_parse(arena, path, bytes.data, bytes.length, &root, &local);
  if (code != PV_OK) {
    pv_bytes_free(&bytes);
    return pv_findings_from_error(arena, findings, &local, err);
  }
  const pv_contract_kind kind = pv_contract_kind_of(root);
  if (kind != PV_CONTRACT_OURS) code = pv_rules_dialect(arena, path, root, findings, &local);
  if (code == PV_OK && (kind == PV_CONTRACT_OURS || (kind == PV_CONTRACT_NONE && named)))
    code = pv_contract_read_bytes(arena, path, bytes.data, bytes.length, &contract, &flaws, &local);
  pv_bytes_free(&bytes);
  if (flaws.count > 0) return add_flaws(arena, findings, &flaws, err);
  if (code != PV_OK) return pv_findings_from_error(arena, findings, &local, err);
  if (contract == NULL) return PV_OK;
  l->contracts++;
  code = l->known != NULL ? PV_OK : pv_run_describe(&l->arena, NULL, 0, &l->known, err);
  return code == PV_OK ? pv_rules_run(arena, l->known, contract, findings, err) : code;
}

static pv_code lint_file(lint *l, const char *path, bool named, pv_error *err) {
  pv_arena arena = PV_ARENA_INIT;
  pv_findings findings = {0};
  l->files++;
  const pv_code code = judge(l, &arena, path, named, &findings, err);
  for (size_t i = 0; i < findings.count; i++) show(l, &findings.items[i]);
  pv_arena_free(&arena);
  return code;
}

static pv_code lint_folder(lint *l, const char *path, pv_error *err) {
  pv_strings files;
  pv_code code = pv_files_yaml(&l->arena, path, &files, err);
  if (code == PV_OK && files.count == 0) {
    code = pv_error_set(err, PV_ERR_INPUT, "there is no YAML file in this folder");
    pv_error_at(err, path, 0, 0, -1);
  }
  for (size_t i = 0; code == PV_OK && i < files.count; i++)
    code = lint_file(l, files.items[i], false, err);
  return code;
}

static pv_code finish(const lint *l, pv_error *err) {
  if (l->json) {
    json_t *root =
        json_pack("{s:s, s:O, s:I, s:I, s:I, s:I}", "schema", "pv/lint/v1", "findings", l->all,
                  "files", (json_int_t)l->files, "contracts", (json_int_t)l->contracts, "errors",
                  (json_int_t)l->severe, "warnings", (json_int_t)l->warnings);
    /* Escapes keep a message from moving the cursor or turning a line around. */
    return pv_json_print(root, JSON_INDENT(1) | JSON_ENSURE_ASCII, err);
  }
  if (l->failed) return pv_error_nomem(err, "the findings");
  printf("%zu file%s, %zu contract%s: %zu error%s, %zu warning%s\n", l->files,
         l->files == 1 ? "" : "s", l->contracts, l->contracts == 1 ? "" : "s", l->severe,
         l->severe == 1 ? "" : "s", l->warnings, l->warnings == 1 ? "" : "s");
  return PV_OK;
}

int pv_cmd_lint(int argc, char **argv) {
  enum { PATHS = 4096 };
  lint l = {0};
  bool help = false;
  const char *color = NULL;
  const pv_option list[] = {{"--json", NULL, "one JSON object", NULL, &l.json},
                            {"--rule", "ID", "only findings of this rule", &l.only, NULL},
                            PV_COLOUR_OPTION(&color),
                            {0}};
  const char *paths[PATHS];
  pv_options options = {
      .command = "lint",
      .summary =
          "Checks contracts without running anything: syntax, schema, binding, versions.\n"
          "Reads an older dialect too. Exit code 0: no errors; 2: errors. A file that is named "
          "must\n"
          "be a contract; in a folder other YAML is only mentioned.",
      .positional = "FILE|DIR...",
      .examples = "  pv lint contracts\n  pv lint contracts/moe-router-v1.yaml --json\n",
      .list = list,
      .rest = paths,
      .rest_max = PATHS};
  pv_error err = PV_ERROR_INIT;
  pv_code code = pv_options_parse(&options, argc, argv, &help, &err);
  if (code == PV_OK && help) goto cleanup;
  if (code == PV_OK && options.rest_count == 0)
    code = pv_error_set(&err, PV_ERR_INPUT, "name a contract or a folder");
  if (code == PV_OK && l.only != NULL && pv_rule_find(l.only) == NULL) {
    code = pv_error_set(&err, PV_ERR_INPUT, "there is no rule '%s'", l.only);
    pv_error_hint(&err, "`pv explain` lists all rules");
  }
  if (code == PV_OK) code = pv_colour_wanted(color, &l.colour, &err);
  l.all = json_array();
  for (size_t i = 0; i < options.rest_count && code == PV_OK; i++) {
    code = pv_files_is_folder(paths[i]) ? lint_folder(&l, paths[i], &err)
                                        : lint_file(&l, paths[i], true, &err);
  }
  if (code == PV_OK) code = finish(&l, &err);
cleanup:
  json_decref(l.all);
  pv_arena_free(&l.arena);
  if (code != PV_OK) pv_error_print(&err, stderr);
  return code != PV_OK ? pv_code_exit(code) : l.severe > 0 ? 2 : 0;
}
