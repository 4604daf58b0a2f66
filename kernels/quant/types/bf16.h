/* BF16: bfloat16: the upper half of a float32. */
#ifndef PV_QUANT_TYPE_BF16_H
#define PV_QUANT_TYPE_BF16_H

#include "kernels/quant/type.h"

typedef uint16_t pv_block_bf16;

PV_ARITH float pv_bf16_value(const pv_block_bf16 *b) {
  return pv_f32_bits((uint32_t)*b << 16);
}

#endif

PV_PLAIN_ROW(BF16, bf16, 30)
