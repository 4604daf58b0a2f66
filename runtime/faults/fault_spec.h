/* The table of faults as those see it who only name them: what each is called, in which identities
 * it exists, which checks see it. Data only; linked by `pv` (to judge what a contract declares) and
 * by `pv-probe`, whose table (faults.h) says how each is planted. */
#ifndef PV_FAULTS_FAULT_SPEC_H
#define PV_FAULTS_FAULT_SPEC_H

#include <stdbool.h>
#include <stddef.h>

typedef struct pv_fault_spec {
  const char *name;      /* "rope_pairs" */
  const char *numerics;  /* identities that it exists in, separated by blanks; "": it is of files */
  const char *caught_by; /* checks that see it, in some identity, separated by blanks */
} pv_fault_spec;

/* All faults, in the order of pv_faults. */
const pv_fault_spec *pv_fault_specs(size_t *count);
const pv_fault_spec *pv_fault_spec_find(const char *name); /* NULL when there is none */
/* The closest existing name, for "did you mean"; NULL when nothing is near. */
const char *pv_fault_spec_nearest(const char *name);

/* Whether `word` is one of `words`, which are separated by blanks. */
bool pv_fault_spec_lists(const char *words, const char *word);

#endif
