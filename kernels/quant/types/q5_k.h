/* Q5_K: as Q4_K with a fifth bit. */
#ifndef PV_QUANT_TYPE_Q5_K_H
#define PV_QUANT_TYPE_Q5_K_H

#include "kernels/quant/type.h"

typedef struct pv_block_q5_k {
  uint16_t d, dmin;
  uint8_t scales[12];
  uint8_t high[32]; /* bit j of byte l: fifth bit of weight 32 * j + l */
  uint8_t q[128];
} pv_block_q5_k;
static_assert(sizeof(pv_block_q5_k) == 176 && offsetof(pv_block_q5_k, scales) == 4 &&
                  offsetof(pv_block_q5_k, high) == 16 && offsetof(pv_block_q5_k, q) == 48,
              "Q5_K block");

PV_ARITH uint32_t pv_q5_k_four(const pv_block_q5_k *b, unsigned s, unsigned t) {
  return pv_nibbles(pv_word(b->q + s / 2 * 32 + 4 * t), s % 2 * 4) |
         (pv_word(b->high + 4 * t) >> s & 0x01010101u) << 4;
}

PV_ARITH pv_scales pv_q5_k_scales(const pv_block_q5_k *b, unsigned s) {
  pv_scales out = {pv_half_f32(b->d), pv_half_f32(b->dmin), {0, 0}, {0, 0}};
  pv_k4_scale(b->scales, s, &out.sc[0], &out.lo[0]);
  out.sc[1] = out.sc[0];
  out.lo[1] = out.lo[0];
  return out;
}

#ifndef __CUDACC__
static inline void pv_q5_k_pack(const int8_t *integers, pv_block_q5_k *b) {
  for (unsigned i = 0; i < 128; i++) {
    const int8_t *low = &integers[i / 32 * 64 + i % 32];
    b->q[i] = (uint8_t)((low[0] & 15) | (low[32] & 15) << 4);
  }
  memset(b->high, 0, sizeof b->high);
  for (unsigned i = 0; i < 256; i++)
    b->high[i % 32] = (uint8_t)(b->high[i % 32] | ((integers[i] >> 4) & 1) << (i / 32));
}

static inline void pv_q5_k_set(pv_block_q5_k *b, float d, float m, const int8_t *sc,
                               const uint8_t *lo) {
  b->d = pv_f32_to_f16(d);
  b->dmin = pv_f32_to_f16(m);
  pv_k4_pack((const uint8_t *)sc, lo, b->scales);
}

static inline double pv_q5_k_spec(const uint8_t *b, size_t i) {
  const int high = b[16 + i % 32] >> (i / 32) & 1;
  return pv_spec_k4(b, i, pv_spec_k4_nibble(b + 48, i) | high << 4);
}
#endif

#endif

PV_TYPE_ROW(Q5_K, q5_k, 13, 256, PV_FORM_SUB_M, 0, 31, 0, 63, 63)
