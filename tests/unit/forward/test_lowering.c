/* Any plan is lowered: the interpreted kernels make the bits of the CPU in every stage, whatever
 * follows what. And the plans that are decoded most keep their launches. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cuda/images.h"
#include "runtime/forward/gpu_state.h"
#include "tests/unit/forward/odd_plans.h"
#include "tests/unit/testing.h"

enum { POSITIONS = 150, BATCH = 40, WIDEST = 512 };

typedef struct pair {
  const pv_model *model;
  pv_backend *cpu, *ptx;
  uint64_t compared;
} pair;

static pv_backend *open_one(const pv_backend_ops *ops, const pv_model *model,
                            pv_numerics numerics) {
  const pv_backend_config config = {
      .numerics = numerics, .context = POSITIONS, .batch = BATCH, .threads = 1};
  pv_backend *b = NULL;
  pv_error err = PV_ERROR_INIT;
  if (!EXPECT_I64(ops->open(model, &config, &b, &err), PV_OK)) pv_error_print(&err, stderr);
  return b;
}

static bool same_stage(pair *p, const pv_batch *batch, const pv_step *step, size_t stage) {
  static uint32_t left[BATCH * WIDEST], right[BATCH * WIDEST];
  const pv_plan *plan = p->model->plan;
  const size_t rows = pv_plan_is(plan, stage, PV_ROW_LAST_ROWS) ? batch->logits : batch->count;
  const size_t words = rows * pv_plan_width(plan, stage, &p->model->shape);
  char place[PV_PLACE_LENGTH];
  pv_error err = PV_ERROR_INIT;
  EXPECT_I64(p->cpu->ops->read(p->cpu, (pv_stage_id)stage, 0, rows, left, &err), PV_OK);
  if (!EXPECT_I64(p->ptx->ops->read(p->ptx, (pv_stage_id)stage, 0, rows, right, &err), PV_OK))
    pv_error_print(&err, stderr);
  p->compared += words;
  for (size_t i = 0; i < words; i++) {
    if (EXPECT_U64(left[i], right[i])) continue;
    fprintf(stderr, "  plan %s, %s, position %zu, batch of %zu, element %zu of %zu\n", plan->name,
            pv_plan_place(plan, stage, step->layer, place), batch->position, batch->count, i,
            words);
    return false;
  }
  return true;
}

/* Every stage of every step, or at the end those of the logits alone. */
static bool same_batch(pair *p, const pv_batch *batch, bool every) {
  pv_error err = PV_ERROR_INIT;
  pv_step step = {0};
  bool same = EXPECT_I64(p->cpu->ops->begin(p->cpu, batch, &err), PV_OK) &&
              EXPECT_I64(p->ptx->ops->begin(p->ptx, batch, &err), PV_OK);
  while (same && pv_plan_next(p->model->plan, p->model->shape.layers, &step)) {
    const bool last = pv_plan_is(p->model->plan, step.first, PV_ROW_LAST_ROWS);
    if (last && batch->logits == 0) break;
    same = EXPECT_I64(p->cpu->ops->run(p->cpu, &step, &err), PV_OK) &&
           EXPECT_I64(p->ptx->ops->run(p->ptx, &step, &err), PV_OK);
    if (!same) pv_error_print(&err, stderr);
    const bool top = pv_step_find(p->model->plan, &step, PV_ROLE_TOP) >= 0;
    for (size_t i = 0; same && i < step.count && (every || top); i++)
      same = same_stage(p, batch, &step, step.first + i);
  }
  return same;
}

