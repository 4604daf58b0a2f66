/* Which tensors there are, of which type and size, and where each one goes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ck.h"
#include "runtime/synth/internal.h"

enum { PER_LAYER = 12 };

/* The layers whose attn_v and ffn_down_exps get Q6_K in a Q4_K_M file: the first and last eighth,
 * and every third one between. */
static bool more_bits(uint32_t layer, uint32_t layers) {
  const uint32_t eighth = layers / 8;
  return layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2;
}

static bool ends_with(const char *name, const char *ending) {
  const size_t a = strlen(name), b = strlen(ending);
  return a >= b && strcmp(name + a - b, ending) == 0;
}

static pv_type mixed_type(const char *name, uint32_t layer, uint32_t layers, bool kv8) {
  if (strcmp(name, "output.weight") == 0) return PV_TYPE_Q6_K;
  if (ends_with(name, "ffn_down_exps.weight"))
    return more_bits(layer, layers) ? PV_TYPE_Q6_K : PV_TYPE_Q4_K;
  if (ends_with(name, "attn_v.weight")) {
    if (kv8) return PV_TYPE_Q8_0;
    return more_bits(layer, layers) ? PV_TYPE_Q6_K : PV_TYPE_Q4_K;
  }
  if (kv8 && ends_with(name, "attn_k.weight")) return PV_TYPE_Q8_0;
  if (kv8 && ends_with(name, "attn_output.weight")) return PV_TYPE_Q5_K;
  return PV_TYPE_Q4_K;
}

/* The type of a matrix. A row that is not whole blocks falls back to a finer type, as quantisers
 * do. */
static pv_type choose_type(const pv_synth_options *o, const char *name, uint32_t layer,
                           uint64_t row) {
  pv_type type = PV_TYPE_F32;
  switch (o->layout) {
    case PV_SYNTH_F32:
      return PV_TYPE_F32;
    case PV_SYNTH_F16:
      return PV_TYPE_F16;
    case PV_SYNTH_BF16:
      return PV_TYPE_BF16;
    case PV_SYNTH_Q8_0:
      type = PV_TYPE_Q8_0;
      break;
    case PV_SYNTH_Q6_K:
      type = PV_TYPE_Q6_K;
      break;
    case PV_SYNTH_Q4_K_M:
    case PV_SYNTH_Q4_K_M_KV8:
      /* A tied embedding is the head as well, and gets the head's type. */
      type = o->shape.tied && strcmp(name, "token_embd.weight") == 0
                 ? PV_TYPE_Q6_K
                 : mixed_type(name, layer, o->shape.layers, o->layout == PV_SYNTH_Q4_K_M_KV8);
      break;
  }
  if (row % pv_type_get((uint32_t)type)->block_elements == 0) return type;
  return row % 32 == 0 ? PV_TYPE_Q8_0 : PV_TYPE_F16;
}

static uint64_t hash_name(uint64_t seed, const char *name) {
  uint64_t hash = 0xcbf29ce484222325u ^ seed * 0x9e3779b97f4a7c15u; /* FNV-1a */
  for (; *name != '\0'; name++) hash = (hash ^ (unsigned char)*name) * 0x100000001b3u;
  return hash;
}

/* Adds one tensor behind those that are there. */
static bool add(synth_plan *plan, synth_kind kind, const char *name, uint32_t layer, uint64_t d0,
                uint64_t d1, uint64_t d2, double deviation) {
  const pv_synth_options *o = plan->options;
  synth_tensor *t = &plan->tensors[plan->count++];
  snprintf(t->name, sizeof t->name, "%s", name);
  t->kind = kind;
  t->dim_count = d1 == 0 ? 1 : d2 == 0 ? 2 : 3;
  t->dims[0] = d0;
  t->dims[1] = d1 == 0 ? 1 : d1;
  t->dims[2] = d2 == 0 ? 1 : d2;
  const bool plain =
      kind == SYNTH_NORM || kind == SYNTH_ROUTER || (kind == SYNTH_EMBEDDING && o->outlier > 0.0);
  t->type = plain ? PV_TYPE_F32 : choose_type(o, name, layer, d0);
  t->deviation = deviation;
  t->stream = hash_name(o->seed, name);
  if (!pv_tensor_size(t->type, t->dims, 3, &t->elements, &t->row_bytes, &t->bytes)) return false;
  t->offset = plan->data_bytes;
  t->rows = t->elements / d0;
  return pv_ck_add(plan->data_bytes, t->bytes, &plan->data_bytes) &&
         pv_ck_align(plan->data_bytes, SYNTH_ALIGNMENT, &plan->data_bytes);
}

