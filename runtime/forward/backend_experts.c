/* Experts of each layer over several devices of one host. The home, on the first device, makes all
 * rows but those of experts; each device, the first one too, has some experts of every layer, and
 * to it the slots (position, rank) that chose one of them are rows of a model of its own, of which
 * each uses one expert. What the experts are given goes from the home to the devices, what they
 * make of it comes back, and is put in the order of the slots before it is summed: the same kernels
 * on the same rows, whoever has them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/forward/gpu_state.h"

typedef struct holder { /* of the experts `first` to `end` - 1 */
  pv_gpu_backend *gpu;
  pv_model model;
  pv_gguf_tensor *tensors;
  uint32_t first, end;
  size_t at, count; /* its slots: where they begin among those of all, and how many */
} holder;

typedef struct experts experts;
typedef struct member { /* a device of them, as pv_backend_ops.part shows it */
  pv_backend base;
  experts *of;
  size_t number;
} member;

struct experts {
  pv_backend base;
  pv_backend_ops ops, member_ops;
  pv_gpu_backend *home;
  pv_model model; /* the home's */
  holder holder[PV_DEVICES_MAX];
  member member[PV_DEVICES_MAX];
  size_t count;
  pv_batch batch;
  uint64_t sent; /* bit i: row i of the plan, of the layer under way, is with the holders */
  /* One entry for each slot of a batch. The first by slot; the others holder by holder, within one
   * in the order of the slots. */
  int32_t *chosen;
  uint32_t *slot, *row; /* and its position in the batch */
  int32_t *local;       /* number of the expert at its holder */
  uint32_t *place;      /* by slot: where it is in the order of the holders */
  uint32_t *rows;       /* floats and indices that go through the host */
};

static bool by_expert(const experts *e, size_t row) {
  return pv_plan_is(e->base.model->plan, row, PV_ROW_BY_EXPERT);
}

static void experts_close(pv_backend *backend) {
  experts *e = (experts *)backend;
  for (size_t i = 0; i < e->count; i++) {
    holder *h = &e->holder[i];
    if (h->gpu != NULL) h->gpu->base.ops->close(&h->gpu->base);
    free(h->model.layers);
    free(h->tensors);
  }
  if (e->home != NULL) e->home->base.ops->close(&e->home->base);
  free(e->model.layers);
  free(e->chosen);
  free(e->slot);
  free(e->row);
  free(e->local);
  free(e->place);
  free(e->rows);
  free(e);
}

static pv_code experts_begin(pv_backend *backend, const pv_batch *batch, pv_error *err) {
  experts *e = (experts *)backend;
  e->batch = *batch;
  return e->home->base.ops->begin(&e->home->base, batch, err);
}

/* Which slots are whose. */
static pv_code deal(experts *e, pv_error *err) {
  const pv_shape *s = &e->base.model->shape;
  const size_t slots = e->batch.count * s->used;
  size_t n = 0;
  for (size_t i = 0; i < e->count; i++) {
    holder *h = &e->holder[i];
    h->at = n;
    for (size_t k = 0; k < slots; k++) {
      if (e->chosen[k] < (int64_t)h->first || e->chosen[k] >= (int64_t)h->end) continue;
      e->slot[n] = (uint32_t)k;
      e->row[n] = (uint32_t)(k / s->used);
      e->local[n] = e->chosen[k] - (int32_t)h->first;
      e->place[k] = (uint32_t)n++;
    }
    h->count = n - h->at;
  }
  if (n == slots) return PV_OK;
  return pv_error_set(err, PV_ERR_DEVICE, "the router chose an expert outside 0..%u",
                      s->experts - 1);
}

/* The home's choice, and each holder's part of it. */
static pv_code begin_holders(experts *e, pv_error *err) {
  const pv_stage_id row = pv_model_stage(e->base.model, PV_ROLE_ROUTER_INDICES);
  pv_backend *home = &e->home->base;
  pv_code code = home->ops->read(home, row, 0, e->batch.count, e->chosen, err);
  e->sent = (uint64_t)1 << row;
  if (code == PV_OK) code = deal(e, err);
  for (size_t i = 0; i < e->count && code == PV_OK; i++) {
    const holder *h = &e->holder[i];
    const pv_batch batch = {e->row + h->at, h->count, 0, 0};
    if (h->count == 0) continue;
    code = h->gpu->base.ops->begin(&h->gpu->base, &batch, err);
    if (code == PV_OK)
      code = h->gpu->gpu->ops->upload(h->gpu->gpu, h->gpu->stage[row], e->local + h->at,
                                      h->count * sizeof *e->local, err);
    if (code == PV_OK) code = pv_gpu_group_slots(h->gpu, err);
  }
  return code;
}

