/* pv evidence verify|show: is the folder as it was written, and does what it says still hold for
 * the contract, the model and the kernels that lie here? */
#include <jansson.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reports/render/render.h"
#include "runtime/base/json.h"
#include "runtime/base/options.h"
#include "validator/cli/commands.h"
#include "validator/cli/judgement.h"
#include "validator/model/contract_load.h"

enum { FOLDERS_MAX = 1024, LINES_MAX = 256 };

typedef struct lines {
  char *items[LINES_MAX];
  size_t count;
} lines;

typedef struct verdict {
  pv_strings problems; /* not as it was written */
  lines stale, notes;  /* does not hold any more; was not looked at */
} verdict;

__attribute__((format(printf, 3, 4))) static void add(pv_arena *arena, lines *list, const char *fmt,
                                                      ...) {
  char text[1024];
  va_list args;
  if (list->count == LINES_MAX) return;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  char *copy = pv_arena_strdup(arena, text);
  if (copy != NULL) list->items[list->count++] = copy;
}

/* The nearest folder above `folder` that has the file `relative`; the file's path, or NULL. */
static const char *find_above(pv_arena *arena, const char *folder, const char *relative) {
  char real[PATH_MAX];
  if (relative[0] == '\0' || relative[0] == '/' || strstr(relative, "..") != NULL) return NULL;
  if (realpath(folder, real) == NULL) return NULL;
  for (char *slash = real + strlen(real); slash != NULL; slash = strrchr(real, '/')) {
    *slash = '\0';
    const char *path = pv_arena_printf(arena, "%s/%s", real, relative);
    if (path == NULL || access(path, R_OK) == 0) return path;
  }
  return NULL;
}

static void compare_subjects(pv_arena *arena, const pv_evidence *e, const pv_judgement *here,
                             verdict *v) {
  for (size_t i = 0; i < e->result->falsifier_count; i++) {
    const pv_falsifier_result *r = &e->result->falsifiers[i];
    size_t k = 0;
    pv_text changed = PV_TEXT_INIT;
    if (r->source != PV_FROM_RUN) continue;
    while (k < here->contract->falsifier_count &&
           strcmp(here->contract->falsifiers[k].id, r->falsifier->id) != 0)
      k++;
    if (k == here->contract->falsifier_count)
      add(arena, &v->stale, "%s: the contract has no such falsifier any more", r->falsifier->id);
    else if (!pv_subject_holds(&e->subjects[i], &here->subjects[k], &changed))
      add(arena, &v->stale, "%s %s: it was for another state of %s", r->falsifier->id,
          pv_verdict_name(r->verdict), changed.data == NULL ? "something" : changed.data);
    pv_text_free(&changed);
  }
}

/* What the evidence is about, against what lies here now. */
static pv_status compare(pv_arena *arena, const char *folder, const pv_evidence *e,
                         const char *probe, verdict *v) {
  char semantics[PV_SHA256_HEX];
  pv_contract *contract = NULL;
  pv_error local = PV_ERROR_INIT;
  const char *path = find_above(arena, folder, e->contract_path);
  if (path == NULL) {
    add(arena, &v->notes, "its contract %s is not here: not compared", e->contract_path);
    return PV_OK;
  }
  if (pv_contract_load(arena, path, &contract, &local) != PV_OK) {
    add(arena, &v->stale, "its contract can not be read any more: %s", local.message);
    return PV_OK;
  }
  if (pv_subject_contract(contract, semantics, &local) == PV_OK &&
      strcmp(semantics, e->semantics) != 0)
    add(arena, &v->stale, "the contract %s claims something else now", e->contract_path);
  else if (strcmp(contract->sha256, e->result->contract->sha256) != 0)
    add(arena, &v->notes,
        "the contract's file changed (status, history, comments or layout), its claims did not");
  const char *model = pv_run_fact(e->result->model, e->result->model_count, "path");
  pv_judgement here = {.contract = contract, .probe = probe};
  if (model != NULL) here.model = find_above(arena, folder, model);
  if (pv_judgement_receipts(arena, &here, &local) == PV_OK)
    compare_subjects(arena, e, &here, v);
  else if (local.status == PV_ERR_CANCELLED || local.status == PV_ERR_NOMEM)
    return local.status;
  else
    add(arena, &v->notes, "model and kernels were not compared: %s", local.message);
  return PV_OK;
}

