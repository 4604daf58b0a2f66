/* Decoding of mbarrier objects, in their simple form: without transactions. */
#include <string.h>

#include "kernels/ptx/decode.h"

static pv_code not_this_form(pv_ptx_decoder *d) {
  return pv_ptx_refuse(d, NULL, "this form is not interpreted");
}

typedef struct parts { /* of an opcode */
  const char *op;
  bool parity, shared;
} parts;

static pv_code read_parts(pv_ptx_decoder *d, parts *out) {
  const pv_ptx_instruction *now = d->now;
  uint8_t order = 0;
  for (size_t i = 1; i + 1 < now->part_count; i++) {
    const char *part = now->parts[i];
    if (pv_ptx_space_named(part) == PV_PTX_SHARED)
      out->shared = true;
    else if (strcmp(part, "parity") == 0)
      out->parity = true;
    else if (strcmp(part, "noComplete") == 0 || strcmp(part, "expect_tx") == 0 ||
             strcmp(part, "complete_tx") == 0)
      return pv_ptx_refuse(d, NULL, "an mbarrier that counts bytes, or arrivals apart");
    else if (i == 1)
      out->op = part;
    else if (!pv_ptx_is_order(part, &order))
      return pv_ptx_refuse(d, NULL, "'.%s' is not interpreted", part);
  }
  if (out->op == NULL || strcmp(now->parts[now->part_count - 1], "b64") != 0)
    return not_this_form(d);
  return PV_OK;
}

static const struct {
  const char *name;
  pv_ptx_mbarrier op;
  size_t address, least, most; /* which operand it is; how many there are */
} ops[] = {
    {"init", PV_PTX_MBARRIER_INIT, 0, 2, 2},      {"inval", PV_PTX_MBARRIER_INVAL, 0, 1, 1},
    {"arrive", PV_PTX_MBARRIER_ARRIVE, 1, 2, 3},  {"arrive_drop", PV_PTX_MBARRIER_DROP, 1, 2, 3},
    {"test_wait", PV_PTX_MBARRIER_WAIT, 1, 3, 3}, {"try_wait", PV_PTX_MBARRIER_WAIT, 1, 3, 4}};

/* pending_count count, state: what is left of the arrivals. */
static pv_code decode_pending(pv_ptx_decoder *d) {
  const pv_ptx_operand *o = d->now->operands;
  if (d->now->operand_count != 2) return not_this_form(d);
  const uint32_t state = pv_ptx_operand_at(d, &o[1], 'w'), left = pv_ptx_new_register(d, 'w');
  pv_ptx_emit_alu(d, "and.b64", "www", true, left, state,
                  pv_ptx_constant(d, 'w', PV_PTX_MBARRIER_MAX));
  return pv_ptx_emit_alu(d, "cvt.u32.u64", "nw", false, pv_ptx_operand_at(d, &o[0], 'n'), left, 0);
}

/* r[0] the address; r[1] the count, 1 without one, or the state or parity that is waited for; r[2]
 * the state, or the predicate; `is_signed`: a parity. */
pv_code pv_ptx_decode_mbarrier(pv_ptx_decoder *d) {
  const pv_ptx_instruction *now = d->now;
  const pv_ptx_operand *o = now->operands;
  parts p = {0};
  size_t k = 0;
  const pv_code code = read_parts(d, &p);
  if (code != PV_OK || p.op == NULL) return code;
  if (strcmp(p.op, "pending_count") == 0) return decode_pending(d);
  while (k < sizeof ops / sizeof *ops && strcmp(ops[k].name, p.op) != 0) k++;
  if (k == sizeof ops / sizeof *ops) return not_this_form(d);
  const bool waits = ops[k].op == PV_PTX_MBARRIER_WAIT;
  if (now->operand_count < ops[k].least || now->operand_count > ops[k].most || p.parity > waits)
    return not_this_form(d);
  pv_ptx_step s = {.run = pv_ptx_run_mbarrier,
                   .space = p.shared ? PV_PTX_SHARED : PV_PTX_NO_SPACE,
                   .target = d->code->caches++,
                   .bytes = 8,
                   .count = 1,
                   .is_signed = p.parity};
  const pv_ptx_operand *with = &o[ops[k].address + 1];
  s.order = ops[k].op == PV_PTX_MBARRIER_INIT ? 0 : PV_PTX_STRONG_IN_BLOCK;
  pv_ptx_mbarrier *op = PV_ARENA_NEW(d->arena, 1, pv_ptx_mbarrier);
  if (op == NULL) return pv_ptx_decode_nomem(d);
  *op = ops[k].op;
  s.more = (const uint32_t *)(const void *)op;
  pv_ptx_read_address(d, &o[ops[k].address], &s);
  if (with < o + now->operand_count)
    s.r[1] = pv_ptx_operand_at(d, with, waits && !p.parity ? 'w' : 'n');
  else
    s.r[1] = pv_ptx_constant(d, 'n', 1);
  if (ops[k].address == 1) s.r[2] = pv_ptx_operand_at(d, &o[0], waits ? 'p' : 'w');
  return pv_ptx_emit(d, s);
}

/* cp.async.mbarrier.arrive[.noinc].shared.b64 [a]: the thread's copies are complete, and with
 * .noinc it arrives; without, one arrival more is expected. */
pv_code pv_ptx_decode_copy_arrive(pv_ptx_decoder *d) {
  const pv_ptx_instruction *now = d->now;
  const bool noinc = pv_ptx_has_part(now, "noinc");
  const char *last = now->parts[now->part_count - 1];
  if (now->operand_count != 1 || strcmp(last, "b64") != 0) return not_this_form(d);
  pv_ptx_emit(d, (pv_ptx_step){.run = pv_ptx_run_commit});
  pv_ptx_emit(d, (pv_ptx_step){.run = pv_ptx_run_wait});
  if (!noinc) return d->failed;
  static const pv_ptx_mbarrier arrives = PV_PTX_MBARRIER_ARRIVE;
  pv_ptx_step s = {.run = pv_ptx_run_mbarrier,
                   .space = PV_PTX_NO_SPACE,
                   .target = d->code->caches++,
                   .bytes = 8,
                   .count = 1,
                   .order = PV_PTX_STRONG_IN_BLOCK,
                   .more = (const uint32_t *)(const void *)&arrives};
  for (size_t i = 1; i + 1 < now->part_count; i++)
    if (pv_ptx_space_named(now->parts[i]) == PV_PTX_SHARED) s.space = PV_PTX_SHARED;
  pv_ptx_read_address(d, &now->operands[0], &s);
  s.r[1] = pv_ptx_constant(d, 'n', 1);
  s.r[2] = pv_ptx_new_register(d, 'w');
  return pv_ptx_emit(d, s);
}
