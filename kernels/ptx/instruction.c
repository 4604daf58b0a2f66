/* One instruction: guard, opcode with its modifiers, operands. */
#include <string.h>

#include "base/ck.h"
#include "kernels/ptx/parse.h"
#include "kernels/ptx/words.h"

/* @%p1 or @!%p1 */
static void read_guard(pv_ptx_parser *p, pv_ptx_instruction *i) {
  pv_ptx_operand guard;
  const pv_ptx_token t = p->lexer.now;
  pv_ptx_take(p, '@');
  pv_ptx_read_operand(p, 0, &guard);
  if (!pv_ptx_ok(p)) return;
  if (guard.kind != PV_PTX_REGISTER || p->function->registers[guard.index].type != PV_PTX_PRED)
    pv_ptx_fail(p, &t, "the guard is not a predicate");
  i->guarded = true;
  i->guard_negated = guard.negated;
  i->guard = guard.index;
}

static void unknown_word(pv_ptx_parser *p, const pv_ptx_token *t, const char *word, size_t length,
                         bool opcode) {
  char text[64];
  const size_t shown = length < sizeof text - 1 ? length : sizeof text - 1;
  memcpy(text, word, shown);
  text[shown] = '\0';
  pv_ptx_fail(p, t, opcode ? "no instruction '%s' is known" : "no modifier '.%s' is known", text);
  const char *near = opcode ? pv_ptx_opcode_nearest(text) : pv_ptx_modifier_nearest(text);
  if (near != NULL) pv_error_hint(p->err, "did you mean %s%s?", opcode ? "" : ".", near);
}

/* Splits at the dots; every part must be known. */
static const pv_ptx_opcode *read_opcode(pv_ptx_parser *p, pv_ptx_instruction *i) {
  const pv_ptx_token t = p->lexer.now;
  const pv_ptx_opcode *known = NULL;
  size_t parts = 1, start = 0;
  if (t.kind != PV_PTX_WORD) pv_ptx_unexpected(p, "an instruction");
  for (size_t k = 0; k < t.length; k++) parts += t.text[k] == '.';
  const char **list = PV_ARENA_NEW(p->arena, parts, const char *);
  i->opcode = pv_arena_strndup(p->arena, t.text, t.length);
  if (list == NULL || i->opcode == NULL) pv_ptx_nomem(p);
  for (size_t k = 0; k < parts && pv_ptx_ok(p); k++) {
    const char *dot = memchr(t.text + start, '.', t.length - start);
    const size_t length = dot != NULL ? (size_t)(dot - t.text) - start : t.length - start;
    if (k == 0) {
      known = pv_ptx_opcode_find(t.text, length);
      list[0] = known != NULL ? known->name : NULL;
    } else {
      list[k] = pv_ptx_modifier_find(t.text + start, length);
    }
    if (list[k] == NULL) {
      unknown_word(p, &t, t.text + start, length, k == 0);
      return NULL;
    }
    start += length + 1;
  }
  if (known == NULL || !pv_ptx_ok(p)) return NULL;
  i->parts = list;
  i->part_count = parts;
  i->line = t.line;
  i->column = t.column;
  i->writes = known->writes;
  /* A barrier's number may stand in a register; only a reduction has a result. */
  if (strncmp(known->name, "bar", 3) == 0) i->writes = pv_ptx_has_part(i, "red");
  pv_ptx_next(p);
  return known;
}

/* What operand 0 must be where it is a result, so that nobody takes a source for one. */
static bool result_is_sound(const pv_ptx_instruction *i) {
  if (!i->writes || i->operand_count == 0) return true;
  const pv_ptx_operand *o = &i->operands[0];
  if (o->negated) return false;
  if (strcmp(i->parts[0], "call") == 0) /* without a list first there is no result */
    return o->kind == PV_PTX_LIST || o->kind == PV_PTX_LABEL || o->kind == PV_PTX_REGISTER;
  if (strcmp(i->parts[0], "mbarrier") == 0 || strcmp(i->parts[0], "wgmma") == 0 ||
      strcmp(i->parts[0], "wmma") == 0)
    return true;
  return o->kind == PV_PTX_REGISTER || o->kind == PV_PTX_VECTOR || o->kind == PV_PTX_PAIR ||
         o->kind == PV_PTX_NOTHING;
}

void pv_ptx_read_instruction(pv_ptx_parser *p) {
  pv_ptx_function *f = p->function;
  pv_ptx_instruction i = {.source_file = p->source_file, .source_line = p->source_line};
  if (pv_ptx_at(p, '@')) read_guard(p, &i);
  const pv_ptx_token t = p->lexer.now;
  const pv_ptx_opcode *known = read_opcode(p, &i);
  pv_ptx_read_items(p, 0, ';', &i.operands, &i.operand_count);
  if (known == NULL || !pv_ptx_ok(p)) return;
  if (i.operand_count < known->least || i.operand_count > known->most)
    pv_ptx_fail(p, &t, "'%.60s' has %zu operands, not %d to %d", i.opcode, i.operand_count,
                known->least, known->most);
  else if (!result_is_sound(&i))
    pv_ptx_fail(p, &t, "the first operand of '%.60s' can not be a result", i.opcode);
  pv_ptx_note_pending(p, i.operands, i.operand_count, &t);
  if (pv_ptx_room(p, &f->instructions, f->instruction_count, &p->instructions,
                  sizeof *f->instructions))
    f->instructions[f->instruction_count++] = i;
}

const pv_ptx_operand *pv_ptx_results(const pv_ptx_instruction *i, size_t *count) {
  *count = 0;
  if (!i->writes || i->operand_count == 0) return NULL;
  const pv_ptx_operand *o = &i->operands[0];
  if (strcmp(i->parts[0], "call") == 0 && o->kind != PV_PTX_LIST) return NULL;
  if (o->kind == PV_PTX_VECTOR || o->kind == PV_PTX_PAIR || o->kind == PV_PTX_LIST) {
    *count = o->item_count;
    return o->items;
  }
  if (o->kind != PV_PTX_REGISTER) return NULL;
  *count = 1;
  return o;
}

bool pv_ptx_has_part(const pv_ptx_instruction *i, const char *part) {
  for (size_t k = 1; k < i->part_count; k++)
    if (strcmp(i->parts[k], part) == 0) return true;
  return false;
}
