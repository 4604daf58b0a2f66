/* Rules for every kernel: what the numerics identities promise of each instruction. */
#include <string.h>

#include "base/text.h"
#include "kernels/ptx/assert.h"

static bool has_float(const pv_ptx_instruction *i) {
  static const char *const types[] = {"f16", "f16x2", "bf16", "bf16x2", "f32", "f32x2", "f64"};
  for (size_t k = 0; k < sizeof types / sizeof *types; k++)
    if (pv_ptx_has_part(i, types[k])) return true;
  return false;
}

static bool is(const pv_ptx_instruction *i, const char *opcode) {
  return strcmp(i->parts[0], opcode) == 0;
}

static bool flushes(const pv_ptx_instruction *i) {
  return pv_ptx_has_part(i, "ftz");
}

/* div.full is within 2 ulp, not correctly rounded. */
static bool approximates(const pv_ptx_instruction *i) {
  return pv_ptx_has_part(i, "approx") || (is(i, "div") && pv_ptx_has_part(i, "full"));
}

/* What several threads add up in memory comes in an order that nobody knows. */
static bool adds_in_memory(const pv_ptx_instruction *i) {
  const bool in_memory =
      is(i, "atom") || is(i, "red") || (is(i, "cp") && pv_ptx_has_part(i, "reduce"));
  return in_memory && has_float(i);
}

static bool is_local(const pv_ptx_instruction *i) {
  return pv_ptx_has_part(i, "local");
}

/* PTX ISA: add, sub and mul without a rounding modifier may be fused by what translates PTX
 * further, the driver included; with one they never are. A floating mad is an fma by another
 * name. nvcc writes the modifier exactly where it was called with --fmad=false. */
static bool may_contract(const pv_ptx_instruction *i) {
  static const char *const roundings[] = {"rn", "rz", "rm", "rp"};
  if (!has_float(i)) return false;
  if (is(i, "mad")) return true;
  if (!is(i, "add") && !is(i, "sub") && !is(i, "mul")) return false;
  for (size_t k = 0; k < sizeof roundings / sizeof *roundings; k++)
    if (pv_ptx_has_part(i, roundings[k])) return false;
  return true;
}

typedef struct rule {
  const char *name;
  bool (*breaks)(const pv_ptx_instruction *i);
  pv_ptx_space space; /* that no variable may be declared in */
} rule;

static const rule rules[] = {
    {"no_ftz", flushes, PV_PTX_NO_SPACE},
    {"no_approx", approximates, PV_PTX_NO_SPACE},
    {"no_float_atomics", adds_in_memory, PV_PTX_NO_SPACE},
    {"no_local", is_local, PV_PTX_LOCAL},
    {"no_contraction", may_contract, PV_PTX_NO_SPACE},
};
enum { RULES = sizeof rules / sizeof *rules };

const char *pv_ptx_rule_at(size_t index) {
  return index < RULES ? rules[index].name : NULL;
}

static pv_code find_rule(const char *name, const rule **out, pv_error *err) {
  for (size_t i = 0; i < RULES; i++)
    if (strcmp(rules[i].name, name) == 0) {
      *out = &rules[i];
      return PV_OK;
    }
  pv_error_set(err, PV_ERR_INPUT, "there is no rule '%.60s' for kernels", name);
  for (size_t i = 0; i < RULES; i++)
    if (pv_text_distance(rules[i].name, name) < 4)
      pv_error_hint(err, "did you mean %s?", rules[i].name);
  return PV_ERR_INPUT;
}

/* Each instruction that breaks the rule, and each variable, in one function. */
static pv_code apply(pv_arena *arena, const char *kernel, const pv_ptx_function *f, const rule *r,
                     pv_ptx_report *report, pv_error *err) {
  pv_code code = PV_OK;
  for (size_t i = 0; code == PV_OK && i < f->instruction_count; i++)
    if (r->breaks(&f->instructions[i]))
      code = pv_ptx_report_add(arena, report,
                               (pv_ptx_finding){kernel, r->name, false, f->instructions[i].line,
                                                f->instructions[i].opcode, &f->instructions[i]},
                               err);
  for (size_t v = 0; code == PV_OK && r->space != PV_PTX_NO_SPACE && v < f->variable_count; v++)
    if (f->variables[v]->space == r->space)
      code = pv_ptx_report_add(
          arena, report,
          (pv_ptx_finding){kernel, r->name, false, f->variables[v]->line,
                           pv_arena_printf(arena, "declares %s", f->variables[v]->name), NULL},
          err);
  report->compared += f->instruction_count;
  return code;
}

pv_code pv_ptx_check_rules(pv_arena *arena, const pv_ptx_function *kernel, const char *const *names,
                           size_t count, pv_ptx_report *report, pv_error *err) {
  const pv_ptx_function **reached = NULL;
  size_t functions = 0;
  pv_code code = pv_ptx_reached(arena, kernel, &reached, &functions, err);
  for (size_t k = 0; code == PV_OK && k < (count > 0 ? count : RULES); k++) {
    const rule *r = &rules[count > 0 ? 0 : k];
    if (count > 0) code = find_rule(names[k], &r, err);
    const size_t failed = report->failed;
    for (size_t f = 0; code == PV_OK && f < functions; f++)
      code = apply(arena, kernel->name, reached[f], r, report, err);
    if (code == PV_OK && report->failed == failed)
      code = pv_ptx_report_add(
          arena, report, (pv_ptx_finding){kernel->name, r->name, true, 0, "holds", NULL}, err);
  }
  return code;
}
