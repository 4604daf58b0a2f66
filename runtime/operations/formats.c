#include "runtime/operations/formats.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "kernels/foreign/foreign.h"

typedef struct block_q8_1 {
  uint16_t d, s;
  int8_t q[32];
} block_q8_1;
typedef struct block_q8_k {
  float d;
  int8_t q[256];
  int16_t sums[16];
} block_q8_k;
_Static_assert(sizeof(block_q8_1) == 36 && sizeof(block_q8_k) == 292, "blocks without gaps");

static const pv_format_info table[PV_FORMAT_COUNT] = {
    [PV_FORMAT_F32] = {"f32", 1, 4, 1, 0x1p-24, 0x1p-150},
    [PV_FORMAT_F16] = {"f16", 1, 2, 1, 0x1p-11, 0x1p-25},
    [PV_FORMAT_BF16] = {"bf16", 1, 2, 1, 0x1p-8, 0x1p-134},
    [PV_FORMAT_Q8_0] = {"q8_0", 32, sizeof(pv_block_q8_0), 33, 0.0, 0.0},
    [PV_FORMAT_Q8_1] = {"q8_1", 32, sizeof(block_q8_1), 34, 0.0, 0.0},
    [PV_FORMAT_Q8_K] = {"q8_k", 256, sizeof(block_q8_k), 273, 0.0, 0.0},
    [PV_FORMAT_I8] = {"i8", 1, 1, 1, 0.0, 0.0}};

const pv_format_info *pv_format_get(pv_format format) {
  return &table[format];
}

bool pv_format_find(const char *name, pv_format *out) {
  for (int i = 0; i < PV_FORMAT_COUNT; i++)
    if (strcasecmp(table[i].name, name) == 0) {
      *out = (pv_format)i;
      return true;
    }
  return false;
}

size_t pv_format_bytes(pv_format format, size_t n) {
  const pv_format_info *info = &table[format];
  return n % info->elements == 0 ? n / info->elements * info->bytes : 0;
}

static bool all_finite(const float *x, size_t n) {
  bool finite = true;
  for (size_t i = 0; i < n; i++) finite = finite && isfinite(x[i]);
  return finite;
}

/* Blocks of 32: the scale as binary16, the integers by 127 / the largest. */
static bool encode_32(const float *x, uint16_t *d, uint16_t *s, int8_t *q) {
  float most = 0.0f;
  int sum = 0;
  for (size_t i = 0; i < 32; i++) most = fmaxf(most, fabsf(x[i]));
  const float scale = most / 127.0f, inverse = most > 0.0f ? 127.0f / most : 0.0f;
  for (size_t i = 0; i < 32; i++) {
    q[i] = (int8_t)fminf(fmaxf(rintf(x[i] * inverse), -127.0f), 127.0f);
    sum += q[i];
  }
  *d = pv_f32_to_f16(scale);
  *s = pv_f32_to_f16(scale * (float)sum);
  return (*d & 0x7c00u) != 0x7c00u && (*s & 0x7c00u) != 0x7c00u;
}

static void encode_256(const float *x, block_q8_k *out) {
  float most = 0.0f, top = 0.0f;
  for (size_t i = 0; i < 256; i++)
    if (fabsf(x[i]) > most) {
      top = x[i];
      most = fabsf(top);
    }
  memset(out, 0, sizeof *out);
  const float scale = -127.0f / top;
  if (most == 0.0f || !isfinite(scale)) return;
  out->d = 1.0f / scale;
  for (size_t i = 0; i < 256; i++) {
    out->q[i] = (int8_t)fminf(rintf(scale * x[i]), 127.0f);
    out->sums[i / 16] = (int16_t)(out->sums[i / 16] + out->q[i]);
  }
}

static bool encode_block(pv_format format, const float *x, unsigned char *out) {
  union {
    float f32;
    uint16_t half;
    pv_block_q8_0 q8_0;
    block_q8_1 q8_1;
    block_q8_k q8_k;
    int8_t i8;
  } block;
  uint16_t unused;
  bool ok = format < PV_FORMAT_Q8_0 || all_finite(x, table[format].elements);
  if (format == PV_FORMAT_F32) block.f32 = *x;
  if (format == PV_FORMAT_F16) block.half = pv_f32_to_f16(*x);
  if (format == PV_FORMAT_BF16) block.half = pv_f32_to_bf16(*x);
  if (ok && format == PV_FORMAT_I8) ok = *x >= -128.0f && *x <= 127.0f && rintf(*x) == *x;
  if (ok && format == PV_FORMAT_I8) block.i8 = (int8_t)*x;
  if (ok && format == PV_FORMAT_Q8_0) ok = encode_32(x, &block.q8_0.d, &unused, block.q8_0.q);
  if (ok && format == PV_FORMAT_Q8_1) ok = encode_32(x, &block.q8_1.d, &block.q8_1.s, block.q8_1.q);
  if (ok && format == PV_FORMAT_Q8_K) encode_256(x, &block.q8_k);
  if (ok) memcpy(out, &block, table[format].bytes);
  return ok;
}

bool pv_format_encode(pv_format format, const float *x, size_t n, void *out) {
  const pv_format_info *info = &table[format];
  unsigned char *to = out;
  bool ok = n % info->elements == 0;
  for (size_t i = 0; ok && i < n; i += info->elements, to += info->bytes)
    ok = encode_block(format, x + i, to);
  return ok;
}

/* Every number of a block, in the order of its bytes. */
static void numbers_of(pv_format format, const unsigned char *bytes, double *out) {
  float f32;
  uint16_t half;
  block_q8_k k;
  if (format == PV_FORMAT_F32) {
    memcpy(&f32, bytes, sizeof f32);
    out[0] = (double)f32;
    return;
  }
  if (format == PV_FORMAT_I8) {
    out[0] = (int8_t)bytes[0];
    return;
  }
  if (format == PV_FORMAT_Q8_K) {
    memcpy(&k, bytes, sizeof k);
    out[0] = (double)k.d;
    for (size_t i = 0; i < 256; i++) out[1 + i] = k.q[i];
    for (size_t i = 0; i < 16; i++) out[257 + i] = k.sums[i];
    return;
  }
  memcpy(&half, bytes, sizeof half);
  out[0] = (double)(format == PV_FORMAT_BF16 ? pv_bf16_to_f32(half) : pv_f16_to_f32(half));
  if (format < PV_FORMAT_Q8_0) return;
  const size_t head = format == PV_FORMAT_Q8_1 ? 2 : 1;
  memcpy(&half, bytes + 2, sizeof half);
  if (head == 2) out[1] = (double)pv_f16_to_f32(half);
  for (size_t i = 0; i < 32; i++) out[head + i] = (int8_t)bytes[2 * head + i];
}

void pv_format_numbers(pv_format format, const void *bytes, size_t n, double *out) {
  const pv_format_info *info = &table[format];
  const unsigned char *from = bytes;
  for (size_t i = 0; i < n; i += info->elements, from += info->bytes, out += info->numbers)
    numbers_of(format, from, out);
}

void pv_format_decode(pv_format format, const void *bytes, size_t n, float *out) {
  const pv_format_info *info = &table[format];
  const unsigned char *from = bytes;
  double number[273];
  const size_t head = format == PV_FORMAT_Q8_1 ? 2 : 1;
  for (size_t i = 0; i < n; i += info->elements, from += info->bytes) {
    numbers_of(format, from, number);
    if (info->elements == 1) out[i] = (float)number[0];
    for (size_t j = 0; info->elements > 1 && j < info->elements; j++)
      out[i + j] = (float)(number[0] * number[head + j]);
  }
}
