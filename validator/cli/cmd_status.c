/* pv status: what supports the status of each contract. No falsifier is run: receipts are held
 * against the digests of what lies here and against what the probe says of itself. */
#include <errno.h>
#include <jansson.h>
#include <unistd.h>

#include "base/json.h"
#include "base/options.h"
#include "base/output.h"
#include "reports/render/put.h"
#include "validator/cli/commands.h"
#include "validator/cli/files.h"
#include "validator/judge/judge.h"
#include "validator/judge/own.h"
#include "validator/model/bind.h"
#include "validator/model/contract_load.h"
#include "validator/model/told.h"
#include "validator/store/derive.h"

enum { FILES_MAX = 256 };

typedef struct listing {
  pv_arena *arena;
  const char *files[FILES_MAX];
  size_t count;
  const char *model, *reference, *probe;
  const pv_known *known;
  json_t *json; /* array, or NULL */
  int code;
} listing;

static pv_code add_file(listing *l, const char *path, pv_error *err) {
  if (l->count == FILES_MAX)
    return pv_error_set(err, PV_ERR_LIMIT, "more than %d contracts at once", FILES_MAX);
  l->files[l->count++] = path;
  return PV_OK;
}

/* A file as it is; a folder's YAML files, sorted. */
static pv_code add_path(listing *l, const char *path, pv_error *err) {
  pv_strings files;
  const pv_code named = pv_own_contract(l->arena, path, &path, err);
  if (named != PV_OK) return named;
  if (access(path, F_OK) != 0) {
    pv_error_errno(err, errno, "cannot open '%s'", path);
    if (err != NULL) err->code = PV_ERR_INPUT;
    return PV_ERR_INPUT;
  }
  if (!pv_files_is_folder(path)) return add_file(l, path, err);
  pv_code code = pv_files_yaml(l->arena, path, &files, err);
  for (size_t i = 0; code == PV_OK && i < files.count; i++) code = add_file(l, files.items[i], err);
  return code;
}

/* One criterion: verdict, and the receipt that it comes from or what is wrong with it. */
static void put_criterion(pv_text *out, const pv_result *r, const pv_criterion_result *c) {
  pv_text_printf(out, "    %-12s ", pv_verdict_name(c->verdict));
  pv_put_plain(out, "%s", c->criterion->id);
  for (size_t i = 0; i < c->falsifier_count; i++) {
    const pv_falsifier_result *f = &r->falsifiers[c->falsifiers[i]];
    if (f->verdict != c->verdict) continue;
    if (f->source == PV_FROM_RECEIPT)
      pv_put_plain(out, "  receipt %s, %s", f->receipt_run, f->receipt_device);
    else if (f->verdict == PV_STALE || f->judged_elsewhere)
      pv_put_plain(out, "  %s", f->reason);
    break;
  }
  pv_text_puts(out, "\n");
}

static void put_contract(pv_text *out, const pv_judgement *j) {
  const pv_result *r = &j->result;
  pv_put_plain(out, "%s %s  %s", j->request.contract->name, j->request.contract->version,
               pv_contract_status_name(r->status_before));
  if (r->status_before == PV_STATUS_DEPRECATED)
    pv_text_puts(out, "  nothing is judged\n");
  else if (r->status_carried && pv_result_needed(r, r->status_before) == 0)
    pv_text_puts(out, "  claims nothing: no criterion is needed for it\n");
  else if (r->status_carried)
    pv_text_puts(out, "  supported by receipts\n");
  else if (pv_status_never_shown(r))
    pv_text_printf(out,
                   "  no published evidence, not even an old one, is about all that it needs; "
                   "receipts support %s\n",
                   pv_contract_status_name(r->status_after));
  else
    pv_text_printf(out, "  receipts alone support %s; `pv validate` judges the rest\n",
                   pv_contract_status_name(r->status_after));
  for (size_t i = 0; i < r->criterion_count; i++) put_criterion(out, r, &r->criteria[i]);
  for (size_t i = 0; i < j->notes.count; i++)
    pv_put_plain(out, "    note: %s\n", j->notes.items[i]);
}

static json_t *criteria_json(const pv_result *r) {
  json_t *out = json_array();
  for (size_t i = 0; i < r->criterion_count; i++) {
    const pv_criterion_result *c = &r->criteria[i];
    json_t *receipts = json_array();
    for (size_t k = 0; k < c->falsifier_count; k++) {
      const pv_falsifier_result *f = &r->falsifiers[c->falsifiers[k]];
      if (f->receipt_run == NULL) continue;
      pv_json_append(&receipts,
                     json_pack("{s:s, s:s, s:s, s:s, s:b}", "falsifier", f->falsifier->id, "run",
                               f->receipt_run, "date", f->receipt_date, "device", f->receipt_device,
                               "holds", f->source == PV_FROM_RECEIPT ? 1 : 0));
    }
    pv_json_append(&out, json_pack("{s:s, s:s, s:s, s:o}", "id", c->criterion->id, "needed_for",
                                   pv_contract_status_name(c->criterion->needed_for), "verdict",
                                   pv_verdict_name(c->verdict), "receipts", receipts));
  }
  return out;
}

