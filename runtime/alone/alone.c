#include "runtime/alone/alone.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "kernels/arith/arith.h"
#include "runtime/alone/trial.h"

enum { SHAPES = 8, TOGETHER = 10 };

/* The cases of a kernel by its name, or of all that take an argument. Sizes do not divide what a
 * block takes, unless the kernel's limit says so. */
static const struct family {
  const char *name;
  void (*make)(pv_trial *t);
  bool typed, quantised; /* cases for each type; but those alone */
  uint32_t bench[3];     /* k, rows, batch */
  uint32_t shape[SHAPES][3];
} families[] = {
    {"gemm_4",
     pv_trial_gemm,
     true,
     true,
     {1024, 4096, 512},
     {{256, 33, 40}, {768, 32, 9}, {1024, 7, 65}}},
    {"gemm_5", pv_trial_gemm, true, true, {2048, 4096, 512}, {{1280, 33, 40}, {2048, 31, 33}}},
    {"gemm_6", pv_trial_gemm, true, true, {4096, 4096, 512}, {{2304, 33, 34}, {4096, 5, 9}}},
    {"gemv",
     pv_trial_gemv,
     true,
     false,
     {2048, 4096, 1},
     {{256, 9, 1}, {512, 67, 2}, {768, 16, 3}, {2304, 10, 1}, {4608, 3, 1}}},
    {"pv_cuda_gemv",
     pv_trial_f64acc,
     false,
     false,
     {2048, 4096, 1},
     {{256, 9, 1}, {512, 67, 2}, {768, 16, 3}, {2304, 10, 1}}},
    {"embed",
     pv_trial_embed,
     true,
     false,
     {2048, 4096, 512},
     {{256, 5, 3}, {512, 3, 1}, {2304, 4, 2}}},
    {"gate_up",
     pv_trial_gate_up,
     true,
     false,
     {2048, 768, 1},
     {{256, 33, 1}, {512, 32, 2}, {768, 70, 3}}},
    {"down",
     pv_trial_down,
     true,
     false,
     {768, 2048, 1},
     {{256, 8, 1}, {768, 24, 2}, {1280, 16, 1}}},
    {"swiglu",
     pv_trial_swiglu,
     false,
     false,
     {768, 1, 4096},
     {{1, 1, 1}, {100, 1, 3}, {256, 1, 2}, {999, 1, 1}}},
    {"combine",
     pv_trial_combine,
     false,
     false,
     {2048, 8, 512},
     {{1, 1, 1}, {100, 3, 2}, {257, 8, 3}}},
    {"rmsnorm",
     pv_trial_norm,
     false,
     false,
     {2048, 1, 512},
     {{1, 1, 1}, {100, 1, 3}, {255, 1, 2}, {2056, 1, 1}, {2080, 1, 2}, {4096, 1, 1}}},
    {"heads",
     pv_trial_heads,
     false,
     false,
     {128, 32, 512},
     {{8, 1, 3}, {72, 9, 2}, {128, 8, 1}, {256, 5, 2}}},
    {"attend_combine",
     pv_trial_attend,
     false,
     false,
     {128, 8, 64},
     {{8, 1, 3}, {72, 4, 2}, {128, 8, 5}}},
    {"attend_1", pv_trial_attend, false, false, {128, 8, 64}, {{8, 1, 3}, {72, 3, 2}, {256, 1, 1}}},
    {"attend_4",
     pv_trial_attend,
     false,
     false,
     {128, 8, 64},
     {{8, 4, 3}, {72, 4, 2}, {128, 12, 1}}},
    {"attend_8",
     pv_trial_attend,
     false,
     false,
     {128, 8, 64},
     {{8, 8, 3}, {72, 8, 2}, {128, 16, 1}}},
    {"attend_step_1",
     pv_trial_attend_step,
     false,
     false,
     {128, 8, 4096},
     {{32, 1, 1}, {64, 3, 64}, {128, 1, 5}, {256, 1, 130}}},
    {"attend_step_4",
     pv_trial_attend_step,
     false,
     false,
     {128, 8, 4096},
     {{32, 4, 1}, {64, 4, 63}, {128, 4, 65}, {256, 4, 33}}},
    {"attend_step_8",
     pv_trial_attend_step,
     false,
     false,
     {128, 8, 4096},
     {{32, 8, 1}, {64, 8, 63}, {128, 8, 65}, {256, 8, 33}}},
    {"attend_step_combine",
     pv_trial_attend_step,
     false,
     false,
     {128, 8, 4096},
     {{32, 1, 1}, {64, 2, 64}, {128, 1, 129}, {32, 1, 1100}}},
    {"route",
     pv_trial_route,
     false,
     false,
     {128, 8, 512},
     {{1, 1, 1},
      {3, 1, 2},
      {40, 8, 3},
      {63, 63, 2},
      {65, 8, 1},
      {128, 8, 2},
      {129, 1, 2},
      {1024, 8, 1}}},
    {"group",
     pv_trial_group,
     false,
     false,
     {128, 1, 4096},
     {{1, 1, 1}, {5, 1, 33}, {128, 1, 100}, {1024, 1, 65}}},
    {"add", pv_trial_add, false, false, {1 << 22, 1, 1}, {{1, 1, 1}, {255, 1, 1}, {1000, 1, 1}}},
    {"pv_cuda_argmax",
     pv_trial_argmax,
     false,
     false,
     {151936, 256, 1},
     {{1, 3, 1}, {255, 2, 2}, {1000, 7, 3}, {3000, 256, 1}}},
    {"scan", pv_trial_scan, false, false, {1 << 22, 1, 512}, {{1, 1, 1}, {1000, 1, 2}}},
};

