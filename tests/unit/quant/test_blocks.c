/* Decoding against golden vectors, the integers against the decoded values, encoders. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/sha256.h"
#include "kernels/quant/quant.h"
#include "tests/unit/testing.h"

static const char *const names[] = {"F16", "BF16", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"};

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

/* The float64 decoding is what the description of the format says, weight by weight. */
static void check_spec(const pv_type_info *info, const unsigned char *blocks, uint64_t count) {
  static double got[16 * PV_BLOCK_MAX];
  uint64_t different = 0;
  pv_dequant_f64(info->type, blocks, count, got);
  for (uint64_t i = 0; i < count; i++) {
    const double want =
        pv_block_spec(info->type, blocks + i / info->block_elements * info->block_bytes,
                      i % info->block_elements);
    different += got[i] != want && !(isnan(got[i]) && isnan(want));
  }
  if (!EXPECT_U64(different, 0)) fprintf(stderr, "  %s\n", info->name);
}

/* A line of data/blocks.txt: blocks of a type and the digest of what another implementation decodes
 * them to, NaNs made equal. */
static void check_line(const char *name, const char *hex, const char *want, unsigned *lines) {
  const pv_type_info *info = pv_type_by_name(name);
  unsigned char blocks[16 * 256];
  static float got[16 * PV_BLOCK_MAX];
  char digest[PV_SHA256_HEX];
  const size_t bytes = strlen(hex) / 2;
  REQUIRE(info != NULL && bytes <= sizeof blocks && bytes % info->block_bytes == 0);
  for (size_t i = 0; i < bytes; i++) {
    unsigned byte = 0;
    REQUIRE(sscanf(hex + 2 * i, "%2x", &byte) == 1);
    blocks[i] = (unsigned char)byte;
  }
  const uint64_t count = bytes / info->block_bytes * info->block_elements;
  pv_dequant_f32(info->type, blocks, count, got);
  for (uint64_t i = 0; i < count; i++)
    if (isnan(got[i])) got[i] = pv_f32_bits(0x7fc00000u);
  check_spec(info, blocks, count);
  REQUIRE(pv_sha256_bytes(got, count * sizeof *got, digest, NULL) == PV_OK);
  digest[16] = '\0';
  if (!EXPECT_STR(digest, want)) fprintf(stderr, "  %s, %s\n", name, hex);
  lines[info - pv_type_table]++;
}

