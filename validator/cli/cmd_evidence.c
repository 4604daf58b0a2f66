/* pv evidence verify|show|merge: is the folder as it was written, and does what it says still hold
 * for the contract, the model and the kernels that lie here? */
#include <jansson.h>
#include <string.h>

#include "base/json.h"
#include "base/options.h"
#include "base/output.h"
#include "reports/render/put.h"
#include "reports/render/render.h"
#include "validator/cli/commands.h"
#include "validator/cli/evidence_merge.h"
#include "validator/cli/files.h"
#include "validator/cli/validate_text.h"
#include "validator/judge/against.h"
#include "validator/judge/judge.h"
#include "validator/judge/own.h"
#include "validator/model/bind.h"
#include "validator/model/contract_load.h"
#include "validator/store/evidence.h"

enum { FOLDERS_MAX = 1024, NOTES_MAX = 4 };

typedef struct verdict {
  pv_strings problems;     /* not as it was written */
  pv_strings stale, notes; /* does not hold any more; was not looked at */
  pv_strings differences;  /* a statement says otherwise */
} verdict;

/* Takes a line that was made in the arena; NULL is want of memory. The list has room. */
static pv_code add(pv_strings *list, char *line, pv_error *err) {
  if (line == NULL) return pv_error_nomem(err, "what is said of the evidence");
  list->items[list->count++] = line;
  return PV_OK;
}

static pv_code compare_subjects(pv_arena *arena, const pv_evidence *e, const pv_judgement *here,
                                verdict *v, pv_error *err) {
  pv_code code = PV_OK;
  for (size_t i = 0; i < e->result->falsifier_count && code == PV_OK; i++) {
    const pv_falsifier_result *r = &e->result->falsifiers[i];
    const pv_contract *c = here->request.contract;
    const pv_falsifier *own = pv_contract_falsifier(c, r->falsifier->id);
    pv_text changed = PV_TEXT_INIT;
    if (r->source != PV_FROM_RUN) continue;
    if (own == NULL)
      code = add(&v->stale,
                 pv_arena_printf(arena, "%s: the contract has no such falsifier any more",
                                 r->falsifier->id),
                 err);
    else if (!pv_subject_holds(&e->subjects[i], &here->subjects[own - c->falsifiers], &changed))
      code =
          add(&v->stale,
              changed.failed ? NULL
                             : pv_arena_printf(arena, "%s %s: it was for another state of %s",
                                               r->falsifier->id, pv_verdict_name(r->verdict),
                                               changed.data == NULL ? "something" : changed.data),
              err);
    pv_text_free(&changed);
  }
  return code;
}

static bool is_fatal(pv_code code) {
  return code == PV_ERR_NOMEM || code == PV_ERR_CANCELLED;
}

/* Contract against contract: first what they claim, then whether a byte changed. */
static pv_code compare_contracts(pv_arena *arena, const pv_evidence *e, const pv_contract *here,
                                 verdict *v, pv_error *err) {
  char semantics[PV_SHA256_HEX];
  const pv_code code = pv_subject_contract(here, semantics, err);
  if (code != PV_OK) return code;
  if (strcmp(semantics, e->semantics) != 0)
    return add(
        &v->stale,
        pv_arena_printf(arena, "the contract %s claims something else now", e->contract_path), err);
  if (strcmp(here->sha256, e->result->contract->sha256) == 0) return PV_OK;
  return add(&v->notes,
             pv_arena_strdup(arena,
                             "the contract's file changed (status, history, comments or "
                             "layout), its claims did not"),
             err);
}

static pv_code not_compared(pv_arena *arena, const pv_error *why, verdict *v, pv_error *err) {
  return add(&v->notes,
             pv_arena_printf(arena, "model and kernels were not compared: %s", why->message), err);
}

