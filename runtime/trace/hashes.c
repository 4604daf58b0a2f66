#include "runtime/trace/hashes.h"

#include <string.h>

static bool cut_alike(const pv_trace_tensor *a, const pv_trace_tensor *b) {
  if (a->type != b->type || a->width != b->width || a->count != b->count) return false;
  for (size_t i = 0; i < a->count; i++)
    if (a->parts[i].rows != b->parts[i].rows ||
        a->parts[i].piece->position != b->parts[i].piece->position)
      return false;
  return true;
}

static pv_code compare_tensor(const pv_recorded *const sides[2], const pv_trace_tensor *const t[2],
                              bool *equal, pv_error *err) {
  pv_code code = PV_OK;
  *equal = true;
  for (size_t i = 0; i < t[0]->count && code == PV_OK; i++) {
    char digest[2][PV_SHA256_HEX];
    for (int s = 0; s < 2 && code == PV_OK; s++)
      code = pv_recorded_part(sides[s], &t[s]->parts[i], digest[s], err);
    if (code == PV_OK) *equal = *equal && strcmp(digest[0], digest[1]) == 0;
  }
  return code;
}

/* True: goes on. */
static bool look(const pv_recorded *const sides[2], const pv_step *step, size_t k,
                 pv_trace_digest_report report, void *context, pv_trace_digests *out, pv_code *code,
                 pv_error *err) {
  const pv_stage_id stage = (pv_stage_id)(step->first + k);
  const pv_trace_tensor *const t[] = {pv_recorded_tensor(sides[0], stage, step->layer),
                                      pv_recorded_tensor(sides[1], stage, step->layer)};
  bool equal = false;
  out->only_left += t[0] != NULL && t[1] == NULL;
  out->only_right += t[0] == NULL && t[1] != NULL;
  if (t[0] == NULL || t[1] == NULL) return true;
  out->cut = !cut_alike(t[0], t[1]);
  if (!out->cut) *code = compare_tensor(sides, t, &equal, err);
  if (*code != PV_OK) return false;
  if (out->cut || (!equal && out->different == 0)) {
    out->stage = stage;
    out->layer = step->layer;
  }
  if (out->cut) return false;
  out->equal += equal;
  out->different += !equal;
  report(context, stage, step->layer, equal);
  return true;
}

pv_code pv_trace_compare_digests(const pv_recorded *left, const pv_recorded *right,
                                 const pv_trace_filter *filter, pv_trace_digest_report report,
                                 void *context, pv_trace_digests *out, pv_error *err) {
  const pv_recorded *const sides[] = {left, right};
  const pv_source sources[] = {left->source, right->source};
  const uint32_t layers = sources[sources[1].layers > sources[0].layers].layers;
  pv_code code = PV_OK;
  bool more = true;
  pv_trace_note_about(sources, &out->other_model, &out->other_ids);
  if (out->other_model || out->other_ids) return PV_OK;
  out->only_left += sources[0].others;
  out->only_right += sources[1].others;
  for (pv_step step = {0}; more && pv_plan_next(sources[0].plan, layers, &step);)
    for (size_t k = 0; k < step.count && more; k++)
      if (pv_trace_wanted(filter, (pv_stage_id)(step.first + k), step.layer))
        more = look(sides, &step, k, report, context, out, &code, err);
  return code;
}
