/* A CUDA driver that has what $PV_FAKE_CUDA says and computes nothing: how the real one is absent,
 * too old, full or broken is played here, where there is no GPU. Its memory is the host's. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cuda/driver_api.h"

enum { LOST = 46 };

static int is(const char *mode) {
  const char *asked = getenv("PV_FAKE_CUDA");
  return asked != NULL && strcmp(asked, mode) == 0;
}

#define EXPORT                            __attribute__((visibility("default")))
#define DECLARE(name, member, parameters) EXPORT CUresult name parameters;
PV_CUDA_DRIVER(DECLARE)

static int launched;
static double played_ms; /* a launch takes 0.01, an event 0.001 */

CUresult cuInit(unsigned flags) {
  (void)flags;
  return is("no-device") ? CUDA_ERROR_NO_DEVICE : CUDA_SUCCESS;
}
CUresult cuDriverGetVersion(int *version) {
  *version = is("old-driver") ? 11040 : 99000;
  return CUDA_SUCCESS;
}
CUresult cuGetErrorName(CUresult code, const char **out) {
  *out = code == CUDA_ERROR_ILLEGAL_ADDRESS ? "CUDA_ERROR_ILLEGAL_ADDRESS" : "CUDA_ERROR_FAKE";
  return CUDA_SUCCESS;
}
CUresult cuGetErrorString(CUresult code, const char **out) {
  *out = code == CUDA_ERROR_ILLEGAL_ADDRESS ? "an illegal memory access was encountered"
         : code == LOST                     ? "the device is unavailable"
         : code == CUDA_ERROR_OUT_OF_MEMORY ? "out of memory"
                                            : "something else";
  return CUDA_SUCCESS;
}
CUresult cuDeviceGetCount(int *count) {
  *count = is("two") ? 2 : 1;
  return CUDA_SUCCESS;
}
CUresult cuDeviceGet(CUdevice *device, int index) {
  *device = index;
  return CUDA_SUCCESS;
}
CUresult cuDeviceGetName(char *name, int room, CUdevice device) {
  (void)device;
  snprintf(name, (size_t)room, "Fake device");
  return CUDA_SUCCESS;
}
CUresult cuDeviceGetAttribute(int *out, int attribute, CUdevice device) {
  (void)device;
  *out = attribute == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR   ? is("old-device") ? 7 : 9
         : attribute == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR ? 0
         : attribute == CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN
             ? is("small-blocks") ? 9 << 10 : 227 << 10
         : attribute == CU_DEVICE_ATTRIBUTE_CLOCK_RATE ? 1000000
                                                       : 4;
  return CUDA_SUCCESS;
}
CUresult cuDevicePrimaryCtxRetain(CUcontext *out, CUdevice device) {
  (void)device;
  *out = (CUcontext)&launched;
  return CUDA_SUCCESS;
}
CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
  (void)device;
  return CUDA_SUCCESS;
}
CUresult cuCtxSetCurrent(CUcontext context) {
  (void)context;
  return CUDA_SUCCESS;
}
CUresult cuMemGetInfo_v2(size_t *free_bytes, size_t *all) {
  *all = (size_t)8 << 30;
  *free_bytes = is("full") ? (size_t)1 << 20 : *all;
  return CUDA_SUCCESS;
}
CUresult cuMemAlloc_v2(CUdeviceptr *out, size_t bytes) {
  void *p = is("no-memory") ? NULL : calloc(1, bytes);
  *out = (CUdeviceptr)(uintptr_t)p;
  return p != NULL ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}
CUresult cuMemFree_v2(CUdeviceptr at) {
  free((void *)(uintptr_t)at);
  return CUDA_SUCCESS;
}
CUresult cuMemsetD8Async(CUdeviceptr at, unsigned char byte, size_t bytes, CUstream stream) {
  (void)stream;
  if (bytes < (size_t)1 << 30) memset((void *)(uintptr_t)at, byte, bytes); /* it is zeros */
  return CUDA_SUCCESS;
}
CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t bytes, CUstream stream) {
  (void)stream;
  if (is("lost")) return LOST;
  memcpy((void *)(uintptr_t)to, from, bytes);
  return CUDA_SUCCESS;
}
CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t bytes, CUstream stream) {
  (void)stream;
  memcpy(to, (const void *)(uintptr_t)from, bytes);
  return CUDA_SUCCESS;
}
CUresult cuMemcpyPeerAsync(CUdeviceptr to, CUcontext there, CUdeviceptr from, CUcontext here,
                           size_t bytes, CUstream stream) {
  (void)there;
  (void)here;
  (void)stream;
  memmove((void *)(uintptr_t)to, (const void *)(uintptr_t)from, bytes);
  return CUDA_SUCCESS;
}
CUresult cuDeviceCanAccessPeer(int *out, CUdevice device, CUdevice other) {
  (void)device;
  (void)other;
  *out = 0;
  return CUDA_SUCCESS;
}
CUresult cuCtxEnablePeerAccess(CUcontext context, unsigned flags) {
  (void)context;
  (void)flags;
  return CUDA_SUCCESS;
}
CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned flags) {
  (void)stream;
  (void)event;
  (void)flags;
  return CUDA_SUCCESS;
}
CUresult cuMemHostAlloc(void **out, size_t bytes, unsigned flags) {
  (void)flags;
  *out = is("no-pinned") ? NULL : malloc(bytes);
  return *out != NULL ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}
