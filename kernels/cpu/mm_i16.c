/* Identity i16, plain form: the definition of kernels/arith/act.h written down directly. */
#include "kernels/arith/fold.h"
#include "kernels/cpu/vector.h"

static float q8_chunk(const pv_block_q8_0 *blocks, const pv_act *act, size_t at, size_t n) {
  float value[8];
  for (size_t s = 0; s < n / 32; s++) {
    int32_t sum = 0;
    for (size_t i = 0; i < 32; i++) sum += blocks[s].q[i] * act->q[at + s * 32 + i];
    value[s] = act->d[at / PV_ACT_BLOCK] * (pv_f16_to_f32(blocks[s].d) * (float)sum);
  }
  return pv_fold_f32(value, n / 32);
}

static float k_chunk(pv_type type, const void *block, const pv_act *act, size_t at) {
  const float dx = act->d[at / PV_ACT_BLOCK];
  const int16_t *q = act->q + at;
  int8_t w[256];
  pv_block_integers(type, block, w);
  if (type == PV_TYPE_Q6_K) {
    const pv_block_q6_k *b = block;
    int64_t sum = 0;
    for (int i = 0; i < 256; i++) sum += (int64_t)(b->scales[i / 16] * w[i]) * q[i];
    return dx * (pv_f16_to_f32(b->d) * (float)sum);
  }
  const pv_block_q4_k *b = block; /* Q5_K begins alike */
  uint8_t sc[8], m[8];
  pv_k4_scales(b->scales, sc, m);
  int64_t high = 0, low = 0;
  for (int i = 0; i < 256; i++) high += (int64_t)(sc[i / 32] * w[i]) * q[i];
  for (int j = 0; j < 8; j++) low += (int64_t)m[j] * act->sum[at / 32 + (size_t)j];
  return dx * pv_fma_f32(-pv_f16_to_f32(b->dmin), (float)low, pv_f16_to_f32(b->d) * (float)high);
}

void PV_PATH(mm_i16)(const pv_mm *mm) {
  const pv_type_info *type = pv_type_get(mm->type);
  for (size_t r = 0; r < mm->row_count; r++) {
    const unsigned char *row = mm->rows + r * mm->row_bytes;
    for (size_t t = 0; t < mm->act_count; t++) {
      float value[PV_K_MAX / 256];
      size_t count = 0;
      for (size_t c = 0; c < mm->k; c += 256) {
        const void *block = row + c / type->block_elements * type->block_bytes;
        const size_t n = mm->k - c < 256 ? mm->k - c : 256;
        value[count++] = mm->type == PV_TYPE_Q8_0 ? q8_chunk(block, &mm->acts[t], c, n)
                                                  : k_chunk(mm->type, block, &mm->acts[t], c);
      }
      mm->out[t][mm->first_out + r] = pv_fold_f32(value, count);
    }
  }
}
