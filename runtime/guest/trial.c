#include "runtime/guest/trial.h"

#include <stdio.h>
#include <string.h>

#include "base/ck.h"

enum { SCRATCH_MAX = 1 << 28, PITCH_MAX = 1 << 28 };

static size_t format_block(const pv_guest_descriptor *d, size_t tensor) {
  return d->operation->tensor[tensor].element == PV_OP_REAL
             ? pv_format_get(d->layouts[tensor].format)->elements
             : 1;
}

pv_code pv_guest_case_fits(const pv_guest_descriptor *d, const pv_op_case *c, pv_guest_case *out,
                           bool *fits, pv_error *err) {
  const pv_operation *o = d->operation;
  pv_code code = PV_OK;
  size_t n = 0;
  out->c = *c;
  pv_operation_case_text(o, c, out->text, sizeof out->text);
  for (size_t i = 0; i < PV_OP_SIZES && o->size[i] != NULL; i++)
    out->numbers[n++] = PV_GUEST_WHOLE(c->size[i]);
  for (size_t i = 0; i < PV_OP_SCALARS && o->scalar[i].name != NULL; i++)
    out->numbers[n++] = (pv_guest_value){.is_real = true, .real = c->scalar[i]};
  for (size_t i = 0; i < d->constant_count && code == PV_OK; i++)
    code = pv_guest_expression_value(d->constants[i], out->numbers, &out->numbers[n++], err);
  pv_guest_value held = PV_GUEST_WHOLE(1);
  if (code == PV_OK && d->limits != NULL)
    code = pv_guest_expression_value(d->limits, out->numbers, &held, err);
  if (code == PV_OK && held.is_real) {
    code = pv_error_set(err, PV_ERR_INPUT, "limits is a float by '%.100s': no condition",
                        d->limits->text);
    pv_error_at(err, d->path, d->limits->place.line, d->limits->place.column, -1);
  }
  *fits = code == PV_OK && held.whole != 0;
  return code;
}

/* Bytes of one row as the kernel gets it; 0: no whole number of blocks. */
static uint64_t row_bytes(const pv_guest_descriptor *d, size_t tensor, const pv_op_values *v) {
  switch (d->operation->tensor[tensor].element) {
    case PV_OP_REAL:
      return pv_format_bytes(d->layouts[tensor].format, v->row);
    case PV_OP_INDEX:
      return v->row * sizeof(int32_t);
    default:
      return v->row_bytes;
  }
}

static pv_code lay_out(const pv_guest_descriptor *d, size_t tensor, const pv_guest_case *c,
                       pv_guest_buffer *b, pv_error *err) {
  const pv_guest_layout *l = &d->layouts[tensor];
  const pv_op_values *v = &c->values[tensor];
  uint64_t all = 0;
  int64_t pitch = 0;
  pv_code code = PV_OK;
  b->name = d->operation->tensor[tensor].name;
  b->zero = l->zero;
  b->rows = v->rows;
  b->row = b->pitch = row_bytes(d, tensor, v);
  if (l->pitch != NULL && b->row > 0) {
    const uint64_t each = l->pitch_in_bytes ? 1 : b->row / v->row;
    code = pv_guest_expression_whole(l->pitch, c->numbers, "the distance of two rows",
                                     (int64_t)(b->row / each), PITCH_MAX, &pitch, err);
    b->pitch = (uint64_t)pitch * each;
  }
  if (code == PV_OK &&
      (!pv_ck_mul(b->pitch, b->rows > 0 ? b->rows - 1 : 0, &all) || all > ((uint64_t)1 << 31)))
    code = pv_error_set(err, PV_ERR_LIMIT, "'%s' is larger than 2 GiB", b->name);
  if (code == PV_OK && d->operation->tensor[tensor].element == PV_OP_INDEX &&
      d->operation->tensor[tensor].role != PV_OP_IN && v->row > PV_GUEST_INDICES)
    code = pv_error_set(err, PV_ERR_LIMIT, "a row of '%s' has more than %d indices", b->name,
                        PV_GUEST_INDICES);
  b->bytes = b->rows > 0 ? all + b->row : 0;
  return code;
}

/* The rows as bytes, and the numbers that they then are. False: these can not be given so. */
static bool encode(const pv_guest_descriptor *d, size_t tensor, pv_op_values *v,
                   pv_guest_buffer *b) {
  const pv_format format = d->layouts[tensor].format;
  for (size_t r = 0; r < v->rows; r++) {
    unsigned char *to = b->given + r * b->pitch;
    switch (d->operation->tensor[tensor].element) {
      case PV_OP_REAL:
        if (!pv_format_encode(format, v->real + r * v->row, v->row, to)) return false;
        if (format != PV_FORMAT_F32) pv_format_decode(format, to, v->row, v->real + r * v->row);
        break;
      case PV_OP_INDEX:
        memcpy(to, v->index + r * v->row, b->row);
        break;
      default:
        memcpy(to, v->bytes + r * v->row_bytes, b->row);
    }
  }
  return true;
}

