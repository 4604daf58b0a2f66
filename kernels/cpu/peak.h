/* How fast a code path multiplies and adds at most: from registers and the nearest cache, with the
 * instructions that its kernels have. Beside it stands what a kernel reaches. */
#ifndef PV_CPU_PEAK_H
#define PV_CPU_PEAK_H

#include <stddef.h>

typedef enum pv_cpu_unit {
  PV_CPU_INTEGER, /* products of 16 bits, sums of 32 */
  PV_CPU_F32,
  PV_CPU_F64,
  PV_CPU_UNITS
} pv_cpu_unit;

typedef struct pv_cpu_peak {
  const char *name; /* of the path */
  /* Runs so many rounds; returns a number that rests on all of them. */
  double (*run[PV_CPU_UNITS])(size_t rounds);
  double operations[PV_CPU_UNITS]; /* of a round: a product and a sum are two */
} pv_cpu_peak;

extern const pv_cpu_peak pv_cpu_peak_scalar;
#ifdef PV_HAVE_AVX2
extern const pv_cpu_peak pv_cpu_peak_avx2, pv_cpu_peak_vnni;
#endif

/* Of a path by its name; NULL: there is none. */
const pv_cpu_peak *pv_cpu_peak_get(const char *path);

#endif
