/* Rows of conversions. Included by alu_rows.h. */
/* NOLINTBEGIN(bugprone-macro-parentheses): types and expressions over lanes */

/* From one integer type to each. */
#define FROM_INTEGER(ONE, t)                                                      \
  ONE("cvt.u8." #t, cvt_u8_##t, u8, t, a)                                         \
  ONE("cvt.s8." #t, cvt_s8_##t, s8, t, a)                                         \
  ONE("cvt.u16." #t, cvt_u16_##t, u16, t, a)                                      \
  ONE("cvt.s16." #t, cvt_s16_##t, s16, t, a)                                      \
  ONE("cvt.u32." #t, cvt_u32_##t, u32, t, a)                                      \
  ONE("cvt.s32." #t, cvt_s32_##t, s32, t, a)                                      \
  ONE("cvt.u64." #t, cvt_u64_##t, u64, t, a)                                      \
  ONE("cvt.s64." #t, cvt_s64_##t, s64, t, a)                                      \
  ONE("cvt.sat.u8." #t, cvt_sat_u8_##t, u8, t, clamp(a, 0, UINT8_MAX))            \
  ONE("cvt.sat.s8." #t, cvt_sat_s8_##t, s8, t, clamp(a, INT8_MIN, INT8_MAX))      \
  ONE("cvt.sat.u16." #t, cvt_sat_u16_##t, u16, t, clamp(a, 0, UINT16_MAX))        \
  ONE("cvt.sat.s16." #t, cvt_sat_s16_##t, s16, t, clamp(a, INT16_MIN, INT16_MAX)) \
  ONE("cvt.sat.u32." #t, cvt_sat_u32_##t, u32, t, clamp(a, 0, UINT32_MAX))        \
  ONE("cvt.sat.s32." #t, cvt_sat_s32_##t, s32, t, clamp(a, INT32_MIN, INT32_MAX)) \
  ONE("cvt.sat.u64." #t, cvt_sat_u64_##t, u64, t, clamp(a, 0, UINT64_MAX))        \
  ONE("cvt.sat.s64." #t, cvt_sat_s64_##t, s64, t, clamp(a, INT64_MIN, INT64_MAX)) \
  ONE("cvt.rn.f32." #t, cvt_f32_##t, f32, t, a)                                   \
  ONE("cvt.rn.f64." #t, cvt_f64_##t, f64, t, a)

#define TO_INTEGER(ONE, mode, round, t)                                               \
  ONE("cvt." #mode ".u8." #t, cvt_##mode##_u8_##t, u8, t, whole_u8_##t(round(a)))     \
  ONE("cvt." #mode ".s8." #t, cvt_##mode##_s8_##t, s8, t, whole_s8_##t(round(a)))     \
  ONE("cvt." #mode ".u16." #t, cvt_##mode##_u16_##t, u16, t, whole_u16_##t(round(a))) \
  ONE("cvt." #mode ".s16." #t, cvt_##mode##_s16_##t, s16, t, whole_s16_##t(round(a))) \
  ONE("cvt." #mode ".u32." #t, cvt_##mode##_u32_##t, u32, t, whole_u32_##t(round(a))) \
  ONE("cvt." #mode ".s32." #t, cvt_##mode##_s32_##t, s32, t, whole_s32_##t(round(a))) \
  ONE("cvt." #mode ".u64." #t, cvt_##mode##_u64_##t, u64, t, whole_u64_##t(round(a))) \
  ONE("cvt." #mode ".s64." #t, cvt_##mode##_s64_##t, s64, t, whole_s64_##t(round(a)))

#define CONVERT_ROWS(ONE)                                                                    \
  FROM_INTEGER(ONE, u8)                                                                      \
  FROM_INTEGER(ONE, s8)                                                                      \
  FROM_INTEGER(ONE, u16)                                                                     \
  FROM_INTEGER(ONE, s16)                                                                     \
  FROM_INTEGER(ONE, u32)                                                                     \
  FROM_INTEGER(ONE, s32)                                                                     \
  FROM_INTEGER(ONE, u64)                                                                     \
  FROM_INTEGER(ONE, s64)                                                                     \
  TO_INTEGER(ONE, rni, rintf, f32)                                                           \
  TO_INTEGER(ONE, rzi, truncf, f32)                                                          \
  TO_INTEGER(ONE, rmi, floorf, f32)                                                          \
  TO_INTEGER(ONE, rpi, ceilf, f32)                                                           \
  TO_INTEGER(ONE, rni, rint, f64)                                                            \
  TO_INTEGER(ONE, rzi, trunc, f64)                                                           \
  TO_INTEGER(ONE, rmi, floor, f64)                                                           \
  TO_INTEGER(ONE, rpi, ceil, f64)                                                            \
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
