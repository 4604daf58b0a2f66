/* Element by element, attention with a sink, the forms of routing: the paths of the CPU and the
 * definition bit for bit, also where a number is at its end, and all of them and the arbiter
 * against formulas written down here. */
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "kernels/arith/arith.h"
#include "kernels/definition/definition.h"
#include "kernels/exact/exact.h"
#include "tests/unit/testing.h"

enum { PATHS = 3, EDGES = 40 };

static const pv_cpu_path *path_at(size_t i) {
  return i == 0 ? pv_cpu_path_get(NULL) : i == 1 ? &pv_cpu_scalar : &pv_definition;
}

static const float edges[EDGES] = {0.0f,
                                   -0.0f,
                                   0x1p-149f,
                                   -0x1p-149f,
                                   0x1p-126f,
                                   -0x1p-126f,
                                   1e-20f,
                                   -1e-20f,
                                   1e-3f,
                                   -1e-3f,
                                   0.5f,
                                   -0.5f,
                                   1.0f,
                                   -1.0f,
                                   3.0f,
                                   -3.0f,
                                   7.0f,
                                   -7.0f,
                                   7.000001f,
                                   -7.00001f,
                                   8.8f,
                                   -8.8f,
                                   11.3f,
                                   -11.3f,
                                   18.8f,
                                   -18.8f,
                                   32.0f,
                                   -32.0f,
                                   51.8f,
                                   -51.8f,
                                   70.5f,
                                   -70.5f,
                                   120.5f,
                                   -120.5f,
                                   0x1.fffffep127f,
                                   -0x1.fffffep127f,
                                   INFINITY,
                                   -INFINITY,
                                   NAN,
                                   2.71f};

static void expect_bits(const float *got, const float *want, size_t n, const char *what) {
  for (size_t i = 0; i < n; i++)
    if (!EXPECT(isnan(want[i]) ? isnan(got[i]) : pv_bits_f32(got[i]) == pv_bits_f32(want[i])))
      fprintf(stderr, "  %s, element %zu: %a, want %a\n", what, i, (double)got[i], (double)want[i]);
}

/* Where the formula has a number: to `relative`, and half of the smallest number. */
static void expect_near(const float *got, const double *want, size_t n, double relative,
                        const char *what) {
  for (size_t i = 0; i < n; i++) {
    const double room = relative * fabs(want[i]) + 0x1p-149;
    if (!isfinite(want[i]) || fabs(want[i]) > 3.4e38) continue;
    if (!EXPECT(fabs((double)got[i] - want[i]) <= room))
      fprintf(stderr, "  %s, element %zu: %.9g, want %.9g\n", what, i, (double)got[i], want[i]);
  }
}

typedef void gated(const float *gate, const float *up, size_t n, float *out);
typedef void gated_exact(const double *gate, const double *up, size_t n, double *out);

static gated *gated_of(const pv_cpu_path *path, int which) {
  return which == 0 ? path->swiglu : which == 1 ? path->geglu : path->swiglu_clamped;
}

/* Each edge as the gate and as up, with others around it that fill a register. */
static void test_gated(void) {
  gated_exact *const exact[] = {pv_exact.swiglu, pv_exact.geglu, pv_exact.swiglu_clamped};
  static const char *const names[] = {"swiglu", "geglu", "swiglu_clamped"};
  float gate[EDGES * EDGES], up[EDGES * EDGES], got[EDGES * EDGES], want[EDGES * EDGES];
  double wide_gate[EDGES * EDGES], wide_up[EDGES * EDGES], wide[EDGES * EDGES];
  for (size_t i = 0; i < EDGES * EDGES; i++) {
    wide_gate[i] = (double)(gate[i] = edges[i / EDGES]);
    wide_up[i] = (double)(up[i] = edges[i % EDGES]);
  }
  for (int k = 0; k < 3; k++) {
    gated_of(&pv_definition, k)(gate, up, EDGES * EDGES, want);
    for (size_t p = 0; p < PATHS; p++) {
      memset(got, 0, sizeof got);
      gated_of(path_at(p), k)(gate, up, EDGES * EDGES, got);
      expect_bits(got, want, EDGES * EDGES, names[k]);
    }
    exact[k](wide_gate, wide_up, EDGES * EDGES, wide);
    /* Far below 0 GELU is a difference of nearly equal numbers in the arbiter; and up magnifies
     * what is rounded as a subnormal number. */
    for (size_t i = 0; i < EDGES * EDGES; i++) {
      const double factor = k < 2 ? wide_up[i] : fmin(fmax(wide_up[i], -7.0), 7.0) + 1.0;
      if ((k == 1 && wide_gate[i] < -5.0) || fabs(wide[i]) < 0x1p-126 * fabs(factor))
        wide[i] = (double)NAN;
    }
    expect_near(got, wide, EDGES * EDGES, 1e-5, names[k]);
  }
}

