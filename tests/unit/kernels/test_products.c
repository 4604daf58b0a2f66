/* Products of rows: exact inputs, bounds, and the same bits on every path for any batch. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "kernels/arith/arith.h"
#include "kernels/definition/definition.h"
#include "runtime/alone/rows.h"
#include "tests/unit/testing.h"

static const pv_product products[] = {PV_PRODUCT_I16, PV_PRODUCT_I8, PV_PRODUCT_F64ACC};
static const size_t lengths[] = {256, 512, 768, 1280, 2048, 4096};
enum {
  TYPES = PV_TYPE_COUNT,
  PRODUCTS = 3,
  LENGTHS = 6,
  ROWS = 19,
  ACTS = 11,
  ACTS_MAX = 130,
  K_MAX = 4096
};

/* ROWS random rows against at most ACTS_MAX random activations; out[t * ROWS + r]. */
static void multiply(const pv_cpu_path *path, pv_type type, pv_product product, size_t k,
                     size_t row_count, size_t act_count, uint64_t seed, float *result) {
  const pv_type_info *info = pv_type_get(type);
  const size_t row_bytes = k / info->block_elements * info->block_bytes;
  unsigned char *rows = calloc(ROWS, row_bytes);
  float *x = calloc(act_count, k * sizeof *x), *out[ACTS_MAX];
  pv_rows_act acts[ACTS_MAX];
  pv_act views[ACTS_MAX];
  for (size_t r = 0; r < ROWS; r++) pv_rows_random(type, k, &seed, rows + r * row_bytes);
  for (size_t i = 0; i < act_count * k; i++) x[i] = (float)(pv_random_unit(&seed) * 6.0 - 3.0);
  for (size_t t = 0; t < act_count; t++) {
    EXPECT_I64(pv_rows_act_make(path, product, x + t * k, k, &acts[t], NULL), PV_OK);
    views[t] = acts[t].act;
    out[t] = result + t * ROWS;
  }
  const pv_mm mm = {type, product, rows, row_bytes, row_count, k, views, out, 0, act_count};
  path->mm(&mm);
  for (size_t t = 0; t < act_count; t++) pv_rows_act_free(&acts[t]);
  free(rows);
  free(x);
}

static void expect_same_bits(const pv_cpu_path *fast) {
  const pv_cpu_path *plain = pv_cpu_path_get("scalar");
  for (int t = 0; t < TYPES; t++)
    for (int p = 0; p < PRODUCTS; p++)
      for (int l = 0; l < LENGTHS; l++) {
        float a[ACTS * ROWS], b[ACTS * ROWS];
        const uint64_t seed = (uint64_t)t * 100 + (uint64_t)p * 10 + (uint64_t)l;
        multiply(plain, pv_type_table[t].type, products[p], lengths[l], ROWS, ACTS, seed, a);
        multiply(fast, pv_type_table[t].type, products[p], lengths[l], ROWS, ACTS, seed, b);
        EXPECT_BYTES(a, b, sizeof a);
        for (size_t acts = 1; acts <= 5; acts++) { /* fewer activations and rows: same values */
          memset(b, 0, sizeof b);
          multiply(fast, pv_type_table[t].type, products[p], lengths[l], 5, acts, seed, b);
          for (size_t i = 0; i < acts; i++)
            EXPECT_BYTES(b + i * ROWS, a + i * ROWS, 5 * sizeof(float));
        }
      }
}

static void test_paths_and_batches_agree(void) {
  static const char *const paths[] = {"scalar", "avx2", "vnni"};
  for (size_t i = 0; i < 3; i++) {
    const pv_cpu_path *path = pv_cpu_path_get(paths[i]);
    if (path != NULL) expect_same_bits(path);
  }
}

/* As many activations as a tile has, one more and one fewer, of each way to unpack. */
static void test_every_batch(void) {
  enum { K = 512, MANY = 30 };
  static const pv_type types[] = {PV_TYPE_Q4_K, PV_TYPE_Q5_K,   PV_TYPE_Q6_K,
                                  PV_TYPE_Q2_K, PV_TYPE_IQ4_XS, PV_TYPE_Q8_0};
  static const char *const paths[] = {"avx2", "vnni"};
  for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
    static float a[MANY * ROWS], b[MANY * ROWS];
    multiply(pv_cpu_path_get("scalar"), types[t], PV_PRODUCT_I16, K, ROWS, MANY, t, a);
    for (size_t p = 0; p < 2; p++)
      for (size_t acts = 1; acts <= MANY && pv_cpu_path_get(paths[p]) != NULL; acts++) {
        memset(b, 0, sizeof b);
        multiply(pv_cpu_path_get(paths[p]), types[t], PV_PRODUCT_I16, K, ROWS, acts, t, b);
        if (!EXPECT_BYTES(a, b, acts * ROWS * sizeof *a))
          fprintf(stderr, "  type %d, %s, %zu activation rows\n", (int)types[t], paths[p], acts);
      }
  }
}

