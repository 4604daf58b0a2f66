/* IQ4_NL: d v, v one of sixteen values that lie closer around 0. */
#ifndef PV_QUANT_TYPE_IQ4_NL_H
#define PV_QUANT_TYPE_IQ4_NL_H

#include "kernels/quant/type.h"

typedef struct pv_block_iq4_nl {
  uint16_t d;
  uint8_t q[16]; /* weights 0..15 in the low nibbles, 16..31 in the high ones */
} pv_block_iq4_nl;
static_assert(sizeof(pv_block_iq4_nl) == 18 && offsetof(pv_block_iq4_nl, q) == 2, "IQ4_NL block");

PV_ARITH uint32_t pv_iq4_nl_four(const pv_block_iq4_nl *b, unsigned s, unsigned t) {
  (void)s;
  return pv_lookup(pv_nibbles(pv_word(b->q + 4 * (t % 4)), t / 4 * 4), PV_IQ4_TABLE);
}

PV_ARITH pv_scales pv_iq4_nl_scales(const pv_block_iq4_nl *b, unsigned s) {
  const pv_scales out = {pv_half_f32(b->d), 0.0f, {1, 1}, {0, 0}};
  (void)s;
  return out;
}

#ifndef __CUDACC__
static inline void pv_iq4_nl_pack(const int8_t *integers, pv_block_iq4_nl *b) {
  static const uint32_t table[4] = {PV_IQ4_TABLE};
  int8_t n[32];
  for (unsigned i = 0; i < 32; i++) n[i] = (int8_t)pv_nearest(table, integers[i]);
  pv_pack_nibbles(n, b->q);
}

static inline void pv_iq4_nl_set(pv_block_iq4_nl *b, float d, float m, const int8_t *sc,
                                 const uint8_t *lo) {
  b->d = pv_f32_to_f16(d);
  (void)m;
  (void)sc;
  (void)lo;
}

static inline double pv_iq4_nl_spec(const uint8_t *b, size_t i) {
  return pv_spec_half(b) * pv_spec_iq4(pv_spec_nibble(b + 2, i));
}
#endif

#endif

PV_TYPE_ROW(IQ4_NL, iq4_nl, 20, 32, PV_FORM_D, -127, 113, 1, 1, 0)
