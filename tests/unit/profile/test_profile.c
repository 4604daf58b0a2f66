/* A profile says what was computed and how long it took, changes no bit, and is gone when it ends.
 */
#include <stdlib.h>
#include <string.h>

#include "kernels/cpu/cpu.h"
#include "runtime/model/arch/qwen3moe.h"
#include "runtime/profile/profile.h"
#include "tests/unit/testing.h"

enum { PROMPT = 13, REPEATS = 2, TOKENS = 2 };
static pv_model *model;

static pv_forward *open_forward(pv_numerics numerics, const char *path, size_t batch) {
  const pv_backend_config config = {numerics, PROMPT + TOKENS + 2, batch, 2, path};
  pv_forward *f = NULL;
  pv_error err = PV_ERROR_INIT;
  if (!EXPECT_I64(pv_forward_open(model, "cpu", &config, &f, &err), PV_OK))
    pv_error_print(&err, stderr);
  return f;
}

static uint64_t bit(size_t row) {
  return (uint64_t)1 << row;
}

static double bytes_of(size_t row) {
  return (double)model->layers[1].weight[row]->bytes;
}

static pv_work work_of(pv_numerics numerics, uint64_t rows, size_t position, size_t count,
                       uint32_t experts) {
  const pv_worker worker = {model, numerics, 2};
  const pv_meter_part part = {
      .rows = rows, .layer = 1, .position = position, .count = count, .logits = 1};
  return pv_work_of(&worker, &part, experts);
}

static void test_work_of_products(void) {
  const pv_shape *s = &model->shape;
  const double q = s->heads * s->head_dim, kv = s->kv_heads * s->head_dim, hidden = s->hidden;
  const uint64_t three = bit(PV_STAGE_Q) | bit(PV_STAGE_K) | bit(PV_STAGE_V);
  pv_work w = work_of(PV_NUMERICS_I16, three, 9, 5, s->used);
  EXPECT_F64(w.weights, bytes_of(PV_STAGE_Q) + bytes_of(PV_STAGE_K) + bytes_of(PV_STAGE_V), 0.0);
  EXPECT_F64(w.activations, 5 * 4 * (hidden + q + 2 * kv), 0.0); /* the norm is read once */
  EXPECT_F64(w.cache, 5 * 4 * kv, 0.0);                          /* values enter it */
  EXPECT_F64(w.operations[PV_UNIT_INTEGER], 2 * 2 * 5 * hidden * (q + 2 * kv), 0.0);
  EXPECT_F64(w.operations[PV_UNIT_F32], 0.0, 0.0);
  /* With the norm together, it is not read. */
  w = work_of(PV_NUMERICS_F32_F64ACC, three | bit(PV_STAGE_ATTN_NORM), 9, 5, s->used);
  EXPECT_F64(w.activations, 5 * 4 * (2 * hidden + q + 2 * kv), 0.0);
  EXPECT_F64(w.operations[PV_UNIT_F64], 2 * 5 * hidden * (q + 2 * kv), 0.0);
  EXPECT_F64(w.operations[PV_UNIT_INTEGER], 0.0, 0.0);
  w = work_of(PV_NUMERICS_I16, bit(PV_STAGE_EXPERT_GATE), 0, 2, 3);
  EXPECT_F64(w.weights, bytes_of(PV_STAGE_EXPERT_GATE) * 3 / s->experts, 0.0);
  EXPECT_F64(w.operations[PV_UNIT_INTEGER], 2.0 * 2 * 2 * hidden * s->used * s->ffn, 0.0);
}

static void test_work_of_attention(void) {
  const pv_shape *s = &model->shape;
  const double q = s->heads * s->head_dim, kv = s->kv_heads * s->head_dim;
  pv_work w = work_of(PV_NUMERICS_I16, bit(PV_STAGE_ATTN_OUT), 9, 1, s->used);
  EXPECT_F64(w.cache, 10 * 2 * 4 * kv, 0.0);
  EXPECT_F64(w.activations, 2 * 4 * q, 0.0);
  EXPECT_F64(w.operations[PV_UNIT_F32], 10 * 4 * q, 0.0);
  w = work_of(PV_NUMERICS_F64, bit(PV_STAGE_ATTN_OUT), 0, 3, s->used);
  EXPECT_F64(w.cache, 3 * 2 * 8 * kv, 0.0);
  EXPECT_F64(w.operations[PV_UNIT_F64], (1 + 2 + 3) * 4 * q, 0.0);
}

/* Rows are what was told, add up to the whole, and stand for every row of the plan once. */
static void expect_whole(const pv_profile *p, const pv_worker *worker, size_t layers) {
  double sum = p->rest.median;
  uint64_t rows = 0;
  for (size_t i = 0; i < p->count; i++) {
    const pv_profile_row *r = &p->row[i];
    EXPECT(r->seconds.least > 0.0 && r->seconds.least <= r->seconds.median &&
           r->seconds.median <= r->seconds.most);
    EXPECT((rows & r->rows) == 0);
    EXPECT(r->calls == 1.0 || r->calls == (double)layers);
    EXPECT(i == 0 || p->row[i - 1].seconds.median >= r->seconds.median);
    rows |= r->rows;
    sum += r->seconds.median;
  }
  EXPECT_U64(rows, bit(worker->model->plan->count) - 1);
  EXPECT_F64(p->sum, sum, 1e-12);
  EXPECT(p->rest.least >= 0.0);
  EXPECT(p->whole.least > 0.0 && p->whole.most < 60.0);
}

