#include "runtime/model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/ck.h"

#define ARCH "qwen3moe"

static pv_status get_u32(const pv_gguf *g, const char *key, uint64_t max, uint32_t *out,
                         pv_error *err) {
  uint64_t value = 0;
  pv_status status = pv_gguf_get_u64(g, key, &value, err);
  if (status != PV_OK) return status;
  if (value == 0 || value > max) {
    status = pv_error_set(err, PV_ERR_INPUT, "%s is %llu, outside 1..%llu", key,
                          (unsigned long long)value, (unsigned long long)max);
    pv_error_at(err, pv_gguf_path(g), 0, 0, -1);
    return status;
  }
  *out = (uint32_t)value;
  return PV_OK;
}

static pv_status check_architecture(const pv_gguf *g, pv_error *err) {
  pv_gguf_string arch;
  pv_status status = pv_gguf_get_string(g, "general.architecture", &arch, err);
  if (status != PV_OK) return status;
  if (arch.length == strlen(ARCH) && memcmp(arch.data, ARCH, arch.length) == 0) return PV_OK;
  status = pv_error_set(err, PV_ERR_UNSUPPORTED, "the model's architecture is '%.*s', not " ARCH,
                        (int)(arch.length < 40 ? arch.length : 40), arch.data);
  pv_error_at(err, pv_gguf_path(g), 0, 0, -1);
  pv_error_hint(err, "pv reads Qwen3 Mixture-of-Experts models");
  return status;
}

/* A real number in (0, max]. */
static pv_status get_real(const pv_gguf *g, const char *key, double max, double *out,
                          pv_error *err) {
  pv_status status = pv_gguf_get_f64(g, key, out, err);
  if (status != PV_OK) return status;
  if (*out > 0.0 && *out <= max) return PV_OK;
  status = pv_error_set(err, PV_ERR_INPUT, "%s is %g, outside (0, %g]", key, *out, max);
  pv_error_at(err, pv_gguf_path(g), 0, 0, -1);
  return status;
}

static pv_status read_shape(const pv_gguf *g, pv_shape *s, pv_error *err) {
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
  pv_status status = PV_OK;
  for (size_t i = 0; i < sizeof keys / sizeof *keys && status == PV_OK; i++)
    status = get_u32(g, keys[i].key, keys[i].max, keys[i].out, err);
  double eps = 0.0;
  if (status == PV_OK) status = get_real(g, ARCH ".rope.freq_base", 1e12, &s->rope_base, err);
  if (status == PV_OK)
    status = get_real(g, ARCH ".attention.layer_norm_rms_epsilon", 1.0, &eps, err);
  if (status != PV_OK) return status;
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
  status = pv_error_set(err, PV_ERR_INPUT, "%s", wrong);
  pv_error_at(err, pv_gguf_path(g), 0, 0, -1);
  return status;
}

/* A tensor of exactly these dimensions; norms must be F32. */
static pv_status find(const pv_gguf *g, const char *name, uint64_t d0, uint64_t d1, uint64_t d2,
                      bool norm, const pv_gguf_tensor **out, pv_error *err) {
  const pv_gguf_tensor *t = pv_gguf_tensor_find(g, name);
  pv_status status = PV_OK;
  if (t == NULL) {
    status = pv_error_set(err, PV_ERR_INPUT, "tensor '%s' is missing", name);
    pv_error_hint(err, "list what the file holds with: pv tensors FILE");
  } else if (t->dims[0] != d0 || t->dims[1] != d1 || t->dims[2] != d2 || t->dims[3] != 1) {
    status =
        pv_error_set(err, PV_ERR_INPUT,
                     "tensor '%s' is [%llu, %llu, %llu], the metadata ask for [%llu, %llu, %llu]",
                     name, (unsigned long long)t->dims[0], (unsigned long long)t->dims[1],
                     (unsigned long long)t->dims[2], (unsigned long long)d0, (unsigned long long)d1,
                     (unsigned long long)d2);
  } else if (norm && t->type != PV_TYPE_F32) {
    status = pv_error_set(err, PV_ERR_UNSUPPORTED, "norm '%s' is %s, not F32", name,
                          pv_type_get(t->type)->name);
  }
  if (status != PV_OK) {
    pv_error_at(err, pv_gguf_path(g), 0, 0, t == NULL ? -1 : (int64_t)t->offset);
    return status;
  }
  *out = t;
  return PV_OK;
}

