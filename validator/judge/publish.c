#include "validator/judge/publish.h"

#include <string.h>

#include "validator/store/derive.h"
#include "validator/store/rewrite.h"

static pv_code not_here(pv_error *err, const char *what) {
  return pv_error_refuse(err, "evidence names the commit that it is about: commit, then publish",
                         "nothing is published outside a git repository: %s", what);
}

pv_code pv_publish_allowed(const pv_request *request, const pv_ground *ground, const pv_git *git,
                           pv_error *err) {
  if (request->contract->status == PV_STATUS_DEPRECATED)
    return pv_error_set(err, PV_ERR_INPUT, "a deprecated contract is not published");
  if (ground->site.repository == NULL) return not_here(err, ground->site.root_why);
  if (strcmp(git->commit, "none") == 0) return not_here(err, "git names no commit");
  if (ground->site.home == NULL)
    return pv_error_refuse(err,
                           "evidence goes to ../reports/published: move the contract to contracts/",
                           "the contract lies in the uppermost folder of its repository");
  if (ground->lacking)
    return pv_error_refuse(err, "--model FILE and --reference FILE name them",
                           "a partial run is not published: it lacks the %s",
                           ground->model == NULL ? "model" : "reference");
  if (!git->dirty) return PV_OK;
  return pv_error_refuse(err, "commit first: evidence names the commit that it is about",
                         "the working tree differs from its commit: %s",
                         git->changed == NULL ? "git can not say how" : git->changed);
}

/* The first falsifier that broke down, by name. */
static void put_broken(const pv_result *r, pv_text *out) {
  for (size_t i = 0; i < r->falsifier_count; i++) {
    const pv_falsifier_result *f = &r->falsifiers[i];
    if (!pv_verdict_broken(f->verdict)) continue;
    pv_text_printf(out, "%s is %s", f->falsifier->id, pv_verdict_name(f->verdict));
    return;
  }
}

bool pv_publish_refused(const pv_result *r, pv_text *why) {
  const bool ladder = r->status_before <= PV_STATUS_ACTIVE_RUNTIME;
  const bool lowers = ladder && pv_result_falsified(r) && r->status_after < r->status_before;
  /* What breaks down beside a counterexample makes the file claim less, never more. */
  if (lowers) return false;
  if (r->status_carried && r->faults_untried == 0 && !pv_status_broken(r)) return false;
  if (!ladder && !r->status_carried)
    pv_text_puts(why, "the divergence is not as the contract names it; change the status by hand");
  else if (!r->status_carried)
    pv_status_explain(r, why);
  else if (pv_status_broken(r))
    put_broken(r, why);
  else
    pv_text_puts(why, "not every declared fault was tried");
  return true;
}

pv_code pv_publish_replaces(pv_arena *arena, const pv_result *result, const pv_run_folder *folder,
                            bool *out, pv_text *why, pv_error *err) {
  pv_evidence old;
  const pv_code code = pv_evidence_read(arena, folder->final, &old, NULL);
  if (code == PV_ERR_NOMEM) return pv_error_set(err, code, "out of memory for evidence");
  for (size_t i = 0; code == PV_OK && i < result->falsifier_count; i++) {
    const pv_falsifier_result *f = &result->falsifiers[i];
    if (f->source != PV_FROM_RECEIPT || strcmp(f->receipt_run, old.result->run_id) != 0) continue;
    pv_text_printf(why, "%s rests on the run %s, whose place it would take", f->falsifier->id,
                   f->receipt_run);
    *out = true;
    break;
  }
  return PV_OK;
}

static pv_code finish_folder(void *context, pv_error *err) {
  return pv_run_folder_finish(context, err);
}

static pv_code make_amendment(pv_arena *arena, const pv_result *r, pv_contract_status status,
                              pv_amendment *out, pv_error *err) {
  const pv_contract *c = r->contract;
  const pv_summary *s = &r->summary;
  pv_code code = pv_rewrite_bump(arena, c->version, &out->version, err);
  if (code != PV_OK) return code;
  out->date = pv_arena_strndup(arena, r->started, 10);
  out->kind = pv_arena_strdup(arena, "evidence");
  out->title = pv_arena_strdup(
      arena, status > c->status ? "Status raised by a run" : "Status lowered by a run");
  out->description = pv_arena_printf(
      arena, "%s to %s: %u %s, %u falsified, %u vacuous, %u in error, %u stale, %u not run",
      pv_contract_status_name(c->status), pv_contract_status_name(status), s->discharged,
      s->discharged == 1 ? "criterion holds" : "criteria hold", s->falsified, s->vacuous, s->error,
      s->stale, s->not_run);
  out->evidence = pv_arena_strdup(arena, r->run_id);
  if (out->date == NULL || out->kind == NULL || out->title == NULL || out->description == NULL ||
      out->evidence == NULL)
    return pv_error_nomem(err, "an amendment");
  return PV_OK;
}

pv_code pv_publish(pv_arena *arena, const pv_result *r, pv_run_folder *folder,
                   pv_contract_status *written, pv_error *err) {
  const pv_contract *c = r->contract;
  pv_rewrite rewrite = {.contract = c, .status = c->status};
  if (c->status <= PV_STATUS_ACTIVE_RUNTIME) rewrite.status = r->status_after;
  *written = rewrite.status;
  if (rewrite.status == c->status) {
    const pv_code kept = pv_rewrite_keep(c, finish_folder, folder, err);
    folder->kept = kept == PV_OK;
    return kept;
  }
  pv_code code = make_amendment(arena, r, rewrite.status, &rewrite.amendment, err);
  if (code != PV_OK) return code;
  code = pv_rewrite_commit(&rewrite, finish_folder, folder, err);
  /* Evidence that the contract already names is not taken away again. */
  folder->kept = folder->finished && !pv_rewrite_untouched(&rewrite);
  return code;
}
