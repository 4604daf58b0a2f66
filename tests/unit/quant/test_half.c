/* binary16 and bfloat16: all values one way, every rounding boundary the other. */
#include <math.h>
#include <string.h>

#include "kernels/quant/quant.h"
#include "tests/unit/testing.h"

static float from_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* The value of 16 bits by its definition, in double: another path than the code under test. */
static double meaning(uint16_t bits, int fraction_bits, int bias) {
  const int exponent = (bits & 0x7fff) >> fraction_bits;
  const int fraction = bits & ((1 << fraction_bits) - 1);
  const double sign = (bits & 0x8000) != 0 ? -1.0 : 1.0;
  if (exponent == 0) return sign * ldexp(fraction, 1 - bias - fraction_bits);
  return sign * ldexp((1 << fraction_bits) + fraction, exponent - bias - fraction_bits);
}

static void all_values(float (*decode)(uint16_t), uint16_t (*encode)(float), int fraction_bits,
                       int bias) {
  uint64_t wrong = 0, back = 0;
  const uint16_t infinity = (uint16_t)(0x7fff & ~((1 << fraction_bits) - 1));
  for (uint32_t i = 0; i < 65536; i++) {
    const uint16_t bits = (uint16_t)i;
    const float value = decode(bits);
    const unsigned magnitude = bits & 0x7fffu;
    if (magnitude > infinity)
      wrong += !isnan(value);
    else if (magnitude == infinity)
      wrong += !isinf(value);
    else
      wrong += (double)value != meaning(bits, fraction_bits, bias);
    wrong += (signbit(value) != 0) != ((bits & 0x8000) != 0);
    back += encode(value) != bits;
  }
  EXPECT_U64(wrong, 0);
  EXPECT_U64(back, 0);
}

/* Around the middle of each pair of neighbours: below it goes down, above up, on it to even. */
static void all_middles(float (*decode)(uint16_t), uint16_t (*encode)(float), uint32_t infinity) {
  uint64_t wrong = 0;
  for (uint32_t low = 0; low + 1 < infinity; low++) {
    for (uint32_t sign = 0; sign <= 0x8000; sign += 0x8000) {
      const uint16_t a = (uint16_t)(low | sign), b = (uint16_t)((low + 1) | sign);
      const float middle = (float)(((double)decode(a) + (double)decode(b)) / 2.0);
      wrong += encode(nextafterf(middle, decode(a))) != a;
      wrong += encode(nextafterf(middle, decode(b))) != b;
      wrong += encode(middle) != (low % 2 == 0 ? a : b);
    }
  }
  EXPECT_U64(wrong, 0);
}

static void test_f16(void) {
  all_values(pv_f16_to_f32, pv_f32_to_f16, 10, 15);
  all_middles(pv_f16_to_f32, pv_f32_to_f16, 0x7c00);
  EXPECT_U64(pv_f32_to_f16(65504.0f), 0x7bff);
  EXPECT_U64(pv_f32_to_f16(65519.99f), 0x7bff);
  EXPECT_U64(pv_f32_to_f16(65520.0f), 0x7c00);
  EXPECT_U64(pv_f32_to_f16(-1e30f), 0xfc00);
  EXPECT_U64(pv_f32_to_f16(ldexpf(1.0f, -25)), 0);
  EXPECT_U64(pv_f32_to_f16(ldexpf(1.0f, -126)), 0);
  EXPECT_U64(pv_f32_to_f16(from_bits(0x80000001u)), 0x8000);
  /* a NaN whose payload does not fit stays a NaN */
  EXPECT_U64(pv_f32_to_f16(from_bits(0x7f800001u)), 0x7e00);
  EXPECT_U64(pv_f32_to_f16(from_bits(0xffffffffu)), 0xffff);
}

static void test_bf16(void) {
  all_values(pv_bf16_to_f32, pv_f32_to_bf16, 7, 127);
  /* subnormal middles are not float32 values, so only normal ones */
  uint64_t wrong = 0;
  for (uint32_t i = 0x0080; i < 0x7f80; i++) {
    const uint32_t bits = i << 16;
    wrong += pv_f32_to_bf16(from_bits(bits | 0x7fff)) != i;
    wrong += pv_f32_to_bf16(from_bits(bits | 0x8000)) != i + (i & 1);
    wrong += pv_f32_to_bf16(from_bits(bits | 0x8001)) != i + 1;
    wrong += pv_f32_to_bf16(from_bits(bits | 0x80008001u)) != ((i + 1) | 0x8000);
  }
  EXPECT_U64(wrong, 0);
  EXPECT_U64(pv_f32_to_bf16(from_bits(0x7f7fffffu)), 0x7f80);
  EXPECT_U64(pv_f32_to_bf16(from_bits(0x7f800001u)), 0x7fc0);
}

int main(void) {
  return pv_testing_main("quant half", (pv_case[]){PV_CASE(test_f16), PV_CASE(test_bf16), {0}});
}
