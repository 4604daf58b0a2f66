#include "runtime/forward/weights.h"

#include <math.h>

/* Which row of the tensor the element is a product of; false when the expert is not known. */
static bool row_of(const pv_model *m, const pv_stage_element *e, uint64_t *out) {
  const pv_stage_row *r = &m->plan->rows[e->stage];
  if (r->op == PV_OP_GATHER) {
    *out = e->id;
    return e->id < m->shape.vocab;
  }
  *out = e->index;
  if ((r->flags & PV_ROW_BY_EXPERT) == 0) return true;
  const uint64_t rows = pv_plan_part(m->plan, e->stage, &m->shape);
  if (e->expert < 0 || e->expert >= (int64_t)m->shape.experts) return false;
  *out = (uint64_t)e->expert * rows + e->index % rows;
  return true;
}

/* Of a bias, or of sinks: the one number. */
static pv_bad_weight bad_number(const pv_model *m, const pv_gguf_tensor *t,
                                const pv_stage_element *e) {
  uint64_t at = e->index;
  pv_bad_weight out = {0};
  double value = 0.0;
  if (m->plan->rows[e->stage].op == PV_OP_ATTEND)
    at = e->index / m->shape.head_dim;
  else if (!row_of(m, e, &at))
    return out;
  pv_dequant_f64(t->type, t->data + at * sizeof(float), 1, &value);
  return isfinite(value) ? out : (pv_bad_weight){true, at, value};
}

pv_bad_weight pv_stage_bad_weight(const pv_model *model, const pv_stage_element *element) {
  enum { PART = 256 }; /* a whole number of blocks of any type */
  const pv_op op = model->plan->rows[element->stage].op;
  const pv_gguf_tensor *t = pv_model_weight(model, element->stage, element->layer);
  double part[PART];
  uint64_t row = 0;
  pv_bad_weight out = {0};
  if (t == NULL) return out;
  if (op == PV_OP_BIAS || op == PV_OP_ATTEND) return bad_number(model, t, element);
  if (t->dim_count > 1 && !row_of(model, element, &row)) return out;
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
