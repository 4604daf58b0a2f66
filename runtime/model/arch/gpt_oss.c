/* gpt-oss: biases everywhere; a sink for each head; every other layer sees a window; the best of
 * the router's logits are chosen before the softmax; clamped SwiGLU; the norm before the experts
 * is called post_attention_norm. YaRN is not rounded, in layers of both kinds. */
#include "runtime/model/arch/rows.h"

/* clang-format off */
#define ROWS_NETWORK(X) \
  X(MOE_ROUTER_LOGITS, "moe_router_logits", MATMUL, NONE, "ffn_gate_inp", EXPERTS, STEP, FFN_NORM) \
  X(MOE_ROUTER_BIAS, "moe_router_bias", BIAS, ROUTER_LOGITS, "ffn_gate_inp", EXPERTS, STEP, \
    MOE_ROUTER_LOGITS) \
  ROWS_ROUTE(X, MOE_ROUTER_BIAS) \
  ROWS_EXPERT_GATED(X) \
  X(EXPERT_GATE_BIAS, "expert_gate_bias", BIAS, NONE, "ffn_gate_exps", FFN, STEP | BY_EXPERT, \
    EXPERT_GATE, MOE_ROUTER_INDICES) \
  X(EXPERT_UP_BIAS, "expert_up_bias", BIAS, NONE, "ffn_up_exps", FFN, BY_EXPERT, \
    EXPERT_UP, MOE_ROUTER_INDICES) \
  X(EXPERT_SWIGLU, "expert_swiglu", SWIGLU_CLAMPED, NONE, NULL, FFN, STEP | BY_EXPERT, \
    EXPERT_GATE_BIAS, EXPERT_UP_BIAS) \
  X(EXPERT_DOWN, "expert_down", MATMUL, NONE, "ffn_down_exps", HIDDEN, STEP | BY_EXPERT, \
    EXPERT_SWIGLU, MOE_ROUTER_INDICES) \
  X(EXPERT_DOWN_BIAS, "expert_down_bias", BIAS, EXPERTS_OUT, "ffn_down_exps", HIDDEN, \
    STEP | BY_EXPERT, EXPERT_DOWN, MOE_ROUTER_INDICES) \
  X(MOE_FFN_OUT, "moe_ffn_out", COMBINE, FFN_OUT, NULL, HIDDEN, STEP, EXPERT_DOWN_BIAS, MOE_ROUTER)
/* clang-format on */

#define LIST(X)                                                                           \
  ROWS_BEGIN(X)                                                                           \
  ROWS_QKV(X, 0)                                                                          \
  ROWS_QKV_BIAS(X)                                                                        \
  ROWS_ROPE(X, Q_BIAS, K_BIAS, 0)                                                         \
  ROWS_ATTEND(X, "attn_sinks", V_BIAS)                                                    \
  X(ATTN_PROJ_BIAS, "attn_proj_bias", BIAS, NONE, "attn_output", HIDDEN, STEP, ATTN_PROJ) \
  ROWS_BETWEEN(X, STEP, ATTN_PROJ_BIAS, "post_attention_norm")                            \
  ROWS_NETWORK(X)                                                                         \
  ROWS_END(X, STEP, MOE_FFN_OUT)
PV_PLAN_TABLE(LIST);

static const pv_model_key keys[] = {KEYS_BEGIN,
                                    KEY_NO_DENSE_FFN,
                                    KEYS_ATTENTION,
                                    KEYS_WINDOW(PV_KEY_OF_SHAPE),
                                    KEY_SLIDING_BASE,
                                    KEYS_EXPERTS,
                                    KEY_EXPERT_FFN(PV_KEY_OF_SHAPE),
                                    {0}};

const pv_plan pv_plan_gpt_oss = {
    .name = "gpt-oss",
    .architecture = "gpt-oss",
    .about = "gpt-oss models",
    .rows = rows,
    .count = STAGES,
    .keys = keys,
    .flags = PV_PLAN_SCALES_SLIDING,
    .start = {
        .window_period = 2, .rope = {.base = 1e4, .unrounded = true}, .route = PV_ROUTE_CHOSEN}};