/* What the evidence is about, against what lies here now. */
static pv_code compare(pv_arena *arena, const char *folder, const pv_evidence *e, const char *probe,
                       verdict *v, pv_error *err) {
  pv_contract *contract = NULL;
  pv_error local = PV_ERROR_INIT;
  const char *path = NULL, *model_path = NULL;
  v->stale.items = PV_ARENA_NEW(arena, e->result->falsifier_count + 2, char *);
  v->notes.items = PV_ARENA_NEW(arena, NOTES_MAX, char *);
  if (v->stale.items == NULL || v->notes.items == NULL)
    return pv_error_nomem(err, "what is said of the evidence");
  pv_code code = pv_own_or_above(arena, folder, e->contract_path, &path, err);
  if (code != PV_OK) return code;
  if (path == NULL)
    return add(
        &v->notes,
        pv_arena_printf(arena, "its contract %s is not here: not compared", e->contract_path), err);
  code = pv_contract_load(arena, path, &contract, &local);
  if (is_fatal(code)) return pv_error_set(err, code, "%s", local.message);
  if (code != PV_OK)
    return add(&v->stale,
               pv_arena_printf(arena, "its contract can not be read any more: %s", local.message),
               err);
  const pv_known *known = NULL;
  const pv_code described = pv_run_describe(arena, probe, 0, &known, &local);
  if (is_fatal(described)) return pv_error_set(err, described, "%s", local.message);
  /* Evidence has the claims as they were bound: a side "cpu:i16" names two parameters. */
  if (described == PV_OK) pv_bind_checks(contract, known);
  code = compare_contracts(arena, e, contract, v, err);
  if (code != PV_OK) return code;
  if (described != PV_OK) return not_compared(arena, &local, v, err);
  const char *model = pv_fact_value(e->result->model, e->result->model_count, "path");
  if (code == PV_OK && model != NULL)
    code = pv_own_or_above(arena, folder, model, &model_path, err);
  if (code != PV_OK) return code;
  const pv_request request = {.contract = contract, .probe = probe, .model = model_path};
  pv_judgement here;
  code = pv_judge_receipts(arena, &request, &here, &local);
  if (code == PV_OK) return compare_subjects(arena, e, &here, v, err);
  if (is_fatal(code)) return pv_error_set(err, code, "%s", local.message);
  return not_compared(arena, &local, v, err);
}

/* A statement to compare with, and who signed it. */
typedef struct other {
  const char *file, *key;
  pv_signed read;
  char by[PV_SIGNED_BY]; /* "" when that was not looked at */
} other;

static pv_code read_other(pv_arena *arena, other *o, pv_error *err) {
  pv_key key = {0};
  if (o->key != NULL && o->file == NULL)
    return pv_error_refuse(err, "add --against STATEMENT", "--key is of a statement");
  if (o->file == NULL) return PV_OK;
  pv_code code = pv_signed_read(arena, o->file, &o->read, err);
  if (code == PV_OK && o->key != NULL) code = pv_key_read(o->key, &key, err);
  if (code == PV_OK && o->key != NULL) code = pv_signed_verify(&o->read, &key, o->by, err);
  pv_key_free(&key);
  return code;
}

/* A signature that nobody looked at is told apart from a statement that nobody signed. */
static bool unproved(const other *o) {
  return o->file != NULL && o->read.envelope && o->key == NULL;
}

static pv_code judge(pv_arena *arena, const char *folder, const char *probe, const other *o,
                     verdict *v, pv_error *err) {
  pv_evidence evidence;
  pv_error local = PV_ERROR_INIT;
  *v = (verdict){0};
  if (!pv_files_is_folder(folder))
    return pv_error_refuse(err, "name a folder with an evidence.json", "there is no folder '%s'",
                           folder);
  pv_code code = pv_evidence_verify(arena, folder, &v->problems, err);
  if (code != PV_OK) return code;
  code = pv_evidence_read_any(arena, folder, &evidence, &local);
  if (is_fatal(code)) return pv_error_set(err, code, "%s", local.message);
  if (code != PV_OK)
    return v->problems.count > 0 ? PV_OK : pv_error_set(err, code, "%s", local.message);
  if (o->file != NULL) code = pv_against(arena, &o->read, &evidence, &v->differences, err);
  return code == PV_OK ? compare(arena, folder, &evidence, probe, v, err) : code;
}

static void put_lines(pv_text *out, const char *mark, const pv_strings *lines) {
  for (size_t i = 0; i < lines->count; i++)
    pv_put_plain(out, "    %s: %s\n", mark, lines->items[i]);
}

static const char *signer(const other *o) {
  return o->by[0] != '\0'   ? o->by
         : o->read.envelope ? "nobody looked: --key FILE names who should have"
                            : "nobody";
}

static void put_verdict(pv_text *out, const char *folder, const other *o, const verdict *v) {
  pv_put_plain(out, "%s: %s\n", folder,
               v->problems.count > 0 ? "broken"
               : v->stale.count > 0  ? "as written, but it no longer holds here"
                                     : "as written");
  if (o->file != NULL)
    pv_put_plain(out, "    statement: %s; signed by: %s\n",
                 v->differences.count > 0 ? "says what the evidence does not say"
                                          : "the evidence says all that it says",
                 signer(o));
  put_lines(out, "differs", &v->differences);
  put_lines(out, "broken", &v->problems);
  put_lines(out, "stale", &v->stale);
  put_lines(out, "note", &v->notes);
}

