#include "runtime/trace/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/sha256.h"
#include "base/text.h"
#include "runtime/trace/listing.h"

enum { PATH_LIMIT = 4096 };

pv_code pv_trace_filter_parse(const char *stages, const char *layers, const pv_plan *plan,
                              uint32_t layer_count, pv_trace_filter *out, pv_error *err) {
  const bool every_stage = stages == NULL || strcmp(stages, "all") == 0;
  const bool every_layer = layers == NULL || strcmp(layers, "all") == 0;
  *out = (pv_trace_filter){.plan = plan};
  for (int s = 0; s < PV_STAGES_MAX; s++) out->stage[s] = every_stage;
  for (uint32_t l = 0; l < layer_count; l++) out->layer[l] = every_layer;
  for (const char *p = every_stage ? "" : stages; *p != '\0';) {
    char name[64];
    const size_t n = strcspn(p, ",");
    snprintf(name, sizeof name, "%.*s", (int)(n < 63 ? n : 63), p);
    const int stage = pv_plan_stage(plan, name);
    if (stage < 0) {
      pv_error_set(err, PV_ERR_INPUT, "there is no stage '%s'", name);
      pv_error_hint(err, "stages are embedding, attn_norm, q, k, v, ... logits, argmax");
      return PV_ERR_INPUT;
    }
    out->stage[stage] = true;
    p += n + (p[n] == ',');
  }
  for (const char *p = every_layer ? "" : layers; *p != '\0';) {
    const size_t n = strcspn(p, ",");
    uint64_t layer = 0;
    if (!pv_parse_u64(p, n, &layer) || layer >= layer_count)
      return pv_error_set(err, PV_ERR_INPUT, "'%.*s' is no layer from 0 to %u",
                          (int)(n < 40 ? n : 40), p, layer_count - 1);
    out->layer[layer] = true;
    p += n + (p[n] == ',');
  }
  return PV_OK;
}

bool pv_trace_wanted(const void *filter, pv_stage_id stage, uint32_t layer) {
  const pv_trace_filter *f = filter;
  return f->stage[stage] && (!pv_plan_is_layered(f->plan, stage) || f->layer[layer]);
}

/* What is written of a stage of a layer. */
typedef struct tensor {
  pv_sha256 *hash; /* over all of it; NULL: no row yet */
  size_t rows, width, position;
  pv_stored type;
} tensor;

struct pv_trace_writer {
  pv_trace_filter filter; /* first: what pv_trace_wanted takes */
  char folder[PATH_LIMIT];
  tensor (*tensors)[PV_STAGES_MAX]; /* [layer] */
  bool hashes, finished;
};

static void tensor_name(const pv_plan *plan, char out[96], pv_stage_id stage, uint32_t layer) {
  if (pv_plan_is_layered(plan, stage))
    snprintf(out, 96, "%s.%u.bin", plan->rows[stage].name, layer);
  else
    snprintf(out, 96, "%s.bin", plan->rows[stage].name);
}

pv_code pv_trace_begin(const char *folder, const pv_trace_filter *filter, bool hashes,
                       pv_trace_writer **out, pv_error *err) {
  struct stat info;
  if (strlen(folder) >= PATH_LIMIT - 128)
    return pv_error_set(err, PV_ERR_LIMIT, "the folder's name is too long");
  const bool there = stat(folder, &info) == 0;
  if (there && rmdir(folder) != 0) {
    pv_error_set(err, PV_ERR_INPUT, "'%s' exists already and is not empty", folder);
    pv_error_hint(err, "name a new folder: an old trace is never overwritten");
    return PV_ERR_INPUT;
  }
  pv_code code = pv_folder_make(folder, err);
  if (code != PV_OK) return code;
  pv_trace_writer *w = calloc(1, sizeof *w);
  if (w != NULL) w->tensors = calloc(PV_MODEL_LAYERS_MAX, sizeof *w->tensors);
  if (w == NULL || w->tensors == NULL) {
    free(w);
    rmdir(folder);
    return pv_error_set(err, PV_ERR_NOMEM, "out of memory for the trace");
  }
  snprintf(w->folder, sizeof w->folder, "%s", folder);
  w->filter = *filter;
  w->hashes = hashes;
  *out = w;
  return PV_OK;
}

static pv_code write_file(const char *path, const void *data, size_t length, pv_error *err) {
  const char *p = data;
  pv_code code = PV_OK;
  const int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0666);
  while (fd >= 0 && length > 0) {
    const ssize_t n = write(fd, p, length);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) break;
    p += n;
    length -= (size_t)n;
  }
  if (fd < 0 || length > 0) code = pv_error_errno(err, errno, "cannot write '%s'", path);
  if (fd >= 0 && close(fd) != 0 && code == PV_OK)
    code = pv_error_errno(err, errno, "cannot write '%s'", path);
  return code;
}

