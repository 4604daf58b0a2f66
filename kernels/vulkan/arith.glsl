// The float operations that a shader may use: each gives the bits that IEEE 754, and so the CPU, gives.
// Vulkan promises that of +, - and * alone, of 32 bits, and only where nothing is contracted: every
// variable that holds a result is `precise`, which glslang writes as NoContraction. Division and square
// root are 2.5 ulp there or worse, and fma may round twice: these are made of what is exact.
//
// A macro of a name below plants that defect (kernels/vulkan/modules.h lists them).
#extension GL_EXT_spirv_intrinsics : require
#extension GL_EXT_control_flow_attributes : require
#if defined(PRESERVED) // for devices that flush subnormals unless they are told not to
spirv_execution_mode(capabilities = [4464], 4459, 32); // DenormPreserve, of both widths: some devices
spirv_execution_mode(capabilities = [4464], 4459, 64); // have one mode for all
#endif

#if defined(CONTRACTED)
#define PRECISE
#else
#define PRECISE precise
#endif

const uint SIGN = 0x80000000u;
const uint INFINITE = 0x7f800000u;
const uint NOT_A_NUMBER = 0x7fc00000u;

float sum(float a, float b) {
  PRECISE float r = a + b;
  return r;
}

float difference(float a, float b) {
  PRECISE float r = a - b;
  return r;
}

float product(float a, float b) {
#if defined(FLUSHED)
  if ((floatBitsToUint(a) & INFINITE) == 0u) a = uintBitsToFloat(floatBitsToUint(a) & SIGN);
#endif
  PRECISE float r = a * b;
  return r;
}

// To the nearest whole number, ties to even, of |x| < 2^22: the rounding of activations.
float whole(float x) {
  PRECISE float shifted = x + 12582912.0;
  PRECISE float r = shifted - 12582912.0;
  return r;
}

// fma(256, high, low): 256 * high is exact, so a product and a sum have its bits.
float planes(float high, float low) {
#if defined(PLANES_SWAPPED)
  PRECISE float r = 256.0 * low + high;
#else
  PRECISE float r = 256.0 * high + low;
#endif
  return r;
}

// What s = a + b of float64 has lost by its rounding, exactly: TwoSum.
double lost(double a, double b, double s) {
  PRECISE double t = s - a;
  PRECISE double error = (a - (s - t)) + (b - t);
  return error;
}

// s, which is `error` away from what it was rounded from, or, where that is not 0, of the two float64 about that the
// one that is odd.
double odd(double s, double error) {
  uvec2 bits = unpackUint2x32(doubleBitsToUint64(s)), of = unpackUint2x32(doubleBitsToUint64(error));
  uint turns = uint(abs(error) > 0.0) & ~bits.x & 1u; // no NaN, which infinities leave
  uint nearer = (bits.y ^ of.y) >> 31 & turns;        // to 0: one less, else one more
  return uint64BitsToDouble(packUint2x32(uvec2(bits.x + turns - 2u * nearer, bits.y - (nearer & uint(bits.x == 0u)))));
}

// a b + c, rounded once. The product is exact in float64. TwoSum gives its sum with c and the error of that, and
// a sum that is not exact is made odd: 53 bits are more than 2 * 24 + 1, so that what follows rounds as if it
// had all of them. No jump: what stands behind it can begin before.
float fused(float a, float b, float c) {
#if defined(FMA_UNFUSED)
  PRECISE float two = a * b + c;
  return two;
#elif defined(FMA_OF_DEVICE)
  PRECISE float theirs = fma(a, b, c);
  return theirs;
#else
  PRECISE double p = double(a) * double(b);
  double q = double(c);
  PRECISE double s = p + q;
#if defined(FMA_TWICE)
  return float(s);
#endif
  return float(odd(s, lost(p, q, s)));
#endif
}

// a b of float32, exactly.
double exact(double a, double b) {
  PRECISE double p = a * b;
  return p;
}