static void test_exact_inputs(void) {
  uint64_t seed = 77;
  unsigned char *row = calloc(K_MAX, 4);
  static float x[K_MAX];
  for (int t = 0; t < TYPES; t++)
    for (int l = 0; l < LENGTHS; l++)
      for (int p = 0; p < PRODUCTS; p++) {
        const pv_cpu_path *path = pv_cpu_path_get(l % 2 ? NULL : "scalar");
        pv_rows_act act;
        const float max = products[p] == PV_PRODUCT_I8 ? PV_ACT8_MAX : PV_ACT16_MAX;
        double bound;
        for (size_t i = 0; i < lengths[l]; i++)
          x[i] = pv_rows_exact_act(pv_type_table[t].type, max, lengths[l], i, &seed);
        pv_rows_exact(pv_type_table[t].type, lengths[l], &seed, row);
        REQUIRE(pv_rows_act_make(path, products[p], x, lengths[l], &act, NULL) == PV_OK);
        const float got =
            pv_rows_multiply(path, products[p], pv_type_table[t].type, row, lengths[l], &act);
        const double want =
            pv_rows_exact_value(pv_type_table[t].type, products[p], row, x, lengths[l], &bound);
        EXPECT_F64((double)got, want, 0.0);
        EXPECT(want != 0.0 || lengths[l] == 256);
        pv_rows_act_free(&act);
      }
  free(row);
}

static void test_bounds(void) {
  uint64_t seed = 5;
  unsigned char *row = calloc(K_MAX, 4);
  static float x[K_MAX];
  for (int round = 0; round < 40; round++)
    for (int t = 0; t < TYPES; t++)
      for (int p = 0; p < PRODUCTS; p++) {
        const size_t k = lengths[round % LENGTHS];
        const pv_cpu_path *path = pv_cpu_path_get(NULL);
        pv_rows_act act;
        double bound;
        pv_rows_random(pv_type_table[t].type, k, &seed, row);
        for (size_t i = 0; i < k; i++) x[i] = (float)(pv_random_unit(&seed) - 0.5);
        x[k / 2] *= round % 3 == 0 ? 1000.0f : 1.0f;
        REQUIRE(pv_rows_act_make(path, products[p], x, k, &act, NULL) == PV_OK);
        const double want =
            pv_rows_exact_value(pv_type_table[t].type, products[p], row, x, k, &bound);
        const double got =
            (double)pv_rows_multiply(path, products[p], pv_type_table[t].type, row, k, &act);
        EXPECT(fabs(got - want) <= bound);
        EXPECT(bound < 1e6);
        pv_rows_act_free(&act);
      }
  free(row);
}

/* Rows that are no multiple of 256, which types in smaller blocks and the plain ones have. */
static void test_odd_lengths(void) {
  static const size_t odd[] = {32, 64, 96, 224, 288, 480, 1056};
  const pv_cpu_path *fast = pv_cpu_path_get(NULL), *plain = pv_cpu_path_get("scalar");
  for (size_t l = 0; l < sizeof odd / sizeof *odd; l++)
    for (int t = 0; t < TYPES; t++)
      for (int p = 0; p < PRODUCTS && odd[l] % pv_type_table[t].block_elements == 0; p++) {
        float a[ACTS * ROWS], b[ACTS * ROWS];
        multiply(plain, pv_type_table[t].type, products[p], odd[l], ROWS, ACTS, l, a);
        for (size_t acts = 1; acts <= ACTS; acts += ACTS - 1) {
          multiply(fast, pv_type_table[t].type, products[p], odd[l], ROWS, acts, l, b);
          EXPECT_BYTES(a, b, acts * ROWS * sizeof *a);
        }
      }
}

