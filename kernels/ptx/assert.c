#include "kernels/ptx/assert.h"

#include <string.h>

#include "kernels/ptx/pattern.h"

static pv_code nomem(pv_error *err) {
  return pv_error_set(err, PV_ERR_NOMEM, "out of memory");
}

pv_code pv_ptx_report_add(pv_arena *arena, pv_ptx_report *report, pv_ptx_finding finding,
                          pv_error *err) {
  if (finding.directive == NULL || finding.text == NULL) return nomem(err);
  if (!pv_arena_room(arena, &report->findings, report->count, &report->capacity, sizeof finding))
    return nomem(err);
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
  const pv_ptx_function *f = NULL;
  *out = NULL;
  if (strcmp(i->parts[0], "call") != 0) return PV_OK;
  for (size_t k = 0; k < i->operand_count && k < 2; k++)
    if (i->operands[k].kind == PV_PTX_FUNCTION) f = i->operands[k].function;
  if (f != NULL && of_the_runtime(f)) return PV_OK;
  if (f != NULL && f->unread != NULL) return pv_ptx_refuse_unread(f, i, err);
  if (f != NULL && f->has_body) {
    *out = f;
    return PV_OK;
  }
  if (f == NULL)
    pv_error_set(err, PV_ERR_UNSUPPORTED, "line %u calls through a pointer", i->line);
  else
    pv_error_set(err, PV_ERR_UNSUPPORTED, "line %u calls %.100s, whose body is not here", i->line,
                 f->name);
  pv_error_at(err, "", i->line, i->column, -1);
  return PV_ERR_UNSUPPORTED;
}

