/* The checks on the default model: what passes, and that each can say something else. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cuda/images.h"
#include "runtime/checks/check.h"
#include "runtime/probe/frame.h"
#include "tests/unit/testing.h"

#define MODEL     "models/tiny-coder-moe-Q4_K_M.gguf"
#define REFERENCE "models/tiny-coder-moe.reference"

static pv_model *model;
static pv_reference *reference, *builtin;
static bool without_reference; /* then the prompts are the built-in ones */
static pv_capture_cache cache, *caches = &cache;

typedef struct answer {
  char verdict[24], reason[512], metrics[512];
  uint64_t compared;
} answer;

/* `with` is JSON in single quotes, for legibility. */
static answer ask(const char *name, const char *with, bool with_model) {
  char text[400];
  answer out = {"", "", "", 0};
  pv_error err = PV_ERROR_INIT;
  snprintf(text, sizeof text, "%s", with);
  for (char *p = text; *p != '\0'; p++) *p = *p == '\'' ? '"' : *p;
  json_t *parameters = json_loads(text, 0, NULL);
  pv_check check = {.cache = caches,
                    .spec = pv_check_find(name),
                    .with = parameters,
                    .model = with_model ? model : NULL,
                    .reference = with_model && !without_reference ? reference : NULL,
                    .builtin = with_model && without_reference ? builtin : NULL,
                    .model_path = MODEL,
                    .reference_path = REFERENCE,
                    .probe_path = "/bin/false",
                    .threads = 2,
                    .verdict = "NOT_RUN",
                    .metrics = json_object(),
                    .series = json_array(),
                    .backends = json_array()};
  if (EXPECT(parameters != NULL) && EXPECT(check.spec != NULL)) {
    const pv_code code = check.spec->run(&check, &err);
    snprintf(out.verdict, sizeof out.verdict, "%s", code == PV_OK ? check.verdict : "ERROR");
    snprintf(out.reason, sizeof out.reason, "%s", code == PV_OK ? check.reason : err.message);
    out.compared = check.compared;
    char *metrics = json_dumps(check.metrics, JSON_COMPACT | JSON_SORT_KEYS);
    snprintf(out.metrics, sizeof out.metrics, "%s", metrics);
    free(metrics);
  }
  json_decref(parameters);
  json_decref(check.metrics);
  json_decref(check.series);
  json_decref(check.backends);
  json_decref(check.worst);
  return out;
}

static void expect(const char *name, const char *with, const char *verdict, const char *reason) {
  const answer a = ask(name, with, true);
  if (!EXPECT_STR(a.verdict, verdict)) fprintf(stderr, "  %s %s: %s\n", name, with, a.reason);
  if (reason != NULL) EXPECT_HAS(a.reason, reason);
  if (strcmp(verdict, "PASS") == 0) EXPECT(a.compared > 0);
}

/* Without the prompt in which a router's margin is below the noise of i16 (docs/numerics.md). */
#define SHORT "{'prompts': ['p0', 'p1', 'p2', 'p3', 'p4', 'p5', 'p6', 'p7']}"

