#include "runtime/forward/forward.h"

#include <stdlib.h>
#include <string.h>

#include "base/child.h"
#include "base/ck.h"
#include "runtime/forward/gpu_devices.h"

bool pv_forward_next(const pv_model *model, size_t logits, pv_step *step) {
  return pv_plan_next(model->plan, model->shape.layers, step) &&
         (logits > 0 || !pv_plan_is(model->plan, step->first, PV_ROW_LAST_ROWS));
}

struct pv_forward {
  pv_backend *backend;
  size_t position;
  pv_batch batch; /* the one that was begun */
};

static pv_code unknown(const char *name, pv_error *err) {
  pv_error_set(err, PV_ERR_INPUT, "there is no backend '%.80s'", name);
  pv_error_hint(
      err,
      "the backends are cpu, cuda, ptx, vulkan, vulkan0 and vulkan1, and devices by their "
      "numbers, such as cuda0+1 or cuda0+1/experts");
  return PV_ERR_INPUT;
}

/* Kinds of which several devices compute together. */
static const struct {
  const char *listed;
  const pv_gpu_ops *device;
  const pv_backend_ops *ops;
} numbered[] = {{"cuda0+1", &pv_gpu_cuda, &pv_backend_cuda},
                {"ptx0+1", &pv_gpu_ptx, &pv_backend_ptx}};

static pv_code open_numbered(const pv_model *model, const char *name,
                             const pv_backend_config *config, pv_backend **out, pv_error *err) {
  pv_devices devices;
  for (size_t i = 0; i < sizeof numbered / sizeof *numbered; i++) {
    if (!pv_devices_fit(numbered[i].listed, name, strlen(name))) continue;
    const char *wrong = pv_devices_read(name + pv_devices_stem(numbered[i].listed), &devices);
    if (wrong != NULL) return pv_error_set(err, PV_ERR_INPUT, "%.80s: %s", name, wrong);
    return pv_split_open(numbered[i].device, numbered[i].ops, &devices, model, config, out, err);
  }
  return unknown(name, err);
}

static pv_code open_backend(const pv_model *model, const char *name,
                            const pv_backend_config *config, pv_backend **out, pv_error *err) {
  static const pv_backend_ops *const gpus[] = {&pv_backend_cuda, &pv_backend_ptx,
                                               &pv_backend_vulkan, &pv_backend_vulkan0,
                                               &pv_backend_vulkan1};
  if (strcmp(name, "cpu") == 0)
    return (config->numerics == PV_NUMERICS_F64 ? &pv_backend_f64 : &pv_backend_cpu)
        ->open(model, config, out, err);
  for (size_t i = 0; i < sizeof gpus / sizeof *gpus; i++)
    if (strcmp(name, gpus[i]->name) == 0) return gpus[i]->open(model, config, out, err);
  return open_numbered(model, name, config, out, err);
}

