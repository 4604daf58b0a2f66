#include "runtime/sources/engine.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/parts.h"

enum { OUTPUT_BYTES = 1 << 20, CHANNEL_BYTES = 1 << 16, LINE = 300, OPEN_FOLDERS = 16 };
#define GRACE_S 2.0

/* The program as it is called, and what the words point into. */
typedef struct call {
  const char **argv;
  char *text;        /* PROGRAM and pieces, cut */
  char *model;       /* of a set the first part: other engines open no other */
  char *keys, *path; /* "--key" of each piece; where the program is */
  pv_text ids;
} call;

static void free_call(call *c) {
  free(c->argv);
  free(c->text);
  free(c->model);
  free(c->keys);
  free(c->path);
  pv_text_free(&c->ids);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at) {
  (void)info;
  (void)type;
  (void)at;
  return remove(path);
}

static void remove_folder(const char *path) {
  (void)nftw(path, remove_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS);
}

static bool is_program(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, X_OK) == 0;
}

/* As a shell finds it: a name without a slash in the folders of $PATH. */
static pv_code find_program(const char *name, call *c, pv_error *err) {
  const char *folders = getenv("PATH"), *next = NULL;
  char path[PATH_MAX];
  bool found = strchr(name, '/') != NULL && is_program(name);
  if (found) snprintf(path, sizeof path, "%s", name);
  for (const char *at = folders; strchr(name, '/') == NULL && at != NULL && !found; at = next) {
    const size_t length = strcspn(at, ":");
    next = at[length] == ':' ? at + length + 1 : NULL;
    found = snprintf(path, sizeof path, "%.*s/%s", length > 0 ? (int)length : 1,
                     length > 0 ? at : ".", name) < (int)sizeof path &&
            is_program(path);
  }
  if (found) return (c->path = strdup(path)) != NULL ? PV_OK : pv_error_nomem(err, "a program");
  if (strchr(name, '/') == NULL)
    pv_error_set(err, PV_ERR_INPUT, "there is no program '%.200s' in $PATH", name);
  else
    pv_error_set(err, PV_ERR_INPUT, "'%.200s' is not there, or is no program that can be run",
                 name);
  pv_error_hint(err,
                "name a program that writes traces, for example llamacpp:PATH; those of "
                "engines/ come with pv");
  return PV_ERR_INPUT;
}

pv_code pv_engine_find(const pv_side *side, pv_error *err) {
  char name[PATH_MAX];
  call c = {.ids = PV_TEXT_INIT};
  snprintf(name, sizeof name, "%.*s", (int)pv_side_piece(side->program), side->program);
  const pv_code code = find_program(name[0] != '\0' ? name : side->kind->program, &c, err);
  free_call(&c);
  return code;
}

/* argv of PROGRAM --model FILE --ids LIST --out FOLDER --key value ... */
static pv_code make_call(const pv_engine_spec *spec, const char *folder, call *c, pv_error *err) {
  size_t pieces = 1, n = 0;
  for (const char *at = spec->side->program; *at != '\0'; at++) pieces += *at == ',';
  c->text = strdup(spec->side->program);
  c->model = pv_parts_path(spec->model, 0);
  c->keys = malloc(strlen(spec->side->program) + 3 * pieces);
  c->argv = calloc(8 + 2 * pieces, sizeof *c->argv);
  for (size_t i = 0; i < spec->count; i++)
    pv_text_printf(&c->ids, "%s%u", i > 0 ? "," : "", spec->ids[i]);
  if (c->text == NULL || c->model == NULL || c->keys == NULL || c->argv == NULL || c->ids.failed)
    return pv_error_nomem(err, "the call of an engine");
  char *at = c->text + pv_side_piece(c->text), *key = c->keys;
  const bool more = *at == ',';
  *at = '\0';
  const pv_code code =
      find_program(c->text[0] != '\0' ? c->text : spec->side->kind->program, c, err);
  const char *const begin[] = {c->path, "--ids", c->ids.data, "--model", c->model, "--out", folder};
  for (; n < sizeof begin / sizeof *begin; n++) c->argv[n] = begin[n];
  for (bool go = more; go;) {
    char *piece = at + 1;
    at = piece + pv_side_piece(piece);
    go = *at == ',';
    *at = '\0';
    char *value = strchr(piece, '=');
    *value++ = '\0';
    c->argv[n++] = key;
    key += sprintf(key, "--%s", piece) + 1;
    c->argv[n++] = value;
  }
  return code;
}

/* The last line that says something, without its end. */
static void last_line(const pv_text *text, char out[LINE]) {
  size_t end = text->length, begin;
  while (end > 0 && strchr(" \t\r\n", text->data[end - 1]) != NULL) end--;
  for (begin = end; begin > 0 && text->data[begin - 1] != '\n';) begin--;
  const size_t n = end - begin < LINE - 1 ? end - begin : LINE - 1;
  if (n > 0) memcpy(out, text->data + begin, n);
  out[n] = '\0';
}

