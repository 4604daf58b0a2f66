#include "runtime/sampler/sampler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "tests/unit/testing.h"

static void test_greedy(void) {
  uint32_t index = 99;
  EXPECT(pv_sampler_greedy((const float[]){1.0f, 3.0f, 2.0f}, 3, &index, NULL) == PV_OK);
  EXPECT_U64(index, 1);
  EXPECT(pv_sampler_greedy((const float[]){1.0f, 3.0f, 3.0f, 3.0f}, 4, &index, NULL) == PV_OK);
  EXPECT_U64(index, 1);
  EXPECT(pv_sampler_greedy((const float[]){-0.0f, 0.0f}, 2, &index, NULL) == PV_OK);
  EXPECT_U64(index, 0);
  EXPECT(pv_sampler_greedy((const float[]){-INFINITY, -INFINITY}, 2, &index, NULL) == PV_OK);
  EXPECT_U64(index, 0);
  EXPECT(pv_sampler_greedy((const float[]){-INFINITY, -3e38f, INFINITY}, 3, &index, NULL) == PV_OK);
  EXPECT_U64(index, 2);
}

static void test_greedy_errors(void) {
  uint32_t index = 99;
  pv_error err = PV_ERROR_INIT;
  EXPECT(pv_sampler_greedy((const float[]){1.0f, NAN, 2.0f}, 3, &index, &err) == PV_ERR_INPUT);
  EXPECT_HAS(err.message, "logit 1 of 3");
  EXPECT(pv_sampler_greedy((const float[]){NAN}, 1, &index, &err) == PV_ERR_INPUT);
  EXPECT(pv_sampler_greedy((const float[]){2.0f, NAN}, 2, &index, &err) == PV_ERR_INPUT);
  EXPECT(pv_sampler_greedy(NULL, 0, &index, &err) == PV_ERR_INPUT);
  EXPECT_U64(index, 99);
}

static void test_exp(void) {
  double worst = 0.0;
  for (int i = 0; i <= 708000; i++) {
    const double x = -(double)i / 1000.0, want = exp(x);
    const double error = fabs(pv_sampler_exp(x) - want) / (want * 0x1p-52);
    if (!(error <= worst)) worst = error;
  }
  EXPECT(worst <= 1.25); /* libm is off by half a unit itself; without the last term: 1.45 */
  EXPECT(worst > 0.0);   /* it is not libm's own */
  EXPECT_F64(pv_sampler_exp(0.0), 1.0, 0.0);
  EXPECT_F64(pv_sampler_exp(-0.0), 1.0, 0.0);
  EXPECT_F64(pv_sampler_exp(-708.5), 0.0, 0.0);
  EXPECT_F64(pv_sampler_exp(-(double)INFINITY), 0.0, 0.0);
  EXPECT_F64(pv_sampler_exp((double)NAN), 0.0, 0.0);
  /* fixed bits: another machine must get the same */
  EXPECT(pv_sampler_exp(-1.0) == 0x1.78b56362cef38p-2);
}

static pv_sampler *open_sampler(double temperature, uint32_t top_k, double top_p, uint64_t seed,
                                size_t vocabulary) {
  const pv_sampler_settings settings = {
      .temperature = temperature, .top_k = top_k, .top_p = top_p, .seed = seed};
  pv_sampler *sampler = NULL;
  EXPECT(pv_sampler_open(&settings, vocabulary, &sampler, NULL) == PV_OK);
  return sampler;
}

/* Draws and compares the counts with `want` (probabilities) by chi-squared. `limit` is its 1 - 1e-6
 * quantile for the degrees of freedom; the seed is fixed, so the test always gives one answer. A
 * probability of 0 allows no draw at all. */
static void expect_distribution(pv_sampler *sampler, const float *logits, const double *want,
                                size_t count, double limit) {
  enum { DRAWS = 200000 };
  uint64_t seen[16] = {0};
  if (sampler == NULL) return;
  for (unsigned i = 0; i < DRAWS; i++) {
    uint32_t index = 0;
    if (!EXPECT(pv_sampler_draw(sampler, logits, &index, NULL) == PV_OK && index < count)) break;
    seen[index]++;
  }
  double chi = 0.0;
  for (size_t i = 0; i < count; i++) {
    if (want[i] == 0.0) {
      EXPECT_U64(seen[i], 0);
      continue;
    }
    const double expected = want[i] * DRAWS, off = (double)seen[i] - expected;
    chi += off * off / expected;
  }
  EXPECT(chi < limit);
  EXPECT(chi > 0.0);
  pv_sampler_close(sampler);
}

/* exp of these is 1, 2, 4, 8 up to a common factor; in no sorted order. */
static const float powers[4] = {0.69314718f, 2.07944154f, 0.0f, 1.38629436f};

