/* One small contract and a run of it, for the tests of the store. */
#ifndef PV_TEST_STORE_SAMPLE_H
#define PV_TEST_STORE_SAMPLE_H

#include "validator/store/evidence.h"

extern const char sample_yaml[];

typedef struct sample {
  pv_arena arena;
  pv_contract *contract;
  pv_result result;
  pv_basis basis;
  pv_fact numerics[1];
  pv_subject *subjects;
} sample;

/* Loads sample_yaml; F_ONE and F_TWO pass from this run, F_THREE was not run. The digests are made
 * up. `s` is zero at first; what it held is freed. False when the loader refuses it. */
bool sample_make(sample *s);
/* Subjects anew, after the basis or the contract was changed. */
bool sample_subjects(sample *s);
/* Gives the results all that evidence can hold: curves, the worst element, a tolerance, a receipt
 * (F_TWO then comes from one), faults, output, a model. */
void sample_fill(sample *s);
void sample_free(sample *s);

/* Writes a sealed folder "<parent>/<run id>" with evidence.json and report.md; the path is static,
 * NULL on failure. */
const char *sample_publish(sample *s, const char *parent);

#endif
