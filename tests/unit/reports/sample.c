#include "tests/unit/reports/sample.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/known.h"

const char *const sample_names[SAMPLE_KINDS] = {"carried", "refuted", "every", "empty",
                                                "hostile", "device",  "long",  "big"};

/* Markdown, HTML, XML, terminal and bidirectional tricks, and bytes that are no UTF-8. */
const char sample_hostile[] =
    "a|b `c` **d** <script>alert(1)</script> & ]]> \"q\" 'r' ![x](http://e) \x1b[31m\x07"
    "\xe2\x80\xae"
    "olleh\n# head\r\n\t\xff\xfe \xef\xbf\xbf $m$ _i_ \\";

typedef struct claim {
  const char *id, *property, *check;
  pv_contract_status needed;
  pv_verdict verdict;
  pv_source source;
  uint64_t compared;
  const char *reason;
  double seconds;
} claim;

static const claim claims[] = {
    {"AC_GPU_MOE_001",
     "The GPU forward equals the CPU forward bit for bit, at every stage of "
     "every layer",
     "forward.parity", PV_STATUS_ACTIVE_RUNTIME, PV_NOT_RUN, PV_FROM_NOWHERE, 0,
     "this machine has no CUDA device", 0.0},
    {"AC_GPU_MOE_002", "Router weights sum to 1 ± 1e-6 after renormalisation", "router.weights_sum",
     PV_STATUS_ACTIVE_ALGORITHM_LEVEL, PV_PASS, PV_FROM_RUN, 1180, "", 0.041},
    {"AC_GPU_MOE_003", "The output has one row of vocabulary length for each position",
     "forward.shape", PV_STATUS_ACTIVE_ALGORITHM_LEVEL, PV_PASS, PV_FROM_RUN, 295, "", 0.0021},
    {"AC_GPU_MOE_004", "Every traced value is finite", "forward.finite",
     PV_STATUS_ACTIVE_ALGORITHM_LEVEL, PV_PASS, PV_FROM_RUN, 6839214, "", 0.38},
    {"AC_GPU_MOE_005",
     "Logits equal the Hugging Face reference within cosine > 0.99, and the top "
     "token agrees",
     "forward.reference", PV_STATUS_ACTIVE_ALGORITHM_LEVEL, PV_PASS, PV_FROM_RUN, 14750000, "",
     0.92},
    {"AC_GPU_MOE_006", "Decode reaches 150 tokens/s over 128 tokens, median of 5",
     "throughput.decode", PV_STATUS_ACTIVE_RUNTIME, PV_STALE, PV_FROM_NOWHERE, 0,
     "the receipt names probe 3f9a…, this one is c41d…", 0.0},
    {"AC_GPU_MOE_007", "Memory used stays below 95 % of the device's", "memory.headroom",
     PV_STATUS_ACTIVE_RUNTIME, PV_PASS, PV_FROM_RECEIPT, 3, "", 0.0},
    {"AC_ROUTER_SETS", "The same experts are chosen at every layer and position",
     "router.index_sets", PV_STATUS_ACTIVE_ALGORITHM_LEVEL, PV_PASS, PV_FROM_RUN, 1180, "", 0.44},
    {"AC_ARGMAX", "The top token agrees at every position of 8 prompts", "forward.argmax",
     PV_STATUS_ACTIVE_ALGORITHM_LEVEL, PV_PASS, PV_FROM_RUN, 295, "", 0.37},
    {"AC_BATCH", "Prefill equals decode, however the batch is split", "forward.batch_split",
     PV_STATUS_ACTIVE_ALGORITHM_LEVEL, PV_PASS, PV_FROM_RUN, 27356856, "", 1.62},
    {"AC_ARBITER", "The error against the float64 arbiter stays within its bound",
     "forward.arbiter", PV_STATUS_ACTIVE_ALGORITHM_LEVEL, PV_PASS, PV_FROM_RUN, 3421907, "", 1.18},
    {"AC_PTX", "The loaded PTX accumulates in f64 and reduces in five shuffles", "ptx.emit",
     PV_STATUS_ACTIVE_RUNTIME, PV_NOT_RUN, PV_FROM_NOWHERE, 0, "this build has no CUDA kernels",
     0.0},
};
enum { CLAIMS = sizeof claims / sizeof claims[0] };

