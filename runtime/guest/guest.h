/* A kernel that nobody here wrote, held against the operation that it stands for. */
#ifndef PV_GUEST_GUEST_H
#define PV_GUEST_GUEST_H

#include "runtime/guest/judge.h"

typedef enum pv_guest_verdict { PV_GUEST_PASS, PV_GUEST_FAIL, PV_GUEST_NOT_RUN } pv_guest_verdict;
const char *pv_guest_verdict_name(pv_guest_verdict verdict); /* "PASS" */

typedef struct pv_guest_wish {
  const char *descriptor; /* a path */
  const char *file;       /* of the last launch, in place of the descriptor's; NULL: that */
  const char *as;         /* an operation in place of the descriptor's; NULL: that */
  const char *on;         /* "ptx", "cuda"; NULL: ptx for PTX, cuda for machine code */
} pv_guest_wish;

typedef struct pv_guest_report {
  const pv_guest_descriptor *d;
  const char *file; /* of the launch that is judged */
  const char *on;
  pv_guest_verdict verdict;
  char reason[1400]; /* of NOT_RUN: one sentence */
  size_t cases, left_out, runs;
  size_t cases_wrong;
  pv_guest_tally tally;
  pv_guest_findings findings; /* sorted */
  /* The PTX whose every access was watched, interpreted: `file` itself, or on a device beside what
   * ran there, for a device shows what a kernel computes and not what it touches. NULL: why not. */
  const char *watched;
  char unwatched[1400];
} pv_guest_report;

/* Everything lies in the arena. A kernel that is wrong, or that can not be judged here, is no
 * error. PV_ERR_INPUT: the descriptor, or what it says of the entry; no case within its limits. */
pv_code pv_guest_check(pv_arena *arena, const pv_guest_wish *wish, pv_guest_report *out,
                       pv_error *err);

/* Static findings of the entries: instructions that the descriptor does not allow. */
pv_code pv_guest_rules(pv_arena *arena, const pv_guest_descriptor *d, const pv_ptx_module *module,
                       const pv_ptx_function *entry, pv_guest_findings *out, pv_error *err);

/* Of a product with weights that fails: one activation after the other, and which weights of each
 * block are not what they should be. Adds a finding where there is a pattern to tell. */
pv_code pv_guest_narrow(pv_guest_device *device, const pv_guest_descriptor *d,
                        const pv_guest_signature *signatures, const pv_op_case *c,
                        pv_guest_findings *out, pv_error *err);
/* What that would cost with this case, to choose one; infinite: it is no product with weights. */
double pv_guest_narrow_cost(const pv_guest_descriptor *d, const pv_guest_case *c);

#endif
