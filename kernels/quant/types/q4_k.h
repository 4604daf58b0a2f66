/* Q4_K: d sc n - dmin lo, n of four bits, sc and lo of six for each 32 weights. */
#ifndef PV_QUANT_TYPE_Q4_K_H
#define PV_QUANT_TYPE_Q4_K_H

#include "kernels/quant/type.h"

typedef struct pv_block_q4_k {
  uint16_t d, dmin;
  uint8_t scales[12]; /* 8 six-bit sc and 8 six-bit lo, packed */
  uint8_t q[128];     /* per 64 weights: 32 bytes, low nibbles first 32, high nibbles next 32 */
} pv_block_q4_k;
static_assert(sizeof(pv_block_q4_k) == 144 && offsetof(pv_block_q4_k, scales) == 4 &&
                  offsetof(pv_block_q4_k, q) == 16,
              "Q4_K block");

PV_ARITH uint32_t pv_q4_k_four(const pv_block_q4_k *b, unsigned s, unsigned t) {
  return pv_nibbles(pv_word(b->q + s / 2 * 32 + 4 * t), s % 2 * 4);
}

PV_ARITH pv_scales pv_q4_k_scales(const pv_block_q4_k *b, unsigned s) {
  pv_scales out = {pv_half_f32(b->d), pv_half_f32(b->dmin), {0, 0}, {0, 0}};
  pv_k4_scale(b->scales, s, &out.sc[0], &out.lo[0]);
  out.sc[1] = out.sc[0];
  out.lo[1] = out.lo[0];
  return out;
}

#ifndef __CUDACC__
static inline void pv_q4_k_pack(const int8_t *integers, pv_block_q4_k *b) {
  for (unsigned i = 0; i < 128; i++) {
    const int8_t *low = &integers[i / 32 * 64 + i % 32];
    b->q[i] = (uint8_t)((low[0] & 15) | (low[32] & 15) << 4);
  }
}

static inline void pv_q4_k_set(pv_block_q4_k *b, float d, float m, const int8_t *sc,
                               const uint8_t *lo) {
  b->d = pv_f32_to_f16(d);
  b->dmin = pv_f32_to_f16(m);
  pv_k4_pack((const uint8_t *)sc, lo, b->scales);
}

static inline double pv_q4_k_spec(const uint8_t *b, size_t i) {
  return pv_spec_k4(b, i, pv_spec_k4_nibble(b + 16, i));
}
#endif

#endif

PV_TYPE_ROW(Q4_K, q4_k, 12, 256, PV_FORM_SUB_M, 0, 15, 0, 63, 63)
