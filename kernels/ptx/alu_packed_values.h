/* Integer instructions that few compilers emit. Included by alu_rows.h. */

#define DP2A(name, ta, tb, t)                                                        \
  static inline t name(u32 a, u32 b, t c) { /* two halves of a, two bytes of b */    \
    const t low = (t)((ta)(u16)a * (tb)b), high = (t)((ta)(a >> 16) * (tb)(b >> 8)); \
    return (t)((u32)c + (u32)low + (u32)high);                                       \
  }
DP2A(dp2a_ss, s16, s8, s32)
DP2A(dp2a_su, s16, u8, s32)
DP2A(dp2a_us, u16, s8, s32)
DP2A(dp2a_uu, u16, u8, u32)

static inline s64 low_24(s32 a) {
  return (s32)((u32)a << 8) >> 8;
}
static inline u64 low_24_u(u32 a) {
  return a & 0xffffffu;
}

/* `b` ones from bit `a` on. */
static inline u32 bit_mask(u32 a, u32 b) {
  const u64 ones = b >= 32 ? UINT32_MAX : ((u64)1 << b) - 1;
  return a >= 32 ? 0 : (u32)(ones << a);
}
/* The low n bits of a, n at most 32. */
static inline u32 extend(u32 a, u32 n, bool is_signed) {
  if (n == 0) return 0;
  const u32 up = 32 - n;
  return is_signed ? (u32)((s32)(a << up) >> up) : a << up >> up;
}

/* The position of the bit that is `offset` set bits up (or down) from `base`; `base` itself counts
 * as the first. */
static inline u32 find_nth(u32 mask, u32 base, s32 offset) {
  const s32 step = offset < 0 ? -1 : 1;
  if (offset == INT32_MIN) return 0; /* so does an H200 */
  s64 left = offset < 0 ? -(s64)offset : offset;
  if (offset == 0) return base < 32 && (mask >> base & 1u) != 0 ? base : UINT32_MAX;
  for (s64 at = base; at >= 0 && at < 32; at += step)
    if ((mask >> at & 1u) != 0 && --left == 0) return (u32)at;
  return UINT32_MAX;
}

/* The modes of prmt that pick four bytes by one number. */
static inline u32 picked(u32 a, u32 b, u32 first, u32 second, u32 third, u32 fourth) {
  return permute(a, b, first | second << 4 | third << 8 | fourth << 12);
}
static inline u32 forward(u32 a, u32 b, u32 c) {
  return picked(a, b, c & 3u, (c & 3u) + 1, (c & 3u) + 2, (c & 3u) + 3);
}
static inline u32 backward(u32 a, u32 b, u32 c) {
  return picked(a, b, c & 3u, ((c & 3u) + 7) & 7u, ((c & 3u) + 6) & 7u, ((c & 3u) + 5) & 7u);
}
static inline u32 clamped_left(u32 a, u32 b, u32 c) {
  const u32 n = c & 3u;
  return picked(a, b, n, n > 1 ? n : 1, n > 2 ? n : 2, 3);
}
static inline u32 clamped_right(u32 a, u32 b, u32 c) {
  const u32 n = c & 3u;
  return picked(a, b, 0, n < 1 ? n : 1, n < 2 ? n : 2, n);
}

static inline u32 byte_differences(u32 a, u32 b, bool is_signed) {
  u32 r = 0;
  for (unsigned i = 0; i < 32; i += 8) {
    const s32 x = is_signed ? (s8)(a >> i) : (u8)(a >> i),
              y = is_signed ? (s8)(b >> i) : (u8)(b >> i);
    r |= (u32)(x < y ? y - x : x - y) << i;
  }
  return r;
}
static inline u32 byte_sum(u32 a) {
  return (a & 255u) + (a >> 8 & 255u) + (a >> 16 & 255u) + (a >> 24);
}

static inline s32 saturated(s64 a, s64 low, s64 high) {
  return (s32)(a < low ? low : a > high ? high : a);
}
#define SATURATED(a, t) ((u32)(t)saturated(a, (s64)LEAST(t), (s64)MOST(t)))

typedef enum number_class {
  FINITE,
  INFINITE,
  NUMBER,
  NOT_A_NUMBER,
  NORMAL,
  SUBNORMAL
} number_class;
static inline bool is_of(f64 x, f64 least, number_class class) {
  const f64 size = fabs(x);
  switch (class) {
    case FINITE:
      return size < (f64)INFINITY;
    case INFINITE:
      return size >= (f64)INFINITY;
    case NUMBER:
      return x == x;
    case NOT_A_NUMBER:
      return x != x;
    case NORMAL:
      return size == 0 || (size >= least && size < (f64)INFINITY);
    default:
      return size > 0 && size < least;
  }
}
