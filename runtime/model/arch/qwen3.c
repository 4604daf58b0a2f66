/* Dense Qwen3: embedding; in each layer RMSNorm, attention with per-head norms and RoPE, residual,
 * RMSNorm, a gated feed-forward network, residual; final norm, head, argmax. */
#include "runtime/model/arch/rows.h"

#define LIST(X)                             \
  ROWS_BEGIN(X)                             \
  ROWS_QKV(X, CACHED)                       \
  ROWS_HEADS(X)                             \
  ROWS_ATTEND(X, NULL, V)                   \
  ROWS_BETWEEN(X, 0, ATTN_PROJ, "ffn_norm") \
  ROWS_DENSE(X)                             \
  ROWS_END(X, 0, FFN_OUT)
PV_PLAN_TABLE(LIST);

static const pv_model_key keys[] = {KEYS_BEGIN, KEY_FFN, KEYS_ATTENTION, KEYS_NO_EXPERTS, {0}};

const pv_plan pv_plan_qwen3 = {.name = "qwen3",
                               .architecture = "qwen3",
                               .about = "dense Qwen3 models",
                               .rows = rows,
                               .count = STAGES,
                               .keys = keys,
                               .start = {.rope.base = 1e4}};