static const char digest[] = "9f2c4e1ab07d4c35e8a1f6027b9d3c58e40a7716cc52d98b31f0e2467ab5d193";

static char *dup(sample *s, const char *text) {
  return pv_arena_strdup(&s->arena, text);
}

static pv_fact *facts(sample *s, size_t *count, const char *const *pairs) {
  *count = 0;
  while (pairs[2 * *count] != NULL) (*count)++;
  pv_fact *out = PV_ARENA_NEW(&s->arena, *count, pv_fact);
  for (size_t i = 0; i < *count; i++)
    out[i] = (pv_fact){dup(s, pairs[2 * i]), dup(s, pairs[2 * i + 1])};
  return out;
}

static pv_strings words(sample *s, size_t count, const char *const *items) {
  pv_strings out = {PV_ARENA_NEW(&s->arena, count, char *),
                    PV_ARENA_NEW(&s->arena, count, pv_place), count};
  for (size_t i = 0; i < count; i++) out.items[i] = dup(s, items[i]);
  return out;
}

static double noise(uint64_t *state) { /* in [0, 1), the same everywhere */
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (double)(*state >> 40) / 16777216.0;
}

static void add_series(sample *s, pv_falsifier_result *f, const char *const text[4], bool log_y,
                       size_t count, double *x, double *y) {
  if (f->series == NULL) f->series = PV_ARENA_NEW(&s->arena, 8, pv_series);
  f->series[f->series_count++] = (pv_series){.picture = dup(s, text[0]),
                                             .name = dup(s, text[1]),
                                             .x_label = dup(s, text[2]),
                                             .y_label = dup(s, text[3]),
                                             .x = x,
                                             .y = y,
                                             .count = count,
                                             .log_y = log_y};
}

static void error_curves(sample *s, pv_falsifier_result *f, bool parity) {
  enum { LAYERS = 48 };
  uint64_t seed = 7;
  double *x = PV_ARENA_NEW(&s->arena, LAYERS, double);
  double *largest = PV_ARENA_NEW(&s->arena, LAYERS, double);
  double *cosine = PV_ARENA_NEW(&s->arena, LAYERS, double);
  for (int i = 0; i < LAYERS; i++) {
    x[i] = i;
    largest[i] = (2e-6 + 1.2e-7 * i * i) * (0.7 + 0.6 * noise(&seed));
    cosine[i] = largest[i] * largest[i] * 0.11;
    if (parity) largest[i] = i < 6 ? 0.0 : 4e-3 * (i - 5) * (0.8 + 0.4 * noise(&seed));
  }
  add_series(s, f,
             (const char *const[]){"stage-error",
                                   parity ? "GPU against CPU" : "largest error / largest value",
                                   "layer", "residual stream"},
             true, LAYERS, x, largest);
  if (!parity)
    add_series(s, f, (const char *const[]){"stage-error", "1 - cosine", "layer", "residual stream"},
               true, LAYERS, x, cosine);
}

static void margin_curves(sample *s, pv_falsifier_result *f) {
  enum { ROWS = 120 };
  uint64_t seed = 11;
  double *x = PV_ARENA_NEW(&s->arena, ROWS, double);
  double *margin = PV_ARENA_NEW(&s->arena, ROWS, double);
  double *error = PV_ARENA_NEW(&s->arena, ROWS, double);
  for (int i = 0; i < ROWS; i++) {
    x[i] = i * i * 1179 / (119 * 119);
    margin[i] = 1.5e-4 + 2.1e-3 * x[i] * (1.0 + x[i] / 600.0);
    error[i] = 1e-6 + 6e-6 * noise(&seed) * noise(&seed);
  }
  add_series(s, f,
             (const char *const[]){"router-margin", "margin of rank k over k+1",
                                   "routing, by margin", "router logits"},
             true, ROWS, x, margin);
  add_series(s, f,
             (const char *const[]){"router-margin", "error of the logits", "routing, by margin",
                                   "router logits"},
             true, ROWS, x, error);
}

