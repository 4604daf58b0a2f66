/* Matrix-vector products of identity f32-f64acc, a kernel for each type (f64acc.cuh). Reference: mm
 * of kernels/cpu. */
#ifndef PV_CUDA_F64ACC_H
#define PV_CUDA_F64ACC_H

#include "kernels/cuda/gemv.h"

#endif

/* rows: of the output; one job */
#define PV_F64ACC(type_)                                                              \
  pv_cuda_gemv, PV_GRID(pv_cuda_parts(a->job[0].rows.count, PV_CUDA_WARPS), rows, 1), \
      PV_CUDA_BLOCK, 0, "mm",                                                         \
      a->jobs == 1 && a->job[0].rows.type == (type_) && a->acts.k <= PV_K_MAX,        \
      PV_WRITES(pv_cuda_gemv, job[0].out)
