/* The parts of a run become the run. */
#ifndef PV_JUDGE_MERGE_H
#define PV_JUDGE_MERGE_H

#include "validator/store/evidence.h"

typedef struct pv_merge_ask {
  const char *const *folders; /* of the parts, in any order */
  size_t count;
  const char *out, *probe; /* as of `pv validate`, or NULL */
  bool publish;            /* the same */
} pv_merge_ask;

typedef struct pv_merged { /* all of it in the arena */
  pv_result result;
  const char *shown; /* the run's folder; NULL: nothing was written, for something is missing */
  const char *whole; /* the call that all are parts of */
  unsigned of;
  pv_strings parts, falsifiers; /* which are missing: "3", "F_ROUTER_TOPK" */
  const char *note;             /* why `latest` is not this run, or NULL */
  const char *refused;          /* why the run was not published though it was to be, or NULL */
  pv_contract_status written;   /* of a published run (`result.publish`): what the contract says */
} pv_merged;

/* Joins the parts and writes the run below `out`, as `pv validate` would have. The same parts give
 * the same run, under the same id, however often and by how many at once they are joined; it is
 * written aside and gets its name when it is whole.
 *
 * PV_ERR_INPUT for a folder that is no part or was changed, and for parts of different runs:
 * another contract, commit, split, program, model, other kernels or numerics, two devices; for a
 * falsifier that two of them judged; and where the contract that they are about does not lie here.
 *
 * A run that is published is what `pv validate --publish` would have published: PV_ERR_INPUT also
 * where that would have been refused before it ran, for parts over less than all, of a changed
 * working tree, or of another commit than is checked out here. */
pv_code pv_merge(pv_arena *arena, const pv_merge_ask *ask, pv_merged *out, pv_error *err);

#endif
