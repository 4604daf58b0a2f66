/* Scaled RoPE: the tables against values from elsewhere, and against the arbiter's own, which are
 * made with libm; and how pairs are turned. */
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "kernels/definition/definition.h"
#include "kernels/exact/exact.h"
#include "tests/unit/testing.h"

enum { LINEAR, YARN, YARN_LONG, YARN_UNROUNDED, FACTORS, KINDS };

/* 1, 1.25, 1.5, ... */
static const float factors[] = {1.0f, 1.25f, 1.5f, 1.75f, 2.0f, 2.25f, 2.5f, 2.75f};
static const struct {
  pv_rope rope;
  size_t dim;
} kinds[KINDS] = {
    [LINEAR] = {{.base = 1e6, .factor = 8.0}, 64},
    [YARN] = {{.base = 1e4,
               .factor = 4.0,
               .magnitude = 1.13862943611198906, /* 0.1 ln 4 + 1 */
               .yarn = true,
               .original = 128.0,
               .beta_fast = 32.0,
               .beta_slow = 1.0},
              64},
    [YARN_LONG] = {{.base = 1e6,
                    .factor = 4.0,
                    .yarn = true,
                    .original = 32768.0,
                    .beta_fast = 32.0,
                    .beta_slow = 1.0},
                   128},
    [YARN_UNROUNDED] = {{.base = 150000.0,
                         .factor = 32.0,
                         .magnitude = 1.34657359027997265, /* 0.1 ln 32 + 1 */
                         .yarn = true,
                         .unrounded = true,
                         .original = 4096.0,
                         .beta_fast = 32.0,
                         .beta_slow = 1.0},
                        64},
    [FACTORS] = {{.base = 1e4, .factors = factors}, 16},
};

/* Computed in Python from the formulas of the paper, as Hugging Face rounds the range. */
static const struct {
  size_t kind, position, pair;
  double cosine, sine;
} known[] = {
    {LINEAR, 5000, 0, -0.98438725697647778, 0.17601627283386595},
    {LINEAR, 5000, 5, -0.99657759427365289, 0.082662558584515253},
    {LINEAR, 5000, 31, 0.99999953684110887, 0.00096245393019745655},
    {YARN, 777, 0, -0.58948920564981466, -0.97415577255542496},
    {YARN, 777, 7, -0.82914546376526965, -0.78038118422869618},
    {YARN, 777, 9, -0.98754888368977134, -0.5667664378770082},
    {YARN, 777, 12, 1.1274157218741025, -0.15940759973038396},
    {YARN, 777, 31, 1.1382474477056008, 0.029491364369793431},
    {YARN_LONG, 4001, 20, -0.99860204060725888, 0.052857965293969827},
    {YARN_LONG, 4001, 25, -0.67993630475583788, -0.73327117867469493},
    {YARN_LONG, 4001, 31, -0.99747706601054831, -0.070989455435213719},
    {YARN_LONG, 4001, 38, 0.9321157528991868, 0.36216049370021314},
    {YARN_LONG, 4001, 60, 0.9999971868886639, 0.0023719643248856577},
    {YARN_UNROUNDED, 3001, 3, -0.022967685189607873, 1.3463777031266253},
    {YARN_UNROUNDED, 3001, 8, -0.1657377934114305, 1.3363350694622236},
    {YARN_UNROUNDED, 3001, 9, 0.83597288371724299, 1.0556560859148081},
    {YARN_UNROUNDED, 3001, 14, 1.3465735353532438, 0.00038461118280783862},
    {YARN_UNROUNDED, 3001, 17, 1.2464360013347719, 0.50956621612512731},
    {YARN_UNROUNDED, 3001, 31, 1.3465730359666881, 0.0012218211621152816},
    {FACTORS, 4242, 0, 0.66004500874945082, 0.75122605547527266},
    {FACTORS, 4242, 1, 0.29232348840983519, -0.95631949584012188},
    {FACTORS, 4242, 7, 0.88336811337662557, 0.4686798227675491},
};

static void test_known_values(void) {
  float cosine[64], sine[64];
  double exact_cosine[64], exact_sine[64];
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    const size_t dim = kinds[known[i].kind].dim, pair = known[i].pair;
    pv_rope_row(&kinds[known[i].kind].rope, dim, known[i].position, cosine, sine);
    EXPECT_F64((double)cosine[pair], known[i].cosine, 1.3e-7);
    EXPECT_F64((double)sine[pair], known[i].sine, 1.3e-7);
    pv_exact.angles(&kinds[known[i].kind].rope, dim, known[i].position, exact_cosine, exact_sine);
    EXPECT_F64(exact_cosine[pair], known[i].cosine, 1e-11);
    EXPECT_F64(exact_sine[pair], known[i].sine, 1e-11);
  }
}

