#include "runtime/checks/rows.h"

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

enum { ONE_F16 = 0x3c00 };

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

/* One block of exact weights; `big[s]` is where segment s has its large activation. */
static void exact_block(pv_type type, void *block, const size_t *big, uint64_t *state) {
  const pv_type_info *info = pv_type_get(type);
  memset(block, 0, info->block_bytes);
  for (size_t i = 0; i < info->block_elements; i++) {
    const bool small = i % PV_SEGMENT == big[i / PV_SEGMENT];
    const unsigned r = (unsigned)pv_random_next(state);
    switch (type) {
      case PV_TYPE_Q8_0: {
        pv_block_q8_0 *b = block;
        b->d = ONE_F16;
        b->q[i] = (int8_t)(small ? (int)(r % 7) - 3 : (int)(r % 255) - 127);
        break;
      }
      case PV_TYPE_Q4_K:
        put(type, block, i, small ? r % 4 : r % 16);
        break;
      case PV_TYPE_Q5_K:
        put(type, block, i, small ? r % 4 : r % 32);
        break;
      case PV_TYPE_Q6_K:
        put(type, block, i, small ? 30 + r % 5 : r % 64);
        break;
      default:
        break;
    }
  }
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

static void exact_plain(pv_type type, size_t k, uint64_t *state, void *row) {
  for (size_t i = 0; i < k; i++) {
    const float w = (float)((int)(pv_random_next(state) % 15) - 7);
    if (type == PV_TYPE_F32) ((float *)row)[i] = w;
    if (type == PV_TYPE_F16) ((uint16_t *)row)[i] = pv_f32_to_f16(w);
    if (type == PV_TYPE_BF16) ((uint16_t *)row)[i] = pv_f32_to_bf16(w);
  }
}

void pv_rows_exact(pv_type type, pv_product product, size_t k, uint64_t *state, void *row,
                   float *x) {
  const pv_type_info *info = pv_type_get(type);
  const float big_value = product == PV_PRODUCT_I8 ? PV_ACT8_MAX : PV_ACT16_MAX;
  for (size_t i = 0; i < k; i++) x[i] = (float)((int)(pv_random_next(state) % 5) - 2);
  if (!info->quantised) {
    exact_plain(type, k, state, row);
    return;
  }
  for (size_t b = 0; b < k / info->block_elements; b++) {
    size_t big[8];
    for (size_t s = 0; s < info->block_elements / PV_SEGMENT; s++) {
      big[s] = pv_random_next(state) % PV_SEGMENT;
      const float sign = pv_random_next(state) % 2 ? 1.0f : -1.0f;
      x[b * info->block_elements + s * PV_SEGMENT + big[s]] = sign * big_value;
    }
    exact_block(type, (char *)row + b * info->block_bytes, big, state);
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
  if (product != PV_PRODUCT_F64ACC)
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
pv_code pv_rows_exact_value(pv_type type, pv_product product, const void *row, const float *x,
                            size_t k, double *value, double *bound, pv_error *err) {
  double *w = calloc(k, sizeof *w), sum = 0.0, absolute = 0.0, rounding = 0.0, products = 0.0;
  if (w == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for an exact product");
  pv_dequant_f64(type, row, k, w);
  for (size_t s = 0; s < k; s += PV_SEGMENT) {
    const size_t n = k - s < PV_SEGMENT ? k - s : PV_SEGMENT;
    double top = 0.0, heaviest = 0.0, weights = 0.0;
    for (size_t i = s; i < s + n; i++) {
      sum += w[i] * (double)x[i];
      weights += fabs(w[i]);
      products += fabs(w[i] * (double)x[i]);
      if (fabs((double)x[i]) > top) top = fabs((double)x[i]);
      if (fabs(w[i]) > heaviest) heaviest = fabs(w[i]);
    }
    absolute += 4.0 * (double)n * heaviest * top;
    const double unit = top / (product == PV_PRODUCT_I8 ? PV_ACT8_MAX : PV_ACT16_MAX);
    rounding += 0.5001 * unit * weights;
  }
  if (product == PV_PRODUCT_F64ACC)
    *bound = 8.0 * 0x1p-24 * products;
  else if (!pv_type_get(type)->quantised)
    *bound = 26.0 * 0x1p-24 * products;
  else
    *bound = rounding + 24.0 * 0x1p-24 * absolute;
  free(w);
  *value = sum;
  return PV_OK;
}
