/* Gemma 3, text alone: the embedding times sqrt(width); norms of each head before RoPE; norms of
 * what attention and the network make, before it is added; GeGLU; five of six layers see a window
 * and have a RoPE base of their own. The converter has added 1 to every gain. */
#include <math.h>

#include "runtime/model/arch/rows.h"

#define ROWS_ATTN_POST(X) \
  X(ATTN_POST_NORM, "attn_post_norm", NORM, NONE, "post_attention_norm", HIDDEN, STEP, ATTN_PROJ)
#define ROWS_NETWORK(X)                                                       \
  ROWS_GATED(X)                                                               \
  X(FFN_GEGLU, "ffn_geglu", GEGLU, NONE, NULL, FFN, STEP, FFN_GATE, FFN_UP)   \
  X(FFN_OUT, "ffn_out", MATMUL, FFN_OUT, "ffn_down", HIDDEN, STEP, FFN_GEGLU) \
  X(FFN_POST_NORM, "ffn_post_norm", NORM, NONE, "post_ffw_norm", HIDDEN, STEP, FFN_OUT)

#define LIST(X)                                     \
  ROWS_BEGIN(X)                                     \
  ROWS_QKV(X, CACHED)                               \
  ROWS_HEADS(X)                                     \
  ROWS_ATTEND(X, NULL, V)                           \
  ROWS_ATTN_POST(X)                                 \
  ROWS_BETWEEN(X, STEP, ATTN_POST_NORM, "ffn_norm") \
  ROWS_NETWORK(X)                                   \
  ROWS_END(X, STEP, FFN_POST_NORM)
PV_PLAN_TABLE(LIST);

static const pv_model_key keys[] = {
    KEYS_BEGIN,
    KEY_FFN,
    KEYS_ATTENTION,
    KEYS_WINDOW(PV_KEY_MAYBE),
    KEY_SLIDING_BASE,
    {".embedding_scale", PV_KEY_REAL, 0, 0, NULL,
     "factor on the embedding beside the root of its width", 0, false},
    KEYS_NO_EXPERTS,
    {0}};

/* No key tells the scale of the scores, but of the published models the one of 62 layers alone has
 * another: of a head's share of the width. */
static void finish(pv_shape *s) {
  s->embedding_scale = sqrtf((float)s->hidden);
  if (s->layers == 62) s->score_scale = 1.0f / sqrtf((float)(s->hidden / s->heads));
}

const pv_plan pv_plan_gemma3 = {
    .name = "gemma3",
    .architecture = "gemma3",
    .about = "Gemma 3 models",
    .rows = rows,
    .count = STAGES,
    .keys = keys,
    .start = {.window_period = 6, .rope.base = 1e4, .rope_sliding.base = 1e4},
    .finish = finish};