static json_t *contract_json(const pv_judgement *j) {
  return json_pack(
      "{s:o, s:s, s:s, s:s, s:s, s:b, s:o, s:o}", "path", pv_json_string(j->request.contract->path),
      "name", j->request.contract->name, "version", j->request.contract->version, "status",
      pv_contract_status_name(j->result.status_before), "carried_status",
      pv_contract_status_name(j->result.status_after), "carried", j->result.status_carried ? 1 : 0,
      "criteria", criteria_json(&j->result), "notes", pv_told_strings(&j->notes));
}

/* A falsified claim is 1, a status that receipts do not support 3. */
static int worse(int a, int b) {
  return a == 1 || b == 1 ? 1 : a > b ? a : b;
}

static pv_code look(listing *l, const char *path, pv_text *out, pv_error *err) {
  pv_contract *contract = NULL;
  pv_code code = pv_contract_load(l->arena, path, &contract, err);
  if (code == PV_OK) pv_bind_checks(contract, l->known);
  pv_judgement j;
  const pv_request request = {
      .contract = contract, .model = l->model, .reference = l->reference, .probe = l->probe};
  if (code == PV_OK) code = pv_judge_receipts(l->arena, &request, &j, err);
  if (code != PV_OK) return code;
  l->code = worse(l->code, j.result.exit_code);
  if (l->json == NULL)
    put_contract(out, &j);
  else if (json_array_append_new(l->json, contract_json(&j)) != 0)
    return pv_error_nomem(err, "JSON");
  return PV_OK;
}

static pv_code print_listing(listing *l, pv_text *out, pv_error *err) {
  if (l->json != NULL) {
    json_t *root = json_pack("{s:s, s:O}", "schema", "pv/status/v1", "contracts", l->json);
    const pv_code code = pv_json_write(root, JSON_INDENT(2) | JSON_SORT_KEYS, out, err);
    json_decref(root);
    if (code != PV_OK) return code;
    pv_text_puts(out, "\n");
  }
  if (out->failed) return pv_error_nomem(err, "the listing");
  return pv_output_write(out->data, out->length, err);
}

int pv_cmd_status(int argc, char **argv) {
  pv_arena arena = PV_ARENA_INIT;
  pv_error err = PV_ERROR_INIT;
  pv_text out = PV_TEXT_INIT;
  listing l = {.arena = &arena};
  const char *paths[FILES_MAX];
  bool help = false, json = false;
  const pv_option list[] = {
      {"--model", "FILE", "the model that receipts must be about", &l.model, NULL},
      {"--reference", "FILE", "the reference that receipts must be about", &l.reference, NULL},
      {"--probe", "FILE", "another pv-probe than the one beside pv", &l.probe, NULL},
      {"--json", NULL, "one JSON object on standard output", NULL, &json},
      {0}};
  pv_options options = {
      .command = "status",
      .summary =
          "Shows for each contract (of ./contracts, else of those that pv came with) which status\n"
          "it claims and which published evidence still supports it. Runs no falsifier.\n"
          "Exit codes: 0 receipts alone support every status;\n"
          "1 a receipt that holds falsifies a claim, or no evidence was ever published for what a\n"
          "status needs; 2 wrong input or call; 3 some status needs `pv validate` to be judged.",
      .positional = "[FILE|DIR...]",
      .examples = "  pv status\n  pv status contracts/moe-router-v1.yaml --json\n",
      .list = list,
      .rest = paths,
      .rest_max = FILES_MAX};
  pv_code code = pv_options_parse(&options, argc, argv, &help, &err);
  if (code != PV_OK || help) goto cleanup;
  if (json && (l.json = json_array()) == NULL)
    code = pv_error_set(&err, PV_ERR_NOMEM, "out of memory");
  const char *folder = NULL;
  if (code == PV_OK && options.rest_count == 0) code = pv_files_default(&arena, &folder, &err);
  if (code == PV_OK && folder != NULL) code = add_path(&l, folder, &err);
  for (size_t i = 0; i < options.rest_count && code == PV_OK; i++)
    code = add_path(&l, paths[i], &err);
  if (code == PV_OK) code = pv_run_describe(&arena, l.probe, 0, &l.known, &err);
  for (size_t i = 0; i < l.count && code == PV_OK; i++) code = look(&l, l.files[i], &out, &err);
  if (code == PV_OK) code = print_listing(&l, &out, &err);
cleanup:
  if (code != PV_OK) {
    pv_error_print(&err, stderr);
    l.code = pv_code_exit(code);
  }
  json_decref(l.json);
  pv_text_free(&out);
  pv_arena_free(&arena);
  return l.code;
}
