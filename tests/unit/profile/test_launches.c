/* The profile of a device, by the interpreter of PTX with a clock that is played: each launch takes
 * ten ticks and each stamp one. */
#include <stdlib.h>
#include <string.h>

#include "runtime/forward/gpu_devices.h"
#include "runtime/forward/gpu_state.h"
#include "runtime/profile/profile.h"
#include "tests/unit/testing.h"

enum { PROMPT = 8, STAMPS = 4096 };

static pv_model *model;
static pv_gpu_ops played;
static pv_backend_ops backend;
static const char *names[256];
static size_t ticks, at[STAMPS], launched, filled;

static pv_code played_open(unsigned number, pv_gpu **out, pv_error *err) {
  const pv_code code = pv_gpu_ptx.open(number, out, err);
  if (code == PV_OK) (*out)->ops = &played;
  return code;
}

static pv_code played_find(pv_gpu *gpu, const char *kernel, unsigned *out, pv_error *err) {
  const pv_code code = pv_gpu_ptx.find(gpu, kernel, out, err);
  if (code == PV_OK && *out < sizeof names / sizeof *names) names[*out] = kernel;
  return code;
}

/* What keeps a device busy is nothing that has to be interpreted. */
static pv_code played_launch(pv_gpu *gpu, const pv_gpu_launch *l, pv_error *err) {
  ticks += 10;
  if (strncmp(names[l->kernel], "peak", 4) == 0) {
    filled++;
    return PV_OK;
  }
  launched += l->apart;
  return pv_gpu_ptx.launch(gpu, l, err);
}

static pv_code played_stamp(pv_gpu *gpu, size_t number, pv_error *err) {
  (void)gpu;
  (void)err;
  if (EXPECT(number < STAMPS)) at[number] = ticks++;
  return PV_OK;
}

static pv_code played_between(pv_gpu *gpu, size_t from, size_t to, double *seconds, pv_error *err) {
  (void)gpu;
  (void)err;
  *seconds = (double)(at[to] - at[from]);
  return PV_OK;
}

static pv_forward *open_forward(void) {
  const pv_backend_config config = {.context = 2 * PROMPT, .batch = PROMPT, .threads = 1};
  pv_backend *b = NULL;
  pv_forward *f = NULL;
  pv_error err = PV_ERROR_INIT;
  if (!EXPECT_I64(pv_gpu_open(&played, &backend, model, &config, &b, &err), PV_OK)) {
    pv_error_print(&err, stderr);
    return NULL;
  }
  EXPECT_I64(pv_forward_adopt(b, &f, NULL), PV_OK);
  return f;
}

/* Each row of the plan is one launch's, and each launch took eleven ticks. */
static void expect_all(const pv_profile *p, size_t count) {
  uint64_t rows = 0;
  double calls = 0.0;
  for (size_t i = 0; i < p->count; i++) {
    const pv_profile_row *r = &p->row[i];
    EXPECT(r->what != NULL && pv_kernel_find(r->what) != NULL);
    EXPECT((rows & r->rows) == 0);
    EXPECT_F64(r->seconds.median, 11.0 * r->calls, 1e-9);
    EXPECT((r->rows == 0) == (pv_work_bytes(&r->work) == 0.0));
    rows |= r->rows;
    calls += r->calls;
  }
  EXPECT_U64(rows, ((uint64_t)1 << model->plan->count) - 1);
  EXPECT_F64(calls, (double)count, 0.0);
  EXPECT_F64(p->whole.median, 12.0 * calls, 1e-9);
  EXPECT_F64(p->rest.median, calls, 1e-9);
}

static const pv_profile_row *row_of(const pv_profile *p, const char *what) {
  for (size_t i = 0; i < p->count; i++)
    if (strcmp(p->row[i].what, what) == 0) return &p->row[i];
  return NULL;
}

static void test_rows(void) {
  static pv_profile p;
  const pv_worker worker = {model, PV_NUMERICS_I16, 2};
  pv_forward *f = open_forward();
  if (f == NULL) return;
  const pv_speed s = {f, model, PROMPT};
  EXPECT_I64(pv_profile_prefill(&s, &worker, PROMPT, 1, &p, NULL), PV_OK);
  EXPECT_U64(filled, 1);
  expect_all(&p, launched);
  const pv_profile_row *group = row_of(&p, "group");
  EXPECT(group != NULL && group->rows == 0 && group->calls == model->shape.layers);
  const pv_profile_row *products = row_of(&p, "gemm");
  EXPECT(products != NULL && products->work.operations[PV_UNIT_INTEGER] > 0.0);
  launched = filled = 0;
  EXPECT_I64(pv_profile_decode(&s, &worker, PROMPT, 1, 1, &p, NULL), PV_OK);
  EXPECT_U64(filled, 1);
  expect_all(&p, launched);
  const double token = pv_work_token(&worker, PROMPT).weights;
  double weights = 0.0;
  for (size_t i = 0; i < p.count; i++) weights += p.row[i].work.weights;
  EXPECT_F64(weights, token, 1e-9 * token);
  pv_forward_close(f);
}

