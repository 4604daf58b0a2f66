#include "tests/unit/forward/odd_plans.h"

#include <stdlib.h>

#include "base/random.h"
#include "kernels/quant/quant.h"
#include "runtime/alone/rows.h"

#define NONE     PV_ROLE_NONE
#define OUTSIDE  (PV_ROW_ONCE | PV_ROW_STEP)
#define FOR_LAST (PV_ROW_ONCE | PV_ROW_LAST_ROWS)
#define EXPERT   PV_ROW_BY_EXPERT
#define STEP     PV_ROW_STEP
#define S        PV_STREAM
#define ROW(name, op, role, width, flags, weight, ...) \
  { name, PV_OP_##op, role, {__VA_ARGS__}, weight, PV_DIM_##width, flags }
#define FINISH(norm)                                                                 \
  ROW("final_norm", NORM, NONE, HIDDEN, FOR_LAST | STEP, "output_norm", S),          \
      ROW("logits", MATMUL, PV_ROLE_LOGITS, VOCAB, FOR_LAST | STEP, "output", norm), \
      ROW("argmax", ARGMAX, PV_ROLE_TOP, ONE, FOR_LAST | PV_ROW_INDEX, NULL, (norm) + 1)

/* Biases, sinks, experts with biases, and a network beside them. */
static const pv_stage_row beside[] = {
    /*  0 */ ROW("embedding", GATHER, PV_ROLE_EMBEDDING, HIDDEN, OUTSIDE, "token_embd", 0),
    /*  1 */ ROW("attn_norm", NORM, NONE, HIDDEN, STEP, "attn_norm", S),
    /*  2 */ ROW("q0", MATMUL, NONE, Q, STEP, "attn_q", 1),
    /*  3 */ ROW("k0", MATMUL, NONE, KV, 0, "attn_k", 1),
    /*  4 */ ROW("v0", MATMUL, NONE, KV, 0, "attn_v", 1),
    /*  5 */ ROW("q", BIAS, NONE, Q, STEP, "attn_qb", 2),
    /*  6 */ ROW("k", BIAS, NONE, KV, 0, "attn_kb", 3),
    /*  7 */ ROW("v", BIAS, NONE, KV, PV_ROW_APPENDS, "attn_vb", 4),
    /*  8 */ ROW("q_rope", ROPE, NONE, Q, STEP | PV_ROW_NEIGHBOURS, NULL, 5),
    /*  9 */
    ROW("k_rope", ROPE, NONE, KV, PV_ROW_APPENDS | PV_ROW_NEIGHBOURS, NULL, 6),
    /* 10 */ ROW("attn_out", ATTEND, NONE, Q, STEP, "attn_sinks", 8, 9, 7),
    /* 11 */ ROW("proj0", MATMUL, NONE, HIDDEN, STEP, "attn_output", 10),
    /* 12 */ ROW("proj", BIAS, NONE, HIDDEN, 0, "attn_output_b", 11),
    /* 13 */ ROW("attn_residual", ADD, NONE, HIDDEN, 0, NULL, S, 12),
    /* 14 */ ROW("ffn_norm", NORM, PV_ROLE_FFN_IN, HIDDEN, STEP, "ffn_norm", 13),
    /* 15 */ ROW("router0", MATMUL, NONE, EXPERTS, STEP, "ffn_gate_inp", 14),
    /* 16 */
    ROW("router", BIAS, PV_ROLE_ROUTER_LOGITS, EXPERTS, STEP, "ffn_gate_inp_b", 15),
    /* 17 */ ROW("weights", ROUTE, PV_ROLE_ROUTER_WEIGHTS, USED, 0, NULL, 16),
    /* 18 */ ROW("indices", TOPK, PV_ROLE_ROUTER_INDICES, USED, PV_ROW_INDEX, NULL, 16),
    /* 19 */ ROW("gate0", MATMUL, NONE, FFN, STEP | EXPERT, "ffn_gate_exps", 14, 18),
    /* 20 */ ROW("up0", MATMUL, NONE, FFN, EXPERT, "ffn_up_exps", 14, 18),
    /* 21 */ ROW("gate", BIAS, NONE, FFN, STEP | EXPERT, "ffn_gate_exps_b", 19, 18),
    /* 22 */ ROW("up", BIAS, NONE, FFN, EXPERT, "ffn_up_exps_b", 20, 18),
    /* 23 */ ROW("act", SWIGLU_CLAMPED, NONE, FFN, EXPERT, NULL, 21, 22),
    /* 24 */ ROW("down0", MATMUL, NONE, HIDDEN, STEP | EXPERT, "ffn_down_exps", 23, 18),
    /* 25 */
    ROW("down", BIAS, PV_ROLE_EXPERTS_OUT, HIDDEN, EXPERT, "ffn_down_exps_b", 24, 18),
    /* 26 */ ROW("routed", COMBINE, NONE, HIDDEN, 0, NULL, 25, 17),
    /* 27 */ ROW("shared_gate", MATMUL, NONE, SHARED, STEP, "ffn_gate_shexp", 14),
    /* 28 */ ROW("shared_up", MATMUL, NONE, SHARED, 0, "ffn_up_shexp", 14),
    /* 29 */ ROW("shared_logit", MATMUL, NONE, ONE, 0, "ffn_gate_inp_shexp", 14),
    /* 30 */ ROW("shared_act", SWIGLU, NONE, SHARED, STEP, NULL, 27, 28),
    /* 31 */ ROW("shared_out", MATMUL, NONE, HIDDEN, STEP, "ffn_down_shexp", 30),
    /* 32 */ ROW("gated", GATE, NONE, HIDDEN, 0, NULL, 31, 29),
    /* 33 */ ROW("ffn_out", ADD, PV_ROLE_FFN_OUT, HIDDEN, STEP, NULL, 26, 32),
    /* 34 */ ROW("residual", ADD, PV_ROLE_LAYER_OUT, HIDDEN, 0, NULL, 13, 33), FINISH(35)};

/* Norms over whole rows before RoPE and behind blocks, GeGLU. */
static const pv_stage_row behind[] = {
    /*  0 */ ROW("embedding", GATHER, PV_ROLE_EMBEDDING, HIDDEN, OUTSIDE, "token_embd", 0),
    /*  1 */ ROW("attn_norm", NORM, NONE, HIDDEN, STEP, "attn_norm", S),
    /*  2 */ ROW("q", MATMUL, NONE, Q, STEP, "attn_q", 1),
    /*  3 */ ROW("k", MATMUL, NONE, KV, 0, "attn_k", 1),
    /*  4 */ ROW("v", MATMUL, NONE, KV, PV_ROW_APPENDS, "attn_v", 1),
    /*  5 */ ROW("q_norm", NORM, NONE, Q, STEP, "attn_q_norm", 2),
    /*  6 */ ROW("k_norm", NORM, NONE, KV, 0, "attn_k_norm", 3),
    /*  7 */ ROW("q_rope", ROPE, NONE, Q, STEP, NULL, 5),
    /*  8 */ ROW("k_rope", ROPE, NONE, KV, PV_ROW_APPENDS, NULL, 6),
    /*  9 */ ROW("attn_out", ATTEND, NONE, Q, STEP, NULL, 7, 8, 4),
    /* 10 */ ROW("proj", MATMUL, NONE, HIDDEN, STEP, "attn_output", 9),
    /* 11 */ ROW("post_attn", NORM, NONE, HIDDEN, STEP, "post_attn_norm", 10),
    /* 12 */ ROW("attn_residual", ADD, NONE, HIDDEN, 0, NULL, 11, S),
    /* 13 */ ROW("ffn_norm", NORM, PV_ROLE_FFN_IN, HIDDEN, STEP, "ffn_norm", 12),
    /* 14 */ ROW("gate", MATMUL, NONE, FFN, STEP, "ffn_gate", 13),
    /* 15 */ ROW("up", MATMUL, NONE, FFN, 0, "ffn_up", 13),
    /* 16 */ ROW("act", GEGLU, NONE, FFN, 0, NULL, 14, 15),
    /* 17 */ ROW("down", MATMUL, NONE, HIDDEN, STEP, "ffn_down", 16),
    /* 18 */ ROW("ffn_out", NORM, PV_ROLE_FFN_OUT, HIDDEN, STEP, "post_ffn_norm", 17),
    /* 19 */ ROW("residual", ADD, PV_ROLE_LAYER_OUT, HIDDEN, 0, NULL, 12, 18),
    FINISH(20)};

/* Nothing where a fused kernel wants it: values behind the keys, keys that are not turned, products
 * of sums, an output that is a bias, routing apart, experts that no product follows. */
static const pv_stage_row apart[] = {
    /*  0 */ ROW("embedding", GATHER, PV_ROLE_EMBEDDING, HIDDEN, OUTSIDE, "token_embd", 0),
    /*  1 */ ROW("stream", ADD, NONE, HIDDEN, STEP, NULL, S, S),
    /*  2 */ ROW("q", MATMUL, NONE, Q, STEP, "attn_q", 1),
    /*  3 */ ROW("k0", MATMUL, NONE, KV, 0, "attn_k", 1),
    /*  4 */ ROW("k", NORM, NONE, KV, STEP | PV_ROW_APPENDS, "attn_k_norm", 3),
    /*  5 */ ROW("q_rope", HEADS, NONE, Q, STEP, "attn_q_norm", 2),
    /*  6 */ ROW("v", MATMUL, NONE, KV, STEP | PV_ROW_APPENDS, "attn_v", 1),
    /*  7 */ ROW("attn_out", ATTEND, NONE, Q, STEP, NULL, 5, 4, 6),
    /*  8 */ ROW("attn_bias", BIAS, NONE, Q, STEP, "attn_b", 7),
    /*  9 */ ROW("proj", MATMUL, NONE, HIDDEN, STEP, "attn_output", 8),
    /* 10 */ ROW("attn_residual", ADD, NONE, HIDDEN, 0, NULL, 9, S),
    /* 11 */ ROW("ffn_norm", NORM, PV_ROLE_FFN_IN, HIDDEN, STEP, "ffn_norm", 10),
    /* 12 */
    ROW("router", MATMUL, PV_ROLE_ROUTER_LOGITS, EXPERTS, STEP, "ffn_gate_inp", 11),
    /* 13 */ ROW("weights", ROUTE, PV_ROLE_ROUTER_WEIGHTS, USED, 0, NULL, 12),
    /* 14 */ ROW("indices", TOPK, PV_ROLE_ROUTER_INDICES, USED, STEP | PV_ROW_INDEX, NULL, 12),
    /* 15 */ ROW("up", MATMUL, NONE, FFN, STEP | EXPERT, "ffn_up_exps", 11, 14),
    /* 16 */ ROW("act", BIAS, NONE, FFN, EXPERT, "ffn_up_exps_b", 15, 14),
    /* 17 */
    ROW("down", MATMUL, PV_ROLE_EXPERTS_OUT, HIDDEN, STEP | EXPERT, "ffn_down_exps", 16, 14),
    /* 18 */ ROW("routed", COMBINE, NONE, HIDDEN, STEP, NULL, 17, 13),
    /* 19 */ ROW("gate", MATMUL, NONE, FFN, STEP, "ffn_gate", 18),
    /* 20 */ ROW("side", MATMUL, NONE, FFN, 0, "ffn_side", 10),
    /* 21 */ ROW("mixed", SWIGLU, NONE, FFN, 0, NULL, 19, 20),
    /* 22 */ ROW("mixed_down", MATMUL, NONE, HIDDEN, STEP, "ffn_down", 21),
    /* 23 */ ROW("ffn_out", NORM, PV_ROLE_FFN_OUT, HIDDEN, STEP, "post_ffn_norm", 22),
    /* 24 */ ROW("residual", ADD, PV_ROLE_LAYER_OUT, HIDDEN, 0, NULL, 10, 23), FINISH(25)};

#define PLAN(table)                                                             \
  {                                                                             \
    .name = #table, .architecture = #table, .about = "a test", .rows = (table), \
    .count = sizeof(table) / sizeof *(table)                                    \
  }
const pv_plan odd_plans[ODD_PLANS] = {PLAN(beside), PLAN(behind), PLAN(apart)};

#define SIZES \
  .layers = 3, .hidden = 64, .heads = 4, .head_dim = 32, .vocab = 101, .context = 256, .eps = 1e-6f
const pv_shape odd_shapes[ODD_PLANS] = {
    {SIZES, .kv_heads = 2, .experts = 5, .used = 2, .ffn = 96, .shared = 64,
     .rope = {.base = 1e4,
              .factor = 4.0,
              .magnitude = 1.1,
              .yarn = true,
              .original = 64.0,
              .beta_fast = 32.0,
              .beta_slow = 1.0},
     .route = PV_ROUTE_CHOSEN, .window = 9, .window_period = 2},
    {SIZES, .kv_heads = 1, .ffn = 96, .rope = {.base = 1e6, .factor = 8.0},
     .rope_sliding = {.base = 1e4}, .window = 70, .window_period = 3, .score_scale = 0.25f,
     .embedding_scale = 8.0f},
    {SIZES, .kv_heads = 4, .experts = 5, .used = 3, .ffn = 32, .rope = {.base = 1e4},
     .route = PV_ROUTE_ALL},
};

static pv_gguf_tensor *tensor(const pv_model *m, size_t row, bool mixed, uint64_t *seed) {
  const pv_stage_row *r = &m->plan->rows[row];
  uint64_t dims[3] = {m->shape.heads, 1, 1};
  if (r->op != PV_OP_ATTEND) (void)pv_plan_weight(m->plan, row, &m->shape, dims);
  const bool matrix = r->op == PV_OP_MATMUL && dims[1] > 8 && (!mixed || row % 3 != 0);
  const pv_type_info *type = pv_type_get(matrix ? PV_TYPE_Q8_0 : PV_TYPE_F32);
  pv_gguf_tensor *t = calloc(1, sizeof *t);
  if (t == NULL) return NULL;
  *t = (pv_gguf_tensor){.type = type->type, .dim_count = 3, .dims = {dims[0], dims[1], dims[2], 1}};
  t->elements = dims[0] * dims[1] * dims[2];
  t->row_bytes = dims[0] / type->block_elements * type->block_bytes;
  t->bytes = t->row_bytes * dims[1] * dims[2];
  unsigned char *data = calloc(1, t->bytes);
  for (uint64_t i = 0; data != NULL && i < dims[1] * dims[2]; i++)
    pv_rows_random(t->type, dims[0], seed, data + i * t->row_bytes);
  t->data = data;
  return t;
}

pv_model *odd_model(const pv_plan *plan, const pv_shape *shape, bool mixed) {
  uint64_t seed = 11;
  pv_model *m = calloc(1, sizeof *m);
  if (m == NULL) return NULL;
  m->plan = plan;
  m->shape = *shape;
  m->layers = calloc(shape->layers, sizeof *m->layers);
  for (size_t row = 0; m->layers != NULL && row < plan->count; row++)
    for (uint32_t i = 0; i < shape->layers && plan->rows[row].weight != NULL; i++)
      if (pv_plan_is_layered(plan, row))
        m->layers[i].weight[row] = tensor(m, row, mixed, &seed);
      else if (i == 0)
        m->once.weight[row] = tensor(m, row, mixed, &seed);
  return m;
}

static void free_tensor(const pv_gguf_tensor *t) {
  if (t != NULL) free((void *)(uintptr_t)t->data);
  free((void *)(uintptr_t)t);
}

void odd_model_free(pv_model *m) {
  for (size_t row = 0; row < PV_STAGES_MAX; row++) {
    free_tensor(m->once.weight[row]);
    for (uint32_t i = 0; i < m->shape.layers; i++) free_tensor(m->layers[i].weight[row]);
  }
  free(m->layers);
  free(m);
}
