/* Per-head RMSNorm of q and k, RoPE, and the append of k and v to the cache; a warp works on a
 * head. Without a weight heads are turned as they are; without KV heads nothing is appended.
 * Reference: rmsnorm, rope and rope_neighbours of kernels/cpu. */
#ifndef PV_CUDA_HEADS_H
#define PV_CUDA_HEADS_H

#include "kernels/cuda/args.h"

typedef struct pv_cuda_heads {
  PV_DEVICE(const float) q;
  PV_DEVICE(const float) k;
  PV_DEVICE(const float) v;
  PV_DEVICE(const float) q_weight; /* 0: no norm */
  PV_DEVICE(const float) k_weight;
  PV_DEVICE(float) q_out;
  PV_DEVICE(float) k_out;
  PV_DEVICE(float) keys; /* of the layer: rows of kv_heads * dim */
  PV_DEVICE(float) values;
  PV_DEVICE(const float) cos;
  PV_DEVICE(const float) sin;
  PV_DEVICE(const pv_cuda_step) step;
  uint32_t heads, kv_heads, dim;
  float eps;
  uint32_t neighbours; /* pairs are 2 i and 2 i + 1, else i and i + dim / 2 */
} pv_cuda_heads;
PV_LAYOUT(pv_cuda_heads, 120, neighbours, 112);

#endif

PV_KERNEL(heads, pv_cuda_heads,
          PV_GRID(pv_cuda_parts(a->heads + a->kv_heads, PV_CUDA_WARPS), rows, 1), PV_CUDA_BLOCK, 0,
          "rmsnorm, rope", a->dim % 2 == 0 && a->dim <= PV_HEAD_DIM_MAX,
          PV_WRITES(pv_cuda_heads, q_out), PV_WRITES(pv_cuda_heads, k_out),
          PV_WRITES(pv_cuda_heads, keys), PV_WRITES(pv_cuda_heads, values))