/* Attention behind many positions is several launches, of which the first one has the work. */
static const pv_meter *metering;
static pv_code meter_and_two_more(pv_backend *b, const pv_meter *meter, pv_error *err) {
  const pv_code code = pv_gpu_meter(b, meter, err);
  for (size_t i = 0; i < 2 && meter == NULL && metering != NULL && code == PV_OK; i++)
    metering->part(metering->context, &(pv_meter_part){.what = i == 0 ? "gemm" : "attend_rows"});
  metering = meter;
  return code;
}

static void test_rest_of_a_row(void) {
  static pv_profile before, p;
  const pv_worker worker = {model, PV_NUMERICS_I16, 2};
  pv_forward *f = open_forward();
  if (f == NULL) return;
  const pv_speed s = {f, model, PROMPT};
  EXPECT_I64(pv_profile_prefill(&s, &worker, PROMPT, 1, &before, NULL), PV_OK);
  backend.meter = meter_and_two_more;
  EXPECT_I64(pv_profile_prefill(&s, &worker, PROMPT, 1, &p, NULL), PV_OK);
  backend.meter = pv_gpu_meter;
  EXPECT_U64(p.count, before.count);
  const pv_profile_row *attention = row_of(&p, "attend_rows");
  EXPECT(attention != NULL && attention->rows != 0 &&
         attention->calls == model->shape.layers + 1.0);
  double products = 0.0; /* of some rows of that name the last one goes on */
  for (size_t i = 0; i < p.count; i++)
    if (strcmp(p.row[i].what, "gemm") == 0) products += p.row[i].calls;
  for (size_t i = 0; i < before.count; i++)
    if (strcmp(before.row[i].what, "gemm") == 0) products -= before.row[i].calls;
  EXPECT_F64(products, 1.0, 0.0);
  pv_forward_close(f);
}

/* A prompt and a token, of which the meter sees both or none. */
static float *logits_of(pv_forward *f, const pv_meter *meter) {
  const uint32_t ids[] = {861, 1644, 198};
  float *out = calloc(model->shape.vocab, sizeof *out);
  pv_forward_rewind(f, 0);
  if (meter != NULL) EXPECT_I64(pv_forward_meter(f, meter, NULL), PV_OK);
  EXPECT_I64(pv_forward_run(f, ids, 2, 0, NULL), PV_OK);
  EXPECT_I64(pv_forward_run(f, ids + 2, 1, 1, NULL), PV_OK);
  if (meter != NULL) EXPECT_I64(pv_forward_meter(f, NULL, NULL), PV_OK);
  if (out != NULL)
    EXPECT_I64(pv_forward_read(f, pv_model_stage(model, PV_ROLE_LOGITS), 0, 1, out, NULL), PV_OK);
  return out;
}

static void ignore_part(void *context, const pv_meter_part *part) {
  (void)context;
  (void)part;
}

static void ignore_whole(void *context, double seconds) {
  (void)context;
  (void)seconds;
}

static void test_same_bits(void) {
  const pv_meter meter = {ignore_part, ignore_whole, NULL};
  pv_forward *f = open_forward();
  if (f == NULL) return;
  launched = 0;
  float *without = logits_of(f, NULL);
  EXPECT_U64(launched, 0);
  float *with = logits_of(f, &meter);
  EXPECT(launched > 20);
  if (EXPECT(with != NULL && without != NULL))
    EXPECT_BYTES(with, without, sizeof(float) * model->shape.vocab);
  free(with);
  free(without);
  pv_forward_close(f);
}

/* What has no clock has no profile. */
static void test_refused(void) {
  const pv_backend_config config = {.context = 4, .batch = 1, .threads = 1};
  const pv_meter meter = {ignore_part, ignore_whole, NULL};
  pv_error err = PV_ERROR_INIT;
  pv_forward *f = NULL;
  if (!EXPECT_I64(pv_forward_open(model, "ptx", &config, &f, NULL), PV_OK)) return;
  EXPECT_I64(pv_forward_meter(f, &meter, &err), PV_ERR_UNSUPPORTED);
  EXPECT_HAS(err.message, "no profile of ptx");
  pv_forward_close(f);
}

int main(void) {
  pv_error err = PV_ERROR_INIT;
  if (pv_model_open("models/tiny-coder-moe-Q4_K_M.gguf", &model, &err) != PV_OK) {
    pv_error_print(&err, stderr);
    return 1;
  }
  played = pv_gpu_ptx;
  played.open = played_open;
  played.find = played_find;
  played.launch = played_launch;
  played.stamp = played_stamp;
  played.between = played_between;
  backend = pv_backend_ptx;
  backend.meter = pv_gpu_meter;
  const int code = pv_testing_main("profile of launches", (pv_case[]){PV_CASE(test_rows),
                                                                      PV_CASE(test_rest_of_a_row),
                                                                      PV_CASE(test_same_bits),
                                                                      PV_CASE(test_refused),
                                                                      {0}});
  pv_model_close(model);
  return code;
}
