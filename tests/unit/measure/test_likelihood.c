/* Perplexity and divergence with exact answers, and with those that python3's statistics module
 * gives for the same seven tokens. */
#include <math.h>
#include <string.h>

#include "runtime/measure/likelihood.h"
#include "tests/unit/testing.h"

static void test_log_softmax(void) {
  double row[] = {log(1.0) + 700.0, log(2.0) + 700.0, log(5.0) + 700.0};
  double flat[] = {-3e300, -3e300, -3e300, -3e300}, wide[] = {1e300, -1e300}, one[] = {7};
  size_t odd = 9;
  REQUIRE(pv_log_softmax(row, 3, &odd)); /* exp(700 + ln 5) and its like would overflow summed */
  for (int i = 0; i < 3; i++) EXPECT_F64(exp(row[i]), ((double[]){0.125, 0.25, 0.625})[i], 1e-13);
  REQUIRE(pv_log_softmax(flat, 4, &odd) && pv_log_softmax(wide, 2, &odd));
  for (int i = 0; i < 4; i++) EXPECT_F64(flat[i], -log(4.0), 1e-15);
  EXPECT_F64(wide[0], 0, 0);
  EXPECT_F64(wide[1], -2e300, 0);
  REQUIRE(pv_log_softmax(one, 1, &odd));
  EXPECT_F64(one[0], 0, 0);
  EXPECT_U64(odd, 9);
}

/* What is no number is found, wherever it stands, and nothing is changed. */
static void test_no_number(void) {
  static const double none[] = {NAN, INFINITY, -INFINITY};
  for (int i = 0; i < 3; i++)
    for (size_t at = 0; at < 3; at++) {
      double row[] = {1, 2, 3};
      size_t odd = 9;
      row[at] = none[i];
      const double before[] = {row[0], row[1], row[2]};
      EXPECT(!pv_log_softmax(row, 3, &odd));
      EXPECT_U64(odd, at);
      EXPECT_BYTES(row, before, sizeof row);
    }
  size_t odd = 9;
  EXPECT(!pv_log_softmax(NULL, 0, &odd));
  EXPECT_U64(odd, 0);
}

static void test_likeliest(void) {
  EXPECT_U64(pv_likeliest((const double[]){1, 3, 2, 3}, 4), 1); /* of equals the first */
  EXPECT_U64(pv_likeliest((const double[]){-2, -1}, 2), 1);
  EXPECT_U64(pv_likeliest(NULL, 0), 0);
}

static void test_divergence(void) {
  const double h = log(0.5), q = log(0.25);
  const double a[] = {h, q, q}, b[] = {q, q, h}, sure[] = {0, -INFINITY, -INFINITY};
  EXPECT_F64(pv_divergence(a, a, 3, -INFINITY), 0, 0);
  EXPECT_F64(pv_divergence(a, b, 3, -INFINITY), 0.25 * log(2.0), 1e-16);
  /* Not the same the other way round: one of probability 0 in the base counts for nothing. */
  EXPECT_F64(pv_divergence(sure, a, 3, -INFINITY), log(2.0), 1e-16);
  EXPECT(isinf(pv_divergence(a, sure, 3, -INFINITY)));
  EXPECT_F64(pv_divergence(a, b, 3, q), 0.5 * log(2.0), 1e-16); /* the last two are left out */
}

static void test_quantiles(void) {
  const double v[] = {1, 2, 4, 8};
  EXPECT_F64(pv_quantile_of(v, 4, 0), 1, 0);
  EXPECT_F64(pv_quantile_of(v, 4, 0.5), 3, 0);
  EXPECT_F64(pv_quantile_of(v, 4, 0.75), 5, 0); /* 2.25 steps in: 4 and a quarter of 4 */
  EXPECT_F64(pv_quantile_of(v, 4, 1), 8, 0);
  EXPECT_F64(pv_quantile_of(v, 1, 0.999), 1, 0);
  EXPECT(isnan(pv_quantile_of(v, 0, 0.5)));
}

