/* Rows of conversions. Included by alu_rows.h. */
/* NOLINTBEGIN(bugprone-macro-parentheses): types and expressions over lanes */

#define FROM_INTEGER(ONE, d, t)                 \
  ONE("cvt." #d "." #t, cvt_##d##_##t, d, t, a) \
  ONE("cvt.sat." #d "." #t, cvt_sat_##d##_##t, d, t, clamp(a, LEAST(d), MOST(d)))
#define TO_INTEGER(ONE, d, mode, round, t) \
  ONE("cvt." #mode "." #d "." #t, cvt_##mode##_##d##_##t, d, t, whole_##d##_##t(round(a)))

/* From each type t to the integer type d. */
#define TO(ONE, d)                              \
  FROM_INTEGER(ONE, d, u8)                      \
  FROM_INTEGER(ONE, d, s8)                      \
  FROM_INTEGER(ONE, d, u16)                     \
  FROM_INTEGER(ONE, d, s16)                     \
  FROM_INTEGER(ONE, d, u32)                     \
  FROM_INTEGER(ONE, d, s32)                     \
  FROM_INTEGER(ONE, d, u64)                     \
  FROM_INTEGER(ONE, d, s64)                     \
  TO_INTEGER(ONE, d, rni, rintf, f32)           \
  TO_INTEGER(ONE, d, rzi, truncf, f32)          \
  TO_INTEGER(ONE, d, rmi, floorf, f32)          \
  TO_INTEGER(ONE, d, rpi, ceilf, f32)           \
  TO_INTEGER(ONE, d, rni, rint, f64)            \
  TO_INTEGER(ONE, d, rzi, trunc, f64)           \
  TO_INTEGER(ONE, d, rmi, floor, f64)           \
  TO_INTEGER(ONE, d, rpi, ceil, f64)            \
  ONE("cvt.rn.f32." #d, cvt_f32_##d, f32, d, a) \
  ONE("cvt.rn.f64." #d, cvt_f64_##d, f64, d, a)

#define CONVERT_ROWS(ONE)                                                                    \
  TO(ONE, u8)                                                                                \
  TO(ONE, s8)                                                                                \
  TO(ONE, u16)                                                                               \
  TO(ONE, s16)                                                                               \
  TO(ONE, u32)                                                                               \
  TO(ONE, s32)                                                                               \
  TO(ONE, u64)                                                                               \
  TO(ONE, s64)                                                                               \
  ONE("cvt.rni.f32.f32", cvt_rni_f32_f32, f32, f32, canonical(rintf(a)))                     \
  ONE("cvt.rzi.f32.f32", cvt_rzi_f32_f32, f32, f32, canonical(truncf(a)))                    \
  ONE("cvt.rmi.f32.f32", cvt_rmi_f32_f32, f32, f32, canonical(floorf(a)))                    \
  ONE("cvt.rpi.f32.f32", cvt_rpi_f32_f32, f32, f32, canonical(ceilf(a)))                     \
  ONE("cvt.sat.f32.f32", cvt_sat_f32_f32, f32, f32, a > 0.0f ? (a < 1.0f ? a : 1.0f) : 0.0f) \
  ONE("cvt.rni.f64.f64", cvt_rni_f64_f64, f64, f64, rint(a))                                 \
  ONE("cvt.rzi.f64.f64", cvt_rzi_f64_f64, f64, f64, trunc(a))                                \
  ONE("cvt.rmi.f64.f64", cvt_rmi_f64_f64, f64, f64, floor(a))                                \
  ONE("cvt.rpi.f64.f64", cvt_rpi_f64_f64, f64, f64, ceil(a))                                 \
  ONE("cvt.f64.f32", cvt_f64_f32, f64, f32, (f64)a)                                          \
  ONE("cvt.rn.f32.f64", cvt_f32_f64, f32, f64, round_f64(a))                                 \
  ONE("cvt.f32.f16", cvt_f32_f16, f32, u16, from_half(a))                                    \
  ONE("cvt.rn.f16.f32", cvt_f16_f32, u16, f32, to_half(a))
/* NOLINTEND(bugprone-macro-parentheses) */
