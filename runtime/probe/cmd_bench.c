/* pv bench: tokens per second beside the read bandwidth that the same run measures. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/pool.h"
#include "kernels/cuda/ceilings.h"
#include "runtime/forward/speed.h"
#include "runtime/measure/rates.h"
#include "runtime/probe/call.h"
#include "runtime/probe/probe.h"
#include "screen/progress.h"

enum { REPEATS_MAX = 99, SIZES_MAX = 8 };

/* Read bandwidth: every thread sums its own share of a buffer far larger than any cache. */
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

/* `*threads` is as the option says, then how many there were. */
static pv_code cpu_bandwidth(unsigned *threads, size_t repeats, pv_rates *out, pv_error *err) {
  enum { TASKS = 64 };
  const size_t bytes = (size_t)1 << 30;
  double rate[REPEATS_MAX];
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
    if (pv_cancelled()) code = pv_error_set(err, PV_ERR_CANCELLED, "interrupted");
  }
  pv_pool_close(pool);
  if (code == PV_OK && sums[0] == 0) code = pv_error_set(err, PV_ERR_INTERNAL, "nothing read");
  free(words);
  if (code == PV_OK) *out = pv_rates_of(rate, repeats);
  return code;
}

/* Bytes of matrices that one decoded token reads: a row of the embedding, the chosen experts'. */
static double bytes_per_token(const pv_model *m) {
  double bytes = 0.0;
  for (size_t i = 0; i < m->plan->count; i++) {
    const pv_op op = m->plan->rows[i].op;
    const bool experts = pv_plan_is(m->plan, i, PV_ROW_BY_EXPERT);
    const double share = experts ? (double)m->shape.used / (double)m->shape.experts : 1.0;
    const uint32_t layers = pv_plan_is(m->plan, i, PV_ROW_ONCE) ? 1 : m->shape.layers;
    for (uint32_t l = 0; l < layers; l++) {
      const pv_gguf_tensor *t = pv_model_weight(m, i, l);
      if (op == PV_OP_GATHER) bytes += (double)t->row_bytes;
      if (op == PV_OP_MATMUL) bytes += share * (double)t->bytes;
    }
  }
  return bytes;
}

typedef struct sizes { /* of a list option */
  uint32_t at[SIZES_MAX];
  size_t count;
} sizes;

typedef struct decode_figures { /* after some positions of context */
  pv_rates rate, first;         /* tokens/s; seconds to the first token */
  double p50, p99;              /* seconds per token */
} decode_figures;

typedef struct bench {
  pv_job job;
  uint64_t tokens, repeats;
  unsigned threads;
  sizes contexts, prompts; /* contexts ascend */
  pv_rates read;           /* bytes/s */
  decode_figures decode[SIZES_MAX];
  pv_rates prefill[SIZES_MAX]; /* tokens/s */
  uint64_t memory;
  bool has_device;
  pv_gpu_info device;
  double interpreted; /* instructions of a warp in a second, 0 for a device */
} bench;

static pv_code bandwidth(bench *b, pv_error *err) {
  b->threads = b->job.threads;
  pv_progress_say("read bandwidth");
  double rate[REPEATS_MAX];
  if (strcmp(b->job.side.kind->backend, "cuda") != 0)
    return cpu_bandwidth(&b->threads, b->repeats, &b->read, err);
  const pv_code code = pv_gpu_bandwidth(&pv_gpu_cuda, rate, (unsigned)b->repeats, err);
  if (code == PV_OK) b->read = pv_rates_of(rate, b->repeats);
  return code;
}

