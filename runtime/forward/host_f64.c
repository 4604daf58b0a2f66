/* The arbiter: the same driver over kernels of its own, in float64. */
#include "kernels/exact/exact.h"

typedef double real;
typedef pv_exact_kernels host_kernels;
typedef pv_exact_act host_act;
typedef pv_exact_mm host_mm;
typedef pv_exact_attend host_attend;

#include "runtime/forward/host_driver.h"

static void take_planes(host *h, acts *a, size_t rows, size_t k, bool *failed) {
  (void)h, (void)a, (void)rows, (void)k, (void)failed;
}

static void ready(const host *h, pv_exact_act *act, const double *x, size_t k) {
  (void)h, (void)k;
  act->x = x;
}

static void complete_mm(const host *h, pv_exact_mm *mm) {
  (void)h, (void)mm;
}

static void complete_attend(pv_exact_attend *a, float scale) {
  a->scale = (double)scale;
}

pv_code pv_exact_open(const pv_exact_kernels *kernels, const pv_model *model,
                      const pv_backend_config *config, pv_backend **out, pv_error *err) {
  const host with = {.base = {.ops = &pv_backend_f64}, .kernels = kernels, .defect = {.layer = -1}};
  return host_open(&with, model, config, out, err);
}

static pv_code open_arbiter(const pv_model *model, const pv_backend_config *config,
                            pv_backend **out, pv_error *err) {
  return pv_exact_open(&pv_exact, model, config, out, err);
}

const pv_backend_ops pv_backend_f64 = {.name = "cpu",
                                       .open = open_arbiter,
                                       .close = host_close,
                                       .begin = host_begin,
                                       .run = host_run,
                                       .read = host_read,
                                       .memory = host_memory,
                                       .meter = host_meter,
                                       .compute = host_compute,
                                       .write = host_write};
