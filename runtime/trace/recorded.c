/* Reads a trace folder, which somebody wrote, as a side. */
#include "runtime/trace/recorded.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ck.h"
#include "base/file.h"
#include "base/options.h"

enum { PATH_LIMIT = PV_RECORDED_PATH };
#define MANIFEST "manifest.json"

static bool path_of(const pv_recorded *r, const char *file, char out[PATH_LIMIT]) {
  const int n = snprintf(out, PATH_LIMIT, "%s/%s", r->folder, file);
  return n > 0 && n < PATH_LIMIT;
}

static pv_code at_file(const pv_recorded *r, const char *file, pv_code code, pv_error *err) {
  char path[PATH_LIMIT];
  if (path_of(r, file, path)) pv_error_at(err, path, 0, 0, -1);
  return code;
}

static pv_code refuse(const pv_recorded *r, pv_error *err, const char *why) {
  return at_file(r, MANIFEST, pv_error_set(err, PV_ERR_INPUT, "%s", why), err);
}

static pv_code bad_tensor(const pv_recorded *r, const char *file, pv_error *err, const char *why) {
  const pv_code code = pv_error_set(err, PV_ERR_INPUT, "by the manifest this tensor %s", why);
  return at_file(r, file, code, err);
}

/* A regular file of exactly the bytes that the manifest promises, open for reading. */
static pv_code open_file(const pv_recorded *r, const pv_trace_tensor *t, int *fd, pv_error *err) {
  char path[PATH_LIMIT];
  struct stat info;
  if (!path_of(r, t->file, path))
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
  return at_file(r, t->file, code, err);
}

/* Which stage and layer; false when there is no such one. */
static bool read_place(const pv_recorded *r, const json_t *object, pv_trace_tensor *out) {
  const char *name = json_string_value(json_object_get(object, "stage"));
  const json_t *number = json_object_get(object, "layer");
  const int found = name != NULL ? pv_plan_stage(r->plan, name) : -1;
  if (found < 0) return false;
  out->stage = (pv_stage_id)found;
  out->layer = 0;
  if (!pv_plan_is_layered(r->plan, out->stage)) return number == NULL || json_is_null(number);
  if (!json_is_integer(number) || json_integer_value(number) < 0 ||
      json_integer_value(number) >= PV_MODEL_LAYERS_MAX)
    return false;
  out->layer = (uint32_t)json_integer_value(number);
  return true;
}

/* All real tensors have one type: that of the arithmetic. */
static pv_code read_type(const json_t *object, const pv_recorded *r, pv_trace_tensor *out,
                         pv_error *err) {
  static const char *const names[] = {
      [PV_ELEMENT_F32] = "f32le", [PV_ELEMENT_F64] = "f64le", [PV_ELEMENT_I32] = "i32le"};
  const char *dtype = json_string_value(json_object_get(object, "dtype"));
  const bool index = pv_plan_is(r->plan, out->stage, PV_ROW_INDEX);
  bool known = false;
  for (int i = PV_ELEMENT_F32; i <= PV_ELEMENT_I32 && dtype != NULL && !known; i++) {
    known = strcmp(dtype, names[i]) == 0;
    if (known) out->type = (pv_element)i;
  }
  if (index && (!known || out->type != PV_ELEMENT_I32))
    return bad_tensor(r, out->file, err, "is not i32le, which its stage is made of");
  if (!known || index != (out->type == PV_ELEMENT_I32))
    return bad_tensor(r, out->file, err, "is neither f32le nor f64le");
  if (!index && r->source.real_bytes != 0 && r->source.real_bytes != pv_element_bytes(out->type))
    return bad_tensor(r, out->file, err, "is of another type than the tensors before it");
  return PV_OK;
}

static pv_code read_shape(const json_t *object, const pv_recorded *r, pv_trace_tensor *out,
                          pv_error *err) {
  const json_t *shape = json_object_get(object, "shape");
  const json_t *position = json_object_get(object, "position");
  const json_int_t rows = json_integer_value(json_array_get(shape, 0));
  const json_int_t width = json_integer_value(json_array_get(shape, 1));
  uint64_t elements = 0;
  size_t positions = 0;
  if (json_array_size(shape) != 2 || rows <= 0 || width <= 0 ||
      !pv_ck_size((uint64_t)rows, &positions))
    return bad_tensor(r, out->file, err, "has no shape of positions and width");
  if (position != NULL && (!json_is_integer(position) || json_integer_value(position) != 0))
    return bad_tensor(r, out->file, err, "does not begin at position 0");
  if (r->count > 0 && r->source.positions != positions)
    return bad_tensor(r, out->file, err, "has another number of positions than those before it");
  out->rows = (uint64_t)rows;
  out->width = (uint64_t)width;
  if (!pv_ck_mul(out->rows, out->width, &elements) ||
      !pv_ck_mul(elements, pv_element_bytes(out->type), &out->bytes))
    return bad_tensor(r, out->file, err, "is larger than any file");
  return PV_OK;
}

