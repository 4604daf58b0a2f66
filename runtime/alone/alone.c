#include "runtime/alone/alone.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "kernels/arith/arith.h"
#include "kernels/definition/definition.h"
#include "runtime/alone/trial.h"
#include "runtime/forward/gpu_devices.h"

enum { SHAPES = 13, TOGETHER = 10, RUNS_ON_A_DEVICE = 8 };

enum {
  TYPED = 1,       /* cases for each type of weights */
  QUANTISED = 2,   /* but those alone */
  OWN_TYPE = 4,    /* of the one type that the kernel takes */
  DEVICE_ONLY = 8, /* no operation of the CPU's kernels */
  MMA = 16,        /* what multiplies on a device: the kernel of peak.h that is its ceiling */
  DP4A = 32,
  FMA = 64,
  PLAIN = 128,   /* types that are not quantised */
  FREQUENT = 256 /* of the types that the kernel takes: pv_cuda_frequent */
};
#define WITH(data) (1u << (9 + PV_DATA_##data)) /* and data that is about the operation */

/* The cases of a kernel by its name, or of all that take an argument. Sizes do not divide what a
 * block takes, unless the kernel's limit says so. A row's length is made whole blocks of the type;
 * those of a product have one chunk, few, a power of two and not one. */
#define GEMV_SHAPES                                                                     \
  {                                                                                     \
    {256, 9, 1}, {512, 67, 2}, {768, 16, 3}, {2304, 10, 1}, {4608, 3, 1}, {2048, 3, 1}, \
        {4096, 3, 1}, {32, 5, 1}, {96, 3, 2}, {160, 5, 1}, {288, 3, 1}, {1056, 5, 1}, { \
      4064, 2, 1                                                                        \
    }                                                                                   \
  }
