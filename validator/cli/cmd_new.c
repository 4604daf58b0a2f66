/* pv new: templates that work as they are, to begin with. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/options.h"
#include "base/output.h"
#include "base/text.h"
#include "screen/screen.h"
#include "templates.h"
#include "validator/cli/commands.h"
#include "validator/judge/facts.h"

typedef struct request {
  const char *name, *date;
  bool c; /* of a program: in C, else in Python */
} request;

/* One file that is written. */
typedef struct written {
  const char *suffix; /* behind the name */
  const unsigned char *text;
  size_t length;
  mode_t mode;
} written;

static const struct {
  const char *kind;
  written python[3], c[3];
} kinds[] = {{"check",
              {{".py", pv_template_check_py, sizeof pv_template_check_py, 0777}},
              {{".c", pv_template_check_c, sizeof pv_template_check_c, 0666},
               {"", pv_template_check_sh, sizeof pv_template_check_sh, 0777}}},
             {"contract",
              {{".yaml", pv_template_contract_yaml, sizeof pv_template_contract_yaml, 0666}},
              {{".yaml", pv_template_contract_yaml, sizeof pv_template_contract_yaml, 0666}}}};

static void put_word(pv_text *out, const request *q, const char *word, size_t length) {
  static const char *const names[] = {"NAME", "DATE", "PROGRAM", "FILES"};
  size_t i = 0;
  while (i < 4 && (strlen(names[i]) != length || strncmp(names[i], word, length) != 0)) i++;
  if (i == 0) pv_text_puts(out, q->name);
  if (i == 1) pv_text_puts(out, q->date);
  if (i == 2) pv_text_printf(out, "%s%s", q->name, q->c ? "" : ".py");
  if (i == 3 && q->c) pv_text_printf(out, " # compiles the file below\n    files: [%s.c]", q->name);
}

/* The template with what stands between two @ filled in. */
static void fill(pv_text *out, const request *q, const written *w) {
  const char *at = (const char *)w->text, *end = at + w->length;
  while (at < end) {
    const char *mark = memchr(at, '@', (size_t)(end - at));
    const char *next = mark == NULL ? NULL : memchr(mark + 1, '@', (size_t)(end - mark - 1));
    pv_text_add(out, at, (size_t)((next == NULL ? end : mark) - at));
    if (next != NULL) put_word(out, q, mark + 1, (size_t)(next - mark - 1));
    at = next == NULL ? end : next + 1;
  }
}

static pv_code write_new(const char *path, const pv_text *text, mode_t mode, pv_error *err) {
  const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0 && errno == EEXIST)
    return pv_error_refuse(err, "remove it, or choose another name", "there is a file '%s'", path);
  if (fd < 0) return pv_error_errno(err, errno, "cannot write '%s'", path);
  size_t done = 0;
  ssize_t n = 0;
  while (done < text->length && (n >= 0 || errno == EINTR)) {
    n = write(fd, text->data + done, text->length - done);
    if (n > 0) done += (size_t)n;
  }
  const int saved = errno;
  const bool whole = close(fd) == 0 && done == text->length;
  if (whole) return PV_OK;
  unlink(path);
  return pv_error_errno(err, saved, "cannot write '%s'", path);
}

static pv_code write_all(pv_arena *arena, const request *q, const written *list, bool print,
                         pv_error *err) {
  pv_code code = PV_OK;
  /* All or none: what is there already is found before the first is written. */
  for (const written *w = list; w->suffix != NULL && !print && code == PV_OK; w++) {
    const char *path = pv_arena_printf(arena, "%s%s", q->name, w->suffix);
    if (path == NULL)
      code = pv_error_nomem(err, "a template");
    else if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
      code =
          pv_error_refuse(err, "remove it, or choose another name", "there is a file '%s'", path);
  }
  if (print) pv_screen_raw();
  for (const written *w = list; w->suffix != NULL && code == PV_OK; w++) {
    pv_text text = PV_TEXT_INIT;
    const char *path = pv_arena_printf(arena, "%s%s", q->name, w->suffix);
    fill(&text, q, w);
    if (text.failed || path == NULL)
      code = pv_error_nomem(err, "a template");
    else
      code = print ? pv_output_write(text.data, text.length, err)
                   : write_new(path, &text, w->mode, err);
    if (code == PV_OK && !print) printf("wrote %s\n", path);
    pv_text_free(&text);
    if (print) break; /* the one that one edits */
  }
  return code;
}

static bool well_formed(const char *name) {
  if (!isalpha((unsigned char)name[0]) || strlen(name) > 64) return false;
  for (const char *p = name; *p != '\0'; p++)
    if (!isalnum((unsigned char)*p) && *p != '_' && *p != '-') return false;
  return true;
}

static pv_code find(const char *const *words, size_t count, const char *language, const request *q,
                    const written **out, pv_error *err) {
  if (count != 2)
    return pv_error_refuse(err, "for example: pv new check mine", "say what is new, and its name");
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(kinds[i].kind, words[0]) == 0) *out = q->c ? kinds[i].c : kinds[i].python;
  if (*out == NULL)
    return pv_error_refuse(err, "there are: check, contract", "nothing new is called '%s'",
                           words[0]);
  if (language != NULL && !q->c && strcmp(language, "python") != 0)
    return pv_error_refuse(err, "there are: c, python", "there is no template in '%s'", language);
  if (well_formed(words[1])) return PV_OK;
  return pv_error_refuse(err, "use letters, digits, '_' and '-', at most 64",
                         "the name '%s' is not well-formed", words[1]);
}

int pv_cmd_new(int argc, char **argv) {
  const char *words[2] = {NULL, NULL}, *language = NULL;
  bool help = false, print = false;
  const pv_option list[] = {
      {"--language", "python|c", "of a check, or whose check the contract has (default python)",
       &language, NULL},
      {"--stdout", NULL, "print it and write no file", NULL, &print},
      {0}};
  pv_options options = {
      .command = "new",
      .summary =
          "Writes a check of your own, or a contract over it, into this folder: each works as "
          "it is. A\n"
          "check is a program that `pv validate` starts, a provider; it can plant one fault. No "
          "file is\n"
          "written over.",
      .positional = "check|contract NAME",
      .examples =
          "  pv new check mine\n  pv new contract mine\n  pv validate mine.yaml --faults\n"
          "  pv new check mine-too --language c --stdout\n",
      .list = list,
      .rest = words,
      .rest_max = 2};
  pv_arena arena = PV_ARENA_INIT;
  pv_error err = PV_ERROR_INIT;
  const written *files = NULL;
  char *now = NULL;
  pv_code code = pv_options_parse(&options, argc, argv, &help, &err);
  if (code != PV_OK || help) goto cleanup;
  request q = {.name = words[1], .c = language != NULL && strcmp(language, "c") == 0};
  code = find(words, options.rest_count, language, &q, &files, &err);
  if (code == PV_OK) code = pv_facts_now(&arena, &now, &err);
  if (code != PV_OK) goto cleanup;
  now[10] = '\0'; /* the date alone */
  q.date = now;
  code = write_all(&arena, &q, files, print, &err);
cleanup:
  if (code != PV_OK) pv_error_print(&err, stderr);
  pv_arena_free(&arena);
  return pv_code_exit(code);
}
