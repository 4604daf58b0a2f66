/* The tensors of the architecture: their types, names and shapes, and what is there beside them. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ck.h"
#include "base/text.h"
#include "runtime/model/internal.h"

/* The number of a layer's tensor "blk.N.rest", N written as numbers are; -1 for other names. */
static int64_t layer_of(const char *name) {
  if (strncmp(name, "blk.", 4) != 0) return -1;
  const char *digits = name + 4, *end = digits;
  while (isdigit((unsigned char)*end) && end - digits < 9) end++;
  uint64_t number = 0;
  if (*end != '.' || !pv_parse_u64(digits, (size_t)(end - digits), &number)) return -1;
  return (int64_t)number;
}

/* What the architecture does not know: how many tensors, and the name of the first. */
typedef struct strangers {
  uint64_t count;
  char first[PV_GGUF_MAX_NAME_BYTES + 1];
} strangers;

static bool is_known(const pv_model *m, const char *text) {
  const int64_t layer = layer_of(text);
  char name[PV_WEIGHT_NAME];
  if (strcmp(text, MODEL_ROPE_FACTORS) == 0) return (m->plan->flags & PV_PLAN_ROPE_FACTORS) != 0;
  for (size_t i = 0; i < m->plan->count; i++) {
    const bool once = pv_plan_is(m->plan, i, PV_ROW_ONCE);
    if (m->plan->rows[i].weight == NULL || once != (layer < 0)) continue;
    if (strcmp(pv_plan_weight_name(m->plan, i, (uint32_t)layer, name), text) == 0)
      return layer < (int64_t)m->shape.layers;
  }
  return false;
}

static strangers look_beside(const pv_model *m) {
  const pv_gguf *g = m->gguf;
  strangers out = {0};
  char text[PV_GGUF_MAX_NAME_BYTES + 1];
  for (uint64_t i = 0; i < pv_gguf_tensor_count(g); i++) {
    const pv_gguf_string *name = &pv_gguf_tensor_at(g, i)->name;
    memcpy(text, name->data, (size_t)name->length);
    text[name->length] = '\0';
    if (!is_known(m, text) && out.count++ == 0) memcpy(out.first, text, sizeof text);
  }
  return out;
}

/* What a stranger is, by its name, and what to do. */
static const char *cure(const char *name, uint32_t layers) {
  static const struct {
    const char *part, *words;
  } kinds[] = {
      {"ffn_gate_up_exps",
       "gate and up are fused into one tensor: convert the model with ffn_gate_exps and "
       "ffn_up_exps apart"},
      {"_shexp", "pv computes this architecture without shared experts: use a model without them"},
      {"exp_probs_b", "pv does not compute a bias of the router: use a model without it"},
      {".bias", "pv computes this architecture without biases: use a model without them"},
      {"attn_sinks", "pv computes this architecture without sinks: use a model without them"},
      {"_norm.weight", "pv computes this architecture without that norm: use a model without it"},
      {"attn_qkv", "q, k and v are fused into one tensor: convert the model with them apart"},
      {"rope_f",
       "pv computes factors on the rotary frequencies as rope_freqs.weight of the architecture "
       "llama "
       "alone: use a model without them"},
      {"scale", "pv does not apply scales that stand beside a tensor: use another quantisation"},
      {"_exps.", "the metadata name no experts (expert_count): convert the model again"},
  };
  if (layer_of(name) >= (int64_t)layers)
    return "its layer is beyond block_count: layers that predict further tokens are not computed";
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strstr(name, kinds[i].part) != NULL) return kinds[i].words;
  const char *dense = strstr(name, ".ffn_");
  for (unsigned i = 0; i < 3 && dense != NULL; i++) {
    static const char *const parts[] = {".ffn_gate.", ".ffn_up.", ".ffn_down."};
    const size_t length = strlen(parts[i]);
    if (strncmp(dense, parts[i], length) != 0) continue;
    return isdigit((unsigned char)dense[length])
               ? "it has one tensor for each expert, as old converters wrote: convert the model "
                 "again"
               : "the architecture has layers of experts only: use a model without dense layers";
  }
  return "a tensor that is not read would change nothing: list them with pv tensors FILE";
}

