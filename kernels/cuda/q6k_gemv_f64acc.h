/* Rows of Q6_K with float32 activations, sums in float64: see f64acc.h. */
#include "kernels/cuda/f64acc.h"

PV_KERNEL(q6k_gemv_f64acc, PV_F64ACC(PV_TYPE_Q6_K))
