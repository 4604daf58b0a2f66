#include "kernels/vulkan/cases.h"

#include <math.h>
#include <string.h>

#include "base/random.h"
#include "kernels/arith/arith.h"
#include "kernels/arith/fold.h"
#include "kernels/quant/quant.h"

#define SIGN     UINT32_C(0x80000000)
#define INFINITE UINT32_C(0x7f800000)
#define STEP     UINT32_C(0x9e3779b9) /* of the key that a result is folded with */

static const char by_device[] = "as the device does it, not contracted";
static const char by_residual[] =
    "the guess of the device, corrected by an exact residual in float64";
static const char by_float64[] = "float64: exact product, TwoSum, made odd, narrowed";
static const char by_parts[] = "two exact products, and the sum of three rounded once";

const pv_operation *pv_operations(size_t *count) {
  static const pv_operation all[] = {
      {"add", by_device, PV_OP_SUM, PV_INPUTS_NORMAL, 0, 0},
      {"subtract", by_device, PV_OP_DIFFERENCE, PV_INPUTS_NORMAL, 0, 0},
      {"multiply", by_device, PV_OP_PRODUCT, PV_INPUTS_NORMAL, 0, 0},
      {"multiply-then-add", by_device, PV_OP_TWICE_ROUNDED, PV_INPUTS_NORMAL, 0, 0},
      {"magic-rounding", by_device, PV_OP_WHOLE, PV_INPUTS_SMALL, 0, 0},
      {"add-float64", by_device, PV_OP_SUM_LONG, PV_INPUTS_LONG, 0, 0},
      {"subtract-float64", by_device, PV_OP_DIFFERENCE_LONG, PV_INPUTS_LONG, 0, 0},
      {"multiply-float64", by_device, PV_OP_PRODUCT_LONG, PV_INPUTS_LONG, 0, 0},
      {"float32-to-float64", by_device, PV_OP_WIDENED, PV_INPUTS_ANY, 0, 0},
      {"float64-to-float32", by_device, PV_OP_NARROWED, PV_INPUTS_LONG, 0, 0},
      {"divide", by_residual, PV_OP_QUOTIENT, PV_INPUTS_NORMAL, 0, 0},
      {"sqrt", by_residual, PV_OP_ROOT, PV_INPUTS_NORMAL, 0, 0},
      {"fma", by_float64, PV_OP_FUSED, PV_INPUTS_NORMAL, 0, 0},
      {"fma-float64", by_parts, PV_OP_FUSED_LONG, PV_INPUTS_LONG_TIES, 0, 0},
      {"fma-256", "256 a + b: the product is exact", PV_OP_PLANES, PV_INPUTS_PLANES, 0, 0},
      {"subnormal-add", by_device, PV_OP_SUM, PV_INPUTS_SUBNORMAL, 0, 0},
      {"subnormal-multiply", by_device, PV_OP_PRODUCT, PV_INPUTS_SUBNORMAL, 0, 0},
      {"subnormal-divide", by_residual, PV_OP_QUOTIENT, PV_INPUTS_SUBNORMAL, 0, 0},
      {"subnormal-fma", by_float64, PV_OP_FUSED, PV_INPUTS_SUBNORMAL, 0, 0},
      {"subnormal-narrowing", by_device, PV_OP_NARROWED, PV_INPUTS_SUBNORMAL, 0, 0},
      {"int8-dot", "OpSDot: exact, in any order", PV_OP_DOT, PV_INPUTS_ANY, 0, 0},
      {"int32-to-float32", by_device, PV_OP_FROM_INT32, PV_INPUTS_ANY, 0, 0},
      {"uint32-to-float32", by_device, PV_OP_FROM_UINT32, PV_INPUTS_ANY, 0, 0},
      {"int64-to-float32", by_device, PV_OP_FROM_INT64, PV_INPUTS_ANY, 0, 0},
      {"float16-unpacking", "unpackHalf2x16", PV_OP_HALF, PV_INPUTS_INDEX, 0, 0},
      {"bfloat16-unpacking", "a shift", PV_OP_BFLOAT, PV_INPUTS_INDEX, 0, 0},
      {"shared-memory-tree", "halves onto halves of 256", PV_OP_TREE, PV_INPUTS_SMALL, 0, 0},
      {"float32-to-int32", by_device, PV_OP_FOLDED, PV_INPUTS_EVERY, 0, UINT64_C(0x4f000000)},
      {"float32-to-int32-negative", by_device, PV_OP_FOLDED, PV_INPUTS_EVERY, SIGN,
       UINT64_C(0x4f000000)},
      {"float32-to-uint32", by_device, PV_OP_FOLDED_LAST, PV_INPUTS_EVERY, 0, UINT64_C(0x4f000000)},
  };
  *count = sizeof all / sizeof *all;
  return all;
}

