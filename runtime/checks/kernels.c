/* Checks of single kernels: no model is needed. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/text.h"
#include "kernels/arith/arith.h"
#include "runtime/checks/check.h"
#include "runtime/checks/rows.h"

static const char *const path_names[] = {"scalar", "avx2"};
enum { PATHS = 2, K_MAX = 4096, ROUNDS = 64 };

static pv_product product_of(pv_numerics numerics) {
  return numerics == PV_NUMERICS_I8           ? PV_PRODUCT_I8
         : numerics == PV_NUMERICS_F32_F64ACC ? PV_PRODUCT_F64ACC
                                              : PV_PRODUCT_I16;
}

/* One row length for every tree shape that matters: one chunk, few, a power of two, not one. */
static size_t row_length(const pv_type_info *type, int round) {
  static const size_t lengths[] = {256, 512, 768, 2048, 2304, 4096};
  static const size_t odd[] = {32, 96, 160, 288, 1056, 4064};
  return type->block_elements == 32 && round % 2 ? odd[round / 2 % 6] : lengths[round / 2 % 6];
}

typedef struct bench_row { /* one round of a matrix-vector check */
  void *row;
  float x[K_MAX];
} bench_row;

static pv_code run_gemv_exact(pv_check *check, pv_error *err) {
  static const pv_product products[] = {PV_PRODUCT_I16, PV_PRODUCT_F64ACC};
  const pv_type_info *type = pv_type_by_name(pv_check_word(check, "type"));
  if (type == NULL) return pv_error_set(err, PV_ERR_INPUT, "unknown tensor type");
  pv_code code = PV_OK;
  uint64_t seed = 7;
  bench_row b = {.row = calloc(K_MAX, sizeof(float))};
  if (b.row == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for a row");
  for (int round = 0; round < ROUNDS && code == PV_OK; round++) {
    const size_t k = row_length(type, round);
    for (int i = 0; i < 2 && code == PV_OK; i++) {
      double want, bound;
      pv_rows_exact(type->type, products[i], k, &seed, b.row, b.x);
      code = pv_rows_exact_value(type->type, products[i], b.row, b.x, k, &want, &bound, err);
      for (int p = 0; p < PATHS && code == PV_OK; p++) {
        const pv_cpu_path *path = pv_check_path(check, path_names[p]);
        pv_rows_act act;
        if (path == NULL) continue;
        code = pv_rows_act_make(path, products[i], b.x, k, &act, err);
        if (code != PV_OK) break;
        const float got = pv_rows_multiply(path, products[i], type->type, b.row, k, &act);
        pv_rows_act_free(&act);
        check->compared++;
        if ((double)got != want)
          pv_check_fail(check, "%s row of %zu on the %s path gives %s, exact is %s", type->name, k,
                        path->name, PV_REAL('g', 9, (double)got), PV_REAL('g', 17, want));
      }
    }
  }
  pv_check_backend(check, "cpu");
  free(b.row);
  return code == PV_OK ? pv_check_pass(check) : code;
}

const pv_check_spec pv_check_gemv_exact = {
    .name = "gemv.exact",
    .about =
        "Products of 64 rows of small integers with power-of-two scales are exact, in i16 and "
        "f32-f64acc, on every CPU code path.",
    .subject = "kernels",
    .timeout_s = 30,
    .params = PV_PARAMS(PV_TAKES_TYPE),
    .run = run_gemv_exact};

static pv_code run_gemv_bound(pv_check *check, pv_error *err) {
  const pv_type_info *type = pv_type_by_name(pv_check_word(check, "type"));
  const pv_product product = product_of(pv_check_numerics(check, "numerics"));
  if (type == NULL) return pv_error_set(err, PV_ERR_INPUT, "unknown tensor type");
  pv_code code = PV_OK;
  uint64_t seed = 11;
  double worst = 0.0;
  bench_row b = {.row = calloc(K_MAX, sizeof(float))};
  if (b.row == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for a row");
  for (int round = 0; round < ROUNDS && code == PV_OK; round++) {
    const size_t k = row_length(type, round);
    double want, bound;
    pv_rows_random(type->type, k, &seed, b.row);
    for (size_t i = 0; i < k; i++) /* a few large ones among many small ones */
      b.x[i] =
          (float)((pv_random_unit(&seed) - 0.5) * (pv_random_next(&seed) % 97 == 0 ? 50.0 : 1.0));
    code = pv_rows_exact_value(type->type, product, b.row, b.x, k, &want, &bound, err);
    for (int p = 0; p < PATHS && code == PV_OK; p++) {
      const pv_cpu_path *path = pv_check_path(check, path_names[p]);
      pv_rows_act act;
      if (path == NULL) continue;
      code = pv_rows_act_make(path, product, b.x, k, &act, err);
      if (code != PV_OK) break;
      const double got = (double)pv_rows_multiply(path, product, type->type, b.row, k, &act);
      pv_rows_act_free(&act);
      check->compared++;
      pv_keep_largest(&worst, fabs(got - want) / bound);
      if (!(fabs(got - want) <= bound))
        pv_check_fail(check, "%s row of %zu on the %s path is %s from exact, the bound is %s",
                      type->name, k, path->name, PV_REAL('g', 3, fabs(got - want)),
                      PV_REAL('g', 3, bound));
    }
  }
  pv_check_backend(check, "cpu");
  pv_check_metric(check, "worst_error_over_bound", worst);
  free(b.row);
  return code == PV_OK ? pv_check_pass(check) : code;
}

const pv_check_spec pv_check_gemv_bound = {
    .name = "gemv.bound",
    .about =
        "Products of 64 random rows lie within the rounding bound that the definition allows, "
        "against float64, on every CPU code path.",
    .subject = "kernels",
    .timeout_s = 30,
    .params = PV_PARAMS(PV_TAKES_TYPE, PV_TAKES_NUMERICS),
    .run = run_gemv_bound};

/* The decoder against the format's definition, bit by bit, written a second time. */
static double weight_by_definition(pv_type type, const unsigned char *b, size_t i) {
  const uint16_t d16 = (uint16_t)(b[0] | b[1] << 8), m16 = (uint16_t)(b[2] | b[3] << 8);
  const size_t j = i / 32, l = i % 32;
  if (type == PV_TYPE_Q8_0) return (double)pv_f16_to_f32(d16) * (int8_t)b[2 + i];
  if (type == PV_TYPE_Q6_K) {
    const unsigned low = b[i / 128 * 64 + i % 64] >> (i % 128 / 64 * 4) & 15;
    const unsigned high = b[128 + i / 128 * 32 + l] >> (i % 128 / 32 * 2) & 3;
    const uint16_t d = (uint16_t)(b[208] | b[209] << 8);
    return (double)pv_f16_to_f32(d) * (int8_t)b[192 + i / 16] * ((int)(high << 4 | low) - 32);
  }
  const unsigned char *s = b + 4, *q = b + (type == PV_TYPE_Q5_K ? 48 : 16);
  const unsigned sc = j < 4 ? s[j] & 63 : (s[j + 4] & 15) | (s[j - 4] >> 6) << 4;
  const unsigned m = j < 4 ? s[j + 4] & 63 : s[j + 4] >> 4 | (s[j] >> 6) << 4;
  unsigned v = q[i / 64 * 32 + l] >> (j % 2 * 4) & 15;
  if (type == PV_TYPE_Q5_K) v |= (b[16 + l] >> j & 1u) << 4;
  return (double)pv_f16_to_f32(d16) * sc * v - (double)pv_f16_to_f32(m16) * m;
}

static pv_code run_quant_blocks(pv_check *check, pv_error *err) {
  const pv_type_info *type = pv_type_by_name(pv_check_word(check, "type"));
  uint64_t seed = 3;
  if (type == NULL) return pv_error_set(err, PV_ERR_INPUT, "unknown tensor type");
  for (int round = 0; round < 200; round++) {
    _Alignas(8) unsigned char block[256], read[1024];
    double w[256];
    float f[256];
    pv_rows_random(type->type, type->block_elements, &seed, block);
    pv_type as = type->type;
    const unsigned char *bytes = block;
    if (check->planted.fault != NULL) {
      as = pv_fault_read_row(check->planted.fault, type->type, block, type->block_elements, read);
      bytes = read;
    }
    pv_dequant_f64(as, bytes, type->block_elements, w);
    pv_dequant_f32(as, bytes, type->block_elements, f);
    for (size_t i = 0; i < type->block_elements; i++) {
      uint16_t u16;
      float plain;
      memcpy(&u16, block, sizeof u16);
      memcpy(&plain, block, sizeof plain);
      const double want = type->type == PV_TYPE_F32    ? (double)plain
                          : type->type == PV_TYPE_F16  ? (double)pv_f16_to_f32(u16)
                          : type->type == PV_TYPE_BF16 ? (double)pv_bf16_to_f32(u16)
                                                       : weight_by_definition(type->type, block, i);
      check->compared += 2;
      if (w[i] != want)
        pv_check_fail(check, "weight %zu of a %s block decodes to %s, the format says %s", i,
                      type->name, PV_REAL('g', 17, w[i]), PV_REAL('g', 17, want));
      if (!(fabs((double)f[i] - want) <= 2e-7 * (fabs(want) + 1.0)))
        pv_check_fail(check, "weight %zu of a %s block decodes to %s in float32, not %s", i,
                      type->name, PV_REAL('g', 9, (double)f[i]), PV_REAL('g', 9, want));
    }
  }
  pv_check_backend(check, "cpu");
  return pv_check_pass(check);
}

const pv_check_spec pv_check_quant_blocks = {
    .name = "quant.blocks",
    .about =
        "The block decoder against the format's definition, written a second time, over 200 random "
        "blocks: the same in float64, within its rounding in float32.",
    .subject = "kernels",
    .timeout_s = 30,
    .params = PV_PARAMS(PV_TAKES_TYPE),
    .run = run_quant_blocks};

/* Error of one SwiGLU in units in the last place of the exact result. */
static double swiglu_ulp(float gate, float up, float got) {
  const long double g = gate, exact = g / (1.0L + expl(-g)) * (long double)up;
  int exponent;
  if (isnan(gate) || isnan(up)) return isnan(got) ? 0.0 : INFINITY;
  const float nearest = (float)exact;
  if (nearest == got || isinf(nearest)) return nearest == got ? 0.0 : INFINITY;
  frexpl(exact, &exponent);
  const long double ulp = ldexpl(1.0L, (exponent < -125 ? -125 : exponent) - 24);
  return (double)(fabsl((long double)got - exact) / ulp);
}

static pv_code run_swiglu_error(pv_check *check, pv_error *err) {
  static const float edges[] = {0.0f,    -0.0f,   1e-38f, -1e-38f, 1e-45f, 88.7f, -88.7f,
                                -103.9f, -104.5f, 1e5f,   -1e5f,   3e38f,  NAN};
  enum { EDGES = sizeof edges / sizeof *edges, GRID = 200000, BATCH = 64 };
  const double allowed = pv_check_real(check, "max_ulp");
  double worst = 0.0;
  (void)err;
  for (int p = 0; p < PATHS; p++) {
    const pv_cpu_path *path = pv_check_path(check, path_names[p]);
    uint64_t seed = 5;
    if (path == NULL) continue;
    for (size_t at = 0; at < GRID + EDGES; at += BATCH) {
      float gate[BATCH], up[BATCH], out[BATCH];
      for (size_t i = 0; i < BATCH; i++) {
        gate[i] = at + i < GRID ? -110.0f + 210.0f * (float)(at + i) / (float)GRID
                                : edges[(at + i) % EDGES];
        up[i] = at + i < GRID ? (float)(4.0 * pv_random_unit(&seed) - 2.0) : 1.0f;
      }
      path->swiglu(gate, up, BATCH, out);
      for (size_t i = 0; i < BATCH; i++) {
        const double ulp = swiglu_ulp(gate[i], up[i], out[i]);
        check->compared++;
        pv_keep_largest(&worst, ulp);
        if (!(ulp <= allowed))
          pv_check_fail(check, "swiglu(%.9g, %.9g) on the %s path is %s: %s ulp off",
                        (double)gate[i], (double)up[i], path->name, PV_REAL('g', 9, (double)out[i]),
                        PV_REAL('g', 3, ulp));
      }
    }
  }
  pv_check_backend(check, "cpu");
  pv_check_metric(check, "largest_error_ulp", worst);
  pv_check_needed(check, worst);
  return pv_check_pass(check);
}

const pv_check_spec pv_check_swiglu_error = {
    .name = "swiglu.error",
    .about =
        "SwiGLU against extended precision over 200000 pairs and edge values, in units in the last "
        "place, on every CPU code path.",
    .subject = "kernels",
    .timeout_s = 30,
    .params = PV_PARAMS(PV_TAKES_REAL("max_ulp", 0.5, 1000, PV_LOOSENS_UP, "ulp", "4",
                                      "largest error in units in the last place")),
    .run = run_swiglu_error};
