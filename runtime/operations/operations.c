#include "runtime/operations/operations.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/ck.h"
#include "base/random.h"
#include "runtime/operations/formats.h"
#include "runtime/operations/rows.h"

#define BYTES_MAX (UINT64_C(1) << 31)

static const pv_op_family *const families[] = {&pv_op_products, &pv_op_norms,  &pv_op_elements,
                                               &pv_op_choices,  &pv_op_blocks, &pv_op_attention,
                                               &pv_op_grouped};
enum { FAMILIES = sizeof families / sizeof *families };

const pv_operation *pv_operation_at(size_t n) {
  for (size_t f = 0; f < FAMILIES; n -= families[f++]->count)
    if (n < families[f]->count) return &families[f]->rows[n];
  return NULL;
}

const pv_operation *pv_operation_find(const char *name) {
  const pv_operation *op;
  size_t n = 0;
  while ((op = pv_operation_at(n)) != NULL && strcmp(op->name, name) != 0) n++;
  return op;
}

size_t pv_operation_tensors(const pv_operation *op) {
  size_t n = 0;
  while (n < PV_OP_TENSORS && op->tensor[n].name != NULL) n++;
  return n;
}

bool pv_operation_case_at(const pv_operation *op, size_t index, pv_op_case *out) {
  if (index >= op->case_count) return false;
  *out = op->cases[index];
  out->seed = 29 + index;
  for (size_t i = 0; i < PV_OP_SCALARS; i++) out->scalar[i] = op->scalar[i].value;
  return true;
}

void pv_operation_case_text(const pv_operation *op, const pv_op_case *c, char *out, size_t size) {
  size_t used = 0;
  for (size_t i = 0; i < PV_OP_SIZES && op->size[i] != NULL && used < size; i++)
    used += (size_t)snprintf(out + used, size - used, "%s%s=%u", i > 0 ? " " : "", op->size[i],
                             (unsigned)c->size[i]);
  if (used < size) snprintf(out + used, size - used, ", %s", pv_alone_data_name(c->data));
}

bool pv_operation_number(const pv_operation *op, const pv_op_case *c, const char *name,
                         double *out) {
  for (size_t i = 0; i < PV_OP_SIZES && op->size[i] != NULL; i++)
    if (strcmp(op->size[i], name) == 0) {
      *out = c->size[i];
      return true;
    }
  for (size_t i = 0; i < PV_OP_SCALARS && op->scalar[i].name != NULL; i++)
    if (strcmp(op->scalar[i].name, name) == 0) {
      *out = c->scalar[i];
      return true;
    }
  return false;
}

/* What an expression of pv_op_tensor comes to: names and numbers, * and / from left to right. False
 * where it overflows or a division leaves a rest. */
static bool evaluate(const pv_operation *op, const pv_op_case *c, const char *text, uint64_t *out) {
  uint64_t value = 1;
  bool divide = false;
  for (const char *p = text; *p != '\0';) {
    char word[16];
    double number;
    const size_t length = strcspn(p, " */");
    snprintf(word, sizeof word, "%.*s", (int)length, p);
    if (word[0] >= '0' && word[0] <= '9')
      number = word[0] - '0';
    else if (!pv_operation_number(op, c, word, &number))
      return false;
    const uint64_t factor = (uint64_t)number;
    if (divide ? factor == 0 || value % factor != 0 : !pv_ck_mul(value, factor, &value))
      return false;
    if (divide) value /= factor;
    p += length;
    p += strspn(p, " ");
    divide = *p == '/';
    p += strspn(p, "*/ ");
  }
  *out = value;
  return true;
}

