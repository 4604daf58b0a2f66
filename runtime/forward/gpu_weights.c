/* Weights on the device, in their file form: those that stay, and those of layers that come from
 * the host each time. These have two places in turn: one is filled while the layer in the other is
 * computed. */
#include <stdlib.h>

#include "base/clock.h"
#include "runtime/forward/gpu_state.h"
#include "runtime/forward/room.h"

enum { ALIGNMENT = 256, TAIL = 256 /* kernels read whole words around a row */ };

/* Tensors of the model, one after the other, each at an aligned place, with zeros between them and
 * behind the last. Walked once for the sizes alone: then `b` is NULL. A model with a fault planted
 * has tensors that are in no file. */
typedef struct loading {
  pv_gpu_backend *b;
  pv_code (*copy)(pv_gpu *gpu, uint64_t to, const void *from, uint64_t bytes, pv_error *err);
  uint64_t at;
  pv_code code;
  pv_error *err;
} loading;

static void load_bytes(loading *l, const void *bytes, uint64_t count) {
  if (l->b != NULL && l->code == PV_OK && count > 0)
    l->code = l->copy(l->b->gpu, l->at, bytes, count, l->err);
  l->at += count; /* of tensors that memory holds: no sum overflows */
}

static const unsigned char zeros[ALIGNMENT > TAIL ? ALIGNMENT : TAIL];

