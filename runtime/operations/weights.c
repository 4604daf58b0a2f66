/* Rows of weights as numbers, and what they are made of. */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "kernels/foreign/foreign.h"
#include "runtime/alone/rows.h"
#include "runtime/operations/rows.h"

double pv_op_smaller(double a, double b) {
  return a == 0.0 || (b != 0.0 && b < a) ? b : a;
}

/* The scales of a block are what its integers are multiplied with. */
static double block_quantum(pv_type type, const unsigned char *block) {
  const pv_scales s = pv_block_scales(type, block, 0);
  return pv_op_smaller(pv_op_lowest_bit((double)s.d), pv_op_lowest_bit((double)s.m));
}

/* Some types' numbers are stored from 0 on and begin below it: 0 .. 63 less 32 in Q6_K. A kernel
 * may take that away at the end. */
static bool has_offset(const pv_type_info *info) {
  return info->low + info->high == -1 && info->high < INT8_MAX;
}

static void count_offset(const pv_type_info *info, const unsigned char *row, size_t k,
                         double *counted) {
  for (size_t i = 0; i < k; i++) {
    const size_t at = i % info->block_elements;
    const unsigned char *block = row + i / info->block_elements * info->block_bytes;
    const pv_scales s = pv_block_scales(info->type, block, (unsigned)(at / 32));
    counted[i] += fabs((double)s.d * (double)(s.sc[at / 16 % 2] * info->low));
  }
}

void pv_op_decode(pv_type type, const unsigned char *row, size_t k, pv_op_row *out) {
  const pv_type_info *info = pv_type_get((uint32_t)type);
  pv_dequant_f64(type, row, k, out->w);
  memcpy(out->magnitude, out->w, k * sizeof *out->w);
  pv_foreign_magnitudes(type, row, k, out->magnitude);
  memcpy(out->counted, out->magnitude, k * sizeof *out->counted);
  if (has_offset(info)) count_offset(info, row, k, out->counted);
  out->quantum = 0.0;
  out->bits = 0;
  for (size_t i = 0; i < k; i++) {
    const int bits = pv_op_bits(out->w[i]);
    if (bits > out->bits) out->bits = bits;
    if (info->quantised && i % info->block_elements == 0)
      out->quantum = pv_op_smaller(
          out->quantum, block_quantum(type, row + i / info->block_elements * info->block_bytes));
    if (!info->quantised) out->quantum = pv_op_smaller(out->quantum, pv_op_lowest_bit(out->w[i]));
  }
}

void pv_op_fill_weights(const pv_operation *op, const pv_op_case *c, uint64_t *state,
                        pv_op_values *w) {
  const bool exact = c->data == PV_DATA_EXACT || c->data == PV_DATA_INTEGERS;
  for (size_t r = 0; r < w->rows; r++)
    (exact ? pv_rows_exact : pv_rows_random)(op->type, w->row, state, w->bytes + r * w->row_bytes);
}

void pv_op_fill_acts(const pv_op_case *c, uint64_t *state, pv_op_values *x) {
  const float large = c->data == PV_DATA_EXACT ? 127.0f : 4095.0f;
  if (c->data != PV_DATA_EXACT && c->data != PV_DATA_INTEGERS) {
    pv_op_fill(c->data, state, x->rows * x->row, x->real);
    return;
  }
  for (size_t i = 0; i < x->rows * x->row; i++)
    x->real[i] = pv_rows_exact_act(PV_TYPE_Q8_0, large, x->row, i % x->row, state);
}