static void usage_bars(sample *s, pv_falsifier_result *f) {
  enum { EXPERTS = 32 };
  uint64_t seed = 5;
  double *x = PV_ARENA_NEW(&s->arena, EXPERTS, double);
  double *y = PV_ARENA_NEW(&s->arena, EXPERTS, double);
  double all = 0.0;
  for (int i = 0; i < EXPERTS; i++) {
    x[i] = i;
    y[i] = i == 19 ? 0.0 : 0.3 + noise(&seed);
    all += y[i];
  }
  for (int i = 0; i < EXPERTS; i++) y[i] /= all;
  add_series(s, f, (const char *const[]){"expert-usage", "share of routings", "expert", "share"},
             false, EXPERTS, x, y);
}

static void add_metrics(sample *s, pv_falsifier_result *f, size_t count, const char *const *names,
                        const double *values) {
  f->metrics = PV_ARENA_NEW(&s->arena, count, pv_metric);
  f->metric_count = count;
  for (size_t i = 0; i < count; i++) f->metrics[i] = (pv_metric){dup(s, names[i]), values[i]};
}

static void room(sample *s, size_t count) {
  pv_contract *c = &s->contract;
  pv_result *r = &s->result;
  c->criteria = PV_ARENA_NEW(&s->arena, count, pv_criterion);
  c->falsifiers = PV_ARENA_NEW(&s->arena, count, pv_falsifier);
  r->criteria = PV_ARENA_NEW(&s->arena, count, pv_criterion_result);
  r->falsifiers = PV_ARENA_NEW(&s->arena, count, pv_falsifier_result);
  c->criterion_count = c->falsifier_count = r->criterion_count = r->falsifier_count = count;
}

/* Criterion `i` with its one falsifier. */
static pv_falsifier_result *put_claim(sample *s, size_t i, const claim *from) {
  pv_criterion *c = &s->contract.criteria[i];
  pv_falsifier *f = &s->contract.falsifiers[i];
  *c = (pv_criterion){.id = dup(s, from->id), .property = dup(s, from->property)};
  c->needed_for = from->needed;
  f->id = pv_arena_printf(&s->arena, "F_%s", from->id);
  f->check = dup(s, from->check);
  f->known = pv_known_check_find(testing_known(), from->check);
  f->prediction = pv_arena_printf(&s->arena, "no counterexample to %s is found", from->id);
  pv_falsifier_result *fr = &s->result.falsifiers[i];
  *fr = (pv_falsifier_result){.falsifier = f,
                              .verdict = from->verdict,
                              .source = from->source,
                              .reason = dup(s, from->reason),
                              .compared = from->compared,
                              .duration_s = from->seconds};
  pv_criterion_result *cr = &s->result.criteria[i];
  *cr = (pv_criterion_result){.criterion = c, .verdict = from->verdict, .source = from->source};
  cr->falsifiers = PV_ARENA_NEW(&s->arena, 1, size_t);
  cr->falsifiers[0] = i;
  cr->falsifier_count = 1;
  return fr;
}

static void summarize(sample *s) {
  pv_summary *sum = &s->result.summary;
  for (size_t i = 0; i < s->result.criterion_count; i++) {
    switch (s->result.criteria[i].verdict) {
      case PV_PASS:
        sum->discharged++;
        break;
      case PV_FAIL:
        sum->falsified++;
        break;
      case PV_VACUOUS:
        sum->vacuous++;
        break;
      case PV_NOT_RUN:
        sum->not_run++;
        break;
      case PV_STALE:
        sum->stale++;
        break;
      case PV_NOT_APPLICABLE:
        sum->not_applicable++;
        break;
      default:
        sum->error++;
    }
  }
}

static void head(sample *s, const char *name) {
  pv_contract *c = &s->contract;
  pv_result *r = &s->result;
  c->path = pv_arena_printf(&s->arena, "contracts/%s.yaml", name);
  c->name = dup(s, name);
  c->version = dup(s, "1.2.0");
  memcpy(c->sha256, digest, sizeof digest);
  r->contract = c;
  r->run_id = dup(s, "20261122T101500Z-7ab5d193");
  r->started = dup(s, "2026-11-22T10:15:00Z");
  r->duration_s = 5.273;
  r->command = pv_arena_printf(
      &s->arena, "pv validate contracts/%s.yaml --model models/tiny-coder-moe-Q4_K_M.gguf", name);
  r->status_before = r->status_after = PV_STATUS_ACTIVE_ALGORITHM_LEVEL;
  r->status_carried = true;
}

