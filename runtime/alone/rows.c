#include "runtime/alone/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

static void fill(void *bytes, size_t length, uint64_t *state) {
  for (size_t i = 0; i < length; i++) ((uint8_t *)bytes)[i] = (uint8_t)pv_random_next(state);
}

static float half_scale(uint64_t *state) {
  return (float)(0.001 + 0.01 * pv_random_unit(state));
}

static void put_plain(pv_type type, float value, void *out) {
  const uint16_t bits = type == PV_TYPE_F16 ? pv_f32_to_f16(value) : pv_f32_to_bf16(value);
  if (type == PV_TYPE_F32)
    memcpy(out, &value, sizeof value);
  else
    memcpy(out, &bits, sizeof bits);
}

/* Other d and m beside the sub-scales that are there. */
static void set_block_scales(const pv_type_info *info, float d, float m, void *block) {
  const unsigned group = pv_form_group(info->form);
  int8_t sc[PV_GROUPS_MAX];
  uint8_t lo[PV_GROUPS_MAX];
  for (unsigned j = 0; j < info->block_elements / group; j++) {
    const pv_scales s = pv_block_scales(info->type, block, j * group / PV_SEGMENT);
    const unsigned half = j * group / 16 % 2;
    sc[j] = (int8_t)s.sc[half];
    lo[j] = (uint8_t)s.lo[half];
  }
  pv_block_set(info->type, block, d, m, sc, lo);
}

void pv_rows_random(pv_type type, size_t k, uint64_t *state, void *row) {
  const pv_type_info *info = pv_type_get(type);
  for (size_t b = 0; b < k / info->block_elements; b++) {
    void *block = (char *)row + b * info->block_bytes;
    const float value = (float)(2.0 * pv_random_unit(state) - 1.0);
    fill(block, info->block_bytes, state);
    if (!info->quantised) {
      put_plain(type, value, block);
      continue;
    }
    const float d = half_scale(state), m = pv_form_has_minimum(info->form) ? half_scale(state) : 0;
    /* A minimum that is added puts 0 among the weights, as one that is taken away does. */
    set_block_scales(info, d, info->form == PV_FORM_D_M ? -8.0f * m : m, block);
  }
}

void pv_rows_odd_scales(pv_type type, size_t k, uint64_t *state, void *row) {
  static const float odd[] = {0.0f,   -0.0f,    0x1p-24f,  -0x1.ff8p-15f, 0x1p-127f,
                              -0.01f, 65504.0f, -INFINITY, INFINITY,      NAN};
  enum { ODD = sizeof odd / sizeof *odd };
  const pv_type_info *info = pv_type_get(type);
  const uint64_t r = pv_random_next(state), which = r / 1024 % (k / info->block_elements);
  void *block = (char *)row + which * info->block_bytes;
  const float one = odd[r % ODD], other = odd[r / 16 % ODD];
  pv_rows_random(type, k, state, row);
  if (!info->quantised)
    put_plain(type, one, block);
  else
    set_block_scales(info, r / 512 % 2 ? one : 0.01f, r / 256 % 2 ? other : 0.02f, block);
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

static void exact_scales(const pv_type_info *info, void *block, uint64_t *state) {
  const unsigned groups = info->block_elements / pv_form_group(info->form);
  int8_t sc[PV_GROUPS_MAX];
  uint8_t lo[PV_GROUPS_MAX];
  for (unsigned j = 0; j < groups; j++) {
    if (info->sc_high > 1)
      sc[j] = (int8_t)(info->sc_low < 0 ? (int)(pv_random_next(state) % 5) - 2
                                        : (int)(pv_random_next(state) % 3));
    if (info->lo_high > 1) lo[j] = (uint8_t)(pv_random_next(state) % 3);
  }
  pv_block_set(info->type, block, 1.0f, 1.0f, sc, lo);
}

/* An integer that the type can store; a small one stands against a large activation. */
static int exact_weight(const pv_type_info *info, bool small, int r) {
  if (!info->quantised) return r % 15 - 7;
  if (!small) return info->low + r % (info->high - info->low + 1);
  if (info->low == 0) return r % 4;
  return info->sc_high > 1 ? r % 5 - 2 : r % 7 - 3;
}

void pv_rows_exact(pv_type type, size_t k, uint64_t *state, void *row) {
  const pv_type_info *info = pv_type_get(type);
  for (size_t at = 0; at < k; at += info->block_elements) {
    void *block = (char *)row + at / info->block_elements * info->block_bytes;
    int8_t q[PV_BLOCK_MAX];
    for (size_t i = 0; i < info->block_elements; i++) {
      const bool small = (at + i) % PV_SEGMENT == big_at(k, (at + i) / PV_SEGMENT);
      q[i] = (int8_t)exact_weight(info, small, (int)(pv_random_next(state) >> 40));
    }
    if (!info->quantised) {
      put_plain(type, (float)q[0], block);
      continue;
    }
    pv_block_pack(type, q, block);
    exact_scales(info, block, state);
  }
}

pv_code pv_rows_act_make(const pv_cpu_path *path, pv_product product, const float *x, size_t k,
                         pv_rows_act *out, pv_error *err) {
  const size_t padded = pv_act_padded(k), segments = padded / PV_SEGMENT;
  const size_t bytes = 4 * segments * sizeof(float) + padded * sizeof(int16_t);
  char *room = calloc(PV_GRAINS, bytes);
  if (room == NULL)
    return pv_error_set(err, PV_ERR_NOMEM, "out of memory for a row of %zu activations", k);
  *out = (pv_rows_act){{.x = x}, room};
  for (pv_grain grain = 0; grain < PV_GRAINS; grain++) {
    float *d = (float *)(void *)(room + grain * bytes);
    int32_t *sum = (int32_t *)(void *)(d + segments), *offset = sum + segments;
    int16_t *q = (int16_t *)(void *)(offset + 2 * segments);
    out->act.by[grain] = (pv_planes){q, d, sum, offset};
    if (product != PV_PRODUCT_F64ACC && path->round != NULL)
      path->round(product, grain, x, k, &out->act.by[grain]);
  }
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
 * Types with a minimum have terms bounded by |d sc w x| + |dmin m x|: at most 4 |w'| + the minimum,
 * which twice the largest weight of the block covers.
 * Everything else sums plain products: at most 26 roundings to float32 on any way (a chain of 16
 * and a fold of 8), 8 when the chain is float64. */
double pv_rows_exact_value(pv_type type, pv_product product, const void *row, const float *x,
                           size_t k, double *bound) {
  const pv_type_info *info = pv_type_get(type);
  double w[PV_BLOCK_MAX], sum = 0.0, absolute = 0.0, rounding = 0.0, products = 0.0;
  const size_t block = info->quantised ? info->block_elements : PV_SEGMENT;
  for (size_t s = 0; s < k; s += block) {
    const size_t n = k - s < block ? k - s : block, left = k - s;
    const double *of = w + s % PV_BLOCK_MAX;
    double top = 0.0, heaviest = 0.0, weights = 0.0;
    if (s % PV_BLOCK_MAX == 0)
      pv_dequant_f64(type, (const char *)row + s / info->block_elements * info->block_bytes,
                     left < PV_BLOCK_MAX ? left : PV_BLOCK_MAX, w);
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
