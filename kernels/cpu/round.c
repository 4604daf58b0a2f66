/* Rounding of activations to fixed point: definition in kernels/arith/act.h. */
#include "kernels/cpu/lanes.h"
#include "kernels/cpu/vector.h"

/* Bit patterns of magnitudes order like the magnitudes, with infinities and NaNs on top. */
static uint32_t largest_magnitude(const float *x, size_t n) {
  uint32_t top = 0;
  for (size_t i = 0; i < n; i++) {
    const uint32_t u = pv_bits_f32(x[i]) & 0x7fffffffu;
    top = u > top ? u : top;
  }
  return top;
}

static void round_block(const float *x, size_t n, float max, int16_t *q, float *d) {
  const uint32_t top = largest_magnitude(x, n);
  const float a = pv_f32_bits(top);
  if (top >= 0x7f800000u || a < PV_ACT_TINY) {
    memset(q, 0, n * sizeof *q);
    *d = top >= 0x7f800000u ? pv_f32_bits(0x7fc00000u) : 0.0f;
    return;
  }
  const float inverse = pv_div_f32(max, a);
  for (size_t i = 0; i < n; i++) q[i] = (int16_t)(int32_t)pv_rint_f32(x[i] * inverse);
  *d = pv_div_f32(a, max);
}

void PV_PATH(round)(pv_product product, const float *x, size_t k, int16_t *q, float *d,
                    int32_t *sum) {
  const size_t block = pv_act_block(product);
  const float max = product == PV_PRODUCT_I8 ? PV_ACT8_MAX : PV_ACT_MAX;
  for (size_t i = 0; i < k; i += block) {
    const size_t n = k - i < block ? k - i : block;
    round_block(x + i, n, max, q + i, &d[i / block]);
  }
  for (size_t i = 0; i < k; i += 32) {
    int32_t s = 0;
    const size_t n = k - i < 32 ? k - i : 32;
    for (size_t j = 0; j < n; j++) s += q[i + j];
    sum[i / 32] = s;
  }
}
