/* Rows of F16 with float32 activations, sums in float64: see f64acc.h. */
#include "kernels/cuda/f64acc.h"

PV_KERNEL(f16_gemv_f64acc, PV_F64ACC(PV_TYPE_F16))
