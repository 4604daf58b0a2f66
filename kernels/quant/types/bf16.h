/* BF16: bfloat16: the upper half of a float32. */
#ifndef PV_QUANT_TYPE_BF16_H
#define PV_QUANT_TYPE_BF16_H

#include "kernels/quant/type.h"

typedef uint16_t pv_block_bf16;

PV_ARITH float pv_bf16_value(const pv_block_bf16 *b) {
  return pv_f32_bits((uint32_t)*b << 16);
}

#ifndef __CUDACC__
static inline double pv_bf16_spec(const uint8_t *b, size_t i) {
  (void)i;
  return (double)pv_f32_bits((uint32_t)b[0] << 16 | (uint32_t)b[1] << 24);
}
#endif

#endif

PV_PLAIN_ROW(BF16, bf16, 30)
