/* pv kernel bench: how long a kernel takes on a device, beside what the device reaches at most. */
#ifndef PV_PROBE_KERNEL_BENCH_H
#define PV_PROBE_KERNEL_BENCH_H

#include "runtime/alone/alone.h"

enum { PV_KERNEL_BENCH_REPEATS = 100 }; /* at most */

/* Times the kernel of that name, or all, on the device of `set`, and prints; `wish` as
 * pv_alone_bench_case takes it. The exit code; 3 without a device. */
int pv_kernel_bench(pv_alone_set *set, const char *name, const pv_alone_case *wish,
                    uint64_t repeats, bool json, pv_error *err);

#endif
