/* Checks of what the machine does: speed, memory. */
#include <string.h>
#include <unistd.h>

#include "runtime/checks/check.h"
#include "runtime/forward/speed.h"
#include "runtime/measure/rates.h"

/* Opens the backend; NOT_RUN when this build or machine lacks it, or the model the positions. */
static pv_code open_backend(pv_check *check, size_t context, size_t batch, pv_forward **out,
                            pv_error *err) {
  const pv_numerics numerics = pv_check_numerics(check, "numerics");
  char backend[PV_SIDE_BACKEND];
  pv_side side;
  pv_error local = PV_ERROR_INIT;
  if (context > check->model->shape.context)
    return pv_check_verdict(check, "NOT_RUN", "%zu positions are needed, the model has %u", context,
                            check->model->shape.context);
  pv_code code = pv_check_side(pv_check_word(check, "backend"), numerics, &side, err);
  if (code != PV_OK) return code;
  const pv_backend_config config = {numerics, context, batch, check->threads, side.kind->path};
  if (side.planted.fault != NULL || side.kind->defines)
    return pv_error_set(err, PV_ERR_INPUT, "the definition and what is planted have no speed");
  code = pv_forward_open(check->model, pv_side_backend(&side, backend), &config, out, &local);
  if (code == PV_ERR_UNSUPPORTED) return pv_check_verdict(check, "NOT_RUN", "%s", local.message);
  if (code != PV_OK && err != NULL) *err = local;
  if (code == PV_OK) {
    const char *computed = pv_forward_backend(*out);
    const bool meant = strcmp(computed, side.kind->backend) == 0;
    pv_check_backend(check, meant ? pv_check_word(check, "backend") : computed);
    code = pv_check_note_streams(check, *out, err);
  }
  return code;
}

enum { REPEATS_MAX = 64, BATCH_MAX = 512 };

/* The median decides. */
static pv_code judge_rates(pv_check *check, double *rate, size_t repeats) {
  const pv_rates r = pv_rates_of(rate, repeats);
  const double needed = pv_check_real(check, "min_tokens_per_s");
  pv_check_metric(check, "tokens_per_s_median", r.median);
  pv_check_metric(check, "tokens_per_s_min", r.least);
  pv_check_metric(check, "tokens_per_s_max", r.most);
  pv_check_needed(check, r.median);
  if (!(r.median >= needed))
    pv_check_fail(check, "%.1f tokens/s in the median of %zu, %.1f are needed", r.median, repeats,
                  needed);
  return pv_check_pass(check);
}

static pv_code sizes(const pv_check *check, size_t *tokens, size_t *repeats, pv_error *err) {
  *tokens = (size_t)pv_check_real(check, "tokens");
  *repeats = (size_t)pv_check_real(check, "repeats");
  if (*repeats > 0 && *repeats <= REPEATS_MAX && *tokens > 0) return PV_OK;
  return pv_error_set(err, PV_ERR_INPUT, "repeats or tokens are out of range");
}

/* Of decode behind `context` positions, or of a prompt, which is run once before. */
static pv_code run_throughput(pv_check *check, bool decodes, pv_error *err) {
  size_t tokens, repeats;
  double rate[REPEATS_MAX];
  pv_forward *forward = NULL;
  if (!pv_check_has(check, false)) return PV_OK;
  const size_t context = decodes ? (size_t)pv_check_real(check, "context") : 0;
  pv_code code = sizes(check, &tokens, &repeats, err);
  const size_t prompt = decodes ? context > 0 ? BATCH_MAX : 1 : tokens;
  if (code == PV_OK)
    code = open_backend(check, decodes ? context + tokens + 1 : tokens,
                        prompt < BATCH_MAX ? prompt : BATCH_MAX, &forward, err);
  if (code != PV_OK || forward == NULL) return code;
  const pv_speed speed = {forward, check->model, BATCH_MAX};
  code = decodes ? pv_speed_fill(&speed, context, err)
                 : pv_speed_prefill(&speed, tokens, &rate[0], err);
  for (size_t r = 0; r < repeats && code == PV_OK; r++) {
    code = decodes ? pv_speed_decode(&speed, context, tokens, &rate[r], NULL, NULL, err)
                   : pv_speed_prefill(&speed, tokens, &rate[r], err);
    check->compared += tokens;
    pv_check_progress(check, r + 1, repeats);
  }
  pv_forward_close(forward);
  return code == PV_OK ? judge_rates(check, rate, repeats) : code;
}

