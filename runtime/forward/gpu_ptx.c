/* The device that is no device: the PTX of the kernels, executed on the host by kernels/ptx. */
#include <stdio.h>
#include <stdlib.h>

#include "kernels/cuda/images.h"
#include "kernels/cuda/kernels.h"
#include "kernels/ptx/machine.h"
#include "runtime/forward/gpu_devices.h"
#include "runtime/forward/gpu_notes.h"

enum { TARGET = 80, KERNELS_MAX = 256 };

#define MEMORY (1ULL << 46) /* what addresses reach; the host has less */

typedef struct device {
  pv_gpu base;
  pv_ptx_machine *machine;
  const char *names[KERNELS_MAX]; /* of kernels, as they were asked for */
  pv_gpu_notes notes;
} device;

static void ptx_close(pv_gpu *gpu) {
  device *d = (device *)gpu;
  pv_gpu_notes_free(&d->notes);
  pv_ptx_machine_close(d->machine);
  free(d);
}

/* The first module that has a kernel gives it: `text`, or NULL, before those of this program. */
static pv_code open_with(const char *name, const char *text, size_t length, pv_gpu **out,
                         pv_error *err) {
  size_t count = 0;
  const pv_cuda_module *modules = pv_cuda_modules(&count);
  if (count == 0) {
    pv_error_set(err, PV_ERR_UNSUPPORTED, "this build has no PTX to interpret");
    pv_error_hint(err, "install the CUDA toolkit (nvcc), then build again");
    return PV_ERR_UNSUPPORTED;
  }
  device *d = calloc(1, sizeof *d);
  if (d == NULL) return pv_error_nomem(err, "the PTX interpreter");
  d->base.ops = &pv_gpu_ptx;
  pv_code code = pv_ptx_machine_open(0, &d->machine, err);
  if (code == PV_OK && text != NULL)
    code = pv_ptx_machine_load(d->machine, name, text, length, err);
  for (size_t i = 0; i < count && code == PV_OK; i++)
    if (modules[i].target == TARGET)
      code = pv_ptx_machine_load(d->machine, modules[i].name, modules[i].ptx, modules[i].ptx_bytes,
                                 err);
  if (code != PV_OK) {
    ptx_close(&d->base);
    return code;
  }
  *out = &d->base;
  return PV_OK;
}

/* There are as many as anybody asks for. */
static pv_code ptx_open(unsigned number, pv_gpu **out, pv_error *err) {
  (void)number;
  return open_with(NULL, NULL, 0, out, err);
}

pv_code pv_gpu_ptx_open_text(const char *name, const char *text, size_t length, pv_gpu **out,
                             pv_error *err) {
  return open_with(name, text, length, out, err);
}

static pv_code ptx_info(pv_gpu *gpu, pv_gpu_info *out, pv_error *err) {
  (void)err;
  *out = (pv_gpu_info){.processors = 1,
                       .shared = 160u << 10,
                       .memory = MEMORY,
                       .free_ = MEMORY,
                       .instructions = pv_ptx_machine_instructions(((device *)gpu)->machine)};
  snprintf(out->name, sizeof out->name, "PTX interpreter (not a device)");
  snprintf(out->driver, sizeof out->driver, "none");
  snprintf(out->code, sizeof out->code, "PTX of compute_%d, interpreted", TARGET);
  return PV_OK;
}

static pv_code ptx_alloc(pv_gpu *gpu, uint64_t bytes, uint64_t *out, pv_error *err) {
  return pv_ptx_machine_alloc(((device *)gpu)->machine, bytes, out, err);
}

static pv_code ptx_upload(pv_gpu *gpu, uint64_t to, const void *from, uint64_t bytes,
                          pv_error *err) {
  return pv_ptx_machine_upload(((device *)gpu)->machine, to, from, bytes, err);
}

static pv_code ptx_download(pv_gpu *gpu, void *to, uint64_t from, uint64_t bytes, pv_error *err) {
  return pv_ptx_machine_download(((device *)gpu)->machine, to, from, bytes, err);
}

static pv_code ptx_find(pv_gpu *gpu, const char *kernel, unsigned *out, pv_error *err) {
  device *d = (device *)gpu;
  const pv_code code = pv_ptx_machine_find(d->machine, kernel, out, err);
  if (code != PV_OK) return code;
  if (*out >= KERNELS_MAX)
    return pv_error_set(err, PV_ERR_INTERNAL, "more than %d kernels", KERNELS_MAX);
  d->names[*out] = kernel;
  return PV_OK;
}

static pv_code ptx_run(pv_gpu *gpu, const pv_gpu_launch *l, pv_error *err) {
  device *d = (device *)gpu;
  uint64_t outputs[PV_KERNEL_WRITES_MAX];
  size_t count = 0;
  const pv_code code =
      pv_kernel_outputs(d->names[l->kernel], l->args, l->arg_bytes, outputs, &count, err);
  if (code != PV_OK) return code;
  const pv_ptx_launch launch = {.kernel = l->kernel,
                                .grid = {l->grid[0], l->grid[1], l->grid[2]},
                                .block = {l->block, 1, 1},
                                .shared = l->shared,
                                .params = l->args,
                                .param_bytes = l->arg_bytes,
                                .outputs = outputs,
                                .output_count = count};
  return pv_ptx_machine_launch(d->machine, &launch, err);
}

static pv_code ptx_launch(pv_gpu *gpu, const pv_gpu_launch *l, pv_error *err) {
  device *d = (device *)gpu;
  return d->notes.recording ? pv_gpu_notes_add(&d->notes, l, err) : ptx_run(gpu, l, err);
}

static pv_code ptx_finish(pv_gpu *gpu, pv_error *err) {
  (void)gpu; /* every launch has ended when it returns */
  (void)err;
  return PV_OK;
}

static pv_code ptx_record(pv_gpu *gpu, pv_error *err) {
  return pv_gpu_notes_begin(&((device *)gpu)->notes, err);
}

static pv_code ptx_recorded(pv_gpu *gpu, unsigned *sequence, pv_error *err) {
  (void)err;
  *sequence = pv_gpu_notes_end(&((device *)gpu)->notes);
  return PV_OK;
}

static pv_code ptx_replay(pv_gpu *gpu, unsigned sequence, pv_error *err) {
  return pv_gpu_notes_replay(&((device *)gpu)->notes, sequence, gpu, ptx_run, err);
}

const pv_gpu_ops pv_gpu_ptx = {.name = "ptx",
                               .open = ptx_open,
                               .close = ptx_close,
                               .info = ptx_info,
                               .alloc = ptx_alloc,
                               .upload = ptx_upload,
                               .download = ptx_download,
                               .find = ptx_find,
                               .launch = ptx_launch,
                               .finish = ptx_finish,
                               .record = ptx_record,
                               .recorded = ptx_recorded,
                               .replay = ptx_replay};
