/* Each architecture's table, and tables that are none. */
#include "runtime/model/plan.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/testing.h"

static void test_tables(void) {
  size_t row = 0, n = 0;
  for (const pv_plan *plan = NULL; (plan = pv_plan_at(n)) != NULL; n++) {
    const char *flaw = pv_plan_flaw(plan, &row);
    if (!EXPECT(flaw == NULL))
      fprintf(stderr, "%s, row %zu (%s): %s\n", plan->name, row, plan->rows[row].name, flaw);
    const char *name = plan->architecture;
    EXPECT(pv_plan_named(plan->name) == plan);
    EXPECT(pv_plan_find(name, strlen(name), pv_plan_has_experts(plan)) == plan);
    EXPECT(pv_plan_find(name, strlen(name), !pv_plan_has_experts(plan)) != NULL);
    EXPECT(pv_plan_find(name, strlen(name) - 1, pv_plan_has_experts(plan)) != plan);
    for (size_t i = 0; i < plan->count; i++)
      EXPECT_I64(pv_plan_stage(plan, plan->rows[i].name), (int64_t)i);
    EXPECT_I64(pv_plan_stage(plan, "no_stage"), -1);
  }
  EXPECT(n > 0);
  EXPECT(pv_plan_find("mamba", 5, false) == NULL);
  EXPECT(pv_plan_named("mamba") == NULL);
}

/* The smallest forward that goes round: a norm, a product, a residual. */
enum { EMBED, NORM, PRODUCT, SUM, LAST, HEAD, TOP, ROWS };
static const pv_stage_row sound[ROWS] = {
    {"e", PV_OP_GATHER, PV_ROLE_EMBEDDING, {0}, "e", PV_DIM_HIDDEN, PV_ROW_ONCE | PV_ROW_STEP},
    {"n", PV_OP_NORM, PV_ROLE_FFN_IN, {PV_STREAM}, "n", PV_DIM_HIDDEN, PV_ROW_STEP},
    {"p", PV_OP_MATMUL, PV_ROLE_FFN_OUT, {NORM}, "p", PV_DIM_HIDDEN, PV_ROW_STEP},
    {"s", PV_OP_ADD, PV_ROLE_LAYER_OUT, {PV_STREAM, PRODUCT}, NULL, PV_DIM_HIDDEN, 0},
    {"l",
     PV_OP_NORM,
     PV_ROLE_NONE,
     {PV_STREAM},
     "l",
     PV_DIM_HIDDEN,
     PV_ROW_ONCE | PV_ROW_LAST_ROWS | PV_ROW_STEP},
    {"h",
     PV_OP_MATMUL,
     PV_ROLE_LOGITS,
     {LAST},
     "h",
     PV_DIM_VOCAB,
     PV_ROW_ONCE | PV_ROW_LAST_ROWS | PV_ROW_STEP | PV_ROW_TIED},
    {"t",
     PV_OP_ARGMAX,
     PV_ROLE_TOP,
     {HEAD},
     NULL,
     PV_DIM_ONE,
     PV_ROW_ONCE | PV_ROW_LAST_ROWS | PV_ROW_INDEX},
};

/* The table with one row replaced is refused for that reason, at that row. */
static void refused(size_t at, pv_stage_row instead, size_t where, const char *words) {
  pv_stage_row rows[ROWS];
  const pv_plan plan = {.architecture = "x", .rows = rows, .count = ROWS};
  size_t row = 99;
  memcpy(rows, sound, sizeof rows);
  rows[at] = instead;
  const char *flaw = pv_plan_flaw(&plan, &row);
  if (EXPECT(flaw != NULL)) EXPECT_HAS(flaw, words);
  EXPECT_U64(row, where);
}

#define CHANGED(at, member, ...)       \
  ({                                   \
    pv_stage_row changed_ = sound[at]; \
    changed_.member = __VA_ARGS__;     \
    changed_;                          \
  })

