#include "tests/unit/bisect/recording.h"

#include <string.h>

#include "runtime/trace/folder.h"
#include "tests/unit/base/folder.h"
#include "tests/unit/testing.h"

pv_model *recording_model;
const uint32_t recording_ids[RECORDING_COUNT] = {861, 1644, 198, 17};

/* Writes a trace as pv trace does, with a fault in who computes. */
void recording_make(const char *name, pv_numerics numerics, const char *fault, const char *stages,
                    const char *layers) {
  const pv_backend_config config = {numerics, RECORDING_COUNT, RECORDING_BATCH, 2, NULL};
  const char *const about[] = {"backend", "elsewhere",   "numerics", pv_numerics_identity(numerics),
                               "ids",     RECORDING_IDS, NULL};
  pv_fault_side side = {0};
  pv_planted planted = {NULL, -1};
  pv_trace_writer *writer = NULL;
  pv_trace_filter filter;
  pv_error err = PV_ERROR_INIT;
  pv_code code = fault != NULL ? pv_fault_parse(fault, &planted, &err) : PV_OK;
  if (code == PV_OK)
    code = pv_fault_open(recording_model, "cpu", &config, fault != NULL ? &planted : NULL, &side,
                         &err);
  if (code == PV_OK)
    code = pv_trace_filter_parse(stages, layers, recording_model->plan,
                                 recording_model->shape.layers, &filter, &err);
  if (code == PV_OK) code = pv_trace_begin(folder_path(name), &filter, false, &writer, &err);
  if (code == PV_OK) {
    const pv_source source = pv_source_of(side.forward);
    const pv_visitor visitor = pv_trace_visitor(writer);
    const pv_walk_spec walk = {.plan = source.plan,
                               .layers = source.layers,
                               .sources = &source,
                               .source_count = 1,
                               .ids = recording_ids,
                               .count = RECORDING_COUNT,
                               .batch = RECORDING_BATCH};
    code = pv_walk(&walk, &visitor, &err);
  }
  if (code == PV_OK) code = pv_trace_finish(writer, about, &err);
  if (!EXPECT_I64(code, PV_OK)) pv_error_print(&err, stderr);
  pv_trace_free(writer);
  pv_fault_close(&side);
}

/* Sides by the name of their folder; NULL: the CPU in i16. */
pv_bisect_result recording_bisect(const char *left, const char *right) {
  const char *const names[] = {left, right};
  pv_recorded *recorded[2] = {NULL, NULL};
  pv_recorded_model of = {.model = recording_model};
  pv_bisect_result out = {0};
  pv_bisect_spec spec = {.model = recording_model,
                         .ids = recording_ids,
                         .count = RECORDING_COUNT,
                         .batch = RECORDING_BATCH,
                         .threads = 2};
  pv_error err = PV_ERROR_INIT;
  pv_code code = PV_OK;
  for (int i = 0; i < 2 && code == PV_OK; i++) {
    if (names[i] != NULL) code = pv_recorded_open(folder_path(names[i]), &of, &recorded[i], &err);
    spec.side[i] =
        (pv_walker){i == 0 ? "left" : "right",
                    {pv_side_kind_find("cpu"), PV_NUMERICS_I16, {NULL, -1}, NULL, NULL, ""},
                    recorded[i]};
  }
  if (code == PV_OK) code = pv_bisect(&spec, &out, &err);
  if (!EXPECT_I64(code, PV_OK)) pv_error_print(&err, stderr);
  for (int i = 0; i < 2; i++) pv_recorded_close(recorded[i]);
  return out;
}

/* Changes the manifest of `name`: one member of the object, or of the tensor `file`. */
void recording_change(const char *name, const char *file, const char *key, json_t *value) {
  char path[300];
  snprintf(path, sizeof path, "%s/manifest.json", folder_path(name));
  json_t *root = json_load_file(path, 0, NULL), *object = file == NULL ? root : NULL;
  size_t i;
  json_t *t;
  json_array_foreach(json_object_get(root, "tensors"), i,
                     t) if (file != NULL && strcmp(json_string_value(json_object_get(t, "file")),
                                                   file) == 0) object = t;
  EXPECT(object != NULL);
  if (value != NULL)
    json_object_set_new(object, key, value);
  else
    json_object_del(object, key);
  EXPECT_I64(json_dump_file(root, path, 0), 0);
  json_decref(root);
}

void recording_poke(const char *name, const char *file, size_t offset, const void *bytes,
                    size_t length) {
  char path[300];
  recording_change(name, file, "sha256", NULL);
  snprintf(path, sizeof path, "%s/%s", folder_path(name), file);
  FILE *f = fopen(path, "r+b");
  if (!EXPECT(f != NULL)) return;
  EXPECT(fseek(f, (long)offset, SEEK_SET) == 0 && fwrite(bytes, 1, length, f) == length);
  EXPECT(fclose(f) == 0);
}
