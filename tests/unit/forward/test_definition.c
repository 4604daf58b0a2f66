/* The definition as a program computes the bits of the fast CPU backend, at every stage. */
#include <stdlib.h>
#include <string.h>

#include "kernels/definition/definition.h"
#include "runtime/forward/host.h"
#include "runtime/model/arch/qwen3moe.h"
#include "runtime/trace/capture.h"
#include "tests/unit/testing.h"

enum { LONG = 70 }; /* more than one chunk of attention */
static pv_model *model;
static uint32_t ids[LONG];

static void make_ids(void) {
  uint32_t state = 7;
  for (size_t i = 0; i < LONG; i++) {
    state = state * 1664525u + 1013904223u;
    ids[i] = state >> 8 & 4095u;
  }
}

static pv_capture *capture(pv_forward *forward, size_t count, size_t batch) {
  pv_capture *out = NULL;
  pv_error err = PV_ERROR_INIT;
  const pv_capture_spec spec = {.ids = ids, .count = count, .batch = batch};
  if (!EXPECT_I64(pv_capture_with(forward, model, &spec, &out, &err), PV_OK))
    pv_error_print(&err, stderr);
  pv_forward_close(forward);
  return out;
}

static pv_capture *fast(pv_numerics numerics, size_t count) {
  const pv_backend_config config = {numerics, LONG, LONG, 2, NULL};
  pv_forward *f = NULL;
  return EXPECT_I64(pv_forward_open(model, "cpu", &config, &f, NULL), PV_OK)
             ? capture(f, count, count)
             : NULL;
}

static pv_capture *plain(pv_numerics numerics, const pv_defect *defect, size_t count,
                         size_t batch) {
  const pv_backend_config config = {numerics, LONG, LONG, 2, NULL};
  pv_backend *b = NULL;
  pv_forward *f = NULL;
  if (!EXPECT_I64(pv_definition_open(model, &config, defect, &b, NULL), PV_OK)) return NULL;
  return EXPECT_I64(pv_forward_adopt(b, &f, NULL), PV_OK) ? capture(f, count, batch) : NULL;
}

static pv_difference compare(pv_capture *a, pv_capture *b) {
  pv_difference d = {0};
  if (a != NULL && b != NULL) EXPECT_I64(pv_capture_compare(a, b, &d, NULL), PV_OK);
  pv_capture_free(a);
  pv_capture_free(b);
  return d;
}

static void same_bits(pv_numerics numerics, size_t count, size_t batch) {
  const pv_difference d = compare(fast(numerics, count), plain(numerics, NULL, count, batch));
  EXPECT(d.compared > 1000);
  if (!EXPECT_U64(d.different, 0))
    fprintf(stderr, "  first in %s, layer %u, position %zu, element %zu: %.9g %.9g\n",
            model->plan->rows[d.stage].name, d.layer, d.position, d.index, d.left, d.right);
}

static void test_i16(void) {
  same_bits(PV_NUMERICS_I16, LONG, 27);
}
static void test_f64acc(void) {
  same_bits(PV_NUMERICS_F32_F64ACC, 19, 19);
}
static void test_i8(void) {
  same_bits(PV_NUMERICS_I8, 19, 1);
}

/* Stages made one by one from those of a capture: the same bits again. */
static void test_compute_and_write(void) {
  const pv_backend_config config = {PV_NUMERICS_I16, 9, 9, 2, NULL};
  const pv_batch batch = {ids, 9, 0, 9};
  pv_capture *c = fast(PV_NUMERICS_I16, 9);
  pv_backend *b = NULL;
  REQUIRE(c != NULL && pv_definition_open(model, &config, NULL, &b, NULL) == PV_OK);
  EXPECT_I64(b->ops->begin(b, &batch, NULL), PV_OK);
  float *got = malloc(9 * pv_capture_row_bytes(c, PV_STAGE_LOGITS));
  uint64_t stages = 0;
  for (pv_step step = {0}; pv_forward_next(model, 9, &step);) {
    for (size_t s = step.first; s < step.first + step.count; s++) {
      const void *want = pv_capture_row(c, s, step.layer, 0);
      EXPECT_I64(b->ops->compute(b, s, step.layer, NULL), PV_OK);
      EXPECT_I64(b->ops->read(b, s, 0, 9, got, NULL), PV_OK);
      EXPECT(memcmp(got, want, 9 * pv_capture_row_bytes(c, s)) == 0);
      EXPECT_I64(b->ops->write(b, s, step.layer, want, NULL), PV_OK);
      stages++;
    }
  }
  EXPECT_U64(stages, 4 * 19 + 4);
  int32_t indices[9 * 4] = {0};
  indices[7] = (int32_t)model->shape.experts;
  EXPECT_I64(b->ops->write(b, PV_STAGE_MOE_ROUTER_INDICES, 1, indices, NULL), PV_ERR_INPUT);
  free(got);
  pv_capture_free(c);
  b->ops->close(b);
}

static void flip(size_t position, size_t width, const void *before, void *data) {
  (void)before;
  if (position == 3) ((uint32_t *)data)[width - 1] ^= 1;
}

/* One bit of one element of one layer, and not elsewhere; and the comparison can fail. */
static void test_defect(void) {
  const pv_defect defect = {.role = PV_ROLE_EXPERTS_OUT, .layer = 2, .after = flip};
  const pv_difference d = compare(fast(PV_NUMERICS_I16, 6), plain(PV_NUMERICS_I16, &defect, 6, 6));
  EXPECT(d.present);
  EXPECT_I64(d.stage, PV_STAGE_EXPERT_DOWN);
  EXPECT_U64(d.layer, 2);
  EXPECT_U64(d.position, 3);
  EXPECT_U64(d.index, (uint64_t)model->shape.used * model->shape.ffn - 1);
}

static void test_f64_is_refused(void) {
  const pv_backend_config config = {PV_NUMERICS_F64, 9, 9, 1, NULL};
  pv_backend *b = NULL;
  EXPECT_I64(pv_definition_open(model, &config, NULL, &b, NULL), PV_ERR_UNSUPPORTED);
}

int main(void) {
  pv_error err = PV_ERROR_INIT;
  if (pv_model_open("models/tiny-coder-moe-Q4_K_M.gguf", &model, &err) != PV_OK) {
    pv_error_print(&err, stderr);
    return 1;
  }
  make_ids();
  const int code = pv_testing_main("plain", (pv_case[]){PV_CASE(test_i16),
                                                        PV_CASE(test_f64acc),
                                                        PV_CASE(test_i8),
                                                        PV_CASE(test_compute_and_write),
                                                        PV_CASE(test_defect),
                                                        PV_CASE(test_f64_is_refused),
                                                        {0}});
  pv_model_close(model);
  return code;
}
