/* Decoding of control flow and of what the lanes of a warp do together. */
#include <string.h>

#include "kernels/ptx/decode.h"

static bool ends_with(const pv_ptx_instruction *i, size_t count, const char *const *parts) {
  if (i->part_count != count + 1) return false;
  for (size_t k = 0; k < count; k++)
    if (strcmp(i->parts[k + 1], parts[k]) != 0) return false;
  return true;
}
/* Whether the parts behind the first are exactly these. */
#define HAS_PARTS(i, ...)                                                           \
  ends_with((i), sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *), \
            (const char *const[]){__VA_ARGS__})

static pv_code not_this_form(pv_ptx_decoder *d) {
  return pv_ptx_refuse(d, NULL, "this form is not interpreted");
}

pv_code pv_ptx_decode_branch(pv_ptx_decoder *d) {
  const pv_ptx_operand *to = &d->now->operands[0];
  if (to->kind != PV_PTX_LABEL) return not_this_form(d);
  return pv_ptx_emit(d, (pv_ptx_step){.flow = PV_PTX_BRANCH, .target = to->index});
}

/* brx.idx index, table: r[0] the index; `target` the first of `offset` entries of code->tables. */
pv_code pv_ptx_decode_table(pv_ptx_decoder *d) {
  const pv_ptx_operand *o = d->now->operands;
  pv_ptx_step s = {.flow = PV_PTX_TABLE_BRANCH, .target = (uint32_t)d->table_room};
  if (!(HAS_PARTS(d->now, "idx")) || o[1].kind != PV_PTX_TABLE) return not_this_form(d);
  const pv_ptx_table *table = &d->function->tables[o[1].index];
  uint32_t *all = PV_ARENA_NEW(d->arena, d->table_room + table->label_count, uint32_t);
  if (all == NULL) return pv_error_set(d->err, PV_ERR_NOMEM, "out of memory");
  if (d->table_room > 0) memcpy(all, d->code->tables, d->table_room * sizeof *all);
  for (size_t i = 0; i < table->label_count; i++) all[d->table_room + i] = table->labels[i].index;
  d->code->tables = all;
  d->table_room += table->label_count;
  s.offset = (int64_t)table->label_count;
  const pv_code code = pv_ptx_operand_at(d, &o[0], 'n', &s.r[0]);
  return code == PV_OK ? pv_ptx_emit(d, s) : code;
}

pv_code pv_ptx_decode_exit(pv_ptx_decoder *d) {
  return pv_ptx_emit(d, (pv_ptx_step){.flow = PV_PTX_EXIT});
}

/* bar.warp.sync mask; bar[rier][.cta].sync[.aligned] n[, threads]: r[0] the barrier, r[1] the
 * threads, 0 for all. */
pv_code pv_ptx_decode_bar(pv_ptx_decoder *d) {
  const pv_ptx_instruction *now = d->now;
  const pv_ptx_operand *o = now->operands;
  pv_code code = PV_OK;
  if (HAS_PARTS(now, "warp", "sync")) {
    pv_ptx_step s = {.flow = PV_PTX_CONVERGE, .run = pv_ptx_run_sync};
    code = pv_ptx_operand_at(d, &o[0], 'n', &s.r[4]);
    return code == PV_OK ? pv_ptx_emit(d, s) : code;
  }
  pv_ptx_step s = {.flow = PV_PTX_BARRIER};
  if (!(HAS_PARTS(now, "sync")) && !(HAS_PARTS(now, "cta", "sync")) &&
      !(HAS_PARTS(now, "sync", "aligned")) && !(HAS_PARTS(now, "cta", "sync", "aligned")))
    return not_this_form(d);
  if (now->operand_count < 1 || now->operand_count > 2) return not_this_form(d);
  if (now->guarded) return pv_ptx_refuse(d, "branch around it", "a barrier with a guard");
  code = pv_ptx_operand_at(d, &o[0], 'n', &s.r[0]);
  if (code == PV_OK && now->operand_count == 2)
    code = pv_ptx_operand_at(d, &o[1], 'n', &s.r[1]);
  else if (code == PV_OK)
    code = pv_ptx_constant(d, 'n', 0, &s.r[1]);
  return code == PV_OK ? pv_ptx_emit(d, s) : code;
}

