/* Names and widths of stages, names and strings of numerics identities. */
#include <stdio.h>
#include <string.h>

#include "runtime/forward/backend.h"

static const char *const stage_names[PV_STAGES] = {
    "embedding",
    "attn_norm",
    "q",
    "k",
    "v",
    "q_rope",
    "k_rope",
    "attn_out",
    "attn_proj",
    "attn_residual",
    "ffn_norm",
    "moe_router_logits",
    "moe_router",
    "moe_router_indices",
    "expert_gate",
    "expert_up",
    "expert_swiglu",
    "expert_down",
    "moe_ffn_out",
    "ffn_residual",
    "final_norm",
    "logits",
    "argmax",
};

const char *pv_stage_name(pv_stage_id stage) {
  return stage_names[stage];
}

int pv_stage_find(const char *name) {
  for (int i = 0; i < PV_STAGES; i++)
    if (strcmp(stage_names[i], name) == 0) return i;
  return -1;
}

size_t pv_stage_width(pv_stage_id stage, const pv_shape *s) {
  switch (stage) {
    case PV_STAGE_Q:
    case PV_STAGE_Q_ROPE:
    case PV_STAGE_ATTN_OUT:
      return (size_t)s->heads * s->head_dim;
    case PV_STAGE_K:
    case PV_STAGE_V:
    case PV_STAGE_K_ROPE:
      return (size_t)s->kv_heads * s->head_dim;
    case PV_STAGE_MOE_ROUTER_LOGITS:
      return s->experts;
    case PV_STAGE_MOE_ROUTER:
    case PV_STAGE_MOE_ROUTER_INDICES:
      return s->used;
    case PV_STAGE_EXPERT_GATE:
    case PV_STAGE_EXPERT_UP:
    case PV_STAGE_EXPERT_SWIGLU:
      return (size_t)s->used * s->ffn;
    case PV_STAGE_EXPERT_DOWN:
      return (size_t)s->used * s->hidden;
    case PV_STAGE_LOGITS:
      return s->vocab;
    case PV_STAGE_ARGMAX:
      return 1;
    default:
      return s->hidden;
  }
}

int pv_stage_is_index(pv_stage_id stage) {
  return stage == PV_STAGE_MOE_ROUTER_INDICES || stage == PV_STAGE_ARGMAX;
}

int pv_stage_is_layered(pv_stage_id stage) {
  return stage != PV_STAGE_EMBEDDING && stage < PV_STAGE_FINAL_NORM;
}

const char *pv_stage_place(pv_stage_id stage, uint32_t layer, char out[PV_STAGE_PLACE]) {
  snprintf(out, PV_STAGE_PLACE, pv_stage_is_layered(stage) ? "%s of layer %u" : "%s",
           pv_stage_name(stage), layer);
  return out;
}

size_t pv_op_stages(pv_op op, const pv_stage_id **out) {
  static const struct {
    size_t count;
    pv_stage_id stages[3];
  } table[] = {
      [PV_OP_EMBED] = {1, {PV_STAGE_EMBEDDING}},
      [PV_OP_ATTN_NORM] = {1, {PV_STAGE_ATTN_NORM}},
      [PV_OP_QKV] = {3, {PV_STAGE_Q, PV_STAGE_K, PV_STAGE_V}},
      [PV_OP_HEADS] = {2, {PV_STAGE_Q_ROPE, PV_STAGE_K_ROPE}},
      [PV_OP_ATTEND] = {1, {PV_STAGE_ATTN_OUT}},
      [PV_OP_ATTN_PROJ] = {2, {PV_STAGE_ATTN_PROJ, PV_STAGE_ATTN_RESIDUAL}},
      [PV_OP_FFN_NORM] = {1, {PV_STAGE_FFN_NORM}},
      [PV_OP_ROUTE] = {3,
                       {PV_STAGE_MOE_ROUTER_LOGITS, PV_STAGE_MOE_ROUTER,
                        PV_STAGE_MOE_ROUTER_INDICES}},
      [PV_OP_EXPERTS] = {3, {PV_STAGE_EXPERT_GATE, PV_STAGE_EXPERT_UP, PV_STAGE_EXPERT_SWIGLU}},
      [PV_OP_DOWN] = {3, {PV_STAGE_EXPERT_DOWN, PV_STAGE_MOE_FFN_OUT, PV_STAGE_FFN_RESIDUAL}},
      [PV_OP_FINAL_NORM] = {1, {PV_STAGE_FINAL_NORM}},
      [PV_OP_HEAD] = {2, {PV_STAGE_LOGITS, PV_STAGE_ARGMAX}},
  };
  *out = table[op].stages;
  return table[op].count;
}

static const struct {
  const char *name, *identity;
} numerics_table[PV_NUMERICS_COUNT] = {
    [PV_NUMERICS_I16] =
        {"i16",
         "i16/1 act=fixed16(max=32512,segment=32,rne) sum=int,fold tree=fold-halving "
         "plain=wide256-fma attn=chunk64,narrow8,kv-f32 exp=pv1 rope=pv-f64 tie=value,index"},
    [PV_NUMERICS_F32_F64ACC] =
        {"f32-f64acc",
         "f32-f64acc/1 act=f32 sum=f64-fma(lanes=32,chunk=256)->f32 tree=fold-halving "
         "attn=chunk64,narrow8,kv-f32 exp=pv1 rope=pv-f64 tie=value,index"},
    [PV_NUMERICS_F64] = {"f64", "f64/1 all=f64 sum=lanes8 exp,sin,cos,pow=libm tie=value,index"},
    [PV_NUMERICS_I8] =
        {"i8",
         "i8/1 act=fixed8(max=127,segment=32,rne) sum=int,fold tree=fold-halving "
         "plain=wide256-fma attn=chunk64,narrow8,kv-f32 exp=pv1 rope=pv-f64 tie=value,index"},
};

const char *pv_numerics_name(pv_numerics numerics) {
  return numerics_table[numerics].name;
}
const char *pv_numerics_identity(pv_numerics numerics) {
  return numerics_table[numerics].identity;
}

int pv_numerics_find(const char *name) {
  for (int i = 0; i < PV_NUMERICS_COUNT; i++)
    if (strcmp(numerics_table[i].name, name) == 0) return i;
  return -1;
}
