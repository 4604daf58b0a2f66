/* Kernels over vectors: each against float64, and both paths bit for bit. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "kernels/arith/fold.h"
#include "kernels/arith/rope.h"
#include "kernels/cpu/cpu.h"
#include "runtime/alone/rows.h"
#include "tests/unit/testing.h"

static void fill(float *x, size_t n, uint64_t seed) {
  for (size_t i = 0; i < n; i++) x[i] = (float)(pv_random_unit(&seed) * 4.0 - 2.0);
}

/* The tree written down as pairs, for 1 to 40 values: position i meets i + s. */
static void test_fold_is_the_documented_tree(void) {
  for (size_t n = 1; n <= 40; n++) {
    float v[64], w[64];
    fill(v, n, n);
    memcpy(w, v, sizeof v);
    const float got = pv_fold_f32(v, n);
    for (size_t s = 32; s > 0; s /= 2)
      for (size_t i = 0; i < s && i + s < n; i++) w[i] = w[i] + w[i + s];
    EXPECT_BITS32(got, w[0]);
  }
  EXPECT_BITS32(pv_fold_f32(NULL, 0), 0.0f);
}

static void test_rmsnorm(void) {
  static const size_t sizes[] = {8, 64, 128, 256, 300, 2048};
  float x[2048], w[2048], a[2048], b[2048];
  for (int i = 0; i < 6; i++) {
    const size_t n = sizes[i];
    double sum = 0.0;
    fill(x, n, n);
    fill(w, n, n + 1);
    pv_cpu_path_get(NULL)->rmsnorm(x, w, n, 1e-6f, a);
    pv_cpu_path_get("scalar")->rmsnorm(x, w, n, 1e-6f, b);
    EXPECT_BYTES(a, b, n * sizeof *a);
    for (size_t k = 0; k < n; k++) sum += (double)x[k] * (double)x[k];
    const double scale = 1.0 / sqrt(sum / (double)n + 1e-6);
    for (size_t k = 0; k < n; k++)
      EXPECT_F64((double)a[k], (double)x[k] * scale * (double)w[k], 1e-6);
  }
}

static void test_rope_rows(void) {
  float cos_row[64], sin_row[64], x[128], y[128];
  for (size_t position = 0; position < 262144; position = position * 3 + 1) {
    pv_rope_row(&(pv_rope){.base = 1e6}, 128, position, cos_row, sin_row);
    for (int i = 0; i < 64; i++) {
      const double angle = (double)position * pow(1e6, -2.0 * i / 128.0);
      EXPECT_F64((double)cos_row[i], cos(angle), 6.1e-8);
      EXPECT_F64((double)sin_row[i], sin(angle), 6.1e-8);
    }
  }
  fill(x, 128, 9);
  memcpy(y, x, sizeof x);
  pv_cpu_path_get(NULL)->rope(x, 128, cos_row, sin_row);
  for (int i = 0; i < 64; i++) {
    const double c = (double)cos_row[i], s = (double)sin_row[i];
    EXPECT_F64((double)x[i], (double)y[i] * c - (double)y[i + 64] * s, 5e-7);
    EXPECT_F64((double)x[i + 64], (double)y[i + 64] * c + (double)y[i] * s, 5e-7);
  }
  pv_cpu_path_get("scalar")->rope(y, 128, cos_row, sin_row);
  EXPECT_BYTES(x, y, sizeof x);
}

static void attend(const char *path, size_t dim, size_t positions, uint64_t seed, float *out,
                   double *want) {
  float *k = calloc(positions, dim * sizeof *k), *v = calloc(positions, dim * sizeof *v);
  float *scratch = calloc(pv_attend_scratch(dim, positions), sizeof *scratch), q[256];
  double sum = 0.0;
  fill(k, positions * dim, seed);
  fill(v, positions * dim, seed + 1);
  fill(q, dim, seed + 2);
  const pv_attend a = {q, k, v, dim, dim, positions, 0.125f, NULL, out, scratch};
  pv_cpu_path_get(path)->attend(&a);
  for (size_t d = 0; d < dim; d++) want[d] = 0.0;
  for (size_t p = 0; p < positions; p++) {
    double score = 0.0;
    for (size_t d = 0; d < dim; d++) score += (double)q[d] * (double)k[p * dim + d];
    const double e = exp(score * 0.125);
    sum += e;
    for (size_t d = 0; d < dim; d++) want[d] += e * (double)v[p * dim + d];
  }
  for (size_t d = 0; d < dim; d++) want[d] /= sum;
  free(k);
  free(v);
  free(scratch);
}