// The same of float64, w x + c, where x is a float32. Of a w of at most 29 bits the product is exact, so that a product
// and a sum, of which NoContraction makes no other operation, are the fma. Else w is a part of 29 bits and one of
// 24, whose products are exact, and their sum with c is rounded once: both products become one number and its error, that
// number and c another one and its error, and to the sum of both errors, made odd, the rest is added (Boldo and
// Melquiond: a sum of three). What is not finite has no error.
double fused_long(double w, double x, double c) {
  PRECISE double p = w * x;
  PRECISE double s = p + c;
#if defined(LONG_FMA_UNFUSED)
  return s;
#endif
  uvec2 bits = unpackUint2x32(doubleBitsToUint64(w));
  uint ends = unpackUint2x32(doubleBitsToUint64(s)).y & 0x7ff00000u;
  if ((bits.x & 0x00ffffffu) == 0u || p == 0.0 || ends == 0x7ff00000u) return s;
  double leading = uint64BitsToDouble(packUint2x32(uvec2(bits.x & 0xff000000u, bits.y)));
  PRECISE double rest = w - leading;
  PRECISE double one = leading * x;
  PRECISE double two = rest * x;
  PRECISE double high = one + two;
  PRECISE double sum_of = high + c;
  double first = lost(one, two, high), second = lost(high, c, sum_of);
  PRECISE double errors = first + second;
#if !defined(LONG_FMA_TWICE)
  errors = odd(errors, lost(first, second, errors));
#endif
  PRECISE double r = sum_of + errors;
  return r;
}

// For chains of fma, of which most steps of fused() would be waited for: p + c, both float32 or an exact product of
// two, rounded to float32 by integers, where float64 has what matters. Else `turns` becomes 1, the result is
// nothing, and the chain is made again by fused(): where the sum is half way between two float32, so that a
// rounding before may be seen, or where float32 is subnormal or ends. Elsewhere the sum lies on the side of each
// half way point on which the number lies that it was rounded from, since those are float64 themselves. A chain
// may begin with NOTHING, and where it has no more it may go on with NOTHING times 0: neither changes a bit.
double chained(double p, double c, inout uint turns) {
  PRECISE double s = p + c;
  uint64_t bits = doubleBitsToUint64(s);
  uvec2 of = unpackUint2x32(bits), nearest = unpackUint2x32(bits + 0x10000000ul);
  uint high = of.y & ~SIGN;
  turns |= uint((of.x & 0x1fffffffu) == 0x10000000u) | (uint(high - 0x38100000u >= 0x0fdfffffu) & uint(high != 0u));
  return uint64BitsToDouble(packUint2x32(uvec2(nearest.x & 0xe0000000u, nearest.y)));
}
const float NOTHING = -0.0;

// The same where p may have no more bits than a float32, as a product with 1 has: a sum that is half way then has lost
// none, and goes to the even one.
double chained_even(double p, double c, inout uint turns) {
  PRECISE double s = p + c;
  uint64_t bits = doubleBitsToUint64(s);
  uvec2 of = unpackUint2x32(bits), nearest = unpackUint2x32(bits + 0x10000000ul);
  uint high = of.y & ~SIGN;
  bool half_way = (of.x & 0x1fffffffu) == 0x10000000u;
  turns |= uint(half_way && (unpackUint2x32(doubleBitsToUint64(p)).x & 0x1fffffffu) != 0u) |
           (uint(high - 0x38100000u >= 0x0fdfffffu) & uint(high != 0u));
  return uint64BitsToDouble(packUint2x32(uvec2(nearest.x & (half_way ? 0xc0000000u : 0xe0000000u), nearest.y)));
}

// The sum of four products of signed bytes. It is exact: what a device may choose is how fast.
spirv_instruction(extensions = ["SPV_KHR_integer_dot_product"], capabilities = [6019, 6018], id = 4450) // OpSDot
int signed_dot(uint a, uint b, spirv_literal int bytes);
int dot_of_bytes(uint a, uint b) { return signed_dot(a, b, 0); }

// A magnitude of 32 bits in float64; what follows the largest number is 2^128, not infinity.
double magnitude(uint bits) {
  return bits == INFINITE ? 340282366920938463463374607431768211456.0lf
                          : double(uintBitsToFloat(bits));
}

// The nearest magnitude below or at a positive x, as bits: a first guess, so any rounding would do.
uint guessed(double x) {
  return x >= magnitude(INFINITE) ? INFINITE : min(floatBitsToUint(float(x)) & ~SIGN, INFINITE);
}

// 1 / b and 1 / sqrt(x) to less than 2^-30 of them: the exponent and the leading bits by integers, within 6 %, then
// Newton's steps. No instruction that divides: what a device makes of one is longer.
double reciprocal(double b) {
  double y = uint64BitsToDouble(0x7fde623822fc16e6ul - doubleBitsToUint64(b));
  [[unroll]] for (uint i = 0u; i < 3u; i++) {
    PRECISE double next = y * (2.0lf - b * y);
    y = next;
  }
  return y;
}

