#include "runtime/forward/room.h"

pv_code pv_room_layers(const pv_room *room, const uint64_t *bytes, uint32_t count, uint32_t *stay,
                       pv_error *err) {
  uint64_t most = 0, all = 0; /* of bytes that memory or a file holds: no sum overflows */
  for (uint32_t i = 0; i < count; i++) {
    all += bytes[i];
    if (bytes[i] > most) most = bytes[i];
  }
  *stay = count;
  if (room->other + all <= room->limit) return PV_OK;
  uint64_t held = room->other + 2 * most;
  if (held > room->limit) {
    pv_error_set(err, PV_ERR_NOMEM,
                 "%llu bytes of %s are needed at least, and %llu may be held: 2 layers of %llu "
                 "bytes, and %llu beside the layers",
                 (unsigned long long)held, room->of, (unsigned long long)room->limit,
                 (unsigned long long)most, (unsigned long long)room->other);
    pv_error_hint(err, "%s", room->cure);
    return PV_ERR_NOMEM;
  }
  for (*stay = 0; held + bytes[*stay] <= room->limit; (*stay)++) held += bytes[*stay];
  return PV_OK;
}

uint64_t pv_room_file_bytes(const pv_model *model, bool once, uint32_t layer) {
  const pv_layer *of = once ? &model->once : &model->layers[layer];
  uint64_t bytes = 0;
  for (size_t i = 0; i < model->plan->count; i++) {
    bool twice = of->weight[i] == NULL; /* a tied head is there once */
    for (size_t k = 0; k < i && !twice; k++) twice = of->weight[k] == of->weight[i];
    if (!twice) bytes += of->weight[i]->bytes;
  }
  return bytes;
}

void pv_room_ask(const pv_model *model, uint32_t layer) {
  for (size_t i = 0; i < model->plan->count && model->gguf != NULL; i++)
    if (model->layers[layer].weight[i] != NULL)
      pv_gguf_ask(model->gguf, model->layers[layer].weight[i]);
}

void pv_room_drop(const pv_model *model, uint32_t layer) {
  for (size_t i = 0; i < model->plan->count && model->gguf != NULL; i++)
    if (model->layers[layer].weight[i] != NULL)
      pv_gguf_drop(model->gguf, model->layers[layer].weight[i]);
}

static void *drop(void *context) {
  const pv_room_drops *d = context;
  pv_room_drop(d->model, d->layer);
  return NULL;
}

void pv_room_drop_aside(pv_room_drops *d, const pv_model *model, uint32_t layer) {
  pv_room_drops_end(d);
  d->model = model;
  d->layer = layer;
  d->running = pthread_create(&d->thread, NULL, drop, d) == 0;
  if (!d->running) pv_room_drop(model, layer);
}

void pv_room_drops_end(pv_room_drops *d) {
  if (d->running) pthread_join(d->thread, NULL);
  d->running = false;
}
