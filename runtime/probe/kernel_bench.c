#include "runtime/probe/kernel_bench.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "kernels/cuda/ceilings.h"
#include "runtime/measure/rates.h"
#include "runtime/probe/call.h"

enum { NOT_JUDGED = 3 };

/* What the device reaches, measured once in a run, each when the first kernel asks for it. */
typedef struct ceilings {
  const pv_gpu_ops *device;
  unsigned repeats;
  pv_rates read;                      /* bytes per second */
  pv_rates peak[PV_GPU_KERNEL_COUNT]; /* operations per second, by the kernel that multiplies */
  bool measured[PV_GPU_KERNEL_COUNT];
} ceilings;

typedef struct timed {
  const pv_kernel *kernel, *ceiling; /* `ceiling` NULL: it multiplies as no other does */
  char text[128];                    /* the case */
  pv_rates seconds;
  pv_alone_result result;
  double peak; /* operations per second of `ceiling` */
} timed;

static pv_code measure_peak(ceilings *c, const pv_kernel *kernel, double *out, pv_error *err) {
  double rate[PV_KERNEL_BENCH_REPEATS];
  pv_gpu_kernel which = 0;
  pv_code code = PV_OK;
  while (pv_kernel_get(which) != kernel) which++;
  if (!c->measured[which]) {
    code = pv_gpu_peak(c->device, which, rate, c->repeats, err);
    if (code == PV_OK) c->peak[which] = pv_rates_of(rate, c->repeats);
    c->measured[which] = code == PV_OK;
  }
  if (code == PV_OK) *out = c->peak[which].median;
  return code;
}

static pv_code time_kernel(pv_alone_set *set, const pv_kernel *k, const pv_alone_case *wish,
                           ceilings *c, timed *out, pv_error *err) {
  const pv_alone_case one = pv_alone_bench_case(k, wish);
  double seconds[PV_KERNEL_BENCH_REPEATS];
  *out = (timed){.kernel = k, .ceiling = pv_alone_ceiling(k, one.type)};
  pv_alone_case_text(k, &one, out->text);
  pv_alone_set_close(set);
  pv_code code = pv_alone_time(set, k, &one, c->repeats, seconds, &out->result, err);
  if (code == PV_OK && out->result.fault[0] != '\0')
    code = pv_error_set(err, PV_ERR_DEVICE, "%.400s", out->result.fault);
  if (code == PV_OK) out->seconds = pv_rates_of(seconds, c->repeats);
  if (code == PV_OK && out->ceiling != NULL) code = measure_peak(c, out->ceiling, &out->peak, err);
  return code;
}

static json_t *timed_json(const timed *t, const ceilings *c, const char *on) {
  const pv_rates *s = &t->seconds;
  json_t *o = json_pack("{s:s, s:s, s:s, s:I, s:{s:f, s:f, s:f}, s:I, s:f, s:f}", "kernel",
                        t->kernel->name, "on", on, "case", t->text, "repeats",
                        (json_int_t)c->repeats, "seconds", "median", s->median, "min", s->least,
                        "max", s->most, "bytes", (json_int_t)t->result.bytes, "bytes_per_s",
                        (double)t->result.bytes / s->median, "read_bytes_per_s", c->read.median);
  if (t->ceiling == NULL) return o;
  pv_json_set(&o, "operations", json_integer((json_int_t)t->result.operations));
  pv_json_set(&o, "operations_per_s", json_real((double)t->result.operations / s->median));
  pv_json_set(&o, "peak_kernel", json_string(t->ceiling->name));
  pv_json_set(&o, "peak_operations_per_s", json_real(t->peak));
  return o;
}

static void print_timed(const timed *t, const ceilings *c) {
  const double bytes = (double)t->result.bytes / t->seconds.median;
  const double work = (double)t->result.operations / t->seconds.median;
  printf("%s: %s\n", t->kernel->name, t->text);
  printf("  %.3f us (%.3f to %.3f in %u repeats)\n", t->seconds.median * 1e6,
         t->seconds.least * 1e6, t->seconds.most * 1e6, c->repeats);
  printf("  %.3f MB in its buffers: %.1f GB/s, %.0f %% of the %.1f GB/s that memory is read with\n",
         (double)t->result.bytes / 1e6, bytes / 1e9, 100.0 * bytes / c->read.median,
         c->read.median / 1e9);
  if (t->ceiling != NULL)
    printf("  %.3f million operations: %.2f TOP/s, %.0f %% of the %.2f TOP/s of %s\n",
           (double)t->result.operations / 1e6, work / 1e12, 100.0 * work / t->peak, t->peak / 1e12,
           t->ceiling->name);
}

/* Kernels that stand for no operation are the ceilings themselves. */
static bool is_wanted(const pv_kernel *k, const char *name) {
  return strcmp(name, "all") == 0 ? strncmp(k->operation, "none", 4) != 0
                                  : strcmp(k->name, name) == 0;
}

int pv_kernel_bench(pv_alone_set *set, const char *name, const pv_alone_case *wish,
                    uint64_t repeats, bool json, pv_error *err) {
  ceilings c = {.device = set->device, .repeats = (unsigned)repeats};
  double read[PV_KERNEL_BENCH_REPEATS];
  json_t *kernels = json_array();
  pv_code code = pv_gpu_bandwidth(set->device, read, c.repeats, err);
  if (code == PV_OK) c.read = pv_rates_of(read, repeats);
  for (int i = 0; code == PV_OK && i < PV_GPU_KERNEL_COUNT; i++) {
    const pv_kernel *k = pv_kernel_get((pv_gpu_kernel)i);
    timed t;
    if (!is_wanted(k, name)) continue;
    code = time_kernel(set, k, wish, &c, &t, err);
    if (code != PV_OK) break;
    if (json)
      pv_json_append(&kernels, timed_json(&t, &c, set->name));
    else
      print_timed(&t, &c);
  }
  if (code == PV_OK && json)
    code =
        pv_json_print(json_pack("{s:s, s:O}", "schema", "pv/kernel-bench/v1", "kernels", kernels),
                      JSON_INDENT(1), err);
  json_decref(kernels);
  if (code != PV_ERR_UNSUPPORTED) return pv_call_exit(code, err);
  pv_error_print(err, stderr);
  return NOT_JUDGED;
}
