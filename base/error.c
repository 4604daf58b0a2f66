#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/text.h"

pv_code(pv_error_set)(pv_error *err, pv_code code, const char *fmt, ...) {
  if (err == NULL) return code;
  pv_error fresh = PV_ERROR_INIT; /* an argument may be the old message */
  fresh.code = code;
  va_list args;
  va_start(args, fmt);
  vsnprintf(fresh.message, sizeof fresh.message, fmt, args);
  va_end(args);
  *err = fresh;
  return code;
}

pv_code(pv_error_nomem)(pv_error *err, const char *what) {
  return pv_error_set(err, PV_ERR_NOMEM, "out of memory for %s", what);
}

pv_code(pv_error_refuse)(pv_error *err, const char *hint, const char *fmt, ...) {
  char text[sizeof err->message];
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  pv_error_set(err, PV_ERR_INPUT, "%s", text);
  pv_error_hint(err, "%s", hint);
  return PV_ERR_INPUT;
}

void pv_error_at(pv_error *err, const char *file, int64_t line, int64_t column, int64_t byte) {
  if (err == NULL) return;
  if (file != NULL) snprintf(err->file, sizeof err->file, "%s", file);
  err->line = line;
  err->column = column;
  err->byte = byte;
}

void pv_error_rule(pv_error *err, const char *rule) {
  if (err != NULL) snprintf(err->rule, sizeof err->rule, "%s", rule);
}

void pv_error_hint(pv_error *err, const char *fmt, ...) {
  if (err == NULL) return;
  char hint[sizeof err->hint];
  va_list args;
  va_start(args, fmt);
  vsnprintf(hint, sizeof hint, fmt, args);
  va_end(args);
  memcpy(err->hint, hint, sizeof hint);
}

pv_code(pv_error_errno)(pv_error *err, int saved_errno, const char *fmt, ...) {
  const pv_code code = saved_errno == ENOMEM ? PV_ERR_NOMEM : PV_ERR_IO;
  char text[sizeof((pv_error *)0)->message];
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  char reason[128];
  return pv_error_set(err, code, "%.380s: %s", text,
                      strerror_r(saved_errno, reason, sizeof reason));
}

static void print_escaped(FILE *file, const char *bytes) {
  pv_text text = PV_TEXT_INIT;
  pv_text_escape(&text, bytes, strlen(bytes));
  fputs(text.failed || text.data == NULL ? "" : text.data, file);
  pv_text_free(&text);
}

void pv_error_print(const pv_error *err, FILE *file) {
  if (file == NULL || err == NULL) return;
  if (err->code == PV_ERR_IO && err->message[0] == '\0') return;
  if (err->file[0] != '\0') {
    print_escaped(file, err->file);
    if (err->line > 0) fprintf(file, ":%lld", (long long)err->line);
    if (err->line > 0 && err->column > 0) fprintf(file, ":%lld", (long long)err->column);
    fputs(": ", file);
  }
  fputs("error: ", file);
  print_escaped(file, err->message);
  if (err->line == 0 && err->byte >= 0) fprintf(file, " (at byte %lld)", (long long)err->byte);
  if (err->rule[0] != '\0') fprintf(file, " [%s]", err->rule);
  fputc('\n', file);
  if (err->hint[0] != '\0') {
    fputs("  ", file);
    print_escaped(file, err->hint);
    fputc('\n', file);
  }
}

int pv_code_exit(pv_code code) {
  switch (code) {
    case PV_OK:
      return 0;
    case PV_ERR_CANCELLED:
      return 130;
    case PV_ERR_DEVICE:
    case PV_ERR_INTERNAL:
    case PV_ERR_NOMEM:
      return 4;
    default:
      return 2;
  }
}
