/* Q4_1: d n + m, n of four bits. */
#ifndef PV_QUANT_TYPE_Q4_1_H
#define PV_QUANT_TYPE_Q4_1_H

#include "kernels/quant/type.h"

typedef struct pv_block_q4_1 {
  uint16_t d, m;
  uint8_t q[16]; /* weights 0..15 in the low nibbles, 16..31 in the high ones */
} pv_block_q4_1;
static_assert(sizeof(pv_block_q4_1) == 20 && offsetof(pv_block_q4_1, m) == 2 &&
                  offsetof(pv_block_q4_1, q) == 4,
              "Q4_1 block");

PV_ARITH uint32_t pv_q4_1_four(const pv_block_q4_1 *b, unsigned s, unsigned t) {
  (void)s;
  return pv_nibbles(pv_word(b->q + 4 * (t % 4)), t / 4 * 4);
}

PV_ARITH pv_scales pv_q4_1_scales(const pv_block_q4_1 *b, unsigned s) {
  const pv_scales out = {pv_half_f32(b->d), pv_half_f32(b->m), {1, 1}, {1, 1}};
  (void)s;
  return out;
}

#ifndef __CUDACC__
static inline void pv_q4_1_pack(const int8_t *integers, pv_block_q4_1 *b) {
  pv_pack_nibbles(integers, b->q);
}

static inline void pv_q4_1_set(pv_block_q4_1 *b, float d, float m, const int8_t *sc,
                               const uint8_t *lo) {
  b->d = pv_f32_to_f16(d);
  b->m = pv_f32_to_f16(m);
  (void)sc;
  (void)lo;
}

static inline double pv_q4_1_spec(const uint8_t *b, size_t i) {
  return pv_spec_half(b) * pv_spec_nibble(b + 4, i) + pv_spec_half(b + 2);
}
#endif

#endif

PV_TYPE_ROW(Q4_1, q4_1, 3, 32, PV_FORM_D_M, 0, 15, 1, 1, 1)
