/* Rows of integer, bit and predicate instructions. Included by alu_rows.h. */
/* NOLINTBEGIN(bugprone-macro-parentheses): types and expressions over lanes */

/* Of one signed and one unsigned type of the same size. */
#define BOTH_SIGNS(ONE, TWO, THREE, SELECT, COMPARE, s, u, bits)                  \
  PLAIN(ONE, TWO, THREE, SELECT, COMPARE, s, u)                                   \
  PLAIN(ONE, TWO, THREE, SELECT, COMPARE, u, u)                                   \
  TWO("div." #s, div_##s, s, s, s, b == 0 ? -1 : b == -1 ? (s)(0 - (u)a) : a / b) \
  TWO("rem." #s, rem_##s, s, s, s, b == 0 ? -1 : b == -1 ? 0 : a % b)             \
  TWO("div." #u, div_##u, u, u, u, b == 0 ? (u) ~(u)0 : a / b)                    \
  TWO("rem." #u, rem_##u, u, u, u, b == 0 ? (u)-1 : a % b)                        \
  ONE("neg." #s, neg_##s, s, s, 0 - (u)a)                                         \
  ONE("abs." #s, abs_##s, s, s, a < 0 ? (s)(0 - (u)a) : a)                        \
  COMPARE("setp.lo." #u, setp_lo_##u, u, a < b)                                   \
  COMPARE("setp.ls." #u, setp_ls_##u, u, a <= b)                                  \
  COMPARE("setp.hi." #u, setp_hi_##u, u, a > b)                                   \
  COMPARE("setp.hs." #u, setp_hs_##u, u, a >= b)                                  \
  TWO("shr." #s, shr_##s, s, s, u32, a >> (b < bits ? b : bits - 1))              \
  TWO("shr." #u, shr_##u, u, u, u32, b < bits ? a >> b : 0)

/* `w` is the unsigned type in which sums wrap. */
#define PLAIN(ONE, TWO, THREE, SELECT, COMPARE, t, w)                                  \
  ONE("mov." #t, mov_##t, t, t, a)                                                     \
  SELECT("selp." #t, selp_##t, t)                                                      \
  TWO("add." #t, add_##t, t, t, t, (w)a + (w)b)                                        \
  TWO("sub." #t, sub_##t, t, t, t, (w)a - (w)b)                                        \
  TWO("mul.lo." #t, mul_lo_##t, t, t, t, (w)((u64)a * (u64)b))                         \
  THREE("mad.lo." #t, mad_lo_##t, t, t, t, t, (w)((u64)a * (u64)b + (u64)c))           \
  TWO("min." #t, min_##t, t, t, t, a < b ? a : b)                                      \
  TWO("max." #t, max_##t, t, t, t, a > b ? a : b)                                      \
  THREE("sad." #t, sad_##t, t, t, t, t, (w)c + (w)(a < b ? (w)b - (w)a : (w)a - (w)b)) \
  COMPARE("setp.eq." #t, setp_eq_##t, t, a == b)                                       \
  COMPARE("setp.ne." #t, setp_ne_##t, t, a != b)                                       \
  COMPARE("setp.lt." #t, setp_lt_##t, t, a < b)                                        \
  COMPARE("setp.le." #t, setp_le_##t, t, a <= b)                                       \
  COMPARE("setp.gt." #t, setp_gt_##t, t, a > b)                                        \
  COMPARE("setp.ge." #t, setp_ge_##t, t, a >= b)

/* The upper half of a product, and all of it. */
#define PRODUCTS(TWO, THREE, t, twice, bits)                            \
  TWO("mul.hi." #t, mul_hi_##t, t, t, t, ((twice)a * (twice)b) >> bits) \
  THREE("mad.hi." #t, mad_hi_##t, t, t, t, t, (u64)(((twice)a * (twice)b) >> bits) + (u64)c)
#define WIDE_PRODUCTS(TWO, THREE, t, twice)                          \
  TWO("mul.wide." #t, mul_wide_##t, twice, t, t, (twice)a *(twice)b) \
  THREE("mad.wide." #t, mad_wide_##t, twice, t, t, twice, (u64)((twice)a * (twice)b) + (u64)c)

#define BITS(ONE, TWO, SELECT, COMPARE, t, bits)                 \
  ONE("mov." #t, mov_##t, t, t, a)                               \
  TWO("and." #t, and_##t, t, t, t, a &b)                         \
  TWO("or." #t, or_##t, t, t, t, a | b)                          \
  TWO("xor." #t, xor_##t, t, t, t, a ^ b)                        \
  ONE("not." #t, not_##t, t, t, ~a)                              \
  ONE("cnot." #t, cnot_##t, t, t, a == 0)                        \
  TWO("shl." #t, shl_##t, t, t, u32, b < bits ? (u64)a << b : 0) \
  TWO("shr." #t, shr_##t, t, t, u32, b < bits ? a >> b : 0)      \
  COMPARE("setp.eq." #t, setp_eq_##t, t, a == b)                 \
  COMPARE("setp.ne." #t, setp_ne_##t, t, a != b)                 \
  SELECT("selp." #t, selp_##t, t)

#define FIELDS(ONE, THREE, FOUR, s, u, t, bits)                                       \
  ONE("popc." #t, popc_##t, u32, t, __builtin_popcountll(a))                          \
  ONE("clz." #t, clz_##t, u32, t, a == 0 ? bits : __builtin_clzll(a) - (64 - bits))   \
  ONE("brev." #t, brev_##t, t, t, reverse_##u(a))                                     \
  THREE("bfe." #s, bfe_##s, s, s, u32, u32, extract((u)a, b, c, bits, true))          \
  THREE("bfe." #u, bfe_##u, u, u, u32, u32, extract(a, b, c, bits, false))            \
  FOUR("bfi." #t, bfi_##t, t, u32, insert(a, b, c, e, bits))                          \
  ONE("bfind." #u, bfind_##u, u32, u, find_highest(a, false, bits))                   \
  ONE("bfind.shiftamt." #u, bfind_amount_##u, u32, u, find_highest(a, true, bits))    \
  ONE("bfind." #s, bfind_##s, u32, s, find_highest((u)(a < 0 ? ~a : a), false, bits)) \
  ONE("bfind.shiftamt." #s, bfind_amount_##s, u32, s, find_highest((u)(a < 0 ? ~a : a), true, bits))

#define INTEGER_ROWS(ONE, TWO, THREE, FOUR, LUT, SELECT, COMPARE, LOGIC)                           \
  BOTH_SIGNS(ONE, TWO, THREE, SELECT, COMPARE, s16, u16, 16)                                       \
  BOTH_SIGNS(ONE, TWO, THREE, SELECT, COMPARE, s32, u32, 32)                                       \
  BOTH_SIGNS(ONE, TWO, THREE, SELECT, COMPARE, s64, u64, 64)                                       \
  PRODUCTS(TWO, THREE, s16, s32, 16)                                                               \
  PRODUCTS(TWO, THREE, u16, u32, 16)                                                               \
  PRODUCTS(TWO, THREE, s32, s64, 32)                                                               \
  PRODUCTS(TWO, THREE, u32, u64, 32)                                                               \
  PRODUCTS(TWO, THREE, s64, __int128, 64)                                                          \
  PRODUCTS(TWO, THREE, u64, unsigned __int128, 64)                                                 \
  WIDE_PRODUCTS(TWO, THREE, s16, s32)                                                              \
  WIDE_PRODUCTS(TWO, THREE, u16, u32)                                                              \
  WIDE_PRODUCTS(TWO, THREE, s32, s64)                                                              \
  WIDE_PRODUCTS(TWO, THREE, u32, u64)                                                              \
  BITS(ONE, TWO, SELECT, COMPARE, b16, 16)                                                         \
  BITS(ONE, TWO, SELECT, COMPARE, b32, 32)                                                         \
  BITS(ONE, TWO, SELECT, COMPARE, b64, 64)                                                         \
  FIELDS(ONE, THREE, FOUR, s32, u32, b32, 32)                                                      \
  FIELDS(ONE, THREE, FOUR, s64, u64, b64, 64)                                                      \
  ONE("mov.f32", mov_f32, u32, u32, a)                                                             \
  ONE("mov.f64", mov_f64, u64, u64, a)                                                             \
  THREE("dp4a.s32.s32", dp4a_s32_s32, s32, u32, u32, s32, dp4a_ss(a, b, c))                        \
  THREE("dp4a.s32.u32", dp4a_s32_u32, s32, u32, u32, s32, dp4a_su(a, b, c))                        \
  THREE("dp4a.u32.s32", dp4a_u32_s32, s32, u32, u32, s32, dp4a_su(b, a, c))                        \
  THREE("dp4a.u32.u32", dp4a_u32_u32, u32, u32, u32, u32, dp4a_uu(a, b, c))                        \
  THREE("prmt.b32", prmt_b32, b32, b32, b32, b32, permute(a, b, c))                                \
  THREE("shf.l.wrap.b32", shf_l_wrap, b32, b32, b32, u32, (((u64)b << 32 | a) << (c & 31)) >> 32)  \
  THREE("shf.r.wrap.b32", shf_r_wrap, b32, b32, b32, u32, ((u64)b << 32 | a) >> (c & 31))          \
  THREE("shf.l.clamp.b32", shf_l_clamp, b32, b32, b32, u32,                                        \
        c >= 32 ? a : (((u64)b << 32 | a) << c) >> 32)                                             \
  THREE("shf.r.clamp.b32", shf_r_clamp, b32, b32, b32, u32, c >= 32 ? b : ((u64)b << 32 | a) >> c) \
  LUT("lop3.b32", lop3_b32)                                                                        \
  LOGIC("and.pred", and_pred, 3, a &b)                                                             \
  LOGIC("or.pred", or_pred, 3, a | b)                                                              \
  LOGIC("xor.pred", xor_pred, 3, a ^ b)                                                            \
  LOGIC("not.pred", not_pred, 2, ~a)                                                               \
  LOGIC("mov.pred", mov_pred, 2, a)
/* NOLINTEND(bugprone-macro-parentheses) */
