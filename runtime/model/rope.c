/* How a file scales positions: the keys of rope.scaling together, and rope_freqs.weight. Where
 * engines read a key otherwise than Hugging Face and the converter mean it, this is what they mean
 * (docs/metadata.md). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "runtime/model/internal.h"

#define FACTOR_MAX 1e6

typedef enum scaling { NONE, LINEAR, YARN } scaling;

static const char *name_of(const pv_model *m, const char *key, char out[PV_MODEL_KEY_NAME]) {
  snprintf(out, PV_MODEL_KEY_NAME, "%s.rope.%s", m->plan->architecture, key);
  return out;
}

static const pv_gguf_value *find(const pv_model *m, const char *key) {
  char name[PV_MODEL_KEY_NAME];
  return pv_gguf_find(m->gguf, name_of(m, key, name));
}

static pv_code refuse(const pv_model *m, const char *key, const char *words, const char *cure,
                      pv_error *err) {
  const pv_code code = model_refuse_key(m->gguf, find(m, key), words, err);
  if (code == PV_ERR_UNSUPPORTED) pv_error_hint(err, "%s (docs/metadata.md)", cure);
  return code;
}

/* A number in (0, max], where the key is there. */
static pv_code get(const pv_model *m, const char *key, double max, double *out, pv_error *err) {
  char name[PV_MODEL_KEY_NAME];
  if (find(m, key) == NULL) return PV_OK;
  return model_get_real(m->gguf, name_of(m, key, name), max, out, err);
}

static bool is(const pv_gguf_string *text, const char *word) {
  return text->length == strlen(word) && memcmp(text->data, word, strlen(word)) == 0;
}

static pv_code get_type(const pv_model *m, scaling *out, pv_error *err) {
  char name[PV_MODEL_KEY_NAME];
  pv_gguf_string text;
  *out = LINEAR; /* a factor alone */
  if (find(m, "scaling.type") == NULL) return PV_OK;
  const pv_code code = pv_gguf_get_string(m->gguf, name_of(m, "scaling.type", name), &text, err);
  if (code != PV_OK) return code;
  if (is(&text, "none"))
    *out = NONE;
  else if (is(&text, "yarn"))
    *out = YARN;
  else if (!is(&text, "linear"))
    return refuse(m, "scaling.type", "pv computes 'none', 'linear' and 'yarn'",
                  "To ignore it would be to compute another model: use a file with another scaling",
                  err);
  return PV_OK;
}

/* Under one name or the older one; 0 is how converters and engines write "not set". */
static pv_code get_factor(const pv_model *m, double *out, pv_error *err) {
  static const char *const keys[] = {"scaling.factor", "scale_linear"};
  char name[PV_MODEL_KEY_NAME];
  double value[2] = {1.0, 1.0};
  for (int i = 0; i < 2; i++) {
    if (find(m, keys[i]) == NULL) continue;
    const pv_code code = pv_gguf_get_f64(m->gguf, name_of(m, keys[i], name), &value[i], err);
    if (code != PV_OK) return code;
    if (value[i] == 0.0) value[i] = 1.0;
    if (!(value[i] > 0.0 && value[i] <= FACTOR_MAX))
      return refuse(m, keys[i], "positions are divided by a number in (0, 1e6], or it is 0",
                    "convert the model again", err);
  }
  if (find(m, keys[0]) != NULL && find(m, keys[1]) != NULL && value[0] != value[1])
    return refuse(m, keys[1], "rope.scaling.factor is another number",
                  "nothing tells which of the two is meant: convert the model again", err);
  *out = find(m, keys[0]) != NULL ? value[0] : value[1];
  return PV_OK;
}

