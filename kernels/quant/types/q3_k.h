/* Q3_K: d (sc - 32) (n - 4), n of three bits, sc of six for each 16 weights. */
#ifndef PV_QUANT_TYPE_Q3_K_H
#define PV_QUANT_TYPE_Q3_K_H

#include "kernels/quant/type.h"

typedef struct pv_block_q3_k {
  uint8_t high[32];   /* bit j of byte l: third bit of weight 32 * j + l */
  uint8_t q[64];      /* per 128 weights: 32 bytes, two bits for each 32 */
  uint8_t scales[12]; /* 8 bytes: low four bits of 0..7 and 8..15; 4: two bits of each fourth */
  uint16_t d;
} pv_block_q3_k;
static_assert(sizeof(pv_block_q3_k) == 110 && offsetof(pv_block_q3_k, q) == 32 &&
                  offsetof(pv_block_q3_k, scales) == 96 && offsetof(pv_block_q3_k, d) == 108,
              "Q3_K block");

PV_ARITH uint32_t pv_q3_k_four(const pv_block_q3_k *b, unsigned s, unsigned t) {
  const uint32_t low = pv_crumbs(pv_word(b->q + s / 4 * 32 + 4 * t), s % 4 * 2);
  return pv_bytes_less(low | (pv_word(b->high + 4 * t) >> s & 0x01010101u) << 2, 4);
}

/* Sub-scale j of 16, as stored. */
PV_ARITH int pv_q3_k_scale(const uint8_t scales[12], unsigned j) {
  return (scales[j % 8] >> j / 8 * 4 & 15) | (scales[8 + j % 4] >> j / 4 * 2 & 3) << 4;
}

PV_ARITH pv_scales pv_q3_k_scales(const pv_block_q3_k *b, unsigned s) {
  const pv_scales out = {
      pv_half_f32(b->d),
      0.0f,
      {pv_q3_k_scale(b->scales, 2 * s) - 32, pv_q3_k_scale(b->scales, 2 * s + 1) - 32},
      {0, 0}};
  return out;
}

#ifndef __CUDACC__
static inline void pv_q3_k_pack(const int8_t *integers, pv_block_q3_k *b) {
  int8_t n[256];
  memset(b->high, 0, sizeof b->high);
  for (unsigned i = 0; i < 256; i++) {
    n[i] = (int8_t)(integers[i] + 4);
    b->high[i % 32] = (uint8_t)(b->high[i % 32] | (n[i] >> 2 & 1) << (i / 32));
  }
  pv_pack_crumbs(n, b->q);
}

static inline void pv_q3_k_set(pv_block_q3_k *b, float d, float m, const int8_t *sc,
                               const uint8_t *lo) {
  b->d = pv_f32_to_f16(d);
  memset(b->scales, 0, sizeof b->scales);
  for (unsigned j = 0; j < 16; j++) {
    const unsigned n = (unsigned)(sc[j] + 32);
    b->scales[j % 8] = (uint8_t)(b->scales[j % 8] | (n & 15u) << (j / 8 * 4));
    b->scales[8 + j % 4] = (uint8_t)(b->scales[8 + j % 4] | (n >> 4) << (j / 4 * 2));
  }
  (void)m;
  (void)lo;
}

static inline double pv_q3_k_spec(const uint8_t *b, size_t i) {
  const size_t g = i / 16;
  const int sc = (b[96 + g % 8] >> (g / 8 * 4) & 15) + 16 * (b[104 + g % 4] >> (g / 4 * 2) & 3);
  return pv_spec_half(b + 108) * (sc - 32) *
         (pv_spec_crumb(b + 32, i) + 4 * (b[i % 32] >> (i / 32) & 1) - 4);
}
#endif

#endif

PV_TYPE_ROW(Q3_K, q3_k, 11, 256, PV_FORM_HALVES, -4, 3, -32, 31, 0)
