/* The choice of experts, its PTX interpreted, against the CPU's: ties by index above all. */
#include <math.h>
#include <string.h>

#include "kernels/cpu/cpu.h"
#include "kernels/cuda/kernels.h"
#include "runtime/forward/gpu_devices.h"
#include "tests/unit/testing.h"

enum { MOST = 1024, ROWS = 5 };

/* Rows in which all are equal, few values repeat, zeros have both signs, numbers are missing or
 * infinite, and one of distinct values. */
static void fill(float logits[ROWS][MOST], size_t n) {
  static const float some[] = {-0.0f, 0.0f, 1.5f}, odd[] = {NAN, INFINITY, -INFINITY, -2.0f, 2.0f};
  uint32_t state = (uint32_t)n;
  for (size_t i = 0; i < n; i++) {
    state = state * 1664525u + 1013904223u;
    const uint32_t r = state >> 8;
    logits[0][i] = -3.25f;
    logits[1][i] = (float)(r % 4) - 2.0f;
    logits[2][i] = some[r % 3];
    logits[3][i] = odd[r % 5];
    logits[4][i] = (float)r * 0x1p-20f - 8.0f;
  }
}

static void compare(pv_gpu *gpu, unsigned kernel, const uint64_t at[3], size_t n, size_t used) {
  static float logits[ROWS][MOST], packed[ROWS * MOST], weights[ROWS * MOST];
  static int32_t indices[ROWS * MOST];
  const pv_cpu_path *cpu = pv_cpu_path_get("scalar");
  pv_error err;
  fill(logits, n);
  for (size_t r = 0; r < ROWS; r++) memcpy(packed + r * n, logits[r], n * sizeof(float));
  const pv_cuda_route args = {at[0], at[1], at[2], (uint32_t)n, (uint32_t)used};
  pv_gpu_launch launch;
  REQUIRE(gpu->ops->upload(gpu, at[0], packed, ROWS * n * sizeof(float), &err) == PV_OK);
  REQUIRE(pv_kernel_launch(pv_kernel_get(PV_GPU_route), kernel, &args, ROWS, &launch, &err) ==
          PV_OK);
  REQUIRE(gpu->ops->launch(gpu, &launch, &err) == PV_OK);
  REQUIRE(gpu->ops->download(gpu, indices, at[1], ROWS * used * sizeof *indices, &err) == PV_OK);
  REQUIRE(gpu->ops->download(gpu, weights, at[2], ROWS * used * sizeof *weights, &err) == PV_OK);
  for (size_t r = 0; r < ROWS; r++) {
    int32_t want[MOST];
    float want_weights[MOST];
    cpu->route(logits[r], n, used, want, want_weights);
    EXPECT_BYTES(indices + r * used, want, used * sizeof *want);
    if (r != 3) EXPECT_BYTES(weights + r * used, want_weights, used * sizeof *want_weights);
  }
}

static void test_choices(void) {
  static const size_t counts[] = {1, 2, 3, 5, 8, 31, 40, 63, 64, 65, 127, 128, 129, 200, 1024};
  pv_gpu *gpu = NULL;
  pv_error err;
  unsigned kernel = 0;
  uint64_t at[3];
  REQUIRE(pv_gpu_ptx.open(&gpu, &err) == PV_OK);
  EXPECT(gpu->ops->find(gpu, "route", &kernel, &err) == PV_OK);
  for (size_t i = 0; i < 3; i++)
    EXPECT(gpu->ops->alloc(gpu, sizeof(float) * ROWS * MOST, &at[i], &err) == PV_OK);
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    const size_t n = counts[i];
    compare(gpu, kernel, at, n, 1);
    compare(gpu, kernel, at, n, n < 8 ? n : 8);
    if (n <= 200) compare(gpu, kernel, at, n, n);
  }
  gpu->ops->close(gpu);
}

int main(void) {
  return pv_testing_main("cuda_route", (pv_case[]){PV_CASE(test_choices), {0}});
}
