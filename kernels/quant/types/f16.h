/* F16: binary16. */
#ifndef PV_QUANT_TYPE_F16_H
#define PV_QUANT_TYPE_F16_H

#include "kernels/quant/type.h"

typedef uint16_t pv_block_f16;

PV_ARITH float pv_f16_value(const pv_block_f16 *b) {
  return pv_half_f32(*b);
}

#ifndef __CUDACC__
static inline double pv_f16_spec(const uint8_t *b, size_t i) {
  (void)i;
  return pv_spec_half(b);
}
#endif

#endif

PV_PLAIN_ROW(F16, f16, 1)
