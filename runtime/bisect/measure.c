/* Rows of stages, and what is measured on two of them. */
#include <math.h>
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
  out->width = pv_stage_width(stage, &model->shape);
  out->size = pv_stage_is_index(stage) ? sizeof(int32_t) : size;
  if (!pv_ck_mul(rows, out->width, &bytes) || !pv_ck_mul(bytes, out->size, &bytes) ||
      !pv_ck_size(bytes, &need))
    return pv_error_set(err, PV_ERR_LIMIT, "stage %s does not fit in memory", pv_stage_name(stage));
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

static const void *element(const pv_rows *r, size_t row, size_t index) {
  return (const char *)r->data + (row * r->width + index) * r->size;
}

double pv_rows_at(const pv_rows *r, size_t row, size_t index) {
  if (r->absent) return NAN;
  const void *p = element(r, row, index);
  if (pv_stage_is_index(r->stage)) return *(const int32_t *)p;
  return r->size == sizeof(double) ? *(const double *)p : (double)*(const float *)p;
}

pv_code pv_rows_convert(const pv_rows *in, size_t size, pv_rows *out, pv_error *err) {
  const size_t n = in->rows * in->width;
  const bool index = pv_stage_is_index(in->stage);
  const size_t bytes = index ? sizeof(int32_t) : size;
  if (n * bytes > out->room) {
    void *grown = realloc(out->data, n * bytes);
    if (grown == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for a stage");
    out->data = grown;
    out->room = n * bytes;
  }
  out->stage = in->stage;
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

bool pv_same_bits(const pv_rows *a, const pv_rows *b, size_t row, size_t index) {
  if (a->size == b->size)
    return memcmp(element(a, row, index), element(b, row, index), a->size) == 0;
  return pv_rows_at(a, row, index) == pv_rows_at(b, row, index);
}

double pv_row_error(const pv_rows *exact, const pv_rows *side, size_t row, size_t *at) {
  double scale = 0.0, worst = 0.0;
  bool none = false;
  *at = 0;
  for (size_t i = 0; i < exact->width; i++) {
    const double x = pv_rows_at(exact, row, i), y = pv_rows_at(side, row, i);
    if (isfinite(x) != isfinite(y)) {
      *at = i;
      return INFINITY;
    }
    none |= !isfinite(x);
    if (fabs(x) > scale) scale = fabs(x);
    if (!(fabs(x - y) > worst)) continue;
    worst = fabs(x - y);
    *at = i;
  }
  return none ? NAN : worst == 0.0 ? 0.0 : scale > 0.0 ? worst / scale : INFINITY;
}

bool pv_bisect_exceeds(double error, double largest) {
  if (isinf(largest)) return false;
  if (isnan(largest)) return isinf(error);
  return isnan(error) || error > largest;
}

double pv_row_cosine(const pv_rows *a, const pv_rows *b, size_t row) {
  double ab = 0.0, aa = 0.0, bb = 0.0;
  for (size_t i = 0; i < a->width; i++) {
    const double x = pv_rows_at(a, row, i), y = pv_rows_at(b, row, i);
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return aa == 0.0 && bb == 0.0 ? 1.0 : ab / (sqrt(aa) * sqrt(bb));
}

void pv_keep_smallest(double *smallest, double cosine) {
  if (!isnan(*smallest) && !(cosine >= *smallest)) *smallest = cosine;
}

static bool holds(const pv_rows *r, size_t row, double expert) {
  for (size_t i = 0; i < r->width; i++)
    if (pv_rows_at(r, row, i) == expert) return true;
  return false;
}

bool pv_same_set(const pv_rows *a, const pv_rows *b, size_t row) {
  for (size_t i = 0; i < a->width; i++)
    if (!holds(b, row, pv_rows_at(a, row, i)) || !holds(a, row, pv_rows_at(b, row, i)))
      return false;
  return true;
}

double pv_row_margin(const pv_rows *logits, const pv_rows *indices, size_t row) {
  double kept = INFINITY, left = -INFINITY;
  for (size_t e = 0; e < logits->width; e++) {
    const double x = pv_rows_at(logits, row, e);
    if (holds(indices, row, (double)e)) {
      if (x < kept) kept = x;
    } else if (x > left) {
      left = x;
    }
  }
  return kept - left;
}

double pv_row_distance(const pv_rows *a, const pv_rows *b, size_t row) {
  double worst = 0.0;
  for (size_t i = 0; i < a->width; i++) {
    const double d = fabs(pv_rows_at(a, row, i) - pv_rows_at(b, row, i));
    if (isnan(d)) return INFINITY; /* no later element takes it back */
    if (d > worst) worst = d;
  }
  return worst;
}
