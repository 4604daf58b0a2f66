/* Experts of each layer over several devices, interpreted: the bits are those of one device and of
 * the CPU, over prefill, cut batches and decode; each device holds its experts and no others; an
 * expert that is computed for another one, and rows that do not come back, are seen. */
#include <stdlib.h>
#include <string.h>

#include "kernels/cuda/embed.h"
#include "runtime/forward/gpu_state.h"
#include "tests/unit/forward/odd_plans.h"
#include "tests/unit/forward/seen.h"
#include "tests/unit/forward/two_queues.h"
#include "tests/unit/testing.h"

static const pv_shape shape = {.layers = 2,
                               .hidden = 64,
                               .heads = 2,
                               .kv_heads = 1,
                               .head_dim = 32,
                               .experts = 7,
                               .used = 3,
                               .ffn = 64,
                               .vocab = 53,
                               .context = 64,
                               .rope = {.base = 1e4},
                               .eps = 1e-6f};
static pv_backend_config config = {
    .numerics = PV_NUMERICS_I16, .context = SEEN_POSITIONS, .batch = SEEN_BATCH, .threads = 1};
static uint32_t ids[SEEN_POSITIONS];
static pv_model *model;
static seen whole; /* what one device gives */

static seen run_and_close(pv_backend *b) {
  pv_error err = PV_ERROR_INIT;
  seen out = seen_make();
  if (!EXPECT_I64(seen_run(b, ids, &out, &err), PV_OK)) pv_error_print(&err, stderr);
  b->ops->close(b);
  return out;
}

static pv_backend *open_on(const pv_gpu_ops *device, const pv_devices *devices) {
  pv_backend *b = NULL;
  pv_error err = PV_ERROR_INIT;
  if (!EXPECT_I64(pv_split_open(device, &pv_backend_ptx, devices, model, &config, &b, &err), PV_OK))
    pv_error_print(&err, stderr);
  if (b == NULL) abort();
  return b;
}

static seen run_one_device(void) {
  return run_and_close(open_on(&two_plain, &(pv_devices){{0}, 1, false}));
}

static void prepare(void) {
  two_begin();
  for (uint32_t i = 0; i < SEEN_POSITIONS; i++) ids[i] = i * 37 % shape.vocab;
  model = odd_model(pv_plan_named("qwen3moe"), &shape, true);
  REQUIRE(model != NULL);
  whole = run_one_device();
  EXPECT(whole.count > 10000);
  pv_backend *b = NULL;
  pv_error err = PV_ERROR_INIT;
  REQUIRE(pv_backend_cpu.open(model, &config, &b, &err) == PV_OK);
  seen cpu = run_and_close(b);
  EXPECT(seen_same(&cpu, &whole));
  free(cpu.words);
}

/* The experts' weights in the file that the device has. */
static uint64_t expert_bytes(const pv_gpu_info *info) {
  uint64_t bytes = 0;
  for (uint32_t layer = 0; layer < model->shape.layers; layer++)
    for (size_t row = 0; row < model->plan->count; row++)
      if (pv_plan_is(model->plan, row, PV_ROW_BY_EXPERT) && model->plan->rows[row].weight != NULL)
        bytes += model->layers[layer].weight[row]->bytes / model->shape.experts *
                 (info->expert_end - info->expert_first);
  return bytes;
}

/* Each device has its share of the experts; all else is on the first one. */
static void check_shares(pv_backend *b, const pv_devices *devices) {
  pv_error err = PV_ERROR_INIT;
  pv_gpu_info info = {0}, all = {0};
  uint64_t held = 0;
  uint32_t at = 0;
  for (size_t d = 0; d < devices->count; d++) {
    pv_backend *part = b->ops->part(b, d);
    EXPECT_I64(part->ops->device(part, &info, &err), PV_OK);
    EXPECT(info.first == 0 && info.end == model->shape.layers);
    EXPECT(info.expert_first == at && info.expert_end > at);
    EXPECT_U64(info.held, part->ops->memory(part));
    const uint64_t experts = expert_bytes(&info);
    EXPECT(model->memory > 0 || info.loaded >= experts);
    EXPECT(d == 0 || info.loaded < experts + experts / 4 + 4096); /* padded, and no more */
    EXPECT(model->memory == 0 || info.held <= model->memory);
    held += info.held;
    at = info.expert_end;
  }
  EXPECT_U64(at, shape.experts);
  EXPECT(b->ops->part(b, devices->count) == NULL);
  EXPECT_U64(b->ops->memory(b), held);
  EXPECT_I64(b->ops->device(b, &all, &err), PV_OK);
  EXPECT_U64(all.held, held);
  EXPECT(all.expert_first == 0 && all.expert_end == shape.experts);
  EXPECT(all.streamed_layers <= model->shape.layers);
  EXPECT(model->memory == 0 || all.streamed_layers > 0);
}

static void test_bits(void) {
  static const pv_devices devices = {{3, 1, 2}, 3, true}; /* 2, 2 and 3 of the experts */
  pv_backend *b = open_on(&two_plain, &devices);
  EXPECT_STR(b->ops->name, "ptx");
  check_shares(b, &devices);
  seen s = run_and_close(b);
  EXPECT(seen_same(&s, &whole));
  free(s.words);
}