static pv_status find_layer(const pv_gguf *g, const pv_shape *s, uint32_t index, pv_layer *l,
                            pv_error *err) {
  const uint64_t h = s->hidden, q = (uint64_t)s->heads * s->head_dim;
  const uint64_t kv = (uint64_t)s->kv_heads * s->head_dim, e = s->experts, f = s->ffn;
  const struct {
    const char *name;
    uint64_t d0, d1, d2;
    bool norm;
    const pv_gguf_tensor **out;
  } want[] = {
      {"attn_norm", h, 1, 1, true, &l->attn_norm},
      {"attn_q", h, q, 1, false, &l->q},
      {"attn_k", h, kv, 1, false, &l->k},
      {"attn_v", h, kv, 1, false, &l->v},
      {"attn_q_norm", s->head_dim, 1, 1, true, &l->q_norm},
      {"attn_k_norm", s->head_dim, 1, 1, true, &l->k_norm},
      {"attn_output", q, h, 1, false, &l->o},
      {"ffn_norm", h, 1, 1, true, &l->ffn_norm},
      {"ffn_gate_inp", h, e, 1, false, &l->router},
      {"ffn_gate_exps", h, f, e, false, &l->gate},
      {"ffn_up_exps", h, f, e, false, &l->up},
      {"ffn_down_exps", f, h, e, false, &l->down},
  };
  pv_status status = PV_OK;
  for (size_t i = 0; i < sizeof want / sizeof *want && status == PV_OK; i++) {
    char name[64];
    snprintf(name, sizeof name, "blk.%u.%s.weight", index, want[i].name);
    status = find(g, name, want[i].d0, want[i].d1, want[i].d2, want[i].norm, want[i].out, err);
  }
  return status;
}

enum { TENSORS_PER_LAYER = 12 };

static pv_status find_all(pv_model *m, pv_error *err) {
  const pv_gguf *g = m->gguf;
  pv_shape *s = &m->shape;
  const pv_gguf_tensor *embedding = pv_gguf_tensor_find(g, "token_embd.weight");
  if (embedding != NULL && pv_ck_u32(embedding->dims[1], &s->vocab) == false) {
    pv_status status = pv_error_set(err, PV_ERR_LIMIT, "the vocabulary is larger than 2^32");
    pv_error_at(err, pv_gguf_path(g), 0, 0, (int64_t)embedding->offset);
    return status;
  }
  pv_status status =
      find(g, "token_embd.weight", s->hidden, s->vocab, 1, false, &m->embedding, err);
  if (status == PV_OK)
    status = find(g, "output_norm.weight", s->hidden, 1, 1, true, &m->final_norm, err);
  s->tied = pv_gguf_tensor_find(g, "output.weight") == NULL;
  m->head = m->embedding;
  if (status == PV_OK && !s->tied)
    status = find(g, "output.weight", s->hidden, s->vocab, 1, false, &m->head, err);
  for (uint32_t i = 0; i < s->layers && status == PV_OK; i++)
    status = find_layer(g, s, i, &m->layers[i], err);
  const uint64_t known = (uint64_t)s->layers * TENSORS_PER_LAYER + (s->tied ? 2 : 3);
  if (status == PV_OK && pv_gguf_tensor_count(g) != known) {
    status = pv_error_set(err, PV_ERR_UNSUPPORTED,
                          "the file holds %llu tensors, the architecture knows %llu of them",
                          (unsigned long long)pv_gguf_tensor_count(g), (unsigned long long)known);
    pv_error_at(err, pv_gguf_path(g), 0, 0, -1);
    pv_error_hint(err, "a tensor that is not read would change nothing: list them with pv tensors");
  }
  return status;
}

pv_status pv_model_from_gguf(pv_gguf *gguf, pv_model **out, pv_error *err) {
  pv_model *m = calloc(1, sizeof *m);
  if (m == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for the model");
  m->gguf = gguf;
  pv_status status = check_architecture(gguf, err);
  if (status == PV_OK) status = read_shape(gguf, &m->shape, err);
  if (status == PV_OK) {
    m->layers = calloc(m->shape.layers, sizeof *m->layers);
    if (m->layers == NULL) status = pv_error_set(err, PV_ERR_NOMEM, "out of memory for the layers");
  }
  if (status == PV_OK) status = find_all(m, err);
  if (status != PV_OK) {
    m->gguf = NULL;
    pv_model_close(m);
    return status;
  }
  *out = m;
  return PV_OK;
}

pv_status pv_model_open(const char *path, pv_model **out, pv_error *err) {
  pv_gguf *gguf = NULL;
  pv_status status = pv_gguf_open(path, &gguf, err);
  if (status != PV_OK) return status;
  status = pv_model_from_gguf(gguf, out, err);
  if (status != PV_OK) pv_gguf_close(gguf);
  return status;
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
