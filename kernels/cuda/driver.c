/* The device behind the CUDA driver. */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ck.h"
#include "kernels/cuda/driver_api.h"
#include "kernels/cuda/gpu.h"
#include "kernels/cuda/images.h"

enum {
  OLDEST_SM = 80,
  SEQUENCES_MAX = 64,
  KERNELS_MAX = 64,
  ALLOCATIONS_MAX = 256,
  PLAIN_SHARED = 32 << 10, /* 48 KB, less what kernels declare: more must be asked for */
  COPY_STEP = 64 << 20
};

typedef struct kernel {
  const char *name;
  CUfunction function;
  unsigned shared; /* most dynamic shared memory asked for so far */
} kernel;

typedef struct cuda {
  pv_gpu base;
  void *library;
  pv_cuda_driver api;
  CUdevice device;
  CUcontext context;
  CUstream stream;
  CUmodule *modules;
  const pv_cuda_module **images; /* of `modules` */
  size_t module_count;
  kernel kernels[KERNELS_MAX];
  unsigned kernel_count;
  CUdeviceptr memory[ALLOCATIONS_MAX];
  size_t memory_count;
  CUgraphExec sequences[SEQUENCES_MAX];
  unsigned sequence_count;
  int driver_version;
  unsigned sm, target; /* of the device; of the modules */
  bool from_ptx;
} cuda;

/* Anything but running out of memory leaves the context in a state that nobody can vouch for. */
static pv_code failed(const cuda *c, CUresult code, const char *what, pv_error *err) {
  const char *name = NULL, *text = NULL;
  if (code == CUDA_SUCCESS) return PV_OK;
  c->api.error_name(code, &name);
  c->api.error_string(code, &text);
  pv_error_set(err, code == CUDA_ERROR_OUT_OF_MEMORY ? PV_ERR_NOMEM : PV_ERR_DEVICE, "%s: %s (%s)",
               what, text != NULL ? text : "unknown error", name != NULL ? name : "?");
  if (code == CUDA_ERROR_OUT_OF_MEMORY) {
    pv_error_hint(err, "free the device's memory, or ask for less context");
    return PV_ERR_NOMEM;
  }
  pv_error_hint(err, "the device's context is lost; nothing computed since the last check counts");
  return PV_ERR_DEVICE;
}

