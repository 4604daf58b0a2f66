#include "stages.h"

#include "older.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ITSELF = -1, EITHER = 2 };

/* A node of the operation `op`, that reads `weight`, or whose source `from` comes from one that
 * does. `values`: the source that is the stage. */
static const struct rule {
  const char *stage;
  enum ggml_op op;
  int from;
  const char *weight; /* with %d for the layer */
  int values, row;
} rules[] = {
    {"embedding", GGML_OP_GET_ROWS, ITSELF, "token_embd.weight", ITSELF, 1},
    {"embedding", GGML_OP_SCALE, 0, "token_embd.weight", ITSELF, 1},
    {"embedding", GGML_OP_MUL, 0, "token_embd.weight", ITSELF, 1}, /* since 2026, by rows */
    {"attn_norm", GGML_OP_MUL, ITSELF, "blk.%d.attn_norm.weight", ITSELF, 1},
    {"q", GGML_OP_MUL_MAT, ITSELF, "blk.%d.attn_q.weight", ITSELF, 1},
    {"k", GGML_OP_MUL_MAT, ITSELF, "blk.%d.attn_k.weight", ITSELF, 1},
    {"v", GGML_OP_MUL_MAT, ITSELF, "blk.%d.attn_v.weight", ITSELF, 1},
    {"q_bias", GGML_OP_ADD, ITSELF, "blk.%d.attn_q.bias", ITSELF, 1},
    {"k_bias", GGML_OP_ADD, ITSELF, "blk.%d.attn_k.bias", ITSELF, 1},
    {"v_bias", GGML_OP_ADD, ITSELF, "blk.%d.attn_v.bias", ITSELF, 1},
    {"q_norm", GGML_OP_MUL, ITSELF, "blk.%d.attn_q_norm.weight", ITSELF, 1},
    {"k_norm", GGML_OP_MUL, ITSELF, "blk.%d.attn_k_norm.weight", ITSELF, 1},
    {"q_rope", GGML_OP_ROPE, 0, "blk.%d.attn_q_norm.weight", ITSELF, 2},
    {"k_rope", GGML_OP_ROPE, 0, "blk.%d.attn_k_norm.weight", ITSELF, 2},
    {"q_rope", GGML_OP_ROPE, 0, "blk.%d.attn_q.bias", ITSELF, 2},
    {"k_rope", GGML_OP_ROPE, 0, "blk.%d.attn_k.bias", ITSELF, 2},
    {"q_rope", GGML_OP_ROPE, 0, "blk.%d.attn_q.weight", ITSELF, 2},
    {"k_rope", GGML_OP_ROPE, 0, "blk.%d.attn_k.weight", ITSELF, 2},
    {"attn_out", GGML_OP_MUL_MAT, ITSELF, "blk.%d.attn_output.weight", 1, 1},
    {"attn_proj", GGML_OP_MUL_MAT, ITSELF, "blk.%d.attn_output.weight", ITSELF, 1},
    {"attn_proj_bias", GGML_OP_ADD, ITSELF, "blk.%d.attn_output.bias", ITSELF, 1},
    {"attn_post_norm", GGML_OP_MUL, ITSELF, "blk.%d.post_attention_norm.weight", ITSELF, 1},
    {"attn_residual", GGML_OP_ADD, EITHER, "blk.%d.attn_output.weight", ITSELF, 1},
    {"attn_residual", GGML_OP_ADD, EITHER, "blk.%d.attn_output.bias", ITSELF, 1},
    {"attn_residual", GGML_OP_ADD, EITHER, "blk.%d.post_attention_norm.weight", ITSELF, 1},
    {"ffn_norm", GGML_OP_MUL, ITSELF, "blk.%d.ffn_norm.weight", ITSELF, 1},
    {"ffn_gate", GGML_OP_MUL_MAT, ITSELF, "blk.%d.ffn_gate.weight", ITSELF, 1},
    {"ffn_up", GGML_OP_MUL_MAT, ITSELF, "blk.%d.ffn_up.weight", ITSELF, 1},
    {"ffn_swiglu", GGML_OP_GLU, 0, "blk.%d.ffn_gate.weight", ITSELF, 1},
    {"ffn_swiglu", GGML_OP_MUL, EITHER, "blk.%d.ffn_up.weight", ITSELF, 1},
    {"ffn_out", GGML_OP_MUL_MAT, ITSELF, "blk.%d.ffn_down.weight", ITSELF, 1},
    {"ffn_post_norm", GGML_OP_MUL, ITSELF, "blk.%d.post_ffw_norm.weight", ITSELF, 1},
    {"moe_router_logits", GGML_OP_MUL_MAT, ITSELF, "blk.%d.ffn_gate_inp.weight", ITSELF, 1},
    {"moe_router_bias", GGML_OP_ADD, ITSELF, "blk.%d.ffn_gate_inp.bias", ITSELF, 1},
    {"moe_router_indices", GGML_OP_MUL_MAT_ID, ITSELF, "blk.%d.ffn_down_exps.weight", 2, 1},
    /* whatever was done to them: what the experts are multiplied with */
    {"moe_router", GGML_OP_MUL, 0, "blk.%d.ffn_down_exps.weight", 1, 2},
    {"moe_router", GGML_OP_MUL, 0, "blk.%d.ffn_down_exps.bias", 1, 2},
    {"expert_gate", GGML_OP_MUL_MAT_ID, ITSELF, "blk.%d.ffn_gate_exps.weight", ITSELF, 2},
    {"expert_up", GGML_OP_MUL_MAT_ID, ITSELF, "blk.%d.ffn_up_exps.weight", ITSELF, 2},
    {"expert_gate_bias", GGML_OP_ADD_ID, ITSELF, "blk.%d.ffn_gate_exps.bias", ITSELF, 2},
    {"expert_up_bias", GGML_OP_ADD_ID, ITSELF, "blk.%d.ffn_up_exps.bias", ITSELF, 2},
    {"expert_swiglu", GGML_OP_GLU, 0, "blk.%d.ffn_gate_exps.weight", ITSELF, 2},
    {"expert_swiglu", GGML_OP_GLU, 0, "blk.%d.ffn_gate_exps.bias", ITSELF, 2},
    {"expert_swiglu", GGML_OP_MUL, EITHER, "blk.%d.ffn_up_exps.weight", ITSELF, 2},
    {"expert_down", GGML_OP_MUL_MAT_ID, ITSELF, "blk.%d.ffn_down_exps.weight", ITSELF, 2},
    {"expert_down_bias", GGML_OP_ADD_ID, ITSELF, "blk.%d.ffn_down_exps.bias", ITSELF, 2},
    {"shared_gate", GGML_OP_MUL_MAT, ITSELF, "blk.%d.ffn_gate_shexp.weight", ITSELF, 1},
    {"shared_up", GGML_OP_MUL_MAT, ITSELF, "blk.%d.ffn_up_shexp.weight", ITSELF, 1},
    {"shared_swiglu", GGML_OP_GLU, 0, "blk.%d.ffn_gate_shexp.weight", ITSELF, 1},
    {"shared_swiglu", GGML_OP_MUL, EITHER, "blk.%d.ffn_up_shexp.weight", ITSELF, 1},
    {"shared_down", GGML_OP_MUL_MAT, ITSELF, "blk.%d.ffn_down_shexp.weight", ITSELF, 1},
    {"shared_logit", GGML_OP_MUL_MAT, ITSELF, "blk.%d.ffn_gate_inp_shexp.weight", ITSELF, 1},
    {"shared_out", GGML_OP_MUL, 0, "blk.%d.ffn_down_shexp.weight", ITSELF, 1},
    {"final_norm", GGML_OP_MUL, ITSELF, "output_norm.weight", ITSELF, 1},
    {"logits", GGML_OP_MUL_MAT, ITSELF, "output.weight", ITSELF, 1},
    {"logits", GGML_OP_MUL_MAT, ITSELF, "token_embd.weight", ITSELF, 1}, /* tied */
};
enum { RULES = sizeof rules / sizeof *rules };

