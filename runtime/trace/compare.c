/* Comparison of two trace folders. Each was written by somebody: nothing in them is trusted. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/ck.h"
#include "runtime/base/file.h"
#include "runtime/trace/folder.h"

typedef struct tensor {
  const char *file, *stage, *dtype;
  int64_t layer; /* -1 outside the layers */
  uint64_t rows, width, elements;
  size_t size;
} tensor;

static pv_status bad(pv_error *err, const char *folder, const char *why) {
  const pv_status status = pv_error_set(err, PV_ERR_INPUT, "the trace's manifest %s", why);
  pv_error_at(err, folder, 0, 0, -1);
  return status;
}

static pv_status open_manifest(const char *folder, json_t **out, pv_error *err) {
  char path[4096];
  pv_bytes bytes;
  snprintf(path, sizeof path, "%s/manifest.json", folder);
  const pv_status status = pv_file_read(path, (size_t)64 << 20, &bytes, err);
  if (status != PV_OK) {
    pv_error_hint(err, "a trace folder is written by: pv trace --out DIR");
    return status;
  }
  json_error_t where;
  *out = json_loadb((const char *)bytes.data, bytes.length, JSON_REJECT_DUPLICATES, &where);
  pv_bytes_free(&bytes);
  if (*out != NULL && json_is_array(json_object_get(*out, "tensors"))) return PV_OK;
  json_decref(*out);
  *out = NULL;
  return bad(err, folder, "is no list of tensors");
}

static bool read_tensor(const json_t *object, tensor *out) {
  const json_t *shape = json_object_get(object, "shape"), *layer = json_object_get(object, "layer");
  const json_int_t rows = json_integer_value(json_array_get(shape, 0));
  const json_int_t width = json_integer_value(json_array_get(shape, 1));
  out->file = json_string_value(json_object_get(object, "file"));
  out->stage = json_string_value(json_object_get(object, "stage"));
  out->dtype = json_string_value(json_object_get(object, "dtype"));
  out->layer = json_is_integer(layer) ? (int64_t)json_integer_value(layer) : -1;
  if (out->file == NULL || out->stage == NULL || out->dtype == NULL || rows <= 0 || width <= 0 ||
      strchr(out->file, '/') != NULL || json_array_size(shape) != 2)
    return false;
  out->size = strcmp(out->dtype, "f64le") == 0                                       ? 8
              : strcmp(out->dtype, "f32le") == 0 || strcmp(out->dtype, "i32le") == 0 ? 4
                                                                                     : 0;
  out->rows = (uint64_t)rows;
  out->width = (uint64_t)width;
  return out->size != 0 && pv_ck_mul(out->rows, out->width, &out->elements);
}

static pv_status map_tensor(const char *folder, const tensor *t, pv_map *out, pv_error *err) {
  char path[4096];
  uint64_t bytes = 0;
  snprintf(path, sizeof path, "%s/%s", folder, t->file);
  pv_status status = pv_map_open(path, out, err);
  if (status == PV_OK && (!pv_ck_mul(t->elements, t->size, &bytes) || bytes != out->length)) {
    status = pv_error_set(err, PV_ERR_INPUT, "the file has %llu bytes, the manifest says %llu",
                          (unsigned long long)out->length, (unsigned long long)bytes);
    pv_error_at(err, path, 0, 0, -1);
    pv_map_close(out);
  }
  return status;
}

static double element(const pv_map *map, const tensor *t, uint64_t i) {
  if (t->size == 8) {
    double value;
    memcpy(&value, map->data + 8 * i, sizeof value);
    return value;
  }
  if (strcmp(t->dtype, "i32le") == 0) {
    int32_t value;
    memcpy(&value, map->data + 4 * i, sizeof value);
    return value;
  }
  float value;
  memcpy(&value, map->data + 4 * i, sizeof value);
  return (double)value;
}

