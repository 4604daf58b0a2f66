/* binary16 and bfloat16 by integer operations alone: the same on every machine and compiler. */
#include "kernels/quant/quant.h"

float pv_f16_to_f32(uint16_t bits) {
  return pv_half_f32(bits);
}

uint16_t pv_f32_to_f16(float value) {
  const uint32_t bits = pv_bits_f32(value);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) { /* NaN: keep the payload that fits, never turn into infinity */
    const uint32_t payload = (magnitude >> 13) & 0x3ffu;
    return (uint16_t)(sign | 0x7c00u | (payload != 0 ? payload : 0x200u));
  }
  if (magnitude >= 0x477ff000u) return (uint16_t)(sign | 0x7c00u); /* >= 65520: infinity */
  if (magnitude < 0x33000000u) return (uint16_t)sign;              /* < 2^-25: zero */
  uint32_t result, rest, half;
  if (magnitude >= 0x38800000u) { /* >= 2^-14: normal */
    result = (magnitude >> 13) - (112u << 10);
    rest = magnitude & 0x1fffu;
    half = 0x1000u;
  } else { /* subnormal: the significand in units of 2^-24 */
    const unsigned shift = 126u - (magnitude >> 23);
    const uint32_t significand = (magnitude & 0x7fffffu) | 0x800000u;
    result = significand >> shift;
    half = 1u << (shift - 1);
    rest = significand & ((half << 1) - 1);
  }
  /* A carry out of the fraction correctly moves on into the exponent. */
  if (rest > half || (rest == half && (result & 1u) != 0)) result++;
  return (uint16_t)(sign | result);
}

float pv_bf16_to_f32(uint16_t bits) {
  return pv_bf16_value(&bits);
}

uint16_t pv_f32_to_bf16(float value) {
  const uint32_t bits = pv_bits_f32(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) {
    const uint32_t top = bits >> 16;
    return (uint16_t)((top & 0x7fu) != 0 ? top : top | 0x40u);
  }
  return (uint16_t)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}
