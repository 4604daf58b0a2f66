/* Quantised rows with rounded activations, plain form: the definition of kernels/arith/act.h
 * written down directly. */
#include "kernels/arith/fold.h"
#include "kernels/cpu/vector.h"

/* Value of the segment that begins at element `at`; `w` are its 32 integers. */
static float segment(pv_type type, const void *block, const int8_t *w, const pv_act *act,
                     size_t at) {
  const size_t s = at / PV_SEGMENT, j = s % 8;
  const float dx = act->d[pv_segment_slot(s)];
  int64_t half[2] = {0, 0};
  for (size_t i = 0; i < PV_SEGMENT; i++) half[i / 16] += w[i] * act->q[pv_act_slot(at + i)];
  if (type == PV_TYPE_Q8_0) {
    const pv_block_q8_0 *b = block;
    return dx * (pv_f16_to_f32(b->d) * (float)(half[0] + half[1]));
  }
  if (type == PV_TYPE_Q6_K) {
    const pv_block_q6_k *b = block;
    const int64_t sum = b->scales[2 * j] * half[0] + b->scales[2 * j + 1] * half[1];
    return dx * (pv_f16_to_f32(b->d) * (float)sum);
  }
  const pv_block_q4_k *b = block; /* Q5_K begins alike */
  uint8_t sc[8], m[8];
  pv_k4_scales(b->scales, sc, m);
  const float high = pv_f16_to_f32(b->d) * (float)(sc[j] * (half[0] + half[1]));
  return dx *
         pv_fma_f32(-pv_f16_to_f32(b->dmin), (float)(m[j] * act->sum[pv_segment_slot(s)]), high);
}

static void decode_row(const pv_type_info *type, const unsigned char *row, size_t k, int8_t *w) {
  for (size_t i = 0; i < k; i += type->block_elements)
    pv_block_integers(type->type, row + i / type->block_elements * type->block_bytes, w + i);
}

void PV_PATH(mm_int)(const pv_mm *mm) {
  const pv_type_info *type = pv_type_get(mm->type);
  for (size_t r = 0; r < mm->row_count; r++) {
    const unsigned char *row = mm->rows + r * mm->row_bytes;
    int8_t w[PV_K_MAX];
    decode_row(type, row, mm->k, w);
    for (size_t t = 0; t < mm->act_count; t++) {
      float value[PV_K_MAX / PV_SEGMENT];
      for (size_t at = 0; at < mm->k; at += PV_SEGMENT) {
        const void *block = row + at / type->block_elements * type->block_bytes;
        value[at / PV_SEGMENT] = segment(mm->type, block, w + at, &mm->acts[t], at);
      }
      mm->out[t][mm->first_out + r] = pv_fold_f32(value, mm->k / PV_SEGMENT);
    }
  }
}