/* shfl.sync.MODE.b32 d[|p], a, b, c, mask. r: d, a, b, c, mask; target: p or 0; offset: mode. */
pv_code pv_ptx_decode_shfl(pv_ptx_decoder *d) {
  const pv_ptx_instruction *now = d->now;
  const pv_ptx_operand *o = now->operands, *to = &o[0];
  pv_ptx_step s = {.flow = PV_PTX_CONVERGE, .run = pv_ptx_run_shfl};
  if (HAS_PARTS(now, "sync", "idx", "b32"))
    s.offset = PV_PTX_SHFL_IDX;
  else if (HAS_PARTS(now, "sync", "up", "b32"))
    s.offset = PV_PTX_SHFL_UP;
  else if (HAS_PARTS(now, "sync", "down", "b32"))
    s.offset = PV_PTX_SHFL_DOWN;
  else if (HAS_PARTS(now, "sync", "bfly", "b32"))
    s.offset = PV_PTX_SHFL_BFLY;
  else
    return not_this_form(d);
  if (now->operand_count != 5) return not_this_form(d);
  const bool pair = to->kind == PV_PTX_PAIR;
  pv_code code = pv_ptx_operand_at(d, pair ? &to->items[0] : to, 'n', &s.r[0]);
  if (code == PV_OK && pair) code = pv_ptx_operand_at(d, &to->items[1], 'p', &s.target);
  for (int i = 1; i < 5 && code == PV_OK; i++) code = pv_ptx_operand_at(d, &o[i], 'n', &s.r[i]);
  return code == PV_OK ? pv_ptx_emit(d, s) : code;
}

/* vote.sync.MODE d, [!]p, mask. r: d, p, -, -, mask. */
pv_code pv_ptx_decode_vote(pv_ptx_decoder *d) {
  const pv_ptx_instruction *now = d->now;
  const pv_ptx_operand *o = now->operands;
  pv_ptx_step s = {.flow = PV_PTX_CONVERGE, .run = pv_ptx_run_vote};
  if (HAS_PARTS(now, "sync", "ballot", "b32"))
    s.offset = PV_PTX_BALLOT;
  else if (HAS_PARTS(now, "sync", "all", "pred"))
    s.offset = PV_PTX_VOTE_ALL;
  else if (HAS_PARTS(now, "sync", "any", "pred"))
    s.offset = PV_PTX_VOTE_ANY;
  else if (HAS_PARTS(now, "sync", "uni", "pred"))
    s.offset = PV_PTX_VOTE_UNI;
  else
    return not_this_form(d);
  if (now->operand_count != 3) return not_this_form(d);
  pv_code code = pv_ptx_operand_at(d, &o[1], 'p', &s.r[1]);
  if (code == PV_OK) code = pv_ptx_operand_at(d, &o[2], 'n', &s.r[4]);
  if (code == PV_OK)
    code = pv_ptx_operand_at(d, &o[0], s.offset == PV_PTX_BALLOT ? 'n' : 'p', &s.r[0]);
  return code == PV_OK ? pv_ptx_emit(d, s) : code;
}

