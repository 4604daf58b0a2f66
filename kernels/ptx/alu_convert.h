/* Rows of conversions between integers, f32 and f64. Included by alu_rows.h. */
/* NOLINTBEGIN(bugprone-macro-parentheses): types and expressions over lanes */

#define FROM_INTEGER(ONE, d, t)                 \
  ONE("cvt." #d "." #t, cvt_##d##_##t, d, t, a) \
  ONE("cvt.sat." #d "." #t, cvt_sat_##d##_##t, d, t, clamp(a, LEAST(d), MOST(d)))
#define TO_INTEGER(ONE, d, mode, round, t) \
  ONE("cvt." #mode "." #d "." #t, cvt_##mode##_##d##_##t, d, t, whole_##d##_##t(round(a)))
#define TO_INTEGER_FLUSHED(ONE, d, mode, round)                     \
  ONE("cvt." #mode ".ftz." #d ".f32", cvt_##mode##_ftz_##d, d, f32, \
      whole_##d##_f32(round(flush(a))))

/* From each type t to the integer type d. */
#define TO(ONE, d)                                                            \
  FROM_INTEGER(ONE, d, u8)                                                    \
  FROM_INTEGER(ONE, d, s8)                                                    \
  FROM_INTEGER(ONE, d, u16)                                                   \
  FROM_INTEGER(ONE, d, s16)                                                   \
  FROM_INTEGER(ONE, d, u32)                                                   \
  FROM_INTEGER(ONE, d, s32)                                                   \
  FROM_INTEGER(ONE, d, u64)                                                   \
  FROM_INTEGER(ONE, d, s64)                                                   \
  TO_INTEGER(ONE, d, rni, rintf, f32)                                         \
  TO_INTEGER(ONE, d, rzi, truncf, f32)                                        \
  TO_INTEGER(ONE, d, rmi, floorf, f32)                                        \
  TO_INTEGER(ONE, d, rpi, ceilf, f32)                                         \
  TO_INTEGER_FLUSHED(ONE, d, rni, rintf)                                      \
  TO_INTEGER_FLUSHED(ONE, d, rzi, truncf)                                     \
  TO_INTEGER_FLUSHED(ONE, d, rmi, floorf)                                     \
  TO_INTEGER_FLUSHED(ONE, d, rpi, ceilf)                                      \
  TO_INTEGER(ONE, d, rni, rint, f64)                                          \
  TO_INTEGER(ONE, d, rzi, trunc, f64)                                         \
  TO_INTEGER(ONE, d, rmi, floor, f64)                                         \
  TO_INTEGER(ONE, d, rpi, ceil, f64)                                          \
  ONE("cvt.rn.f32." #d, cvt_f32_##d, f32, d, a)                               \
  ONE("cvt.rz.f32." #d, cvt_rz_f32_##d, f32, d, directed(odd_integer(a), RZ)) \
  ONE("cvt.rm.f32." #d, cvt_rm_f32_##d, f32, d, directed(odd_integer(a), RM)) \
  ONE("cvt.rp.f32." #d, cvt_rp_f32_##d, f32, d, directed(odd_integer(a), RP)) \
  ONE("cvt.rn.f64." #d, cvt_f64_##d, f64, d, a)

/* f32 to f32, and from and to f64 and f16, with subnormals of f32 kept or flushed. */
#define CONVERT_SINGLE(ONE, ftz, id, in, out, late)                                           \
  ONE("cvt.rni" ftz ".f32.f32", cvt_rni_##id, f32, f32, canonical(rintf(in(a))))              \
  ONE("cvt.rzi" ftz ".f32.f32", cvt_rzi_##id, f32, f32, canonical(truncf(in(a))))             \
  ONE("cvt.rmi" ftz ".f32.f32", cvt_rmi_##id, f32, f32, canonical(floorf(in(a))))             \
  ONE("cvt.rpi" ftz ".f32.f32", cvt_rpi_##id, f32, f32, canonical(ceilf(in(a))))              \
  ONE("cvt" ftz ".sat.f32.f32", cvt_sat_##id, f32, f32, saturate(in(a)))                      \
  ONE("cvt" ftz ".f64.f32", cvt_f64_##id, f64, f32, (f64)out(a))                              \
  ONE("cvt.rn" ftz ".f32.f64", cvt_rn_##id##_f64, f32, f64, late(a, round_f64(a), RN))        \
  ONE("cvt.rz" ftz ".f32.f64", cvt_rz_##id##_f64, f32, f64, late(a, round_f64_to(a, RZ), RZ)) \
  ONE("cvt.rm" ftz ".f32.f64", cvt_rm_##id##_f64, f32, f64, late(a, round_f64_to(a, RM), RM)) \
  ONE("cvt.rp" ftz ".f32.f64", cvt_rp_##id##_f64, f32, f64, late(a, round_f64_to(a, RP), RP)) \
  ONE("cvt.rn" ftz ".f16.f32", cvt_f16_##id, u16, f32, to_half(in(a)))

#define CONVERT_ROWS(ONE)                                            \
  TO(ONE, u8)                                                        \
  TO(ONE, s8)                                                        \
  TO(ONE, u16)                                                       \
  TO(ONE, s16)                                                       \
  TO(ONE, u32)                                                       \
  TO(ONE, s32)                                                       \
  TO(ONE, u64)                                                       \
  TO(ONE, s64)                                                       \
  CONVERT_SINGLE(ONE, "", f32, AS_IT_IS, AS_IT_IS, PASS_TINY)        \
  CONVERT_SINGLE(ONE, ".ftz", f32_ftz, flush, flushed, tiny_to_zero) \
  ONE("cvt.f32.f32", cvt_f32_f32, u32, u32, a)                       \
  ONE("cvt.ftz.f32.f32", cvt_ftz_f32_f32, f32, f32, flushed(a))      \
  ONE("cvt.rni.f64.f64", cvt_rni_f64_f64, f64, f64, rint(a))         \
  ONE("cvt.rzi.f64.f64", cvt_rzi_f64_f64, f64, f64, trunc(a))        \
  ONE("cvt.rmi.f64.f64", cvt_rmi_f64_f64, f64, f64, floor(a))        \
  ONE("cvt.rpi.f64.f64", cvt_rpi_f64_f64, f64, f64, ceil(a))         \
  ONE("cvt.f32.f16", cvt_f32_f16, f32, u16, from_half(a))            \
  ONE("cvt.ftz.f32.f16", cvt_ftz_f32_f16, f32, u16, from_half(a))
/* NOLINTEND(bugprone-macro-parentheses) */