/* Names of files need not be UTF-8, and may hold what reorders a line. */
static json_t *shown(const char *text) {
  pv_text clean = PV_TEXT_INIT;
  pv_put_plain(&clean, "%s", text);
  json_t *out = clean.failed ? NULL : json_string(clean.data == NULL ? "" : clean.data);
  pv_text_free(&clean);
  return out;
}

static json_t *texts(const pv_strings *list) {
  json_t *out = json_array();
  for (size_t i = 0; i < list->count; i++) pv_json_append(&out, shown(list->items[i]));
  return out;
}

static int code_of(const verdict *v, const other *o) {
  if (v->problems.count > 0 || v->differences.count > 0) return 1;
  return v->stale.count > 0 || unproved(o) ? 3 : 0;
}

static pv_code print_text(FILE *to, const pv_text *out, pv_error *err) {
  if (out->failed) return pv_error_nomem(err, "what is said of the evidence");
  if (to == stdout) return pv_output_write(out->data, out->length, err);
  const bool wrote = out->length == 0 || fwrite(out->data, 1, out->length, to) == out->length;
  return wrote ? PV_OK : pv_error_set(err, PV_ERR_IO, "cannot write what is said of the evidence");
}

typedef struct call {
  const char *probe, *out;
  other against;
  bool publish, json, help;
  const char *words[FOLDERS_MAX + 1];
  size_t count;
} call;

static json_t *verdict_json(const char *folder, const other *o, const verdict *v) {
  json_t *out = json_pack("{s:o, s:b, s:o, s:o, s:o}", "folder", shown(folder), "sound",
                          v->problems.count == 0 ? 1 : 0, "problems", texts(&v->problems), "stale",
                          texts(&v->stale), "notes", texts(&v->notes));
  if (o->file != NULL)
    pv_json_set(&out, "statement",
                json_pack("{s:o, s:o, s:b, s:o}", "file", shown(o->file), "differences",
                          texts(&v->differences), "signed", (int)o->read.envelope, "verified",
                          o->by[0] != '\0' ? shown(o->by) : json_null()));
  return out;
}

static pv_code verify(pv_arena *arena, const call *c, int *exit_code, pv_error *err) {
  pv_text out = PV_TEXT_INIT;
  pv_code code = PV_OK;
  json_t *array = c->json ? json_array() : NULL;
  for (size_t i = 1; i < c->count && code == PV_OK; i++) {
    verdict v;
    code = judge(arena, c->words[i], c->probe, &c->against, &v, err);
    if (code != PV_OK) break;
    const int one = code_of(&v, &c->against);
    *exit_code = one == 1 || *exit_code == 1 ? 1 : one > *exit_code ? one : *exit_code;
    if (c->json)
      pv_json_append(&array, verdict_json(c->words[i], &c->against, &v));
    else
      put_verdict(&out, c->words[i], &c->against, &v);
  }
  if (code == PV_OK && c->json) {
    json_t *root = json_pack("{s:s, s:O}", "schema", "pv/evidence-verify/v1", "folders", array);
    code = pv_json_write(root, JSON_INDENT(2) | JSON_SORT_KEYS, &out, err);
    json_decref(root);
    pv_text_puts(&out, "\n");
  }
  if (code == PV_OK) code = print_text(stdout, &out, err);
  json_decref(array);
  pv_text_free(&out);
  return code;
}

/* The run as it was shown then; what is broken comes first, beside JSON on standard error. */
static pv_code show(pv_arena *arena, const call *c, int *exit_code, pv_error *err) {
  pv_evidence evidence;
  pv_strings problems;
  pv_text out = PV_TEXT_INIT, broken = PV_TEXT_INIT;
  const char *folder = c->words[1];
  const pv_terminal how = {.ascii = !pv_validate_unicode(), .width = 100};
  const pv_render_links links = {.folder = folder};
  pv_code code = pv_evidence_verify(arena, folder, &problems, err);
  if (code == PV_OK) code = pv_evidence_read_any(arena, folder, &evidence, err);
  if (code != PV_OK) return code;
  put_lines(&broken, "broken", &problems);
  *exit_code = problems.count > 0 ? 1 : 0;
  code = c->json ? pv_render_json(evidence.result, &links, &out, err)
                 : pv_render_terminal(evidence.result, &links, &how, &out, err);
  if (code == PV_OK && out.failed) code = pv_error_nomem(err, "what is said of the evidence");
  if (code == PV_OK) code = print_text(c->json ? stderr : stdout, &broken, err);
  if (code == PV_OK) code = print_text(stdout, &out, err);
  pv_text_free(&out);
  pv_text_free(&broken);
  return code;
}