CUresult cuMemFreeHost(void *p) {
  free(p);
  return CUDA_SUCCESS;
}
CUresult cuEventCreate(CUevent *out, unsigned flags) {
  (void)flags;
  double *when = calloc(1, sizeof *when);
  *out = (CUevent)(void *)when;
  return when != NULL ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}
CUresult cuEventRecord(CUevent event, CUstream stream) {
  (void)stream;
  played_ms += 0.001;
  memcpy((void *)event, &played_ms, sizeof played_ms);
  return CUDA_SUCCESS;
}
CUresult cuEventElapsedTime(float *ms, CUevent from, CUevent to) {
  double began, ended;
  memcpy(&began, (const void *)from, sizeof began);
  memcpy(&ended, (const void *)to, sizeof ended);
  *ms = (float)(ended - began);
  return is("no-times") ? LOST : CUDA_SUCCESS;
}
CUresult cuEventSynchronize(CUevent event) {
  (void)event;
  return cuStreamSynchronize(NULL);
}
CUresult cuEventDestroy_v2(CUevent event) {
  free((void *)event);
  return CUDA_SUCCESS;
}
CUresult cuModuleLoadData(CUmodule *out, const void *image) {
  (void)image;
  *out = (CUmodule)&launched;
  return is("refused") ? CUDA_ERROR_NO_BINARY_FOR_GPU : CUDA_SUCCESS;
}
CUresult cuModuleLoadDataEx(CUmodule *out, const void *image, unsigned count, int *options,
                            void **values) {
  for (unsigned i = 0; i < count && is("refused"); i++)
    if (options[i] == CU_JIT_ERROR_LOG_BUFFER)
      snprintf(values[i], 64, "ptxas application ptx input, line 9; fatal: no such thing\n");
  return cuModuleLoadData(out, image);
}
CUresult cuModuleUnload(CUmodule module) {
  (void)module;
  return CUDA_SUCCESS;
}
CUresult cuModuleGetFunction(CUfunction *out, CUmodule module, const char *name) {
  (void)module;
  (void)name;
  *out = (CUfunction)&launched;
  return CUDA_SUCCESS;
}
CUresult cuFuncSetAttribute(CUfunction function, int attribute, int value) {
  (void)function;
  (void)attribute;
  (void)value;
  return CUDA_SUCCESS;
}
CUresult cuFuncGetAttribute(int *out, int attribute, CUfunction function) {
  (void)function;
  *out = attribute == CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK ? 1024 : 0;
  return CUDA_SUCCESS;
}
/* Of machine code: three addresses and two numbers of 32 bits. */
EXPORT CUresult cuFuncGetParamInfo(CUfunction function, size_t at, size_t *offset, size_t *bytes);
CUresult cuFuncGetParamInfo(CUfunction function, size_t at, size_t *offset, size_t *bytes) {
  (void)function;
  if (at >= 5) return 1;
  *offset = at < 3 ? 8 * at : 24 + 4 * (at - 3);
  *bytes = at < 3 ? 8 : 4;
  return CUDA_SUCCESS;
}

CUresult cuLaunchKernelEx(const CUlaunchConfig *config, CUfunction function, void **args,
                          void **extra) {
  (void)config;
  (void)function;
  (void)args;
  (void)extra;
  launched++;
  played_ms += 0.01;
  return CUDA_SUCCESS;
}
CUresult cuStreamCreate(CUstream *out, unsigned flags) {
  (void)flags;
  *out = (CUstream)&launched;
  return CUDA_SUCCESS;
}
CUresult cuStreamDestroy_v2(CUstream stream) {
  (void)stream;
  return CUDA_SUCCESS;
}
CUresult cuStreamSynchronize(CUstream stream) {
  (void)stream;
  return launched && is("sticky") ? CUDA_ERROR_ILLEGAL_ADDRESS : CUDA_SUCCESS;
}
CUresult cuStreamQuery(CUstream stream) {
  return launched > 1 && is("endless")   ? CUDA_ERROR_NOT_READY
         : launched > 1 && is("illegal") ? CUDA_ERROR_ILLEGAL_ADDRESS
                                         : cuStreamSynchronize(stream);
}
CUresult cuStreamBeginCapture_v2(CUstream stream, int mode) {
  (void)stream;
  (void)mode;
  return CUDA_SUCCESS;
}
CUresult cuStreamEndCapture(CUstream stream, CUgraph *out) {
  (void)stream;
  *out = (CUgraph)&launched;
  return CUDA_SUCCESS;
}
CUresult cuGraphInstantiateWithFlags(CUgraphExec *out, CUgraph graph, unsigned long long flags) {
  (void)graph;
  (void)flags;
  *out = (CUgraphExec)&launched;
  return CUDA_SUCCESS;
}
CUresult cuGraphDestroy(CUgraph graph) {
  (void)graph;
  return CUDA_SUCCESS;
}
CUresult cuGraphLaunch(CUgraphExec exec, CUstream stream) {
  (void)exec;
  (void)stream;
  return CUDA_SUCCESS;
}
CUresult cuGraphExecDestroy(CUgraphExec exec) {
  (void)exec;
  return CUDA_SUCCESS;
}
