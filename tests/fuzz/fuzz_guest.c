/* Any bytes as a descriptor: refused with a place, or whole. What is taken is held against each
 * entry of a small module, over each case of its operation: grids and blocks are ones that can be
 * started, an argument has exactly its bytes, and an expression that is read again says the same.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/guest/trial.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { THREADS_MAX = 1024, SHARED_MAX = 227 << 10 };

static const char ptx[] =
    ".version 8.0\n.target sm_80\n.address_size 64\n"
    ".visible .entry gemv(.param .u64 a, .param .u64 b, .param .u64 c, .param .u32 d,\n"
    "  .param .u32 e) { ret; }\n"
    ".visible .entry mixed(.param .u64 a, .param .align 8 .b8 b[24], .param .f32 c, .param .u8 d,\n"
    "  .param .align 4 .b8 e[12]) .reqntid 64 { .shared .align 4 .b8 s[4096]; ret; }\n"
    ".visible .entry odd(.param .b64 a, .param .f16 b, .param .s16 c, .param .b32 d, .param .f64 "
    "e)\n"
    "  .maxntid 128, 2, 1 { ret; }\n"
    ".visible .entry none() { ret; }\n";

static void demand(bool ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "violated: %s\n", what);
  abort();
}

static void demand_reason(pv_code code, const pv_error *err) {
  demand(code == PV_ERR_INPUT && err->message[0] != '\0', "a refusal says why");
  demand(err->file[0] != '\0' && err->line > 0 && err->column > 0, "a refusal has a place");
}

static const pv_ptx_module *module_of(void) {
  static pv_arena arena; /* for all inputs */
  static pv_ptx_module *module;
  pv_error err = PV_ERROR_INIT;
  if (module == NULL &&
      pv_ptx_parse_each(&arena, "fuzz.ptx", ptx, sizeof ptx - 1, &module, &err) != PV_OK) {
    pv_error_print(&err, stderr);
    abort();
  }
  return module;
}

static bool same_value(const pv_guest_value *a, const pv_guest_value *b) {
  return a->is_real == b->is_real && a->whole == b->whole && a->real == b->real;
}

static void look_at_expression(pv_arena *arena, const pv_guest_descriptor *d,
                               const pv_guest_expression *e, const pv_guest_value *numbers) {
  const pv_guest_expression *again = NULL;
  pv_guest_value a = {0}, b = {0};
  pv_error err = PV_ERROR_INIT;
  if (e == NULL) return;
  demand(e->place.line > 0 && e->place.column > 0, "an expression has a place");
  demand(pv_guest_expression_read(arena, e->text, e->place, d->names, d->name_count, &again,
                                  NULL) == PV_OK,
         "an expression can be read again");
  const pv_code code = pv_guest_expression_value(e, numbers, &a, &err);
  demand(pv_guest_expression_value(again, numbers, &b, NULL) == code && same_value(&a, &b),
         "and says the same");
  if (code != PV_OK) demand_reason(code, &err);
}

static void look_at_parameters(const pv_guest_parameter *list, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const pv_guest_parameter *p = &list[i];
    demand(p->place.line > 0 && p->text != NULL, "a parameter has a place and a text");
    demand(p->kind != PV_GUEST_BUFFER || p->buffer < PV_GUEST_BUFFERS, "a buffer exists");
    demand(p->kind != PV_GUEST_NUMBER || p->value != NULL, "a number has a value");
    demand(p->kind != PV_GUEST_ZEROS || (p->bytes > 0 && p->bytes <= 4096), "zeros are some");
    look_at_parameters(p->items, p->count);
  }
}

static void look_at_shape(const pv_guest_shape *s) {
  for (int i = 0; i < 3; i++)
    demand(
        s->grid[i] > 0 && s->grid[i] <= INT32_MAX && s->block[i] > 0 && s->block[i] <= THREADS_MAX,
        "a grid and a block are some");
  demand((uint64_t)s->block[0] * s->block[1] * s->block[2] <= THREADS_MAX,
         "a block can be started");
  demand(s->shared <= SHARED_MAX, "shared memory is there");
}

/* Each byte of an argument is written, whatever was there before. */
static void look_at_argument(const pv_guest_launch *l, const pv_guest_signature *s, size_t at,
                             const pv_guest_value *numbers) {
  uint64_t addresses[PV_GUEST_BUFFERS];
  const size_t bytes = s->slots[at].bytes;
  unsigned char *a = malloc(bytes), *b = malloc(bytes); /* no byte more: the sanitizer looks */
  pv_error err = PV_ERROR_INIT;
  demand(a != NULL && b != NULL, "there is memory");
  for (size_t i = 0; i < PV_GUEST_BUFFERS; i++) addresses[i] = 0x1000 * (i + 1);
  memset(a, 0, bytes);
  memset(b, 0xff, bytes);
  const pv_code code = pv_guest_argument(l, s, at, numbers, addresses, a, &err);
  demand(pv_guest_argument(l, s, at, numbers, addresses, b, NULL) == code, "twice is the same");
  if (code != PV_OK)
    demand_reason(code, &err);
  else
    demand(memcmp(a, b, bytes) == 0, "an argument is whole");
  free(a);
  free(b);
}

