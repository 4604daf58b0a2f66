/* What each kernel declares as output: the interpreter takes a store to any other buffer for a
 * fault. */
#ifndef PV_FORWARD_GPU_OUTPUTS_H
#define PV_FORWARD_GPU_OUTPUTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { PV_GPU_OUTPUTS_MAX = 12 };

/* Device addresses in the buffers that a launch of `kernel` with this argument may write; what is
 * not asked for (address 0) is left out. PV_ERR_UNSUPPORTED for a kernel without a row. */
pv_code pv_gpu_outputs(const char *kernel, const void *args, size_t arg_bytes,
                       uint64_t out[PV_GPU_OUTPUTS_MAX], size_t *count, pv_error *err);

#endif
