/* What an operation makes of the values of one lane, where C has no operator for it. Included by
 * alu_rows.h. */

/* The same bits as another type. */
#define SAME_BITS(name, to, from) \
  static inline to name(from x) { \
    to y;                         \
    memcpy(&y, &x, sizeof y);     \
    return y;                     \
  }
SAME_BITS(bits_of, u32, f32)
SAME_BITS(float_of, f32, u32)
SAME_BITS(bits_of_f64, u64, f64)
SAME_BITS(double_of, f64, u64)

/* Every NaN that f32 arithmetic makes is this one. */
static inline f32 canonical(f32 x) {
  return x == x ? x : float_of(0x7fffffffu);
}

/* f64 keeps the payload of a NaN and makes it quiet. Of several operands b counts first, then c. */
static inline f64 quiet(f64 x) {
  return double_of(bits_of_f64(x) | (u64)1 << 51);
}
/* One expression, so that lanes can be done together. */
static inline f64 keep_nan_2(f64 a, f64 b, f64 r) {
  const u64 made = b != b ? bits_of_f64(b) : a != a ? bits_of_f64(a) : (u64)0xfff8 << 48;
  return r == r ? r : double_of(made | (u64)1 << 51);
}
static inline f64 keep_nan_3(f64 a, f64 b, f64 c, f64 r) {
  return keep_nan_2(c != c ? c : a, b, r);
}
static inline f32 round_f64(f64 x) {
  if (x == x) return (f32)x;
  const u64 u = bits_of_f64(x);
  return float_of((u32)(u >> 32) >> 31 << 31 | 0x7fc00000u | ((u32)(u >> 29) & 0x3fffffu));
}

static inline u32 lop3(u32 a, u32 b, u32 c, unsigned table) {
  u32 r = 0;
  for (unsigned i = 0; i < 8; i++)
    if (table >> i & 1u) r |= (i & 4u ? a : ~a) & (i & 2u ? b : ~b) & (i & 1u ? c : ~c);
  return r;
}

/* c and the products of four bytes, of types ta and tb. */
#define DP4A(name, ta, tb, t)                                                       \
  static inline t name(u32 a, u32 b, t c) {                                         \
    u32 sum = (u32)c;                                                               \
    for (unsigned i = 0; i < 32; i += 8) sum += (u32)((ta)(a >> i) * (tb)(b >> i)); \
    return (t)sum;                                                                  \
  }
DP4A(dp4a_ss, s8, s8, s32)
DP4A(dp4a_su, s8, u8, s32)
DP4A(dp4a_uu, u8, u8, u32)

static inline u32 permute(u32 a, u32 b, u32 c) {
  const u64 bytes = (u64)b << 32 | a;
  u32 r = 0;
  for (unsigned i = 0; i < 4; i++) {
    const u32 pick = c >> (4 * i);
    u32 byte = (u32)(bytes >> (8 * (pick & 7u))) & 255u;
    if (pick & 8u) byte = byte & 128u ? 255u : 0u;
    r |= byte << (8 * i);
  }
  return r;
}

static inline u32 reverse_u32(u32 x) {
  x = (x >> 1 & 0x55555555u) | (x & 0x55555555u) << 1;
  x = (x >> 2 & 0x33333333u) | (x & 0x33333333u) << 2;
  x = (x >> 4 & 0x0f0f0f0fu) | (x & 0x0f0f0f0fu) << 4;
  return __builtin_bswap32(x);
}
static inline u64 reverse_u64(u64 x) {
  return (u64)reverse_u32((u32)x) << 32 | reverse_u32((u32)(x >> 32));
}

/* Places and lengths of bit fields: of a field of 32 bits only their low byte counts. */
static inline u64 place(u32 c, unsigned width) {
  return width == 64 ? c : c & 255u;
}
/* Bits c .. c + e - 1 of a field of `width`. */
static inline u64 extract(u64 a, u32 c, u32 e, unsigned width, bool is_signed) {
  const u64 from = place(c, width), length = place(e, width);
  const u64 last = from + length - 1 < width - 1 ? from + length - 1 : width - 1;
  const u64 sign = is_signed && length > 0 && a >> last & 1u ? ~(u64)0 : 0;
  if (length == 0) return 0;
  if (from >= width) return sign;
  const u64 held = length < width - from ? length : width - from;
  const u64 field = held >= 64 ? ~(u64)0 : ((u64)1 << held) - 1;
  return (a >> from & field) | (sign & ~field);
}
/* The low e bits of a, put over those of b from bit c on. */
static inline u64 insert(u64 a, u64 b, u32 c, u32 e, unsigned width) {
  const u64 from = place(c, width), length = place(e, width);
  if (length == 0 || from >= width) return b;
  const u64 held = length < width - from ? length : width - from;
  const u64 field = (held >= 64 ? ~(u64)0 : ((u64)1 << held) - 1) << from;
  return (a << from & field) | (b & ~field);
}

