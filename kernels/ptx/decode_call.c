/* Decoding of calls: a function is expanded where it is called, with registers of its own. What its
 * parameters are passed in lies in the thread's local memory. */
#include <string.h>

#include "kernels/ptx/decode.h"

enum { DEPTH_MAX = 32 };

typedef struct call { /* the parts of `call (results), function, (args)` */
  const pv_ptx_function *function;
  const pv_ptx_operand *results, *args; /* lists, or NULL */
} call;

static size_t count_of(const pv_ptx_operand *list) {
  return list != NULL ? list->item_count : 0;
}

pv_code pv_ptx_decode_exit(pv_ptx_decoder *d) {
  return pv_ptx_emit(d, (pv_ptx_step){.flow = PV_PTX_EXIT});
}

/* Behind the call; of the kernel itself, its end. */
pv_code pv_ptx_decode_return(pv_ptx_decoder *d) {
  if (d->frame->caller == NULL) return pv_ptx_decode_exit(d);
  pv_ptx_emit(d, (pv_ptx_step){.flow = PV_PTX_BRANCH});
  return pv_ptx_note_label(d, PV_PTX_END_LABEL);
}

static pv_code read_call(pv_ptx_decoder *d, call *out) {
  const pv_ptx_operand *o = d->now->operands, *end = o + d->now->operand_count;
  if (o->kind == PV_PTX_LIST) out->results = o++;
  if (o == end || o->kind != PV_PTX_FUNCTION)
    return pv_ptx_refuse(d, "call the function by its name", "a call through a pointer");
  out->function = o++->function;
  if (o < end && o->kind == PV_PTX_LIST) out->args = o++;
  if (o < end) return pv_ptx_refuse(d, NULL, "a call of this form is not interpreted");
  return PV_OK;
}

/* The caller's variables are those of the function: where one lies, the other does. */
static pv_code bind_params(pv_ptx_decoder *d, const pv_ptx_operand *list,
                           pv_ptx_variable *const *params, size_t count) {
  if (count_of(list) != count)
    return pv_ptx_refuse(d, NULL, "the function has another number of parameters or results");
  for (size_t i = 0; i < count; i++) {
    const pv_ptx_operand *o = &list->items[i];
    const pv_ptx_place *place = o->kind == PV_PTX_VARIABLE ? pv_ptx_place_of(d, o->variable) : NULL;
    if (place == NULL || place->space != PV_PTX_LOCAL || o->offset != 0)
      return pv_ptx_refuse(d, NULL, "what is passed is no .param variable of the caller's");
    if (o->variable->bytes != params[i]->bytes)
      return pv_ptx_refuse(d, NULL, "'%.60s' and '%.60s' have different sizes", o->name,
                           params[i]->name);
    const pv_ptx_place bound = {params[i], PV_PTX_LOCAL, place->address};
    if (pv_ptx_decode_room(d, &d->places, d->place_count, &d->place_room, sizeof *d->places))
      d->places[d->place_count++] = bound;
  }
  return d->failed;
}

static pv_code expand(pv_ptx_decoder *d, const call *c) {
  const pv_ptx_instruction *now = d->now;
  const pv_ptx_function *f = c->function;
  const size_t places = d->place_count;
  const uint32_t skip = d->code->step_count;
  pv_ptx_frame frame = {.function = f, .caller = d->frame, .depth = d->frame->depth + 1};
  if (frame.depth > DEPTH_MAX)
    return pv_ptx_refuse(d, NULL, "calls are nested deeper than %d", DEPTH_MAX);
  if (now->guarded) { /* a branch around it */
    const pv_ptx_operand guard = {.kind = PV_PTX_REGISTER, .index = now->guard};
    const pv_ptx_step s = {.flow = PV_PTX_BRANCH,
                           .guard = pv_ptx_operand_at(d, &guard, 'p'),
                           .guarded = now->guard_negated ? PV_PTX_IF : PV_PTX_UNLESS};
    pv_ptx_emit_always(d, s);
  }
  pv_code code = bind_params(d, c->results, f->results, f->result_count);
  if (code == PV_OK) code = bind_params(d, c->args, f->params, f->param_count);
  d->frame = &frame;
  if (code == PV_OK) code = pv_ptx_decode_body(d);
  d->frame = frame.caller;
  d->now = now;
  d->place_count = places;
  if (code == PV_OK && now->guarded) d->code->steps[skip].target = d->code->step_count;
  return code;
}

/* Functions of the CUDA runtime, whose bodies are in no file. */
static const struct {
  const char *name;
  pv_ptx_run run; /* NULL: refused */
  size_t args, results;
  uint32_t bytes[5]; /* of the arguments */
} runtime[] = {
    {"vprintf", pv_ptx_run_print, 2, 1, {8, 8}},
    {"__assertfail", pv_ptx_run_assert, 5, 0, {8, 8, 4, 8, 8}},
    {"malloc", NULL, 0, 0, {0}},
    {"free", NULL, 0, 0, {0}},
};

/* more: where the arguments and the result lie in local memory. */
static pv_code call_runtime(pv_ptx_decoder *d, const call *c, size_t which) {
  const size_t places = d->place_count, args = count_of(c->args);
  uint32_t *more = PV_ARENA_NEW(d->arena, 6, uint32_t);
  pv_ptx_step s = {
      .run = runtime[which].run, .more = more, .bytes = 1, .target = d->code->caches++};
  if (s.run == NULL)
    return pv_ptx_refuse(d, "pass memory as a parameter of the kernel",
                         "memory of the device's own heap is not interpreted");
  if (more == NULL) return pv_ptx_decode_nomem(d);
  bool same = args == runtime[which].args && count_of(c->results) <= runtime[which].results;
  for (size_t i = 0; same && i < args; i++)
    same = c->function->param_count == args &&
           c->function->params[i]->bytes == runtime[which].bytes[i];
  if (!same) return pv_ptx_refuse(d, NULL, "'%.60s' of another form", runtime[which].name);
  bind_params(d, c->args, c->function->params, c->function->param_count);
  bind_params(d, c->results, c->function->results, c->function->result_count);
  for (size_t i = places; i < d->place_count; i++) *more++ = (uint32_t)d->places[i].address;
  d->place_count = places;
  s.count = (uint8_t)count_of(c->results);
  return pv_ptx_emit(d, s);
}

pv_code pv_ptx_decode_trap(pv_ptx_decoder *d) {
  return pv_ptx_emit(d, (pv_ptx_step){.run = pv_ptx_run_trap});
}

pv_code pv_ptx_decode_call(pv_ptx_decoder *d) {
  call c = {0};
  const pv_code code = read_call(d, &c);
  if (code != PV_OK || c.function == NULL) return code;
  const char *name = c.function->name;
  if (c.function->unread != NULL)
    return pv_ptx_refuse(d, NULL, "the function '%.60s' is not read: line %u: %.100s", name,
                         c.function->unread->line, c.function->unread->why);
  for (size_t i = 0; i < sizeof runtime / sizeof *runtime; i++)
    if (!c.function->has_body && strcmp(runtime[i].name, name) == 0) return call_runtime(d, &c, i);
  if (!c.function->has_body)
    return pv_ptx_refuse(d, "compile with the function's source in the same file",
                         "the function '%.60s' has no body here", name);
  if (c.function->is_entry) return pv_ptx_refuse(d, NULL, "a kernel is called");
  for (const pv_ptx_frame *f = d->frame; f != NULL; f = f->caller)
    if (f->function == c.function)
      return pv_ptx_refuse(d, "write it as a loop", "the function '%.60s' calls itself", name);
  return expand(d, &c);
}