static pv_code run_throughput_decode(pv_check *check, pv_error *err) {
  return run_throughput(check, true, err);
}

const pv_check_spec pv_check_throughput_decode = {
    .name = "throughput.decode",
    .about =
        "Median of decoded tokens per second, one sequence, cache on, after `context` positions "
        "and one more.",
    .subject = "device",
    .needs = PV_NEEDS_MODEL,
    .timeout_s = 300,
    .params = PV_PARAMS(PV_TAKES_BACKEND, PV_TAKES_NUMERICS,
                        PV_TAKES_REAL("min_tokens_per_s", 0.001, 1e9, PV_LOOSENS_DOWN, "tokens/s",
                                      "150", "smallest median of decode"),
                        PV_TAKES_INT("tokens", 1, 65536, PV_LOOSENS_DOWN, "tokens", "128",
                                     "decoded tokens per repeat"),
                        PV_TAKES_INT("repeats", 1, 63, PV_LOOSENS_DOWN, "repeats", "5",
                                     "repeats of which the median is taken"),
                        PV_TAKES_INT("context", 0, 1048576, PV_LOOSENS_DOWN, "positions", "0",
                                     "positions in the cache before the first")),
    .run = run_throughput_decode};

static pv_code run_throughput_prefill(pv_check *check, pv_error *err) {
  return run_throughput(check, false, err);
}

const pv_check_spec pv_check_throughput_prefill = {
    .name = "throughput.prefill",
    .about =
        "Median of a prompt's tokens per second, in batches of at most 512, until its top token is "
        "on the host; after one run that is not counted.",
    .subject = "device",
    .needs = PV_NEEDS_MODEL,
    .timeout_s = 300,
    .params = PV_PARAMS(
        PV_TAKES_BACKEND, PV_TAKES_NUMERICS,
        PV_TAKES_REAL("min_tokens_per_s", 0.001, 1e9, PV_LOOSENS_DOWN, "tokens/s", "1000",
                      "smallest median of prefill"),
        PV_TAKES_INT("tokens", 1, 65536, PV_LOOSENS_DOWN, "tokens", "512", "length of the prompt"),
        PV_TAKES_INT("repeats", 1, 63, PV_LOOSENS_DOWN, "repeats", "5",
                     "repeats of which the median is taken")),
    .run = run_throughput_prefill};

static pv_code run_memory_headroom(pv_check *check, pv_error *err) {
  pv_forward *forward = NULL;
  const double allowed = pv_check_real(check, "max_fraction");
  if (!pv_check_has(check, false)) return PV_OK;
  pv_code code =
      open_backend(check, check->model->shape.context < 4096 ? check->model->shape.context : 4096,
                   1, &forward, err);
  if (code != PV_OK || forward == NULL) return code;
  pv_gpu_info device;
  bool has_device = false;
  double all = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGE_SIZE);
  double used = (double)pv_gguf_length(check->model->gguf) + (double)pv_forward_memory(forward);
  /* What a device itself says is in use, by whomever; of several the one that is fullest. */
  double fullest = -1.0;
  has_device = true;
  for (size_t i = 0; code == PV_OK && has_device; i++) {
    code = pv_forward_device_at(forward, i, &has_device, &device, err);
    if (code != PV_OK || !has_device) break;
    const double share = (double)(device.memory - device.free_) / (double)device.memory;
    if (!(share > fullest)) continue;
    fullest = share;
    all = (double)device.memory;
    used = (double)(device.memory - device.free_);
  }
  pv_forward_close(forward);
  if (code != PV_OK) return code;
  check->compared = 1;
  pv_check_metric(check, "bytes_needed", used);
  pv_check_metric(check, "bytes_of_memory", all);
  pv_check_needed(check, used / all);
  if (!(used <= allowed * all))
    pv_check_fail(check, "%.0f of %.0f bytes are needed, more than %.2f", used, all, allowed);
  return pv_check_pass(check);
}

const pv_check_spec pv_check_memory_headroom = {
    .name = "memory.headroom",
    .about = "Weights, cache and buffers fit in a share of the device's memory.",
    .subject = "device",
    .needs = PV_NEEDS_MODEL,
    .timeout_s = 60,
    .params = PV_PARAMS(PV_TAKES_BACKEND, PV_TAKES_NUMERICS,
                        PV_TAKES_REAL("max_fraction", 0.01, 1, PV_LOOSENS_UP, "", "0.95",
                                      "largest share of the device's memory")),
    .run = run_memory_headroom};
