/* What rows are rounded to for a product, of whatever no kernel rounds that makes it. Reference:
 * round of kernels/cpu. */
#ifndef PV_CUDA_ROUND_H
#define PV_CUDA_ROUND_H

#include "kernels/cuda/args.h"

typedef struct pv_cuda_round {
  pv_cuda_acts acts;
  float max;
  uint32_t whole; /* in blocks of 256; 0: of 32 */
} pv_cuda_round;
PV_LAYOUT(pv_cuda_round, 56, whole, 52);

#endif

PV_KERNEL(round_rows, pv_cuda_round, PV_GRID(pv_cuda_parts(a->acts.k, PV_CUDA_BLOCK), rows, 1),
          PV_CUDA_BLOCK, 0, "round", a->acts.k > 0, PV_WRITES_ACTS(pv_cuda_round, acts))