static const struct family *family_of(const pv_kernel *kernel) {
  const struct family *by_argument = NULL;
  for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
    if (strcmp(families[i].name, kernel->name) == 0) return &families[i];
    if (strcmp(families[i].name, kernel->argument) == 0) by_argument = &families[i];
  }
  return by_argument;
}

const char *pv_alone_data_name(pv_alone_data data) {
  static const char *const names[] = {"ordinary", "outliers", "integers", "tiny", "ties", "odd"};
  return names[data];
}

bool pv_alone_typed(const pv_kernel *kernel) {
  const struct family *f = family_of(kernel);
  return f != NULL && (f->typed || f->make == pv_trial_f64acc);
}

/* The type of a kernel that has one: the one that its limit takes. */
static pv_type own_type(const pv_kernel *kernel) {
  pv_gpu_launch l;
  for (size_t i = 0; i < PV_TYPE_COUNT; i++) {
    const pv_cuda_gemv a = {.job = {{.rows = {.type = pv_type_table[i].type}}}, .jobs = 1};
    if (kernel->shape(&a, 1, &l)) return pv_type_table[i].type;
  }
  return PV_TYPE_F32;
}

static pv_alone_case with_wish(const uint32_t shape[3], pv_type type, const pv_alone_case *wish) {
  const uint32_t block = pv_type_get(type)->block_elements;
  return (pv_alone_case){.k = wish->k > 0 ? wish->k : (shape[0] + block - 1) / block * block,
                         .rows = wish->rows > 0 ? wish->rows : shape[1],
                         .batch = wish->batch > 0 ? wish->batch : shape[2],
                         .type = type};
}

bool pv_alone_case_at(const pv_kernel *kernel, size_t index, const pv_alone_case *wish,
                      pv_alone_case *out) {
  const struct family *f = family_of(kernel);
  pv_type types[PV_TYPE_COUNT] = {PV_TYPE_F32};
  size_t type_count = 0, shapes = 0;
  if (f == NULL) return false;
  while (shapes < SHAPES && f->shape[shapes][0] > 0) shapes++;
  for (size_t i = 0; f->typed && i < PV_TYPE_COUNT; i++)
    if (!f->quantised || pv_type_table[i].quantised) types[type_count++] = pv_type_table[i].type;
  if (!f->typed) {
    type_count = 1;
    if (f->make == pv_trial_f64acc) types[0] = own_type(kernel);
  }
  if (index >= shapes * type_count * PV_DATA_COUNT) return false;
  const size_t data = index % PV_DATA_COUNT, shape = index / PV_DATA_COUNT % shapes;
  *out = with_wish(f->shape[shape], types[index / PV_DATA_COUNT / shapes], wish);
  out->data = (pv_alone_data)data;
  out->is_i8 = (index + shape) % 2 == 1;
  return true;
}