static double sum_of_weights(const pv_profile *p) {
  double sum = 0.0;
  for (size_t i = 0; i < p->count; i++) sum += p->row[i].work.weights;
  return sum;
}

static void profile_side(pv_numerics numerics, const char *path) {
  static pv_profile p;
  const pv_worker worker = {model, numerics, 1};
  pv_forward *f = open_forward(numerics, path, PROMPT);
  if (f == NULL) return;
  const pv_speed s = {f, model, PROMPT};
  const double token = pv_work_token(&worker, 0).weights;
  EXPECT_I64(pv_profile_decode(&s, &worker, 0, TOKENS, REPEATS, &p, NULL), PV_OK);
  expect_whole(&p, &worker, model->shape.layers);
  EXPECT_F64(sum_of_weights(&p), token, 1e-9 * token);
  EXPECT_I64(pv_profile_prefill(&s, &worker, 1, REPEATS, &p, NULL), PV_OK);
  EXPECT_F64(sum_of_weights(&p), token, 1e-9 * token); /* of one position as many experts */
  EXPECT_I64(pv_profile_prefill(&s, &worker, PROMPT, REPEATS, &p, NULL), PV_OK);
  expect_whole(&p, &worker, model->shape.layers);
  EXPECT(sum_of_weights(&p) > 1.5 * token);
  pv_forward_close(f);
}

static void test_sides(void) {
  profile_side(PV_NUMERICS_I16, "scalar");
  profile_side(PV_NUMERICS_I16, NULL);
  profile_side(PV_NUMERICS_F32_F64ACC, NULL);
  profile_side(PV_NUMERICS_F64, NULL);
}

/* The same experts, however the prompt is cut. */
static void test_batches(void) {
  static pv_profile whole, cut;
  const pv_worker worker = {model, PV_NUMERICS_I16, 1};
  pv_forward *f = open_forward(PV_NUMERICS_I16, NULL, PROMPT);
  if (f == NULL) return;
  const pv_speed one = {f, model, PROMPT}, many = {f, model, 1};
  EXPECT_I64(pv_profile_prefill(&one, &worker, PROMPT, 1, &whole, NULL), PV_OK);
  EXPECT_I64(pv_profile_prefill(&many, &worker, PROMPT, 1, &cut, NULL), PV_OK);
  double operations[2] = {0.0, 0.0};
  for (size_t i = 0; i < whole.count; i++)
    operations[0] += whole.row[i].work.operations[PV_UNIT_INTEGER];
  for (size_t i = 0; i < cut.count; i++)
    operations[1] += cut.row[i].work.operations[PV_UNIT_INTEGER];
  EXPECT_F64(operations[1], operations[0], 1e-9 * operations[0]);
  EXPECT(sum_of_weights(&cut) > 3.0 * sum_of_weights(&whole));
  pv_forward_close(f);
}

static size_t told;

static void count_part(void *context, const pv_meter_part *part) {
  (void)context;
  (void)part;
  told++;
}

static float *logits_of(pv_forward *f, const pv_meter *meter) {
  const uint32_t ids[] = {861, 1644, 198, 17, 5, 3000, 12, 700};
  const size_t count = sizeof ids / sizeof *ids;
  float *out = calloc(count * model->shape.vocab, sizeof *out);
  const pv_stage_id stage = pv_model_stage(model, PV_ROLE_LOGITS);
  pv_forward_rewind(f, 0);
  if (meter != NULL) EXPECT_I64(pv_forward_meter(f, meter, NULL), PV_OK);
  EXPECT_I64(pv_forward_run(f, ids, count, count, NULL), PV_OK);
  if (meter != NULL) EXPECT_I64(pv_forward_meter(f, NULL, NULL), PV_OK);
  if (out != NULL) EXPECT_I64(pv_forward_read(f, stage, 0, count, out, NULL), PV_OK);
  return out;
}

static void test_same_bits(void) {
  const pv_meter meter = {count_part, NULL, NULL};
  pv_forward *f = open_forward(PV_NUMERICS_I16, NULL, 8);
  if (f == NULL) return;
  float *before = logits_of(f, NULL);
  EXPECT_U64(told, 0);
  float *with = logits_of(f, &meter);
  const size_t parts = told;
  EXPECT(parts > 10);
  float *after = logits_of(f, NULL);
  EXPECT_U64(told, parts);
  if (EXPECT(before != NULL && with != NULL && after != NULL)) {
    EXPECT_BYTES(with, before, sizeof(float) * 8 * model->shape.vocab);
    EXPECT_BYTES(after, before, sizeof(float) * 8 * model->shape.vocab);
  }
  free(before);
  free(with);
  free(after);
  pv_forward_close(f);
}

