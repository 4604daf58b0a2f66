/* What git is asked: which blobs a path had, and their bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/child.h"
#include "validator/history/kept.h"
#include "validator/store/git.h"

enum { AT_ONCE = 32, LOG_LIMIT = 64 << 20, BLOBS_LIMIT = 256 << 20 };

/* The word at `*at`, which is ended there; `*at` then is behind it. */
static char *next_word(char **at) {
  char *word = *at;
  *at += strcspn(word, " ");
  if (**at != '\0') *(*at)++ = '\0';
  return word;
}

typedef struct commit {
  const char *name, *when;
} commit;

/* "=COMMIT WHEN", then for each path ":MODE MODE OLD NEW STATE<tab>PATH", of which NEW is all zeros
 * where the path was removed. */
static bool take_line(char *line, commit *last, pv_kept_take take, void *context) {
  char *at = line + 1, *path = strchr(line, '\t');
  if (line[0] == '=') {
    last->name = next_word(&at);
    last->when = next_word(&at);
  }
  if (line[0] != ':' || path == NULL || last->when == NULL) return true;
  *path++ = '\0';
  for (int i = 0; i < 3; i++) (void)next_word(&at);
  const char *blob = next_word(&at);
  return strspn(blob, "0") == strlen(blob) || take(context, last->name, last->when, blob, path);
}

bool pv_kept_log(const char *folder, const char *pathspec, pv_kept_take take, void *context) {
  const char *const words[] = {"-c",
                               "core.quotePath=false",
                               "log",
                               "--full-history", /* also what only a merged branch had */
                               "-m",
                               "--raw",
                               "--no-abbrev",
                               "--no-renames",
                               "--relative",
                               "--date=format-local:%Y%m%dT%H%M%SZ",
                               "--format==%H %cd",
                               "--",
                               pathspec,
                               NULL};
  const pv_git_call call = {.folder = folder, .arguments = words, .limit = LOG_LIMIT};
  pv_text text = PV_TEXT_INIT;
  commit last = {0};
  bool well = pv_git_says(&call, &text);
  for (char *line = text.data, *next; well && line != NULL && *line != '\0'; line = next) {
    next = line + strcspn(line, "\n");
    if (*next != '\0') *next++ = '\0';
    well = take_line(line, &last, take, context);
  }
  pv_text_free(&text);
  return well;
}

/* Of "NAME blob LENGTH<newline>BYTES<newline>" or "NAME missing<newline>" for each name. */
static pv_code visit_all(const pv_kept_blobs *b, size_t from, size_t to, const pv_text *said,
                         bool *answered, pv_error *err) {
  const char *at = said->data, *end = said->data + said->length;
  pv_code code = PV_OK;
  for (size_t i = from; i < to && code == PV_OK; i++) {
    const size_t name = strlen(b->names[i]), left = (size_t)(end - at);
    const char *line = memchr(at, '\n', left);
    if (line == NULL || left < name + 6 || strncmp(at, b->names[i], name) != 0) {
      *answered = false;
      return PV_OK;
    }
    const bool blob = strncmp(at + name, " blob ", 6) == 0;
    const size_t length = blob ? strtoul(at + name + 6, NULL, 10) : 0;
    at = line + 1;
    if (blob && length >= (size_t)(end - at)) {
      *answered = false;
      return PV_OK;
    }
    code = b->visit(b->context, i, at, length, err);
    if (blob) at += length + 1;
  }
  return code;
}

pv_code pv_kept_blobs_read(const pv_kept_blobs *b, bool *answered, pv_error *err) {
  static const char *const words[] = {"cat-file", "--batch", NULL};
  pv_code code = PV_OK;
  *answered = true;
  for (size_t from = 0; from < b->count && *answered && code == PV_OK; from += AT_ONCE) {
    const size_t to = b->count - from < AT_ONCE ? b->count : from + AT_ONCE;
    pv_text names = PV_TEXT_INIT, said = PV_TEXT_INIT;
    for (size_t i = from; i < to; i++) pv_text_printf(&names, "%s\n", b->names[i]);
    const pv_git_call call = {b->folder, words, names.data, names.length, BLOBS_LIMIT};
    *answered = !names.failed && pv_git_says(&call, &said);
    if (*answered) code = visit_all(b, from, to, &said, answered, err);
    pv_text_free(&names);
    pv_text_free(&said);
  }
  if (code == PV_OK && pv_cancelled()) code = pv_error_set(err, PV_ERR_CANCELLED, "interrupted");
  return code;
}
