/* Decoding of what the lanes of a warp do together with matrices. */
#include <stdio.h>
#include <string.h>

#include "kernels/ptx/decode.h"

static pv_code not_this_form(pv_ptx_decoder *d) {
  return pv_ptx_refuse(d, NULL, "this form is not interpreted");
}

/* The registers of a vector, or of what stands alone, as `kind`. */
static pv_code read_registers(pv_ptx_decoder *d, const pv_ptx_operand *o, size_t count, char kind,
                              uint32_t *out) {
  const bool vector = o->kind == PV_PTX_VECTOR;
  if ((vector ? o->item_count : 1) != count) return not_this_form(d);
  for (size_t i = 0; i < count; i++) out[i] = pv_ptx_operand_at(d, vector ? &o->items[i] : o, kind);
  return d->failed;
}

/* ldmatrix.sync.aligned.m8n8.xN[.trans][.shared].b16 {d}, [a]; stmatrix the other way round. */
pv_code pv_ptx_decode_ldmatrix(pv_ptx_decoder *d) {
  const pv_ptx_instruction *now = d->now;
  const bool loads = strcmp(now->parts[0], "ldmatrix") == 0;
  pv_ptx_step s = {.flow = PV_PTX_CONVERGE, .space = PV_PTX_NO_SPACE, .bytes = 8};
  size_t known = 0;
  s.run = loads ? pv_ptx_run_ldmatrix : pv_ptx_run_stmatrix;
  for (size_t i = 1; i < now->part_count; i++) {
    static const char *const words[] = {"sync", "aligned", "m8n8", "b16"};
    const char *part = now->parts[i];
    for (size_t k = 0; k < sizeof words / sizeof *words; k++) known += strcmp(part, words[k]) == 0;
    if (part[0] == 'x' && part[1] >= '1' && part[1] <= '4') s.count = (uint8_t)(part[1] - '0');
    s.is_signed |= strcmp(part, "trans") == 0;
    if (strcmp(part, "shared") == 0 || strcmp(part, "shared::cta") == 0) s.space = PV_PTX_SHARED;
  }
  const bool shared = s.space == PV_PTX_SHARED;
  if (known != 4 || s.count == 0 || now->operand_count != 2 ||
      now->part_count != 6u + (s.is_signed ? 1 : 0) + (shared ? 1 : 0))
    return not_this_form(d);
  uint32_t *more = PV_ARENA_NEW(d->arena, 4, uint32_t);
  if (more == NULL) return pv_ptx_decode_nomem(d);
  s.more = more;
  s.r[4] = pv_ptx_constant(d, 'n', PV_PTX_ALL);
  if (!shared) s.target = d->code->caches++;
  pv_ptx_read_address(d, &now->operands[loads ? 1 : 0], &s);
  read_registers(d, &now->operands[loads ? 0 : 1], s.count, 'n', more);
  return pv_ptx_emit(d, s);
}

pv_code pv_ptx_decode_movmatrix(pv_ptx_decoder *d) {
  pv_ptx_step s = {.flow = PV_PTX_CONVERGE, .run = pv_ptx_run_movmatrix};
  if (strcmp(d->now->opcode, "movmatrix.sync.aligned.m8n8.trans.b16") != 0) return not_this_form(d);
  s.r[4] = pv_ptx_constant(d, 'n', PV_PTX_ALL);
  for (size_t i = 0; i < 2; i++) s.r[i] = pv_ptx_operand_at(d, &d->now->operands[i], 'n');
  return pv_ptx_emit(d, s);
}

/* Products of 8-bit integers. `more`: four registers of d, K / 8 of a, K / 16 of b, four of c;
 * offset: K; is_signed: bit 0 for A, bit 1 for B, bit 2: saturates. */
