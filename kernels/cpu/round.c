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

/* The scale of a segment; `out` gets the integers in order. */
static float round_segment(const float *x, size_t n, float max, int32_t out[PV_SEGMENT]) {
  const uint32_t top = largest_magnitude(x, n);
  const float a = pv_f32_bits(top);
  memset(out, 0, PV_SEGMENT * sizeof *out);
  if (top >= 0x7f800000u) return pv_f32_bits(0x7fc00000u);
  if (a < PV_ACT_TINY) return 0.0f;
  const float inverse = pv_div_f32(max, a);
  for (size_t i = 0; i < n; i++) out[i] = (int32_t)pv_rint_f32(x[i] * inverse);
  return pv_div_f32(a, max);
}

void PV_PATH(round)(pv_product product, const float *x, size_t k, int16_t *q, float *d,
                    int32_t *sum, int32_t *offset) {
  const float max = product == PV_PRODUCT_I8 ? PV_ACT8_MAX : PV_ACT16_MAX;
  const size_t padded = pv_act_padded(k);
  for (size_t i = 0; i < padded; i += PV_SEGMENT) {
    int32_t value[PV_SEGMENT], half[2] = {0, 0};
    const size_t left = i < k ? k - i : 0, s = i / PV_SEGMENT;
    d[pv_segment_slot(s)] =
        round_segment(x + (left > 0 ? i : 0), left < PV_SEGMENT ? left : PV_SEGMENT, max, value);
    for (size_t h = 0; h < 2; h++) {
      int16_t *place = q + pv_act_slot(i + 16 * h);
      for (size_t j = 0; j < 16; j++) {
        place[pv_act_slot(j)] = (int16_t)value[16 * h + j];
        half[h] += value[16 * h + j];
      }
      offset[pv_half_slot(s, h)] = 32 * half[h];
    }
    sum[pv_segment_slot(s)] = half[0] + half[1];
  }
}