/* What only a model can tell. */
static pv_code check_tensor(const pv_recorded *r, const pv_trace_tensor *t, const pv_model *model,
                            pv_error *err) {
  const size_t wanted = pv_plan_width(r->plan, t->stage, &model->shape);
  int fd = -1;
  pv_code code = PV_OK;
  if (t->layer >= model->shape.layers)
    code = pv_error_set(
        err, PV_ERR_INPUT,
        "by the manifest this tensor is of layer %u, which this model does not have", t->layer);
  else if (t->width != wanted)
    code = pv_error_set(err, PV_ERR_INPUT, "%s is %llu wide by the manifest, %zu in this model",
                        r->plan->rows[t->stage].name, (unsigned long long)t->width, wanted);
  else if (t->rows > model->shape.context)
    code = pv_error_set(err, PV_ERR_INPUT,
                        "by the manifest this tensor has %llu positions, this model at most %u",
                        (unsigned long long)t->rows, model->shape.context);
  else if (r->defined && t->type != PV_ELEMENT_I32 &&
           (t->type == PV_ELEMENT_F64) != (r->numerics == PV_NUMERICS_F64))
    code = pv_error_set(err, PV_ERR_INPUT,
                        "by the manifest this tensor is of another type than the numerics identity "
                        "computes");
  if (code != PV_OK) return at_file(r, t->file, code, err);
  code = open_file(r, t, &fd, err);
  if (fd >= 0) close(fd);
  return code;
}

static pv_code read_tensor(const json_t *object, const pv_model *model, pv_recorded *r,
                           pv_error *err) {
  pv_source *s = &r->source;
  pv_trace_tensor *t = &r->list[r->count];
  t->file = json_string_value(json_object_get(object, "file"));
  if (t->file == NULL || t->file[0] == '\0' || strchr(t->file, '/') != NULL)
    return refuse(r, err, "has a tensor without a file inside the folder");
  if (!read_place(r, object, t))
    return bad_tensor(r, t->file, err, "is of a stage or layer that a forward does not have");
  if (r->tensors[t->layer][t->stage] != NULL) return bad_tensor(r, t->file, err, "is there twice");
  pv_code code = read_type(object, r, t, err);
  if (code == PV_OK) code = read_shape(object, r, t, err);
  if (code == PV_OK && model != NULL) code = check_tensor(r, t, model, err);
  if (code != PV_OK) return code;
  r->tensors[t->layer][t->stage] = t;
  r->count++;
  s->positions = (size_t)t->rows;
  if (t->type != PV_ELEMENT_I32) s->real_bytes = pv_element_bytes(t->type);
  if (t->layer >= s->layers) s->layers = t->layer + 1;
  return PV_OK;
}

static pv_code read_tensors(const json_t *list, const pv_model *model, pv_recorded *r,
                            pv_error *err) {
  r->list = calloc(json_array_size(list), sizeof *r->list);
  r->tensors = calloc(PV_MODEL_LAYERS_MAX, sizeof *r->tensors);
  pv_code code = r->list != NULL && r->tensors != NULL
                     ? PV_OK
                     : pv_error_set(err, PV_ERR_NOMEM, "out of memory for the trace");
  for (size_t i = 0; i < json_array_size(list) && code == PV_OK; i++)
    code = read_tensor(json_array_get(list, i), model, r, err);
  return code;
}

static pv_code read_ids(const json_t *root, pv_recorded *r, pv_error *err) {
  const json_t *ids = json_object_get(root, "ids");
  size_t count = 0;
  if (ids == NULL) return PV_OK;
  if (!json_is_string(ids)) return refuse(r, err, "ids is not a text such as \"1,2,3\"");
  pv_code code = pv_option_ids("ids", json_string_value(ids), &r->ids, &count, err);
  if (code == PV_OK && count != r->source.positions)
    code = pv_error_set(err, PV_ERR_INPUT, "has %zu token ids and tensors of %zu positions", count,
                        r->source.positions);
  r->source.ids = r->ids;
  return code == PV_OK ? PV_OK : at_file(r, MANIFEST, code, err);
}

