/* pv kernel, of kernels that lie in no repository of ours. Each returns an exit code. */
#ifndef PV_PROBE_GUEST_H
#define PV_PROBE_GUEST_H

#include <stdbool.h>

#include "base/error.h"

/* check FILE: `what` is a descriptor (.yaml) or a kernel, whose descriptor is `descriptor` or lies
 * beside it. */
int pv_probe_guest_check(const char *what, const char *descriptor, const char *as, const char *on,
                         bool json, pv_error *err);
/* operations: what a kernel may stand for. */
int pv_probe_guest_operations(bool json, pv_error *err);
/* describe FILE --as OPERATION: a descriptor to be filled in, on standard output. `entry` NULL: the
 * only one of the file. */
int pv_probe_guest_describe(const char *file, const char *as, const char *entry, pv_error *err);

#endif
