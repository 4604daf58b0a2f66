/* Cases of kernels alone: the one that is timed is of a type that the kernel takes. */
#include "runtime/alone/alone.h"
#include "tests/unit/testing.h"

static bool has_case_of(const pv_kernel *kernel, pv_type type) {
  pv_alone_case one;
  for (size_t i = 0; pv_alone_case_at(kernel, i, &(pv_alone_case){0}, &one); i++)
    if (one.type == type) return true;
  return false;
}

static void test_timed_types(void) {
  static const pv_type types[] = {PV_TYPE_Q4_K, PV_TYPE_Q6_K, PV_TYPE_Q8_0};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    for (int k = 0; k < PV_GPU_KERNEL_COUNT; k++) {
      const pv_kernel *kernel = pv_kernel_get((pv_gpu_kernel)k);
      const pv_alone_case timed = pv_alone_bench_case(kernel, &(pv_alone_case){.type = types[i]});
      EXPECT(has_case_of(kernel, timed.type));
      EXPECT(timed.type == types[i] || !has_case_of(kernel, types[i]));
    }
}

int main(void) {
  return pv_testing_main("alone", (pv_case[]){PV_CASE(test_timed_types), {0}});
}