/* YaRN's own numbers; without it they must not ask for anything. */
static pv_code get_yarn(const pv_model *m, bool yarn, pv_rope *rope, double *attn, pv_error *err) {
  char name[PV_MODEL_KEY_NAME];
  uint32_t original = m->shape.context;
  *attn = yarn && rope->factor > 1.0 ? 0.1 * pv_log_f64(rope->factor) + 1.0 : 1.0;
  rope->beta_fast = 32.0;
  rope->beta_slow = 1.0;
  pv_code code = get(m, "scaling.yarn_attn_factor", 1e3, attn, err);
  if (code == PV_OK && !yarn && *attn != 1.0)
    code = refuse(m, "scaling.yarn_attn_factor", "without YaRN pv computes the model only at 1",
                  "To ignore it would be to compute another model: use a file without it", err);
  if (code == PV_OK) code = get(m, "scaling.yarn_beta_fast", 1e6, &rope->beta_fast, err);
  if (code == PV_OK) code = get(m, "scaling.yarn_beta_slow", 1e6, &rope->beta_slow, err);
  if (code == PV_OK && find(m, "scaling.original_context_length") != NULL)
    code = model_get_u32(m->gguf, name_of(m, "scaling.original_context_length", name), 1u << 24, 0,
                         &original, err);
  if (code == PV_OK && rope->beta_fast < rope->beta_slow)
    code = refuse(m,
                  find(m, "scaling.yarn_beta_fast") != NULL ? "scaling.yarn_beta_fast"
                                                            : "scaling.yarn_beta_slow",
                  "the fast bound of YaRN is below the slow one", "convert the model again", err);
  rope->original = (double)original;
  return code;
}

static pv_code say_factors(const pv_model *m, const pv_gguf_tensor *t, pv_code code,
                           const char *words, pv_error *err) {
  pv_error_set(err, code, "tensor '" MODEL_ROPE_FACTORS "' %s", words);
  pv_error_at(err, pv_gguf_part_path(m->gguf, t->part), 0, 0, (int64_t)t->offset);
  pv_error_rule(err, "PV-MODEL-TENSORS");
  pv_error_hint(err, "it holds a divisor of each rotary frequency: convert the model again");
  return code;
}

static pv_code get_factors(const pv_model *m, const float **out, pv_error *err) {
  const pv_gguf_tensor *t = pv_gguf_tensor_find(m->gguf, MODEL_ROPE_FACTORS);
  const uint32_t half = m->shape.head_dim / 2;
  char words[128];
  if (t == NULL || (m->plan->flags & PV_PLAN_ROPE_FACTORS) == 0) return PV_OK;
  if (t->type != PV_TYPE_F32) return say_factors(m, t, PV_ERR_UNSUPPORTED, "is not F32", err);
  if (t->dims[0] != half || t->elements != half) {
    snprintf(words, sizeof words, "has %llu elements, half of a head of %u has %u",
             (unsigned long long)t->elements, (unsigned)m->shape.head_dim, (unsigned)half);
    return say_factors(m, t, PV_ERR_INPUT, words, err);
  }
  const float *factors = (const float *)(const void *)t->data;
  for (uint32_t i = 0; i < half; i++) {
    if (factors[i] > 0.0f && isfinite(factors[i])) continue;
    snprintf(words, sizeof words, "holds %g at %u, which divides no frequency", (double)factors[i],
             (unsigned)i);
    return say_factors(m, t, PV_ERR_INPUT, words, err);
  }
  *out = factors;
  return PV_OK;
}

pv_code model_read_rope(pv_model *m, pv_error *err) {
  pv_rope rope = m->shape.rope, *sliding = &m->shape.rope_sliding;
  scaling type = NONE;
  double attn = 1.0, yarn_attn = 1.0;
  pv_code code = get_type(m, &type, err);
  if (code == PV_OK) code = get_factor(m, &rope.factor, err);
  if (code == PV_OK) code = get(m, "scaling.attn_factor", 1e3, &attn, err);
  if (code == PV_OK) code = get_yarn(m, type == YARN, &rope, &yarn_attn, err);
  if (code == PV_OK) code = get_factors(m, &rope.factors, err);
  if (code != PV_OK) return code;
  if (type == NONE || rope.factor == 1.0) rope.factor = 0.0;
  rope.yarn = type == YARN;
  if (!rope.yarn) rope.original = rope.beta_fast = rope.beta_slow = 0.0;
  rope.magnitude = attn * yarn_attn == 1.0 ? 0.0 : attn * yarn_attn;
  m->shape.rope = rope;
  if (sliding->base == 0.0) return PV_OK;
  const double base = sliding->base;
  *sliding = (m->plan->flags & PV_PLAN_SCALES_SLIDING) != 0
                 ? rope
                 : (pv_rope){.magnitude = attn == 1.0 ? 0.0 : attn};
  sliding->base = base;
  return PV_OK;
}