static uint64_t load(loading *l, const pv_gguf_tensor *t) {
  const uint64_t place = l->at, padded = (t->bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  load_bytes(l, t->data, t->bytes);
  load_bytes(l, zeros, padded - t->bytes);
  return place;
}

static pv_cuda_rows load_rows(loading *l, const pv_gguf_tensor *t) {
  return (pv_cuda_rows){load(l, t), t->row_bytes, t->row_bytes * t->dims[1], (uint32_t)t->type,
                        (uint32_t)t->dims[1]};
}

/* The rows of one layer, or of those outside the layers that are computed here. A tied head is
 * there once. */
static void load_layer(loading *l, const pv_gpu_backend *b, bool once, uint32_t layer) {
  const pv_model *m = b->base.model;
  const int embedding = pv_plan_role(m->plan, PV_ROLE_EMBEDDING);
  pv_gpu_layer *to = l->b == NULL ? NULL : once ? &l->b->once : &l->b->layers[layer];
  for (size_t i = 0; i < m->plan->count; i++) {
    if (m->plan->rows[i].weight == NULL || pv_plan_is(m->plan, i, PV_ROW_ONCE) != once) continue;
    if (!pv_gpu_makes(b, i, layer)) continue;
    const pv_gguf_tensor *t = pv_model_weight(m, i, layer);
    const bool same = once && (int)i != embedding && t == m->once.weight[embedding] &&
                      pv_gpu_makes(b, (size_t)embedding, 0);
    if (!same) {
      const pv_cuda_rows rows = load_rows(l, t);
      if (to != NULL) to->weight[i] = rows;
    } else if (to != NULL) {
      to->weight[i] = to->weight[embedding];
    }
  }
}

/* What is on the device is held by the host no longer. */
static void drop_aside(pv_gpu_backend *b, uint32_t layer) {
  pv_room_drop_aside(&b->stream.drops, b->base.model, layer);
}

static void load_staying(loading *l, const pv_gpu_backend *b) {
  load_layer(l, b, true, 0);
  for (uint32_t i = b->first; i < b->stream.first; i++) {
    load_layer(l, b, false, i);
    if (l->b != NULL && b->base.model->memory > 0) drop_aside(l->b, i);
  }
  load_bytes(l, zeros, TAIL);
}

uint64_t pv_gpu_weights_stay(const pv_gpu_backend *b) {
  loading l = {0};
  load_staying(&l, b);
  return l.at;
}

uint64_t pv_gpu_weights_layer(const pv_gpu_backend *b, uint32_t layer) {
  loading l = {0};
  load_layer(&l, b, false, layer);
  return l.at;
}

uint64_t pv_gpu_weights_place(const pv_gpu_backend *b) {
  uint64_t most = 0;
  for (uint32_t i = b->first; i < b->end; i++) {
    const uint64_t bytes = pv_gpu_weights_layer(b, i);
    if (bytes > most) most = bytes;
  }
  return most + TAIL;
}

static pv_code mark(pv_gpu_backend *b, pv_gpu_queue queue, unsigned place, pv_error *err) {
  return b->gpu->ops->mark != NULL ? b->gpu->ops->mark(b->gpu, queue, place, err) : PV_OK;
}

static pv_code await(pv_gpu_backend *b, pv_gpu_queue queue, unsigned place, pv_error *err) {
  return b->gpu->ops->await != NULL ? b->gpu->ops->await(b->gpu, queue, place, err) : PV_OK;
}

/* Sends a layer to the place whose turn it is, when what was computed with it has ended. */
static pv_code send_layer(pv_gpu_backend *b, uint32_t layer, pv_error *err) {
  pv_gpu_stream *s = &b->stream;
  const unsigned turn = s->turn;
  const double start = pv_clock_now();
  pv_gpu_place *place = &s->place[turn];
  loading l = {b, b->gpu->ops->send != NULL ? b->gpu->ops->send : b->gpu->ops->upload, place->at,
               PV_OK, err};
  place->full = false;
  if (layer + 1 < b->end) pv_room_ask(b->base.model, layer + 1);
  pv_code code = await(b, PV_GPU_SENDING, turn, err);
  if (code != PV_OK) return code;
  load_layer(&l, b, false, layer);
  load_bytes(&l, zeros, TAIL);
  code = l.code == PV_OK ? mark(b, PV_GPU_SENDING, turn, err) : l.code;
  if (code != PV_OK) return code;
  if (b->base.model->memory > 0) drop_aside(b, layer);
  *place = (pv_gpu_place){place->at, layer, true, false};
  s->turn = (turn + 1) % PV_GPU_PLACES;
  s->sent += l.at - place->at;
  s->seconds += pv_clock_now() - start;
  return PV_OK;
}

static int place_of(const pv_gpu_stream *s, uint32_t layer) {
  for (int i = 0; i < PV_GPU_PLACES; i++)
    if (s->place[i].full && s->place[i].layer == layer) return i;
  return -1;
}

/* What is queued from the place in use has been queued. */
static pv_code leave_place(pv_gpu_backend *b, pv_error *err) {
  pv_gpu_stream *s = &b->stream;
  if (!s->in_use) return PV_OK;
  s->in_use = false;
  s->turn = (s->used + 1) % PV_GPU_PLACES;
  return mark(b, PV_GPU_COMPUTING, s->used, err);
}

pv_code pv_gpu_weights_enter(pv_gpu_backend *b, uint32_t layer, pv_error *err) {
  pv_gpu_stream *s = &b->stream;
  pv_code code = PV_OK;
  if (layer < s->first) return PV_OK;
  if (s->in_use && s->place[s->used].layer == layer) return PV_OK;
  code = leave_place(b, err); /* somebody began anew in the middle of a forward */
  if (code == PV_OK && place_of(s, layer) < 0) code = send_layer(b, layer, err);
  if (code != PV_OK) return code;
  s->used = (unsigned)place_of(s, layer);
  s->in_use = true;
  if (s->place[s->used].awaited) return PV_OK;
  s->place[s->used].awaited = true;
  b->apart = true;
  return await(b, PV_GPU_COMPUTING, s->used, err);
}

pv_code pv_gpu_weights_leave(pv_gpu_backend *b, uint32_t layer, pv_error *err) {
  pv_gpu_stream *s = &b->stream;
  if (layer < s->first) return PV_OK;
  const uint32_t next = layer + 1 < b->end ? layer + 1 : s->first;
  const pv_code code = leave_place(b, err);
  return code == PV_OK && place_of(s, next) < 0 ? send_layer(b, next, err) : code;
}

pv_code pv_gpu_weights_open(pv_gpu_backend *b, pv_error *err) {
  loading l = {b, b->gpu->ops->upload, b->weights, PV_OK, err};
  b->layers = calloc(b->base.model->shape.layers, sizeof *b->layers);
  if (b->layers == NULL)
    return pv_error_set(err, PV_ERR_NOMEM, "out of memory for the GPU backend");
  const double start = pv_clock_now();
  load_staying(&l, b);
  if (l.code == PV_OK) l.code = b->gpu->ops->finish(b->gpu, err);
  b->load_s = pv_clock_now() - start;
  b->loaded = l.at - b->weights;
  if (l.code == PV_OK && b->stream.first < b->end) l.code = send_layer(b, b->stream.first, err);
  return l.code;
}
