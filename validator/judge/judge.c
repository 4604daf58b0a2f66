#include "validator/judge/judge.h"

#include "base/clock.h"
#include "validator/history/history.h"
#include "validator/judge/basis.h"
#include "validator/judge/bisect.h"
#include "validator/judge/fixed.h"
#include "validator/judge/publish.h"
#include "validator/judge/record.h"
#include "validator/store/derive.h"

/* Where the report goes, below published or runs. */
static pv_code open_folder(pv_arena *arena, pv_judgement *j, pv_run_folder *out, pv_error *err) {
  const pv_request *q = &j->request;
  const pv_site *site = &j->ground.site;
  const bool publish = j->result.publish;
  if (!publish && q->out == NULL && site->runs == NULL)
    return pv_error_refuse(err, "--out DIR names a place for the report",
                           "no report is written beside '%s': %s", q->contract->path,
                           site->runs_why);
  const char *base = publish          ? pv_arena_printf(arena, "%s/reports/published", site->home)
                     : q->out != NULL ? pv_arena_strdup(arena, q->out)
                                      : pv_arena_printf(arena, "%s/reports/runs", site->runs);
  const char *place = q->shard == NULL
                          ? q->contract->name
                          : pv_arena_printf(arena, "%s/" PV_EVIDENCE_PARTS, q->contract->name);
  if (base == NULL || place == NULL) return pv_error_nomem(err, "a judgement");
  return pv_run_folder_open(arena, base, place, j->result.run_id, out, err);
}

/* Before anything is computed: what it stands on, where the report goes, what it is called. */
static pv_code prepare(pv_arena *arena, pv_judgement *j, pv_run_folder *folder, pv_error *err) {
  const pv_request *q = &j->request;
  pv_result *r = &j->result;
  char *command = pv_arena_strdup(arena, q->command);
  pv_code code = command == NULL ? pv_error_nomem(err, "a judgement")
                                 : pv_ground_find(arena, q, &j->notes, &j->ground, err);
  /* Of no other repository than the one that the contract lies in. */
  const char *root = j->ground.site.repository == NULL ? NULL : j->ground.site.root;
  if (code == PV_OK) code = pv_facts_git(arena, root, &j->git, err);
  if (code == PV_OK && q->publish) code = pv_publish_allowed(q, &j->ground, &j->git, err);
  *r = (pv_result){.contract = q->contract, .command = command, .publish = q->publish};
  if (code == PV_OK) code = pv_facts_now(arena, &r->started, err);
  if (code == PV_OK)
    code = pv_facts_run_id(arena, r->started, q->contract->sha256, command, &r->run_id, err);
  return code == PV_OK ? open_folder(arena, j, folder, err) : code;
}

/* A run that supports nothing, or itself rests on the one whose place it would take, is not
 * published: its report goes where it goes without --publish. */
static pv_code maybe_publish(pv_arena *arena, pv_judgement *j, pv_run_folder *folder,
                             pv_error *err) {
  const pv_result *r = &j->result;
  pv_text why = PV_TEXT_INIT;
  bool refused = false;
  if (!r->publish) return PV_OK;
  pv_code code = pv_run_folder_device(
      arena, pv_fact_value(r->environment, r->environment_count, "device"), folder, err);
  if (code == PV_OK) refused = pv_publish_refused(r, &why);
  if (code == PV_OK && !refused) code = pv_publish_replaces(arena, r, folder, &refused, &why, err);
  if (code != PV_OK || !refused) goto cleanup;
  code = why.failed ? pv_error_nomem(err, "a judgement")
                    : pv_ground_note(arena, &j->notes, "nothing was published: ", why.data, err);
  pv_run_folder_close(folder);
  j->result.publish = false;
  if (code == PV_OK) code = open_folder(arena, j, folder, err);
cleanup:
  pv_text_free(&why);
  return code;
}

/* The runs before this one, which its report shows beside it. */
static pv_code look_back(pv_arena *arena, pv_judgement *j, pv_error *err) {
  enum { EARLIER = 10 };
  const pv_site *site = &j->ground.site;
  const pv_evidence present = {.result = &j->result, .subjects = j->subjects};
  pv_history *history = PV_ARENA_NEW(arena, 1, pv_history);
  const char *runs =
      site->runs == NULL ? NULL : pv_arena_printf(arena, "%s/reports/runs", site->runs);
  if (history == NULL || (site->runs != NULL && runs == NULL))
    return pv_error_nomem(err, "a judgement");
  const pv_history_ask ask = {.contract = j->request.contract,
                              .folder = site->folder,
                              .home = site->home,
                              .repository = site->repository,
                              .local = j->request.out != NULL ? j->request.out : runs,
                              .most = EARLIER,
                              .present = &present};
  const pv_code code = pv_history_read(arena, &ask, history, err);
  if (code == PV_OK) j->result.history = history;
  return code;
}

