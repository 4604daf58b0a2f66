/* What a recorded side lacks, and which of that may be to blame for a stage. */
#include <string.h>

#include "runtime/probe/bisect_report.h"

enum { BEFORE = 64 }; /* flag: of the layer before */

/* What a stage is made from, up to a 0: the embedding is only ever what the first layer has
 * instead of a layer before it. */
static const unsigned char inputs[PV_STAGES][4] = {
    [PV_STAGE_ATTN_NORM] = {PV_STAGE_FFN_RESIDUAL | BEFORE},
    [PV_STAGE_Q] = {PV_STAGE_ATTN_NORM},
    [PV_STAGE_K] = {PV_STAGE_ATTN_NORM},
    [PV_STAGE_V] = {PV_STAGE_ATTN_NORM},
    [PV_STAGE_Q_ROPE] = {PV_STAGE_Q},
    [PV_STAGE_K_ROPE] = {PV_STAGE_K},
    [PV_STAGE_ATTN_OUT] = {PV_STAGE_Q_ROPE, PV_STAGE_K_ROPE, PV_STAGE_V},
    [PV_STAGE_ATTN_PROJ] = {PV_STAGE_ATTN_OUT},
    [PV_STAGE_ATTN_RESIDUAL] = {PV_STAGE_ATTN_PROJ, PV_STAGE_FFN_RESIDUAL | BEFORE},
    [PV_STAGE_FFN_NORM] = {PV_STAGE_ATTN_RESIDUAL},
    [PV_STAGE_MOE_ROUTER_LOGITS] = {PV_STAGE_FFN_NORM},
    [PV_STAGE_MOE_ROUTER] = {PV_STAGE_MOE_ROUTER_LOGITS},
    [PV_STAGE_MOE_ROUTER_INDICES] = {PV_STAGE_MOE_ROUTER_LOGITS},
    [PV_STAGE_EXPERT_GATE] = {PV_STAGE_FFN_NORM, PV_STAGE_MOE_ROUTER_INDICES},
    [PV_STAGE_EXPERT_UP] = {PV_STAGE_FFN_NORM, PV_STAGE_MOE_ROUTER_INDICES},
    [PV_STAGE_EXPERT_SWIGLU] = {PV_STAGE_EXPERT_GATE, PV_STAGE_EXPERT_UP},
    [PV_STAGE_EXPERT_DOWN] = {PV_STAGE_EXPERT_SWIGLU, PV_STAGE_MOE_ROUTER_INDICES},
    [PV_STAGE_MOE_FFN_OUT] = {PV_STAGE_EXPERT_DOWN, PV_STAGE_MOE_ROUTER},
    [PV_STAGE_FFN_RESIDUAL] = {PV_STAGE_MOE_FFN_OUT, PV_STAGE_ATTN_RESIDUAL},
    [PV_STAGE_FINAL_NORM] = {PV_STAGE_FFN_RESIDUAL | BEFORE},
    [PV_STAGE_LOGITS] = {PV_STAGE_FINAL_NORM},
    [PV_STAGE_ARGMAX] = {PV_STAGE_LOGITS},
};

/* One input: where it is. */
static void locate(unsigned char input, pv_stage_id of, uint32_t layer, uint32_t layers,
                   pv_stage_id *stage, uint32_t *at) {
  *stage = (pv_stage_id)(input & (BEFORE - 1));
  *at = layer;
  if ((input & BEFORE) == 0) return;
  if (!pv_stage_is_layered(of))
    *at = layers - 1;
  else if (layer == 0)
    *stage = PV_STAGE_EMBEDDING;
  else
    *at = layer - 1;
}

/* Against the order of computation: whatever is missing and needed makes its inputs needed. */
size_t pv_bisect_behind(const pv_bisect_result *r, int side, pv_stage_id stage, uint32_t layer,
                        bool (*out)[PV_STAGES]) {
  size_t count = 0;
  memset(out, 0, r->layers * sizeof *out);
  for (size_t n = ((size_t)r->layers + 1) * PV_STAGES; n-- > 0;) {
    const pv_stage_id s = (pv_stage_id)(n % PV_STAGES);
    const uint32_t turn = (uint32_t)(n / PV_STAGES); /* the last one: outside the layers */
    if ((pv_stage_is_layered(s) != 0) != (turn < r->layers)) continue;
    const uint32_t l = turn < r->layers ? turn : 0;
    if (!out[l][s] && !(s == stage && l == layer)) continue;
    for (size_t i = 0; i < 4 && inputs[s][i] != 0; i++) {
      pv_stage_id before;
      uint32_t at;
      locate(inputs[s][i], s, l, r->layers, &before, &at);
      if (r->stages[at][before].side[side].judged > 0 || out[at][before]) continue;
      out[at][before] = true;
      count++;
    }
  }
  return count;
}
