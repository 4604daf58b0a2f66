/* Rows of integer instructions that few compilers emit. Included by alu_rows.h. */
/* NOLINTBEGIN(bugprone-macro-parentheses): types and expressions over lanes */

#define OF_24_BITS(TWO, THREE, t, twice, low)                                          \
  TWO("mul24.lo." #t, mul24_lo_##t, t, t, t, (u64)low(a) * (u64)low(b))                \
  TWO("mul24.hi." #t, mul24_hi_##t, t, t, t, (twice)((u64)low(a) * (u64)low(b)) >> 16) \
  THREE("mad24.lo." #t, mad24_lo_##t, t, t, t, t, (u64)low(a) * (u64)low(b) + (u64)c)  \
  THREE("mad24.hi." #t, mad24_hi_##t, t, t, t, t,                                      \
        (u64)((twice)((u64)low(a) * (u64)low(b)) >> 16) + (u64)c)

/* c chooses by its sign; -0 and a flushed number are not below zero, a NaN is. */
#define CHOOSE(THREE, t)                                                 \
  THREE("slct." #t ".s32", slct_##t##_s32, t, t, t, s32, c >= 0 ? a : b) \
  THREE("slct." #t ".f32", slct_##t##_f32, t, t, t, f32, c >= 0 ? a : b) \
  THREE("slct.ftz." #t ".f32", slct_ftz_##t, t, t, t, f32, flush(c) >= 0 ? a : b)

#define PAIRS(TWO, t)                                                                         \
  TWO("add." #t "x2", add_##t##x2, b32, b32, b32, HALVES(LOW(a) + LOW(b), HIGH(a) + HIGH(b))) \
  TWO("min." #t "x2", min_##t##x2, b32, b32, b32, EACH_2(smaller_##t, a, b))                  \
  TWO("max." #t "x2", max_##t##x2, b32, b32, b32, EACH_2(larger_##t, a, b))
#define OF_PAIRS(t)                             \
  static inline u16 smaller_##t(u16 a, u16 b) { \
    return (t)a < (t)b ? a : b;                 \
  }                                             \
  static inline u16 larger_##t(u16 a, u16 b) {  \
    return (t)a > (t)b ? a : b;                 \
  }
OF_PAIRS(s16)
OF_PAIRS(u16)
static inline u16 not_negative(u16 a) {
  return a >= 0x8000u ? 0 : a;
}

#define PACK_TWO(TWO, t)                                      \
  TWO("cvt.pack.sat." #t ".s32", cvt_pack_##t, b32, s32, s32, \
      HALVES(SATURATED(b, t), SATURATED(a, t)))
#define PACK_BYTES(THREE, t)                                             \
  THREE("cvt.pack.sat." #t ".s32.b32", cvt_pack_##t, b32, s32, s32, b32, \
        (c << 16) | (SATURATED(a, t) & 255u) << 8 | (SATURATED(b, t) & 255u))

#define CLASSES(TEST, t, least)                                       \
  TEST("testp.finite." #t, testp_finite_##t, t, least, FINITE)        \
  TEST("testp.infinite." #t, testp_infinite_##t, t, least, INFINITE)  \
  TEST("testp.number." #t, testp_number_##t, t, least, NUMBER)        \
  TEST("testp.notanumber." #t, testp_nan_##t, t, least, NOT_A_NUMBER) \
  TEST("testp.normal." #t, testp_normal_##t, t, least, NORMAL)        \
  TEST("testp.subnormal." #t, testp_subnormal_##t, t, least, SUBNORMAL)

#define DIFFERENCES(THREE, t, is_signed)                                             \
  THREE("vabsdiff4." #t "." #t "." #t, vabsdiff4_##t, b32, b32, b32, b32,            \
        ((void)c, byte_differences(a, b, is_signed)))                                \
  THREE("vabsdiff4." #t "." #t "." #t ".add", vabsdiff4_add_##t, b32, b32, b32, b32, \
        c + byte_sum(byte_differences(a, b, is_signed)))

#define PACKED_ROWS(TWO, THREE, TEST)                                                       \
  OF_24_BITS(TWO, THREE, s32, s64, low_24)                                                  \
  OF_24_BITS(TWO, THREE, u32, u64, low_24_u)                                                \
  CHOOSE(THREE, b16)                                                                        \
  CHOOSE(THREE, b32)                                                                        \
  CHOOSE(THREE, b64)                                                                        \
  CHOOSE(THREE, u16)                                                                        \
  CHOOSE(THREE, s16)                                                                        \
  CHOOSE(THREE, u32)                                                                        \
  CHOOSE(THREE, s32)                                                                        \
  CHOOSE(THREE, u64)                                                                        \
  CHOOSE(THREE, s64)                                                                        \
  CHOOSE(THREE, f32)                                                                        \
  CHOOSE(THREE, f64)                                                                        \
  PAIRS(TWO, s16)                                                                           \
  PAIRS(TWO, u16)                                                                           \
  TWO("min.s16x2.relu", min_relu_s16x2, b32, b32, b32,                                      \
      EACH_1(not_negative, EACH_2(smaller_s16, a, b)))                                      \
  TWO("max.s16x2.relu", max_relu_s16x2, b32, b32, b32,                                      \
      EACH_1(not_negative, EACH_2(larger_s16, a, b)))                                       \
  TWO("min.s32.relu", min_relu_s32, s32, s32, s32, a < 0 || b < 0 ? 0 : a < b ? a : b)      \
  TWO("max.s32.relu", max_relu_s32, s32, s32, s32, a < 0 && b < 0 ? 0 : a > b ? a : b)      \
  TWO("bmsk.clamp.b32", bmsk_clamp, b32, u32, u32, bit_mask(a, b))                          \
  TWO("bmsk.wrap.b32", bmsk_wrap, b32, u32, u32, bit_mask(a & 31u, b & 31u))                \
  TWO("szext.clamp.u32", szext_clamp_u32, u32, u32, u32, extend(a, b < 32 ? b : 32, false)) \
  TWO("szext.wrap.u32", szext_wrap_u32, u32, u32, u32, extend(a, b & 31u, false))           \
  TWO("szext.clamp.s32", szext_clamp_s32, u32, u32, u32, extend(a, b < 32 ? b : 32, true))  \
  TWO("szext.wrap.s32", szext_wrap_s32, u32, u32, u32, extend(a, b & 31u, true))            \
  THREE("fns.b32", fns_b32, b32, b32, b32, s32, find_nth(a, b, c))                          \
  THREE("dp2a.lo.s32.s32", dp2a_lo_ss, s32, u32, u32, s32, dp2a_ss(a, b, c))                \
  THREE("dp2a.hi.s32.s32", dp2a_hi_ss, s32, u32, u32, s32, dp2a_ss(a, b >> 16, c))          \
  THREE("dp2a.lo.s32.u32", dp2a_lo_su, s32, u32, u32, s32, dp2a_su(a, b, c))                \
  THREE("dp2a.hi.s32.u32", dp2a_hi_su, s32, u32, u32, s32, dp2a_su(a, b >> 16, c))          \
  THREE("dp2a.lo.u32.s32", dp2a_lo_us, s32, u32, u32, s32, dp2a_us(a, b, c))                \
  THREE("dp2a.hi.u32.s32", dp2a_hi_us, s32, u32, u32, s32, dp2a_us(a, b >> 16, c))          \
  THREE("dp2a.lo.u32.u32", dp2a_lo_uu, u32, u32, u32, u32, dp2a_uu(a, b, c))                \
  THREE("dp2a.hi.u32.u32", dp2a_hi_uu, u32, u32, u32, u32, dp2a_uu(a, b >> 16, c))          \
  THREE("prmt.b32.f4e", prmt_f4e, b32, b32, b32, b32, forward(a, b, c))                     \
  THREE("prmt.b32.b4e", prmt_b4e, b32, b32, b32, b32, backward(a, b, c))                    \
  THREE("prmt.b32.rc8", prmt_rc8, b32, b32, b32, b32,                                       \
        picked(a, b, c & 3u, c & 3u, c & 3u, c & 3u))                                       \
  THREE("prmt.b32.ecl", prmt_ecl, b32, b32, b32, b32, clamped_left(a, b, c))                \
  THREE("prmt.b32.ecr", prmt_ecr, b32, b32, b32, b32, clamped_right(a, b, c))               \
  THREE("prmt.b32.rc16", prmt_rc16, b32, b32, b32, b32,                                     \
        (c & 1u) != 0 ? picked(a, b, 2, 3, 2, 3) : picked(a, b, 0, 1, 0, 1))                \
  PACK_TWO(TWO, u16)                                                                        \
  PACK_TWO(TWO, s16)                                                                        \
  PACK_BYTES(THREE, u8)                                                                     \
  PACK_BYTES(THREE, s8)                                                                     \
  DIFFERENCES(THREE, u32, false)                                                            \
  DIFFERENCES(THREE, s32, true)                                                             \
  CLASSES(TEST, f32, 0x1p-126)                                                              \
  CLASSES(TEST, f64, 0x1p-1022)
/* NOLINTEND(bugprone-macro-parentheses) */