static pv_code tensor_buffer(const pv_guest_descriptor *d, size_t tensor, pv_arena *arena,
                             pv_guest_case *out, bool *fits, pv_error *err) {
  pv_guest_buffer *b = &out->trial.buffers[tensor];
  const pv_code code = lay_out(d, tensor, out, b, err);
  if (code != PV_OK) return code;
  const pv_op_role role = d->operation->tensor[tensor].role;
  *fits = *fits && (b->row > 0 || out->values[tensor].row == 0) &&
          out->values[tensor].row % format_block(d, tensor) == 0;
  if (role != PV_OP_OUT && *fits) {
    b->given = PV_ARENA_NEW(arena, b->bytes + 1, unsigned char);
    if (b->given == NULL) return pv_error_nomem(err, "a tensor");
    *fits = encode(d, tensor, &out->values[tensor], b);
  }
  return PV_OK;
}

static pv_code scratch_buffer(const pv_guest_descriptor *d, size_t which, pv_guest_case *out,
                              pv_error *err) {
  pv_guest_buffer *b = &out->trial.buffers[PV_OP_TENSORS + which];
  int64_t bytes = 0;
  const pv_code code = pv_guest_expression_whole(d->scratches[which].bytes, out->numbers,
                                                 "a scratch buffer", 0, SCRATCH_MAX, &bytes, err);
  *b = (pv_guest_buffer){.name = d->scratches[which].name,
                         .rows = 1,
                         .row = (uint64_t)bytes,
                         .pitch = (uint64_t)bytes,
                         .bytes = (uint64_t)bytes,
                         .zero = d->scratches[which].zero};
  return code;
}

static pv_code make_steps(const pv_guest_descriptor *d, const pv_guest_signature *signatures,
                          pv_arena *arena, pv_guest_case *out, pv_error *err) {
  pv_guest_trial *t = &out->trial;
  pv_code code = PV_OK;
  for (size_t i = 0; i < d->launch_count && code == PV_OK; i++) {
    pv_guest_step *s = &t->steps[t->step_count++];
    s->launch = &d->launches[i];
    s->signature = &signatures[i];
    code = pv_guest_shape_of(s->launch, s->signature, out->numbers, &s->shape, err);
    for (size_t k = 0; k < PV_GUEST_BUFFERS; k++)
      t->buffers[k].written |= t->buffers[k].name != NULL && s->launch->writes[k];
  }
  if (code == PV_ERR_INPUT && err != NULL && err->hint[0] == '\0')
    pv_error_hint(err, "in the case %s; limits: leaves cases out that the kernel does not take",
                  out->text);
  for (size_t k = 0; k < PV_GUEST_BUFFERS && code == PV_OK; k++) {
    if (!t->buffers[k].written) continue;
    t->buffers[k].got = PV_ARENA_NEW(arena, t->buffers[k].bytes + 1, unsigned char);
    if (t->buffers[k].got == NULL) code = pv_error_nomem(err, "an output");
  }
  return code;
}

pv_code pv_guest_case_make(const pv_guest_descriptor *d, const pv_guest_signature *signatures,
                           const pv_guest_change *change, pv_arena *arena, pv_guest_case *out,
                           bool *fits, pv_error *err) {
  const size_t tensors = pv_operation_tensors(d->operation);
  *fits = true;
  memset(out->values, 0, sizeof out->values);
  out->trial = (pv_guest_trial){.values = out->numbers};
  pv_code code = pv_operation_make(d->operation, &out->c, arena, out->values, err);
  if (code == PV_OK && change != NULL) change->inputs(change->context, d->operation, out->values);
  for (size_t i = 0; i < tensors && code == PV_OK && *fits; i++) {
    out->values[i].format = d->layouts[i].format;
    code = tensor_buffer(d, i, arena, out, fits, err);
  }
  if (code != PV_OK || !*fits) return code;
  for (size_t i = 0; i < d->scratch_count && code == PV_OK; i++)
    code = scratch_buffer(d, i, out, err);
  if (code == PV_OK) code = make_steps(d, signatures, arena, out, err);
  if (code == PV_OK)
    code = pv_operation_expect(d->operation, &out->c, &d->numerics, arena, out->values, err);
  return code;
}