/* What experts are given: all rows of the batch, of which each holder takes those of its slots. */
static pv_code send_row(experts *e, size_t row, uint32_t layer, pv_error *err) {
  const pv_model *m = e->base.model;
  const uint64_t bytes =
      (uint64_t)e->batch.count * pv_plan_width(m->plan, row, &m->shape) * sizeof(float);
  pv_code code = PV_OK;
  for (size_t i = 0; i < e->count && code == PV_OK; i++) {
    pv_gpu_backend *to = e->holder[i].gpu;
    if (e->holder[i].count == 0) continue;
    code = pv_gpu_copy(to, to->guests, e->home, e->home->stage[row], bytes, e->rows, err);
    if (code == PV_OK) code = pv_gpu_take_guests(to, row, layer, to->ids, err);
  }
  e->sent |= (uint64_t)1 << row;
  return code;
}

/* What experts have made, in the order of the slots again. */
static pv_code bring_row(experts *e, size_t row, uint32_t layer, pv_error *err) {
  const pv_model *m = e->base.model;
  pv_gpu_backend *home = e->home;
  const uint64_t width = pv_plan_part(m->plan, row, &m->shape) * sizeof(float);
  const size_t slots = e->batch.count * m->shape.used;
  pv_code code =
      home->gpu->ops->upload(home->gpu, home->order, e->place, slots * sizeof *e->place, err);
  for (size_t i = 0; i < e->count && code == PV_OK; i++) {
    const holder *h = &e->holder[i];
    if (h->count > 0)
      code = pv_gpu_copy(home, home->guests + h->at * width, h->gpu, h->gpu->stage[row],
                         h->count * width, e->rows, err);
  }
  return code == PV_OK ? pv_gpu_take_guests(home, row, layer, home->order, err) : code;
}

/* Rows of experts, in the step's layer. */
static pv_code run_holders(experts *e, const pv_step *step, pv_error *err) {
  const pv_plan *plan = e->base.model->plan;
  size_t first = 0;
  pv_code code = PV_OK;
  while (!by_expert(e, first)) first++;
  if (step->first == first) code = begin_holders(e, err);
  for (size_t row = step->first; row < step->first + step->count; row++)
    for (size_t k = 0; k < 3 && code == PV_OK; k++) {
      const uint8_t in = plan->rows[row].in[k]; /* never the stream */
      if (in != 0 && !by_expert(e, in) && (e->sent >> in & 1) == 0)
        code = send_row(e, in, step->layer, err);
    }
  for (size_t i = 0; i < e->count && code == PV_OK; i++) {
    pv_backend *b = &e->holder[i].gpu->base;
    if (e->holder[i].count > 0) code = b->ops->run(b, step, err);
  }
  for (size_t row = step->first; row < step->first + step->count && code == PV_OK; row++)
    if (pv_gpu_has(e->home, row)) code = bring_row(e, row, step->layer, err);
  return code;
}

/* A step may have rows of experts and others: one after the other. */
static pv_code experts_run(pv_backend *backend, const pv_step *step, pv_error *err) {
  experts *e = (experts *)backend;
  const size_t end = step->first + step->count;
  pv_step part = {step->first, 0, step->layer};
  pv_code code = PV_OK;
  for (; part.first < end && code == PV_OK; part.first += part.count) {
    const bool there = by_expert(e, part.first);
    part.count = 1;
    while (part.first + part.count < end && by_expert(e, part.first + part.count) == there)
      part.count++;
    code = there ? run_holders(e, &part, err) : e->home->base.ops->run(&e->home->base, &part, err);
  }
  return code;
}

static pv_code experts_read(pv_backend *backend, pv_stage_id stage, size_t row, size_t rows,
                            void *out, pv_error *err) {
  experts *e = (experts *)backend;
  const pv_shape *s = &e->base.model->shape;
  const size_t width = pv_plan_part(e->base.model->plan, stage, s);
  const size_t from = row * s->used, to = (row + rows) * s->used;
  pv_code code = PV_OK;
  if (pv_gpu_has(e->home, stage))
    return e->home->base.ops->read(&e->home->base, stage, row, rows, out, err);
  for (size_t i = 0; i < e->count && code == PV_OK; i++) {
    const holder *h = &e->holder[i];
    pv_backend *b = &h->gpu->base;
    if (h->count > 0) code = b->ops->read(b, stage, 0, h->count, e->rows, err);
    for (size_t n = 0; n < h->count && code == PV_OK; n++) {
      const size_t slot = e->slot[h->at + n];
      if (slot >= from && slot < to)
        memcpy((uint32_t *)out + (slot - from) * width, e->rows + n * width,
               width * sizeof *e->rows);
    }
  }
  return code;
}

