/* Qwen1.5 and Qwen2 Mixture-of-Experts: q, k and v have biases; beside the chosen experts every
 * position has one network of its own, gated by a sigmoid. */
#include "runtime/model/arch/rows.h"

#define ROWS_SHARED(X)                                                                        \
  X(SHARED_GATE, "shared_gate", MATMUL, NONE, "ffn_gate_shexp", SHARED, STEP, FFN_NORM)       \
  X(SHARED_UP, "shared_up", MATMUL, NONE, "ffn_up_shexp", SHARED, 0, FFN_NORM)                \
  X(SHARED_SWIGLU, "shared_swiglu", SWIGLU, NONE, NULL, SHARED, STEP, SHARED_GATE, SHARED_UP) \
  X(SHARED_DOWN, "shared_down", MATMUL, NONE, "ffn_down_shexp", HIDDEN, STEP, SHARED_SWIGLU)  \
  X(SHARED_LOGIT, "shared_logit", MATMUL, NONE, "ffn_gate_inp_shexp", ONE, STEP, FFN_NORM)    \
  X(SHARED_OUT, "shared_out", GATE, NONE, NULL, HIDDEN, STEP, SHARED_DOWN, SHARED_LOGIT)      \
  X(FFN_OUT, "ffn_out", ADD, NONE, NULL, HIDDEN, STEP, MOE_FFN_OUT, SHARED_OUT)

#define LIST(X)                             \
  ROWS_BEGIN(X)                             \
  ROWS_QKV(X, 0)                            \
  ROWS_QKV_BIAS(X)                          \
  ROWS_ROPE(X, Q_BIAS, K_BIAS, 0)           \
  ROWS_ATTEND(X, NULL, V_BIAS)              \
  ROWS_BETWEEN(X, 0, ATTN_PROJ, "ffn_norm") \
  ROWS_EXPERTS(X)                           \
  ROWS_SHARED(X)                            \
  ROWS_END(X, STEP, FFN_OUT)
PV_PLAN_TABLE(LIST);

static const pv_model_key keys[] = {
    KEYS_BEGIN,
    KEY_NO_DENSE_FFN,
    KEYS_ATTENTION,
    KEYS_EXPERTS,
    KEY_EXPERT_FFN(PV_KEY_OF_SHAPE),
    PV_KEY_OF_SHAPE("expert_shared_feed_forward_length", PV_KEY_U32, shared, PV_MODEL_WIDTH_MAX,
                    "width of the network beside the experts"),
    KEY_EXPERTS_NORM,
    {0}};

const pv_plan pv_plan_qwen2moe = {.name = "qwen2moe",
                                  .architecture = "qwen2moe",
                                  .about = "Qwen2 Mixture-of-Experts models",
                                  .rows = rows,
                                  .count = STAGES,
                                  .keys = keys,
                                  .start = {.rope.base = 1e4, .route = PV_ROUTE_ALL}};
