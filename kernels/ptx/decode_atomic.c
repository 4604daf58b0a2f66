/* Decoding of atom and red. */
#include <stdio.h>
#include <string.h>

#include "kernels/ptx/alu.h"
#include "kernels/ptx/decode.h"

/* Operations that have no row of their own, and with which types. */
static const struct {
  const char *name, *types;
  pv_ptx_atomic_op op;
} own[] = {{"exch", "b32 b64", PV_PTX_ATOMIC_EXCH},
           {"cas", "b16 b32 b64", PV_PTX_ATOMIC_CAS},
           {"inc", "u32", PV_PTX_ATOMIC_INC},
           {"dec", "u32", PV_PTX_ATOMIC_DEC}};

/* The others: the row of alu.h that computes them. */
static const struct {
  const char *name, *types, *row;
} rows[] = {{"add", "u32 s32 u64 s64", "add"},
            {"add", "f32 f64", "add.rn"},
            {"add", "f16 f16x2 bf16 bf16x2", "add"},
            {"min", "u32 s32 u64 s64", "min"},
            {"max", "u32 s32 u64 s64", "max"},
            {"and", "b32 b64", "and"},
            {"or", "b32 b64", "or"},
            {"xor", "b32 b64", "xor"}};

typedef struct parts { /* of an opcode */
  const char *op, *type;
  bool noftz, hint;
} parts;

static bool has_word(const char *list, const char *word) {
  const size_t length = strlen(word);
  for (const char *at = list; (at = strstr(at, word)) != NULL; at++)
    if ((at == list || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0')) return true;
  return false;
}

static bool is_operation(const char *part) {
  for (size_t i = 0; i < sizeof own / sizeof *own; i++)
    if (strcmp(own[i].name, part) == 0) return true;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (strcmp(rows[i].name, part) == 0) return true;
  return false;
}

static pv_code read_parts(pv_ptx_decoder *d, pv_ptx_step *s, parts *out) {
  const pv_ptx_instruction *now = d->now;
  out->type = now->parts[now->part_count - 1];
  for (size_t i = 1; i + 1 < now->part_count; i++) {
    const char *part = now->parts[i];
    const pv_ptx_space space = pv_ptx_space_named(part);
    if (space == PV_PTX_GLOBAL || space == PV_PTX_SHARED)
      s->space = (uint8_t)space;
    else if (out->op == NULL && is_operation(part))
      out->op = part;
    else if (strcmp(part, "noftz") == 0)
      out->noftz = true;
    else if (strcmp(part, "L2::cache_hint") == 0)
      out->hint = true;
    else if (!pv_ptx_is_order(part, &s->order))
      return pv_ptx_refuse(d, NULL, "'.%s' is not interpreted", part);
  }
  if ((s->order & PV_PTX_STRONG_IN_BLOCK) != 0)
    s->order &= (uint8_t)~PV_PTX_STRONG;
  else
    s->order |= PV_PTX_STRONG;
  const uint32_t bytes = pv_ptx_type_bytes(pv_ptx_type_find(out->type));
  if (out->op == NULL || bytes == 0 || bytes > 8)
    return pv_ptx_refuse(d, NULL, "this form is not interpreted");
  s->bytes = (uint8_t)bytes;
  s->count = 1;
  s->wide = bytes == 8;
  return PV_OK;
}

/* What is computed; the row's registers are set by the caller. */
static pv_code find_operation(pv_ptx_decoder *d, const parts *p, pv_ptx_atomic *out) {
  for (size_t i = 0; i < sizeof own / sizeof *own; i++)
    if (strcmp(own[i].name, p->op) == 0 && has_word(own[i].types, p->type)) {
      out->op = own[i].op;
      return PV_OK;
    }
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char opcode[32];
    bool known = false;
    if (strcmp(rows[i].name, p->op) != 0 || !has_word(rows[i].types, p->type)) continue;
    const bool half = strstr(p->type, "f16") != NULL, wide = strstr(p->type, "64") != NULL;
    if (half != p->noftz) break;
    snprintf(opcode, sizeof opcode, "%s%s.%s", rows[i].row, half ? ".rn" : "", p->type);
    const pv_ptx_alu *row = pv_ptx_alu_find(opcode, wide ? "www" : "nnn", &known);
    if (row == NULL) break;
    out->op = strcmp(p->type, "f32") == 0 ? PV_PTX_ATOMIC_ADD_F32 : PV_PTX_ATOMIC_ROW;
    out->row.run = row->run;
    return PV_OK;
  }
  return pv_ptx_refuse(d, NULL, "this atomic operation is not interpreted");
}

/* atom d, [a], b[, c]; red [a], b: r[0] the address, r[1] the result, r[2] b, r[3] c. A cache
 * policy may follow. */
pv_code pv_ptx_decode_atomic(pv_ptx_decoder *d) {
  const pv_ptx_operand *o = d->now->operands;
  const bool result = strcmp(d->now->parts[0], "atom") == 0;
  pv_ptx_atomic *atomic = PV_ARENA_NEW(d->arena, 1, pv_ptx_atomic);
  pv_ptx_step s = {.run = pv_ptx_run_atomic};
  parts p = {0};
  if (atomic == NULL) return pv_ptx_decode_nomem(d);
  pv_code code = read_parts(d, &s, &p);
  if (code != PV_OK || p.op == NULL) return code;
  code = find_operation(d, &p, atomic);
  if (code != PV_OK) return code;
  const bool cas = atomic->op == PV_PTX_ATOMIC_CAS;
  if (d->now->operand_count != (size_t)2 + result + cas + p.hint || (cas && !result))
    return pv_ptx_refuse(d, NULL, "this form is not interpreted");
  const char kind = s.wide ? 'w' : 'n';
  s.target = d->code->caches++;
  s.more = (const uint32_t *)(const void *)atomic;
  pv_ptx_read_address(d, &o[result ? 1 : 0], &s);
  s.r[2] = pv_ptx_operand_at(d, &o[result ? 2 : 1], kind);
  if (cas) s.r[3] = pv_ptx_operand_at(d, &o[3], kind);
  s.r[1] = result ? pv_ptx_operand_at(d, &o[0], kind) : pv_ptx_new_register(d, kind);
  atomic->wanted = result && o[0].kind != PV_PTX_NOTHING;
  atomic->row.r[0] = pv_ptx_new_register(d, kind);
  atomic->row.r[1] = pv_ptx_new_register(d, kind);
  atomic->row.r[2] = pv_ptx_new_register(d, kind);
  return pv_ptx_emit(d, s);
}
