#include <stdarg.h>
#include <string.h>

#include "base/text.h"
#include "validator/rules/rules.h"

pv_code pv_findings_add(pv_arena *arena, pv_findings *findings, const char *rule, const char *file,
                        int64_t line, int64_t column, const char *hint, pv_error *err,
                        const char *fmt, ...) {
  char text[600];
  const pv_rule *entry = pv_rule_find(rule);
  if (entry == NULL) return pv_error_set(err, PV_ERR_INTERNAL, "there is no rule %s", rule);
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  const size_t n = findings->count;
  if ((n & (n - 1)) == 0) {
    pv_finding *grown = PV_ARENA_NEW(arena, n == 0 ? 4 : 4 * n, pv_finding);
    if (grown == NULL) return pv_error_nomem(err, "findings");
    if (n > 0) memcpy(grown, findings->items, n * sizeof *grown);
    findings->items = grown;
  }
  pv_finding *f = &findings->items[findings->count];
  *f = (pv_finding){entry,
                    pv_arena_strdup(arena, file),
                    pv_arena_strdup(arena, text),
                    pv_arena_strdup(arena, hint),
                    line,
                    column};
  if (f->file == NULL || f->message == NULL || f->hint == NULL)
    return pv_error_nomem(err, "findings");
  findings->count++;
  findings->severe += entry->severity == PV_SEVERE;
  return PV_OK;
}

pv_code pv_findings_from_error(pv_arena *arena, pv_findings *findings, const pv_error *error,
                               pv_error *err) {
  if (error->rule[0] == '\0') {
    if (err != NULL) *err = *error;
    return error->code;
  }
  return pv_findings_add(arena, findings, error->rule, error->file, error->line, error->column,
                         error->hint, err, "%s", error->message);
}