/* The arrays of an input, or of what is changed; of an output only its size. */
static pv_code make_room(const pv_operation *op, const pv_op_case *c, size_t tensor,
                         pv_arena *arena, pv_op_values *out, pv_error *err) {
  const pv_op_tensor *t = &op->tensor[tensor];
  uint64_t rows = 0, row = 0, all = 0, row_bytes = 0, bytes = 0;
  char text[128];
  pv_operation_case_text(op, c, text, sizeof text);
  *out = (pv_op_values){0};
  bool ok = evaluate(op, c, t->rows, &rows) && evaluate(op, c, t->row, &row);
  if (ok && t->element == PV_OP_WEIGHTS) {
    const pv_type_info *info = pv_type_get((uint32_t)op->type);
    ok = row % info->block_elements == 0;
    row_bytes = row / info->block_elements * info->block_bytes;
  } else if (t->element == PV_OP_PACKED) {
    row_bytes = pv_format_bytes(op->packed, (size_t)row);
    ok = ok && row_bytes > 0;
  } else {
    ok = ok && pv_ck_mul(row, 4, &row_bytes);
  }
  if (!ok || rows == 0 || row == 0)
    return pv_error_set(err, PV_ERR_INPUT, "%s: %s has no rows for %s", op->name, t->name, text);
  if (!pv_ck_mul(rows, row, &all) || !pv_ck_mul(rows, row_bytes, &bytes) || bytes > BYTES_MAX)
    return pv_error_set(err, PV_ERR_LIMIT, "%s: %s is larger than 2 GiB for %s", op->name, t->name,
                        text);
  out->rows = (size_t)rows;
  out->row = (size_t)row;
  out->row_bytes = (size_t)row_bytes;
  if (t->role == PV_OP_OUT) return PV_OK;
  if (t->element == PV_OP_REAL) out->real = PV_ARENA_NEW(arena, (size_t)all, float);
  if (t->element == PV_OP_INDEX) out->index = PV_ARENA_NEW(arena, (size_t)all, int32_t);
  if (t->element == PV_OP_WEIGHTS || t->element == PV_OP_PACKED)
    out->bytes = PV_ARENA_NEW(arena, (size_t)bytes, unsigned char);
  if (out->real == NULL && out->index == NULL && out->bytes == NULL)
    return pv_error_nomem(err, "a case");
  return PV_OK;
}

pv_code pv_operation_make(const pv_operation *op, const pv_op_case *c, pv_arena *arena,
                          pv_op_values *values, pv_error *err) {
  const char *why = NULL;
  pv_op_values made[PV_OP_TENSORS] = {0};
  char text[128];
  uint64_t state = pv_random_mix(c->seed + (uint64_t)c->data);
  pv_code code = PV_OK;
  for (size_t i = 0; code == PV_OK && i < pv_operation_tensors(op); i++)
    code = make_room(op, c, i, arena, &made[i], err);
  if (code != PV_OK) return code;
  if (op->refuse != NULL) why = op->refuse(op, c);
  if (why != NULL) {
    pv_operation_case_text(op, c, text, sizeof text);
    return pv_error_set(err, PV_ERR_INPUT, "%s: %s makes no case: %s", op->name, text, why);
  }
  op->fill(op, c, &state, made);
  memcpy(values, made, sizeof made);
  return PV_OK;
}

static pv_code result_room(const pv_operation *op, const pv_op_tensor *t, pv_arena *arena,
                           pv_op_values *v, pv_error *err) {
  v->parts = v->row;
  if (t->element == PV_OP_PACKED)
    v->parts = v->row / pv_format_get(op->packed)->elements * pv_format_get(op->packed)->numbers;
  v->want = v->bound = NULL;
  v->want_index = NULL;
  v->key = NULL;
  if (t->role == PV_OP_IN) return PV_OK;
  if (t->element == PV_OP_INDEX) {
    v->want_index = PV_ARENA_NEW(arena, v->rows * v->row, int32_t);
  } else {
    v->want = PV_ARENA_NEW(arena, v->rows * v->parts, double);
    v->bound = PV_ARENA_NEW(arena, v->rows * v->parts, double);
  }
  if (v->want_index == NULL && (v->want == NULL || v->bound == NULL))
    return pv_error_nomem(err, "what a case must hold");
  return PV_OK;
}

/* What a stored number may be when it is rounded to the format of the kernel. */
static void store(const pv_op_numerics *n, pv_op_values *v) {
  const pv_format_info *info = pv_format_get(v->format);
  const double most = v->format == PV_FORMAT_F16 ? 65504.0 : 0x1.fep127;
  if (v->format == PV_FORMAT_F32) return;
  for (size_t i = 0; i < v->rows * v->parts; i++) {
    const double want = v->want[i];
    if (v->bound[i] < 0.0 || isinf(v->bound[i]) || !isfinite(want)) continue;
    if (fabs(want) + v->bound[i] > most) {
      v->bound[i] = PV_OP_ANY;
    } else if (n->is_identity) {
      v->want[i] =
          (double)(v->format == PV_FORMAT_F16 ? pv_f16_to_f32(pv_f32_to_f16((float)want))
                                              : pv_bf16_to_f32(pv_f32_to_bf16((float)want)));
    } else if (v->bound[i] > 0.0 || pv_op_lowest_bit(want) < 2.0 * info->unit * fabs(want) ||
               pv_op_lowest_bit(want) < 2.0 * info->least) {
      v->bound[i] += info->unit * (fabs(want) + v->bound[i]) + info->least;
    }
  }
}

