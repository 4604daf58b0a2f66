/* Qwen3 Mixture-of-Experts: embedding; in each layer RMSNorm, attention with per-head norms and
 * RoPE, residual, RMSNorm, router, the chosen experts, residual; final norm, head, argmax. */
#include "runtime/model/arch/qwen3moe.h"

#include "runtime/model/metadata.h"

#define ROW(id)  [PV_STAGE_##id]
#define OUTSIDE  (PV_ROW_ONCE | PV_ROW_STEP)
#define FOR_LAST (PV_ROW_ONCE | PV_ROW_LAST_ROWS)

/* clang-format off */
static const pv_stage_row rows[PV_STAGES] = {
  ROW(EMBEDDING) = {"embedding", PV_OP_GATHER, PV_ROLE_EMBEDDING, {0},
                    "token_embd", PV_DIM_HIDDEN, OUTSIDE | PV_ROW_BLOCK},

  ROW(ATTN_NORM) = {"attn_norm", PV_OP_NORM, PV_ROLE_NONE, {PV_STREAM},
                    "attn_norm", PV_DIM_HIDDEN, PV_ROW_STEP},
  ROW(Q) = {"q", PV_OP_MATMUL, PV_ROLE_NONE, {PV_STAGE_ATTN_NORM},
            "attn_q", PV_DIM_Q, PV_ROW_STEP},
  ROW(K) = {"k", PV_OP_MATMUL, PV_ROLE_NONE, {PV_STAGE_ATTN_NORM},
            "attn_k", PV_DIM_KV, 0},
  ROW(V) = {"v", PV_OP_MATMUL, PV_ROLE_NONE, {PV_STAGE_ATTN_NORM},
            "attn_v", PV_DIM_KV, PV_ROW_APPENDS},
  ROW(Q_ROPE) = {"q_rope", PV_OP_HEADS, PV_ROLE_NONE, {PV_STAGE_Q},
                 "attn_q_norm", PV_DIM_Q, PV_ROW_STEP},
  ROW(K_ROPE) = {"k_rope", PV_OP_HEADS, PV_ROLE_NONE, {PV_STAGE_K},
                 "attn_k_norm", PV_DIM_KV, PV_ROW_APPENDS},
  ROW(ATTN_OUT) = {"attn_out", PV_OP_ATTEND, PV_ROLE_NONE,
                   {PV_STAGE_Q_ROPE, PV_STAGE_K_ROPE, PV_STAGE_V},
                   NULL, PV_DIM_Q, PV_ROW_STEP},
  ROW(ATTN_PROJ) = {"attn_proj", PV_OP_MATMUL, PV_ROLE_NONE, {PV_STAGE_ATTN_OUT},
                    "attn_output", PV_DIM_HIDDEN, PV_ROW_STEP},
  ROW(ATTN_RESIDUAL) = {"attn_residual", PV_OP_ADD, PV_ROLE_NONE, {PV_STREAM, PV_STAGE_ATTN_PROJ},
                        NULL, PV_DIM_HIDDEN, PV_ROW_BLOCK},

  ROW(FFN_NORM) = {"ffn_norm", PV_OP_NORM, PV_ROLE_FFN_IN, {PV_STAGE_ATTN_RESIDUAL},
                   "ffn_norm", PV_DIM_HIDDEN, PV_ROW_STEP | PV_ROW_BLOCK},
  ROW(MOE_ROUTER_LOGITS) = {"moe_router_logits", PV_OP_MATMUL, PV_ROLE_ROUTER_LOGITS,
                            {PV_STAGE_FFN_NORM},
                            "ffn_gate_inp", PV_DIM_EXPERTS, PV_ROW_STEP},
  ROW(MOE_ROUTER) = {"moe_router", PV_OP_ROUTE, PV_ROLE_ROUTER_WEIGHTS,
                     {PV_STAGE_MOE_ROUTER_LOGITS},
                     NULL, PV_DIM_USED, PV_ROW_BLOCK},
  ROW(MOE_ROUTER_INDICES) = {"moe_router_indices", PV_OP_TOPK, PV_ROLE_ROUTER_INDICES,
                             {PV_STAGE_MOE_ROUTER_LOGITS},
                             NULL, PV_DIM_USED, PV_ROW_INDEX | PV_ROW_BLOCK},
  ROW(EXPERT_GATE) = {"expert_gate", PV_OP_MATMUL, PV_ROLE_NONE,
                      {PV_STAGE_FFN_NORM, PV_STAGE_MOE_ROUTER_INDICES},
                      "ffn_gate_exps", PV_DIM_FFN, PV_ROW_STEP | PV_ROW_BY_EXPERT},
  ROW(EXPERT_UP) = {"expert_up", PV_OP_MATMUL, PV_ROLE_NONE,
                    {PV_STAGE_FFN_NORM, PV_STAGE_MOE_ROUTER_INDICES},
                    "ffn_up_exps", PV_DIM_FFN, PV_ROW_BY_EXPERT},
  ROW(EXPERT_SWIGLU) = {"expert_swiglu", PV_OP_SWIGLU, PV_ROLE_NONE,
                        {PV_STAGE_EXPERT_GATE, PV_STAGE_EXPERT_UP},
                        NULL, PV_DIM_FFN, PV_ROW_BY_EXPERT},
  ROW(EXPERT_DOWN) = {"expert_down", PV_OP_MATMUL, PV_ROLE_EXPERTS_OUT,
                      {PV_STAGE_EXPERT_SWIGLU, PV_STAGE_MOE_ROUTER_INDICES},
                      "ffn_down_exps", PV_DIM_HIDDEN, PV_ROW_STEP | PV_ROW_BY_EXPERT},
  ROW(MOE_FFN_OUT) = {"moe_ffn_out", PV_OP_COMBINE, PV_ROLE_FFN_OUT,
                      {PV_STAGE_EXPERT_DOWN, PV_STAGE_MOE_ROUTER},
                      NULL, PV_DIM_HIDDEN, 0},
  ROW(FFN_RESIDUAL) = {"ffn_residual", PV_OP_ADD, PV_ROLE_LAYER_OUT,
                       {PV_STAGE_ATTN_RESIDUAL, PV_STAGE_MOE_FFN_OUT},
                       NULL, PV_DIM_HIDDEN, PV_ROW_BLOCK},

  ROW(FINAL_NORM) = {"final_norm", PV_OP_NORM, PV_ROLE_NONE, {PV_STREAM},
                     "output_norm", PV_DIM_HIDDEN, FOR_LAST | PV_ROW_STEP},
  ROW(LOGITS) = {"logits", PV_OP_MATMUL, PV_ROLE_LOGITS, {PV_STAGE_FINAL_NORM},
                 "output", PV_DIM_VOCAB, FOR_LAST | PV_ROW_STEP | PV_ROW_TIED},
  ROW(ARGMAX) = {"argmax", PV_OP_ARGMAX, PV_ROLE_TOP, {PV_STAGE_LOGITS},
                 NULL, PV_DIM_ONE, FOR_LAST | PV_ROW_INDEX},
};
/* clang-format on */

