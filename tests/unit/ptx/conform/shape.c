#include "tests/unit/ptx/conform/shape.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* Registers by size and by what they hold: p, h, r, l, f, d. */
static char letter_of(pv_ptx_type type) {
  if (type == PV_PTX_PRED) return 'p';
  if (type == PV_PTX_F32) return 'f';
  if (type == PV_PTX_F64) return 'd';
  const uint32_t bytes = pv_ptx_type_bytes(type);
  return bytes == 2 ? 'h' : bytes == 4 ? 'r' : bytes == 8 ? 'l' : '?';
}

static void put_operand(pv_text *to, const pv_ptx_function *f, const pv_ptx_operand *o) {
  static const char *const brackets[] = {
      [PV_PTX_ADDRESS] = "[]", [PV_PTX_VECTOR] = "{}", [PV_PTX_LIST] = "()", [PV_PTX_PAIR] = "||"};
  switch (o->kind) {
    case PV_PTX_NOTHING:
      pv_text_puts(to, "_");
      break;
    case PV_PTX_REGISTER:
      pv_text_printf(to, "%s%c", o->negated ? "!" : "", letter_of(f->registers[o->index].type));
      break;
    case PV_PTX_SPECIAL:
      pv_text_puts(to, o->name);
      break;
    case PV_PTX_IMMEDIATE:
      pv_text_puts(to, "i");
      break;
    case PV_PTX_VARIABLE:
      pv_text_puts(to, "variable");
      break;
    case PV_PTX_LABEL:
      pv_text_puts(to, "label");
      break;
    case PV_PTX_TABLE:
      pv_text_puts(to, "table");
      break;
    case PV_PTX_FUNCTION:
      pv_text_puts(to, "function");
      break;
    default:
      pv_text_add(to, brackets[o->kind], 1);
      for (size_t i = 0; i < o->item_count; i++) put_operand(to, f, &o->items[i]);
      if (o->kind == PV_PTX_ADDRESS && o->offset != 0) pv_text_puts(to, "+");
      pv_text_add(to, brackets[o->kind] + 1, 1);
  }
}

static int compare(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool pv_conform_shapes_has(const pv_conform_shapes *shapes, const char *shape) {
  return shapes->count > 0 &&
         bsearch(&shape, shapes->list, shapes->count, sizeof *shapes->list, compare) != NULL;
}

static bool insert(pv_conform_shapes *s, pv_arena *arena, const char *shape) {
  if (pv_conform_shapes_has(s, shape)) return true;
  if (s->count == s->capacity) {
    const size_t capacity = s->capacity > 0 ? 2 * s->capacity : 256;
    const char **list = PV_ARENA_NEW(arena, capacity, const char *);
    if (list == NULL) return false;
    if (s->count > 0) memcpy(list, s->list, s->count * sizeof *list);
    s->list = list;
    s->capacity = capacity;
  }
  size_t at = s->count;
  while (at > 0 && strcmp(s->list[at - 1], shape) > 0) at--;
  memmove(s->list + at + 1, s->list + at, (s->count - at) * sizeof *s->list);
  s->list[at] = pv_arena_strdup(arena, shape);
  s->count++;
  return s->list[at] != NULL;
}

static bool add_instruction(pv_conform_shapes *s, pv_arena *arena, const pv_ptx_function *f,
                            const pv_ptx_instruction *i) {
  pv_text shape = PV_TEXT_INIT;
  pv_text_puts(&shape, i->opcode);
  for (size_t k = 0; k < i->operand_count; k++) {
    pv_text_puts(&shape, k == 0 ? " " : ",");
    put_operand(&shape, f, &i->operands[k]);
  }
  const bool ok = !shape.failed && insert(s, arena, shape.data);
  pv_text_free(&shape);
  return ok;
}

bool pv_conform_shapes_add(pv_conform_shapes *s, pv_arena *arena, const pv_ptx_module *module) {
  for (size_t k = 0; k < module->function_count; k++) {
    const pv_ptx_function *f = module->functions[k];
    for (size_t i = 0; i < f->instruction_count; i++)
      if (!add_instruction(s, arena, f, &f->instructions[i])) return false;
  }
  return true;
}
