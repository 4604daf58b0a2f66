/* Publishing: first the evidence, then the contract. */
#ifndef PV_CLI_PUBLISH_H
#define PV_CLI_PUBLISH_H

#include "validator/cli/judgement.h"

/* Before the run. PV_ERR_INPUT for a deprecated contract, one that lies in no git repository that
 * can be trusted or not below its uppermost folder, a model or reference that is not there, and a
 * working tree whose sources are not those of its commit: evidence names a commit. */
pv_code pv_publish_allowed(const pv_judgement *j, pv_error *err);

/* After the run: true, with the reason, when it supports nothing that could be published: the
 * status of the file is not supported or a check broke down, and nothing was falsified that lowers
 * it. What could not be judged neither confirms a status nor takes it away. */
bool pv_publish_refused(const pv_judgement *j, pv_text *why);

/* Under the contract's lock: the folder, already filled, gets its name. When the evidence supports
 * another rung of the ladder the contract gets it, a new version and an amendment that names the
 * run; a run that confirms the status leaves every byte of the contract. A status beside the ladder
 * is a person's to set: it stays when the evidence supports it, else PV_ERR_INPUT. */
pv_code pv_publish(pv_arena *arena, pv_judgement *j, pv_error *err);

#endif
