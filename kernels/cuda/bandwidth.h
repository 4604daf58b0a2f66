/* How fast a device reads its memory. */
#ifndef PV_CUDA_BANDWIDTH_H
#define PV_CUDA_BANDWIDTH_H

#include "kernels/cuda/gpu.h"

/* Bytes per second of `repeats` passes over a buffer far larger than any cache (2 GiB, or half of
 * what is free), into `out`. */
pv_code pv_gpu_bandwidth(const pv_gpu_ops *ops, double *out, unsigned repeats, pv_error *err);

#endif