static pv_code measure_decode(bench *b, const pv_speed *s, size_t context, decode_figures *out,
                              pv_error *err) {
  double rate[REPEATS_MAX], first[REPEATS_MAX];
  const size_t all = b->tokens * b->repeats;
  double *each = calloc(all, sizeof *each);
  pv_code code = each != NULL ? PV_OK : pv_error_set(err, PV_ERR_NOMEM, "out of memory for times");
  for (size_t r = 0; r < b->repeats && code == PV_OK; r++) {
    pv_progress_part(r, b->repeats);
    code = pv_speed_decode(s, context, b->tokens, &rate[r], &first[r], &each[r * b->tokens], err);
  }
  if (code == PV_OK) {
    out->rate = pv_rates_of(rate, b->repeats);
    out->first = pv_rates_of(first, b->repeats);
    out->p50 = pv_rates_of(each, all).median;
    out->p99 = each[all * 99 / 100];
  }
  free(each);
  pv_forward_rewind(s->forward, context);
  return code;
}

static pv_code measure_prefill(bench *b, const pv_speed *s, size_t count, pv_rates *out,
                               pv_error *err) {
  double rate[REPEATS_MAX];
  pv_code code = pv_speed_prefill(s, count, &rate[0], err); /* warms up */
  for (size_t r = 0; r < b->repeats && code == PV_OK; r++) {
    pv_progress_part(r, b->repeats);
    code = pv_speed_prefill(s, count, &rate[r], err);
  }
  if (code == PV_OK) *out = pv_rates_of(rate, b->repeats);
  pv_forward_rewind(s->forward, 0);
  return code;
}

static pv_code measure(bench *b, pv_error *err) {
  size_t longest = 0, prompt = 0;
  for (size_t i = 0; i < b->prompts.count; i++)
    if (b->prompts.at[i] > prompt) prompt = b->prompts.at[i];
  longest = b->contexts.at[b->contexts.count - 1] + b->tokens + 1;
  if (prompt > longest) longest = prompt;
  const size_t batch = prompt < PV_SPEED_BATCH ? prompt : PV_SPEED_BATCH;
  const pv_backend_config config = {.context = longest, .batch = batch, .threads = b->job.threads};
  pv_fault_side opened = {0};
  pv_code code = pv_side_open(&b->job.side, b->job.model, &config, &opened, err);
  const pv_speed s = {opened.forward, b->job.model, batch};
  const double start = pv_clock_now();
  for (size_t i = 0; i < b->prompts.count && code == PV_OK; i++) {
    pv_progress_say("prefill of %u", b->prompts.at[i]);
    code = measure_prefill(b, &s, b->prompts.at[i], &b->prefill[i], err);
  }
  for (size_t i = 0; i < b->contexts.count && code == PV_OK; i++) {
    pv_progress_say("decode after %u", b->contexts.at[i]);
    code = pv_speed_fill(&s, b->contexts.at[i], err);
    if (code == PV_OK) code = measure_decode(b, &s, b->contexts.at[i], &b->decode[i], err);
  }
  const double spent = pv_clock_now() - start;
  if (code == PV_OK) b->memory = pv_forward_memory(s.forward);
  if (code == PV_OK) code = pv_forward_device(s.forward, &b->has_device, &b->device, err);
  if (code == PV_OK && b->has_device) b->interpreted = (double)b->device.instructions / spent;
  pv_fault_close(&opened);
  return code;
}

static json_t *figures_json(pv_rates f) {
  return json_pack("{s:f, s:f, s:f}", "median", f.median, "min", f.least, "max", f.most);
}

/* Bytes that a token decoded after `context` positions reads: weights and cache. */
static double token_bytes(const bench *b, size_t context) {
  const pv_shape *s = &b->job.model->shape;
  return bytes_per_token(b->job.model) +
         2.0 * (double)context * s->layers * s->kv_heads * s->head_dim * sizeof(float);
}

static json_t *decode_json(const bench *b) {
  json_t *list = json_array();
  for (size_t i = 0; i < b->contexts.count; i++) {
    const decode_figures *d = &b->decode[i];
    const double bytes = token_bytes(b, b->contexts.at[i]);
    pv_json_append(
        &list,
        json_pack("{s:I, s:o, s:o, s:f, s:f, s:f, s:f}", "context", (json_int_t)b->contexts.at[i],
                  "tokens_per_s", figures_json(d->rate), "first_token_s", figures_json(d->first),
                  "token_p50_s", d->p50, "token_p99_s", d->p99, "bytes_per_token", bytes,
                  "fraction_of_read_bandwidth", bytes * d->rate.median / b->read.median));
  }
  return list;
}

