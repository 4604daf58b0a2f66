/* Where the values come from that reach an instruction. Registers are traced backward over all
 * their writers at once (a register with several writers is what is left of a phi), so that each
 * is looked at once: linear in the kernel. See docs/ptx.md. */
#include <string.h>

#include "base/ck.h"
#include "kernels/ptx/assert.h"
#include "kernels/ptx/pattern.h"

enum { REDUCING = 0, ACCUMULATING = 1, MULTIPLYING = 2, SIDES = 3 };

typedef struct tracer {
  pv_arena *arena;
  const pv_ptx_function *kernel;
  pv_ptx_pattern sink, through, combine, *writers, *factors;
  size_t writer_count, factor_count;
  bool zero; /* the constant zero may be written */
  /* writers of register r: instructions writing[first[r]] to writing[first[r + 1] - 1] */
  size_t *first, *writing;
  bool *seen;      /* [register][side] */
  uint32_t *stack; /* register * SIDES + side; each is pushed at most once */
  size_t depth;
  const char *directive;
  uint64_t rounded; /* uses of `through` */
  pv_ptx_report *report;
  pv_error *err;
} tracer;

static const pv_ptx_instruction *instruction(const tracer *t, size_t index) {
  return &t->kernel->instructions[index];
}

/* `at` NULL: of the kernel as a whole. */
static pv_code refuse(tracer *t, const pv_ptx_instruction *at, const char *text) {
  const uint32_t line = at != NULL ? at->line : t->kernel->line;
  const pv_ptx_finding f = {t->kernel->name, t->directive, false, line, text, at};
  return pv_ptx_report_add(t->arena, t->report, f, t->err);
}

/* Lists the writers of each register: counted, then filled in. */
static pv_code index_writers(tracer *t) {
  const pv_ptx_function *f = t->kernel;
  uint64_t slots = 0, sides = 0;
  size_t total = 0;
  if (!pv_ck_add(f->register_count, 2, &slots) || !pv_ck_mul(f->register_count, SIDES, &sides) ||
      sides > UINT32_MAX)
    return pv_error_set(t->err, PV_ERR_LIMIT, "too many registers to trace");
  t->first = PV_ARENA_NEW(t->arena, slots, size_t);
  t->seen = PV_ARENA_NEW(t->arena, sides, bool);
  t->stack = PV_ARENA_NEW(t->arena, sides, uint32_t);
  if (t->first == NULL || t->seen == NULL || t->stack == NULL)
    return pv_error_set(t->err, PV_ERR_NOMEM, "out of memory");
  for (size_t i = 0; i < f->instruction_count; i++) {
    size_t count = 0;
    const pv_ptx_operand *results = pv_ptx_results(instruction(t, i), &count);
    for (size_t k = 0; k < count; k++)
      if (results[k].kind == PV_PTX_REGISTER) {
        t->first[results[k].index + 2]++;
        total++;
      }
  }
  t->writing = PV_ARENA_NEW(t->arena, total, size_t);
  if (t->writing == NULL) return pv_error_set(t->err, PV_ERR_NOMEM, "out of memory");
  for (size_t r = 2; r < slots; r++) t->first[r] += t->first[r - 1];
  for (size_t i = 0; i < f->instruction_count; i++) {
    size_t count = 0;
    const pv_ptx_operand *results = pv_ptx_results(instruction(t, i), &count);
    for (size_t k = 0; k < count; k++)
      if (results[k].kind == PV_PTX_REGISTER) t->writing[t->first[results[k].index + 1]++] = i;
  }
  return PV_OK;
}

static size_t writer_count(const tracer *t, uint32_t r) {
  return t->first[r + 1] - t->first[r];
}

static bool is(const pv_ptx_instruction *i, const char *opcode) {
  return strcmp(i->parts[0], opcode) == 0;
}

/* Traces an operand on: registers are pushed, the constant zero is looked up. */
static pv_code follow(tracer *t, const pv_ptx_instruction *user, const pv_ptx_operand *o,
                      int side) {
  if (o->kind == PV_PTX_VECTOR) {
    pv_code code = PV_OK;
    for (size_t k = 0; code == PV_OK && k < o->item_count; k++)
      code = follow(t, user, &o->items[k], side);
    return code;
  }
  if (o->kind == PV_PTX_IMMEDIATE && (side == MULTIPLYING || (o->bits == 0 && t->zero)))
    return PV_OK;
  if (o->kind != PV_PTX_REGISTER)
    return refuse(t, user,
                  pv_arena_printf(t->arena, "%s uses a value that no writer made", user->opcode));
  const size_t node = (size_t)o->index * SIDES + (size_t)side;
  if (t->seen[node]) return PV_OK;
  t->seen[node] = true;
  t->stack[t->depth++] = (uint32_t)node;
  return PV_OK;
}

