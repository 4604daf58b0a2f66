/* Writes the pages that a browser is to look at: FOLDER/KIND/report.html for each hand-made result,
 * with the files beside it that a run's folder has. */
#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "tests/unit/reports/sample.h"

/* Takes a text that was rendered, and writes it; false when either went wrong. */
static bool put(const char *folder, const char *name, pv_code code, pv_text *text, pv_error *err) {
  char path[512];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  if (code == PV_OK) code = pv_file_replace(path, text->data, text->length, err);
  pv_text_free(text);
  *text = PV_TEXT_INIT;
  if (code != PV_OK) pv_error_print(err, stderr);
  return code == PV_OK;
}

static bool write_kind(const char *parent, sample_kind kind) {
  char folder[256];
  char command[] =
      "pv bisect cpu:i16 cuda:i16 --model models/tiny-coder-moe-Q4_K_M.gguf --reference "
      "models/tiny-coder-moe.reference --named code";
  char *next[] = {command};
  const pv_strings commands = {.items = next, .count = kind == SAMPLE_REFUTED};
  sample *s = sample_make(kind);
  pv_text out = PV_TEXT_INIT;
  pv_error err = PV_ERROR_INIT;
  snprintf(folder, sizeof folder, "%s/%s", parent, sample_names[kind]);
  if (s == NULL || (mkdir(folder, 0777) != 0)) return false;
  const pv_result *r = &s->result;
  const pv_render_links links = {.folder = folder, .next = &commands};
  const bool well =
      put(folder, "report.html", pv_render_html(r, &links, &out, &err), &out, &err) &&
      put(folder, "report.md", pv_render_markdown(r, &links, &out, &err), &out, &err) &&
      put(folder, "junit.xml", pv_render_junit(r, &out, &err), &out, &err) &&
      put(folder, "statement.json", pv_render_statement(r, &links, &out, &err), &out, &err) &&
      put(folder, "evidence.json", pv_render_json(r, &links, &out, &err), &out, &err);
  sample_free(s);
  return well;
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fputs("usage: report_pages FOLDER\n", stderr);
    return 2;
  }
  for (int kind = 0; kind < SAMPLE_KINDS; kind++)
    if (!write_kind(argv[1], (sample_kind)kind)) {
      fprintf(stderr, "the page of '%s' was not written\n", sample_names[kind]);
      return 1;
    }
  return 0;
}
