/* Rows of floating-point instructions: the ones that are rounded to nearest and do not flush
 * subnormals. Included by alu_rows.h. */
/* NOLINTBEGIN(bugprone-macro-parentheses): types and expressions over lanes */

#define FLOAT_ORDER(SELECT, COMPARE, t)                       \
  SELECT("selp." #t, selp_##t, t)                             \
  COMPARE("setp.eq." #t, setp_eq_##t, t, a == b)              \
  COMPARE("setp.ne." #t, setp_ne_##t, t, a<b || a> b)         \
  COMPARE("setp.lt." #t, setp_lt_##t, t, a < b)               \
  COMPARE("setp.le." #t, setp_le_##t, t, a <= b)              \
  COMPARE("setp.gt." #t, setp_gt_##t, t, a > b)               \
  COMPARE("setp.ge." #t, setp_ge_##t, t, a >= b)              \
  COMPARE("setp.equ." #t, setp_equ_##t, t, !(a < b || a > b)) \
  COMPARE("setp.neu." #t, setp_neu_##t, t, a != b)            \
  COMPARE("setp.ltu." #t, setp_ltu_##t, t, !(a >= b))         \
  COMPARE("setp.leu." #t, setp_leu_##t, t, !(a > b))          \
  COMPARE("setp.gtu." #t, setp_gtu_##t, t, !(a <= b))         \
  COMPARE("setp.geu." #t, setp_geu_##t, t, !(a < b))          \
  COMPARE("setp.num." #t, setp_num_##t, t, a == a && b == b)  \
  COMPARE("setp.nan." #t, setp_nan_##t, t, a != a || b != b)

#define FLOAT_ROWS(ONE, TWO, THREE, SELECT, COMPARE)                                      \
  FLOAT_ORDER(SELECT, COMPARE, f32)                                                       \
  FLOAT_ORDER(SELECT, COMPARE, f64)                                                       \
  TWO("add.rn.f32", add_f32, f32, f32, f32, canonical(a + b))                             \
  TWO("sub.rn.f32", sub_f32, f32, f32, f32, canonical(a - b))                             \
  TWO("mul.rn.f32", mul_f32, f32, f32, f32, canonical(a *b))                              \
  THREE("fma.rn.f32", fma_f32, f32, f32, f32, f32, canonical(fmaf(a, b, c)))              \
  TWO("div.rn.f32", div_f32, f32, f32, f32, canonical(a / b))                             \
  ONE("rcp.rn.f32", rcp_f32, f32, f32, canonical(1.0f / a))                               \
  ONE("sqrt.rn.f32", sqrt_f32, f32, f32, canonical(sqrtf(a)))                             \
  ONE("neg.f32", neg_f32, f32, f32, canonical(-a))                                        \
  ONE("abs.f32", abs_f32, f32, f32, canonical(fabsf(a)))                                  \
  TWO("copysign.f32", copysign_f32, u32, u32, u32, (a & 0x80000000u) | (b & 0x7fffffffu)) \
  TWO("min.f32", min_f32, f32, f32, f32, smaller_f32(a, b))                               \
  TWO("max.f32", max_f32, f32, f32, f32, larger_f32(a, b))                                \
  TWO("min.NaN.f32", min_nan_f32, f32, f32, f32,                                          \
      canonical(a != a || b != b ? a + b : smaller_f32(a, b)))                            \
  TWO("max.NaN.f32", max_nan_f32, f32, f32, f32,                                          \
      canonical(a != a || b != b ? a + b : larger_f32(a, b)))                             \
  TWO("add.rn.f64", add_f64, f64, f64, f64, keep_nan_2(a, b, a + b))                      \
  TWO("sub.rn.f64", sub_f64, f64, f64, f64, keep_nan_2(a, b, a - b))                      \
  TWO("mul.rn.f64", mul_f64, f64, f64, f64, keep_nan_2(a, b, a *b))                       \
  THREE("fma.rn.f64", fma_f64, f64, f64, f64, f64, keep_nan_3(a, b, c, fma(a, b, c)))     \
  TWO("div.rn.f64", div_f64, f64, f64, f64, a / b)                                        \
  ONE("rcp.rn.f64", rcp_f64, f64, f64, 1.0 / a)                                           \
  ONE("sqrt.rn.f64", sqrt_f64, f64, f64, sqrt(a))                                         \
  ONE("neg.f64", neg_f64, f64, f64, a == a ? -a : quiet(a))                               \
  ONE("abs.f64", abs_f64, f64, f64, a == a ? fabs(a) : quiet(a))                          \
  TWO("copysign.f64", copysign_f64, u64, u64, u64,                                        \
      (a & 0x8000000000000000u) | (b & 0x7fffffffffffffffu))                              \
  TWO("min.f64", min_f64, f64, f64, f64, smaller_f64(a, b))                               \
  TWO("max.f64", max_f64, f64, f64, f64, larger_f64(a, b))
/* NOLINTEND(bugprone-macro-parentheses) */
