/* Rows of stages. */
#include <stdlib.h>
#include <string.h>

#include "base/ck.h"
#include "runtime/bisect/parts.h"

pv_code pv_rows_room(const pv_model *model, pv_stage_id stage, size_t rows, size_t size,
                     pv_rows *out, pv_error *err) {
  uint64_t bytes = 0;
  size_t need = 0;
  out->stage = stage;
  out->absent = false;
  out->rows = rows;
  out->width = pv_plan_width(model->plan, stage, &model->shape);
  out->index = pv_plan_is(model->plan, stage, PV_ROW_INDEX);
  out->size = out->index ? sizeof(int32_t) : size;
  if (!pv_ck_mul(rows, out->width, &bytes) || !pv_ck_mul(bytes, out->size, &bytes) ||
      !pv_ck_size(bytes, &need))
    return pv_error_set(err, PV_ERR_LIMIT, "stage %s does not fit in memory",
                        model->plan->rows[stage].name);
  if (need <= out->room) return PV_OK;
  void *grown = realloc(out->data, need);
  if (grown == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for a stage");
  out->data = grown;
  out->room = need;
  return PV_OK;
}

pv_code pv_rows_read(pv_forward *forward, const pv_model *model, pv_stage_id stage, size_t rows,
                     pv_rows *out, pv_error *err) {
  const pv_code code = pv_rows_room(model, stage, rows, pv_forward_real_bytes(forward), out, err);
  return code == PV_OK ? pv_forward_read(forward, stage, 0, rows, out->data, err) : code;
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
  if (n * bytes > out->room) {
    void *grown = realloc(out->data, n * bytes);
    if (grown == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for a stage");
    out->data = grown;
    out->room = n * bytes;
  }
  out->stage = in->stage;
  out->index = in->index;
  out->rows = in->rows;
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
