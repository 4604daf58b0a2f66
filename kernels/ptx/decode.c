/* Turns the instructions of a kernel into steps. What has no row in a table here or in alu.h is
 * refused. */
#include "kernels/ptx/decode.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/ck.h"
#include "kernels/ptx/alu.h"

enum { REGISTER_BYTES_MAX = 16 << 20, SHARED_MAX = 1 << 20 };

static pv_code decode_nothing(pv_ptx_decoder *d) {
  return d->failed;
}

static const struct {
  const char *name; /* first part of the opcode */
  pv_code (*decode)(pv_ptx_decoder *d);
} families[] = {
    {"mov", pv_ptx_decode_mov},    {"setp", pv_ptx_decode_setp},
    {"ld", pv_ptx_decode_access},  {"st", pv_ptx_decode_access},
    {"cvta", pv_ptx_decode_cvta},  {"cp", pv_ptx_decode_copy},
    {"bra", pv_ptx_decode_branch}, {"brx", pv_ptx_decode_table},
    {"ret", pv_ptx_decode_exit},   {"exit", pv_ptx_decode_exit},
    {"prefetch", decode_nothing}, /* hints, and orders that a block keeps by itself */
    {"prefetchu", decode_nothing}, {"membar", decode_nothing},
    {"fence", decode_nothing},     {"griddepcontrol", decode_nothing},
    {"bar", pv_ptx_decode_bar},    {"barrier", pv_ptx_decode_bar},
    {"shfl", pv_ptx_decode_form},  {"vote", pv_ptx_decode_form},
    {"redux", pv_ptx_decode_form}, {"activemask", pv_ptx_decode_form},
    {"mma", pv_ptx_decode_mma},
};

/* In the order of pv_ptx_special. */
static const char *const specials[PV_PTX_SPECIALS] = {
    "%tid.x",       "%tid.y",       "%tid.z",       "%ntid.x",      "%ntid.y",
    "%ntid.z",      "%ctaid.x",     "%ctaid.y",     "%ctaid.z",     "%nctaid.x",
    "%nctaid.y",    "%nctaid.z",    "%laneid",      "%warpid",      "%lanemask_eq",
    "%lanemask_lt", "%lanemask_le", "%lanemask_gt", "%lanemask_ge", "%dynamic_smem_size"};

pv_code pv_ptx_refuse(pv_ptx_decoder *d, const char *hint, const char *fmt, ...) {
  char text[256];
  va_list args;
  if (d->failed != PV_OK) return d->failed;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  pv_error_set(d->err, PV_ERR_UNSUPPORTED, "kernel '%.60s': '%.60s': %s", d->function->name,
               d->now->opcode, text);
  pv_error_at(d->err, d->module->name, d->now->line, d->now->column, -1);
  pv_error_hint(d->err, "%s",
                hint != NULL
                    ? hint
                    : "write the kernel without it, or add it to the tables of kernels/ptx "
                      "(docs/ptx.md, The interpreter)");
  return d->failed = PV_ERR_UNSUPPORTED;
}

pv_code pv_ptx_decode_nomem(pv_ptx_decoder *d) {
  if (d->failed == PV_OK)
    d->failed = pv_error_set(d->err, PV_ERR_NOMEM, "out of memory for the kernel '%.60s'",
                             d->function->name);
  return d->failed;
}

static bool room(pv_ptx_decoder *d, void *items, size_t count, size_t *capacity, size_t size) {
  if (d->failed == PV_OK && !pv_arena_room(d->arena, items, count, capacity, size))
    pv_ptx_decode_nomem(d);
  return d->failed == PV_OK;
}

char pv_ptx_kind_of(const pv_ptx_decoder *d, const pv_ptx_operand *o) {
  const pv_ptx_type type = d->function->registers[o->index].type;
  if (type == PV_PTX_PRED) return 'p';
  return pv_ptx_type_bytes(type) > 4 ? 'w' : 'n';
}

uint32_t pv_ptx_new_register(pv_ptx_decoder *d, char kind) {
  const uint32_t at = d->code->register_bytes;
  if (kind == 'p' && d->next_bit < d->last_bit) {
    d->next_bit += sizeof(uint32_t);
    return d->next_bit - (uint32_t)sizeof(uint32_t);
  }
  if (at > REGISTER_BYTES_MAX) pv_ptx_refuse(d, NULL, "the kernel has too many registers");
  if (d->failed != PV_OK) return 0;
  d->code->register_bytes += kind == 'w' ? PV_PTX_WIDE : kind == 'n' ? PV_PTX_NARROW : 64;
  if (kind == 'p') {
    d->next_bit = at + (uint32_t)sizeof(uint32_t);
    d->last_bit = d->code->register_bytes;
  }
  return at;
}

uint32_t pv_ptx_constant(pv_ptx_decoder *d, char kind, uint64_t value) {
  pv_ptx_code *decoded = d->code;
  for (size_t i = 0; i < decoded->fill_count; i++)
    if (decoded->fills[i].kind == kind && decoded->fills[i].value == value)
      return decoded->fills[i].at;
  const uint32_t at = pv_ptx_new_register(d, kind);
  if (room(d, &decoded->fills, decoded->fill_count, &d->fill_room, sizeof *decoded->fills))
    decoded->fills[decoded->fill_count++] = (pv_ptx_fill){kind, at, value};
  return at;
}

