#include "runtime/measure/rates.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

pv_rates pv_rates_of(double *values, size_t count) {
  bool none = count == 0;
  for (size_t i = 0; i < count; i++) none |= isnan(values[i]);
  if (none) return (pv_rates){NAN, NAN, NAN};
  qsort(values, count, sizeof *values, ascending);
  return (pv_rates){values[count / 2], values[0], values[count - 1]};
}
