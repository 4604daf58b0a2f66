/* Reads a trace folder as a side. */
#include "runtime/bisect/recorded.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ck.h"

/* What only a model can tell of a tensor. */
static pv_code check_tensor(const pv_recorded *r, const pv_trace_tensor *t, const pv_model *model,
                            pv_error *err) {
  const pv_manifest *m = r->manifest;
  const size_t wanted = pv_plan_width(r->manifest->plan, t->stage, &model->shape);
  int fd = -1;
  if (t->layer >= r->layers)
    return pv_manifest_at(m, t->file,
                          pv_error_set(err, PV_ERR_INPUT,
                                       "by the manifest this tensor is of layer %u, which this "
                                       "model does not have",
                                       t->layer),
                          err);
  if (t->width != wanted)
    return pv_manifest_at(
        m, t->file,
        pv_error_set(err, PV_ERR_INPUT, "%s is %llu wide by the manifest, %zu in this model",
                     r->manifest->plan->rows[t->stage].name, (unsigned long long)t->width, wanted),
        err);
  if (t->rows > model->shape.context)
    return pv_manifest_at(m, t->file,
                          pv_error_set(err, PV_ERR_INPUT,
                                       "by the manifest this tensor has %llu positions, this model "
                                       "at most %u",
                                       (unsigned long long)t->rows, model->shape.context),
                          err);
  if (r->defined && t->type != PV_ELEMENT_I32 &&
      (t->type == PV_ELEMENT_F64) != (r->numerics == PV_NUMERICS_F64))
    return pv_manifest_at(m, t->file,
                          pv_error_set(err, PV_ERR_INPUT,
                                       "by the manifest this tensor is of another type than the "
                                       "numerics identity computes"),
                          err);
  const pv_code code = pv_manifest_file(m, t, &fd, err);
  if (fd >= 0) close(fd);
  return code;
}

/* A trace of another file would differ everywhere, and nobody would be wrong. */
static pv_code check_model(const pv_recorded *r, pv_recorded_model *of, pv_error *err) {
  const pv_manifest *m = r->manifest;
  if (m->model_sha256[0] == '\0' || of->path == NULL) return PV_OK;
  pv_code code = of->sha256[0] != '\0' ? PV_OK : pv_sha256_file(of->path, of->sha256, err);
  if (code != PV_OK || strcmp(of->sha256, m->model_sha256) == 0) return code;
  pv_error_set(
      err, PV_ERR_INPUT,
      "the trace is of another model: its SHA-256 begins with %.12s, that of %s with %.12s",
      m->model_sha256, of->path, of->sha256);
  pv_error_at(err, m->folder, 0, 0, -1);
  pv_error_hint(err, "name with --model the file that was traced, or trace this one: pv trace");
  return PV_ERR_INPUT;
}

static pv_code take_tensors(pv_recorded *r, const pv_model *model, pv_error *err) {
  const pv_manifest *m = r->manifest;
  pv_code code = PV_OK;
  for (size_t i = 0; i < m->count && code == PV_OK; i++) {
    const pv_trace_tensor *t = &m->tensors[i];
    code = check_tensor(r, t, model, err);
    if (code != PV_OK) break;
    r->tensors[t->stage][t->layer] = t;
    if (t->type != PV_ELEMENT_I32) r->real_bytes = pv_element_bytes(t->type);
  }
  return code;
}

pv_code pv_recorded_open(const char *folder, pv_recorded_model *of, pv_recorded **out,
                         pv_error *err) {
  pv_recorded *r = calloc(1, sizeof *r);
  bool room = r != NULL;
  for (int s = 0; s < PV_STAGES_MAX && room; s++)
    room = (r->tensors[s] = calloc(of->model->shape.layers, sizeof *r->tensors[s])) != NULL;
  pv_code code = room ? PV_OK : pv_error_set(err, PV_ERR_NOMEM, "out of memory for the trace");
  if (code == PV_OK) code = pv_manifest_open(folder, of->model->plan, &r->manifest, err);
  if (code == PV_OK) {
    r->layers = of->model->shape.layers;
    for (int i = 0; i < PV_NUMERICS_COUNT; i++)
      if (strcmp(pv_numerics_identity((pv_numerics)i), r->manifest->identity) == 0) {
        r->defined = true;
        r->numerics = (pv_numerics)i;
      }
    code = check_model(r, of, err);
  }
  if (code == PV_OK) code = take_tensors(r, of->model, err);
  if (code == PV_OK)
    *out = r;
  else
    pv_recorded_close(r);
  return code;
}