static uint32_t special(pv_ptx_decoder *d, const char *name, char kind) {
  unsigned i = 0;
  if (strcmp(name, "WARP_SZ") == 0) return pv_ptx_constant(d, kind, PV_PTX_LANES);
  while (i < PV_PTX_SPECIALS && strcmp(specials[i], name) != 0) i++;
  if (i == PV_PTX_SPECIALS)
    pv_ptx_refuse(d, NULL, "the special register %s is not interpreted", name);
  else if (kind != 'n')
    pv_ptx_refuse(d, NULL, "%s is read as 64 bits", name);
  if (d->failed != PV_OK) return 0;
  if (d->code->special[i] == 0) d->code->special[i] = pv_ptx_new_register(d, 'n');
  return d->code->special[i];
}

static uint32_t immediate(pv_ptx_decoder *d, const pv_ptx_operand *o, char kind) {
  const char *last = d->now->parts[d->now->part_count - 1];
  if (kind == 'p') return pv_ptx_constant(d, kind, o->bits != 0 ? PV_PTX_ALL : 0);
  if (o->number == PV_PTX_INTEGER && last[0] == 'f' && strcmp(d->now->parts[0], "cvt") != 0)
    pv_ptx_refuse(d, NULL, "an integer stands for a floating-point number");
  if ((o->number == PV_PTX_SINGLE && kind != 'n') || (o->number == PV_PTX_DOUBLE && kind != 'w'))
    pv_ptx_refuse(d, NULL, "a constant of another size than its operand");
  if (kind == 'n' && (uint64_t)(int64_t)(int32_t)o->bits != o->bits && o->bits > UINT32_MAX)
    pv_ptx_refuse(d, NULL, "a constant does not fit in 32 bits");
  return pv_ptx_constant(d, kind, kind == 'n' ? (uint32_t)o->bits : o->bits);
}

static pv_code place_variable(pv_ptx_decoder *d, const pv_ptx_variable *v, uint32_t *end,
                              uint64_t limit) {
  uint64_t start = *end, after = 0;
  if (!pv_ck_align(start, v->align > 0 ? v->align : 1, &start) ||
      !pv_ck_add(start, v->bytes, &after) || after > limit) {
    d->failed = pv_error_set(d->err, PV_ERR_UNSUPPORTED, "kernel '%.60s': '%.60s' is too large",
                             d->function->name, v->name);
    pv_error_at(d->err, d->module->name, v->line, 0, -1);
    return d->failed;
  }
  d->places[d->place_count++] = (pv_ptx_place){v, start};
  *end = (uint32_t)after;
  return PV_OK;
}

/* Shared memory: what the body declares, then what the module does, then the unsized arrays, which
 * all begin at the same place. */
static pv_code place_variables(pv_ptx_decoder *d) {
  const pv_ptx_function *f = d->function;
  pv_ptx_code *decoded = d->code;
  const size_t all = f->param_count + f->variable_count + d->module->variable_count;
  pv_code code = PV_OK;
  d->places = PV_ARENA_NEW(d->arena, all, pv_ptx_place);
  if (d->places == NULL) return pv_ptx_decode_nomem(d);
  for (size_t i = 0; i < f->param_count && code == PV_OK; i++)
    code = place_variable(d, f->params[i], &decoded->param_bytes, UINT32_MAX);
  for (size_t i = 0; i < f->variable_count + d->module->variable_count && code == PV_OK; i++) {
    const pv_ptx_variable *v =
        i < f->variable_count ? f->variables[i] : d->module->variables[i - f->variable_count];
    if (v->space == PV_PTX_SHARED && v->bytes > 0)
      code = place_variable(d, v, &decoded->shared_bytes, SHARED_MAX);
    if (v->space == PV_PTX_SHARED && v->bytes == 0 && v->align > decoded->dynamic_align)
      decoded->dynamic_align = (uint32_t)v->align;
    if (v->space == PV_PTX_LOCAL) code = place_variable(d, v, &decoded->local_bytes, SHARED_MAX);
  }
  uint64_t dynamic = 0;
  if (decoded->dynamic_align == 0) decoded->dynamic_align = 1;
  if (code == PV_OK && pv_ck_align(decoded->shared_bytes, decoded->dynamic_align, &dynamic))
    decoded->shared_bytes = (uint32_t)dynamic;
  if (code == PV_OK && pv_ck_align(decoded->local_bytes, 16, &dynamic))
    decoded->local_pitch = (uint32_t)dynamic;
  return code;
}

/* Where a variable lies. */
static uint64_t address_of(pv_ptx_decoder *d, const pv_ptx_variable *v) {
  uint64_t address = 0;
  if (v->space == PV_PTX_GLOBAL || v->space == PV_PTX_CONST) {
    if (d->failed == PV_OK)
      d->failed = pv_ptx_variable_address(d->memory, d->module, v, &address, d->err);
    return address;
  }
  if (v->space == PV_PTX_SHARED && v->bytes == 0) return d->code->shared_bytes;
  for (size_t i = 0; i < d->place_count; i++)
    if (d->places[i].variable == v) return d->places[i].address;
  pv_ptx_refuse(d, NULL, "the address of '%.60s' is not known here", v->name);
  return 0;
}

