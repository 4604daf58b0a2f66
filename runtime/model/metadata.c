/* The metadata keys of every architecture, and all keys of a file against them and its own. */
#include "runtime/model/metadata.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "runtime/model/internal.h"

#define INTEGER(name, one, other, meaning) \
  { "." name, PV_KEY_INTEGER, one, other, NULL, meaning, 0, false }
#define REAL(name, one, other, meaning) \
  { "." name, PV_KEY_REAL, one, other, NULL, meaning, 0, false }
#define TRUTH(name, one, meaning) \
  { "." name, PV_KEY_BOOL, one, one, NULL, meaning, 0, false }
#define TEXT(name, text, meaning) \
  { "." name, PV_KEY_TEXT, 0, 0, text, meaning, 0, false }
#define LIKE(name, rule, meaning) \
  { "." name, rule, 0, 0, NULL, meaning, 0, (rule) == PV_KEY_SCALING }

/* Where 0 stands beside 1, 0 is how converters and engines write "not set". */
static const pv_model_key common[] = {
    {"general.architecture", PV_KEY_COMPUTED, 0, 0, NULL, "name of the architecture", 0, false},
    {"general.alignment", PV_KEY_COMPUTED, 0, 0, NULL, "alignment of tensor data in the file", 0,
     false},
    {"general.type", PV_KEY_TEXT, 0, 0, "model", "kind of file", 0, false},
    {"general.quantization_version", PV_KEY_INTEGER, 2, 2, NULL, "version of the block formats", 0,
     false},
    {"split.count", PV_KEY_PARTS, 0, 0, NULL, "number of files that the model is split into", 0,
     false},
    {"split.no", PV_KEY_INTEGER, 0, 0, NULL, "number of this file among the parts, from 0", 0,
     false},
    {"split.tensors.count", PV_KEY_TENSORS, 0, 0, NULL, "number of tensors in all parts", 0, false},

    LIKE("vocab_size", PV_KEY_ROWS, "size of the vocabulary"),
    LIKE("attention.value_length", PV_KEY_HEAD_DIM, "head dimension of the values"),
    LIKE("attention.scale", PV_KEY_SCALE, "factor on the scores of attention"),
    TRUTH("attention.causal", 1, "whether a position sees only earlier ones"),
    INTEGER("attention.sliding_window", 0, 0, "number of earlier positions that attention sees"),
    LIKE("attention.sliding_window_pattern", PV_KEY_ZEROS, "list of layers with a sliding window"),
    LIKE("attention.key_length_swa", PV_KEY_HEAD_DIM, "head dimension with a sliding window"),
    LIKE("attention.value_length_swa", PV_KEY_HEAD_DIM, "the same of the values"),
    INTEGER("attention.shared_kv_layers", 0, 0, "number of layers that reuse keys and values"),
    REAL("attention.clamp_kqv", 0, 0, "bound on queries, keys and values"),
    REAL("attention.max_alibi_bias", 0, 0, "bias of scores by distance"),
    REAL("attention.output_scale", 0, 1, "factor on the output of attention"),
    REAL("attention.temperature_scale", 0, 0, "factor on queries by position"),
    INTEGER("attention.temperature_length", 0, 0, "length of a step of that factor"),
    REAL("attn_logit_softcapping", 0, 0, "soft bound on the scores of attention"),
    REAL("final_logit_softcapping", 0, 0, "soft bound on the logits"),
    REAL("router_logit_softcapping", 0, 0, "soft bound on the logits of the router"),
    REAL("logit_scale", 0, 1, "factor on the logits"),
    REAL("embedding_scale", 0, 1, "factor on the embedding"),
    REAL("residual_scale", 0, 1, "factor on what a block adds to the residual stream"),
    TRUTH("use_parallel_residual", 0, "whether attention and experts have the same input"),
    TEXT("tensor_data_layout", "reference", "order of the rows in the tensors"),
    INTEGER("pooling_type", 0, 0, "pooling of positions into one"),

    LIKE("rope.scaling.type", PV_KEY_SCALING, "scaling of positions"),
    LIKE("rope.scaling.factor", PV_KEY_SCALING, "divisor of the positions"),
    LIKE("rope.scale_linear", PV_KEY_SCALING, "divisor of the positions, by an older name"),
    LIKE("rope.scaling.attn_factor", PV_KEY_SCALING, "factor on rotated queries and keys"),
    LIKE("rope.scaling.original_context_length", PV_KEY_SCALING, "context before YaRN"),
    LIKE("rope.scaling.yarn_attn_factor", PV_KEY_SCALING,
         "factor on rotated queries and keys of YaRN"),
    LIKE("rope.scaling.yarn_beta_fast", PV_KEY_SCALING, "turns from which YaRN leaves a frequency"),
    LIKE("rope.scaling.yarn_beta_slow", PV_KEY_SCALING, "turns up to which YaRN divides it"),
    LIKE("rope.scaling.yarn_ext_factor", PV_KEY_YARN, "weight of the unscaled frequencies of YaRN"),
    REAL("rope.scaling.alpha", 0, 1, "factor on the base of the rotary frequencies"),
    REAL("rope.scaling.yarn_log_multiplier", 0, 0, "factor on the magnitude of YaRN"),
    LIKE("rope.dimension_count", PV_KEY_HEAD_DIM, "number of dimensions that are rotated"),
    LIKE("rope.dimension_count_swa", PV_KEY_HEAD_DIM, "the same with a sliding window"),
    LIKE("rope.dimension_sections", PV_KEY_ZEROS, "sections that are rotated by other positions"),
    LIKE("rope.freq_base_swa", PV_KEY_FREQ_BASE, "base of the frequencies with a sliding window"),

    INTEGER("expert_gating_func", 0, 1, "function of the router (1 is softmax)"),
    TRUTH("expert_weights_norm", 1, "whether the weights of the chosen experts add up to 1"),
    REAL("expert_weights_scale", 0, 1, "factor on the weights of the chosen experts"),
    INTEGER("expert_group_count", 0, 1, "number of groups of experts"),
    INTEGER("expert_group_used_count", 0, 1, "number of groups chosen for a position"),
    INTEGER("expert_shared_count", 0, 0, "number of experts that every position uses"),
    INTEGER("expert_shared_feed_forward_length", 0, 0, "width of a shared expert"),
    INTEGER("leading_dense_block_count", 0, 0, "number of layers without experts"),
    INTEGER("interleave_moe_layer_step", 1, 1, "distance of layers with experts"),
    INTEGER("moe_every_n_layers", 1, 1, "distance of layers with experts, by another name"),
    INTEGER("nextn_predict_layers", 0, 0, "number of layers that predict further tokens"),
    INTEGER("decoder_block_count", 0, 0, "number of layers of a decoder beside an encoder"),

    PV_KEY_IDLE("attention.layer_norm_epsilon", "epsilon of LayerNorm: there is none"),
    PV_KEY_IDLE("rope.scaling.finetuned", "whether a scaled model was trained further"),
};

