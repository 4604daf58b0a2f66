/* The shaders of attention and routing on a device of this machine: each bit is that of
 * kernels/definition. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cuda/attend.h"
#include "kernels/cuda/heads.h"
#include "kernels/cuda/route.h"
#include "kernels/definition/definition.h"
#include "tests/unit/testing.h"
#include "tests/unit/vulkan/bench.h"

enum { HEADS = 4, KV_HEADS = 2, ROWS = 3, POSITIONS = 200 };

static void check_heads(size_t dim, bool norm, bool neighbours) {
  enum { FIRST = 5 };
  static float q[ROWS * HEADS * 256], k[ROWS * KV_HEADS * 256], v[ROWS * KV_HEADS * 256];
  static float weight[256], cosine[POSITIONS * 128], sine[POSITIONS * 128], want[256];
  const size_t q_count = ROWS * HEADS * dim, k_count = ROWS * KV_HEADS * dim;
  const size_t cache = (FIRST + ROWS) * KV_HEADS * dim * sizeof(float);
  const pv_cuda_step step = {.position = FIRST, .count = ROWS};
  fill(q, q_count, dim, true);
  fill(k, k_count, dim + 1, true);
  fill(v, k_count, dim + 2, true);
  fill(weight, dim, dim + 3, false);
  fill(cosine, (FIRST + ROWS) * dim / 2, dim + 4, false);
  fill(sine, (FIRST + ROWS) * dim / 2, dim + 5, false);
  begin();
  const uint64_t weights = place(weight, dim * sizeof *weight);
  const pv_cuda_heads t = {.q = place(q, q_count * sizeof *q),
                           .k = place(k, k_count * sizeof *k),
                           .v = place(v, k_count * sizeof *v),
                           .q_weight = norm ? weights : 0,
                           .k_weight = norm ? weights : 0,
                           .q_out = place(NULL, q_count * sizeof *q),
                           .k_out = place(NULL, k_count * sizeof *k),
                           .keys = place(NULL, cache),
                           .values = place(NULL, cache),
                           .cos = place(cosine, sizeof cosine),
                           .sin = place(sine, sizeof sine),
                           .step = place(&step, sizeof step),
                           .heads = HEADS,
                           .kv_heads = KV_HEADS,
                           .dim = (uint32_t)dim,
                           .eps = 1e-6F,
                           .neighbours = neighbours};
  REQUIRE(launch("heads", 0, &t, sizeof t, HEADS + KV_HEADS, ROWS));
  for (size_t r = 0; r < ROWS; r++)
    for (size_t h = 0; h < HEADS + KV_HEADS; h++) {
      const bool is_q = h < HEADS;
      const size_t at = is_q ? (r * HEADS + h) * dim : (r * KV_HEADS + h - HEADS) * dim;
      const size_t table = (FIRST + r) * (dim / 2);
      memcpy(want, (is_q ? q : k) + at, dim * sizeof *want);
      if (norm) pv_definition.rmsnorm((is_q ? q : k) + at, weight, dim, t.eps, want);
      (neighbours ? pv_definition.rope_neighbours : pv_definition.rope)(want, dim, cosine + table,
                                                                        sine + table);
      same_floats((const float *)result(is_q ? t.q_out : t.k_out) + at, want, dim, "heads");
      if (is_q) continue;
      const size_t place_of = ((FIRST + r) * KV_HEADS + h - HEADS) * dim;
      same_floats((const float *)result(t.keys) + place_of, want, dim, "keys");
      same_floats((const float *)result(t.values) + place_of, v + at, dim, "values");
    }
}

static void test_heads(void) {
  check_heads(2, true, false);
  check_heads(40, true, false);
  check_heads(128, true, true);
  check_heads(256, false, true);
}

/* Rows at the positions FIRST, FIRST + 1, ...: the last of them sees more than nine chunks. */
static void check_attend(size_t dim, uint32_t first, uint32_t window, bool with_sinks) {
  enum { MOST = 700 };
  static float q[ROWS * HEADS * 256], keys[MOST * KV_HEADS * 128], values[MOST * KV_HEADS * 128];
  static float want[ROWS * HEADS * 256], scratch[MOST * 256];
  const float sinks[HEADS] = {0.5F, -3.0F, 9.0F, 0.0F};
  const size_t seen = first + ROWS, stride = KV_HEADS * dim, width = HEADS * dim;
  const uint32_t chunks = parts(seen, PV_ATTENTION_CHUNK);
  const pv_cuda_step step = {.position = first, .count = ROWS};
  fill(q, ROWS * width, dim + first, false);
  fill(keys, seen * stride, dim + 1, false);
  fill(values, seen * stride, dim + 2, true);
  begin();
  const pv_cuda_attend t = {
      .q = place(q, ROWS * width * sizeof *q),
      .keys = place(keys, seen * stride * sizeof *keys),
      .values = place(values, seen * stride * sizeof *values),
      .step = place(&step, sizeof step),
      .top = place(NULL, (size_t)ROWS * HEADS * chunks * sizeof(float)),
      .sum = place(NULL, (size_t)ROWS * HEADS * chunks * sizeof(float)),
      .value = place(NULL, ROWS * width * chunks * sizeof(float)),
      .out = place(NULL, ROWS * width * sizeof(float)),
      .sinks = with_sinks ? place(sinks, sizeof sinks) : 0,
      .acts = width % PV_SEGMENT == 0 ? empty_acts(width, ROWS) : (pv_cuda_acts){0},
      .heads = HEADS,
      .kv_heads = KV_HEADS,
      .dim = (uint32_t)dim,
      .chunks = chunks,
      .scale = 0.125F,
      .max = PV_ACT16_MAX,
      .window = window};
  REQUIRE(launch("attend", 0, &t, sizeof t, chunks * HEADS, ROWS));
  REQUIRE(launch("attend_combine", 0, &t, sizeof t, parts(width, 256), ROWS));
  for (size_t r = 0; r < ROWS; r++) {
    const size_t positions = first + r + 1;
    const size_t from = window > 0 && positions > window ? positions - window : 0;
    for (size_t h = 0; h < HEADS; h++) {
      const size_t at = from * stride + h / (HEADS / KV_HEADS) * dim;
      const pv_attend a = {.q = q + r * width + h * dim,
                           .k = keys + at,
                           .v = values + at,
                           .stride = stride,
                           .head_dim = dim,
                           .positions = positions - from,
                           .scale = t.scale,
                           .sink = with_sinks ? &sinks[h] : NULL,
                           .out = want + r * width + h * dim,
                           .scratch = scratch};
      pv_definition.attend(&a);
    }
    same_floats((const float *)result(t.out) + r * width, want + r * width, width, "attend");
    if (t.acts.q != 0) same_acts(&t.acts, want + r * width, width, r, false);
  }
}

