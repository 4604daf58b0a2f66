/* Reads a trace folder as a side. */
#include "runtime/trace/recorded.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pv_code check_tensor(const pv_recorded *r, const pv_trace_tensor *t, const pv_model *model,
                            pv_error *err) {
  const pv_manifest *m = r->manifest;
  const size_t wanted = pv_plan_width(m->plan, t->stage, &model->shape);
  int fd = -1;
  pv_code code = PV_OK;
  if (t->layer >= model->shape.layers)
    code = pv_error_set(
        err, PV_ERR_INPUT,
        "by the manifest this tensor is of layer %u, which this model does not have", t->layer);
  else if (t->width != wanted)
    code = pv_error_set(err, PV_ERR_INPUT, "%s is %llu wide by the manifest, %zu in this model",
                        m->plan->rows[t->stage].name, (unsigned long long)t->width, wanted);
  else if (t->rows > model->shape.context)
    code = pv_error_set(err, PV_ERR_INPUT,
                        "by the manifest this tensor has %llu positions, this model at most %u",
                        (unsigned long long)t->rows, model->shape.context);
  else if (r->defined && t->type != PV_ELEMENT_I32 &&
           (t->type == PV_ELEMENT_F64) != (r->numerics == PV_NUMERICS_F64))
    code = pv_error_set(err, PV_ERR_INPUT,
                        "by the manifest this tensor is of another type than the numerics identity "
                        "computes");
  if (code != PV_OK) return pv_manifest_at(m, t->file, code, err);
  code = pv_manifest_file(m, t, &fd, err);
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

/* Stages go by their names: the plan that is asked for may be another than the trace's. */
static pv_code take_tensors(pv_recorded *r, const pv_model *model, pv_error *err) {
  const pv_manifest *m = r->manifest;
  pv_source *s = &r->source;
  pv_code code = PV_OK;
  for (size_t i = 0; i < m->count && code == PV_OK; i++) {
    const pv_trace_tensor *t = &m->tensors[i];
    if (model != NULL) code = check_tensor(r, t, model, err);
    if (code != PV_OK) break;
    if (t->type != PV_ELEMENT_I32) s->real_bytes = pv_element_bytes(t->type);
    const int stage = pv_plan_stage(s->plan, m->plan->rows[t->stage].name);
    const unsigned shape = PV_ROW_INDEX | PV_ROW_ONCE;
    if (stage >= 0 && ((s->plan->rows[stage].flags ^ m->plan->rows[t->stage].flags) & shape) == 0)
      r->tensors[stage][t->layer] = t;
    else
      s->others++;
  }
  return code;
}

static size_t recorded_width(const pv_source *s, pv_stage_id stage, uint32_t layer) {
  const pv_trace_tensor *t = ((const pv_recorded *)s->kept)->tensors[stage][layer];
  return t != NULL ? (size_t)t->width : 0;
}

static pv_code read_recorded(const pv_source *s, pv_stage_id stage, uint32_t layer, size_t position,
                             size_t rows, void *out, pv_error *err) {
  const pv_recorded *r = s->kept;
  const pv_manifest *m = r->manifest;
  const pv_trace_tensor *t = r->tensors[stage][pv_plan_is_layered(s->plan, stage) ? layer : 0];
  uint64_t have = 0;
  int fd = -1;
  if (t == NULL)
    return pv_error_set(err, PV_ERR_INPUT, "the trace has no %s", s->plan->rows[stage].name);
  const uint64_t bytes = t->bytes / t->rows; /* of a row */
  const uint64_t from = position * bytes, length = rows * bytes;
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

static uint32_t layers_of(const pv_manifest *m) {
  uint32_t last = 0;
  for (size_t i = 0; i < m->count; i++)
    if (m->tensors[i].layer > last) last = m->tensors[i].layer;
  return last + 1;
}

/* What the manifest says, and room for the tensors. */
static pv_code make_source(pv_recorded *r, const pv_recorded_model *of, pv_error *err) {
  const pv_manifest *m = r->manifest;
  const pv_model *model = of->model;
  r->source = (pv_source){.kept = r,
                          .plan = model != NULL || of->plan == NULL ? m->plan : of->plan,
                          .shape = model != NULL ? &model->shape : NULL,
                          .layers = model != NULL ? model->shape.layers : layers_of(m),
                          .positions = m->positions,
                          .real_bytes = sizeof(float),
                          .computed = m->backend,
                          .identity = m->identity,
                          .model_sha256 = m->model_sha256,
                          .ids = m->ids,
                          .place = r->place,
                          .width = recorded_width,
                          .read = read_recorded};
  snprintf(r->place, sizeof r->place, "%s/manifest.json", m->folder);
  for (int i = 0; i < PV_NUMERICS_COUNT; i++)
    if (strcmp(pv_numerics_identity((pv_numerics)i), m->identity) == 0) {
      r->defined = true;
      r->numerics = (pv_numerics)i;
    }
  for (int s = 0; s < PV_STAGES_MAX; s++) {
    r->tensors[s] = calloc(r->source.layers, sizeof *r->tensors[s]);
    if (r->tensors[s] == NULL)
      return pv_error_set(err, PV_ERR_NOMEM, "out of memory for the trace");
  }
  return PV_OK;
}

pv_code pv_recorded_open(const char *folder, pv_recorded_model *of, pv_recorded **out,
                         pv_error *err) {
  pv_recorded *r = calloc(1, sizeof *r);
  if (r == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for the trace");
  pv_code code =
      pv_manifest_open(folder, of->model != NULL ? of->model->plan : NULL, &r->manifest, err);
  if (code == PV_OK) code = make_source(r, of, err);
  if (code == PV_OK) code = check_model(r, of, err);
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
  return pv_source_has(&r->source, stage, layer);
}

static pv_code add_file(pv_sha256 *hash, const char *folder, const char *file, pv_error *err) {
  char path[4096], one[PV_SHA256_HEX];
  const int n = snprintf(path, sizeof path, "%s/%s", folder, file);
  if (n < 0 || n >= (int)sizeof path)
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
    for (uint32_t l = 0; l < r->source.layers && code == PV_OK; l++)
      if (r->tensors[s][l] != NULL)
        code = add_file(hash, r->manifest->folder, r->tensors[s][l]->file, err);
  const pv_code finished =
      pv_sha256_finish(hash, code == PV_OK ? out : unused, code == PV_OK ? err : NULL);
  return code == PV_OK ? finished : code;
}
