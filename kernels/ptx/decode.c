/* Turns the instructions of a kernel into steps. What has no row in a table here or in alu.h is
 * refused. */
#include "kernels/ptx/decode.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/ck.h"
#include "kernels/ptx/alu.h"
#include "kernels/ptx/assert.h"

enum { REGISTER_BYTES_MAX = 16 << 20, SHARED_MAX = 1 << 20, EXPANDED_MAX = 1 << 20 };

static pv_code decode_nothing(pv_ptx_decoder *d) {
  return d->failed;
}

static const struct {
  const char *name; /* first part of the opcode */
  pv_code (*decode)(pv_ptx_decoder *d);
} families[] = {
    {"mov", pv_ptx_decode_mov},
    {"setp", pv_ptx_decode_setp},
    {"ld", pv_ptx_decode_access},
    {"st", pv_ptx_decode_access},
    {"cvta", pv_ptx_decode_cvta},
    {"mbarrier", pv_ptx_decode_mbarrier},
    {"elect", pv_ptx_decode_elect},
    {"match", pv_ptx_decode_match},
    {"isspacep", pv_ptx_decode_isspacep},
    {"nanosleep", pv_ptx_decode_nanosleep},
    {"ldu", pv_ptx_decode_access},
    {"createpolicy", pv_ptx_decode_policy},
    {"applypriority", decode_nothing},
    {"cp", pv_ptx_decode_copy},
    {"bra", pv_ptx_decode_branch},
    {"brx", pv_ptx_decode_table},
    {"ret", pv_ptx_decode_return},
    {"exit", pv_ptx_decode_exit},
    {"call", pv_ptx_decode_call},
    {"atom", pv_ptx_decode_atomic},
    {"red", pv_ptx_decode_atomic},
    {"trap", pv_ptx_decode_trap},
    {"brkpt", pv_ptx_decode_trap},
    {"prefetch", decode_nothing}, /* hints, and orders that a block keeps by itself */
    {"prefetchu", decode_nothing},
    {"membar", pv_ptx_decode_fence},
    {"fence", pv_ptx_decode_fence},
    {"griddepcontrol", decode_nothing},
    {"bar", pv_ptx_decode_bar},
    {"barrier", pv_ptx_decode_bar},
    {"shfl", pv_ptx_decode_form},
    {"vote", pv_ptx_decode_form},
    {"redux", pv_ptx_decode_form},
    {"activemask", pv_ptx_decode_form},
    {"mma", pv_ptx_decode_mma},
    {"ldmatrix", pv_ptx_decode_ldmatrix},
    {"stmatrix", pv_ptx_decode_ldmatrix},
    {"movmatrix", pv_ptx_decode_movmatrix},
    {"set", pv_ptx_decode_set},
    {"lop3", pv_ptx_decode_lop3},
    {"add", pv_ptx_decode_carried},
    {"addc", pv_ptx_decode_carried},
    {"sub", pv_ptx_decode_carried},
    {"subc", pv_ptx_decode_carried},
    {"mad", pv_ptx_decode_carried},
    {"madc", pv_ptx_decode_carried},
};

/* In the order of pv_ptx_special. */
static const char *const specials[PV_PTX_SPECIALS] = {
    "%tid.x",           "%tid.y",       "%tid.z",       "%ntid.x",      "%ntid.y",
    "%ntid.z",          "%ctaid.x",     "%ctaid.y",     "%ctaid.z",     "%nctaid.x",
    "%nctaid.y",        "%nctaid.z",    "%laneid",      "%warpid",      "%lanemask_eq",
    "%lanemask_lt",     "%lanemask_le", "%lanemask_gt", "%lanemask_ge", "%dynamic_smem_size",
    "%total_smem_size", "%envreg1",     "%envreg2"};

