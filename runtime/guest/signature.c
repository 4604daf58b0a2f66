#include "runtime/guest/signature.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "kernels/ptx/assert.h"
#include "kernels/quant/quant.h"

enum { SHARED_MAX = 227 << 10, THREADS_MAX = 1024, POINTER = 8 };

static pv_code refuse(const pv_guest_place *place, const char *hint, const char *text,
                      pv_error *err) {
  pv_error_set(err, PV_ERR_INPUT, "%s", text);
  pv_error_at(err, place->file, place->line, place->column, -1);
  if (hint != NULL) pv_error_hint(err, "%s", hint);
  return PV_ERR_INPUT;
}

static pv_code unknown_entry(const pv_ptx_module *module, const pv_guest_launch *launch,
                             pv_error *err) {
  const char *best = NULL;
  size_t least = SIZE_MAX;
  pv_text list = PV_TEXT_INIT;
  for (size_t i = 0; i < module->function_count; i++) {
    const pv_ptx_function *f = module->functions[i];
    if (!f->is_entry) continue;
    const size_t distance = pv_text_distance(f->name, launch->entry);
    if (distance < least && distance < 4) {
      least = distance;
      best = f->name;
    }
    if (list.length < 180) pv_text_printf(&list, "%s%.100s", list.length > 0 ? ", " : "", f->name);
  }
  char text[512];
  snprintf(text, sizeof text, "'%.200s' has no entry '%.100s'", module->name, launch->entry);
  pv_code code = refuse(&launch->place, NULL, text, err);
  if (best != NULL)
    pv_error_hint(err, "did you mean %.200s?", best);
  else if (list.failed)
    code = pv_error_nomem(err, "a list of entries");
  else
    pv_error_hint(err, "it has: %.200s", list.data != NULL ? list.data : "no entry");
  pv_text_free(&list);
  return code;
}

pv_code pv_guest_signature_of(const pv_ptx_module *module, const pv_guest_launch *launch,
                              const pv_ptx_function **entry, pv_guest_signature *out,
                              pv_error *err) {
  const pv_ptx_function *f = pv_ptx_kernel(module, launch->entry);
  pv_guest_signature made = {0};
  if (f == NULL) return unknown_entry(module, launch, err);
  const pv_code code = pv_ptx_refuse_unread(f, NULL, err);
  if (code != PV_OK) {
    pv_error_at(err, module->name, f->unread->line, f->unread->column, -1);
    return code;
  }
  if (f->param_count > PV_GUEST_PARAMETERS)
    return pv_error_set(err, PV_ERR_LIMIT, "'%.100s' has more than %d parameters", f->name,
                        PV_GUEST_PARAMETERS);
  for (size_t i = 0; i < f->param_count; i++) {
    const pv_ptx_variable *p = f->params[i];
    made.slots[made.count++] =
        (pv_guest_slot){(uint32_t)p->bytes, (uint32_t)p->align,
                        p->is_array || p->bytes > 8 ? PV_PTX_NO_TYPE : p->type};
  }
  memcpy(made.required, f->required_threads, sizeof made.required);
  memcpy(made.most, f->most_threads, sizeof made.most);
  if (!pv_ptx_shared_bytes(f, &made.shared)) made.shared = UINT64_MAX;
  made.line = f->line;
  *entry = f;
  *out = made;
  return PV_OK;
}

/* `align`: a power of two. */
static uint32_t aligned(uint32_t at, uint32_t align) {
  return (at + align - 1) & ~(align - 1);
}

static void size_of(const pv_guest_parameter *p, const pv_guest_slot *slot, uint32_t *bytes,
                    uint32_t *align) {
  *bytes = *align = POINTER;
  if (p->kind == PV_GUEST_ZEROS) {
    *bytes = p->bytes;
    *align = 1;
  } else if (p->kind == PV_GUEST_NUMBER) {
    *bytes = *align = p->type != PV_PTX_NO_TYPE ? pv_ptx_type_bytes(p->type)
                      : slot != NULL            ? slot->bytes
                                                : 0;
  } else if (p->kind == PV_GUEST_STRUCT) {
    *bytes = 0;
    *align = 1;
    for (size_t i = 0; i < p->count; i++) {
      uint32_t size = 0, needs = 1;
      size_of(&p->items[i], NULL, &size, &needs);
      *bytes = aligned(*bytes, needs) + size;
      if (needs > *align) *align = needs;
    }
    *bytes = aligned(*bytes, *align);
  }
}

