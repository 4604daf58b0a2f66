/* The part of the CUDA driver API that is used, declared here so that a build needs no toolkit and
 * a program no driver: libcuda is opened at run time. Names and values are those of cuda.h. */
#ifndef PV_CUDA_DRIVER_API_H
#define PV_CUDA_DRIVER_API_H

#include <stddef.h>
#include <stdint.h>

typedef int CUresult;
typedef int CUdevice;
typedef uint64_t CUdeviceptr;
typedef struct CUctx_st *CUcontext;
typedef struct CUmod_st *CUmodule;
typedef struct CUfunc_st *CUfunction;
typedef struct CUstream_st *CUstream;
typedef struct CUevent_st *CUevent;
typedef struct CUgraph_st *CUgraph;
typedef struct CUgraphExec_st *CUgraphExec;

enum {
  CUDA_SUCCESS = 0,
  CUDA_ERROR_OUT_OF_MEMORY = 2,
  CUDA_ERROR_NO_DEVICE = 100,
  CUDA_ERROR_NO_BINARY_FOR_GPU = 209,
  CUDA_ERROR_INVALID_PTX = 218,
  CUDA_ERROR_UNSUPPORTED_PTX_VERSION = 222,
  CUDA_ERROR_NOT_FOUND = 500,
  CUDA_ERROR_NOT_READY = 600,
  CUDA_ERROR_ILLEGAL_ADDRESS = 700,
  CUDA_ERROR_ASSERT = 710,
  CUDA_ERROR_ILLEGAL_INSTRUCTION = 715,
  CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED = 704,
  CUDA_ERROR_MISALIGNED_ADDRESS = 716,
  CUDA_ERROR_LAUNCH_FAILED = 719,
  CU_DEVICE_ATTRIBUTE_CLOCK_RATE = 13,
  CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT = 16,
  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75,
  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76,
  CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR = 81,
  CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN = 97,
  CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK = 0,
  CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES = 1,
  CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES = 8,
  CU_JIT_ERROR_LOG_BUFFER = 5,
  CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES = 6,
  CU_LAUNCH_ATTRIBUTE_COOPERATIVE = 2,
  CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION = 6,
  CU_LAUNCH_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT = 14,
  CU_STREAM_NON_BLOCKING = 1,
  CU_EVENT_DISABLE_TIMING = 2,
  CU_STREAM_CAPTURE_MODE_THREAD_LOCAL = 1
};

typedef struct CUlaunchAttribute {
  int id; /* CU_LAUNCH_ATTRIBUTE_... */
  char pad[4];
  union {
    int programmaticStreamSerializationAllowed;
    int cooperative;
    unsigned sharedMemCarveout; /* percent */
    char bytes[64];
  } value;
} CUlaunchAttribute;

typedef struct CUlaunchConfig {
  unsigned grid[3], block[3], shared;
  CUstream stream;
  CUlaunchAttribute *attributes;
  unsigned attribute_count;
} CUlaunchConfig;

