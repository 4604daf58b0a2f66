#include "kernels/cuda/device.h"

#include <dlfcn.h>
#include <stdbool.h>

enum { OLDEST_SM = 80 };

/* Anything but running out of memory leaves the context in a state that nobody can vouch for. */
pv_code pv_cuda_failed(const pv_cuda_device *d, CUresult code, const char *what, pv_error *err) {
  const char *name = NULL, *text = NULL;
  if (code == CUDA_SUCCESS) return PV_OK;
  d->api.error_name(code, &name);
  d->api.error_string(code, &text);
  pv_error_set(err, code == CUDA_ERROR_OUT_OF_MEMORY ? PV_ERR_NOMEM : PV_ERR_DEVICE, "%s: %s (%s)",
               what, text != NULL ? text : "unknown error", name != NULL ? name : "?");
  if (code == CUDA_ERROR_OUT_OF_MEMORY) {
    pv_error_hint(err, "free the device's memory, or ask for less context");
    return PV_ERR_NOMEM;
  }
  pv_error_hint(err, "the device's context is lost; nothing computed since the last check counts");
  return PV_ERR_DEVICE;
}

static pv_code open_library(pv_cuda_device *d, pv_error *err) {
  d->library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (d->library == NULL) {
    pv_error_set(err, PV_ERR_UNSUPPORTED, "this machine has no CUDA driver (libcuda.so.1)");
    pv_error_hint(err, "run on a machine with an NVIDIA driver");
    return PV_ERR_UNSUPPORTED;
  }
#define PV_CUDA_FIND(symbol, member, parameters)                                             \
  *(void **)(&d->api.member) = dlsym(d->library, #symbol);                                   \
  if (d->api.member == NULL)                                                                 \
    return pv_error_set(err, PV_ERR_UNSUPPORTED, "the CUDA driver is too old: it has no %s", \
                        #symbol);
  PV_CUDA_DRIVER(PV_CUDA_FIND)
#undef PV_CUDA_FIND
  return PV_OK;
}

static pv_code no_such_device(unsigned number, int count, pv_error *err) {
  pv_error_set(err, PV_ERR_UNSUPPORTED, "there is no device %u: this machine has %d", number,
               count);
  pv_error_hint(err, "they are numbered from 0 on; CUDA_VISIBLE_DEVICES hides some");
  return PV_ERR_UNSUPPORTED;
}

static pv_code open_device(pv_cuda_device *d, int version, unsigned number, pv_error *err) {
  int count = 0, major = 0, minor = 0;
  CUresult code = d->api.init(0);
  if (code == CUDA_SUCCESS) code = d->api.device_count(&count);
  if (code == CUDA_ERROR_NO_DEVICE || (code == CUDA_SUCCESS && count == 0))
    return pv_error_set(err, PV_ERR_UNSUPPORTED, "this machine has a CUDA driver but no device");
  if (code == CUDA_SUCCESS && number >= (unsigned)count) return no_such_device(number, count, err);
  if (code == CUDA_SUCCESS) code = d->api.driver_version(&d->driver_version);
  if (code != CUDA_SUCCESS) return pv_cuda_failed(d, code, "the CUDA driver does not start", err);
  if (d->driver_version < version) {
    pv_error_set(err, PV_ERR_UNSUPPORTED,
                 "the CUDA driver is too old: it knows CUDA %d.%d, the kernels need %d.%d",
                 d->driver_version / 1000, d->driver_version % 1000 / 10, version / 1000,
                 version % 1000 / 10);
    pv_error_hint(err, "install a newer driver, or build with an older toolkit");
    return PV_ERR_UNSUPPORTED;
  }
  code = d->api.device_get(&d->device, (int)number);
  if (code == CUDA_SUCCESS)
    code = d->api.device_attribute(&major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, d->device);
  if (code == CUDA_SUCCESS)
    code = d->api.device_attribute(&minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, d->device);
  if (code != CUDA_SUCCESS) return pv_cuda_failed(d, code, "the device does not answer", err);
  d->sm = (unsigned)(10 * major + minor);
  if (d->sm < OLDEST_SM)
    return pv_error_set(err, PV_ERR_UNSUPPORTED,
                        "the device is of compute capability %d.%d, the kernels need %d.%d", major,
                        minor, OLDEST_SM / 10, OLDEST_SM % 10);
  code = d->api.context_retain(&d->context, d->device);
  if (code == CUDA_SUCCESS) code = d->api.context_set(d->context);
  if (code == CUDA_SUCCESS) code = d->api.stream_create(&d->stream, CU_STREAM_NON_BLOCKING);
  if (code == CUDA_SUCCESS) code = d->api.stream_create(&d->sending, CU_STREAM_NON_BLOCKING);
  return pv_cuda_failed(d, code, "the device does not open", err);
}

pv_code pv_cuda_device_open(int version, unsigned number, pv_cuda_device *out, pv_error *err) {
  const pv_code code = open_library(out, err);
  return code == PV_OK ? open_device(out, version, number, err) : code;
}

void pv_cuda_device_close(pv_cuda_device *d) {
  if (d->sending != NULL) d->api.stream_destroy(d->sending);
  if (d->stream != NULL) d->api.stream_destroy(d->stream);
  if (d->context != NULL) d->api.context_release(d->device);
  if (d->library != NULL) dlclose(d->library);
}