static pv_code wrong_count(const pv_guest_launch *l, const pv_guest_signature *s, pv_error *err) {
  char text[256];
  snprintf(text, sizeof text, "'%.100s' takes %zu parameters, here are %zu", l->entry, s->count,
           l->parameter_count);
  return refuse(&l->parameters_place, "one for each .param of the entry, in its order", text, err);
}

pv_code pv_guest_signature_check(const pv_guest_launch *l, const pv_guest_signature *s,
                                 pv_error *err) {
  char text[256];
  if (l->parameter_count != s->count) return wrong_count(l, s, err);
  for (size_t i = 0; i < s->count; i++) {
    const pv_guest_parameter *p = &l->parameters[i];
    const pv_guest_slot *slot = &s->slots[i];
    uint32_t bytes = 0, align = 1;
    size_of(p, slot, &bytes, &align);
    if (p->kind == PV_GUEST_NUMBER && p->type == PV_PTX_NO_TYPE &&
        (slot->bytes > 8 ||
         (slot->type == PV_PTX_NO_TYPE && slot->bytes != 4 && slot->bytes != 8))) {
      snprintf(text, sizeof text, "parameter %zu of '%.60s' is %u bytes that have no type", i,
               l->entry, slot->bytes);
      return refuse(&p->place, "write it as struct: [...], bytes: N or TYPE: VALUE", text, err);
    }
    if (bytes != slot->bytes) {
      snprintf(text, sizeof text, "parameter %zu of '%.60s' has %u bytes, '%.60s' has %u", i,
               l->entry, slot->bytes, p->text, bytes);
      return refuse(
          &p->place,
          p->kind == PV_GUEST_BUFFER ? "a tensor is given as an address of 8 bytes" : NULL, text,
          err);
    }
    if (align > slot->align) {
      snprintf(text, sizeof text,
               "parameter %zu of '%.60s' is aligned to %u bytes, '%.60s' needs %u", i, l->entry,
               slot->align, p->text, align);
      return refuse(&p->place, "the order and types of its members are others", text, err);
    }
  }
  return PV_OK;
}

static pv_code extent(const pv_guest_expression *e, const pv_guest_value *values, const char *what,
                      int64_t most, uint32_t *out, pv_error *err) {
  int64_t value = 1;
  pv_code code = PV_OK;
  if (e != NULL) code = pv_guest_expression_whole(e, values, what, 1, most, &value, err);
  *out = (uint32_t)value;
  return code;
}

static pv_code check_block(const pv_guest_launch *l, const pv_guest_signature *s,
                           const pv_guest_shape *shape, pv_error *err) {
  static const char axes[] = "xyz";
  const pv_guest_place *place = l->block[0] != NULL ? &l->block[0]->place : &l->place;
  const uint32_t *b = shape->block;
  const uint64_t threads = (uint64_t)b[0] * b[1] * b[2];
  char text[256];
  if (threads > THREADS_MAX) {
    snprintf(text, sizeof text, "a block of %u x %u x %u has more than %d threads", b[0], b[1],
             b[2], THREADS_MAX);
    return refuse(place, NULL, text, err);
  }
  for (int i = 0; i < 3; i++) {
    if (s->required[0] != 0 && b[i] != s->required[i]) {
      snprintf(text, sizeof text, "'%.60s' demands blocks of %u x %u x %u (.reqntid), %c is %u",
               l->entry, s->required[0], s->required[1], s->required[2], axes[i], b[i]);
      return refuse(place, NULL, text, err);
    }
  }
  const uint64_t most = (uint64_t)s->most[0] * s->most[1] * s->most[2];
  if (most != 0 && threads > most) {
    snprintf(text, sizeof text, "'%.60s' takes at most %llu threads (.maxntid), here are %llu",
             l->entry, (unsigned long long)most, (unsigned long long)threads);
    return refuse(place, NULL, text, err);
  }
  return PV_OK;
}

