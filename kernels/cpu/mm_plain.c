/* Rows of F32, F16 and BF16: wide sums over unrounded activations (kernels/arith/act.h). */
#include "kernels/arith/fold.h"
#include "kernels/cpu/lanes.h"
#include "kernels/cpu/vector.h"

static inline __attribute__((always_inline)) v8 load8(pv_type type, const void *row, size_t i) {
  if (type == PV_TYPE_F16) return v8_load_f16((const uint16_t *)row + i);
  if (type == PV_TYPE_BF16) return v8_load_bf16((const uint16_t *)row + i);
  return v8_load((const float *)row + i);
}

static float load1(pv_type type, const void *row, size_t i) {
  if (type == PV_TYPE_F16) return pv_f16_to_f32(((const uint16_t *)row)[i]);
  if (type == PV_TYPE_BF16) return pv_bf16_to_f32(((const uint16_t *)row)[i]);
  return ((const float *)row)[i];
}

/* Rows whose length is no multiple of 256, element by element. */
static float dot_any(pv_type type, const void *row, const float *x, size_t k) {
  float lane[PV_WIDE_LANES];
  const size_t first = k < PV_WIDE_LANES ? k : PV_WIDE_LANES;
  for (size_t i = 0; i < first; i++) lane[i] = load1(type, row, i) * x[i];
  for (size_t i = PV_WIDE_LANES; i < k; i++) {
    float *l = &lane[i % PV_WIDE_LANES];
    *l = pv_fma_f32(load1(type, row, i), x[i], *l);
  }
  return pv_fold_f32(lane, first);
}

/* 64 lanes at a time stay in registers; the four groups are folded as lanes 128 and 64 apart. */
static inline __attribute__((always_inline)) float dot_256(pv_type type, const void *row,
                                                           const float *x, size_t k) {
  v8 lane[PV_WIDE_LANES / 8];
  for (size_t g = 0; g < 4; g++) {
    v8 acc[8];
    for (size_t j = 0; j < 8; j++) {
      const size_t i = g * 64 + j * 8;
      acc[j] = v8_mul(load8(type, row, i), v8_load(x + i));
    }
    for (size_t c = PV_WIDE_LANES; c < k; c += PV_WIDE_LANES)
      for (size_t j = 0; j < 8; j++) {
        const size_t i = c + g * 64 + j * 8;
        acc[j] = v8_fma(load8(type, row, i), v8_load(x + i), acc[j]);
      }
    memcpy(&lane[g * 8], acc, sizeof acc);
  }
  for (size_t s = 16; s > 0; s /= 2)
    for (size_t j = 0; j < s; j++) lane[j] = v8_add(lane[j], lane[j + s]);
  return v8_fold(lane[0]);
}

static float dot(pv_type type, const void *row, const float *x, size_t k) {
  if (k % PV_WIDE_LANES != 0) return dot_any(type, row, x, k);
  switch (type) {
    case PV_TYPE_F16:
      return dot_256(PV_TYPE_F16, row, x, k);
    case PV_TYPE_BF16:
      return dot_256(PV_TYPE_BF16, row, x, k);
    default:
      return dot_256(PV_TYPE_F32, row, x, k);
  }
}

void PV_PATH(mm_plain)(const pv_mm *mm) {
  for (size_t r = 0; r < mm->row_count; r++)
    for (size_t t = 0; t < mm->act_count; t++)
      mm->out[t][mm->first_out + r] =
          dot(mm->type, mm->rows + r * mm->row_bytes, mm->acts[t].x, mm->k);
}
