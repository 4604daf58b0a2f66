/* State of the GPU backend, shared by the files gpu_*.c of this folder. */
#ifndef PV_FORWARD_GPU_STATE_H
#define PV_FORWARD_GPU_STATE_H

#include <stdbool.h>

#include "kernels/cuda/kernels.h"
#include "runtime/forward/backend.h"
#include "runtime/forward/gpu_cover.h"
#include "runtime/forward/room.h"

typedef struct pv_gpu_layer { /* weights on the device, by row of the plan */
  pv_cuda_rows weight[PV_STAGES_MAX];
} pv_gpu_layer;

/* Where a layer lies that does not stay. */
typedef struct pv_gpu_place {
  uint64_t at; /* device address */
  uint32_t layer;
  bool full;    /* it was sent there, */
  bool awaited; /* and what is computed waits for that */
} pv_gpu_place;

enum { PV_GPU_PLACES = 2 };

typedef struct pv_gpu_stream {
  pv_room_drops drops; /* of the host's mapped file */
  uint32_t first; /* layers from here on come from the host each time; the backend's end: none */
  pv_gpu_place place[PV_GPU_PLACES];
  unsigned turn, used; /* places: to be filled next; of what is computed, if `in_use` */
  bool in_use;
  uint64_t sent;  /* bytes so far, */
  double seconds; /* that the host was busy with */
} pv_gpu_stream;

typedef struct pv_gpu_angles { /* of each position: tables of head_dim / 2 */
  uint64_t cos, sin;
} pv_gpu_angles;

/* A decoded position whose stages nobody reads in between is one recorded sequence of launches.
 * There is one for each power of two of attention chunks. */
enum { PV_GPU_BUCKETS = 24, PV_GPU_ARGMAX_PARTS = 256 };

typedef struct pv_gpu_metered { /* launches since somebody asked what they take */
  const pv_meter *meter;        /* NULL: nobody does */
  pv_meter_part *parts; /* without their times; number i is between stamps 2 i + 1 and 2 i + 2 */
  size_t count, room;
  uint64_t done; /* rows of the plan, of the layer and batch under way, that a part stands for */
} pv_gpu_metered;

/* Which rows of its layers a backend makes: all, or, where experts are on several devices, those
 * that are not by expert, or those that are. */
typedef enum pv_gpu_rows { PV_GPU_ALL_ROWS, PV_GPU_HOME_ROWS, PV_GPU_EXPERT_ROWS } pv_gpu_rows;

typedef struct pv_gpu_backend {
  pv_backend base;
  pv_gpu *gpu;
  pv_gpu_info info;
  unsigned kernel[PV_GPU_KERNEL_COUNT];
  float max; /* largest rounded activation; 0 for f32-f64acc */
  pv_batch batch;
  pv_gpu_cover cover;
  uint32_t first, end; /* layers that are computed here, */
  pv_gpu_rows rows;    /* and what of them */
  size_t fan;          /* rows here for each of those that they are made from elsewhere */
  uint64_t reserved;   /* bytes of the device for another backend on it */
  pv_gpu_stream stream;
  bool apart; /* the next launch begins when all before it has ended */
  /* device addresses */
  uint64_t weights; /* of all tensors that stay */
  pv_gpu_layer once, *layers;
  uint64_t stage[PV_STAGES_MAX], keys, values, step, ids;
  pv_gpu_angles angles[2];           /* the second of sliding layers, where they have their own */
  uint64_t top, sum, value;          /* of attention chunks */
  uint64_t attend_floats;            /* for which `value` has room, without the factor head_dim */
  pv_cuda_acts acts[PV_STAGES_MAX];  /* of rows that products take */
  bool whole[PV_STAGES_MAX];         /* these are rounded in blocks of 256 now, else of 32 */
  uint64_t parts;                    /* of argmax */
  uint64_t order, tiles, tile_count; /* slots by expert, see pv_cuda_group */
  uint64_t guests;                   /* rows that another device has made, not yet in order */
  uint64_t bytes;
  uint64_t loaded; /* bytes of weights, */
  double load_s;   /* whose copy took so long */
  /* deferred steps of a decoded position */
  bool deferred;
  size_t pending;
  bool has_sequence[PV_GPU_BUCKETS];
  unsigned sequence[PV_GPU_BUCKETS];
  /* of the operation under way */
  uint32_t chunks; /* attention chunks that a launch covers without a window */
  uint32_t layer;
  pv_gpu_metered metered;
  pv_code code;
  pv_error *err;
} pv_gpu_backend;