/* Rows and batches beyond what is kept of them at a time. */
static void test_long_rows_and_batches(void) {
  enum { LONG = 3, MANY = ACTS_MAX };
  static const struct {
    pv_type type;
    size_t k, acts;
  } cases[] = {{PV_TYPE_Q4_K, 4352, LONG}, {PV_TYPE_Q6_K, 8448, MANY}, {PV_TYPE_Q4_K, 512, MANY},
               {PV_TYPE_Q5_K, 2304, MANY}, {PV_TYPE_Q2_K, 65536, 27},  {PV_TYPE_Q8_0, 4128, MANY},
               {PV_TYPE_F32, 4099, LONG},  {PV_TYPE_BF16, 37, MANY}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int p = 0; p < PRODUCTS; p++) {
      const size_t count = cases[i].acts * ROWS, k = cases[i].k;
      float *a = calloc(count, sizeof *a), *b = calloc(count, sizeof *b);
      multiply(pv_cpu_path_get("scalar"), cases[i].type, products[p], k, ROWS, cases[i].acts, i, a);
      multiply(pv_cpu_path_get(NULL), cases[i].type, products[p], k, ROWS, cases[i].acts, i, b);
      EXPECT_BYTES(a, b, count * sizeof *a);
      free(a);
      free(b);
    }
}

/* Blocks of the least and the largest integers and scales, against activations at both ends: the
 * fast path has the bits of the definition, whose sums have 64 bits. */
static void expect_no_wrap(const pv_cpu_path *path, const pv_type_info *type, unsigned corner) {
  enum { K = 256, N = 4 };
  unsigned char row[K * 4] = {0};
  float x[K], value[N] = {0}, *out[N] = {&value[0], &value[1], &value[2], &value[3]};
  int8_t q[PV_BLOCK_MAX], sc[PV_GROUPS_MAX];
  uint8_t lo[PV_GROUPS_MAX];
  pv_rows_act act;
  memset(q, (corner & 1) != 0 ? type->high : type->low, sizeof q);
  memset(sc, (corner & 2) != 0 ? type->sc_high : type->sc_low, sizeof sc);
  memset(lo, type->lo_high, sizeof lo);
  for (size_t at = 0; at < K; at += type->block_elements) {
    void *block = row + at / type->block_elements * type->block_bytes;
    pv_block_pack(type->type, q, block);
    pv_block_set(type->type, block, 1.0f, 1.0f, sc, lo);
  }
  for (int i = 0; i < K; i++) x[i] = (float)((corner & 4) != 0 ? PV_ACT16_MAX : -PV_ACT16_MAX);
  /* 255 in the lower plane where it is split: the other end of that one. */
  for (int i = 0; i < K && (corner & 8) != 0; i++)
    if (i % 32 != 5) x[i] = (float)((corner & 4) != 0 ? 32383 : -32384);
  REQUIRE(pv_rows_act_make(path, PV_PRODUCT_I16, x, K, &act, NULL) == PV_OK);
  const float want = pv_rows_multiply(&pv_definition, PV_PRODUCT_I16, type->type, row, K, &act);
  const float one = pv_rows_multiply(path, PV_PRODUCT_I16, type->type, row, K, &act);
  const pv_act acts[N] = {act.act, act.act, act.act, act.act};
  const pv_mm mm = {type->type, PV_PRODUCT_I16, row, 0, 1, K, acts, out, 0, N};
  path->mm(&mm);
  if (!EXPECT_U64(pv_bits_f32(one), pv_bits_f32(want)) ||
      !EXPECT_U64(pv_bits_f32(value[3]), pv_bits_f32(want)))
    fprintf(stderr, "  %s, %s, corner %u: %.9g, %.9g, want %.9g\n", path->name, type->name, corner,
            (double)one, (double)value[3], (double)want);
  pv_rows_act_free(&act);
}

static void test_corners_do_not_wrap(void) {
  static const char *const paths[] = {"scalar", "avx2", "vnni"};
  for (size_t i = 0; i < 3; i++)
    for (int t = 0; t < TYPES && pv_cpu_path_get(paths[i]) != NULL; t++)
      for (unsigned corner = 0; corner < 16 && pv_type_table[t].quantised; corner++)
        expect_no_wrap(pv_cpu_path_get(paths[i]), &pv_type_table[t], corner);
}