/* Prefill in many and in few rows, then positions that are decoded, with and without a look. */
static void same_plan(size_t which, pv_numerics numerics) {
  static const size_t counts[] = {40, 33, 31, 8, 7, 3};
  size_t row = 0;
  uint32_t ids[POSITIONS];
  EXPECT(pv_plan_flaw(&odd_plans[which], &row) == NULL);
  pv_model *model = odd_model(&odd_plans[which], &odd_shapes[which], true);
  pair p = {model, open_one(&pv_backend_cpu, model, numerics),
            open_one(&pv_backend_ptx, model, numerics), 0};
  for (uint32_t i = 0; i < POSITIONS; i++) ids[i] = i * 37 % model->shape.vocab;
  size_t at = 0;
  bool same = p.cpu != NULL && p.ptx != NULL;
  for (size_t i = 0; same && at < POSITIONS; i++) {
    const size_t count = i < sizeof counts / sizeof *counts ? counts[i] : 1;
    const pv_batch batch = {ids + at, count, at, count == 8 ? 0 : count == 1 ? 1 : 2};
    same = same_batch(&p, &batch, count > 1 || i % 3 == 0);
    at += count;
  }
  EXPECT(p.compared > 300000);
  if (p.cpu != NULL) p.cpu->ops->close(p.cpu);
  if (p.ptx != NULL) p.ptx->ops->close(p.ptx);
  odd_model_free(model);
}

static void test_plans(void) {
  static const pv_numerics numerics[] = {PV_NUMERICS_I16, PV_NUMERICS_I8, PV_NUMERICS_F32_F64ACC};
  size_t count = 0;
  (void)pv_cuda_modules(&count);
  if (count == 0) {
    pv_testing_skip("this build has no kernels");
    return;
  }
  for (size_t i = 0; i < ODD_PLANS; i++)
    for (size_t n = 0; n < 3; n++) same_plan(i, numerics[n]);
}

/* A device that notes down which kernels it is given, and runs none. */
static char launched[2048];
static const pv_gpu_ops spy;

static pv_code spy_open(unsigned number, pv_gpu **out, pv_error *err) {
  static pv_gpu gpu;
  (void)number;
  (void)err;
  gpu.ops = &spy;
  *out = &gpu;
  return PV_OK;
}

static void spy_close(pv_gpu *gpu) {
  (void)gpu;
}

static pv_code spy_info(pv_gpu *gpu, pv_gpu_info *out, pv_error *err) {
  (void)gpu;
  (void)err;
  *out = (pv_gpu_info){
      .processors = 132, .shared = 227u << 10, .memory = 1ull << 36, .free_ = 1ull << 36};
  return PV_OK;
}

static pv_code spy_alloc(pv_gpu *gpu, uint64_t bytes, uint64_t *out, pv_error *err) {
  static uint64_t next = 4096;
  (void)gpu;
  (void)err;
  *out = next;
  next += (bytes + 255) & ~255ull;
  return PV_OK;
}

static pv_code spy_upload(pv_gpu *gpu, uint64_t to, const void *from, uint64_t bytes,
                          pv_error *err) {
  (void)gpu;
  (void)to;
  (void)from;
  (void)bytes;
  (void)err;
  return PV_OK;
}

static pv_code spy_find(pv_gpu *gpu, const char *kernel, unsigned *out, pv_error *err) {
  (void)gpu;
  (void)err;
  for (*out = 0; strcmp(pv_kernel_get((pv_gpu_kernel)*out)->name, kernel) != 0;) (*out)++;
  return PV_OK;
}

static pv_code spy_launch(pv_gpu *gpu, const pv_gpu_launch *launch, pv_error *err) {
  const size_t n = strlen(launched);
  (void)gpu;
  (void)err;
  snprintf(launched + n, sizeof launched - n, "%s%s", n > 0 ? " " : "",
           pv_kernel_get((pv_gpu_kernel)launch->kernel)->name);
  return PV_OK;
}

static pv_code spy_finish(pv_gpu *gpu, pv_error *err) {
  (void)gpu;
  (void)err;
  return PV_OK;
}

static pv_code spy_recorded(pv_gpu *gpu, unsigned *sequence, pv_error *err) {
  *sequence = 0;
  return spy_finish(gpu, err);
}

