#include "runtime/alone/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

static void fill(void *bytes, size_t length, uint64_t *state) {
  for (size_t i = 0; i < length; i++) ((uint8_t *)bytes)[i] = (uint8_t)pv_random_next(state);
}

static uint16_t half_scale(uint64_t *state) {
  return pv_f32_to_f16((float)(0.001 + 0.01 * pv_random_unit(state)));
}

void pv_rows_random(pv_type type, size_t k, uint64_t *state, void *row) {
  const pv_type_info *info = pv_type_get(type);
  for (size_t b = 0; b < k / info->block_elements; b++) {
    void *block = (char *)row + b * info->block_bytes;
    const float value = (float)(2.0 * pv_random_unit(state) - 1.0);
    const uint16_t half = pv_f32_to_f16(value), brain = pv_f32_to_bf16(value);
    fill(block, info->block_bytes, state);
    switch (type) {
      case PV_TYPE_F32:
        memcpy(block, &value, sizeof value);
        break;
      case PV_TYPE_F16:
        memcpy(block, &half, sizeof half);
        break;
      case PV_TYPE_BF16:
        memcpy(block, &brain, sizeof brain);
        break;
      case PV_TYPE_Q8_0:
        ((pv_block_q8_0 *)block)->d = half_scale(state);
        break;
      case PV_TYPE_Q6_K:
        ((pv_block_q6_k *)block)->d = half_scale(state);
        break;
      case PV_TYPE_Q4_K:
      case PV_TYPE_Q5_K:
        ((pv_block_q4_k *)block)->d = half_scale(state);
        ((pv_block_q4_k *)block)->dmin = half_scale(state);
        break;
    }
  }
}

enum { ONE_F16 = 0x3c00, WEIGHTS = 256 /* whole blocks of any type */ };

/* Writes weight i of a block, as the integer that the format stores. */
static void put(pv_type type, void *block, size_t i, unsigned q) {
  const size_t pair = i / 64, l = i % 32, shift = i / 32 % 2 * 4;
  if (type == PV_TYPE_Q4_K) ((pv_block_q4_k *)block)->q[32 * pair + l] |= (uint8_t)(q << shift);
  if (type == PV_TYPE_Q5_K) {
    pv_block_q5_k *b = block;
    b->q[32 * pair + l] |= (uint8_t)((q & 15) << shift);
    b->high[l] |= (uint8_t)((q >> 4) << (i / 32));
  }
  if (type == PV_TYPE_Q6_K) {
    pv_block_q6_k *b = block;
    const size_t h = i / 128, quarter = i % 128 / 32;
    b->low[64 * h + (quarter % 2) * 32 + l] |= (uint8_t)((q & 15) << (quarter / 2 * 4));
    b->high[32 * h + l] |= (uint8_t)((q >> 4) << (2 * quarter));
  }
}

/* Where a segment of a row of `k` has its large activation; rows of one length agree. */
static size_t big_at(size_t k, size_t segment) {
  uint64_t state = 31 * k + segment;
  return pv_random_next(&state) % PV_SEGMENT;
}

float pv_rows_exact_act(pv_type type, float max, size_t k, size_t i, uint64_t *state) {
  const uint64_t r = pv_random_next(state);
  if (!pv_type_get(type)->quantised || i % PV_SEGMENT != big_at(k, i / PV_SEGMENT))
    return (float)((int)(r % 5) - 2);
  return r % 2 ? max : -max;
}

static void exact_scales(pv_type type, void *block, uint64_t *state) {
  if (type == PV_TYPE_Q8_0) ((pv_block_q8_0 *)block)->d = ONE_F16;
  if (type == PV_TYPE_Q6_K) {
    pv_block_q6_k *b = block;
    b->d = ONE_F16;
    for (int j = 0; j < 16; j++) b->scales[j] = (int8_t)((int)(pv_random_next(state) % 5) - 2);
  }
  if (type == PV_TYPE_Q4_K || type == PV_TYPE_Q5_K) {
    pv_block_q4_k *b = block;
    b->d = b->dmin = ONE_F16;
    for (int j = 0; j < 4; j++) {
      b->scales[j] = (uint8_t)(pv_random_next(state) % 3);
      b->scales[4 + j] = (uint8_t)(pv_random_next(state) % 3);
      b->scales[8 + j] = (uint8_t)(pv_random_next(state) % 3 | (pv_random_next(state) % 3) << 4);
    }
  }
}