static pv_status judge(pv_arena *arena, const char *folder, const char *probe, verdict *v,
                       pv_error *err) {
  pv_evidence evidence;
  struct stat info;
  *v = (verdict){0};
  if (stat(folder, &info) != 0 || !S_ISDIR(info.st_mode)) {
    pv_error_set(err, PV_ERR_INPUT, "there is no folder '%s'", folder);
    pv_error_hint(err, "name a folder with an evidence.json");
    return PV_ERR_INPUT;
  }
  pv_status status = pv_evidence_verify(arena, folder, &v->problems, err);
  if (status != PV_OK) return status;
  if (pv_evidence_read(arena, folder, &evidence, NULL) != PV_OK) return PV_OK;
  status = compare(arena, folder, &evidence, probe, v);
  return status == PV_OK ? status : pv_error_set(err, status, "%s", pv_status_name(status));
}

static void put_line(pv_text *out, const char *mark, const char *text) {
  pv_text_printf(out, "    %s: ", mark);
  pv_text_escape(out, text, strlen(text));
  pv_text_puts(out, "\n");
}

static void put_verdict(pv_text *out, const char *folder, const verdict *v) {
  pv_text_escape(out, folder, strlen(folder));
  pv_text_puts(out, v->problems.count > 0 ? ": broken\n"
                    : v->stale.count > 0  ? ": as written, but it no longer holds here\n"
                                          : ": as written\n");
  for (size_t i = 0; i < v->problems.count; i++) put_line(out, "broken", v->problems.items[i]);
  for (size_t i = 0; i < v->stale.count; i++) put_line(out, "stale", v->stale.items[i]);
  for (size_t i = 0; i < v->notes.count; i++) put_line(out, "note", v->notes.items[i]);
}

static json_t *texts(char *const *items, size_t count) {
  json_t *out = json_array();
  for (size_t i = 0; i < count; i++) {
    pv_text shown = PV_TEXT_INIT; /* names of files need not be UTF-8 */
    pv_text_escape(&shown, items[i], strlen(items[i]));
    pv_json_append(&out, shown.failed ? NULL : json_string(shown.data == NULL ? "" : shown.data));
    pv_text_free(&shown);
  }
  return out;
}

static int code_of(const verdict *v) {
  return v->problems.count > 0 ? 1 : v->stale.count > 0 ? 3 : 0;
}

static pv_status print_text(const pv_text *out, pv_error *err) {
  if (out->failed) return pv_error_set(err, PV_ERR_NOMEM, "out of memory");
  const bool wrote = out->length == 0 || fwrite(out->data, 1, out->length, stdout) == out->length;
  return wrote && fflush(stdout) == 0
             ? PV_OK
             : pv_error_set(err, PV_ERR_IO, "cannot write to standard output");
}

typedef struct call {
  const char *probe;
  bool json, help;
  const char *words[FOLDERS_MAX + 1];
  size_t count;
} call;

static pv_status verify(pv_arena *arena, const call *c, int *code, pv_error *err) {
  pv_text out = PV_TEXT_INIT;
  pv_status status = PV_OK;
  json_t *array = json_array();
  for (size_t i = 1; i < c->count && status == PV_OK; i++) {
    verdict v;
    status = judge(arena, c->words[i], c->probe, &v, err);
    if (status != PV_OK) break;
    const int one = code_of(&v);
    *code = one == 1 || *code == 1 ? 1 : one > *code ? one : *code;
    char *name = pv_arena_strdup(arena, c->words[i]);
    json_t *names = name == NULL ? NULL : texts(&name, 1);
    if (c->json)
      pv_json_append(&array,
                     json_pack("{s:O, s:b, s:o, s:o, s:o}", "folder", json_array_get(names, 0),
                               "sound", v.problems.count == 0 ? 1 : 0, "problems",
                               texts(v.problems.items, v.problems.count), "stale",
                               texts(v.stale.items, v.stale.count), "notes",
                               texts(v.notes.items, v.notes.count)));
    else
      put_verdict(&out, c->words[i], &v);
    json_decref(names);
  }
  if (status == PV_OK && c->json) {
    status = pv_json_write(array, JSON_INDENT(2) | JSON_SORT_KEYS, &out, err);
    pv_text_puts(&out, "\n");
  }
  if (status == PV_OK) status = print_text(&out, err);
  json_decref(array);
  pv_text_free(&out);
  return status;
}

