#include "tests/unit/forward/golden.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "tests/unit/testing.h"

bool golden_open(golden *g) {
  char path[600];
  *g = (golden){.shared = pv_testing_shared()};
  if (g->shared == NULL) return false;
  snprintf(path, sizeof path, "%s/golden/manifest.json", g->shared);
  g->manifest = json_load_file(path, 0, NULL);
  return g->manifest != NULL;
}

void golden_close(golden *g) {
  json_decref(g->manifest);
}

static json_t *prompt_at(const golden *g, size_t i) {
  return json_array_get(json_object_get(g->manifest, "prompts"), i);
}

size_t golden_prompts(const golden *g) {
  return json_array_size(json_object_get(g->manifest, "prompts"));
}

const char *golden_name(const golden *g, size_t prompt) {
  return json_string_value(json_object_get(prompt_at(g, prompt), "name"));
}

size_t golden_ids(const golden *g, size_t prompt, const char *key, uint32_t *out, size_t room) {
  const json_t *list = json_object_get(prompt_at(g, prompt), key);
  const size_t count = json_array_size(list);
  for (size_t i = 0; i < count && i < room; i++)
    out[i] = (uint32_t)json_integer_value(json_array_get(list, i));
  return count < room ? count : room;
}

void *golden_tensor(const golden *g, size_t prompt, const char *key, size_t shape[3]) {
  const json_t *t = json_object_get(json_object_get(prompt_at(g, prompt), "tensors"), key);
  char path[600];
  pv_bytes bytes;
  size_t elements = 1;
  if (t == NULL) return NULL;
  for (size_t i = 0; i < 3; i++) {
    const json_t *d = json_array_get(json_object_get(t, "shape"), i);
    shape[i] = d != NULL ? (size_t)json_integer_value(d) : 1;
    elements *= shape[i];
  }
  snprintf(path, sizeof path, "%s/golden/%s", g->shared,
           json_string_value(json_object_get(t, "file")));
  if (!EXPECT_I64(pv_file_read(path, (size_t)1 << 28, &bytes, NULL), PV_OK)) return NULL;
  EXPECT_U64(bytes.length, elements * 4);
  return bytes.data;
}

pv_model *golden_model(const golden *g, const char *kind) {
  char path[600];
  pv_error err = PV_ERROR_INIT;
  pv_model *model = NULL;
  snprintf(path, sizeof path, "%s/models/tiny-coder-moe-%s.gguf", g->shared, kind);
  if (!EXPECT_I64(pv_model_open(path, &model, &err), PV_OK)) pv_error_print(&err, stderr);
  return model;
}
