/* Decoding of barriers, clocks, and of what threads ask about each other. */
#include <string.h>

#include "kernels/ptx/decode.h"

static pv_code not_this_form(pv_ptx_decoder *d) {
  return pv_ptx_refuse(d, NULL, "this form is not interpreted");
}

/* The parts of a barrier without those that change nothing here. False: too many. */
static bool bar_parts(const pv_ptx_instruction *now, const char *out[4], size_t *count) {
  *count = 0;
  for (size_t i = 1; i < now->part_count; i++) {
    if (strcmp(now->parts[i], "cta") == 0 || strcmp(now->parts[i], "aligned") == 0) continue;
    if (*count == 4) return false;
    out[(*count)++] = now->parts[i];
  }
  return *count > 0;
}

/* bar[rier][.cta].sync[.aligned] n[, threads]; .arrive n, threads; .red.OP.TYPE d, n[, threads], p:
 * r[0] the barrier, r[1] the threads, 0 for all, r[2] the predicate, r[3] the result; `offset`:
 * pv_ptx_bar. */
pv_code pv_ptx_decode_bar(pv_ptx_decoder *d) {
  const pv_ptx_instruction *now = d->now;
  const pv_ptx_operand *o = now->operands;
  const char *parts[4];
  size_t count = 0, least = 1;
  if (!bar_parts(now, parts, &count)) return not_this_form(d);
  if (strcmp(parts[0], "warp") == 0) return pv_ptx_decode_form(d);
  pv_ptx_step s = {.flow = PV_PTX_BARRIER};
  const bool red = strcmp(parts[0], "red") == 0 && count == 3;
  if (strcmp(parts[0], "arrive") == 0 && count == 1) {
    s.offset = PV_PTX_BAR_ARRIVE;
    least = 2;
  } else if (red && strcmp(parts[1], "popc") == 0 && strcmp(parts[2], "u32") == 0) {
    s.offset = PV_PTX_BAR_POPC;
  } else if (red && strcmp(parts[2], "pred") == 0 &&
             (strcmp(parts[1], "and") == 0 || strcmp(parts[1], "or") == 0)) {
    s.offset = parts[1][0] == 'a' ? PV_PTX_BAR_AND : PV_PTX_BAR_OR;
  } else if (strcmp(parts[0], "sync") != 0 || count != 1) {
    return not_this_form(d);
  }
  const size_t given = now->operand_count - (red ? 2 : 0);
  if (now->operand_count < (red ? 3 : least) || given > 2) return not_this_form(d);
  if (red) {
    s.r[2] = pv_ptx_operand_at(d, &o[now->operand_count - 1], 'p');
    s.r[3] = pv_ptx_operand_at(d, o++, s.offset == PV_PTX_BAR_POPC ? 'n' : 'p');
  }
  s.r[0] = pv_ptx_operand_at(d, &o[0], 'n');
  s.r[1] = given == 2 ? pv_ptx_operand_at(d, &o[1], 'n') : pv_ptx_constant(d, 'n', 0);
  return pv_ptx_emit(d, s);
}

/* elect.sync d|p, mask: the first lane. */
pv_code pv_ptx_decode_elect(pv_ptx_decoder *d) {
  const pv_ptx_operand *o = d->now->operands;
  pv_ptx_step s = {.run = pv_ptx_run_elect, .flow = PV_PTX_CONVERGE};
  if (strcmp(d->now->opcode, "elect.sync") != 0 || o[0].kind != PV_PTX_PAIR)
    return not_this_form(d);
  s.r[0] = pv_ptx_operand_at(d, &o[0].items[0], 'n');
  s.r[1] = pv_ptx_operand_at(d, &o[0].items[1], 'p');
  s.r[4] = pv_ptx_operand_at(d, &o[1], 'n');
  return pv_ptx_emit(d, s);
}

/* match.any.sync.TYPE d, a, mask; match.all.sync.TYPE d[|p], a, mask: r[2] the predicate, 0: none;
 * is_signed: all. */
pv_code pv_ptx_decode_match(pv_ptx_decoder *d) {
  const pv_ptx_instruction *now = d->now;
  const pv_ptx_operand *o = now->operands;
  pv_ptx_step s = {.run = pv_ptx_run_match, .flow = PV_PTX_CONVERGE};
  if (now->part_count != 4 || strcmp(now->parts[2], "sync") != 0) return not_this_form(d);
  const bool all = strcmp(now->parts[1], "all") == 0, wide = strcmp(now->parts[3], "b64") == 0;
  if ((!all && strcmp(now->parts[1], "any") != 0) || (!wide && strcmp(now->parts[3], "b32") != 0) ||
      (!all && o[0].kind == PV_PTX_PAIR))
    return not_this_form(d);
  const bool pair = o[0].kind == PV_PTX_PAIR;
  s.is_signed = all;
  s.wide = wide;
  s.r[0] = pv_ptx_operand_at(d, pair ? &o[0].items[0] : &o[0], 'n');
  s.r[1] = pv_ptx_operand_at(d, &o[1], wide ? 'w' : 'n');
  if (pair) s.r[2] = pv_ptx_operand_at(d, &o[0].items[1], 'p');
  s.r[4] = pv_ptx_operand_at(d, &o[2], 'n');
  return pv_ptx_emit(d, s);
}

/* isspacep.SPACE p, a: whether a generic address lies in the space. */
pv_code pv_ptx_decode_isspacep(pv_ptx_decoder *d) {
  const pv_ptx_instruction *now = d->now;
  pv_ptx_step s = {.run = pv_ptx_run_isspacep};
  const pv_ptx_space space =
      now->part_count == 2 ? pv_ptx_space_named(now->parts[1]) : PV_PTX_NO_SPACE;
  if (space == PV_PTX_NO_SPACE) return not_this_form(d);
  s.space = (uint8_t)space;
  s.r[0] = pv_ptx_operand_at(d, &now->operands[0], 'p');
  s.r[1] = pv_ptx_operand_at(d, &now->operands[1], 'w');
  return pv_ptx_emit(d, s);
}

pv_code pv_ptx_decode_nanosleep(pv_ptx_decoder *d) {
  if (strcmp(d->now->opcode, "nanosleep.u32") != 0) return not_this_form(d);
  return pv_ptx_emit(d, (pv_ptx_step){.run = pv_ptx_run_sleep});
}

/* r[0] the result; `offset`: how far the count is shifted. */
uint32_t pv_ptx_decode_clock(pv_ptx_decoder *d, const char *name, char kind) {
  static const struct {
    const char *name;
    char kind;
    int64_t shift;
  } clocks[] = {{"%clock", 'n', 0},          {"%clock64", 'w', 0},
                {"%clock_hi", 'n', 32},      {"%globaltimer", 'w', 0},
                {"%globaltimer_lo", 'n', 0}, {"%globaltimer_hi", 'n', 32}};
  for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
    if (strcmp(clocks[i].name, name) != 0) continue;
    if (clocks[i].kind != kind) {
      pv_ptx_refuse(d, NULL, "%s is read with another size", name);
      return 0;
    }
    pv_ptx_step s = {.run = pv_ptx_run_clock, .offset = clocks[i].shift, .wide = kind == 'w'};
    s.r[0] = pv_ptx_new_register(d, kind);
    pv_ptx_emit_always(d, s);
    return s.r[0];
  }
  return 0;
}
