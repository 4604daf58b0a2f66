/* The device behind the CUDA driver. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ck.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/gpu.h"
#include "kernels/cuda/images.h"
#include "kernels/cuda/staging.h"

enum {
  SEQUENCES_MAX = 64,
  KERNELS_MAX = 64,
  ALLOCATIONS_MAX = 256,
  PEERS_MAX = 128,
  PLAIN_SHARED = 32 << 10, /* 48 KB, less what kernels declare: more must be asked for */
  SHARED_PERCENT = 72,     /* 164 of 228 KB on 9.0: two blocks of attention */
  SHARED_BESIDE = 1 << 10  /* of a block: the driver's own */
};

typedef struct kernel {
  const char *name;
  CUfunction function;
  unsigned shared; /* most dynamic shared memory asked for so far */
  unsigned blocks; /* that a processor is to have at once, as its launch bounds say */
} kernel;

typedef struct cuda {
  pv_gpu base;
  pv_cuda_device at;
  pv_cuda_staging staging, sender;
  CUevent marks[2][PV_GPU_MARKS];      /* by queue */
  CUevent left, taken;                 /* of a copy between devices: there, and here */
  const struct cuda *peers[PEERS_MAX]; /* whose memory is read, without the host where that goes */
  size_t peer_count;
  bool detour; /* from one of them at least the way is through the host */
  CUmodule *modules;
  const pv_cuda_module **images; /* of `modules` */
  size_t module_count;
  kernel kernels[KERNELS_MAX];
  unsigned kernel_count;
  CUdeviceptr memory[ALLOCATIONS_MAX];
  size_t memory_count;
  CUgraphExec sequences[SEQUENCES_MAX];
  unsigned sequence_count;
  CUevent *stamps;
  size_t stamp_count;
  unsigned target; /* of the modules */
  int shared;      /* bytes of shared memory that a processor can have */
  bool from_ptx;
} cuda;

/* There may be several devices: whoever talks to one says so to the driver. */
static cuda *enter(pv_gpu *gpu) {
  cuda *c = (cuda *)gpu;
  if (c->at.context != NULL) c->at.api.context_set(c->at.context);
  return c;
}

static CUstream stream_of(const cuda *c, pv_gpu_queue queue) {
  return queue == PV_GPU_SENDING ? c->at.sending : c->at.stream;
}

static pv_code failed(const cuda *c, CUresult code, const char *what, pv_error *err) {
  return pv_cuda_failed(&c->at, code, what, err);
}

