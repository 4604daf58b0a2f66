/* Distances with known values, and what a perturbation may depend on. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/model/arch/qwen3moe.h"
#include "runtime/noise/parts.h"
#include "tests/unit/testing.h"

enum { WIDTH = 4, ROWS = 2 };

static pv_rows rows_of(double *data, size_t rows, size_t width) {
  return (pv_rows){
      .stage = PV_STAGE_LOGITS, .rows = rows, .width = width, .size = sizeof *data, .data = data};
}

static pv_noise_spread distance(const double *x, const double *y, size_t width) {
  double a[WIDTH], b[WIDTH];
  memcpy(a, x, width * sizeof *x);
  memcpy(b, y, width * sizeof *y);
  const pv_rows exact = rows_of(a, 1, width), side = rows_of(b, 1, width);
  pv_noise_spread out = {0};
  pv_noise_widen(&out, &exact, &side, 0);
  return out;
}

static void test_known_distances(void) {
  pv_noise_spread d = distance((double[]){3, 4}, (double[]){4, 3}, 2);
  EXPECT_F64(d.error, 0.25, 0.0);
  EXPECT_F64(d.angle, 1.0 - 24.0 / 25.0, 1e-15);
  d = distance((double[]){1, -8, 2}, (double[]){1, -6, 2}, 3);
  EXPECT_F64(d.error, 0.25, 0.0);
  d = distance((double[]){1, -8, 2}, (double[]){1, -8, 2}, 3);
  EXPECT_F64(d.error, 0.0, 0.0);
  EXPECT_F64(d.angle, 0.0, 0.0);
  d = distance((double[]){1, 2}, (double[]){-1, -2}, 2);
  EXPECT_F64(d.error, 1.0 * 4 / 2, 0.0);
  EXPECT_F64(d.angle, 2.0, 1e-15);
  /* An angle far below what 1 - cosine resolves. */
  d = distance((double[]){1, 0}, (double[]){1, 1e-12}, 2);
  EXPECT_F64(d.angle, 0.5e-24, 1e-30);
}

static void test_the_widest_row_counts(void) {
  double a[] = {1, 1, 1, 1}, b[] = {1, 0.5, 1, 0.75};
  const pv_rows exact = rows_of(a, ROWS, 2), side = rows_of(b, ROWS, 2);
  pv_noise_spread out = {0};
  pv_noise_widen(&out, &exact, &side, 0);
  pv_noise_widen(&out, &exact, &side, 1);
  EXPECT_F64(out.error, 0.5, 0.0);
}

static void test_nothing_hides_in_nan(void) {
  static const double odd[] = {NAN, INFINITY, -INFINITY};
  for (int i = 0; i < 3; i++)
    for (int at = 0; at < 3; at++)
      for (int which = 1; which < 4; which++) { /* the exact side, the other, both */
        double x[] = {1, 2, 3}, y[] = {1, 2, 3};
        if ((which & 1) != 0) x[at] = odd[i];
        if ((which & 2) != 0) y[at] = odd[i];
        const pv_noise_spread d = distance(x, y, 3);
        EXPECT(isinf(d.error) && isinf(d.angle));
      }
  /* And no later row takes it away. */
  double a[] = {NAN, 1, 1, 1}, b[] = {NAN, 1, 1, 0.5};
  const pv_rows exact = rows_of(a, ROWS, 2), side = rows_of(b, ROWS, 2);
  pv_noise_spread out = {0};
  for (size_t p = 0; p < ROWS; p++) pv_noise_widen(&out, &exact, &side, p);
  EXPECT(isinf(out.error) && isinf(out.angle));
  /* Against a row of zeros there is no relative error. */
  const pv_noise_spread zero = distance((double[]){0, 0}, (double[]){0, 1}, 2);
  EXPECT(isinf(zero.error) && isinf(zero.angle));
}

/* Two experts, two elements each. */
static void test_experts_by_themselves(void) {
  double x[] = {1, 2, 3, 4};
  float y[] = {3, 4, 1, 2.5f};
  int32_t a[] = {5, 7}, b[] = {7, 5}, c[] = {7, 9};
  const pv_rows exact = rows_of(x, 1, WIDTH);
  const pv_rows side = {.stage = PV_STAGE_EXPERT_GATE,
                        .rows = 1,
                        .width = WIDTH,
                        .size = sizeof *y,
                        .data = y,
                        .until = 1};
  pv_rows chosen[] = {{.stage = PV_STAGE_MOE_ROUTER_INDICES,
                       .index = true,
                       .rows = 1,
                       .width = 2,
                       .size = sizeof *a,
                       .data = a,
                       .until = 1},
                      {.stage = PV_STAGE_MOE_ROUTER_INDICES,
                       .index = true,
                       .rows = 1,
                       .width = 2,
                       .size = sizeof *b,
                       .data = b,
                       .until = 1}};
  pv_rows out = {0};
  REQUIRE(pv_noise_align(&exact, &side, chosen, &out, NULL) == PV_OK);
  EXPECT_BYTES(out.data, ((double[]){1, 2.5, 3, 4}), sizeof x);
  chosen[1].data = c; /* expert 5 was not chosen: nothing is told of it */
  REQUIRE(pv_noise_align(&exact, &side, chosen, &out, NULL) == PV_OK);
  EXPECT_BYTES(out.data, ((double[]){1, 2, 3, 4}), sizeof x);
  chosen[1].data = a;
  REQUIRE(pv_noise_align(&exact, &side, chosen, &out, NULL) == PV_OK);
  EXPECT_BYTES(out.data, ((double[]){3, 4, 1, 2.5}), sizeof x);
  free(out.data);
}

