/* The table of types, row by row, and the edges of tensor sizes. */
#include <string.h>

#include "runtime/quant/quant.h"
#include "tests/unit/testing.h"

static void test_pinned(void) {
  /* The numbers of the file format, written out a second time on purpose. */
  static const struct {
    uint32_t number;
    const char *name;
    uint32_t elements, bytes;
    bool quantised;
  } rows[] = {
      {0, "F32", 1, 4, false},      {1, "F16", 1, 2, false},      {8, "Q8_0", 32, 34, true},
      {12, "Q4_K", 256, 144, true}, {13, "Q5_K", 256, 176, true}, {14, "Q6_K", 256, 210, true},
      {30, "BF16", 1, 2, false},
  };
  unsigned known = 0;
  EXPECT_U64(sizeof rows / sizeof *rows, PV_TYPE_COUNT);
  for (unsigned i = 0; i < PV_TYPE_COUNT; i++) {
    const pv_type_info *info = pv_type_get(rows[i].number);
    REQUIRE(info != NULL);
    EXPECT_STR(info->name, rows[i].name);
    EXPECT_U64(info->block_elements, rows[i].elements);
    EXPECT_U64(info->block_bytes, rows[i].bytes);
    EXPECT(info->quantised == rows[i].quantised);
    EXPECT(pv_type_by_name(rows[i].name) == info);
  }
  for (uint32_t number = 0; number < 256; number++) known += pv_type_get(number) != NULL;
  EXPECT_U64(known, PV_TYPE_COUNT);
  EXPECT(pv_type_get(UINT32_MAX) == NULL);
  EXPECT(pv_type_by_name("Q4_K_M") == NULL);
  EXPECT(pv_type_by_name("") == NULL);
}

typedef struct size_case {
  pv_type type;
  unsigned dim_count;
  uint64_t dims[4];
  bool ok;
  uint64_t elements, row_bytes, bytes;
} size_case;

static void test_sizes(void) {
  const uint64_t big = 1ull << 61;
  const size_case cases[] = {
      {PV_TYPE_F32, 1, {1}, true, 1, 4, 4},
      {PV_TYPE_Q4_K, 3, {2048, 768, 128}, true, 201326592, 1152, 113246208},
      {PV_TYPE_Q6_K, 2, {2048, 151936}, true, 311164928, 1680, 255252480},
      {PV_TYPE_BF16, 4, {2, 3, 5, 7}, true, 210, 4, 420},
      {PV_TYPE_F16, 1, {0}, false, 0, 0, 0},
      {PV_TYPE_F32, 3, {4, 0, 4}, false, 0, 0, 0},
      {PV_TYPE_F32, 0, {4}, false, 0, 0, 0},
      {PV_TYPE_F32, 5, {4, 1, 1, 1}, false, 0, 0, 0},
      {PV_TYPE_Q8_0, 1, {33}, false, 0, 0, 0},
      {PV_TYPE_Q6_K, 1, {128}, false, 0, 0, 0},
      {(pv_type)2, 1, {256}, false, 0, 0, 0},
      /* exactly below and at 2^63 bytes */
      {PV_TYPE_F32, 1, {big - 1}, true, big - 1, 4 * (big - 1), 4 * (big - 1)},
      {PV_TYPE_F32, 1, {big}, false, 0, 0, 0},
      {PV_TYPE_F32, 2, {1ull << 31, 1ull << 30}, false, 0, 0, 0},
      /* products that wrap to 0 or to something small */
      {PV_TYPE_F32, 3, {1ull << 32, 1ull << 32, 4}, false, 0, 0, 0},
      {PV_TYPE_F32, 4, {1ull << 16, 1ull << 16, 1ull << 16, 1ull << 16}, false, 0, 0, 0},
      {PV_TYPE_F32, 1, {UINT64_MAX}, false, 0, 0, 0},
      {PV_TYPE_Q8_0, 2, {32, UINT64_MAX / 34 + 1}, false, 0, 0, 0},
      {PV_TYPE_Q4_K, 2, {256, 1ull << 56}, false, 0, 0, 0},
  };
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
    const size_case *c = &cases[i];
    uint64_t elements = 7, row = 7, bytes = 7;
    EXPECT(pv_tensor_size(c->type, c->dims, c->dim_count, &elements, &row, &bytes) == c->ok);
    EXPECT_U64(elements, c->ok ? c->elements : 7);
    EXPECT_U64(row, c->ok ? c->row_bytes : 7);
    EXPECT_U64(bytes, c->ok ? c->bytes : 7);
  }
}

int main(void) {
  return pv_testing_main("quant table",
                         (pv_case[]){PV_CASE(test_pinned), PV_CASE(test_sizes), {0}});
}
