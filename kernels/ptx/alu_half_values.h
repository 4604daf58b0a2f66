/* Values of 16 bits and less: f16, bf16, tf32 and the 8-bit formats. A sum, product or fma of them
 * is made in f64 and rounded once. Included by alu_rows.h. */

static inline f64 value_f16(u16 h) {
  return (f64)from_half(h);
}
static inline f64 value_bf16(u16 h) {
  return (f64)float_of((u32)h << 16);
}
static inline u16 to_f16(f64 x, rounding mode) {
  return x == x ? (u16)round_to(x, FORMAT_F16, mode) : 0x7fffu;
}
static inline u16 to_bf16(f64 x, rounding mode) {
  return x == x ? (u16)round_to(x, FORMAT_BF16, mode) : 0x7fffu;
}
/* From f64 a NaN keeps its sign and what fits of its payload. */
static inline u16 nan_of_f64(f64 x, unsigned fraction) {
  const u64 u = bits_of_f64(x), top = u >> (52 - fraction) & ((1u << fraction) - 1);
  const u32 ones = 0x7fffu >> fraction << fraction;
  return (u16)(u >> 63 << 15 | ones | 1u << (fraction - 1) | top);
}
static inline u16 f64_to_f16(f64 x, rounding mode) {
  return x == x ? to_f16(x, mode) : nan_of_f64(x, 10);
}
static inline u16 f64_to_bf16(f64 x, rounding mode) {
  return x == x ? to_bf16(x, mode) : nan_of_f64(x, 7);
}
static inline f64 f64_of_f16(u16 h) {
  if ((h & 0x7fffu) <= 0x7c00u) return value_f16(h);
  return double_of((u64)(h >> 15) << 63 | (u64)0x7ff8 << 48 | (u64)(h & 0x3ffu) << 42);
}
static inline f64 f64_of_bf16(u16 h) {
  return value_bf16(h);
}
static inline u32 to_tf32(f64 x, rounding mode) {
  return x == x ? round_to(x, FORMAT_TF32, mode) << 13 : 0x7fffe000u;
}
/* .rna cuts a NaN, even to infinity. */
static inline u32 nearest_tf32(f32 x) {
  return x == x ? to_tf32((f64)x, RNA) : bits_of(x) & 0xffffe000u;
}

/* Numbers, with the least NaN and 1 in the bits of the type. */
#define HALF_VALUES(t, infinite, one)                                                          \
  static inline bool is_nan_##t(u16 a) {                                                       \
    return (a & 0x7fffu) > (infinite);                                                         \
  }                                                                                            \
  static inline u16 nan_##t(u16 a) {                                                           \
    return is_nan_##t(a) ? 0x7fffu : a;                                                        \
  }                                                                                            \
  static inline u16 add_##t(u16 a, u16 b) {                                                    \
    return to_##t(value_##t(a) + value_##t(b), RN);                                            \
  }                                                                                            \
  static inline u16 sub_##t(u16 a, u16 b) {                                                    \
    return to_##t(value_##t(a) - value_##t(b), RN);                                            \
  }                                                                                            \
  static inline u16 mul_##t(u16 a, u16 b) {                                                    \
    return to_##t(value_##t(a) * value_##t(b), RN);                                            \
  }                                                                                            \
  static inline u16 fma_##t(u16 a, u16 b, u16 c) {                                             \
    return to_##t(odd_sum(value_##t(a) * value_##t(b), value_##t(c)), RN);                     \
  }                                                                                            \
  static inline u16 saturate_##t(u16 a) { /* NaN is +0 */                                      \
    return is_nan_##t(a) || a >= 0x8000u ? 0 : a < (one) ? a : (one);                          \
  }                                                                                            \
  static inline u16 relu_##t(u16 a) {                                                          \
    return is_nan_##t(a) ? 0x7fffu : a >= 0x8000u ? 0 : a;                                     \
  }                                                                                            \
  static inline u16 neg_##t(u16 a) {                                                           \
    return is_nan_##t(a) ? 0x7fffu : a ^ 0x8000u;                                              \
  }                                                                                            \
  static inline u16 abs_##t(u16 a) {                                                           \
    return is_nan_##t(a) ? 0x7fffu : a & 0x7fffu;                                              \
  }                                                                                            \
  static inline u16 min_##t(u16 a, u16 b) {                                                    \
    if (is_nan_##t(a)) return nan_##t(b);                                                      \
    return is_nan_##t(b) || ordered(a) < ordered(b) ? a : b;                                   \
  }                                                                                            \
  static inline u16 max_##t(u16 a, u16 b) {                                                    \
    if (is_nan_##t(a)) return nan_##t(b);                                                      \
    return is_nan_##t(b) || ordered(a) > ordered(b) ? a : b;                                   \
  }                                                                                            \
  static inline u16 min_nan_##t(u16 a, u16 b) {                                                \
    return is_nan_##t(a) || is_nan_##t(b) ? 0x7fffu : min_##t(a, b);                           \
  }                                                                                            \
  static inline u16 max_nan_##t(u16 a, u16 b) {                                                \
    return is_nan_##t(a) || is_nan_##t(b) ? 0x7fffu : max_##t(a, b);                           \
  }                                                                                            \
  static inline u16 signed_##t(u16 a, u16 b, u16 r) { /* .xorsign: r with the signs of both */ \
    return is_nan_##t(r) ? 0x7fffu : (r & 0x7fffu) | ((a ^ b) & 0x8000u);                      \
  }

