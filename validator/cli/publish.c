#include "validator/cli/publish.h"

#include "validator/store/rewrite.h"

pv_status pv_publish_allowed(const pv_judgement *j, pv_error *err) {
  if (j->contract->status == PV_STATUS_DEPRECATED)
    return pv_error_set(err, PV_ERR_INPUT, "a deprecated contract is not published");
  if (j->lacking) {
    pv_error_set(err, PV_ERR_INPUT, "a partial run is not published: it lacks the %s",
                 j->model_path == NULL ? "model" : "reference");
    pv_error_hint(err, "--model FILE and --reference FILE name them");
    return PV_ERR_INPUT;
  }
  if (!j->git.dirty) return PV_OK;
  pv_error_set(err, PV_ERR_INPUT, "the working tree differs from its commit: %s",
               j->git.changed == NULL ? "git can not say how" : j->git.changed);
  pv_error_hint(err, "commit first: evidence names the commit that it is about");
  return PV_ERR_INPUT;
}

static pv_status finish_folder(void *context, pv_error *err) {
  return pv_run_folder_finish(context, err);
}

static const char *title_of(const pv_judgement *j) {
  if (j->written_status == j->contract->status) return "Status confirmed by a run";
  return j->written_status > j->contract->status ? "Status raised by a run"
                                                 : "Status lowered by a run";
}

static pv_status make_amendment(pv_arena *arena, const pv_judgement *j, pv_amendment *out,
                                pv_error *err) {
  const pv_result *r = &j->result;
  const pv_summary *s = &r->summary;
  pv_status status = pv_rewrite_bump(arena, j->contract->version, &out->version, err);
  if (status != PV_OK) return status;
  out->date = pv_arena_strndup(arena, r->started, 10);
  out->kind = pv_arena_strdup(arena, "evidence");
  out->title = pv_arena_strdup(arena, title_of(j));
  out->description = pv_arena_printf(
      arena,
      "%s to %s: %u criteria hold, %u falsified, %u vacuous, %u in error, %u stale, %u not run",
      pv_contract_status_name(j->contract->status), pv_contract_status_name(j->written_status),
      s->discharged, s->falsified, s->vacuous, s->error, s->stale, s->not_run);
  out->evidence = pv_arena_strdup(arena, r->run_id);
  if (out->date == NULL || out->kind == NULL || out->title == NULL || out->description == NULL ||
      out->evidence == NULL)
    return pv_error_set(err, PV_ERR_NOMEM, "out of memory for an amendment");
  return PV_OK;
}

pv_status pv_publish(pv_arena *arena, pv_judgement *j, pv_error *err) {
  pv_rewrite rewrite = {.contract = j->contract};
  if (j->contract->status <= PV_STATUS_ACTIVE_RUNTIME) {
    j->written_status = j->result.status_after;
  } else if (!j->result.status_carried) {
    pv_error_set(err, PV_ERR_INPUT, "the divergence is not as the contract names it");
    pv_error_hint(err, "run without --publish to see it; change the status by hand, then publish");
    return PV_ERR_INPUT;
  }
  rewrite.status = j->written_status;
  pv_status status = make_amendment(arena, j, &rewrite.amendment, err);
  if (status != PV_OK) return status;
  status = pv_rewrite_commit(&rewrite, finish_folder, &j->folder, err);
  /* Evidence that the contract already names is not taken away again. */
  j->folder.named = j->folder.finished && !pv_rewrite_untouched(&rewrite);
  return status;
}