static pv_code open_library(cuda *c, pv_error *err) {
  c->library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (c->library == NULL) {
    pv_error_set(err, PV_ERR_UNSUPPORTED, "this machine has no CUDA driver (libcuda.so.1)");
    pv_error_hint(err, "run on a machine with an NVIDIA driver");
    return PV_ERR_UNSUPPORTED;
  }
#define PV_CUDA_FIND(symbol, member, parameters)                                             \
  *(void **)(&c->api.member) = dlsym(c->library, #symbol);                                   \
  if (c->api.member == NULL)                                                                 \
    return pv_error_set(err, PV_ERR_UNSUPPORTED, "the CUDA driver is too old: it has no %s", \
                        #symbol);
  PV_CUDA_DRIVER(PV_CUDA_FIND)
#undef PV_CUDA_FIND
  return PV_OK;
}

static pv_code open_device(cuda *c, pv_error *err) {
  int count = 0, major = 0, minor = 0;
  CUresult code = c->api.init(0);
  if (code == CUDA_SUCCESS) code = c->api.device_count(&count);
  if (code == CUDA_ERROR_NO_DEVICE || (code == CUDA_SUCCESS && count == 0))
    return pv_error_set(err, PV_ERR_UNSUPPORTED, "this machine has a CUDA driver but no device");
  if (code == CUDA_SUCCESS) code = c->api.driver_version(&c->driver_version);
  if (code != CUDA_SUCCESS) return failed(c, code, "the CUDA driver does not start", err);
  if (c->driver_version < PV_CUDA_TOOLKIT) {
    pv_error_set(err, PV_ERR_UNSUPPORTED,
                 "the CUDA driver is too old: it knows CUDA %d.%d, the kernels need %d.%d",
                 c->driver_version / 1000, c->driver_version % 1000 / 10, PV_CUDA_TOOLKIT / 1000,
                 PV_CUDA_TOOLKIT % 1000 / 10);
    pv_error_hint(err, "install a newer driver, or build with an older toolkit");
    return PV_ERR_UNSUPPORTED;
  }
  code = c->api.device_get(&c->device, 0);
  if (code == CUDA_SUCCESS)
    code = c->api.device_attribute(&major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, c->device);
  if (code == CUDA_SUCCESS)
    code = c->api.device_attribute(&minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, c->device);
  if (code != CUDA_SUCCESS) return failed(c, code, "the device does not answer", err);
  c->sm = (unsigned)(10 * major + minor);
  if (c->sm < OLDEST_SM)
    return pv_error_set(err, PV_ERR_UNSUPPORTED,
                        "the device is of compute capability %d.%d, the kernels need %d.%d", major,
                        minor, OLDEST_SM / 10, OLDEST_SM % 10);
  code = c->api.context_retain(&c->context, c->device);
  if (code == CUDA_SUCCESS) code = c->api.context_set(c->context);
  if (code == CUDA_SUCCESS) code = c->api.stream_create(&c->stream, CU_STREAM_NON_BLOCKING);
  return failed(c, code, "the device does not open", err);
}

/* Of the modules with one name, that for the newest chips which this one is not older than. */
static bool is_chosen(const cuda *c, const pv_cuda_module *modules, size_t count, size_t i) {
  if (modules[i].target > c->sm) return false;
  for (size_t j = 0; j < count; j++)
    if (strcmp(modules[j].name, modules[i].name) == 0 && modules[j].target <= c->sm &&
        modules[j].target > modules[i].target)
      return false;
  return true;
}

/* Machine code where there is some for exactly this chip, else the PTX it was made from. */
static pv_code load_module(cuda *c, const pv_cuda_module *module, pv_error *err) {
  const void *image = module->ptx;
  c->from_ptx = true;
  c->target = module->target;
  for (size_t i = 0; i < module->binary_count; i++)
    if (module->binaries[i].sm == c->sm) {
      image = module->binaries[i].data;
      c->from_ptx = false;
    }
  const CUresult code = c->api.module_load(&c->modules[c->module_count], image);
  if (code == CUDA_ERROR_NO_BINARY_FOR_GPU || code == CUDA_ERROR_INVALID_PTX ||
      code == CUDA_ERROR_UNSUPPORTED_PTX_VERSION)
    return pv_error_set(err, PV_ERR_UNSUPPORTED,
                        "the driver does not take the kernel '%s' for compute capability %u.%u",
                        module->name, c->sm / 10, c->sm % 10);
  if (code == CUDA_SUCCESS) c->images[c->module_count++] = module;
  return failed(c, code, "a kernel does not load", err);
}

static void cuda_close(pv_gpu *gpu) {
  cuda *c = (cuda *)gpu;
  if (c->stream != NULL) c->api.stream_wait(c->stream);
  for (unsigned i = 0; i < c->sequence_count; i++) c->api.graph_exec_destroy(c->sequences[i]);
  for (size_t i = 0; i < c->memory_count; i++) c->api.memory_free(c->memory[i]);
  for (size_t i = 0; i < c->module_count; i++) c->api.module_unload(c->modules[i]);
  if (c->stream != NULL) c->api.stream_destroy(c->stream);
  if (c->context != NULL) c->api.context_release(c->device);
  if (c->library != NULL) dlclose(c->library);
  free(c->modules);
  free(c->images);
  free(c);
}

static pv_code cuda_open(pv_gpu **out, pv_error *err) {
  size_t count = 0;
  const pv_cuda_module *modules = pv_cuda_modules(&count);
  if (count == 0) {
    pv_error_set(err, PV_ERR_UNSUPPORTED, "this build has no CUDA kernels");
    pv_error_hint(err, "install the CUDA toolkit (nvcc), then build again");
    return PV_ERR_UNSUPPORTED;
  }
  cuda *c = calloc(1, sizeof *c);
  if (c != NULL) {
    c->modules = calloc(count, sizeof(CUmodule));
    c->images = calloc(count, sizeof *c->images);
  }
  if (c == NULL || c->modules == NULL || c->images == NULL) {
    if (c != NULL) {
      free(c->modules);
      free(c->images);
    }
    free(c);
    return pv_error_set(err, PV_ERR_NOMEM, "out of memory for the CUDA device");
  }
  c->base.ops = &pv_gpu_cuda;
  pv_code code = open_library(c, err);
  if (code == PV_OK) code = open_device(c, err);
  for (size_t i = 0; i < count && code == PV_OK; i++)
    if (is_chosen(c, modules, count, i)) code = load_module(c, &modules[i], err);
  if (code != PV_OK) {
    cuda_close(&c->base);
    return code;
  }
  *out = &c->base;
  return PV_OK;
}

static pv_code cuda_info(pv_gpu *gpu, pv_gpu_info *out, pv_error *err) {
  cuda *c = (cuda *)gpu;
  int processors = 0, shared = 0;
  size_t free_bytes = 0, all = 0;
  *out = (pv_gpu_info){0};
  CUresult code = c->api.device_name(out->name, sizeof out->name, c->device);
  if (code == CUDA_SUCCESS)
    code =
        c->api.device_attribute(&processors, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, c->device);
  if (code == CUDA_SUCCESS)
    code = c->api.device_attribute(&shared, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN,
                                   c->device);
  if (code == CUDA_SUCCESS) code = c->api.memory_info(&free_bytes, &all);
  snprintf(out->driver, sizeof out->driver, "CUDA %d.%d", c->driver_version / 1000,
           c->driver_version % 1000 / 10);
  if (c->from_ptx)
    snprintf(out->code, sizeof out->code, "PTX, compiled by the driver for sm_%u", c->sm);
  else
    snprintf(out->code, sizeof out->code, "sm_%u", c->sm);
  out->processors = (unsigned)processors;
  out->shared = (unsigned)shared;
  out->memory = all;
  out->free_ = free_bytes;
  return failed(c, code, "the device does not answer", err);
}

static pv_code cuda_alloc(pv_gpu *gpu, uint64_t bytes, uint64_t *out, pv_error *err) {
  cuda *c = (cuda *)gpu;
  size_t size = 0;
  if (c->memory_count == ALLOCATIONS_MAX || !pv_ck_size(bytes, &size))
    return pv_error_set(err, PV_ERR_INTERNAL, "too many or too large device allocations");
  CUdeviceptr *at = &c->memory[c->memory_count];
  CUresult code = c->api.memory_alloc(at, size > 0 ? size : 1);
  if (code == CUDA_SUCCESS) {
    c->memory_count++;
    *out = *at;
    code = c->api.memory_set(*at, 0, size, c->stream);
  }
  return failed(c, code, "device memory", err);
}

static pv_code cuda_upload(pv_gpu *gpu, uint64_t to, const void *from, uint64_t bytes,
                           pv_error *err) {
  cuda *c = (cuda *)gpu;
  CUresult code = CUDA_SUCCESS;
  for (uint64_t at = 0; at < bytes && code == CUDA_SUCCESS; at += COPY_STEP) {
    const uint64_t n = bytes - at < COPY_STEP ? bytes - at : COPY_STEP;
    code = c->api.copy_in(to + at, (const char *)from + at, (size_t)n, c->stream);
  }
  return failed(c, code, "copy to the device", err);
}

static pv_code cuda_finish(pv_gpu *gpu, pv_error *err) {
  cuda *c = (cuda *)gpu;
  return failed(c, c->api.stream_wait(c->stream), "work on the device", err);
}

static pv_code cuda_download(pv_gpu *gpu, void *to, uint64_t from, uint64_t bytes, pv_error *err) {
  cuda *c = (cuda *)gpu;
  const CUresult code = c->api.copy_out(to, from, (size_t)bytes, c->stream);
  if (code != CUDA_SUCCESS) return failed(c, code, "copy from the device", err);
  return cuda_finish(gpu, err);
}

/* The driver is not asked for a kernel that its module lacks: tools that watch it would report that
 * as an error. */
static bool has_kernel(const pv_cuda_module *module, const char *name) {
  char entry[128];
  snprintf(entry, sizeof entry, ".entry %s(", name);
  return strstr(module->ptx, entry) != NULL;
}

static pv_code cuda_find(pv_gpu *gpu, const char *name, unsigned *out, pv_error *err) {
  cuda *c = (cuda *)gpu;
  size_t m = 0;
  if (c->kernel_count == KERNELS_MAX)
    return pv_error_set(err, PV_ERR_INTERNAL, "more than %d kernels", KERNELS_MAX);
  while (m < c->module_count && !has_kernel(c->images[m], name)) m++;
  if (m == c->module_count)
    return pv_error_set(err, PV_ERR_INTERNAL, "there is no kernel '%s'", name);
  kernel *k = &c->kernels[c->kernel_count];
  const CUresult code = c->api.module_function(&k->function, c->modules[m], name);
  if (code != CUDA_SUCCESS) return failed(c, code, name, err);
  k->name = name;
  k->shared = PLAIN_SHARED;
  *out = c->kernel_count++;
  return PV_OK;
}

static pv_code cuda_launch(pv_gpu *gpu, const pv_gpu_launch *l, pv_error *err) {
  cuda *c = (cuda *)gpu;
  kernel *k = &c->kernels[l->kernel];
  void *args[] = {(void *)(uintptr_t)l->args};
  CUresult code = CUDA_SUCCESS;
  if (l->shared > k->shared) {
    code = c->api.function_set(k->function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                               (int)l->shared);
    k->shared = l->shared;
  }
  /* Kernels for 9.0 wait themselves for what they need: see begin_kernel. */
  CUlaunchAttribute early = {.id = CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION,
                             .value = {.programmaticStreamSerializationAllowed = 1}};
  const CUlaunchConfig config = {.grid = {l->grid[0], l->grid[1], l->grid[2]},
                                 .block = {l->block, 1, 1},
                                 .shared = l->shared,
                                 .stream = c->stream,
                                 .attributes = &early,
                                 .attribute_count = c->target >= 90 ? 1 : 0};
  if (code == CUDA_SUCCESS) code = c->api.launch(&config, k->function, args, NULL);
  return failed(c, code, k->name, err);
}

static pv_code cuda_record(pv_gpu *gpu, pv_error *err) {
  cuda *c = (cuda *)gpu;
  if (c->sequence_count == SEQUENCES_MAX)
    return pv_error_set(err, PV_ERR_INTERNAL, "more than %d recorded sequences", SEQUENCES_MAX);
  return failed(c, c->api.capture_begin(c->stream, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL),
                "recording of launches", err);
}

static pv_code cuda_recorded(pv_gpu *gpu, unsigned *sequence, pv_error *err) {
  cuda *c = (cuda *)gpu;
  CUgraph graph = NULL;
  CUresult code = c->api.capture_end(c->stream, &graph);
  if (code == CUDA_SUCCESS)
    code = c->api.graph_instantiate(&c->sequences[c->sequence_count], graph, 0);
  if (graph != NULL) c->api.graph_destroy(graph);
  if (code != CUDA_SUCCESS) return failed(c, code, "recording of launches", err);
  *sequence = c->sequence_count++;
  return PV_OK;
}

static pv_code cuda_replay(pv_gpu *gpu, unsigned sequence, pv_error *err) {
  cuda *c = (cuda *)gpu;
  return failed(c, c->api.graph_launch(c->sequences[sequence], c->stream), "recorded launches",
                err);
}

const pv_gpu_ops pv_gpu_cuda = {.name = "cuda",
                                .open = cuda_open,
                                .close = cuda_close,
                                .info = cuda_info,
                                .alloc = cuda_alloc,
                                .upload = cuda_upload,
                                .download = cuda_download,
                                .find = cuda_find,
                                .launch = cuda_launch,
                                .finish = cuda_finish,
                                .record = cuda_record,
                                .recorded = cuda_recorded,
                                .replay = cuda_replay};