/* The largest integers that the formats allow, all of one sign: nothing may wrap. */
static void test_extremes_do_not_wrap(void) {
  pv_block_q6_k block;
  float x[256];
  memset(&block, 0, sizeof block); /* every q is -32 */
  memset(block.scales, 0x80, sizeof block.scales);
  block.d = 0x3c00;
  for (int i = 0; i < 256; i++) x[i] = (float)PV_ACT16_MAX;
  const double want = 256.0 * -32.0 * -128.0 * PV_ACT16_MAX;
  for (int i = 0; i < 2; i++) {
    const pv_cpu_path *path = pv_cpu_path_get(i ? NULL : "scalar");
    pv_rows_act act;
    REQUIRE(pv_rows_act_make(path, PV_PRODUCT_I16, x, 256, &act, NULL) == PV_OK);
    const float one = pv_rows_multiply(path, PV_PRODUCT_I16, PV_TYPE_Q6_K, &block, 256, &act);
    EXPECT_F64((double)one, want, 0.0);
    float value[4] = {0}, *out[4] = {&value[0], &value[1], &value[2], &value[3]};
    const pv_act acts[4] = {act.act, act.act, act.act, act.act};
    const pv_mm mm = {
        PV_TYPE_Q6_K, PV_PRODUCT_I16, (const unsigned char *)&block, 0, 1, 256, acts, out, 0, 4};
    path->mm(&mm);
    for (int t = 0; t < 4; t++) EXPECT_F64((double)value[t], want, 0.0);
    pv_rows_act_free(&act);
  }
}

/* Scales of zero and negative activations: 0 * -1 is the integer 0, so nothing may become -0. */
static void test_zero_has_one_sign(void) {
  pv_block_q4_k block;
  float x[256];
  memset(&block, 0, sizeof block);
  memset(block.q, 0xff, sizeof block.q);
  block.d = 0x8000;    /* d * (sc * sum) is -0, */
  block.dmin = 0xbc00; /* and -dmin * (m * sum) has the sign of m * sum */
  for (int i = 0; i < 256; i++) x[i] = -1.0f;
  for (int i = 0; i < 2; i++) {
    const pv_cpu_path *path = pv_cpu_path_get(i ? NULL : "scalar");
    pv_rows_act act;
    REQUIRE(pv_rows_act_make(path, PV_PRODUCT_I16, x, 256, &act, NULL) == PV_OK);
    const float zero = pv_rows_multiply(path, PV_PRODUCT_I16, PV_TYPE_Q4_K, &block, 256, &act);
    EXPECT_BITS32(zero, 0.0f);
    pv_rows_act_free(&act);
  }
}

static void test_rounding(void) {
  float x[256], d[8];
  int16_t q[256];
  int32_t sum[8], offset[16];
  const pv_planes out = {q, d, sum, offset};
  for (int i = 0; i < 256; i++) x[i] = 0.0f;
  x[3] = -2.0f; /* segment 0: its largest */
  x[4] = 1.0f;
  x[40] = 1e-38f;    /* segment 1: below PV_ACT_TINY, so zeros */
  x[70] = NAN;       /* segment 2 */
  x[100] = INFINITY; /* segment 3 */
  x[130] = 3.0e38f;  /* segment 4 */
  for (int i = 0; i < 2; i++) {
    const pv_cpu_path *path = pv_cpu_path_get(i ? NULL : "scalar");
    path->round(PV_PRODUCT_I16, PV_GRAIN_32, x, 256, &out);
    EXPECT_I64(q[pv_act_slot(3)], -PV_ACT16_MAX);
    EXPECT_I64(q[pv_act_slot(4)], PV_ACT16_MAX / 2);
    EXPECT_I64(sum[0], -PV_ACT16_MAX / 2);
    EXPECT_I64(offset[pv_half_slot(0, 0)], -32 * PV_ACT16_MAX / 2);
    EXPECT_I64(offset[pv_half_slot(0, 1)], 0);
    EXPECT_I64(offset[pv_half_slot(4, 0)], 32 * PV_ACT16_MAX);
    EXPECT_BITS32(d[0], 2.0f / (float)PV_ACT16_MAX);
    EXPECT_BITS32(d[pv_segment_slot(1)], 0.0f);
    EXPECT_I64(q[pv_act_slot(40)], 0);
    EXPECT(isnan(d[pv_segment_slot(2)]) && isnan(d[pv_segment_slot(3)]));
    EXPECT_I64(q[pv_act_slot(100)], 0);
    EXPECT_I64(q[pv_act_slot(130)], PV_ACT16_MAX);
    EXPECT(isfinite(d[pv_segment_slot(4)]));
    path->round(PV_PRODUCT_I8, PV_GRAIN_32, x, 256, &out);
    EXPECT_I64(q[pv_act_slot(3)], -127);
    EXPECT_I64(q[pv_act_slot(4)], 64); /* 63.5 to even */
  }
}

