/* TQ2_0: d (n - 1), n of two bits: files hold -1, 0 and 1, and 2 is what the fourth pattern means.
 */
#ifndef PV_QUANT_TYPE_TQ2_0_H
#define PV_QUANT_TYPE_TQ2_0_H

#include "kernels/quant/type.h"

typedef struct pv_block_tq2_0 {
  uint8_t q[64]; /* per 128 weights: 32 bytes, two bits for each 32 */
  uint16_t d;
} pv_block_tq2_0;
static_assert(sizeof(pv_block_tq2_0) == 66 && offsetof(pv_block_tq2_0, d) == 64, "TQ2_0 block");

PV_ARITH uint32_t pv_tq2_0_four(const pv_block_tq2_0 *b, unsigned s, unsigned t) {
  return pv_bytes_less(pv_crumbs(pv_word(b->q + s / 4 * 32 + 4 * t), s % 4 * 2), 1);
}

PV_ARITH pv_scales pv_tq2_0_scales(const pv_block_tq2_0 *b, unsigned s) {
  const pv_scales out = {pv_half_f32(b->d), 0.0f, {1, 1}, {0, 0}};
  (void)s;
  return out;
}

#ifndef __CUDACC__
static inline void pv_tq2_0_pack(const int8_t *integers, pv_block_tq2_0 *b) {
  int8_t n[256];
  for (unsigned i = 0; i < 256; i++) n[i] = (int8_t)(integers[i] + 1);
  pv_pack_crumbs(n, b->q);
}

static inline void pv_tq2_0_set(pv_block_tq2_0 *b, float d, float m, const int8_t *sc,
                                const uint8_t *lo) {
  b->d = pv_f32_to_f16(d);
  (void)m;
  (void)sc;
  (void)lo;
}

static inline double pv_tq2_0_spec(const uint8_t *b, size_t i) {
  return pv_spec_half(b + 64) * (pv_spec_crumb(b, i) - 1);
}
#endif

#endif

PV_TYPE_ROW(TQ2_0, tq2_0, 35, 256, PV_FORM_D, -1, 2, 1, 1, 0)
