/* Devices of the GPU backend that do not lie in kernels/cuda. */
#ifndef PV_FORWARD_GPU_DEVICES_H
#define PV_FORWARD_GPU_DEVICES_H

#include "kernels/cuda/gpu.h"

/* Executes the PTX of the kernels on the host, with every access to memory checked. A launch ends
 * before it returns; a fault is PV_ERR_DEVICE. */
extern const pv_gpu_ops pv_gpu_ptx;

/* A device behind Vulkan, once it has given the bits of the CPU (kernels/vulkan/prove.h): the first
 * GPU, or the first device where all are the CPU; and those of that number in `pv vulkan list`. A
 * kernel without a shader is PV_ERR_UNSUPPORTED when it is launched. */
extern const pv_gpu_ops pv_gpu_vulkan, pv_gpu_vulkan0, pv_gpu_vulkan1;

/* The interpreter, with kernels of this text in place of those of the same name; `name` stands in
 * errors in place of a file. The text may be freed afterwards. */
pv_code pv_gpu_ptx_open_text(const char *name, const char *text, size_t length, pv_gpu **out,
                             pv_error *err);

#endif