static pv_noise_routing route(const double *x, const double *y, int32_t *chosen, int32_t *other) {
  double a[WIDTH], b[WIDTH];
  memcpy(a, x, sizeof a);
  memcpy(b, y, sizeof b);
  const pv_rows exact[] = {rows_of(a, 1, WIDTH),
                           {.stage = PV_STAGE_MOE_ROUTER_INDICES,
                            .index = true,
                            .rows = 1,
                            .width = 2,
                            .size = sizeof *chosen,
                            .data = chosen,
                            .until = 1}};
  const pv_rows side[] = {rows_of(b, 1, WIDTH),
                          {.stage = PV_STAGE_MOE_ROUTER_INDICES,
                           .index = true,
                           .rows = 1,
                           .width = 2,
                           .size = sizeof *other,
                           .data = other,
                           .until = 1}};
  pv_noise_routing out = {.margin = INFINITY, .ratio = INFINITY};
  pv_noise_route(&out, exact, side, 0);
  return out;
}

static void test_routing(void) {
  const double logits[] = {1, 4, 3, 2}, moved[] = {1, 4, 2.75, 2}, broken[] = {1, NAN, NAN, 2};
  pv_noise_routing r = route(logits, moved, (int32_t[]){1, 2}, (int32_t[]){1, 2});
  EXPECT_U64(r.sets, 1);
  EXPECT_U64(r.changed, 0);
  EXPECT_F64(r.margin, 1.0, 0.0);
  EXPECT_F64(r.shift, 0.25, 0.0);
  EXPECT_F64(r.ratio, 2.0, 0.0);
  /* Another order is the same set; another expert is not, and then no margin was kept. */
  r = route(logits, logits, (int32_t[]){1, 2}, (int32_t[]){2, 1});
  EXPECT_U64(r.changed, 0);
  EXPECT(isinf(r.ratio));
  r = route(logits, moved, (int32_t[]){1, 2}, (int32_t[]){1, 3});
  EXPECT_U64(r.changed, 1);
  EXPECT(isinf(r.margin));
  EXPECT_F64(r.ratio, 2.0, 0.0);
  for (int i = 0; i < 3; i++) {
    r = route(i == 0 ? logits : broken, i == 1 ? logits : broken, (int32_t[]){1, 2},
              (int32_t[]){1, 2});
    EXPECT(isinf(r.shift));
    EXPECT_F64(r.margin, 0.0, 0.0);
    EXPECT_F64(r.ratio, 0.0, 0.0);
  }
}

static void perturbed(double out[ROWS * WIDTH], pv_noise_place place, double amount) {
  for (int i = 0; i < ROWS * WIDTH; i++) out[i] = i - 3;
  pv_rows rows = rows_of(out, ROWS, WIDTH);
  pv_noise_perturb(&rows, &place, amount);
}

static void test_perturbation(void) {
  const pv_noise_place here = {.seed = 7, .repeat = 1, .prompt = 2, .layer = 3, .position = 5};
  double a[ROWS * WIDTH], b[ROWS * WIDTH], largest = 0.0;
  bool up = false, down = false;
  perturbed(a, here, 0x1p-10);
  for (int i = 0; i < ROWS * WIDTH; i++) {
    const double was = i - 3, change = a[i] - was;
    EXPECT(fabs(change) <= 0x1p-10 * fabs(was));
    EXPECT(was == 0.0 ? change == 0.0 : change != 0.0);
    largest = was != 0.0 ? fmax(largest, fabs(change / was)) : largest;
    up |= change * was > 0.0;
    down |= change * was < 0.0;
  }
  EXPECT(largest > 0x1p-11 && up && down);
  perturbed(b, here, 0x1p-10);
  EXPECT_BYTES(b, a, sizeof a);
  pv_noise_place other[5];
  for (int i = 0; i < 5; i++) other[i] = here;
  other[0].seed++;
  other[1].repeat++;
  other[2].prompt++;
  other[3].layer++;
  other[4].position += 10;
  for (int i = 0; i < 5; i++) {
    perturbed(b, other[i], 0x1p-10);
    for (int k = 0; k < ROWS * WIDTH; k++) EXPECT(k == 3 || a[k] != b[k]);
  }
  /* A row is changed alike, whichever batch it is in. */
  pv_noise_place next = here;
  next.position++;
  perturbed(b, next, 0x1p-10);
  for (int k = 0; k < WIDTH; k++) {
    const double in_second = a[WIDTH + k] / (WIDTH + k - 3);
    if (k != 3) EXPECT_F64(b[k] / (k - 3), in_second, 1e-15);
  }
}

int main(void) {
  return pv_testing_main("noise_spread", (pv_case[]){PV_CASE(test_known_distances),
                                                     PV_CASE(test_the_widest_row_counts),
                                                     PV_CASE(test_nothing_hides_in_nan),
                                                     PV_CASE(test_experts_by_themselves),
                                                     PV_CASE(test_routing),
                                                     PV_CASE(test_perturbation),
                                                     {0}});
}
