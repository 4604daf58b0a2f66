/* Decoding against golden vectors, the integers against the decoded values, encoders. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "kernels/quant/quant.h"
#include "tests/unit/testing.h"

static const char *const names[] = {"F16", "BF16", "Q8_0", "Q4_K", "Q5_K", "Q6_K"};

static bool golden(const char *name, const char *ending, pv_bytes *out) {
  char path[1024];
  pv_error err = PV_ERROR_INIT;
  snprintf(path, sizeof path, "%s/golden/quant/%s.%s", pv_testing_shared(), name, ending);
  if (pv_file_read(path, 1 << 20, out, &err) == PV_OK) return true;
  EXPECT_STR(err.message, "");
  return false;
}

/* One type: every value bitwise, and the float64 decoding within the float32 one's roundings. */
static void check_golden(const char *name) {
  const pv_type_info *info = pv_type_by_name(name);
  pv_bytes blocks = {0}, want = {0};
  REQUIRE(info != NULL);
  REQUIRE(golden(name, "blocks", &blocks));
  REQUIRE(golden(name, "f32", &want));
  const uint64_t count = blocks.length / info->block_bytes * info->block_elements;
  EXPECT_U64(count * 4, want.length);
  EXPECT(count >= 2048);
  float *got = calloc(count, sizeof *got);
  double *exact = calloc(count, sizeof *exact);
  REQUIRE(got != NULL && exact != NULL);
  pv_dequant_f32(info->type, blocks.data, count, got);
  EXPECT_BYTES(got, want.data, want.length);
  pv_dequant_f64(info->type, blocks.data, count, exact);
  uint64_t far = 0;
  for (uint64_t i = 0; i < count; i++) {
    const double bound = info->quantised ? 1e-6 * (fabs(exact[i]) + 64.0 * 65504.0 * 2e-2) : 0.0;
    far += !(fabs((double)got[i] - exact[i]) <= bound);
  }
  EXPECT_U64(far, 0);
  free(got);
  free(exact);
  pv_bytes_free(&blocks);
  pv_bytes_free(&want);
}

static void test_golden(void) {
  if (pv_testing_shared() == NULL) {
    pv_testing_skip("the golden vectors were not found");
    return;
  }
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++) check_golden(names[i]);
}

/* Written by hand from the format's description, not by the encoder: one block with known places.
 */
static void test_places(void) {
  pv_block_q4_k q4 = {.d = 0x3c00, .dmin = 0x3c00};
  pv_block_q5_k q5 = {.d = 0x3c00};
  pv_block_q6_k q6 = {.d = 0x3c00};
  int8_t q[256];
  float x[256];
  q4.q[32 + 5] = 0x2b; /* weights 69 (low nibble) and 101 (high) */
  q4.scales[2] = 3;    /* sub-block 2 holds weight 69 */
  q4.scales[6] = 9;    /* and its minimum */
  q4.scales[11] = 4;   /* sub-block 7's low bits */
  q4.scales[3] = 0x80; /* and its two high ones */
  pv_block_integers(PV_TYPE_Q4_K, &q4, q);
  EXPECT_I64(q[69], 11);
  EXPECT_I64(q[101], 2);
  pv_dequant_f32(PV_TYPE_Q4_K, &q4, 256, x);
  EXPECT_F64((double)x[69], 24.0, 0.0);
  EXPECT_F64((double)x[64], -9.0, 0.0);
  uint8_t sc[8], m[8];
  pv_k4_scales(q4.scales, sc, m);
  EXPECT_U64(sc[7], 36);
  EXPECT_U64(m[7], 0);
  q5.high[5] = 1u << 3; /* weight 101 */
  q5.q[32 + 5] = 0x2b;
  pv_block_integers(PV_TYPE_Q5_K, &q5, q);
  EXPECT_I64(q[69], 11);
  EXPECT_I64(q[101], 18);
  q6.low[64 + 32 + 7] = 0xa5; /* second half: weights 128 + 39 and 128 + 103 */
  q6.high[32 + 7] = 0xc4;     /* two bits for each quarter: 0, 1, 0, 3 */
  q6.scales[10] = -2;         /* sub-block of weight 167 */
  pv_block_integers(PV_TYPE_Q6_K, &q6, q);
  EXPECT_I64(q[167], (5 | 1 << 4) - 32);
  EXPECT_I64(q[231], (10 | 3 << 4) - 32);
  pv_dequant_f32(PV_TYPE_Q6_K, &q6, 256, x);
  EXPECT_F64((double)x[167], 22.0, 0.0);
}

static uint32_t step(uint32_t *state) {
  *state = *state * 1664525u + 1013904223u;
  return *state >> 8;
}

