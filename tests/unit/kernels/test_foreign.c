/* Roundings of other engines on rows whose result is known, and bounds against sums in many orders.
 */
#include "kernels/foreign/foreign.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "runtime/alone/rows.h"
#include "tests/unit/testing.h"

enum { K = 512 };
static double x[K], got[K];

static void test_names(void) {
  pv_foreign f;
  char text[32];
  size_t n = 0;
  EXPECT_STR(pv_foreign_at(0)->name, "any");
  EXPECT(!pv_foreign_read("ggml", &f) && !pv_foreign_read("ggml-cpu/", &f) &&
         !pv_foreign_read("ggml-cpu/q9", &f) && !pv_foreign_read("/f16", &f));
  for (; pv_foreign_at(n) != NULL; n++) {
    EXPECT(pv_foreign_read(pv_foreign_at(n)->name, &f));
    EXPECT_STR(f.name, pv_foreign_at(n)->name);
    pv_foreign_text(&f, text, sizeof text);
    EXPECT_STR(text, f.name);
  }
  EXPECT(n >= 4);
  EXPECT(pv_foreign_read("ggml-cpu/q8_0", &f));
  EXPECT_I64(f.cache, PV_ROUND_Q8_0);
  pv_foreign_text(&f, text, sizeof text);
  EXPECT_STR(text, "ggml-cpu/q8_0");
  EXPECT(pv_foreign_read("ggml-cpu/f16", &f)); /* the usual one */
  pv_foreign_text(&f, text, sizeof text);
  EXPECT_STR(text, "ggml-cpu");
}

/* The first of largest magnitude, negative or not, is -127 steps; ties go to the even step. */
static void test_q8_k(void) {
  memset(x, 0, sizeof x);
  x[7] = 2.0;
  x[9] = -2.0;
  x[10] = 2.0 * 0.5 / 127.0; /* half a step */
  x[11] = 2.0 * 1.5 / 127.0;
  pv_foreign_round(PV_ROUND_Q8_K, x, 256, got);
  const float scale = -127.0f / 2.0f, d = 1.0f / scale;
  EXPECT_F64(got[7], -127.0 * (double)d, 0.0);
  EXPECT_F64(got[9], 127.0 * (double)d, 0.0);
  EXPECT_F64(got[10], 0.0, 0.0);
  EXPECT_F64(got[11], -2.0 * (double)d, 0.0);
  EXPECT_F64(got[0], 0.0, 0.0);
  memset(x, 0, sizeof x);
  pv_foreign_round(PV_ROUND_Q8_K, x, 256, got);
  for (size_t i = 0; i < 256; i++) EXPECT_F64(got[i], 0.0, 0.0);
}

/* A scale of its own for each 32, rounded to binary16. */
static void test_q8_0(void) {
  for (size_t i = 0; i < 64; i++) x[i] = i < 32 ? 1.0 : 1000.0 * (i == 40);
  pv_foreign_round(PV_ROUND_Q8_0, x, 64, got);
  EXPECT_F64(got[0], 127.0 * (double)pv_f16_to_f32(pv_f32_to_f16(1.0f / 127.0f)), 0.0);
  EXPECT_F64(got[40], 127.0 * (double)pv_f16_to_f32(pv_f32_to_f16(1000.0f / 127.0f)), 0.0);
  EXPECT_F64(got[41], 0.0, 0.0);
}

static void test_halves(void) {
  x[0] = 1.0 + 0x1p-9;
  x[1] = 1.0 + 0x1p-12;
  pv_foreign_round(PV_ROUND_BF16, x, 2, got);
  EXPECT_F64(got[0], 1.0, 0.0);
  pv_foreign_round(PV_ROUND_F16, x, 2, got);
  EXPECT_F64(got[0], 1.0 + 0x1p-9, 0.0);
  EXPECT_F64(got[1], 1.0, 0.0);
  x[0] = NAN;
  for (int r = PV_ROUND_NONE; r <= PV_ROUND_ANY_8; r++) {
    pv_foreign_round((pv_rounding)r, x, 256, got);
    EXPECT(isnan(got[0]));
  }
}

static double multiply(void (*mm)(const pv_exact_mm *), const pv_type_info *type,
                       const unsigned char *row) {
  const pv_exact_act act = {x};
  double out = NAN, *const outs[] = {&out};
  mm(&(pv_exact_mm){.type = type->type,
                    .rows = row,
                    .row_bytes = (uint64_t)K / type->block_elements * type->block_bytes,
                    .row_count = 1,
                    .k = K,
                    .acts = &act,
                    .out = outs,
                    .act_count = 1});
  return out;
}

/* A float32 sum of rounded activations from left, from right and in strides. */
static float summed(const double *w, const double *a, int order) {
  float sum = 0.0f;
  for (size_t i = 0; i < K; i++) {
    const size_t at = order == 0 ? i : order == 1 ? K - 1 - i : i * 37 % K;
    sum += (float)w[at] * (float)a[at];
  }
  return sum;
}

/* Any order lies within the bound of its own rounding, and every rounding to 8 bits within that of
 * `any`; another rounding does not. */
