#include "kernels/ptx/assert.h"

#include <string.h>

#include "base/ck.h"
#include "kernels/ptx/pattern.h"

static pv_code nomem(pv_error *err) {
  return pv_error_set(err, PV_ERR_NOMEM, "out of memory");
}

pv_code pv_ptx_report_add(pv_arena *arena, pv_ptx_report *report, pv_ptx_finding finding,
                          pv_error *err) {
  if (finding.directive == NULL || finding.text == NULL) return nomem(err);
  if (report->count == report->capacity) {
    uint64_t wanted = 16;
    if (report->capacity > 0 && !pv_ck_mul(report->capacity, 2, &wanted)) return nomem(err);
    pv_ptx_finding *grown = PV_ARENA_NEW(arena, wanted, pv_ptx_finding);
    if (grown == NULL) return nomem(err);
    if (report->count > 0) memcpy(grown, report->findings, report->count * sizeof *grown);
    report->findings = grown;
    report->capacity = wanted;
  }
  report->findings[report->count++] = finding;
  if (!finding.held) report->failed++;
  return PV_OK;
}

pv_code pv_ptx_refuse_unread(const pv_ptx_function *f, const pv_ptx_instruction *call,
                             pv_error *err) {
  const pv_ptx_unread *u = f->unread;
  if (u == NULL) return PV_OK;
  if (call == NULL)
    pv_error_set(err, PV_ERR_UNSUPPORTED, "line %u: %s: %s", u->line, u->why, u->text);
  else
    pv_error_set(err, PV_ERR_UNSUPPORTED,
                 "line %u calls %.100s, which is not read; line %u: %s: %s", call->line, f->name,
                 u->line, u->why, u->text);
  pv_error_at(err, "", u->line, u->column, -1);
  return PV_ERR_UNSUPPORTED;
}

/* The CUDA runtime has these; their bodies are in no file. They print, end the kernel or hand out
 * memory. */
static bool of_the_runtime(const pv_ptx_function *f) {
  static const char *const names[] = {"vprintf", "__assertfail", "malloc", "free"};
  for (size_t i = 0; !f->has_body && i < sizeof names / sizeof *names; i++)
    if (strcmp(f->name, names[i]) == 0) return true;
  return false;
}

/* What `instruction` calls and has a body; NULL for other instructions. */
static pv_code callee(const pv_ptx_instruction *i, const pv_ptx_function **out, pv_error *err) {
  *out = NULL;
  if (strcmp(i->parts[0], "call") != 0) return PV_OK;
  for (size_t k = 0; k < i->operand_count && k < 2; k++)
    if (i->operands[k].kind == PV_PTX_FUNCTION) *out = i->operands[k].function;
  if (*out != NULL && of_the_runtime(*out)) {
    *out = NULL;
    return PV_OK;
  }
  if (*out != NULL && (*out)->unread != NULL) return pv_ptx_refuse_unread(*out, i, err);
  if (*out != NULL && (*out)->has_body) return PV_OK;
  if (*out == NULL)
    pv_error_set(err, PV_ERR_UNSUPPORTED, "line %u calls through a pointer", i->line);
  else
    pv_error_set(err, PV_ERR_UNSUPPORTED, "line %u calls %.100s, whose body is not here", i->line,
                 (*out)->name);
  pv_error_at(err, "", i->line, i->column, -1);
  return PV_ERR_UNSUPPORTED;
}

static pv_code add_function(pv_arena *arena, const pv_ptx_function *f,
                            const pv_ptx_function ***list, size_t *count, size_t *capacity,
                            pv_error *err) {
  uint64_t wanted = 8;
  for (size_t i = 0; i < *count; i++)
    if ((*list)[i] == f) return PV_OK;
  if (*count == *capacity) {
    if (*capacity > 0 && !pv_ck_mul(*capacity, 2, &wanted)) return nomem(err);
    const pv_ptx_function **grown = PV_ARENA_NEW(arena, wanted, const pv_ptx_function *);
    if (grown == NULL) return nomem(err);
    for (size_t i = 0; i < *count; i++) grown[i] = (*list)[i];
    *list = grown;
    *capacity = wanted;
  }
  (*list)[(*count)++] = f;
  return PV_OK;
}

