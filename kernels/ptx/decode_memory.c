/* Decoding of loads, stores, copies and address conversions. */
#include <string.h>

#include "kernels/ptx/decode.h"

/* What says how a cache is used, or that nobody else writes: it changes no value here. */
static bool is_hint(const char *part) {
  static const char *const hints[] = {"nc", "ca", "cg", "cs", "lu", "wb", "wt", "weak", "unified"};
  for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
    if (strcmp(hints[i], part) == 0) return true;
  return strncmp(part, "L1::", 4) == 0 || strncmp(part, "L2::", 4) == 0;
}

/* Without a scope, volatile is for all. */
bool pv_ptx_is_order(const char *part, uint8_t *order) {
  if (strcmp(part, "volatile") == 0 || strcmp(part, "relaxed") == 0 || strcmp(part, "mmio") == 0 ||
      strcmp(part, "gpu") == 0 || strcmp(part, "sys") == 0)
    *order |= PV_PTX_STRONG;
  else if (strcmp(part, "acquire") == 0)
    *order |= PV_PTX_STRONG | PV_PTX_ACQUIRES;
  else if (strcmp(part, "release") == 0)
    *order |= PV_PTX_STRONG | PV_PTX_RELEASES;
  else if (strcmp(part, "acq_rel") == 0)
    *order |= PV_PTX_STRONG | PV_PTX_ACQUIRES | PV_PTX_RELEASES;
  else if (strcmp(part, "cta") == 0 || strcmp(part, "cluster") == 0)
    *order |= PV_PTX_STRONG_IN_BLOCK;
  else
    return false;
  return true;
}

pv_ptx_space pv_ptx_space_named(const char *part) {
  if (strcmp(part, "global") == 0) return PV_PTX_GLOBAL;
  if (strcmp(part, "const") == 0) return PV_PTX_CONST;
  if (strcmp(part, "shared") == 0 || strcmp(part, "shared::cta") == 0) return PV_PTX_SHARED;
  if (strncmp(part, "param", 5) == 0) return PV_PTX_PARAM; /* ::entry and ::func included */
  if (strcmp(part, "local") == 0) return PV_PTX_LOCAL;
  return PV_PTX_NO_SPACE;
}

/* What makes an address of a space generic. Those of .global and .const are. */
static uint64_t window_of(pv_ptx_space space) {
  switch (space) {
    case PV_PTX_SHARED:
      return PV_PTX_SHARED_WINDOW;
    case PV_PTX_LOCAL:
      return PV_PTX_LOCAL_WINDOW;
    case PV_PTX_PARAM:
      return PV_PTX_PARAM_WINDOW;
    default:
      return 0;
  }
}

/* Where a variable is: the parameters of a call lie in local memory. */
static pv_ptx_space space_of_variable(const pv_ptx_decoder *d, const pv_ptx_variable *v) {
  const pv_ptx_place *place = pv_ptx_place_of(d, v);
  return place != NULL ? place->space : v->space;
}

/* Space, elements and type of a load or store. */
static pv_code read_parts(pv_ptx_decoder *d, pv_ptx_step *s) {
  const pv_ptx_instruction *now = d->now;
  const char *name = now->parts[now->part_count - 1];
  const pv_ptx_type type = pv_ptx_type_find(name);
  const uint32_t bytes = pv_ptx_type_bytes(type);
  s->space = PV_PTX_NO_SPACE;
  s->count = 1;
  for (size_t i = 1; i + 1 < now->part_count; i++) {
    const char *part = now->parts[i];
    const pv_ptx_space space = pv_ptx_space_named(part);
    if (space != PV_PTX_NO_SPACE)
      s->space = (uint8_t)space;
    else if (strcmp(part, "v2") == 0 || strcmp(part, "v4") == 0)
      s->count = (uint8_t)(part[1] - '0');
    else if (!is_hint(part) && !pv_ptx_is_order(part, &s->order))
      return pv_ptx_refuse(d, NULL, "'.%s' is not interpreted", part);
  }
  if ((s->order & PV_PTX_STRONG_IN_BLOCK) != 0) s->order &= (uint8_t)~PV_PTX_STRONG;
  if (bytes == 0 || bytes > 8 || bytes * s->count > 16)
    return pv_ptx_refuse(d, NULL, "an access of this size is not interpreted");
  s->bytes = (uint8_t)bytes;
  s->is_signed = name[0] == 's';
  s->wide = bytes == 8;
  return PV_OK;
}