static void test_bounds(void) {
  static unsigned char row[4 * K] __attribute__((aligned(16)));
  static double w[K], own[K];
  const pv_foreign *any = pv_foreign_at(0);
  uint64_t seed = 11;
  size_t outside = 0;
  for (int round = 0; round < 40; round++)
    for (int t = 0; t < PV_TYPE_COUNT; t++) {
      const pv_type_info *type = &pv_type_table[t];
      pv_rows_random(type->type, K, &seed, row);
      pv_dequant_f64(type->type, row, K, w);
      for (size_t i = 0; i < K; i++) x[i] = (double)(float)(4.0 * pv_random_unit(&seed) - 2.0);
      for (size_t n = 1; pv_foreign_at(n) != NULL; n++) {
        const pv_foreign *f = pv_foreign_at(n);
        const double exact = multiply(f->product, type, row), bound = multiply(f->bound, type, row);
        pv_foreign_round(pv_foreign_rounding(f, type->type), x, K, got);
        pv_foreign_round(f->weights, w, K, own);
        for (int order = 0; order < 3; order++)
          EXPECT(fabs((double)summed(own, got, order) - exact) <= bound);
        if (t > 0 && f->stored == 0.0) /* bfloat16 has more than half a step of 8 bits */
          EXPECT(fabs(exact - multiply(any->product, type, row)) <=
                 multiply(any->bound, type, row));
        pv_foreign_round(PV_ROUND_Q8_0, x, K, got);
        outside += pv_foreign_rounding(f, type->type) == PV_ROUND_NONE &&
                   fabs((double)summed(w, got, 0) - exact) > bound;
      }
    }
  EXPECT(outside > 200);
}

/* Numbers of Q6_K from 0 on and the 32 below them, added up apart in float32 as ggml does: beside
 * one activation that is a hundred times the others that is outside what the weights alone allow.
 */
static void test_offset(void) {
  static unsigned char row[4 * K] __attribute__((aligned(16)));
  static double w[K];
  const pv_type_info *type = pv_type_by_name("Q6_K");
  pv_foreign ggml;
  uint64_t seed = 5;
  size_t outside = 0;
  EXPECT(pv_foreign_read("ggml-cpu", &ggml));
  for (int round = 0; round < 200; round++) {
    float numbers = 0.0f, offsets = 0.0f;
    double alone = 0.0;
    pv_rows_random(type->type, K, &seed, row);
    pv_dequant_f64(type->type, row, K, w);
    for (size_t i = 0; i < K; i++)
      x[i] = (double)(float)((i == 7 ? 100.0 : 1.0) * (2.0 * pv_random_unit(&seed) - 1.0));
    pv_foreign_round(PV_ROUND_Q8_K, x, K, got);
    for (size_t i = 0; i < K; i++) {
      const pv_scales s =
          pv_block_scales(type->type, row + i / 256 * type->block_bytes, (unsigned)(i % 256 / 32));
      const double taken = 32.0 * (double)s.d * (double)s.sc[i / 16 % 2];
      numbers += (float)((w[i] + taken) * got[i]);
      offsets += (float)(taken * got[i]);
      alone += 0x1p-24 * fabs(w[i] * got[i]);
    }
    const double off = fabs((double)(numbers - offsets) - multiply(ggml.product, type, row));
    EXPECT(off <= multiply(ggml.bound, type, row));
    outside += off > 16.0 * alone;
  }
  EXPECT(outside > 0);
}

/* The worst that rounding to 8 bits can do: every activation half a step off, to one side. */
static void test_half_steps(void) {
  static pv_block_q8_0 row[K / 32];
  const pv_type_info *type = pv_type_by_name("Q8_0");
  const pv_foreign *any = pv_foreign_at(0);
  pv_foreign ggml;
  EXPECT(pv_foreign_read("ggml-cpu", &ggml));
  for (size_t i = 0; i < K / 32; i++) {
    row[i].d = pv_f32_to_f16(1.0f);
    memset(row[i].q, 1, sizeof row[i].q);
  }
  for (size_t i = 0; i < K; i++) x[i] = i % 32 == 0 ? 127.0 : 0.5;
  const unsigned char *bytes = (const unsigned char *)row;
  const double apart = multiply(any->product, type, bytes) - multiply(ggml.product, type, bytes);
  const double bound = multiply(any->bound, type, bytes);
  EXPECT_F64(apart, K / 32 * 31 * 0.5, 0.0);
  EXPECT(apart <= bound && bound < 1.1 * apart);
}

/* Weights of 1 and -1/2 on rows of 3 and -4: 3 + 2, times 4 roundings. */
static void test_combine(void) {
  const double a[] = {3.0, 0.0}, b[] = {-4.0, 1.0}, weight[] = {1.0, -0.5};
  const double *const rows[] = {a, b};
  double out[2];
  pv_foreign_combine(rows, weight, 2, 2, out);
  EXPECT_F64(out[0], 20.0, 0.0);
  EXPECT_F64(out[1], 2.0, 0.0);
}

int main(void) {
  return pv_testing_main("foreign", (pv_case[]){PV_CASE(test_names),
                                                PV_CASE(test_q8_k),
                                                PV_CASE(test_q8_0),
                                                PV_CASE(test_halves),
                                                PV_CASE(test_bounds),
                                                PV_CASE(test_offset),
                                                PV_CASE(test_combine),
                                                PV_CASE(test_half_steps),
                                                {0}});
}
