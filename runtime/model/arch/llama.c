/* Dense Llama and what has its form: no norm of queries and keys; RoPE turns neighbours, the
 * converter having permuted the rows of q and k. */
#include "runtime/model/arch/rows.h"

#define LIST(X)                             \
  ROWS_BEGIN(X)                             \
  ROWS_QKV(X, CACHED)                       \
  ROWS_ROPE(X, Q, K, PV_ROW_NEIGHBOURS)     \
  ROWS_ATTEND(X, NULL, V)                   \
  ROWS_BETWEEN(X, 0, ATTN_PROJ, "ffn_norm") \
  ROWS_DENSE(X)                             \
  ROWS_END(X, 0, FFN_OUT)
PV_PLAN_TABLE(LIST);

static const pv_model_key keys[] = {KEYS_BEGIN, KEY_FFN, KEYS_ATTENTION, KEYS_NO_EXPERTS, {0}};

const pv_plan pv_plan_llama = {.name = "llama",
                               .architecture = "llama",
                               .about = "dense Llama models",
                               .rows = rows,
                               .count = STAGES,
                               .keys = keys,
                               .flags = PV_PLAN_ROPE_FACTORS,
                               .start = {.rope.base = 1e4}};