/* "blk.%d.x" against "blk.12.x", and against "CUDA0#blk.12.x#0", the scheduler's copy. */
static bool matches(const char *pattern, const char *name, int *layer) {
  const char *begin = strchr(name, '#'), *end = strrchr(name, '#'), *mark = strstr(pattern, "%d");
  const bool copy = begin != NULL && end > begin;
  if (copy) name = begin + 1;
  const size_t length = copy ? (size_t)(end - name) : strlen(name);
  const size_t before = mark != NULL ? (size_t)(mark - pattern) : strlen(pattern);
  if (length < before || strncmp(pattern, name, before) != 0) return false;
  *layer = -1;
  if (mark == NULL) return length == before;
  char *rest = NULL;
  const long number = strtol(name + before, &rest, 10);
  if (rest == name + before || number < 0 || number >= STAGE_LAYERS) return false;
  *layer = (int)number;
  return length - (size_t)(rest - name) == strlen(mark + 2) &&
         strncmp(rest, mark + 2, strlen(mark + 2)) == 0;
}

static bool reads(const struct ggml_tensor *t, const char *weight, int *layer) {
  const bool first =
      t->op == GGML_OP_MUL_MAT || t->op == GGML_OP_MUL_MAT_ID || t->op == GGML_OP_GET_ROWS;
  const bool second = t->op == GGML_OP_MUL || t->op == GGML_OP_ADD || t->op == GGML_OP_ADD_ID;
  const struct ggml_tensor *w = first ? t->src[0] : second ? t->src[1] : NULL;
  return w != NULL && matches(weight, w->name, layer);
}

