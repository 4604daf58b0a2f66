#include "tests/unit/vulkan/bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "kernels/cpu/cpu.h"
#include "kernels/vulkan/device.h"
#include "kernels/vulkan/modules.h"
#include "tests/unit/testing.h"

enum { ROOM = 8 << 20, APART = 256, COUNTERS = 64 };

static pv_vulkan *vulkan;
static pv_vulkan_device *device;
static pv_vulkan_memory here, there; /* one is copied to the other, and back */
static size_t taken;

void begin(void) {
  taken = 0;
  memset(here.mapped, 0xa5, ROOM); /* what is not written is seen */
}

uint64_t place(const void *bytes, size_t count) {
  const size_t at = taken;
  taken = (taken + count + APART - 1) / APART * APART;
  if (taken > ROOM) abort();
  if (bytes != NULL) memcpy((char *)here.mapped + at, bytes, count);
  return there.address + at;
}

const void *result(uint64_t address) {
  return (const char *)here.mapped + (address - there.address);
}

bool launch(const char *name, uint32_t variant, const void *argument, size_t bytes, uint32_t groups,
            uint32_t rows) {
  const pv_vulkan_module *module = pv_vulkan_module_find(name);
  static const uint32_t zeros[COUNTERS];
  const uint64_t pushed[] = {place(argument, bytes), place(zeros, sizeof zeros)};
  pv_vulkan_pipeline pipeline;
  pv_error err = PV_ERROR_INIT;
  double seconds = 0;
  EXPECT(module != NULL);
  if (module == NULL) return false;
  pv_code code = pv_vulkan_compile(device, module, variant, &pipeline, &err);
  if (code == PV_OK) {
    code = pv_vulkan_begin(device, &err);
    if (code == PV_OK) {
      pv_vulkan_copy(device, &here, 0, &there, 0, ROOM);
      pv_vulkan_launch(device, &pipeline, pushed, sizeof pushed, groups, rows, false);
      pv_vulkan_copy(device, &there, 0, &here, 0, ROOM);
      code = pv_vulkan_finish(device, &seconds, &err);
    }
    pv_vulkan_discard(device, &pipeline);
  }
  if (code != PV_OK) pv_error_print(&err, stderr);
  return EXPECT(code == PV_OK) && EXPECT(memcmp(result(pushed[1]), zeros, sizeof zeros) == 0);
}

static uint32_t bits(float x) {
  uint32_t out;
  memcpy(&out, &x, sizeof out);
  return out;
}

bool same_floats(const float *got, const float *want, size_t n, const char *what) {
  for (size_t i = 0; i < n; i++)
    if (bits(got[i]) != bits(want[i]) && !(isnan(got[i]) && isnan(want[i]))) {
      fprintf(stderr, "%s: element %zu of %zu\n", what, i, n);
      return EXPECT_BITS32(got[i], want[i]);
    }
  return EXPECT(n > 0);
}

void fill(float *x, size_t n, uint64_t seed, bool edges) {
  static const float on_edges[] = {0.0F, -0.0F, 1e-38F, -1e-41F, 130.0F, -130.0F, 3.4e38F, 32.0F};
  for (size_t i = 0; i < n; i++) {
    const uint64_t r = pv_random_next(&seed);
    x[i] = (float)ldexp(2 * pv_random_unit(&seed) - 1, (int)(r % 8) - 3);
    if (edges && r % 64 == 9) x[i] = on_edges[(r >> 8) % 8];
  }
}

uint32_t parts(size_t n, size_t of) {
  return (uint32_t)((n + of - 1) / of);
}

/* Planes that a shader writes are those of the CPU, which has them in another order. */
void same_acts(const pv_cuda_acts *acts, const float *x, size_t k, size_t row, bool whole) {
  static int16_t q[K_MAX];
  static float d[K_MAX / 32];
  static int32_t sum[K_MAX / 32], offset[K_MAX / 16];
  pv_cpu_scalar.round(PV_PRODUCT_I16, whole ? PV_GRAIN_256 : PV_GRAIN_32, x, k,
                      &(const pv_planes){q, d, sum, offset});
  const int8_t *planes = (const int8_t *)result(acts->q) + row * acts->segments * 64;
  const float *got_d = (const float *)result(acts->d) + row * acts->segments;
  const int32_t *got_sum = (const int32_t *)result(acts->sum) + row * acts->segments;
  for (size_t s = 0; s < k / PV_SEGMENT; s++) {
    same_floats(&got_d[s], &d[pv_segment_slot(s)], 1, "scale of a segment");
    EXPECT_I64(got_sum[s], sum[pv_segment_slot(s)]);
    for (size_t i = 0; i < PV_SEGMENT; i++) {
      const int8_t *at = planes + s * 64 + i / 8 * 16 + i % 8;
      const int got = 256 * at[0] + at[8];
      if (got != q[pv_act_slot(s * PV_SEGMENT + i)])
        EXPECT_I64(got, q[pv_act_slot(s * PV_SEGMENT + i)]);
    }
  }
}

pv_cuda_acts empty_acts(size_t k, size_t rows) {
  const size_t segments = k / PV_SEGMENT;
  return (pv_cuda_acts){.q = place(NULL, rows * segments * 64),
                        .d = place(NULL, rows * segments * sizeof(float)),
                        .sum = place(NULL, rows * segments * sizeof(int32_t)),
                        .k = (uint32_t)k,
                        .segments = (uint32_t)segments,
                        .share = 1};
}

size_t bench_device(const pv_vulkan *of) {
  pv_vulkan_about about;
  for (size_t i = 0; i < pv_vulkan_count(of); i++) {
    pv_vulkan_describe(of, i, &about);
    if (strcmp(about.type, "cpu") == 0) return i;
  }
  return 0;
}

int bench_open(void) {
  pv_error err = PV_ERROR_INIT;
  pv_code code = pv_vulkan_open(&vulkan, &err);
  if (code == PV_OK) code = pv_vulkan_device_open(vulkan, bench_device(vulkan), &device, &err);
  if (code == PV_OK) code = pv_vulkan_allocate(device, ROOM, true, &here, &err);
  if (code == PV_OK) code = pv_vulkan_allocate(device, ROOM, false, &there, &err);
  if (code != PV_OK) {
    pv_error_print(&err, stderr);
    return 1;
  }
  return 0;
}

void bench_close(void) {
  pv_vulkan_release(device, &there);
  pv_vulkan_release(device, &here);
  pv_vulkan_device_close(device);
  pv_vulkan_close(vulkan);
}
