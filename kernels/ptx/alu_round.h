/* Rounding of what was computed in f64: to the small formats and with the modes that C has no
 * operator for. Included by alu_rows.h. */

typedef enum rounding { RN, RZ, RM, RP, RNA } rounding;

/* A binary format: bits of fraction and exponent, the sign above. */
typedef struct format {
  unsigned fraction, exponent;
} format;
#define FORMAT_F16  ((format){10, 5})
#define FORMAT_BF16 ((format){7, 8})
#define FORMAT_TF32 ((format){10, 8})
#define FORMAT_F32  ((format){23, 8})
#define FORMAT_E5M2 ((format){2, 5})

/* x, which is no NaN, in that format; one rounding. */
static inline u32 round_to(f64 x, format to, rounding mode) {
  const u64 u = bits_of_f64(x), sign = u >> 63;
  const s64 bias = ((s64)1 << (to.exponent - 1)) - 1;
  const s64 exponent = (s64)(u >> 52 & 2047u) - 1023 + bias;
  const u64 whole = (u & 0xfffffffffffffu) | (u64)1 << 52; /* of a subnormal f64 nothing is left */
  const u32 infinite = ((1u << to.exponent) - 1) << to.fraction;
  const s64 beyond = (s64)(52 - to.fraction) + (exponent < 1 ? 1 - exponent : 0);
  const u64 drop = beyond < 60 ? (u64)beyond : 60;
  const u64 kept = (u << 1) == 0 ? 0 : whole >> drop,
            rest = (u << 1) == 0 ? 0 : whole << (64 - drop);
  const u64 half = (u64)1 << 63;
  const bool up = mode == RN    ? rest > half || (rest == half && (kept & 1u) != 0)
                  : mode == RNA ? rest >= half
                  : mode == RM  ? sign != 0 && rest != 0
                  : mode == RP  ? sign == 0 && rest != 0
                                : false;
  const bool inward = mode == RZ || (mode == RM && sign == 0) || (mode == RP && sign != 0);
  const u64 above = exponent < 1 ? 0 : (u64)(exponent - 1) << to.fraction;
  u64 r = above + kept + (up ? 1 : 0);
  if (r >= infinite) r = inward && (u << 1 >> 53) != 2047u ? infinite - 1 : infinite;
  return (u32)(r | sign << (to.fraction + to.exponent));
}

/* p + c with the last bit set when the sum is not exact: what is rounded from that to a format of
 * at most 51 bits is rounded once. Neither overflows. */
static inline f64 odd(f64 s, f64 e) {
  const u64 u = bits_of_f64(s);
  if (!(e > 0 || e < 0) || (u & 1u) != 0 || !(fabs(s) < (f64)INFINITY)) return s;
  return double_of((e > 0) == (s > 0) ? u + 1 : u - 1);
}
static inline f64 odd_sum(f64 p, f64 c) {
  const f64 s = p + c, b = s - p;
  return odd(s, (p - (s - b)) + (c - b));
}
static inline f64 odd_quotient(f64 a, f64 b) {
  const f64 q = a / b, r = fma(-q, b, a);
  return odd(q, b < 0 ? -r : r);
}
static inline f64 odd_root(f64 a) {
  const f64 q = sqrt(a);
  return odd(q, fma(-q, q, a));
}
/* An integer whose bits below the 53 of f64 show in the lowest. */
static inline f64 odd_integer(__int128 a) {
  const u64 size = (u64)(a < 0 ? -a : a);
  const f64 f = (f64)((size & ~(u64)0x7ff) | (u64)((size & 0x7ff) != 0) << 11);
  const f64 r = size >> 53 == 0 ? (f64)size : f;
  return a < 0 ? -r : r;
}

/* As f32, with the NaN of f32 arithmetic. */
static inline f32 directed(f64 x, rounding mode) {
  return x == x ? float_of(round_to(x, FORMAT_F32, mode)) : float_of(0x7fffffffu);
}
/* A sum that is exactly zero is -0 when rounded down, unless both are +0. */
static inline f32 directed_sum(f64 p, f64 c, rounding mode) {
  const f64 s = odd_sum(p, c);
  if (s == 0 && mode == RM && (p != 0 || signbit(p) || signbit(c))) return -0.0f;
  return directed(s, mode);
}
static inline f32 round_f64_to(f64 x, rounding mode) {
  return x == x ? directed(x, mode) : round_f64(x);
}

/* Subnormals as a zero of the same sign. */
static inline f32 flush(f32 x) {
  return fabsf(x) < 0x1p-126f ? float_of(bits_of(x) & 0x80000000u) : x;
}
static inline f32 flushed(f32 x) {
  return flush(canonical(x));
}
/* A result is flushed where it is subnormal when rounded to 24 bits with exponents of any size:
 * what rounding makes the least normal number stays. `exact` may have its last bit set for more. */
static inline f32 tiny_to_zero(f64 exact, f32 r, rounding mode) {
  const bool tiny = fabsf(directed(exact * 0x1p64, mode)) < 0x1p-62f;
  return tiny && exact != 0 ? (f32)copysign(0.0, exact) : r;
}
#define KEEP_TINY(exact, r, mode)  canonical(r)
#define FLUSH_TINY(exact, r, mode) tiny_to_zero(exact, canonical(r), mode)
#define PASS_TINY(exact, r, mode)  (r)
static inline f32 saturate(f32 x) {
  return x > 0.0f ? (x < 1.0f ? x : 1.0f) : 0.0f;
}
#define AS_IT_IS(x) (x)
