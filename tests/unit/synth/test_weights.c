/* What the options promise about the weights, measured on the decoded values. */
#include <math.h>

#include "runtime/model/arch/qwen3moe.h"
#include "runtime/synth/synth.h"
#include "tests/unit/synth/temporary.h"
#include "tests/unit/testing.h"

static pv_model *made(pv_synth_options o) {
  pv_model *m = NULL;
  pv_error err = PV_ERROR_INIT;
  const char *path = in_temporary("model.gguf");
  o.force = o.no_sync = true;
  if (pv_synth_write(&o, path, NULL, NULL, &err) != PV_OK || pv_model_open(path, &m, &err) != PV_OK)
    EXPECT_STR(err.message, "");
  return m;
}

/* The values of a tensor in float64; to be freed. */
static double *decode(const pv_gguf_tensor *t) {
  double *values = malloc(t->elements * sizeof *values);
  if (values == NULL) abort();
  for (uint64_t row = 0; row < t->elements / t->dims[0]; row++)
    pv_dequant_f64(t->type, t->data + row * t->row_bytes, t->dims[0], values + row * t->dims[0]);
  return values;
}

static void expect_spread(const pv_gguf_tensor *t, double deviation) {
  double *x = decode(t), sum = 0.0, squares = 0.0;
  for (uint64_t i = 0; i < t->elements; i++) {
    sum += x[i];
    squares += x[i] * x[i];
  }
  const double mean = sum / (double)t->elements, rms = sqrt(squares / (double)t->elements);
  EXPECT_F64(rms / deviation, 1.0, 0.05);
  EXPECT_F64(mean / deviation, 0.0, 0.05);
  free(x);
}

static void test_spread(void) {
  for (int layout = 0; layout < PV_SYNTH_LAYOUT_COUNT; layout++) {
    pv_synth_options o = pv_synth_defaults();
    o.shape.vocab = 600;
    o.layout = (pv_synth_layout)layout;
    pv_model *m = made(o);
    REQUIRE(m != NULL);
    const double in = 1.0 / sqrt(256.0), back = 1.0 / sqrt(8.0);
    expect_spread(m->once.weight[PV_STAGE_EMBEDDING], 1.0);
    expect_spread(m->once.weight[PV_STAGE_LOGITS], in);
    for (unsigned i = 0; i < 4; i++) {
      const pv_layer *l = &m->layers[i];
      expect_spread(l->weight[PV_STAGE_Q], in);
      expect_spread(l->weight[PV_STAGE_V], in);
      expect_spread(l->weight[PV_STAGE_ATTN_PROJ], back / sqrt(512.0));
      expect_spread(l->weight[PV_STAGE_MOE_ROUTER_LOGITS], in);
      expect_spread(l->weight[PV_STAGE_EXPERT_UP], in);
      expect_spread(l->weight[PV_STAGE_EXPERT_DOWN], back / sqrt(256.0));
    }
    pv_model_close(m);
  }
}

/* Rows, experts, layers and tensors of one shape all differ from each other. */
static void test_independent(void) {
  pv_model *m = made(pv_synth_defaults());
  REQUIRE(m != NULL);
  const pv_gguf_tensor *up = m->layers[0].weight[PV_STAGE_EXPERT_UP],
                       *gate = m->layers[0].weight[PV_STAGE_EXPERT_GATE];
  EXPECT(memcmp(up->data, gate->data, up->row_bytes) != 0);
  EXPECT(memcmp(up->data, m->layers[1].weight[PV_STAGE_EXPERT_UP]->data, up->row_bytes) != 0);
  EXPECT(memcmp(up->data, up->data + up->row_bytes, up->row_bytes) != 0);
  EXPECT(memcmp(pv_model_expert(up, 0), pv_model_expert(up, 1), up->row_bytes) != 0);
  EXPECT(memcmp(m->layers[0].weight[PV_STAGE_ATTN_NORM]->data,
                m->layers[0].weight[PV_STAGE_FFN_NORM]->data, 64) != 0);
  double *norm = decode(m->layers[0].weight[PV_STAGE_ATTN_NORM]);
  for (unsigned i = 0; i < 256; i++) EXPECT(norm[i] >= 0.75 && norm[i] < 1.25);
  free(norm);
  pv_model_close(m);
}

static double others(const double *row, uint64_t count, uint64_t channel) {
  double sum = 0.0;
  for (uint64_t i = 0; i < count; i++)
    if (i != channel) sum += row[i] * row[i];
  return sqrt(sum / (double)(count - 1));
}

static void check_outlier(double factor, int64_t token) {
  pv_synth_options o = pv_synth_defaults();
  o.shape.vocab = 300;
  o.outlier = factor;
  o.outlier_channel = 77;
  o.outlier_token = token;
  pv_model *m = made(o);
  REQUIRE(m != NULL);
  EXPECT(m->once.weight[PV_STAGE_EMBEDDING]->type == PV_TYPE_F32);
  EXPECT(m->once.weight[PV_STAGE_LOGITS]->type == PV_TYPE_Q6_K); /* nothing else changes */
  double *x = decode(m->once.weight[PV_STAGE_EMBEDDING]);
  for (int64_t row = 0; row < 300; row++) {
    const double ratio = x[row * 256 + 77] / others(x + row * 256, 256, 77);
    if (token < 0 || token == row)
      EXPECT_F64(ratio / factor, 1.0, 1e-6);
    else
      EXPECT(fabs(ratio) < 3.0);
  }
  free(x);
  pv_model_close(m);
}