static pv_code decode_integers(pv_ptx_decoder *d) {
  const pv_ptx_operand *o = d->now->operands;
  pv_ptx_step s = {.flow = PV_PTX_CONVERGE, .run = pv_ptx_run_mma};
  for (unsigned bits = 0; bits < 16 && s.offset == 0; bits++) {
    char opcode[80];
    const int k = bits & 8u ? 32 : 16;
    snprintf(opcode, sizeof opcode, "mma.sync.aligned.m16n8k%d.row.col.%ss32.%s.%s.s32", k,
             bits & 4u ? "satfinite." : "", bits & 1u ? "s8" : "u8", bits & 2u ? "s8" : "u8");
    if (strcmp(d->now->opcode, opcode) != 0) continue;
    s.offset = k;
    s.is_signed = (uint8_t)(bits & 7u);
  }
  if (s.offset == 0) return not_this_form(d);
  const size_t counts[4] = {4, (size_t)s.offset / 8, (size_t)s.offset / 16, 4};
  uint32_t *more = PV_ARENA_NEW(d->arena, 14, uint32_t);
  if (more == NULL) return pv_ptx_decode_nomem(d);
  s.more = more;
  s.r[4] = pv_ptx_constant(d, 'n', PV_PTX_ALL);
  for (size_t i = 0; i < 4; more += counts[i++])
    if (read_registers(d, &o[i], counts[i], 'n', more) != PV_OK) return d->failed;
  return pv_ptx_emit(d, s);
}

enum { GROUP_16 = 16, GROUP_TF32 = 8, KEPT = 25 };

/* Products of floats: the shape and the types behind ".row.col.". */
static const struct {
  const char *opcode;
  unsigned k;
  pv_ptx_tensor tensor;
} products[] = {
    {"m16n8k8.row.col.f32.f16.f16.f32", 8, {10, 5, 16, GROUP_16, KEPT, false}},
    {"m16n8k16.row.col.f32.f16.f16.f32", 16, {10, 5, 16, GROUP_16, KEPT, false}},
    {"m16n8k8.row.col.f16.f16.f16.f16", 8, {10, 5, 16, GROUP_16, KEPT, true}},
    {"m16n8k16.row.col.f16.f16.f16.f16", 16, {10, 5, 16, GROUP_16, KEPT, true}},
    {"m16n8k8.row.col.f32.bf16.bf16.f32", 8, {7, 8, 16, GROUP_16, KEPT, false}},
    {"m16n8k16.row.col.f32.bf16.bf16.f32", 16, {7, 8, 16, GROUP_16, KEPT, false}},
    {"m16n8k4.row.col.f32.tf32.tf32.f32", 4, {10, 8, 32, GROUP_TF32, KEPT, false}},
    {"m16n8k8.row.col.f32.tf32.tf32.f32", 8, {10, 8, 32, GROUP_TF32, KEPT, false}},
    {"m8n8k4.row.col.f64.f64.f64.f64", 4, {52, 11, 64, 1, 0, false}},
};

pv_code pv_ptx_decode_mma(pv_ptx_decoder *d) {
  static const char head[] = "mma.sync.aligned.";
  const pv_ptx_instruction *now = d->now;
  size_t i = 0;
  const size_t count = sizeof products / sizeof *products;
  if (now->operand_count != 4 || strncmp(now->opcode, head, sizeof head - 1) != 0)
    return not_this_form(d);
  while (i < count && strcmp(now->opcode + sizeof head - 1, products[i].opcode) != 0) i++;
  if (i == count) return decode_integers(d);
  if (pv_ptx_approximates(d, "how tensor cores round sums of floats is not specified") != PV_OK)
    return d->failed;
  pv_ptx_product *p = PV_ARENA_NEW(d->arena, 1, pv_ptx_product);
  if (p == NULL) return pv_ptx_decode_nomem(d);
  *p = (pv_ptx_product){.tensor = products[i].tensor, .k = products[i].k};
  const bool wide = p->tensor.width == 64;
  const size_t registers = wide ? 1 : p->k * p->tensor.width / 128; /* of B; A is twice as high */
  const size_t sums = wide || p->tensor.half ? 2 : 4;
  const char kind = wide ? 'w' : 'n';
  pv_ptx_step s = {.flow = PV_PTX_CONVERGE, .more = (const uint32_t *)(const void *)p};
  s.run = wide ? pv_ptx_run_product_f64 : pv_ptx_run_product;
  s.r[4] = pv_ptx_constant(d, 'n', PV_PTX_ALL);
  read_registers(d, &now->operands[0], sums, kind, p->d);
  read_registers(d, &now->operands[1], wide ? 1 : 2 * registers, kind, p->a);
  read_registers(d, &now->operands[2], registers, kind, p->b);
  read_registers(d, &now->operands[3], sums, kind, p->c);
  return pv_ptx_emit(d, s);
}
