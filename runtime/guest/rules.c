/* What stands in the text of a kernel and is not what its descriptor declares. */
#include <stdio.h>
#include <string.h>

#include "kernels/ptx/assert.h"
#include "runtime/guest/guest.h"

static const struct {
  const char *rule, *word, *why;
  bool once; /* told at its first line alone: it is a matter of how all was compiled */
} rules[] = {
    {"no_approx", "approx", "an approximation: no bit of it is defined", false},
    {"no_ftz", "ftz", "it flushes subnormal numbers to zero", true},
    {"no_contraction", "contraction",
     "without a rounding mode: a product and a sum may become one on the way to the device", true},
    {"no_float_atomics", "order", "floats are added in memory, in an order that nobody knows",
     false},
};
enum { RULES = sizeof rules / sizeof *rules };

static void add(const pv_guest_descriptor *d, const pv_ptx_module *module,
                const pv_ptx_finding *found, size_t rule, uint64_t count, pv_guest_findings *out) {
  pv_guest_finding one = {.count = count};
  snprintf(one.kind, sizeof one.kind, "not allowed: %s", rules[rule].word);
  one.spot.line = found->line;
  if (found->at != NULL) {
    const char *file = pv_ptx_file_name(module, found->at->source_file);
    one.spot.source_line = found->at->source_line;
    snprintf(one.spot.source, sizeof one.spot.source, "%s", file != NULL ? file : "");
  }
  if (d->numerics.is_identity)
    snprintf(one.text, sizeof one.text, "%.100s: %s; %s claims every bit", found->text,
             rules[rule].why, d->numerics.name);
  else
    snprintf(one.text, sizeof one.text, "%.100s: %s; the descriptor does not allow %s", found->text,
             rules[rule].why, rules[rule].word);
  pv_guest_findings_add(out, &one);
}

pv_code pv_guest_rules(pv_arena *arena, const pv_guest_descriptor *d, const pv_ptx_module *module,
                       const pv_ptx_function *entry, pv_guest_findings *out, pv_error *err) {
  const bool allowed[RULES] = {d->allowed.approx, d->allowed.ftz, d->allowed.contraction,
                               d->allowed.order};
  pv_code code = PV_OK;
  for (size_t i = 0; i < RULES && code == PV_OK; i++) {
    pv_ptx_report report = {0};
    if (allowed[i]) continue;
    code = pv_ptx_check_rules(arena, entry, &rules[i].rule, 1, &report, err);
    for (size_t k = 0; k < report.count && code == PV_OK; k++) {
      if (report.findings[k].held) continue;
      add(d, module, &report.findings[k], i, rules[i].once ? report.failed : 1, out);
      if (rules[i].once) break;
    }
  }
  if (code == PV_ERR_UNSUPPORTED && err != NULL && err->file[0] == '\0')
    pv_error_at(err, module->name, err->line, err->column, -1);
  return code;
}
