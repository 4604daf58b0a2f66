/* Rows of weights as numbers, and what they are made of. */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "kernels/foreign/foreign.h"
#include "runtime/alone/rows.h"
#include "runtime/operations/rows.h"

enum { BLOCK = 256 };

double pv_op_smaller(double a, double b) {
  return a == 0.0 || (b != 0.0 && b < a) ? b : a;
}

/* The scales of a block are what its integers are multiplied with. */
static double block_quantum(pv_type type, const unsigned char *block) {
  uint16_t d, dmin = 0;
  memcpy(&d, type == PV_TYPE_Q6_K ? block + offsetof(pv_block_q6_k, d) : block, sizeof d);
  if (type == PV_TYPE_Q4_K || type == PV_TYPE_Q5_K) memcpy(&dmin, block + 2, sizeof dmin);
  return pv_op_smaller(pv_op_lowest_bit((double)pv_f16_to_f32(d)),
                       pv_op_lowest_bit((double)pv_f16_to_f32(dmin)));
}

/* Q6_K's numbers are 0 .. 63 less 32, and a kernel may take the 32 away at the end. */
static void count_offset(const unsigned char *row, size_t k, double *counted) {
  unsigned char block[sizeof(pv_block_q6_k)];
  double offset[BLOCK];
  for (size_t i = 0; i < k; i += BLOCK, row += sizeof block) {
    memcpy(block, row, sizeof block);
    memset(block, 0, offsetof(pv_block_q6_k, scales)); /* numbers of 0: weights of -32 */
    pv_dequant_f64(PV_TYPE_Q6_K, block, BLOCK, offset);
    for (size_t j = 0; j < BLOCK; j++) counted[i + j] += fabs(offset[j]);
  }
}

void pv_op_decode(pv_type type, const unsigned char *row, size_t k, pv_op_row *out) {
  const pv_type_info *info = pv_type_get((uint32_t)type);
  pv_dequant_f64(type, row, k, out->w);
  memcpy(out->magnitude, out->w, k * sizeof *out->w);
  pv_foreign_magnitudes(type, row, k, out->magnitude);
  memcpy(out->counted, out->magnitude, k * sizeof *out->counted);
  if (type == PV_TYPE_Q6_K) count_offset(row, k, out->counted);
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
