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
#include "base/text.h"

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

struct pv_trace_writer {
  pv_trace_filter filter; /* first: what pv_trace_wanted takes */
  char folder[PATH_LIMIT];
  json_t *tensors;
  bool finished;
};

static void tensor_name(const pv_plan *plan, char out[96], pv_stage_id stage, uint32_t layer) {
  if (pv_plan_is_layered(plan, stage))
    snprintf(out, 96, "%s.%u.bin", plan->rows[stage].name, layer);
  else
    snprintf(out, 96, "%s.bin", plan->rows[stage].name);
}

pv_code pv_trace_begin(const char *folder, const pv_trace_filter *filter, pv_trace_writer **out,
                       pv_error *err) {
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
  if (w != NULL) w->tensors = json_array();
  if (w == NULL || w->tensors == NULL) {
    free(w);
    rmdir(folder);
    return pv_error_set(err, PV_ERR_NOMEM, "out of memory for the trace");
  }
  snprintf(w->folder, sizeof w->folder, "%s", folder);
  w->filter = *filter;
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

static json_t *find_tensor(json_t *tensors, const char *file) {
  for (size_t i = 0; i < json_array_size(tensors); i++) {
    json_t *t = json_array_get(tensors, i);
    if (strcmp(json_string_value(json_object_get(t, "file")), file) == 0) return t;
  }
  return NULL;
}

/* The first batch adds the tensor, later ones more rows. */
static pv_code put(pv_trace_writer *w, const pv_rows *r, uint32_t layer, size_t position,
                   pv_error *err) {
  const pv_plan *plan = w->filter.plan;
  const bool layered = pv_plan_is_layered(plan, r->stage);
  const char *dtype = r->index ? "i32le" : r->size == sizeof(double) ? "f64le" : "f32le";
  char file[96], path[PATH_LIMIT + 100];
  tensor_name(plan, file, r->stage, layer);
  snprintf(path, sizeof path, "%s/%s", w->folder, file);
  json_t *tensor = find_tensor(w->tensors, file);
  if (tensor == NULL) {
    tensor = json_pack("{s:s, s:s, s:o, s:[I,I], s:s, s:I}", "file", file, "stage",
                       plan->rows[r->stage].name, "layer",
                       layered ? json_integer(layer) : json_null(), "shape", (json_int_t)0,
                       (json_int_t)r->width, "dtype", dtype, "position", (json_int_t)position);
    if (tensor == NULL || json_array_append_new(w->tensors, tensor) != 0)
      return pv_error_set(err, PV_ERR_NOMEM, "out of memory for the manifest");
  }
  json_t *count = json_array_get(json_object_get(tensor, "shape"), 0);
  json_integer_set(count, json_integer_value(count) + (json_int_t)r->rows);
  return write_file(path, r->data, r->rows * r->width * r->size, err);
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

pv_code pv_trace_finish(pv_trace_writer *writer, const char *const *about, pv_error *err) {
  char path[PATH_LIMIT + 100];
  pv_text text = PV_TEXT_INIT;
  json_t *root = json_pack("{s:s, s:O}", "schema", "pv/trace/v1", "tensors", writer->tensors);
  for (size_t i = 0; about[i] != NULL; i += 2)
    pv_json_set(&root, about[i], pv_json_string(about[i + 1]));
  pv_code code = pv_json_write(root, JSON_INDENT(1), &text, err);
  json_decref(root);
  snprintf(path, sizeof path, "%s/manifest.json", writer->folder);
  if (code == PV_OK) code = pv_file_replace(path, text.data, text.length, err);
  pv_text_free(&text);
  if (code != PV_OK) unlink(path); /* it may have its name, and the folder not be synced */
  writer->finished = code == PV_OK;
  return code;
}

void pv_trace_free(pv_trace_writer *writer) {
  if (writer == NULL) return;
  for (size_t i = 0; !writer->finished && i < json_array_size(writer->tensors); i++) {
    char path[PATH_LIMIT + 100];
    snprintf(path, sizeof path, "%s/%s", writer->folder,
             json_string_value(json_object_get(json_array_get(writer->tensors, i), "file")));
    unlink(path);
  }
  if (!writer->finished) rmdir(writer->folder);
  json_decref(writer->tensors);
  free(writer);
}