uint32_t pv_ptx_operand_at(pv_ptx_decoder *d, const pv_ptx_operand *o, char kind) {
  uint32_t at = 0, plain = 0;
  switch (o->kind) {
    case PV_PTX_REGISTER:
      if (pv_ptx_kind_of(d, o) != kind)
        pv_ptx_refuse(d, NULL, "register %u of the kernel has another size", o->index);
      if (d->at[o->index] == 0) d->at[o->index] = pv_ptx_new_register(d, kind);
      plain = d->at[o->index];
      if (!o->negated) return plain;
      at = pv_ptx_new_register(d, 'p');
      pv_ptx_emit_alu(d, "not.pred", "pp", true, at, plain, 0);
      return at;
    case PV_PTX_SPECIAL:
      return special(d, o->name, kind);
    case PV_PTX_IMMEDIATE:
      return immediate(d, o, kind);
    case PV_PTX_VARIABLE:
      if (kind == 'n' &&
          (o->variable->space == PV_PTX_GLOBAL || o->variable->space == PV_PTX_CONST))
        pv_ptx_refuse(d, NULL, "the address of '%.60s' does not fit in 32 bits", o->name);
      return pv_ptx_constant(d, kind, address_of(d, o->variable) + (uint64_t)o->offset);
    case PV_PTX_NOTHING: /* a result that nobody wants */
      return pv_ptx_new_register(d, kind);
    default:
      pv_ptx_refuse(d, NULL, "an operand of this form is not interpreted");
      return 0;
  }
}

pv_code pv_ptx_emit_always(pv_ptx_decoder *d, pv_ptx_step step) {
  pv_ptx_code *code = d->code;
  step.source = (uint32_t)(d->now - d->function->instructions);
  if (code->step_count == UINT32_MAX) pv_ptx_decode_nomem(d);
  if (room(d, &code->steps, code->step_count, &d->step_room, sizeof step))
    code->steps[code->step_count++] = step;
  return d->failed;
}

pv_code pv_ptx_emit(pv_ptx_decoder *d, pv_ptx_step step) {
  if (d->now->guarded) {
    const pv_ptx_operand guard = {.kind = PV_PTX_REGISTER, .index = d->now->guard};
    step.guard = pv_ptx_operand_at(d, &guard, 'p');
    step.guarded = d->now->guard_negated ? PV_PTX_UNLESS : PV_PTX_IF;
  }
  return pv_ptx_emit_always(d, step);
}

static pv_code decode_one(pv_ptx_decoder *d) {
  for (size_t i = 0; i < sizeof families / sizeof *families; i++)
    if (strcmp(families[i].name, d->now->parts[0]) == 0) return families[i].decode(d);
  return pv_ptx_decode_alu(d);
}

/* Labels become steps. */
static void bind_branches(pv_ptx_decoder *d) {
  const pv_ptx_function *f = d->function;
  for (uint32_t i = 0; i < d->code->step_count; i++) {
    pv_ptx_step *s = &d->code->steps[i];
    if (s->flow == PV_PTX_BRANCH) s->target = d->first[f->labels[s->target].at];
  }
  for (size_t i = 0; i < d->table_room; i++)
    d->code->tables[i] = d->first[f->labels[d->code->tables[i]].at];
}

pv_code pv_ptx_decode(pv_arena *arena, pv_ptx_memory *memory, const pv_ptx_module *module,
                      const pv_ptx_function *function, pv_ptx_code **out, pv_error *err) {
  pv_ptx_decoder d = {
      .arena = arena, .err = err, .memory = memory, .module = module, .function = function};
  pv_ptx_code *decoded = PV_ARENA_NEW(arena, 1, pv_ptx_code);
  d.code = decoded;
  d.at = PV_ARENA_NEW(arena, function->register_count, uint32_t);
  d.first = PV_ARENA_NEW(arena, function->instruction_count + 1, uint32_t);
  if (decoded == NULL || d.at == NULL || d.first == NULL) return pv_ptx_decode_nomem(&d);
  *decoded = (pv_ptx_code){.function = function, .module = module, .register_bytes = 64};
  pv_code code = place_variables(&d);
  for (size_t i = 0; i < function->instruction_count && code == PV_OK; i++) {
    d.now = &function->instructions[i];
    d.first[i] = decoded->step_count;
    code = decode_one(&d);
  }
  if (code != PV_OK) return code;
  if (function->instruction_count == 0)
    return pv_error_set(err, PV_ERR_INPUT, "the kernel '%.60s' is empty", function->name);
  /* The end of the body is an exit. */
  d.first[function->instruction_count] = decoded->step_count;
  code = pv_ptx_emit_always(&d, (pv_ptx_step){.flow = PV_PTX_EXIT});
  if (code != PV_OK) return code;
  bind_branches(&d);
  *out = decoded;
  return PV_OK;
}