static void expect_tables(const pv_rope *rope, size_t dim) {
  float cosine[PV_HEAD_DIM_MAX / 2], sine[PV_HEAD_DIM_MAX / 2];
  double exact_cosine[PV_HEAD_DIM_MAX / 2], exact_sine[PV_HEAD_DIM_MAX / 2];
  for (size_t position = 0; position < 262144; position = position * 3 + 1) {
    pv_rope_row(rope, dim, position, cosine, sine);
    pv_exact.angles(rope, dim, position, exact_cosine, exact_sine);
    for (size_t i = 0; i < dim / 2; i++) {
      EXPECT_F64((double)cosine[i], exact_cosine[i], 2e-7);
      EXPECT_F64((double)sine[i], exact_sine[i], 2e-7);
    }
  }
}

/* Also a range that is clipped at both ends, one of equal ends, and factors below YaRN. */
static void test_tables_are_the_arbiters(void) {
  for (size_t i = 0; i < KINDS; i++) expect_tables(&kinds[i].rope, kinds[i].dim);
  pv_rope rope = kinds[YARN].rope;
  expect_tables(&rope, 256);
  rope.beta_fast = 1e6;
  rope.beta_slow = 1e-9;
  expect_tables(&rope, 64);
  rope.beta_slow = rope.beta_fast;
  rope.unrounded = true;
  expect_tables(&rope, 64);
  rope = kinds[YARN].rope;
  rope.factors = factors;
  expect_tables(&rope, 16);
}

/* A factor of 1 and a magnitude of 1 are no scaling, in bits. */
static void test_neutral(void) {
  float cosine[32], sine[32], want_cosine[32], want_sine[32];
  const float ones[32] = {1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f,
                          1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f,
                          1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f};
  const pv_rope scaled = {.base = 1e4, .factor = 1.0, .magnitude = 1.0, .factors = ones};
  for (size_t position = 0; position < 10000; position += 77) {
    pv_rope_row(&(pv_rope){.base = 1e4}, 64, position, want_cosine, want_sine);
    pv_rope_row(&scaled, 64, position, cosine, sine);
    EXPECT_BYTES(cosine, want_cosine, sizeof cosine);
    EXPECT_BYTES(sine, want_sine, sizeof sine);
  }
}

/* Neighbours are turned as the halves are after a permutation, in every set of kernels. */
static void test_neighbours(void) {
  enum { DIM = 72 };
  const pv_cpu_path *const paths[] = {pv_cpu_path_get(NULL), &pv_cpu_scalar, &pv_definition};
  float cosine[DIM / 2], sine[DIM / 2], x[DIM], halves[DIM], got[DIM];
  double wide[DIM], wide_cosine[DIM / 2], wide_sine[DIM / 2];
  uint64_t seed = 21;
  pv_rope_row(&kinds[LINEAR].rope, DIM, 99, cosine, sine);
  for (size_t i = 0; i < DIM; i++) x[i] = (float)(4.0 * pv_random_unit(&seed) - 2.0);
  for (size_t i = 0; i < DIM; i++) halves[i % 2 * (DIM / 2) + i / 2] = x[i];
  pv_definition.rope(halves, DIM, cosine, sine);
  for (size_t p = 0; p < 3; p++) {
    memcpy(got, x, sizeof got);
    paths[p]->rope_neighbours(got, DIM, cosine, sine);
    for (size_t i = 0; i < DIM; i++) EXPECT_BITS32(got[i], halves[i % 2 * (DIM / 2) + i / 2]);
  }
  for (size_t i = 0; i < DIM; i++) wide[i] = (double)x[i];
  for (size_t i = 0; i < DIM / 2; i++) {
    wide_cosine[i] = (double)cosine[i];
    wide_sine[i] = (double)sine[i];
  }
  pv_exact.rope_neighbours(wide, DIM, wide_cosine, wide_sine);
  for (size_t i = 0; i < DIM; i++) EXPECT_F64((double)got[i], wide[i], 5e-7);
}

int main(void) {
  return pv_testing_main("scaled rope", (pv_case[]){PV_CASE(test_known_values),
                                                    PV_CASE(test_tables_are_the_arbiters),
                                                    PV_CASE(test_neutral),
                                                    PV_CASE(test_neighbours),
                                                    {0}});
}
