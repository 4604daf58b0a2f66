#include "validator/cli/ask.h"

#include <ctype.h>
#include <string.h>

#include "base/child.h"

enum { LINES_MAX = 256, WORDS_MAX = 16, SAID_MAX = 1 << 20 };
static const double PATIENCE_S = 20.0;

static pv_code ask(const char *program, const char *const *arguments, bool errors, pv_text *out,
                   pv_error *err) {
  const char *argv[WORDS_MAX] = {program};
  for (size_t i = 0; arguments[i] != NULL && i + 2 < WORDS_MAX; i++) argv[i + 1] = arguments[i];
  const pv_child_spec spec = {.argv = argv, .output_limit = SAID_MAX};
  pv_child *child = NULL;
  pv_text frames = PV_TEXT_INIT;
  pv_child_event event = PV_CHILD_TIMEOUT;
  pv_code code = pv_child_start(&spec, &child, err);
  if (code == PV_OK) code = pv_child_wait(child, PATIENCE_S, &frames, SAID_MAX, &event, err);
  if (code == PV_OK && event != PV_CHILD_EXIT)
    code = pv_error_set(err, PV_ERR_INPUT, "'%s %s' does not answer", program, arguments[0]);
  if (code == PV_OK) {
    const pv_text *said = errors ? pv_child_stderr(child) : pv_child_stdout(child);
    pv_text_add(out, said->data == NULL ? "" : said->data, said->length);
    if (out->failed) code = pv_error_nomem(err, "a help text");
  }
  pv_child_free(child);
  pv_text_free(&frames);
  return code;
}

pv_code pv_ask(const char *const *arguments, bool errors, pv_text *out, pv_error *err) {
  return ask("/proc/self/exe", arguments, errors, out, err);
}

pv_code pv_ask_program(const char *program, const char *const *arguments, pv_text *out,
                       pv_error *err) {
  return ask(program, arguments, false, out, err);
}

static pv_code begin(pv_arena *arena, pv_help_lines *out, pv_error *err) {
  *out = (pv_help_lines){.items = PV_ARENA_NEW(arena, LINES_MAX, pv_help_line)};
  return out->items == NULL ? pv_error_nomem(err, "a help text") : PV_OK;
}

/* `value` and `about` may be of no length. */
static pv_code add(pv_arena *arena, pv_help_lines *out, const char *name, size_t name_length,
                   const char *value, size_t value_length, const char *about, pv_error *err) {
  const size_t about_length = strcspn(about, "\n");
  if (out->count == LINES_MAX)
    return pv_error_set(err, PV_ERR_INTERNAL, "a help text has more than %d lines", LINES_MAX);
  pv_help_line *line = &out->items[out->count++];
  line->name = pv_arena_strndup(arena, name, name_length);
  line->value = value_length > 0 ? pv_arena_strndup(arena, value, value_length) : NULL;
  line->about = pv_arena_strndup(arena, about, about_length);
  return line->name == NULL || line->about == NULL || (value_length > 0 && line->value == NULL)
             ? pv_error_nomem(err, "a help text")
             : PV_OK;
}

static const char *next_line(const char *line) {
  line += strcspn(line, "\n");
  return *line == '\n' ? line + 1 : line;
}

pv_code pv_help_commands(pv_arena *arena, const char *help, pv_help_lines *out, pv_error *err) {
  const char *line = strstr(help, "Commands:\n");
  pv_code code = begin(arena, out, err);
  if (line == NULL || code != PV_OK) return code;
  for (line = next_line(line); code == PV_OK && strncmp(line, "  ", 2) == 0;
       line = next_line(line)) {
    const size_t length = strcspn(line + 2, " \n");
    const char *about = line + 2 + length;
    about += strspn(about, " ");
    code = add(arena, out, line + 2, length, "", 0, about, err);
  }
  return code;
}

/* One option at `name`, `line` being where its line begins: a value stands behind one blank, or in
 * the column for values (base/options.c). */
static pv_code add_option(pv_arena *arena, pv_help_lines *out, const char *line, const char *name,
                          pv_error *err) {
  enum { VALUES = 15 };
  const size_t length = strspn(name, "-abcdefghijklmnopqrstuvwxyz0123456789");
  const size_t gap = strspn(name + length, " ");
  const char *rest = name + length + gap;
  size_t taken = 0;
  if (gap == 1 || (name == line + 2 && rest == line + VALUES)) taken = strcspn(rest, " \n");
  const char *about = rest + taken;
  about += strspn(about, " ");
  return add(arena, out, name, length, rest, taken, strncmp(about, "--", 2) == 0 ? "" : about, err);
}

pv_code pv_help_options(pv_arena *arena, const char *help, pv_help_lines *out, pv_error *err) {
  const char *end = strstr(help, "\nExamples:\n");
  pv_code code = begin(arena, out, err);
  for (const char *line = help; code == PV_OK && *line != '\0' && (end == NULL || line < end);
       line = next_line(line)) {
    if (strncmp(line, "  --", 4) != 0) continue;
    /* Several may stand in a line, each behind two blanks. */
    const char *line_end = line + strcspn(line, "\n");
    for (const char *at = line; code == PV_OK && at != NULL && at < line_end;
         at = strstr(at + 1, "  --"))
      code = add_option(arena, out, line, at + 2, err);
  }
  return code;
}

pv_code pv_help_verbs(pv_arena *arena, const char *help, const char *command, pv_help_lines *out,
                      pv_error *err) {
  const char *at = strstr(help, "Usage: pv ");
  pv_code code = begin(arena, out, err);
  if (at == NULL || code != PV_OK) return code;
  at += strlen("Usage: pv ") + strlen(command);
  const char *end = at + strcspn(at, "\n");
  while (code == PV_OK && at < end) {
    const size_t length = strcspn(at, " |\n");
    size_t small = 0;
    while (small < length && islower((unsigned char)at[small])) small++;
    if (length > 0 && small == length) code = add(arena, out, at, length, "", 0, "", err);
    at += length + 1;
  }
  return code;
}