static pv_code write_report(pv_arena *arena, pv_judgement *j, pv_run_folder *folder,
                            pv_error *err) {
  const bool publish = j->result.publish;
  const pv_site *site = &j->ground.site;
  pv_evidence evidence = {
      .result = &j->result, .subjects = j->subjects, .contract_path = site->relative};
  pv_code code = pv_subject_contract(j->request.contract, evidence.semantics, err);
  if (code != PV_OK) return code;
  j->shown = pv_site_shown(arena, folder->final);
  /* Published reports name their place in the repository, not the way there from here. */
  const char *shown = publish ? pv_site_relative(arena, site->home, folder->final) : j->shown;
  pv_strings next;
  if (shown == NULL || j->shown == NULL) return pv_error_nomem(err, "a judgement");
  code = pv_bisect_calls(arena, j, NULL, &j->next, err);
  if (code == PV_OK) code = pv_bisect_calls(arena, j, publish ? site->root : NULL, &next, err);
  if (code != PV_OK) return code;
  const pv_render_links links = {.folder = shown, .next = &next};
  code = pv_run_folder_fill(arena, folder, &evidence, &links, err);
  if (code != PV_OK) return code;
  if (publish) return pv_publish(arena, &j->result, folder, &j->written, err);
  code = pv_run_folder_finish(folder, err);
  folder->kept = code == PV_OK;
  /* A part is no run, and not the last one either. */
  const bool named = code == PV_OK && j->request.shard == NULL;
  const char *why = named ? pv_run_folder_latest(folder) : NULL;
  return why == NULL ? code
                     : pv_ground_note(arena, &j->notes, "`latest` is not this run: ", why, err);
}

/* What was run is what the digests are of. */
static pv_code unchanged(pv_arena *arena, const pv_request *request, const pv_subject *before,
                         pv_error *err) {
  pv_subject *after = NULL;
  const pv_code code = pv_basis_files(arena, request, &after, err);
  return code == PV_OK ? pv_basis_unchanged(request, before, after, err) : code;
}

pv_code pv_judge(pv_arena *arena, const pv_request *request, pv_judgement *out, pv_error *err) {
  const double begin = pv_clock_now();
  pv_judgement j = {.request = *request, .written = request->contract->status};
  pv_run_folder folder = {0};
  pv_subject *before = NULL;
  pv_code code = prepare(arena, &j, &folder, err);
  if (code == PV_OK) code = pv_basis_files(arena, request, &before, err);
  if (code == PV_OK) code = pv_signature_ask(arena, request, &j.ground, &j.signature, err);
  if (code == PV_OK) code = pv_trial_run(arena, request, &j.ground, &j.trial, err);
  if (code == PV_OK)
    code = pv_basis_subjects(arena, request, &j.ground, &j.trial.outcome.hello, &j.subjects, err);
  if (code == PV_OK)
    code =
        pv_basis_receipts(arena, request, &j.ground, j.subjects, &j.trial.outcome, &j.notes, err);
  if (code == PV_OK)
    code = pv_basis_unseen(arena, request, &j.ground, &j.trial.outcome, &j.notes, err);
  if (code == PV_OK && request->faults)
    code = pv_trial_faults(arena, &j.trial, &j.notes, &j.result.faults_untried, err);
  if (code == PV_OK) code = unchanged(arena, request, before, err);
  if (code == PV_OK)
    code = pv_record_fill(arena, request, &j.ground, &j.git, &j.trial, &j.result, err);
  if (code == PV_OK)
    code = pv_signature_same(&j.signature, j.result.model, j.result.model_count, err);
  if (code == PV_OK) code = pv_signature_tell(arena, &j.signature, &j.result, err);
  if (code == PV_OK) code = pv_fixed_find(arena, &j.ground, &j.result, err);
  if (code == PV_OK) code = maybe_publish(arena, &j, &folder, err);
  if (code == PV_OK && request->shard == NULL) code = look_back(arena, &j, err);
  if (code != PV_OK) goto cleanup;
  j.result.duration_s = pv_clock_now() - begin;
  code = write_report(arena, &j, &folder, err);
cleanup:
  pv_run_folder_close(&folder);
  if (code == PV_OK) *out = j;
  return code;
}

pv_code pv_judge_receipts(pv_arena *arena, const pv_request *request, pv_judgement *out,
                          pv_error *err) {
  pv_judgement j = {.request = *request, .result = {.contract = request->contract}};
  pv_code code = pv_ground_find(arena, request, &j.notes, &j.ground, err);
  if (code == PV_OK) code = pv_trial_ask(arena, request, &j.trial, err);
  if (code == PV_OK)
    code = pv_basis_subjects(arena, request, &j.ground, &j.trial.outcome.hello, &j.subjects, err);
  if (code == PV_OK)
    code =
        pv_basis_receipts(arena, request, &j.ground, j.subjects, &j.trial.outcome, &j.notes, err);
  if (code != PV_OK) return code;
  j.result.partial = pv_record_partial(request, &j.ground);
  j.result.falsifiers = j.trial.outcome.falsifiers;
  j.result.falsifier_count = j.trial.outcome.falsifier_count;
  code = pv_status_derive(arena, &j.result, err);
  if (code == PV_OK) *out = j;
  return code;
}
