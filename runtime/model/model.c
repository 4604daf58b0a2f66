#include "runtime/model/model.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/model/internal.h"

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

static pv_code check_architecture(const pv_gguf *g, pv_error *err) {
  pv_gguf_string arch;
  pv_code code = pv_gguf_get_string(g, "general.architecture", &arch, err);
  if (code != PV_OK) return code;
  if (arch.length == strlen(ARCH) && memcmp(arch.data, ARCH, arch.length) == 0) return PV_OK;
  code = pv_error_set(err, PV_ERR_UNSUPPORTED, "the model's architecture is '%.*s', not " ARCH,
                      (int)(arch.length < 40 ? arch.length : 40), arch.data);
  pv_error_at(err, pv_gguf_path(g), 0, 0, -1);
  pv_error_hint(err,
                "pv computes Qwen3 Mixture-of-Experts models; list what the file holds with: pv "
                "tensors FILE");
  return code;
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

static pv_code read_shape(const pv_gguf *g, pv_shape *s, pv_error *err) {
  const struct {
    const char *key;
    uint64_t max;
    uint32_t *out;
  } keys[] = {
      {ARCH ".block_count", PV_MODEL_LAYERS_MAX, &s->layers},
      {ARCH ".embedding_length", PV_MODEL_WIDTH_MAX, &s->hidden},
      {ARCH ".attention.head_count", 1024, &s->heads},
      {ARCH ".attention.head_count_kv", 1024, &s->kv_heads},
      {ARCH ".attention.key_length", 256, &s->head_dim},
      {ARCH ".expert_count", PV_MODEL_EXPERTS_MAX, &s->experts},
      {ARCH ".expert_used_count", PV_MODEL_EXPERTS_MAX, &s->used},
      {ARCH ".expert_feed_forward_length", PV_MODEL_WIDTH_MAX, &s->ffn},
      {ARCH ".context_length", 1u << 24, &s->context},
  };
  pv_code code = PV_OK;
  for (size_t i = 0; i < sizeof keys / sizeof *keys && code == PV_OK; i++)
    code = get_u32(g, keys[i].key, keys[i].max, keys[i].out, err);
  double eps = 0.0;
  if (code == PV_OK) code = get_real(g, ARCH ".rope.freq_base", 1e12, &s->rope_base, err);
  if (code == PV_OK) code = get_real(g, ARCH ".attention.layer_norm_rms_epsilon", 1.0, &eps, err);
  if (code != PV_OK) return code;
  s->eps = (float)eps;
  const char *wrong = NULL;
  if (s->used > s->experts)
    wrong = "more experts are used than there are";
  else if (s->heads % s->kv_heads != 0)
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
  pv_code code = model_check_split(gguf, err);
  if (code == PV_OK) code = check_architecture(gguf, err);
  if (code == PV_OK) code = read_shape(gguf, &m->shape, err);
  if (code == PV_OK) code = model_find_vocab(m, err);
  if (code == PV_OK) code = model_check_metadata(gguf, &m->shape, err);
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

const unsigned char *pv_model_expert(const pv_gguf_tensor *tensor, uint32_t e) {
  return tensor->data + (uint64_t)e * tensor->dims[1] * tensor->row_bytes;
}