static pv_code spy_replay(pv_gpu *gpu, unsigned sequence, pv_error *err) {
  (void)sequence;
  return spy_finish(gpu, err);
}

static const pv_gpu_ops spy = {.name = "spy",
                               .open = spy_open,
                               .close = spy_close,
                               .info = spy_info,
                               .alloc = spy_alloc,
                               .upload = spy_upload,
                               .find = spy_find,
                               .launch = spy_launch,
                               .finish = spy_finish,
                               .record = spy_finish,
                               .recorded = spy_recorded,
                               .replay = spy_replay};

/* Makes Q8_0 of a model Q4_K, whose rows are shorter. */
static void retype(const pv_gguf_tensor *const *weights) {
  for (size_t row = 0; row < PV_STAGES_MAX; row++) {
    pv_gguf_tensor *t = (pv_gguf_tensor *)(uintptr_t)weights[row];
    if (t == NULL || t->type != PV_TYPE_Q8_0) continue;
    const pv_type_info *type = pv_type_get(PV_TYPE_Q4_K);
    t->type = type->type;
    t->row_bytes = t->dims[0] / type->block_elements * type->block_bytes;
    t->bytes = t->row_bytes * t->dims[1] * t->dims[2];
  }
}

/* What a batch of `count` positions is launched as, 56 positions before the end of the context. */
static void expect_launches(const char *plan, const pv_shape *shape, pv_numerics numerics,
                            size_t count, const char *want) {
  static const uint32_t ids[16];
  const pv_backend_config config = {.numerics = numerics, .context = shape->context, .batch = 16};
  const pv_batch batch = {ids, count, shape->context - 56, 1};
  pv_model *model = odd_model(pv_plan_named(plan), shape, false);
  pv_backend *b = NULL;
  pv_error err = PV_ERROR_INIT;
  pv_step step = {0};
  launched[0] = '\0';
  if (shape->hidden % 256 == 0) retype(model->once.weight);
  for (uint32_t i = 0; shape->hidden % 256 == 0 && i < shape->layers; i++)
    retype(model->layers[i].weight);
  REQUIRE(pv_gpu_open(&spy, &pv_backend_cuda, model, &config, &b, &err) == PV_OK);
  EXPECT_I64(b->ops->begin(b, &batch, &err), PV_OK);
  while (pv_plan_next(model->plan, model->shape.layers, &step))
    EXPECT_I64(b->ops->run(b, &step, &err), PV_OK);
  EXPECT_STR(launched, want);
  b->ops->close(b);
  odd_model_free(model);
}

#define TOP " argmax_parts argmax"

