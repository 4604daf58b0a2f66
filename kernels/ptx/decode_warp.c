/* Decoding of control flow and of what the lanes of a warp do together. */
#include <string.h>

#include "kernels/ptx/decode.h"

static pv_code not_this_form(pv_ptx_decoder *d) {
  return pv_ptx_refuse(d, NULL, "this form is not interpreted");
}

/* What has one form: for each operand its kind (see pv_ptx_alu) and its slot in the step. Slot 4
 * is the member mask that the lanes of a step wait for. */
typedef struct form {
  const char *opcode, *operands;
  pv_ptx_run run;
  int64_t offset; /* which of those that `run` knows */
} form;

static const form forms[] = {
    {"bar.warp.sync", "n4", pv_ptx_run_sync, 0},
    {"shfl.sync.idx.b32", "n0n1n2n3n4", pv_ptx_run_shfl, PV_PTX_SHFL_IDX},
    {"shfl.sync.up.b32", "n0n1n2n3n4", pv_ptx_run_shfl, PV_PTX_SHFL_UP},
    {"shfl.sync.down.b32", "n0n1n2n3n4", pv_ptx_run_shfl, PV_PTX_SHFL_DOWN},
    {"shfl.sync.bfly.b32", "n0n1n2n3n4", pv_ptx_run_shfl, PV_PTX_SHFL_BFLY},
    {"vote.sync.ballot.b32", "n0p1n4", pv_ptx_run_vote, PV_PTX_BALLOT},
    {"vote.sync.all.pred", "p0p1n4", pv_ptx_run_vote, PV_PTX_VOTE_ALL},
    {"vote.sync.any.pred", "p0p1n4", pv_ptx_run_vote, PV_PTX_VOTE_ANY},
    {"vote.sync.uni.pred", "p0p1n4", pv_ptx_run_vote, PV_PTX_VOTE_UNI},
    {"redux.sync.add.s32", "n0n1n4", pv_ptx_run_redux, PV_PTX_REDUX_ADD},
    {"redux.sync.add.u32", "n0n1n4", pv_ptx_run_redux, PV_PTX_REDUX_ADD},
    {"redux.sync.min.s32", "n0n1n4", pv_ptx_run_redux, PV_PTX_REDUX_MIN},
    {"redux.sync.min.u32", "n0n1n4", pv_ptx_run_redux, PV_PTX_REDUX_MIN},
    {"redux.sync.max.s32", "n0n1n4", pv_ptx_run_redux, PV_PTX_REDUX_MAX},
    {"redux.sync.max.u32", "n0n1n4", pv_ptx_run_redux, PV_PTX_REDUX_MAX},
    {"redux.sync.and.b32", "n0n1n4", pv_ptx_run_redux, PV_PTX_REDUX_AND},
    {"redux.sync.or.b32", "n0n1n4", pv_ptx_run_redux, PV_PTX_REDUX_OR},
    {"redux.sync.xor.b32", "n0n1n4", pv_ptx_run_redux, PV_PTX_REDUX_XOR},
    {"activemask.b32", "n0", pv_ptx_run_activemask, 0},
};

pv_code pv_ptx_decode_form(pv_ptx_decoder *d) {
  const pv_ptx_instruction *now = d->now;
  const form *f = forms, *end = forms + sizeof forms / sizeof *forms;
  while (f < end && strcmp(f->opcode, now->opcode) != 0) f++;
  if (f == end || now->operand_count != strlen(f->operands) / 2) return not_this_form(d);
  pv_ptx_step s = {.run = f->run, .offset = f->offset};
  s.flow = strchr(f->operands, '4') != NULL ? PV_PTX_CONVERGE : PV_PTX_GO_ON;
  s.is_signed = now->parts[now->part_count - 1][0] == 's';
  for (size_t i = 0; i < now->operand_count; i++) {
    const pv_ptx_operand *o = &now->operands[i];
    if (o->kind == PV_PTX_PAIR && i == 0 && f->run == pv_ptx_run_shfl) {
      s.target = pv_ptx_operand_at(d, &o->items[1], 'p');
      o = &o->items[0];
    }
    s.r[f->operands[2 * i + 1] - '0'] = pv_ptx_operand_at(d, o, f->operands[2 * i]);
  }
  return pv_ptx_emit(d, s);
}

pv_code pv_ptx_decode_branch(pv_ptx_decoder *d) {
  const pv_ptx_operand *to = &d->now->operands[0];
  if (to->kind != PV_PTX_LABEL) return not_this_form(d);
  pv_ptx_emit(d, (pv_ptx_step){.flow = PV_PTX_BRANCH});
  return pv_ptx_note_label(d, to->index);
}

/* brx.idx index, table: r[0] the index; `target` the first of `offset` entries of code->tables. */
pv_code pv_ptx_decode_table(pv_ptx_decoder *d) {
  const pv_ptx_operand *o = d->now->operands;
  pv_ptx_step s = {.flow = PV_PTX_TABLE_BRANCH, .target = (uint32_t)d->table_room};
  if (strcmp(d->now->opcode, "brx.idx") != 0 || o[1].kind != PV_PTX_TABLE) return not_this_form(d);
  const pv_ptx_table *table = &d->frame->function->tables[o[1].index];
  uint32_t *all = PV_ARENA_NEW(d->arena, d->table_room + table->label_count, uint32_t);
  if (all == NULL) return pv_ptx_decode_nomem(d);
  if (d->table_room > 0) memcpy(all, d->code->tables, d->table_room * sizeof *all);
  d->code->tables = all;
  for (size_t i = 0; i < table->label_count; i++)
    if (pv_ptx_decode_room(d, &d->fixups, d->fixup_count, &d->fixup_room, sizeof *d->fixups))
      d->fixups[d->fixup_count++] =
          (pv_ptx_fixup){true, (uint32_t)(d->table_room + i), table->labels[i].index};
  d->table_room += table->label_count;
  s.offset = (int64_t)table->label_count;
  s.r[0] = pv_ptx_operand_at(d, &o[0], 'n');
  return pv_ptx_emit(d, s);
}
