/* What a device reaches at most, measured: beside it stands what a kernel reaches. */
#ifndef PV_CUDA_CEILINGS_H
#define PV_CUDA_CEILINGS_H

#include "kernels/cuda/kernels.h"

/* Bytes per second of `repeats` passes over a buffer far larger than any cache (2 GiB, or half of
 * what is free), into `out`. */
pv_code pv_gpu_bandwidth(const pv_gpu_ops *ops, double *out, unsigned repeats, pv_error *err);

/* Bytes per second from pinned memory of the host to the device; 0 where nobody knows. */
pv_code pv_gpu_link(const pv_gpu_ops *ops, double *rate, pv_error *err);

/* Operations per second, a product and a sum being two, of `repeats` launches of a kernel of
 * peak.h that fills the device for some milliseconds, into `out`. */
pv_code pv_gpu_peak(const pv_gpu_ops *ops, pv_gpu_kernel kernel, double *out, unsigned repeats,
                    pv_error *err);

#endif