/* In the order in which a converter writes them. */
static const pv_model_key keys[] = {
    PV_KEY_OF_SHAPE("block_count", PV_KEY_U32, layers, PV_MODEL_LAYERS_MAX, "number of layers"),
    PV_KEY_OF_SHAPE("context_length", PV_KEY_U32, context, 1u << 24,
                    "number of positions that the model was made for"),
    PV_KEY_OF_SHAPE("embedding_length", PV_KEY_U32, hidden, PV_MODEL_WIDTH_MAX,
                    "width of the residual stream"),
    PV_KEY_IDLE("feed_forward_length", "width of layers without experts: there are none"),
    PV_KEY_OF_SHAPE("attention.head_count", PV_KEY_U32, heads, 1024, "number of query heads"),
    PV_KEY_OF_SHAPE("attention.head_count_kv", PV_KEY_U32, kv_heads, 1024, "number of key heads"),
    PV_KEY_OF_SHAPE("attention.key_length", PV_KEY_U32, head_dim, 256, "head dimension"),
    PV_KEY_OF_SHAPE("rope.freq_base", PV_KEY_F64, rope.base, 1e12,
                    "base of the rotary frequencies"),
    PV_KEY_OF_SHAPE("attention.layer_norm_rms_epsilon", PV_KEY_F32, eps, 1.0, "epsilon of RMSNorm"),
    PV_KEY_OF_SHAPE("expert_count", PV_KEY_U32, experts, PV_MODEL_EXPERTS_MAX,
                    "number of experts of a layer"),
    PV_KEY_OF_SHAPE("expert_used_count", PV_KEY_U32, used, PV_MODEL_EXPERTS_MAX,
                    "number of experts chosen for a position"),
    PV_KEY_OF_SHAPE("expert_feed_forward_length", PV_KEY_U32, ffn, PV_MODEL_WIDTH_MAX,
                    "width of an expert"),
    {0},
};

const pv_plan pv_plan_qwen3moe = {.name = "qwen3moe",
                                  .architecture = "qwen3moe",
                                  .about = "Qwen3 Mixture-of-Experts models",
                                  .rows = rows,
                                  .count = PV_STAGES,
                                  .keys = keys};
