/* The table of faults, in the order of the forward within each area. */
#include <string.h>

#include "base/text.h"
#include "runtime/faults/faults.h"

#define IN(op) (1u << PV_OP_##op)
#define TURNS  (IN(HEADS) | IN(ROPE))
#define I16    (1u << PV_NUMERICS_I16)
#define F64ACC (1u << PV_NUMERICS_F32_F64ACC)
#define I8     (1u << PV_NUMERICS_I8)
#define FIXED  (I16 | I8)
#define ALL    (I16 | F64ACC | I8)
#define EVERY  (ALL | 1u << PV_NUMERICS_F64)
#define K4 \
  { PV_TYPE_Q4_K, PV_TYPE_Q5_K, -1 }

#define WEIGHTS(n, what, seen, part, ...)                                       \
  {                                                                             \
    .name = n, .area = "block formats", .summary = what, .caught_by = seen,     \
    .host = PV_FAULT_IN_WEIGHTS, .numerics = EVERY, .row = pv_fault_row_##part, \
    .kernels = &pv_fault_##part##_kernels, .types = __VA_ARGS__                 \
  }
#define FAULT(where, n, in, what, seen, ids, ...)                                           \
  {                                                                                         \
    .name = n, .area = in, .summary = what, .caught_by = seen, .host = PV_FAULT_IN_##where, \
    .numerics = ids, .types = {-1}, __VA_ARGS__                                             \
  }
#define OPERATION(n, in, what, seen, ids, ...) \
  FAULT(OPERATION, n, in, what, seen, ids, .defect = {__VA_ARGS__})

