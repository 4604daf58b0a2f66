#include "tests/unit/ptx/conform/operands.h"

#include <ctype.h>

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

/* Zeros, ones, halves and their neighbours, both ends of normal and subnormal, infinities, NaNs
 * quiet and signalling with payloads, the limits of int32 and of exact integers. */
static const uint64_t f32_edges[] = {
    0x00000000, 0x80000000, 0x7f800000, 0xff800000, 0x7f800001, 0x3f800000, 0x7fc00000, 0x00000001,
    0x7f7fffff, 0x00800000, 0x007fffff, 0xffc12345, 0xbf800000, 0x80000001, 0x3f800001, 0x3f7fffff,
    0x3f000000, 0xff7fffff, 0x80800000, 0x4b800001, 0xffa00001, 0xbfc00000, 0x40200000, 0x4effffff,
    0x4f000000, 0xcf000000, 0xcf000001, 0x4f800000, 0x4b000001, 0x3effffff};
static const uint64_t f64_edges[] = {
    0x0000000000000000, 0x8000000000000000, 0x7ff0000000000000, 0xfff0000000000000,
    0x7ff0000000000001, 0x3ff0000000000000, 0x7ff8000000000000, 0x0000000000000001,
    0x7fefffffffffffff, 0x0010000000000000, 0x000fffffffffffff, 0xfff8123456789abc,
    0xbff0000000000000, 0x3ff0000000000001, 0x3fefffffffffffff, 0x8000000000000001,
    /* around the ends of float32, and ties between its values */
    0x47efffffe0000000, 0x47efffffefffffff, 0x47effffff0000000, 0x36a0000000000000,
    0x3690000000000000, 0x3690000000000001, 0x380fffffe0000000, 0x380ffffff0000000,
    0x3ff0000010000000, 0x3ff0000030000000, 0x3ff0000010000001, 0xfff4000000000001,
    0x41dfffffffc00000, 0xc1e0000000000000};
static const uint64_t b32_edges[] = {
    0,   1,          0xffffffff, 0x80000000, 0x7fffffff, 0x80808080, 0x01ff7f80, 2,
    31,  32,         0x0000ffff, 0x00010000, 0x76543210, 0xdeadbeef, 0x80000001, 255,
    256, 0x7f7f7f7f, 0xffff8000, 33,         0x55555555, 0x000000ff};
static const uint64_t b64_edges[] = {0,
                                     1,
                                     0xffffffffffffffff,
                                     0x8000000000000000,
                                     0x7fffffffffffffff,
                                     0x00000000ffffffff,
                                     0x0000000100000000,
                                     0x0000000080000000,
                                     0xffffffff80000000,
                                     0x0123456789abcdef,
                                     2,
                                     63,
                                     64,
                                     0xdeadbeefcafef00d};
static const uint64_t b16_edges[] = {0,      1,  0xffff, 0x8000, 0x7fff, 0x00ff, 0x0080,
                                     0xff7f, 15, 16,     0x1234, 0x7c00, 0xfc01, 0x03ff};
static const uint64_t f16_edges[] = {0x0000, 0x8000, 0x7c00, 0xfc00, 0x3c00, 0x7e00, 0x0001, 0x7bff,
                                     0x0400, 0x03ff, 0x3c01, 0xbc00, 0x3bff, 0x8001, 0xfd23, 0x3800,
                                     0xfbff, 0x8400, 0x7c01, 0x6801, 0x3555, 0xc000};
static const uint64_t bf16_edges[] = {0x0000, 0x8000, 0x7f80, 0xff80, 0x3f80, 0x7fc0, 0x0001,
                                      0x7f7f, 0x0080, 0x007f, 0x3f81, 0xbf80, 0x3f7f, 0x8001,
                                      0xffa3, 0x3f00, 0xff7f, 0x8080, 0x7f81, 0x4301, 0x3eab};
static const uint64_t f16x2_edges[] = {0x80000000, 0x00008000, 0x7c003c00, 0xfc007c00, 0x7e00bc00,
                                       0x000103ff, 0x7bff0400, 0x3c013bff, 0x80017bff, 0xfd237c01,
                                       0x38003555, 0xfbfffc00, 0x84000001, 0x6801c000};