/* The launch, held against an entry that it need not have meant. */
static void hold(const pv_guest_launch *launch, const pv_ptx_function *f,
                 const pv_guest_value *numbers) {
  pv_guest_launch l = *launch;
  const pv_ptx_function *found = NULL;
  pv_guest_signature s = {0};
  pv_guest_shape shape;
  pv_error err = PV_ERROR_INIT;
  l.entry = f->name;
  demand(pv_guest_signature_of(module_of(), &l, &found, &s, &err) == PV_OK && found == f,
         "the entry is understood");
  pv_code code = pv_guest_signature_check(&l, &s, &err);
  if (code == PV_OK) {
    demand(l.parameter_count == f->param_count, "what fits has as many parameters");
    for (size_t i = 0; i < s.count; i++) look_at_argument(&l, &s, i, numbers);
    code = pv_guest_shape_of(&l, &s, numbers, &shape, &err);
    if (code == PV_OK) look_at_shape(&shape);
  }
  if (code != PV_OK) demand_reason(code, &err);
}

static void look_at_launch(pv_arena *arena, const pv_guest_descriptor *d, const pv_guest_launch *l,
                           const pv_guest_value *numbers) {
  const pv_ptx_module *m = module_of();
  look_at_expression(arena, d, l->shared, numbers);
  for (int i = 0; i < 3; i++) {
    look_at_expression(arena, d, l->grid[i], numbers);
    look_at_expression(arena, d, l->block[i], numbers);
  }
  for (size_t i = 0; i < l->parameter_count; i++) {
    const pv_guest_parameter *p = &l->parameters[i];
    look_at_expression(arena, d, p->value, numbers);
    for (size_t k = 0; k < p->count; k++) look_at_expression(arena, d, p->items[k].value, numbers);
  }
  for (size_t i = 0; i < m->function_count; i++) hold(l, m->functions[i], numbers);
}

static void look_at_cases(pv_arena *arena, const pv_guest_descriptor *d) {
  static pv_guest_case c;
  pv_op_case one;
  for (size_t i = 0; pv_operation_case_at(d->operation, i, &one); i++) {
    pv_error err = PV_ERROR_INIT;
    bool fits = false;
    const pv_code code = pv_guest_case_fits(d, &one, &c, &fits, &err);
    if (code != PV_OK) {
      demand_reason(code, &err);
      return; /* as pv kernel check ends here */
    }
    look_at_expression(arena, d, d->limits, c.numbers);
    for (size_t k = 0; k < d->constant_count; k++)
      look_at_expression(arena, d, d->constants[k], c.numbers);
    for (size_t k = 0; k < d->scratch_count; k++)
      look_at_expression(arena, d, d->scratches[k].bytes, c.numbers);
    for (size_t k = 0; k < PV_OP_TENSORS; k++)
      look_at_expression(arena, d, d->layouts[k].pitch, c.numbers);
    for (size_t k = 0; fits && k < d->launch_count; k++)
      look_at_launch(arena, d, &d->launches[k], c.numbers);
  }
}

static void look_at(pv_arena *arena, const pv_guest_descriptor *d) {
  demand(d->operation != NULL && d->numerics.name != NULL, "there is something to compute");
  demand(d->launch_count > 0 && d->launch_count <= PV_GUEST_LAUNCHES, "there is a launch");
  for (size_t i = 0; i < d->launch_count; i++) {
    const pv_guest_launch *l = &d->launches[i];
    const pv_ptx_function *entry = NULL;
    pv_guest_signature s;
    pv_error err = PV_ERROR_INIT;
    demand(l->entry != NULL && l->entry[0] != '\0' && l->grid[0] != NULL && l->block[0] != NULL,
           "a launch is whole");
    demand(l->parameter_count <= PV_GUEST_PARAMETERS, "parameters are bounded");
    look_at_parameters(l->parameters, l->parameter_count);
    const pv_code code = pv_guest_signature_of(module_of(), l, &entry, &s, &err);
    if (code != PV_OK) demand_reason(code, &err);
  }
  look_at_cases(arena, d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  pv_arena arena = PV_ARENA_INIT;
  pv_guest_descriptor *d = NULL;
  pv_error err = PV_ERROR_INIT;
  const pv_code code = pv_guest_descriptor_parse(&arena, "dir/fuzz", data, size, NULL, &d, &err);
  demand((code == PV_OK) == (d != NULL), "what is refused leaves nothing");
  if (code == PV_OK)
    look_at(&arena, d);
  else
    demand_reason(code, &err);
  pv_arena_free(&arena);
  return 0;
}
