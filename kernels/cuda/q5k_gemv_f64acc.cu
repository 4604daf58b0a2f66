/* Rows of Q5_K with float32 activations, sums in float64: see f64acc.cuh. */
#include "kernels/cuda/f64acc.cuh"

PV_KERNEL __launch_bounds__(256) q5k_gemv_f64acc(const pv_cuda_gemv a) {
  begin_kernel();
  gemv_f64acc<PV_Q5_K>(a);
}
