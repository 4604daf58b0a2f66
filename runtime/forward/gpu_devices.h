/* Devices of the GPU backend that do not lie in kernels/cuda. */
#ifndef PV_FORWARD_GPU_DEVICES_H
#define PV_FORWARD_GPU_DEVICES_H

#include "kernels/cuda/gpu.h"

/* Executes the PTX of the kernels on the host, with every access to memory checked. A launch ends
 * before it returns; a fault is PV_ERR_DEVICE. */
extern const pv_gpu_ops pv_gpu_ptx;

/* The same device, with kernels of this text in place of those of the same name; `name` stands in
 * errors in place of a file. The text may be freed afterwards. */
pv_code pv_gpu_ptx_open_text(const char *name, const char *text, size_t length, pv_gpu **out,
                             pv_error *err);

#endif
