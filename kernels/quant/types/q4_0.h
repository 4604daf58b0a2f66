/* Q4_0: d (n - 8), n of four bits. */
#ifndef PV_QUANT_TYPE_Q4_0_H
#define PV_QUANT_TYPE_Q4_0_H

#include "kernels/quant/type.h"

typedef struct pv_block_q4_0 {
  uint16_t d;
  uint8_t q[16]; /* weights 0..15 in the low nibbles, 16..31 in the high ones */
} pv_block_q4_0;
static_assert(sizeof(pv_block_q4_0) == 18 && offsetof(pv_block_q4_0, q) == 2, "Q4_0 block");

PV_ARITH uint32_t pv_q4_0_four(const pv_block_q4_0 *b, unsigned s, unsigned t) {
  (void)s;
  return pv_bytes_less(pv_nibbles(pv_word(b->q + 4 * (t % 4)), t / 4 * 4), 8);
}

PV_ARITH pv_scales pv_q4_0_scales(const pv_block_q4_0 *b, unsigned s) {
  const pv_scales out = {pv_half_f32(b->d), 0.0f, {1, 1}, {0, 0}};
  (void)s;
  return out;
}

#ifndef __CUDACC__
static inline void pv_q4_0_pack(const int8_t *integers, pv_block_q4_0 *b) {
  int8_t n[32];
  for (unsigned i = 0; i < 32; i++) n[i] = (int8_t)(integers[i] + 8);
  pv_pack_nibbles(n, b->q);
}

static inline void pv_q4_0_set(pv_block_q4_0 *b, float d, float m, const int8_t *sc,
                               const uint8_t *lo) {
  b->d = pv_f32_to_f16(d);
  (void)m;
  (void)sc;
  (void)lo;
}

static inline double pv_q4_0_spec(const uint8_t *b, size_t i) {
  return pv_spec_half(b) * (pv_spec_nibble(b + 2, i) - 8);
}
#endif

#endif

PV_TYPE_ROW(Q4_0, q4_0, 2, 32, PV_FORM_D, -8, 7, 1, 1, 0)
