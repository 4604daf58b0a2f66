/* Reads a trace folder as a side. */
#include "runtime/bisect/recorded.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/base/ck.h"
#include "runtime/base/file.h"
#include "runtime/base/options.h"
#include "runtime/base/sha256.h"

enum { PATH_LIMIT = 4096 };

static bool path_of(const pv_recorded *r, const char *file, char out[PATH_LIMIT]) {
  const int n = snprintf(out, PATH_LIMIT, "%s/%s", r->folder, file);
  return n > 0 && n < PATH_LIMIT;
}

/* "DIR/FILE: error: ..." */
static pv_status place(const pv_recorded *r, const char *file, pv_status status, pv_error *err) {
  char path[PATH_LIMIT];
  if (path_of(r, file, path)) pv_error_at(err, path, 0, 0, -1);
  return status;
}

/* A regular file of exactly the bytes that the manifest promises. */
static pv_status open_file(const pv_recorded *r, const char *file, uint64_t bytes, int *fd,
                           pv_error *err) {
  char path[PATH_LIMIT];
  struct stat info;
  if (!path_of(r, file, path))
    return pv_error_set(err, PV_ERR_LIMIT, "the name of a file of the trace is too long");
  *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (*fd < 0 || fstat(*fd, &info) != 0)
    return place(r, file, pv_error_errno(err, errno, "cannot open a tensor of the trace"), err);
  if (!S_ISREG(info.st_mode))
    return place(r, file, pv_error_set(err, PV_ERR_INPUT, "is not a regular file"), err);
  if ((uint64_t)info.st_size != bytes)
    return place(r, file,
                 pv_error_set(err, PV_ERR_INPUT, "the file has %llu bytes, the manifest says %llu",
                              (unsigned long long)info.st_size, (unsigned long long)bytes),
                 err);
  return PV_OK;
}

static size_t element_bytes(const pv_recorded *r, pv_stage_id stage) {
  return pv_stage_is_index(stage) ? sizeof(int32_t) : r->real_bytes;
}

static bool tensor_bytes(const pv_recorded *r, pv_stage_id stage, const pv_shape *shape,
                         uint64_t *out) {
  return pv_ck_mul(r->positions, pv_stage_width(stage, shape), out) &&
         pv_ck_mul(*out, element_bytes(r, stage), out);
}

static pv_status bad_tensor(const pv_recorded *r, const char *file, pv_error *err,
                            const char *why) {
  return place(r, file, pv_error_set(err, PV_ERR_INPUT, "by the manifest this tensor %s", why),
               err);
}

/* Which stage and layer; false when there is no such one. */
static bool read_place(const json_t *object, const pv_recorded *r, pv_stage_id *stage,
                       uint32_t *layer) {
  const char *name = json_string_value(json_object_get(object, "stage"));
  const json_t *number = json_object_get(object, "layer");
  const int found = name != NULL ? pv_stage_find(name) : -1;
  if (found < 0) return false;
  *stage = (pv_stage_id)found;
  *layer = 0;
  if (!pv_stage_is_layered(*stage)) return number == NULL || json_is_null(number);
  if (!json_is_integer(number) || json_integer_value(number) < 0 ||
      json_integer_value(number) >= (json_int_t)r->layers)
    return false;
  *layer = (uint32_t)json_integer_value(number);
  return true;
}

/* All real tensors have one type: that of the arithmetic. */
static pv_status read_type(const json_t *object, pv_recorded *r, const char *file,
                           pv_stage_id stage, pv_error *err) {
  const char *dtype = json_string_value(json_object_get(object, "dtype"));
  const bool index = dtype != NULL && strcmp(dtype, "i32le") == 0;
  const size_t real = dtype == NULL                 ? 0
                      : strcmp(dtype, "f64le") == 0 ? 8
                      : strcmp(dtype, "f32le") == 0 ? 4
                                                    : 0;
  if (pv_stage_is_index(stage))
    return index ? PV_OK : bad_tensor(r, file, err, "is not i32le, which its stage is made of");
  if (real == 0) return bad_tensor(r, file, err, "is neither f32le nor f64le");
  if (r->real_bytes != 0 && r->real_bytes != real)
    return bad_tensor(r, file, err, "is of another type than the tensors before it");
  if (r->defined && (real == 8) != (r->numerics == PV_NUMERICS_F64))
    return bad_tensor(r, file, err, "is of another type than the numerics identity computes");
  r->real_bytes = real;
  return PV_OK;
}