/* Packing undoes unpacking for every integer that a type can hold. */
static void test_pack(void) {
  static const struct {
    pv_type type;
    int low, high;
  } ranges[] = {{PV_TYPE_Q8_0, -128, 127},
                {PV_TYPE_Q4_K, 0, 15},
                {PV_TYPE_Q5_K, 0, 31},
                {PV_TYPE_Q6_K, -32, 31}};
  uint32_t state = 11;
  for (unsigned t = 0; t < 4; t++) {
    const unsigned count = pv_type_get((uint32_t)ranges[t].type)->block_elements;
    unsigned char block[256];
    int8_t in[256], out[256];
    for (unsigned round = 0; round < 64; round++) {
      memset(block, (int)step(&state) & 255, sizeof block);
      for (unsigned i = 0; i < count; i++)
        in[i] = (int8_t)(ranges[t].low +
                         (int)(step(&state) % (uint32_t)(ranges[t].high - ranges[t].low + 1)));
      pv_block_pack(ranges[t].type, in, block);
      pv_block_integers(ranges[t].type, block, out);
      EXPECT_BYTES(out, in, count);
    }
  }
  for (unsigned round = 0; round < 64; round++) {
    uint8_t sc[8], m[8], sc2[8], m2[8], packed[12];
    for (unsigned j = 0; j < 8; j++) {
      sc[j] = step(&state) & 63u;
      m[j] = step(&state) & 63u;
    }
    pv_k4_pack(sc, m, packed);
    pv_k4_scales(packed, sc2, m2);
    EXPECT_BYTES(sc2, sc, 8);
    EXPECT_BYTES(m2, m, 8);
  }
}

/* Encoding and decoding again stays within half a step of the block's range; what is decoded does
 * not change when it is encoded once more with the exactly representable types. */
static void test_encode(void) {
  static const double tolerance[PV_TYPE_COUNT] = {0.0, 1e-3, 0.005, 0.09, 0.05, 0.05, 0.005};
  float x[512], y[512];
  unsigned char row[512 * 4], again[512 * 4];
  uint32_t state = 7;
  for (unsigned i = 0; i < 512; i++) x[i] = (float)step(&state) / 8388608.0f - 1.0f;
  for (unsigned t = 0; t < PV_TYPE_COUNT; t++) {
    const pv_type type = pv_type_table[t].type;
    const uint64_t bytes = 512 / pv_type_table[t].block_elements * pv_type_table[t].block_bytes;
    double worst = 0.0;
    EXPECT(pv_quantise_row(type, x, 512, row, NULL) == PV_OK);
    pv_dequant_f32(type, row, 512, y);
    for (unsigned i = 0; i < 512; i++) worst = fmax(worst, fabs((double)(x[i] - y[i])));
    EXPECT(worst <= tolerance[t]);
    if (type != PV_TYPE_F32) EXPECT(worst > 0.0);
    if (pv_type_table[t].quantised) continue;
    EXPECT(pv_quantise_row(type, y, 512, again, NULL) == PV_OK);
    EXPECT_BYTES(again, row, bytes);
  }
}

static void test_encode_refuses(void) {
  static const float wrong[] = {NAN, INFINITY, -INFINITY};
  unsigned char row[256 * 4];
  float x[256] = {0};
  pv_error err = PV_ERROR_INIT;
  for (unsigned t = 0; t < PV_TYPE_COUNT; t++) {
    const pv_type type = pv_type_table[t].type;
    for (unsigned w = 0; w < 3; w++) {
      x[200] = wrong[w];
      EXPECT(pv_quantise_row(type, x, 256, row, &err) == PV_ERR_INPUT);
      EXPECT_HAS(err.message, pv_type_table[t].name);
    }
    x[200] = 3e38f; /* finite, but no binary16 scale reaches it */
    const bool carries = type == PV_TYPE_F32 || type == PV_TYPE_BF16;
    EXPECT(pv_quantise_row(type, x, 256, row, &err) == (carries ? PV_OK : PV_ERR_INPUT));
    x[200] = 0.0f; /* all zeros decode to zeros */
    EXPECT(pv_quantise_row(type, x, 256, row, &err) == PV_OK);
    float y[256];
    pv_dequant_f32(type, row, 256, y);
    for (unsigned i = 0; i < 256; i++)
      if (y[i] != 0.0f) EXPECT_F64((double)y[i], 0.0, 0.0);
  }
  EXPECT(pv_quantise_row(PV_TYPE_Q4_K, x, 255, row, &err) == PV_ERR_INPUT);
  EXPECT(pv_quantise_row((pv_type)3, x, 256, row, &err) == PV_ERR_INPUT);
}

int main(void) {
  return pv_testing_main("quant blocks", (pv_case[]){PV_CASE(test_golden),
                                                     PV_CASE(test_places),
                                                     PV_CASE(test_pack),
                                                     PV_CASE(test_encode),
                                                     PV_CASE(test_encode_refuses),
                                                     {0}});
}