/* The planes of every path, of rows with damaged and tiny blocks, in each grain and any length. */
static void test_paths_round_alike(void) {
  enum { LONGEST = 768 };
  static const size_t k[] = {32, 96, 256, 480, 512, 768};
  struct {
    int16_t q[LONGEST];
    float d[LONGEST / 32];
    int32_t sum[LONGEST / 32], offset[LONGEST / 16];
  } made[2];
  float x[LONGEST];
  uint64_t seed = 3;
  for (int round = 0; round < 600; round++) {
    const pv_grain grain = round / 6 % 2 == 0 ? PV_GRAIN_32 : PV_GRAIN_256;
    for (int i = 0; i < LONGEST; i++) x[i] = (float)(pv_random_unit(&seed) - 0.5);
    const size_t odd = pv_random_next(&seed) % LONGEST;
    x[odd] = round % 5 == 0 ? NAN : round % 5 == 1 ? -INFINITY : round % 5 == 2 ? 3.0e38f : 0.0f;
    for (size_t i = odd / 256 * 256; i < odd / 256 * 256 + 256 && round % 5 == 4; i++)
      x[i] *= 1e-37f;
    for (int p = 0; p < 2; p++) {
      const pv_planes out = {made[p].q, made[p].d, made[p].sum, made[p].offset};
      memset(&made[p], 0, sizeof made[p]);
      pv_cpu_path_get(p == 0 ? "scalar" : NULL)
          ->round(round % 3 == 0 ? PV_PRODUCT_I8 : PV_PRODUCT_I16, grain, x, k[round % 6], &out);
    }
    EXPECT_BYTES(&made[0], &made[1], sizeof made[0]);
  }
}

/* Every order is a permutation of its 256, so that no two elements share a place. */
static void test_slots_are_permutations(void) {
  static const size_t count[3] = {512, 16, 32};
  for (int kind = 0; kind < 3; kind++) {
    unsigned char seen[512] = {0};
    for (size_t i = 0; i < count[kind]; i++) {
      const size_t slot = kind == 0   ? pv_act_slot(i)
                          : kind == 1 ? pv_segment_slot(i)
                                      : pv_half_slot(i / 2, i % 2);
      REQUIRE(slot < count[kind]);
      seen[slot]++;
    }
    for (size_t i = 0; i < count[kind]; i++) EXPECT_I64(seen[i], 1);
  }
}

/* A NaN among the activations reaches the result: it is never rounded away. */
static void test_nan_is_seen(void) {
  uint64_t seed = 1;
  unsigned char row[2048];
  float x[256];
  for (int t = 0; t < TYPES; t++)
    for (int p = 0; p < PRODUCTS; p++) {
      pv_rows_act act;
      const pv_cpu_path *path = pv_cpu_path_get(NULL);
      pv_rows_random(pv_type_table[t].type, 256, &seed, row);
      for (int i = 0; i < 256; i++) x[i] = 1.0f;
      x[200] = NAN;
      REQUIRE(pv_rows_act_make(path, products[p], x, 256, &act, NULL) == PV_OK);
      EXPECT(isnan(pv_rows_multiply(path, products[p], pv_type_table[t].type, row, 256, &act)));
      pv_rows_act_free(&act);
    }
}

int main(void) {
  return pv_testing_main("products", (pv_case[]){PV_CASE(test_paths_and_batches_agree),
                                                 PV_CASE(test_every_batch),
                                                 PV_CASE(test_exact_inputs),
                                                 PV_CASE(test_bounds),
                                                 PV_CASE(test_odd_lengths),
                                                 PV_CASE(test_long_rows_and_batches),
                                                 PV_CASE(test_corners_do_not_wrap),
                                                 PV_CASE(test_extremes_do_not_wrap),
                                                 PV_CASE(test_zero_has_one_sign),
                                                 PV_CASE(test_rounding),
                                                 PV_CASE(test_paths_round_alike),
                                                 PV_CASE(test_slots_are_permutations),
                                                 PV_CASE(test_nan_is_seen),
                                                 {0}});
}
