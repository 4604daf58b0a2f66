/* The driver opened, and a device: what all that runs on one begins with. */
#ifndef PV_CUDA_DEVICE_H
#define PV_CUDA_DEVICE_H

#include "base/error.h"
#include "kernels/cuda/driver_api.h"

typedef struct pv_cuda_device {
  void *library;
  pv_cuda_driver api;
  CUdevice device;
  CUcontext context;
  CUstream stream, sending; /* the second of copies to the device, that run beside the first */
  int driver_version;       /* 13010: CUDA 13.1 */
  unsigned sm;              /* 90 */
} pv_cuda_device;

/* The device of that number. PV_ERR_UNSUPPORTED with the reason: no driver, one that knows less
 * than `version` (13000: CUDA 13.0), no such device, one that is too old. What was opened until
 * then is closed by the caller. */
pv_code pv_cuda_device_open(int version, unsigned number, pv_cuda_device *out, pv_error *err);
void pv_cuda_device_close(pv_cuda_device *d);

/* PV_OK of CUDA_SUCCESS; PV_ERR_NOMEM; else PV_ERR_DEVICE: nobody can vouch for the context any
 * more. */
pv_code pv_cuda_failed(const pv_cuda_device *d, CUresult code, const char *what, pv_error *err);

#endif
