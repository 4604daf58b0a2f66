/* F16: binary16. */
#ifndef PV_QUANT_TYPE_F16_H
#define PV_QUANT_TYPE_F16_H

#include "kernels/quant/type.h"

typedef uint16_t pv_block_f16;

PV_ARITH float pv_f16_value(const pv_block_f16 *b) {
  return pv_half_f32(*b);
}

#endif

PV_PLAIN_ROW(F16, f16, 1)