double inverse_root(double x) {
  double y = uint64BitsToDouble(0x5fe6eb50c7b537a9ul - (doubleBitsToUint64(x) >> 1));
  [[unroll]] for (uint i = 0u; i < 3u; i++) {
    PRECISE double next = y * (1.5lf - 0.5lf * x * y * y);
    y = next;
  }
  return y;
}

// Of a guess that is off by less than 2^-29 the float32 below it, to which `more` adds a unit in the last place, and the
// point half way to the next one, which has 25 bits.
double below(double guess, bool more) {
  uint64_t bits = doubleBitsToUint64(guess) & ~0x1ffffffful;
  return uint64BitsToDouble(more ? bits + 0x20000000ul : bits);
}

double half_way(double guess) {
  return uint64BitsToDouble(doubleBitsToUint64(guess) & ~0x1ffffffful | 0x10000000ul);
}

// a / b and sqrt(x) of positive numbers that are far from the ends, as the result is: no quotient and no root lies half
// way between two float32, and float64 has the product of that point and b, and its square, exactly. Where the guess
// lies beyond a float32 that the number is not beyond, that one is the nearest all the same.
float near_quotient(double a, double b) {
  PRECISE double guess = a * reciprocal(b);
  PRECISE double product = half_way(guess) * b;
  return float(below(guess, a > product));
}

float near_root(double x) {
  PRECISE double guess = x * inverse_root(x);
  PRECISE double square = half_way(guess) * half_way(guess);
  return float(below(guess, x > square));
}

const uint STEPS = 2u; // the guess is what is right, or next to it

// |a| / |b| of finite numbers that are not 0. q b has 48 bits and a - q b fewer, so float64 has both
// exactly, and of two neighbours the one with the smaller residual is the nearer one.
uint quotient(double a, double b) {
  PRECISE double guess = a * reciprocal(b);
  uint m = guessed(guess);
  [[dont_unroll]] for (uint i = 0u; i < STEPS; i++) {
    PRECISE double residual = a - magnitude(m) * b;
    if (residual == 0.0 || (residual < 0.0 && m == 0u) || (residual > 0.0 && m == INFINITE)) break;
    uint other = residual > 0.0 ? m + 1u : m - 1u;
    PRECISE double rest = a - magnitude(other) * b;
    if (abs(rest) > abs(residual) || (abs(rest) == abs(residual) && (m & 1u) == 0u)) break;
    m = other;
  }
  return m;
}

float divided(float x, float y) {
#if defined(DIVISION_LOOSE)
  PRECISE float reciprocal = 1.0 / y;
  PRECISE float loose = x * reciprocal; // within 2.5 ulp, as Vulkan allows
  return loose;
#else
  uint a = floatBitsToUint(x), b = floatBitsToUint(y), sign = (a ^ b) & SIGN;
  a &= ~SIGN;
  b &= ~SIGN;
  if ((a >> 23) - 1u < 254u && (b >> 23) - 1u < 254u && (a >> 23) - (b >> 23) + 124u < 249u)
    return uintBitsToFloat(
        floatBitsToUint(near_quotient(double(uintBitsToFloat(a)), double(uintBitsToFloat(b)))) | sign);
  uint r;
  if (a > INFINITE || b > INFINITE || (a == b && (a == 0u || a == INFINITE)))
    r = NOT_A_NUMBER;
  else if (a == 0u || b == INFINITE)
    r = 0u;
  else if (a == INFINITE || b == 0u)
    r = INFINITE;
  else
    r = quotient(magnitude(a), magnitude(b));
  return uintBitsToFloat(r | sign);
#endif
}

// A point half way between two neighbours has 25 bits and its square 50: float64 says exactly on which
// side of it the root lies, and no root lies on it.
bool above(double x, uint below) {
  PRECISE double middle = (magnitude(below) + magnitude(below + 1u)) * 0.5lf;
  PRECISE double square = middle * middle;
  return x > square;
}

float root(float x) {
#if defined(ROOT_LOOSE)
  PRECISE float loose = x * inversesqrt(x);
  return loose;
#else
  uint a = floatBitsToUint(x);
  if (a - 0x00800000u < 0x7f000000u) return near_root(double(x));
  if ((a & ~SIGN) == 0u || a == INFINITE) return x;
  if (a > INFINITE) return uintBitsToFloat(NOT_A_NUMBER);
  double of = double(x);
  PRECISE double guess = of * inverse_root(of);
  uint m = guessed(guess);
  [[dont_unroll]] for (uint i = 0u; i < STEPS; i++) {
    if (above(of, m))
      m++;
    else if (!above(of, m - 1u))
      m--;
    else
      break;
  }
  return uintBitsToFloat(m);
#endif
}
