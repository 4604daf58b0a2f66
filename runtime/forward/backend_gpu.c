/* The GPU backend: identities i16, i8 and f32-f64acc over the kernels of kernels/cuda.
 *
 * Launches are queued as operations come. A decoded position is different: its operations are held
 * back, and when the last one comes and nobody has read a stage in between, they are replayed as
 * one recorded sequence; a read runs what was held back, launch by launch, and from then on the
 * position is like any batch. Either way the same kernels run with the same arguments. */
#include <stdlib.h>

#include "base/ck.h"
#include "kernels/arith/act.h"
#include "runtime/forward/gpu_devices.h"
#include "runtime/forward/gpu_state.h"

static void gpu_close(pv_backend *backend) {
  pv_gpu_backend *b = (pv_gpu_backend *)backend;
  pv_room_drops_end(&b->stream.drops);
  if (b->gpu != NULL) b->gpu->ops->close(b->gpu);
  free(b->layers);
  free(b->metered.parts);
  free(b);
}

bool pv_gpu_makes(const pv_gpu_backend *b, size_t row, uint32_t layer) {
  const pv_plan *plan = b->base.model->plan;
  size_t layered = 0;
  const bool expert = pv_plan_is(plan, row, PV_ROW_BY_EXPERT);
  if (b->rows != PV_GPU_ALL_ROWS && expert != (b->rows == PV_GPU_EXPERT_ROWS)) return false;
  if (pv_plan_is_layered(plan, row)) return layer >= b->first && layer < b->end;
  while (layered < plan->count && !pv_plan_is_layered(plan, layered)) layered++;
  return row < layered ? b->first == 0 : b->end == b->base.model->shape.layers;
}

static pv_code find_kernels(pv_gpu_backend *b, pv_error *err) {
  pv_code code = PV_OK;
  for (int i = 0; i < PV_GPU_KERNEL_COUNT && code == PV_OK; i++)
    code = b->gpu->ops->find(b->gpu, pv_kernel_get((pv_gpu_kernel)i)->name, &b->kernel[i], err);
  return code;
}

