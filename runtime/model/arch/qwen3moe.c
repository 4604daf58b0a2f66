/* Qwen3 Mixture-of-Experts: embedding; in each layer RMSNorm, attention with per-head norms and
 * RoPE, residual, RMSNorm, router, the chosen experts, residual; final norm, head, argmax. */
#include "runtime/model/arch/qwen3moe.h"

#include "runtime/model/arch/rows.h"

#define LIST(X)                             \
  ROWS_BEGIN(X)                             \
  ROWS_QKV(X, CACHED)                       \
  ROWS_HEADS(X)                             \
  ROWS_ATTEND(X, NULL, V)                   \
  ROWS_BETWEEN(X, 0, ATTN_PROJ, "ffn_norm") \
  ROWS_EXPERTS(X)                           \
  ROWS_END(X, 0, MOE_FFN_OUT)
PV_PLAN_TABLE(LIST);

#define SAME(id, ...) \
  _Static_assert((int)(id) == (int)PV_STAGE_##id, "qwen3moe.h has another order");
LIST(SAME)
_Static_assert((int)STAGES == (int)PV_STAGES, "qwen3moe.h has other rows");

static const pv_model_key keys[] = {KEYS_BEGIN,
                                    KEY_NO_DENSE_FFN,
                                    KEYS_ATTENTION,
                                    KEYS_EXPERTS,
                                    KEY_EXPERT_FFN(PV_KEY_OF_SHAPE),
                                    KEY_EXPERTS_NORM,
                                    {0}};

const pv_plan pv_plan_qwen3moe = {.name = "qwen3moe",
                                  .architecture = "qwen3moe",
                                  .about = "Qwen3 Mixture-of-Experts models",
                                  .rows = rows,
                                  .count = STAGES,
                                  .keys = keys,
                                  .start = {.rope.base = 1e4, .route = PV_ROUTE_SUM_ONE}};