static pv_status read_shape(const json_t *object, pv_recorded *r, const char *file,
                            pv_stage_id stage, const pv_model *model, pv_error *err) {
  const json_t *shape = json_object_get(object, "shape");
  const json_t *position = json_object_get(object, "position");
  const json_int_t rows = json_integer_value(json_array_get(shape, 0));
  const json_int_t width = json_integer_value(json_array_get(shape, 1));
  const size_t wanted = pv_stage_width(stage, &model->shape);
  if (json_array_size(shape) != 2 || rows <= 0 || (uint64_t)rows > model->shape.context)
    return bad_tensor(r, file, err, "has no shape of positions and width");
  if ((uint64_t)width != wanted) {
    const pv_status status =
        pv_error_set(err, PV_ERR_INPUT, "%s is %lld wide by the manifest, %zu in this model",
                     pv_stage_name(stage), (long long)width, wanted);
    return place(r, file, status, err);
  }
  if (position != NULL && (!json_is_integer(position) || json_integer_value(position) != 0))
    return bad_tensor(r, file, err, "does not begin at position 0");
  if (r->positions != 0 && r->positions != (size_t)rows)
    return bad_tensor(r, file, err, "has another number of positions than those before it");
  r->positions = (size_t)rows;
  return PV_OK;
}

static pv_status read_tensor(const json_t *object, pv_recorded *r, const pv_model *model,
                             pv_error *err) {
  const char *file = json_string_value(json_object_get(object, "file"));
  pv_stage_id stage = PV_STAGE_EMBEDDING;
  uint32_t layer = 0;
  uint64_t bytes = 0;
  int fd = -1;
  if (file == NULL || strchr(file, '/') != NULL)
    return place(r, "manifest.json",
                 pv_error_set(err, PV_ERR_INPUT, "has a tensor without a file inside the folder"),
                 err);
  if (!read_place(object, r, &stage, &layer))
    return bad_tensor(r, file, err, "is of a stage or layer that this model does not have");
  if (r->files[stage][layer] != NULL) return bad_tensor(r, file, err, "is there twice");
  pv_status status = read_type(object, r, file, stage, err);
  if (status == PV_OK) status = read_shape(object, r, file, stage, model, err);
  if (status == PV_OK && !tensor_bytes(r, stage, &model->shape, &bytes))
    status = bad_tensor(r, file, err, "is larger than any file");
  if (status == PV_OK) status = open_file(r, file, bytes, &fd, err);
  if (fd >= 0) close(fd);
  if (status == PV_OK && (r->files[stage][layer] = strdup(file)) == NULL)
    status = pv_error_set(err, PV_ERR_NOMEM, "out of memory for the trace");
  return status;
}

static pv_status read_about(const json_t *root, pv_recorded *r, pv_error *err) {
  const char *backend = json_string_value(json_object_get(root, "backend"));
  const char *identity = json_string_value(json_object_get(root, "numerics"));
  r->backend = strdup(backend != NULL ? backend : "");
  r->identity = strdup(identity != NULL ? identity : "");
  if (r->backend == NULL || r->identity == NULL)
    return pv_error_set(err, PV_ERR_NOMEM, "out of memory for the trace");
  for (int i = 0; i < PV_NUMERICS_COUNT; i++)
    if (strcmp(pv_numerics_identity((pv_numerics)i), r->identity) == 0) {
      r->defined = true;
      r->numerics = (pv_numerics)i;
    }
  return PV_OK;
}