static void surroundings(sample *s) {
  pv_result *r = &s->result;
  r->environment = facts(
      s, &r->environment_count,
      (const char *const[]){"os", "Linux 6.1 x86_64", "cpu", "AMD EPYC 9B14, 2 cores, AVX2",
                            "threads", "2", "compiler", "gcc 12.2.0", "device", "none", "pv sha256",
                            digest, "probe sha256", digest, "git", "28a5f78", NULL});
  r->model =
      facts(s, &r->model_count,
            (const char *const[]){"path", "models/tiny-coder-moe-Q4_K_M.gguf", "sha256", digest,
                                  "architecture", "qwen3moe", "layers", "48", "experts",
                                  "32, 4 used", "types", "Q4_K 145, Q6_K 25, F32 97", NULL});
  r->numerics = facts(s, &r->numerics_count,
                      (const char *const[]){"i16", "i16/seg32/rne/tree2/exp1/ties-low (5be0c1d2)",
                                            "f64", "f64/plain/1 (90b7711a)", NULL});
}

static void history(sample *s) {
  static const char *const rows[][4] = {
      {"1.0.0", "2026-11-20", "create", "First version"},
      {"1.1.0", "2026-11-21", "tighten", "Expert sets are compared by index, not by weight"},
      {"1.2.0", "2026-11-22", "status", "PROPOSED to ACTIVE_ALGORITHM_LEVEL"}};
  pv_contract *c = &s->contract;
  c->amendments = PV_ARENA_NEW(&s->arena, 3, pv_amendment);
  c->amendment_count = 3;
  for (size_t i = 0; i < 3; i++)
    c->amendments[i] =
        (pv_amendment){.version = dup(s, rows[i][0]),
                       .date = dup(s, rows[i][1]),
                       .kind = dup(s, rows[i][2]),
                       .title = dup(s, rows[i][3]),
                       .evidence = i == 2 ? dup(s, "20261122T093012Z-51c09a7e") : NULL};
}

static void receipt(sample *s, pv_falsifier_result *f) {
  f->receipt_run = dup(s, "20261120T081133Z-0c5e77b1");
  f->receipt_date = dup(s, "2026-11-20");
  f->receipt_device = dup(s, "NVIDIA H100 80GB");
}

/* The text that the places of criteria and falsifiers point into. */
static void source(sample *s) {
  pv_contract *c = &s->contract;
  pv_text text = PV_TEXT_INIT;
  int64_t line = 4;
  pv_text_printf(&text, "schema: pv/contract/v1\nmetadata:\n  name: %s\nacceptance_criteria:\n",
                 c->name);
  for (size_t i = 0; i < c->criterion_count; i++, line += 2) {
    pv_text_printf(&text, "  - id: %s\n    property: %s\n", c->criteria[i].id,
                   c->criteria[i].property);
    c->criteria[i].place.line = line + 1;
  }
  pv_text_puts(&text, "falsification_tests:\n");
  line++;
  for (size_t i = 0; i < c->falsifier_count; i++, line += 2) {
    pv_text_printf(&text, "  - id: %s\n    check: %s\n", c->falsifiers[i].id,
                   c->falsifiers[i].check);
    c->falsifiers[i].place.line = line + 1;
  }
  c->bytes = (unsigned char *)dup(s, text.data);
  c->length = text.length;
  pv_text_free(&text);
}

