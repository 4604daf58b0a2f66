/* The block formats a second time, weight by weight, from their description alone: what the
 * decoders of kernels/quant are held against. */
#include "runtime/checks/formats.h"

#include <math.h>

#include "kernels/arith/arith.h"

static double half_at(const unsigned char *b, size_t at) {
  return (double)pv_f16_to_f32((uint16_t)(b[at] | b[at + 1] << 8));
}

/* Of 16 bytes the low nibbles, then the high ones. */
static int nibble(const unsigned char *q, size_t i) {
  return q[i % 16] >> (i / 16 * 4) & 15;
}
static int bit(const unsigned char *bits, size_t i) {
  return bits[i / 8] >> (i % 8) & 1;
}
/* Of 64 bytes two bits each: 32 bytes for 128 weights, 32 weights in each pair of bits. */
static int crumb(const unsigned char *q, size_t i) {
  return q[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3;
}

static double blocks_of_32(pv_type type, const unsigned char *b, size_t i) {
  static const int nl[] = {-127, -104, -83, -65, -49, -35, -22, -10,
                           1,    13,   25,  38,  53,  69,  89,  113};
  static const double mx[] = {0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0};
  switch ((uint32_t)type) {
    case PV_TYPE_Q4_0:
      return half_at(b, 0) * (nibble(b + 2, i) - 8);
    case PV_TYPE_Q4_1:
      return half_at(b, 0) * nibble(b + 4, i) + half_at(b, 2);
    case PV_TYPE_Q5_0:
      return half_at(b, 0) * (nibble(b + 6, i) + 16 * bit(b + 2, i) - 16);
    case PV_TYPE_Q5_1:
      return half_at(b, 0) * (nibble(b + 8, i) + 16 * bit(b + 4, i)) + half_at(b, 2);
    case PV_TYPE_Q8_0:
      return half_at(b, 0) * (int8_t)b[2 + i];
    case PV_TYPE_IQ4_NL:
      return half_at(b, 0) * nl[nibble(b + 2, i)];
    case PV_TYPE_MXFP4:
      return ldexp(mx[nibble(b + 1, i) & 7], b[0] - 127) * ((nibble(b + 1, i) & 8) != 0 ? -1 : 1);
    case PV_TYPE_IQ4_XS: {
      const size_t s = i / 32;
      const int sc = (b[4 + s / 2] >> (s % 2 * 4) & 15) + 16 * ((b[2] | b[3] << 8) >> (2 * s) & 3);
      return half_at(b, 0) * (sc - 32) * nl[nibble(b + 8 + 16 * s, i % 32)];
    }
    default:
      return (double)NAN;
  }
}

double pv_format_weight(pv_type type, const unsigned char *b, size_t i) {
  const size_t j = i / 32, l = i % 32;
  switch ((uint32_t)type) {
    case PV_TYPE_F32:
      return (double)pv_f32_bits((uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
                                 (uint32_t)b[3] << 24);
    case PV_TYPE_F16:
      return half_at(b, 0);
    case PV_TYPE_BF16:
      return (double)pv_bf16_to_f32((uint16_t)(b[0] | b[1] << 8));
    case PV_TYPE_Q2_K:
      return half_at(b, 80) * (b[i / 16] & 15) * crumb(b + 16, i) -
             half_at(b, 82) * (b[i / 16] >> 4);
    case PV_TYPE_Q3_K: {
      const size_t g = i / 16;
      const int sc = (b[96 + g % 8] >> (g / 8 * 4) & 15) + 16 * (b[104 + g % 4] >> (g / 4 * 2) & 3);
      return half_at(b, 108) * (sc - 32) * (crumb(b + 32, i) + 4 * (b[l] >> j & 1) - 4);
    }
    case PV_TYPE_Q6_K: {
      const int low = b[i / 128 * 64 + i % 64] >> (i % 128 / 64 * 4) & 15;
      const int high = b[128 + i / 128 * 32 + l] >> (i % 128 / 32 * 2) & 3;
      return half_at(b, 208) * (int8_t)b[192 + i / 16] * ((high << 4 | low) - 32);
    }
    case PV_TYPE_Q4_K:
    case PV_TYPE_Q5_K: {
      const unsigned char *s = b + 4, *q = b + (type == PV_TYPE_Q5_K ? 48 : 16);
      const int sc = j < 4 ? s[j] & 63 : (s[j + 4] & 15) | (s[j - 4] >> 6) << 4;
      const int m = j < 4 ? s[j + 4] & 63 : s[j + 4] >> 4 | (s[j] >> 6) << 4;
      int v = q[i / 64 * 32 + l] >> (j % 2 * 4) & 15;
      if (type == PV_TYPE_Q5_K) v |= (b[16 + l] >> j & 1) << 4;
      return half_at(b, 0) * sc * v - half_at(b, 2) * m;
    }
    default:
      return blocks_of_32(type, b, i);
  }
}
