#include "kernels/cuda/q4k_gemv_f64acc.h"

#include "kernels/cuda/f64acc.cuh"

PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK) q4k_gemv_f64acc(const pv_cuda_gemv a) {
  begin_kernel();
  gemv_f64acc<PV_TYPE_Q4_K>(a);
}
