/* Publishing: first the evidence, then the contract. */
#ifndef PV_JUDGE_PUBLISH_H
#define PV_JUDGE_PUBLISH_H

#include "validator/judge/folder.h"
#include "validator/judge/ground.h"

/* Before the run. PV_ERR_INPUT for a deprecated contract, one that lies in no git repository that
 * can be trusted or not below its uppermost folder, a model or reference that is not there, and a
 * working tree whose sources are not those of its commit: evidence names a commit. */
pv_code pv_publish_allowed(const pv_request *request, const pv_ground *ground, const pv_git *git,
                           pv_error *err);

/* After the run: true, with the reason, when it supports nothing that could be published: the
 * status of the file is not supported or a check broke down, and nothing was falsified that lowers
 * it. What could not be judged neither confirms a status nor takes it away. */
bool pv_publish_refused(const pv_result *result, pv_text *why);

/* True in `out`, with the reason, when the result holds something by a receipt of the very run
 * whose place in `folder` it would take: afterwards nothing would hold it. */
pv_code pv_publish_replaces(pv_arena *arena, const pv_result *result, const pv_run_folder *folder,
                            bool *out, pv_text *why, pv_error *err);

/* Under the contract's lock: the folder, already filled, gets its name. `written` is the status
 * that the contract then has. When the evidence supports another rung of the ladder the contract
 * gets it, a new version and an amendment that names the run; a run that confirms the status leaves
 * every byte of the contract. A status beside the ladder is a person's to set: it stays when the
 * evidence supports it, else PV_ERR_INPUT. */
pv_code pv_publish(pv_arena *arena, const pv_result *result, pv_run_folder *folder,
                   pv_contract_status *written, pv_error *err);

#endif
