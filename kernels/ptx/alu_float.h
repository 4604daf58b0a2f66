/* Rows of f32 and f64. Included by alu_rows.h. */
/* NOLINTBEGIN(bugprone-macro-parentheses): types and expressions over lanes */

/* Comparisons: `in` makes the number that is compared of an operand of type t. */
#define ORDER(COMPARE, words, id, t, in)                                         \
  COMPARE("setp.eq" words, setp_eq_##id, t, in(a) == in(b))                      \
  COMPARE("setp.ne" words, setp_ne_##id, t, in(a) < in(b) || in(a) > in(b))      \
  COMPARE("setp.lt" words, setp_lt_##id, t, in(a) < in(b))                       \
  COMPARE("setp.le" words, setp_le_##id, t, in(a) <= in(b))                      \
  COMPARE("setp.gt" words, setp_gt_##id, t, in(a) > in(b))                       \
  COMPARE("setp.ge" words, setp_ge_##id, t, in(a) >= in(b))                      \
  COMPARE("setp.equ" words, setp_equ_##id, t, !(in(a) < in(b) || in(a) > in(b))) \
  COMPARE("setp.neu" words, setp_neu_##id, t, in(a) != in(b))                    \
  COMPARE("setp.ltu" words, setp_ltu_##id, t, !(in(a) >= in(b)))                 \
  COMPARE("setp.leu" words, setp_leu_##id, t, !(in(a) > in(b)))                  \
  COMPARE("setp.gtu" words, setp_gtu_##id, t, !(in(a) <= in(b)))                 \
  COMPARE("setp.geu" words, setp_geu_##id, t, !(in(a) < in(b)))                  \
  COMPARE("setp.num" words, setp_num_##id, t, in(a) == in(a) && in(b) == in(b))  \
  COMPARE("setp.nan" words, setp_nan_##id, t, in(a) != in(a) || in(b) != in(b))

#define NAN_OR(f, a, b) ((a) != (a) || (b) != (b) ? (a) + (b) : f(a, b))
/* min and max with the sign of the product. */
#define SIGNED_AS(a, b, r) \
  float_of((bits_of(r) & 0x7fffffffu) | ((bits_of(a) ^ bits_of(b)) & 0x80000000u))
#define SINGLE_EXTREME(TWO, op, f, ftz, id, in, out)                                  \
  TWO(#op ftz ".f32", op##_##id, f32, f32, f32, out(f(in(a), in(b))))                 \
  TWO(#op ftz ".NaN.f32", op##_nan_##id, f32, f32, f32, out(NAN_OR(f, in(a), in(b)))) \
  TWO(#op ftz ".xorsign.abs.f32", op##_xor_##id, f32, f32, f32,                       \
      canonical(SIGNED_AS(a, b, out(f(fabsf(in(a)), fabsf(in(b)))))))                 \
  TWO(#op ftz ".NaN.xorsign.abs.f32", op##_nan_xor_##id, f32, f32, f32,               \
      canonical(SIGNED_AS(a, b, out(NAN_OR(f, fabsf(in(a)), fabsf(in(b)))))))

#define ODD_FMA(a, b, c) odd_sum((f64)(a) * (f64)(b), (f64)(c))
/* f32, with subnormals kept or flushed: operands by `in`, results by `out`, or by `late` where
 * rounding may make a normal number of what was none. */
#define SINGLE_ROWS(ONE, TWO, THREE, COMPARE, ftz, id, in, out, late)                     \
  ORDER(COMPARE, ftz ".f32", id, f32, in)                                                 \
  TWO("add.rn" ftz ".f32", add_##id, f32, f32, f32, out(in(a) + in(b)))                   \
  TWO("sub.rn" ftz ".f32", sub_##id, f32, f32, f32, out(in(a)-in(b)))                     \
  TWO("mul.rn" ftz ".f32", mul_##id, f32, f32, f32,                                       \
      late((f64)in(a) * (f64)in(b), in(a)*in(b), RN))                                     \
  THREE("fma.rn" ftz ".f32", fma_##id, f32, f32, f32, f32,                                \
        late(ODD_FMA(in(a), in(b), in(c)), fmaf(in(a), in(b), in(c)), RN))                \
  TWO("add.rn" ftz ".sat.f32", add_sat_##id, f32, f32, f32, saturate(out(in(a) + in(b)))) \
  TWO("sub.rn" ftz ".sat.f32", sub_sat_##id, f32, f32, f32, saturate(out(in(a)-in(b))))   \
  TWO("mul.rn" ftz ".sat.f32", mul_sat_##id, f32, f32, f32,                               \
      saturate(late((f64)in(a) * (f64)in(b), in(a)*in(b), RN)))                           \
  THREE("fma.rn" ftz ".sat.f32", fma_sat_##id, f32, f32, f32, f32,                        \
        saturate(late(ODD_FMA(in(a), in(b), in(c)), fmaf(in(a), in(b), in(c)), RN)))      \
  TWO("div.rn" ftz ".f32", div_##id, f32, f32, f32, out(in(a) / in(b)))                   \
  ONE("rcp.rn" ftz ".f32", rcp_##id, f32, f32, out(1.0f / in(a)))                         \
  ONE("sqrt.rn" ftz ".f32", sqrt_##id, f32, f32, out(sqrtf(in(a))))                       \
  ONE("neg" ftz ".f32", neg_##id, f32, f32, out(-in(a)))                                  \
  ONE("abs" ftz ".f32", abs_##id, f32, f32, out(fabsf(in(a))))                            \
  SINGLE_EXTREME(TWO, min, smaller_f32, ftz, id, in, out)                                 \
  SINGLE_EXTREME(TWO, max, larger_f32, ftz, id, in, out)                                  \
  SINGLE_DIRECTED(ONE, TWO, THREE, rz, RZ, ftz, id, in, out, late)                        \
  SINGLE_DIRECTED(ONE, TWO, THREE, rm, RM, ftz, id, in, out, late)                        \
  SINGLE_DIRECTED(ONE, TWO, THREE, rp, RP, ftz, id, in, out, late)

/* Rounded toward zero, down or up. */
#define SINGLE_DIRECTED(ONE, TWO, THREE, mode, MODE, ftz, id, in, out, late)                    \
  TWO("add." #mode ftz ".f32", add_##mode##_##id, f32, f32, f32,                                \
      out(directed_sum((f64)in(a), (f64)in(b), MODE)))                                          \
  TWO("sub." #mode ftz ".f32", sub_##mode##_##id, f32, f32, f32,                                \
      out(directed_sum((f64)in(a), -(f64)in(b), MODE)))                                         \
  TWO("mul." #mode ftz ".f32", mul_##mode##_##id, f32, f32, f32,                                \
      late((f64)in(a) * (f64)in(b), directed((f64)in(a) * (f64)in(b), MODE), MODE))             \
  THREE("fma." #mode ftz ".f32", fma_##mode##_##id, f32, f32, f32, f32,                         \
        late(ODD_FMA(in(a), in(b), in(c)),                                                      \
             directed_sum((f64)in(a) * (f64)in(b), (f64)in(c), MODE), MODE))                    \
  TWO("div." #mode ftz ".f32", div_##mode##_##id, f32, f32, f32,                                \
      late(odd_quotient((f64)in(a), (f64)in(b)),                                                \
           directed(odd_quotient((f64)in(a), (f64)in(b)), MODE), MODE))                         \
  ONE("rcp." #mode ftz ".f32", rcp_##mode##_##id, f32, f32,                                     \
      late(odd_quotient(1.0, (f64)in(a)), directed(odd_quotient(1.0, (f64)in(a)), MODE), MODE)) \
  ONE("sqrt." #mode ftz ".f32", sqrt_##mode##_##id, f32, f32,                                   \
      out(directed(odd_root((f64)in(a)), MODE)))

#define FLOAT_ROWS(ONE, TWO, THREE, SELECT, COMPARE)                                      \
  SELECT("selp.f32", selp_f32, f32)                                                       \
  SELECT("selp.f64", selp_f64, f64)                                                       \
  SINGLE_ROWS(ONE, TWO, THREE, COMPARE, "", f32, AS_IT_IS, canonical, KEEP_TINY)          \
  SINGLE_ROWS(ONE, TWO, THREE, COMPARE, ".ftz", f32_ftz, flush, flushed, FLUSH_TINY)      \
  ORDER(COMPARE, ".f64", f64, f64, AS_IT_IS)                                              \
  TWO("copysign.f32", copysign_f32, u32, u32, u32, (a & 0x80000000u) | (b & 0x7fffffffu)) \
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
