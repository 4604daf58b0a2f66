/* Distances, sets, margins and rates with exact answers; and what is no number hides nowhere. */
#include <math.h>
#include <string.h>

#include "runtime/measure/distance.h"
#include "runtime/measure/rates.h"
#include "tests/unit/testing.h"

#define F32(...)                                                                                   \
  ((pv_vector){(const float[]){__VA_ARGS__}, sizeof((const float[]){__VA_ARGS__}) / sizeof(float), \
               PV_ELEMENT_F32})
#define F64(...)                              \
  ((pv_vector){(const double[]){__VA_ARGS__}, \
               sizeof((const double[]){__VA_ARGS__}) / sizeof(double), PV_ELEMENT_F64})
#define I32(...)                               \
  ((pv_vector){(const int32_t[]){__VA_ARGS__}, \
               sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t), PV_ELEMENT_I32})
static const pv_vector nothing = {"", 0, PV_ELEMENT_F32};

static double cosine(pv_vector a, pv_vector b) {
  const pv_distance d = pv_distance_of(a, b);
  return pv_distance_cosine(&d);
}
static double angle(pv_vector a, pv_vector b) {
  const pv_distance d = pv_distance_of(a, b);
  return pv_distance_angle(&d, a, b);
}
static double error(pv_vector a, pv_vector b) {
  const pv_distance d = pv_distance_of(a, b);
  return pv_distance_error(&d);
}
static double largest(pv_vector a, pv_vector b) {
  const pv_distance d = pv_distance_of(a, b);
  return pv_distance_largest(&d);
}

static void test_elements(void) {
  char odd[17];
  const double value = 2.5;
  memcpy(odd + 1, &value, sizeof value);
  memcpy(odd + 9, &value, sizeof value);
  const pv_vector unaligned = {odd + 1, 2, PV_ELEMENT_F64}, absent = {NULL, 2, PV_ELEMENT_F32};
  const pv_vector single = F32(2.5f, 3), whole = I32(-7, 3), zero = F32(0.0f), minus = F32(-0.0f);
  EXPECT_F64(pv_vector_at(&unaligned, 1), 2.5, 0);
  EXPECT_F64(pv_vector_at(&whole, 0), -7, 0);
  EXPECT(isnan(pv_vector_at(&absent, 1)));
  EXPECT(pv_vector_same(&unaligned, &single, 0) && !pv_vector_same(&unaligned, &single, 1));
  EXPECT(pv_vector_same(&single, &whole, 1));
  EXPECT(!pv_vector_same(&zero, &minus, 0)); /* other bits */
  EXPECT(!pv_vector_same(&absent, &absent, 0));
  const pv_vector nan = F32(NAN);
  EXPECT(pv_vector_same(&nan, &nan, 0)); /* the same bits */
}

static void test_known_distances(void) {
  const pv_distance d = pv_distance_of(F64(3, -4, 0), F32(3, -2, 1));
  EXPECT_U64(d.elements, 3);
  EXPECT_U64(d.different, 2);
  EXPECT_U64(d.worst, 1);
  EXPECT_F64(d.max_abs, 2, 0);
  EXPECT_F64(d.scale, 4, 0);
  EXPECT_F64(d.left, -4, 0);
  EXPECT_F64(d.right, -2, 0);
  EXPECT_F64(pv_distance_error(&d), 0.5, 0);
  EXPECT_F64(pv_distance_largest(&d), 2, 0);
  EXPECT_F64(cosine(F32(3, 4), F32(4, 3)), 24.0 / 25.0, 0);
  EXPECT_F64(cosine(F32(1, 0), F32(0, 1)), 0, 0);
  EXPECT_F64(cosine(I32(1, 2), I32(-1, -2)), -1, 1e-15);
  EXPECT_F64(angle(F64(1, 2), F64(-1, -2)), 2, 1e-15);
  EXPECT_F64(angle(F64(1, 0), F64(1, 1e-12)), 0.5e-24, 1e-30); /* 1 - cosine says 0 */
  EXPECT(isinf(angle(F64(1), F64(1e200))) && isinf(angle(F64(1e200), F64(1)))); /* no square */
  EXPECT_F64(error(F32(1, -8), F32(1, -6)), 0.25, 0);
}

