/* Rows of f16, bf16 and pairs of them. Included by alu_rows.h. */
/* NOLINTBEGIN(bugprone-macro-parentheses): types and expressions over lanes */

/* Of one number (t) and of two in a register. `rn`: the words of the rounding mode. */
#define HALF_ARITHMETIC(TWO, t, op)                           \
  TWO(#op ".rn." #t, op##_##t##_one, t, t, t, op##_##t(a, b)) \
  TWO(#op ".rn." #t "x2", op##_##t##_two, b32, b32, b32, EACH_2(op##_##t, a, b))
#define HALF_SATURATED(TWO, t, op)                                                  \
  TWO(#op ".rn.sat." #t, op##_sat_##t##_one, t, t, t, saturate_##t(op##_##t(a, b))) \
  TWO(#op ".rn.sat." #t "x2", op##_sat_##t##_two, b32, b32, b32,                    \
      EACH_1(saturate_##t, EACH_2(op##_##t, a, b)))
#define HALF_EXTREME(TWO, t, op, words, f)                     \
  TWO(#op words "." #t, f##_##t##_one, t, t, t, f##_##t(a, b)) \
  TWO(#op words "." #t "x2", f##_##t##_two, b32, b32, b32, EACH_2(f##_##t, a, b))
/* .xorsign.abs */
#define HALF_SIGNED(TWO, t, op, words, f)                                           \
  TWO(#op words ".xorsign.abs." #t, f##_xor_##t##_one, t, t, t,                     \
      signed_##t(a, b, f##_##t(abs_##t(a), abs_##t(b))))                            \
  TWO(#op words ".xorsign.abs." #t "x2", f##_xor_##t##_two, b32, b32, b32,          \
      HALVES(signed_##t(LOW(a), LOW(b), f##_##t(abs_##t(LOW(a)), abs_##t(LOW(b)))), \
             signed_##t(HIGH(a), HIGH(b), f##_##t(abs_##t(HIGH(a)), abs_##t(HIGH(b))))))

#define HALF_ROWS_OF(ONE, TWO, THREE, COMPARE, t)                                       \
  ORDER(COMPARE, "." #t, t, t, value_##t)                                               \
  HALF_ARITHMETIC(TWO, t, add)                                                          \
  HALF_ARITHMETIC(TWO, t, sub)                                                          \
  HALF_ARITHMETIC(TWO, t, mul)                                                          \
  THREE("fma.rn." #t, fma_##t##_one, t, t, t, t, fma_##t(a, b, c))                      \
  THREE("fma.rn." #t "x2", fma_##t##_two, b32, b32, b32, b32, EACH_3(fma_##t, a, b, c)) \
  THREE("fma.rn.relu." #t, fma_relu_##t##_one, t, t, t, t, relu_##t(fma_##t(a, b, c)))  \
  THREE("fma.rn.relu." #t "x2", fma_relu_##t##_two, b32, b32, b32, b32,                 \
        EACH_1(relu_##t, EACH_3(fma_##t, a, b, c)))                                     \
  ONE("neg." #t, neg_##t##_one, t, t, neg_##t(a))                                       \
  ONE("neg." #t "x2", neg_##t##_two, b32, b32, EACH_1(neg_##t, a))                      \
  ONE("abs." #t, abs_##t##_one, t, t, abs_##t(a))                                       \
  ONE("abs." #t "x2", abs_##t##_two, b32, b32, EACH_1(abs_##t, a))                      \
  HALF_EXTREME(TWO, t, min, "", min)                                                    \
  HALF_EXTREME(TWO, t, max, "", max)                                                    \
  HALF_EXTREME(TWO, t, min, ".NaN", min_nan)                                            \
  HALF_EXTREME(TWO, t, max, ".NaN", max_nan)                                            \
  HALF_SIGNED(TWO, t, min, "", min)                                                     \
  HALF_SIGNED(TWO, t, max, "", max)                                                     \
  HALF_SIGNED(TWO, t, min, ".NaN", min_nan)                                             \
  HALF_SIGNED(TWO, t, max, ".NaN", max_nan)

#define HALF_ROWS(ONE, TWO, THREE, COMPARE)                                                    \
  HALF_ROWS_OF(ONE, TWO, THREE, COMPARE, f16)                                                  \
  HALF_ROWS_OF(ONE, TWO, THREE, COMPARE, bf16)                                                 \
  HALF_SATURATED(TWO, f16, add)                                                                \
  HALF_SATURATED(TWO, f16, sub)                                                                \
  HALF_SATURATED(TWO, f16, mul)                                                                \
  THREE("fma.rn.sat.f16", fma_sat_f16_one, f16, f16, f16, f16, saturate_f16(fma_f16(a, b, c))) \
  THREE("fma.rn.sat.f16x2", fma_sat_f16_two, b32, b32, b32, b32,                               \
        EACH_1(saturate_f16, EACH_3(fma_f16, a, b, c)))

/* Between the small formats and others. */
#define HALF_INTEGER(ONE, t, i)                                                                 \
  ONE("cvt.rni." #i "." #t, cvt_rni_##i##_##t, i, t, whole_##i##_f32((f32)rint(value_##t(a))))  \
  ONE("cvt.rzi." #i "." #t, cvt_rzi_##i##_##t, i, t, whole_##i##_f32((f32)trunc(value_##t(a)))) \
  ONE("cvt.rmi." #i "." #t, cvt_rmi_##i##_##t, i, t, whole_##i##_f32((f32)floor(value_##t(a)))) \
  ONE("cvt.rpi." #i "." #t, cvt_rpi_##i##_##t, i, t, whole_##i##_f32((f32)ceil(value_##t(a))))  \
  ONE("cvt.rn." #t "." #i, cvt_rn_##t##_##i, t, i, to_##t(odd_integer(a), RN))                  \
  ONE("cvt.rz." #t "." #i, cvt_rz_##t##_##i, t, i, to_##t(odd_integer(a), RZ))                  \
  ONE("cvt.rm." #t "." #i, cvt_rm_##t##_##i, t, i, to_##t(odd_integer(a), RM))                  \
  ONE("cvt.rp." #t "." #i, cvt_rp_##t##_##i, t, i, to_##t(odd_integer(a), RP))
#define HALF_FROM(ONE, t, words, mode)                                                  \
  ONE("cvt." words "." #t ".f32", cvt_##mode##_##t##_f32, t, f32, to_##t((f64)a, mode)) \
  ONE("cvt." words "." #t ".f64", cvt_##mode##_##t##_f64, t, f64, f64_to_##t(a, mode))
/* The first operand becomes the upper half. */
#define HALF_PACKED(TWO, t, words, mode)                                           \
  TWO("cvt." words "." #t "x2.f32", cvt_##mode##_##t##x2, b32, f32, f32,           \
      HALVES(to_##t((f64)b, mode), to_##t((f64)a, mode)))                          \
  TWO("cvt." words ".relu." #t "x2.f32", cvt_##mode##_relu_##t##x2, b32, f32, f32, \
      HALVES(relu_##t(to_##t((f64)b, mode)), relu_##t(to_##t((f64)a, mode))))

#define HALF_CONVERT_OF(ONE, TWO, t)                                                   \
  HALF_INTEGER(ONE, t, u16)                                                            \
  HALF_INTEGER(ONE, t, s16)                                                            \
  HALF_INTEGER(ONE, t, u32)                                                            \
  HALF_INTEGER(ONE, t, s32)                                                            \
  HALF_INTEGER(ONE, t, u64)                                                            \
  HALF_INTEGER(ONE, t, s64)                                                            \
  HALF_FROM(ONE, t, "rz", RZ)                                                          \
  HALF_FROM(ONE, t, "rm", RM)                                                          \
  HALF_FROM(ONE, t, "rp", RP)                                                          \
  ONE("cvt.rn.relu." #t ".f32", cvt_rn_relu_##t, t, f32, relu_##t(to_##t((f64)a, RN))) \
  ONE("cvt.rz.relu." #t ".f32", cvt_rz_relu_##t, t, f32, relu_##t(to_##t((f64)a, RZ))) \
  ONE("cvt.rni." #t "." #t, cvt_rni_##t, t, t, to_##t(rint(value_##t(a)), RN))         \
  ONE("cvt.rzi." #t "." #t, cvt_rzi_##t, t, t, to_##t(trunc(value_##t(a)), RN))        \
  ONE("cvt.rmi." #t "." #t, cvt_rmi_##t, t, t, to_##t(floor(value_##t(a)), RN))        \
  ONE("cvt.rpi." #t "." #t, cvt_rpi_##t, t, t, to_##t(ceil(value_##t(a)), RN))         \
  ONE("cvt.f64." #t, cvt_f64_##t, f64, t, f64_of_##t(a))                               \
  HALF_PACKED(TWO, t, "rn", RN)                                                        \
  HALF_PACKED(TWO, t, "rz", RZ)

#define BYTE_CONVERT(ONE, TWO, t)                                            \
  TWO("cvt.rn.satfinite." #t "x2.f32", cvt_##t##x2_f32, u16, f32, f32,       \
      (u32)to_##t((f64)b) | (u32)to_##t((f64)a) << 8)                        \
  ONE("cvt.rn.satfinite." #t "x2.f16x2", cvt_##t##x2_f16x2, u16, b32,        \
      (u32)to_##t(value_f16(LOW(a))) | (u32)to_##t(value_f16(HIGH(a))) << 8) \
  ONE("cvt.rn.f16x2." #t "x2", cvt_f16x2_##t##x2, b32, u16,                  \
      HALVES(from_##t(a & 255u), from_##t(a >> 8)))

#define HALF_CONVERT_ROWS(ONE, TWO)                                         \
  HALF_CONVERT_OF(ONE, TWO, f16)                                            \
  HALF_CONVERT_OF(ONE, TWO, bf16)                                           \
  HALF_INTEGER(ONE, f16, u8)                                                \
  HALF_INTEGER(ONE, f16, s8)                                                \
  ONE("cvt.rn.f16.f64", cvt_rn_f16_f64, u16, f64, f64_to_f16(a, RN))        \
  HALF_FROM(ONE, bf16, "rn", RN)                                            \
  ONE("cvt.f32.bf16", cvt_f32_bf16, u32, u16, (u32)a << 16)                 \
  ONE("cvt.rn.bf16.f16", cvt_bf16_f16, u16, u16, to_bf16(value_f16(a), RN)) \
  ONE("cvt.rn.f16.bf16", cvt_f16_bf16, u16, u16, to_f16(value_bf16(a), RN)) \
  ONE("cvt.rn.tf32.f32", cvt_rn_tf32, u32, f32, to_tf32((f64)a, RN))        \
  ONE("cvt.rz.tf32.f32", cvt_rz_tf32, u32, f32, to_tf32((f64)a, RZ))        \
  ONE("cvt.rna.tf32.f32", cvt_rna_tf32, u32, f32, nearest_tf32(a))          \
  BYTE_CONVERT(ONE, TWO, e4m3)                                              \
  BYTE_CONVERT(ONE, TWO, e5m2)
/* NOLINTEND(bugprone-macro-parentheses) */
