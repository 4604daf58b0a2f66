/* One of N parts of a run: which falsifiers it judges. The parts of one call are made of all its
 * contracts, so that they take alike long; each falsifier is in exactly one.
 *
 * What a falsifier costs is what it took when it was last measured: in published evidence of its
 * contract, which is the same wherever the same commit is; where there is none, in the run that
 * `latest` names; else as much as those of its contract on average, or 1 s where none was ever
 * measured. Where faults are to be planted, once more for each that it declares. The dearest is
 * dealt first, to the part that has least to do. A falsifier is not split: its prompts share one
 * walk. */
#ifndef PV_JUDGE_SHARD_H
#define PV_JUDGE_SHARD_H

#include "base/arena.h"
#include "base/error.h"
#include "validator/model/result.h"

typedef struct pv_shard { /* of one contract */
  pv_part part;
  const bool *mine; /* one for each of its falsifiers */
} pv_shard;

typedef struct pv_shard_ask {
  unsigned number, of;
  bool faults;
  const char *costs; /* a folder with CONTRACT/latest, and nothing else counts; NULL: as above */
  const char *whole; /* the call that would judge all */
} pv_shard_ask;

/* "3/8". */
pv_code pv_shard_parse(const char *text, unsigned *number, unsigned *of, pv_error *err);

/* What the contract's falsifiers cost, for other hosts: copies the newest evidence that tells, as
 * above, to `folder`/CONTRACT/latest, which `costs` may then name. No evidence, no copy. */
pv_code pv_shard_pin(pv_arena *arena, const pv_contract *contract, const char *folder,
                     pv_error *err);

/* One for each contract, in the arena. Evidence that can not be read is as none. */
pv_code pv_shard_split(pv_arena *arena, const pv_shard_ask *ask, pv_contract *const *contracts,
                       size_t count, pv_shard **out, pv_error *err);

#endif
