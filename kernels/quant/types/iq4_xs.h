/* IQ4_XS: d (sc - 32) v, v as IQ4_NL has them, sc of six bits for each 32 weights. */
#ifndef PV_QUANT_TYPE_IQ4_XS_H
#define PV_QUANT_TYPE_IQ4_XS_H

#include "kernels/quant/type.h"

typedef struct pv_block_iq4_xs {
  uint16_t d, high; /* bits 2 j and 2 j + 1: the upper bits of sc j */
  uint8_t low[4];   /* nibble j: its lower ones */
  uint8_t q[128];   /* per 32 weights: 16 bytes, low nibbles first 16, high nibbles next 16 */
} pv_block_iq4_xs;
static_assert(sizeof(pv_block_iq4_xs) == 136 && offsetof(pv_block_iq4_xs, high) == 2 &&
                  offsetof(pv_block_iq4_xs, low) == 4 && offsetof(pv_block_iq4_xs, q) == 8,
              "IQ4_XS block");

PV_ARITH uint32_t pv_iq4_xs_four(const pv_block_iq4_xs *b, unsigned s, unsigned t) {
  return pv_lookup(pv_nibbles(pv_word(b->q + 16 * s + 4 * (t % 4)), t / 4 * 4), PV_IQ4_TABLE);
}

PV_ARITH pv_scales pv_iq4_xs_scales(const pv_block_iq4_xs *b, unsigned s) {
  const int sc = ((b->low[s / 2] >> s % 2 * 4 & 15) | (b->high >> 2 * s & 3) << 4) - 32;
  const pv_scales out = {pv_half_f32(b->d), 0.0f, {sc, sc}, {0, 0}};
  return out;
}

#ifndef __CUDACC__
static inline void pv_iq4_xs_pack(const int8_t *integers, pv_block_iq4_xs *b) {
  static const uint32_t table[4] = {PV_IQ4_TABLE};
  int8_t n[32];
  for (unsigned s = 0; s < 8; s++) {
    for (unsigned i = 0; i < 32; i++) n[i] = (int8_t)pv_nearest(table, integers[32 * s + i]);
    pv_pack_nibbles(n, b->q + 16 * s);
  }
}

static inline void pv_iq4_xs_set(pv_block_iq4_xs *b, float d, float m, const int8_t *sc,
                                 const uint8_t *lo) {
  b->d = pv_f32_to_f16(d);
  b->high = 0;
  memset(b->low, 0, sizeof b->low);
  for (unsigned j = 0; j < 8; j++) {
    const unsigned n = (unsigned)(sc[j] + 32);
    b->low[j / 2] = (uint8_t)(b->low[j / 2] | (n & 15u) << (j % 2 * 4));
    b->high = (uint16_t)(b->high | (n >> 4) << (2 * j));
  }
  (void)m;
  (void)lo;
}

static inline double pv_iq4_xs_spec(const uint8_t *b, size_t i) {
  const size_t s = i / 32;
  const int sc = (b[4 + s / 2] >> (s % 2 * 4) & 15) + 16 * ((b[2] | b[3] << 8) >> (2 * s) & 3);
  return pv_spec_half(b) * (sc - 32) * pv_spec_iq4(pv_spec_nibble(b + 8 + 16 * s, i % 32));
}
#endif

#endif

PV_TYPE_ROW(IQ4_XS, iq4_xs, 23, 256, PV_FORM_SUB, -127, 113, -32, 31, 0)