/* The bits of a number in its order; -0 is below +0. */
static inline s32 ordered(u16 a) {
  return a >= 0x8000u ? 0x7fff - (s32)a : (s32)a;
}
HALF_VALUES(f16, 0x7c00u, 0x3c00u)
HALF_VALUES(bf16, 0x7f80u, 0x3f80u)

/* The same of each half of a register. */
#define LOW(a)             ((u16)(a))
#define HIGH(a)            ((u16)((a) >> 16))
#define HALVES(low, high)  ((u32)(u16)(low) | (u32)(u16)(high) << 16)
#define EACH_1(f, a)       HALVES(f(LOW(a)), f(HIGH(a)))
#define EACH_2(f, a, b)    HALVES(f(LOW(a), LOW(b)), f(HIGH(a), HIGH(b)))
#define EACH_3(f, a, b, c) HALVES(f(LOW(a), LOW(b), LOW(c)), f(HIGH(a), HIGH(b), HIGH(c)))

/* .satfinite: the largest number instead of infinity. Of e4m3 all ones but the sign is the NaN. */
static inline u16 to_e5m2(f64 x) {
  if (x != x) return 0x7fu;
  const u32 r = round_to(x, FORMAT_E5M2, RN);
  return (u16)((r & 0x7fu) >= 0x7cu ? (r & 0x80u) | 0x7bu : r);
}
static inline u16 to_e4m3(f64 x) {
  if (x != x) return 0x7fu;
  if (fabs(x) >= 448.0) return (u16)(signbit(x) ? 0xfeu : 0x7eu);
  /* As in a format whose highest exponent is out of reach. */
  const u32 r = round_to(fabs(x) * 0x1p-8, (format){3, 5}, RN);
  return (u16)(r | (signbit(x) ? 0x80u : 0));
}
static inline u16 from_e5m2(u16 h) {
  return nan_f16((u16)(h << 8));
}
static inline u16 from_e4m3(u16 h) {
  const f64 fraction = h & 7u;
  const s32 exponent = h >> 3 & 15;
  const f64 size = exponent == 0 ? fraction * 0x1p-9 : ldexp(8.0 + fraction, exponent - 10);
  if ((h & 0x7fu) == 0x7fu) return 0x7fffu;
  return to_f16((h & 0x80u) != 0 ? -size : size, RN);
}
