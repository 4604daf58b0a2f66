/* F32: float32. */
#ifndef PV_QUANT_TYPE_F32_H
#define PV_QUANT_TYPE_F32_H

#include "kernels/quant/type.h"

typedef float pv_block_f32;

PV_ARITH float pv_f32_value(const pv_block_f32 *b) {
  return *b;
}

#ifndef __CUDACC__
static inline double pv_f32_spec(const uint8_t *b, size_t i) {
  (void)i;
  return (double)pv_f32_bits((uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
                             (uint32_t)b[3] << 24);
}
#endif

#endif

PV_PLAIN_ROW(F32, f32, 0)
