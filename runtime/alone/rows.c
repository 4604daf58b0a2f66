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

static void put_plain(pv_type type, float value, void *out) {
  const uint16_t bits = type == PV_TYPE_F16 ? pv_f32_to_f16(value) : pv_f32_to_bf16(value);
  if (type == PV_TYPE_F32)
    memcpy(out, &value, sizeof value);
  else
    memcpy(out, &bits, sizeof bits);
}

void pv_rows_random(pv_type type, size_t k, uint64_t *state, void *row) {
  const pv_type_info *info = pv_type_get(type);
  for (size_t b = 0; b < k / info->block_elements; b++) {
    void *block = (char *)row + b * info->block_bytes;
    const float value = (float)(2.0 * pv_random_unit(state) - 1.0);
    fill(block, info->block_bytes, state);
    if (!info->quantised) put_plain(type, value, block);
    if (type == PV_TYPE_Q8_0) ((pv_block_q8_0 *)block)->d = half_scale(state);
    if (type == PV_TYPE_Q6_K) ((pv_block_q6_k *)block)->d = half_scale(state);
    if (type != PV_TYPE_Q4_K && type != PV_TYPE_Q5_K) continue;
    ((pv_block_q4_k *)block)->d = half_scale(state);
    ((pv_block_q4_k *)block)->dmin = half_scale(state);
  }
}

enum { ONE_F16 = 0x3c00, WEIGHTS = 256 /* whole blocks of any type */ };

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
  uint8_t sc[8], m[8];
  if (type == PV_TYPE_Q8_0) ((pv_block_q8_0 *)block)->d = ONE_F16;
  if (type == PV_TYPE_Q6_K) {
    pv_block_q6_k *b = block;
    b->d = ONE_F16;
    for (int j = 0; j < 16; j++) b->scales[j] = (int8_t)((int)(pv_random_next(state) % 5) - 2);
  }
  if (type != PV_TYPE_Q4_K && type != PV_TYPE_Q5_K) return;
  pv_block_q4_k *b = block; /* Q5_K begins alike */
  b->d = b->dmin = ONE_F16;
  for (int j = 0; j < 8; j++) {
    sc[j] = (uint8_t)(pv_random_next(state) % 3);
    m[j] = (uint8_t)(pv_random_next(state) % 3);
  }
  pv_k4_pack(sc, m, b->scales);
}

/* An integer that the type can store; a small one stands against a large activation. */
static int exact_weight(pv_type type, bool small, int r) {
  if (type == PV_TYPE_Q8_0) return small ? r % 7 - 3 : r % 255 - 127;
  if (type == PV_TYPE_Q4_K) return r % (small ? 4 : 16);
  if (type == PV_TYPE_Q5_K) return r % (small ? 4 : 32);
  if (type == PV_TYPE_Q6_K) return small ? r % 5 - 2 : r % 64 - 32;
  return r % 15 - 7;
}

void pv_rows_exact(pv_type type, size_t k, uint64_t *state, void *row) {
  const pv_type_info *info = pv_type_get(type);
  for (size_t at = 0; at < k; at += info->block_elements) {
    void *block = (char *)row + at / info->block_elements * info->block_bytes;
    int8_t q[WEIGHTS];
    for (size_t i = 0; i < info->block_elements; i++) {
      const bool small = (at + i) % PV_SEGMENT == big_at(k, (at + i) / PV_SEGMENT);
      q[i] = (int8_t)exact_weight(type, small, (int)(pv_random_next(state) >> 40));
    }
    pv_block_pack(type, q, block);
    exact_scales(type, block, state);
    if (!info->quantised) put_plain(type, (float)q[0], block);
  }
}

pv_code pv_rows_act_make(const pv_cpu_path *path, pv_product product, const float *x, size_t k,
                         pv_rows_act *out, pv_error *err) {
  const size_t padded = pv_act_padded(k), segments = padded / PV_SEGMENT;
  const size_t bytes = 4 * segments * sizeof(float) + padded * sizeof(int16_t);
  float *d = calloc(1, bytes);
  if (d == NULL)
    return pv_error_set(err, PV_ERR_NOMEM, "out of memory for a row of %zu activations", k);
  int32_t *sum = (int32_t *)(void *)(d + segments), *offset = sum + segments;
  int16_t *q = (int16_t *)(void *)(offset + 2 * segments);
  *out = (pv_rows_act){{x, q, d, sum, offset}, d};
  if (product != PV_PRODUCT_F64ACC && path->round != NULL)
    path->round(product, x, k, q, d, sum, offset);
  return PV_OK;
}

void pv_rows_act_free(pv_rows_act *act) {
  free(act->room);
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
