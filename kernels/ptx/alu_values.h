/* What an operation makes of the values of one lane, where C has no operator for it. Included by
 * alu_rows.h. */

static inline u32 bits_of(f32 x) {
  u32 u;
  memcpy(&u, &x, sizeof u);
  return u;
}
static inline f32 float_of(u32 u) {
  f32 x;
  memcpy(&x, &u, sizeof x);
  return x;
}
static inline u64 bits_of_f64(f64 x) {
  u64 u;
  memcpy(&u, &x, sizeof u);
  return u;
}
static inline f64 double_of(u64 u) {
  f64 x;
  memcpy(&x, &u, sizeof x);
  return x;
}

/* Every NaN that f32 arithmetic makes is this one. */
static inline f32 canonical(f32 x) {
  return x == x ? x : float_of(0x7fffffffu);
}

/* f64 keeps the payload of a NaN and makes it quiet. Of several operands b counts first, then c. */
static inline f64 quiet(f64 x) {
  return double_of(bits_of_f64(x) | (u64)1 << 51);
}
static inline f64 keep_nan_2(f64 a, f64 b, f64 r) {
  if (b != b) return quiet(b);
  if (a != a) return quiet(a);
  return r == r ? r : double_of((u64)0xfff8 << 48);
}
static inline f64 keep_nan_3(f64 a, f64 b, f64 c, f64 r) {
  return b != b ? quiet(b) : keep_nan_2(a, c, r);
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

static inline s32 dp4a_ss(u32 a, u32 b, s32 c) {
  return (s32)((u32)c + (u32)((s8)a * (s8)b) + (u32)((s8)(a >> 8) * (s8)(b >> 8)) +
               (u32)((s8)(a >> 16) * (s8)(b >> 16)) + (u32)((s8)(a >> 24) * (s8)(b >> 24)));
}
static inline s32 dp4a_su(u32 a, u32 b, s32 c) {
  return (s32)((u32)c + (u32)((s8)a * (u8)b) + (u32)((s8)(a >> 8) * (u8)(b >> 8)) +
               (u32)((s8)(a >> 16) * (u8)(b >> 16)) + (u32)((s8)(a >> 24) * (u8)(b >> 24)));
}
static inline u32 dp4a_uu(u32 a, u32 b, u32 c) {
  return c + (u32)((u8)a * (u8)b) + (u32)((u8)(a >> 8) * (u8)(b >> 8)) +
         (u32)((u8)(a >> 16) * (u8)(b >> 16)) + (u32)((u8)(a >> 24) * (u8)(b >> 24));
}

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

static inline f32 smaller_f32(f32 a, f32 b) {
  if (a != a) return canonical(b);
  if (b != b) return a;
  if (a == b) return float_of(bits_of(a) | bits_of(b)); /* -0 is below +0 */
  return a < b ? a : b;
}
static inline f32 larger_f32(f32 a, f32 b) {
  if (a != a) return canonical(b);
  if (b != b) return a;
  if (a == b) return float_of(bits_of(a) & bits_of(b));
  return a > b ? a : b;
}
static inline f64 smaller_f64(f64 a, f64 b) {
  if (a != a) return b == b ? b : quiet(b);
  if (b != b) return a;
  if (a == b) return double_of(bits_of_f64(a) | bits_of_f64(b));
  return a < b ? a : b;
}
static inline f64 larger_f64(f64 a, f64 b) {
  if (a != a) return b == b ? b : quiet(b);
  if (b != b) return a;
  if (a == b) return double_of(bits_of_f64(a) & bits_of_f64(b));
  return a > b ? a : b;
}

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

static inline __int128 clamp(__int128 a, __int128 low, __int128 high) {
  return a < low ? low : a > high ? high : a;
}

/* A whole number as an integer: outside the bounds it becomes the bound, and a NaN is 0 where
 * neither type has 64 bits, else the highest bit alone. `above` is one past the largest. */
#define WHOLE(d, t, low, above, least, most, nan)                                        \
  static inline d whole_##d##_##t(t x) {                                                 \
    return x != x ? (d)(nan) : x < (t)(low) ? (least) : x >= (t)(above) ? (most) : (d)x; \
  }
WHOLE(u8, f32, 0, 0x1p8, 0, UINT8_MAX, 0)
WHOLE(s8, f32, -0x1p7, 0x1p7, INT8_MIN, INT8_MAX, 0)
WHOLE(u16, f32, 0, 0x1p16, 0, UINT16_MAX, 0)
WHOLE(s16, f32, -0x1p15, 0x1p15, INT16_MIN, INT16_MAX, 0)
WHOLE(u32, f32, 0, 0x1p32, 0, UINT32_MAX, 0)
WHOLE(s32, f32, -0x1p31, 0x1p31, INT32_MIN, INT32_MAX, 0)
WHOLE(u64, f32, 0, 0x1p64, 0, UINT64_MAX, (u64)1 << 63)
WHOLE(s64, f32, -0x1p63, 0x1p63, INT64_MIN, INT64_MAX, INT64_MIN)
WHOLE(u8, f64, 0, 0x1p8, 0, UINT8_MAX, 1 << 7)
WHOLE(s8, f64, -0x1p7, 0x1p7, INT8_MIN, INT8_MAX, INT8_MIN)
WHOLE(u16, f64, 0, 0x1p16, 0, UINT16_MAX, 1 << 15)
WHOLE(s16, f64, -0x1p15, 0x1p15, INT16_MIN, INT16_MAX, INT16_MIN)
WHOLE(u32, f64, 0, 0x1p32, 0, UINT32_MAX, (u32)1 << 31)
WHOLE(s32, f64, -0x1p31, 0x1p31, INT32_MIN, INT32_MAX, INT32_MIN)
WHOLE(u64, f64, 0, 0x1p64, 0, UINT64_MAX, (u64)1 << 63)
WHOLE(s64, f64, -0x1p63, 0x1p63, INT64_MIN, INT64_MAX, INT64_MIN)
