/* Layers of a model over several devices of one host: a backend of a device for each, which has a
 * run of layers, the first one also what is before them and the last one what is behind. At a
 * border the rows that the next layer takes go from one to the next. Who computes what changes no
 * bit: every step is the same launches with the same arguments, but for where they lie. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ck.h"
#include "runtime/forward/gpu_state.h"
#include "runtime/forward/room.h"

typedef struct split {
  pv_backend base;
  pv_backend_ops ops; /* with the name of one device's */
  pv_gpu_backend *part[PV_DEVICES_MAX];
  size_t count;
  size_t owner[PV_STAGES_MAX]; /* the part that has the current rows of a stage */
  void *rows;                  /* room for those of a border, where they go through the host */
  pv_batch batch;
  const pv_meter *meter; /* who is told of all parts; NULL: nobody */
  pv_meter own;          /* what each of them tells */
  double whole;          /* the longest of theirs so far */
} split;

static void split_close(pv_backend *backend) {
  split *s = (split *)backend;
  for (size_t i = 0; i < s->count; i++)
    if (s->part[i] != NULL) s->part[i]->base.ops->close(&s->part[i]->base);
  free(s->rows);
  free(s);
}

static pv_code split_begin(pv_backend *backend, const pv_batch *batch, pv_error *err) {
  split *s = (split *)backend;
  pv_code code = PV_OK;
  s->batch = *batch;
  for (size_t i = 0; i < s->count && code == PV_OK; i++)
    code = s->part[i]->base.ops->begin(&s->part[i]->base, batch, err);
  return code;
}

/* What a layer takes from the one before is one row of the plan: no product, which would want it
 * rounded, takes the stream itself. */
static pv_code hand_over(split *s, size_t from, pv_error *err) {
  const pv_model *m = s->base.model;
  const pv_stage_id row = pv_model_stage(m, PV_ROLE_LAYER_OUT);
  const uint64_t bytes =
      (uint64_t)s->batch.count * pv_plan_width(m->plan, row, &m->shape) * sizeof(float);
  pv_gpu_backend *a = s->part[from], *b = s->part[from + 1];
  return pv_gpu_copy(b, b->stage[row], a, a->stage[row], bytes, s->rows, err);
}

static pv_code split_run(pv_backend *backend, const pv_step *step, pv_error *err) {
  split *s = (split *)backend;
  pv_step next = *step;
  size_t i = 0;
  while (!pv_gpu_makes(s->part[i], step->first, step->layer)) i++;
  pv_code code = s->part[i]->base.ops->run(&s->part[i]->base, step, err);
  for (size_t row = step->first; row < step->first + step->count; row++) s->owner[row] = i;
  const bool border = i + 1 < s->count && !pv_gpu_next(s->part[i], &next);
  return code == PV_OK && border ? hand_over(s, i, err) : code;
}

static pv_code split_read(pv_backend *backend, pv_stage_id stage, size_t row, size_t rows,
                          void *out, pv_error *err) {
  const split *s = (const split *)backend;
  pv_backend *part = &s->part[s->owner[stage]]->base;
  return part->ops->read(part, stage, row, rows, out, err);
}

static uint64_t split_memory(const pv_backend *backend) {
  const split *s = (const split *)backend;
  uint64_t bytes = 0;
  for (size_t i = 0; i < s->count; i++) bytes += s->part[i]->bytes;
  return bytes;
}

static void take_part(void *context, const pv_meter_part *part) {
  const split *s = context;
  s->meter->part(s->meter->context, part);
}

/* All begin with the batch, and one ends last. */
static void take_whole(void *context, double seconds) {
  split *s = context;
  if (seconds > s->whole) s->whole = seconds;
}

static pv_code split_meter(pv_backend *backend, const pv_meter *meter, pv_error *err) {
  split *s = (split *)backend;
  pv_code code = PV_OK;
  for (size_t i = 0; i < s->count && code == PV_OK; i++) {
    pv_backend *part = &s->part[i]->base;
    code = part->ops->meter(part, meter != NULL ? &s->own : NULL, err);
  }
  if (code == PV_OK && meter == NULL && s->meter != NULL)
    s->meter->whole(s->meter->context, s->whole);
  s->meter = meter;
  s->whole = 0.0;
  return code;
}

static pv_backend *split_part(pv_backend *backend, size_t i) {
  const split *s = (const split *)backend;
  return i < s->count ? &s->part[i]->base : NULL;
}

static pv_code split_device(pv_backend *backend, pv_gpu_info *out, pv_error *err) {
  const split *s = (const split *)backend;
  pv_gpu_info all = {0};
  pv_code code = PV_OK;
  for (size_t i = 0; i < s->count && code == PV_OK; i++) {
    pv_gpu_info one;
    code = s->part[i]->base.ops->device(&s->part[i]->base, &one, err);
    if (code != PV_OK) break;
    if (i == 0)
      all = one;
    else
      pv_gpu_info_add(&all, &one, false, false);
  }
  snprintf(all.name, sizeof all.name, "%zu x %.100s", s->count, s->part[0]->info.name);
  if (code == PV_OK) *out = all;
  return code;
}