/* A weight, or the scheduler's copy of one. */
static bool is_leaf(const struct ggml_tensor *t) {
  return t != NULL && t->op == GGML_OP_NONE;
}

/* Behind what changes the place of numbers and none of them. Rows of a weight are an embedding. */
static const struct ggml_tensor *origin(const struct ggml_tensor *t) {
  while (t != NULL && (t->op == GGML_OP_VIEW || t->op == GGML_OP_RESHAPE ||
                       t->op == GGML_OP_PERMUTE || t->op == GGML_OP_TRANSPOSE ||
                       t->op == GGML_OP_CONT || (t->op == GGML_OP_GET_ROWS && !is_leaf(t->src[0]))))
    t = t->src[0];
  return t;
}

static bool source_reads(const struct ggml_tensor *t, int from, const char *weight, int *layer) {
  const struct ggml_tensor *source = origin(t->src[from]);
  return source != NULL && reads(source, weight, layer);
}

static bool follows(const struct rule *rule, const struct ggml_tensor *t, int *layer) {
  if (t->op != rule->op) return false;
  if (rule->from == ITSELF) return reads(t, rule->weight, layer);
  if (rule->from != EITHER) return source_reads(t, rule->from, rule->weight, layer);
  return !is_leaf(t->src[1]) && /* a bias or a gain is no second input */
         (source_reads(t, 0, rule->weight, layer) || source_reads(t, 1, rule->weight, layer));
}

/* What is normed before a gain. */
static enum ggml_op normed(const struct ggml_tensor *t) {
  const struct ggml_tensor *norm = t->src[0];
  return norm != NULL && norm->src[0] != NULL ? norm->src[0]->op : GGML_OP_NONE;
}

/* The stage of a node that follows a rule; NULL: none after all. */
static const char *name_of(const struct rule *rule, const struct ggml_tensor *t, bool scaled) {
  if (rule->op == GGML_OP_GET_ROWS && scaled) return NULL; /* what it is scaled to is the stage */
  /* a norm of all heads together is a stage, one of each of them is not */
  if (strcmp(rule->stage, "q_norm") == 0 || strcmp(rule->stage, "k_norm") == 0)
    return normed(t) == GGML_OP_MUL_MAT ? rule->stage : NULL;
  /* gpt-oss calls the norm of the residual so */
  if (strcmp(rule->stage, "attn_post_norm") == 0 && normed(t) == GGML_OP_ADD) return "ffn_norm";
#ifdef PV_LLAMA_GLU
  if (t->op == GGML_OP_GLU && ggml_get_glu_op(t) == GGML_GLU_OP_GEGLU) return "ffn_geglu";
#endif
  return rule->stage;
}

