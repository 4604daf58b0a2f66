/* Identity i8: activations of 8 bits in blocks of 32, the habit of other engines, for comparison.
 * One form for all code paths; written for clarity. Definition in kernels/arith/act.h. */
#include "kernels/arith/fold.h"
#include "kernels/cpu/vector.h"

#define SEGMENT 32

/* Value of segment `s` of the chunk whose first block is `block`. */
static float segment(pv_type type, const void *block, const int8_t *w, size_t s, const int16_t *q,
                     float dx, int32_t sum) {
  int32_t parts[2] = {0, 0};
  for (size_t i = 0; i < SEGMENT; i++) parts[i / 16] += w[i] * q[i];
  if (type == PV_TYPE_Q8_0) {
    const float d = pv_f16_to_f32(((const pv_block_q8_0 *)block)->d);
    return dx * (d * (float)(parts[0] + parts[1]));
  }
  if (type == PV_TYPE_Q6_K) {
    const pv_block_q6_k *b = block;
    const int32_t total = parts[0] * b->scales[2 * s] + parts[1] * b->scales[2 * s + 1];
    return dx * (pv_f16_to_f32(b->d) * (float)total);
  }
  const pv_block_q4_k *b = block; /* Q5_K begins alike */
  uint8_t sc[8], m[8];
  pv_k4_scales(b->scales, sc, m);
  const float low = pv_f16_to_f32(b->dmin);
  const float high = pv_f16_to_f32(b->d) * (float)((parts[0] + parts[1]) * sc[s]);
  return dx * pv_fma_f32(-low, (float)(m[s] * sum), high);
}

static float chunk(pv_type type, const unsigned char *blocks, const pv_act *act, size_t at,
                   size_t n) {
  float value[8];
  int8_t w[256];
  const bool small = type == PV_TYPE_Q8_0;
  if (!small) pv_block_integers(type, blocks, w);
  for (size_t s = 0; s < n / SEGMENT; s++) {
    const void *block = small ? blocks + s * sizeof(pv_block_q8_0) : blocks;
    if (small) pv_block_integers(type, block, w + s * SEGMENT);
    value[s] = segment(type, block, w + s * SEGMENT, s, act->q + at + s * SEGMENT,
                       act->d[at / SEGMENT + s], act->sum[at / SEGMENT + s]);
  }
  return pv_fold_f32(value, n / SEGMENT);
}

void PV_PATH(mm_i8)(const pv_mm *mm) {
  const pv_type_info *type = pv_type_get(mm->type);
  for (size_t r = 0; r < mm->row_count; r++) {
    const unsigned char *row = mm->rows + r * mm->row_bytes;
    for (size_t t = 0; t < mm->act_count; t++) {
      float value[PV_K_MAX / 256];
      size_t count = 0;
      for (size_t c = 0; c < mm->k; c += 256) {
        const size_t n = mm->k - c < 256 ? mm->k - c : 256;
        value[count++] =
            chunk(mm->type, row + c / type->block_elements * type->block_bytes, &mm->acts[t], c, n);
      }
      mm->out[t][mm->first_out + r] = pv_fold_f32(value, count);
    }
  }
}