pv_code pv_gpu_make_part(const pv_gpu_part *part, const pv_backend_ops *ops, const pv_model *model,
                         const pv_backend_config *config, pv_gpu_backend **out, pv_error *err) {
  if (config->numerics == PV_NUMERICS_F64)
    return pv_error_set(err, PV_ERR_UNSUPPORTED, "the arbiter (f64) runs on the CPU alone");
  pv_gpu_backend *b = calloc(1, sizeof *b);
  if (b == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for the GPU backend");
  b->base = (pv_backend){ops, model, *config, sizeof(float)};
  b->first = part->first;
  b->end = part->end;
  b->rows = part->rows;
  b->fan = part->fan;
  b->max = config->numerics == PV_NUMERICS_I16  ? (float)PV_ACT16_MAX
           : config->numerics == PV_NUMERICS_I8 ? (float)PV_ACT8_MAX
                                                : 0.0f;
  pv_code code = pv_gpu_cover_plan(model->plan, b->rows != PV_GPU_ALL_ROWS, &b->cover, err);
  if (code == PV_OK) code = part->device->open(part->number, &b->gpu, err);
  if (code == PV_OK) code = b->gpu->ops->info(b->gpu, &b->info, err);
  if (code == PV_OK) code = find_kernels(b, err);
  if (code != PV_OK) {
    gpu_close(&b->base);
    return code;
  }
  *out = b;
  return PV_OK;
}

pv_code pv_gpu_open_part(const pv_gpu_part *part, const pv_backend_ops *ops, const pv_model *model,
                         const pv_backend_config *config, pv_gpu_backend **out, pv_error *err) {
  pv_gpu_backend *b = NULL;
  pv_code code = pv_gpu_make_part(part, ops, model, config, &b, err);
  if (code != PV_OK) return code;
  code = pv_gpu_memory_open(b, err);
  if (code == PV_OK)
    *out = b;
  else
    gpu_close(&b->base);
  return code;
}

pv_code pv_gpu_open(const pv_gpu_ops *device, const pv_backend_ops *ops, const pv_model *model,
                    const pv_backend_config *config, pv_backend **out, pv_error *err) {
  const pv_gpu_part whole = {device, 0, 0, model->shape.layers, PV_GPU_ALL_ROWS, 1};
  pv_gpu_backend *b = NULL;
  const pv_code code = pv_gpu_open_part(&whole, ops, model, config, &b, err);
  if (code == PV_OK) *out = &b->base;
  return code;
}

bool pv_gpu_next(const pv_gpu_backend *b, pv_step *step) {
  const pv_model *m = b->base.model;
  do
    if (!pv_plan_next(m->plan, m->shape.layers, step)) return false;
  while (!pv_gpu_makes(b, step->first, step->layer));
  return true;
}

/* Which of the recorded sequences has room for a position's chunks. */
static unsigned bucket_of(const pv_gpu_backend *b) {
  unsigned bucket = 0;
  while ((1u << bucket) < b->chunks) bucket++;
  return bucket;
}

static pv_code gpu_begin(pv_backend *backend, const pv_batch *batch, pv_error *err) {
  pv_gpu_backend *b = (pv_gpu_backend *)backend;
  const pv_cuda_step step = {(uint32_t)batch->position, (uint32_t)batch->count,
                             (uint32_t)batch->logits, 0};
  const size_t positions = batch->position + batch->count;
  b->batch = *batch;
  /* Of layers that come from the host addresses change: no sequence is recorded of them, nor where
   * rows come from elsewhere in between. */
  b->deferred = batch->count == 1 && batch->logits == 1 && b->stream.first == b->end &&
                b->rows == PV_GPU_ALL_ROWS;
  b->pending = 0;
  b->chunks = (uint32_t)((positions + PV_ATTENTION_CHUNK - 1) / PV_ATTENTION_CHUNK);
  if (b->metered.meter != NULL && b->deferred) { /* what a sequence would launch, one by one */
    b->chunks = 1u << bucket_of(b);
    b->deferred = false;
  }
  pv_code code = b->gpu->ops->upload(b->gpu, b->step, &step, sizeof step, err);
  if (code == PV_OK)
    code = b->gpu->ops->upload(b->gpu, b->ids, batch->ids, batch->count * sizeof *batch->ids, err);
  if (code == PV_OK && b->metered.meter != NULL) code = pv_gpu_meter_begin(b, err);
  return code;
}

static pv_code run_pending(pv_gpu_backend *b, pv_error *err) {
  pv_code code = PV_OK;
  pv_step step = {0};
  for (; b->pending > 0 && code == PV_OK; b->pending--)
    if (pv_gpu_next(b, &step)) code = pv_gpu_run_step(b, &step, err);
  b->pending = 0;
  b->deferred = false;
  return code;
}

/* All operations of a decoded position are pending. */
static pv_code replay(pv_gpu_backend *b, pv_error *err) {
  const unsigned bucket = bucket_of(b);
  b->chunks = 1u << bucket;
  if (!b->has_sequence[bucket]) {
    pv_code code = b->gpu->ops->record(b->gpu, err);
    if (code != PV_OK) return code;
    code = run_pending(b, err);
    const pv_code ended = b->gpu->ops->recorded(b->gpu, &b->sequence[bucket], err);
    if (code != PV_OK || ended != PV_OK) return code != PV_OK ? code : ended;
    b->has_sequence[bucket] = true;
  }
  b->pending = 0;
  b->deferred = false;
  return b->gpu->ops->replay(b->gpu, b->sequence[bucket], err);
}

static pv_code gpu_run(pv_backend *backend, const pv_step *step, pv_error *err) {
  pv_gpu_backend *b = (pv_gpu_backend *)backend;
  pv_step next = *step;
  if (!b->deferred) return pv_gpu_run_step(b, step, err);
  b->pending++;
  return pv_gpu_next(b, &next) ? PV_OK : replay(b, err);
}

static pv_code gpu_read(pv_backend *backend, pv_stage_id stage, size_t first, size_t rows,
                        void *out, pv_error *err) {
  pv_gpu_backend *b = (pv_gpu_backend *)backend;
  const uint64_t row =
      pv_plan_width(b->base.model->plan, stage, &b->base.model->shape) * sizeof(float);
  pv_code code = PV_OK;
  if (!pv_ck_range(first, rows, b->base.config.batch))
    return pv_error_set(err, PV_ERR_INTERNAL, "rows %zu + %zu are outside the batch", first, rows);
  if (b->pending > 0) code = run_pending(b, err);
  if (code == PV_OK)
    code = b->gpu->ops->download(b->gpu, out, b->stage[stage] + first * row, rows * row, err);
  return code;
}

pv_code pv_gpu_copy(pv_gpu_backend *to, uint64_t to_at, pv_gpu_backend *from, uint64_t from_at,
                    uint64_t bytes, void *room, pv_error *err) {
  if (to->gpu->ops->fetch != NULL)
    return to->gpu->ops->fetch(to->gpu, to_at, from->gpu, from_at, bytes, err);
  const pv_code code = from->gpu->ops->download(from->gpu, room, from_at, bytes, err);
  return code == PV_OK ? to->gpu->ops->upload(to->gpu, to_at, room, bytes, err) : code;
}

pv_code pv_gpu_open_way(pv_gpu_backend *to, pv_gpu_backend *from, void *room, pv_error *err) {
  return pv_gpu_copy(to, to->step, from, from->step, sizeof(pv_cuda_step), room, err);
}

static uint64_t gpu_memory(const pv_backend *backend) {
  return ((const pv_gpu_backend *)backend)->bytes;
}

static pv_code gpu_device(pv_backend *backend, pv_gpu_info *out, pv_error *err) {
  pv_gpu_backend *b = (pv_gpu_backend *)backend;
  const pv_code code = b->gpu->ops->info(b->gpu, out, err);
  out->loaded = b->loaded;
  out->load_s = b->load_s;
  out->held = b->bytes;
  out->first = b->first;
  out->end = b->end;
  out->streamed_layers = b->end - b->stream.first;
  for (uint32_t i = b->stream.first; i < b->end; i++) out->streamed += pv_gpu_weights_layer(b, i);
  out->sent = b->stream.sent;
  out->send_s = b->stream.seconds;
  return code;
}

void pv_gpu_info_add(pv_gpu_info *all, const pv_gpu_info *one, bool same_device, bool same_layers) {
  if (!same_device) {
    all->processors += one->processors;
    all->memory += one->memory;
    all->free_ += one->free_;
  }
  if (same_layers && one->streamed_layers > all->streamed_layers)
    all->streamed_layers = one->streamed_layers;
  if (!same_layers) all->streamed_layers += one->streamed_layers;
  all->instructions += one->instructions;
  all->loaded += one->loaded;
  all->load_s += one->load_s;
  all->held += one->held;
  all->end = one->end;
  all->expert_end = one->expert_end;
  all->detour |= one->detour;
  all->streamed += one->streamed;
  all->sent += one->sent;
  all->send_s += one->send_s;
}

static pv_code cuda_open(const pv_model *model, const pv_backend_config *config, pv_backend **out,
                         pv_error *err) {
  return pv_gpu_open(&pv_gpu_cuda, &pv_backend_cuda, model, config, out, err);
}

static pv_code ptx_open(const pv_model *model, const pv_backend_config *config, pv_backend **out,
                        pv_error *err) {
  return pv_gpu_open(&pv_gpu_ptx, &pv_backend_ptx, model, config, out, err);
}

const pv_backend_ops pv_backend_cuda = {.name = "cuda",
                                        .open = cuda_open,
                                        .close = gpu_close,
                                        .begin = gpu_begin,
                                        .run = gpu_run,
                                        .read = gpu_read,
                                        .memory = gpu_memory,
                                        .device = gpu_device,
                                        .meter = pv_gpu_meter};

const pv_backend_ops pv_backend_ptx = {.name = "ptx",
                                       .open = ptx_open,
                                       .close = gpu_close,
                                       .begin = gpu_begin,
                                       .run = gpu_run,
                                       .read = gpu_read,
                                       .memory = gpu_memory,
                                       .device = gpu_device};

#define VULKAN(NAME)                                                                 \
  static pv_code NAME##_open(const pv_model *model, const pv_backend_config *config, \
                             pv_backend **out, pv_error *err) {                      \
    return pv_gpu_open(&pv_gpu_##NAME, &pv_backend_##NAME, model, config, out, err); \
  }                                                                                  \
  const pv_backend_ops pv_backend_##NAME = {.name = #NAME,                           \
                                            .open = NAME##_open,                     \
                                            .close = gpu_close,                      \
                                            .begin = gpu_begin,                      \
                                            .run = gpu_run,                          \
                                            .read = gpu_read,                        \
                                            .memory = gpu_memory,                    \
                                            .device = gpu_device,                    \
                                            .meter = pv_gpu_meter};
VULKAN(vulkan)
VULKAN(vulkan0)
VULKAN(vulkan1)
