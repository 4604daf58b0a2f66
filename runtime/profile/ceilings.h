/* What a machine reaches at most, measured: what a floor is made of. */
#ifndef PV_PROFILE_CEILINGS_H
#define PV_PROFILE_CEILINGS_H

#include "kernels/cuda/kernels.h"
#include "runtime/measure/rates.h"
#include "runtime/profile/work.h"

enum { PV_CEILING_REPEATS = 99 }; /* at most */

/* Bytes per second that threads read of a buffer far larger than any cache, each its own share.
 * `*threads` is as the option says, then how many there were. */
pv_code pv_cpu_bandwidth(unsigned *threads, size_t repeats, pv_rates *out, pv_error *err);

/* Operations per second. */
typedef struct pv_peak {
  const char *name; /* of what multiplies: "integer", "dp4a" */
  const char *from; /* where the figure comes from: a clause for a reader */
  double per_s;     /* the best of the repeats; 0: not known, and then it is no ceiling */
} pv_peak;

/* A kernel, or a code path, has for each unit one of these. */
enum { PV_PEAK_INTEGER, PV_PEAK_MMA_INTEGER, PV_PEAK_F32, PV_PEAK_F64, PV_PEAKS };
typedef struct pv_ceilings {
  double bytes_per_s; /* 0: not known */
  bool device;
  pv_peak peak[PV_PEAKS]; /* MMA_INTEGER of a device alone */
} pv_ceilings;

/* Of a code path by its name ("avx2"), with that many threads; what the identity does not need is
 * not measured. PV_ERR_UNSUPPORTED for a path without peaks. `bytes_per_s` is the caller's. */
pv_code pv_ceilings_cpu(const char *path, pv_numerics numerics, unsigned threads, size_t repeats,
                        pv_ceilings *out, pv_error *err);
/* The same of a device. */
pv_code pv_ceilings_gpu(const pv_gpu_ops *device, pv_numerics numerics, size_t repeats,
                        pv_ceilings *out, pv_error *err);

/* The peak of `unit` in what `what` names: a kernel, or an operation of the CPU. */
const pv_peak *pv_ceilings_peak(const pv_ceilings *c, const char *what, pv_unit unit);

#endif
