#include "runtime/model/model.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "runtime/model/internal.h"
#include "runtime/model/metadata.h"

static pv_code get_u32(const pv_gguf *g, const char *key, uint64_t max, uint32_t *out,
                       pv_error *err) {
  uint64_t value = 0;
  pv_code code = pv_gguf_get_u64(g, key, &value, err);
  if (code != PV_OK) return code;
  if (value == 0 || value > max) {
    code = pv_error_set(err, PV_ERR_INPUT, "%s is %llu, outside 1..%llu", key,
                        (unsigned long long)value, (unsigned long long)max);
    pv_error_at(err, pv_gguf_path(g), 0, 0, -1);
    return code;
  }
  *out = (uint32_t)value;
  return PV_OK;
}

/* Which one it is not, and what those are. */
static void say_architectures(const pv_gguf *g, const pv_gguf_string *arch, pv_error *err) {
  char names[96], about[192];
  pv_plan_list(false, names, sizeof names);
  pv_plan_list(true, about, sizeof about);
  pv_error_set(err, PV_ERR_UNSUPPORTED, "the model's architecture is '%.*s', not %s",
               (int)(arch->length < 40 ? arch->length : 40), arch->data, names);
  pv_error_at(err, pv_gguf_path(g), 0, 0, -1);
  pv_error_hint(err, "pv computes %s; list what the file holds with: pv tensors FILE", about);
}

static pv_code find_plan(pv_model *m, pv_error *err) {
  pv_gguf_string arch;
  const pv_code code = pv_gguf_get_string(m->gguf, "general.architecture", &arch, err);
  if (code != PV_OK) return code;
  m->plan = pv_plan_find(arch.data, (size_t)arch.length);
  if (m->plan != NULL) return PV_OK;
  say_architectures(m->gguf, &arch, err);
  return PV_ERR_UNSUPPORTED;
}

/* A real number in (0, max]. */
static pv_code get_real(const pv_gguf *g, const char *key, double max, double *out, pv_error *err) {
  pv_code code = pv_gguf_get_f64(g, key, out, err);
  if (code != PV_OK) return code;
  if (*out > 0.0 && *out <= max) return PV_OK;
  code = pv_error_set(err, PV_ERR_INPUT, "%s is %g, outside (0, %g]", key, *out, max);
  pv_error_at(err, pv_gguf_path(g), 0, 0, -1);
  return code;
}

/* A member of the shape, by its key; others are looked at later. */
static pv_code read_member(const pv_model *m, const pv_model_key *key, pv_shape *out,
                           pv_error *err) {
  void *member = (char *)out + key->member;
  char name[PV_MODEL_KEY_NAME];
  double real = 0.0;
  pv_code code = PV_OK;
  pv_model_key_name(m->plan, key, name);
  if (key->rule == PV_KEY_U32) return get_u32(m->gguf, name, (uint64_t)key->one, member, err);
  if (key->rule == PV_KEY_F64) return get_real(m->gguf, name, key->one, member, err);
  if (key->rule == PV_KEY_F32) code = get_real(m->gguf, name, key->one, &real, err);
  if (key->rule == PV_KEY_F32 && code == PV_OK) *(float *)member = (float)real;
  return code;
}

static pv_code read_shape(pv_model *m, pv_error *err) {
  const pv_gguf *g = m->gguf;
  pv_shape *s = &m->shape;
  pv_code code = PV_OK;
  for (const pv_model_key *key = m->plan->keys; key->name != NULL && code == PV_OK; key++)
    code = read_member(m, key, s, err);
  if (code != PV_OK) return code;
  const char *wrong = NULL;
  if (s->used > s->experts)
    wrong = "more experts are used than there are";
  else if (s->kv_heads == 0 || s->heads % s->kv_heads != 0)
    wrong = "the query heads are not a multiple of the key heads";
  else if (s->head_dim % 8 != 0)
    wrong = "the head dimension is not a multiple of 8";
  else if ((uint64_t)s->heads * s->head_dim > PV_MODEL_WIDTH_MAX)
    wrong = "the attention is wider than 65536";
  if (wrong == NULL) return PV_OK;
  code = pv_error_set(err, PV_ERR_INPUT, "%s", wrong);
  pv_error_at(err, pv_gguf_path(g), 0, 0, -1);
  return code;
}

pv_code pv_model_from_gguf(pv_gguf *gguf, pv_model **out, pv_error *err) {
  pv_model *m = calloc(1, sizeof *m);
  if (m == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for the model");
  m->gguf = gguf;
  pv_code code = find_plan(m, err);
  if (code == PV_OK) code = read_shape(m, err);
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
