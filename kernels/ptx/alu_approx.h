/* Rows of what PTX defines only up to an error: made in f64, and rounded. Included by alu_rows.h.
 */
/* NOLINTBEGIN(bugprone-macro-parentheses): types and expressions over lanes */

/* div.approx of what is divided by more than 2^126 is documented as zero. */
static inline f64 approximate_quotient(f32 a, f32 b) {
  const f64 q = (f64)a / (f64)b;
  const bool beyond = fabsf(b) > 0x1p126f && fabsf(b) < INFINITY;
  return beyond ? q * 0.0 : q;
}
static inline f64 reciprocal(f64 x) {
  return 1.0 / x;
}
static inline f64 reciprocal_root(f64 x) {
  return 1.0 / sqrt(x);
}
static inline f64 flush_f64(f64 x) {
  return fabs(x) < 0x1p-1022 ? copysign(0.0, x) : x;
}

#define APPROXIMATE(ONE, op, f, ftz, id, in, out) \
  ONE(#op ".approx" ftz ".f32", op##_##id, f32, f32, out((f32)f((f64)in(a))))
#define APPROXIMATE_ALL(ONE, TWO, ftz, id, in, out)          \
  APPROXIMATE(ONE, ex2, exp2, ftz, id, in, out)              \
  APPROXIMATE(ONE, lg2, log2, ftz, id, in, out)              \
  APPROXIMATE(ONE, rcp, reciprocal, ftz, id, in, out)        \
  APPROXIMATE(ONE, sqrt, sqrt, ftz, id, in, out)             \
  APPROXIMATE(ONE, rsqrt, reciprocal_root, ftz, id, in, out) \
  APPROXIMATE(ONE, sin, sin, ftz, id, in, out)               \
  APPROXIMATE(ONE, cos, cos, ftz, id, in, out)               \
  TWO("div.approx" ftz ".f32", div_##id, f32, f32, f32,      \
      out((f32)approximate_quotient(in(a), in(b))))          \
  TWO("div.full" ftz ".f32", div_full_##id, f32, f32, f32, out(in(a) / in(b)))

#define APPROXIMATE_HALF(ONE, op, f, words, t)                \
  ONE(#op ".approx" words "." #t, op##_##t##_one, t, t, f(a)) \
  ONE(#op ".approx" words "." #t "x2", op##_##t##_two, b32, b32, EACH_1(f, a))

#define OF_HALF(t)                         \
  static inline u16 ex2_##t(u16 a) {       \
    return to_##t(exp2(value_##t(a)), RN); \
  }                                        \
  static inline u16 tanh_##t(u16 a) {      \
    return to_##t(tanh(value_##t(a)), RN); \
  }
OF_HALF(f16)
OF_HALF(bf16)
/* Subnormals of bf16 become zeros. */
static inline u16 flush_bf16(u16 a) {
  return (a & 0x7f80u) == 0 ? a & 0x8000u : a;
}
static inline u16 ex2_flushed_bf16(u16 a) {
  return flush_bf16(ex2_bf16(flush_bf16(a)));
}

#define APPROXIMATE_ROWS(ONE, TWO)                                                           \
  APPROXIMATE_ALL(ONE, TWO, "", approx, AS_IT_IS, canonical)                                 \
  APPROXIMATE_ALL(ONE, TWO, ".ftz", approx_ftz, flush, flushed)                              \
  APPROXIMATE(ONE, tanh, tanh, "", approx, AS_IT_IS, canonical)                              \
  APPROXIMATE_HALF(ONE, ex2, ex2_f16, "", f16)                                               \
  APPROXIMATE_HALF(ONE, ex2, ex2_flushed_bf16, ".ftz", bf16)                                 \
  APPROXIMATE_HALF(ONE, tanh, tanh_f16, "", f16)                                             \
  APPROXIMATE_HALF(ONE, tanh, tanh_bf16, "", bf16)                                           \
  ONE("rcp.approx.ftz.f64", rcp_approx_f64, f64, f64, flush_f64(1.0 / flush_f64(a)))         \
  ONE("rsqrt.approx.ftz.f64", rsqrt_approx_ftz_f64, f64, f64, reciprocal_root(flush_f64(a))) \
  ONE("rsqrt.approx.f64", rsqrt_approx_f64, f64, f64, reciprocal_root(a))
/* NOLINTEND(bugprone-macro-parentheses) */
