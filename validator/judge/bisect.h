/* What to run next after something was refuted. */
#ifndef PV_JUDGE_BISECT_H
#define PV_JUDGE_BISECT_H

#include "validator/judge/judge.h"

/* The calls of `pv bisect` that say which stage of which side is wrong, for the first falsifiers
 * that this run refuted over a model; each is there once, quoted for a shell. The files are named
 * as the run found them, or from `root` where that is not NULL: what is published names no path of
 * this machine. */
pv_code pv_bisect_calls(pv_arena *arena, const pv_judgement *judgement, const char *root,
                        pv_strings *out, pv_error *err);

#endif