static uint64_t member_memory(const pv_backend *backend) {
  const member *d = (const member *)backend;
  return d->of->holder[d->number].gpu->bytes + (d->number == 0 ? d->of->home->bytes : 0);
}

static uint64_t experts_memory(const pv_backend *backend) {
  const experts *e = (const experts *)backend;
  uint64_t bytes = 0;
  for (size_t i = 0; i < e->count; i++) bytes += member_memory(&e->member[i].base);
  return bytes;
}

static pv_code member_device(pv_backend *backend, pv_gpu_info *out, pv_error *err) {
  const member *d = (const member *)backend;
  const holder *h = &d->of->holder[d->number];
  pv_backend *home = &d->of->home->base;
  pv_gpu_info all, rest;
  pv_code code = h->gpu->base.ops->device(&h->gpu->base, &all, err);
  if (code == PV_OK && d->number == 0) code = home->ops->device(home, &rest, err);
  if (code != PV_OK) return code;
  if (d->number == 0) pv_gpu_info_add(&all, &rest, true, true);
  all.expert_first = h->first;
  all.expert_end = h->end;
  *out = all;
  return PV_OK;
}

static pv_backend *experts_part(pv_backend *backend, size_t i) {
  experts *e = (experts *)backend;
  return i < e->count ? &e->member[i].base : NULL;
}

static pv_code experts_device(pv_backend *backend, pv_gpu_info *out, pv_error *err) {
  experts *e = (experts *)backend;
  pv_gpu_info all;
  pv_code code = member_device(&e->member[0].base, &all, err);
  for (size_t i = 1; i < e->count && code == PV_OK; i++) {
    pv_gpu_info one;
    code = member_device(&e->member[i].base, &one, err);
    if (code == PV_OK) pv_gpu_info_add(&all, &one, false, true);
  }
  if (code != PV_OK) return code;
  if (e->count > 1)
    snprintf(all.name, sizeof all.name, "%zu x %.100s", e->count, e->home->info.name);
  *out = all;
  return PV_OK;
}

/* The model without the weights of experts. */
static pv_code make_home_model(experts *e, pv_error *err) {
  const pv_model *m = e->base.model;
  e->model = *m;
  e->model.layers = calloc(m->shape.layers, sizeof *e->model.layers);
  if (e->model.layers == NULL) return pv_error_nomem(err, "the layers of a device");
  for (uint32_t layer = 0; layer < m->shape.layers; layer++)
    for (size_t row = 0; row < m->plan->count; row++)
      if (!by_expert(e, row)) e->model.layers[layer].weight[row] = m->layers[layer].weight[row];
  return PV_OK;
}

/* A tensor's part that has these experts: they are its last dimension. */
static pv_gguf_tensor part_of(const pv_gguf_tensor *t, uint32_t of, const holder *h) {
  pv_gguf_tensor out = *t;
  const uint32_t count = h->end - h->first;
  out.data += t->bytes / of * h->first;
  out.offset += t->bytes / of * h->first;
  out.bytes = t->bytes / of * count;
  out.elements = t->elements / of * count;
  out.dims[t->dim_count - 1] = count;
  return out;
}

/* The model whose experts are the holder's, of which each row uses one. */
static pv_code make_holder_model(experts *e, holder *h, pv_error *err) {
  const pv_model *m = e->base.model;
  size_t count = 0;
  h->model = *m;
  h->model.shape.experts = h->end - h->first;
  h->model.shape.used = 1;
  h->model.layers = calloc(m->shape.layers, sizeof *h->model.layers);
  h->tensors = calloc((size_t)m->shape.layers * m->plan->count, sizeof *h->tensors);
  if (h->model.layers == NULL || h->tensors == NULL)
    return pv_error_nomem(err, "the experts of a device");
  for (uint32_t layer = 0; layer < m->shape.layers; layer++)
    for (size_t row = 0; row < m->plan->count; row++) {
      const pv_gguf_tensor *t = m->layers[layer].weight[row];
      if (t == NULL || !by_expert(e, row)) continue;
      h->tensors[count] = part_of(t, m->shape.experts, h);
      h->model.layers[layer].weight[row] = &h->tensors[count++];
    }
  return PV_OK;
}

/* Room of the host: for each slot, and for the longest rows that go or come. */
static pv_code make_lists(experts *e, pv_error *err) {
  const pv_model *m = e->base.model;
  const size_t slots = e->base.config.batch * m->shape.used;
  size_t most = 0;
  for (size_t row = 0; row < m->plan->count; row++) {
    const size_t part = pv_plan_part(m->plan, row, &m->shape);
    if (pv_plan_is_layered(m->plan, row) && part > most) most = part;
  }
  e->chosen = calloc(slots, sizeof *e->chosen);
  e->slot = calloc(slots, sizeof *e->slot);
  e->row = calloc(slots, sizeof *e->row);
  e->local = calloc(slots, sizeof *e->local);
  e->place = calloc(slots, sizeof *e->place);
  e->rows = calloc(slots * most + sizeof(pv_cuda_step) / sizeof(uint32_t), sizeof(uint32_t));
  if (e->chosen == NULL || e->slot == NULL || e->row == NULL || e->local == NULL ||
      e->place == NULL || e->rows == NULL)
    return pv_error_nomem(err, "the slots of experts");
  return PV_OK;
}