pv_code pv_ptx_read_address(pv_ptx_decoder *d, const pv_ptx_operand *o, pv_ptx_step *s) {
  if (o->kind != PV_PTX_ADDRESS) return pv_ptx_refuse(d, NULL, "this is not an address");
  const pv_ptx_operand *base = &o->items[0];
  s->offset = o->offset;
  s->narrow_address = base->kind == PV_PTX_REGISTER && pv_ptx_kind_of(d, base) == 'n';
  if (base->kind == PV_PTX_VARIABLE && s->space == PV_PTX_NO_SPACE)
    s->offset += (int64_t)window_of(space_of_variable(d, base->variable));
  else if (base->kind == PV_PTX_VARIABLE && base->variable->space != (pv_ptx_space)s->space)
    return pv_ptx_refuse(d, NULL, "'%.60s' lies in another space", base->name);
  else if (s->space == PV_PTX_PARAM && base->kind == PV_PTX_VARIABLE)
    s->space = (uint8_t)space_of_variable(d, base->variable);
  else if (s->space == PV_PTX_PARAM && d->frame->caller != NULL)
    s->space = PV_PTX_LOCAL;
  s->r[0] = pv_ptx_operand_at(d, base, s->narrow_address ? 'n' : 'w');
  return d->failed;
}

/* The registers of the elements, r[1] to r[4]. All have one size, at least that of an element. */
static pv_code read_elements(pv_ptx_decoder *d, const pv_ptx_operand *o, pv_ptx_step *s) {
  const pv_ptx_operand *items = o->kind == PV_PTX_VECTOR ? o->items : o;
  if (s->count != (o->kind == PV_PTX_VECTOR ? o->item_count : 1))
    return pv_ptx_refuse(d, NULL, "the vector has another number of elements");
  for (unsigned i = 0; i < s->count; i++)
    if (items[i].kind == PV_PTX_REGISTER && pv_ptx_kind_of(d, &items[i]) == 'w') s->wide = 1;
  for (unsigned i = 0; i < s->count; i++)
    s->r[1 + i] = pv_ptx_operand_at(d, &items[i], s->wide ? 'w' : 'n');
  return d->failed;
}

/* Whether the last operand says how a cache is used. */
static bool has_policy(const pv_ptx_decoder *d) {
  return pv_ptx_has_part(d->now, "L2::cache_hint");
}

/* createpolicy: nothing is made of a policy here. */
pv_code pv_ptx_decode_policy(pv_ptx_decoder *d) {
  const uint32_t to = pv_ptx_operand_at(d, &d->now->operands[0], 'w');
  return pv_ptx_emit_alu(d, "mov.b64", "ww", false, to, pv_ptx_constant(d, 'w', 0), 0);
}

pv_code pv_ptx_decode_access(pv_ptx_decoder *d) {
  const bool loads = strncmp(d->now->parts[0], "ld", 2) == 0; /* ld, ldu */
  pv_ptx_step s = {.run = loads ? pv_ptx_run_load : pv_ptx_run_store};
  if (d->now->operand_count != (has_policy(d) ? 3 : 2))
    return pv_ptx_refuse(d, NULL, "this form is not interpreted");
  pv_code code = read_parts(d, &s);
  if (code == PV_OK) code = pv_ptx_read_address(d, &d->now->operands[loads ? 1 : 0], &s);
  if (code == PV_OK && !loads && (s.space == PV_PTX_PARAM || s.space == PV_PTX_CONST))
    return pv_ptx_refuse(d, NULL, "a store to memory that is only read");
  if (code == PV_OK) code = read_elements(d, &d->now->operands[loads ? 0 : 1], &s);
  if (code != PV_OK) return code;
  if (s.space == PV_PTX_GLOBAL || s.space == PV_PTX_CONST || s.space == PV_PTX_NO_SPACE)
    s.target = d->code->caches++;
  return pv_ptx_emit(d, s);
}

/* cvta[.to].SPACE.u64 d, a: into or out of the space's window of generic addresses. Addresses of
 * .global and .const are generic ones. */
pv_code pv_ptx_decode_cvta(pv_ptx_decoder *d) {
  const pv_ptx_instruction *now = d->now;
  const bool to = now->part_count == 4 && strcmp(now->parts[1], "to") == 0;
  const pv_ptx_space space = now->part_count == (to ? 4 : 3)
                                 ? pv_ptx_space_named(now->parts[now->part_count - 2])
                                 : PV_PTX_NO_SPACE;
  const bool local = space == PV_PTX_PARAM &&
                     (now->operands[1].kind == PV_PTX_VARIABLE
                          ? space_of_variable(d, now->operands[1].variable) == PV_PTX_LOCAL
                          : d->frame->caller != NULL);
  const uint64_t window = window_of(local ? PV_PTX_LOCAL : space);
  if (space == PV_PTX_NO_SPACE || strcmp(now->parts[now->part_count - 1], "u64") != 0)
    return pv_ptx_refuse(d, NULL, "this conversion of an address is not interpreted");
  const uint32_t in = pv_ptx_operand_at(d, &now->operands[1], 'w');
  const uint32_t by = pv_ptx_constant(d, 'w', to ? 0 - window : window);
  const uint32_t out = pv_ptx_operand_at(d, &now->operands[0], 'w');
  return pv_ptx_emit_alu(d, "add.u64", "www", false, out, in, by);
}