static pv_status read_ids(const json_t *root, pv_recorded *r, pv_error *err) {
  const json_t *ids = json_object_get(root, "ids");
  size_t count = 0;
  if (ids == NULL) return PV_OK;
  if (!json_is_string(ids))
    return place(r, "manifest.json",
                 pv_error_set(err, PV_ERR_INPUT, "ids is not a text such as \"1,2,3\""), err);
  const pv_status status = pv_option_ids("ids", json_string_value(ids), &r->ids, &count, err);
  if (status != PV_OK) return place(r, "manifest.json", status, err);
  if (count == r->positions) return PV_OK;
  return place(r, "manifest.json",
               pv_error_set(err, PV_ERR_INPUT, "has %zu token ids and tensors of %zu positions",
                            count, r->positions),
               err);
}

static pv_status read_manifest(pv_recorded *r, const pv_model *model, pv_error *err) {
  char path[PATH_LIMIT];
  pv_bytes bytes = {0};
  json_t *root = NULL;
  json_error_t where;
  if (!path_of(r, "manifest.json", path))
    return pv_error_set(err, PV_ERR_LIMIT, "the folder's name is too long");
  pv_status status = pv_file_read(path, (size_t)64 << 20, &bytes, err);
  if (status != PV_OK) pv_error_hint(err, "a trace folder is written by: pv trace --out DIR");
  if (status != PV_OK) return status;
  root = json_loadb((const char *)bytes.data, bytes.length, JSON_REJECT_DUPLICATES, &where);
  pv_bytes_free(&bytes);
  const char *schema = json_string_value(json_object_get(root, "schema"));
  const json_t *tensors = json_object_get(root, "tensors");
  if (schema == NULL || strcmp(schema, "pv/trace/v1") != 0)
    status = pv_error_set(err, PV_ERR_INPUT, "is no manifest of a pv/trace/v1");
  else if (json_array_size(tensors) == 0)
    status = pv_error_set(err, PV_ERR_INPUT, "names no tensors");
  if (status != PV_OK) place(r, "manifest.json", status, err);
  if (status == PV_OK) status = read_about(root, r, err);
  for (size_t i = 0; i < json_array_size(tensors) && status == PV_OK; i++)
    status = read_tensor(json_array_get(tensors, i), r, model, err);
  if (status == PV_OK) status = read_ids(root, r, err);
  json_decref(root);
  return status;
}

pv_status pv_recorded_open(const char *folder, const pv_model *model, pv_recorded **out,
                           pv_error *err) {
  pv_recorded *r = calloc(1, sizeof *r);
  bool room = r != NULL && (r->folder = strdup(folder)) != NULL;
  for (int s = 0; s < PV_STAGES && room; s++)
    room = (r->files[s] = calloc(model->shape.layers, sizeof *r->files[s])) != NULL;
  if (room) r->layers = model->shape.layers;
  const pv_status status = room ? read_manifest(r, model, err)
                                : pv_error_set(err, PV_ERR_NOMEM, "out of memory for the trace");
  if (status == PV_OK)
    *out = r;
  else
    pv_recorded_close(r);
  return status;
}

void pv_recorded_close(pv_recorded *r) {
  if (r == NULL) return;
  for (int s = 0; s < PV_STAGES; s++) {
    for (uint32_t l = 0; l < r->layers; l++) free(r->files[s][l]);
    free(r->files[s]);
  }
  free(r->folder);
  free(r->backend);
  free(r->identity);
  free(r->ids);
  free(r);
}

bool pv_recorded_has(const pv_recorded *r, pv_stage_id stage, uint32_t layer) {
  return r->files[stage][pv_stage_is_layered(stage) ? layer : 0] != NULL;
}

