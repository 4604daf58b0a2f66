/* Where a provider runs: an empty folder of its own, which is gone afterwards, and an environment
 * of few words. */
#ifndef PV_RUN_SCRATCH_H
#define PV_RUN_SCRATCH_H

#include "base/arena.h"
#include "base/child.h"

/* A new folder below $TMPDIR or /tmp that nobody else can read. */
pv_code pv_scratch_make(pv_arena *arena, pv_child_place *out, pv_error *err);
/* Removes it with all that is in it. */
void pv_scratch_remove(const pv_child_place *place);

#endif