static pv_code print_json(const bench *b, pv_error *err) {
  json_t *prefill = json_array();
  for (size_t i = 0; i < b->prompts.count; i++)
    pv_json_append(&prefill, json_pack("{s:I, s:o}", "prompt", (json_int_t)b->prompts.at[i],
                                       "tokens_per_s", figures_json(b->prefill[i])));
  json_t *o = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:o, s:o, s:o, s:I}", "schema",
                        "pv/bench/v1", "backend", b->job.side.kind->name, "numerics",
                        pv_numerics_name(b->job.side.numerics), "threads", (json_int_t)b->threads,
                        "tokens", (json_int_t)b->tokens, "repeats", (json_int_t)b->repeats,
                        "read_bytes_per_s", figures_json(b->read), "decode", decode_json(b),
                        "prefill", prefill, "memory_bytes", (json_int_t)b->memory);
  if (b->has_device)
    pv_json_set(
        &o, "device",
        json_pack("{s:o, s:s, s:s, s:I, s:I, s:I, s:f}", "name", pv_json_string(b->device.name),
                  "driver", b->device.driver, "code", b->device.code, "memory_bytes",
                  (json_int_t)b->device.memory, "used_bytes",
                  (json_int_t)(b->device.memory - b->device.free_), "uploaded_bytes",
                  (json_int_t)b->device.loaded, "upload_s", b->device.load_s));
  if (b->interpreted > 0.0)
    pv_json_set(&o, "interpreted_instructions_per_s", json_real(b->interpreted));
  return pv_json_print(o, JSON_INDENT(1), err);
}

static void print_line(const char *name, pv_rates f, double unit, const char *more) {
  printf("%-32s %11.2f %11.2f %11.2f%s\n", name, f.median * unit, f.least * unit, f.most * unit,
         more);
}

static void print_text(const bench *b) {
  char name[64], more[96];
  if (b->has_device)
    printf("%s, %s, %s; %.2f of %.2f GB of its memory in use\n", b->device.name, b->device.driver,
           b->device.code, (double)(b->device.memory - b->device.free_) / 1e9,
           (double)b->device.memory / 1e9);
  if (b->has_device && b->interpreted == 0.0)
    printf("%.2f GB of weights uploaded in %.3f s: %.2f GB/s\n", (double)b->device.loaded / 1e9,
           b->device.load_s, (double)b->device.loaded / b->device.load_s / 1e9);
  printf("%-32s %11s %11s %11s\n", "", "median", "min", "max");
  print_line("read, GB/s", b->read, 1e-9, "");
  for (size_t i = 0; i < b->prompts.count; i++) {
    snprintf(name, sizeof name, "prefill of %u, tokens/s", b->prompts.at[i]);
    print_line(name, b->prefill[i], 1.0, "");
  }
  for (size_t i = 0; i < b->contexts.count; i++) {
    const decode_figures *d = &b->decode[i];
    const double bytes = token_bytes(b, b->contexts.at[i]);
    snprintf(more, sizeof more, "   %.1f MB a token: %.0f %% of the read bandwidth", bytes / 1e6,
             100.0 * bytes * d->rate.median / b->read.median);
    snprintf(name, sizeof name, "decode after %u, tokens/s", b->contexts.at[i]);
    print_line(name, d->rate, 1.0, more);
    snprintf(more, sizeof more, "   a token: %.3f ms (p50), %.3f ms (p99)", d->p50 * 1e3,
             d->p99 * 1e3);
    snprintf(name, sizeof name, "first token after %u, ms", b->contexts.at[i]);
    print_line(name, d->first, 1e3, more);
  }
  if (b->interpreted > 0.0)
    printf("interpreted, not a device: %.1f million instructions of a warp in a second\n",
           b->interpreted / 1e6);
  printf("%zu repeats of %zu decoded tokens; %s %s", (size_t)b->repeats, (size_t)b->tokens,
         b->job.side.kind->name, pv_numerics_name(b->job.side.numerics));
  if (!b->has_device) printf(", %u thread%s", b->threads, b->threads == 1 ? "" : "s");
  printf("; %.1f MB %s\n", (double)b->memory / 1e6,
         b->has_device ? "of device memory" : "beyond the weights");
}

