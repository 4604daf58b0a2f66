/* Matrix-vector products of identity f32-f64acc, a kernel for each type: its name, as the list of
 * types has it, and _gemv_f64acc. Reference: mm of kernels/cpu. */
#ifndef PV_CUDA_GEMV_F64ACC_H
#define PV_CUDA_GEMV_F64ACC_H

#include "kernels/cuda/gemv.h"

#endif

/* rows: of the output; one job */
#undef PV_PLAIN_ROW
#undef PV_TYPE_ROW
#define PV_PLAIN_ROW(NAME, name, number) PV_TYPE_ROW(NAME, name)
#define PV_TYPE_ROW(NAME, name, ...)                                                           \
  PV_KERNEL_IN("gemv_f64acc.h", name##_gemv_f64acc, pv_cuda_gemv,                              \
               PV_GRID(pv_cuda_parts(a->job[0].rows.count, PV_CUDA_WARPS), rows, 1),           \
               PV_CUDA_BLOCK, 0, "mm",                                                         \
               a->jobs == 1 && a->job[0].rows.type == PV_TYPE_##NAME && a->acts.k <= PV_K_MAX, \
               PV_WRITES(pv_cuda_gemv, job[0].out))
#include "kernels/quant/list.h"
#undef PV_PLAIN_ROW
#undef PV_TYPE_ROW
#define PV_PLAIN_ROW(...)
#define PV_TYPE_ROW(...)