/* Those that are the same everywhere: there is one processor, and each block is a cluster. */
static const struct {
  const char *name;
  uint32_t value;
} fixed[] = {{"WARP_SZ", PV_PTX_LANES},
             {"%nwarpid", PV_PTX_WARPS_MAX},
             {"%smid", 0},
             {"%nsmid", 1},
             {"%gridid", 1},
             {"%cluster_ctaid.x", 0},
             {"%cluster_ctaid.y", 0},
             {"%cluster_ctaid.z", 0},
             {"%cluster_nctaid.x", 1},
             {"%cluster_nctaid.y", 1},
             {"%cluster_nctaid.z", 1},
             {"%cluster_ctarank", 0},
             {"%cluster_nctarank", 1},
             {"%current_graph_exec", 0}};

pv_code pv_ptx_refuse(pv_ptx_decoder *d, const char *hint, const char *fmt, ...) {
  char text[256];
  va_list args;
  if (d->failed != PV_OK) return d->failed;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  char in[80] = "";
  if (d->frame->caller != NULL)
    snprintf(in, sizeof in, ", function '%.60s'", d->frame->function->name);
  pv_error_set(d->err, PV_ERR_UNSUPPORTED, "kernel '%.60s'%s: '%.60s': %s", d->kernel->name, in,
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
    d->failed =
        pv_error_set(d->err, PV_ERR_NOMEM, "out of memory for the kernel '%.60s'", d->kernel->name);
  return d->failed;
}

bool pv_ptx_decode_room(pv_ptx_decoder *d, void *items, size_t count, size_t *capacity,
                        size_t size) {
  if (d->failed == PV_OK && !pv_arena_room(d->arena, items, count, capacity, size))
    pv_ptx_decode_nomem(d);
  return d->failed == PV_OK;
}

char pv_ptx_kind_of(const pv_ptx_decoder *d, const pv_ptx_operand *o) {
  const pv_ptx_type type = d->frame->function->registers[o->index].type;
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
  if (pv_ptx_decode_room(d, &decoded->fills, decoded->fill_count, &d->fill_room,
                         sizeof *decoded->fills))
    decoded->fills[decoded->fill_count++] = (pv_ptx_fill){kind, at, value};
  return at;
}

static uint32_t special(pv_ptx_decoder *d, const char *name, char kind) {
  unsigned i = 0;
  for (size_t k = 0; k < sizeof fixed / sizeof *fixed; k++)
    if (strcmp(fixed[k].name, name) == 0) return pv_ptx_constant(d, kind, fixed[k].value);
  const uint32_t clock = pv_ptx_decode_clock(d, name, kind);
  if (clock != 0 || d->failed != PV_OK) return clock;
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

pv_code pv_ptx_place_add(pv_ptx_decoder *d, const pv_ptx_variable *v, pv_ptx_space space,
                         uint32_t *end, uint64_t limit) {
  uint64_t start = *end, after = 0;
  if (!pv_ck_align(start, v->align > 0 ? v->align : 1, &start) ||
      !pv_ck_add(start, v->bytes, &after) || after > limit) {
    d->failed = pv_error_set(d->err, PV_ERR_UNSUPPORTED, "kernel '%.60s': '%.60s' is too large",
                             d->kernel->name, v->name);
    pv_error_at(d->err, d->module->name, v->line, 0, -1);
    return d->failed;
  }
  if (pv_ptx_decode_room(d, &d->places, d->place_count, &d->place_room, sizeof *d->places))
    d->places[d->place_count++] = (pv_ptx_place){v, space, start};
  *end = (uint32_t)after;
  return d->failed;
}

const pv_ptx_place *pv_ptx_place_of(const pv_ptx_decoder *d, const pv_ptx_variable *v) {
  for (size_t i = d->place_count; i-- > 0;)
    if (d->places[i].variable == v) return &d->places[i];
  return NULL;
}

/* A variable of shared memory, which there is once however often its function is expanded. */
static pv_code place_shared(pv_ptx_decoder *d, const pv_ptx_variable *v) {
  if (v->space != PV_PTX_SHARED) return PV_OK;
  if (v->bytes > 0)
    return pv_ptx_place_add(d, v, PV_PTX_SHARED, &d->code->shared_bytes, SHARED_MAX);
  if (v->align > d->code->dynamic_align) d->code->dynamic_align = (uint32_t)v->align;
  return PV_OK;
}

/* Shared memory of all functions that the kernel reaches. A call that leads nowhere is refused
 * where it is decoded. */
static pv_code place_functions(pv_ptx_decoder *d) {
  const pv_ptx_function **reached = &d->kernel;
  pv_error none = PV_ERROR_INIT;
  size_t count = 1;
  const pv_code code = pv_ptx_reached(d->arena, d->kernel, &reached, &count, &none);
  if (code == PV_ERR_NOMEM) return pv_ptx_decode_nomem(d);
  for (size_t r = 0; r < count; r++)
    for (size_t i = 0; i < reached[r]->variable_count && d->failed == PV_OK; i++)
      place_shared(d, reached[r]->variables[i]);
  return d->failed;
}

/* Shared memory: what the functions declare, then what the module does, then the unsized arrays,
 * which all begin at the same place. */
static pv_code place_kernel(pv_ptx_decoder *d) {
  const pv_ptx_function *f = d->kernel;
  uint64_t dynamic = 0;
  d->code->dynamic_align = 1;
  for (size_t i = 0; i < f->param_count && d->failed == PV_OK; i++)
    pv_ptx_place_add(d, f->params[i], PV_PTX_PARAM, &d->code->param_bytes, UINT32_MAX);
  if (d->failed == PV_OK) place_functions(d);
  for (size_t i = 0; i < d->module->variable_count && d->failed == PV_OK; i++)
    place_shared(d, d->module->variables[i]);
  if (d->failed == PV_OK && pv_ck_align(d->code->shared_bytes, d->code->dynamic_align, &dynamic))
    d->code->shared_bytes = (uint32_t)dynamic;
  for (size_t i = 0; i < d->module->variable_count && d->failed == PV_OK; i++)
    if (d->module->variables[i]->space == PV_PTX_LOCAL)
      pv_ptx_place_add(d, d->module->variables[i], PV_PTX_LOCAL, &d->code->local_bytes,
                       PV_PTX_LOCAL_MAX);
  return d->failed;
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
  const pv_ptx_place *place = pv_ptx_place_of(d, v);
  if (place != NULL) return place->address;
  pv_ptx_refuse(d, NULL, "the address of '%.60s' is not known here", v->name);
  return 0;
}

uint32_t pv_ptx_operand_at(pv_ptx_decoder *d, const pv_ptx_operand *o, char kind) {
  uint32_t at = 0, plain = 0;
  switch (o->kind) {
    case PV_PTX_REGISTER:
      if (pv_ptx_kind_of(d, o) != kind)
        pv_ptx_refuse(d, NULL, "register %u of the kernel has another size", o->index);
      if (d->frame->at[o->index] == 0) d->frame->at[o->index] = pv_ptx_new_register(d, kind);
      plain = d->frame->at[o->index];
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
  if ((code->source_count == 0 || code->sources[code->source_count - 1] != d->now) &&
      pv_ptx_decode_room(d, &code->sources, code->source_count, &d->source_room,
                         sizeof(const pv_ptx_instruction *)))
    code->sources[code->source_count++] = d->now;
  step.source = (uint32_t)code->source_count - 1;
  if (pv_ptx_decode_room(d, &code->steps, code->step_count, &d->step_room, sizeof step))
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
  const char *never = pv_ptx_never(d->now->opcode);
  if (never != NULL)
    return pv_ptx_refuse(d, "compile for sm_80, or run it on a device", "%s", never);
  if (d->code->step_count == UINT32_MAX) return pv_ptx_decode_nomem(d);
  if (pv_ptx_decode_permit(d) != PV_OK) return d->failed;
  for (size_t i = 0; i < sizeof families / sizeof *families; i++)
    if (strcmp(families[i].name, d->now->parts[0]) == 0) return families[i].decode(d);
  return pv_ptx_decode_alu(d);
}

pv_code pv_ptx_note_label(pv_ptx_decoder *d, uint32_t label) {
  if (pv_ptx_decode_room(d, &d->fixups, d->fixup_count, &d->fixup_room, sizeof *d->fixups))
    d->fixups[d->fixup_count++] = (pv_ptx_fixup){false, d->code->step_count - 1, label};
  return d->failed;
}

/* Labels become steps. */
static void bind_labels(pv_ptx_decoder *d, size_t from) {
  const pv_ptx_function *f = d->frame->function;
  for (size_t i = from; i < d->fixup_count; i++) {
    const pv_ptx_fixup *x = &d->fixups[i];
    const size_t at = x->label == PV_PTX_END_LABEL ? f->instruction_count : f->labels[x->label].at;
    *(x->table ? &d->code->tables[x->at] : &d->code->steps[x->at].target) = d->frame->first[at];
  }
  d->fixup_count = from;
}

pv_code pv_ptx_decode_body(pv_ptx_decoder *d) {
  const pv_ptx_function *f = d->frame->function;
  const size_t fixups = d->fixup_count;
  d->frame->at = PV_ARENA_NEW(d->arena, f->register_count, uint32_t);
  d->frame->first = PV_ARENA_NEW(d->arena, f->instruction_count + 1, uint32_t);
  if (d->frame->at == NULL || d->frame->first == NULL) return pv_ptx_decode_nomem(d);
  d->expanded += f->instruction_count;
  if (d->expanded > EXPANDED_MAX)
    return pv_ptx_refuse(d, NULL, "with its functions the kernel has too many instructions");
  for (size_t i = 0; i < f->variable_count && d->failed == PV_OK; i++)
    if (f->variables[i]->space == PV_PTX_LOCAL || f->variables[i]->space == PV_PTX_PARAM)
      pv_ptx_place_add(d, f->variables[i], PV_PTX_LOCAL, &d->code->local_bytes, PV_PTX_LOCAL_MAX);
  for (size_t i = 0; i < f->instruction_count && d->failed == PV_OK; i++) {
    d->now = &f->instructions[i];
    d->frame->first[i] = d->code->step_count;
    decode_one(d);
  }
  d->frame->first[f->instruction_count] = d->code->step_count;
  if (d->failed == PV_OK) bind_labels(d, fixups);
  return d->failed;
}

pv_code pv_ptx_decode(pv_arena *arena, pv_ptx_memory *memory, const pv_ptx_module *module,
                      const pv_ptx_function *function, bool permits, pv_ptx_code **out,
                      pv_error *err) {
  pv_ptx_frame frame = {.function = function};
  pv_ptx_decoder d = {.arena = arena,
                      .err = err,
                      .memory = memory,
                      .module = module,
                      .kernel = function,
                      .permits = permits,
                      .frame = &frame};
  uint64_t pitch = 0;
  pv_ptx_code *decoded = d.code = PV_ARENA_NEW(arena, 1, pv_ptx_code);
  if (decoded == NULL) return pv_ptx_decode_nomem(&d);
  if (function->instruction_count == 0)
    return pv_error_set(err, PV_ERR_INPUT, "the kernel '%.60s' is empty", function->name);
  *decoded = (pv_ptx_code){.function = function, .module = module, .register_bytes = 64};
  d.now = function->instructions;
  pv_code code = place_kernel(&d);
  if (code == PV_OK) code = pv_ptx_decode_body(&d);
  /* The end of the body is an exit. */
  if (code == PV_OK) code = pv_ptx_emit_always(&d, (pv_ptx_step){.flow = PV_PTX_EXIT});
  if (code != PV_OK) return code;
  if (pv_ck_align(decoded->local_bytes, 16, &pitch)) decoded->local_pitch = (uint32_t)pitch;
  *out = decoded;
  return PV_OK;
}
