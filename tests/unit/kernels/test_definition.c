/* The definition's kernels against the scalar CPU kernels, on rows that no model has: zeros, NaN,
 * infinities, tiny segments, every tensor type, many chunks of attention, ties. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "kernels/arith/arith.h"
#include "kernels/definition/definition.h"
#include "runtime/alone/rows.h"
#include "tests/unit/testing.h"

enum { K = 1056, KINDS = 6 };
static float x[K];
static unsigned char row[4 * K] __attribute__((aligned(16)));

/* Kind 0 is ordinary; in the others one segment is not. */
static void fill(int kind, uint64_t *seed) {
  static const float odd[KINDS] = {0.0f, 0.0f, NAN, INFINITY, 0x1p-101f, 0x1p-100f};
  for (size_t i = 0; i < K; i++) x[i] = (float)(4.0 * pv_random_unit(seed) - 2.0);
  for (size_t i = 64; i < 96 && kind > 0; i++) x[i] = kind == 1 || i == 70 ? odd[kind] : x[i];
  /* Beside ordinary segments nobody would see it. */
  for (size_t i = 0; i < K && kind > 3; i++) x[i] = odd[kind];
}

static void expect_product(pv_product product, const pv_type_info *type, size_t k, int kind) {
  pv_rows_act act;
  REQUIRE(pv_rows_act_make(&pv_cpu_scalar, product, x, k, &act, NULL) == PV_OK);
  const float want = pv_rows_multiply(&pv_cpu_scalar, product, type->type, row, k, &act);
  const float got = pv_rows_multiply(&pv_definition, product, type->type, row, k, &act);
  if (!EXPECT(isnan(want) ? isnan(got) : pv_bits_f32(got) == pv_bits_f32(want)))
    fprintf(stderr, "  %s, product %d, %zu long, kind %d: %.9g, want %.9g\n", type->name, product,
            k, kind, (double)got, (double)want);
  pv_rows_act_free(&act);
}

static void test_products(void) {
  static const pv_product products[] = {PV_PRODUCT_I16, PV_PRODUCT_I8, PV_PRODUCT_F64ACC};
  static const size_t lengths[] = {256, 768, 1024};
  uint64_t seed = 3;
  for (int t = 0; t < PV_TYPE_COUNT; t++)
    for (int kind = 0; kind < KINDS; kind++)
      for (size_t n = 0; n < 3; n++) {
        const pv_type_info *type = &pv_type_table[t];
        const size_t k = type->block_elements < 256 && n == 2 ? K : lengths[n];
        fill(kind, &seed);
        pv_rows_random(type->type, k, &seed, row);
        for (int p = 0; p < 3; p++) expect_product(products[p], type, k, kind);
      }
}

static void test_attention(void) {
  enum { DIM = 64, STRIDE = 128, LONG = 700 };
  float *k = calloc(LONG * STRIDE, sizeof *k), *v = calloc(LONG * STRIDE, sizeof *v);
  float *scratch = calloc(pv_attend_scratch(DIM, LONG), sizeof *scratch), q[DIM], got[DIM],
        want[DIM];
  uint64_t seed = 5;
  REQUIRE(k != NULL && v != NULL && scratch != NULL);
  for (size_t i = 0; i < LONG * STRIDE; i++) {
    k[i] = (float)(6.0 * pv_random_unit(&seed) - 3.0);
    v[i] = (float)(2.0 * pv_random_unit(&seed) - 1.0);
  }
  for (size_t i = 0; i < DIM; i++) q[i] = (float)(6.0 * pv_random_unit(&seed) - 3.0);
  static const size_t positions[] = {1, 2, 63, 64, 65, 512, 513, LONG};
  for (size_t i = 0; i < sizeof positions / sizeof *positions; i++) {
    pv_attend a = {q, k, v, STRIDE, DIM, positions[i], 0.125f, NULL, want, scratch};
    pv_cpu_scalar.attend(&a);
    a.out = got;
    pv_definition.attend(&a);
    EXPECT_BYTES(got, want, sizeof got);
  }
  k[70 * STRIDE] = NAN; /* one key of the second chunk: every output is NaN */
  pv_attend a = {q, k, v, STRIDE, DIM, LONG, 0.125f, NULL, got, scratch};
  pv_definition.attend(&a);
  for (size_t i = 0; i < DIM; i++) EXPECT(isnan(got[i]));
  free(k);
  free(v);
  free(scratch);
}

static void test_routing(void) {
  enum { EXPERTS = 300, USED = 8 };
  uint64_t seed = 7;
  for (int round = 0; round < 50; round++) {
    float logits[EXPERTS], got[USED], want[USED];
    int32_t chosen[USED], wanted[USED];
    for (size_t e = 0; e < EXPERTS; e++)
      logits[e] = round % 2 ? (float)(pv_random_next(&seed) % 4)
                            : (float)(8.0 * pv_random_unit(&seed) - 4.0);
    if (round % 5 == 0) logits[17] = NAN;
    pv_cpu_scalar.route(PV_ROUTE_SUM_ONE, logits, EXPERTS, USED, wanted, want);
    pv_definition.route(PV_ROUTE_SUM_ONE, logits, EXPERTS, USED, chosen, got);
    EXPECT_BYTES(chosen, wanted, sizeof chosen);
    for (size_t r = 0; r < USED; r++)
      EXPECT(isnan(want[r]) ? isnan(got[r]) : pv_bits_f32(got[r]) == pv_bits_f32(want[r]));
  }
}

static void test_vectors(void) {
  uint64_t seed = 9;
  float weight[K], got[K], want[K];
  for (size_t n = 8; n <= K; n += 131) {
    fill(0, &seed);
    for (size_t i = 0; i < n; i++) weight[i] = (float)pv_random_unit(&seed);
    pv_cpu_scalar.rmsnorm(x, weight, n, 1e-6f, want);
    pv_definition.rmsnorm(x, weight, n, 1e-6f, got);
    EXPECT_BYTES(got, want, n * sizeof *got);
    pv_cpu_scalar.swiglu(x, weight, n, want);
    pv_definition.swiglu(x, weight, n, got);
    EXPECT_BYTES(got, want, n * sizeof *got);
  }
}

int main(void) {
  return pv_testing_main("plain kernels", (pv_case[]){PV_CASE(test_products),
                                                      PV_CASE(test_attention),
                                                      PV_CASE(test_routing),
                                                      PV_CASE(test_vectors),
                                                      {0}});
}
