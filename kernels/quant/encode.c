/* Encoders: the plain min/max or amax choice of scales, rounding to nearest, ties away from zero.
 * A value that its block cannot carry (NaN, infinity, a scale beyond binary16) is refused. */
#include <string.h>

#include "base/ck.h"
#include "kernels/quant/quant.h"

static int round_near(float value, int low, int high) {
  const float moved = value < 0.0f ? value - 0.5f : value + 0.5f;
  if (!(moved > (float)low)) return low;
  if (moved >= (float)high) return high;
  return (int)moved;
}

/* The stored scale and its decoded value. False when it is beyond binary16. */
static bool store_scale(float scale, uint16_t *bits, float *decoded) {
  *bits = pv_f32_to_f16(scale);
  *decoded = pv_f16_to_f32(*bits);
  return (*bits & 0x7c00u) != 0x7c00u;
}

static float quotient(float value, float scale) {
  return scale == 0.0f ? 0.0f : value / scale;
}

static float largest(const float *x, unsigned count) {
  float amax = 0.0f;
  for (unsigned i = 0; i < count; i++) {
    const float a = x[i] < 0.0f ? -x[i] : x[i];
    if (a > amax) amax = a;
  }
  return amax;
}

static bool encode_q8_0(const float *x, pv_block_q8_0 *out) {
  float d;
  if (!store_scale(largest(x, 32) / 127.0f, &out->d, &d)) return false;
  for (unsigned i = 0; i < 32; i++) out->q[i] = (int8_t)round_near(quotient(x[i], d), -127, 127);
  return true;
}

/* Q4_K and Q5_K share everything but `top`, the largest integer (15 or 31). Minima are stored as
 * magnitudes below zero, so a sub-block of positive values keeps a minimum of 0. */
static bool scale_k4(const float *x, int top, pv_block_q4_k *head, int8_t q[256]) {
  float scale[8], low[8], max_scale = 0.0f, max_low = 0.0f, d, dmin;
  uint8_t sc[8], m[8];
  for (unsigned j = 0; j < 8; j++) {
    float min = 0.0f, max = x[32 * j];
    for (unsigned i = 0; i < 32; i++) {
      if (x[32 * j + i] < min) min = x[32 * j + i];
      if (x[32 * j + i] > max) max = x[32 * j + i];
    }
    scale[j] = max > min ? max / (float)top - min / (float)top : 0.0f;
    low[j] = -min;
    if (scale[j] > max_scale) max_scale = scale[j];
    if (low[j] > max_low) max_low = low[j];
  }
  if (!store_scale(max_scale / 63.0f, &head->d, &d)) return false;
  if (!store_scale(max_low / 63.0f, &head->dmin, &dmin)) return false;
  for (unsigned j = 0; j < 8; j++) {
    sc[j] = (uint8_t)round_near(quotient(scale[j], d), 0, 63);
    m[j] = (uint8_t)round_near(quotient(low[j], dmin), 0, 63);
    const float step = d * (float)sc[j], minimum = dmin * (float)m[j];
    for (unsigned i = 0; i < 32; i++)
      q[32 * j + i] = (int8_t)round_near(quotient(x[32 * j + i] + minimum, step), 0, top);
  }
  pv_k4_pack(sc, m, head->scales);
  return true;
}

static bool encode_q4_k(const float *x, pv_block_q4_k *out) {
  int8_t q[256];
  if (!scale_k4(x, 15, out, q)) return false;
  pv_block_pack(PV_TYPE_Q4_K, q, out);
  return true;
}

static bool encode_q5_k(const float *x, pv_block_q5_k *out) {
  int8_t q[256];
  pv_block_q4_k head;
  if (!scale_k4(x, 31, &head, q)) return false;
  out->d = head.d;
  out->dmin = head.dmin;
  memcpy(out->scales, head.scales, sizeof out->scales);
  pv_block_pack(PV_TYPE_Q5_K, q, out);
  return true;
}

static bool encode_q6_k(const float *x, pv_block_q6_k *out) {
  int8_t q[256];
  float d;
  if (!store_scale(largest(x, 256) / (31.0f * 127.0f), &out->d, &d)) return false;
  for (unsigned j = 0; j < 16; j++) {
    const int sc = round_near(quotient(largest(x + 16 * j, 16) / 31.0f, d), 0, 127);
    const float step = d * (float)sc;
    out->scales[j] = (int8_t)sc;
    for (unsigned i = 16 * j; i < 16 * j + 16; i++)
      q[i] = (int8_t)round_near(quotient(x[i], step), -32, 31);
  }
  pv_block_pack(PV_TYPE_Q6_K, q, out);
  return true;
}

static bool encode_block(pv_type type, const float *x, unsigned char *out) {
  union {
    pv_block_q8_0 q8;
    pv_block_q4_k q4;
    pv_block_q5_k q5;
    pv_block_q6_k q6;
    float f32;
    uint16_t half;
  } block;
  bool ok = true;
  switch (type) {
    case PV_TYPE_F32:
      block.f32 = *x;
      break;
    case PV_TYPE_F16:
      block.half = pv_f32_to_f16(*x);
      ok = (block.half & 0x7c00u) != 0x7c00u;
      break;
    case PV_TYPE_BF16:
      block.half = pv_f32_to_bf16(*x);
      ok = (block.half & 0x7f80u) != 0x7f80u;
      break;
    case PV_TYPE_Q8_0:
      ok = encode_q8_0(x, &block.q8);
      break;
    case PV_TYPE_Q4_K:
      ok = encode_q4_k(x, &block.q4);
      break;
    case PV_TYPE_Q5_K:
      ok = encode_q5_k(x, &block.q5);
      break;
    case PV_TYPE_Q6_K:
      ok = encode_q6_k(x, &block.q6);
      break;
  }
  if (ok) memcpy(out, &block, pv_type_get((uint32_t)type)->block_bytes);
  return ok;
}

pv_code pv_quantise_row(pv_type type, const float *values, uint64_t count, void *out,
                        pv_error *err) {
  const pv_type_info *info = pv_type_get((uint32_t)type);
  if (info == NULL)
    return pv_error_set(err, PV_ERR_INPUT, "no encoder for tensor type %u", (unsigned)type);
  if (count % info->block_elements != 0)
    return pv_error_set(err, PV_ERR_INPUT, "%llu values are not whole blocks of %u (%s)",
                        (unsigned long long)count, (unsigned)info->block_elements, info->name);
  unsigned char *to = out;
  for (uint64_t at = 0; at < count; at += info->block_elements, to += info->block_bytes) {
    bool ok = true;
    for (uint32_t i = 0; i < info->block_elements; i++)
      ok = ok && values[at + i] - values[at + i] == 0.0f; /* false for NaN and infinities */
    if (!ok || !encode_block(type, values + at, to))
      return pv_error_set(
          err, PV_ERR_INPUT, "values %llu to %llu cannot be stored as %s: not finite or too large",
          (unsigned long long)at, (unsigned long long)(at + info->block_elements - 1), info->name);
  }
  return PV_OK;
}
