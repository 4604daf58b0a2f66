#include "runtime/forward/weights.h"

#include <math.h>

const pv_gguf_tensor *pv_stage_tensor(const pv_model *model, pv_stage_id stage, uint32_t layer) {
  const pv_layer *l = &model->layers[layer];
  switch (stage) {
    case PV_STAGE_EMBEDDING:
      return model->embedding;
    case PV_STAGE_ATTN_NORM:
      return l->attn_norm;
    case PV_STAGE_Q:
      return l->q;
    case PV_STAGE_K:
      return l->k;
    case PV_STAGE_V:
      return l->v;
    case PV_STAGE_Q_ROPE:
      return l->q_norm;
    case PV_STAGE_K_ROPE:
      return l->k_norm;
    case PV_STAGE_ATTN_PROJ:
      return l->o;
    case PV_STAGE_FFN_NORM:
      return l->ffn_norm;
    case PV_STAGE_MOE_ROUTER_LOGITS:
      return l->router;
    case PV_STAGE_EXPERT_GATE:
      return l->gate;
    case PV_STAGE_EXPERT_UP:
      return l->up;
    case PV_STAGE_EXPERT_DOWN:
      return l->down;
    case PV_STAGE_FINAL_NORM:
      return model->final_norm;
    case PV_STAGE_LOGITS:
      return model->head;
    default:
      return NULL;
  }
}

/* Which row of the tensor the element is a product of; false when the expert is not known. */
static bool row_of(const pv_shape *s, const pv_stage_element *e, uint64_t *out) {
  const bool gate = e->stage == PV_STAGE_EXPERT_GATE || e->stage == PV_STAGE_EXPERT_UP;
  if (e->stage == PV_STAGE_EMBEDDING) {
    *out = e->id;
    return e->id < s->vocab;
  }
  if (gate || e->stage == PV_STAGE_EXPERT_DOWN) {
    const uint64_t rows = gate ? s->ffn : s->hidden;
    if (e->expert < 0 || e->expert >= (int64_t)s->experts) return false;
    *out = (uint64_t)e->expert * rows + e->index % rows;
    return true;
  }
  *out = e->index;
  return true;
}

pv_bad_weight pv_stage_bad_weight(const pv_model *model, const pv_stage_element *element) {
  enum { PART = 256 }; /* a whole number of blocks of any type */
  const pv_gguf_tensor *t = pv_stage_tensor(model, element->stage, element->layer);
  double part[PART];
  uint64_t row = 0;
  pv_bad_weight out = {0};
  if (t == NULL || (t->dim_count > 1 && !row_of(&model->shape, element, &row))) return out;
  const uint64_t k = t->dims[0]; /* of a norm: all of it */
  const unsigned char *bytes = t->data + row * t->row_bytes;
  const pv_type_info *type = pv_type_get(t->type);
  for (uint64_t at = 0; at < k && !out.present; at += PART) {
    const uint64_t n = k - at < PART ? k - at : PART;
    pv_dequant_f64(t->type, bytes + at / type->block_elements * type->block_bytes, n, part);
    for (uint64_t i = 0; i < n && !out.present; i++)
      if (!isfinite(part[i])) out = (pv_bad_weight){true, row * k + at + i, part[i]};
  }
  return out;
}
