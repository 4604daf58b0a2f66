/* Q5_0: d (n - 16), n of five bits. */
#ifndef PV_QUANT_TYPE_Q5_0_H
#define PV_QUANT_TYPE_Q5_0_H

#include "kernels/quant/type.h"

typedef struct pv_block_q5_0 {
  uint16_t d;
  uint8_t high[4]; /* bit i: fifth bit of weight i */
  uint8_t q[16];   /* weights 0..15 in the low nibbles, 16..31 in the high ones */
} pv_block_q5_0;
static_assert(sizeof(pv_block_q5_0) == 22 && offsetof(pv_block_q5_0, high) == 2 &&
                  offsetof(pv_block_q5_0, q) == 6,
              "Q5_0 block");

PV_ARITH uint32_t pv_q5_0_four(const pv_block_q5_0 *b, unsigned s, unsigned t) {
  const uint32_t low = pv_nibbles(pv_word(b->q + 4 * (t % 4)), t / 4 * 4);
  (void)s;
  return pv_bytes_less(low | pv_fifth_bits(pv_word(b->high) >> 4 * t & 15u), 16);
}

PV_ARITH pv_scales pv_q5_0_scales(const pv_block_q5_0 *b, unsigned s) {
  const pv_scales out = {pv_half_f32(b->d), 0.0f, {1, 1}, {0, 0}};
  (void)s;
  return out;
}

#ifndef __CUDACC__
static inline void pv_q5_0_pack(const int8_t *integers, pv_block_q5_0 *b) {
  int8_t n[32];
  for (unsigned i = 0; i < 32; i++) n[i] = (int8_t)(integers[i] + 16);
  pv_pack_nibbles(n, b->q);
  pv_pack_fifth(n, b->high);
}

static inline void pv_q5_0_set(pv_block_q5_0 *b, float d, float m, const int8_t *sc,
                               const uint8_t *lo) {
  b->d = pv_f32_to_f16(d);
  (void)m;
  (void)sc;
  (void)lo;
}

static inline double pv_q5_0_spec(const uint8_t *b, size_t i) {
  return pv_spec_half(b) * (pv_spec_nibble(b + 6, i) + 16 * pv_spec_bit(b + 2, i) - 16);
}
#endif

#endif

PV_TYPE_ROW(Q5_0, q5_0, 6, 32, PV_FORM_D, -16, 15, 1, 1, 0)
