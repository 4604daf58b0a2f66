/* How long each launch takes, by the device's clock: stamps before and behind it. A launch stands
 * for the rows of the plan that it writes. */
#include <stdlib.h>

#include "kernels/cuda/peak.h"
#include "runtime/forward/gpu_state.h"

/* Rows whose results the launch may write; of attention and of the top token parts will do: they
 * are where the work is. */
static uint64_t rows_written(pv_gpu_backend *b, const pv_kernel *kernel, const void *args) {
  const pv_plan *plan = b->base.model->plan;
  const int attend = b->cover.attend, top = pv_plan_role(plan, PV_ROLE_TOP);
  uint64_t to[PV_KERNEL_WRITES_MAX], rows = 0;
  size_t count = 0;
  b->code = pv_kernel_outputs(kernel->name, args, kernel->arg_bytes, to, &count, b->err);
  for (size_t i = 0; i < count && b->code == PV_OK; i++) {
    for (size_t row = 0; row < plan->count; row++)
      if (b->stage[row] == to[i]) rows |= (uint64_t)1 << row;
    if (b->value == to[i] && attend >= 0) rows |= (uint64_t)1 << attend;
    if (b->parts == to[i] && top >= 0) rows |= (uint64_t)1 << top;
  }
  return rows;
}

static bool has_room(pv_gpu_metered *m) {
  if (m->count < m->room) return true;
  const size_t room = m->room > 0 ? 2 * m->room : 1024;
  pv_meter_part *more = realloc(m->parts, room * sizeof *more);
  if (more == NULL) return false;
  m->parts = more;
  m->room = room;
  return true;
}

void pv_gpu_meter_before(pv_gpu_backend *b, const pv_kernel *kernel, const void *args) {
  pv_gpu_metered *m = &b->metered;
  const uint64_t rows = b->code == PV_OK ? rows_written(b, kernel, args) : 0;
  if (b->code == PV_OK && !has_room(m)) b->code = pv_error_nomem(b->err, "times of launches");
  if (b->code != PV_OK) return;
  m->parts[m->count] = (pv_meter_part){.what = kernel->name,
                                       .rows = rows & ~m->done,
                                       .layer = b->layer,
                                       .position = b->batch.position,
                                       .count = b->batch.count,
                                       .logits = b->batch.logits};
  m->done |= rows;
  b->code = b->gpu->ops->stamp(b->gpu, 2 * m->count + 1, b->err);
}

void pv_gpu_meter_behind(pv_gpu_backend *b) {
  if (b->code == PV_OK) b->code = b->gpu->ops->stamp(b->gpu, 2 * b->metered.count + 2, b->err);
  if (b->code == PV_OK) b->metered.count++;
}

/* A launch that has come before the host asks for the next one is stamped too early. So the device
 * is kept busy for some milliseconds, and from then on the host is ahead of it. A device that is
 * handed many launches at once has none of that. */
static pv_code keep_busy(pv_gpu_backend *b, pv_error *err) {
  enum { BLOCKS_PER_PROCESSOR = 8, ROUNDS = 1 << 15 };
  const pv_cuda_peak a = {.out = b->parts, .rounds = ROUNDS, .even = 2};
  pv_gpu_launch l;
  if (!pv_gpu_fuses(b)) return PV_OK;
  pv_code code = pv_kernel_launch(pv_kernel_get(PV_GPU_peak_dp4a), b->kernel[PV_GPU_peak_dp4a], &a,
                                  (size_t)BLOCKS_PER_PROCESSOR * b->info.processors, &l, err);
  if (code == PV_OK) code = b->gpu->ops->launch(b->gpu, &l, err);
  return code;
}

pv_code pv_gpu_meter_begin(pv_gpu_backend *b, pv_error *err) {
  pv_code code = PV_OK;
  b->metered.done = 0;
  if (b->metered.count > 0) return PV_OK;
  code = keep_busy(b, err);
  if (code == PV_OK) code = b->gpu->ops->stamp(b->gpu, 0, err);
  return code;
}

/* Tells what has been measured. */
static pv_code tell(pv_gpu_backend *b, pv_error *err) {
  pv_gpu_metered *m = &b->metered;
  double seconds = 0.0;
  pv_code code = b->gpu->ops->finish(b->gpu, err);
  for (size_t i = 0; i < m->count && code == PV_OK; i++) {
    code = b->gpu->ops->between(b->gpu, 2 * i + 1, 2 * i + 2, &m->parts[i].seconds, err);
    if (code == PV_OK) m->meter->part(m->meter->context, &m->parts[i]);
  }
  if (m->count > 0 && code == PV_OK)
    code = b->gpu->ops->between(b->gpu, 0, 2 * m->count, &seconds, err);
  if (code == PV_OK) m->meter->whole(m->meter->context, seconds);
  return code;
}

pv_code pv_gpu_meter(pv_backend *backend, const pv_meter *meter, pv_error *err) {
  pv_gpu_backend *b = (pv_gpu_backend *)backend;
  const pv_code code = meter == NULL && b->metered.meter != NULL ? tell(b, err) : PV_OK;
  b->metered.meter = meter;
  b->metered.count = 0;
  return code;
}
