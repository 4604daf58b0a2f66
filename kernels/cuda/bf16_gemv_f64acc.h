/* Rows of BF16 with float32 activations, sums in float64: see f64acc.h. */
#include "kernels/cuda/f64acc.h"

PV_KERNEL(bf16_gemv_f64acc, PV_F64ACC(PV_TYPE_BF16))
