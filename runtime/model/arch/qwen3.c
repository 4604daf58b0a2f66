/* Dense Qwen3: embedding; in each layer RMSNorm, attention with per-head norms and RoPE, residual,
 * RMSNorm, a gated feed-forward network, residual; final norm, head, argmax. */
#include "runtime/model/metadata.h"

#define OUTSIDE  (PV_ROW_ONCE | PV_ROW_STEP)
#define FOR_LAST (PV_ROW_ONCE | PV_ROW_LAST_ROWS)

enum {
  EMBEDDING,
  ATTN_NORM,
  Q,
  K,
  V,
  Q_ROPE,
  K_ROPE,
  ATTN_OUT,
  ATTN_PROJ,
  ATTN_RESIDUAL,
  FFN_NORM,
  FFN_GATE,
  FFN_UP,
  FFN_SWIGLU,
  FFN_OUT,
  FFN_RESIDUAL,
  FINAL_NORM,
  LOGITS,
  ARGMAX,
  STAGES
};

/* clang-format off */
static const pv_stage_row rows[STAGES] = {
  [EMBEDDING] = {"embedding", PV_OP_GATHER, PV_ROLE_EMBEDDING, {0},
                 "token_embd", PV_DIM_HIDDEN, OUTSIDE | PV_ROW_BLOCK},

  [ATTN_NORM] = {"attn_norm", PV_OP_NORM, PV_ROLE_NONE, {PV_STREAM},
                 "attn_norm", PV_DIM_HIDDEN, PV_ROW_STEP},
  [Q] = {"q", PV_OP_MATMUL, PV_ROLE_NONE, {ATTN_NORM}, "attn_q", PV_DIM_Q, PV_ROW_STEP},
  [K] = {"k", PV_OP_MATMUL, PV_ROLE_NONE, {ATTN_NORM}, "attn_k", PV_DIM_KV, 0},
  [V] = {"v", PV_OP_MATMUL, PV_ROLE_NONE, {ATTN_NORM}, "attn_v", PV_DIM_KV, PV_ROW_APPENDS},
  [Q_ROPE] = {"q_rope", PV_OP_HEADS, PV_ROLE_NONE, {Q}, "attn_q_norm", PV_DIM_Q, PV_ROW_STEP},
  [K_ROPE] = {"k_rope", PV_OP_HEADS, PV_ROLE_NONE, {K}, "attn_k_norm", PV_DIM_KV, PV_ROW_APPENDS},
  [ATTN_OUT] = {"attn_out", PV_OP_ATTEND, PV_ROLE_NONE, {Q_ROPE, K_ROPE, V},
                NULL, PV_DIM_Q, PV_ROW_STEP},
  [ATTN_PROJ] = {"attn_proj", PV_OP_MATMUL, PV_ROLE_NONE, {ATTN_OUT},
                 "attn_output", PV_DIM_HIDDEN, PV_ROW_STEP},
  [ATTN_RESIDUAL] = {"attn_residual", PV_OP_ADD, PV_ROLE_NONE, {PV_STREAM, ATTN_PROJ},
                     NULL, PV_DIM_HIDDEN, PV_ROW_BLOCK},

  [FFN_NORM] = {"ffn_norm", PV_OP_NORM, PV_ROLE_FFN_IN, {ATTN_RESIDUAL},
                "ffn_norm", PV_DIM_HIDDEN, PV_ROW_STEP | PV_ROW_BLOCK},
  [FFN_GATE] = {"ffn_gate", PV_OP_MATMUL, PV_ROLE_NONE, {FFN_NORM},
                "ffn_gate", PV_DIM_FFN, PV_ROW_STEP},
  [FFN_UP] = {"ffn_up", PV_OP_MATMUL, PV_ROLE_NONE, {FFN_NORM}, "ffn_up", PV_DIM_FFN, 0},
  [FFN_SWIGLU] = {"ffn_swiglu", PV_OP_SWIGLU, PV_ROLE_NONE, {FFN_GATE, FFN_UP},
                  NULL, PV_DIM_FFN, 0},
  [FFN_OUT] = {"ffn_out", PV_OP_MATMUL, PV_ROLE_FFN_OUT, {FFN_SWIGLU},
               "ffn_down", PV_DIM_HIDDEN, PV_ROW_STEP},
  [FFN_RESIDUAL] = {"ffn_residual", PV_OP_ADD, PV_ROLE_LAYER_OUT, {ATTN_RESIDUAL, FFN_OUT},
                    NULL, PV_DIM_HIDDEN, PV_ROW_BLOCK},

  [FINAL_NORM] = {"final_norm", PV_OP_NORM, PV_ROLE_NONE, {PV_STREAM},
                  "output_norm", PV_DIM_HIDDEN, FOR_LAST | PV_ROW_STEP},
  [LOGITS] = {"logits", PV_OP_MATMUL, PV_ROLE_LOGITS, {FINAL_NORM},
              "output", PV_DIM_VOCAB, FOR_LAST | PV_ROW_STEP | PV_ROW_TIED},
  [ARGMAX] = {"argmax", PV_OP_ARGMAX, PV_ROLE_TOP, {LOGITS},
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
    PV_KEY_OF_SHAPE("feed_forward_length", PV_KEY_U32, ffn, PV_MODEL_WIDTH_MAX,
                    "width of the feed-forward network"),
    PV_KEY_OF_SHAPE("attention.head_count", PV_KEY_U32, heads, 1024, "number of query heads"),
    PV_KEY_OF_SHAPE("attention.head_count_kv", PV_KEY_U32, kv_heads, 1024, "number of key heads"),
    PV_KEY_OF_SHAPE("attention.key_length", PV_KEY_U32, head_dim, 256, "head dimension"),
    PV_KEY_OF_SHAPE("rope.freq_base", PV_KEY_F64, rope.base, 1e12,
                    "base of the rotary frequencies"),
    PV_KEY_OF_SHAPE("attention.layer_norm_rms_epsilon", PV_KEY_F32, eps, 1.0, "epsilon of RMSNorm"),
    {".expert_count", PV_KEY_INTEGER, 0, 0, NULL, "number of experts of a layer: there are none",
     0},
    {".expert_used_count", PV_KEY_INTEGER, 0, 0, NULL, "number of experts chosen: there are none",
     0},
    {0},
};

const pv_plan pv_plan_qwen3 = {.name = "qwen3",
                               .architecture = "qwen3",
                               .about = "dense Qwen3 models",
                               .rows = rows,
                               .count = STAGES,
                               .keys = keys};
