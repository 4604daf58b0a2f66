/* forward.shape over a backend with planted defects: each must be a FAIL with its reason. The
 * linker puts the wrappers of this file between the forward and the CPU backend. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/checks/check.h"
#include "runtime/model/arch/qwen3moe.h"
#include "tests/unit/testing.h"

#define MODEL     "models/tiny-coder-moe-Q4_K_M.gguf"
#define REFERENCE "models/tiny-coder-moe.reference"

typedef enum defect {
  NONE,
  WIDE,         /* a stage is eight elements too wide, for all who ask */
  SHORT_READ,   /* the last element is not written */
  LONG_READ,    /* one element too many is written */
  FEW_ROWS,     /* the last row of a batch stays as it was */
  WRONG_ROW,    /* the last row of a batch is a copy of the first */
  NO_ROW,       /* the last position is never computed */
  BAD_ARGMAX,   /* one beyond the vocabulary */
  BAD_EXPERT,   /* a negative index */
  FEWER_USED,   /* one expert fewer than the metadata say */
  FEWER_LAYERS, /* one layer fewer */
  DEFECTS
} defect;
static defect planted;

static pv_model *model;
static pv_reference *reference;

/* What a backend keeps of one stage, for FEW_ROWS; and the batch it is at. */
typedef struct device {
  pv_backend *backend;
  float *kept;
  size_t position, count;
} device;
static device devices[4];

extern const pv_backend_ops __real_pv_backend_cpu;
pv_backend_ops __wrap_pv_backend_cpu; /* the real one's, some replaced in main */
size_t __real_pv_plan_width(const pv_plan *plan, size_t row, const pv_shape *shape);
size_t __wrap_pv_plan_width(const pv_plan *plan, size_t row, const pv_shape *shape);

size_t __wrap_pv_plan_width(const pv_plan *plan, size_t row, const pv_shape *shape) {
  const size_t width = __real_pv_plan_width(plan, row, shape);
  return planted == WIDE && row == PV_STAGE_ATTN_RESIDUAL ? width + 8 : width;
}

static device *device_of(const pv_backend *backend) {
  for (size_t i = 0; i < 4; i++)
    if (devices[i].backend == backend) return &devices[i];
  return NULL;
}

static pv_code plant_open(const pv_model *m, const pv_backend_config *config, pv_backend **out,
                          pv_error *err) {
  const pv_code code = __real_pv_backend_cpu.open(m, config, out, err);
  if (code != PV_OK) return code;
  device *d = device_of(NULL);
  (*out)->ops = &__wrap_pv_backend_cpu;
  if (d == NULL) abort();
  d->kept = calloc(config->batch, m->shape.used * m->shape.hidden * sizeof(float));
  if (d->kept == NULL) abort();
  d->backend = *out;
  return PV_OK;
}

static void plant_close(pv_backend *backend) {
  device *d = device_of(backend);
  free(d->kept);
  *d = (device){0};
  __real_pv_backend_cpu.close(backend);
}

static pv_code plant_begin(pv_backend *backend, const pv_batch *batch, pv_error *err) {
  device *d = device_of(backend);
  d->position = batch->position;
  d->count = batch->count;
  return __real_pv_backend_cpu.begin(backend, batch, err);
}

static void spoil(const device *d, pv_stage_id stage, size_t rows, size_t row, unsigned char *whole,
                  unsigned char *out) {
  const size_t bytes = rows * row;
  const int32_t bad = planted == BAD_ARGMAX ? (int32_t)d->backend->model->shape.vocab : -1;
  size_t written = bytes;
  if (planted == SHORT_READ && stage == PV_STAGE_EXPERT_UP) written -= sizeof(float);
  if (planted == LONG_READ && stage == PV_STAGE_MOE_ROUTER) written += sizeof(float);
  if (planted == FEW_ROWS && stage == PV_STAGE_EXPERT_DOWN) {
    memcpy(d->kept, whole, bytes - row);
    memcpy(whole, d->kept, bytes);
  }
  if (planted == WRONG_ROW && stage == PV_STAGE_V) memcpy(whole + bytes - row, whole, row);
  if (planted == NO_ROW && stage == PV_STAGE_LOGITS &&
      d->position + d->count == d->backend->config.context)
    memset(whole + bytes - row, 0, row);
  if ((planted == BAD_ARGMAX && stage == PV_STAGE_ARGMAX) ||
      (planted == BAD_EXPERT && stage == PV_STAGE_MOE_ROUTER_INDICES))
    memcpy(whole + bytes - sizeof bad, &bad, sizeof bad);
  memcpy(out, whole, written);
}

