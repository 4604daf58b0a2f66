/* An index of the runs below a folder, in SQLite: what the evidence says, so that ten thousand
 * files need not be read each time. It is no evidence: made from it, and made again when it is not
 * there, is damaged or is of another version of pv. A file is read again when its inode, size or
 * times differ; what is said of its runs was sealed. */
#ifndef PV_CAMPAIGN_INDEX_H
#define PV_CAMPAIGN_INDEX_H

#include "base/arena.h"
#include "base/error.h"
#include "validator/model/campaign.h"

#define PV_INDEX_FILE ".pv-index.sqlite"

typedef struct pv_index pv_index;

/* The index of `folder`, in the folder `place`, up to date with the files named evidence.json below
 * `folder`: not behind links, nor in folders that begin with a dot, hold parts of runs or are
 * called `latest`. Where nothing can be written it lies in memory. Several may do this at once.
 * PV_ERR_INPUT: there is no such folder. */
pv_code pv_index_open(const char *folder, const char *place, pv_index **out, pv_error *err);
void pv_index_close(pv_index *index);

/* One cell for each contract, model and device with a run, those of one contract and model
 * together; runs that lie there several times count once. And the evidence that does not count. */
pv_code pv_index_cells(pv_index *index, pv_arena *arena, pv_campaign *out, pv_error *err);

/* How many files were read since the index was made. */
size_t pv_index_read(const pv_index *index);

#endif