static const pv_fault table[] = {
    WEIGHTS("swapped_scale_and_min", "Q4_K, Q5_K: scale and minimum of a sub-block exchanged",
            "experts.dispatch forward.arbiter forward.argmax forward.explained forward.parity "
            "forward.paths forward.reference gemv.bound gemv.exact quant.blocks router.index_sets "
            "types.dispatch",
            scale_and_min, K4),
    WEIGHTS("high_bits_dropped", "Q5_K, Q6_K: the bits above the fourth are not read",
            "experts.dispatch forward.arbiter forward.argmax forward.explained forward.parity "
            "forward.paths forward.reference gemv.bound gemv.exact quant.blocks router.index_sets "
            "types.dispatch",
            high_bits, {PV_TYPE_Q5_K, PV_TYPE_Q6_K, -1}),
    WEIGHTS("superblock_short", "Q4_K, Q5_K, Q6_K: the last super-block of a row is left out",
            "experts.dispatch forward.arbiter forward.argmax forward.explained forward.parity "
            "forward.paths forward.reference forward.shape gemv.bound gemv.exact quant.blocks "
            "router.index_sets types.dispatch",
            short, {PV_TYPE_Q4_K, PV_TYPE_Q5_K, PV_TYPE_Q6_K, -1}),
    WEIGHTS("q4k_read_as_q6k", "bytes of Q4_K are read as Q6_K",
            "experts.dispatch forward.arbiter forward.argmax forward.explained forward.finite "
            "forward.parity forward.paths forward.reference forward.shape gemv.bound gemv.exact "
            "quant.blocks router.index_sets router.weights_sum types.dispatch",
            q4k_as_q6k, {PV_TYPE_Q4_K, -1}),
    WEIGHTS("q6k_read_as_q4k", "bytes of Q6_K are read as Q4_K",
            "experts.dispatch forward.arbiter forward.argmax forward.explained forward.finite "
            "forward.parity forward.paths forward.reference forward.shape gemv.bound gemv.exact "
            "quant.blocks router.index_sets router.weights_sum types.dispatch",
            q6k_as_q4k, {PV_TYPE_Q6_K, -1}),
    WEIGHTS("wrong_sub_scale", "Q4_K, Q5_K, Q6_K: each sub-block takes its neighbour's scale",
            "experts.dispatch forward.arbiter forward.argmax forward.explained forward.parity "
            "forward.paths forward.reference gemv.bound gemv.exact quant.blocks router.index_sets "
            "types.dispatch",
            sub_scale, {PV_TYPE_Q4_K, PV_TYPE_Q5_K, PV_TYPE_Q6_K, -1}),
    WEIGHTS("flushed_subnormals",
            "Q6_K: binary16 scales below 2^-14 are read as 0; small results become 0",
            "experts.dispatch forward.arbiter forward.argmax forward.explained forward.parity "
            "forward.paths forward.reference ptx.emit ptx.rules router.index_sets swiglu.error "
            "types.dispatch vulkan.prove",
            subnormals, {PV_TYPE_Q6_K, -1}, .ptx = {"add.rn.f32", "add.rn.ftz.f32"}),

    OPERATION(
        "activations_8bit", "arithmetic", "activations are rounded to 8 bits, not 16",
        "experts.dispatch forward.arbiter forward.argmax forward.parity forward.paths gemv.bound "
        "gemv.exact router.index_sets types.dispatch",
        I16, .ops = IN(MATMUL), .kernels = &pv_fault_activations_8bit),
    FAULT(OPERATION, "f32_accumulator", "arithmetic", "products are summed in float32, not float64",
          "forward.parity ptx.emit ptx.flow", F64ACC, .ptx = {"fma.rn.f64", "fma.rn.f32"},
          .defect = {.ops = IN(MATMUL), .kernels = &pv_fault_f32_accumulator}),
    OPERATION("sum_in_other_order", "arithmetic",
              "the terms of a row are summed from left to right",
              "forward.parity forward.paths vulkan.prove", FIXED, .ops = IN(MATMUL),
              .kernels = &pv_fault_other_order),
    FAULT(OPERATION, "contraction", "arithmetic", "the other product of a sum of two is fused",
          "experts.combine_order forward.parity forward.paths ptx.rules spirv.rules vulkan.prove",
          ALL, .ptx = {"mul.rn.f32", "mul.f32"},
          .defect = {.ops = TURNS | IN(COMBINE), .kernels = &pv_fault_contraction}),
    FAULT(OPERATION, "approximate_exp", "arithmetic",
          "exp in the feed-forward network loses digits as its argument grows",
          "forward.parity forward.paths ptx.emit ptx.rules spirv.rules swiglu.error vulkan.prove",
          ALL, .ptx = {"div.rn.f32", "div.approx.f32"},
          .defect = {.ops = IN(SWIGLU) | IN(GEGLU) | IN(SWIGLU_CLAMPED),
                     .kernels = &pv_fault_approximate_exp}),

    FAULT(OPERATION, "tie_rule_reversed", "MoE", "of experts with the same logit the last is taken",
          "router.topk_rule", ALL, .needs_tie = true,
          .defect = {.ops = IN(TOPK), .kernels = &pv_fault_tie_reversed}),
    FAULT(OPERATION, "no_renormalisation", "MoE",
          "the weights of the chosen experts keep their sum below 1",
          "forward.arbiter forward.argmax forward.explained forward.parity forward.paths "
          "forward.reference router.index_sets router.topk_rule router.weights_sum",
          ALL, .routes = 1u << PV_ROUTE_SUM_ONE | 1u << PV_ROUTE_CHOSEN,
          .defect = {.ops = IN(ROUTE), .kernels = &pv_fault_not_renormalised}),
    FAULT(OPERATION, "softmax_after_topk", "MoE",
          "softmax over the chosen experts alone: other roundings", "forward.parity forward.paths",
          ALL, .routes = 1u << PV_ROUTE_SUM_ONE | 1u << PV_ROUTE_ALL,
          .defect = {.ops = IN(ROUTE), .kernels = &pv_fault_softmax_after}),
    FAULT(WEIGHTS, "expert_stride_off_by_one", "MoE",
          "in the gate's tensor expert e begins e rows too late",
          "experts.dispatch forward.arbiter forward.argmax forward.explained forward.parity "
          "forward.paths forward.reference router.index_sets",
          EVERY, .once = false),
    OPERATION("last_expert_dropped", "MoE", "the last of the chosen experts is not added",
              "experts.combine_order experts.dispatch forward.arbiter forward.explained "
              "forward.parity forward.paths router.index_sets",
              ALL, .ops = IN(COMBINE), .kernels = &pv_fault_expert_dropped),
    OPERATION("weights_permuted", "MoE", "each expert is weighted with the next one's weight",
              "experts.combine_order experts.dispatch forward.arbiter forward.argmax "
              "forward.explained forward.parity forward.paths forward.reference router.index_sets",
              ALL, .ops = IN(COMBINE), .kernels = &pv_fault_weights_permuted),

    FAULT(SHAPE, "wrong_rope_base", "attention", "RoPE with base 10000, whatever the file says",
          "forward.arbiter forward.explained forward.parity forward.paths forward.reference "
          "router.index_sets",
          EVERY, .once = true),
    OPERATION("rope_pairs", "attention",
              "RoPE turns neighbours where halves are meant, or the reverse",
              "forward.arbiter forward.explained forward.parity forward.paths forward.reference "
              "router.index_sets",
              ALL, .ops = TURNS, .kernels = &pv_fault_rope_pairs),
    OPERATION("qk_norm_missing", "attention", "queries and keys are not normed",
              "forward.arbiter forward.explained forward.parity forward.paths forward.reference "
              "router.index_sets",
              ALL, .ops = IN(HEADS), .kernels = &pv_fault_no_norm),
    OPERATION("wrong_head_group", "attention", "query head h reads KV head h modulo their number",
              "forward.arbiter forward.argmax forward.explained forward.parity forward.paths "
              "forward.reference router.index_sets",
              ALL, .ops = IN(ATTEND), .group = pv_fault_head_modulo),
    OPERATION("mask_off_by_one", "attention", "each position sees the one after it",
              "forward.arbiter forward.argmax forward.batch_split forward.explained forward.parity "
              "forward.paths forward.reference forward.shape router.index_sets",
              ALL, .ops = IN(ATTEND), .visible = pv_fault_sees_next),
    OPERATION("stale_kv_entry", "attention", "the first position of a later batch is not cached",
              "forward.batch_split forward.shape", ALL, .ops = IN(ATTEND),
              .appended = pv_fault_first_kept),

    FAULT(CHOICE, "silent_fallback", "system", "the CPU computes, whoever was asked",
          "forward.argmax forward.no_fallback forward.parity router.index_sets", EVERY,
          .once = true),
    OPERATION("nondeterministic_order", "system",
              "the terms of a row in another order in each process",
              "forward.determinism forward.parity forward.paths", FIXED, .ops = IN(MATMUL),
              .kernels = &pv_fault_random_order),
    OPERATION("uninitialised_output", "system", "the last element of a row is never written",
              "experts.combine_order experts.dispatch forward.arbiter forward.explained "
              "forward.parity forward.paths router.index_sets",
              ALL, .role = PV_ROLE_FFN_OUT, .after = pv_fault_last_unwritten),
    OPERATION("nan_in_one_element", "system", "one element of the first position is NaN",
              "experts.dispatch forward.arbiter forward.argmax forward.explained forward.finite "
              "forward.parity forward.paths forward.reference forward.shape router.index_sets "
              "router.weights_sum",
              ALL, .role = PV_ROLE_EXPERTS_OUT, .after = pv_fault_one_nan),
    OPERATION("wrong_position_after_split", "system",
              "positions are counted from the batch's start", "forward.batch_split forward.shape",
              ALL, .ops = TURNS, .position = pv_fault_position_of_batch),
    FAULT(OPERATION, "argmax_out_of_range", "system", "the top token is no token of the vocabulary",
          "forward.arbiter forward.argmax forward.explained forward.parity forward.paths "
          "forward.reference forward.shape",
          ALL, .once = true, .defect = {.ops = IN(ARGMAX), .after = pv_fault_out_of_range}),
    FAULT(READER, "unknown_type_accepted", "system",
          "a tensor type that is not known is read as the one that was there",
          "types.refuse_unknown", 0, .once = true),
    FAULT(READER, "shape_unchecked", "system",
          "a tensor's dimensions are taken as if they were as expected", "names.mutations", 0,
          .once = true),
};
enum { COUNT = sizeof table / sizeof *table };

