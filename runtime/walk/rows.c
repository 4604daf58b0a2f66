#include <stdlib.h>
#include <string.h>

#include "base/ck.h"
#include "runtime/walk/rows.h"

/* `data` becomes at least so large; what was in it may be lost. */
static pv_code grow(pv_rows *rows, size_t need, pv_error *err) {
  if (need <= rows->room) return PV_OK;
  void *grown = realloc(rows->data, need);
  if (grown == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for a stage");
  rows->data = grown;
  rows->room = need;
  return PV_OK;
}

pv_code pv_rows_room(const pv_plan *plan, pv_stage_id stage, size_t width, size_t rows, size_t size,
                     pv_rows *out, pv_error *err) {
  uint64_t bytes = 0;
  size_t need = 0;
  out->stage = stage;
  out->absent = false;
  out->rows = rows;
  out->from = 0;
  out->until = rows;
  out->width = width;
  out->index = pv_plan_is(plan, stage, PV_ROW_INDEX);
  out->size = out->index ? sizeof(int32_t) : size;
  if (!pv_ck_mul(rows, width, &bytes) || !pv_ck_mul(bytes, out->size, &bytes) ||
      !pv_ck_size(bytes, &need))
    return pv_error_set(err, PV_ERR_LIMIT, "stage %s does not fit in memory",
                        plan->rows[stage].name);
  return grow(out, need, err);
}

pv_code pv_rows_held(pv_backend *backend, pv_stage_id stage, size_t rows, pv_rows *out,
                     pv_error *err) {
  const pv_model *model = backend->model;
  const size_t width = pv_plan_width(model->plan, stage, &model->shape);
  const pv_code code = pv_rows_room(model->plan, stage, width, rows, backend->real_bytes, out, err);
  return code == PV_OK ? backend->ops->read(backend, stage, 0, rows, out->data, err) : code;
}

pv_vector pv_rows_vector(const pv_rows *r, size_t row) {
  const pv_element real = r->size == sizeof(double) ? PV_ELEMENT_F64 : PV_ELEMENT_F32;
  return (pv_vector){r->absent ? NULL : (const char *)r->data + row * r->width * r->size, r->width,
                     r->index ? PV_ELEMENT_I32 : real};
}

double pv_rows_at(const pv_rows *r, size_t row, size_t index) {
  const pv_vector v = pv_rows_vector(r, row);
  return pv_vector_at(&v, index);
}

pv_code pv_rows_convert(const pv_rows *in, size_t size, pv_rows *out, pv_error *err) {
  const size_t n = in->rows * in->width;
  const size_t bytes = in->index ? sizeof(int32_t) : size;
  const pv_code code = grow(out, n * bytes, err);
  if (code != PV_OK) return code;
  out->stage = in->stage;
  out->index = in->index;
  out->rows = in->rows;
  out->from = in->from;
  out->until = in->until;
  out->width = in->width;
  out->size = bytes;
  if (in->size == bytes) {
    memcpy(out->data, in->data, n * bytes);
    return PV_OK;
  }
  for (size_t i = 0; i < n; i++) {
    const double value = pv_rows_at(in, 0, i);
    if (bytes == sizeof(double))
      ((double *)out->data)[i] = value;
    else
      ((float *)out->data)[i] = (float)value;
  }
  return PV_OK;
}

pv_distance pv_rows_distance(const pv_rows *a, const pv_rows *b, size_t row) {
  return pv_distance_of(pv_rows_vector(a, row), pv_rows_vector(b, row));
}

bool pv_rows_same_set(const pv_rows *a, const pv_rows *b, size_t row) {
  return pv_set_same(pv_rows_vector(a, row), pv_rows_vector(b, row));
}