/* A text that may be missing. */
static const char *text_of(const json_t *root, const char *name) {
  const char *text = json_string_value(json_object_get(root, name));
  return text != NULL ? text : "";
}

static pv_code read_about(const json_t *root, pv_recorded *r, pv_error *err) {
  pv_source *s = &r->source;
  s->computed = text_of(root, "backend");
  s->identity = text_of(root, "numerics");
  s->model_sha256 = text_of(root, "model_sha256");
  for (int i = 0; i < PV_NUMERICS_COUNT; i++)
    if (strcmp(pv_numerics_identity((pv_numerics)i), s->identity) == 0) {
      r->defined = true;
      r->numerics = (pv_numerics)i;
    }
  const size_t digits = strspn(s->model_sha256, "0123456789abcdef");
  if (json_object_get(root, "model_sha256") == NULL) return PV_OK;
  if (digits != PV_SHA256_HEX - 1 || s->model_sha256[digits] != '\0')
    return refuse(r, err, "model_sha256 is not 64 hexadecimal digits in lower case");
  return PV_OK;
}

/* A trace of another file would differ everywhere, and nobody would be wrong. */
static pv_code check_model(const pv_recorded *r, pv_recorded_model *of, pv_error *err) {
  const char *said = r->source.model_sha256;
  if (said[0] == '\0' || of->path == NULL) return PV_OK;
  pv_code code = of->sha256[0] != '\0' ? PV_OK : pv_sha256_file(of->path, of->sha256, err);
  if (code != PV_OK || strcmp(of->sha256, said) == 0) return code;
  pv_error_set(
      err, PV_ERR_INPUT,
      "the trace is of another model: its SHA-256 begins with %.12s, that of %s with %.12s", said,
      of->path, of->sha256);
  pv_error_at(err, r->folder, 0, 0, -1);
  pv_error_hint(err, "name with --model the file that was traced, or trace this one: pv trace");
  return PV_ERR_INPUT;
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

/* By its name: the plan that is asked for may be another than the trace's. */
const pv_trace_tensor *pv_recorded_tensor(const pv_recorded *r, pv_stage_id stage, uint32_t layer) {
  const int own = r->own[stage];
  return own >= 0 && layer < PV_MODEL_LAYERS_MAX
             ? r->tensors[pv_plan_is_layered(r->plan, (size_t)own) ? layer : 0][own]
             : NULL;
}

static size_t recorded_width(const pv_source *s, pv_stage_id stage, uint32_t layer) {
  const pv_trace_tensor *t = pv_recorded_tensor(s->kept, stage, layer);
  return t != NULL ? (size_t)t->width : 0;
}

static pv_code read_recorded(const pv_source *s, pv_stage_id stage, uint32_t layer, size_t position,
                             size_t rows, void *out, pv_error *err) {
  const pv_recorded *r = s->kept;
  const pv_trace_tensor *t = pv_recorded_tensor(r, stage, layer);
  uint64_t have = 0;
  int fd = -1;
  if (t == NULL)
    return pv_error_set(err, PV_ERR_INPUT, "the trace has no %s", s->plan->rows[stage].name);
  const uint64_t bytes = t->bytes / t->rows; /* of a row */
  const uint64_t from = position * bytes, length = rows * bytes;
  pv_code code = open_file(r, t, &fd, err);
  while (code == PV_OK && have < length) {
    const ssize_t n = pread(fd, (char *)out + have, length - have, (off_t)(from + have));
    if (n > 0)
      have += (uint64_t)n;
    else if (n == 0)
      code = at_file(r, t->file, pv_error_set(err, PV_ERR_INPUT, "the file became shorter"), err);
    else if (errno != EINTR)
      code = at_file(r, t->file, pv_error_errno(err, errno, "cannot read the trace"), err);
  }
  if (fd >= 0) close(fd);
  return code;
}

/* The stages that are asked for, of the one kind in both plans; the others are counted. */
static void map_stages(pv_recorded *r, const pv_plan *asked) {
  const unsigned shape = PV_ROW_INDEX | PV_ROW_ONCE;
  bool known[PV_STAGES_MAX] = {false};
  r->source.plan = asked;
  for (size_t s = 0; s < asked->count; s++) {
    const int own = pv_plan_stage(r->plan, asked->rows[s].name);
    const bool same = own >= 0 && ((asked->rows[s].flags ^ r->plan->rows[own].flags) & shape) == 0;
    r->own[s] = same ? own : -1;
    if (same) known[own] = true;
  }
  for (size_t i = 0; i < r->count; i++) r->source.others += !known[r->list[i].stage];
}

static pv_code read_manifest(pv_recorded *r, pv_recorded_model *of, pv_error *err) {
  const pv_model *model = of->model;
  pv_bytes bytes = {0};
  json_error_t where;
  if (!path_of(r, MANIFEST, r->place))
    return pv_error_set(err, PV_ERR_LIMIT, "the folder's name is too long");
  pv_code code = pv_file_read(r->place, (size_t)64 << 20, &bytes, err);
  if (code != PV_OK) {
    pv_error_hint(err, "a trace folder is written by: pv trace --out DIR");
    return code;
  }
  json_t *root = json_loadb((const char *)bytes.data, bytes.length, JSON_REJECT_DUPLICATES, &where);
  r->root = root;
  pv_bytes_free(&bytes);
  const json_t *tensors = json_object_get(root, "tensors");
  if (strcmp(text_of(root, "schema"), "pv/trace/v1") != 0)
    return refuse(r, err, "is no manifest of a pv/trace/v1");
  if (json_array_size(tensors) == 0) return refuse(r, err, "names no tensors");
  r->plan = model != NULL ? model->plan : plan_of(tensors);
  code = read_about(root, r, err);
  if (code == PV_OK) code = check_model(r, of, err);
  if (code == PV_OK) code = read_tensors(tensors, model, r, err);
  if (code == PV_OK) code = read_ids(root, r, err);
  if (code != PV_OK) return code;
  map_stages(r, model == NULL && of->plan != NULL ? of->plan : r->plan);
  if (r->source.real_bytes == 0) r->source.real_bytes = sizeof(float);
  if (model != NULL) r->source.layers = model->shape.layers;
  return PV_OK;
}

pv_code pv_recorded_open(const char *folder, pv_recorded_model *of, pv_recorded **out,
                         pv_error *err) {
  pv_recorded *r = calloc(1, sizeof *r);
  if (r == NULL || (r->folder = strdup(folder)) == NULL) {
    free(r);
    return pv_error_set(err, PV_ERR_NOMEM, "out of memory for the trace");
  }
  r->source = (pv_source){.kept = r,
                          .shape = of->model != NULL ? &of->model->shape : NULL,
                          .place = r->place,
                          .width = recorded_width,
                          .read = read_recorded};
  const pv_code code = read_manifest(r, of, err);
  if (code == PV_OK)
    *out = r;
  else
    pv_recorded_close(r);
  return code;
}

void pv_recorded_close(pv_recorded *r) {
  if (r == NULL) return;
  json_decref(r->root);
  free(r->tensors);
  free(r->list);
  free(r->ids);
  free(r->folder);
  free(r);
}

bool pv_recorded_has(const pv_recorded *r, pv_stage_id stage, uint32_t layer) {
  return pv_source_has(&r->source, stage, layer);
}

static pv_code add_file(pv_sha256 *hash, const pv_recorded *r, const char *file, pv_error *err) {
  char path[PATH_LIMIT], one[PV_SHA256_HEX];
  if (!path_of(r, file, path))
    return pv_error_set(err, PV_ERR_LIMIT, "the name of a file of the trace is too long");
  const pv_code code = pv_sha256_file(path, one, err);
  if (code == PV_OK) pv_sha256_add(hash, one, sizeof one);
  return code;
}

pv_code pv_recorded_digest(const pv_recorded *r, char out[PV_SHA256_HEX], pv_error *err) {
  char unused[PV_SHA256_HEX];
  pv_sha256 *hash = pv_sha256_new();
  if (hash == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for a digest");
  pv_code code = add_file(hash, r, MANIFEST, err);
  for (size_t i = 0; i < r->count && code == PV_OK; i++)
    code = add_file(hash, r, r->list[i].file, err);
  const pv_code finished =
      pv_sha256_finish(hash, code == PV_OK ? out : unused, code == PV_OK ? err : NULL);
  return code == PV_OK ? finished : code;
}