static pv_code add_function(pv_arena *arena, const pv_ptx_function *f,
                            const pv_ptx_function ***list, size_t *count, size_t *capacity,
                            pv_error *err) {
  for (size_t i = 0; i < *count; i++)
    if ((*list)[i] == f) return PV_OK;
  if (!pv_arena_room(arena, list, *count, capacity, sizeof **list)) return nomem(err);
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

/* What is asked of a kernel, and where the findings go. */
typedef struct judge {
  pv_arena *arena;
  const pv_ptx_function *kernel;
  pv_ptx_report *report;
  pv_error *err;
} judge;

/* Where a pattern occurs in the body of one function. */
typedef struct occurrences {
  uint64_t count;
  const pv_ptx_instruction *first, *last; /* NULL when count is 0 */
} occurrences;

static occurrences find(const judge *j, const pv_ptx_function *f, const pv_ptx_pattern *pattern) {
  occurrences out = {0};
  for (size_t i = 0; i < f->instruction_count; i++)
    if (pv_ptx_matches(pattern, &f->instructions[i])) {
      out.last = &f->instructions[i];
      if (out.count++ == 0) out.first = out.last;
    }
  j->report->compared += f->instruction_count;
  return out;
}

static pv_code parse(const judge *j, const char *text, pv_ptx_pattern *out) {
  return pv_ptx_pattern_parse(j->arena, text, strlen(text), out, j->err);
}

/* A finding at an instruction, or at the kernel's head where it is NULL. */
static pv_code add(const judge *j, const char *directive, bool held, const pv_ptx_instruction *at,
                   const char *text) {
  const uint32_t line = at != NULL ? at->line : j->kernel->line;
  const pv_ptx_finding f = {j->kernel->name, directive, held, line, text, at};
  return pv_ptx_report_add(j->arena, j->report, f, j->err);
}

static const char *times(const judge *j, occurrences o) {
  return pv_arena_printf(j->arena, "occurs %llu times", (unsigned long long)o.count);
}

static pv_code require(const judge *j, const char *text) {
  pv_ptx_pattern pattern;
  const pv_code code = parse(j, text, &pattern);
  if (code != PV_OK) return code;
  const occurrences o = find(j, j->kernel, &pattern);
  return add(j, pv_arena_printf(j->arena, "require %s", text), o.count > 0, o.first,
             o.count > 0 ? times(j, o) : "does not occur");
}

/* Also in what the kernel calls: there the fault would hide otherwise. */
static pv_code forbid(const judge *j, const char *text) {
  pv_ptx_pattern pattern;
  const pv_ptx_function **reached = NULL;
  size_t count = 0;
  pv_code code = parse(j, text, &pattern);
  if (code == PV_OK) code = pv_ptx_reached(j->arena, j->kernel, &reached, &count, j->err);
  if (code != PV_OK) return code;
  pv_ptx_finding f = {.kernel = j->kernel->name,
                      .directive = pv_arena_printf(j->arena, "forbid %s", text),
                      .held = true,
                      .text = "does not occur"};
  for (size_t r = 0; r < count && f.held; r++) {
    f.at = find(j, reached[r], &pattern).first;
    if (f.at != NULL) {
      f.held = false;
      f.line = f.at->line;
      f.text = pv_arena_printf(j->arena, "%s%s%s", f.at->opcode, r > 0 ? " in " : "",
                               r > 0 ? reached[r]->name : "");
    }
    for (size_t v = 0; v < reached[r]->variable_count && f.held; v++) {
      const pv_ptx_variable *variable = reached[r]->variables[v];
      if (pattern.space == PV_PTX_NO_SPACE || variable->space != pattern.space) continue;
      f.held = false;
      f.line = variable->line;
      f.text = pv_arena_printf(j->arena, "declares %s", variable->name);
    }
  }
  return pv_ptx_report_add(j->arena, j->report, f, j->err);
}

static pv_code check_count(const judge *j, const char *text) {
  pv_ptx_pattern pattern;
  uint64_t wanted = 0;
  const pv_code code = pv_ptx_pattern_parse_count(j->arena, text, &pattern, &wanted, j->err);
  if (code != PV_OK) return code;
  const occurrences o = find(j, j->kernel, &pattern);
  return add(j, pv_arena_printf(j->arena, "count %s", text), o.count == wanted, o.last,
             times(j, o));
}

/* Both the first and the last occurrences stand in this order. */
static pv_code check_order(const judge *j, const char *const *list, size_t count) {
  occurrences before = {0};
  pv_code code = PV_OK;
  if (count == 1)
    return pv_error_set(j->err, PV_ERR_INPUT, "an order of one instruction says nothing");
  for (size_t k = 0; k < count && code == PV_OK; k++) {
    pv_ptx_pattern pattern;
    code = parse(j, list[k], &pattern);
    if (code != PV_OK) break;
    const occurrences here = find(j, j->kernel, &pattern);
    const bool both = here.count > 0 && before.count > 0;
    const char *previous = k > 0 ? list[k - 1] : "", *text = "as stated";
    const pv_ptx_instruction *at = NULL;
    if (both && here.first <= before.first) {
      at = here.first;
      text =
          pv_arena_printf(j->arena, "the first %s stands before the first %s", list[k], previous);
    } else if (both && here.last <= before.last) {
      at = before.last;
      text = pv_arena_printf(j->arena, "the last %s stands after the last %s", previous, list[k]);
    } else if (here.count == 0) {
      text = pv_arena_printf(j->arena, "%s does not occur", list[k]);
    }
    const bool held = here.count > 0 && at == NULL;
    if (k > 0 || !held)
      code =
          add(j, pv_arena_printf(j->arena, "order %s%s%s", previous, k > 0 ? " < " : "", list[k]),
              held, at, text);
    before = here;
  }
  return code;
}

pv_code pv_ptx_check_directives(pv_arena *arena, const pv_ptx_function *kernel,
                                const pv_ptx_directives *d, pv_ptx_report *report, pv_error *err) {
  const judge j = {arena, kernel, report, err};
  pv_code code = pv_ptx_refuse_unread(kernel, NULL, err);
  if (d->requires + d->forbids + d->orders + d->counts == 0)
    return pv_error_set(err, PV_ERR_INPUT, "nothing is asserted of %.100s", kernel->name);
  for (size_t i = 0; code == PV_OK && i < d->requires; i++) code = require(&j, d->require[i]);
  for (size_t i = 0; code == PV_OK && i < d->forbids; i++) code = forbid(&j, d->forbid[i]);
  for (size_t i = 0; code == PV_OK && i < d->counts; i++) code = check_count(&j, d->count[i]);
  if (code == PV_OK) code = check_order(&j, d->order, d->orders);
  return code;
}