/* The sum of a layer's experts: of a chain of additions the one of the last expert, whose part of
 * the weighted experts begins last; of one expert it is a copy. */
static bool is_expert_sum(const struct ggml_tensor *t, int *layer) {
  const int from = t->op == GGML_OP_ADD ? 1 : 0;
  const struct ggml_tensor *part = t->src[from], *all = origin(part);
  if ((t->op != GGML_OP_ADD && t->op != GGML_OP_CONT) || part == NULL || part->op != GGML_OP_VIEW ||
      all->op != GGML_OP_MUL ||
      (!source_reads(all, 0, "blk.%d.ffn_down_exps.weight", layer) &&
       !source_reads(all, 0, "blk.%d.ffn_down_exps.bias", layer)))
    return false;
  return part->view_offs == (size_t)(all->ne[1] - 1) * all->nb[1];
}

/* A sum of the sum behind attention and of something. */
static bool is_layer_out(const struct ggml_tensor *t, int *layer) {
  for (int i = 0; i < 2 && t->op == GGML_OP_ADD; i++) {
    const struct ggml_tensor *sum = origin(t->src[i]);
    if (sum == NULL || sum->op != GGML_OP_ADD || is_leaf(sum->src[1])) continue;
    for (int j = 0; j < 2; j++)
      if (source_reads(sum, j, "blk.%d.attn_output.weight", layer) ||
          source_reads(sum, j, "blk.%d.attn_output.bias", layer) ||
          source_reads(sum, j, "blk.%d.post_attention_norm.weight", layer))
        return true;
  }
  return false;
}

/* The sum of the experts and of the network beside them. */
static bool is_shared_sum(const struct ggml_tensor *t, int *layer) {
  for (int i = 0; i < 2 && t->op == GGML_OP_ADD; i++) {
    const struct ggml_tensor *shared = origin(t->src[i]);
    if (shared != NULL && shared->op == GGML_OP_MUL &&
        source_reads(shared, 0, "blk.%d.ffn_down_shexp.weight", layer))
      return true;
  }
  return false;
}

size_t stages_of(const struct ggml_tensor *node, bool scaled, stage out[STAGES_OF_A_NODE]) {
  size_t count = 0;
  int layer = -1;
#ifdef PV_LLAMA_COMPUTE_FLAG
  if ((node->flags & GGML_TENSOR_FLAG_COMPUTE) == 0) return 0; /* in the graph, and never made */
#endif
  for (size_t i = 0; i < RULES && count < STAGES_OF_A_NODE; i++) {
    const struct rule *rule = &rules[i];
    if (!follows(rule, node, &layer)) continue;
    const struct ggml_tensor *values = rule->values == ITSELF ? node : node->src[rule->values];
    const char *name = name_of(rule, node, scaled);
    if (values != NULL && name != NULL) out[count++] = (stage){name, layer, rule->row, values};
  }
  if (count == 0 && is_expert_sum(node, &layer))
    out[count++] = (stage){"moe_ffn_out", layer, 1, node};
  if (count == 0 && is_shared_sum(node, &layer)) out[count++] = (stage){"ffn_out", layer, 1, node};
  if (count == 0 && is_layer_out(node, &layer))
    out[count++] = (stage){"ffn_residual", layer, 1, node};
  return count;
}

const char *stages_rule(size_t n, char *room, size_t size) {
  static const char *const sums[] = {"moe_ffn_out: ADD of the last expert",
                                     "ffn_out: ADD to shared_out",
                                     "ffn_residual: ADD to attn_residual"};
  if (n >= RULES) return n - RULES < sizeof sums / sizeof *sums ? sums[n - RULES] : NULL;
  const struct rule *rule = &rules[n];
  snprintf(room, size, "%s: %s%s %s", rule->stage,
           rule->op == GGML_OP_COUNT ? "absent" : ggml_op_name(rule->op),
           rule->from == ITSELF ? " of" : " behind", rule->weight);
  return room;
}