static pv_code plant_read(pv_backend *backend, pv_stage_id stage, size_t row, size_t rows,
                          void *out, pv_error *err) {
  const device *d = device_of(backend);
  const size_t width = __wrap_pv_plan_width(backend->model->plan, stage, &backend->model->shape);
  float *whole = calloc(rows + 1, width * sizeof(float));
  if (whole == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory");
  const pv_code code = __real_pv_backend_cpu.read(backend, stage, row, rows, whole, err);
  if (code == PV_OK) spoil(d, stage, rows, width * sizeof(float), (unsigned char *)whole, out);
  free(whole);
  return code;
}

static void expect_of(const char *name, defect what, const char *verdict, const char *reason) {
  pv_capture_cache cache = {0};
  pv_error err = PV_ERROR_INIT;
  pv_model other = *model;
  if (what == FEWER_USED) other.shape.used--;
  if (what == FEWER_LAYERS) other.shape.layers--;
  json_t *with = json_pack("{s:[s]}", "prompts", "p0");
  pv_check check = {.cache = &cache,
                    .spec = pv_check_find(name),
                    .with = with,
                    .model = &other,
                    .reference = reference,
                    .threads = 1,
                    .verdict = "NOT_RUN",
                    .metrics = json_object(),
                    .series = json_array(),
                    .backends = json_array()};
  planted = what;
  EXPECT_I64(check.spec->run(&check, &err), PV_OK);
  planted = NONE;
  if (!EXPECT_STR(check.verdict, verdict) || !EXPECT_HAS(check.reason, reason))
    fprintf(stderr, "  defect %d: %s %s\n", (int)what, check.reason, err.message);
  EXPECT(check.compared > 0 || what == FEWER_USED);
  pv_capture_cache_free(&cache);
  json_decref(with);
  json_decref(check.metrics);
  json_decref(check.series);
  json_decref(check.backends);
  json_decref(check.worst);
}

static void expect(defect what, const char *verdict, const char *reason) {
  expect_of("forward.shape", what, verdict, reason);
}

static void test_planted_defects(void) {
  expect(NONE, "PASS", "");
  expect(WIDE, "FAIL", "stage attn_residual of layer 0 is ");
  expect(SHORT_READ, "FAIL", "stage expert_up of layer 0: 4 of ");
  expect(LONG_READ, "FAIL", "stage moe_router of layer 0: 4 bytes are written beyond");
  expect(FEW_ROWS, "FAIL", "stage expert_down of layer 0, position ");
  expect(WRONG_ROW, "FAIL", "in a fresh forward");
  expect(NO_ROW, "FAIL", "it was not computed");
  expect(BAD_ARGMAX, "FAIL", "outside 0..");
  expect(BAD_EXPERT, "FAIL", "holds -1, outside 0..");
  expect(FEWER_USED, "FAIL", "stage moe_router of layer 0 is ");
  expect(FEWER_LAYERS, "FAIL", "came 0 times for position 0");
}

/* An expert that is none is a finding there too, and no place in a table. */
static void test_arbiter(void) {
  expect_of("forward.arbiter", BAD_EXPERT, "FAIL", "has the expert -1, outside 0..15");
}

int main(void) {
  pv_error err = PV_ERROR_INIT;
  __wrap_pv_backend_cpu = __real_pv_backend_cpu;
  __wrap_pv_backend_cpu.open = plant_open;
  __wrap_pv_backend_cpu.close = plant_close;
  __wrap_pv_backend_cpu.begin = plant_begin;
  __wrap_pv_backend_cpu.read = plant_read;
  if (pv_model_open(MODEL, &model, &err) != PV_OK ||
      pv_reference_open(REFERENCE, &reference, &err) != PV_OK) {
    pv_error_print(&err, stderr);
    return 1;
  }
  const int code = pv_testing_main(
      "forward.shape", (pv_case[]){PV_CASE(test_planted_defects), PV_CASE(test_arbiter), {0}});
  pv_reference_close(reference);
  pv_model_close(model);
  return code;
}
