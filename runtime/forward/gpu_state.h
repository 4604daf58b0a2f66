/* State of the GPU backend, shared by the files gpu_*.c of this folder. */
#ifndef PV_FORWARD_GPU_STATE_H
#define PV_FORWARD_GPU_STATE_H

#include <stdbool.h>

#include "kernels/cuda/kernels.h"
#include "runtime/forward/backend.h"

typedef struct pv_gpu_layer { /* weights on the device, by row of the plan */
  pv_cuda_rows weight[PV_STAGES_MAX];
} pv_gpu_layer;

/* A decoded position whose stages nobody reads in between is one recorded sequence of launches.
 * There is one for each power of two of attention chunks. */
enum { PV_GPU_BUCKETS = 24, PV_GPU_ARGMAX_PARTS = 256 };

typedef struct pv_gpu_backend {
  pv_backend base;
  pv_gpu *gpu;
  pv_gpu_info info;
  unsigned kernel[PV_GPU_KERNEL_COUNT];
  float max; /* largest rounded activation; 0 for f32-f64acc */
  pv_batch batch;
  /* device addresses */
  uint64_t weights; /* of all tensors */
  pv_gpu_layer once, *layers;
  uint64_t stage[PV_STAGES_MAX], keys, values, cos, sin, step, ids;
  uint64_t top, sum, value; /* of attention chunks */
  uint64_t attend_floats;   /* for which `value` has room, without the factor head_dim */
  pv_cuda_acts plain, expert;
  uint64_t parts;                    /* of argmax */
  uint64_t order, tiles, tile_count; /* slots by expert, see pv_cuda_group */
  uint64_t bytes;
  /* deferred steps of a decoded position */
  bool deferred;
  size_t pending;
  bool has_sequence[PV_GPU_BUCKETS];
  unsigned sequence[PV_GPU_BUCKETS];
  /* of the operation under way */
  uint32_t chunks; /* attention chunks that the launch covers */
  pv_code code;
  pv_error *err;
} pv_gpu_backend;

/* Copies the weights and makes the buffers. Before anything is copied: PV_ERR_NOMEM when the
 * sizes say that they do not fit, PV_ERR_LIMIT when a launch would exceed the device's limits. */
pv_code pv_gpu_memory_open(pv_gpu_backend *b, pv_error *err);

/* Queues the launches of a step. */
pv_code pv_gpu_run_step(pv_gpu_backend *b, const pv_step *step, pv_error *err);

#endif