#define FAMILY(name, make, flags, ...) \
  { #name, pv_trial_##make, flags, __VA_ARGS__ }
/* Rows of 1 to 17 blocks, and all that a tile may have of either side. */
#define WHOLE_SHAPES                                                                             \
  {                                                                                              \
    {256, 129, 40}, {512, 130, 9}, {768, 32, 65}, {1024, 7, 17}, {1280, 33, 20}, {2048, 31, 33}, \
        {2304, 16, 34}, {4096, 5, 9}, {4352, 3, 26},                                             \
  }

static const struct family {
  const char *name;
  void (*make)(pv_trial *t);
  unsigned flags;
  uint32_t bench[3]; /* k, rows, batch */
  uint32_t shape[SHAPES][3];
} families[] = {
    FAMILY(gemm, gemm, TYPED | QUANTISED | MMA | WITH(SCALES), {2048, 4096, 512},
           {{256, 65, 40},
            {768, 32, 9},
            {1024, 7, 65},
            {1280, 33, 20},
            {2048, 31, 33},
            {2304, 33, 34},
            {4096, 5, 9},
            {32, 5, 3},
            {64, 17, 9},
            {96, 3, 26},
            {160, 9, 17},
            {8224, 3, 2}}),
    FAMILY(gemm_256, gemm, TYPED | QUANTISED | MMA | WITH(SCALES), {2048, 4096, 512}, WHOLE_SHAPES),
    FAMILY(gemm_256_any, gemm, TYPED | QUANTISED | MMA | WITH(SCALES), {2048, 4096, 512},
           WHOLE_SHAPES),
    FAMILY(gemv, gemv, TYPED | DP4A | WITH(EXACT) | WITH(SCALES), {2048, 4096, 1}, GEMV_SHAPES),
    FAMILY(gemv_64, gemv, FREQUENT | DP4A | WITH(EXACT) | WITH(SCALES), {2048, 4096, 1},
           {{2048, 9, 1}, {2048, 67, 2}}),
    FAMILY(gemv_128, gemv, FREQUENT | DP4A | WITH(EXACT) | WITH(SCALES), {4096, 2048, 1},
           {{4096, 9, 1}, {4096, 34, 2}}),
    FAMILY(gemv_few, gemv, OWN_TYPE | WITH(EXACT), {2048, 128, 1},
           {{2048, 5, 1}, {96, 3, 2}, {300, 7, 1}}),
    FAMILY(pv_cuda_gemv, f64acc, OWN_TYPE | FMA | WITH(EXACT) | WITH(SCALES), {2048, 4096, 1},
           GEMV_SHAPES),
    FAMILY(wide, wide, TYPED | PLAIN, {2048, 128, 512},
           {{32, 17, 2}, {288, 3, 17}, {2048, 16, 16}, {2336, 5, 3}, {4096, 18, 1}}),
    FAMILY(embed, embed, TYPED | WITH(SCALES), {2048, 4096, 512},
           {{256, 5, 3}, {512, 3, 1}, {2304, 4, 2}}),
    FAMILY(gate_up, gate_up, TYPED | DP4A | WITH(SCALES), {2048, 768, 1},
           {{256, 33, 1}, {512, 32, 2}, {768, 70, 3}}),
    FAMILY(gate_up_64, gate_up, FREQUENT | DP4A | WITH(SCALES), {2048, 768, 1},
           {{2048, 33, 1}, {2048, 32, 2}}),
    FAMILY(down, down, TYPED | DP4A | WITH(SCALES), {768, 2048, 1},
           {{256, 8, 1}, {768, 24, 2}, {1280, 16, 1}}),
    FAMILY(down_24, down, FREQUENT | DP4A | WITH(SCALES), {768, 2048, 1},
           {{768, 8, 1}, {768, 24, 2}}),
    FAMILY(swiglu, swiglu, WITH(SWEEP), {768, 1, 4096},
           {{1, 1, 1}, {100, 1, 3}, {256, 1, 2}, {999, 1, 1}}),
    FAMILY(geglu, swiglu, WITH(SWEEP), {768, 1, 4096},
           {{1, 1, 1}, {100, 1, 3}, {256, 1, 2}, {999, 1, 1}}),
    FAMILY(swiglu_clamped, swiglu, WITH(SWEEP), {768, 1, 4096},
           {{1, 1, 1}, {100, 1, 3}, {256, 1, 2}, {999, 1, 1}}),
    FAMILY(gate, gate, WITH(SWEEP), {2048, 1, 512}, {{1, 1, 300}, {100, 1, 3}, {257, 1, 2}}),
    FAMILY(bias, bias, 0, {2048, 1, 512}, {{1, 1, 1}, {100, 1, 3}, {900, 1, 2}}),
    FAMILY(round_rows, round, 0, {2048, 1, 512},
           {{32, 1, 1}, {96, 1, 3}, {544, 1, 2}, {256, 1, 2}, {768, 1, 3}}),
    FAMILY(append, append, DEVICE_ONLY, {512, 1, 512}, {{1, 1, 1}, {100, 1, 3}, {257, 1, 2}}),
    FAMILY(combine, combine, 0, {2048, 8, 512}, {{1, 1, 1}, {100, 3, 2}, {257, 8, 3}}),
    FAMILY(rmsnorm, norm, 0, {2048, 1, 512},
           {{1, 1, 1},
            {100, 1, 3},
            {255, 1, 2},
            {2056, 1, 1},
            {2080, 1, 2},
            {768, 1, 2},
            {4096, 1, 1}}),
    FAMILY(heads, heads, 0, {128, 32, 512}, {{8, 1, 3}, {72, 9, 2}, {128, 8, 1}, {256, 5, 2}}),
    FAMILY(attend_combine, attend, 0, {128, 8, 512},
           {{8, 1, 3}, {72, 4, 2}, {128, 8, 5}, {32, 1, 1}}),
    FAMILY(attend_1, attend, 0, {128, 8, 64}, {{8, 1, 3}, {72, 3, 2}, {256, 1, 1}}),
    FAMILY(attend_4, attend, 0, {128, 8, 64}, {{8, 4, 3}, {72, 4, 2}, {128, 12, 1}}),
    FAMILY(attend_8, attend, 0, {128, 8, 64}, {{8, 8, 3}, {72, 8, 2}, {128, 16, 1}}),
    FAMILY(attend_rows, attend, 0, {128, 8, 512},
           {{8, 1, 70}, {72, 3, 2}, {80, 8, 9}, {128, 8, 5}, {136, 2, 33}}),
    FAMILY(attend_step_1, attend_step, 0, {128, 8, 4096},
           {{32, 1, 1}, {64, 3, 64}, {128, 1, 5}, {256, 1, 130}, {96, 2, 120}}),
    FAMILY(attend_step_4, attend_step, 0, {128, 8, 4096},
           {{32, 4, 1}, {64, 4, 63}, {128, 4, 65}, {256, 4, 33}}),
    FAMILY(attend_step_8, attend_step, 0, {128, 8, 4096},
           {{32, 8, 1}, {64, 8, 63}, {128, 8, 65}, {256, 8, 33}}),
    FAMILY(attend_step_1_128, attend_step, 0, {128, 8, 4096},
           {{128, 1, 1}, {128, 3, 64}, {128, 1, 128}, {128, 1, 330}}),
    FAMILY(attend_step_4_128, attend_step, 0, {128, 8, 4096},
           {{128, 4, 1}, {128, 4, 63}, {128, 4, 257}}),
    FAMILY(attend_step_8_128, attend_step, 0, {128, 8, 4096},
           {{128, 8, 1}, {128, 8, 65}, {128, 8, 340}}),
    FAMILY(attend_step_combine, attend_step, 0, {128, 8, 4096},
           {{32, 1, 1}, {64, 2, 64}, {128, 1, 129}, {32, 1, 1100}}),
    FAMILY(route, route, WITH(EQUAL) | WITH(PAIRS), {128, 8, 512},
           {{1, 1, 1},
            {3, 1, 2},
            {40, 8, 3},
            {63, 63, 2},
            {65, 8, 1},
            {128, 8, 2},
            {129, 1, 2},
            {1024, 8, 1}}),
    FAMILY(group, group, DEVICE_ONLY, {128, 1, 4096},
           {{1, 1, 1}, {5, 1, 33}, {128, 1, 100}, {1024, 1, 65}, {7, 1, 2500}}),
    FAMILY(add, add, 0, {1 << 22, 1, 1}, {{1, 1, 1}, {255, 1, 1}, {1000, 1, 1}}),
    FAMILY(pv_cuda_argmax, argmax, 0, {151936, 256, 1},
           {{1, 3, 1}, {255, 2, 2}, {1000, 7, 3}, {3000, 256, 1}}),
    FAMILY(scan, scan, DEVICE_ONLY, {1 << 22, 1, 512}, {{1, 1, 1}, {1000, 1, 2}}),
    FAMILY(pv_cuda_peak, peak, DEVICE_ONLY, {1 << 14, 1, 1056}, {{1, 1, 1}, {3, 1, 2}}),
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
  static const char *const names[] = {"ordinary", "outliers", "integers", "tiny",   "ties", "odd",
                                      "exact",    "equal",    "pairs",    "scales", "sweep"};
  return names[data];
}

bool pv_alone_typed(const pv_kernel *kernel) {
  const struct family *f = family_of(kernel);
  return f != NULL && (f->flags & (TYPED | FREQUENT | OWN_TYPE)) != 0;
}

bool pv_alone_on_host(const pv_kernel *kernel) {
  const struct family *f = family_of(kernel);
  return f != NULL && (f->flags & DEVICE_ONLY) == 0;
}

const pv_kernel *pv_alone_ceiling(const pv_kernel *kernel, pv_type type) {
  const struct family *f = family_of(kernel);
  const unsigned flags = f != NULL ? f->flags : 0;
  if ((flags & FMA) != 0) return pv_kernel_get(PV_GPU_peak_fma);
  if (!pv_type_get(type)->quantised || (flags & (MMA | DP4A)) == 0) return NULL;
  return pv_kernel_get((flags & MMA) != 0 ? PV_GPU_peak_mma : PV_GPU_peak_dp4a);
}

unsigned pv_alone_planes(pv_product product) {
  return product == PV_PRODUCT_F64ACC ? 1 : 2;
}

/* The type of a kernel that has one. */
static pv_type own_type(const pv_kernel *kernel) {
  for (size_t i = 0; i < PV_TYPE_COUNT; i++)
    if (pv_kernel_get(pv_kernel_f64acc(pv_type_table[i].type)) == kernel)
      return pv_type_table[i].type;
  return PV_TYPE_F32;
}

const pv_kernel *pv_alone_gemv(pv_type type, pv_product product) {
  return pv_kernel_get(product == PV_PRODUCT_F64ACC ? pv_kernel_f64acc(type) : PV_GPU_gemv);
}

/* Whether a kernel for several types takes one: by its family, and for products of many rows by its
 * limit. */
static bool takes_type(const pv_kernel *kernel, const struct family *f, pv_type type) {
  const pv_cuda_gemm a = {
      .acts = {.k = PV_BLOCK_MAX}, .jobs = 1, .job = {{.rows = {.type = type, .count = 1}}}};
  pv_gpu_launch launch;
  if ((f->flags & FREQUENT) != 0) return pv_cuda_frequent(type);
  if ((f->flags & TYPED) == 0) return false;
  if ((f->flags & (pv_type_get(type)->quantised ? PLAIN : QUANTISED)) != 0) return false;
  return strcmp(kernel->argument, "pv_cuda_gemm") != 0 || kernel->shape(&a, 1, &launch);
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
  pv_alone_data data[PV_DATA_SWEEP + 1];
  size_t type_count = 0, data_count = 0, shapes = 0;
  if (f == NULL) return false;
  while (shapes < SHAPES && f->shape[shapes][0] > 0) shapes++;
  for (size_t d = 0; d <= PV_DATA_SWEEP; d++)
    if (d < PV_DATA_COUNT || (f->flags >> (9 + d) & 1) != 0) data[data_count++] = (pv_alone_data)d;
  for (size_t i = 0; i < PV_TYPE_COUNT; i++)
    if (takes_type(kernel, f, pv_type_table[i].type)) types[type_count++] = pv_type_table[i].type;
  if ((f->flags & OWN_TYPE) != 0) types[0] = own_type(kernel);
  if (type_count == 0) type_count = 1;
  if (index >= shapes * type_count * data_count) return false;
  const size_t shape = index / data_count % shapes;
  *out = with_wish(f->shape[shape], types[index / data_count / shapes], wish);
  out->data = data[index % data_count];
  out->is_i8 = (out->data + shape) % 2 == 1;
  return true;
}

void pv_alone_case_text(const pv_kernel *kernel, const pv_alone_case *c, char out[128]) {
  const bool typed = pv_alone_typed(kernel);
  snprintf(out, 128, "k %u, rows %u, batch %u, %s%s%s, %s", c->k, c->rows, c->batch,
           typed ? pv_type_get(c->type)->name : "", typed ? ", " : "", pv_alone_data_name(c->data),
           c->is_i8 ? "i8" : "i16");
}

pv_alone_case pv_alone_bench_case(const pv_kernel *kernel, const pv_alone_case *wish) {
  const struct family *f = family_of(kernel);
  pv_type type = (f->flags & OWN_TYPE) != 0 ? own_type(kernel) : PV_TYPE_F32;
  for (size_t i = PV_TYPE_COUNT; i > 0;
       i--) /* the first that it takes, if not the one wished for */
    if (takes_type(kernel, f, pv_type_table[i - 1].type)) type = pv_type_table[i - 1].type;
  if (takes_type(kernel, f, wish->type)) type = wish->type;
  return with_wish(f->bench, type, wish);
}

pv_code pv_alone_set_find(const char *name, pv_alone_set *out, pv_error *err) {
  const bool is_path =
      strcmp(name, "scalar") == 0 || strcmp(name, "avx2") == 0 || strcmp(name, "vnni") == 0;
  *out = (pv_alone_set){.name = name};
  if (strcmp(name, "definition") == 0)
    out->host = &pv_definition;
  else if (strcmp(name, "cuda") == 0)
    out->device = &pv_gpu_cuda;
  else if (strcmp(name, "ptx") == 0)
    out->device = &pv_gpu_ptx;
  else if (is_path || strcmp(name, "cpu") == 0)
    out->host = pv_cpu_path_get(is_path ? name : NULL);
  else
    return pv_error_set(err, PV_ERR_INPUT, "'%.40s' is no set of kernels", name);
  return out->host != NULL || out->device != NULL
             ? PV_OK
             : pv_error_set(err, PV_ERR_UNSUPPORTED, "this machine has no code path %s", name);
}

void pv_alone_set_close(pv_alone_set *set) {
  if (set->gpu != NULL) set->gpu->ops->close(set->gpu);
  set->gpu = NULL;
}

static pv_code open_device(pv_alone_set *set, pv_error *err) {
  if (set->host != NULL) return PV_OK;
  if (set->runs++ % RUNS_ON_A_DEVICE == 0) pv_alone_set_close(set);
  if (set->gpu != NULL) return PV_OK;
  return set->file == NULL
             ? set->device->open(0, &set->gpu, err)
             : pv_gpu_ptx_open_text(set->file, set->text, set->length, &set->gpu, err);
}

static void compare(const pv_alone_output *o, pv_alone_result *out) {
  for (size_t i = 0; i < o->words; i++) {
    const float x = pv_f32_bits(o->got[i]), y = pv_f32_bits(o->want[i]);
    out->compared++;
    if (o->got[i] == o->want[i] || (o->real && isnan(x) && isnan(y))) continue;
    if (out->different++ > 0) continue;
    if (o->real)
      snprintf(out->first, sizeof out->first,
               "%s[%zu] is %.9g (%08x), the definition says %.9g (%08x)", o->name, i, (double)x,
               o->got[i], (double)y, o->want[i]);
    else
      snprintf(out->first, sizeof out->first, "%s[%zu] is %08x, the definition says %08x", o->name,
               i, o->got[i], o->want[i]);
  }
}

static void launch(pv_trial *t, size_t i) {
  const pv_trial_launch *one = &t->launch[i];
  pv_gpu_launch l;
  if (t->code == PV_OK)
    t->code = pv_kernel_launch(one->kernel, one->number, one->args, one->rows, &l, t->err);
  l.crowded = t->c.batch >= PV_GPU_CROWDED;
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

/* Makes the case: by `ops` what the outputs must hold, on the device all that it starts with. */
static pv_trial trial_of(const pv_kernel *kernel, const pv_alone_case *c, pv_gpu *gpu,
                         const pv_cpu_path *ops, bool unasked, pv_error *err) {
  const struct family *f = family_of(kernel);
  pv_trial t = {.gpu = gpu,
                .kernel = kernel,
                .ops = ops,
                .c = *c,
                .max = c->is_i8 ? PV_ACT8_MAX : PV_ACT16_MAX,
                .product = c->is_i8 ? PV_PRODUCT_I8 : PV_PRODUCT_I16,
                .unasked = unasked,
                .seed = 17 + c->k + c->data,
                .arena = PV_ARENA_INIT,
                .err = err};
  if (f == NULL || (gpu == NULL && (f->flags & DEVICE_ONLY) != 0))
    t.code = pv_error_set(err, PV_ERR_UNSUPPORTED, "nobody makes cases for the kernel %s%s",
                          kernel->name, f == NULL ? "" : " on the CPU");
  else if (pv_alone_typed(kernel) && c->k % pv_type_get(c->type)->block_elements != 0)
    t.code = pv_error_set(err, PV_ERR_INPUT, "a row of %u is no whole number of blocks of %s", c->k,
                          pv_type_get(c->type)->name);
  else
    f->make(&t);
  return t;
}

static void launch_all(pv_trial *t) {
  for (size_t i = 0; i < t->launch_count; i++) launch(t, i);
  if (t->code == PV_OK) t->code = t->gpu->ops->finish(t->gpu, t->err);
}

static const uint32_t *download(pv_trial *t, const pv_alone_output *o) {
  uint32_t *got = PV_TRIAL_NEW(t, o->words, uint32_t);
  if (t->code == PV_OK)
    t->code = t->gpu->ops->download(t->gpu, got, o->at, o->words * sizeof *got, t->err);
  return got;
}

/* Of a device the outputs lie in its memory, of the CPU they are what it says they must hold. */
static void see_outputs(pv_trial *t, pv_trial *definition, const pv_alone_judge *judge,
                        pv_alone_result *out) {
  for (size_t i = 0; t->code == PV_OK && i < t->output_count; i++) {
    pv_alone_output o = t->output[i];
    o.got = t->gpu != NULL ? download(t, &o) : o.want;
    o.want = definition->output[i].want;
    if (t->code != PV_OK) break;
    if (judge != NULL)
      judge->see(judge->context, &t->c, &o);
    else
      compare(&o, out);
  }
}

/* A device's fault is a result. */
static pv_code end(pv_trial *t, pv_error *own, pv_alone_result *out, pv_error *err) {
  const pv_code code = t->code;
  out->bytes = t->bytes;
  out->operations = t->operations;
  pv_arena_free(&t->arena);
  if (code == PV_ERR_DEVICE) {
    snprintf(out->fault, sizeof out->fault, "%s", own->message);
    return PV_OK;
  }
  if (code != PV_OK && err != NULL) *err = *own;
  return code;
}

pv_code pv_alone_run(pv_alone_set *set, const pv_kernel *kernel, const pv_alone_case *c,
                     const pv_alone_judge *judge, pv_alone_result *out, pv_error *err) {
  pv_error own = PV_ERROR_INIT;
  const pv_cpu_path *ops = set->host != NULL ? set->host : &pv_definition;
  *out = (pv_alone_result){0};
  const pv_code code = open_device(set, err);
  if (code != PV_OK) return code;
  pv_trial t = trial_of(kernel, c, set->gpu, ops, judge != NULL && set->host == NULL, &own);
  if (set->gpu != NULL) launch_all(&t);
  if (set->host == NULL || judge != NULL || t.code != PV_OK) {
    see_outputs(&t, &t, judge, out);
  } else {
    pv_trial definition = trial_of(kernel, c, NULL, &pv_definition, false, &own);
    t.code = definition.code;
    see_outputs(&t, &definition, judge, out);
    pv_arena_free(&definition.arena);
  }
  return end(&t, &own, out, err);
}

pv_code pv_alone_time(pv_alone_set *set, const pv_kernel *kernel, const pv_alone_case *c,
                      size_t repeats, double *seconds, pv_alone_result *out, pv_error *err) {
  pv_error own = PV_ERROR_INIT;
  *out = (pv_alone_result){0};
  if (set->host != NULL)
    return pv_error_set(err, PV_ERR_INPUT, "a kernel is timed on a device, not on %s", set->name);
  const pv_code code = open_device(set, err);
  if (code != PV_OK) return code;
  pv_trial t = trial_of(kernel, c, set->gpu, &pv_definition, true, &own);
  launch_all(&t);
  if (t.code == PV_OK) repeat(&t, repeats, seconds);
  return end(&t, &own, out, err);
}
