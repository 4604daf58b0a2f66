#include "tests/unit/arith/reference.h"

#include <math.h>
#include <stdlib.h>

#include "kernels/arith/arith.h"

static float compute_exp(float x) {
  return pv_exp_f32(x);
}
static float compute_silu(float x) {
  return pv_silu_f32(x);
}
static float compute_sigmoid(float x) {
  return pv_sigmoid_f32(x);
}
static float compute_gelu(float x) {
  return pv_gelu_f32(x);
}
static float compute_quick_gelu(float x) {
  return pv_quick_gelu_f32(x);
}
static float compute_sqrt(float x) {
  return pv_sqrt_f32(x);
}
static float compute_rint(float x) {
  return pv_rint_f32(x);
}

/* exp(89) = 4.49e38 lies above every float, exp(-104) = 6.8e-46 below half of 2^-149. */
static bool direct_exp(float x, float *rounded, double *value) {
  if (x >= 89.0f) {
    *rounded = INFINITY;
    *value = 0x1p128;
    return true;
  }
  if (x <= -104.0f) {
    *rounded = 0.0f;
    *value = exp((double)x);
    return true;
  }
  return false;
}

static double approx_exp(double x) {
  return exp(x);
}

static void exact_exp(mpfr_t out, mpfr_t x) {
  mpfr_exp(out, x, MPFR_RNDN);
}

/* x <= -120: 0 > silu(x) > x e^x > -120 e^-120 = -9.2e-51, and both factors' product grows towards
 * 0 as x falls, so the result is -0 (also the limit at -infinity). x >= 64: x > silu(x) >
 * x (1 - e^-x) with e^-64 < 2^-92, so x itself is nearest. `low` and `high` are where an argument
 * of exp is that. |x| < 2^-64, x != 0: silu(x) = x / 2 + x^2 / 4 - ..., strictly above x / 2 and
 * nearer to it than one double ulp, so the double just above x / 2 rounds to the same float. */
static bool direct_gated(float x, float low, float high, float *rounded, double *value) {
  if (x <= low) {
    *rounded = -0.0f;
    *value = 0.0;
    return true;
  }
  if (x >= high || x == 0.0f) {
    *rounded = x;
    *value = isinf(x) ? 0x1p128 : (double)x;
    return true;
  }
  if (fabsf(x) < 0x1p-64f) {
    *value = nextafter((double)x / 2.0, INFINITY);
    *rounded = (float)*value;
    return true;
  }
  return false;
}

static bool direct_silu(float x, float *rounded, double *value) {
  return direct_gated(x, -120.0f, 64.0f, rounded, value);
}

static double approx_silu(double x) {
  return x / (1.0 + exp(-x));
}

static void exact_silu(mpfr_t out, mpfr_t x) {
  mpfr_neg(out, x, MPFR_RNDN);
  mpfr_exp(out, out, MPFR_RNDN);
  mpfr_add_ui(out, out, 1, MPFR_RNDN);
  mpfr_div(out, x, out, MPFR_RNDN);
}

/* Twice the argument of tanh: z = x (a + b x^2), a = 2 sqrt(2 / pi), b = 0.044715 a. z(-11.5) <
 * -126 and z(9) > 66; near 0 GELU is x / 2 + a x^2 / 4 + ..., as above. exp magnifies the error of
 * z by |z| < 2^7: long double, and MPFR with more bits, leave room for that. */
static bool direct_gelu(float x, float *rounded, double *value) {
  return direct_gated(x, -11.5f, 9.0f, rounded, value);
}

static double approx_gelu(double x) {
  const long double a = 1.59576912160573071175978423973752747390343L, y = (long double)x;
  return (double)(y / (1.0L + expl(-y * (a + 0.044715L * a * y * y))));
}

static void exact_gelu(mpfr_t out, mpfr_t x) {
  mpfr_t z, a;
  mpfr_inits2(mpfr_get_prec(out) + 16, z, a, (mpfr_ptr)0);
  mpfr_const_pi(a, MPFR_RNDN);
  mpfr_ui_div(a, 8, a, MPFR_RNDN);
  mpfr_sqrt(a, a, MPFR_RNDN);
  mpfr_sqr(z, x, MPFR_RNDN);
  mpfr_mul_ui(z, z, 44715, MPFR_RNDN);
  mpfr_div_ui(z, z, 1000000, MPFR_RNDN);
  mpfr_add_ui(z, z, 1, MPFR_RNDN);
  mpfr_mul(z, z, a, MPFR_RNDN);
  mpfr_mul(z, z, x, MPFR_RNDN);
  mpfr_neg(z, z, MPFR_RNDN);
  mpfr_exp(z, z, MPFR_RNDN);
  mpfr_add_ui(z, z, 1, MPFR_RNDN);
  mpfr_div(out, x, z, MPFR_RNDN);
  mpfr_clears(z, a, (mpfr_ptr)0);
}