/* The first of several equals, and the place goes on over the pieces. */
static void test_pieces(void) {
  pv_distance d = {0};
  pv_distance_add(&d, F32(1, 1), F32(1, 2));
  pv_distance_add(&d, F32(5, 1), F32(4, 3));
  const pv_distance whole = pv_distance_of(F32(1, 1, 5, 1), F32(1, 2, 4, 3));
  EXPECT_U64(d.worst, 3);
  EXPECT_U64(d.elements, 4);
  EXPECT_F64(pv_distance_cosine(&d), pv_distance_cosine(&whole), 0);
  pv_distance_add(&d, F32(0), F32(2));
  EXPECT_U64(d.worst, 3);
}

/* Equal is exactly equal, whatever the sums round to; of equal zeros too. */
static void test_equal(void) {
  const pv_vector odd = F32(0.1f, 0.2f, 0.3f, 1e-3f, 7.7f, 1e30f, 3.3f);
  for (size_t n = 1; n <= odd.count; n++) {
    const pv_vector part = {odd.data, n, odd.type};
    EXPECT_F64(1.0 - cosine(part, part), 0, 0);
    EXPECT_F64(angle(part, part), 0, 0);
    EXPECT_F64(error(part, part), 0, 0);
    EXPECT_F64(largest(part, part), 0, 0);
  }
  EXPECT_F64(cosine(F32(0, 0), F64(0, 0)), 1, 0);
  EXPECT_F64(error(F32(0, 0), F64(0, 0)), 0, 0);
  EXPECT_F64(cosine(F32(0, 0), F32(0, -0.0f)), 1, 0);
}

static void test_against_zero(void) {
  EXPECT(isnan(cosine(F32(0, 0), F32(0, 1))) && isnan(cosine(F32(0, 1), F32(0, 0))));
  EXPECT(isinf(error(F32(0, 0), F32(0, 1))));
  EXPECT_F64(error(F32(0, 2), F32(0, 0)), 1, 0);
  EXPECT(isinf(angle(F32(0, 0), F32(0, 1))) && isinf(angle(F32(0, 1), F32(0, 0))));
  EXPECT_F64(largest(F32(0, 0), F32(0, 1)), 1, 0);
}

static void test_nothing_compared(void) {
  EXPECT(isnan(cosine(nothing, nothing)) && isnan(error(nothing, nothing)));
  EXPECT(isnan(largest(nothing, nothing)) && isinf(angle(nothing, nothing)));
  EXPECT(!pv_set_same(nothing, nothing));
  EXPECT(isnan(pv_set_margin(nothing, I32(0))) && isnan(pv_set_margin(F32(1, 2), nothing)));
  EXPECT(!(pv_rates_of(NULL, 0).median >= 0) && !(pv_rates_of(NULL, 0).most >= 0));
}

/* A number that is none, at any place, on either side or both: no figure is as of numbers. */
static void test_no_number(void) {
  static const double none[] = {NAN, INFINITY, -INFINITY};
  for (int i = 0; i < 3; i++)
    for (size_t at = 0; at < 3; at++)
      for (int which = 1; which < 4; which++) {
        double x[] = {1, 2, 3}, y[] = {1, 2, 5};
        if ((which & 1) != 0) x[at] = none[i];
        if ((which & 2) != 0) y[at] = none[i];
        const pv_vector a = {x, 3, PV_ELEMENT_F64}, b = {y, 3, PV_ELEMENT_F64};
        const pv_distance d = pv_distance_of(a, b);
        EXPECT(isnan(pv_distance_cosine(&d)) && isinf(pv_distance_angle(&d, a, b)));
        EXPECT(isinf(pv_distance_largest(&d)));
        EXPECT(which == 3 ? isnan(pv_distance_error(&d)) : isinf(pv_distance_error(&d)));
        EXPECT_U64(d.worst, at);
      }
  EXPECT_F64(pv_distance_of(F32(INFINITY), F32(-INFINITY)).max_abs, INFINITY, 0);
  /* What one side alone has is worse than what neither has, wherever it stands, and stays. */
  const pv_distance d = pv_distance_of(F32(NAN, 1, 2, 9), F32(NAN, 1, INFINITY, 0));
  EXPECT_U64(d.worst, 2);
  EXPECT(isinf(pv_distance_error(&d)));
}

static void test_other_lengths(void) {
  const pv_distance d = pv_distance_of(F32(1, 2, 3), F32(1, 2));
  EXPECT_U64(d.elements, 3);
  EXPECT_U64(d.different, 1);
  EXPECT_U64(d.worst, 2);
  EXPECT(isinf(pv_distance_error(&d)) && isnan(pv_distance_cosine(&d)));
  EXPECT(isinf(error(F32(1, 2), F32(1, 2, 3))) && isinf(error(nothing, F32(1))));
}