static void test_estimates(void) {
  const pv_estimate mean = pv_mean_of((const double[]){1, 2, 3, 6}, 4);
  EXPECT_F64(mean.value, 3, 0);
  EXPECT_F64(mean.error, sqrt(14.0 / 3.0 / 4.0), 1e-15);
  EXPECT(isnan(pv_mean_of((const double[]){1}, 1).error));
  EXPECT_F64(pv_mean_of((const double[]){1}, 1).value, 1, 0);
  EXPECT(isnan(pv_mean_of(NULL, 0).value) && isnan(pv_share_of(0, 0).value));
  EXPECT_F64(pv_share_of(3, 4).value, 0.75, 0);
  EXPECT_F64(pv_share_of(3, 4).error, 0.25, 0); /* the root of 3/16 over 3 */
  EXPECT_F64(pv_share_of(4, 4).error, 0, 0);
  EXPECT(isnan(pv_share_of(1, 1).error));
  EXPECT_F64(pv_estimate_root((pv_estimate){4, 2}).error, 0.5, 0);
  EXPECT_F64(pv_estimate_root((pv_estimate){0, 0}).error, 0, 0);
  EXPECT_F64(pv_estimate_exp((pv_estimate){0, 2}).error, 2, 0);
  EXPECT_F64(pv_correlation_of((const double[]){1, 2, 3}, (const double[]){-2, -4, -6}, 3), -1,
             1e-15);
  EXPECT(isnan(pv_correlation_of((const double[]){1, 2}, (const double[]){5, 5}, 2)));
}

/* Seven tokens of a vocabulary of two, where the token that came is 0. */
static const double nll[] = {0.5, 2.25, 1.0, 3.75, 0.125, 4.5, 1.5};
static const double base_nll[] = {0.75, 2.0, 1.25, 3.0, 0.25, 4.0, 1.375};

static void add_all(pv_scores *s, bool two) {
  for (int i = 0; i < 7; i++) {
    const double side[] = {-nll[i], log1p(-exp(-nll[i]))};
    const double base[] = {-base_nll[i], log1p(-exp(-base_nll[i]))};
    pv_scores_add(s, side, two ? base : NULL, 2, 0, -INFINITY);
  }
}

#define NEAR(got, want) EXPECT_F64(got, want, 1e-14)

static void test_fit(void) {
  pv_scores s = {0};
  REQUIRE(pv_scores_make(7, false, &s));
  EXPECT(s.base == NULL && s.divergence == NULL);
  add_all(&s, false);
  EXPECT_U64(s.count, 7);
  const pv_fit fit = pv_scores_fit(&s);
  NEAR(fit.nll.value, 1.9464285714285714);
  NEAR(fit.nll.error, 0.6243193572715374);
  NEAR(fit.perplexity.value, 7.003629897441532);
  NEAR(fit.perplexity.error, 4.37250171613842);
  pv_scores_free(&s);
}