/* Position of the highest bit that differs from the sign, or all ones. */
static inline u32 find_highest(u64 x, bool shift, unsigned width) {
  if (x == 0) return UINT32_MAX;
  const u32 at = 63u - (u32)__builtin_clzll(x);
  return shift ? width - 1 - at : at;
}

/* The one operand that is a number; -0 is below +0. `settle` is what becomes of a NaN. */
static inline f64 settle_f64(f64 x) {
  return x == x ? x : quiet(x);
}
#define EXTREME(name, t, settle, bits, real, both, order) \
  static inline t name(t a, t b) {                        \
    if (a != a) return settle(b);                         \
    if (b != b) return a;                                 \
    if (a == b) return real(bits(a) both bits(b));        \
    return a order b ? a : b;                             \
  }
EXTREME(smaller_f32, f32, canonical, bits_of, float_of, |, <)
EXTREME(larger_f32, f32, canonical, bits_of, float_of, &, >)
EXTREME(smaller_f64, f64, settle_f64, bits_of_f64, double_of, |, <)
EXTREME(larger_f64, f64, settle_f64, bits_of_f64, double_of, &, >)

static inline f32 from_half(u16 h) {
  const u32 sign = (u32)(h & 0x8000u) << 16, exponent = h >> 10 & 31u, fraction = h & 1023u;
  if (exponent == 31) return fraction != 0 ? float_of(0x7fffffffu) : float_of(sign | 0x7f800000u);
  if (exponent == 0) return float_of(sign | bits_of((f32)fraction * 0x1p-24f));
  return float_of(sign | (exponent + 112) << 23 | fraction << 13);
}
/* To nearest, ties to even. */
static inline u16 to_half(f32 x) {
  const u32 u = bits_of(x), sign = u >> 16 & 0x8000u, size = u & 0x7fffffffu;
  if (size > 0x7f800000u) return 0x7fffu;
  if (size >= 0x47800000u) return (u16)(sign | 0x7c00u);
  if (size < 0x38800000u) /* subnormal: the sum rounds at 2^-24 */
    return (u16)(sign | (bits_of(float_of(size) + 0.5f) - bits_of(0.5f)));
  return (u16)(sign | ((size + 0xfffu + (size >> 13 & 1u) - 0x38000000u) >> 13));
}

/* The bounds of an integer type. */
#define BITS_OF(t) (8 * sizeof(t))
#define LEAST(t)   ((t)-1 > 0 ? (__int128)0 : -((__int128)1 << (BITS_OF(t) - 1)))
#define MOST(t)    (((__int128)1 << (BITS_OF(t) - ((t)-1 > 0 ? 0 : 1))) - 1)

static inline __int128 clamp(__int128 a, __int128 low, __int128 high) {
  return a < low ? low : a > high ? high : a;
}

/* A whole number as an integer: outside the bounds it becomes the bound, and a NaN is 0 where
 * neither type has 64 bits, else the highest bit alone. */
#define WHOLE(d, t)                                                                            \
  static inline d whole_##d##_##t(t x) {                                                       \
    if (x != x) return (d)(sizeof(d) == 8 || sizeof(t) == 8 ? (u64)1 << (BITS_OF(d) - 1) : 0); \
    return x < (t)LEAST(d) ? (d)LEAST(d) : x >= (t)(MOST(d) + 1) ? (d)MOST(d) : (d)x;          \
  }
#define WHOLE_OF(t) \
  WHOLE(u8, t)      \
  WHOLE(s8, t) WHOLE(u16, t) WHOLE(s16, t) WHOLE(u32, t) WHOLE(s32, t) WHOLE(u64, t) WHOLE(s64, t)
WHOLE_OF(f32)
WHOLE_OF(f64)