/* What no formula in float64 says: the limits. */
static void test_limits(void) {
  EXPECT_BITS32(pv_sigmoid_f32(INFINITY), 1.0f);
  EXPECT_BITS32(pv_sigmoid_f32(-INFINITY), 0.0f);
  EXPECT_BITS32(pv_gelu_f32(INFINITY), INFINITY);
  EXPECT_BITS32(pv_gelu_f32(-INFINITY), -0.0f);
  EXPECT_BITS32(pv_gelu_f32(0x1.fffffep127f), 0x1.fffffep127f);
  EXPECT_BITS32(pv_gelu_f32(-0x1.fffffep127f), -0.0f);
  EXPECT_BITS32(pv_quick_gelu_f32(INFINITY), INFINITY);
  EXPECT_BITS32(pv_quick_gelu_f32(-INFINITY), -0.0f);
  EXPECT_BITS32(pv_quick_gelu_f32(-0x1.fffffep127f), -0.0f);
  EXPECT_BITS32(pv_swiglu_clamped_f32(INFINITY, INFINITY), pv_swiglu_clamped_f32(7.0f, 7.0f));
  EXPECT_BITS32(pv_swiglu_clamped_f32(8.0f, -9.0f), pv_swiglu_clamped_f32(7.0f, -7.0f));
  EXPECT_BITS32(pv_swiglu_clamped_f32(-INFINITY, 1.0f), -0.0f);
  EXPECT(isnan(pv_swiglu_clamped_f32(NAN, 1.0f)) && isnan(pv_swiglu_clamped_f32(1.0f, NAN)));
  EXPECT(isnan(pv_geglu_f32(NAN, 1.0f)) && isnan(pv_geglu_f32(1.0f, NAN)));
  EXPECT(isnan(pv_gate_f32(1.0f, NAN)) && isnan(pv_gate_f32(NAN, 1.0f)));
  EXPECT_BITS32(pv_gate_f32(3.0f, -INFINITY), 0.0f);
  EXPECT_BITS32(pv_gate_f32(3.0f, INFINITY), 3.0f);
}

static void test_gate_bias_and_scale(void) {
  float got[EDGES], want[EDGES], bias[EDGES];
  double wide[EDGES], out[EDGES];
  for (size_t i = 0; i < EDGES; i++) wide[i] = (double)edges[i], bias[i] = edges[EDGES - 1 - i];
  for (size_t k = 0; k < EDGES; k++)
    for (size_t p = 0; p < PATHS; p++) {
      const float factor = edges[k];
      for (size_t i = 0; i < EDGES; i++) want[i] = pv_gate_f32(edges[i], factor);
      path_at(p)->gate(edges, factor, EDGES, got);
      expect_bits(got, want, EDGES, "gate");
      pv_exact.gate(wide, (double)factor, EDGES, out);
      for (size_t i = 0; i < EDGES && (double)factor < -87.0; i++) out[i] = (double)NAN;
      expect_near(got, out, EDGES, 4e-7, "gate");
      for (size_t i = 0; i < EDGES; i++) want[i] = edges[i] * factor;
      path_at(p)->scale(edges, factor, EDGES, got);
      expect_bits(got, want, EDGES, "scale");
      memcpy(got, edges, sizeof got); /* in place */
      path_at(p)->scale(got, factor, EDGES, got);
      expect_bits(got, want, EDGES, "scale in place");
      pv_exact.scale(wide, (double)factor, EDGES, out);
      expect_near(got, out, EDGES, 6e-8, "scale");
    }
  for (size_t p = 0; p < PATHS; p++) {
    for (size_t i = 0; i < EDGES; i++) want[i] = edges[i] + bias[i];
    path_at(p)->bias(edges, bias, EDGES, got);
    expect_bits(got, want, EDGES, "bias");
  }
  pv_exact.bias(wide, bias, EDGES, out);
  expect_near(got, out, EDGES, 6e-8, "bias");
}