/* How many devices are enough when each takes layers in order up to `most` bytes, but leaves one
 * layer for each that follows; `end` gets where each ends. */
static bool place(const uint64_t *bytes, uint32_t layers, size_t devices, uint64_t most,
                  uint32_t *end) {
  uint32_t at = 0;
  for (size_t d = 0; d < devices; d++) {
    const uint32_t last = layers - (uint32_t)(devices - 1 - d);
    uint64_t sum = bytes[at++];
    if (sum > most) return false;
    while (at < last && sum + bytes[at] <= most) sum += bytes[at++];
    end[d] = at;
  }
  return at == layers;
}

/* Runs of layers whose largest has as few bytes as can be. What is before the layers counts as part
 * of the first, what is behind as part of the last. */
static pv_code place_layers(const pv_model *m, size_t devices, uint32_t *end, pv_error *err) {
  const uint32_t layers = m->shape.layers;
  uint64_t *bytes = calloc(layers, sizeof *bytes), low = 0, high = 0;
  bool behind = false;
  if (bytes == NULL) return pv_error_nomem(err, "the sizes of layers");
  for (uint32_t i = 0; i < layers; i++) bytes[i] = pv_room_file_bytes(m, false, i);
  for (size_t row = 0; row < m->plan->count; row++) {
    behind |= pv_plan_is_layered(m->plan, row);
    if (pv_plan_is_layered(m->plan, row) || m->once.weight[row] == NULL) continue;
    bytes[behind ? layers - 1 : 0] += m->once.weight[row]->bytes;
  }
  for (uint32_t i = 0; i < layers; i++) high += bytes[i];
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    if (place(bytes, layers, devices, middle, end))
      high = middle;
    else
      low = middle + 1;
  }
  (void)place(bytes, layers, devices, low, end);
  free(bytes);
  return PV_OK;
}

static pv_code open_parts(split *s, const pv_gpu_ops *device, const pv_backend_ops *ops,
                          const pv_devices *devices, pv_error *err) {
  const pv_model *m = s->base.model;
  uint32_t end[PV_DEVICES_MAX], first = 0;
  pv_code code = place_layers(m, devices->count, end, err);
  for (; s->count < devices->count && code == PV_OK; first = end[s->count++]) {
    const pv_gpu_part part = {device,        devices->number[s->count], first,
                              end[s->count], PV_GPU_ALL_ROWS,           1};
    code = pv_gpu_open_part(&part, ops, m, &s->base.config, &s->part[s->count], err);
  }
  const size_t width = pv_plan_width(m->plan, pv_model_stage(m, PV_ROLE_LAYER_OUT), &m->shape);
  if (code == PV_OK)
    s->rows = calloc(1, s->base.config.batch * width * sizeof(float) + sizeof(pv_cuda_step));
  if (code == PV_OK && s->rows == NULL) code = pv_error_nomem(err, "rows between devices");
  for (size_t i = 1; i < s->count && code == PV_OK; i++)
    code = pv_gpu_open_way(s->part[i], s->part[i - 1], s->rows, err);
  return code;
}

pv_code pv_split_open(const pv_gpu_ops *device, const pv_backend_ops *ops,
                      const pv_devices *devices, const pv_model *model,
                      const pv_backend_config *config, pv_backend **out, pv_error *err) {
  if (devices->experts) return pv_experts_open(device, ops, devices, model, config, out, err);
  if (devices->count > model->shape.layers) {
    pv_error_set(err, PV_ERR_INPUT, "%zu devices for %u layers: each has one at least",
                 devices->count, model->shape.layers);
    pv_error_hint(err, "name fewer devices");
    return PV_ERR_INPUT;
  }
  if (devices->count == 1) {
    const pv_gpu_part whole = {device, devices->number[0], 0, model->shape.layers, PV_GPU_ALL_ROWS,
                               1};
    pv_gpu_backend *one = NULL;
    const pv_code code = pv_gpu_open_part(&whole, ops, model, config, &one, err);
    if (code == PV_OK) *out = &one->base;
    return code;
  }
  split *s = calloc(1, sizeof *s);
  if (s == NULL) return pv_error_nomem(err, "several devices");
  s->ops = (pv_backend_ops){.name = ops->name,
                            .close = split_close,
                            .begin = split_begin,
                            .run = split_run,
                            .read = split_read,
                            .memory = split_memory,
                            .device = split_device,
                            .part = split_part,
                            .meter = ops->meter != NULL ? split_meter : NULL};
  s->own = (pv_meter){take_part, take_whole, s};
  s->base = (pv_backend){&s->ops, model, *config, sizeof(float)};
  const pv_code code = open_parts(s, device, ops, devices, err);
  if (code == PV_OK)
    *out = &s->base;
  else
    split_close(&s->base);
  return code;
}