/* The register that a value was moved from, as far as there is one writer only. */
static uint32_t root(const tracer *t, uint32_t r) {
  for (size_t steps = 0; steps < t->kernel->register_count; steps++) {
    if (writer_count(t, r) != 1) return r;
    const pv_ptx_instruction *i = instruction(t, t->writing[t->first[r]]);
    if (!is(i, "mov") || i->guarded || i->operands[0].kind != PV_PTX_REGISTER ||
        i->operands[1].kind != PV_PTX_REGISTER)
      return r;
    r = i->operands[1].index;
  }
  return r;
}

/* Whether `shuffled` is what a sink made of the value in `own`. */
static bool is_shuffled_self(const tracer *t, const pv_ptx_operand *own,
                             const pv_ptx_operand *shuffled) {
  if (own->kind != PV_PTX_REGISTER || shuffled->kind != PV_PTX_REGISTER) return false;
  const uint32_t from = root(t, shuffled->index);
  if (writer_count(t, from) != 1) return false;
  const pv_ptx_instruction *i = instruction(t, t->writing[t->first[from]]);
  return i->operand_count > 1 && pv_ptx_matches(&t->sink, i) &&
         i->operands[1].kind == PV_PTX_REGISTER &&
         root(t, i->operands[1].index) == root(t, own->index);
}

static pv_code trace_reduction(tracer *t, const pv_ptx_instruction *i) {
  if (i->operand_count > 1 && pv_ptx_matches(&t->through, i)) {
    t->rounded++;
    return follow(t, i, &i->operands[1], ACCUMULATING);
  }
  if (pv_ptx_matches(&t->combine, i) && i->operand_count == 3) {
    if (is_shuffled_self(t, &i->operands[1], &i->operands[2]))
      return follow(t, i, &i->operands[1], REDUCING);
    if (is_shuffled_self(t, &i->operands[2], &i->operands[1]))
      return follow(t, i, &i->operands[2], REDUCING);
    return refuse(t, i,
                  pv_arena_printf(t->arena, "%s adds something else than a value's shuffled self",
                                  i->opcode));
  }
  return refuse(t, i,
                pv_arena_printf(t->arena, "%s reaches %s, but not through %s", i->opcode,
                                t->sink.text, t->through.text));
}

static pv_code trace_accumulator(tracer *t, const pv_ptx_instruction *i) {
  size_t k = 0;
  while (k < t->writer_count && !pv_ptx_matches(&t->writers[k], i)) k++;
  if (k == t->writer_count)
    return refuse(
        t, i,
        pv_arena_printf(t->arena, "%s writes an accumulator of %s", i->opcode, t->through.text));
  /* The accumulator goes on where a sum goes on; the factors of a product are another matter. */
  if (is(i, "fma") || is(i, "mad")) {
    pv_code code = follow(t, i, &i->operands[3], ACCUMULATING);
    for (size_t f = 1; code == PV_OK && t->factor_count > 0 && f < 3; f++)
      code = follow(t, i, &i->operands[f], MULTIPLYING);
    return code;
  }
  if (!is(i, "add") && !is(i, "sub")) return PV_OK;
  const pv_code code = follow(t, i, &i->operands[1], ACCUMULATING);
  return code == PV_OK ? follow(t, i, &i->operands[2], ACCUMULATING) : code;
}

/* What makes a factor: traced to what was loaded, or to an integer, which is exact. */
static pv_code trace_factor(tracer *t, const pv_ptx_instruction *i) {
  pv_code code = PV_OK;
  size_t k = 0;
  while (k < t->factor_count && !pv_ptx_matches(&t->factors[k], i)) k++;
  if (k == t->factor_count)
    return refuse(t, i,
                  pv_arena_printf(t->arena, "%s makes a factor of an accumulator", i->opcode));
  const char from = i->parts[i->part_count - 1][0]; /* of a conversion: "u16" */
  if (is(i, "ld") || is(i, "ldu") || (is(i, "cvt") && (from == 'u' || from == 's'))) return PV_OK;
  for (size_t o = 1; code == PV_OK && o < i->operand_count; o++)
    code = follow(t, i, &i->operands[o], MULTIPLYING);
  return code;
}

