#include "runtime/trace/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ck.h"
#include "base/file.h"
#include "base/options.h"
#include "base/sha256.h"

enum { PATH_LIMIT = 4096 };
#define MANIFEST "manifest.json"

static bool path_of(const pv_manifest *m, const char *file, char out[PATH_LIMIT]) {
  const int n = snprintf(out, PATH_LIMIT, "%s/%s", m->folder, file);
  return n > 0 && n < PATH_LIMIT;
}

pv_code pv_manifest_at(const pv_manifest *m, const char *file, pv_code code, pv_error *err) {
  char path[PATH_LIMIT];
  if (path_of(m, file, path)) pv_error_at(err, path, 0, 0, -1);
  return code;
}

static pv_code refuse(const pv_manifest *m, pv_error *err, const char *why) {
  return pv_manifest_at(m, MANIFEST, pv_error_set(err, PV_ERR_INPUT, "%s", why), err);
}

static pv_code bad_tensor(const pv_manifest *m, const char *file, pv_error *err, const char *why) {
  const pv_code code = pv_error_set(err, PV_ERR_INPUT, "by the manifest this tensor %s", why);
  return pv_manifest_at(m, file, code, err);
}

pv_code pv_manifest_file(const pv_manifest *m, const pv_trace_tensor *t, int *fd, pv_error *err) {
  char path[PATH_LIMIT];
  struct stat info;
  if (!path_of(m, t->file, path))
    return pv_error_set(err, PV_ERR_LIMIT, "the name of a file of the trace is too long");
  pv_code code = PV_OK;
  const int opened = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (opened < 0 || fstat(opened, &info) != 0)
    code = pv_error_errno(err, errno, "cannot open a tensor of the trace");
  else if (!S_ISREG(info.st_mode))
    code = pv_error_set(err, PV_ERR_INPUT, "is not a regular file");
  else if ((uint64_t)info.st_size != t->bytes)
    code = pv_error_set(err, PV_ERR_INPUT, "the file has %llu bytes, the manifest says %llu",
                        (unsigned long long)info.st_size, (unsigned long long)t->bytes);
  if (code == PV_OK) {
    *fd = opened;
    return PV_OK;
  }
  if (opened >= 0) close(opened);
  return pv_manifest_at(m, t->file, code, err);
}

/* Which stage and layer; false when there is no such one. */
static bool read_place(const pv_manifest *m, const json_t *object, pv_trace_tensor *out) {
  const char *name = json_string_value(json_object_get(object, "stage"));
  const json_t *number = json_object_get(object, "layer");
  const int found = name != NULL ? pv_plan_stage(m->plan, name) : -1;
  if (found < 0) return false;
  out->stage = (pv_stage_id)found;
  out->layer = 0;
  if (!pv_plan_is_layered(m->plan, out->stage)) return number == NULL || json_is_null(number);
  if (!json_is_integer(number) || json_integer_value(number) < 0 ||
      json_integer_value(number) >= PV_MODEL_LAYERS_MAX)
    return false;
  out->layer = (uint32_t)json_integer_value(number);
  return true;
}

/* All real tensors have one type: that of the arithmetic. */
static pv_code read_type(const json_t *object, const pv_manifest *m, pv_trace_tensor *out,
                         pv_error *err) {
  static const char *const names[] = {
      [PV_ELEMENT_F32] = "f32le", [PV_ELEMENT_F64] = "f64le", [PV_ELEMENT_I32] = "i32le"};
  const char *dtype = json_string_value(json_object_get(object, "dtype"));
  const bool index = pv_plan_is(m->plan, out->stage, PV_ROW_INDEX);
  bool known = false;
  for (int i = PV_ELEMENT_F32; i <= PV_ELEMENT_I32 && dtype != NULL && !known; i++) {
    known = strcmp(dtype, names[i]) == 0;
    if (known) out->type = (pv_element)i;
  }
  if (index && (!known || out->type != PV_ELEMENT_I32))
    return bad_tensor(m, out->file, err, "is not i32le, which its stage is made of");
  if (!known || index != (out->type == PV_ELEMENT_I32))
    return bad_tensor(m, out->file, err, "is neither f32le nor f64le");
  size_t real = 0; /* the first real one before it */
  while (real < m->count && m->tensors[real].type == PV_ELEMENT_I32) real++;
  if (!index && real < m->count && m->tensors[real].type != out->type)
    return bad_tensor(m, out->file, err, "is of another type than the tensors before it");
  return PV_OK;
}

static pv_code read_shape(const json_t *object, const pv_manifest *m, pv_trace_tensor *out,
                          pv_error *err) {
  const json_t *shape = json_object_get(object, "shape");
  const json_t *position = json_object_get(object, "position");
  const json_int_t rows = json_integer_value(json_array_get(shape, 0));
  const json_int_t width = json_integer_value(json_array_get(shape, 1));
  size_t positions = 0;
  if (json_array_size(shape) != 2 || rows <= 0 || width <= 0 ||
      !pv_ck_size((uint64_t)rows, &positions))
    return bad_tensor(m, out->file, err, "has no shape of positions and width");
  if (position != NULL && (!json_is_integer(position) || json_integer_value(position) != 0))
    return bad_tensor(m, out->file, err, "does not begin at position 0");
  if (m->count > 0 && m->positions != positions)
    return bad_tensor(m, out->file, err, "has another number of positions than those before it");
  out->rows = (uint64_t)rows;
  out->width = (uint64_t)width;
  if (!pv_ck_mul(out->rows, out->width, &out->elements) ||
      !pv_ck_mul(out->elements, pv_element_bytes(out->type), &out->bytes))
    return bad_tensor(m, out->file, err, "is larger than any file");
  return PV_OK;
}

