/* A kernel on the first CUDA device: the driver compiles the PTX. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernels/cuda/driver_api.h"
#include "tests/unit/ptx/conform/runner.h"

typedef struct device {
  pv_conform_runner base;
  void *library;
  pv_cuda_driver api;
  CUdevice number;
  CUcontext context;
  CUstream stream;
} device;

static pv_code failed(const device *d, CUresult code, const char *what, pv_error *err) {
  const char *text = NULL;
  if (code == CUDA_SUCCESS) return PV_OK;
  d->api.error_string(code, &text);
  return pv_error_set(err, PV_ERR_DEVICE, "%s: %s (%d)", what,
                      text != NULL ? text : "unknown error", code);
}

static CUresult launch(device *d, CUfunction function, const pv_conform_kernel *k, CUdeviceptr in,
                       CUdeviceptr out) {
  void *params[] = {&in, &out, (void *)(uintptr_t)pv_conform_blob};
  const CUlaunchConfig config = {.grid = {(unsigned)(k->cases / CONFORM_BLOCK), 1, 1},
                                 .block = {CONFORM_BLOCK, 1, 1},
                                 .stream = d->stream};
  return d->api.launch(&config, function, params, NULL);
}

static pv_code device_run(pv_conform_runner *self, const pv_conform_kernel *k, uint64_t *out,
                          pv_error *err) {
  device *d = (device *)self;
  const size_t in_bytes = k->cases * k->in_slots * 8, out_bytes = k->cases * k->out_slots * 8;
  CUmodule module = NULL;
  CUfunction function = NULL;
  CUdeviceptr in_at = 0, out_at = 0;
  CUresult code = d->api.module_load(&module, k->text.data);
  if (code == CUDA_ERROR_NO_BINARY_FOR_GPU || code == CUDA_ERROR_INVALID_PTX ||
      code == CUDA_ERROR_UNSUPPORTED_PTX_VERSION)
    return pv_error_set(err, PV_ERR_UNSUPPORTED, "the driver does not take %s", k->name);
  if (code == CUDA_SUCCESS) code = d->api.module_function(&function, module, k->entry);
  if (code == CUDA_SUCCESS) code = d->api.memory_alloc(&in_at, in_bytes);
  if (code == CUDA_SUCCESS) code = d->api.memory_alloc(&out_at, out_bytes);
  if (code == CUDA_SUCCESS) code = d->api.copy_in(in_at, k->in, in_bytes, d->stream);
  if (code == CUDA_SUCCESS) code = d->api.memory_set(out_at, 0, out_bytes, d->stream);
  if (code == CUDA_SUCCESS) code = launch(d, function, k, in_at, out_at);
  if (code == CUDA_SUCCESS) code = d->api.copy_out(out, out_at, out_bytes, d->stream);
  if (code == CUDA_SUCCESS) code = d->api.stream_wait(d->stream);
  if (in_at != 0) d->api.memory_free(in_at);
  if (out_at != 0) d->api.memory_free(out_at);
  if (module != NULL) d->api.module_unload(module);
  return failed(d, code, k->name, err);
}

static void device_close(pv_conform_runner *self) {
  device *d = (device *)self;
  if (d->stream != NULL) d->api.stream_destroy(d->stream);
  if (d->context != NULL) d->api.context_release(d->number);
  if (d->library != NULL) dlclose(d->library);
  free(d);
}

static pv_code open_library(device *d, pv_error *err) {
  d->library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (d->library == NULL)
    return pv_error_set(err, PV_ERR_UNSUPPORTED, "this machine has no CUDA driver (libcuda.so.1)");
#define FIND(symbol, member, parameters)                   \
  *(void **)(&d->api.member) = dlsym(d->library, #symbol); \
  if (d->api.member == NULL)                               \
    return pv_error_set(err, PV_ERR_UNSUPPORTED, "the CUDA driver has no %s", #symbol);
  PV_CUDA_DRIVER(FIND)
#undef FIND
  return PV_OK;
}

static pv_code open_device(device *d, pv_error *err) {
  int version = 0, major = 0, minor = 0;
  char name[160] = "";
  CUresult code = d->api.init(0);
  if (code == CUDA_SUCCESS) code = d->api.driver_version(&version);
  if (code == CUDA_SUCCESS) code = d->api.device_get(&d->number, 0);
  if (code == CUDA_SUCCESS) code = d->api.device_name(name, sizeof name, d->number);
  if (code == CUDA_SUCCESS)
    code = d->api.device_attribute(&major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, d->number);
  if (code == CUDA_SUCCESS)
    code = d->api.device_attribute(&minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, d->number);
  if (code == CUDA_SUCCESS) code = d->api.context_retain(&d->context, d->number);
  if (code == CUDA_SUCCESS) code = d->api.context_set(d->context);
  if (code == CUDA_SUCCESS) code = d->api.stream_create(&d->stream, CU_STREAM_NON_BLOCKING);
  snprintf(d->base.name, sizeof d->base.name, "%s, compute capability %d.%d", name, major, minor);
  snprintf(d->base.driver, sizeof d->base.driver, "CUDA %d.%d", version / 1000,
           version % 1000 / 10);
  return failed(d, code, "the device does not open", err);
}

pv_code pv_conform_device_open(pv_conform_runner **out, pv_error *err) {
  device *d = calloc(1, sizeof *d);
  if (d == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for the device");
  d->base.run = device_run;
  d->base.close = device_close;
  pv_code code = open_library(d, err);
  if (code == PV_OK) code = open_device(d, err);
  if (code != PV_OK) {
    device_close(&d->base);
    return code;
  }
  *out = &d->base;
  return PV_OK;
}