/* What a GPU adds: every claim holds, by this run, and every planted fault was caught. */
static void on_device(sample *s) {
  pv_result *r = &s->result;
  r->environment =
      facts(s, &r->environment_count,
            (const char *const[]){
                "os", "Linux 6.1 x86_64", "cpu", "Intel(R) Xeon(R) Platinum 8480C", "threads", "16",
                "compiler", "gcc 12.2.0", "device", "NVIDIA H200", "cuda", "CUDA 13.0", "cuda_code",
                "sm_90", "git", "28a5f78c0d1e2f3a4b5c6d7e8f9a0b1c2d3e4f5a", NULL});
  for (size_t i = 0; i < CLAIMS; i++) {
    pv_falsifier_result *f = &r->falsifiers[i];
    f->verdict = r->criteria[i].verdict = PV_PASS;
    f->source = r->criteria[i].source = PV_FROM_RUN;
    f->reason = dup(s, "");
    f->backends = words(s, 2, (const char *const[]){"cpu", "cuda"});
    if (f->compared == 0) f->compared = 6839214;
  }
  add_metrics(s, &r->falsifiers[5], 1, (const char *const[]){"tokens_per_s_median"},
              (const double[]){412.5});
  r->falsifiers[5].has_needed_tolerance = r->falsifiers[6].has_needed_tolerance = true;
  r->falsifiers[5].needed_tolerance = 412.5;
  r->falsifiers[6].needed_tolerance = 0.0039;
  r->falsifiers[1].has_needed_tolerance = true;
  r->falsifiers[1].needed_tolerance = 0.0; /* exact */
  r->status_before = r->status_after = PV_STATUS_ACTIVE_RUNTIME;
}

static void realistic(sample *s, bool refuted) {
  head(s, "qwen3-moe-forward-gpu-v1");
  s->contract.description =
      dup(s,
          "The forward pass of a quantised Qwen3 mixture of experts computes the same bits on "
          "the CPU and on the GPU, and both stay close to exact arithmetic.");
  surroundings(s);
  history(s);
  room(s, CLAIMS);
  for (size_t i = 0; i < CLAIMS; i++) {
    claim c = claims[i];
    if (refuted && i == 0) {
      c.verdict = PV_FAIL;
      c.source = PV_FROM_RUN;
      c.compared = 6839214;
      c.seconds = 2.31;
      c.reason =
          "cuda and cpu differ in 71,204 of 6,839,214 values; first at moe_ffn_out, layer 6, "
          "position 17";
    }
    pv_falsifier_result *f = put_claim(s, i, &c);
    if (c.source == PV_FROM_RUN)
      f->backends = words(s, refuted && i == 0 ? 2 : 1, (const char *const[]){"cpu", "cuda"});
    if (i == 5 || i == 6) receipt(s, f);
    if (c.verdict == PV_PASS) {
      f->faults_declared = words(s, 2, (const char *const[]){"flip-low-bit", "swap-experts"});
      f->faults_killed = f->faults_declared;
    }
  }
  pv_falsifier_result *arbiter = &s->result.falsifiers[10], *parity = &s->result.falsifiers[0];
  error_curves(s, arbiter, false);
  margin_curves(s, arbiter);
  usage_bars(s, arbiter);
  add_metrics(s, arbiter, 5,
              (const char *const[]){"worst_cosine", "positions", "argmax_different",
                                    "expert_sets_different", "smallest_router_margin"},
              (const double[]){0.999999994137, 295, 0, 0, 1.5e-4});
  arbiter->worst = (pv_worst){true, dup(s, "logits"), 0, 211, 40213, 11.284171, 11.284068};
  arbiter->has_needed_tolerance = true;
  arbiter->needed_tolerance = 0.999999994137;
  if (refuted) {
    error_curves(s, parity, true);
    parity->worst = (pv_worst){true, dup(s, "moe_ffn_out"), 6, 17, 1203, 0.04182, 0.03977};
    parity->has_needed_tolerance = true;
    parity->needed_tolerance = 0.00205;
    s->result.status_before = PV_STATUS_ACTIVE_RUNTIME;
    s->result.status_carried = false;
  }
  s->result.exit_code = refuted ? 1 : 0;
  source(s);
}

static void not_carried(sample *s) {
  s->result.status_carried = false;
  s->result.status_after = PV_STATUS_DRAFT;
  s->result.exit_code = 1;
}

static void every(sample *s) {
  head(s, "every-verdict-v1");
  room(s, PV_VERDICT_COUNT);
  for (size_t i = 0; i < PV_VERDICT_COUNT; i++) {
    char id[16];
    snprintf(id, sizeof id, "AC_%zu", i);
    const bool passed = i == PV_PASS;
    pv_falsifier_result *f =
        put_claim(s, i,
                  &(claim){id, "One verdict of each kind", "self.test", PV_STATUS_PROPOSED,
                           (pv_verdict)i, passed ? PV_FROM_RECEIPT : PV_FROM_NOWHERE, passed,
                           passed ? "" : "the reason of this verdict", 0.25 * (double)i});
    if (passed || i == PV_STALE) receipt(s, f);
    if (i == PV_CRASH) f->output = dup(s, "probe: signal 11\n\tat layer 3\n");
  }
  s->result.publish = true;
  not_carried(s);
}

