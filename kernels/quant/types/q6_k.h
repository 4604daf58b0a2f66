/* Q6_K: d sc (n - 32), n of six bits, sc a signed byte for each 16 weights. */
#ifndef PV_QUANT_TYPE_Q6_K_H
#define PV_QUANT_TYPE_Q6_K_H

#include "kernels/quant/type.h"

typedef struct pv_block_q6_k {
  uint8_t low[128];
  uint8_t high[64];
  int8_t scales[16];
  uint16_t d;
} pv_block_q6_k;
static_assert(sizeof(pv_block_q6_k) == 210 && offsetof(pv_block_q6_k, high) == 128 &&
                  offsetof(pv_block_q6_k, scales) == 192 && offsetof(pv_block_q6_k, d) == 208,
              "Q6_K block");

/* Each half of 128 weights is four quarters of 32: 64 low bytes hold quarters 0, 1 in their low
 * nibbles and 2, 3 in their high ones; 32 high bytes hold two bits for each quarter. */
PV_ARITH uint32_t pv_q6_k_four(const pv_block_q6_k *b, unsigned s, unsigned t) {
  const unsigned half = s / 4, quarter = s % 4;
  const uint32_t low = pv_word(b->low + half * 64 + quarter % 2 * 32 + 4 * t);
  const uint32_t high = pv_word(b->high + half * 32 + 4 * t);
  return pv_bytes_less(pv_nibbles(low, quarter / 2 * 4) | pv_crumbs(high, 2 * quarter) << 4, 32);
}

PV_ARITH pv_scales pv_q6_k_scales(const pv_block_q6_k *b, unsigned s) {
  const pv_scales out = {pv_half_f32(b->d), 0.0f, {b->scales[2 * s], b->scales[2 * s + 1]}, {0, 0}};
  return out;
}

#ifndef __CUDACC__
static inline void pv_q6_k_pack(const int8_t *integers, pv_block_q6_k *b) {
  memset(b->low, 0, sizeof b->low);
  memset(b->high, 0, sizeof b->high);
  for (unsigned i = 0; i < 256; i++) {
    const unsigned half = i / 128, quarter = i % 128 / 32, lane = i % 32;
    const unsigned n = (unsigned)(integers[i] + 32) & 63u;
    uint8_t *low = &b->low[half * 64 + quarter % 2 * 32 + lane];
    uint8_t *high = &b->high[half * 32 + lane];
    *low = (uint8_t)(*low | (n & 15u) << (quarter < 2 ? 0 : 4));
    *high = (uint8_t)(*high | (n >> 4) << (2 * quarter));
  }
}

static inline void pv_q6_k_set(pv_block_q6_k *b, float d, float m, const int8_t *sc,
                               const uint8_t *lo) {
  b->d = pv_f32_to_f16(d);
  memcpy(b->scales, sc, sizeof b->scales);
  (void)m;
  (void)lo;
}

static inline double pv_q6_k_spec(const uint8_t *b, size_t i) {
  const int low = b[i / 128 * 64 + i % 64] >> (i % 128 / 64 * 4) & 15;
  const int high = b[128 + i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3;
  return pv_spec_half(b + 208) * (int8_t)b[192 + i / 16] * ((high << 4 | low) - 32);
}
#endif

#endif

PV_TYPE_ROW(Q6_K, q6_k, 14, 256, PV_FORM_HALVES, -32, 31, -128, 127, 0)
