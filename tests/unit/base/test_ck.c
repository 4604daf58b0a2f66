#include "base/ck.h"
#include "tests/unit/testing.h"

enum { UNTOUCHED = 77 };

static void test_add(void) {
  uint64_t out = UNTOUCHED;
  EXPECT(pv_ck_add(1, 2, &out));
  EXPECT_U64(out, 3);
  EXPECT(pv_ck_add(UINT64_MAX, 0, &out));
  EXPECT_U64(out, UINT64_MAX);
  out = UNTOUCHED;
  EXPECT(!pv_ck_add(UINT64_MAX, 1, &out));
  EXPECT(!pv_ck_add(1, UINT64_MAX, &out));
  EXPECT(!pv_ck_add(UINT64_MAX, UINT64_MAX, &out));
  EXPECT_U64(out, UNTOUCHED);
}

static void test_mul(void) {
  uint64_t out = UNTOUCHED;
  EXPECT(pv_ck_mul(0, UINT64_MAX, &out));
  EXPECT_U64(out, 0);
  EXPECT(pv_ck_mul(UINT32_MAX, UINT32_MAX, &out));
  EXPECT_U64(out, 0xfffffffe00000001u);
  out = UNTOUCHED;
  EXPECT(!pv_ck_mul(UINT64_MAX / 2 + 1, 2, &out));
  EXPECT(!pv_ck_mul((uint64_t)1 << 32, (uint64_t)1 << 32, &out));
  EXPECT_U64(out, UNTOUCHED);
}

static void test_align(void) {
  uint64_t out = UNTOUCHED;
  EXPECT(pv_ck_align(0, 32, &out));
  EXPECT_U64(out, 0);
  EXPECT(pv_ck_align(1, 32, &out));
  EXPECT_U64(out, 32);
  EXPECT(pv_ck_align(32, 32, &out));
  EXPECT_U64(out, 32);
  EXPECT(pv_ck_align(33, 1, &out));
  EXPECT_U64(out, 33);
  EXPECT(pv_ck_align(UINT64_MAX - 31, 32, &out));
  EXPECT_U64(out, UINT64_MAX - 31);
  out = UNTOUCHED;
  EXPECT(!pv_ck_align(UINT64_MAX - 30, 32, &out));
  EXPECT(!pv_ck_align(8, 0, &out));
  EXPECT(!pv_ck_align(8, 24, &out));
  EXPECT_U64(out, UNTOUCHED);
}

static void test_range(void) {
  EXPECT(pv_ck_range(0, 0, 0));
  EXPECT(pv_ck_range(0, 10, 10));
  EXPECT(pv_ck_range(10, 0, 10));
  EXPECT(!pv_ck_range(10, 1, 10));
  EXPECT(!pv_ck_range(11, 0, 10));
  EXPECT(!pv_ck_range(0, 11, 10));
  EXPECT(!pv_ck_range(5, UINT64_MAX, 10)); /* offset + length wraps */
  EXPECT(!pv_ck_range(UINT64_MAX, 2, UINT64_MAX));
  EXPECT(pv_ck_range(UINT64_MAX, 0, UINT64_MAX));
}

static void test_narrow(void) {
  uint32_t u32 = UNTOUCHED;
  size_t size = UNTOUCHED;
  EXPECT(pv_ck_u32(UINT32_MAX, &u32));
  EXPECT_U64(u32, UINT32_MAX);
  u32 = UNTOUCHED;
  EXPECT(!pv_ck_u32((uint64_t)UINT32_MAX + 1, &u32));
  EXPECT_U64(u32, UNTOUCHED);
  EXPECT(pv_ck_size(SIZE_MAX, &size));
  EXPECT_U64(size, SIZE_MAX);
}

int main(void) {
  return pv_testing_main("ck", (pv_case[]){PV_CASE(test_add),
                                           PV_CASE(test_mul),
                                           PV_CASE(test_align),
                                           PV_CASE(test_range),
                                           PV_CASE(test_narrow),
                                           {0}});
}
