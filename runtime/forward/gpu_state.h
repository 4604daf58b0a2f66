/* State of the GPU backend, shared by the files gpu_*.c of this folder. */
#ifndef PV_FORWARD_GPU_STATE_H
#define PV_FORWARD_GPU_STATE_H

#include <stdbool.h>

#include "kernels/cuda/kernels.h"
#include "runtime/forward/backend.h"
#include "runtime/model/arch/qwen3moe.h"

/* What is launched at once for a step of the plan: the steps of PLAN in their order. */
typedef enum pv_gpu_op {
  PV_GPU_OP_EMBED,
  PV_GPU_OP_ATTN_NORM,
  PV_GPU_OP_QKV,
  PV_GPU_OP_HEADS,
  PV_GPU_OP_ATTEND,
  PV_GPU_OP_ATTN_PROJ,
  PV_GPU_OP_FFN_NORM,
  PV_GPU_OP_ROUTE,
  PV_GPU_OP_EXPERTS,
  PV_GPU_OP_DOWN,
  PV_GPU_OP_FINAL_NORM,
  PV_GPU_OP_HEAD
} pv_gpu_op;

typedef struct pv_gpu_layer { /* device addresses of a layer's tensors */
  pv_cuda_rows q, k, v, o, router, gate, up, down;
  uint64_t attn_norm, q_norm, k_norm, ffn_norm;
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
  pv_gpu_layer *layers;
  pv_cuda_rows embedding, head;
  uint64_t final_norm;
  uint64_t stage[PV_STAGES], keys, values, cos, sin, step, ids;
  uint64_t top, sum, value; /* of attention chunks */
  uint64_t attend_floats;   /* for which `value` has room, without the factor head_dim */
  pv_cuda_acts plain, expert;
  uint64_t parts;                    /* of argmax */
  uint64_t order, tiles, tile_count; /* slots by expert, see pv_cuda_group */
  uint64_t bytes;
  /* deferred operations of a decoded position */
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

/* Queues the launches of an operation. */
pv_code pv_gpu_run_op(pv_gpu_backend *b, pv_gpu_op op, uint32_t layer, pv_error *err);

#endif