static pv_code missing(const pv_model *m, const char *name, pv_error *err) {
  const pv_gguf *g = m->gguf;
  const strangers beside = look_beside(m);
  if (beside.count == 0) {
    pv_error_set(err, PV_ERR_INPUT, "tensor '%s' is missing", name);
    pv_error_hint(err, "list what the file holds with: pv tensors FILE");
  } else {
    pv_error_set(err, PV_ERR_INPUT,
                 "tensor '%s' is missing; tensors that the architecture does not know: %llu of "
                 "%llu, the first is '%s'",
                 name, (unsigned long long)beside.count,
                 (unsigned long long)pv_gguf_tensor_count(g), beside.first);
    pv_error_hint(err, "%s", cure(beside.first, m->shape.layers));
  }
  pv_error_at(err, pv_gguf_path(g), 0, 0, -1);
  pv_error_rule(err, "PV-MODEL-TENSORS");
  return PV_ERR_INPUT;
}

static pv_code refuse_strangers(const pv_model *m, pv_error *err) {
  const pv_gguf *g = m->gguf;
  const strangers beside = look_beside(m);
  if (beside.count == 0) return PV_OK;
  const pv_gguf_tensor *t = pv_gguf_tensor_find(g, beside.first);
  pv_error_set(err, PV_ERR_UNSUPPORTED,
               "tensors that the architecture does not know: %llu of %llu, the first is '%s'",
               (unsigned long long)beside.count, (unsigned long long)pv_gguf_tensor_count(g),
               beside.first);
  pv_error_at(err, pv_gguf_part_path(g, t == NULL ? 0 : t->part), 0, 0,
              t == NULL ? -1 : (int64_t)t->offset);
  pv_error_rule(err, "PV-MODEL-TENSORS");
  pv_error_hint(err, "%s", cure(beside.first, m->shape.layers));
  return PV_ERR_UNSUPPORTED;
}

pv_code model_check_types(const pv_gguf *g, pv_error *err) {
  const pv_gguf_tensor *first = NULL;
  uint64_t counts[PV_TYPE_NUMBERS] = {0};
  pv_text list = PV_TEXT_INIT;
  for (uint64_t i = 0; i < pv_gguf_tensor_count(g); i++) {
    const pv_gguf_tensor *t = pv_gguf_tensor_at(g, i);
    if (pv_type_get((uint32_t)t->type) != NULL) continue;
    if (first == NULL) first = t;
    counts[t->type]++;
  }
  if (first == NULL) return PV_OK;
  for (uint32_t type = 0; type < PV_TYPE_NUMBERS; type++)
    if (counts[type] > 0)
      pv_text_printf(&list, "%s%llu %s", list.length == 0 ? "" : ", ",
                     (unsigned long long)counts[type], pv_type_known(type)->name);
  pv_code code = PV_ERR_UNSUPPORTED;
  if (list.failed)
    code = pv_error_set(err, PV_ERR_NOMEM, "out of memory for the types");
  else
    pv_error_set(err, code, "tensor '%.*s' is %s, which pv does not compute (of %llu tensors: %s)",
                 (int)first->name.length, first->name.data,
                 pv_type_known((uint32_t)first->type)->name,
                 (unsigned long long)pv_gguf_tensor_count(g), list.data);
  if (!list.failed) {
    pv_error_at(err, pv_gguf_part_path(g, first->part), 0, 0, (int64_t)first->offset);
    pv_error_rule(err, "PV-MODEL-TENSOR-TYPE");
    pv_error_hint(err,
                  "use a file with %s alone, such as Q4_K_M or Q8_0, or quantise the model again",
                  pv_type_names());
  }
  pv_text_free(&list);
  return code;
}