static void test_other_implementation(void) {
  char name[16], hex[8192], want[32];
  unsigned lines[PV_TYPE_COUNT] = {0};
  FILE *file = fopen("tests/unit/quant/data/blocks.txt", "r");
  REQUIRE(file != NULL);
  while (fscanf(file, "%15s %8191s %31s", name, hex, want) == 3) check_line(name, hex, want, lines);
  EXPECT(feof(file));
  fclose(file);
  for (unsigned t = 0; t < PV_TYPE_COUNT; t++)
    EXPECT(!pv_type_table[t].quantised || lines[t] >= 13);
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

/* Packing undoes unpacking for every integer that a type can hold, and leaves the scales alone. */
static void test_pack(void) {
  uint32_t state = 11;
  for (unsigned t = 0; t < PV_TYPE_COUNT; t++) {
    const pv_type_info *info = &pv_type_table[t];
    unsigned char from[256], to[256];
    int8_t in[PV_BLOCK_MAX], out[PV_BLOCK_MAX];
    for (unsigned round = 0; info->quantised && round < 64; round++) {
      for (unsigned i = 0; i < sizeof from; i++) from[i] = (unsigned char)step(&state);
      for (unsigned i = 0; i < sizeof to; i++) to[i] = (unsigned char)step(&state);
      pv_block_integers(info->type, from, in);
      for (unsigned i = 0; i < info->block_elements; i++)
        EXPECT(in[i] >= info->low && in[i] <= info->high);
      const pv_scales before = pv_block_scales(info->type, to, 0);
      pv_block_pack(info->type, in, to);
      pv_block_integers(info->type, to, out);
      EXPECT_BYTES(out, in, info->block_elements);
      const pv_scales after = pv_block_scales(info->type, to, 0);
      EXPECT_BYTES(&after, &before, sizeof after);
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

/* Scales that were written are read again, at both ends of their ranges too, and the integers stay.
 */
static void test_set(void) {
  uint32_t state = 13;
  for (unsigned t = 0; t < PV_TYPE_COUNT; t++) {
    const pv_type_info *info = &pv_type_table[t];
    const unsigned group = pv_form_group(info->form), groups = info->block_elements / group;
    for (unsigned round = 0; info->quantised && round < 64; round++) {
      unsigned char block[256];
      int8_t sc[PV_GROUPS_MAX], before[PV_BLOCK_MAX], after[PV_BLOCK_MAX];
      uint8_t lo[PV_GROUPS_MAX];
      for (unsigned i = 0; i < sizeof block; i++) block[i] = (unsigned char)step(&state);
      for (unsigned j = 0; j < groups; j++) {
        const int range = info->sc_high - info->sc_low + 1;
        sc[j] = (int8_t)(round == 0   ? info->sc_low
                         : round == 1 ? info->sc_high
                                      : info->sc_low + (int)step(&state) % range);
        lo[j] = (uint8_t)(round == 1 ? info->lo_high : (int)step(&state) % (info->lo_high + 1));
        if (info->form == PV_FORM_D_M) lo[j] = 1;
      }
      pv_block_integers(info->type, block, before);
      pv_block_set(info->type, block, 0.25f, -0.5f, sc, lo);
      pv_block_integers(info->type, block, after);
      EXPECT_BYTES(after, before, info->block_elements);
      for (unsigned j = 0; j < groups; j++) {
        const pv_scales s = pv_block_scales(info->type, block, j * group / 32);
        EXPECT_F64((double)s.d, 0.25, 0.0);
        EXPECT_F64((double)s.m, pv_form_has_minimum(info->form) ? -0.5 : 0.0, 0.0);
        EXPECT_I64(s.sc[j * group / 16 % 2], sc[j]);
        EXPECT_I64(s.lo[j * group / 16 % 2], lo[j]);
      }
    }
  }
}

/* A block of a type with the scale d, as it is stored. */
static float stored(const pv_type_info *info, float d) {
  unsigned char block[256] = {0};
  const int8_t sc[PV_GROUPS_MAX] = {1};
  const uint8_t lo[PV_GROUPS_MAX] = {0};
  pv_block_set(info->type, block, d, 0.0f, sc, lo);
  return pv_block_scales(info->type, block, 0).d;
}

/* The widest step between integers that a type has; values of a table are found by an integer that
 * is rounded before, half a step more on either side. */
static int widest(const pv_type_info *info) {
  unsigned char block[256] = {0};
  int8_t in[PV_BLOCK_MAX] = {0}, out[PV_BLOCK_MAX];
  int wide = 1, last = info->low;
  for (int q = info->low; q <= info->high; q++) {
    in[0] = (int8_t)q;
    pv_block_pack(info->type, in, block);
    pv_block_integers(info->type, block, out);
    if (out[0] - last > wide) wide = out[0] - last;
    last = out[0];
  }
  return wide == 1 ? 1 : wide + 1;
}

/* How far a value of -1..1 may be from what it is encoded as: half a step of the integers, and half
 * a step of each kind of sub-scale; a scale that is coarsely stored makes all of them larger. */
static double reach(const pv_type_info *info) {
  if (!info->quantised)
    return info->type == PV_TYPE_F32 ? 0.0 : info->type == PV_TYPE_F16 ? 0x1p-11 : 0x1p-8;
  const bool minimum = pv_form_has_minimum(info->form);
  const double span = minimum ? 2.0 : 1.0;
  const int top = minimum || info->high < -info->low ? info->high : -info->low;
  double away = span * widest(info) / 2.0 / (top == 0 ? info->high : top);
  if (info->sc_high > 1) away += span * 0.5 / info->sc_high;
  if (info->lo_high > 1) away += 0.5 / info->lo_high;
  return away * (double)(stored(info, 1.01f) / 1.01f) * 1.01;
}

/* Encoding and decoding again stays near; what is decoded does not change when it is encoded once
 * more with the exactly representable types. */
static void test_encode(void) {
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
    if (!EXPECT(worst <= reach(&pv_type_table[t])))
      fprintf(stderr, "  %s: %g, not %g\n", pv_type_table[t].name, worst, reach(&pv_type_table[t]));
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
    x[200] = 3e38f; /* finite, but no binary16 reaches it, a power of two does */
    const bool carries = pv_type_table[t].quantised ? isfinite(stored(&pv_type_table[t], 1e30f))
                                                    : type != PV_TYPE_F16;
    EXPECT(pv_quantise_row(type, x, 256, row, &err) == (carries ? PV_OK : PV_ERR_INPUT));
    x[200] = 0.0f; /* all zeros decode to zeros */
    EXPECT(pv_quantise_row(type, x, 256, row, &err) == PV_OK);
    float y[256];
    pv_dequant_f32(type, row, 256, y);
    for (unsigned i = 0; i < 256; i++)
      if (y[i] != 0.0f) EXPECT_F64((double)y[i], 0.0, 0.0);
  }
  EXPECT(pv_quantise_row(PV_TYPE_Q4_K, x, 255, row, &err) == PV_ERR_INPUT);
  EXPECT(pv_quantise_row((pv_type)34, x, 256, row, &err) == PV_ERR_INPUT);
}

int main(void) {
  return pv_testing_main("quant blocks", (pv_case[]){PV_CASE(test_golden),
                                                     PV_CASE(test_other_implementation),
                                                     PV_CASE(test_places),
                                                     PV_CASE(test_pack),
                                                     PV_CASE(test_set),
                                                     PV_CASE(test_encode),
                                                     PV_CASE(test_encode_refuses),
                                                     {0}});
}
