/* What a run left in its outputs, held against what they must hold. */
#ifndef PV_GUEST_JUDGE_H
#define PV_GUEST_JUDGE_H

#include "runtime/guest/findings.h"
#include "runtime/guest/trial.h"

typedef struct pv_guest_worst {
  double excess; /* units of its bound; at most 1 is right */
  double got, want, bound;
  char tensor[32], where[160];
  size_t row, column;
} pv_guest_worst;

typedef struct pv_guest_tally {
  uint64_t compared, wrong, unwritten; /* elements */
  pv_guest_worst worst;                /* of what was written */
} pv_guest_tally;

/* Every element of every output of the last run of `device`. */
void pv_guest_judge(const pv_guest_descriptor *d, pv_guest_device *device, const pv_guest_case *c,
                    const pv_guest_signature *entry, pv_guest_tally *tally, pv_guest_findings *f);

/* The outputs of this run beside those of an earlier one, `before` of PV_GUEST_BUFFERS. */
void pv_guest_judge_same(const pv_guest_descriptor *d, pv_guest_device *device,
                         const pv_guest_case *c, unsigned char *const *before,
                         pv_guest_findings *f);

/* One element of an output as a number. */
double pv_guest_element(const pv_guest_descriptor *d, const pv_guest_case *c, size_t tensor,
                        size_t row, size_t column);

#endif
