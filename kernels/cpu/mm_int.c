/* Quantised rows with rounded activations, plain form: the definition of kernels/arith/act.h
 * written down directly. */
#include "kernels/arith/fold.h"
#include "kernels/cpu/vector.h"

/* Value of the segment that begins at element `at`; `w` are its 32 integers, `b` their scales. The
 * sums of a form without sub-scales or minima are those of one that has them all, with 1 and 0 in
 * their places: integers, so nothing is rounded twice. */
static float segment(pv_form form, const pv_scales *b, const int8_t *w, const pv_act *act,
                     size_t at) {
  const size_t s = at / PV_SEGMENT;
  const float dx = act->d[pv_segment_slot(s)];
  int64_t half[2] = {0, 0}, low = 0;
  for (size_t i = 0; i < PV_SEGMENT; i++) half[i / 16] += w[i] * act->q[pv_act_slot(at + i)];
  const float product = b->d * (float)(b->sc[0] * half[0] + b->sc[1] * half[1]);
  if (!pv_form_has_minimum(form)) return dx * product;
  for (size_t h = 0; h < 2; h++) low += b->lo[h] * (act->offset[pv_half_slot(s, h)] / 32);
  return dx * pv_fma_f32(form == PV_FORM_D_M ? b->m : -b->m, (float)low, product);
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
        const unsigned s = (unsigned)(at % type->block_elements / PV_SEGMENT);
        const pv_scales scales = pv_block_scales(mm->type, block, s);
        value[at / PV_SEGMENT] = segment(type->form, &scales, w + at, &mm->acts[t], at);
      }
      mm->out[t][mm->first_out + r] = pv_fold_f32(value, mm->k / PV_SEGMENT);
    }
  }
}