/* The run as it was shown then; what is broken comes first. */
static pv_status show(pv_arena *arena, const call *c, int *code, pv_error *err) {
  pv_evidence evidence;
  pv_strings problems;
  pv_text out = PV_TEXT_INIT;
  const char *folder = c->words[1];
  const pv_terminal how = {.ascii = true, .width = 100};
  const pv_render_links links = {.folder = folder};
  pv_status status = pv_evidence_verify(arena, folder, &problems, err);
  if (status == PV_OK) status = pv_evidence_read(arena, folder, &evidence, err);
  if (status != PV_OK) return status;
  for (size_t i = 0; i < problems.count; i++) put_line(&out, "broken", problems.items[i]);
  *code = problems.count > 0 ? 1 : 0;
  status = c->json ? pv_render_json(evidence.result, &links, &out, err)
                   : pv_render_terminal(evidence.result, &links, &how, &out, err);
  if (status == PV_OK) status = print_text(&out, err);
  pv_text_free(&out);
  return status;
}

static pv_status act(pv_arena *arena, const call *c, int *code, pv_error *err) {
  const char *what = c->count > 0 ? c->words[0] : "";
  if (strcmp(what, "verify") == 0 && c->count >= 2) return verify(arena, c, code, err);
  if (strcmp(what, "show") == 0 && c->count == 2) return show(arena, c, code, err);
  if (strcmp(what, "verify") == 0 || strcmp(what, "show") == 0)
    pv_error_set(err, PV_ERR_INPUT, "pv evidence %s needs %s", what,
                 what[0] == 's' ? "one folder" : "a folder");
  else if (c->count == 0)
    pv_error_set(err, PV_ERR_INPUT, "say what to do: verify or show");
  else
    pv_error_set(err, PV_ERR_INPUT, "pv evidence can not '%s'", what);
  pv_error_hint(err, "for example: pv evidence verify reports/published/*/*");
  return PV_ERR_INPUT;
}

int pv_cmd_evidence(int argc, char **argv) {
  pv_arena arena = PV_ARENA_INIT;
  pv_error err = PV_ERROR_INIT;
  int code = 0;
  call *c = calloc(1, sizeof *c);
  if (c == NULL) {
    const pv_status failed = pv_error_set(&err, PV_ERR_NOMEM, "out of memory");
    pv_error_print(&err, stderr);
    return pv_status_exit(failed);
  }
  const pv_option list[] = {
      {"--json", NULL, "JSON on standard output", NULL, &c->json},
      {"--probe", "FILE", "another pv-probe than the one beside pv", &c->probe, NULL},
      {0}};
  pv_options options = {
      .command = "evidence",
      .summary =
          "verify: hashes everything in a run's folder again, then compares what it is about with\n"
          "the contract, the model and the kernels that lie here. show: prints the run.\n"
          "Exit codes: 0 as written and it holds; 1 something was changed; 2 wrong input or call;\n"
          "3 as written, but it no longer holds here.",
      .positional = "verify DIR...|show DIR",
      .examples =
          "  pv evidence verify reports/published/*/*\n"
          "  pv evidence show reports/published/moe-router-v1/20261122T101500Z-0badcafe\n",
      .list = list,
      .rest = c->words,
      .rest_max = FOLDERS_MAX + 1};
  pv_status status = pv_options_parse(&options, argc, argv, &c->help, &err);
  c->count = options.rest_count;
  if (status == PV_OK && !c->help) status = act(&arena, c, &code, &err);
  if (status != PV_OK) {
    pv_error_print(&err, stderr);
    code = pv_status_exit(status);
  }
  free(c);
  pv_arena_free(&arena);
  return code;
}
