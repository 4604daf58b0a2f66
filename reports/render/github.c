/* Workflow commands: the marks of a contract as annotations of its lines. */
#include "reports/render/call.h"
#include "reports/render/escape.h"
#include "reports/render/marks.h"

static const char *const commands[] = {"notice", "warning", "error"};

/* A line of a log that begins with :: is obeyed, so a stranger's text stays within one. `property`:
 * between commas, where those and colons end it. */
static void put(pv_text *out, const char *value, bool property) {
  pv_text line = PV_TEXT_INIT;
  pv_esc_line(&line, value, 4 * PV_ESC_CLIP);
  for (size_t i = 0; i < line.length; i++) {
    const char c = line.data[i];
    if (c == '%' || (property && (c == ':' || c == ',')))
      pv_text_printf(out, "%%%02X", (unsigned)c);
    else
      pv_text_add(out, &c, 1);
  }
  out->failed |= line.failed;
  pv_text_free(&line);
}

static void put_command(pv_text *out, pv_mark_level level, const char *file, int64_t line,
                        int64_t column, const char *title) {
  pv_text_printf(out, "::%s ", commands[level]);
  if (file[0] != '\0') {
    pv_text_puts(out, "file=");
    put(out, file, true);
    pv_text_puts(out, ",");
    if (line > 0) pv_text_printf(out, "line=%lld,", (long long)line);
    if (line > 0 && column > 0) pv_text_printf(out, "col=%lld,", (long long)column);
  }
  pv_text_puts(out, "title=");
  put(out, title, true);
  pv_text_puts(out, "::");
}

static void put_mark(pv_text *out, const pv_outcome *o, const pv_mark *m) {
  const pv_contract *c = o->result->contract;
  pv_text title = PV_TEXT_INIT;
  pv_text_printf(&title, "%s %s %s", c->name, m->criterion != NULL ? m->id : "", m->word);
  put_command(out, m->level, o->file, m->place.line, m->place.column, pv_view_text(title.data));
  put(out, m->text, false);
  pv_text_puts(out, "\n");
  out->failed |= title.failed;
  pv_text_free(&title);
}

pv_code pv_render_github(const pv_outcome *outcome, pv_text *out, pv_error *err) {
  const size_t begin = out->length;
  pv_marks marks;
  const pv_code code = pv_marks_make(outcome->result, &marks, err);
  /* The status first: of the annotations of a step only the first ten of a kind are shown. */
  for (size_t i = 0; code == PV_OK && i < marks.count; i++)
    put_mark(out, outcome, &marks.items[(i + marks.count - 1) % marks.count]);
  pv_marks_free(&marks);
  return pv_view_end(out, begin, code, err);
}

void pv_render_github_failure(const pv_error *failure, pv_text *out) {
  pv_text title = PV_TEXT_INIT;
  pv_text_printf(&title, "pv validate %s", failure->rule);
  put_command(out, PV_MARK_ERROR, failure->file, failure->line, failure->column,
              pv_view_text(title.data));
  put(out, failure->message, false);
  if (failure->hint[0] != '\0') {
    pv_text_puts(out, "%0A");
    put(out, failure->hint, false);
  }
  pv_text_puts(out, "\n");
  out->failed |= title.failed;
  pv_text_free(&title);
}