static void test_what_holds(void) {
  expect("forward.arbiter", SHORT, "PASS", NULL);
  expect("forward.arbiter", "{'numerics': 'f32-f64acc'}", "PASS", NULL);
  expect("forward.reference", "{}", "PASS", NULL);
  expect("forward.batch_split", "{'prompts': ['p0', 'p6']}", "PASS", NULL);
  expect("forward.paths", "{'prompts': ['p0']}", "PASS", NULL);
  expect("forward.finite", "{}", "PASS", NULL);
  expect("forward.shape", "{}", "PASS", NULL);
  expect("forward.no_fallback", "{}", "PASS", NULL);
  expect("router.weights_sum", "{}", "PASS", NULL);
  expect("router.index_sets",
         "{'right': 'cpu', 'right_numerics': 'f64', 'prompts': ['p0', 'p6', 'p7']}", "PASS", NULL);
  expect("router.topk_rule", "{}", "PASS", NULL);
  expect("experts.dispatch", "{'numerics': 'f64', 'tolerance': 1e-9}", "PASS", NULL);
  expect("experts.combine_order", "{}", "PASS", NULL);
  expect("swiglu.error", "{}", "PASS", NULL);
  expect("types.dispatch", "{'min_types': 5}", "PASS", NULL);
  expect("types.refuse_unknown", "{}", "PASS", NULL);
  expect("names.resolve", "{}", "PASS", NULL);
  expect("names.mutations", "{}", "PASS", NULL);
  expect("memory.headroom", "{}", "PASS", NULL);
  expect("throughput.decode",
         "{'context': 513, 'min_tokens_per_s': 0.001, 'tokens': 2, 'repeats': 2}", "PASS", NULL);
  expect("throughput.prefill", "{'min_tokens_per_s': 0.001, 'tokens': 520, 'repeats': 2}", "PASS",
         NULL);
  expect("gemv.exact", "{'type': 'Q6_K'}", "PASS", NULL);
  expect("gemv.bound", "{'type': 'Q5_K'}", "PASS", NULL);
  for (size_t i = 0; i < PV_TYPE_COUNT; i++) {
    char with[64];
    snprintf(with, sizeof with, "{'type': '%s'}", pv_type_table[i].name);
    expect("quant.blocks", with, "PASS", NULL);
  }
}

/* The same checks with a claim that is false. */
static void test_what_does_not_hold(void) {
  expect("forward.arbiter", "{'numerics': 'i8'}", "FAIL", "below");
  expect("forward.arbiter", "{'min_cosine': 1, 'prompts': ['p0']}", "FAIL", "cosine");
  expect("forward.arbiter", "{}", "FAIL", "where the margin is 1.56e-05");
  expect("forward.reference", "{'min_cosine': 0.9999}", "FAIL", "not above");
  expect("router.weights_sum", "{'tolerance': 1e-12}", "FAIL", "add up to");
  expect("router.index_sets", "{'right': 'cpu', 'right_numerics': 'i8'}", "FAIL", "experts differ");
  expect("experts.dispatch", "{'tolerance': 1e-15}", "FAIL", "sum over all experts");
  expect("swiglu.error", "{'max_ulp': 0.5}", "FAIL", "ulp off");
  expect("throughput.decode", "{'min_tokens_per_s': 1e9, 'tokens': 2, 'repeats': 1}", "FAIL",
         "are needed");
  expect("throughput.prefill", "{'min_tokens_per_s': 1e9, 'tokens': 2, 'repeats': 1}", "FAIL",
         "are needed");
}

/* Sides by the one grammar: other code, the definition, a fault of the contract's own. */
static void test_sides(void) {
  expect("forward.parity", "{'right': 'scalar', 'prompts': ['p0']}", "PASS", NULL);
  expect("forward.parity", "{'right': 'definition', 'prompts': ['p0']}", "PASS", NULL);
  expect("forward.parity", "{'right': 'cpu@rope_pairs:layer=1', 'prompts': ['p0']}", "FAIL",
         "cpu and cpu@rope_pairs:layer=1 differ first in stage q_rope of layer 1");
  expect("forward.no_fallback", "{'backend': 'scalar', 'prompts': ['p0']}", "PASS", NULL);
  expect("forward.no_fallback", "{'backend': 'definition', 'prompts': ['p0']}", "PASS", NULL);
  expect("forward.no_fallback", "{'backend': 'ptx@silent_fallback', 'prompts': ['p0']}", "FAIL",
         "cpu computed");
  expect("forward.finite", "{'backend': 'cpu@rope_pair', 'prompts': ['p0']}", "ERROR",
         "no fault 'rope_pair'");
  expect("forward.finite", "{'backend': 'trace', 'prompts': ['p0']}", "ERROR", "names no folder");
  expect("quant.blocks", "{'type': 'Q6_K', 'on': 'cpu@wrong_sub_scale'}", "FAIL", "decodes to");
  expect("throughput.decode", "{'backend': 'definition', 'tokens': 2, 'repeats': 1}", "ERROR",
         "have no speed");
}