static void test_kept(void) {
  double most = 0.0, least = 2.0;
  EXPECT(!pv_keep_largest(&most, 0.0) && pv_keep_largest(&most, 0.5));
  EXPECT(!pv_keep_largest(&most, 0.25) && most == 0.5);
  EXPECT(pv_keep_largest(&most, NAN) && !pv_keep_largest(&most, 3.0));
  EXPECT(most == INFINITY && !pv_keep_largest(&most, NAN));
  EXPECT(pv_keep_smallest(&least, 1.0) && !pv_keep_smallest(&least, 1.0));
  EXPECT(pv_keep_smallest(&least, NAN) && !pv_keep_smallest(&least, -INFINITY));
  EXPECT(isnan(least) && !pv_keep_smallest(&least, NAN));
}

/* Infinite, then without a figure, then numbers. */
static void test_order_of_errors(void) {
  const double sorted[] = {0.0, 1e-9, 1e300, NAN, INFINITY};
  for (size_t i = 0; i < 5; i++)
    for (size_t k = 0; k < 5; k++) EXPECT(pv_distance_exceeds(sorted[i], sorted[k]) == (i > k));
}

static void test_sets(void) {
  EXPECT(pv_set_same(I32(3, 1, 2), I32(1, 2, 3)) && !pv_set_same(I32(1, 2), I32(1, 3)));
  EXPECT_U64(pv_set_missing(I32(1, 2, 5, 6), I32(6, 7, 8, 2)), 2);
  /* One that is there twice needs two partners. */
  EXPECT_U64(pv_set_missing(I32(1, 1), I32(1, 2)), 1);
  EXPECT_U64(pv_set_missing(I32(1, 2), I32(1, 1)), 1);
  EXPECT(!pv_set_same(I32(1, 1, 2), I32(1, 2, 2)) && pv_set_same(I32(1, 1, 2), I32(2, 1, 1)));
  EXPECT(!pv_set_same(I32(1), I32(1, 1)) && !pv_set_same(I32(1, 1), I32(1)));
  const pv_vector absent = {NULL, 1, PV_ELEMENT_I32};
  EXPECT(!pv_set_same(absent, absent));
  EXPECT(pv_set_holds(I32(4, 5), 5) && !pv_set_holds(I32(4, 5), 6) && !pv_set_holds(nothing, 0));
}

static void test_margin(void) {
  EXPECT_F64(pv_set_margin(F32(1, 4, 3, 2), I32(1, 2)), 1, 0);
  EXPECT_F64(pv_set_margin(F32(1, 4, 3, 2), I32(2, 0)), -3, 0);
  EXPECT_F64(pv_set_margin(F32(4, 4, 1), I32(0)), 0, 0); /* the largest, and its equal */
  EXPECT_F64(pv_set_margin(F32(1, 2), I32(0, 1)), INFINITY, 0);
}

static void test_rates(void) {
  double odd[] = {3, 1, 2}, even[] = {4, 1, 3, 2}, none[] = {1, NAN, 2};
  const pv_rates r = pv_rates_of(odd, 3);
  EXPECT_F64(r.median, 2, 0);
  EXPECT_F64(r.least, 1, 0);
  EXPECT_F64(r.most, 3, 0);
  EXPECT_F64(odd[0], 1, 0); /* sorted */
  EXPECT_F64(pv_rates_of(even, 4).median, 3, 0);
  EXPECT_F64(pv_rates_of(even, 1).median, 1, 0);
  EXPECT(isnan(pv_rates_of(none, 3).median) && isnan(pv_rates_of(none, 3).least));
}

int main(void) {
  return pv_testing_main("measure", (pv_case[]){PV_CASE(test_elements),
                                                PV_CASE(test_known_distances),
                                                PV_CASE(test_pieces),
                                                PV_CASE(test_equal),
                                                PV_CASE(test_against_zero),
                                                PV_CASE(test_nothing_compared),
                                                PV_CASE(test_no_number),
                                                PV_CASE(test_other_lengths),
                                                PV_CASE(test_kept),
                                                PV_CASE(test_order_of_errors),
                                                PV_CASE(test_sets),
                                                PV_CASE(test_margin),
                                                PV_CASE(test_rates),
                                                {0}});
}
