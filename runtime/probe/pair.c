#include "runtime/probe/pair.h"

#include <stdio.h>
#include <string.h>

pv_code pv_pair_parse(const char *const text[2], const char *const fault[2], pv_pair *out,
                      pv_error *err) {
  pv_code code = PV_OK;
  for (int i = 0; i < 2 && code == PV_OK; i++) {
    pv_walker *side = &out->side[i];
    code = pv_call_side(text[i], fault[i], false, &side->who, err);
    if (code != PV_OK) break;
    pv_side_text(&side->who, &out->name[i]);
    side->name = out->name[i].data;
    if (out->name[i].failed)
      code = pv_error_set(err, PV_ERR_NOMEM, "out of memory for a side's name");
  }
  return code;
}

bool pv_pair_is_trace(const pv_pair *pair, int side) {
  return pair->side[side].who.folder != NULL;
}

bool pv_pair_is_recorded(const pv_pair *pair, int side) {
  return pair->side[side].who.kind->backend == NULL;
}

pv_code pv_pair_open(pv_pair *pair, const pv_model *model, const char *path, pv_error *err) {
  pv_code code = PV_OK;
  if (pair->map_path != NULL && !pv_pair_is_recorded(pair, 0) && !pv_pair_is_recorded(pair, 1))
    return pv_error_refuse(err, "name a trace, or leave --map out",
                           "--map is of the nodes of a trace, and no side is one");
  if (pair->map_path != NULL) code = pv_trace_map_open(pair->map_path, &pair->map, err);
  pair->of = (pv_recorded_model){
      .model = model, .path = path, .map = pair->map, .any_width = pair->any_width};
  for (int i = 0; i < 2 && code == PV_OK; i++) {
    if (!pv_pair_is_trace(pair, i)) continue;
    code = pv_recorded_open(pair->side[i].who.folder, &pair->of, &pair->recorded[i], err);
    if (code != PV_OK) break;
    pair->side[i].recorded = pair->recorded[i];
    if (model == NULL && i == 0) pair->of.plan = pair->recorded[i]->source.plan;
  }
  return code;
}

/* A trace of other tokens would differ everywhere, and nobody would be wrong. */
static pv_code check_tokens(const pv_pair *pair, const pv_job *job, pv_error *err) {
  for (int i = 0; i < 2; i++) {
    const pv_source *s = pair->recorded[i] != NULL ? &pair->recorded[i]->source : NULL;
    bool same = s == NULL || s->ids == NULL || job->sequence_count == 1;
    if (s != NULL && s->ids != NULL && same)
      same = s->positions == job->sequences[0].count &&
             memcmp(s->ids, job->sequences[0].ids, s->positions * sizeof *s->ids) == 0;
    if (same) continue;
    pv_error_set(err, PV_ERR_INPUT, "the trace is of other tokens than those of this run");
    pv_error_at(err, pair->side[i].who.folder, 0, 0, -1);
    pv_error_hint(err,
                  "both sides must be of the same tokens; without --ids and the like those of the "
                  "first trace are taken");
    return PV_ERR_INPUT;
  }
  return PV_OK;
}

pv_code pv_pair_sequences(const pv_pair *pair, const pv_call *call, size_t length, pv_job *job,
                          pv_error *err) {
  const bool given =
      job->ids != NULL || call->random != NULL || call->reference != NULL || call->named != NULL;
  pv_sequence otherwise = {NULL, length};
  int silent = -1;
  for (int i = 1; i >= 0; i--) {
    if (pair->recorded[i] == NULL) continue;
    const pv_source *s = &pair->recorded[i]->source;
    if (s->ids != NULL)
      otherwise = (pv_sequence){s->ids, s->positions};
    else
      silent = i;
  }
  if (!given && silent >= 0 && otherwise.ids == NULL) {
    pv_error_set(err, PV_ERR_INPUT, "the manifest does not say of which tokens the trace is");
    pv_error_at(err, pair->side[silent].who.folder, 0, 0, -1);
    pv_error_hint(err, "give them with --ids");
    return PV_ERR_INPUT;
  }
  const pv_code code = pv_call_sequences(call, otherwise, job, err);
  return code == PV_OK ? check_tokens(pair, job, err) : code;
}

pv_code pv_pair_run(pv_pair *pair, const pv_call *call, const pv_job *job, pv_error *err) {
  pv_code code = PV_OK;
  for (int i = 0; i < 2 && code == PV_OK; i++) {
    pv_walker *side = &pair->side[i];
    const pv_sequence *tokens = &job->sequences[0];
    pv_engine_spec spec;
    if (side->who.program == NULL) continue;
    if (job->sequence_count != 1)
      return pv_error_set(err, PV_ERR_INPUT, "%.200s takes one sequence of tokens", side->name);
    code = pv_call_engine(call, &side->who, tokens, &spec, err);
    if (code == PV_OK)
      code =
          pv_walker_record(side->name, &spec, &pair->of, &pair->made[i], &pair->recorded[i], err);
    side->recorded = pair->recorded[i];
  }
  return code;
}

void pv_pair_close(pv_pair *pair) {
  for (int i = 0; i < 2; i++) {
    pv_recorded_close(pair->recorded[i]);
    pv_engine_forget(pair->made[i]);
    pv_text_free(&pair->name[i]);
  }
  pv_trace_map_close(pair->map);
}