/* A list of at most SIZES_MAX sizes of `least` or more. */
static pv_code parse_sizes(const char *name, const char *text, uint32_t least, bool ascending_,
                           sizes *out, pv_error *err) {
  uint32_t *list = NULL;
  size_t count = 0;
  if (text == NULL) return PV_OK;
  pv_code code = pv_option_ids(name, text, &list, &count, err);
  if (code == PV_OK && (count == 0 || count > SIZES_MAX))
    code = pv_error_set(err, PV_ERR_INPUT, "%s takes 1 to %d sizes", name, SIZES_MAX);
  for (size_t i = 0; i < count && code == PV_OK; i++) {
    if (list[i] < least || list[i] > 1u << 24 || (ascending_ && i > 0 && list[i] <= list[i - 1]))
      code =
          pv_error_set(err, PV_ERR_INPUT, "%s: %u is out of range or out of order", name, list[i]);
    out->at[i] = list[i];
  }
  if (code == PV_OK) out->count = count;
  free(list);
  return code;
}

int pv_probe_bench(int argc, char **argv) {
  pv_call call = PV_CALL_DEFAULTS;
  const char *tokens = NULL, *prefill = NULL, *repeats = NULL, *context = NULL;
  bool json = false, help = false;
  const pv_option list[] = {
      PV_CALL_OPTIONS(call),
      {"--tokens", "N", "decoded tokens per repeat (default 32)", &tokens, NULL},
      {"--prefill", "LIST", "lengths of prompts (default 128)", &prefill, NULL},
      {"--context", "LIST", "positions before decode, ascending (default 0)", &context, NULL},
      {"--repeats", "N", "repeats (default 5)", &repeats, NULL},
      {"--json", NULL, "one JSON object", NULL, &json},
      {0}};
  pv_options options = {
      .command = "bench",
      .summary = "Measures decode, prefill and the read bandwidth of the same run.",
      .positional = "MODEL",
      .examples =
          "  pv bench models/tiny-coder-moe-Q4_K_M.gguf --threads 2\n"
          "  pv bench M.gguf --side cuda --tokens 128 --prefill 512,2048 "
          "--context 0,4096\n",
      .list = list,
      .rest_max = 1};
  pv_error err = PV_ERROR_INIT;
  bench b = {.tokens = 32, .repeats = 5, .contexts = {{0}, 1}, .prompts = {{128}, 1}};
  pv_code code = pv_call_parse(&call, &options, argc, argv, &help, &err);
  if (code != PV_OK || help) return pv_call_exit(code, &err);
  code = pv_option_u64("--tokens", tokens, 1, 1u << 16, &b.tokens, &err);
  if (code == PV_OK) code = pv_option_u64("--repeats", repeats, 1, REPEATS_MAX, &b.repeats, &err);
  if (code == PV_OK) code = parse_sizes("--prefill", prefill, 1, false, &b.prompts, &err);
  if (code == PV_OK) code = parse_sizes("--context", context, 0, true, &b.contexts, &err);
  if (code == PV_OK) code = pv_call_open(&call, false, &b.job, &err);
  if (code == PV_OK) code = bandwidth(&b, &err);
  if (code == PV_OK) code = measure(&b, &err);
  if (code == PV_OK && json)
    code = print_json(&b, &err);
  else if (code == PV_OK)
    print_text(&b);
  pv_job_close(&b.job);
  return pv_call_exit(code, &err);
}
