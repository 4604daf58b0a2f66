/* Seconds that have passed: of a clock that nobody sets. */
#ifndef PV_BASE_CLOCK_H
#define PV_BASE_CLOCK_H

#include <time.h>

static inline double pv_clock_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

#endif
