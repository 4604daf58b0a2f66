/* The whole suite on one runner. */
#ifndef PV_TESTS_CONFORM_SUITE_H
#define PV_TESTS_CONFORM_SUITE_H

#include "tests/unit/ptx/conform/answers.h"
#include "tests/unit/ptx/conform/runner.h"

typedef struct pv_conform_result {
  size_t kernels, cases; /* that ran */
  size_t different;      /* edge cases and digests that are not as expected */
  size_t refused;        /* kernels that the runner does not take */
  pv_text report;        /* a line for each of these; free it */
} pv_conform_result;

/* Runs the kernels whose name contains `only` (NULL: all). `expected`, the text of a file of
 * answers, is compared with; `answers` gets a new one; either may be NULL. A kernel that is refused
 * is counted and has no answers; a kernel that `expected` does not have, though it ran, differs. */
pv_code pv_conform_suite_run(pv_conform_runner *runner, const char *only, const char *expected,
                             pv_text *answers, pv_conform_result *result, pv_error *err);

#endif