/* redux.sync.OP.TYPE d, a, mask. r: d, a, -, -, mask. */
pv_code pv_ptx_decode_redux(pv_ptx_decoder *d) {
  static const struct {
    const char *op;
    pv_ptx_redux redux;
    bool bits; /* of type b32, else of s32 and u32 */
  } ops[] = {{"add", PV_PTX_REDUX_ADD, false}, {"min", PV_PTX_REDUX_MIN, false},
             {"max", PV_PTX_REDUX_MAX, false}, {"and", PV_PTX_REDUX_AND, true},
             {"or", PV_PTX_REDUX_OR, true},    {"xor", PV_PTX_REDUX_XOR, true}};
  const pv_ptx_instruction *now = d->now;
  pv_ptx_step s = {.flow = PV_PTX_CONVERGE, .run = pv_ptx_run_redux, .offset = -1};
  for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
    if (HAS_PARTS(now, "sync", ops[i].op, "b32") ? ops[i].bits
                                                 : (HAS_PARTS(now, "sync", ops[i].op, "s32") ||
                                                    HAS_PARTS(now, "sync", ops[i].op, "u32")) &&
                                                       !ops[i].bits)
      s.offset = ops[i].redux;
  if (s.offset < 0) return not_this_form(d);
  s.is_signed = now->parts[3][0] == 's';
  pv_code code = pv_ptx_operand_at(d, &now->operands[1], 'n', &s.r[1]);
  if (code == PV_OK) code = pv_ptx_operand_at(d, &now->operands[2], 'n', &s.r[4]);
  if (code == PV_OK) code = pv_ptx_operand_at(d, &now->operands[0], 'n', &s.r[0]);
  return code == PV_OK ? pv_ptx_emit(d, s) : code;
}

pv_code pv_ptx_decode_activemask(pv_ptx_decoder *d) {
  pv_ptx_step s = {.run = pv_ptx_run_activemask};
  if (!(HAS_PARTS(d->now, "b32"))) return not_this_form(d);
  const pv_code code = pv_ptx_operand_at(d, &d->now->operands[0], 'n', &s.r[0]);
  return code == PV_OK ? pv_ptx_emit(d, s) : code;
}

/* mma.sync.aligned.m16n8kK.row.col.s32.A.B.s32 {d}, {a}, {b}, {c}, with 8-bit A and B. `more`: four
 * of d, K / 8 of a, K / 16 of b, four of c; offset: K; is_signed: bit 0 for A, bit 1 for B. */
pv_code pv_ptx_decode_mma(pv_ptx_decoder *d) {
  const pv_ptx_instruction *now = d->now;
  const pv_ptx_operand *o = now->operands;
  pv_ptx_step s = {.flow = PV_PTX_CONVERGE, .run = pv_ptx_run_mma};
  for (unsigned form = 0; form < 8 && s.offset == 0; form++) {
    const char *a = form & 1u ? "s8" : "u8", *b = form & 2u ? "s8" : "u8";
    const bool deep = form & 4u;
    if (HAS_PARTS(now, "sync", "aligned", deep ? "m16n8k32" : "m16n8k16", "row", "col", "s32", a, b,
                  "s32")) {
      s.offset = deep ? 32 : 16;
      s.is_signed = (uint8_t)(form & 3u);
    }
  }
  if (s.offset == 0 || now->operand_count != 4) return not_this_form(d);
  const size_t counts[4] = {4, (size_t)s.offset / 8, (size_t)s.offset / 16, 4};
  uint32_t *more = PV_ARENA_NEW(d->arena, 14, uint32_t);
  if (more == NULL) return pv_error_set(d->err, PV_ERR_NOMEM, "out of memory");
  s.more = more;
  pv_code code = pv_ptx_constant(d, 'n', PV_PTX_ALL, &s.r[4]);
  for (size_t i = 0; i < 4; i++) {
    const bool vector = o[i].kind == PV_PTX_VECTOR;
    if ((vector ? o[i].item_count : 1) != counts[i]) return not_this_form(d);
    for (size_t k = 0; k < counts[i] && code == PV_OK; k++)
      code = pv_ptx_operand_at(d, vector ? &o[i].items[k] : &o[i], 'n', more++);
  }
  return code == PV_OK ? pv_ptx_emit(d, s) : code;
}
