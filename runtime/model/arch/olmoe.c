/* OLMoE: queries and keys are normed over their whole width, then RoPE on halves; the weights of
 * the chosen experts keep their sum below 1. */
#include "runtime/model/arch/rows.h"

#define ROWS_NORMS(X)                                        \
  X(Q_NORM, "q_norm", NORM, NONE, "attn_q_norm", Q, STEP, Q) \
  X(K_NORM, "k_norm", NORM, NONE, "attn_k_norm", KV, 0, K)

#define LIST(X)                             \
  ROWS_BEGIN(X)                             \
  ROWS_QKV(X, CACHED)                       \
  ROWS_NORMS(X)                             \
  ROWS_ROPE(X, Q_NORM, K_NORM, 0)           \
  ROWS_ATTEND(X, NULL, V)                   \
  ROWS_BETWEEN(X, 0, ATTN_PROJ, "ffn_norm") \
  ROWS_EXPERTS(X)                           \
  ROWS_END(X, 0, MOE_FFN_OUT)
PV_PLAN_TABLE(LIST);

static const pv_model_key keys[] = {
    KEYS_BEGIN,       KEY_FFN, KEYS_ATTENTION, KEYS_EXPERTS, KEY_EXPERT_FFN(PV_KEY_MAYBE),
    KEY_EXPERTS_NORM, {0}};

const pv_plan pv_plan_olmoe = {.name = "olmoe",
                               .architecture = "olmoe",
                               .about = "OLMoE models",
                               .rows = rows,
                               .count = STAGES,
                               .keys = keys,
                               .start = {.rope.base = 1e4, .route = PV_ROUTE_ALL}};
