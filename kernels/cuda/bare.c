#include "kernels/cuda/bare.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/ck.h"
#include "base/clock.h"

enum { LOG_BYTES = 4096, PLAIN_SHARED = 48 << 10, POLL_NS = 50000 };

struct pv_cuda_bare {
  pv_cuda_device at;
  pv_cuda_param_info param_info; /* NULL: an old driver */
  int processors, shared;
  bool lost; /* nothing may be asked of the context any more */
};

static pv_code failed(pv_cuda_bare *b, CUresult code, const char *what, pv_error *err) {
  const pv_code out = pv_cuda_failed(&b->at, code, what, err);
  b->lost |= out == PV_ERR_DEVICE;
  return out;
}

/* A kernel that never ends would be waited for: what is lost goes with the process. */
void pv_cuda_bare_close(pv_cuda_bare *b) {
  if (b == NULL) return;
  if (!b->lost) pv_cuda_device_close(&b->at);
  free(b);
}

pv_code pv_cuda_bare_open(pv_cuda_bare **out, pv_error *err) {
  pv_cuda_bare *b = calloc(1, sizeof *b);
  if (b == NULL) return pv_error_nomem(err, "a device");
  pv_code code = pv_cuda_device_open(0, 0, &b->at, err);
  if (code == PV_OK) {
    *(void **)(&b->param_info) = dlsym(b->at.library, "cuFuncGetParamInfo");
    CUresult r = b->at.api.device_attribute(&b->processors,
                                            CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, b->at.device);
    if (r == CUDA_SUCCESS)
      r = b->at.api.device_attribute(
          &b->shared, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, b->at.device);
    code = failed(b, r, "the device does not answer", err);
  }
  if (code != PV_OK)
    pv_cuda_bare_close(b);
  else
    *out = b;
  return code;
}

pv_code pv_cuda_bare_load(pv_cuda_bare *b, const char *name, const void *image, CUmodule *out,
                          pv_error *err) {
  char log[LOG_BYTES] = "";
  int options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  void *values[] = {log, (void *)(uintptr_t)LOG_BYTES};
  const char *word = NULL;
  const CUresult code = b->at.api.module_load_logged(out, image, 2, options, values);
  if (code == CUDA_SUCCESS || code == CUDA_ERROR_OUT_OF_MEMORY)
    return failed(b, code, "a module", err);
  log[LOG_BYTES - 1] = '\0';
  for (char *c = log; *c != '\0'; c++)
    if (*c == '\n' || *c == '\t') *c = ' ';
  b->at.api.error_name(code, &word);
  return pv_error_set(err, PV_ERR_UNSUPPORTED,
                      "the driver does not take '%.100s' for compute capability %u.%u (%s)%s%.250s",
                      name, b->at.sm / 10, b->at.sm % 10, word != NULL ? word : "?",
                      log[0] != '\0' ? ": " : "", log);
}

pv_code pv_cuda_bare_find(pv_cuda_bare *b, CUmodule module, const char *kernel, CUfunction *out,
                          pv_error *err) {
  const CUresult code = b->at.api.module_function(out, module, kernel);
  if (code == CUDA_ERROR_NOT_FOUND)
    return pv_error_set(err, PV_ERR_INPUT, "the file has no kernel '%.100s'", kernel);
  return failed(b, code, kernel, err);
}

pv_code pv_cuda_bare_parameter(pv_cuda_bare *b, CUfunction f, size_t at, bool *there,
                               size_t *offset, size_t *bytes, pv_error *err) {
  if (b->param_info == NULL) {
    pv_error_set(err, PV_ERR_UNSUPPORTED,
                 "this driver does not tell what parameters machine code takes");
    pv_error_hint(err, "a driver of CUDA 12.4 does; or check the PTX");
    return PV_ERR_UNSUPPORTED;
  }
  *there = b->param_info(f, at, offset, bytes) == CUDA_SUCCESS;
  return PV_OK;
}

