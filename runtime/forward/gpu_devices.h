/* Devices of the GPU backend that do not lie in kernels/cuda. */
#ifndef PV_FORWARD_GPU_DEVICES_H
#define PV_FORWARD_GPU_DEVICES_H

#include "kernels/cuda/gpu.h"

/* Executes the PTX of the kernels on the host, with every access to memory checked. A launch ends
 * before it returns; a fault is PV_ERR_DEVICE. */
extern const pv_gpu_ops pv_gpu_ptx;

#endif