/* X(name in the library, member, parameters) */
#define PV_CUDA_DRIVER(X)                                                                         \
  X(cuInit, init, (unsigned))                                                                     \
  X(cuDriverGetVersion, driver_version, (int *))                                                  \
  X(cuGetErrorName, error_name, (CUresult, const char **))                                        \
  X(cuGetErrorString, error_string, (CUresult, const char **))                                    \
  X(cuDeviceGetCount, device_count, (int *))                                                      \
  X(cuDeviceGet, device_get, (CUdevice *, int))                                                   \
  X(cuDeviceGetName, device_name, (char *, int, CUdevice))                                        \
  X(cuDeviceGetAttribute, device_attribute, (int *, int, CUdevice))                               \
  X(cuDevicePrimaryCtxRetain, context_retain, (CUcontext *, CUdevice))                            \
  X(cuDevicePrimaryCtxRelease_v2, context_release, (CUdevice))                                    \
  X(cuCtxSetCurrent, context_set, (CUcontext))                                                    \
  X(cuMemGetInfo_v2, memory_info, (size_t *, size_t *))                                           \
  X(cuMemAlloc_v2, memory_alloc, (CUdeviceptr *, size_t))                                         \
  X(cuMemFree_v2, memory_free, (CUdeviceptr))                                                     \
  X(cuMemsetD8Async, memory_set, (CUdeviceptr, unsigned char, size_t, CUstream))                  \
  X(cuMemHostAlloc, host_alloc, (void **, size_t, unsigned))                                      \
  X(cuMemFreeHost, host_free, (void *))                                                           \
  X(cuMemcpyHtoDAsync_v2, copy_in, (CUdeviceptr, const void *, size_t, CUstream))                 \
  X(cuMemcpyDtoHAsync_v2, copy_out, (void *, CUdeviceptr, size_t, CUstream))                      \
  X(cuMemcpyPeerAsync, copy_peer,                                                                 \
    (CUdeviceptr, CUcontext, CUdeviceptr, CUcontext, size_t, CUstream))                           \
  X(cuDeviceCanAccessPeer, peer_possible, (int *, CUdevice, CUdevice))                            \
  X(cuCtxEnablePeerAccess, peer_enable, (CUcontext, unsigned))                                    \
  X(cuModuleLoadData, module_load, (CUmodule *, const void *))                                    \
  X(cuModuleLoadDataEx, module_load_logged, (CUmodule *, const void *, unsigned, int *, void **)) \
  X(cuModuleUnload, module_unload, (CUmodule))                                                    \
  X(cuModuleGetFunction, module_function, (CUfunction *, CUmodule, const char *))                 \
  X(cuFuncSetAttribute, function_set, (CUfunction, int, int))                                     \
  X(cuFuncGetAttribute, function_get, (int *, int, CUfunction))                                   \
  X(cuLaunchKernelEx, launch, (const CUlaunchConfig *, CUfunction, void **, void **))             \
  X(cuStreamCreate, stream_create, (CUstream *, unsigned))                                        \
  X(cuStreamDestroy_v2, stream_destroy, (CUstream))                                               \
  X(cuStreamSynchronize, stream_wait, (CUstream))                                                 \
  X(cuStreamQuery, stream_query, (CUstream))                                                      \
  X(cuStreamWaitEvent, stream_await, (CUstream, CUevent, unsigned))                               \
  X(cuEventCreate, event_create, (CUevent *, unsigned))                                           \
  X(cuEventRecord, event_record, (CUevent, CUstream))                                             \
  X(cuEventSynchronize, event_wait, (CUevent))                                                    \
  X(cuEventElapsedTime, event_elapsed, (float *, CUevent, CUevent))                               \
  X(cuEventDestroy_v2, event_destroy, (CUevent))                                                  \
  X(cuStreamBeginCapture_v2, capture_begin, (CUstream, int))                                      \
  X(cuStreamEndCapture, capture_end, (CUstream, CUgraph *))                                       \
  X(cuGraphInstantiateWithFlags, graph_instantiate, (CUgraphExec *, CUgraph, unsigned long long)) \
  X(cuGraphDestroy, graph_destroy, (CUgraph))                                                     \
  X(cuGraphLaunch, graph_launch, (CUgraphExec, CUstream))                                         \
  X(cuGraphExecDestroy, graph_exec_destroy, (CUgraphExec))

typedef struct pv_cuda_driver {
/* NOLINTNEXTLINE(bugprone-macro-parentheses): these make a declaration */
#define PV_CUDA_MEMBER(name, member, parameters) CUresult(*member) parameters;
  PV_CUDA_DRIVER(PV_CUDA_MEMBER)
#undef PV_CUDA_MEMBER
} pv_cuda_driver;

/* Of a driver that has it (CUDA 12.4): offset and size of a parameter. */
typedef CUresult (*pv_cuda_param_info)(CUfunction, size_t, size_t *, size_t *);

#endif
