/* The sequences: models, prompts and cases are made of them. */
#include "base/random.h"

#include <stddef.h>

#include "tests/unit/testing.h"

/* The published sequence of SplitMix64 for seed 1234567. */
static void test_next(void) {
  static const uint64_t want[] = {UINT64_C(6457827717110365317), UINT64_C(3203168211198807973),
                                  UINT64_C(9817491932198370423), UINT64_C(4593380528125082431),
                                  UINT64_C(16408922859458223821)};
  uint64_t state = 1234567;
  for (size_t i = 0; i < 5; i++) EXPECT_U64(pv_random_next(&state), want[i]);
}

static void test_unit(void) {
  uint64_t state = 1234567, same = state;
  for (size_t i = 0; i < 1000; i++) {
    const double u = pv_random_unit(&state);
    EXPECT(u >= 0.0 && u < 1.0);
    EXPECT_U64((uint64_t)(u * 0x1p53), pv_random_next(&same) >> 11);
  }
}

/* From 0: the increment first, then by hand modulo 2^64. */
static void test_lcg(void) {
  uint64_t state = 0;
  EXPECT_U64(pv_random_lcg(&state), UINT64_C(1442695040888963407) >> 33);
  EXPECT_U64(state, UINT64_C(1442695040888963407));
  EXPECT_U64(pv_random_lcg(&state), UINT64_C(1876011003808476466) >> 33);
}

int main(void) {
  return pv_testing_main(
      "random", (pv_case[]){PV_CASE(test_next), PV_CASE(test_unit), PV_CASE(test_lcg), {0}});
}
