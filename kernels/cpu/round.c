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

/* What a block is multiplied with, and what undoes it: its scale. */
typedef struct factors {
  float inverse, d;
} factors;

static factors factors_of(const float *x, size_t n, float max) {
  const uint32_t top = largest_magnitude(x, n);
  const float a = pv_f32_bits(top);
  if (top >= 0x7f800000u) return (factors){0.0f, pv_f32_bits(0x7fc00000u)};
  if (a < PV_ACT_TINY) return (factors){0};
  return (factors){pv_div_f32(max, a), pv_div_f32(a, max)};
}

/* The integers of a segment, zeros where the block is damaged, and all that is made of them. */
static void round_segment(const float *x, size_t n, const factors *by, size_t s,
                          const pv_planes *out) {
  int32_t value[PV_SEGMENT] = {0}, half[2] = {0, 0};
  if (by->inverse != 0.0f)
    for (size_t i = 0; i < n; i++) value[i] = (int32_t)pv_rint_f32(x[i] * by->inverse);
  for (size_t h = 0; h < 2; h++) {
    int16_t *place = out->q + pv_act_slot(PV_SEGMENT * s + 16 * h);
    for (size_t j = 0; j < 16; j++) {
      place[pv_act_slot(j)] = (int16_t)value[16 * h + j];
      half[h] += value[16 * h + j];
    }
    out->offset[pv_half_slot(s, h)] = 32 * half[h];
  }
  out->sum[pv_segment_slot(s)] = half[0] + half[1];
  out->d[pv_segment_slot(s)] = by->d;
}

static size_t at_most(size_t n, size_t most) {
  return n < most ? n : most;
}

void PV_PATH(round)(pv_product product, pv_grain grain, const float *x, size_t k,
                    const pv_planes *out) {
  const float max = product == PV_PRODUCT_I8 ? PV_ACT8_MAX : PV_ACT16_MAX;
  const size_t block = grain == PV_GRAIN_256 ? 256 : PV_SEGMENT;
  for (size_t at = 0; at < pv_act_padded(k); at += block) {
    const factors by = factors_of(x + at_most(at, k), at_most(k - at_most(at, k), block), max);
    for (size_t i = at; i < at + block; i += PV_SEGMENT) {
      const size_t from = at_most(i, k);
      round_segment(x + from, at_most(k - from, PV_SEGMENT), &by, i / PV_SEGMENT, out);
    }
  }
}
