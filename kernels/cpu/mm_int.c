/* Quantised rows with rounded activations, plain form: the definition of kernels/arith/act.h
 * written down directly. */
#include "kernels/arith/fold.h"
#include "kernels/cpu/vector.h"

/* Value of the block that begins at element `at`, `block` in the file; `w` are its integers. The
 * sums of a form without sub-scales or minima are those of one that has them all, with 1 and 0 in
 * their places: integers, so nothing is rounded twice. */
static float block_value(const pv_type_info *type, const void *block, const int8_t *w,
                         const pv_planes *x, size_t at) {
  int64_t products = 0, minima = 0;
  pv_scales b = {0};
  for (size_t i = 0; i < type->block_elements; i += PV_SEGMENT) {
    const size_t s = (at + i) / PV_SEGMENT;
    int64_t half[2] = {0, 0};
    for (size_t j = 0; j < PV_SEGMENT; j++)
      half[j / 16] += w[i + j] * x->q[pv_act_slot(at + i + j)];
    b = pv_block_scales(type->type, block, (unsigned)(i / PV_SEGMENT));
    for (size_t h = 0; h < 2; h++) {
      products += b.sc[h] * half[h];
      minima += b.lo[h] * (x->offset[pv_half_slot(s, h)] / 32);
    }
  }
  const float dx = x->d[pv_segment_slot(at / PV_SEGMENT)], all = b.d * (float)products;
  if (!pv_form_has_minimum(type->form)) return dx * all;
  return dx * pv_fma_f32(type->form == PV_FORM_D_M ? b.m : -b.m, (float)minima, all);
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
      const pv_planes *x = &mm->acts[t].by[pv_grain_of(mm->type)];
      size_t count = 0;
      for (size_t at = 0; at < mm->k; at += type->block_elements, count++)
        value[count] = block_value(type, row + count * type->block_bytes, w + at, x, at);
      mm->out[t][mm->first_out + r] = pv_fold_f32(value, count);
    }
  }
}
