/* What many runs show together, and what they do not. */
#ifndef PV_CAMPAIGN_REPORT_H
#define PV_CAMPAIGN_REPORT_H

#include "base/arena.h"
#include "base/error.h"
#include "validator/model/campaign.h"

/* Reads the runs below `folder` (pv_index_open), with the index in `place`. A cell is stale when
 * its newest run is about another state of the claims, the code of a check, the kernels, numerics
 * or a file than lies here: the contract is looked for from the working folder upwards, then from
 * `folder`, then among pv's own. Missing are, of each contract that was run over models, those of
 * all models and devices that are there; of one that needs no model, those of all devices. In the
 * arena. `*read`: files that were read anew. */
pv_code pv_campaign_read(pv_arena *arena, const char *folder, const char *place, const char *probe,
                         pv_campaign *out, size_t *read, pv_error *err);

#endif