/* A limit holds for all that is on a device, the experts and the rest of the first one. */
static void test_limit(void) {
  static const pv_devices devices = {{0, 1}, 2, true};
  pv_model *usual = model;
  pv_shape three = shape;
  pv_backend *b = NULL;
  pv_error err = PV_ERROR_INIT;
  three.layers = 3; /* of which two have room */
  model = odd_model(pv_plan_named("qwen3moe"), &three, true);
  seen one = run_one_device();
  model->memory = 1;
  EXPECT_I64(pv_split_open(&two_plain, &pv_backend_ptx, &devices, model, &config, &b, &err),
             PV_ERR_NOMEM);
  EXPECT_HAS(err.message, "bytes of device memory are needed at least, and 1 may be held");
  model->memory = strtoull(err.message, NULL, 10);
  b = open_on(&two_plain, &devices);
  check_shares(b, &devices);
  seen s = run_and_close(b);
  EXPECT(seen_same(&s, &one));
  free(s.words);
  free(one.words);
  odd_model_free(model);
  model = usual;
}

static void test_numerics(void) {
  config.numerics = PV_NUMERICS_F32_F64ACC;
  seen one = run_one_device();
  seen two_ = run_and_close(open_on(&two_plain, &(pv_devices){{0, 1}, 2, true}));
  EXPECT(seen_same(&one, &two_));
  EXPECT(!seen_same(&one, &whole));
  free(one.words);
  free(two_.words);
  config.numerics = PV_NUMERICS_I16;
}

/* A plan of no architecture: experts with biases, and a network beside them. */
static void test_odd(void) {
  pv_model *usual = model;
  model = odd_model(&odd_plans[0], &odd_shapes[0], true);
  seen one = run_one_device();
  seen two_ = run_and_close(open_on(&two_plain, &(pv_devices){{0, 1, 2}, 3, true}));
  EXPECT(one.count > 10000 && seen_same(&one, &two_));
  free(one.words);
  free(two_.words);
  odd_model_free(model);
  model = usual;
}

/* A device that does one thing wrong. */
typedef enum fault { OTHER_EXPERT, LOST_ROWS } fault;
static pv_gpu_ops planted;
static fault plant;
static struct {
  pv_gpu *home; /* the one that is opened first */
  unsigned uploads;
  size_t done;
} state;

static pv_code planted_open(unsigned number, pv_gpu **out, pv_error *err) {
  const pv_code code = two_plain.open(number, out, err);
  if (code != PV_OK) return code;
  (*out)->ops = &planted;
  if (state.home == NULL) state.home = *out;
  return PV_OK;
}

/* Of a batch a holder gets the step, its positions and the numbers of its experts, in this order.
 */
static pv_code planted_upload(pv_gpu *gpu, uint64_t to, const void *from, uint64_t bytes,
                              pv_error *err) {
  state.uploads = bytes == sizeof(pv_cuda_step) ? 1 : state.uploads + 1;
  if (plant != OTHER_EXPERT || gpu == state.home || state.uploads != 3)
    return two_plain.upload(gpu, to, from, bytes, err);
  int32_t changed[SEEN_BATCH * 3];
  if (!EXPECT(bytes <= sizeof changed)) abort();
  memcpy(changed, from, bytes);
  changed[0] = changed[0] == 0 ? 1 : 0;
  state.done++;
  return two_plain.upload(gpu, to, changed, bytes, err);
}

static pv_code planted_launch(pv_gpu *gpu, const pv_gpu_launch *l, pv_error *err) {
  const pv_cuda_embed *a = l->args;
  const bool rows = l->arg_bytes == sizeof *a && a->rows.type == PV_TYPE_F32 && a->rows.count == 0;
  /* Not before there is something in their place: what nobody wrote the interpreter reports. */
  if (plant == LOST_ROWS && gpu == state.home && rows && state.done++ >= 4) return PV_OK;
  return two_plain.launch(gpu, l, err);
}

static void test_faults(void) {
  planted = two_plain;
  planted.open = planted_open;
  planted.upload = planted_upload;
  planted.launch = planted_launch;
  for (plant = OTHER_EXPERT; plant <= LOST_ROWS; plant++) {
    memset(&state, 0, sizeof state);
    seen s = run_and_close(open_on(&planted, &(pv_devices){{0, 1}, 2, true}));
    EXPECT(!seen_same(&s, &whole));
    EXPECT(state.done > 0);
    free(s.words);
  }
}

static void test_refused(void) {
  pv_backend *b = NULL;
  pv_error err = PV_ERROR_INIT;
  const pv_devices many = {{0, 1, 2, 3, 4, 5, 6, 7}, 8, true};
  EXPECT_I64(pv_split_open(&two_plain, &pv_backend_ptx, &many, model, &config, &b, &err),
             PV_ERR_INPUT);
  EXPECT_STR(err.message, "8 devices for 7 experts: each has one at least");
  EXPECT_HAS(err.hint, "name fewer devices");
  pv_model dense = *model;
  dense.plan = pv_plan_named("qwen3");
  EXPECT_I64(pv_split_open(&two_plain, &pv_backend_ptx, &many, &dense, &config, &b, &err),
             PV_ERR_INPUT);
  EXPECT_STR(err.message, "the model has no experts to be placed on devices");
  EXPECT_HAS(err.hint, "leave out /experts");
  EXPECT(b == NULL);
}

static void end(void) {
  EXPECT(whole.count > 0);
  two_end();
  free(whole.words);
  odd_model_free(model);
}

int main(void) {
  return pv_testing_main("experts", (pv_case[]){PV_CASE(prepare),
                                                PV_CASE(test_bits),
                                                PV_CASE(test_limit),
                                                PV_CASE(test_numerics),
                                                PV_CASE(test_odd),
                                                PV_CASE(test_faults),
                                                PV_CASE(test_refused),
                                                PV_CASE(end),
                                                {0}});
}
