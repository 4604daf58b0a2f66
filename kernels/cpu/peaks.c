#include <string.h>

#include "kernels/cpu/peak.h"

const pv_cpu_peak *pv_cpu_peak_get(const char *path) {
  static const pv_cpu_peak *const all[] = {&pv_cpu_peak_scalar,
#ifdef PV_HAVE_AVX2
                                           &pv_cpu_peak_avx2, &pv_cpu_peak_vnni
#endif
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (strcmp(all[i]->name, path) == 0) return all[i];
  return NULL;
}