static void hostile(sample *s) {
  const char *h = sample_hostile;
  const char *const pair[] = {h, h, "path", h, "x sha256", h, NULL};
  head(s, h);
  s->contract.description = s->contract.version = s->result.command = dup(s, h);
  s->contract.path = s->result.run_id = s->result.started = dup(s, h);
  s->result.environment = facts(s, &s->result.environment_count, pair);
  s->result.model = facts(s, &s->result.model_count, pair);
  s->result.numerics = facts(s, &s->result.numerics_count, pair);
  s->contract.amendments = PV_ARENA_NEW(&s->arena, 1, pv_amendment);
  s->contract.amendment_count = 1;
  s->contract.amendments[0] =
      (pv_amendment){dup(s, h), dup(s, h), dup(s, h), dup(s, h), dup(s, h), dup(s, h), {0}};
  room(s, 2);
  for (size_t i = 0; i < 2; i++) {
    pv_falsifier_result *f =
        put_claim(s, i,
                  &(claim){h, h, h, PV_STATUS_PROPOSED, i == 0 ? PV_FAIL : PV_STALE,
                           i == 0 ? PV_FROM_RUN : PV_FROM_NOWHERE, UINT64_MAX, h, NAN});
    f->receipt_run = f->receipt_date = f->receipt_device = f->output = dup(s, h);
    f->backends = f->faults_declared = f->faults_killed = words(s, 1, &h);
    f->worst = (pv_worst){true, dup(s, h), INT64_MAX, INT64_MIN, -1, NAN, -INFINITY};
    f->has_needed_tolerance = true;
    f->needed_tolerance = INFINITY;
    add_metrics(s, f, 4, (const char *const[]){h, "b", "c", "d"},
                (const double[]){NAN, INFINITY, -INFINITY, 1.7976931348623157e308});
    static double x[] = {NAN, 0, 1, 2, 3, 4, INFINITY};
    static double y[] = {1, NAN, INFINITY, -1, 0, 1e300, 1};
    for (int k = 0; k < 2; k++)
      add_series(s, f, (const char *const[]){h, h, h, h}, k == 0, 7, x, y);
    add_series(s, f, (const char *const[]){"expert-usage", h, h, h}, false, 7, x, y);
  }
  s->result.duration_s = INFINITY;
  not_carried(s);
}

/* `count` letters of a word that nothing can break. */
static const char *word(sample *s, const char *begin, size_t count) {
  char *out = pv_arena_alloc(&s->arena, count + 1, 1);
  for (size_t i = 0; i < count; i++) out[i] = i < strlen(begin) ? begin[i] : "WMwm_"[i % 5];
  return out;
}