void pv_rows_exact(pv_type type, size_t k, uint64_t *state, void *row) {
  const pv_type_info *info = pv_type_get(type);
  memset(row, 0, k / info->block_elements * info->block_bytes);
  for (size_t i = 0; i < k; i++) {
    const size_t in = i % info->block_elements;
    void *block = (char *)row + i / info->block_elements * info->block_bytes;
    const bool small = i % PV_SEGMENT == big_at(k, i / PV_SEGMENT);
    const unsigned r = (unsigned)pv_random_next(state);
    const float w = (float)((int)(r % 15) - 7);
    const uint16_t half = pv_f32_to_f16(w), brain = pv_f32_to_bf16(w);
    if (in == 0) exact_scales(type, block, state);
    if (type == PV_TYPE_F32) memcpy(block, &w, sizeof w);
    if (type == PV_TYPE_F16) memcpy(block, &half, sizeof half);
    if (type == PV_TYPE_BF16) memcpy(block, &brain, sizeof brain);
    if (type == PV_TYPE_Q8_0)
      ((pv_block_q8_0 *)block)->q[in] = (int8_t)(small ? (int)(r % 7) - 3 : (int)(r % 255) - 127);
    if (type == PV_TYPE_Q4_K) put(type, block, in, small ? r % 4 : r % 16);
    if (type == PV_TYPE_Q5_K) put(type, block, in, small ? r % 4 : r % 32);
    if (type == PV_TYPE_Q6_K) put(type, block, in, small ? 30 + r % 5 : r % 64);
  }
}

pv_code pv_rows_act_make(const pv_cpu_path *path, pv_product product, const float *x, size_t k,
                         pv_rows_act *out, pv_error *err) {
  const size_t padded = pv_act_padded(k);
  *out = (pv_rows_act){.q = calloc(padded, sizeof(int16_t)),
                       .d = calloc(padded / PV_SEGMENT, sizeof(float)),
                       .sum = calloc(padded / PV_SEGMENT, sizeof(int32_t)),
                       .offset = calloc(2 * padded / PV_SEGMENT, sizeof(int32_t))};
  if (out->q == NULL || out->d == NULL || out->sum == NULL || out->offset == NULL) {
    pv_rows_act_free(out);
    return pv_error_set(err, PV_ERR_NOMEM, "out of memory for a row of %zu activations", k);
  }
  out->act = (pv_act){x, out->q, out->d, out->sum, out->offset};
  if (product != PV_PRODUCT_F64ACC && path->round != NULL)
    path->round(product, x, k, out->q, out->d, out->sum, out->offset);
  return PV_OK;
}

void pv_rows_act_free(pv_rows_act *act) {
  free(act->q);
  free(act->d);
  free(act->sum);
  free(act->offset);
  *act = (pv_rows_act){0};
}

float pv_rows_multiply(const pv_cpu_path *path, pv_product product, pv_type type, const void *row,
                       size_t k, const pv_rows_act *act) {
  float result = 0.0f, *out = &result;
  const pv_mm mm = {type, product, row, 0, 1, k, &act->act, &out, 0, 1};
  path->mm(&mm);
  return result;
}

/* Quantised rows with rounded activations: |error| <= half a unit of each rounded activation times
 * its weight, plus float32 rounding of at most 24 operations on any way from a term to the sum.
 * Q4_K and Q5_K add and take away the minimum, so their terms are bounded by |d sc w x| +
 * |dmin m x|: at most 4 |w'| + the minimum, which twice the largest weight of the block covers.
 * Everything else sums plain products: at most 26 roundings to float32 on any way (a chain of 16
 * and a fold of 8), 8 when the chain is float64. */
double pv_rows_exact_value(pv_type type, pv_product product, const void *row, const float *x,
                           size_t k, double *bound) {
  const pv_type_info *info = pv_type_get(type);
  double w[WEIGHTS], sum = 0.0, absolute = 0.0, rounding = 0.0, products = 0.0;
  for (size_t s = 0; s < k; s += PV_SEGMENT) {
    const size_t n = k - s < PV_SEGMENT ? k - s : PV_SEGMENT, left = k - s;
    const double *of = w + s % WEIGHTS;
    double top = 0.0, heaviest = 0.0, weights = 0.0;
    if (s % WEIGHTS == 0)
      pv_dequant_f64(type, (const char *)row + s / info->block_elements * info->block_bytes,
                     left < WEIGHTS ? left : WEIGHTS, w);
    for (size_t i = 0; i < n; i++) {
      sum += of[i] * (double)x[s + i];
      weights += fabs(of[i]);
      products += fabs(of[i] * (double)x[s + i]);
      top = fmax(top, fabs((double)x[s + i]));
      heaviest = fmax(heaviest, fabs(of[i]));
    }
    absolute += 4.0 * (double)n * heaviest * top;
    const double unit = top / (product == PV_PRODUCT_I8 ? PV_ACT8_MAX : PV_ACT16_MAX);
    rounding += 0.5001 * unit * weights;
  }
  if (product == PV_PRODUCT_F64ACC)
    *bound = 8.0 * 0x1p-24 * products;
  else if (!info->quantised)
    *bound = 26.0 * 0x1p-24 * products;
  else
    *bound = rounding + 24.0 * 0x1p-24 * absolute;
  return sum;
}