/* A device, and the layers that are computed there. */
typedef struct pv_gpu_part {
  const pv_gpu_ops *device;
  unsigned number;
  uint32_t first, end;
  pv_gpu_rows rows;
  size_t fan;
} pv_gpu_part;

/* A backend of a part without its memory (pv_gpu_memory_open), and with it. */
pv_code pv_gpu_make_part(const pv_gpu_part *part, const pv_backend_ops *ops, const pv_model *model,
                         const pv_backend_config *config, pv_gpu_backend **out, pv_error *err);
pv_code pv_gpu_open_part(const pv_gpu_part *part, const pv_backend_ops *ops, const pv_model *model,
                         const pv_backend_config *config, pv_gpu_backend **out, pv_error *err);
/* As pv_plan_next, of the steps that are computed here. */
bool pv_gpu_next(const pv_gpu_backend *b, pv_step *step);

/* A backend on a device; `ops` is what it answers to. */
pv_code pv_gpu_open(const pv_gpu_ops *device, const pv_backend_ops *ops, const pv_model *model,
                    const pv_backend_config *config, pv_backend **out, pv_error *err);

/* Copies the weights and makes the buffers. Before anything is copied: PV_ERR_NOMEM when the
 * sizes say that they do not fit, PV_ERR_LIMIT when a launch would exceed the device's limits. */
pv_code pv_gpu_memory_open(pv_gpu_backend *b, pv_error *err);
/* Bytes without which it does not open: those of two layers, and of all that is beside them. */
pv_code pv_gpu_memory_least(pv_gpu_backend *b, uint64_t *out, pv_error *err);
/* Whether the rows of a stage have room here: they are made here, or taken. */
bool pv_gpu_has(const pv_gpu_backend *b, size_t row);

/* Whether a row of the plan is computed here, in that layer if it is in one: what is outside the
 * layers by who has the first of them, or the last. */
bool pv_gpu_makes(const pv_gpu_backend *b, size_t row, uint32_t layer);

/* Bytes of the weights that stay, of a layer, and of a place for any layer. */
uint64_t pv_gpu_weights_stay(const pv_gpu_backend *b);
uint64_t pv_gpu_weights_layer(const pv_gpu_backend *b, uint32_t layer);
uint64_t pv_gpu_weights_place(const pv_gpu_backend *b);
/* Copies what stays and the first layer that does not. */
pv_code pv_gpu_weights_open(pv_gpu_backend *b, pv_error *err);
/* Before the launches of a layer, and behind the last of them: then the next layer is sent. */
pv_code pv_gpu_weights_enter(pv_gpu_backend *b, uint32_t layer, pv_error *err);
pv_code pv_gpu_weights_leave(pv_gpu_backend *b, uint32_t layer, pv_error *err);

/* Whether no product takes a row in blocks of 32: gemv and down can round it for themselves. */
bool pv_gpu_meets_whole_alone(const pv_gpu_backend *b, size_t row, uint32_t layer);

/* Queues the launches of a step. */
pv_code pv_gpu_run_step(pv_gpu_backend *b, const pv_step *step, pv_error *err);

/* Copies bytes from one backend's device to another's, in order with what is queued on both; `room`
 * of the host has place for them, where they have no way of their own. */
pv_code pv_gpu_copy(pv_gpu_backend *to, uint64_t to_at, pv_gpu_backend *from, uint64_t from_at,
                    uint64_t bytes, void *room, pv_error *err);
/* Before the first batch: then it is known what the way takes (pv_gpu_info.detour). `room` has
 * place for a pv_cuda_step. */
pv_code pv_gpu_open_way(pv_gpu_backend *to, pv_gpu_backend *from, void *room, pv_error *err);
/* Of experts on several devices: row i of a layer's stage is row order[i] (uint32 on the device) of
 * `guests`; the rows of the batch by their experts. */
pv_code pv_gpu_take_guests(pv_gpu_backend *b, size_t row, uint32_t layer, uint64_t order,
                           pv_error *err);
