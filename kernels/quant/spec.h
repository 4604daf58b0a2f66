/* Weights a second time, one by one, from the description of their format: bytes and their numbers,
 * no struct and none of what unpacks blocks. Decoders are held against it. For the host. */
#ifndef PV_QUANT_SPEC_H
#define PV_QUANT_SPEC_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

float pv_f16_to_f32(uint16_t bits); /* exact */

static inline double pv_spec_half(const uint8_t *b) {
  return (double)pv_f16_to_f32((uint16_t)(b[0] | b[1] << 8));
}

/* Of 16 bytes the low nibbles, then the high ones. */
static inline int pv_spec_nibble(const uint8_t *q, size_t i) {
  return q[i % 16] >> (i / 16 * 4) & 15;
}
static inline int pv_spec_bit(const uint8_t *bits, size_t i) {
  return bits[i / 8] >> (i % 8) & 1;
}
/* Of 64 bytes two bits each: 32 bytes for 128 weights, 32 weights in each pair of bits. */
static inline int pv_spec_crumb(const uint8_t *q, size_t i) {
  return q[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3;
}

static inline int pv_spec_iq4(int n) {
  static const int value[] = {-127, -104, -83, -65, -49, -35, -22, -10,
                              1,    13,   25,  38,  53,  69,  89,  113};
  return value[n];
}

/* Q4_K and Q5_K: of 32 bytes the low nibbles, then the high ones; and weight i of the integer v. */
static inline int pv_spec_k4_nibble(const uint8_t *q, size_t i) {
  return q[i / 64 * 32 + i % 32] >> (i / 32 % 2 * 4) & 15;
}
static inline double pv_spec_k4(const uint8_t *b, size_t i, int v) {
  const uint8_t *s = b + 4;
  const size_t j = i / 32;
  const int sc = j < 4 ? s[j] & 63 : (s[j + 4] & 15) | (s[j - 4] >> 6) << 4;
  const int m = j < 4 ? s[j + 4] & 63 : s[j + 4] >> 4 | (s[j] >> 6) << 4;
  return pv_spec_half(b) * sc * v - pv_spec_half(b + 2) * m;
}

#endif