/* A check of operations asks the same of every kernel set; the CPU is all of its code paths. */
static void test_sets(void) {
  static const char *const checks[][2] = {{"gemv.exact", "'type': 'Q6_K', "},
                                          {"gemv.bound", "'type': 'Q4_K', 'numerics': 'i8', "},
                                          {"quant.blocks", "'type': 'Q5_K', "},
                                          {"swiglu.error", ""},
                                          {"router.topk_rule", ""}};
  static const char *const sets[] = {"scalar", "avx2", "vnni", "definition", "ptx", "cuda"};
  for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
    uint64_t one = 0, paths = 0;
    char with[128];
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++) {
      snprintf(with, sizeof with, "{%s'on': '%s'}", checks[i][1], sets[s]);
      const answer a = ask(checks[i][0], with, false);
      const bool passed = strcmp(a.verdict, "PASS") == 0;
      if (s == 0) one = a.compared;
      if (s < 3) paths += a.compared;
      EXPECT(one > 0 && a.compared == (passed ? one : 0));
      if (!EXPECT(passed || (s > 0 && strcmp(a.verdict, "NOT_RUN") == 0 && a.reason[0] != '\0')))
        fprintf(stderr, "  %s on %s: %s\n", checks[i][0], sets[s], a.reason);
    }
    snprintf(with, sizeof with, "{%s'on': 'cpu'}", checks[i][1]);
    EXPECT_U64(ask(checks[i][0], with, false).compared, paths);
    snprintf(with, sizeof with, "{%s'on': 'gpu'}", checks[i][1]); /* which is no set */
    EXPECT_STR(ask(checks[i][0], with, false).verdict, "ERROR");
  }
}

static void test_needed(void) {
  pv_check check = {0};
  pv_check_needed(&check, 0.5);
  EXPECT(check.has_needed && check.needed == 0.5);
  pv_check_needed(&check, INFINITY); /* JSON has no word for it */
  EXPECT(!check.has_needed);
}

static void test_what_cannot_be_judged(void) {
  expect("forward.parity", "{}", "NOT_RUN", "CUDA");
  expect("forward.argmax", "{}", "NOT_RUN", "CUDA");
  expect("forward.finite", "{'backend': 'cuda'}", "NOT_RUN", "CUDA");
  expect("memory.headroom", "{'backend': 'cuda'}", "NOT_RUN", "CUDA");
  expect("throughput.prefill", "{'backend': 'cuda'}", "NOT_RUN", "CUDA");
  expect("throughput.decode", "{'context': 4096}", "NOT_RUN", "4225 positions are needed");
  expect("forward.parity", "{'right_numerics': 'i8'}", "INCOMPARABLE", "two different functions");
  expect("forward.parity", "{'right': 'cpu'}", "VACUOUS", "nothing is compared");
  expect("forward.argmax", "{'right': 'cpu'}", "VACUOUS", NULL);
  expect("router.index_sets", "{'right': 'cpu'}", "VACUOUS", NULL);
  expect("forward.arbiter", "{'numerics': 'f64'}", "VACUOUS", "itself");
  expect("types.dispatch", "{'min_types': 7}", "NOT_RUN", "are needed");
  expect("forward.finite", "{'prompts': ['p9']}", "ERROR", "no prompt 'p9'");
  expect("forward.determinism", "{'runs': 2}", "ERROR", "digest"); /* /bin/false is no probe */
  EXPECT_STR(ask("forward.finite", "{}", false).verdict, "NOT_RUN");
  EXPECT_STR(ask("names.resolve", "{}", false).verdict, "NOT_RUN");
}

