/* State of the GPU backend, shared by the files gpu_*.c of this folder. */
#ifndef PV_FORWARD_GPU_STATE_H
#define PV_FORWARD_GPU_STATE_H

#include <stdbool.h>

#include "kernels/arith/act.h"
#include "kernels/cuda/gpu.h"
#include "kernels/cuda/params.h"
#include "runtime/forward/backend.h"

/* X(kernel) */
#define PV_GPU_KERNELS(X)                                                                 \
  X(embed)                                                                                \
  X(rmsnorm)                                                                              \
  X(heads)                                                                                \
  X(attend_1)                                                                             \
  X(attend_4)                                                                             \
  X(attend_8)                                                                             \
  X(attend_combine)                                                                       \
  X(attend_step_1)                                                                        \
  X(attend_step_4)                                                                        \
  X(attend_step_8)                                                                        \
  X(attend_step_combine)                                                                  \
  X(route)                                                                                \
  X(gemv)                                                                                 \
  X(gemm_4) X(gemm_5) X(gemm_6) X(group) X(gate_up) X(down) X(add) X(swiglu) X(combine)   \
      X(argmax_parts) X(argmax) X(f32_gemv_f64acc) X(f16_gemv_f64acc) X(bf16_gemv_f64acc) \
          X(q8_0_gemv_f64acc) X(q4k_gemv_f64acc) X(q5k_gemv_f64acc) X(q6k_gemv_f64acc)
typedef enum pv_gpu_kernel {
#define PV_GPU_ENUM(name) PV_GPU_##name,
  PV_GPU_KERNELS(PV_GPU_ENUM)
#undef PV_GPU_ENUM
      PV_GPU_KERNEL_COUNT
} pv_gpu_kernel;

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

/* Bytes of shared memory for a row of k rounded activations: shared_layout of
 * kernels/cuda/segments.cuh, without the unrounded row. */
static inline size_t pv_gpu_act_shared(size_t k) {
  return (k / PV_SEGMENT + 1) / 2 * 160;
}

/* Copies the weights and makes the buffers. Before anything is copied: PV_ERR_NOMEM when the
 * sizes say that they do not fit, PV_ERR_LIMIT when a launch would exceed the device's limits. */
pv_code pv_gpu_memory_open(pv_gpu_backend *b, pv_error *err);

/* Queues the launches of an operation. */
pv_code pv_gpu_run_op(pv_gpu_backend *b, pv_gpu_op op, uint32_t layer, pv_error *err);

#endif