pv_code pv_ptx_reached(pv_arena *arena, const pv_ptx_function *kernel, const pv_ptx_function ***out,
                       size_t *count, pv_error *err) {
  const pv_ptx_function **list = NULL;
  size_t used = 0, capacity = 0;
  pv_code code = pv_ptx_refuse_unread(kernel, NULL, err);
  if (code == PV_OK) code = add_function(arena, kernel, &list, &used, &capacity, err);
  for (size_t f = 0; code == PV_OK && f < used; f++)
    for (size_t i = 0; code == PV_OK && i < list[f]->instruction_count; i++) {
      const pv_ptx_function *next = NULL;
      code = callee(&list[f]->instructions[i], &next, err);
      if (code == PV_OK && next != NULL)
        code = add_function(arena, next, &list, &used, &capacity, err);
    }
  if (code != PV_OK) return code;
  *out = list;
  *count = used;
  return PV_OK;
}

/* Where a pattern occurs in the body of one function. */
typedef struct occurrences {
  uint64_t count;
  size_t first, last; /* instructions; meaningless when count is 0 */
} occurrences;

static occurrences find(const pv_ptx_function *f, const pv_ptx_pattern *pattern,
                        pv_ptx_report *report) {
  occurrences out = {0};
  for (size_t i = 0; i < f->instruction_count; i++)
    if (pv_ptx_matches(pattern, &f->instructions[i])) {
      if (out.count++ == 0) out.first = i;
      out.last = i;
    }
  report->compared += f->instruction_count;
  return out;
}

static pv_code require(pv_arena *arena, const pv_ptx_function *kernel, const char *text,
                       pv_ptx_report *report, pv_error *err) {
  pv_ptx_pattern pattern;
  const pv_code code = pv_ptx_pattern_parse(arena, text, strlen(text), &pattern, err);
  if (code != PV_OK) return code;
  const occurrences o = find(kernel, &pattern, report);
  pv_ptx_finding f = {kernel->name,     pv_arena_printf(arena, "require %s", text),
                      o.count > 0,      kernel->line,
                      "does not occur", NULL};
  if (o.count > 0) {
    f.at = &kernel->instructions[o.first];
    f.line = f.at->line;
    f.text = pv_arena_printf(arena, "occurs %llu times", (unsigned long long)o.count);
  }
  return pv_ptx_report_add(arena, report, f, err);
}

/* Also in what the kernel calls: there the fault would hide otherwise. */
static pv_code forbid(pv_arena *arena, const pv_ptx_function *kernel, const char *text,
                      pv_ptx_report *report, pv_error *err) {
  pv_ptx_pattern pattern;
  const pv_ptx_function **reached = NULL;
  size_t count = 0;
  pv_code code = pv_ptx_pattern_parse(arena, text, strlen(text), &pattern, err);
  if (code == PV_OK) code = pv_ptx_reached(arena, kernel, &reached, &count, err);
  if (code != PV_OK) return code;
  pv_ptx_finding f = {
      kernel->name, pv_arena_printf(arena, "forbid %s", text), true, 0, "does not occur", NULL};
  for (size_t r = 0; r < count && f.held; r++) {
    const occurrences o = find(reached[r], &pattern, report);
    if (o.count > 0) {
      const pv_ptx_instruction *i = &reached[r]->instructions[o.first];
      f.held = false;
      f.at = i;
      f.line = i->line;
      f.text = pv_arena_printf(arena, "%s%s%s", i->opcode, r > 0 ? " in " : "",
                               r > 0 ? reached[r]->name : "");
    }
    for (size_t v = 0; v < reached[r]->variable_count && f.held; v++) {
      const pv_ptx_variable *variable = reached[r]->variables[v];
      if (pattern.space == PV_PTX_NO_SPACE || variable->space != pattern.space) continue;
      f.held = false;
      f.line = variable->line;
      f.text = pv_arena_printf(arena, "declares %s", variable->name);
    }
  }
  return pv_ptx_report_add(arena, report, f, err);
}