pv_code pv_operation_expect(const pv_operation *op, const pv_op_case *c, const pv_op_numerics *n,
                            pv_arena *arena, pv_op_values *values, pv_error *err) {
  pv_code code = PV_OK;
  for (size_t i = 0; code == PV_OK && i < pv_operation_tensors(op); i++)
    code = result_room(op, &op->tensor[i], arena, &values[i], err);
  if (code == PV_OK) code = op->expect(op, c, n, arena, values, err);
  for (size_t i = 0; code == PV_OK && i < pv_operation_tensors(op); i++)
    if (op->tensor[i].role != PV_OP_IN && op->tensor[i].element == PV_OP_REAL) store(n, &values[i]);
  return code;
}

pv_code pv_op_undefined(const pv_operation *op, const pv_op_numerics *n, pv_error *err) {
  pv_error_set(err, PV_ERR_UNSUPPORTED, "%s is not defined in %s", op->name, n->name);
  pv_error_hint(err, "declare float32, and be judged by a bound");
  return PV_ERR_UNSUPPORTED;
}

void pv_op_fill(pv_alone_data data, uint64_t *state, size_t count, float *out) {
  for (size_t i = 0; i < count; i++) out[i] = pv_alone_real(data, i, count, state);
}

#define ANY_FACTOR 1000
static const pv_op_numerics numerics[] = {
    {"float32", "float32 arithmetic, in any order", false, 0, 24, 0x1p-24, ANY_FACTOR, 0.0,
     0x1p-150, 0x1.fffffep127, false, false},
    {"tf32", "factors of products rounded or cut to TF32, sums of float32", false, 0, 24, 0x1p-23,
     11, 0x1p-10, 0x1p-150, 0x1.fffffep127, false, false},
    {"float16-factors", "factors of products rounded to float16, sums of float32", false, 0, 24,
     0x1p-23, 11, 0x1p-11, 0x1p-25, 65504.0, false, false},
    {"bfloat16-factors", "factors of products rounded to bfloat16, sums of float32", false, 0, 24,
     0x1p-23, 8, 0x1p-8, 0x1p-134, 0x1.fep127, false, false},
    {"float16", "float16 sums, and all that lies between, in any order", false, 0, 11, 0x1p-11,
     ANY_FACTOR, 0.0, 0x1p-25, 65504.0, false, false},
    {"bfloat16", "bfloat16 sums, and all that lies between, in any order", false, 0, 8, 0x1p-8,
     ANY_FACTOR, 0.0, 0x1p-134, 0x1.fep127, false, false},
    {"i16", "the bits of our identity", true, PV_PRODUCT_I16, 24, 0.0, 0, 0.0, 0.0, 0.0, false,
     false},
    {"i8", "the bits of our identity", true, PV_PRODUCT_I8, 24, 0.0, 0, 0.0, 0.0, 0.0, false,
     false},
    {"f32-f64acc", "the bits of our identity", true, PV_PRODUCT_F64ACC, 24, 0.0, 0, 0.0, 0.0, 0.0,
     false, false},
};
enum { NUMERICS = sizeof numerics / sizeof *numerics };

const pv_op_numerics *pv_op_numerics_at(size_t n) {
  return n < NUMERICS ? &numerics[n] : NULL;
}

bool pv_op_numerics_find(const char *name, pv_op_numerics *out) {
  for (size_t i = 0; i < NUMERICS; i++)
    if (strcmp(numerics[i].name, name) == 0) {
      *out = numerics[i];
      return true;
    }
  return false;
}

double pv_op_excess(double got, double want, double bound) {
  if (bound < 0.0 || got == want) return 0.0;
  if (isinf(bound)) return isfinite(got) ? INFINITY : 0.0;
  if (isnan(got) && isnan(want)) return 0.0;
  if (!isfinite(got) || !isfinite(want)) return INFINITY;
  return fabs(got - want) / bound; /* infinity of a bound of 0 */
}

bool pv_op_index_fits(const pv_op_values *v, size_t row, const int32_t *got, size_t i) {
  const int32_t is = got[i], want = v->want_index[row * v->row + i];
  if (want < 0) return true;
  for (size_t before = 0; before < i; before++)
    if (v->key != NULL && got[before] == is) return false;
  if (is == want || v->key == NULL) return is == want;
  if (is < 0 || (size_t)is >= v->keys) return false;
  const double *key = v->key + row * v->keys;
  return key[is] == key[want] || (isnan(key[is]) && isnan(key[want])) ||
         fabs(key[is] - key[want]) <= v->slack;
}
