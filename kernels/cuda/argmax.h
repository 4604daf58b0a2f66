/* Index of the best value by (value, index), in two steps: blocks find the best of their share, one
 * block the best of those. Reference: pv_before of kernels/arith. */
#ifndef PV_CUDA_ARGMAX_H
#define PV_CUDA_ARGMAX_H

#include "kernels/cuda/args.h"

typedef struct pv_cuda_argmax {
  PV_DEVICE(const float) x;
  PV_DEVICE(int32_t) part; /* [row][parts] */
  PV_DEVICE(int32_t) out;
  uint32_t n, parts;
} pv_cuda_argmax;
PV_LAYOUT(pv_cuda_argmax, 32, parts, 28);

enum { PV_ARGMAX_MOST = INT32_MAX }; /* elements: an index is an int32_t */

#endif

PV_KERNEL(argmax_parts, pv_cuda_argmax, PV_GRID(a->parts, rows, 1), PV_CUDA_BLOCK, 0, "argmax",
          a->n > 0 && a->n <= PV_ARGMAX_MOST && a->parts > 0, PV_WRITES(pv_cuda_argmax, part))
PV_KERNEL(argmax, pv_cuda_argmax, PV_GRID(rows, 1, 1), PV_CUDA_BLOCK, 0, "argmax", a->parts > 0,
          PV_WRITES(pv_cuda_argmax, out))