static pv_code read_tensor(const json_t *object, pv_manifest *m, bool (*seen)[PV_MODEL_LAYERS_MAX],
                           pv_error *err) {
  pv_trace_tensor t = {.file = json_string_value(json_object_get(object, "file"))};
  if (t.file == NULL || t.file[0] == '\0' || strchr(t.file, '/') != NULL)
    return refuse(m, err, "has a tensor without a file inside the folder");
  if (!read_place(m, object, &t))
    return bad_tensor(m, t.file, err, "is of a stage or layer that a forward does not have");
  if (seen[t.stage][t.layer]) return bad_tensor(m, t.file, err, "is there twice");
  pv_code code = read_type(object, m, &t, err);
  if (code == PV_OK) code = read_shape(object, m, &t, err);
  if (code != PV_OK) return code;
  seen[t.stage][t.layer] = true;
  m->positions = (size_t)t.rows;
  m->tensors[m->count++] = t;
  return PV_OK;
}

static pv_code read_tensors(const json_t *list, pv_manifest *m, pv_error *err) {
  bool(*seen)[PV_MODEL_LAYERS_MAX] = calloc(PV_STAGES_MAX, sizeof *seen);
  m->tensors = calloc(json_array_size(list), sizeof *m->tensors);
  pv_code code = seen != NULL && m->tensors != NULL
                     ? PV_OK
                     : pv_error_set(err, PV_ERR_NOMEM, "out of memory for the trace");
  for (size_t i = 0; i < json_array_size(list) && code == PV_OK; i++)
    code = read_tensor(json_array_get(list, i), m, seen, err);
  free(seen);
  return code;
}

static pv_code read_ids(const json_t *root, pv_manifest *m, pv_error *err) {
  const json_t *ids = json_object_get(root, "ids");
  size_t count = 0;
  if (ids == NULL) return PV_OK;
  if (!json_is_string(ids)) return refuse(m, err, "ids is not a text such as \"1,2,3\"");
  pv_code code = pv_option_ids("ids", json_string_value(ids), &m->ids, &count, err);
  if (code == PV_OK && count != m->positions)
    code = pv_error_set(err, PV_ERR_INPUT, "has %zu token ids and tensors of %zu positions", count,
                        m->positions);
  return code == PV_OK ? PV_OK : pv_manifest_at(m, MANIFEST, code, err);
}

/* A text that may be missing. */
static const char *text_of(const json_t *root, const char *name) {
  const char *text = json_string_value(json_object_get(root, name));
  return text != NULL ? text : "";
}

static pv_code read_about(const json_t *root, pv_manifest *m, pv_error *err) {
  m->backend = text_of(root, "backend");
  m->identity = text_of(root, "numerics");
  m->model = text_of(root, "model");
  m->model_sha256 = text_of(root, "model_sha256");
  const size_t digits = strspn(m->model_sha256, "0123456789abcdef");
  if (json_object_get(root, "model_sha256") == NULL) return PV_OK;
  if (digits != PV_SHA256_HEX - 1 || m->model_sha256[digits] != '\0')
    return refuse(m, err, "model_sha256 is not 64 hexadecimal digits in lower case");
  return PV_OK;
}

/* The first architecture that has all of the stages; where none has, the first tells which is not.
 */
static const pv_plan *plan_of(const json_t *tensors) {
  const pv_plan *plan = NULL;
  for (size_t n = 0; (plan = pv_plan_at(n)) != NULL; n++) {
    size_t known = 0;
    for (size_t i = 0; i < json_array_size(tensors); i++) {
      const char *name = text_of(json_array_get(tensors, i), "stage");
      known += pv_plan_stage(plan, name) >= 0;
    }
    if (known == json_array_size(tensors)) return plan;
  }
  return pv_plan_at(0);
}

static pv_code read_manifest(pv_manifest *m, pv_error *err) {
  char path[PATH_LIMIT];
  pv_bytes bytes = {0};
  json_error_t where;
  if (!path_of(m, MANIFEST, path))
    return pv_error_set(err, PV_ERR_LIMIT, "the folder's name is too long");
  pv_code code = pv_file_read(path, (size_t)64 << 20, &bytes, err);
  if (code != PV_OK) {
    pv_error_hint(err, "a trace folder is written by: pv trace --out DIR");
    return code;
  }
  json_t *root = json_loadb((const char *)bytes.data, bytes.length, JSON_REJECT_DUPLICATES, &where);
  m->root = root;
  pv_bytes_free(&bytes);
  const json_t *tensors = json_object_get(root, "tensors");
  if (strcmp(text_of(root, "schema"), "pv/trace/v1") != 0)
    return refuse(m, err, "is no manifest of a pv/trace/v1");
  if (json_array_size(tensors) == 0) return refuse(m, err, "names no tensors");
  if (m->plan == NULL) m->plan = plan_of(tensors);
  code = read_about(root, m, err);
  if (code == PV_OK) code = read_tensors(tensors, m, err);
  if (code == PV_OK) code = read_ids(root, m, err);
  return code;
}

pv_code pv_manifest_open(const char *folder, const pv_plan *plan, pv_manifest **out,
                         pv_error *err) {
  pv_manifest *m = calloc(1, sizeof *m);
  if (m != NULL) m->plan = plan;
  const bool room = m != NULL && (m->folder = strdup(folder)) != NULL;
  const pv_code code =
      room ? read_manifest(m, err) : pv_error_set(err, PV_ERR_NOMEM, "out of memory for the trace");
  if (code == PV_OK)
    *out = m;
  else
    pv_manifest_close(m);
  return code;
}

void pv_manifest_close(pv_manifest *m) {
  if (m == NULL) return;
  json_decref(m->root);
  free(m->tensors);
  free(m->ids);
  free(m->folder);
  free(m);
}
