/* Checks of the PTX that is embedded in this program, which is the PTX that is loaded. */
#include <string.h>

#include "base/text.h"
#include "kernels/cuda/images.h"
#include "kernels/ptx/assert.h"
#include "runtime/checks/check.h"

typedef pv_code (*judge)(const pv_check *check, pv_arena *arena, const pv_ptx_function *kernel,
                         pv_ptx_report *report, pv_error *err);

/* The module's text with the instruction that the fault puts in another's place. */
static pv_code plant(const pv_fault *fault, const pv_cuda_module *image, pv_text *out,
                     pv_error *err) {
  const char *from = fault->ptx[0], *at = image->ptx, *end = at + image->ptx_bytes;
  const size_t n = from != NULL ? strlen(from) : 0;
  const char *hit;
  while (n > 0 && (hit = memmem(at, (size_t)(end - at), from, n)) != NULL) {
    pv_text_add(out, at, (size_t)(hit - at));
    pv_text_puts(out, fault->ptx[1]);
    at = hit + n;
  }
  pv_text_add(out, at, (size_t)(end - at));
  return out->failed ? pv_error_set(err, PV_ERR_NOMEM, "out of memory for PTX") : PV_OK;
}

/* Every kernel of one module that `wanted` names. */
static pv_code judge_module(pv_check *check, pv_arena *arena, const pv_cuda_module *image,
                            const char *wanted, judge run, pv_ptx_report *report, size_t *kernels,
                            pv_error *err) {
  pv_ptx_module *module = NULL;
  pv_text planted = PV_TEXT_INIT;
  const char *text = image->ptx;
  size_t length = image->ptx_bytes;
  pv_code code = PV_OK;
  if (check->planted.fault != NULL) {
    code = plant(check->planted.fault, image, &planted, err);
    text = planted.data;
    length = planted.length;
  }
  if (code == PV_OK) code = pv_ptx_parse(arena, image->name, text, length, &module, err);
  for (size_t i = 0; code == PV_OK && i < module->function_count; i++) {
    const pv_ptx_function *f = module->functions[i];
    if (!f->is_entry || (strcmp(wanted, "all") != 0 && strcmp(wanted, f->name) != 0)) continue;
    code = run(check, arena, f, report, err);
    ++*kernels;
  }
  pv_text_free(&planted);
  return code;
}

static void conclude(pv_check *check, const pv_ptx_report *report, size_t kernels) {
  check->compared = report->compared;
  pv_check_metric(check, "kernels", (double)kernels);
  pv_check_metric(check, "findings", (double)report->count);
  pv_check_metric(check, "findings_against", (double)report->failed);
  for (size_t i = 0; i < report->count; i++) {
    const pv_ptx_finding *f = &report->findings[i];
    if (!f->held)
      pv_check_fail(check, "%s, line %u of its PTX: %s: %s", f->kernel, f->line, f->directive,
                    f->text);
  }
  pv_check_pass(check);
}

static pv_code judge_all(pv_check *check, judge run, pv_error *err) {
  pv_arena arena = PV_ARENA_INIT;
  pv_ptx_report report = {0};
  const char *wanted = pv_check_word(check, "kernel");
  size_t count = 0, kernels = 0;
  pv_code code = PV_OK;
  const pv_cuda_module *modules = pv_cuda_modules(&count);
  if (count == 0) return pv_check_verdict(check, "NOT_RUN", "this build has no CUDA kernels");
  for (size_t i = 0; code == PV_OK && i < count; i++) {
    code = judge_module(check, &arena, &modules[i], wanted, run, &report, &kernels, err);
    pv_check_progress(check, i + 1, count);
  }
  if (code == PV_OK && kernels == 0) {
    code = pv_error_set(err, PV_ERR_INPUT, "no kernel '%s' is embedded in this program", wanted);
    pv_error_hint(err, "see: pv ptx list");
  }
  if (code == PV_OK) conclude(check, &report, kernels);
  pv_arena_free(&arena);
  return code;
}