static void test_floor(void) {
  const pv_ceilings cpu = {
      .bytes_per_s = 100.0,
      .peak = {[PV_PEAK_INTEGER] = {"integer", "", 10.0}, [PV_PEAK_F32] = {"f32", "", 5.0}}};
  pv_profile_row row = {.work = {.weights = 50.0, .cache = 30.0, .activations = 20.0}};
  EXPECT_F64(pv_profile_floor(&row, &cpu).seconds, 1.0, 0.0);
  EXPECT_STR(pv_profile_floor(&row, &cpu).by, "memory");
  row.work.operations[PV_UNIT_INTEGER] = 20.0;
  EXPECT_F64(pv_profile_floor(&row, &cpu).seconds, 2.0, 0.0);
  EXPECT_STR(pv_profile_floor(&row, &cpu).by, "integer");
  row.work.operations[PV_UNIT_F32] = 20.0;
  EXPECT_STR(pv_profile_floor(&row, &cpu).by, "f32");
  row.work = (pv_work){.operations = {[PV_UNIT_F64] = 1.0}}; /* a peak that nobody knows */
  EXPECT(pv_profile_floor(&row, &cpu).by == NULL);
  pv_ceilings gpu = cpu;
  gpu.device = true;
  gpu.peak[PV_PEAK_MMA_INTEGER] = (pv_peak){"mma", "", 1000.0};
  EXPECT_STR(pv_ceilings_peak(&gpu, "gemm", PV_UNIT_INTEGER)->name, "mma");
  EXPECT_STR(pv_ceilings_peak(&gpu, "gemv_64", PV_UNIT_INTEGER)->name, "integer");
  EXPECT_STR(pv_ceilings_peak(&gpu, "attend_8", PV_UNIT_F32)->name, "f32");
}

static void test_names(void) {
  char text[64];
  pv_profile_row row = {.rows = bit(PV_STAGE_Q_ROPE) | bit(PV_STAGE_K_ROPE)};
  pv_profile_name(&row, model->plan, text, sizeof text);
  EXPECT_STR(text, "rmsnorm, rope");
  pv_profile_stages(&row, model->plan, text, sizeof text);
  EXPECT_STR(text, "q_rope, k_rope");
  row.what = "heads";
  pv_profile_name(&row, model->plan, text, sizeof text);
  EXPECT_STR(text, "heads");
  row.rows = 0;
  pv_profile_stages(&row, model->plan, text, sizeof text);
  EXPECT_STR(text, "");
}

static void expect_peaks(pv_numerics numerics, bool integer, bool f32, bool f64) {
  const bool want[PV_PEAKS] = {
      [PV_PEAK_INTEGER] = integer, [PV_PEAK_F32] = f32, [PV_PEAK_F64] = f64};
  pv_ceilings c = {.bytes_per_s = 7.0};
  EXPECT_I64(pv_ceilings_cpu("scalar", numerics, 2, 3, &c, NULL), PV_OK);
  EXPECT_F64(c.bytes_per_s, 7.0, 0.0);
  for (int i = 0; i < PV_PEAKS; i++) EXPECT((c.peak[i].per_s > 1e6) == want[i]);
}

static void test_ceilings(void) {
  pv_ceilings slow = {0}, fast = {0};
  const char *fastest = pv_cpu_path_get(NULL)->name;
  expect_peaks(PV_NUMERICS_I8, true, true, false);
  expect_peaks(PV_NUMERICS_F32_F64ACC, false, true, true);
  expect_peaks(PV_NUMERICS_F64, false, false, true);
  EXPECT_I64(pv_ceilings_cpu("scalar", PV_NUMERICS_I16, 2, 3, &slow, NULL), PV_OK);
  EXPECT_I64(pv_ceilings_cpu(fastest, PV_NUMERICS_I16, 2, 3, &fast, NULL), PV_OK);
  if (strcmp(fastest, "scalar") != 0)
    EXPECT(fast.peak[PV_PEAK_INTEGER].per_s > 2.0 * slow.peak[PV_PEAK_INTEGER].per_s);
  EXPECT_I64(pv_ceilings_cpu("other", PV_NUMERICS_I16, 2, 3, &fast, NULL), PV_ERR_UNSUPPORTED);
}

int main(void) {
  pv_error err = PV_ERROR_INIT;
  if (pv_model_open("models/tiny-coder-moe-Q4_K_M.gguf", &model, &err) != PV_OK) {
    pv_error_print(&err, stderr);
    return 1;
  }
  const int code = pv_testing_main("profile", (pv_case[]){PV_CASE(test_work_of_products),
                                                          PV_CASE(test_work_of_attention),
                                                          PV_CASE(test_sides),
                                                          PV_CASE(test_batches),
                                                          PV_CASE(test_same_bits),
                                                          PV_CASE(test_floor),
                                                          PV_CASE(test_names),
                                                          PV_CASE(test_ceilings),
                                                          {0}});
  pv_model_close(model);
  return code;
}
