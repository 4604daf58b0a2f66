/* Rows of keys or values enter the cache, where no kernel does that on the way (heads,
 * attend_step). Reference: the host's driver. */
#ifndef PV_CUDA_APPEND_H
#define PV_CUDA_APPEND_H

#include "kernels/cuda/args.h"

typedef struct pv_cuda_append {
  PV_DEVICE(const float) x; /* rows of n */
  PV_DEVICE(float) cache;   /* of the layer: a row for each position */
  PV_DEVICE(const pv_cuda_step) step;
  uint32_t n;
} pv_cuda_append;
PV_LAYOUT(pv_cuda_append, 32, n, 24);

#endif

PV_KERNEL(append, pv_cuda_append, PV_GRID(pv_cuda_parts(a->n, PV_CUDA_BLOCK), rows, 1),
          PV_CUDA_BLOCK, 0, "append", a->n > 0, PV_WRITES(pv_cuda_append, cache))
