/* F32: float32. */
#ifndef PV_QUANT_TYPE_F32_H
#define PV_QUANT_TYPE_F32_H

#include "kernels/quant/type.h"

typedef float pv_block_f32;

PV_ARITH float pv_f32_value(const pv_block_f32 *b) {
  return *b;
}

#endif

PV_PLAIN_ROW(F32, f32, 0)