static void test_attend(void) {
  check_attend(64, 0, 0, false);
  check_attend(40, 62, 0, true); /* over the end of a chunk */
  check_attend(128, 600, 0, false);
  check_attend(8, 150, 100, true);
  check_attend(64, 300, 65, false);
}

static void test_route(void) {
  static const size_t experts[] = {1, 8, 128, 300, 1024};
  static float logits[ROWS * PV_EXPERTS_MAX], weights[PV_EXPERTS_MAX];
  static int32_t indices[PV_EXPERTS_MAX];
  for (int form = PV_ROUTE_SUM_ONE; form <= PV_ROUTE_CHOSEN; form++)
    for (size_t e = 0; e < sizeof experts / sizeof *experts; e++) {
      const size_t n = experts[e], used = n < 8 ? n : n == 1024 ? 300 : 8;
      fill(logits, ROWS * n, n, false);
      if (n > 8) { /* ties, and what is no number */
        logits[3] = logits[5] = logits[7] = 20.0F;
        logits[n + 2] = NAN;
        logits[n + 6] = INFINITY;
      }
      begin();
      const pv_cuda_route t = {.logits = place(logits, ROWS * n * sizeof *logits),
                               .indices = place(NULL, ROWS * used * sizeof *indices),
                               .weights = place(NULL, ROWS * used * sizeof *weights),
                               .experts = (uint32_t)n,
                               .used = (uint32_t)used,
                               .form = (uint32_t)form};
      REQUIRE(launch("route", 0, &t, sizeof t, ROWS, 1));
      for (size_t r = 0; r < ROWS; r++) {
        pv_definition.route((pv_route_form)form, logits + r * n, n, used, indices, weights);
        same_floats((const float *)result(t.weights) + r * used, weights, used, "route");
        EXPECT_BYTES((const int32_t *)result(t.indices) + r * used, indices,
                     used * sizeof *indices);
      }
    }
}

int main(void) {
  const int none = bench_open();
  if (none != 0) return none;
  const int code = pv_testing_main(
      "vulkan attention",
      (pv_case[]){PV_CASE(test_heads), PV_CASE(test_attend), PV_CASE(test_route), {0}});
  bench_close();
  return code;
}