enum { COMMON = sizeof common / sizeof *common };

/* Its own key of a name; NULL: none. */
static const pv_model_key *find_own(const pv_plan *plan, const char *name) {
  const pv_model_key *own = plan->keys;
  while (own->name != NULL && strcmp(own->name, name) != 0) own++;
  return own->name != NULL ? own : NULL;
}

const pv_model_key *pv_model_key_at(const pv_plan *plan, size_t n) {
  for (const pv_model_key *own = plan->keys; own->name != NULL; own++)
    if (n-- == 0) return own;
  for (size_t i = 0; i < COMMON; i++)
    if (find_own(plan, common[i].name) == NULL && n-- == 0) return &common[i];
  return NULL;
}

const char *pv_model_key_name(const pv_plan *plan, const pv_model_key *key,
                              char out[PV_MODEL_KEY_NAME]) {
  snprintf(out, PV_MODEL_KEY_NAME, "%s%s", key->name[0] == '.' ? plan->architecture : "",
           key->name);
  return out;
}

/* The value at which a key is neutral, in words. */
static void neutral(const pv_model_key *key, char out[64]) {
  switch (key->rule) {
    case PV_KEY_BOOL:
      snprintf(out, 64, "%s", key->one != 0 ? "true" : "false");
      break;
    case PV_KEY_TEXT:
      snprintf(out, 64, "'%s'", key->text);
      break;
    case PV_KEY_ZEROS:
      snprintf(out, 64, "an array of zeros");
      break;
    case PV_KEY_HEAD_DIM:
      snprintf(out, 64, "attention.key_length");
      break;
    case PV_KEY_FREQ_BASE:
      snprintf(out, 64, "rope.freq_base");
      break;
    case PV_KEY_SCALE:
      snprintf(out, 64, "0 or 1 / sqrt(attention.key_length)");
      break;
    case PV_KEY_YARN:
      snprintf(out, 64, "1 with YaRN, else 0");
      break;
    case PV_KEY_ROWS:
      snprintf(out, 64, "the number of rows of token_embd.weight");
      break;
    case PV_KEY_TENSORS:
      snprintf(out, 64, "the number of tensors in all parts");
      break;
    case PV_KEY_PARTS:
      snprintf(out, 64, "the number of files that are read, or 0 for one");
      break;
    default:
      snprintf(out, 64, key->one != key->other ? "%g or %g" : "%g", key->one, key->other);
  }
}

