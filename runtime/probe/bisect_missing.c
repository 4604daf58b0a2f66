/* What a recorded side lacks, and which of that may be to blame for a stage. */
#include <string.h>

#include "runtime/probe/bisect_report.h"

/* Against the order of computation: whatever is missing and needed makes its inputs needed. */
size_t pv_bisect_behind(const pv_bisect_result *r, int side, pv_stage_id stage, uint32_t layer,
                        bool (*out)[PV_STAGES_MAX]) {
  size_t count = 0;
  memset(out, 0, r->layers * sizeof *out);
  const size_t stages = r->plan->count;
  for (size_t n = ((size_t)r->layers + 1) * stages; n-- > 0;) {
    const pv_stage_id s = (pv_stage_id)(n % stages);
    const uint32_t turn = (uint32_t)(n / stages); /* the last one: outside the layers */
    if (pv_plan_is_layered(r->plan, s) != (turn < r->layers)) continue;
    const uint32_t l = turn < r->layers ? turn : 0;
    if (!out[l][s] && !(s == stage && l == layer)) continue;
    for (size_t i = 0;; i++) {
      uint32_t at;
      const int before = pv_plan_input(r->plan, s, i, l, r->layers, &at);
      if (before < 0) break;
      if (r->stages[at][before].side[side].judged > 0 || out[at][before]) continue;
      out[at][before] = true;
      count++;
    }
  }
  return count;
}