pv_code pv_gpu_group_slots(pv_gpu_backend *b, pv_error *err);
/* What a backend's device and others are together: `all`, of the first ones, gets what the next one
 * adds. Of the same device, or of the same layers, what both have counts once. */
void pv_gpu_info_add(pv_gpu_info *all, const pv_gpu_info *one, bool same_device, bool same_layers);

/* As pv_backend_ops.meter. */
pv_code pv_gpu_meter(pv_backend *backend, const pv_meter *meter, pv_error *err);
/* Of a batch whose launches are measured, before the first of them. */
pv_code pv_gpu_meter_begin(pv_gpu_backend *b, pv_error *err);
/* Of such a launch: before it and, where it was queued, behind it. */
void pv_gpu_meter_before(pv_gpu_backend *b, const pv_kernel *kernel, const void *args);
void pv_gpu_meter_behind(pv_gpu_backend *b);

/* Whether the device has all kernels; else those of single operations, and which it takes. */
bool pv_gpu_fuses(const pv_gpu_backend *b);
bool pv_gpu_takes(const pv_gpu_backend *b, pv_gpu_kernel kernel, const void *args, size_t rows);

/* What launches are made of. Their errors stay in `b->code`. */

/* `rows` as the kernel's header says. */
void pv_gpu_start(pv_gpu_backend *b, pv_gpu_kernel kernel, size_t rows, const void *args);
pv_cuda_rows pv_gpu_weight(const pv_gpu_backend *b, size_t row, uint32_t layer);
/* Where input `k` of a row is. */
uint64_t pv_gpu_input(const pv_gpu_backend *b, size_t row, size_t k, uint32_t layer);
/* A row, with room for its rounded form where products take that; `share` as in pv_cuda_acts. */
pv_cuda_acts pv_gpu_acts(const pv_gpu_backend *b, size_t row, size_t share);
/* The same for a kernel that makes the row, and rounds it where there is room. */
pv_cuda_acts pv_gpu_acts_made(const pv_gpu_backend *b, size_t row, uint32_t layer);
/* Rows of the batch that a row of the plan has, or slots by expert. */
size_t pv_gpu_slots(const pv_gpu_backend *b, size_t row);
/* `n` elements of two rows, added up. */
void pv_gpu_add(pv_gpu_backend *b, uint64_t left, uint64_t right, uint64_t out, uint64_t n);

/* More shared memory of a block needs a device that allows it; then a batch is computed in more
 * launches instead. */
enum { PV_GPU_SHARED_MAX = 48 << 10 };
/* Integer matrix products pay for a batch of this many rows; gemv reads the weights once a row. */
enum { PV_GPU_GEMM_ROWS = 8 };
/* Whether products of `batch` rows are made by the kernels that norm, route or combine on the way,
 * as far as it is theirs to say. */
bool pv_gpu_takes_gemv(const pv_gpu_backend *b, const pv_cuda_gemv *a, size_t batch);
/* Whether their kernels make the activations, as a->norm says: of those that take them so rounded.
 */
bool pv_gpu_takes_own(const pv_gpu_backend *b, const pv_cuda_gemv *a, size_t rows);
/* Products of `a->jobs` matrices with row `in`, one row of each output for each of `rows`, in as
 * many launches as the ways they take it rounded need; a sum with the first where there is no
 * other. */
void pv_gpu_products(pv_gpu_backend *b, const pv_cuda_gemv *a, size_t in, size_t rows);
/* Whether the products that take a row meet it in blocks of 256. */
bool pv_gpu_meets_whole(const pv_gpu_backend *b, size_t row, uint32_t layer);
/* Rounds a row anew if products are to take it in other blocks than it is rounded in. */
void pv_gpu_round_as(pv_gpu_backend *b, size_t row, bool whole);

/* Queries and keys together, with the append; of one position also most of its attention. */
void pv_gpu_heads(pv_gpu_backend *b, uint32_t layer);
void pv_gpu_attend(pv_gpu_backend *b, uint32_t layer);
/* The heads of one row. */
void pv_gpu_turn(pv_gpu_backend *b, size_t row, uint32_t layer);
/* A row enters the cache. */
void pv_gpu_append(pv_gpu_backend *b, size_t row, uint32_t layer);

#endif
