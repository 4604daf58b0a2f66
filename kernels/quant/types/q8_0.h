/* Q8_0: d q, q a signed byte. */
#ifndef PV_QUANT_TYPE_Q8_0_H
#define PV_QUANT_TYPE_Q8_0_H

#include "kernels/quant/type.h"

typedef struct pv_block_q8_0 {
  uint16_t d;
  int8_t q[32];
} pv_block_q8_0;
static_assert(sizeof(pv_block_q8_0) == 34 && offsetof(pv_block_q8_0, q) == 2, "Q8_0 block");

PV_ARITH uint32_t pv_q8_0_four(const pv_block_q8_0 *b, unsigned s, unsigned t) {
  (void)s;
  return pv_word((const uint8_t *)b->q + 4 * t);
}

PV_ARITH pv_scales pv_q8_0_scales(const pv_block_q8_0 *b, unsigned s) {
  const pv_scales out = {pv_half_f32(b->d), 0.0f, {1, 1}, {0, 0}};
  (void)s;
  return out;
}

#ifndef __CUDACC__
static inline void pv_q8_0_pack(const int8_t *integers, pv_block_q8_0 *b) {
  memcpy(b->q, integers, sizeof b->q);
}

static inline void pv_q8_0_set(pv_block_q8_0 *b, float d, float m, const int8_t *sc,
                               const uint8_t *lo) {
  b->d = pv_f32_to_f16(d);
  (void)m;
  (void)sc;
  (void)lo;
}

static inline double pv_q8_0_spec(const uint8_t *b, size_t i) {
  return pv_spec_half(b) * (int8_t)b[2 + i];
}
#endif

#endif

PV_TYPE_ROW(Q8_0, q8_0, 8, 32, PV_FORM_D, -128, 127, 1, 1, 0)