pv_code pv_forward_adopt(pv_backend *backend, pv_forward **out, pv_error *err) {
  pv_forward *f = calloc(1, sizeof *f);
  if (f == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for the forward");
  f->backend = backend;
  *out = f;
  return PV_OK;
}

pv_code pv_forward_open(const pv_model *model, const char *backend, const pv_backend_config *config,
                        pv_forward **out, pv_error *err) {
  pv_backend *made = NULL;
  if (config->context == 0 || config->context > model->shape.context || config->batch == 0)
    return pv_error_set(err, PV_ERR_INPUT, "a context of %zu positions is outside 1..%u",
                        config->context, model->shape.context);
  pv_code code = open_backend(model, backend, config, &made, err);
  if (code != PV_OK) return code;
  code = pv_forward_adopt(made, out, err);
  if (code != PV_OK) made->ops->close(made);
  return code;
}

void pv_forward_close(pv_forward *forward) {
  if (forward == NULL) return;
  if (forward->backend != NULL) forward->backend->ops->close(forward->backend);
  free(forward);
}

static pv_code check_batch(const pv_forward *f, const pv_batch *batch, pv_error *err) {
  const pv_backend *b = f->backend;
  if (batch->count == 0 || batch->count > b->config.batch || batch->logits > batch->count)
    return pv_error_set(err, PV_ERR_INPUT, "a batch of %zu positions is outside 1..%zu",
                        batch->count, b->config.batch);
  if (!pv_ck_range(batch->position, batch->count, b->config.context))
    return pv_error_set(err, PV_ERR_INPUT, "%zu positions do not fit in a context of %zu",
                        batch->position + batch->count, b->config.context);
  for (size_t i = 0; i < batch->count; i++)
    if (batch->ids[i] >= b->model->shape.vocab)
      return pv_error_set(err, PV_ERR_INPUT, "token id %u is outside 0..%u", batch->ids[i],
                          b->model->shape.vocab - 1);
  return PV_OK;
}

pv_code pv_forward_begin(pv_forward *forward, const uint32_t *ids, size_t count, size_t logits,
                         pv_error *err) {
  const pv_batch batch = {ids, count, forward->position, logits};
  pv_code code = check_batch(forward, &batch, err);
  if (code == PV_OK) code = forward->backend->ops->begin(forward->backend, &batch, err);
  if (code == PV_OK) forward->batch = batch;
  return code;
}

pv_code pv_forward_step(pv_forward *forward, pv_step step, pv_error *err) {
  return forward->backend->ops->run(forward->backend, &step, err);
}

void pv_forward_end(pv_forward *forward) {
  forward->position += forward->batch.count;
}

pv_code pv_forward_run(pv_forward *forward, const uint32_t *ids, size_t count, size_t logits,
                       pv_error *err) {
  const pv_model *model = forward->backend->model;
  uint32_t layer = 0;
  pv_code code = pv_forward_begin(forward, ids, count, logits, err);
  for (pv_step step = {0}; code == PV_OK && pv_forward_next(model, logits, &step);) {
    const bool next = step.first == 1 || step.layer != layer;
    layer = step.layer;
    if (next && pv_cancelled()) return pv_error_set(err, PV_ERR_CANCELLED, "interrupted");
    code = pv_forward_step(forward, step, err);
  }
  if (code == PV_OK) pv_forward_end(forward);
  return code;
}

pv_code pv_forward_read(pv_forward *forward, pv_stage_id stage, size_t row, size_t rows, void *out,
                        pv_error *err) {
  return forward->backend->ops->read(forward->backend, stage, row, rows, out, err);
}

pv_code pv_forward_meter(pv_forward *forward, const pv_meter *meter, pv_error *err) {
  const pv_backend_ops *ops = forward->backend->ops;
  if (ops->meter == NULL)
    return pv_error_set(err, PV_ERR_UNSUPPORTED,
                        "there is no profile of %s: its time says nothing of what is fast",
                        ops->name);
  return ops->meter(forward->backend, meter, err);
}

size_t pv_forward_position(const pv_forward *forward) {
  return forward->position;
}

void pv_forward_rewind(pv_forward *forward, size_t position) {
  if (position < forward->position) forward->position = position;
}

const pv_backend *pv_forward_who(const pv_forward *forward) {
  return forward->backend;
}

const char *pv_forward_backend(const pv_forward *forward) {
  return forward->backend->ops->name;
}
size_t pv_forward_real_bytes(const pv_forward *forward) {
  return forward->backend->real_bytes;
}

uint64_t pv_forward_memory(const pv_forward *forward) {
  return forward->backend->ops->memory(forward->backend);
}

pv_code pv_forward_device(pv_forward *forward, bool *has, pv_gpu_info *out, pv_error *err) {
  const pv_backend_ops *ops = forward->backend->ops;
  *has = ops->device != NULL;
  return *has ? ops->device(forward->backend, out, err) : PV_OK;
}

pv_code pv_forward_device_at(pv_forward *forward, size_t i, bool *has, pv_gpu_info *out,
                             pv_error *err) {
  const pv_backend_ops *ops = forward->backend->ops;
  pv_backend *at = ops->part != NULL ? ops->part(forward->backend, i)
                   : i == 0          ? forward->backend
                                     : NULL;
  *has = at != NULL && at->ops->device != NULL;
  return *has ? at->ops->device(at, out, err) : PV_OK;
}
