/* Decoding of what takes several steps: set, comparisons of pairs, lop3 with a predicate, and sums
 * with a carry. */
#include <stdio.h>
#include <string.h>

#include "kernels/ptx/alu.h"
#include "kernels/ptx/decode.h"

static const char *last_part(const pv_ptx_instruction *i) {
  return i->parts[i->part_count - 1];
}

static bool is_pair(const char *type) {
  return strcmp(type, "f16x2") == 0 || strcmp(type, "bf16x2") == 0;
}

/* A predicate of the decoder's own: a CMP b, of type `type`. */
static uint32_t compare(pv_ptx_decoder *d, const char *type, uint32_t a, uint32_t b, char kind) {
  const char *ftz = pv_ptx_has_part(d->now, "ftz") ? ".ftz" : "";
  const char operands[] = {'p', kind, kind, '\0'};
  char opcode[64];
  snprintf(opcode, sizeof opcode, "setp.%s%s.%s", d->now->parts[1], ftz, type);
  const uint32_t holds = pv_ptx_new_register(d, 'p');
  pv_ptx_emit_alu(d, opcode, operands, true, holds, a, b);
  return holds;
}

/* The words between the comparison and the types, or NULL. */
static const char *logic_of(const pv_ptx_instruction *i) {
  static const char *const words[] = {"and", "or", "xor"};
  for (size_t k = 0; k < sizeof words / sizeof *words; k++)
    if (i->part_count > 2 && strcmp(i->parts[2], words[k]) == 0) return words[k];
  return NULL;
}

typedef struct halves {
  uint32_t low, high;
} halves;

/* What holds: operands 1 and 2 compared, and combined with operand 3. Of a pair both halves;
 * otherwise `high` is 0. */
static halves hold(pv_ptx_decoder *d, const char *type) {
  const pv_ptx_operand *o = d->now->operands;
  const bool pair = is_pair(type), wide = strstr(type, "64") != NULL;
  const char kind = wide ? 'w' : 'n', *logic = logic_of(d->now);
  char one[16], combine[16];
  const uint32_t a = pv_ptx_operand_at(d, &o[1], kind), b = pv_ptx_operand_at(d, &o[2], kind);
  halves is = {0, 0};
  snprintf(one, sizeof one, "%.*s", (int)(strlen(type) - (pair ? 2 : 0)), type);
  is.low = compare(d, one, a, b, kind);
  if (pair) {
    const uint32_t by = pv_ptx_constant(d, 'n', 16);
    const uint32_t x = pv_ptx_new_register(d, 'n'), y = pv_ptx_new_register(d, 'n');
    pv_ptx_emit_alu(d, "shr.u32", "nnn", true, x, a, by);
    pv_ptx_emit_alu(d, "shr.u32", "nnn", true, y, b, by);
    is.high = compare(d, one, x, y, kind);
  }
  if (logic == NULL) return is;
  const uint32_t with = pv_ptx_operand_at(d, &o[3], 'p');
  snprintf(combine, sizeof combine, "%s.pred", logic);
  pv_ptx_emit_alu(d, combine, "ppp", true, is.low, is.low, with);
  if (pair) pv_ptx_emit_alu(d, combine, "ppp", true, is.high, is.high, with);
  return is;
}

static uint32_t choose(pv_ptx_decoder *d, uint64_t yes, uint32_t which, uint32_t to) {
  bool known = false;
  const pv_ptx_alu *row = pv_ptx_alu_find("selp.b32", "nnnp", &known);
  const pv_ptx_step s = {
      .run = row->run, .r = {to, pv_ptx_constant(d, 'n', yes), pv_ptx_constant(d, 'n', 0), which}};
  pv_ptx_emit_always(d, s);
  return to;
}