/* Of the modules with one name, that for the newest chips which this one is not older than. */
static bool is_chosen(const cuda *c, const pv_cuda_module *modules, size_t count, size_t i) {
  if (modules[i].target > c->at.sm) return false;
  for (size_t j = 0; j < count; j++)
    if (strcmp(modules[j].name, modules[i].name) == 0 && modules[j].target <= c->at.sm &&
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
    if (module->binaries[i].sm == c->at.sm) {
      image = module->binaries[i].data;
      c->from_ptx = false;
    }
  const CUresult code = c->at.api.module_load(&c->modules[c->module_count], image);
  if (code == CUDA_ERROR_NO_BINARY_FOR_GPU || code == CUDA_ERROR_INVALID_PTX ||
      code == CUDA_ERROR_UNSUPPORTED_PTX_VERSION)
    return pv_error_set(err, PV_ERR_UNSUPPORTED,
                        "the driver does not take the kernel '%s' for compute capability %u.%u",
                        module->name, c->at.sm / 10, c->at.sm % 10);
  if (code == CUDA_SUCCESS) c->images[c->module_count++] = module;
  return failed(c, code, "a kernel does not load", err);
}

static void cuda_close(pv_gpu *gpu) {
  cuda *c = enter(gpu);
  if (c->at.stream != NULL) c->at.api.stream_wait(c->at.stream);
  if (c->at.sending != NULL) c->at.api.stream_wait(c->at.sending);
  pv_cuda_staging_close(&c->staging, &c->at);
  pv_cuda_staging_close(&c->sender, &c->at);
  for (unsigned i = 0; i < 2 * PV_GPU_MARKS; i++)
    if (c->marks[i / PV_GPU_MARKS][i % PV_GPU_MARKS] != NULL)
      c->at.api.event_destroy(c->marks[i / PV_GPU_MARKS][i % PV_GPU_MARKS]);
  if (c->left != NULL) c->at.api.event_destroy(c->left);
  if (c->taken != NULL) c->at.api.event_destroy(c->taken);
  for (unsigned i = 0; i < c->sequence_count; i++) c->at.api.graph_exec_destroy(c->sequences[i]);
  for (size_t i = 0; i < c->stamp_count; i++) c->at.api.event_destroy(c->stamps[i]);
  for (size_t i = 0; i < c->memory_count; i++) c->at.api.memory_free(c->memory[i]);
  for (size_t i = 0; i < c->module_count; i++) c->at.api.module_unload(c->modules[i]);
  pv_cuda_device_close(&c->at);
  free(c->modules);
  free(c->images);
  free(c->stamps);
  free(c);
}

static pv_code cuda_open(unsigned number, pv_gpu **out, pv_error *err) {
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
  c->sender.piece = PV_SENDING_BYTES;
  pv_code code = pv_cuda_device_open(PV_CUDA_TOOLKIT, number, &c->at, err);
  for (size_t i = 0; i < count && code == PV_OK; i++)
    if (is_chosen(c, modules, count, i)) code = load_module(c, &modules[i], err);
  if (code == PV_OK)
    code = failed(
        c,
        c->at.api.device_attribute(
            &c->shared, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR, c->at.device),
        "the device does not answer", err);
  if (code != PV_OK) {
    cuda_close(&c->base);
    return code;
  }
  *out = &c->base;
  return PV_OK;
}

static pv_code cuda_info(pv_gpu *gpu, pv_gpu_info *out, pv_error *err) {
  cuda *c = enter(gpu);
  int processors = 0, shared = 0, kilohertz = 0;
  size_t free_bytes = 0, all = 0;
  *out = (pv_gpu_info){0};
  CUresult code = c->at.api.device_name(out->name, sizeof out->name, c->at.device);
  if (code == CUDA_SUCCESS)
    code = c->at.api.device_attribute(&processors, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT,
                                      c->at.device);
  if (code == CUDA_SUCCESS)
    code = c->at.api.device_attribute(
        &shared, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, c->at.device);
  if (code == CUDA_SUCCESS) code = c->at.api.memory_info(&free_bytes, &all);
  snprintf(out->driver, sizeof out->driver, "CUDA %d.%d", c->at.driver_version / 1000,
           c->at.driver_version % 1000 / 10);
  if (c->from_ptx)
    snprintf(out->code, sizeof out->code, "PTX, compiled by the driver for sm_%u", c->at.sm);
  else
    snprintf(out->code, sizeof out->code, "sm_%u", c->at.sm);
  /* Only to say what is at most possible: no error. */
  if (c->at.api.device_attribute(&kilohertz, CU_DEVICE_ATTRIBUTE_CLOCK_RATE, c->at.device) !=
      CUDA_SUCCESS)
    kilohertz = 0;
  out->clock = 1e3 * kilohertz;
  out->lanes = c->at.sm == 80 ? 64 : 128;
  out->processors = (unsigned)processors;
  out->detour = c->detour;
  out->shared = (unsigned)shared;
  out->memory = all;
  out->free_ = free_bytes;
  return failed(c, code, "the device does not answer", err);
}

static pv_code cuda_alloc(pv_gpu *gpu, uint64_t bytes, uint64_t *out, pv_error *err) {
  cuda *c = enter(gpu);
  size_t size = 0;
  if (c->memory_count == ALLOCATIONS_MAX || !pv_ck_size(bytes, &size))
    return pv_error_set(err, PV_ERR_INTERNAL, "too many or too large device allocations");
  CUdeviceptr *at = &c->memory[c->memory_count];
  CUresult code = c->at.api.memory_alloc(at, size > 0 ? size : 1);
  if (code == CUDA_SUCCESS) {
    c->memory_count++;
    *out = *at;
    code = c->at.api.memory_set(*at, 0, size, c->at.stream);
  }
  return failed(c, code, "device memory", err);
}

static pv_code cuda_upload(pv_gpu *gpu, uint64_t to, const void *from, uint64_t bytes,
                           pv_error *err) {
  cuda *c = enter(gpu);
  const CUresult code = pv_cuda_stage_in(&c->staging, &c->at, to, from, (size_t)bytes);
  return failed(c, code, "copy to the device", err);
}

static pv_code cuda_send(pv_gpu *gpu, uint64_t to, const void *from, uint64_t bytes,
                         pv_error *err) {
  cuda *c = enter(gpu);
  const CUresult code = pv_cuda_stage_send(&c->sender, &c->at, to, from, (size_t)bytes);
  return failed(c, code, "copy to the device", err);
}

static pv_code cuda_link(pv_gpu *gpu, double *rate, pv_error *err) {
  const cuda *c = enter(gpu);
  return failed(c, pv_cuda_link(&c->at, rate), "copy to the device", err);
}

static CUresult note(const cuda *c, CUevent *event, CUstream stream) {
  CUresult code = CUDA_SUCCESS;
  if (*event == NULL) code = c->at.api.event_create(event, CU_EVENT_DISABLE_TIMING);
  return code == CUDA_SUCCESS ? c->at.api.event_record(*event, stream) : code;
}

static pv_code cuda_mark(pv_gpu *gpu, pv_gpu_queue queue, unsigned number, pv_error *err) {
  cuda *c = enter(gpu);
  CUresult code = CUDA_SUCCESS;
  if (queue == PV_GPU_SENDING) code = pv_cuda_stage_flush(&c->sender, &c->at);
  if (code == CUDA_SUCCESS) code = note(c, &c->marks[queue][number], stream_of(c, queue));
  return failed(c, code, "a mark of the device", err);
}

static pv_code cuda_await(pv_gpu *gpu, pv_gpu_queue queue, unsigned number, pv_error *err) {
  cuda *c = enter(gpu);
  const CUevent event =
      c->marks[queue == PV_GPU_SENDING ? PV_GPU_COMPUTING : PV_GPU_SENDING][number];
  if (event == NULL) return PV_OK;
  return failed(c, c->at.api.stream_await(stream_of(c, queue), event, 0), "a mark of the device",
                err);
}

/* Without this the driver goes through the host by itself. */
static CUresult open_peer(cuda *c, const cuda *other) {
  int possible = 0;
  if (c->at.device == other->at.device) return CUDA_SUCCESS;
  for (size_t i = 0; i < c->peer_count; i++)
    if (c->peers[i] == other) return CUDA_SUCCESS;
  if (c->peer_count < PEERS_MAX) c->peers[c->peer_count++] = other;
  CUresult code = c->at.api.peer_possible(&possible, c->at.device, other->at.device);
  c->detour |= possible == 0;
  if (code == CUDA_SUCCESS && possible != 0) code = c->at.api.peer_enable(other->at.context, 0);
  return code == CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED ? CUDA_SUCCESS : code;
}

static pv_code cuda_fetch(pv_gpu *gpu, uint64_t to, pv_gpu *from_gpu, uint64_t from, uint64_t bytes,
                          pv_error *err) {
  cuda *other = enter(from_gpu);
  CUresult code = note(other, &other->left, other->at.stream);
  cuda *c = enter(gpu);
  if (code == CUDA_SUCCESS) code = open_peer(c, other);
  if (code == CUDA_SUCCESS) code = c->at.api.stream_await(c->at.stream, other->left, 0);
  if (code == CUDA_SUCCESS)
    code = c->at.api.copy_peer(to, c->at.context, from, other->at.context, (size_t)bytes,
                               c->at.stream);
  if (code == CUDA_SUCCESS) code = note(c, &c->taken, c->at.stream);
  enter(from_gpu);
  if (code == CUDA_SUCCESS) code = c->at.api.stream_await(other->at.stream, c->taken, 0);
  return failed(c, code, "copy between devices", err);
}

static pv_code cuda_finish(pv_gpu *gpu, pv_error *err) {
  cuda *c = enter(gpu);
  return failed(c, c->at.api.stream_wait(c->at.stream), "work on the device", err);
}

static pv_code cuda_download(pv_gpu *gpu, void *to, uint64_t from, uint64_t bytes, pv_error *err) {
  cuda *c = enter(gpu);
  const CUresult code = pv_cuda_stage_out(&c->staging, &c->at, to, from, (size_t)bytes);
  return failed(c, code, "copy from the device", err);
}

/* Where a module begins to define a kernel. The driver is not asked for one that its module lacks:
 * tools that watch it would report that as an error. */
static const char *entry_of(const pv_cuda_module *module, const char *name) {
  char entry[128];
  snprintf(entry, sizeof entry, ".entry %s(", name);
  return strstr(module->ptx, entry);
}

/* How many blocks a processor is to have at once, as the kernel's launch bounds say. */
static unsigned blocks_of(const char *entry) {
  static const char least[] = ".minnctapersm ";
  const char *at = strstr(entry, least), *body = strchr(entry, '{');
  return at != NULL && at < body ? (unsigned)strtoul(at + strlen(least), NULL, 10) : 1;
}

/* A processor's memory is shared in part and a cache in part, the same for all blocks that it has.
 * By the driver's own choice each kernel has another part, and then, as far as can be told from
 * times, no block of it begins before the last one of the kernel before has ended. So all have one,
 * but for crowded launches whose blocks do not fit into it. */
static unsigned shared_percent(const cuda *c, const kernel *k, const pv_gpu_launch *l) {
  const size_t needed = (size_t)k->blocks * (l->shared + SHARED_BESIDE);
  return l->crowded && needed * 100 > (size_t)c->shared * SHARED_PERCENT ? 100 : SHARED_PERCENT;
}

static pv_code cuda_find(pv_gpu *gpu, const char *name, unsigned *out, pv_error *err) {
  cuda *c = enter(gpu);
  size_t m = 0;
  if (c->kernel_count == KERNELS_MAX)
    return pv_error_set(err, PV_ERR_INTERNAL, "more than %d kernels", KERNELS_MAX);
  while (m < c->module_count && entry_of(c->images[m], name) == NULL) m++;
  if (m == c->module_count)
    return pv_error_set(err, PV_ERR_INTERNAL, "there is no kernel '%s'", name);
  kernel *k = &c->kernels[c->kernel_count];
  const CUresult code = c->at.api.module_function(&k->function, c->modules[m], name);
  k->name = name;
  k->shared = PLAIN_SHARED;
  k->blocks = blocks_of(entry_of(c->images[m], name));
  if (code == CUDA_SUCCESS) *out = c->kernel_count++;
  return failed(c, code, name, err);
}

static pv_code cuda_launch(pv_gpu *gpu, const pv_gpu_launch *l, pv_error *err) {
  cuda *c = enter(gpu);
  kernel *k = &c->kernels[l->kernel];
  void *args[] = {(void *)(uintptr_t)l->args};
  CUresult code = CUDA_SUCCESS;
  if (l->shared > k->shared) {
    code = c->at.api.function_set(k->function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                                  (int)l->shared);
    k->shared = l->shared;
  }
  /* Kernels for 9.0 wait themselves for what they need: see begin_kernel. */
  CUlaunchAttribute how[] = {{.id = CU_LAUNCH_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT,
                              .value = {.sharedMemCarveout = shared_percent(c, k, l)}},
                             {.id = CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION,
                              .value = {.programmaticStreamSerializationAllowed = 1}}};
  const CUlaunchConfig config = {.grid = {l->grid[0], l->grid[1], l->grid[2]},
                                 .block = {l->block, 1, 1},
                                 .shared = l->shared,
                                 .stream = c->at.stream,
                                 .attributes = how,
                                 .attribute_count = c->target >= 90 && !l->apart ? 2 : 1};
  if (code == CUDA_SUCCESS) code = c->at.api.launch(&config, k->function, args, NULL);
  return failed(c, code, k->name, err);
}

static pv_code cuda_record(pv_gpu *gpu, pv_error *err) {
  cuda *c = enter(gpu);
  if (c->sequence_count == SEQUENCES_MAX)
    return pv_error_set(err, PV_ERR_INTERNAL, "more than %d recorded sequences", SEQUENCES_MAX);
  return failed(c, c->at.api.capture_begin(c->at.stream, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL),
                "recording of launches", err);
}

static pv_code cuda_recorded(pv_gpu *gpu, unsigned *sequence, pv_error *err) {
  cuda *c = enter(gpu);
  CUgraph graph = NULL;
  CUresult code = c->at.api.capture_end(c->at.stream, &graph);
  if (code == CUDA_SUCCESS)
    code = c->at.api.graph_instantiate(&c->sequences[c->sequence_count], graph, 0);
  if (graph != NULL) c->at.api.graph_destroy(graph);
  if (code != CUDA_SUCCESS) return failed(c, code, "recording of launches", err);
  *sequence = c->sequence_count++;
  return PV_OK;
}

static pv_code cuda_replay(pv_gpu *gpu, unsigned sequence, pv_error *err) {
  cuda *c = enter(gpu);
  return failed(c, c->at.api.graph_launch(c->sequences[sequence], c->at.stream),
                "recorded launches", err);
}

static pv_code cuda_stamp(pv_gpu *gpu, size_t number, pv_error *err) {
  enum { MORE = 1024 };
  cuda *c = enter(gpu);
  CUresult code = CUDA_SUCCESS;
  if (number > c->stamp_count) return pv_error_set(err, PV_ERR_INTERNAL, "a stamp is left out");
  if (number == c->stamp_count && number % MORE == 0) {
    CUevent *more = realloc(c->stamps, (number + MORE) * sizeof(CUevent));
    if (more == NULL) return pv_error_nomem(err, "times of launches");
    c->stamps = more;
  }
  if (number == c->stamp_count) {
    code = c->at.api.event_create(&c->stamps[number], 0);
    if (code == CUDA_SUCCESS) c->stamp_count++;
  }
  if (code == CUDA_SUCCESS) code = c->at.api.event_record(c->stamps[number], c->at.stream);
  return failed(c, code, "the time of a launch", err);
}

static pv_code cuda_between(pv_gpu *gpu, size_t from, size_t to, double *seconds, pv_error *err) {
  cuda *c = enter(gpu);
  float milliseconds = 0.0f;
  if (from >= c->stamp_count || to >= c->stamp_count)
    return pv_error_set(err, PV_ERR_INTERNAL, "there is no such stamp");
  const CUresult code = c->at.api.event_elapsed(&milliseconds, c->stamps[from], c->stamps[to]);
  *seconds = 1e-3 * (double)milliseconds;
  return failed(c, code, "the time of a launch", err);
}

const pv_gpu_ops pv_gpu_cuda = {.name = "cuda",
                                .open = cuda_open,
                                .close = cuda_close,
                                .info = cuda_info,
                                .alloc = cuda_alloc,
                                .upload = cuda_upload,
                                .send = cuda_send,
                                .mark = cuda_mark,
                                .await = cuda_await,
                                .link = cuda_link,
                                .fetch = cuda_fetch,
                                .download = cuda_download,
                                .find = cuda_find,
                                .launch = cuda_launch,
                                .finish = cuda_finish,
                                .record = cuda_record,
                                .recorded = cuda_recorded,
                                .replay = cuda_replay,
                                .stamp = cuda_stamp,
                                .between = cuda_between};