enum { DIM = 40, STRIDE = 56, POSITIONS = 300 };
static float keys[POSITIONS * STRIDE], values[POSITIONS * STRIDE], query[DIM];
static double wide_keys[POSITIONS * STRIDE], wide_values[POSITIONS * STRIDE], wide_query[DIM];

static void fill_attention(void) {
  uint64_t seed = 11;
  for (size_t i = 0; i < POSITIONS * STRIDE; i++) {
    wide_keys[i] = (double)(keys[i] = (float)(4.0 * pv_random_unit(&seed) - 2.0));
    wide_values[i] = (double)(values[i] = (float)(2.0 * pv_random_unit(&seed) - 1.0));
  }
  for (size_t i = 0; i < DIM; i++)
    wide_query[i] = (double)(query[i] = (float)(4.0 * pv_random_unit(&seed) - 2.0));
}

/* Positions first .. end - 1, and the sink as one more, by the double loop. */
static void attend_plainly(size_t first, size_t end, double scale, const float *sink, double *out) {
  double sum = sink != NULL ? exp((double)*sink) : 0.0;
  for (size_t d = 0; d < DIM; d++) out[d] = 0.0;
  for (size_t p = first; p < end; p++) {
    double score = 0.0;
    for (size_t d = 0; d < DIM; d++) score += wide_query[d] * wide_keys[p * STRIDE + d];
    const double e = exp(score * scale);
    sum += e;
    for (size_t d = 0; d < DIM; d++) out[d] += e * wide_values[p * STRIDE + d];
  }
  for (size_t d = 0; d < DIM; d++) out[d] /= sum;
}

/* One case in every set of kernels. */
static void expect_attention(size_t first, size_t end, double scale, const float *sink) {
  float got[DIM], want[DIM], scratch[(DIM + 2) * (POSITIONS / PV_ATTENTION_CHUNK + 1)];
  double naive[DIM], wide[DIM], room[POSITIONS];
  pv_attend a = {.q = query,
                 .k = keys + first * STRIDE,
                 .v = values + first * STRIDE,
                 .stride = STRIDE,
                 .head_dim = DIM,
                 .positions = end - first,
                 .scale = (float)scale,
                 .sink = sink,
                 .out = want,
                 .scratch = scratch};
  const pv_exact_attend exact = {.q = wide_query,
                                 .k = wide_keys + first * STRIDE,
                                 .v = wide_values + first * STRIDE,
                                 .stride = STRIDE,
                                 .head_dim = DIM,
                                 .positions = end - first,
                                 .scale = scale,
                                 .sink = sink,
                                 .out = wide,
                                 .scratch = room};
  pv_definition.attend(&a);
  a.out = got;
  for (size_t p = 0; p < PATHS; p++) {
    path_at(p)->attend(&a);
    expect_bits(got, want, DIM, path_at(p)->name);
  }
  if (sink != NULL && isnan(*sink)) {
    for (size_t d = 0; d < DIM; d++) EXPECT(isnan(got[d]));
    return;
  }
  attend_plainly(first, end, scale, sink, naive);
  pv_exact.attend(&exact);
  for (size_t d = 0; d < DIM; d++) {
    EXPECT_F64(wide[d], naive[d], 1e-13);
    EXPECT_F64((double)got[d], naive[d], 3e-6);
  }
}

