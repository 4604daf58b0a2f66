/* MXFP4: 2^(e - 127) v, v of four bits: a sign, two of exponent, one of fraction. The integers are
 * the values doubled, so that d is 2^(e - 128); the two smallest are subnormal, and e = 255 is no
 * NaN. */
#ifndef PV_QUANT_TYPE_MXFP4_H
#define PV_QUANT_TYPE_MXFP4_H

#include "kernels/quant/type.h"

typedef struct pv_block_mxfp4 {
  uint8_t e;
  uint8_t q[16]; /* weights 0..15 in the low nibbles, 16..31 in the high ones */
} pv_block_mxfp4;
static_assert(sizeof(pv_block_mxfp4) == 17 && offsetof(pv_block_mxfp4, q) == 1, "MXFP4 block");

/* 2^(e - 128). */
PV_ARITH float pv_mxfp4_scale(unsigned e) {
  return pv_f32_bits(e < 2 ? 0x00200000u << e : (e - 1) << 23);
}

PV_ARITH uint32_t pv_mxfp4_four(const pv_block_mxfp4 *b, unsigned s, unsigned t) {
  (void)s;
  return pv_lookup(pv_nibbles(pv_word(b->q + 4 * (t % 4)), t / 4 * 4), PV_MXFP4_TABLE);
}

PV_ARITH pv_scales pv_mxfp4_scales(const pv_block_mxfp4 *b, unsigned s) {
  const pv_scales out = {pv_mxfp4_scale(b->e), 0.0f, {1, 1}, {0, 0}};
  (void)s;
  return out;
}

#ifndef __CUDACC__
static inline void pv_mxfp4_pack(const int8_t *integers, pv_block_mxfp4 *b) {
  static const uint32_t table[4] = {PV_MXFP4_TABLE};
  int8_t n[32];
  for (unsigned i = 0; i < 32; i++) n[i] = (int8_t)pv_nearest(table, integers[i]);
  pv_pack_nibbles(n, b->q);
}

/* The smallest power of two that is not below d. */
static inline void pv_mxfp4_set(pv_block_mxfp4 *b, float d, float m, const int8_t *sc,
                                const uint8_t *lo) {
  unsigned e = 0;
  while (e < 255 && pv_mxfp4_scale(e) < d) e++;
  b->e = (uint8_t)e;
  (void)m;
  (void)sc;
  (void)lo;
}

static inline double pv_mxfp4_spec(const uint8_t *b, size_t i) {
  static const double value[] = {0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0};
  const int n = pv_spec_nibble(b + 1, i);
  return ldexp(value[n & 7], b[0] - 127) * ((n & 8) != 0 ? -1 : 1);
}
#endif

#endif

PV_TYPE_ROW(MXFP4, mxfp4, 39, 32, PV_FORM_D, -12, 12, 1, 1, 0)