/* What stands for true in a result of that type; 0: no such type. */
static uint64_t truth(const char *type) {
  static const struct {
    const char *type;
    uint64_t bits;
  } all[] = {{"u16", 0xffff},     {"s16", 0xffff},     {"u32", 0xffffffff},
             {"s32", 0xffffffff}, {"f32", 0x3f800000}, {"f16", 0x3c00},
             {"bf16", 0x3f80},    {"f16x2", 0x3c00},   {"bf16x2", 0x3f80}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (strcmp(all[i].type, type) == 0) return all[i].bits;
  return 0;
}

/* set.CMP[.BOOL][.ftz].D.S d, a, b[, c]: ones, or 1 as a float; of a pair in each half. */
pv_code pv_ptx_decode_set(pv_ptx_decoder *d) {
  const pv_ptx_instruction *now = d->now;
  const bool logic = logic_of(now) != NULL;
  const size_t words = 4 + (logic ? 1 : 0) + (pv_ptx_has_part(now, "ftz") ? 1 : 0);
  const char *type = last_part(now),
             *to = now->part_count > 2 ? now->parts[now->part_count - 2] : "";
  const bool pair = is_pair(type);
  uint64_t yes = truth(to);
  if (now->part_count != words || yes == 0 || now->operand_count != (logic ? 4u : 3u) ||
      (is_pair(to) && !pair) || (pair && yes > 0xffff && yes != 0xffffffff))
    return pv_ptx_refuse(d, NULL, "this form is not interpreted");
  if (pair) yes &= 0xffff;
  const halves is = hold(d, type);
  uint32_t made = choose(d, yes, is.low, pv_ptx_new_register(d, 'n'));
  if (pair) {
    const uint32_t high = choose(d, yes << 16, is.high, pv_ptx_new_register(d, 'n'));
    pv_ptx_emit_alu(d, "or.b32", "nnn", true, made, made, high);
  }
  return pv_ptx_emit_alu(d, "mov.b32", "nn", false, pv_ptx_operand_at(d, &now->operands[0], 'n'),
                         made, 0);
}

/* setp.CMP[.BOOL][.ftz].f16x2 p|q, a, b[, c]: p of the lower halves, q of the upper ones. */
pv_code pv_ptx_decode_setp_pair(pv_ptx_decoder *d) {
  const pv_ptx_operand *o = d->now->operands, *p = &o[0].items[0];
  const bool logic = logic_of(d->now) != NULL;
  if (o[0].kind != PV_PTX_PAIR || d->now->operand_count != (logic ? 4u : 3u))
    return pv_ptx_refuse(d, NULL, "this form is not interpreted");
  if (d->now->guarded && p->kind == PV_PTX_REGISTER && p->index == d->now->guard)
    return pv_ptx_refuse(d, NULL, "the guard is a result");
  const halves is = hold(d, last_part(d->now));
  pv_ptx_emit_alu(d, "mov.pred", "pp", false, pv_ptx_operand_at(d, p, 'p'), is.low, 0);
  return pv_ptx_emit_alu(d, "mov.pred", "pp", false, pv_ptx_operand_at(d, &o[0].items[1], 'p'),
                         is.high, 0);
}

/* lop3.{and,or,xor}.b32 d|p, a, b, c, table, q: p is whether d is not 0, combined with q. */
pv_code pv_ptx_decode_lop3(pv_ptx_decoder *d) {
  const pv_ptx_instruction *now = d->now;
  const pv_ptx_operand *o = now->operands;
  bool known = false;
  char combine[16];
  const pv_ptx_alu *row = pv_ptx_alu_find("lop3.b32", "nnnni", &known);
  if (now->part_count != 3) return pv_ptx_decode_alu(d);
  if (now->operand_count != 6 || o[0].kind != PV_PTX_PAIR || o[4].kind != PV_PTX_IMMEDIATE)
    return pv_ptx_refuse(d, NULL, "this form is not interpreted");
  pv_ptx_step s = {.run = row->run, .offset = (int64_t)o[4].bits};
  for (size_t i = 1; i < 4; i++) s.r[i] = pv_ptx_operand_at(d, &o[i], 'n');
  const uint32_t made = s.r[0] = pv_ptx_new_register(d, 'n');
  const uint32_t with = pv_ptx_operand_at(d, &o[5], 'p'), holds = pv_ptx_new_register(d, 'p');
  pv_ptx_emit_always(d, s);
  pv_ptx_emit_alu(d, "setp.ne.b32", "pnn", true, holds, made, pv_ptx_constant(d, 'n', 0));
  snprintf(combine, sizeof combine, "%s.pred", now->parts[1]);
  pv_ptx_emit_alu(d, combine, "ppp", true, holds, holds, with);
  pv_ptx_emit_alu(d, "mov.b32", "nn", false, pv_ptx_operand_at(d, &o[0].items[0], 'n'), made, 0);
  return pv_ptx_emit_alu(d, "mov.pred", "pp", false, pv_ptx_operand_at(d, &o[0].items[1], 'p'),
                         holds, 0);
}

typedef enum carried { SUM, DIFFERENCE, LOW_PRODUCT, HIGH_PRODUCT } carried;

/* What a carry needs more than the type: two words. */
typedef unsigned __int128 wide_word;

static wide_word product(uint64_t a, uint64_t b, unsigned bits, bool is_signed, bool high) {
  if (bits == 32) {
    const uint64_t p = is_signed ? (uint64_t)((int64_t)(int32_t)a * (int32_t)b)
                                 : (uint64_t)(uint32_t)a * (uint32_t)b;
    return high ? p >> 32 : p & UINT32_MAX;
  }
  const wide_word p = is_signed ? (wide_word)((__int128)(int64_t)a * (int64_t)b) : (wide_word)a * b;
  return high ? p >> 64 : p & UINT64_MAX;
}

static uint64_t lane_of(const pv_ptx_warp *warp, uint32_t at, unsigned lane, bool wide) {
  const unsigned char *from = warp->registers + at;
  return wide ? ((const uint64_t *)(const void *)from)[lane]
              : ((const uint32_t *)(const void *)from)[lane];
}

/* r: result, a, b, c of a product, the carry. `offset`: carried; `count` bit 0: adds the carry, bit
 * 1: sets it. */
static void run_carried(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask) {
  const unsigned bits = step->wide ? 64 : 32;
  uint32_t *carry = (uint32_t *)(void *)(warp->registers + step->r[4]);
  for (; mask != 0; mask &= mask - 1) {
    const unsigned l = (unsigned)__builtin_ctz(mask);
    const uint64_t a = lane_of(warp, step->r[1], l, step->wide);
    const uint64_t b = lane_of(warp, step->r[2], l, step->wide);
    const wide_word in = (step->count & 1u) != 0 ? *carry >> l & 1u : 0;
    wide_word r = 0;
    if (step->offset == SUM)
      r = (wide_word)a + b + in;
    else if (step->offset == DIFFERENCE)
      r = (wide_word)a - b - in;
    else
      r = product(a, b, bits, step->is_signed, step->offset == HIGH_PRODUCT) +
          lane_of(warp, step->r[3], l, step->wide) + in;
    if (step->wide)
      ((uint64_t *)(void *)(warp->registers + step->r[0]))[l] = (uint64_t)r;
    else
      ((uint32_t *)(void *)(warp->registers + step->r[0]))[l] = (uint32_t)r;
    if ((step->count & 2u) != 0) *carry = (*carry & ~(1u << l)) | (uint32_t)(r >> bits & 1u) << l;
  }
}

/* add.cc, addc, sub.cc, subc, mad.{lo,hi}.cc, madc.{lo,hi}: the carry is a predicate. */
pv_code pv_ptx_decode_carried(pv_ptx_decoder *d) {
  const pv_ptx_instruction *now = d->now;
  const char *name = now->parts[0], *type = last_part(now);
  const bool sets = pv_ptx_has_part(now, "cc"), adds = strlen(name) == 4;
  const bool product = strncmp(name, "mad", 3) == 0, wide = strcmp(type + 1, "64") == 0;
  const size_t words = 2 + (product ? 1 : 0) + (sets ? 1 : 0);
  if (!sets && !adds) return pv_ptx_decode_alu(d);
  if (now->part_count != words || strchr("us", type[0]) == NULL ||
      (!wide && strcmp(type + 1, "32") != 0) ||
      (product && strcmp(now->parts[1], "lo") != 0 && strcmp(now->parts[1], "hi") != 0))
    return pv_ptx_refuse(d, NULL, "this form is not interpreted");
  pv_ptx_step s = {.run = run_carried, .wide = wide, .is_signed = type[0] == 's'};
  s.count = (uint8_t)((adds ? 1 : 0) | (sets ? 2 : 0));
  s.offset = !product ? (name[0] == 'a' ? SUM : DIFFERENCE)
                      : (now->parts[1][0] == 'l' ? LOW_PRODUCT : HIGH_PRODUCT);
  for (size_t i = 0; i < now->operand_count; i++)
    s.r[i] = pv_ptx_operand_at(d, &now->operands[i], wide ? 'w' : 'n');
  if (d->carry == 0) d->carry = pv_ptx_new_register(d, 'p');
  s.r[4] = d->carry;
  return pv_ptx_emit(d, s);
}