pv_code pv_guest_shape_of(const pv_guest_launch *l, const pv_guest_signature *s,
                          const pv_guest_value *values, pv_guest_shape *out, pv_error *err) {
  static const char *const grids[] = {"the grid in x", "the grid in y", "the grid in z"};
  static const char *const blocks[] = {"the block in x", "the block in y", "the block in z"};
  static const int64_t grid_most[] = {INT32_MAX, 65535, 65535}, block_most[] = {1024, 1024, 64};
  pv_guest_shape made = {0};
  pv_code code = PV_OK;
  for (int i = 0; i < 3 && code == PV_OK; i++)
    code = extent(l->grid[i], values, grids[i], grid_most[i], &made.grid[i], err);
  for (int i = 0; i < 3 && code == PV_OK; i++)
    code = extent(l->block[i], values, blocks[i], block_most[i], &made.block[i], err);
  if (code == PV_OK) code = check_block(l, s, &made, err);
  int64_t shared = 0;
  const int64_t left = s->shared > SHARED_MAX ? 0 : SHARED_MAX - (int64_t)s->shared;
  if (code == PV_OK && l->shared != NULL)
    code = pv_guest_expression_whole(l->shared, values, "shared memory", 0, left, &shared, err);
  made.shared = (uint32_t)shared;
  if (code == PV_OK) *out = made;
  return code;
}

/* Whether a whole number fits: of b types in either reading. */
static bool in_range(pv_ptx_type type, uint32_t bytes, int64_t value) {
  const bool is_signed = type >= PV_PTX_S8 && type <= PV_PTX_S64;
  const bool is_unsigned = type >= PV_PTX_U8 && type <= PV_PTX_U64;
  if (bytes == 8) return is_signed || !is_unsigned || value >= 0;
  const int64_t half = INT64_C(1) << (8 * bytes - 1);
  return value >= (is_unsigned ? 0 : -half) && value < (is_signed ? half : 2 * half);
}

static pv_code number(const pv_guest_parameter *p, pv_ptx_type type, uint32_t bytes,
                      const pv_guest_value *values, unsigned char *out, pv_error *err) {
  pv_guest_value v;
  char text[256];
  const pv_code code = pv_guest_expression_value(p->value, values, &v, err);
  if (code != PV_OK) return code;
  const double real = v.is_real ? v.real : (double)v.whole;
  const bool untyped = type < PV_PTX_U8;
  if (type == PV_PTX_F64 || (untyped && v.is_real && bytes == 8)) {
    memcpy(out, &real, sizeof real);
  } else if (type == PV_PTX_F32 || (untyped && v.is_real && bytes == 4)) {
    const float single = (float)real;
    memcpy(out, &single, sizeof single);
  } else if (type == PV_PTX_F16) {
    const uint16_t half = pv_f32_to_f16((float)real);
    memcpy(out, &half, sizeof half);
  } else if (v.is_real || !in_range(type, bytes, v.whole)) {
    snprintf(text, sizeof text, "'%.100s' is %.17g: that does not fit into %s of %u bytes", p->text,
             real, type == PV_PTX_NO_TYPE ? "a number" : pv_ptx_type_name(type), bytes);
    return refuse(&p->place, NULL, text, err);
  } else {
    memcpy(out, &v.whole, bytes);
  }
  return PV_OK;
}

static pv_code put(const pv_guest_parameter *p, pv_ptx_type type, uint32_t bytes,
                   const pv_guest_value *values, const uint64_t *addresses, unsigned char *out,
                   pv_error *err) {
  pv_code code = PV_OK;
  memset(out, 0, bytes);
  if (p->kind == PV_GUEST_BUFFER) {
    memcpy(out, &addresses[p->buffer], POINTER);
  } else if (p->kind == PV_GUEST_NUMBER) {
    code = number(p, p->type != PV_PTX_NO_TYPE ? p->type : type, bytes, values, out, err);
  } else if (p->kind == PV_GUEST_STRUCT) {
    uint32_t at = 0;
    for (size_t i = 0; i < p->count && code == PV_OK; i++) {
      uint32_t size = 0, align = 1;
      size_of(&p->items[i], NULL, &size, &align);
      at = aligned(at, align);
      code = put(&p->items[i], PV_PTX_NO_TYPE, size, values, addresses, out + at, err);
      at += size;
    }
  }
  return code;
}

pv_code pv_guest_argument(const pv_guest_launch *launch, const pv_guest_signature *s, size_t at,
                          const pv_guest_value *values, const uint64_t *addresses,
                          unsigned char *out, pv_error *err) {
  return put(&launch->parameters[at], s->slots[at].type, s->slots[at].bytes, values, addresses, out,
             err);
}