static void compare_tensor(const tensor *a, const pv_map *left, const tensor *b,
                           const pv_map *right, pv_trace_row *row) {
  double ab = 0.0, aa = 0.0, bb = 0.0;
  *row = (pv_trace_row){.stage = a->stage, .layer = a->layer, .elements = a->elements};
  for (uint64_t i = 0; i < a->elements; i++) {
    const double x = element(left, a, i), y = element(right, b, i), difference = fabs(x - y);
    const bool same =
        strcmp(a->dtype, b->dtype) == 0
            ? memcmp(left->data + a->size * i, right->data + b->size * i, a->size) == 0
            : x == y;
    row->different += !same;
    ab += x * y;
    aa += x * x;
    bb += y * y;
    if (fabs(x) > row->scale) row->scale = fabs(x);
    if (isnan(row->max_abs) || difference <= row->max_abs) continue;
    row->max_abs = difference;
    row->worst = i;
    row->left = x;
    row->right = y;
  }
  row->cosine = aa == 0.0 && bb == 0.0 ? 1.0 : ab / (sqrt(aa) * sqrt(bb));
}

static const json_t *partner(const json_t *tensors, const tensor *t) {
  for (size_t i = 0; i < json_array_size(tensors); i++) {
    tensor other;
    const json_t *object = json_array_get(tensors, i);
    if (read_tensor(object, &other) && strcmp(other.stage, t->stage) == 0 &&
        other.layer == t->layer)
      return object;
  }
  return NULL;
}

static pv_status compare_pair(const char *left, const tensor *a, const char *right, const tensor *b,
                              pv_trace_report report, void *context, pv_trace_comparison *out,
                              pv_error *err) {
  pv_map x = {0}, y = {0};
  pv_trace_row row;
  if (a->rows != b->rows || a->width != b->width)
    return pv_error_set(err, PV_ERR_INPUT,
                        "%s of layer %lld is %llux%llu on the left, %llux%llu on "
                        "the right",
                        a->stage, (long long)a->layer, (unsigned long long)a->rows,
                        (unsigned long long)a->width, (unsigned long long)b->rows,
                        (unsigned long long)b->width);
  pv_status status = map_tensor(left, a, &x, err);
  if (status == PV_OK) status = map_tensor(right, b, &y, err);
  if (status == PV_OK) {
    compare_tensor(a, &x, b, &y, &row);
    out->tensors++;
    out->elements += row.elements;
    out->different += row.different;
    report(context, &row);
  }
  pv_map_close(&x);
  pv_map_close(&y);
  return status;
}

static void note_numerics(const json_t *manifest, char out[400]) {
  const char *text = json_string_value(json_object_get(manifest, "numerics"));
  snprintf(out, 400, "%s", text != NULL ? text : "");
}

pv_status pv_trace_compare(const char *left, const char *right, pv_trace_report report,
                           void *context, pv_trace_comparison *out, pv_error *err) {
  json_t *a = NULL, *b = NULL;
  *out = (pv_trace_comparison){0};
  pv_status status = open_manifest(left, &a, err);
  if (status == PV_OK) status = open_manifest(right, &b, err);
  if (status == PV_OK) {
    note_numerics(a, out->numerics[0]);
    note_numerics(b, out->numerics[1]);
  }
  const json_t *ta = json_object_get(a, "tensors"), *tb = json_object_get(b, "tensors");
  for (size_t i = 0; i < json_array_size(ta) && status == PV_OK; i++) {
    tensor x, y;
    if (!read_tensor(json_array_get(ta, i), &x)) {
      status = bad(err, left, "has an entry that is no tensor");
      break;
    }
    const json_t *other = partner(tb, &x);
    if (other == NULL)
      out->only_left++;
    else if (read_tensor(other, &y))
      status = compare_pair(left, &x, right, &y, report, context, out, err);
  }
  if (status == PV_OK)
    out->only_right = json_array_size(tb) - (json_array_size(ta) - out->only_left);
  json_decref(a);
  json_decref(b);
  return status;
}
