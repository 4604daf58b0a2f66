#include "runtime/profile/ceilings.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/pool.h"
#include "kernels/cpu/peak.h"
#include "kernels/cuda/ceilings.h"
#include "runtime/alone/alone.h"

enum { TASKS = 64 };

/* Every thread sums its own share of a buffer. */
typedef struct reader {
  const uint64_t *words;
  size_t per_task;
  uint64_t *sums;
} reader;

static void read_task(void *context, size_t task, unsigned thread) {
  const reader *r = context;
  const uint64_t *p = r->words + task * r->per_task;
  uint64_t lane[16] = {0};
  (void)thread;
  for (size_t i = 0; i + 16 <= r->per_task; i += 16)
    for (size_t j = 0; j < 16; j++) lane[j] += p[i + j];
  for (size_t j = 0; j < 16; j++) r->sums[task] += lane[j];
}

pv_code pv_cpu_bandwidth(unsigned *threads, size_t repeats, pv_rates *out, pv_error *err) {
  const size_t bytes = (size_t)1 << 30;
  double rate[PV_CEILING_REPEATS];
  uint64_t sums[TASKS] = {0};
  pv_pool *pool = NULL;
  uint64_t *words = malloc(bytes);
  if (words == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for a 1 GiB buffer");
  memset(words, 1, bytes);
  reader r = {words, bytes / sizeof *words / TASKS, sums};
  pv_code code = pv_pool_open(*threads, &pool, err);
  if (code == PV_OK) *threads = pv_pool_threads(pool);
  for (size_t i = 0; i < repeats && code == PV_OK; i++) {
    const double start = pv_clock_now();
    pv_pool_run(pool, read_task, &r, TASKS);
    rate[i] = (double)bytes / (pv_clock_now() - start);
  }
  pv_pool_close(pool);
  if (code == PV_OK && sums[0] == 0) code = pv_error_set(err, PV_ERR_INTERNAL, "nothing read");
  free(words);
  if (code == PV_OK) *out = pv_rates_of(rate, repeats);
  return code;
}

typedef struct adder {
  double (*run)(size_t rounds);
  size_t rounds;
  double sums[TASKS];
} adder;

static void add_task(void *context, size_t task, unsigned thread) {
  adder *a = context;
  (void)thread;
  a->sums[task] = a->run(a->rounds);
}

/* Some milliseconds each, of which the first is not counted. */
static double cpu_peak(pv_pool *pool, const pv_cpu_peak *p, pv_cpu_unit unit, size_t repeats) {
  double rate[PV_CEILING_REPEATS];
  adder a = {.run = p->run[unit], .rounds = 1 << 8};
  for (double spent = 0.0; spent < 2e-3 && a.rounds < (size_t)1 << 30;) {
    a.rounds *= 2;
    const double start = pv_clock_now();
    pv_pool_run(pool, add_task, &a, TASKS);
    spent = pv_clock_now() - start;
  }
  for (size_t i = 0; i < repeats; i++) {
    const double start = pv_clock_now();
    pv_pool_run(pool, add_task, &a, TASKS);
    rate[i] = TASKS * (double)a.rounds * p->operations[unit] / (pv_clock_now() - start);
  }
  return pv_rates_of(rate, repeats).most;
}

/* Whether an identity has such products. */
static bool has_unit(pv_numerics numerics, pv_unit unit) {
  const bool exact = numerics == PV_NUMERICS_F64 || numerics == PV_NUMERICS_F32_F64ACC;
  if (unit == PV_UNIT_F32) return numerics != PV_NUMERICS_F64;
  return exact == (unit == PV_UNIT_F64);
}

pv_code pv_ceilings_cpu(const char *path, pv_numerics numerics, unsigned threads, size_t repeats,
                        pv_ceilings *out, pv_error *err) {
  static const char *const from = "the best of this run, from registers and the nearest cache";
  static const struct {
    const char *name;
    pv_cpu_unit cpu;
    int peak;
  } units[PV_UNITS] = {[PV_UNIT_INTEGER] = {"integer", PV_CPU_INTEGER, PV_PEAK_INTEGER},
                       [PV_UNIT_F32] = {"f32", PV_CPU_F32, PV_PEAK_F32},
                       [PV_UNIT_F64] = {"f64", PV_CPU_F64, PV_PEAK_F64}};
  const pv_cpu_peak *p = pv_cpu_peak_get(path);
  pv_pool *pool = NULL;
  if (p == NULL)
    return pv_error_set(err, PV_ERR_UNSUPPORTED, "nobody knows the peak of the path %s", path);
  pv_code code = pv_pool_open(threads, &pool, err);
  if (code != PV_OK) return code;
  *out = (pv_ceilings){.bytes_per_s = out->bytes_per_s};
  for (int u = 0; u < PV_UNITS; u++)
    out->peak[units[u].peak] =
        (pv_peak){units[u].name, from,
                  has_unit(numerics, (pv_unit)u) ? cpu_peak(pool, p, units[u].cpu, repeats) : 0.0};
  pv_pool_close(pool);
  return PV_OK;
}

static pv_code gpu_peak(const pv_gpu_ops *device, pv_gpu_kernel kernel, size_t repeats, double *out,
                        pv_error *err) {
  double rate[PV_CEILING_REPEATS];
  const pv_code code = pv_gpu_peak(device, kernel, rate, (unsigned)repeats, err);
  if (code == PV_OK) *out = pv_rates_of(rate, repeats).most;
  return code;
}

pv_code pv_ceilings_gpu(const pv_gpu_ops *device, pv_numerics numerics, size_t repeats,
                        pv_ceilings *out, pv_error *err) {
  static const char *const measured = "the best of this run, from registers";
  const bool exact = has_unit(numerics, PV_UNIT_F64);
  pv_gpu *gpu = NULL;
  pv_gpu_info info = {0};
  pv_code code = device->open(0, &gpu, err);
  if (code == PV_OK) code = device->info(gpu, &info, err);
  if (gpu != NULL) device->close(gpu);
  *out = (pv_ceilings){.bytes_per_s = out->bytes_per_s, .device = true};
  pv_peak *p = out->peak;
  p[PV_PEAK_INTEGER] = (pv_peak){"dp4a", measured, 0.0};
  p[PV_PEAK_MMA_INTEGER] = (pv_peak){"mma", measured, 0.0};
  p[PV_PEAK_F64] = (pv_peak){"f64", measured, 0.0};
  p[PV_PEAK_F32] = (pv_peak){"f32", "by its processors, lanes and highest clock",
                             2.0 * info.processors * info.lanes * info.clock};
  if (code == PV_OK && !exact)
    code = gpu_peak(device, PV_GPU_peak_dp4a, repeats, &p[PV_PEAK_INTEGER].per_s, err);
  if (code == PV_OK && !exact)
    code = gpu_peak(device, PV_GPU_peak_mma, repeats, &p[PV_PEAK_MMA_INTEGER].per_s, err);
  if (code == PV_OK && exact)
    code = gpu_peak(device, PV_GPU_peak_fma, repeats, &p[PV_PEAK_F64].per_s, err);
  return code;
}

const pv_peak *pv_ceilings_peak(const pv_ceilings *c, const char *what, pv_unit unit) {
  const pv_kernel *kernel = c->device && what != NULL ? pv_kernel_find(what) : NULL;
  if (unit == PV_UNIT_F32) return &c->peak[PV_PEAK_F32];
  if (unit == PV_UNIT_F64) return &c->peak[PV_PEAK_F64];
  const bool matrix =
      kernel != NULL && pv_alone_ceiling(kernel, PV_TYPE_Q4_K) == pv_kernel_get(PV_GPU_peak_mma);
  return &c->peak[matrix ? PV_PEAK_MMA_INTEGER : PV_PEAK_INTEGER];
}