static void test_launches(void) {
  const pv_shape s = {.layers = 1,
                      .hidden = 64,
                      .heads = 4,
                      .kv_heads = 2,
                      .head_dim = 32,
                      .experts = 8,
                      .used = 2,
                      .ffn = 64,
                      .vocab = 101,
                      .context = 256,
                      .rope = {.base = 1e4},
                      .eps = 1e-6f};
  expect_launches(
      "qwen3moe", &s, PV_NUMERICS_I16, 1,
      "embed gemv attend_step_1 attend_step_combine gemv gemv_few gate_up down gemv" TOP);
  expect_launches("qwen3moe", &s, PV_NUMERICS_I16, 4,
                  "embed gemv heads attend_1 attend_combine gemv gemv gate_up down gemv" TOP);
  expect_launches("qwen3moe", &s, PV_NUMERICS_I8, 16,
                  "embed rmsnorm gemm heads attend_rows attend_combine gemm add rmsnorm wide route "
                  "group gemm swiglu gemm combine gemv" TOP);
  expect_launches("qwen3", &s, PV_NUMERICS_I16, 1,
                  "embed gemv attend_step_1 attend_step_combine gemv gemv swiglu gemv gemv" TOP);
  expect_launches("qwen3", &s, PV_NUMERICS_I16, 16,
                  "embed rmsnorm gemm heads attend_rows attend_combine gemm add rmsnorm gemm "
                  "swiglu gemm add gemv" TOP);
  pv_shape usual = s;
  usual.hidden = 2048;
  usual.heads = 32;
  usual.kv_heads = 4;
  usual.head_dim = 128;
  usual.ffn = 768;
  usual.experts = 2;
  usual.context = 56 + 127; /* two chunks, which a block puts together */
  expect_launches(
      "qwen3moe", &usual, PV_NUMERICS_I16, 1,
      "embed gemv_64 attend_step_1_128 gemv_128 gemv_few gate_up_64 down_24 gemv_64" TOP);
  usual.context++;
  expect_launches(
      "qwen3moe", &usual, PV_NUMERICS_I16, 1,
      "embed gemv_64 attend_step_4_128 attend_step_combine gemv_128 gemv_few gate_up_64 "
      "down_24 gemv_64" TOP);
  usual.context = 56 + 32768; /* many, for the processors */
  expect_launches(
      "qwen3moe", &usual, PV_NUMERICS_I16, 1,
      "embed gemv_64 attend_step_8_128 attend_step_combine gemv_128 gemv_few gate_up_64 "
      "down_24 gemv_64" TOP);
  usual.context = 56 + 256;
  usual.ffn = 512;
  expect_launches(
      "qwen3moe", &usual, PV_NUMERICS_I16, 1,
      "embed gemv_64 attend_step_4_128 attend_step_combine gemv_128 gemv_few gate_up_64 "
      "down gemv_64" TOP);
  /* The last of 16 rows behind 200 is at 215: a window of 216 is not passed, one of 215 is. */
  pv_shape sliding = s;
  sliding.window_period = 2;
  sliding.window = 216;
  expect_launches("qwen3", &sliding, PV_NUMERICS_I16, 16,
                  "embed rmsnorm gemm heads attend_rows attend_combine gemm add rmsnorm gemm "
                  "swiglu gemm add gemv" TOP);
  sliding.window = 215;
  expect_launches("qwen3", &sliding, PV_NUMERICS_I16, 16,
                  "embed rmsnorm gemm heads attend_1 attend_combine gemm add rmsnorm gemm "
                  "swiglu gemm add gemv" TOP);
}

/* What no kernel computes is said before anything is opened. */
static void test_beyond(void) {
  const struct {
    size_t row;
    unsigned flags;
    uint8_t in;
    const char *stage;
  } cases[] = {{19, PV_ROW_STEP, 17, "gate"},              /* parts of experts as a row */
               {10, PV_ROW_BY_EXPERT, 9, "attn_residual"}, /* a row as parts */
               {13, PV_ROW_BY_EXPERT, 12, "weights"},      /* routing by expert */
               {2, PV_ROW_STEP | PV_ROW_APPENDS, 1, "q"}}; /* too wide for the cache */
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    pv_stage_row rows[PV_STAGES_MAX];
    pv_plan plan = odd_plans[2];
    pv_gpu_cover cover = {.attend = 77};
    pv_error err = PV_ERROR_INIT;
    memcpy(rows, plan.rows, plan.count * sizeof *rows);
    rows[cases[i].row].flags = cases[i].flags;
    rows[cases[i].row].in[0] = cases[i].in;
    plan.rows = rows;
    EXPECT_I64(pv_gpu_cover_plan(&plan, false, &cover, &err), PV_ERR_UNSUPPORTED);
    EXPECT_HAS(err.message, cases[i].stage);
    EXPECT_HAS(err.message, "no kernel");
    EXPECT_I64(cover.attend, 77);
  }
}

int main(void) {
  return pv_testing_main(
      "lowering",
      (pv_case[]){PV_CASE(test_plans), PV_CASE(test_launches), PV_CASE(test_beyond), {0}});
}