static pv_code act(pv_arena *arena, call *c, int *code, pv_error *err) {
  const char *what = c->count > 0 ? c->words[0] : "";
  if (c->publish && strcmp(what, "merge") != 0)
    return pv_error_refuse(err, "for example: pv evidence merge --publish PART...",
                           "--publish is of pv evidence merge");
  if (strcmp(what, "verify") == 0 && c->count >= 2) {
    const pv_code read = read_other(arena, &c->against, err);
    return read == PV_OK ? verify(arena, c, code, err) : read;
  }
  if (c->against.file != NULL || c->against.key != NULL)
    return pv_error_refuse(err, "for example: pv evidence verify DIR --against vsa.json",
                           "--against and --key are of pv evidence verify");
  if (strcmp(what, "merge") == 0 && c->count >= 2) {
    const pv_merge_ask ask = {.folders = c->words + 1,
                              .count = c->count - 1,
                              .out = c->out,
                              .probe = c->probe,
                              .publish = c->publish};
    if (c->publish && c->out != NULL)
      return pv_error_refuse(err, "leave out --out or --publish",
                             "published evidence has one place, below reports/published");
    return pv_evidence_merge(arena, &ask, c->json, code, err);
  }
  if (c->out != NULL)
    return pv_error_refuse(err, "for example: pv evidence merge PART... --out reports/runs",
                           "--out is of pv evidence merge");
  if (strcmp(what, "show") == 0 && c->count == 2) return show(arena, c, code, err);
  static const char example[] = "for example: pv evidence verify reports/published/*/*";
  if (strcmp(what, "verify") == 0 || strcmp(what, "show") == 0)
    return pv_error_refuse(err, example, "pv evidence %s needs %s", what,
                           what[0] == 's' ? "one folder" : "a folder");
  if (strcmp(what, "merge") == 0)
    return pv_error_refuse(err, "for example: pv evidence merge reports/runs/NAME/parts/*",
                           "pv evidence merge needs the folders of the parts");
  if (c->count == 0) return pv_error_refuse(err, example, "say what to do: verify, show or merge");
  return pv_error_refuse(err, example, "pv evidence can not '%s'", what);
}

int pv_cmd_evidence(int argc, char **argv) {
  pv_arena arena = PV_ARENA_INIT;
  pv_error err = PV_ERROR_INIT;
  int exit_code = 0;
  call c = {0};
  const pv_option list[] = {
      {"--against", "STATEMENT",
       "an in-toto statement, bare or signed: does the evidence say that?", &c.against.file, NULL},
      {"--key", "FILE", "who must have signed it: a public key, or certificates (PEM)",
       &c.against.key, NULL},
      {"--out", "DIR", "the joined run goes below DIR (default: reports/runs)", &c.out, NULL},
      {"--publish", NULL, "merge: keep the evidence; write a status that it supports", NULL,
       &c.publish},
      {"--json", NULL, "JSON on standard output", NULL, &c.json},
      {"--probe", "FILE", "another pv-probe than the one beside pv", &c.probe, NULL},
      {0}};
  pv_options options = {
      .command = "evidence",
      .summary =
          "verify: hashes everything in a run's folder again, then compares what it is about with\n"
          "the contract, the model and the kernels that lie here. show: prints the run. merge: "
          "joins\n"
          "the parts of a run, which pv validate --shard wrote, to the run.\n"
          "Exit codes: 0 as written and it holds; 1 something was changed, or is not what the\n"
          "statement says; 2 wrong input or call, a signature that does not hold too; 3 as "
          "written,\n"
          "but it no longer holds here, or nobody looked who signed the statement. merge: that of\n"
          "the run, and 3 where a part is missing.",
      .positional = "verify DIR...|show DIR|merge DIR...",
      .examples =
          "  pv evidence verify reports/published/*/*\n"
          "  pv evidence verify DIR --against vsa.dsse.json --key release.pub\n"
          "  pv evidence show reports/published/moe-router-v1/nvidia-h200\n"
          "  pv evidence merge reports/runs/moe-router-v1/parts/*\n",
      .list = list,
      .rest = c.words,
      .rest_max = FOLDERS_MAX + 1};
  pv_code code = pv_options_parse(&options, argc, argv, &c.help, &err);
  c.count = options.rest_count;
  if (code == PV_OK && !c.help) code = act(&arena, &c, &exit_code, &err);
  if (code != PV_OK) {
    pv_error_print(&err, stderr);
    exit_code = code == PV_ERR_UNSUPPORTED ? 3 : pv_code_exit(code);
  }
  pv_signed_free(&c.against.read);
  pv_arena_free(&arena);
  return exit_code;
}
