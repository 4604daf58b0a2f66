/* Rows and keys that architectures share. A plan is a list LIST(X) of
 *   X(ID, "name", OPERATION, ROLE, "weight" or NULL, WIDTH, flags, inputs ...)
 * and of the groups below, which name their inputs by the identifiers of the list they stand in.
 * PV_PLAN_TABLE makes the identifiers and the rows of it. */
#ifndef PV_MODEL_ARCH_ROWS_H
#define PV_MODEL_ARCH_ROWS_H

#include "runtime/model/metadata.h"

#define PLAN_ID(id, ...) id,
#define PLAN_ROW(id, name, op, role, weight, width, flags, ...) \
  [id] = {name, PV_OP_##op, PV_ROLE_##role, {__VA_ARGS__}, weight, PV_DIM_##width, flags},
#define PV_PLAN_TABLE(LIST)      \
  enum { LIST(PLAN_ID) STAGES }; \
  static const pv_stage_row rows[STAGES] = {LIST(PLAN_ROW)}

#define STEP      PV_ROW_STEP
#define BLOCK     PV_ROW_BLOCK
#define CACHED    PV_ROW_APPENDS
#define BY_EXPERT PV_ROW_BY_EXPERT
#define OUTSIDE   (PV_ROW_ONCE | PV_ROW_STEP)
#define FOR_LAST  (PV_ROW_ONCE | PV_ROW_LAST_ROWS)

/* clang-format off */

/* The embedding; the norm of what enters a layer. */
#define ROWS_BEGIN(X) \
  X(EMBEDDING, "embedding", GATHER, EMBEDDING, "token_embd", HIDDEN, OUTSIDE | BLOCK, 0) \
  X(ATTN_NORM, "attn_norm", NORM, NONE, "attn_norm", HIDDEN, STEP, PV_STREAM)

/* Queries, keys and values; CACHED are the values where nothing is added to them. */
#define ROWS_QKV(X, of_values) \
  X(Q, "q", MATMUL, NONE, "attn_q", Q, STEP, ATTN_NORM) \
  X(K, "k", MATMUL, NONE, "attn_k", KV, 0, ATTN_NORM) \
  X(V, "v", MATMUL, NONE, "attn_v", KV, of_values, ATTN_NORM)
#define ROWS_QKV_BIAS(X) \
  X(Q_BIAS, "q_bias", BIAS, NONE, "attn_q", Q, STEP, Q) \
  X(K_BIAS, "k_bias", BIAS, NONE, "attn_k", KV, 0, K) \
  X(V_BIAS, "v_bias", BIAS, NONE, "attn_v", KV, CACHED, V)

/* RoPE of both, with a norm of each head before it or without. */
#define ROWS_HEADS(X) \
  X(Q_ROPE, "q_rope", HEADS, NONE, "attn_q_norm", Q, STEP, Q) \
  X(K_ROPE, "k_rope", HEADS, NONE, "attn_k_norm", KV, CACHED, K)
#define ROWS_ROPE(X, of_q, of_k, pairs) \
  X(Q_ROPE, "q_rope", ROPE, NONE, NULL, Q, STEP | (pairs), of_q) \
  X(K_ROPE, "k_rope", ROPE, NONE, NULL, KV, CACHED | (pairs), of_k)

#define ROWS_ATTEND(X, sinks, values) \
  X(ATTN_OUT, "attn_out", ATTEND, NONE, sinks, Q, STEP, Q_ROPE, K_ROPE, values) \
  X(ATTN_PROJ, "attn_proj", MATMUL, NONE, "attn_output", HIDDEN, STEP, ATTN_OUT)

/* The residual, and the norm of what a feed-forward network is given. */
#define ROWS_BETWEEN(X, flags, attention, norm) \
  X(ATTN_RESIDUAL, "attn_residual", ADD, NONE, NULL, HIDDEN, BLOCK | (flags), \
    PV_STREAM, attention) \
  X(FFN_NORM, "ffn_norm", NORM, FFN_IN, norm, HIDDEN, STEP | BLOCK, ATTN_RESIDUAL)

/* A network without experts: its two halves, then what is made of them. */
#define ROWS_GATED(X) \
  X(FFN_GATE, "ffn_gate", MATMUL, NONE, "ffn_gate", FFN, STEP, FFN_NORM) \
  X(FFN_UP, "ffn_up", MATMUL, NONE, "ffn_up", FFN, 0, FFN_NORM)
#define ROWS_DENSE(X) \
  ROWS_GATED(X) \
  X(FFN_SWIGLU, "ffn_swiglu", SWIGLU, NONE, NULL, FFN, 0, FFN_GATE, FFN_UP) \
  X(FFN_OUT, "ffn_out", MATMUL, FFN_OUT, "ffn_down", HIDDEN, STEP, FFN_SWIGLU)

/* Weights and indices of the experts of some logits. */
#define ROWS_ROUTE(X, logits) \
  X(MOE_ROUTER, "moe_router", ROUTE, ROUTER_WEIGHTS, NULL, USED, BLOCK, logits) \
  X(MOE_ROUTER_INDICES, "moe_router_indices", TOPK, ROUTER_INDICES, NULL, USED, \
    PV_ROW_INDEX | BLOCK, logits)
#define ROWS_EXPERT_GATED(X) \
  X(EXPERT_GATE, "expert_gate", MATMUL, NONE, "ffn_gate_exps", FFN, STEP | BY_EXPERT, \
    FFN_NORM, MOE_ROUTER_INDICES) \
  X(EXPERT_UP, "expert_up", MATMUL, NONE, "ffn_up_exps", FFN, BY_EXPERT, \
    FFN_NORM, MOE_ROUTER_INDICES)
#define ROWS_EXPERTS(X) \
  X(MOE_ROUTER_LOGITS, "moe_router_logits", MATMUL, ROUTER_LOGITS, "ffn_gate_inp", EXPERTS, \
    STEP, FFN_NORM) \
  ROWS_ROUTE(X, MOE_ROUTER_LOGITS) \
  ROWS_EXPERT_GATED(X) \
  X(EXPERT_SWIGLU, "expert_swiglu", SWIGLU, NONE, NULL, FFN, BY_EXPERT, EXPERT_GATE, EXPERT_UP) \
  X(EXPERT_DOWN, "expert_down", MATMUL, EXPERTS_OUT, "ffn_down_exps", HIDDEN, STEP | BY_EXPERT, \
    EXPERT_SWIGLU, MOE_ROUTER_INDICES) \
  X(MOE_FFN_OUT, "moe_ffn_out", COMBINE, FFN_OUT, NULL, HIDDEN, 0, EXPERT_DOWN, MOE_ROUTER)

/* The end of a layer, with what is added to the stream; the head. */
#define ROWS_END(X, flags, network) \
  X(FFN_RESIDUAL, "ffn_residual", ADD, LAYER_OUT, NULL, HIDDEN, BLOCK | (flags), \
    ATTN_RESIDUAL, network) \
  X(FINAL_NORM, "final_norm", NORM, NONE, "output_norm", HIDDEN, FOR_LAST | STEP, PV_STREAM) \
  X(LOGITS, "logits", MATMUL, LOGITS, "output", VOCAB, FOR_LAST | STEP | PV_ROW_TIED, FINAL_NORM) \
  X(ARGMAX, "argmax", ARGMAX, TOP, NULL, ONE, FOR_LAST | PV_ROW_INDEX, LOGITS)

/* clang-format on */

/* Keys, in the order in which a converter writes them. */
#define KEYS_BEGIN                                                                             \
  PV_KEY_OF_SHAPE("block_count", PV_KEY_U32, layers, PV_MODEL_LAYERS_MAX, "number of layers"), \
      PV_KEY_OF_SHAPE("context_length", PV_KEY_U32, context, 1u << 24,                         \
                      "number of positions that the model was made for"),                      \
      PV_KEY_OF_SHAPE("embedding_length", PV_KEY_U32, hidden, PV_MODEL_WIDTH_MAX,              \
                      "width of the residual stream")
#define KEY_FFN                                                               \
  PV_KEY_OF_SHAPE("feed_forward_length", PV_KEY_U32, ffn, PV_MODEL_WIDTH_MAX, \
                  "width of the feed-forward network")
#define KEY_NO_DENSE_FFN \
  PV_KEY_IDLE("feed_forward_length", "width of layers without experts: there are none")
#define KEYS_ATTENTION                                                                            \
  PV_KEY_OF_SHAPE("attention.head_count", PV_KEY_U32, heads, 1024, "number of query heads"),      \
      PV_KEY_MAYBE("attention.head_count_kv", PV_KEY_U32, kv_heads, 1024, "number of key heads"), \
      PV_KEY_MAYBE("attention.key_length", PV_KEY_U32, head_dim, 256, "head dimension"),          \
      PV_KEY_MAYBE("rope.freq_base", PV_KEY_F64, rope.base, 1e12,                                 \
                   "base of the rotary frequencies"),                                             \
      PV_KEY_OF_SHAPE("attention.layer_norm_rms_epsilon", PV_KEY_F32, eps, 1.0,                   \
                      "epsilon of RMSNorm")
#define KEYS_EXPERTS                                                               \
  PV_KEY_OF_SHAPE("expert_count", PV_KEY_U32, experts, PV_MODEL_EXPERTS_MAX,       \
                  "number of experts of a layer"),                                 \
      PV_KEY_OF_SHAPE("expert_used_count", PV_KEY_U32, used, PV_MODEL_EXPERTS_MAX, \
                      "number of experts chosen for a position")
#define KEY_EXPERT_FFN(rule) \
  rule("expert_feed_forward_length", PV_KEY_U32, ffn, PV_MODEL_WIDTH_MAX, "width of an expert")
#define KEYS_NO_EXPERTS                                                        \
  PV_KEY_ZERO("expert_count", "number of experts of a layer: there are none"), \
      PV_KEY_ZERO("expert_used_count", "number of experts chosen: there are none")
/* Whether the weights of the chosen are divided by their sum; absent: as the plan starts. */
#define KEY_EXPERTS_NORM                                      \
  PV_KEY_MAYBE("expert_weights_norm", PV_KEY_ROUTE, route, 0, \
               "whether the weights of the chosen experts add up to 1")
#define KEYS_WINDOW(rule)                                                            \
  rule("attention.sliding_window", PV_KEY_U32, window, 1u << 24,                     \
       "number of positions that a sliding layer sees"),                             \
      PV_KEY_MAYBE("attention.sliding_window_pattern", PV_KEY_PERIOD, window_period, \
                   PV_MODEL_LAYERS_MAX,                                              \
                   "period in which one layer does not slide, or a list of those that do")
#define KEY_SLIDING_BASE                                                  \
  PV_KEY_MAYBE("rope.freq_base_swa", PV_KEY_F64, rope_sliding.base, 1e12, \
               "base of the frequencies with a sliding window")

#endif