static pv_code trace_writer(tracer *t, const pv_ptx_instruction *i, int side) {
  t->report->compared++;
  if (is(i, "mov")) return follow(t, i, &i->operands[1], side);
  if (is(i, "selp")) {
    const pv_code code = follow(t, i, &i->operands[1], side);
    return code == PV_OK ? follow(t, i, &i->operands[2], side) : code;
  }
  if (side == MULTIPLYING) return trace_factor(t, i);
  return side == REDUCING ? trace_reduction(t, i) : trace_accumulator(t, i);
}

static pv_code trace_all(tracer *t) {
  pv_code code = PV_OK;
  while (code == PV_OK && t->depth > 0) {
    const uint32_t node = t->stack[--t->depth], r = node / SIDES;
    if (writer_count(t, r) == 0)
      code = refuse(t, NULL,
                    pv_arena_printf(t->arena, "nothing writes %s", t->kernel->registers[r].name));
    for (size_t k = t->first[r]; code == PV_OK && k < t->first[r + 1]; k++)
      code = trace_writer(t, instruction(t, t->writing[k]), (int)(node % SIDES));
  }
  return code;
}

static pv_code parse(tracer *t, const char *text, pv_ptx_pattern *out) {
  return pv_ptx_pattern_parse(t->arena, text, strlen(text), out, t->err);
}

static pv_code parse_flow(tracer *t, const pv_ptx_flow *flow) {
  pv_code code = parse(t, flow->sink, &t->sink);
  if (code == PV_OK) code = parse(t, flow->through, &t->through);
  if (code == PV_OK) code = parse(t, flow->combine, &t->combine);
  if (code != PV_OK) return code;
  t->writers = PV_ARENA_NEW(t->arena, flow->writer_count, pv_ptx_pattern);
  t->factors = PV_ARENA_NEW(t->arena, flow->factor_count, pv_ptx_pattern);
  t->directive = pv_arena_printf(t->arena, "flow %s through %s", flow->sink, flow->through);
  if (t->writers == NULL || t->factors == NULL || t->directive == NULL)
    return pv_error_set(t->err, PV_ERR_NOMEM, "out of memory");
  for (size_t i = 0; code == PV_OK && i < flow->writer_count; i++) {
    if (strcmp(flow->writers[i], "zero") == 0)
      t->zero = true;
    else
      code = parse(t, flow->writers[i], &t->writers[t->writer_count++]);
  }
  for (size_t i = 0; code == PV_OK && i < flow->factor_count; i++)
    code = parse(t, flow->factors[i], &t->factors[t->factor_count++]);
  if (code == PV_OK && t->writer_count == 0)
    return pv_error_set(t->err, PV_ERR_INPUT, "no instruction is named that may write");
  return code;
}

pv_code pv_ptx_check_flow(pv_arena *arena, const pv_ptx_function *kernel, const pv_ptx_flow *flow,
                          pv_ptx_report *report, pv_error *err) {
  tracer t = {.arena = arena, .kernel = kernel, .report = report, .err = err};
  const size_t failed = report->failed;
  uint64_t sinks = 0;
  pv_code code = pv_ptx_refuse_unread(kernel, NULL, err);
  if (code == PV_OK) code = parse_flow(&t, flow);
  if (code == PV_OK) code = index_writers(&t);
  for (size_t i = 0; code == PV_OK && i < kernel->instruction_count; i++) {
    const pv_ptx_instruction *sink = instruction(&t, i);
    if (!pv_ptx_matches(&t.sink, sink)) continue;
    sinks++;
    if (sink->operand_count < 2)
      return pv_error_set(err, PV_ERR_INPUT, "nothing flows into '%.60s'", sink->opcode);
    code = follow(&t, sink, &sink->operands[1], REDUCING);
    if (code == PV_OK) code = trace_all(&t);
  }
  if (code != PV_OK) return code;
  if (sinks == 0) return refuse(&t, NULL, pv_arena_printf(arena, "%s does not occur", flow->sink));
  if (t.rounded == 0 && report->failed == failed)
    return refuse(&t, NULL, pv_arena_printf(arena, "%s rounds nothing", flow->through));
  if (report->failed > failed) return PV_OK;
  return pv_ptx_report_add(
      arena, report,
      (pv_ptx_finding){kernel->name, t.directive, true, kernel->line,
                       pv_arena_printf(arena, "%llu values, rounded by %llu instructions",
                                       (unsigned long long)sinks, (unsigned long long)t.rounded),
                       NULL},
      err);
}
