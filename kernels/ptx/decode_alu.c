/* Decoding of what works on each lane alone. */
#include <stdio.h>
#include <string.h>

#include "kernels/ptx/alu.h"
#include "kernels/ptx/decode.h"

/* add, sub or mul of floats that the assembler may fuse. */
static bool is_unrounded(const pv_ptx_instruction *i) {
  static const char *const opcodes[] = {"add", "sub", "mul"};
  static const char *const rounded[] = {"rn", "rz", "rm", "rp"};
  bool found = false;
  for (size_t k = 0; k < sizeof opcodes / sizeof *opcodes; k++)
    found = found || strcmp(opcodes[k], i->parts[0]) == 0;
  for (size_t k = 0; k < sizeof rounded / sizeof *rounded; k++)
    found = found && !pv_ptx_has_part(i, rounded[k]);
  return found && strchr("fb", i->parts[i->part_count - 1][0]) != NULL;
}

pv_code pv_ptx_approximates(pv_ptx_decoder *d, const char *hint) {
  if (!d->permits) return pv_ptx_refuse(d, hint, "this instruction is not interpreted");
  if (d->code->approximates == 0) d->code->approximates = d->now->line;
  return d->failed;
}

pv_code pv_ptx_decode_permit(pv_ptx_decoder *d) {
  const pv_ptx_instruction *now = d->now;
  if (pv_ptx_has_part(now, "approx") || pv_ptx_has_part(now, "full"))
    return pv_ptx_approximates(
        d, "an approximation is not specified bit for bit: use an exact operation");
  if (pv_ptx_has_part(now, "ftz") && !d->permits)
    return pv_ptx_refuse(d, "compile with --ftz=false: subnormals are kept here",
                         "this instruction is not interpreted");
  if (is_unrounded(now))
    return pv_ptx_approximates(
        d, "compile with --fmad=false, so that the rounding mode is written out (.rn)");
  return d->failed;
}

/* `cut`: of its source, 64 bits wide, the lower half counts. */
static pv_code emit_row(pv_ptx_decoder *d, const pv_ptx_alu *row, bool cut) {
  pv_ptx_step s = {.run = row->run};
  for (size_t i = strlen(row->operands); i-- > 0;) {
    const pv_ptx_operand *o = &d->now->operands[i];
    if (cut && i == 1)
      pv_ptx_emit_alu(d, "cvt.u32.u64", "nw", true, s.r[i] = pv_ptx_new_register(d, 'n'),
                      pv_ptx_operand_at(d, o, 'w'), 0);
    else if (row->operands[i] == 'i')
      s.offset = (int64_t)o->bits;
    else if (i == 0 && o->negated)
      pv_ptx_refuse(d, NULL, "a result is negated");
    else
      s.r[i] = pv_ptx_operand_at(d, o, row->operands[i]);
  }
  return pv_ptx_emit(d, s);
}

/* One letter for each operand; what has no size of its own is '?'. */
static bool kinds_of(const pv_ptx_decoder *d, char *out, size_t size) {
  const pv_ptx_instruction *now = d->now;
  if (now->operand_count >= size) return false;
  for (size_t i = 0; i < now->operand_count; i++) {
    const pv_ptx_operand *o = &now->operands[i];
    out[i] = o->kind == PV_PTX_REGISTER ? pv_ptx_kind_of(d, o) : '?';
    if (o->kind == PV_PTX_IMMEDIATE && o->number == PV_PTX_INTEGER) out[i] = 'i';
  }
  out[now->operand_count] = '\0';
  return true;
}

pv_code pv_ptx_decode_alu(pv_ptx_decoder *d) {
  char kinds[16], opcode[64];
  bool known = false;
  /* What may be fused is not: "add.f32" is "add.rn.f32". */
  snprintf(opcode, sizeof opcode, "%s%s%s", d->now->parts[0], is_unrounded(d->now) ? ".rn" : "",
           d->now->opcode + strlen(d->now->parts[0]));
  const pv_ptx_alu *row =
      kinds_of(d, kinds, sizeof kinds) ? pv_ptx_alu_find(opcode, kinds, &known) : NULL;
  /* A conversion may read a register that is wider than its type. */
  const bool cut = row == NULL && known && strcmp(d->now->parts[0], "cvt") == 0 && kinds[1] == 'w';
  if (cut) {
    kinds[1] = 'n';
    row = pv_ptx_alu_find(opcode, kinds, &known);
  }
  if (row != NULL) return emit_row(d, row, cut);
  if (known) return pv_ptx_refuse(d, NULL, "operands of these sizes are not interpreted");
  return pv_ptx_refuse(d, NULL, "this instruction is not interpreted");
}

pv_code pv_ptx_emit_alu(pv_ptx_decoder *d, const char *opcode, const char *operands, bool always,
                        uint32_t r0, uint32_t r1, uint32_t r2) {
  bool known = false;
  const pv_ptx_alu *row = pv_ptx_alu_find(opcode, operands, &known);
  if (row == NULL) return pv_ptx_refuse(d, NULL, "'%s' is not interpreted", opcode);
  const pv_ptx_step s = {.run = row->run, .r = {r0, r1, r2}};
  return always ? pv_ptx_emit_always(d, s) : pv_ptx_emit(d, s);
}