static void test_attention(void) {
  static const float sinks[] = {-200.0f, -3.0f, 0.0f, 2.5f, 40.0f, NAN};
  static const size_t ends[] = {1, 2, 63, 64, 65, 129, POSITIONS};
  fill_attention();
  for (size_t e = 0; e < sizeof ends / sizeof *ends; e++)
    for (size_t s = 0; s <= sizeof sinks / sizeof *sinks; s++)
      for (size_t window = 1; window <= ends[e]; window = 3 * window + 4)
        expect_attention(ends[e] - window, ends[e], 0.3, s == 0 ? NULL : &sinks[s - 1]);
}

/* Without a scale of its own the arbiter takes 1 / sqrt(dim). */
static void test_scale_of_the_arbiter(void) {
  double wide[DIM], naive[DIM], room[9];
  const pv_exact_attend a = {.q = wide_query,
                             .k = wide_keys,
                             .v = wide_values,
                             .stride = STRIDE,
                             .head_dim = DIM,
                             .positions = 9,
                             .out = wide,
                             .scratch = room};
  fill_attention();
  pv_exact.attend(&a);
  attend_plainly(0, 9, 1.0 / sqrt((double)DIM), NULL, naive);
  for (size_t d = 0; d < DIM; d++) EXPECT_F64(wide[d], naive[d], 1e-13);
}

/* Softmax over all, or over the chosen, of which the chosen keep a sum of 1 or what they have. */
static void route_plainly(pv_route_form form, const double *logits, size_t n, size_t used,
                          const int32_t *chosen, double *weights) {
  double all = 0.0, kept = 0.0;
  for (size_t e = 0; e < n; e++) all += exp(logits[e]);
  for (size_t r = 0; r < used; r++) kept += exp(logits[chosen[r]]);
  for (size_t r = 0; r < used; r++)
    weights[r] = exp(logits[chosen[r]]) / (form == PV_ROUTE_ALL ? all : kept);
}

static void expect_routing(pv_route_form form, const float *logits, size_t n, size_t used) {
  float got[16], want[16];
  double wide[300], naive[16], exact[16];
  int32_t chosen[16], wanted[16];
  pv_definition.route(form, logits, n, used, wanted, want);
  for (size_t p = 0; p < PATHS; p++) {
    path_at(p)->route(form, logits, n, used, chosen, got);
    EXPECT_BYTES(chosen, wanted, used * sizeof *chosen);
    expect_bits(got, want, used, path_at(p)->name);
  }
  for (size_t e = 0; e < n; e++) wide[e] = (double)logits[e];
  pv_exact.route(form, wide, n, used, chosen, exact);
  EXPECT_BYTES(chosen, wanted, used * sizeof *chosen);
  route_plainly(form, wide, n, used, wanted, naive);
  for (size_t r = 0; r < used; r++) {
    EXPECT_F64(exact[r], naive[r], 1e-14);
    EXPECT_F64((double)got[r], naive[r], 1e-6);
  }
}

static void test_routing(void) {
  static const pv_route_form forms[] = {PV_ROUTE_SUM_ONE, PV_ROUTE_ALL, PV_ROUTE_CHOSEN};
  float logits[300];
  uint64_t seed = 13;
  for (int round = 0; round < 40; round++)
    for (size_t f = 0; f < 3; f++) {
      const size_t n = round % 3 == 0 ? 300 : round % 3 == 1 ? 8 : 60;
      const size_t used = n == 8 && round % 2 == 0 ? 8 : 1 + (size_t)round % 7;
      for (size_t e = 0; e < n; e++)
        logits[e] = round % 4 == 3 ? (float)(pv_random_next(&seed) % 4)
                                   : (float)(8.0 * pv_random_unit(&seed) - 4.0);
      expect_routing(forms[f], logits, n, used);
    }
}

int main(void) {
  return pv_testing_main("elements", (pv_case[]){PV_CASE(test_gated),
                                                 PV_CASE(test_limits),
                                                 PV_CASE(test_gate_bias_and_scale),
                                                 PV_CASE(test_attention),
                                                 PV_CASE(test_scale_of_the_arbiter),
                                                 PV_CASE(test_routing),
                                                 {0}});
}