pv_code pv_cuda_bare_limits(pv_cuda_bare *b, CUfunction f, unsigned *threads, unsigned *shared,
                            pv_error *err) {
  int most = 0, bytes = 0;
  CUresult code = b->at.api.function_get(&most, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, f);
  if (code == CUDA_SUCCESS)
    code = b->at.api.function_get(&bytes, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, f);
  *threads = (unsigned)most;
  *shared = (unsigned)bytes;
  return failed(b, code, "a kernel's attributes", err);
}

unsigned pv_cuda_bare_processors(const pv_cuda_bare *b) {
  return (unsigned)b->processors;
}

unsigned pv_cuda_bare_shared(const pv_cuda_bare *b) {
  return (unsigned)b->shared;
}

pv_code pv_cuda_bare_alloc(pv_cuda_bare *b, uint64_t bytes, uint64_t *out, pv_error *err) {
  size_t size = 0;
  if (!pv_ck_size(bytes, &size))
    return pv_error_set(err, PV_ERR_LIMIT, "an allocation of %llu bytes",
                        (unsigned long long)bytes);
  return failed(b, b->at.api.memory_alloc(out, size > 0 ? size : 1), "device memory", err);
}

void pv_cuda_bare_free(pv_cuda_bare *b, uint64_t at) {
  if (!b->lost) b->at.api.memory_free(at);
}

pv_code pv_cuda_bare_upload(pv_cuda_bare *b, uint64_t to, const void *from, uint64_t bytes,
                            pv_error *err) {
  CUresult code = b->at.api.copy_in(to, from, (size_t)bytes, b->at.stream);
  if (code == CUDA_SUCCESS) code = b->at.api.stream_wait(b->at.stream);
  return failed(b, code, "copy to the device", err);
}

pv_code pv_cuda_bare_download(pv_cuda_bare *b, void *to, uint64_t from, uint64_t bytes,
                              pv_error *err) {
  CUresult code = b->at.api.copy_out(to, from, (size_t)bytes, b->at.stream);
  if (code == CUDA_SUCCESS) code = b->at.api.stream_wait(b->at.stream);
  return failed(b, code, "copy from the device", err);
}

/* Until the stream is empty or the time is over. */
static CUresult wait_for(pv_cuda_bare *b, double seconds) {
  const double end = pv_clock_now() + seconds;
  CUresult code = CUDA_SUCCESS;
  while ((code = b->at.api.stream_query(b->at.stream)) == CUDA_ERROR_NOT_READY &&
         pv_clock_now() < end)
    nanosleep(&(struct timespec){.tv_nsec = POLL_NS}, NULL);
  return code;
}

pv_code pv_cuda_bare_launch_wait(pv_cuda_bare *b, const pv_cuda_bare_launch *l, double seconds,
                                 CUresult *cause, pv_error *err) {
  CUlaunchAttribute together = {.id = CU_LAUNCH_ATTRIBUTE_COOPERATIVE, .value = {.cooperative = 1}};
  const CUlaunchConfig config = {.grid = {l->grid[0], l->grid[1], l->grid[2]},
                                 .block = {l->block[0], l->block[1], l->block[2]},
                                 .shared = l->shared,
                                 .stream = b->at.stream,
                                 .attributes = &together,
                                 .attribute_count = l->cooperative ? 1 : 0};
  *cause = CUDA_SUCCESS;
  if (l->shared > 0)
    *cause = b->at.api.function_set(l->function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                                    (int)l->shared);
  if (*cause == CUDA_SUCCESS) *cause = b->at.api.launch(&config, l->function, l->arguments, NULL);
  if (*cause != CUDA_SUCCESS && *cause < CUDA_ERROR_ILLEGAL_ADDRESS) {
    const char *name = NULL;
    b->at.api.error_name(*cause, &name);
    return pv_error_set(err, PV_ERR_INPUT, "the driver refuses the launch: %s",
                        name != NULL ? name : "?");
  }
  if (*cause == CUDA_SUCCESS) *cause = wait_for(b, seconds);
  b->lost |= *cause != CUDA_SUCCESS;
  return pv_cuda_failed(&b->at, *cause, "a launch", err);
}