static void test_attention(void) {
  static const size_t positions[] = {1, 2, 63, 64, 65, 128, 600, 1500};
  static const size_t dims[] = {8, 40, 64, 128};
  for (int i = 0; i < 8; i++)
    for (int j = 0; j < 4; j++) {
      float a[256], b[256];
      double want[256];
      attend(NULL, dims[j], positions[i], positions[i], a, want);
      attend("scalar", dims[j], positions[i], positions[i], b, want);
      EXPECT_BYTES(a, b, dims[j] * sizeof *a);
      for (size_t d = 0; d < dims[j]; d++) EXPECT_F64((double)a[d], want[d], 2e-6);
    }
}

static void test_combine_and_add(void) {
  float rows[8][40], out[40], weight[8] = {0.3f, 0.2f, 0.1f, 0.1f, 0.1f, 0.1f, 0.05f, 0.05f};
  const float *views[8];
  for (int r = 0; r < 8; r++) {
    fill(rows[r], 40, (uint64_t)r);
    views[r] = rows[r];
  }
  pv_cpu_path_get(NULL)->combine(views, weight, 8, 40, out);
  for (int i = 0; i < 40; i++) {
    float want = weight[0] * rows[0][i];
    for (int r = 1; r < 8; r++) want = pv_fma_f32(weight[r], rows[r][i], want);
    EXPECT_BITS32(out[i], want);
  }
  pv_cpu_path_get(NULL)->add(rows[0], rows[1], 40, out);
  for (int i = 0; i < 40; i++) EXPECT_BITS32(out[i], rows[0][i] + rows[1][i]);
}

static void test_order_of_candidates(void) {
  EXPECT(pv_before(2.0f, 5, 1.0f, 0));
  EXPECT(!pv_before(1.0f, 0, 2.0f, 5));
  EXPECT(pv_before(1.0f, 0, 1.0f, 1));
  EXPECT(!pv_before(1.0f, 1, 1.0f, 0));
  EXPECT(pv_before(-1.0f, 9, NAN, 0));
  EXPECT(!pv_before(NAN, 0, -1.0f, 9));
  EXPECT(pv_before(NAN, 0, NAN, 1));
  EXPECT(pv_before(0.0f, 0, -0.0f, 1) && !pv_before(-0.0f, 1, 0.0f, 0));
}

/* Of either path what comparing one by one gives. */
static void expect_argmax(const float *x, size_t n) {
  size_t best = 0;
  for (size_t i = 1; i < n; i++)
    if (pv_before(x[i], (int64_t)i, x[best], (int64_t)best)) best = i;
  EXPECT_I64(pv_cpu_path_get(NULL)->argmax(x, n), (int64_t)best);
  EXPECT_I64(pv_cpu_path_get("scalar")->argmax(x, n), (int64_t)best);
}

static void test_argmax(void) {
  static const size_t counts[] = {1, 7, 255, 256, 257, 512, 1000};
  static const float odd[] = {NAN, -INFINITY, INFINITY, 3.0f, 0.0f, -0.0f};
  float x[1000];
  for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
    for (size_t first = 0; first < sizeof odd / sizeof *odd; first++) {
      const size_t n = counts[c];
      fill(x, n, c);
      expect_argmax(x, n);
      for (size_t i = first; i < n; i += 3) x[i] = odd[first]; /* ties */
      expect_argmax(x, n);
      for (size_t i = 0; i < n; i++) x[i] = odd[first];
      expect_argmax(x, n);
      for (size_t i = 0; i < n; i++) x[i] = NAN;
      x[n - 1] = odd[first];
      expect_argmax(x, n);
      x[n / 2] = -INFINITY;
      expect_argmax(x, n);
    }
}

int main(void) {
  return pv_testing_main("vectors", (pv_case[]){PV_CASE(test_fold_is_the_documented_tree),
                                                PV_CASE(test_rmsnorm),
                                                PV_CASE(test_rope_rows),
                                                PV_CASE(test_attention),
                                                PV_CASE(test_combine_and_add),
                                                PV_CASE(test_order_of_candidates),
                                                PV_CASE(test_argmax),
                                                {0}});
}