static void test_outlier(void) {
  check_outlier(26.0, -1);
  check_outlier(1000.0, -1);
  check_outlier(100000.0, -1);
  check_outlier(1000.0, 299);
  check_outlier(26.0, 0);
}

static void check_ties(double difference, uint32_t experts) {
  pv_synth_options o = pv_synth_defaults();
  o.shape.vocab = 300;
  o.shape.experts = experts;
  o.near_tie = difference;
  pv_model *m = made(o);
  REQUIRE(m != NULL);
  for (unsigned layer = 0; layer < 4; layer++) {
    double *x = decode(m->layers[layer].weight[PV_STAGE_MOE_ROUTER_LOGITS]);
    for (uint32_t e = 0; e + 1 < experts; e += 2)
      for (uint64_t i = 0; i < 256; i++) {
        const double want = i == e / 2 % 256 ? (double)(float)difference : 0.0;
        if (x[(e + 1) * 256 + i] - x[e * 256 + i] != want)
          EXPECT_F64(x[(e + 1) * 256 + i] - x[e * 256 + i], want, 0.0);
      }
    EXPECT(experts < 4 || x[0 * 256 + 9] != x[2 * 256 + 9]);
    free(x);
  }
  pv_model_close(m);
}

static void test_ties(void) {
  check_ties(1e-6, 16);
  check_ties(1e-9, 16);
  check_ties(0.0, 16);
  check_ties(0.5, 7); /* the last one has no partner */
  pv_synth_options o = pv_synth_defaults();
  pv_model *m = made(o); /* and without the option experts do not resemble each other */
  REQUIRE(m != NULL);
  double *x = decode(m->layers[0].weight[PV_STAGE_MOE_ROUTER_LOGITS]);
  unsigned same = 0;
  for (unsigned i = 0; i < 256; i++) same += x[i] == x[256 + i];
  EXPECT(same < 4);
  free(x);
  pv_model_close(m);
}

static void check_integers(const pv_gguf_tensor *t) {
  double *x = decode(t);
  unsigned seen[8] = {0};
  uint64_t wrong = 0;
  for (uint64_t i = 0; i < t->elements; i++) {
    const bool fits = x[i] == floor(x[i]) && x[i] >= -4.0 && x[i] <= 3.0;
    wrong += !fits;
    if (fits) seen[(int)x[i] + 4]++;
  }
  EXPECT_U64(wrong, 0);
  for (unsigned i = 0; i < 8; i++)
    EXPECT_F64((double)seen[i] * 8.0 / (double)t->elements, 1.0, 0.2);
  float *y = malloc(t->dims[0] * sizeof *y);
  REQUIRE(y != NULL);
  pv_dequant_f32(t->type, t->data, t->dims[0], y);
  for (uint64_t i = 0; i < t->dims[0]; i++) wrong += (double)y[i] != x[i];
  EXPECT_U64(wrong, 0);
  free(y);
  free(x);
}

static void test_integers(void) {
  for (int layout = 0; layout < PV_SYNTH_LAYOUT_COUNT; layout++) {
    pv_synth_options o = pv_synth_defaults();
    o.shape.vocab = 300;
    o.shape.layers = 3;
    o.layout = (pv_synth_layout)layout;
    o.integers = true;
    pv_model *m = made(o);
    REQUIRE(m != NULL);
    const pv_layer *l = &m->layers[2];
    const pv_gguf_tensor *const all[] = {m->once.weight[PV_STAGE_EMBEDDING],
                                         m->once.weight[PV_STAGE_LOGITS],
                                         l->weight[PV_STAGE_Q],
                                         l->weight[PV_STAGE_K],
                                         l->weight[PV_STAGE_V],
                                         l->weight[PV_STAGE_ATTN_PROJ],
                                         l->weight[PV_STAGE_EXPERT_UP],
                                         l->weight[PV_STAGE_MOE_ROUTER_LOGITS],
                                         l->weight[PV_STAGE_EXPERT_GATE],
                                         l->weight[PV_STAGE_EXPERT_DOWN]};
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++) check_integers(all[i]);
    double *norm = decode(l->weight[PV_STAGE_ATTN_NORM]);
    for (unsigned i = 0; i < 256; i++) EXPECT_F64(norm[i], 1.0, 0.0);
    free(norm);
    pv_model_close(m);
  }
}

int main(void) {
  const int result = pv_testing_main("synth weights", (pv_case[]){PV_CASE(test_spread),
                                                                  PV_CASE(test_independent),
                                                                  PV_CASE(test_outlier),
                                                                  PV_CASE(test_ties),
                                                                  PV_CASE(test_integers),
                                                                  {0}});
  temporary_remove();
  return result;
}