static const uint64_t bf16x2_edges[] = {0x80000000, 0x00008000, 0x7f803f80, 0xff807f80, 0x7fc0bf80,
                                        0x0001007f, 0x7f7f0080, 0x3f813f7f, 0x80017f7f, 0xffa37f81,
                                        0x3f003eab, 0xff7fff80, 0x80800001, 0x4301c000};
static const uint64_t counts[] = {0, 1, 31, 32, 33, 0xffffffff, 16, 15, 63, 64, 8, 24, 255, 256};
static const uint64_t selectors[] = {0x3210, 0x7654, 0x5410, 0x0123,     0xffff,
                                     0x8888, 0xba98, 0xfedc, 0x76543210, 0x7531};
static const uint64_t lanes[] = {0, 1, 16, 31, 5, 32, 33, 63, 2, 4, 8, 0xffffffff};
static const uint64_t clamps[] = {0x1f,   0x00,   0x1c1f, 0x1c00, 0x181f,
                                  0x101f, 0x1e1f, 0x0f07, 0x1f1f, 0x0007};
static const uint64_t truths[] = {0, 1};

/* Only what PTX defines: what ptxas makes of a NaN that it subtracts, or of a field that ends
 * outside, where both are constants, is another matter than what the device makes of them. */
static const char *const f32_immediates[] = {"0f00000000", "0f80000000", "0f3F800000",
                                             "0f7F800000", "0f7F800001", "0f00000001",
                                             "0fBF000000", "0f4B800001"};
static const char *const f64_immediates[] = {
    "0d0000000000000000", "0d8000000000000000", "0d3FF0000000000000", "0d7FF0000000000000",
    "0d7FEFFFFFFFFFFFFF", "0d0000000000000001", "0dBFE0000000000000", "0d4170000010000000"};
static const char *const b32_immediates[] = {"0",  "1",           "-1",         "5",
                                             "16", "-2147483648", "2147483647", "-252645136"};
static const char *const b64_immediates[] = {
    "0",          "1", "-1", "64", "4294967295", "-9223372036854775808", "9223372036854775807",
    "-4294967296"};
static const char *const b16_immediates[] = {"0", "1", "-1", "15", "255", "-32768", "32767", "4"};
static const char *const count_immediates[] = {"0", "1", "8", "16", "31", "32", "33", "4"};
static const char *const width_immediates[] = {"0", "1", "8", "16", "31", "5", "24", "4"};
static const char *const selector_immediates[] = {"12816", "30292", "21520", "291",
                                                  "65535", "34952", "47768", "65244"};
static const char *const table_immediates[] = {"150", "232", "202", "128", "254", "60", "27", "0"};
static const char *const truth_immediates[] = {"0", "-1", "1", "0", "-1", "1", "0", "-1"};

static const pv_conform_type types[] = {
    {'f', "float32", "f32", "f32", 8, f32_edges, COUNT(f32_edges), f32_immediates},
    {'d', "float64", "f64", "f64", 16, f64_edges, COUNT(f64_edges), f64_immediates},
    {'r', "32 bits", "b32", "u32", 8, b32_edges, COUNT(b32_edges), b32_immediates},
    {'l', "64 bits", "b64", "u64", 16, b64_edges, COUNT(b64_edges), b64_immediates},
    {'h', "16 bits", "b16", "u16", 4, b16_edges, COUNT(b16_edges), b16_immediates},
    {'p', "predicate", "pred", "u32", 1, truths, COUNT(truths), truth_immediates},
    {'s', "bit count", "b32", "u32", 8, counts, COUNT(counts), count_immediates},
    {'w', "bits of a field", "b32", "u32", 8, counts, COUNT(counts), width_immediates},
    {'q', "selector", "b32", "u32", 8, selectors, COUNT(selectors), selector_immediates},
    {'t', "truth table", "b32", "u32", 8, counts, COUNT(counts), table_immediates},
    {'e', "float16", "b16", "u16", 4, f16_edges, COUNT(f16_edges), NULL},
    {'b', "bfloat16", "b16", "u16", 4, bf16_edges, COUNT(bf16_edges), NULL},
    {'x', "two float16", "b32", "u32", 8, f16x2_edges, COUNT(f16x2_edges), NULL},
    {'y', "two bfloat16", "b32", "u32", 8, bf16x2_edges, COUNT(bf16x2_edges), NULL},
    {'z', "tf32", "b32", "u32", 8, f32_edges, COUNT(f32_edges), NULL},
    {'n', "lane", "b32", "u32", 8, lanes, COUNT(lanes), NULL},
    {'m', "clamp and segment", "b32", "u32", 8, clamps, COUNT(clamps), NULL},
};

