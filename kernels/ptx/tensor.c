#include "kernels/ptx/tensor.h"

enum { FINITE_KIND, INFINITE_KIND, NAN_KIND };

typedef struct number { /* (-1)^negative * significand * 2^(exponent - fraction) */
  int kind, exponent;
  uint64_t significand;
  unsigned fraction;
  bool negative;
} number;

static number read_number(uint32_t bits, unsigned fraction, unsigned exponent) {
  const uint32_t ones = (1u << exponent) - 1, field = bits >> fraction & ones;
  const uint32_t rest = bits & ((1u << fraction) - 1);
  const int bias = (int)(ones >> 1);
  number n = {.fraction = fraction, .negative = (bits >> (fraction + exponent) & 1u) != 0};
  n.kind = field < ones ? FINITE_KIND : rest == 0 ? INFINITE_KIND : NAN_KIND;
  n.exponent = (field == 0 ? 1 : (int)field) - bias;
  n.significand = rest | (field == 0 ? 0 : 1u << fraction);
  return n;
}

static number product(number a, number b) {
  number n = {.exponent = a.exponent + b.exponent,
              .significand = a.significand * b.significand,
              .fraction = a.fraction + b.fraction,
              .negative = a.negative != b.negative};
  const bool zero = (a.kind == FINITE_KIND && a.significand == 0) ||
                    (b.kind == FINITE_KIND && b.significand == 0);
  if (a.kind == NAN_KIND || b.kind == NAN_KIND)
    n.kind = NAN_KIND;
  else if (a.kind == INFINITE_KIND || b.kind == INFINITE_KIND)
    n.kind = zero ? NAN_KIND : INFINITE_KIND;
  return n;
}

/* The term in units of 2^(largest - kept), cut. */
static int64_t aligned(number n, int largest, unsigned kept) {
  const int up = n.exponent - (int)n.fraction - largest + (int)kept;
  uint64_t size = n.significand;
  if (up >= 0)
    size <<= up;
  else
    size = up > -64 ? size >> -up : 0;
  return n.negative ? -(int64_t)size : (int64_t)size;
}

/* sum * 2^(largest - kept), cut to f32. */
static uint32_t cut_f32(int64_t sum, int largest, unsigned kept) {
  const uint32_t sign = sum < 0 ? 0x80000000u : 0;
  uint64_t size = (uint64_t)(sum < 0 ? -sum : sum);
  if (size == 0) return 0;
  const int top = 63 - __builtin_clzll(size), exponent = largest - (int)kept + top;
  int drop = top - 23; /* bits below the last of the fraction */
  if (exponent < -126) drop += -126 - exponent;
  size = drop >= 64 ? 0 : drop >= 0 ? size >> drop : size << -drop;
  if (exponent > 127) return sign | 0x7f800000u;
  if (exponent < -126) return sign | (uint32_t)size;
  return sign | (((uint32_t)(exponent + 126) << 23) + (uint32_t)size);
}

/* The same to f16, to nearest. */
static uint32_t round_f16(int64_t sum, int largest, unsigned kept) {
  const uint32_t sign = sum < 0 ? 0x8000u : 0;
  const uint64_t size = (uint64_t)(sum < 0 ? -sum : sum);
  if (size == 0) return 0;
  const int top = 63 - __builtin_clzll(size), exponent = largest - (int)kept + top;
  if (exponent > 15) return sign | 0x7c00u;
  const int drop = (exponent < -14 ? -24 : exponent - 10) - (largest - (int)kept);
  uint64_t r = drop <= 0 ? size << -drop : drop > 62 ? 0 : size >> drop;
  if (drop > 0 && drop <= 62) {
    const uint64_t rest = size & ((1ULL << drop) - 1), half = 1ULL << (drop - 1);
    r += rest > half || (rest == half && (r & 1u) != 0);
  }
  if (exponent >= -14) r += (uint64_t)(exponent + 14) << 10;
  if (r == 0) return 0;
  return sign | (uint32_t)(r > 0x7c00u ? 0x7c00u : r);
}

static uint32_t add_group(const pv_ptx_tensor *t, const number *terms, unsigned count) {
  int largest = -1000, infinite = 0;
  int64_t sum = 0;
  bool nan = false;
  for (unsigned i = 0; i < count; i++) {
    nan |= terms[i].kind == NAN_KIND;
    if (terms[i].kind == INFINITE_KIND) infinite |= terms[i].negative ? 2 : 1;
    if (terms[i].significand != 0 && terms[i].exponent > largest) largest = terms[i].exponent;
  }
  if (nan || infinite == 3) return t->half ? 0x7fffu : 0x7fffffffu;
  if (infinite != 0)
    return (t->half ? 0x7c00u : 0x7f800000u) |
           (infinite == 2 ? t->half ? 0x8000u : 0x80000000u : 0);
  for (unsigned i = 0; i < count; i++) sum += aligned(terms[i], largest, t->kept);
  /* Of a sum that is zero the sign is +, even of nothing but -0. */
  return t->half ? round_f16(sum, largest, t->kept) : cut_f32(sum, largest, t->kept);
}

uint32_t pv_ptx_tensor_sum(const pv_ptx_tensor *t, const uint32_t *a, const uint32_t *b, unsigned k,
                           uint32_t c) {
  const unsigned unused = t->width - 1 - t->exponent - t->fraction;
  number terms[33];
  for (unsigned from = 0; from < k; from += t->group) {
    const unsigned count = k - from < t->group ? k - from : t->group;
    terms[0] = t->half ? read_number(c, 10, 5) : read_number(c, 23, 8);
    for (unsigned i = 0; i < count; i++)
      terms[1 + i] = product(read_number(a[from + i] >> unused, t->fraction, t->exponent),
                             read_number(b[from + i] >> unused, t->fraction, t->exponent));
    c = add_group(t, terms, count + 1);
  }
  return c;
}
