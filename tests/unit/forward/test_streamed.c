/* Layers that do not stay, and layers over several devices: the bits are those of a model that
 * does, whichever of the two queues is ahead, and no more is held than may be. On a device that is
 * interpreted, and on the CPU. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/forward/gpu_state.h"
#include "runtime/forward/room.h"
#include "tests/unit/forward/odd_plans.h"
#include "tests/unit/forward/seen.h"
#include "tests/unit/forward/two_queues.h"
#include "tests/unit/held.h"
#include "tests/unit/testing.h"

enum { POSITIONS = SEEN_POSITIONS, BATCH = SEEN_BATCH, LAYERS = 4 };
static const pv_backend_config config = {
    .numerics = PV_NUMERICS_I16, .context = POSITIONS, .batch = BATCH, .threads = 1};
static uint32_t ids[POSITIONS];
static pv_model *model;

static seen open_and_run(const pv_gpu_ops *device, uint64_t memory, pv_gpu_info *info,
                         uint64_t *bytes, pv_error *err) {
  seen out = seen_make();
  pv_backend *b = NULL;
  model->memory = memory;
  pv_code code = pv_gpu_open(device, &pv_backend_ptx, model, &config, &b, err);
  if (code == PV_OK) code = seen_run(b, ids, &out, err);
  model->memory = 0;
  if (b == NULL || code != PV_OK) out.count = 0;
  if (b != NULL && code == PV_OK && info != NULL) code = b->ops->device(b, info, err);
  if (b != NULL && bytes != NULL) *bytes = b->ops->memory(b);
  if (b != NULL) b->ops->close(b);
  return out;
}

/* What a device with room for all gives, its bytes, and those that two layers need. */
static seen whole;
static uint64_t all, smallest;

static void prepare(void) {
  static const pv_shape shape = {.layers = LAYERS,
                                 .hidden = 64,
                                 .heads = 4,
                                 .kv_heads = 2,
                                 .head_dim = 32,
                                 .experts = 8,
                                 .used = 2,
                                 .ffn = 64,
                                 .vocab = 101,
                                 .context = 64,
                                 .rope = {.base = 1e4},
                                 .eps = 1e-6f};
  pv_backend *b = NULL;
  pv_gpu_info info = {0};
  pv_error err = PV_ERROR_INIT;
  two_begin();
  two = (two_state){.free_ = UINT64_C(1) << 40};
  for (uint32_t i = 0; i < POSITIONS; i++) ids[i] = i * 37 % shape.vocab;
  model = odd_model(pv_plan_named("qwen3moe"), &shape, true);
  REQUIRE(model != NULL);
  whole = open_and_run(&two_queues, 0, &info, &all, &err);
  EXPECT(whole.count > 10000);
  EXPECT_U64(info.streamed, 0);
  EXPECT_U64(two.sent, 0);
  EXPECT_U64(two.held, all);
  EXPECT_U64(two.recorded, 1);
  model->memory = 1;
  EXPECT_I64(pv_gpu_open(&two_queues, &pv_backend_ptx, model, &config, &b, &err), PV_ERR_NOMEM);
  EXPECT_HAS(err.message,
             "bytes of device memory are needed at least, and 1 may be held: 2 layers");
  EXPECT_HAS(err.hint, "--memory");
  model->memory = 0;
  smallest = strtoull(err.message, NULL, 10);
}

static bool is_whole(const seen *s) {
  return seen_same(s, &whole);
}