/* The first batch begins the tensor, later ones add rows. */
static pv_code put(pv_trace_writer *w, const pv_rows *r, uint32_t layer, size_t position,
                   pv_error *err) {
  tensor *t = &w->tensors[layer][r->stage];
  const size_t bytes = r->rows * r->width * r->size;
  char file[96], path[PATH_LIMIT + 100];
  if (t->hash == NULL) {
    *t = (tensor){.hash = pv_sha256_new(), .width = r->width, .position = position};
    t->type = r->index ? PV_STORED_I32 : r->size == sizeof(double) ? PV_STORED_F64 : PV_STORED_F32;
    if (t->hash == NULL) return pv_error_nomem(err, "a digest");
  }
  t->rows += r->rows;
  pv_sha256_add(t->hash, r->data, bytes);
  if (w->hashes) return PV_OK;
  tensor_name(w->filter.plan, file, r->stage, layer);
  snprintf(path, sizeof path, "%s/%s", w->folder, file);
  return write_file(path, r->data, bytes, err);
}

static pv_code visit(void *context, const pv_walk_at *at, pv_error *err) {
  pv_code code = PV_OK;
  for (size_t k = 0; k < at->step.count && code == PV_OK; k++)
    if (!at->of[0][k].absent) code = put(context, &at->of[0][k], at->step.layer, at->position, err);
  return code;
}

pv_visitor pv_trace_visitor(pv_trace_writer *writer) {
  return (pv_visitor){.context = writer, .want = pv_trace_wanted, .visit = visit};
}

/* One member of the manifest's list; ends the digest. */
static pv_code describe(const pv_trace_writer *w, pv_stage_id stage, uint32_t layer, json_t **list,
                        pv_error *err) {
  const pv_plan *plan = w->filter.plan;
  tensor *t = &w->tensors[layer][stage];
  char digest[PV_SHA256_HEX], file[96];
  pv_sha256 *hash = t->hash;
  if (hash == NULL) return PV_OK;
  t->hash = NULL;
  const pv_code code = pv_sha256_finish(hash, digest, err);
  if (code != PV_OK) return code;
  json_t *object = json_pack("{s:s}", "stage", plan->rows[stage].name);
  if (pv_plan_is_layered(plan, stage)) pv_json_set(&object, "layer", json_integer(layer));
  tensor_name(plan, file, stage, layer);
  if (!w->hashes) pv_json_set(&object, "file", json_string(file));
  pv_json_set(&object, "dtype", json_string(pv_stored_names[t->type]));
  pv_json_set(&object, "shape", json_pack("[I,I]", (json_int_t)t->rows, (json_int_t)t->width));
  pv_json_set(&object, "position", json_integer((json_int_t)t->position));
  pv_json_set(&object, "sha256", json_string(digest));
  pv_json_append(list, object);
  return PV_OK;
}

/* Names and texts, and those that go into the object `configuration`. */
static void add_about(json_t **root, const char *const *about) {
  static const char prefix[] = "configuration.";
  json_t *configuration = json_object();
  for (size_t i = 0; about[i] != NULL; i += 2) {
    const bool inner = strncmp(about[i], prefix, sizeof prefix - 1) == 0;
    pv_json_set(inner ? &configuration : root, about[i] + (inner ? sizeof prefix - 1 : 0),
                pv_json_string(about[i + 1]));
  }
  if (configuration != NULL && json_object_size(configuration) == 0)
    json_decref(configuration);
  else
    pv_json_set(root, "configuration", configuration);
}

/* In the order of computation. */
pv_code pv_trace_finish(pv_trace_writer *writer, const char *const *about, pv_error *err) {
  char path[PATH_LIMIT + 100];
  pv_text text = PV_TEXT_INIT;
  pv_code code = PV_OK;
  json_t *root = json_pack("{s:s}", "schema", "pv/trace/v2"), *list = json_array();
  add_about(&root, about);
  for (pv_step step = {0};
       code == PV_OK && pv_plan_next(writer->filter.plan, PV_MODEL_LAYERS_MAX, &step);)
    for (size_t k = 0; k < step.count && code == PV_OK; k++)
      code = describe(writer, (pv_stage_id)(step.first + k), step.layer, &list, err);
  pv_json_set(&root, "tensors", list);
  if (code == PV_OK) code = pv_json_write(root, JSON_INDENT(1), &text, err);
  json_decref(root);
  snprintf(path, sizeof path, "%s/manifest.json", writer->folder);
  if (code == PV_OK) code = pv_file_replace(path, text.data, text.length, err);
  pv_text_free(&text);
  if (code != PV_OK) unlink(path); /* it may have its name, and the folder not be synced */
  writer->finished = code == PV_OK;
  return code;
}

/* Of an unfinished one nothing is left, not even the file that could not be written whole. */
static void drop(pv_trace_writer *w, pv_stage_id stage, uint32_t layer) {
  char digest[PV_SHA256_HEX], file[96], path[PATH_LIMIT + 100];
  tensor *t = &w->tensors[layer][stage];
  if (t->hash != NULL) pv_sha256_finish(t->hash, digest, NULL);
  if (t->width == 0 || w->finished || w->hashes) return;
  tensor_name(w->filter.plan, file, stage, layer);
  snprintf(path, sizeof path, "%s/%s", w->folder, file);
  unlink(path);
}

void pv_trace_free(pv_trace_writer *writer) {
  if (writer == NULL) return;
  for (uint32_t l = 0; l < PV_MODEL_LAYERS_MAX; l++)
    for (pv_stage_id s = 0; s < writer->filter.plan->count; s++) drop(writer, s, l);
  if (!writer->finished) rmdir(writer->folder);
  free(writer->tensors);
  free(writer);
}
