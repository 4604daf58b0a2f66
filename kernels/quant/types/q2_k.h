/* Q2_K: d sc n - dmin lo, n of two bits, sc and lo of four for each 16 weights. */
#ifndef PV_QUANT_TYPE_Q2_K_H
#define PV_QUANT_TYPE_Q2_K_H

#include "kernels/quant/type.h"

typedef struct pv_block_q2_k {
  uint8_t scales[16]; /* sc in the low nibble, lo in the high one */
  uint8_t q[64];      /* per 128 weights: 32 bytes, two bits for each 32 */
  uint16_t d, dmin;
} pv_block_q2_k;
static_assert(sizeof(pv_block_q2_k) == 84 && offsetof(pv_block_q2_k, q) == 16 &&
                  offsetof(pv_block_q2_k, d) == 80 && offsetof(pv_block_q2_k, dmin) == 82,
              "Q2_K block");

PV_ARITH uint32_t pv_q2_k_four(const pv_block_q2_k *b, unsigned s, unsigned t) {
  return pv_crumbs(pv_word(b->q + s / 4 * 32 + 4 * t), s % 4 * 2);
}

PV_ARITH pv_scales pv_q2_k_scales(const pv_block_q2_k *b, unsigned s) {
  const unsigned first = b->scales[2 * s], second = b->scales[2 * s + 1];
  const pv_scales out = {pv_half_f32(b->d),
                         pv_half_f32(b->dmin),
                         {(int)(first & 15u), (int)(second & 15u)},
                         {(int)(first >> 4), (int)(second >> 4)}};
  return out;
}

#ifndef __CUDACC__
static inline void pv_q2_k_pack(const int8_t *integers, pv_block_q2_k *b) {
  pv_pack_crumbs(integers, b->q);
}

static inline void pv_q2_k_set(pv_block_q2_k *b, float d, float m, const int8_t *sc,
                               const uint8_t *lo) {
  b->d = pv_f32_to_f16(d);
  b->dmin = pv_f32_to_f16(m);
  for (unsigned j = 0; j < 16; j++) b->scales[j] = (uint8_t)(sc[j] | lo[j] << 4);
}

static inline double pv_q2_k_spec(const uint8_t *b, size_t i) {
  return pv_spec_half(b + 80) * (b[i / 16] & 15) * pv_spec_crumb(b + 16, i) -
         pv_spec_half(b + 82) * (b[i / 16] >> 4);
}
#endif

#endif

PV_TYPE_ROW(Q2_K, q2_k, 10, 256, PV_FORM_HALVES_M, 0, 3, 0, 15, 15)