/* A stage's weight, of exactly the dimensions that follow; vectors must be F32. */
static pv_code find(pv_model *m, size_t row, uint32_t layer, pv_error *err) {
  const bool once = pv_plan_is(m->plan, row, PV_ROW_ONCE);
  pv_layer *of = once ? &m->once : &m->layers[layer];
  char name[PV_WEIGHT_NAME];
  uint64_t want[3];
  if (!pv_plan_weight(m->plan, row, &m->shape, want)) return PV_OK;
  pv_plan_weight_name(m->plan, row, layer, name);
  const pv_gguf_tensor *t = pv_gguf_tensor_find(m->gguf, name);
  if (t == NULL && pv_plan_is(m->plan, row, PV_ROW_TIED)) {
    m->shape.tied = true;
    of->weight[row] = m->once.weight[pv_plan_role(m->plan, PV_ROLE_EMBEDDING)];
    return PV_OK;
  }
  if (t == NULL) return missing(m, name, err);
  pv_code code = PV_OK;
  if (memcmp(t->dims, want, sizeof want) != 0 || t->dims[3] != 1)
    code =
        pv_error_set(err, PV_ERR_INPUT,
                     "tensor '%s' is [%llu, %llu, %llu], the metadata ask for [%llu, %llu, %llu]",
                     name, (unsigned long long)t->dims[0], (unsigned long long)t->dims[1],
                     (unsigned long long)t->dims[2], (unsigned long long)want[0],
                     (unsigned long long)want[1], (unsigned long long)want[2]);
  else if (pv_plan_is_vector(m->plan, row) && t->type != PV_TYPE_F32)
    code = pv_error_set(err, PV_ERR_UNSUPPORTED, "vector '%s' is %s, not F32", name,
                        pv_type_get(t->type)->name);
  if (code != PV_OK) {
    pv_error_at(err, pv_gguf_part_path(m->gguf, t->part), 0, 0, (int64_t)t->offset);
    pv_error_rule(err, "PV-MODEL-TENSORS");
    pv_error_hint(err, "%s",
                  pv_gguf_part_count(m->gguf) > 1
                      ? "the part may be of another model: copy or download all parts again, or "
                        "convert the model again"
                      : "the program that wrote the file is at fault: convert the model again");
    return code;
  }
  of->weight[row] = t;
  return PV_OK;
}

pv_code model_find_vocab(pv_model *m, pv_error *err) {
  const pv_gguf *g = m->gguf;
  char name[PV_WEIGHT_NAME];
  const pv_gguf_tensor *embedding = pv_gguf_tensor_find(
      g, pv_plan_weight_name(m->plan, (size_t)pv_plan_role(m->plan, PV_ROLE_EMBEDDING), 0, name));
  const pv_gguf_value *names = pv_gguf_find(g, "tokenizer.ggml.tokens");
  pv_code code = PV_OK;
  if (names != NULL && names->type == PV_GGUF_ARRAY) m->names = names->count;
  if (embedding == NULL) return PV_OK; /* said where it is looked for */
  if (!pv_ck_u32(embedding->dims[1], &m->shape.vocab)) {
    code = pv_error_set(err, PV_ERR_LIMIT, "the vocabulary is larger than 2^32");
  } else if (m->names > m->shape.vocab) {
    code = pv_error_set(err, PV_ERR_INPUT,
                        "the tokenizer names %llu tokens, the embedding has rows for %u",
                        (unsigned long long)m->names, (unsigned)m->shape.vocab);
    pv_error_hint(err, "tokenizer and weights are of two models: convert the model again");
  }
  if (code != PV_OK)
    pv_error_at(err, pv_gguf_part_path(g, embedding->part), 0, 0, (int64_t)embedding->offset);
  return code;
}

pv_code model_find_tensors(pv_model *m, pv_error *err) {
  pv_code code = PV_OK;
  for (uint32_t turn = 0; turn <= m->shape.layers; turn++) /* the first: outside the layers */
    for (size_t i = 0; i < m->plan->count && code == PV_OK; i++)
      if ((pv_plan_is(m->plan, i, PV_ROW_ONCE)) == (turn == 0))
        code = find(m, i, turn == 0 ? 0 : turn - 1, err);
  /* Names are unique and all that are known were found: what is left over is unknown. */
  return code == PV_OK ? refuse_strangers(m, err) : code;
}
