/* The shape of a model, from its metadata. */
#include <string.h>

#include "runtime/model/internal.h"

static pv_code say_range(const pv_gguf *g, pv_error *err, pv_code code) {
  pv_error_at(err, pv_gguf_path(g), 0, 0, -1);
  pv_error_rule(err, "PV-MODEL-KEY-RANGE");
  pv_error_hint(err, "convert the model again, or correct its config.json first");
  return code;
}

/* Whole numbers or truth values. */
static bool is_list(const pv_gguf_value *value, uint64_t count) {
  return value->type == PV_GGUF_ARRAY && value->count == count &&
         (value->element == PV_GGUF_BOOL || value->element == PV_GGUF_U32 ||
          value->element == PV_GGUF_I32);
}

static int64_t element(const pv_gguf_value *value, uint64_t i) {
  return value->element == PV_GGUF_BOOL ? value->data[i] != 0 : pv_gguf_array_int(value, i);
}

static pv_code refuse_list(const pv_gguf *g, const pv_gguf_value *value, const char *words,
                           pv_error *err) {
  const pv_code code = model_refuse_key(g, value, words, err);
  if (code == PV_ERR_UNSUPPORTED)
    pv_error_hint(err, "pv computes no model of such layers (docs/metadata.md)");
  return code;
}

/* The one number of a key, or of all layers. */
static pv_code get_number(const pv_gguf *g, const char *key, uint32_t layers, uint64_t *out,
                          pv_error *err) {
  const pv_gguf_value *value = pv_gguf_find(g, key);
  if (value == NULL || value->type != PV_GGUF_ARRAY || layers == 0)
    return pv_gguf_get_u64(g, key, out, err);
  bool same = is_list(value, layers) && value->element != PV_GGUF_BOOL && element(value, 0) >= 0;
  for (uint64_t i = 1; i < value->count && same; i++) same = element(value, i) == element(value, 0);
  if (!same) return refuse_list(g, value, "pv computes models whose layers all have the same", err);
  *out = (uint64_t)element(value, 0);
  return PV_OK;
}

pv_code model_get_u32(const pv_gguf *g, const char *key, uint64_t max, uint32_t layers,
                      uint32_t *out, pv_error *err) {
  uint64_t value = 0;
  const pv_code code = get_number(g, key, layers, &value, err);
  if (code != PV_OK) return code;
  if (value == 0 || value > max)
    return say_range(g, err,
                     pv_error_set(err, PV_ERR_INPUT, "%s is %llu, outside 1..%llu", key,
                                  (unsigned long long)value, (unsigned long long)max));
  *out = (uint32_t)value;
  return PV_OK;
}

pv_code model_get_real(const pv_gguf *g, const char *key, double max, double *out, pv_error *err) {
  double value = 0.0;
  const pv_code code = pv_gguf_get_f64(g, key, &value, err);
  if (code != PV_OK) return code;
  if (!(value > 0.0 && value <= max))
    return say_range(g, err,
                     pv_error_set(err, PV_ERR_INPUT, "%s is %g, outside (0, %g]", key, value, max));
  *out = value;
  return PV_OK;
}

/* The smallest period in which the layers of a list slide. */
static pv_code get_period(const pv_gguf *g, const char *key, const pv_model_key *k, uint32_t layers,
                          uint32_t *out, pv_error *err) {
  const pv_gguf_value *value = pv_gguf_find(g, key);
  if (value == NULL || value->type != PV_GGUF_ARRAY)
    return model_get_u32(g, key, (uint64_t)k->one, 0, out, err);
  for (uint32_t period = 1; period <= layers + 1 && is_list(value, layers); period++) {
    uint32_t i = 0;
    while (i < layers && (element(value, i) != 0) == (i % period + 1 < period)) i++;
    if (i < layers) continue;
    *out = period;
    return PV_OK;
  }
  return refuse_list(g, value,
                     "pv computes lists of a truth value for each layer, where each period of "
                     "them ends with the only layer without a window",
                     err);
}

static pv_code get_route(const pv_gguf *g, const char *key, pv_route_form *out, pv_error *err) {
  bool sum_one = false;
  const pv_code code = pv_gguf_get_bool(g, key, &sum_one, err);
  if (code == PV_OK) *out = sum_one ? PV_ROUTE_SUM_ONE : PV_ROUTE_ALL;
  return code;
}

/* A member of the shape, by its key; keys without one are looked at later. */
static pv_code read_member(const pv_model *m, const pv_model_key *key, pv_shape *out,
                           pv_error *err) {
  const pv_gguf *g = m->gguf;
  void *member = (char *)out + key->member;
  char name[PV_MODEL_KEY_NAME];
  double real = 0.0;
  pv_code code = PV_OK;
  pv_model_key_name(m->plan, key, name);
  if (key->may_be_absent && pv_gguf_find(g, name) == NULL) return PV_OK;
  if (key->rule == PV_KEY_U32)
    return model_get_u32(g, name, (uint64_t)key->one, out->layers, member, err);
  if (key->rule == PV_KEY_PERIOD) return get_period(g, name, key, out->layers, member, err);
  if (key->rule == PV_KEY_ROUTE) return get_route(g, name, member, err);
  if (key->rule == PV_KEY_F64) return model_get_real(g, name, key->one, member, err);
  if (key->rule == PV_KEY_F32) code = model_get_real(g, name, key->one, &real, err);
  if (key->rule == PV_KEY_F32 && code == PV_OK) *(float *)member = (float)real;
  return code;
}

/* What follows where keys are absent, and what is wrong with the numbers together. */
static const char *complete(pv_shape *s) {
  if (s->kv_heads == 0) s->kv_heads = s->heads;
  if (s->head_dim == 0 && s->hidden % s->heads != 0)
    return "without attention.key_length, embedding_length must be a multiple of "
           "attention.head_count";
  if (s->head_dim == 0) s->head_dim = s->hidden / s->heads;
  if (s->used > s->experts) return "more experts are used than there are";
  if (s->heads % s->kv_heads != 0) return "the query heads are not a multiple of the key heads";
  if (s->head_dim % 8 != 0) return "the head dimension is not a multiple of 8";
  if (s->head_dim > 256) return "the head dimension is larger than 256";
  if ((uint64_t)s->heads * s->head_dim > PV_MODEL_WIDTH_MAX)
    return "the attention is wider than 65536";
  return NULL;
}

pv_code model_read_shape(pv_model *m, pv_error *err) {
  pv_shape s = m->plan->start;
  pv_code code = PV_OK;
  for (const pv_model_key *key = m->plan->keys; key->name != NULL && code == PV_OK; key++)
    code = read_member(m, key, &s, err);
  const char *wrong = code == PV_OK ? complete(&s) : NULL;
  if (wrong != NULL) return say_range(m->gguf, err, pv_error_set(err, PV_ERR_INPUT, "%s", wrong));
  if (code == PV_OK && m->plan->finish != NULL) m->plan->finish(&s);
  if (code == PV_OK) m->shape = s;
  return code;
}
