/* The table of types, row by row, and the edges of tensor sizes. */
#include <string.h>

#include "kernels/quant/quant.h"
#include "tests/unit/testing.h"

static void test_pinned(void) {
  /* The numbers of the file format, written out a second time on purpose. */
  static const struct {
    uint32_t number;
    const char *name;
    uint32_t elements, bytes;
    bool quantised;
  } rows[] = {
      {0, "F32", 1, 4, false},      {1, "F16", 1, 2, false},        {2, "Q4_0", 32, 18, true},
      {3, "Q4_1", 32, 20, true},    {6, "Q5_0", 32, 22, true},      {7, "Q5_1", 32, 24, true},
      {8, "Q8_0", 32, 34, true},    {10, "Q2_K", 256, 84, true},    {11, "Q3_K", 256, 110, true},
      {12, "Q4_K", 256, 144, true}, {13, "Q5_K", 256, 176, true},   {14, "Q6_K", 256, 210, true},
      {20, "IQ4_NL", 32, 18, true}, {23, "IQ4_XS", 256, 136, true}, {30, "BF16", 1, 2, false},
      {35, "TQ2_0", 256, 66, true}, {39, "MXFP4", 32, 17, true},
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
  EXPECT_STR(pv_type_names(),
             "F32 F16 Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K Q4_K Q5_K Q6_K IQ4_NL IQ4_XS BF16 TQ2_0 "
             "MXFP4");
}

/* What is only listed: names and block sizes as ggml has them, written out a second time. */
static void test_known(void) {
  static const struct {
    uint32_t number;
    const char *name;
    uint32_t elements, bytes;
  } rows[] = {{9, "Q8_1", 32, 40},        {15, "Q8_K", 256, 292},     {16, "IQ2_XXS", 256, 66},
              {17, "IQ2_XS", 256, 74},    {18, "IQ3_XXS", 256, 98},   {19, "IQ1_S", 256, 50},
              {21, "IQ3_S", 256, 110},    {22, "IQ2_S", 256, 82},     {24, "I8", 1, 1},
              {25, "I16", 1, 2},          {26, "I32", 1, 4},          {27, "I64", 1, 8},
              {28, "F64", 1, 8},          {29, "IQ1_M", 256, 56},     {31, "Q4_0_4_4", 32, 18},
              {32, "Q4_0_4_8", 32, 18},   {33, "Q4_0_8_8", 32, 18},   {34, "TQ1_0", 256, 54},
              {36, "IQ4_NL_4_4", 32, 18}, {37, "IQ4_NL_4_8", 32, 18}, {38, "IQ4_NL_8_8", 32, 18},
              {40, "NVFP4", 64, 36},      {41, "Q1_0", 128, 18},      {42, "Q2_0", 64, 18}};
  unsigned known = 0;
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    const pv_type_info *info = pv_type_known(rows[i].number);
    REQUIRE(info != NULL);
    EXPECT_STR(info->name, rows[i].name);
    EXPECT_U64(info->block_elements, rows[i].elements);
    EXPECT_U64(info->block_bytes, rows[i].bytes);
    EXPECT(pv_type_get(rows[i].number) == NULL && pv_type_by_name(rows[i].name) == NULL);
  }
  for (uint32_t number = 0; number < 256; number++) {
    const pv_type_info *info = pv_type_known(number);
    if (pv_type_get(number) != NULL) EXPECT(info == pv_type_get(number));
    EXPECT(info == NULL || number < PV_TYPE_NUMBERS);
    known += info != NULL;
  }
  EXPECT_U64(known, PV_TYPE_COUNT + sizeof rows / sizeof *rows);
  EXPECT(pv_type_known(UINT32_MAX) == NULL);
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
      {(pv_type)34, 1, {256}, true, 256, 54, 54}, /* known, not computed with */
      {(pv_type)16, 2, {512, 3}, true, 1536, 132, 396},
      {(pv_type)4, 1, {256}, false, 0, 0, 0},
      {(pv_type)PV_TYPE_NUMBERS, 1, {256}, false, 0, 0, 0},
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
  return pv_testing_main(
      "quant table",
      (pv_case[]){PV_CASE(test_pinned), PV_CASE(test_known), PV_CASE(test_sizes), {0}});
}