/* A model that nobody made a reference for: all that compares with no known output is judged. */
static void test_builtin_prompts(void) {
  without_reference = true;
  for (size_t i = 0; i < pv_reference_prompt_count(builtin); i++)
    EXPECT(strncmp(pv_reference_prompt_at(builtin, i)->name, PV_BUILTIN_PROMPT,
                   strlen(PV_BUILTIN_PROMPT)) == 0);
  expect("forward.batch_split", "{}", "PASS", NULL);
  expect("forward.finite", "{'prompts': ['builtin-1', 'builtin-17']}", "PASS", NULL);
  expect("forward.shape", "{}", "PASS", NULL);
  expect("forward.no_fallback", "{'prompts': ['all']}", "PASS", NULL);
  expect("router.weights_sum", "{}", "PASS", NULL);
  expect("experts.dispatch", "{'numerics': 'f64', 'tolerance': 1e-9}", "PASS", NULL);
  expect("experts.combine_order", "{}", "PASS", NULL);
  expect("forward.arbiter", "{'min_cosine': 1}", "FAIL", "of prompt builtin-");
  expect("forward.finite", "{'prompts': ['builtin-1', 'p0']}", "NOT_RUN",
         "none of the built-in prompts is 'p0'");
  expect("forward.reference", "{}", "NOT_RUN", "no reference was given");
  expect("forward.reference", "{'prompts': ['builtin-3']}", "NOT_RUN", "no reference was given");
  without_reference = false;
  expect("forward.finite", "{'prompts': ['builtin-1']}", "ERROR",
         "the reference has no prompt 'builtin-1'");
  /* Two positions of one prompt, where a prompt has them. */
  const uint64_t elements = (uint64_t)model->shape.layers * model->shape.hidden;
  without_reference = true;
  EXPECT_U64(ask("experts.dispatch", "{}", true).compared, 2 * elements);
  EXPECT_U64(ask("experts.dispatch", "{'prompts': ['builtin-1']}", true).compared, elements);
  without_reference = false;
}

/* In a build with kernels they are judged, without a device; in one without they are not. */
static void test_ptx(void) {
  static const char *const emit = "{'kernel': 'q6_k_gemv_f64acc', 'forbid': ['.ftz']}",
                           *const flow =
                               "{'kernel': 'q6_k_gemv_f64acc', 'writers': "
                               "['fma.rn.f64', 'add.f64', 'zero']}";
  size_t count = 0;
  (void)pv_cuda_modules(&count);
  if (count == 0) {
    expect("ptx.emit", emit, "NOT_RUN", "CUDA");
    expect("ptx.flow", flow, "NOT_RUN", "CUDA");
    expect("ptx.rules", "{}", "NOT_RUN", "CUDA");
    expect("forward.no_fallback", "{'backend': 'ptx'}", "NOT_RUN", "PTX");
    return;
  }
  expect("ptx.emit", emit, "PASS", NULL);
  expect("ptx.flow", flow, "PASS", NULL);
  expect("ptx.rules", "{}", "PASS", NULL);
  expect("ptx.rules", "{'kernel': 'rmsnorm', 'rules': ['no_ftz']}", "PASS", NULL);
  expect("ptx.emit", "{'kernel': 'q6_k_gemv_f64acc', 'forbid': ['fma.rn.f64']}", "FAIL",
         "q6_k_gemv_f64acc, line");
  expect("ptx.flow", "{'kernel': 'q6_k_gemv_f64acc', 'writers': ['add.f64', 'zero']}", "FAIL",
         "fma.rn.f64 writes an accumulator");
  expect("ptx.emit", "{'kernel': 'all'}", "ERROR", "nothing is asserted");
  expect("ptx.emit", "{'kernel': 'q6k_gemv', 'forbid': ['.ftz']}", "ERROR", "no kernel 'q6k_gemv'");
  expect("ptx.emit", "{'kernel': 'all', 'forbid': ['.ftx']}", "ERROR", "no modifier 'ftx'");
  expect("ptx.rules", "{'rules': ['no_fzt']}", "ERROR", "no rule 'no_fzt'");
}