pv_alone_case pv_alone_bench_case(const pv_kernel *kernel, const pv_alone_case *wish) {
  const struct family *f = family_of(kernel);
  const pv_type type = f->make == pv_trial_f64acc ? own_type(kernel) : wish->type;
  return with_wish(f->bench, type, wish);
}

static void compare(pv_trial *t, const pv_trial_output *o, pv_alone_result *out) {
  const uint32_t *got = PV_TRIAL_NEW(t, o->words, uint32_t);
  if (t->code == PV_OK)
    t->code = t->gpu->ops->download(t->gpu, (void *)(uintptr_t)got, o->at, o->words * sizeof *got,
                                    t->err);
  for (size_t i = 0; t->code == PV_OK && i < o->words; i++) {
    const float x = pv_f32_bits(got[i]), y = pv_f32_bits(o->want[i]);
    out->compared++;
    if (got[i] == o->want[i] || (o->real && isnan(x) && isnan(y))) continue;
    if (out->different++ > 0) continue;
    if (o->real)
      snprintf(out->first, sizeof out->first,
               "%s[%zu] is %.9g (%08x), the definition says %.9g (%08x)", o->name, i, (double)x,
               got[i], (double)y, o->want[i]);
    else
      snprintf(out->first, sizeof out->first, "%s[%zu] is %08x, the definition says %08x", o->name,
               i, got[i], o->want[i]);
  }
}

static void launch(pv_trial *t, size_t i) {
  const pv_trial_launch *one = &t->launch[i];
  pv_gpu_launch l;
  if (t->code == PV_OK)
    t->code = pv_kernel_launch(one->kernel, one->number, one->args, one->rows, &l, t->err);
  if (t->code == PV_OK) t->code = t->gpu->ops->launch(t->gpu, &l, t->err);
}

/* The kernel on trial alone, several times in a row: a launch takes longer than many kernels do. */
static void repeat(pv_trial *t, size_t repeats, double *seconds) {
  size_t which = 0;
  while (which + 1 < t->launch_count && t->launch[which].kernel != t->kernel) which++;
  for (size_t r = 0; t->code == PV_OK && r < repeats; r++) {
    const double start = pv_clock_now();
    for (size_t i = 0; i < TOGETHER; i++) launch(t, which);
    if (t->code == PV_OK) t->code = t->gpu->ops->finish(t->gpu, t->err);
    seconds[r] = (pv_clock_now() - start) / TOGETHER;
  }
}

pv_code pv_alone_run(pv_gpu *gpu, const pv_kernel *kernel, const pv_alone_case *c, size_t repeats,
                     double *seconds, pv_alone_result *out, pv_error *err) {
  const struct family *f = family_of(kernel);
  pv_error own = PV_ERROR_INIT;
  pv_trial t = {.gpu = gpu,
                .kernel = kernel,
                .c = *c,
                .max = c->is_i8 ? PV_ACT8_MAX : PV_ACT16_MAX,
                .product = c->is_i8 ? PV_PRODUCT_I8 : PV_PRODUCT_I16,
                .timed = repeats > 0,
                .seed = 17 + c->k + c->data,
                .arena = PV_ARENA_INIT,
                .err = &own};
  *out = (pv_alone_result){0};
  if (f == NULL)
    return pv_error_set(err, PV_ERR_UNSUPPORTED, "nobody makes cases for the kernel %s",
                        kernel->name);
  if (pv_alone_typed(kernel) && c->k % pv_type_get(c->type)->block_elements != 0)
    return pv_error_set(err, PV_ERR_INPUT, "a row of %u is no whole number of blocks of %s", c->k,
                        pv_type_get(c->type)->name);
  f->make(&t);
  for (size_t i = 0; i < t.launch_count; i++) launch(&t, i);
  if (t.code == PV_OK) t.code = gpu->ops->finish(gpu, t.err);
  if (t.code == PV_OK && repeats > 0) repeat(&t, repeats, seconds);
  for (size_t i = 0; t.code == PV_OK && repeats == 0 && i < t.output_count; i++)
    compare(&t, &t.output[i], out);
  out->bytes = t.bytes;
  if (t.code == PV_ERR_DEVICE) {
    snprintf(out->fault, sizeof out->fault, "%s", own.message);
    t.code = PV_OK;
  }
  if (t.code != PV_OK && err != NULL) *err = own;
  pv_arena_free(&t.arena);
  return t.code;
}
