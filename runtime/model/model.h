/* A Qwen3-MoE model: shapes from the metadata, tensors found and checked against those shapes.
 * Weights stay in their file form inside the mapping. */
#ifndef PV_MODEL_MODEL_H
#define PV_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/gguf/gguf.h"

typedef struct pv_shape {
  uint32_t layers, hidden, heads, kv_heads, head_dim, experts, used, ffn, vocab, context;
  double rope_base;
  float eps; /* of RMSNorm */
  bool tied; /* the head is the token embedding */
} pv_shape;

typedef struct pv_layer {
  const pv_gguf_tensor *attn_norm, *q, *k, *v, *q_norm, *k_norm, *o;
  const pv_gguf_tensor *ffn_norm, *router, *gate, *up, *down; /* experts: [.., .., experts] */
} pv_layer;

typedef struct pv_model {
  pv_gguf *gguf; /* owned */
  pv_shape shape;
  const pv_gguf_tensor *embedding, *final_norm, *head;
  uint64_t names; /* of tokens, in the file's tokenizer; below shape.vocab the last ids have none */
  pv_layer *layers; /* owned; shape.layers entries */
} pv_model;

/* Limits beyond which a model is refused. */
#define PV_MODEL_LAYERS_MAX  1024
#define PV_MODEL_EXPERTS_MAX 1024
#define PV_MODEL_WIDTH_MAX   65536 /* hidden, heads * head_dim, ffn */

/* Refused is whatever would make the model another one than pv computes, each by name and with a
 * cure: a part of a split model, another architecture, a metadata key that is not computed, neutral
 * at its value or known to be without influence (metadata.h), tensors of a type that is not
 * computed, a tensor that is missing, left over or of another shape than the metadata imply, norms
 * that are not F32, more names of tokens than rows of the embedding. */
pv_code pv_model_open(const char *path, pv_model **out, pv_error *err);
/* The same over an open file; takes ownership of `gguf` only on success. */
pv_code pv_model_from_gguf(pv_gguf *gguf, pv_model **out, pv_error *err);
void pv_model_close(pv_model *model);

/* Row 0 of expert `e` of a [row, rows, experts] tensor. */
const unsigned char *pv_model_expert(const pv_gguf_tensor *tensor, uint32_t e);

#endif
