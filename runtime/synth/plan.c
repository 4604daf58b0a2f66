/* Which tensors there are, of which type and size, and where each one goes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ck.h"
#include "runtime/synth/internal.h"

/* The layers whose attn_v and ffn_down get Q6_K in a Q4_K_M file: the first and last eighth,
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
  if (ends_with(name, "ffn_down_exps.weight") || ends_with(name, "ffn_down.weight"))
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

static synth_kind kind_of(const pv_plan *plan, size_t row) {
  const pv_stage_row *r = &plan->rows[row];
  if (r->op == PV_OP_NORM || r->op == PV_OP_HEADS) return SYNTH_NORM;
  if (r->op == PV_OP_GATHER) return SYNTH_EMBEDDING;
  if (pv_plan_is_vector(plan, row))
    return r->width == PV_DIM_EXPERTS ? SYNTH_ROUTER_BIAS : SYNTH_BIAS;
  return r->width == PV_DIM_EXPERTS ? SYNTH_ROUTER : SYNTH_MATRIX;
}

/* Whether what a stage makes is added to the residual stream. */
static bool goes_back(const pv_plan *plan, size_t row) {
  for (size_t i = row + 1; i < plan->count; i++) {
    const pv_stage_row *r = &plan->rows[i];
    if ((r->op == PV_OP_ADD || r->op == PV_OP_COMBINE) && (r->in[0] == row || r->in[1] == row))
      return true;
  }
  return false;
}

/* Of the weights of a matrix of rows of `k`, or of a vector. */
static double deviation_of(const pv_plan *plan, size_t row, const pv_shape *s, uint64_t k) {
  const synth_kind kind = kind_of(plan, row);
  const double back = goes_back(plan, row) ? 1.0 / sqrt(2.0 * s->layers) : 1.0;
  if (kind == SYNTH_NORM) return 0.0;
  if (kind == SYNTH_BIAS || kind == SYNTH_ROUTER_BIAS) return back / 4.0;
  if (kind == SYNTH_EMBEDDING) /* a scale makes up for it */
    return s->tied || s->embedding_scale > 0.0f ? 1.0 / sqrt((double)s->hidden) : 1.0;
  return back / sqrt((double)k);
}

/* Adds the weight of a stage behind those that are there. */
static bool add(synth_plan *plan, size_t row, uint32_t layer) {
  const pv_synth_options *o = plan->options;
  synth_tensor *t = &plan->tensors[plan->count];
  if (!pv_plan_weight(o->plan, row, &o->shape, t->dims)) return true;
  if (o->shape.tied && pv_plan_is(o->plan, row, PV_ROW_TIED)) return true;
  plan->count++;
  pv_plan_weight_name(o->plan, row, layer, t->name);
  t->kind = kind_of(o->plan, row);
  t->dim_count = (pv_plan_is_vector(o->plan, row) ? 1 : 2) +
                 (pv_plan_is(o->plan, row, PV_ROW_BY_EXPERT) ? 1 : 0);
  const bool plain = pv_plan_is_vector(o->plan, row) || t->kind == SYNTH_ROUTER ||
                     t->dims[1] == 1 || /* a vector, too, but of a product */
                     (t->kind == SYNTH_EMBEDDING && o->outlier > 0.0);
  t->type = plain ? PV_TYPE_F32 : choose_type(o, t->name, layer, t->dims[0]);
  t->deviation = deviation_of(o->plan, row, &o->shape, t->dims[0]);
  t->stream = hash_name(o->seed, t->name);
  if (!pv_tensor_size(t->type, t->dims, 3, &t->elements, &t->row_bytes, &t->bytes)) return false;
  t->offset = plan->data_bytes;
  t->rows = t->elements / t->dims[0];
  return pv_ck_add(plan->data_bytes, t->bytes, &plan->data_bytes) &&
         pv_ck_align(plan->data_bytes, SYNTH_ALIGNMENT, &plan->data_bytes);
}

/* The order of a layer's tensors in a file: norms, the attention's matrices, gains of heads, the
 * feed-forward network's matrices. */
static int turn_of(const pv_plan *plan, size_t row) {
  if (plan->rows[row].op == PV_OP_NORM) return 0;
  if (plan->rows[row].op == PV_OP_HEADS) return 2;
  return (int)row < pv_plan_role(plan, PV_ROLE_FFN_IN) ? 1 : 3;
}

static bool add_rows(synth_plan *plan, bool once, uint32_t layer) {
  const pv_plan *of = plan->options->plan;
  for (int turn = 0; turn < 4; turn++)
    for (size_t i = 0; i < of->count; i++)
      if (pv_plan_is(of, i, PV_ROW_ONCE) == once && (once ? turn == 0 : turn_of(of, i) == turn) &&
          !add(plan, i, layer))
        return false;
  return true;
}

pv_code synth_plan_make(const pv_synth_options *options, synth_plan *out, pv_error *err) {
  const pv_shape *s = &options->shape;
  synth_plan plan = {.options = options};
  pv_code code = synth_check(options, err);
  if (code != PV_OK) return code;
  plan.tensors = calloc(((size_t)s->layers + 1) * options->plan->count, sizeof *plan.tensors);
  if (plan.tensors == NULL)
    return pv_error_set(err, PV_ERR_NOMEM, "out of memory for the list of tensors");
  bool fits = add_rows(&plan, true, 0);
  for (uint32_t layer = 0; layer < s->layers; layer++) fits = fits && add_rows(&plan, false, layer);
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