/* 1.702 * -71 < -120 and 1.702 * 38 > 64. */
static bool direct_quick_gelu(float x, float *rounded, double *value) {
  return direct_gated(x, -71.0f, 38.0f, rounded, value);
}

static double approx_quick_gelu(double x) {
  const long double y = (long double)x;
  return (double)(y / (1.0L + expl(-1.702L * y)));
}

static void exact_quick_gelu(mpfr_t out, mpfr_t x) {
  mpfr_t z;
  mpfr_init2(z, mpfr_get_prec(out) + 16);
  mpfr_mul_si(z, x, -1702, MPFR_RNDN);
  mpfr_div_ui(z, z, 1000, MPFR_RNDN);
  mpfr_exp(z, z, MPFR_RNDN);
  mpfr_add_ui(z, z, 1, MPFR_RNDN);
  mpfr_div(out, x, z, MPFR_RNDN);
  mpfr_clear(z);
}

/* Below -104 less than half of 2^-149; from 20 on 1 - sigmoid < e^-20 < 2^-25, half a unit below 1.
 * At 0, and so near it that the double is 1/2, it is that. */
static bool direct_sigmoid(float x, float *rounded, double *value) {
  if (x > -104.0f && x < 20.0f && fabsf(x) >= 0x1p-48f) return false;
  *rounded = x <= -104.0f ? 0.0f : x >= 20.0f ? 1.0f : 0.5f;
  *value = 1.0 / (1.0 + exp(-(double)x));
  return true;
}

static double approx_sigmoid(double x) {
  return 1.0 / (1.0 + exp(-x));
}

static void exact_sigmoid(mpfr_t out, mpfr_t x) {
  mpfr_neg(out, x, MPFR_RNDN);
  mpfr_exp(out, out, MPFR_RNDN);
  mpfr_add_ui(out, out, 1, MPFR_RNDN);
  mpfr_ui_div(out, 1, out, MPFR_RNDN);
}

static bool direct_sqrt(float x, float *rounded, double *value) {
  if (x < 0.0f) {
    *rounded = NAN;
    *value = (double)NAN;
    return true;
  }
  if (x == 0.0f || isinf(x)) {
    *rounded = x;
    *value = isinf(x) ? 0x1p128 : 0.0;
    return true;
  }
  return false;
}

static double approx_sqrt(double x) {
  return sqrt(x);
}

static void exact_sqrt(mpfr_t out, mpfr_t x) {
  mpfr_sqrt(out, x, MPFR_RNDN);
}

/* Nearest integer, ties to even, in integer arithmetic: |x| < 2^22. Nothing is left to decide. */
static bool direct_rint(float x, float *rounded, double *value) {
  const double magnitude = fabs((double)x);
  int64_t whole = (int64_t)magnitude;
  const double rest = magnitude - (double)whole;
  if (rest > 0.5 || (rest == 0.5 && (whole & 1) != 0)) whole++;
  *value = x < 0.0f ? -(double)whole : (double)whole;
  *rounded = (float)*value;
  return true;
}

const pv_reference pv_references[] = {
    {.name = "exp",
     .compute = compute_exp,
     .bound = PV_EXP_F32_MAX_ULP,
     .worst = 0x40a65d1au,
     .domain = INFINITY,
     .direct = direct_exp,
     .approx = approx_exp,
     .exact = exact_exp},
    {.name = "silu",
     .compute = compute_silu,
     .bound = PV_SILU_F32_MAX_ULP,
     .worst = 0xc185785cu,
     .domain = INFINITY,
     .direct = direct_silu,
     .approx = approx_silu,
     .exact = exact_silu},
    {.name = "sigmoid",
     .compute = compute_sigmoid,
     .bound = PV_SIGMOID_F32_MAX_ULP,
     .worst = 0xc18515ecu,
     .domain = INFINITY,
     .direct = direct_sigmoid,
     .approx = approx_sigmoid,
     .exact = exact_sigmoid},
    {.name = "gelu",
     .compute = compute_gelu,
     .bound = PV_GELU_F32_MAX_ULP,
     .worst = 0xc120a860u,
     .domain = INFINITY,
     .direct = direct_gelu,
     .approx = approx_gelu,
     .exact = exact_gelu},
    {.name = "quick_gelu",
     .compute = compute_quick_gelu,
     .bound = PV_QUICK_GELU_F32_MAX_ULP,
     .worst = 0xc254f820u,
     .domain = INFINITY,
     .direct = direct_quick_gelu,
     .approx = approx_quick_gelu,
     .exact = exact_quick_gelu},
    {.name = "sqrt",
     .compute = compute_sqrt,
     .bound = 0.5,
     .rounded = true,
     .worst = 0x017fffffu,
     .domain = INFINITY,
     .direct = direct_sqrt,
     .approx = approx_sqrt,
     .exact = exact_sqrt},
    {.name = "rint",
     .compute = compute_rint,
     .bound = 0.0,
     .rounded = true,
     .domain = 0x1.fffffep+21f,
     .direct = direct_rint},
};
const size_t pv_reference_count = sizeof pv_references / sizeof pv_references[0];

