/* What `pv` itself says about a run: when, how it was called, which program, which commit. */
#ifndef PV_JUDGE_FACTS_H
#define PV_JUDGE_FACTS_H

#include "base/arena.h"
#include "base/error.h"
#include "validator/model/result.h"

/* Now, as "2026-11-22T10:15:00Z". */
pv_code pv_facts_now(pv_arena *arena, char **out, pv_error *err);

/* "20261122T101500Z-" and 8 hex digits over the contract, the call and the moment. */
pv_code pv_facts_run_id(pv_arena *arena, const char *started, const char *contract_sha256,
                        const char *command, char **out, pv_error *err);

/* "pv validate 'a b.yaml'": what to type to do it again. */
pv_code pv_facts_command(pv_arena *arena, int argc, char **argv, char **out, pv_error *err);

/* The commit that `root` is at ("none" outside a repository and for NULL), and whether a tracked
 * file that decides what is computed or judged differs from it: contracts and reports may. */
typedef struct pv_git {
  char *commit;
  bool dirty;
  char *changed; /* one such file, or NULL */
} pv_git;
pv_code pv_facts_git(pv_arena *arena, const char *root, pv_git *out, pv_error *err);

/* Whether git's configuration names `repository` in safe.directory. */
bool pv_facts_git_safe(const char *repository);

/* `facts` of the probe and those of pv, in a new array. */
pv_code pv_facts_environment(pv_arena *arena, const pv_fact *facts, size_t count, const pv_git *git,
                             pv_fact **out, size_t *out_count, pv_error *err);

#endif