static void test_flaws(void) {
  const pv_plan plan = {.architecture = "x", .rows = sound, .count = ROWS};
  size_t row = 0;
  EXPECT(pv_plan_flaw(&plan, &row) == NULL);
  refused(PRODUCT, CHANGED(PRODUCT, in[0], SUM), PRODUCT, "not there yet");
  refused(PRODUCT, CHANGED(PRODUCT, in[0], PRODUCT), PRODUCT, "not there yet");
  refused(PRODUCT, CHANGED(PRODUCT, in[0], 0), PRODUCT, "inputs");
  refused(PRODUCT, CHANGED(PRODUCT, in[0], PV_STREAM), PRODUCT, "stream");
  refused(PRODUCT, CHANGED(PRODUCT, in[1], NORM), PRODUCT, "inputs");
  refused(SUM, CHANGED(SUM, in[1], 0), SUM, "inputs");
  refused(SUM, CHANGED(SUM, width, PV_DIM_Q), SUM, "width");
  refused(NORM, CHANGED(NORM, width, PV_DIM_FFN), NORM, "width");
  refused(PRODUCT, CHANGED(PRODUCT, name, "n"), PRODUCT, "name");
  refused(PRODUCT, CHANGED(PRODUCT, weight, "n"), PRODUCT, "weight");
  refused(PRODUCT, CHANGED(PRODUCT, weight, NULL), PRODUCT, "weight");
  refused(SUM, CHANGED(SUM, weight, "s"), SUM, "weight");
  refused(PRODUCT, CHANGED(PRODUCT, role, PV_ROLE_LAYER_OUT), SUM, "role");
  refused(HEAD, CHANGED(HEAD, role, PV_ROLE_NONE), 0, "role");
  refused(NORM, CHANGED(NORM, role, PV_ROLE_NONE), 0, "role is missing");
  refused(NORM, CHANGED(NORM, role, PV_ROLE_EMBEDDING), NORM, "role");
  refused(LAST, CHANGED(LAST, role, PV_ROLE_ROUTER_LOGITS), 0, "experts and their router");
  refused(LAST, CHANGED(LAST, role, PV_ROLE_EXPERTS_OUT), 0, "experts and their router");
  refused(PRODUCT, CHANGED(PRODUCT, flags, PV_ROW_STEP | PV_ROW_ONCE), PRODUCT,
          "outside the layers");
  refused(SUM, CHANGED(SUM, flags, PV_ROW_STEP | PV_ROW_INDEX), SUM, "int32");
  refused(TOP, CHANGED(TOP, flags, PV_ROW_ONCE | PV_ROW_LAST_ROWS), TOP, "int32");
  refused(EMBED, CHANGED(EMBED, flags, PV_ROW_ONCE), EMBED, "step");
  refused(LAST, CHANGED(LAST, flags, PV_ROW_ONCE | PV_ROW_LAST_ROWS), LAST, "step");
}

/* In the order of the table: once, then each layer, then the head where it is asked for. */
static void test_steps(void) {
  const pv_plan plan = {.architecture = "x", .rows = sound, .count = ROWS};
  const pv_step want[] = {{EMBED, 1, 0},   {NORM, 1, 0}, {PRODUCT, 2, 0}, {NORM, 1, 1},
                          {PRODUCT, 2, 1}, {LAST, 1, 0}, {HEAD, 2, 0}};
  pv_step got = {0};
  EXPECT_U64(pv_plan_steps(&plan, 2), 7);
  for (size_t i = 0; i < 7; i++) {
    EXPECT(pv_plan_next(&plan, 2, &got));
    EXPECT_U64(got.first, want[i].first);
    EXPECT_U64(got.count, want[i].count);
    EXPECT_U64(got.layer, want[i].layer);
  }
  EXPECT(!pv_plan_next(&plan, 2, &got));
  EXPECT_I64(pv_step_find(&plan, &want[6], PV_ROLE_TOP), 1);
  EXPECT_I64(pv_step_find(&plan, &want[5], PV_ROLE_TOP), -1);
}

