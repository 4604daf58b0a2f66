#include "runtime/faults/fault_spec.h"

#include <string.h>

#include "base/text.h"

#define ALL   "i16 f32-f64acc i8"
#define EVERY "f64 i16 f32-f64acc i8"
#define FIXED "i16 i8"

static const pv_fault_spec table[] = {
    {"swapped_scale_and_min", EVERY,
     "experts.dispatch forward.arbiter forward.argmax forward.parity forward.paths "
     "forward.reference gemv.bound gemv.exact quant.blocks router.index_sets types.dispatch"},
    {"high_bits_dropped", EVERY,
     "experts.dispatch forward.arbiter forward.argmax forward.parity forward.paths "
     "forward.reference gemv.bound gemv.exact quant.blocks router.index_sets types.dispatch"},
    {"superblock_short", EVERY,
     "experts.dispatch forward.arbiter forward.argmax forward.parity forward.paths "
     "forward.reference forward.shape gemv.bound gemv.exact quant.blocks router.index_sets "
     "types.dispatch"},
    {"q4k_read_as_q6k", EVERY,
     "experts.dispatch forward.arbiter forward.argmax forward.finite forward.parity forward.paths "
     "forward.reference forward.shape gemv.bound gemv.exact quant.blocks router.index_sets "
     "router.weights_sum types.dispatch"},
    {"q6k_read_as_q4k", EVERY,
     "experts.dispatch forward.arbiter forward.argmax forward.finite forward.parity forward.paths "
     "forward.reference forward.shape gemv.bound gemv.exact quant.blocks router.index_sets "
     "router.weights_sum types.dispatch"},
    {"wrong_sub_scale", EVERY,
     "experts.dispatch forward.arbiter forward.argmax forward.parity forward.paths "
     "forward.reference gemv.bound gemv.exact quant.blocks router.index_sets types.dispatch"},
    {"flushed_subnormals", EVERY,
     "experts.dispatch forward.arbiter forward.argmax forward.parity forward.paths "
     "forward.reference ptx.emit ptx.rules router.index_sets swiglu.error types.dispatch"},
    {"activations_8bit", "i16",
     "experts.dispatch forward.arbiter forward.argmax forward.parity forward.paths gemv.bound "
     "gemv.exact "
     "router.index_sets types.dispatch"},
    {"f32_accumulator", "f32-f64acc", "forward.parity ptx.emit ptx.flow"},
    {"sum_in_other_order", FIXED, "forward.parity forward.paths"},
    {"contraction", ALL, "experts.combine_order forward.parity forward.paths ptx.rules"},
    {"approximate_exp", ALL, "forward.parity forward.paths ptx.emit ptx.rules swiglu.error"},
    {"tie_rule_reversed", ALL, "router.topk_rule"},
    {"no_renormalisation", ALL,
     "forward.arbiter forward.argmax forward.parity forward.paths forward.reference "
     "router.index_sets router.topk_rule router.weights_sum"},
    {"softmax_after_topk", ALL, "forward.parity forward.paths"},
    {"expert_stride_off_by_one", EVERY,
     "experts.dispatch forward.arbiter forward.argmax forward.parity forward.paths "
     "forward.reference router.index_sets"},
    {"last_expert_dropped", ALL,
     "experts.combine_order experts.dispatch forward.arbiter forward.parity forward.paths "
     "router.index_sets"},
    {"weights_permuted", ALL,
     "experts.combine_order experts.dispatch forward.arbiter forward.argmax forward.parity "
     "forward.paths forward.reference router.index_sets"},
    {"wrong_rope_base", EVERY,
     "forward.arbiter forward.parity forward.paths forward.reference router.index_sets"},
    {"rope_pairs", ALL,
     "forward.arbiter forward.parity forward.paths forward.reference router.index_sets"},
    {"qk_norm_missing", ALL,
     "forward.arbiter forward.parity forward.paths forward.reference router.index_sets"},
    {"wrong_head_group", ALL,
     "forward.arbiter forward.argmax forward.parity forward.paths forward.reference "
     "router.index_sets"},
    {"mask_off_by_one", ALL,
     "forward.arbiter forward.argmax forward.batch_split forward.parity forward.paths "
     "forward.reference forward.shape router.index_sets"},
    {"stale_kv_entry", ALL, "forward.batch_split forward.shape"},
    {"silent_fallback", EVERY,
     "forward.argmax forward.no_fallback forward.parity router.index_sets"},
    {"nondeterministic_order", FIXED, "forward.determinism forward.parity forward.paths"},
    {"uninitialised_output", ALL,
     "experts.combine_order experts.dispatch forward.arbiter forward.parity forward.paths "
     "router.index_sets"},
    {"nan_in_one_element", ALL,
     "experts.dispatch forward.arbiter forward.argmax forward.finite forward.parity forward.paths "
     "forward.reference forward.shape router.index_sets router.weights_sum"},
    {"wrong_position_after_split", ALL, "forward.batch_split forward.shape"},
    {"argmax_out_of_range", ALL,
     "forward.arbiter forward.argmax forward.parity forward.paths forward.reference forward.shape"},
    {"unknown_type_accepted", "", "types.refuse_unknown"},
    {"shape_unchecked", "", "names.mutations"},
};
enum { COUNT = sizeof table / sizeof *table };

const pv_fault_spec *pv_fault_specs(size_t *count) {
  *count = COUNT;
  return table;
}

const pv_fault_spec *pv_fault_spec_find(const char *name) {
  for (size_t i = 0; i < COUNT; i++)
    if (strcmp(table[i].name, name) == 0) return &table[i];
  return NULL;
}

const char *pv_fault_spec_nearest(const char *name) {
  return pv_text_nearest(name, table, COUNT, sizeof *table, 6);
}

bool pv_fault_spec_lists(const char *words, const char *word) {
  const size_t n = strlen(word);
  for (const char *at = words; n > 0 && *at != '\0';) {
    const size_t length = strcspn(at, " ");
    if (length == n && memcmp(at, word, n) == 0) return true;
    at += length + (at[length] == ' ');
  }
  return false;
}
