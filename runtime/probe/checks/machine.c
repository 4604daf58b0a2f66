/* Checks of what the machine does: speed, memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runtime/probe/checks/check.h"

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Opens the backend; NOT_RUN when this build or machine lacks it. */
static pv_status open_backend(pv_check *check, size_t context, pv_forward **out, pv_error *err) {
  const pv_backend_config config = {pv_check_numerics(check, "numerics"), context, 1,
                                    check->threads, NULL};
  pv_error local = PV_ERROR_INIT;
  const pv_status status =
      pv_forward_open(check->model, pv_check_word(check, "backend"), &config, out, &local);
  if (status == PV_ERR_UNSUPPORTED) return pv_check_verdict(check, "NOT_RUN", "%s", local.message);
  if (status != PV_OK && err != NULL) *err = local;
  if (status == PV_OK) pv_check_backend(check, pv_forward_backend(*out));
  return status;
}

pv_status pv_check_throughput_decode(pv_check *check, pv_error *err) {
  enum { REPEATS_MAX = 64 };
  const size_t tokens = (size_t)pv_check_real(check, "tokens");
  const size_t repeats = (size_t)pv_check_real(check, "repeats");
  const double needed = pv_check_real(check, "min_tokens_per_s");
  double rate[REPEATS_MAX];
  pv_forward *forward = NULL;
  if (!pv_check_has(check, false)) return PV_OK;
  if (repeats == 0 || repeats > REPEATS_MAX || tokens == 0)
    return pv_error_set(err, PV_ERR_INPUT, "repeats or tokens are out of range");
  pv_status status = open_backend(check, tokens + 1, &forward, err);
  if (status != PV_OK || forward == NULL) return status;
  for (size_t r = 0; r < repeats && status == PV_OK; r++) {
    uint32_t id = 0;
    pv_forward_rewind(forward, 0);
    status = pv_forward_run(forward, &id, 1, 1, NULL, err);
    const double start = now();
    for (size_t t = 0; t < tokens && status == PV_OK; t++) {
      int32_t top = 0;
      status = pv_forward_read(forward, PV_STAGE_ARGMAX, 0, 1, &top, err);
      id = (uint32_t)top;
      if (status == PV_OK) status = pv_forward_run(forward, &id, 1, 1, NULL, err);
    }
    rate[r] = (double)tokens / (now() - start);
    check->compared += tokens;
    pv_check_progress(check, r + 1, repeats);
  }
  pv_forward_close(forward);
  if (status != PV_OK) return status;
  qsort(rate, repeats, sizeof *rate, ascending);
  const double median = rate[repeats / 2];
  pv_check_metric(check, "tokens_per_s_median", median);
  pv_check_metric(check, "tokens_per_s_min", rate[0]);
  pv_check_metric(check, "tokens_per_s_max", rate[repeats - 1]);
  pv_check_needed(check, median);
  if (!(median >= needed))
    pv_check_fail(check, "%.1f tokens/s in the median of %zu, %.1f are needed", median, repeats,
                  needed);
  return pv_check_pass(check);
}

pv_status pv_check_memory_headroom(pv_check *check, pv_error *err) {
  pv_forward *forward = NULL;
  const double allowed = pv_check_real(check, "max_fraction");
  if (!pv_check_has(check, false)) return PV_OK;
  pv_status status =
      open_backend(check, check->model->shape.context < 4096 ? check->model->shape.context : 4096,
                   &forward, err);
  if (status != PV_OK || forward == NULL) return status;
  uint64_t file = 0;
  pv_gpu_info device;
  bool has_device = false;
  pv_gguf_bytes(check->model->gguf, &file);
  double all = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGE_SIZE);
  double used = (double)file + (double)pv_forward_memory(forward);
  status = pv_forward_device(forward, &has_device, &device, err);
  if (has_device && status == PV_OK) { /* what the device itself says is in use, by whomever */
    all = (double)device.memory;
    used = (double)(device.memory - device.free_);
  }
  pv_forward_close(forward);
  if (status != PV_OK) return status;
  check->compared = 1;
  pv_check_metric(check, "bytes_needed", used);
  pv_check_metric(check, "bytes_of_memory", all);
  pv_check_needed(check, used / all);
  if (!(used <= allowed * all))
    pv_check_fail(check, "%.0f of %.0f bytes are needed, more than %.2f", used, all, allowed);
  return pv_check_pass(check);
}
