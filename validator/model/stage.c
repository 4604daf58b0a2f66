#include "validator/model/stage.h"

#include <string.h>

static pv_stage_status status_of(size_t total, size_t held, bool falsified) {
  if (falsified) return PV_STAGE_FALSIFIED;
  if (held == 0) return PV_STAGE_PENDING; /* also without criteria: nothing claimed, nothing done */
  return held == total ? PV_STAGE_DONE : PV_STAGE_IN_PROGRESS;
}

pv_stage_result pv_stage_derive(const pv_result *r, const pv_stage *stage) {
  pv_stage_result out = {.stage = stage};
  size_t apart = 0; /* criteria that do not apply to the model */
  bool falsified = false;
  for (size_t k = 0; k < stage->criteria.count; k++)
    for (size_t i = 0; i < r->criterion_count; i++) {
      if (strcmp(stage->criteria.items[k], r->criteria[i].criterion->id) != 0) continue;
      out.held += r->criteria[i].verdict == PV_PASS;
      apart += r->criteria[i].verdict == PV_NOT_APPLICABLE;
      falsified |= pv_verdict_falsifies(r->criteria[i].verdict);
    }
  out.status = status_of(stage->criteria.count - apart, out.held, falsified);
  return out;
}
