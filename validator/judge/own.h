/* What pv came with: contracts, the default model and published evidence, in the sources that it
 * was built in or below the prefix that it was installed to. It is found from pv's own file
 * upwards, as far as pv_site_above goes, so that it comes with pv and not from wherever pv is
 * called; a prefix may be moved. */
#ifndef PV_JUDGE_OWN_H
#define PV_JUDGE_OWN_H

#include "base/arena.h"
#include "base/error.h"

/* Below the prefix of an installation. */
#define PV_OWN_SHARE "share/pv-contracts"
/* What that folder has in any case: the contract about every model. */
#define PV_OWN_CONTRACT "contracts/model-forward-v1.yaml"

/* The folder; NULL where pv stands alone. In the arena. */
pv_code pv_own_folder(pv_arena *arena, const char **out, pv_error *err);

/* The file or folder `relative` in it; NULL where there is none. */
pv_code pv_own_file(pv_arena *arena, const char *relative, const char **out, pv_error *err);

/* `relative`, which evidence says: that file in the nearest folder from `folder` upwards that has
 * it and may be trusted, else the one that pv came with; NULL: neither, or it leads out of them. */
pv_code pv_own_or_above(pv_arena *arena, const char *folder, const char *relative, const char **out,
                        pv_error *err);

/* A contract that is named like a file and is none here ("moe-router-v1", with or without its
 * suffix) is pv's own of that name; every other path is left as it is. */
pv_code pv_own_contract(pv_arena *arena, const char *named, const char **out, pv_error *err);

#endif
