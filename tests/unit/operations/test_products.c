/* Products of runtime/operations: references, bounds, and what they catch. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/operations/operations.h"
#include "tests/unit/testing.h"

typedef float (*multiply)(pv_type type, const unsigned char *row, const float *x, size_t k);

/* Sound kernels in float32: one after the other, in pairs, in blocks. */
static float sequential(pv_type type, const unsigned char *row, const float *x, size_t k) {
  float *w = malloc(k * sizeof *w), sum = 0.0f;
  pv_dequant_f32(type, row, k, w);
  for (size_t i = 0; i < k; i++) sum += w[i] * x[i];
  free(w);
  return sum;
}

static float in_pairs(const float *t, size_t n) {
  return n == 1 ? t[0] : in_pairs(t, n / 2) + in_pairs(t + n / 2, n - n / 2);
}

static float pairwise(pv_type type, const unsigned char *row, const float *x, size_t k) {
  float *w = malloc(k * sizeof *w);
  pv_dequant_f32(type, row, k, w);
  for (size_t i = 0; i < k; i++) w[i] *= x[i];
  const float sum = in_pairs(w, k);
  free(w);
  return sum;
}

typedef struct seen {
  size_t cases, compared, exact, wrong, caught;
  double worst;
} seen;

static void run(const pv_operation *op, const pv_op_case *c, multiply kernel, seen *out) {
  pv_arena arena = PV_ARENA_INIT;
  pv_op_values v[PV_OP_TENSORS];
  pv_op_numerics n;
  pv_error err = PV_ERROR_INIT;
  size_t wrong = 0;
  REQUIRE(pv_op_numerics_find("float32", &n));
  REQUIRE(pv_operation_make(op, c, &arena, v, &err) == PV_OK);
  REQUIRE(pv_operation_expect(op, c, &n, &arena, v, &err) == PV_OK);
  for (size_t b = 0; b < v[2].rows; b++)
    for (size_t r = 0; r < v[2].row; r++) {
      const size_t at = b * v[2].row + r;
      const float got =
          kernel(op->type, v[0].bytes + r * v[0].row_bytes, v[1].real + b * v[1].row, v[0].row);
      const double excess = pv_op_excess((double)got, v[2].want[at], v[2].bound[at]);
      out->compared++;
      out->exact += v[2].bound[at] == 0.0;
      wrong += !(excess <= 1.0);
      out->worst = fmax(out->worst, excess);
    }
  out->cases++;
  out->wrong += wrong;
  out->caught += wrong > 0;
  pv_arena_free(&arena);
}

static seen run_all(const char *name, multiply kernel) {
  seen out = {0};
  const pv_operation *op = pv_operation_find(name);
  pv_op_case c;
  if (!EXPECT(op != NULL)) return out;
  for (size_t i = 0; pv_operation_case_at(op, i, &c); i++) run(op, &c, kernel, &out);
  return out;
}

static const char *const names[] = {"f32_gemv",  "f16_gemv",  "bf16_gemv", "q8_0_gemv",
                                    "q4_k_gemv", "q5_k_gemv", "q6_k_gemv"};
enum { NAMES = sizeof names / sizeof *names };

static void test_sound(void) {
  for (size_t i = 0; i < NAMES; i++) {
    const seen a = run_all(names[i], sequential), b = run_all(names[i], pairwise);
    EXPECT_U64(a.wrong, 0);
    EXPECT_U64(b.wrong, 0);
    EXPECT(a.exact > 100);
    EXPECT(a.worst <= 0.5 && b.worst <= 0.5);
    printf("%s: %zu cases, %zu compared, %zu exact, worst %.3f sequential, %.3f in pairs\n",
           names[i], a.cases, a.compared, a.exact, a.worst, b.worst);
  }
}

int main(void) {
  return pv_testing_main("operations: products", (pv_case[]){PV_CASE(test_sound), {0}});
}