const pv_conform_type *pv_conform_type_of(char letter) {
  const int small = tolower((unsigned char)letter);
  for (size_t i = 0; i < COUNT(types); i++)
    if (types[i].letter == small) return &types[i];
  return NULL;
}

unsigned pv_conform_digits(char letter) {
  return letter == '_' ? 16 : pv_conform_type_of(letter)->digits;
}

uint64_t pv_conform_next(uint64_t *state) {
  uint64_t x = *state += 0x9e3779b97f4a7c15;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return x ^ x >> 31;
}

/* Any bits; or an exponent near 1, so that sums meet; or few bits of fraction, so that results are
 * exact or ties. */
static uint64_t random_f32(uint64_t *state) {
  const uint64_t x = pv_conform_next(state), kind = x >> 60 & 3;
  const uint64_t near = 127 - 13 + (x >> 32) % 27,
                 few = 0xff800000 | (0x7fffff & ~0u << (x >> 40) % 24);
  if (kind == 0) return x & 0xffffffff;
  if (kind == 3) return (x & 0x807fffff & few) | near << 23;
  return (x & 0x807fffff) | near << 23;
}

/* Like those, with exponents that float32 has, ends included, and fractions near its ties. */
static uint64_t random_f64(uint64_t *state) {
  const uint64_t x = pv_conform_next(state), y = pv_conform_next(state);
  const uint64_t fraction = x & 0x800fffffffffffff;
  switch (y & 3) {
    case 0:
      return x;
    case 1:
      return fraction | (1023 - 28 + (y >> 8) % 57) << 52;
    case 2:
      return fraction | (1023 - 152 + (y >> 8) % 282) << 52;
    default:
      return ((fraction & ~0x1fffffffull) + 0x10000000 - 1 + (y >> 32) % 3) |
             (1023 - 4 + (y >> 8) % 9) << 52;
  }
}

/* Any bits, or an exponent near 1, so that sums meet; `fraction` bits below the exponent. */
static uint64_t random_half(uint64_t *state, unsigned fraction) {
  const uint64_t x = pv_conform_next(state), ones = (1u << fraction) - 1;
  const uint64_t one = fraction == 10 ? 15 : 127, near = one - 6 + (x >> 32) % 13;
  return x >> 62 == 0 ? x & 0xffff : (x & (0x8000 | ones)) | near << fraction;
}

uint64_t pv_conform_random(const pv_conform_type *type, uint64_t *state) {
  const uint64_t x = pv_conform_next(state), kind = x >> 61;
  if ((x >> 56 & 31) < 5) return type->edges[(x & 0xffff) % type->edge_count];
  switch (type->letter) {
    case 'f':
    case 'z':
      return random_f32(state);
    case 'd':
      return random_f64(state);
    case 'e':
      return random_half(state, 10);
    case 'b':
      return random_half(state, 7);
    case 'x':
      return random_half(state, 10) | random_half(state, 10) << 16;
    case 'y':
      return random_half(state, 7) | random_half(state, 7) << 16;
    case 'l':
      if (kind < 4) return pv_conform_next(state);
      return (uint64_t)((int64_t)pv_conform_next(state) >> (x & 63));
    case 'h':
      return x & 0xffff;
    case 'p':
      return x & 1;
    case 's':
    case 'w':
      return kind < 6 ? x % 70 : x & 0xffffffff;
    case 'n':
      return kind < 6 ? x & 31 : x & 0xff;
    case 'm':
      return kind < 4 ? type->edges[x % type->edge_count] : x & 0x1f1f;
    default: /* any width, either sign */
      if (kind < 4) return x & 0xffffffff;
      return (uint64_t)((int64_t)(x << 3) >> (32 + (x >> 40) % 31)) & 0xffffffff;
  }
}