/* The stream is the embedding, then what the layer before left; outside, what the last one left. */
static void test_stream(void) {
  const pv_plan plan = {.architecture = "x", .rows = sound, .count = ROWS};
  uint32_t at = 9;
  EXPECT_I64(pv_plan_input(&plan, NORM, 0, 0, 3, &at), EMBED);
  EXPECT_U64(at, 0);
  EXPECT_I64(pv_plan_input(&plan, NORM, 0, 2, 3, &at), SUM);
  EXPECT_U64(at, 1);
  EXPECT_I64(pv_plan_input(&plan, LAST, 0, 0, 3, &at), SUM);
  EXPECT_U64(at, 2);
  EXPECT_I64(pv_plan_input(&plan, SUM, 1, 2, 3, &at), PRODUCT);
  EXPECT_U64(at, 2);
  EXPECT_I64(pv_plan_input(&plan, HEAD, 0, 0, 3, &at), LAST);
  EXPECT_U64(at, 0);
  EXPECT_I64(pv_plan_input(&plan, SUM, 2, 0, 3, &at), -1);
  EXPECT_I64(pv_plan_input(&plan, EMBED, 0, 0, 3, &at), -1);
}

static void test_weights(void) {
  const pv_plan *plan = pv_plan_named("qwen3moe");
  const pv_shape s = {.hidden = 2,
                      .heads = 3,
                      .kv_heads = 5,
                      .head_dim = 7,
                      .experts = 11,
                      .used = 4,
                      .ffn = 13,
                      .vocab = 17};
  static const struct {
    const char *stage, *name;
    uint64_t width, dims[3];
  } want[] = {{"embedding", "token_embd.weight", 2, {2, 17, 1}},
              {"attn_norm", "blk.6.attn_norm.weight", 2, {2, 1, 1}},
              {"q", "blk.6.attn_q.weight", 21, {2, 21, 1}},
              {"v", "blk.6.attn_v.weight", 35, {2, 35, 1}},
              {"k_rope", "blk.6.attn_k_norm.weight", 35, {7, 1, 1}},
              {"attn_out", NULL, 21, {0}},
              {"attn_proj", "blk.6.attn_output.weight", 2, {21, 2, 1}},
              {"moe_router_logits", "blk.6.ffn_gate_inp.weight", 11, {2, 11, 1}},
              {"moe_router", NULL, 4, {0}},
              {"expert_up", "blk.6.ffn_up_exps.weight", 52, {2, 13, 11}},
              {"expert_swiglu", NULL, 52, {0}},
              {"expert_down", "blk.6.ffn_down_exps.weight", 8, {13, 2, 11}},
              {"logits", "output.weight", 17, {2, 17, 1}},
              {"argmax", NULL, 1, {0}}};
  for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
    const int row = pv_plan_stage(plan, want[i].stage);
    uint64_t dims[3];
    char name[PV_WEIGHT_NAME];
    if (!EXPECT(row >= 0)) continue;
    EXPECT_U64(pv_plan_width(plan, (size_t)row, &s), want[i].width);
    if (!EXPECT_I64(pv_plan_weight(plan, (size_t)row, &s, dims), want[i].name != NULL)) continue;
    if (want[i].name == NULL) continue;
    EXPECT_STR(pv_plan_weight_name(plan, (size_t)row, 6, name), want[i].name);
    EXPECT_BYTES(dims, want[i].dims, sizeof dims);
  }
}

/* A plan with biases, sinks and a gate, with one row changed. */
static void refused_of(const char *name, const char *stage, void (*change)(pv_stage_row *),
                       const char *where, const char *words) {
  const pv_plan *plan = pv_plan_named(name);
  pv_stage_row rows[PV_STAGES_MAX];
  pv_plan changed = *plan;
  size_t row = 0;
  memcpy(rows, plan->rows, plan->count * sizeof *rows);
  changed.rows = rows;
  change(&rows[pv_plan_stage(plan, stage)]);
  const char *flaw = pv_plan_flaw(&changed, &row);
  if (EXPECT(flaw != NULL)) EXPECT_HAS(flaw, words);
  EXPECT_STR(rows[row].name, where);
}