/* setp.CMP[.BOOL].TYPE p[|q], a, b[, c]: the comparison, then what is made of it. */
pv_code pv_ptx_decode_setp(pv_ptx_decoder *d) {
  const pv_ptx_instruction *now = d->now;
  const pv_ptx_operand *result = &now->operands[0];
  const bool pair = result->kind == PV_PTX_PAIR, logic = now->operand_count == 4;
  const char *type = now->parts[now->part_count - 1];
  const bool flushes = pv_ptx_has_part(now, "ftz");
  if (strcmp(type, "f16x2") == 0 || strcmp(type, "bf16x2") == 0) return pv_ptx_decode_setp_pair(d);
  if (!pair && !logic) return pv_ptx_decode_alu(d);
  char opcode[64], combine[32] = "mov.pred", kinds[4] = "p??";
  bool known = false;
  if (now->part_count != 3u + (logic ? 1 : 0) + (flushes ? 1 : 0)) return pv_ptx_decode_alu(d);
  snprintf(opcode, sizeof opcode, "setp.%s%s.%s", now->parts[1], flushes ? ".ftz" : "", type);
  if (logic) snprintf(combine, sizeof combine, "%s.pred", now->parts[2]);
  for (int i = 1; i < 3; i++)
    if (now->operands[i].kind == PV_PTX_REGISTER) kinds[i] = pv_ptx_kind_of(d, &now->operands[i]);
  const pv_ptx_alu *row = pv_ptx_alu_find(opcode, kinds, &known);
  if (row == NULL) return pv_ptx_decode_alu(d);

  const pv_ptx_operand *p = pair ? &result->items[0] : result;
  uint32_t fails = 0, with = 0;
  if (now->guarded && pair && p->kind == PV_PTX_REGISTER && p->index == now->guard)
    return pv_ptx_refuse(d, NULL, "the guard is a result");
  pv_ptx_step s = {.run = row->run};
  for (int i = 1; i < 3; i++) s.r[i] = pv_ptx_operand_at(d, &now->operands[i], row->operands[i]);
  const uint32_t holds = s.r[0] = pv_ptx_new_register(d, 'p');
  pv_ptx_emit_always(d, s);
  if (pair) {
    fails = pv_ptx_new_register(d, 'p');
    pv_ptx_emit_alu(d, "not.pred", "pp", true, fails, holds, 0);
  }
  if (logic) { /* a copy: c may be one of the results */
    const uint32_t c = pv_ptx_operand_at(d, &now->operands[3], 'p');
    with = pv_ptx_new_register(d, 'p');
    pv_ptx_emit_alu(d, "mov.pred", "pp", true, with, c, 0);
  }
  const char *shape = logic ? "ppp" : "pp";
  pv_ptx_emit_alu(d, combine, shape, false, pv_ptx_operand_at(d, p, 'p'), holds, with);
  if (pair)
    pv_ptx_emit_alu(d, combine, shape, false, pv_ptx_operand_at(d, &result->items[1], 'p'), fails,
                    with);
  return d->failed;
}

static uint32_t low_bits(unsigned bits) { /* 8, 16 or 32 */
  return UINT32_MAX >> (32 - bits);
}

/* Between a register and the vector of its parts, lowest first. r: the whole, then the parts. */
static void run_pack(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask) {
  const unsigned bits = 8u * step->bytes;
  for (unsigned l = 0; l < PV_PTX_LANES; l++) {
    uint64_t value = 0;
    if ((mask >> l & 1u) == 0) continue;
    for (unsigned i = 0; i < step->count; i++) {
      const uint32_t part = ((const uint32_t *)(void *)(warp->registers + step->r[1 + i]))[l];
      value |= (uint64_t)(part & low_bits(bits)) << (bits * i);
    }
    if (step->wide)
      ((uint64_t *)(void *)(warp->registers + step->r[0]))[l] = value;
    else
      ((uint32_t *)(void *)(warp->registers + step->r[0]))[l] = (uint32_t)value;
  }
}

static void run_unpack(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask) {
  const unsigned bits = 8u * step->bytes;
  for (unsigned l = 0; l < PV_PTX_LANES; l++) {
    if ((mask >> l & 1u) == 0) continue;
    const uint64_t value = step->wide
                               ? ((const uint64_t *)(void *)(warp->registers + step->r[0]))[l]
                               : ((const uint32_t *)(void *)(warp->registers + step->r[0]))[l];
    for (unsigned i = 0; i < step->count; i++) {
      const uint32_t part = (uint32_t)(value >> (bits * i));
      ((uint32_t *)(void *)(warp->registers + step->r[1 + i]))[l] = part & low_bits(bits);
    }
  }
}

pv_code pv_ptx_decode_mov(pv_ptx_decoder *d) {
  const pv_ptx_operand *to = &d->now->operands[0], *from = &d->now->operands[1];
  const bool packs = from->kind == PV_PTX_VECTOR;
  if (!packs && to->kind != PV_PTX_VECTOR) return pv_ptx_decode_alu(d);
  const pv_ptx_operand *vector = packs ? from : to, *whole = packs ? to : from;
  const uint32_t bytes = pv_ptx_type_bytes(pv_ptx_type_find(d->now->parts[d->now->part_count - 1]));
  pv_ptx_step s = {.run = packs ? run_pack : run_unpack, .wide = bytes == 8};
  if ((bytes != 2 && bytes != 4 && bytes != 8) || d->now->part_count != 2 ||
      vector->item_count < 2 || vector->item_count > 4 || vector->item_count == 3 ||
      bytes < vector->item_count || whole->kind == PV_PTX_VECTOR)
    return pv_ptx_refuse(d, NULL, "a vector of this form is not interpreted");
  s.bytes = (uint8_t)(bytes / vector->item_count);
  s.count = (uint8_t)vector->item_count;
  s.r[0] = pv_ptx_operand_at(d, whole, s.wide ? 'w' : 'n');
  for (size_t i = 0; i < vector->item_count; i++)
    s.r[1 + i] = pv_ptx_operand_at(d, &vector->items[i], 'n');
  return pv_ptx_emit(d, s);
}
