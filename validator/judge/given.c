#include "validator/judge/given.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "reports/render/put.h"
#include "validator/run/run.h"
#include "validator/run/scratch.h"

enum { WORDS = 16, SAID_MAX = 64 << 10, SECONDS = 600, TEXT_MAX = 1 << 20 };

bool pv_given_any(const pv_given_prompts *given) {
  return given->ids != NULL || given->prompt != NULL || given->text != NULL;
}

/* What it said beside its answer, a line each. */
static void pass_on(const char *said) {
  pv_text text = PV_TEXT_INIT;
  for (const char *at = said; *at != '\0';) {
    char line[400];
    const size_t n = strcspn(at, "\n");
    snprintf(line, sizeof line, "%.*s", (int)(n < sizeof line ? n : sizeof line - 1), at);
    pv_put_plain(&text, "  %s\n", line);
    at += n + (at[n] == '\n');
  }
  if (!text.failed && text.length > 0) fputs(text.data, stderr);
  pv_text_free(&text);
}

/* Standard input is the probe's to read, but it is ours. */
static pv_code read_input(pv_text *out, pv_error *err) {
  char part[4096];
  for (size_t n; (n = fread(part, 1, sizeof part, stdin)) > 0;) {
    if (n > TEXT_MAX - out->length)
      return pv_error_set(err, PV_ERR_LIMIT, "standard input has more than %d bytes", TEXT_MAX);
    pv_text_add(out, part, n);
  }
  if (ferror(stdin)) return pv_error_set(err, PV_ERR_IO, "cannot read standard input");
  return out->failed ? pv_error_nomem(err, "standard input") : PV_OK;
}

static pv_code run(const char *const *argv, const pv_text *input, pv_error *err) {
  const pv_child_spec spec = {argv, input->data, input->length, SAID_MAX};
  pv_child *child = NULL;
  pv_text channel = PV_TEXT_INIT;
  pv_child_event event = PV_CHILD_TIMEOUT;
  pv_code code = pv_child_start(&spec, &child, err);
  if (code != PV_OK) return code;
  code = pv_child_wait(child, SECONDS, &channel, SAID_MAX, &event, err);
  const pv_child_exit *end = pv_child_result(child);
  const pv_text *said = pv_child_stderr(child);
  const char *words = said->data == NULL ? "" : said->data;
  if (code == PV_OK && (event != PV_CHILD_EXIT || end->signal != 0))
    code = pv_error_set(err, PV_ERR_IO, "the probe gave no prompts: %s",
                        event != PV_CHILD_EXIT ? "it was not done in time" : "it broke down");
  else if (code == PV_OK && end->code != 0)
    code = pv_run_refusal(words, err);
  if (code == PV_OK) pass_on(words);
  pv_child_free(child);
  pv_text_free(&channel);
  return code;
}

pv_code pv_given_make(pv_arena *arena, const char *probe, const char *model,
                      const pv_given_prompts *given, pv_child_place *place, const char **path,
                      pv_error *err) {
  const char *argv[WORDS] = {NULL, "reference", "build", "--model", model};
  size_t n = 5;
  pv_code code = pv_run_find_probe(arena, probe, &argv[0], err);
  if (code == PV_OK) code = pv_scratch_make(arena, place, err);
  if (code != PV_OK) return code;
  const char *file = pv_arena_printf(arena, "%s/given.reference", place->folder);
  const char *const named[][2] = {
      {"--ids", given->ids}, {"--prompt", given->prompt}, {"--text", given->text}, {"--out", file}};
  if (file == NULL) return pv_error_nomem(err, "prompts");
  /* In one word each, so that a prompt may begin with dashes. */
  for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
    if (named[i][1] == NULL) continue;
    argv[n] = pv_arena_printf(arena, "%s=%s", named[i][0], named[i][1]);
    if (argv[n++] == NULL) return pv_error_nomem(err, "prompts");
  }
  if (given->plain) argv[n++] = "--plain-text";
  argv[n] = "--cut";
  pv_text input = PV_TEXT_INIT;
  if (given->text != NULL && strcmp(given->text, "-") == 0) code = read_input(&input, err);
  if (code == PV_OK) code = run(argv, &input, err);
  pv_text_free(&input);
  if (code == PV_OK) *path = file;
  return code;
}

void pv_given_remove(const pv_child_place *place) {
  if (place->folder != NULL) pv_scratch_remove(place);
}
