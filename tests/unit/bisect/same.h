/* Two results of a bisection: one assertion for each thing that they say. */
#ifndef PV_TESTS_BISECT_SAME_H
#define PV_TESTS_BISECT_SAME_H

#include "runtime/bisect/bisect.h"

void same_result(const pv_bisect_result *a, const pv_bisect_result *b);

#endif