/* Halves the interval around the value until it holds one rounded float. `out` receives the value
 * in the precision that decided; the caller clears it. */
static float decide_exact(const pv_reference *reference, float x, mpfr_t out) {
  mpfr_t argument, low, high;
  mpfr_init2(argument, 24);
  mpfr_inits2(128, low, high, (mpfr_ptr)0);
  mpfr_set_flt(argument, x, MPFR_RNDN);
  float a = 0.0f, b = 1.0f;
  for (mpfr_prec_t bits = 128; bits <= 4096; bits *= 2) {
    mpfr_set_prec(out, bits);
    mpfr_set_prec(low, bits);
    mpfr_set_prec(high, bits);
    reference->exact(out, argument);
    mpfr_set_ui_2exp(low, 1, 5 - bits, MPFR_RNDN);
    mpfr_add_ui(high, low, 1, MPFR_RNDN);
    mpfr_ui_sub(low, 1, low, MPFR_RNDN);
    mpfr_mul(low, out, low, MPFR_RNDN);
    mpfr_mul(high, out, high, MPFR_RNDN);
    a = mpfr_get_flt(low, MPFR_RNDN);
    b = mpfr_get_flt(high, MPFR_RNDN);
    if (a == b) break;
  }
  if (a != b) abort(); /* the header says why this cannot happen */
  mpfr_clears(argument, low, high, (mpfr_ptr)0);
  return a;
}

pv_judgement pv_reference_at(const pv_reference *reference, float x) {
  pv_judgement judgement = {0};
  if (reference->direct(x, &judgement.rounded, &judgement.value)) return judgement;
  judgement.value = reference->approx((double)x);
  const float a = (float)(judgement.value * (1.0 - 2.0 * PV_REFERENCE_ERROR));
  const float b = (float)(judgement.value * (1.0 + 2.0 * PV_REFERENCE_ERROR));
  judgement.rounded = a;
  if (a != b) {
    mpfr_t exact;
    mpfr_init2(exact, 128);
    judgement.rounded = decide_exact(reference, x, exact);
    judgement.by_mpfr = true;
    mpfr_clear(exact);
  }
  return judgement;
}

/* 2^e as the unit of the last place of `rounded`. */
static double unit(float rounded) {
  const uint32_t exponent = pv_bits_f32(rounded) >> 23 & 0xffu;
  if (exponent == 255) return 0x1p104;
  const uint64_t bits = (uint64_t)((exponent == 0 ? 1 : exponent) + 1023 - 127 - 23) << 52;
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static double as_finite(float y) {
  return isinf(y) ? copysign(0x1p128, (double)y) : (double)y;
}

double pv_reference_ulp(float y, const pv_judgement *judgement) {
  if (isnan(judgement->rounded)) return isnan(y) ? 0.0 : (double)INFINITY;
  if (isnan(y)) return (double)INFINITY;
  const double value = isinf(judgement->rounded) ? as_finite(judgement->rounded) : judgement->value;
  return fabs(as_finite(y) - value) / unit(judgement->rounded);
}

double pv_reference_ulp_exact(const pv_reference *reference, float x, float y) {
  pv_judgement judgement = {0};
  if (reference->direct(x, &judgement.rounded, &judgement.value))
    return pv_reference_ulp(y, &judgement);
  mpfr_t value;
  mpfr_init2(value, 128);
  judgement.rounded = decide_exact(reference, x, value);
  double error = (double)INFINITY;
  if (isinf(judgement.rounded)) {
    error = pv_reference_ulp(y, &judgement);
  } else if (!isnan(y)) {
    mpfr_sub_d(value, value, as_finite(y), MPFR_RNDN);
    error = fabs(mpfr_get_d(value, MPFR_RNDN)) / unit(judgement.rounded);
  }
  mpfr_clear(value);
  return error;
}

double pv_reference_audit(const pv_reference *reference, unsigned samples) {
  double worst = 0.0;
  mpfr_t value;
  mpfr_init2(value, 128);
  for (unsigned i = 0; i < samples && reference->approx != NULL; i++) {
    const float x = pv_f32_bits(i * 2654435761u); /* odd: no pattern twice, spread evenly */
    pv_judgement judgement = {0};
    if (isnan(x) || reference->direct(x, &judgement.rounded, &judgement.value)) continue;
    const double approx = reference->approx((double)x);
    (void)decide_exact(reference, x, value);
    mpfr_t error;
    mpfr_init2(error, 128);
    mpfr_d_div(error, approx, value, MPFR_RNDN);
    mpfr_sub_ui(error, error, 1, MPFR_RNDN);
    const double relative = fabs(mpfr_get_d(error, MPFR_RNDN));
    if (!(relative <= worst)) worst = relative;
    mpfr_clear(error);
  }
  mpfr_clear(value);
  return worst;
}
