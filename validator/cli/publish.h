/* Publishing: first the evidence, then the contract. */
#ifndef PV_CLI_PUBLISH_H
#define PV_CLI_PUBLISH_H

#include "validator/cli/judgement.h"

/* PV_ERR_INPUT for a deprecated contract, a model or reference that is not there, and a working
 * tree whose sources are not those of its commit: evidence names a commit. */
pv_status pv_publish_allowed(const pv_judgement *j, pv_error *err);

/* Under the contract's lock: the folder, already filled, gets its name; the contract gets the
 * status that the evidence supports, a new version and an amendment that names the run. A status
 * beside the ladder is a person's to set: it stays when the evidence supports it, else PV_ERR_INPUT. */
pv_status pv_publish(pv_arena *arena, pv_judgement *j, pv_error *err);

#endif
