/* Which layers of a model stay where memory is limited: the first ones, as many as fit beside room
 * for two more, which are there in turn. */
#ifndef PV_FORWARD_ROOM_H
#define PV_FORWARD_ROOM_H

#include <pthread.h>

#include "runtime/model/model.h"

typedef struct pv_room {
  uint64_t limit; /* bytes that may be held */
  uint64_t other; /* of them for everything but layers */
  const char *of; /* whose memory it is: "the device" */
  const char *cure;
} pv_room;

/* `bytes` has one entry for each of the `count` layers. `*stay` is `count` where all have room.
 * PV_ERR_NOMEM, with the bytes that are needed at least, where not even two have. */
pv_code pv_room_layers(const pv_room *room, const uint64_t *bytes, uint32_t count, uint32_t *stay,
                       pv_error *err);

/* The weights of a layer, or of what is outside the layers (`once`), as they lie in the file. */
uint64_t pv_room_file_bytes(const pv_model *model, bool once, uint32_t layer);
/* Asks the system for them before they are needed; gives them back until somebody reads them
 * again. Weights that are no part of a mapped file stay as they are. */
void pv_room_ask(const pv_model *model, uint32_t layer);
void pv_room_drop(const pv_model *model, uint32_t layer);

/* Giving back takes as long as copying: a thread does it, one layer at a time. Begins as {0}. */
typedef struct pv_room_drops {
  pthread_t thread;
  bool running;
  const pv_model *model;
  uint32_t layer;
} pv_room_drops;
void pv_room_drop_aside(pv_room_drops *drops, const pv_model *model, uint32_t layer);
void pv_room_drops_end(pv_room_drops *drops); /* waits for the last */

#endif