static void test_distribution(void) {
  const double want[] = {2.0 / 15, 8.0 / 15, 1.0 / 15, 4.0 / 15};
  expect_distribution(open_sampler(1.0, 0, 1.0, 1, 4), powers, want, 4, 30.7);
  expect_distribution(open_sampler(1.0, 4, 1.0, 2, 4), powers, want, 4, 30.7);
  expect_distribution(open_sampler(1.0, 100, 1.0, 3, 4), powers, want, 4, 30.7);
}

static void test_temperature(void) {
  const double cold[] = {4.0 / 85, 64.0 / 85, 1.0 / 85, 16.0 / 85};
  expect_distribution(open_sampler(0.5, 0, 1.0, 4, 4), powers, cold, 4, 30.7);
  const double root = sqrt(2.0), sum = 1 + root + 2 + 2 * root;
  const double warm[] = {root / sum, 2 * root / sum, 1 / sum, 2 / sum};
  expect_distribution(open_sampler(2.0, 0, 1.0, 5, 4), powers, warm, 4, 30.7);
}

static void test_top_k(void) {
  const double two[] = {0, 8.0 / 12, 0, 4.0 / 12};
  expect_distribution(open_sampler(1.0, 2, 1.0, 6, 4), powers, two, 4, 23.9);
  const double three[] = {2.0 / 14, 8.0 / 14, 0, 4.0 / 14};
  expect_distribution(open_sampler(1.0, 3, 1.0, 7, 4), powers, three, 4, 27.6);
  /* of equal logits the lower index stays */
  const float equal[4] = {1.0f, 1.0f, 1.0f, 1.0f};
  const double first[] = {0.5, 0.5, 0, 0};
  expect_distribution(open_sampler(1.0, 2, 1.0, 8, 4), equal, first, 4, 23.9);
}

static void test_top_p(void) {
  const double two[] = {0, 8.0 / 12, 0, 4.0 / 12};
  expect_distribution(open_sampler(1.0, 0, 0.6, 9, 4), powers, two, 4, 23.9);
  expect_distribution(open_sampler(1.0, 0, 0.79, 10, 4), powers, two, 4, 23.9);
  const double three[] = {2.0 / 14, 8.0 / 14, 0, 4.0 / 14};
  expect_distribution(open_sampler(1.0, 0, 0.81, 11, 4), powers, three, 4, 27.6);
  /* after top-k 3 the shares are 8/14, 4/14, 2/14: 0.84 needs two, without top-k three */
  expect_distribution(open_sampler(1.0, 3, 0.84, 12, 4), powers, two, 4, 23.9);
  expect_distribution(open_sampler(1.0, 0, 0.84, 13, 4), powers, three, 4, 27.6);
}

static void test_one_candidate_left(void) {
  pv_sampler *samplers[] = {open_sampler(1.0, 1, 1.0, 1, 4), open_sampler(1.0, 0, 1e-9, 2, 4),
                            open_sampler(0.0, 0, 1.0, 3, 4), open_sampler(1e-3, 0, 1.0, 4, 4)};
  for (size_t s = 0; s < 4; s++) {
    REQUIRE(samplers[s] != NULL);
    for (unsigned i = 0; i < 1000; i++) {
      uint32_t index = 99;
      EXPECT(pv_sampler_draw(samplers[s], powers, &index, NULL) == PV_OK);
      EXPECT_U64(index, 1);
    }
    pv_sampler_close(samplers[s]);
  }
}

/* Masked logits are never drawn, not even where the random number is 0 or close to 1. */
static void test_masked(void) {
  const float logits[] = {-INFINITY, 0.0f, -INFINITY, 0.0f, -INFINITY};
  const double want[] = {0, 0.5, 0, 0.5, 0};
  expect_distribution(open_sampler(1.0, 0, 1.0, 14, 5), logits, want, 5, 23.9);
  expect_distribution(open_sampler(1.0, 4, 1.0, 15, 5), logits, want, 5, 23.9);
  expect_distribution(open_sampler(1.0, 0, 0.999999, 16, 5), logits, want, 5, 23.9);
}

static void test_determinism(void) {
  enum { COUNT = 1000, DRAWS = 300 };
  static float logits[COUNT];
  uint32_t runs[3][DRAWS];
  uint64_t state = 5;
  for (size_t i = 0; i < COUNT; i++) logits[i] = (float)(pv_random_next(&state) >> 40) / 4194304.0f;
  for (unsigned run = 0; run < 3; run++) {
    pv_sampler *sampler = open_sampler(0.8, 40, 0.95, run == 2 ? 43 : 42, COUNT);
    REQUIRE(sampler != NULL);
    for (size_t i = 0; i < DRAWS; i++)
      EXPECT(pv_sampler_draw(sampler, logits, &runs[run][i], NULL) == PV_OK);
    pv_sampler_close(sampler);
  }
  EXPECT_BYTES(runs[0], runs[1], sizeof runs[0]);
  EXPECT(memcmp(runs[0], runs[2], sizeof runs[0]) != 0);
}