void pv_recorded_close(pv_recorded *r) {
  if (r == NULL) return;
  for (int s = 0; s < PV_STAGES_MAX; s++) free(r->tensors[s]);
  pv_manifest_close(r->manifest);
  free(r);
}

bool pv_recorded_has(const pv_recorded *r, pv_stage_id stage, uint32_t layer) {
  return r->tensors[stage][pv_plan_is_layered(r->manifest->plan, stage) ? layer : 0] != NULL;
}

static pv_code add_file(pv_sha256 *hash, const char *folder, const char *file, pv_error *err) {
  enum { PATH_LIMIT = 4096 };
  char path[PATH_LIMIT], one[PV_SHA256_HEX];
  const int n = snprintf(path, sizeof path, "%s/%s", folder, file);
  if (n < 0 || n >= PATH_LIMIT)
    return pv_error_set(err, PV_ERR_LIMIT, "the name of a file of the trace is too long");
  const pv_code code = pv_sha256_file(path, one, err);
  if (code == PV_OK) pv_sha256_add(hash, one, sizeof one);
  return code;
}

pv_code pv_recorded_digest(const pv_recorded *r, char out[PV_SHA256_HEX], pv_error *err) {
  char unused[PV_SHA256_HEX];
  pv_sha256 *hash = pv_sha256_new();
  if (hash == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for a digest");
  pv_code code = add_file(hash, r->manifest->folder, "manifest.json", err);
  for (int s = 0; s < PV_STAGES_MAX; s++)
    for (uint32_t l = 0; l < r->layers && code == PV_OK; l++)
      if (r->tensors[s][l] != NULL)
        code = add_file(hash, r->manifest->folder, r->tensors[s][l]->file, err);
  const pv_code finished =
      pv_sha256_finish(hash, code == PV_OK ? out : unused, code == PV_OK ? err : NULL);
  return code == PV_OK ? finished : code;
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

static pv_code reader_begin(pv_backend *backend, const pv_batch *batch, pv_error *err) {
  reader *r = (reader *)backend;
  if (!pv_ck_range(batch->position, batch->count, r->recorded->manifest->positions) ||
      batch->logits != batch->count)
    return pv_error_set(err, PV_ERR_INTERNAL, "a batch is not inside the trace");
  r->position = batch->position;
  return PV_OK;
}

static pv_code reader_run(pv_backend *backend, const pv_step *step, pv_error *err) {
  (void)err;
  ((reader *)backend)->layer = step->layer;
  return PV_OK;
}

static pv_code reader_read(pv_backend *backend, pv_stage_id stage, size_t row, size_t rows,
                           void *out, pv_error *err) {
  const reader *r = (const reader *)backend;
  const pv_manifest *m = r->recorded->manifest;
  const pv_trace_tensor *t =
      r->recorded->tensors[stage][pv_plan_is_layered(m->plan, stage) ? r->layer : 0];
  uint64_t have = 0;
  int fd = -1;
  if (t == NULL)
    return pv_error_set(err, PV_ERR_INPUT, "the trace has no %s", m->plan->rows[stage].name);
  const uint64_t bytes = t->bytes / t->rows; /* of a row */
  const uint64_t from = (r->position + row) * bytes, length = rows * bytes;
  pv_code code = pv_manifest_file(m, t, &fd, err);
  while (code == PV_OK && have < length) {
    const ssize_t n = pread(fd, (char *)out + have, length - have, (off_t)(from + have));
    if (n > 0)
      have += (uint64_t)n;
    else if (n == 0)
      code = pv_manifest_at(m, t->file, pv_error_set(err, PV_ERR_INPUT, "the file became shorter"),
                            err);
    else if (errno != EINTR)
      code = pv_manifest_at(m, t->file, pv_error_errno(err, errno, "cannot read the trace"), err);
  }
  if (fd >= 0) close(fd);
  return code;
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

pv_code pv_recorded_forward(const pv_recorded *recorded, const pv_model *model,
                            const pv_backend_config *config, pv_forward **out, pv_error *err) {
  const pv_manifest *m = recorded->manifest;
  if (config->context != m->positions)
    return pv_manifest_at(
        m, "manifest.json",
        pv_error_set(err, PV_ERR_INPUT, "the trace has %zu positions, the run %zu", m->positions,
                     config->context),
        err);
  reader *r = calloc(1, sizeof *r);
  if (r == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for the trace");
  r->base = (pv_backend){&reader_ops, model, *config,
                         recorded->real_bytes != 0 ? recorded->real_bytes : sizeof(float)};
  r->recorded = recorded;
  const pv_code code = pv_forward_adopt(&r->base, out, err);
  if (code != PV_OK) free(r);
  return code;
}