/* With room for two layers, and for more of them: whichever queue is ahead. */
static void test_bits(void) {
  const struct {
    uint64_t limit;
    two_order order;
    uint32_t least, most; /* layers that come and go */
  } cases[] = {{smallest, TWO_SENDS_FIRST, LAYERS, LAYERS},
               {smallest, TWO_COMPUTES_FIRST, LAYERS, LAYERS},
               {all - 1, TWO_SENDS_FIRST, 3, LAYERS},
               {all, TWO_SENDS_FIRST, 0, 0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    pv_error err = PV_ERROR_INIT;
    pv_gpu_info info = {0};
    uint64_t bytes = 0;
    two.order = cases[i].order;
    seen s = open_and_run(&two_queues, cases[i].limit, &info, &bytes, &err);
    if (!EXPECT(is_whole(&s))) pv_error_print(&err, stderr);
    EXPECT(bytes <= cases[i].limit);
    EXPECT_U64(two.held, bytes); /* what was taken is what was counted */
    EXPECT(info.streamed_layers >= cases[i].least && info.streamed_layers <= cases[i].most);
    EXPECT_U64(two.recorded, info.streamed_layers > 0 ? 0 : 1); /* it would keep addresses */
    EXPECT(two.sent >= 5 * info.streamed);
    EXPECT_U64(info.sent, two.sent);
    free(s.words);
  }
}

/* A device that waits for no mark is found out: the orders above are no idle ones. */
static void test_marks_matter(void) {
  two.deaf = true;
  for (int order = 0; order < 2; order++) {
    pv_error err = PV_ERROR_INIT;
    two.order = (two_order)order;
    seen s = open_and_run(&two_queues, smallest, NULL, NULL, &err);
    EXPECT(!is_whole(&s));
    free(s.words);
  }
  two.deaf = false;
}

/* A device with one queue, and one whose memory is too small though nobody limits it. */
static void test_other_devices(void) {
  pv_error err = PV_ERROR_INIT;
  pv_gpu_info info = {0};
  seen one = open_and_run(&two_plain, smallest, &info, NULL, &err);
  EXPECT(is_whole(&one));
  EXPECT_U64(info.streamed_layers, LAYERS);
  two.free_ = smallest + smallest / 8;
  seen small = open_and_run(&two_queues, 0, &info, NULL, &err);
  if (!EXPECT(is_whole(&small))) pv_error_print(&err, stderr);
  EXPECT(info.streamed_layers >= 3);
  EXPECT(two.held <= two.free_ - two.free_ / 16);
  two.free_ = UINT64_C(1) << 40;
  free(small.words);
  free(one.words);
}

/* Layers over several devices, of which some stream theirs: the same bits, and the bytes of each.
 */
static void test_split(void) {
  static const struct {
    pv_devices devices;
    bool limited;
  } cases[] = {{{{0, 1}, 2, false}, false}, {{{3, 1, 2}, 3, false}, true}, {{{5}, 1, false}, true}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const size_t count = cases[i].devices.count;
    seen s = seen_make();
    pv_backend *b = NULL;
    pv_error err = PV_ERROR_INIT;
    model->memory = cases[i].limited ? smallest : 0;
    pv_code code =
        pv_split_open(&two_plain, &pv_backend_ptx, &cases[i].devices, model, &config, &b, &err);
    if (code == PV_OK) code = seen_run(b, ids, &s, &err);
    if (!EXPECT(code == PV_OK && is_whole(&s))) pv_error_print(&err, stderr);
    REQUIRE(b != NULL);
    EXPECT_STR(b->ops->name, "ptx");
    uint64_t bytes = 0;
    uint32_t at = 0;
    for (size_t d = 0; d < count && b->ops->part != NULL; d++) {
      pv_gpu_info info = {0};
      pv_backend *part = b->ops->part(b, d);
      EXPECT_I64(part->ops->device(part, &info, &err), PV_OK);
      EXPECT(info.first == at && info.end > at && info.held > 0);
      EXPECT_U64(info.held, part->ops->memory(part));
      EXPECT(model->memory == 0 || info.held <= model->memory);
      bytes += info.held;
      at = info.end;
    }
    EXPECT(count == 1 || (at == LAYERS && b->ops->part(b, count) == NULL));
    EXPECT(count == 1 || b->ops->memory(b) == bytes);
    model->memory = 0;
    b->ops->close(b);
    free(s.words);
  }
  pv_backend *b = NULL;
  pv_error err = PV_ERROR_INIT;
  const pv_devices many = {{0, 1, 2, 3, 4}, 5, false};
  EXPECT_I64(pv_split_open(&two_plain, &pv_backend_ptx, &many, model, &config, &b, &err),
             PV_ERR_INPUT);
  EXPECT_HAS(err.message, "5 devices for 4 layers");
}

/* A device with a clock: stamp i is at i + 1 seconds for the first that is asked, at twice that for
 * the other. What keeps a device busy is left out. */
static pv_gpu *clocks[2];
static unsigned idle;

static pv_code timed_launch(pv_gpu *gpu, const pv_gpu_launch *l, pv_error *err) {
  return l->kernel == idle ? PV_OK : pv_gpu_ptx.launch(gpu, l, err);
}
static pv_code timed_stamp(pv_gpu *gpu, size_t number, pv_error *err) {
  (void)gpu, (void)number, (void)err;
  return PV_OK;
}
static pv_code timed_between(pv_gpu *gpu, size_t from, size_t to, double *seconds, pv_error *err) {
  (void)err;
  *seconds = (double)(to - from) * (gpu == clocks[0] ? 1.0 : 2.0);
  return PV_OK;
}
static pv_gpu_ops timed;

static pv_code timed_open(unsigned number, pv_gpu **out, pv_error *err) {
  pv_code code = two_plain.open(number, out, err);
  if (code == PV_OK) code = pv_gpu_ptx.find(*out, "peak_dp4a", &idle, err);
  if (code != PV_OK) return code;
  (*out)->ops = &timed;
  clocks[number] = *out;
  return PV_OK;
}

typedef struct told {
  size_t parts, wholes, layers[LAYERS];
  double seconds, whole;
} told;

static void tell_part(void *context, const pv_meter_part *part) {
  told *t = context;
  t->parts++;
  t->layers[part->layer]++;
  t->seconds += part->seconds;
}

static void tell_whole(void *context, double seconds) {
  told *t = context;
  t->wholes++;
  t->whole = seconds;
}

/* A profile of layers over devices has the launches of each, and the time of the last one. */
static void test_metered(void) {
  static const pv_devices devices = {{0, 1}, 2, false};
  pv_backend_ops ops = pv_backend_ptx;
  pv_backend *b = NULL;
  pv_error err = PV_ERROR_INIT;
  told t = {0};
  const pv_meter meter = {tell_part, tell_whole, &t};
  ops.meter = pv_gpu_meter;
  timed = two_plain;
  timed.open = timed_open;
  timed.launch = timed_launch;
  timed.stamp = timed_stamp;
  timed.between = timed_between;
  REQUIRE(pv_split_open(&timed, &ops, &devices, model, &config, &b, &err) == PV_OK);
  const pv_batch batch = {ids, 2, 0, 1};
  pv_step step = {0};
  EXPECT_I64(b->ops->meter(b, &meter, &err), PV_OK);
  EXPECT_I64(b->ops->begin(b, &batch, &err), PV_OK);
  while (pv_plan_next(model->plan, LAYERS, &step)) EXPECT_I64(b->ops->run(b, &step, &err), PV_OK);
  EXPECT_U64(t.parts, 0);
  EXPECT_I64(b->ops->meter(b, NULL, &err), PV_OK);
  for (size_t i = 0; i < LAYERS; i++) EXPECT(t.layers[i] > 5);
  EXPECT_U64(t.wholes, 1);
  EXPECT(t.whole > (double)t.parts && t.seconds > (double)t.parts);
  const size_t before = t.parts;
  EXPECT_I64(b->ops->begin(b, &batch, &err), PV_OK);
  EXPECT_I64(b->ops->meter(b, NULL, &err), PV_OK); /* of nobody */
  EXPECT(t.parts == before && t.wholes == 1);
  b->ops->close(b);
  EXPECT_I64(pv_split_open(&two_plain, &pv_backend_ptx, &devices, model, &config, &b, &err), PV_OK);
  EXPECT(b->ops->meter == NULL); /* an interpreter's time says nothing */
  b->ops->close(b);
}

static void test_room(void) {
  const uint64_t layers[] = {10, 30, 20, 10};
  pv_room room = {.limit = 170, .other = 100, .of = "it", .cure = "ask for less"};
  pv_error err = PV_ERROR_INIT;
  uint32_t stay = 0;
  EXPECT_I64(pv_room_layers(&room, layers, 4, &stay, &err), PV_OK);
  EXPECT_U64(stay, 4);
  room.limit = 169; /* 100 + 2 * 30, and 9 are left */
  EXPECT_I64(pv_room_layers(&room, layers, 4, &stay, &err), PV_OK);
  EXPECT_U64(stay, 0);
  room.limit = 159;
  EXPECT_I64(pv_room_layers(&room, layers, 4, &stay, &err), PV_ERR_NOMEM);
  EXPECT_STR(err.message,
             "160 bytes of it are needed at least, and 159 may be held: 2 layers of 30 bytes, and "
             "100 beside the layers");
  const uint64_t many[] = {10, 30, 20, 10, 30, 30};
  room.limit = 205;
  EXPECT_I64(pv_room_layers(&room, many, 6, &stay, &err), PV_OK);
  EXPECT_U64(stay, 2); /* 160 + 10 + 30 */
}

/* Of a model larger than the limit no more is held of the file, and the bits are the same. */
static void test_cpu(void) {
  static const pv_numerics numerics[] = {PV_NUMERICS_I16, PV_NUMERICS_F64};
  for (size_t n = 0; n < 2; n++) {
    uint64_t most[2] = {0, 0}, needed = 0;
    int32_t tops[2] = {-1, -2};
    for (int limited = 0; limited < 2; limited++) {
      pv_backend_config own = config;
      pv_backend *b = NULL;
      pv_error err = PV_ERROR_INIT;
      const pv_backend_ops *ops = n == 0 ? &pv_backend_cpu : &pv_backend_f64;
      own.numerics = numerics[n];
      REQUIRE(pv_model_open("models/tiny-coder-moe-Q4_K_M.gguf", &model, &err) == PV_OK);
      model->memory = 1;
      EXPECT_I64(ops->open(model, &own, &b, &err), PV_ERR_NOMEM);
      EXPECT_HAS(err.message, "bytes of memory are needed at least, and 1 may be held: 2 layers");
      needed = strtoull(err.message, NULL, 10);
      model->memory = limited ? needed : 0;
      REQUIRE(ops->open(model, &own, &b, &err) == PV_OK);
      const pv_batch batch = {ids, BATCH, 0, 1};
      pv_step step = {0};
      EXPECT_I64(b->ops->begin(b, &batch, &err), PV_OK);
      while (pv_plan_next(model->plan, model->shape.layers, &step)) {
        EXPECT_I64(b->ops->run(b, &step, &err), PV_OK);
        const uint64_t now = pv_testing_held(model->once.weight[0]->data);
        if (now > most[limited]) most[limited] = now;
      }
      EXPECT_I64(b->ops->read(b, pv_model_stage(model, PV_ROLE_TOP), 0, 1, &tops[limited], &err),
                 PV_OK);
      b->ops->close(b);
      pv_model_close(model);
    }
    EXPECT_I64(tops[0], tops[1]);
    EXPECT(most[0] > needed); /* without a limit more is */
    EXPECT(most[1] > 0 && most[1] <= needed);
  }
}

/* A plan of no architecture: biases, sinks, experts beside a network. */
static void test_split_odd(void) {
  static const pv_devices devices = {{0, 1}, 2, false};
  pv_model *usual = model;
  seen s[2] = {{NULL, 0}, {NULL, 0}};
  model = odd_model(&odd_plans[0], &odd_shapes[0], true);
  for (int k = 0; k < 2; k++) {
    pv_backend *b = NULL;
    pv_error err = PV_ERROR_INIT;
    s[k] = seen_make();
    pv_code code =
        k == 0 ? pv_gpu_open(&two_plain, &pv_backend_ptx, model, &config, &b, &err)
               : pv_split_open(&two_plain, &pv_backend_ptx, &devices, model, &config, &b, &err);
    if (code == PV_OK) code = seen_run(b, ids, &s[k], &err);
    if (!EXPECT_I64(code, PV_OK)) pv_error_print(&err, stderr);
    if (b != NULL) b->ops->close(b);
  }
  EXPECT(s[0].count > 10000 && seen_same(&s[0], &s[1]));
  free(s[0].words);
  free(s[1].words);
  odd_model_free(model);
  model = usual;
}

static void end(void) {
  EXPECT(whole.count > 0);
  two_end();
  free(whole.words);
  odd_model_free(model);
}

int main(void) {
  return pv_testing_main("streamed", (pv_case[]){PV_CASE(prepare),
                                                 PV_CASE(test_bits),
                                                 PV_CASE(test_marks_matter),
                                                 PV_CASE(test_other_devices),
                                                 PV_CASE(test_split),
                                                 PV_CASE(test_split_odd),
                                                 PV_CASE(test_metered),
                                                 PV_CASE(end),
                                                 PV_CASE(test_room),
                                                 PV_CASE(test_cpu),
                                                 {0}});
}
