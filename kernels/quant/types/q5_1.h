/* Q5_1: d n + m, n of five bits. */
#ifndef PV_QUANT_TYPE_Q5_1_H
#define PV_QUANT_TYPE_Q5_1_H

#include "kernels/quant/type.h"

typedef struct pv_block_q5_1 {
  uint16_t d, m;
  uint8_t high[4]; /* bit i: fifth bit of weight i */
  uint8_t q[16];   /* weights 0..15 in the low nibbles, 16..31 in the high ones */
} pv_block_q5_1;
static_assert(sizeof(pv_block_q5_1) == 24 && offsetof(pv_block_q5_1, m) == 2 &&
                  offsetof(pv_block_q5_1, high) == 4 && offsetof(pv_block_q5_1, q) == 8,
              "Q5_1 block");

PV_ARITH uint32_t pv_q5_1_four(const pv_block_q5_1 *b, unsigned s, unsigned t) {
  const uint32_t low = pv_nibbles(pv_word(b->q + 4 * (t % 4)), t / 4 * 4);
  (void)s;
  return low | pv_fifth_bits(pv_word(b->high) >> 4 * t & 15u);
}

PV_ARITH pv_scales pv_q5_1_scales(const pv_block_q5_1 *b, unsigned s) {
  const pv_scales out = {pv_half_f32(b->d), pv_half_f32(b->m), {1, 1}, {1, 1}};
  (void)s;
  return out;
}

#ifndef __CUDACC__
static inline void pv_q5_1_pack(const int8_t *integers, pv_block_q5_1 *b) {
  pv_pack_nibbles(integers, b->q);
  pv_pack_fifth(integers, b->high);
}

static inline void pv_q5_1_set(pv_block_q5_1 *b, float d, float m, const int8_t *sc,
                               const uint8_t *lo) {
  b->d = pv_f32_to_f16(d);
  b->m = pv_f32_to_f16(m);
  (void)sc;
  (void)lo;
}

static inline double pv_q5_1_spec(const uint8_t *b, size_t i) {
  return pv_spec_half(b) * (pv_spec_nibble(b + 8, i) + 16 * pv_spec_bit(b + 4, i)) +
         pv_spec_half(b + 2);
}
#endif

#endif

PV_TYPE_ROW(Q5_1, q5_1, 7, 32, PV_FORM_D_M, 0, 31, 1, 1, 1)