/* What became of the child; `hung`: it had to be ended. */
static pv_code judge_end(const pv_engine_spec *spec, const call *c, pv_child *child, bool hung,
                         pv_error *err) {
  const pv_child_exit *end = pv_child_result(child);
  char line[LINE];
  last_line(pv_child_stderr(child), line);
  if (!hung && end->code == 0) return PV_OK;
  if (hung) {
    pv_error_set(err, PV_ERR_INPUT, "%s was not ready after %g s", c->path, spec->timeout_s);
    pv_error_hint(err, "--engine-timeout S lets it run longer");
  } else if (end->signal != 0) {
    pv_error_set(err, PV_ERR_INPUT, "%s was ended by signal %d (%s)%s%s", c->path, end->signal,
                 strsignal(end->signal), line[0] != '\0' ? "; it said: " : "", line);
    if (end->out_of_memory) pv_error_hint(err, "the system may have had no more memory for it");
  } else {
    pv_error_set(err, PV_ERR_INPUT, "%s ended with exit code %d%s%s", c->path, end->code,
                 line[0] != '\0' ? "; it said: " : " and said nothing", line);
  }
  return PV_ERR_INPUT;
}

static pv_code run_call(const pv_engine_spec *spec, const call *c, pv_error *err) {
  const double deadline = pv_clock_now() + spec->timeout_s;
  const pv_child_spec start = {.argv = c->argv, .output_limit = OUTPUT_BYTES};
  pv_child *child = NULL;
  pv_text channel = PV_TEXT_INIT;
  pv_child_event event = PV_CHILD_BYTES;
  pv_code code = pv_child_start(&start, &child, err);
  if (code != PV_OK) return code;
  while (code == PV_OK && event == PV_CHILD_BYTES)
    code = pv_child_wait(child, deadline - pv_clock_now(), &channel, CHANNEL_BYTES, &event, err);
  if (code != PV_OK || event == PV_CHILD_TIMEOUT) pv_child_kill(child, GRACE_S);
  if (code == PV_OK) code = judge_end(spec, c, child, event == PV_CHILD_TIMEOUT, err);
  pv_child_free(child);
  pv_text_free(&channel);
  return code;
}

static pv_code check_manifest(const call *c, const char *folder, pv_error *err) {
  char path[PATH_MAX];
  struct stat info;
  if (snprintf(path, sizeof path, "%s/manifest.json", folder) < (int)sizeof path &&
      stat(path, &info) == 0)
    return PV_OK;
  pv_error_set(err, PV_ERR_INPUT, "%s ended well and left no manifest.json in the folder of --out",
               c->path);
  pv_error_hint(err, "docs/trace-format.md says what a program that writes traces must do");
  return PV_ERR_INPUT;
}

pv_code pv_engine_run(const pv_engine_spec *spec, const char *folder, pv_error *err) {
  struct stat info;
  call c = {.ids = PV_TEXT_INIT};
  if (lstat(folder, &info) == 0)
    return pv_error_set(err, PV_ERR_INPUT, "'%.200s' is there already", folder);
  pv_code code = make_call(spec, folder, &c, err);
  if (code == PV_OK) {
    code = run_call(spec, &c, err);
    if (code == PV_OK) code = check_manifest(&c, folder, err);
    if (code != PV_OK) remove_folder(folder);
  }
  free_call(&c);
  return code;
}

pv_code pv_engine_record(const pv_engine_spec *spec, char **folder, pv_error *err) {
  const char *below = getenv("TMPDIR");
  pv_text text = PV_TEXT_INIT;
  pv_text_printf(&text, "%s/pv-engine-XXXXXX", below != NULL && below[0] != '\0' ? below : "/tmp");
  const size_t length = text.length;
  char *made = text.failed ? NULL : mkdtemp(text.data);
  pv_code code = text.failed ? pv_error_nomem(err, "a folder's name")
                 : made == NULL
                     ? pv_error_errno(err, errno, "cannot make a folder like '%s'", text.data)
                     : PV_OK;
  if (code == PV_OK) {
    pv_text_puts(&text, "/trace");
    code =
        text.failed ? pv_error_nomem(err, "a folder's name") : pv_engine_run(spec, text.data, err);
  }
  if (code == PV_OK) {
    *folder = text.data;
    return PV_OK;
  }
  if (made != NULL) {
    text.data[length] = '\0';
    remove_folder(text.data);
  }
  pv_text_free(&text);
  return code;
}

void pv_engine_forget(char *folder) {
  if (folder == NULL) return;
  char *end = strrchr(folder, '/');
  if (end != NULL) *end = '\0';
  remove_folder(folder);
  free(folder);
}