pv_status pv_recorded_digest(const pv_recorded *r, char out[65], pv_error *err) {
  char path[PATH_LIMIT], one[65];
  pv_sha256 *hash = pv_sha256_new();
  if (hash == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for a digest");
  path_of(r, "manifest.json", path);
  pv_status status = pv_sha256_file(path, one, err);
  if (status == PV_OK) pv_sha256_add(hash, one, sizeof one);
  for (int s = 0; s < PV_STAGES; s++)
    for (uint32_t l = 0; l < r->layers && status == PV_OK; l++) {
      if (r->files[s][l] == NULL) continue;
      path_of(r, r->files[s][l], path);
      status = pv_sha256_file(path, one, err);
      if (status == PV_OK) pv_sha256_add(hash, one, sizeof one);
    }
  const pv_status finished =
      pv_sha256_finish(hash, status == PV_OK ? out : one, status == PV_OK ? err : NULL);
  return status == PV_OK ? finished : status;
}

/* As a backend. */
typedef struct reader {
  pv_backend base; /* first */
  const pv_recorded *recorded;
  size_t position; /* of the batch */
  uint32_t layer;  /* of the last operation */
} reader;

static void reader_close(pv_backend *backend) {
  free(backend);
}

static pv_status reader_begin(pv_backend *backend, const pv_batch *batch, pv_error *err) {
  reader *r = (reader *)backend;
  if (!pv_ck_range(batch->position, batch->count, r->recorded->positions) ||
      batch->logits != batch->count)
    return pv_error_set(err, PV_ERR_INTERNAL, "a batch is not inside the trace");
  r->position = batch->position;
  return PV_OK;
}

static pv_status reader_run(pv_backend *backend, pv_op op, uint32_t layer, pv_error *err) {
  (void)op;
  (void)err;
  ((reader *)backend)->layer = layer;
  return PV_OK;
}

static pv_status reader_read(pv_backend *backend, pv_stage_id stage, size_t row, size_t rows,
                             void *out, pv_error *err) {
  const reader *r = (const reader *)backend;
  const pv_recorded *trace = r->recorded;
  const char *file = trace->files[stage][pv_stage_is_layered(stage) ? r->layer : 0];
  const uint64_t bytes = pv_stage_width(stage, &backend->model->shape) *
                         (uint64_t)element_bytes(trace, stage); /* of a row; checked at opening */
  const uint64_t from = (r->position + row) * bytes, length = rows * bytes;
  uint64_t have = 0;
  int fd = -1;
  if (file == NULL)
    return pv_error_set(err, PV_ERR_INPUT, "the trace has no %s", pv_stage_name(stage));
  pv_status status = open_file(trace, file, trace->positions * bytes, &fd, err);
  while (status == PV_OK && have < length) {
    const ssize_t n = pread(fd, (char *)out + have, length - have, (off_t)(from + have));
    if (n > 0)
      have += (uint64_t)n;
    else if (n == 0)
      status = place(trace, file, pv_error_set(err, PV_ERR_INPUT, "the file became shorter"), err);
    else if (errno != EINTR)
      status = place(trace, file, pv_error_errno(err, errno, "cannot read the trace"), err);
  }
  if (fd >= 0) close(fd);
  return status;
}

static uint64_t reader_memory(const pv_backend *backend) {
  (void)backend;
  return sizeof(reader);
}

static const pv_backend_ops reader_ops = {.name = "trace",
                                          .close = reader_close,
                                          .begin = reader_begin,
                                          .run = reader_run,
                                          .read = reader_read,
                                          .memory = reader_memory};

pv_status pv_recorded_forward(const pv_recorded *recorded, const pv_model *model,
                              const pv_backend_config *config, pv_forward **out, pv_error *err) {
  if (config->context != recorded->positions)
    return place(recorded, "manifest.json",
                 pv_error_set(err, PV_ERR_INPUT, "the trace has %zu positions, the run %zu",
                              recorded->positions, config->context),
                 err);
  reader *r = calloc(1, sizeof *r);
  if (r == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for the trace");
  r->base = (pv_backend){&reader_ops, model, *config,
                         recorded->real_bytes != 0 ? recorded->real_bytes : sizeof(float)};
  r->recorded = recorded;
  const pv_status status = pv_forward_adopt(&r->base, out, err);
  if (status != PV_OK) free(r);
  return status;
}
