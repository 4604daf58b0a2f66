/* Any bytes as PTX: refused with a place, or read into a module whose every index is in range and
 * over which every assertion comes to an end; what is left unread has a reason and no content. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernels/ptx/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "violated: %s\n", what);
  abort();
}

static void look_at_operands(const pv_ptx_function *f, const pv_ptx_operand *list, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const pv_ptx_operand *o = &list[i];
    demand(o->kind != PV_PTX_REGISTER || o->index < f->register_count, "a register exists");
    demand(o->kind != PV_PTX_LABEL || o->index < f->label_count, "a label exists");
    demand(o->kind != PV_PTX_TABLE || o->index < f->table_count, "a table exists");
    demand(o->kind != PV_PTX_VARIABLE || o->variable != NULL, "a variable exists");
    demand(o->kind != PV_PTX_FUNCTION || o->function != NULL, "a function exists");
    look_at_operands(f, o->items, o->item_count);
  }
}

static void look_at(const pv_ptx_function *f) {
  demand(f->unread == NULL || f->instruction_count + f->register_count + f->variable_count == 0,
         "nothing of what is unread is here");
  demand(f->unread == NULL || (f->unread->line > 0 && f->unread->why[0] != '\0'),
         "what is unread has a place and a reason");
  for (size_t i = 0; i < f->label_count; i++)
    demand(f->labels[i].at <= f->instruction_count, "a label stands in the body");
  for (size_t i = 0; i < f->instruction_count; i++) {
    const pv_ptx_instruction *in = &f->instructions[i];
    size_t count = 0;
    demand(!in->guarded || in->guard < f->register_count, "a guard exists");
    demand(in->part_count > 0 && in->line > 0 && in->column > 0, "an instruction has a place");
    (void)pv_ptx_results(in, &count);
    look_at_operands(f, in->operands, in->operand_count);
  }
}

static void judge(pv_arena *arena, const pv_ptx_function *f) {
  static const char *const writers[] = {"fma", "add", "zero"}, *const orders[] = {"mov", "st"},
                           *const counts[] = {"add.1"};
  const pv_ptx_directives d = {.require = writers,
                               .forbid = orders,
                               .order = orders,
                               .count = counts,
                               .requires = 2,
                               .forbids = 2,
                               .orders = 2,
                               .counts = 1};
  const pv_ptx_flow flows[] = {{"shfl", "cvt", "add", writers, 3, NULL, 0},
                               {"st", ".f32", "mul", writers, 2, writers, 2}};
  pv_ptx_report report = {0};
  uint64_t shared = 0;
  (void)pv_ptx_shared_bytes(f, &shared);
  (void)pv_ptx_check_directives(arena, f, &d, &report, NULL);
  (void)pv_ptx_check_rules(arena, f, NULL, 0, &report, NULL);
  for (size_t i = 0; i < 2; i++) (void)pv_ptx_check_flow(arena, f, &flows[i], &report, NULL);
  demand(f->unread == NULL || report.count == 0, "nothing is said of what is unread");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  pv_arena arena = PV_ARENA_INIT;
  pv_ptx_module *m = NULL, *all = NULL;
  pv_error err = PV_ERROR_INIT;
  size_t unread = 0;
  const char *text = (const char *)data;
  const pv_code code = pv_ptx_parse_each(&arena, "fuzz", text, size, &m, &err);
  demand(code == PV_OK || err.message[0] != '\0', "a refusal says why");
  demand(code == PV_OK || (m == NULL && err.line > 0), "a refusal has a place and no module");
  for (size_t i = 0; code == PV_OK && i < m->function_count; i++) {
    look_at(m->functions[i]);
    judge(&arena, m->functions[i]);
    unread += m->functions[i]->unread != NULL;
  }
  if (pv_ptx_parse(&arena, "fuzz", text, size, &all, NULL) == PV_OK)
    demand(code == PV_OK && unread == 0, "what is read whole is read in parts");
  else
    demand(all == NULL && (code != PV_OK || unread > 0), "what is refused whole has a reason");
  pv_arena_free(&arena);
  return 0;
}