static pv_code check_count(pv_arena *arena, const pv_ptx_function *kernel, const char *text,
                           pv_ptx_report *report, pv_error *err) {
  pv_ptx_pattern pattern;
  uint64_t wanted = 0;
  const pv_code code = pv_ptx_pattern_parse_count(arena, text, &pattern, &wanted, err);
  if (code != PV_OK) return code;
  const occurrences o = find(kernel, &pattern, report);
  const pv_ptx_finding f = {
      kernel->name,
      pv_arena_printf(arena, "count %s", text),
      o.count == wanted,
      o.count > 0 ? kernel->instructions[o.last].line : kernel->line,
      pv_arena_printf(arena, "occurs %llu times", (unsigned long long)o.count),
      o.count > 0 ? &kernel->instructions[o.last] : NULL};
  return pv_ptx_report_add(arena, report, f, err);
}

/* Both the first and the last occurrences stand in this order. */
static pv_code check_order(pv_arena *arena, const pv_ptx_function *kernel, const char *const *list,
                           size_t count, pv_ptx_report *report, pv_error *err) {
  occurrences before = {0};
  if (count == 1)
    return pv_error_set(err, PV_ERR_INPUT, "an order of one instruction says nothing");
  for (size_t k = 0; k < count; k++) {
    pv_ptx_pattern pattern;
    const pv_code code = pv_ptx_pattern_parse(arena, list[k], strlen(list[k]), &pattern, err);
    if (code != PV_OK) return code;
    const occurrences here = find(kernel, &pattern, report);
    const char *previous = k > 0 ? list[k - 1] : "";
    pv_ptx_finding f = {
        kernel->name, pv_arena_printf(arena, "order %s%s%s", previous, k > 0 ? " < " : "", list[k]),
        true,         kernel->line,
        "as stated",  NULL};
    if (here.count == 0) {
      f.held = false;
      f.text = pv_arena_printf(arena, "%s does not occur", list[k]);
    } else if (k > 0 && before.count > 0 && here.first <= before.first) {
      f.held = false;
      f.at = &kernel->instructions[here.first];
      f.line = f.at->line;
      f.text = pv_arena_printf(arena, "the first %s stands before the first %s", list[k], previous);
    } else if (k > 0 && before.count > 0 && here.last <= before.last) {
      f.held = false;
      f.at = &kernel->instructions[before.last];
      f.line = f.at->line;
      f.text = pv_arena_printf(arena, "the last %s stands after the last %s", previous, list[k]);
    }
    if (f.text == NULL) return nomem(err);
    if (k > 0 || !f.held) {
      const pv_code added = pv_ptx_report_add(arena, report, f, err);
      if (added != PV_OK) return added;
    }
    before = here;
  }
  return PV_OK;
}

pv_code pv_ptx_check_directives(pv_arena *arena, const pv_ptx_function *kernel,
                                const pv_ptx_directives *d, pv_ptx_report *report, pv_error *err) {
  pv_code code = pv_ptx_refuse_unread(kernel, NULL, err);
  if (d->requires + d->forbids + d->orders + d->counts == 0)
    return pv_error_set(err, PV_ERR_INPUT, "nothing is asserted of %.100s", kernel->name);
  for (size_t i = 0; code == PV_OK && i < d->requires; i++)
    code = require(arena, kernel, d->require[i], report, err);
  for (size_t i = 0; code == PV_OK && i < d->forbids; i++)
    code = forbid(arena, kernel, d->forbid[i], report, err);
  for (size_t i = 0; code == PV_OK && i < d->counts; i++)
    code = check_count(arena, kernel, d->count[i], report, err);
  if (code == PV_OK) code = check_order(arena, kernel, d->order, d->orders, report, err);
  return code;
}
