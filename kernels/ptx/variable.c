/* Buffers of device memory, and the variables that modules declare there. */
#include <stdlib.h>
#include <string.h>

#include "base/ck.h"
#include "kernels/ptx/step.h"

enum { GAP = 1 << 20, ALIGN = 256 };
#define FIRST_ADDRESS (1ULL << 32)
#define MEMORY_MAX    (1ULL << 46)

pv_code pv_ptx_buffer_add(pv_ptx_memory *memory, uint64_t bytes, pv_ptx_buffer **out,
                          pv_error *err) {
  const pv_ptx_buffer *last = memory->count > 0 ? &memory->buffers[memory->count - 1] : NULL;
  uint64_t address = last != NULL ? last->address + last->bytes + GAP : FIRST_ADDRESS;
  if (memory->count == PV_PTX_BUFFERS_MAX || bytes > MEMORY_MAX ||
      !pv_ck_align(address, ALIGN, &address) || address > MEMORY_MAX)
    return pv_error_set(err, PV_ERR_LIMIT, "too many or too large allocations");
  pv_ptx_buffer b = {.address = address, .bytes = bytes, .writable = true};
  b.data = calloc(bytes > 0 ? bytes : 1, 1);
  b.written = calloc(bytes > 0 ? bytes : 1, 1);
  if (b.data == NULL || b.written == NULL) {
    free(b.data);
    free(b.written);
    return pv_error_set(err, PV_ERR_NOMEM, "out of memory for %llu bytes of device memory",
                        (unsigned long long)bytes);
  }
  memory->buffers[memory->count] = b;
  *out = &memory->buffers[memory->count++];
  return PV_OK;
}

/* An initialiser that is written out: `at` is the element that comes next. */
typedef struct filling {
  pv_ptx_memory *memory;
  const pv_ptx_module *module;
  const pv_ptx_variable *variable;
  unsigned char *data;
  uint64_t at, elements;
  pv_error *err;
} filling;

static pv_code refuse(const pv_ptx_module *module, const pv_ptx_variable *v, const char *why,
                      pv_error *err) {
  pv_error_set(err, PV_ERR_UNSUPPORTED, "the variable '%.60s': %s", v->name, why);
  pv_error_at(err, module->name, v->line, 0, -1);
  pv_error_hint(err, "pass the data as a parameter of the kernel");
  return PV_ERR_UNSUPPORTED;
}

static pv_code value_of(const filling *f, const pv_ptx_operand *o, uint64_t *out) {
  const char letter = pv_ptx_type_name(f->variable->type)[0];
  const uint32_t bytes = pv_ptx_type_bytes(f->variable->type);
  uint64_t value = 0;
  if (o->kind == PV_PTX_IMMEDIATE) {
    const uint32_t own = o->number == PV_PTX_SINGLE ? 4 : o->number == PV_PTX_DOUBLE ? 8 : bytes;
    if (own != bytes || (o->number == PV_PTX_INTEGER && letter == 'f' && o->bits != 0))
      return refuse(f->module, f->variable, "a value of another type", f->err);
    *out = o->bits;
    return PV_OK;
  }
  if (o->kind != PV_PTX_VARIABLE)
    return refuse(f->module, f->variable, "a value of this form is not interpreted", f->err);
  const pv_code code = pv_ptx_variable_address(f->memory, f->module, o->variable, &value, f->err);
  if (code != PV_OK) return code;
  value += (uint64_t)o->offset;
  if (o->bits != 0)
    value = (value & o->bits) >> __builtin_ctzll(o->bits);
  else if (bytes != 8)
    return refuse(f->module, f->variable, "an address of 64 bits in fewer", f->err);
  *out = value;
  return PV_OK;
}

/* Braces may be nested, one for each dimension; how deep is bounded where they are read. */
static pv_code put_values(filling *f, const pv_ptx_operand *values, size_t count) {
  const uint32_t bytes = pv_ptx_type_bytes(f->variable->type);
  pv_code code = PV_OK;
  for (size_t i = 0; i < count && code == PV_OK; i++) {
    uint64_t value = 0;
    if (values[i].kind == PV_PTX_VECTOR) {
      code = put_values(f, values[i].items, values[i].item_count);
      continue;
    }
    if (f->at == f->elements)
      return refuse(f->module, f->variable, "more values than elements", f->err);
    code = value_of(f, &values[i], &value);
    if (code == PV_OK) memcpy(f->data + f->at++ * bytes, &value, bytes);
  }
  return code;
}

pv_code pv_ptx_variable_address(pv_ptx_memory *memory, const pv_ptx_module *module,
                                const pv_ptx_variable *v, uint64_t *out, pv_error *err) {
  pv_ptx_buffer *b = NULL;
  for (uint32_t i = 0; i < memory->count; i++)
    if (memory->buffers[i].variable == v) {
      *out = memory->buffers[i].address;
      return PV_OK;
    }
  if (v->space != PV_PTX_GLOBAL && v->space != PV_PTX_CONST)
    return refuse(module, v, "the address of what is no device memory", err);
  if (v->is_extern || v->bytes == 0) return refuse(module, v, "is defined elsewhere", err);
  if (v->align > ALIGN) return refuse(module, v, "an alignment of more than 256 bytes", err);
  if (pv_ptx_type_bytes(v->type) > sizeof(uint64_t) && v->value_count > 0)
    return refuse(module, v, "values of more than 64 bits", err);
  pv_code code = pv_ptx_buffer_add(memory, v->bytes, &b, err);
  if (code != PV_OK) return code;
  b->variable = v; /* from here on it may name itself */
  memset(b->written, 1, v->bytes);
  filling f = {.memory = memory,
               .module = module,
               .variable = v,
               .data = b->data,
               .elements = v->bytes / pv_ptx_type_bytes(v->type),
               .err = err};
  code = put_values(&f, v->values, v->value_count);
  if (code != PV_OK) {
    b->variable = NULL; /* nobody finds a variable that is filled in part */
    return code;
  }
  *out = b->address;
  return PV_OK;
}