bool pv_op_is_long(pv_op_code code) {
  return code >= PV_OP_LONG_FIRST && code < PV_OP_CONVERTED;
}

static double long_real(uint64_t bits) {
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static uint64_t long_bits(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static bool is_subnormal(uint32_t bits) {
  return (bits & INFINITE) == 0 && (bits & ~SIGN) != 0;
}

/* Any bits, those on which roundings turn, and numbers near one another; none of them subnormal. */
static uint32_t normal(uint64_t *state) {
  static const uint32_t turns[] = {0,          SIGN,       0x3f800000, 0x3f7fffff, 0x3f800001,
                                   0x7f7fffff, 0x00800000, 0x7f800000, 0x7fc00000, 0x40400000,
                                   0x3eaaaaab, 0x4b800001, 0xcb7fffff, 0x34000000, 0xff800000};
  const uint64_t r = pv_random_next(state);
  uint32_t bits = (uint32_t)(r >> 32);
  if (r % 16 == 0)
    bits = turns[bits % (sizeof turns / sizeof *turns)];
  else if (r % 4 != 1)
    bits = (bits & ~INFINITE) | (UINT32_C(120) + bits % 16) << 23;
  return is_subnormal(bits) ? bits | 0x00800000 : bits;
}

/* Exponents so that a product or a quotient of two lies about the smallest normal number. */
static uint32_t small(uint64_t *state, unsigned which) {
  const uint64_t r = pv_random_next(state);
  const uint32_t bits = (uint32_t)(r >> 32);
  const uint32_t exponent = which == 1 ? UINT32_C(100) + bits % 50 : bits % 40;
  return (bits & ~INFINITE) | (r % 4 == 0 ? 0 : exponent) << 23;
}

static uint32_t input(pv_op_inputs kind, uint64_t *state, unsigned which, uint32_t i) {
  switch (kind) {
    case PV_INPUTS_NORMAL:
      return normal(state);
    case PV_INPUTS_SUBNORMAL:
      return small(state, which);
    case PV_INPUTS_SMALL: {
      const double range = i % 2 == 0 ? 0x1p22 : 0x1p15;
      const double x = range * (2 * pv_random_unit(state) - 1);
      return pv_bits_f32((float)(i % 8 == 0 ? floor(x / 2) + 0.5 : x)); /* ties */
    }
    case PV_INPUTS_PLANES:
      return pv_bits_f32((float)((int64_t)(pv_random_next(state) >> 40) - 0x800000));
    case PV_INPUTS_INDEX:
      return (2 * i + 1) << 16 | (2 * i & 0xffff);
    default:
      return (uint32_t)(pv_random_next(state) >> 32);
  }
}

/* float64 that float32 has as subnormals, or as 0; half of them lie half way between two. */
static uint64_t long_subnormal(uint64_t *state) {
  enum { LEAST = 1023 - 126, HALF = 28, FRACTION = 52 }; /* the half of a normal float32 is a bit */
  const uint64_t r = pv_random_next(state), below = (r >> 3) % 26;
  const uint64_t half = HALF + below < FRACTION ? HALF + below : FRACTION;
  uint64_t bits = pv_random_next(state) & ((UINT64_C(1) << FRACTION) - 1);
  if (r % 2 == 0) bits = half < FRACTION ? (bits >> half | 1) << half : 0;
  return bits | (LEAST - below) << FRACTION | r >> 63 << 63;
}

/* Of 64 bits: whole numbers, or float64 about 1, of which half lie half way between two float32. */
static uint64_t long_input(pv_op_inputs kind, uint64_t *state, unsigned which) {
  if (kind == PV_INPUTS_SUBNORMAL) return long_subnormal(state);
  const uint64_t r = pv_random_next(state);
  if (kind == PV_INPUTS_ANY) return r % 2 == 0 ? r : (uint64_t)((int64_t)r >> (r >> 8) % 64);
  const uint64_t exponent = UINT64_C(1023) - 20 + (r >> 3) % 40;
  const uint64_t bits = (pv_random_next(state) & UINT64_C(0x800fffffffffffff)) | exponent << 52;
  return which == 0 && r % 2 == 0 ? (bits & ~UINT64_C(0x1fffffff)) | UINT64_C(0x10000000) : bits;
}

/* The bits of a float32 that a float64 has at most. */
static double single(uint64_t bits) {
  return long_real(bits & ~UINT64_C(0x1fffffff));
}

/* a b is 1 and a little more or less, which float64 does not hold, and half of the last place of c:
 * that little decides. */
static void make_tie(uint64_t *a, uint64_t *b, uint64_t *c) {
  const double x = single((*b & UINT64_C(0x000fffffffffffff)) | UINT64_C(1023) << 52);
  *a = long_bits(1.0 / x);
  *b = long_bits(x);
  *c = long_bits((*c >> 63 != 0 ? -1 : 1) * (0x1p53 + 2.0 * (double)(*c % 65536)));
}

void pv_op_inputs_make(const pv_operation *operation, void *a, void *b, void *c) {
  void *const into[] = {a, b, c};
  for (unsigned k = 0; k < 3; k++) {
    uint64_t state = UINT64_C(20) + (uint64_t)operation->code * 3 + k;
    for (uint32_t i = 0; i < PV_OP_CASES; i++)
      if (pv_op_is_long(operation->code))
        ((uint64_t *)into[k])[i] = long_input(operation->inputs, &state, k);
      else
        ((uint32_t *)into[k])[i] = input(operation->inputs, &state, k, i);
  }
  for (uint32_t i = 0; operation->inputs == PV_INPUTS_LONG_TIES && i < PV_OP_CASES; i += 4)
    make_tie((uint64_t *)a + i, (uint64_t *)b + i, (uint64_t *)c + i);
}

static uint32_t dot_of_bytes(uint32_t a, uint32_t b) {
  int32_t r = 0;
  for (unsigned i = 0; i < 32; i += 8) r += (int8_t)(a >> i) * (int8_t)(b >> i);
  return (uint32_t)r;
}

static uint64_t expected_long(pv_op_code code, uint64_t a, uint64_t b, uint64_t c) {
  switch (code) {
    case PV_OP_SUM_LONG:
      return long_bits(long_real(a) + long_real(b));
    case PV_OP_DIFFERENCE_LONG:
      return long_bits(long_real(a) - long_real(b));
    case PV_OP_PRODUCT_LONG:
      return long_bits(long_real(a) * long_real(b));
    case PV_OP_WIDENED:
      return long_bits((double)pv_f32_bits((uint32_t)a));
    case PV_OP_NARROWED:
      return pv_bits_f32((float)long_real(a));
    case PV_OP_FROM_INT32:
      return pv_bits_f32((float)(int32_t)a);
    case PV_OP_FROM_UINT32:
      return pv_bits_f32((float)(uint32_t)a);
    case PV_OP_FROM_INT64:
      return pv_bits_f32((float)(int64_t)a);
    default:
      return long_bits(fma(long_real(a), single(b), long_real(c)));
  }
}

static float expected(pv_op_code code, float x, float y, float z) {
  switch (code) {
    case PV_OP_SUM:
      return x + y;
    case PV_OP_DIFFERENCE:
      return x - y;
    case PV_OP_PRODUCT:
      return x * y;
    case PV_OP_TWICE_ROUNDED:
      return x * y + z;
    case PV_OP_QUOTIENT:
      return x / y;
    case PV_OP_ROOT:
      return sqrtf(x);
    case PV_OP_FUSED:
      return fmaf(x, y, z);
    case PV_OP_PLANES:
      return fmaf(256.0F, x, y);
    default:
      return (x + 12582912.0F) - 12582912.0F;
  }
}

uint64_t pv_op_expected(const pv_operation *operation, const void *a, const void *b, const void *c,
                        uint32_t i) {
  const pv_op_code code = operation->code;
  const uint32_t *x = a, *y = b, *z = c;
  if (pv_op_is_long(code))
    return expected_long(code, ((const uint64_t *)a)[i], ((const uint64_t *)b)[i],
                         ((const uint64_t *)c)[i]);
  if (code == PV_OP_TREE) {
    float row[PV_OP_GROUP];
    memcpy(row, x + (size_t)i * PV_OP_GROUP, sizeof row);
    return pv_bits_f32(pv_fold_f32(row, PV_OP_GROUP));
  }
  if (code == PV_OP_DOT) return dot_of_bytes(x[i], y[i]);
  const uint16_t half = (uint16_t)(i % 2 == 0 ? x[i / 2] & 0xffff : x[i / 2] >> 16);
  if (code == PV_OP_HALF) return pv_bits_f32(pv_f16_to_f32(half));
  if (code == PV_OP_BFLOAT) return pv_bits_f32(pv_bf16_to_f32(half));
  return pv_bits_f32(expected(code, pv_f32_bits(x[i]), pv_f32_bits(y[i]), pv_f32_bits(z[i])));
}

bool pv_op_same(const pv_operation *operation, uint64_t got, uint64_t want) {
  const bool wide = (operation->code >= PV_OP_SUM_LONG && operation->code <= PV_OP_WIDENED) ||
                    operation->code == PV_OP_FUSED_LONG;
  if (got == want) return true;
  if (operation->inputs == PV_INPUTS_EVERY || operation->code == PV_OP_DOT) return false;
  return wide ? isnan(long_real(got)) && isnan(long_real(want))
              : isnan(pv_f32_bits((uint32_t)got)) && isnan(pv_f32_bits((uint32_t)want));
}

bool pv_op_counts(const pv_operation *operation, uint64_t a, uint64_t b, uint64_t want) {
  if (operation->inputs != PV_INPUTS_NORMAL) return true;
  if (is_subnormal((uint32_t)want)) return false;
  return operation->code != PV_OP_TWICE_ROUNDED ||
         !is_subnormal(pv_bits_f32(pv_f32_bits((uint32_t)a) * pv_f32_bits((uint32_t)b)));
}

uint32_t pv_op_converted(const pv_operation *operation, uint32_t bits) {
  const float x = pv_f32_bits(bits);
  return operation->code == PV_OP_FOLDED ? (uint32_t)(int32_t)x : (uint32_t)x;
}

/* The results may come in any order, and one that differs alone changes the sum. */
uint32_t pv_op_folded(const pv_operation *operation, uint32_t first) {
  const bool is_signed = operation->code == PV_OP_FOLDED;
  uint32_t h = 0, key = first * STEP;
  for (uint32_t i = 0; i < PV_OP_FOLD; i++, key += STEP) {
    const float x = pv_f32_bits(first + i);
    h += (is_signed ? (uint32_t)(int32_t)x : (uint32_t)x) ^ key;
  }
  return h;
}