static void not_cached(pv_stage_row *r) {
  r->flags &= ~(unsigned)PV_ROW_APPENDS;
}
static void without_weight(pv_stage_row *r) {
  r->weight = NULL;
}
static void with_weight(pv_stage_row *r) {
  r->weight = "w";
}
static void as_wide_as_heads(pv_stage_row *r) {
  r->width = PV_DIM_Q;
}
static void of_queries(pv_stage_row *r) {
  r->weight = "attn_q";
}
static void of_nobody(pv_stage_row *r) {
  r->in[1] = 0;
}

static void test_flaws_of_other_operations(void) {
  refused_of("gpt-oss", "v_bias", not_cached, "attn_out", "not cached");
  refused_of("gpt-oss", "k_rope", not_cached, "attn_out", "not cached");
  refused_of("gpt-oss", "q_bias", without_weight, "q_bias", "weight");
  refused_of("gpt-oss", "k_bias", of_queries, "k_bias", "weight is there twice");
  refused_of("gpt-oss", "k_bias", as_wide_as_heads, "k_bias", "width");
  refused_of("gpt-oss", "q_rope", with_weight, "q_rope", "weight");
  refused_of("gpt-oss", "expert_up_bias", of_nobody, "expert_up_bias", "other inputs");
  refused_of("qwen2moe", "shared_logit", as_wide_as_heads, "shared_out", "width");
  refused_of("qwen2moe", "shared_out", of_nobody, "shared_out", "other inputs");
  refused_of("gemma3", "ffn_geglu", as_wide_as_heads, "ffn_geglu", "width");
}

/* Files of one architecture with experts and without have two plans. */
static void test_two_plans(void) {
  EXPECT_STR(pv_plan_find("llama", 5, false)->name, "llama");
  EXPECT_STR(pv_plan_find("llama", 5, true)->name, "mixtral");
  EXPECT_STR(pv_plan_find("gemma3", 6, true)->name, "gemma3");
}

static void test_weights_of_other_operations(void) {
  const pv_shape s = {.hidden = 2,
                      .heads = 3,
                      .kv_heads = 5,
                      .head_dim = 7,
                      .experts = 11,
                      .used = 4,
                      .ffn = 13,
                      .shared = 19};
  static const struct {
    const char *plan, *stage, *name;
    uint64_t dims[3];
  } want[] = {{"gpt-oss", "k_bias", "blk.6.attn_k.bias", {35, 1, 1}},
              {"gpt-oss", "attn_out", "blk.6.attn_sinks.weight", {3, 1, 1}},
              {"gpt-oss", "expert_up_bias", "blk.6.ffn_up_exps.bias", {13, 11, 1}},
              {"gpt-oss", "ffn_norm", "blk.6.post_attention_norm.weight", {2, 1, 1}},
              {"olmoe", "k_norm", "blk.6.attn_k_norm.weight", {35, 1, 1}},
              {"qwen2moe", "shared_logit", "blk.6.ffn_gate_inp_shexp.weight", {2, 1, 1}},
              {"qwen2moe", "shared_down", "blk.6.ffn_down_shexp.weight", {19, 2, 1}}};
  for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
    const pv_plan *plan = pv_plan_named(want[i].plan);
    const size_t row = (size_t)pv_plan_stage(plan, want[i].stage);
    uint64_t dims[3];
    char name[PV_WEIGHT_NAME];
    EXPECT(pv_plan_weight(plan, row, &s, dims));
    EXPECT_STR(pv_plan_weight_name(plan, row, 6, name), want[i].name);
    EXPECT_BYTES(dims, want[i].dims, sizeof dims);
  }
}

int main(void) {
  return pv_testing_main("plan", (pv_case[]){PV_CASE(test_tables),
                                             PV_CASE(test_flaws),
                                             PV_CASE(test_flaws_of_other_operations),
                                             PV_CASE(test_two_plans),
                                             PV_CASE(test_weights_of_other_operations),
                                             PV_CASE(test_steps),
                                             PV_CASE(test_stream),
                                             PV_CASE(test_weights),
                                             {0}});
}
