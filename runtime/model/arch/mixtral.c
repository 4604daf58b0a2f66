/* Mixtral: files of the architecture llama that have experts. Their width stands where that of a
 * dense network does. */
#include "runtime/model/arch/rows.h"

#define LIST(X)                             \
  ROWS_BEGIN(X)                             \
  ROWS_QKV(X, CACHED)                       \
  ROWS_ROPE(X, Q, K, PV_ROW_NEIGHBOURS)     \
  ROWS_ATTEND(X, NULL, V)                   \
  ROWS_BETWEEN(X, 0, ATTN_PROJ, "ffn_norm") \
  ROWS_EXPERTS(X)                           \
  ROWS_END(X, 0, MOE_FFN_OUT)
PV_PLAN_TABLE(LIST);

static const pv_model_key keys[] = {
    KEYS_BEGIN,       KEY_FFN, KEYS_ATTENTION, KEYS_EXPERTS, KEY_EXPERT_FFN(PV_KEY_MAYBE),
    KEY_EXPERTS_NORM, {0}};

const pv_plan pv_plan_mixtral = {.name = "mixtral",
                                 .architecture = "llama",
                                 .about = "Mixtral models",
                                 .rows = rows,
                                 .count = STAGES,
                                 .keys = keys,
                                 .flags = PV_PLAN_ROPE_FACTORS,
                                 .start = {.rope.base = 1e4, .route = PV_ROUTE_SUM_ONE}};