static void lengthy(sample *s) {
  enum { MANY = 24, PARAGRAPH = 1500 };
  char text[PARAGRAPH];
  for (size_t i = 0; i < sizeof text - 1; i++) text[i] = i % 9 == 8 ? ' ' : (char)('a' + i % 26);
  text[sizeof text - 1] = '\0';
  head(s, word(s, "contract-", 200));
  s->contract.description = s->result.command = dup(s, text);
  s->contract.path = dup(s, word(s, "contracts/", 300));
  const char *const pairs[] = {
      "name", word(s, "model-", 200), "path", word(s, "models/", 300), "sha256", digest, "layers",
      "48",   "reference_sha256",     digest, word(s, "fact-", 60),    text,     NULL};
  s->result.model = facts(s, &s->result.model_count, pairs);
  const char *const around[] = {
      "device", word(s, "GPU", 150),    "cuda",    text,   "cpu", text,
      "os",     word(s, "Linux-", 200), "threads", "1024", "git", word(s, "28a5f78", 40),
      NULL};
  s->result.environment = facts(s, &s->result.environment_count, around);
  s->result.numerics = facts(s, &s->result.numerics_count, pairs);
  room(s, MANY);
  for (size_t i = 0; i < MANY; i++) {
    char begin[16];
    snprintf(begin, sizeof begin, "AC_%zu", i);
    pv_falsifier_result *f =
        put_claim(s, i,
                  &(claim){word(s, begin, 120), text, "forward.arbiter", PV_STATUS_PROPOSED,
                           i % 3 == 0   ? PV_FAIL
                           : i % 3 == 1 ? PV_NOT_RUN
                                        : PV_PASS,
                           i % 3 == 1 ? PV_FROM_NOWHERE : PV_FROM_RUN, 12345678901u, text, 4000.5});
    f->faults_declared = f->faults_killed = words(s, 2, (const char *const[]){pairs[1], pairs[3]});
    f->backends = words(s, 1, &pairs[3]);
    f->output = dup(s, text);
    f->worst = (pv_worst){true, dup(s, pairs[1]), 6, 17, 1203, 0.04182, 0.03977};
    f->has_needed_tolerance = true;
    f->needed_tolerance = i % 3 == 0 ? 0.5 : 0.99999999;
    add_metrics(s, f, 2, (const char *const[]){pairs[1], "b"}, (const double[]){1e-300, 2});
  }
  error_curves(s, &s->result.falsifiers[0], true);
  s->result.falsifiers[0].series[0].y_label = s->result.falsifiers[0].series[0].name =
      dup(s, pairs[1]);
  not_carried(s);
  source(s);
}

static void big(sample *s) {
  enum { MANY = 400, METRICS = 10000, POINTS = 20000 };
  char text[1200];
  uint64_t seed = 3;
  for (size_t i = 0; i < sizeof text - 1; i++) text[i] = i % 3 == 0 ? '&' : '\x01';
  text[sizeof text - 1] = '\0';
  head(s, "big-v1");
  room(s, MANY);
  for (size_t i = 0; i < MANY; i++) {
    const pv_verdict v = (pv_verdict)(i % PV_VERDICT_COUNT);
    pv_falsifier_result *f =
        put_claim(s, i,
                  &(claim){text, text, text, PV_STATUS_PROPOSED, v,
                           v == PV_PASS ? PV_FROM_RUN : PV_FROM_NOWHERE, 1, text, 1.0});
    f->worst = (pv_worst){true, dup(s, text), 1, 2, 3, 4.0, 5.0};
    const size_t metrics = i == 0 ? METRICS : 40;
    f->metrics = PV_ARENA_NEW(&s->arena, metrics, pv_metric);
    f->metric_count = metrics;
    for (size_t k = 0; k < metrics; k++)
      f->metrics[k] = (pv_metric){
          i == 0 ? pv_arena_printf(&s->arena, "metric_%zu", k) : f->worst.stage, (double)k + 0.5};
  }
  double *x = PV_ARENA_NEW(&s->arena, POINTS, double), *y = PV_ARENA_NEW(&s->arena, POINTS, double);
  for (size_t i = 0; i < POINTS; i++) {
    x[i] = (double)i;
    y[i] = i == 12345 ? 50.0 : noise(&seed);
  }
  add_series(s, &s->result.falsifiers[0],
             (const char *const[]){"latency", "per token", "token", "ms"}, false, POINTS, x, y);
  not_carried(s);
}

sample *sample_make(sample_kind kind) {
  sample *s = calloc(1, sizeof *s);
  if (s == NULL) return NULL;
  switch (kind) {
    case SAMPLE_CARRIED:
      realistic(s, false);
      break;
    case SAMPLE_REFUTED:
      realistic(s, true);
      break;
    case SAMPLE_EVERY:
      every(s);
      break;
    case SAMPLE_HOSTILE:
      hostile(s);
      break;
    case SAMPLE_DEVICE:
      realistic(s, false);
      on_device(s);
      break;
    case SAMPLE_LONG:
      lengthy(s);
      break;
    case SAMPLE_BIG:
      big(s);
      break;
    default:
      head(s, "empty-v1");
      s->result.status_before = s->result.status_after = PV_STATUS_DRAFT;
  }
  summarize(s);
  return s;
}

void sample_free(sample *s) {
  if (s == NULL) return;
  pv_arena_free(&s->arena);
  free(s);
}
