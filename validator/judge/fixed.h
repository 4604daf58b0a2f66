/* Since when a contract has the thresholds that it judges by: a bound that was written after the
 * run that it judges has shown nothing. git is asked, and nothing else knows. */
#ifndef PV_JUDGE_FIXED_H
#define PV_JUDGE_FIXED_H

#include "validator/judge/ground.h"

/* Of each falsifier of `result` that judges by a number: the commit that brought the number's
 * present value into the contract's file, and whether that was before the run that measured, of a
 * receipt before that one's. Revisions are read as YAML and compared by value, so that a comment, a
 * move or another spelling is no change; one that can not be read ends the search, and what is told
 * is then later than the truth, never earlier. What is not known is told so and is no error. */
pv_code pv_fixed_find(pv_arena *arena, const pv_ground *ground, pv_result *result, pv_error *err);

#endif