/* Nothing is wrong: what a fault is compared with. */
static const pv_fault sound =
    FAULT(OPERATION, "none", "", "nothing is wrong", "", EVERY, .once = false);

const pv_fault *pv_faults(size_t *count) {
  *count = COUNT;
  return table;
}

const pv_fault *pv_fault_find(const char *name) {
  for (size_t i = 0; i < COUNT; i++)
    if (strcmp(table[i].name, name) == 0) return &table[i];
  return NULL;
}

static pv_code unknown(const char *name, pv_error *err) {
  const char *best = pv_text_nearest(name, table, COUNT, sizeof *table, 6);
  pv_error_set(err, PV_ERR_INPUT, "there is no fault '%s'", name);
  if (best != NULL)
    pv_error_hint(err, "did you mean %s?", best);
  else
    pv_error_hint(err, "list them with: pv faults");
  return PV_ERR_INPUT;
}

pv_code pv_fault_parse(const char *text, pv_planted *out, pv_error *err) {
  static const char key[] = "layer=";
  char name[64];
  const char *colon = strchr(text, ':');
  const size_t n = colon != NULL ? (size_t)(colon - text) : strlen(text);
  uint64_t layer = 0;
  snprintf(name, sizeof name, "%.*s", (int)(n < 63 ? n : 63), text);
  *out = (pv_planted){strcmp(name, sound.name) == 0 ? &sound : pv_fault_find(name), -1};
  if (out->fault == NULL) return unknown(name, err);
  if (colon == NULL) return PV_OK;
  const char *value = colon + 1 + strlen(key);
  if (strncmp(colon + 1, key, strlen(key)) != 0 || !pv_parse_u64(value, strlen(value), &layer) ||
      layer >= PV_MODEL_LAYERS_MAX) {
    pv_error_set(err, PV_ERR_INPUT, "'%.60s' says no place of the fault %s", colon + 1, name);
    pv_error_hint(err, "for example %s:layer=2", name);
    return PV_ERR_INPUT;
  }
  if (out->fault->once)
    return pv_error_set(err, PV_ERR_INPUT, "the fault %s belongs to no layer", name);
  out->layer = (int64_t)layer;
  return PV_OK;
}