static bool add_layer(synth_plan *plan, uint32_t layer) {
  const pv_shape *s = &plan->options->shape;
  const uint64_t h = s->hidden, q = (uint64_t)s->heads * s->head_dim;
  const uint64_t kv = (uint64_t)s->kv_heads * s->head_dim;
  const double in = 1.0 / sqrt((double)h), back = 1.0 / sqrt(2.0 * s->layers);
  const struct {
    const char *name;
    synth_kind kind;
    uint64_t d0, d1, d2;
    double deviation;
  } tensors[PER_LAYER] = {
      {"attn_norm", SYNTH_NORM, h, 0, 0, 0.0},
      {"ffn_norm", SYNTH_NORM, h, 0, 0, 0.0},
      {"attn_q", SYNTH_MATRIX, h, q, 0, in},
      {"attn_k", SYNTH_MATRIX, h, kv, 0, in},
      {"attn_v", SYNTH_MATRIX, h, kv, 0, in},
      {"attn_output", SYNTH_MATRIX, q, h, 0, back / sqrt((double)q)},
      {"attn_q_norm", SYNTH_NORM, s->head_dim, 0, 0, 0.0},
      {"attn_k_norm", SYNTH_NORM, s->head_dim, 0, 0, 0.0},
      {"ffn_gate_inp", SYNTH_ROUTER, h, s->experts, 0, in},
      {"ffn_gate_exps", SYNTH_MATRIX, h, s->ffn, s->experts, in},
      {"ffn_up_exps", SYNTH_MATRIX, h, s->ffn, s->experts, in},
      {"ffn_down_exps", SYNTH_MATRIX, s->ffn, h, s->experts, back / sqrt((double)s->ffn)},
  };
  for (unsigned i = 0; i < PER_LAYER; i++) {
    char name[48];
    snprintf(name, sizeof name, "blk.%u.%s.weight", (unsigned)layer, tensors[i].name);
    if (!add(plan, tensors[i].kind, name, layer, tensors[i].d0, tensors[i].d1, tensors[i].d2,
             tensors[i].deviation))
      return false;
  }
  return true;
}

pv_code synth_plan_make(const pv_synth_options *options, synth_plan *out, pv_error *err) {
  const pv_shape *s = &options->shape;
  synth_plan plan = {.options = options};
  pv_code code = synth_check(options, err);
  if (code != PV_OK) return code;
  plan.tensors = calloc((size_t)s->layers * PER_LAYER + 3, sizeof *plan.tensors);
  if (plan.tensors == NULL)
    return pv_error_set(err, PV_ERR_NOMEM, "out of memory for the list of tensors");
  const double in = 1.0 / sqrt((double)s->hidden);
  bool fits = add(&plan, SYNTH_EMBEDDING, "token_embd.weight", 0, s->hidden, s->vocab, 0,
                  s->tied ? in : 1.0);
  fits = fits && add(&plan, SYNTH_NORM, "output_norm.weight", 0, s->hidden, 0, 0, 0.0);
  if (!s->tied)
    fits = fits && add(&plan, SYNTH_MATRIX, "output.weight", 0, s->hidden, s->vocab, 0, in);
  for (uint32_t layer = 0; layer < s->layers; layer++) fits = fits && add_layer(&plan, layer);
  if (!fits || plan.data_bytes > INT64_MAX / 2) {
    code = pv_error_set(err, PV_ERR_LIMIT, "a model of this shape does not fit a file");
    pv_error_hint(err, "lower a dimension");
    synth_plan_free(&plan);
    return code;
  }
  *out = plan;
  return PV_OK;
}

void synth_plan_free(synth_plan *plan) {
  free(plan->tensors);
  *plan = (synth_plan){0};
}