static void test_cost(void) {
  pv_scores s = {0};
  REQUIRE(pv_scores_make(7, true, &s));
  add_all(&s, true);
  const pv_cost c = pv_scores_cost(&s);
  NEAR(c.base.nll.value, 1.8035714285714286);
  NEAR(c.base.nll.error, 0.495408338412574);
  NEAR(c.base.perplexity.value, 6.071291976121695);
  NEAR(c.base.perplexity.error, 3.0077686699080415);
  NEAR(c.correlation, 0.9926701220606748);
  NEAR(c.log_ratio.value, 0.14285714285714285);
  NEAR(c.log_ratio.error, 0.14543799670084068);
  NEAR(c.ratio.value, 1.1535649948951077);
  NEAR(c.ratio.error, 0.16777218192175997);
  NEAR(c.excess.value, 0.9323379213198368);
  NEAR(c.excess.error, 1.4336295480121173);
  NEAR(c.divergence.value, 0.016335839872727895);
  NEAR(c.divergence.error, 0.0063083100113247425);
  NEAR(c.difference.value, 0.03230191594323569);
  NEAR(c.difference.error, 0.026988383876143808);
  NEAR(c.rms.value, 0.07357751666834414);
  NEAR(c.rms.error, 0.01755798700925482);
  NEAR(c.same_top.value, 0.8571428571428571);
  NEAR(c.same_top.error, 0.14285714285714288);
  static const struct {
    double fraction, divergence, difference;
  } at[] = {{0, 0.0019775006814637215, -0.02993605867474837},
            {0.5, 0.0114275392953333, -0.007206642350491873},
            {0.9, 0.03906131170334036, 0.11588331449656185},
            {1, 0.0425803133580169, 0.13416410697161874}};
  size_t found = 0;
  for (int i = 0; i < PV_LIKELIHOOD_QUANTILES; i++)
    for (size_t k = 0; k < sizeof at / sizeof *at; k++) {
      if (pv_likelihood_fractions[i] != at[k].fraction) continue;
      NEAR(c.divergence_at[i], at[k].divergence);
      NEAR(c.difference_at[i], at[k].difference);
      found++;
    }
  EXPECT_U64(found, 4);
  pv_scores_free(&s);
}

/* A side is nothing away from itself, and that is exact. */
static void test_itself(void) {
  pv_scores s = {0};
  REQUIRE(pv_scores_make(7, true, &s));
  for (int i = 0; i < 7; i++) {
    double row[] = {0.1 * i, 0.7, -0.3 * i, 1.9};
    size_t odd = 0;
    REQUIRE(pv_log_softmax(row, 4, &odd));
    pv_scores_add(&s, row, row, 4, (size_t)i % 4, -INFINITY);
  }
  const pv_cost c = pv_scores_cost(&s);
  const pv_estimate zero[] = {c.log_ratio, c.excess, c.divergence, c.difference, c.rms};
  for (int i = 0; i < 5; i++) {
    EXPECT_F64(zero[i].value, 0, 0);
    EXPECT_F64(zero[i].error, 0, 0);
  }
  EXPECT_F64(c.ratio.value, 1, 0);
  EXPECT_F64(c.same_top.value, 1, 0);
  EXPECT_F64(c.divergence_at[PV_LIKELIHOOD_QUANTILES - 1], 0, 0);
  pv_scores_free(&s);
}

/* The token that came is any of them, and what is too small in the base counts for the divergence
 * alone as nothing. */
static void test_one(void) {
  const double h = log(0.5), q = log(0.25);
  const double a[] = {h, q, q}, b[] = {q, q, h};
  pv_scores s = {0};
  REQUIRE(pv_scores_make(1, true, &s));
  pv_scores_add(&s, b, a, 3, 2, q);
  const pv_cost c = pv_scores_cost(&s);
  EXPECT_F64(pv_scores_fit(&s).perplexity.value, 2, 1e-15);
  EXPECT_F64(c.base.perplexity.value, 4, 1e-15);
  EXPECT_F64(c.divergence.value, 0.5 * log(2.0), 1e-16);
  EXPECT_F64(c.difference_at[0], 0.25, 1e-16);
  EXPECT_U64(s.same_top, 0);
  EXPECT(isnan(c.divergence.error) && isnan(c.same_top.error) && isnan(c.correlation));
  pv_scores_free(&s);
}

int main(void) {
  return pv_testing_main("likelihood", (pv_case[]){PV_CASE(test_log_softmax),
                                                   PV_CASE(test_no_number),
                                                   PV_CASE(test_likeliest),
                                                   PV_CASE(test_divergence),
                                                   PV_CASE(test_quantiles),
                                                   PV_CASE(test_estimates),
                                                   PV_CASE(test_fit),
                                                   PV_CASE(test_cost),
                                                   PV_CASE(test_itself),
                                                   PV_CASE(test_one),
                                                   {0}});
}
