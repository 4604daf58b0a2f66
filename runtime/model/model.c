#include "runtime/model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "runtime/model/internal.h"
#include "runtime/model/metadata.h"

/* Which one it is not, and what those are. */
static void say_architectures(const pv_gguf *g, const pv_gguf_string *arch, pv_error *err) {
  char names[PV_PLAN_LIST], about[PV_PLAN_LIST];
  pv_plan_list(false, names, sizeof names);
  pv_plan_list(true, about, sizeof about);
  pv_error_set(err, PV_ERR_UNSUPPORTED, "the model's architecture is '%.*s', not %s",
               (int)(arch->length < 40 ? arch->length : 40), arch->data, names);
  pv_error_at(err, pv_gguf_path(g), 0, 0, -1);
  pv_error_hint(err, "pv computes %s; list what the file holds with: pv tensors FILE", about);
}

/* A count of experts of another type than a number is said where its key is looked at. */
static bool has_experts(const pv_gguf *g, const pv_gguf_string *arch) {
  char key[PV_MODEL_KEY_NAME];
  uint64_t count = 0;
  snprintf(key, sizeof key, "%.*s.expert_count", (int)(arch->length < 40 ? arch->length : 40),
           arch->data);
  return pv_gguf_find(g, key) != NULL && pv_gguf_get_u64(g, key, &count, NULL) == PV_OK &&
         count > 0;
}

static pv_code find_plan(pv_model *m, pv_error *err) {
  pv_gguf_string arch;
  const pv_code code = pv_gguf_get_string(m->gguf, "general.architecture", &arch, err);
  if (code != PV_OK) return code;
  m->plan = pv_plan_find(arch.data, (size_t)arch.length, has_experts(m->gguf, &arch));
  if (m->plan != NULL) return PV_OK;
  say_architectures(m->gguf, &arch, err);
  return PV_ERR_UNSUPPORTED;
}

pv_code pv_model_from_gguf(pv_gguf *gguf, pv_model **out, pv_error *err) {
  pv_model *m = calloc(1, sizeof *m);
  if (m == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for the model");
  m->gguf = gguf;
  pv_code code = find_plan(m, err);
  if (code == PV_OK) code = model_read_shape(m, err);
  if (code == PV_OK) code = model_read_rope(m, err);
  if (code == PV_OK) code = model_find_vocab(m, err);
  if (code == PV_OK) code = model_check_metadata(m, err);
  if (code == PV_OK) code = model_check_types(gguf, err);
  if (code == PV_OK) {
    m->layers = calloc(m->shape.layers, sizeof *m->layers);
    if (m->layers == NULL) code = pv_error_set(err, PV_ERR_NOMEM, "out of memory for the layers");
  }
  if (code == PV_OK) code = model_find_tensors(m, err);
  if (code != PV_OK) {
    m->gguf = NULL;
    pv_model_close(m);
    return code;
  }
  *out = m;
  return PV_OK;
}

pv_code pv_model_open(const char *path, pv_model **out, pv_error *err) {
  pv_gguf *gguf = NULL;
  pv_code code = pv_gguf_open(path, &gguf, err);
  if (code != PV_OK) return code;
  code = pv_model_from_gguf(gguf, out, err);
  if (code != PV_OK) pv_gguf_close(gguf);
  return code;
}

void pv_model_close(pv_model *model) {
  if (model == NULL) return;
  pv_gguf_close(model->gguf);
  free(model->layers);
  free(model);
}

const pv_gguf_tensor *pv_model_weight(const pv_model *model, size_t row, uint32_t layer) {
  const bool once = pv_plan_is(model->plan, row, PV_ROW_ONCE);
  return (once ? &model->once : &model->layers[layer])->weight[row];
}

const unsigned char *pv_model_expert(const pv_gguf_tensor *tensor, uint32_t e) {
  return tensor->data + (uint64_t)e * tensor->dims[1] * tensor->row_bytes;
}
