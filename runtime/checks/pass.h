/* A pass: one side or two led over a prompt, stage by stage, of which the bits are compared and
 * every element is looked at where it is. A side that was captured whole is read from there; of one
 * whose stages are many only those are kept that the checks to come look at, and what was seen of
 * it. */
#ifndef PV_CHECKS_PASS_H
#define PV_CHECKS_PASS_H

#include "base/pool.h"
#include "runtime/checks/check.h"

typedef struct pv_pass {
  pv_check *check;
  size_t count; /* sides: 1 or 2 */
  const char *word[2];
  pv_numerics numerics[2];
  size_t longest; /* tokens of a prompt */
  /* of the pass itself; 0 at first */
  pv_fault_side opened[2]; /* who computes, for all prompts */
  pv_pool *pool;
} pv_pass;
/* Whatever was done with it. */
void pv_pass_close(pv_pass *pass);

typedef struct pv_passed {
  bool ran; /* else the verdict says why not, and nothing below is set */
  pv_difference difference;
  pv_seen seen[2];
  const char *backend[2]; /* who computed */
} pv_passed;

/* Runs a prompt. `cosine`: of each layer the smallest so far of its output on both sides; NULL: not
 * asked for. NOT_RUN where a side does not exist here, INCOMPARABLE where two compute different
 * functions. */
pv_code pv_pass_run(pv_pass *pass, const pv_reference_prompt *prompt, double *cosine,
                    pv_passed *out, pv_error *err);
/* What was seen of the one side: in an earlier pass of this process, else in one that is run now.
 */
pv_code pv_pass_see(pv_pass *pass, const pv_reference_prompt *prompt, pv_passed *out,
                    pv_error *err);

/* Two functions are not compared: false, with the verdict. "" is one that nobody knows. */
bool pv_pass_same_function(pv_check *check, const char *const word[2], const char *const is[2]);

#endif