/* The heap must give the same order as a full sort, ties included: draws with top-k as large as
 * the vocabulary less one equal draws from logits that were sorted beforehand. */
typedef struct pair {
  float logit;
  uint32_t index;
} pair;

static int in_order(const void *a, const void *b) {
  const pair *x = a, *y = b;
  if (x->logit != y->logit) return x->logit > y->logit ? -1 : 1;
  return x->index < y->index ? -1 : 1;
}

static void test_order(void) {
  enum { COUNT = 257 };
  float logits[COUNT], sorted[COUNT];
  pair pairs[COUNT];
  uint64_t state = 8;
  for (uint32_t i = 0; i < COUNT; i++) {
    logits[i] = (float)(pv_random_next(&state) % 40) / 16.0f;
    pairs[i] = (pair){logits[i], i};
  }
  qsort(pairs, COUNT, sizeof pairs[0], in_order);
  for (uint32_t i = 0; i < COUNT; i++) sorted[i] = pairs[i].logit;
  for (uint32_t top_k = 1; top_k < COUNT; top_k += 15) {
    pv_sampler *a = open_sampler(1.0, top_k, 1.0, 17, COUNT);
    pv_sampler *b = open_sampler(1.0, top_k, 1.0, 17, COUNT);
    REQUIRE(a != NULL && b != NULL);
    for (unsigned i = 0; i < 300; i++) {
      uint32_t from_raw = 0, from_sorted = 0;
      EXPECT(pv_sampler_draw(a, logits, &from_raw, NULL) == PV_OK);
      EXPECT(pv_sampler_draw(b, sorted, &from_sorted, NULL) == PV_OK);
      EXPECT_U64(from_raw, pairs[from_sorted].index);
    }
    pv_sampler_close(a);
    pv_sampler_close(b);
  }
}

static void test_bad_settings(void) {
  static const pv_sampler_settings bad[] = {
      {.temperature = -1.0, .top_p = 1.0},   {.temperature = NAN, .top_p = 1.0},
      {.temperature = INFINITY, .top_p = 1}, {.temperature = 1e-4, .top_p = 1.0},
      {.temperature = 1.0, .top_p = 0.0},    {.temperature = 1.0, .top_p = 1.0000001},
      {.temperature = 1.0, .top_p = NAN},    {.temperature = 1.0, .top_p = -0.5},
  };
  pv_sampler *sampler = NULL;
  pv_error err = PV_ERROR_INIT;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    EXPECT(pv_sampler_open(&bad[i], 4, &sampler, &err) == PV_ERR_INPUT);
    EXPECT_HAS(err.message, i < 4 ? "temperature" : "top-p");
    EXPECT(sampler == NULL);
  }
  const pv_sampler_settings good = PV_SAMPLER_DEFAULTS;
  EXPECT(pv_sampler_open(&good, 0, &sampler, &err) == PV_ERR_INPUT);
  EXPECT(sampler == NULL);
}

/* A refused draw uses no random number: what follows is as if it had not been. */
static void test_bad_logits(void) {
  static const float bad[3][3] = {
      {0.0f, NAN, 0.0f}, {0.0f, INFINITY, 0.0f}, {-INFINITY, -INFINITY, -INFINITY}};
  const float good[3] = {0.0f, 0.0f, 0.0f};
  pv_sampler *a = open_sampler(1.0, 0, 1.0, 21, 3), *b = open_sampler(1.0, 0, 1.0, 21, 3);
  REQUIRE(a != NULL && b != NULL);
  for (unsigned i = 0; i < 60; i++) {
    uint32_t x = 99, y = 98;
    EXPECT(pv_sampler_draw(a, bad[i % 3], &x, NULL) == PV_ERR_INPUT);
    EXPECT_U64(x, 99);
    EXPECT(pv_sampler_draw(a, good, &x, NULL) == PV_OK);
    EXPECT(pv_sampler_draw(b, good, &y, NULL) == PV_OK);
    EXPECT_U64(x, y);
  }
  pv_sampler_close(a);
  pv_sampler_close(b);
}

int main(void) {
  return pv_testing_main("sampler", (pv_case[]){PV_CASE(test_greedy),
                                                PV_CASE(test_greedy_errors),
                                                PV_CASE(test_exp),
                                                PV_CASE(test_distribution),
                                                PV_CASE(test_temperature),
                                                PV_CASE(test_top_k),
                                                PV_CASE(test_top_p),
                                                PV_CASE(test_one_candidate_left),
                                                PV_CASE(test_masked),
                                                PV_CASE(test_determinism),
                                                PV_CASE(test_order),
                                                PV_CASE(test_bad_settings),
                                                PV_CASE(test_bad_logits),
                                                {0}});
}
