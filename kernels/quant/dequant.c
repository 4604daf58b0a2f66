/* Decoding of rows. Every float32 rounding is written out as its own assignment; together with
 * -ffp-contract=off this fixes the result bit for bit. */
#include <stddef.h>
#include <string.h>

#include "kernels/quant/quant.h"

/* The scales of a block spread over its integers: weight i is scale[i / step] * q[i] - min[...]. */
typedef struct scaled {
  float d, dmin;
  unsigned count, step;
  int sc[16], m[16];
  int8_t q[256];
} scaled;

static void read_k4(const void *block, pv_type type, scaled *out) {
  uint8_t sc[8], m[8];
  pv_block_q4_k head; /* Q5_K begins with the same 16 bytes */
  memcpy(&head, block, 16);
  pv_k4_scales(head.scales, sc, m);
  out->d = pv_f16_to_f32(head.d);
  out->dmin = pv_f16_to_f32(head.dmin);
  out->count = 256;
  out->step = 32;
  for (unsigned j = 0; j < 8; j++) {
    out->sc[j] = sc[j];
    out->m[j] = m[j];
  }
  pv_block_integers(type, block, out->q);
}

static void read_block(pv_type type, const unsigned char *block, scaled *out) {
  if (type == PV_TYPE_Q4_K || type == PV_TYPE_Q5_K) {
    read_k4(block, type, out);
    return;
  }
  uint16_t d;
  memset(out->m, 0, sizeof out->m);
  out->dmin = 0.0f;
  if (type == PV_TYPE_Q6_K) {
    memcpy(&d, block + offsetof(pv_block_q6_k, d), sizeof d);
    out->count = 256;
    out->step = 16;
    for (unsigned j = 0; j < 16; j++)
      out->sc[j] = (int8_t)block[offsetof(pv_block_q6_k, scales) + j];
  } else {
    memcpy(&d, block, sizeof d);
    out->count = out->step = 32;
    out->sc[0] = 1;
  }
  out->d = pv_f16_to_f32(d);
  pv_block_integers(type, block, out->q);
}

static bool has_minimum(pv_type type) {
  return type == PV_TYPE_Q4_K || type == PV_TYPE_Q5_K;
}

static void blocks_f32(pv_type type, const unsigned char *row, uint64_t count, float *out) {
  const pv_type_info *info = pv_type_get((uint32_t)type);
  scaled b;
  for (uint64_t at = 0; at < count; at += info->block_elements, row += info->block_bytes) {
    read_block(type, row, &b);
    for (unsigned i = 0; i < b.count; i++) {
      const float scale = b.d * (float)b.sc[i / b.step];
      const float product = scale * (float)b.q[i];
      const float minimum = b.dmin * (float)b.m[i / b.step];
      /* Without a minimum nothing is subtracted: a -0 stays what it is. */
      out[at + i] = has_minimum(type) ? product - minimum : product;
    }
  }
}

static void blocks_f64(pv_type type, const unsigned char *row, uint64_t count, double *out) {
  const pv_type_info *info = pv_type_get((uint32_t)type);
  scaled b;
  for (uint64_t at = 0; at < count; at += info->block_elements, row += info->block_bytes) {
    read_block(type, row, &b);
    for (unsigned i = 0; i < b.count; i++) {
      /* 11 + 7 + 8 significant bits: both products are exact. */
      const double product = (double)b.d * (double)(b.sc[i / b.step] * b.q[i]);
      const double minimum = (double)b.dmin * (double)b.m[i / b.step];
      out[at + i] = has_minimum(type) ? product - minimum : product;
    }
  }
}

static float plain(pv_type type, const unsigned char *row, uint64_t index) {
  uint16_t half;
  float value;
  if (type == PV_TYPE_F32) {
    memcpy(&value, row + 4 * index, sizeof value);
    return value;
  }
  memcpy(&half, row + 2 * index, sizeof half);
  return type == PV_TYPE_F16 ? pv_f16_to_f32(half) : pv_bf16_to_f32(half);
}

void pv_dequant_f32(pv_type type, const void *row, uint64_t count, float *out) {
  const pv_type_info *info = pv_type_get((uint32_t)type);
  if (info != NULL && info->quantised)
    blocks_f32(type, row, count, out);
  else if (type == PV_TYPE_F32)
    memcpy(out, row, (size_t)count * sizeof *out);
  else
    for (uint64_t i = 0; i < count; i++) out[i] = plain(type, row, i);
}

void pv_dequant_f64(pv_type type, const void *row, uint64_t count, double *out) {
  const pv_type_info *info = pv_type_get((uint32_t)type);
  if (info != NULL && info->quantised)
    blocks_f64(type, row, count, out);
  else
    for (uint64_t i = 0; i < count; i++) out[i] = (double)plain(type, row, i);
}