/* A run whose stages are too many to be kept is compared and looked at as it goes. */
static void test_without_keeping(void) {
  static const struct {
    const char *name, *with, *verdict;
    size_t runs; /* that are there behind it */
  } asked[] = {
      {"forward.parity", "{'right': 'scalar', 'prompts': ['p0', 'p6']}", "PASS", 4},
      {"router.index_sets", "{'right': 'scalar', 'prompts': ['p6', 'p0']}", "PASS", 4},
      {"forward.argmax", "{'right': 'scalar', 'prompts': ['p0', 'p6']}", "PASS", 4},
      {"forward.finite", "{'prompts': ['p0', 'p6']}", "PASS", 4},
      {"forward.finite", "{'backend': 'scalar', 'prompts': ['p6']}", "PASS", 4},
      {"router.weights_sum", "{'backend': 'scalar', 'prompts': ['p0']}", "PASS", 4},
      {"forward.finite", "{'numerics': 'f64', 'prompts': ['p0']}", "PASS", 5},
      {"forward.finite", "{'numerics': 'f32-f64acc', 'prompts': ['p0']}", "PASS", 6},
      {"forward.parity", "{'right': 'cpu@wrong_rope_base', 'prompts': ['p0']}", "FAIL", 8},
      {"router.index_sets", "{'right': 'cpu@wrong_sub_scale:layer=1', 'prompts': ['p0']}", "FAIL",
       9},
      {"forward.parity", "{'right': 'cpu@nan_in_one_element', 'prompts': ['p6']}", "FAIL", 11},
      {"forward.finite", "{'backend': 'cpu@nan_in_one_element', 'prompts': ['p6']}", "FAIL", 11},
      {"forward.parity", "{'right_numerics': 'i8', 'right': 'scalar', 'prompts': ['p0']}",
       "INCOMPARABLE", 11},
      /* of all stages after all */
      {"forward.batch_split", "{'prompts': ['p0']}", "PASS", 12},
  };
  pv_capture_cache kept = {0}, passed = {.room = 1, .roles = 1u << PV_ROLE_TOP};
  for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
    caches = &kept;
    const answer a = ask(asked[i].name, asked[i].with, true);
    caches = &passed;
    const answer b = ask(asked[i].name, asked[i].with, true);
    caches = &cache;
    EXPECT_STR(a.verdict, asked[i].verdict);
    EXPECT_STR(b.verdict, a.verdict);
    EXPECT_STR(b.reason, a.reason);
    EXPECT_STR(b.metrics, a.metrics);
    EXPECT_U64(b.compared, a.compared);
    EXPECT_U64(passed.count, asked[i].runs);
  }
  EXPECT(kept.entries[0].capture->roles == 0 && passed.entries[0].capture->roles != 0);
  pv_capture_cache_free(&kept);
  pv_capture_cache_free(&passed);
}

int main(void) {
  pv_error err = PV_ERROR_INIT;
  if (pv_model_open(MODEL, &model, &err) != PV_OK ||
      pv_reference_open(REFERENCE, &reference, &err) != PV_OK ||
      pv_reference_builtin(model->shape.vocab, model->shape.context, &builtin, &err) != PV_OK) {
    pv_error_print(&err, stderr);
    return 1;
  }
  const int code = pv_testing_main("checks", (pv_case[]){PV_CASE(test_what_holds),
                                                         PV_CASE(test_what_does_not_hold),
                                                         PV_CASE(test_what_cannot_be_judged),
                                                         PV_CASE(test_builtin_prompts),
                                                         PV_CASE(test_needed),
                                                         PV_CASE(test_sides),
                                                         PV_CASE(test_sets),
                                                         PV_CASE(test_ptx),
                                                         PV_CASE(test_without_keeping),
                                                         {0}});
  pv_capture_cache_free(&cache);
  pv_reference_close(reference);
  pv_reference_close(builtin);
  pv_model_close(model);
  return code;
}