static pv_code judge_directives(const pv_check *check, pv_arena *arena,
                                const pv_ptx_function *kernel, pv_ptx_report *report,
                                pv_error *err) {
  const char *require[32], *forbid[32], *order[32], *count[32];
  const pv_ptx_directives d = {.require = require,
                               .forbid = forbid,
                               .order = order,
                               .count = count,
                               .requires = pv_check_list(check, "require", require),
                               .forbids = pv_check_list(check, "forbid", forbid),
                               .orders = pv_check_list(check, "order", order),
                               .counts = pv_check_list(check, "count", count)};
  return pv_ptx_check_directives(arena, kernel, &d, report, err);
}

static pv_code judge_flow(const pv_check *check, pv_arena *arena, const pv_ptx_function *kernel,
                          pv_ptx_report *report, pv_error *err) {
  const char *writers[32], *factors[32];
  const pv_ptx_flow flow = {.sink = pv_check_word(check, "sink"),
                            .through = pv_check_word(check, "through"),
                            .combine = pv_check_word(check, "combine"),
                            .writers = writers,
                            .writer_count = pv_check_list(check, "writers", writers),
                            .factors = factors,
                            .factor_count = pv_check_list(check, "factors", factors)};
  return pv_ptx_check_flow(arena, kernel, &flow, report, err);
}

static pv_code judge_rules(const pv_check *check, pv_arena *arena, const pv_ptx_function *kernel,
                           pv_ptx_report *report, pv_error *err) {
  const char *rules[32];
  size_t count = pv_check_list(check, "rules", rules);
  if (count == 1 && strcmp(rules[0], "all") == 0) count = 0;
  return pv_ptx_check_rules(arena, kernel, rules, count, report, err);
}

static pv_code run_ptx_emit(pv_check *check, pv_error *err) {
  return judge_all(check, judge_directives, err);
}

const pv_check_spec pv_check_ptx_emit = {
    .name = "ptx.emit",
    .about =
        "The PTX that is loaded has the instructions that the contract states; see docs/ptx.md. "
        "NOT_RUN in a build without CUDA kernels.",
    .subject = "ptx",
    .timeout_s = 30,
    .params = PV_PARAMS(
        PV_TAKES_KERNEL(NULL), PV_TAKES_STRINGS("require", "", "instructions that must occur"),
        PV_TAKES_STRINGS("forbid", "",
                         "instructions that must not occur, in called functions either"),
        PV_TAKES_STRINGS("order", "",
                         "instructions whose first and whose last occurrences are in this order"),
        PV_TAKES_STRINGS("count", "", "instruction.times, exactly")),
    .run = run_ptx_emit};

static pv_code run_ptx_flow(pv_check *check, pv_error *err) {
  return judge_all(check, judge_flow, err);
}

const pv_check_spec pv_check_ptx_flow = {
    .name = "ptx.flow",
    .about =
        "In the PTX that is loaded, every value that reaches the sink comes through one rounding "
        "from accumulators that only the named instructions write; see docs/ptx.md. NOT_RUN in a "
        "build without CUDA kernels.",
    .subject = "ptx",
    .timeout_s = 30,
    .params = PV_PARAMS(
        PV_TAKES_KERNEL(NULL),
        PV_TAKES_STRING("sink", "shfl.sync", "instructions whose values are traced back"),
        PV_TAKES_STRING("through", "cvt.rn.f32.f64",
                        "the one instruction by which a sum leaves its accumulator"),
        PV_TAKES_STRING("combine", "add.f32",
                        "adds a value and its shuffled self between two sinks"),
        PV_TAKES_STRINGS("writers", NULL,
                         "instructions that may write an accumulator; zero: the constant"),
        PV_TAKES_STRINGS("factors", "",
                         "instructions that may make what an fma multiplies; none: not looked at")),
    .run = run_ptx_flow};

static pv_code run_ptx_rules(pv_check *check, pv_error *err) {
  return judge_all(check, judge_rules, err);
}

const pv_check_spec pv_check_ptx_rules = {
    .name = "ptx.rules",
    .about =
        "The rules for every kernel hold in the PTX that is loaded: nothing flushes, approximates, "
        "adds floats atomically, uses local memory or may be contracted. NOT_RUN in a build "
        "without CUDA kernels.",
    .subject = "ptx",
    .timeout_s = 30,
    .params = PV_PARAMS(
        PV_TAKES_KERNEL("all"),
        PV_TAKES_STRINGS("rules", "all",
                         "no_ftz, no_approx, no_float_atomics, no_local, no_contraction")),
    .run = run_ptx_rules};