/* The first device is the home's, too: each leaves the other what it needs. */
static pv_code open_memory(experts *e, pv_error *err) {
  pv_gpu_backend *first = e->holder[0].gpu;
  pv_code code = pv_gpu_memory_least(first, &e->home->reserved, err);
  if (code == PV_OK) code = pv_gpu_memory_open(e->home, err);
  first->reserved = e->home->bytes;
  for (size_t i = 0; i < e->count && code == PV_OK; i++)
    code = pv_gpu_memory_open(e->holder[i].gpu, err);
  return code;
}

/* There and back. */
static pv_code open_ways(experts *e, pv_error *err) {
  pv_code code = PV_OK;
  for (size_t i = 0; i < e->count && code == PV_OK; i++) {
    code = pv_gpu_open_way(e->holder[i].gpu, e->home, e->rows, err);
    if (code == PV_OK) code = pv_gpu_open_way(e->home, e->holder[i].gpu, e->rows, err);
  }
  return code;
}

/* Where the numbers of experts do not come out even the first device, which has all else, has
 * fewer.
 */
static pv_code open_parts(experts *e, const pv_gpu_ops *device, const pv_backend_ops *ops,
                          const pv_devices *devices, pv_error *err) {
  const pv_shape *s = &e->base.model->shape;
  pv_backend_config config = e->base.config;
  pv_gpu_part part = {device, devices->number[0], 0, s->layers, PV_GPU_HOME_ROWS, 1};
  pv_code code = make_home_model(e, err);
  if (code == PV_OK) code = make_lists(e, err);
  if (code == PV_OK) code = pv_gpu_make_part(&part, ops, &e->model, &config, &e->home, err);
  config.batch *= s->used;
  part.rows = PV_GPU_EXPERT_ROWS;
  part.fan = s->used;
  for (; e->count < devices->count && code == PV_OK; e->count++) {
    holder *h = &e->holder[e->count];
    h->first = (uint32_t)(e->count * s->experts / devices->count);
    h->end = (uint32_t)((e->count + 1) * s->experts / devices->count);
    e->member[e->count] =
        (member){{&e->member_ops, e->base.model, e->base.config, sizeof(float)}, e, e->count};
    part.number = devices->number[e->count];
    code = make_holder_model(e, h, err);
    if (code == PV_OK) code = pv_gpu_make_part(&part, ops, &h->model, &config, &h->gpu, err);
  }
  if (code == PV_OK) code = open_memory(e, err);
  return code == PV_OK ? open_ways(e, err) : code;
}

static pv_code check_model(const pv_model *m, const pv_devices *devices, pv_error *err) {
  if (!pv_plan_has_experts(m->plan)) {
    pv_error_set(err, PV_ERR_INPUT, "the model has no experts to be placed on devices");
    pv_error_hint(err, "leave out /experts: then its layers are");
    return PV_ERR_INPUT;
  }
  if (devices->count > m->shape.experts) {
    pv_error_set(err, PV_ERR_INPUT, "%zu devices for %u experts: each has one at least",
                 devices->count, m->shape.experts);
    pv_error_hint(err, "name fewer devices");
    return PV_ERR_INPUT;
  }
  return PV_OK;
}

pv_code pv_experts_open(const pv_gpu_ops *device, const pv_backend_ops *ops,
                        const pv_devices *devices, const pv_model *model,
                        const pv_backend_config *config, pv_backend **out, pv_error *err) {
  pv_code code = check_model(model, devices, err);
  if (code != PV_OK) return code;
  experts *e = calloc(1, sizeof *e);
  if (e == NULL) return pv_error_nomem(err, "several devices");
  e->ops = (pv_backend_ops){.name = ops->name,
                            .close = experts_close,
                            .begin = experts_begin,
                            .run = experts_run,
                            .read = experts_read,
                            .memory = experts_memory,
                            .device = experts_device,
                            .part = experts_part};
  e->member_ops =
      (pv_backend_ops){.name = ops->name, .memory = member_memory, .device = member_device};
  e->base = (pv_backend){&e->ops, model, *config, sizeof(float)};
  code = open_parts(e, device, ops, devices, err);
  if (code == PV_OK)
    *out = &e->base;
  else
    experts_close(&e->base);
  return code;
}