/* Those of a proxy or of barriers order nothing here. `offset` 1: for all blocks. */
pv_code pv_ptx_decode_fence(pv_ptx_decoder *d) {
  const bool all = pv_ptx_has_part(d->now, "gl") || pv_ptx_has_part(d->now, "gpu") ||
                   pv_ptx_has_part(d->now, "sys");
  if (pv_ptx_has_part(d->now, "proxy") || pv_ptx_has_part(d->now, "mbarrier_init"))
    return d->failed;
  return pv_ptx_emit(d, (pv_ptx_step){.run = pv_ptx_run_fence, .offset = all});
}

/* Whether the opcode is cp.async.{ca,cg}.shared[::cta].global, hints left out. */
static bool is_async(const pv_ptx_instruction *now) {
  for (size_t i = 5; i < now->part_count; i++)
    if (strncmp(now->parts[i], "L2::", 4) != 0) return false;
  return now->part_count >= 5 &&
         (strcmp(now->parts[2], "ca") == 0 || strcmp(now->parts[2], "cg") == 0) &&
         pv_ptx_space_named(now->parts[3]) == PV_PTX_SHARED &&
         pv_ptx_space_named(now->parts[4]) == PV_PTX_GLOBAL;
}

/* [to], [from], bytes[, bytes of the source, or a predicate: leave the source out][, policy]: r[0]
 * from, `offset` of from; r[1] to; r[2] the bytes of the source, r[3] the predicate, 0: none; more:
 * the offset of `to`. */
static pv_code decode_async(pv_ptx_decoder *d) {
  const pv_ptx_operand *o = d->now->operands, *to = &o[0];
  const size_t count = d->now->operand_count - has_policy(d);
  pv_ptx_step s = {.run = pv_ptx_run_copy, .space = PV_PTX_GLOBAL, .target = d->code->caches++};
  if (count < 3 || count > 4 || o[2].kind != PV_PTX_IMMEDIATE ||
      (o[2].bits != 4 && o[2].bits != 8 && o[2].bits != 16))
    return pv_ptx_refuse(d, NULL, "this form is not interpreted");
  const bool named = to->kind == PV_PTX_ADDRESS && to->items[0].kind == PV_PTX_VARIABLE &&
                     to->items[0].variable->space == PV_PTX_SHARED;
  if (!named && (to->kind != PV_PTX_ADDRESS || to->items[0].kind != PV_PTX_REGISTER ||
                 pv_ptx_kind_of(d, &to->items[0]) != 'n'))
    return pv_ptx_refuse(d, NULL, "the place is not in a register of 32 bits");
  int64_t *more = PV_ARENA_NEW(d->arena, 1, int64_t);
  if (more == NULL) return pv_ptx_decode_nomem(d);
  *more = to->offset;
  s.more = (const uint32_t *)more;
  s.bytes = (uint8_t)o[2].bits;
  s.count = 1;
  pv_ptx_read_address(d, &o[1], &s);
  if (s.narrow_address) return pv_ptx_refuse(d, NULL, "an address of 32 bits in global memory");
  s.r[1] = pv_ptx_operand_at(d, &to->items[0], 'n');
  if (count == 4 && o[3].kind == PV_PTX_REGISTER && pv_ptx_kind_of(d, &o[3]) == 'p')
    s.r[3] = pv_ptx_operand_at(d, &o[3], 'p');
  else if (count == 4)
    s.r[2] = pv_ptx_operand_at(d, &o[3], 'n');
  return pv_ptx_emit(d, s);
}

pv_code pv_ptx_decode_copy(pv_ptx_decoder *d) {
  const pv_ptx_instruction *now = d->now;
  const char *const name = now->opcode;
  const bool all = strcmp(name, "cp.async.wait_all") == 0;
  if (is_async(now)) return decode_async(d);
  if (strncmp(name, "cp.async.mbarrier.arrive.", 25) == 0) return pv_ptx_decode_copy_arrive(d);
  if (strcmp(name, "cp.async.bulk.prefetch.L2.global") == 0) return PV_OK;
  if (strcmp(name, "cp.async.commit_group") == 0 || all)
    pv_ptx_emit(d, (pv_ptx_step){.run = pv_ptx_run_commit});
  if (strcmp(name, "cp.async.commit_group") == 0) return d->failed;
  const bool group = strcmp(name, "cp.async.wait_group") == 0 && now->operand_count == 1 &&
                     now->operands[0].kind == PV_PTX_IMMEDIATE;
  if (!all && !group) return pv_ptx_refuse(d, NULL, "this form is not interpreted");
  const int64_t left = all ? 0 : (int64_t)now->operands[0].bits;
  return pv_ptx_emit(d, (pv_ptx_step){.run = pv_ptx_run_wait, .offset = left});
}