const char *pv_model_key_says(const pv_model_key *key, char out[96]) {
  char at[64];
  if (key->rule <= PV_KEY_NO_INFLUENCE) {
    const char *maybe = key->may_be_absent ? ", may be absent" : "";
    snprintf(out, 96, key->rule == PV_KEY_NO_INFLUENCE ? "without influence" : "computed%s", maybe);
    return out;
  }
  neutral(key, at);
  snprintf(out, 96, "neutral at %s", at);
  return out;
}

pv_code model_refuse_key(const pv_gguf *g, const pv_gguf_value *value, const char *words,
                         pv_error *err) {
  pv_text shown = PV_TEXT_INIT;
  const int length = value->key.length > 80 ? 80 : (int)value->key.length;
  pv_gguf_value_put(g, value, &shown);
  if (shown.failed) {
    pv_text_free(&shown);
    return pv_error_set(err, PV_ERR_NOMEM, "out of memory for a metadata key");
  }
  pv_error_set(err, PV_ERR_UNSUPPORTED, "%.*s is %.160s; %s", length, value->key.data,
               shown.data == NULL ? "" : shown.data, words);
  pv_error_at(err, pv_gguf_path(g), 0, 0, (int64_t)value->offset);
  pv_error_rule(err, "PV-MODEL-KEY");
  pv_text_free(&shown);
  return PV_ERR_UNSUPPORTED;
}

static bool whole_zeros(const pv_gguf_value *value) {
  const bool bools = value->element == PV_GGUF_BOOL;
  for (uint64_t i = 0; i < value->count; i++)
    if (bools ? value->data[i] != 0 : pv_gguf_array_int(value, i) != 0) return false;
  return true;
}

static pv_code integer_is(const pv_gguf *g, const char *name, double one, double other, bool *ok,
                          pv_error *err) {
  uint64_t number = 0;
  const pv_code code = pv_gguf_get_u64(g, name, &number, err);
  /* All that is compared with is below 2^53; above, nothing is equal. */
  *ok = (double)number == one || (double)number == other;
  return code;
}

static pv_code real_is(const pv_gguf *g, const char *name, double one, double other, bool *ok,
                       pv_error *err) {
  double number = 0.0;
  const pv_code code = pv_gguf_get_f64(g, name, &number, err);
  *ok = number == one || number == other;
  return code;
}

/* Whether a neutral key has its value; a value of another type is an error. */
static pv_code is_neutral(const pv_model *m, const pv_model_key *key, const char *name,
                          const pv_gguf_value *value, bool *ok, pv_error *err) {
  const pv_gguf *g = m->gguf;
  const pv_shape *s = &m->shape;
  pv_gguf_string text;
  bool truth = false;
  pv_code code = PV_OK;
  switch (key->rule) {
    case PV_KEY_INTEGER:
      return integer_is(g, name, key->one, key->other, ok, err);
    case PV_KEY_HEAD_DIM:
      return integer_is(g, name, s->head_dim, s->head_dim, ok, err);
    case PV_KEY_ROWS:
      code = integer_is(g, name, s->vocab, s->vocab, ok, err);
      *ok |= s->vocab == 0; /* no embedding: said where it is looked for */
      return code;
    case PV_KEY_TENSORS:
      return integer_is(g, name, (double)pv_gguf_tensor_count(g), (double)pv_gguf_tensor_count(g),
                        ok, err);
    case PV_KEY_PARTS:
      return integer_is(g, name, pv_gguf_part_count(g),
                        pv_gguf_part_count(g) == 1 ? 0 : pv_gguf_part_count(g), ok, err);
    case PV_KEY_REAL:
      return real_is(g, name, key->one, key->other, ok, err);
    case PV_KEY_FREQ_BASE:
      return real_is(g, name, s->rope.base, s->rope.base, ok, err);
    case PV_KEY_SCALE:
      return real_is(
          g, name, 0.0,
          s->score_scale > 0.0f ? (double)s->score_scale : (double)(float)(1.0 / sqrt(s->head_dim)),
          ok, err);
    case PV_KEY_YARN:
      return real_is(g, name, s->rope.yarn ? 1.0 : 0.0, s->rope.yarn ? 1.0 : 0.0, ok, err);
    case PV_KEY_BOOL:
      code = pv_gguf_get_bool(g, name, &truth, err);
      *ok = truth == (key->one != 0);
      return code;
    case PV_KEY_TEXT:
      code = pv_gguf_get_string(g, name, &text, err);
      *ok = code == PV_OK && text.length == strlen(key->text) &&
            memcmp(text.data, key->text, text.length) == 0;
      return code;
    case PV_KEY_ZEROS:
      *ok = value->type == PV_GGUF_ARRAY && value->element != PV_GGUF_STRING &&
            value->element != PV_GGUF_F32 && value->element != PV_GGUF_F64 && whole_zeros(value);
      return PV_OK;
    default:
      *ok = true;
      return PV_OK;
  }
}

