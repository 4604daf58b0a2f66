/* What repeated measurements say. */
#ifndef PV_MEASURE_RATES_H
#define PV_MEASURE_RATES_H

#include <stddef.h>

typedef struct pv_rates {
  double median, least, most; /* median: of an even number the upper one */
} pv_rates;
/* Sorts the values, ascending. Of none, or with a NaN among them, all three are NaN, which no bound
 * lets through; then their order is not said. */
pv_rates pv_rates_of(double *values, size_t count);

#endif