static pv_code check_known(const pv_model *m, const pv_model_key *key, const pv_gguf_value *value,
                           pv_error *err) {
  const bool computed = key->name[0] == '.';
  const char *cure = "To ignore it would be to compute another model: use a file without it";
  char at[64], words[128], name[PV_MODEL_KEY_NAME];
  bool ok = false;
  pv_code code = is_neutral(m, key, pv_model_key_name(m->plan, key, name), value, &ok, err);
  if (code != PV_OK || ok) return code;
  neutral(key, at);
  snprintf(words, sizeof words, "pv %s only where it is %s",
           computed ? "computes the model" : "reads a file", at);
  code = model_refuse_key(m->gguf, value, words, err);
  if (code != PV_ERR_UNSUPPORTED) return code;
  if (key->rule == PV_KEY_ROWS)
    cure = "It contradicts the tensors: convert the model again";
  else if (!computed)
    cure = "Use the whole model in one file";
  pv_error_hint(err, "it sets: %s. %s (docs/metadata.md)", key->meaning, cure);
  return code;
}

static bool starts(const pv_gguf_string *key, const char *prefix) {
  const size_t length = strlen(prefix);
  return key->length >= length && memcmp(key->data, prefix, length) == 0;
}

/* What stands behind the architecture's name, from its dot on; NULL: another name. */
static const char *below(const pv_plan *plan, const pv_gguf_string *key, uint64_t *length) {
  const size_t prefix = strlen(plan->architecture);
  if (!starts(key, plan->architecture) || key->length == prefix || key->data[prefix] != '.')
    return NULL;
  *length = key->length - prefix;
  return key->data + prefix;
}

/* By a name as the tables have it: ".rope.freq_base". */
static const pv_model_key *find(const pv_plan *plan, const char *name, uint64_t length) {
  const pv_model_key *key = NULL;
  for (size_t n = 0; (key = pv_model_key_at(plan, n)) != NULL; n++)
    if (strlen(key->name) == length && memcmp(key->name, name, (size_t)length) == 0) return key;
  return NULL;
}

static pv_code check_unknown(const pv_model *m, const pv_gguf_value *value, pv_error *err) {
  static const char *const beside[] = {"general.", "tokenizer.", "quantize.", "split."};
  const pv_gguf *g = m->gguf;
  const pv_gguf_string *key = &value->key;
  const char *dot = memchr(key->data, '.', (size_t)key->length);
  const uint64_t rest = dot == NULL ? 0 : key->length - (uint64_t)(dot - key->data);
  char words[96];
  uint64_t length = 0;
  pv_code code = PV_OK;
  for (size_t i = 0; i < sizeof beside / sizeof *beside; i++)
    if (starts(key, beside[i])) return PV_OK;
  if (below(m->plan, key, &length) != NULL) {
    code = model_refuse_key(g, value,
                            "pv does not know this key, and it may change what is computed", err);
    if (code == PV_ERR_UNSUPPORTED)
      pv_error_hint(err, "docs/metadata.md lists the keys that are known; use a file without it");
  } else if (starts(key, "adapter.")) {
    code =
        model_refuse_key(g, value, "an adapter changes the weights, and pv does not apply it", err);
    if (code == PV_ERR_UNSUPPORTED)
      pv_error_hint(err, "merge the adapter into the model, and convert the result");
  } else if (dot != NULL && find(m->plan, dot, rest) != NULL) {
    snprintf(words, sizeof words, "that is a setting of another architecture than %s",
             m->plan->architecture);
    code = model_refuse_key(g, value, words, err);
    if (code == PV_ERR_UNSUPPORTED)
      pv_error_hint(err, "nothing tells which of the two is meant: convert the model again");
  }
  return code;
}

pv_code model_check_metadata(const pv_model *m, pv_error *err) {
  pv_code code = PV_OK;
  for (uint64_t i = 0; i < pv_gguf_value_count(m->gguf) && code == PV_OK; i++) {
    const pv_gguf_value *value = pv_gguf_value_at(m->gguf, i);
    uint64_t length = value->key.length;
    const char *name = below(m->plan, &value->key, &length);
    const pv_model_key *key = find(m->plan, name != NULL ? name : value->key.data, length);
    if (key != NULL && (key->name[0] == '.') != (name != NULL)) key = NULL;
    code = key != NULL ? check_known(m, key, value, err) : check_unknown(m, value, err);
  }
  return code;
}
