/* pv bench: tokens per second beside the read bandwidth that the same run measures. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/forward/pool.h"
#include "runtime/probe/probe.h"
#include "runtime/probe/sides.h"

enum { REPEATS_MAX = 99 };

typedef struct figures {
  double median, least, most;
} figures;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static figures summarise(double *values, size_t count) {
  qsort(values, count, sizeof *values, ascending);
  return (figures){values[count / 2], values[0], values[count - 1]};
}

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

static pv_status bandwidth(unsigned threads, size_t repeats, figures *out, pv_error *err) {
  enum { TASKS = 64 };
  const size_t bytes = (size_t)1 << 30;
  double rate[REPEATS_MAX];
  uint64_t sums[TASKS] = {0};
  pv_pool *pool = NULL;
  uint64_t *words = malloc(bytes);
  if (words == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for a 1 GiB buffer");
  memset(words, 1, bytes);
  reader r = {words, bytes / sizeof *words / TASKS, sums};
  pv_status status = pv_pool_open(threads, &pool, err);
  for (size_t i = 0; i < repeats && status == PV_OK; i++) {
    const double start = now();
    pv_pool_run(pool, read_task, &r, TASKS);
    rate[i] = (double)bytes / (now() - start);
  }
  pv_pool_close(pool);
  if (status == PV_OK && sums[0] == 0) status = pv_error_set(err, PV_ERR_INTERNAL, "nothing read");
  free(words);
  if (status == PV_OK) *out = summarise(rate, repeats);
  return status;
}

/* Bytes of weights that one decoded token reads. */
static double bytes_per_token(const pv_model *m) {
  double bytes = (double)m->head->bytes + (double)m->embedding->row_bytes;
  for (uint32_t i = 0; i < m->shape.layers; i++) {
    const pv_layer *l = &m->layers[i];
    const double share = (double)m->shape.used / (double)m->shape.experts;
    bytes += (double)(l->q->bytes + l->k->bytes + l->v->bytes + l->o->bytes + l->router->bytes);
    bytes += share * (double)(l->gate->bytes + l->up->bytes + l->down->bytes);
  }
  return bytes;
}

typedef struct bench {
  pv_job job;
  const char *backend, *path;
  size_t tokens, prefill, repeats, context;
  figures read, decode, prompt, first; /* bytes/s, tokens/s, tokens/s, seconds */
  double p50, p99;                     /* seconds per decoded token */
  uint64_t memory;
} bench;

static pv_status run_decode(bench *b, pv_forward *f, double *rate, double *each, double *first,
                            pv_error *err) {
  uint32_t id = 1;
  pv_forward_rewind(f, b->context);
  const double start = now();
  pv_status status = pv_forward_run(f, &id, 1, 1, NULL, err);
  *first = now() - start;
  const double begin = now();
  for (size_t t = 0; t < b->tokens && status == PV_OK; t++) {
    int32_t top = 0;
    const double one = now();
    status = pv_forward_read(f, PV_STAGE_ARGMAX, 0, 1, &top, err);
    id = (uint32_t)top;
    if (status == PV_OK) status = pv_forward_run(f, &id, 1, 1, NULL, err);
    each[t] = now() - one;
  }
  *rate = (double)b->tokens / (now() - begin);
  return status;
}

/* Token ids for a prompt: any will do, but not all the same, so that experts vary. */
static void fill_ids(uint32_t *ids, size_t count, uint32_t vocab) {
  for (size_t i = 0; i < count; i++) ids[i] = (uint32_t)((i * 2654435761u + 12345u) % vocab);
}

static pv_status fill_context(bench *b, pv_forward *f, const uint32_t *ids, pv_error *err) {
  pv_status status = PV_OK;
  for (size_t at = 0; at < b->context && status == PV_OK;) {
    const size_t n = b->context - at < b->prefill ? b->context - at : b->prefill;
    status = pv_forward_run(f, ids, n, 0, NULL, err);
    at += n;
  }
  return status;
}

static pv_status measure(bench *b, pv_error *err) {
  const size_t room = b->context + (b->tokens + 1 > b->prefill ? b->tokens + 1 : b->prefill);
  const pv_backend_config config = {b->job.numerics, room, b->prefill, b->job.threads, b->path};
  double rate[REPEATS_MAX], first[REPEATS_MAX], prompt[REPEATS_MAX];
  pv_forward *f = NULL;
  uint32_t *ids = calloc(b->prefill, sizeof *ids);
  double *each = calloc(b->tokens * b->repeats, sizeof *each);
  pv_status status = PV_OK;
  if (ids == NULL || each == NULL) status = pv_error_set(err, PV_ERR_NOMEM, "out of memory");
  if (status == PV_OK) status = pv_forward_open(b->job.model, b->backend, &config, &f, err);
  if (status == PV_OK) fill_ids(ids, b->prefill, b->job.model->shape.vocab);
  if (status == PV_OK) status = fill_context(b, f, ids, err);
  if (status == PV_OK) status = pv_forward_run(f, ids, b->prefill, 1, NULL, err); /* warm */
  for (size_t r = 0; r < b->repeats && status == PV_OK; r++) {
    pv_forward_rewind(f, b->context);
    const double start = now();
    status = pv_forward_run(f, ids, b->prefill, 1, NULL, err);
    prompt[r] = (double)b->prefill / (now() - start);
    if (status == PV_OK) status = run_decode(b, f, &rate[r], each + r * b->tokens, &first[r], err);
    if (pv_side_terminal()) fprintf(stderr, "\r%zu of %zu", r + 1, b->repeats);
  }
  if (pv_side_terminal()) fputc('\r', stderr);
  if (status == PV_OK) {
    b->decode = summarise(rate, b->repeats);
    b->prompt = summarise(prompt, b->repeats);
    b->first = summarise(first, b->repeats);
    const size_t all = b->tokens * b->repeats;
    qsort(each, all, sizeof *each, ascending);
    b->p50 = each[all / 2];
    b->p99 = each[all * 99 / 100];
    b->memory = pv_forward_memory(f);
  }
  pv_forward_close(f);
  free(ids);
  free(each);
  return status;
}

static json_t *figures_json(figures f) {
  return json_pack("{s:f, s:f, s:f}", "median", f.median, "min", f.least, "max", f.most);
}

static void print_json(const bench *b) {
  const double bytes = bytes_per_token(b->job.model);
  json_t *o = json_pack(
      "{s:s, s:s, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:f, s:f, s:f, s:f, s:I}", "backend",
      b->backend, "numerics", pv_numerics_name(b->job.numerics), "threads",
      (json_int_t)b->job.threads, "tokens", (json_int_t)b->tokens, "prefill_tokens",
      (json_int_t)b->prefill, "context", (json_int_t)b->context, "read_bytes_per_s",
      figures_json(b->read), "decode_tokens_per_s", figures_json(b->decode), "prefill_tokens_per_s",
      figures_json(b->prompt), "first_token_s", figures_json(b->first), "token_p50_s", b->p50,
      "token_p99_s", b->p99, "bytes_per_token", bytes, "fraction_of_read_bandwidth",
      bytes * b->decode.median / b->read.median, "memory_bytes", (json_int_t)b->memory);
  char *text = o != NULL ? json_dumps(o, JSON_INDENT(1)) : NULL;
  puts(text != NULL ? text : "{}");
  free(text);
  json_decref(o);
}

static void print_text(const bench *b) {
  const double bytes = bytes_per_token(b->job.model);
  printf("%-22s %12s %12s %12s\n", "", "median", "min", "max");
  printf("%-22s %12.2f %12.2f %12.2f\n", "read, GB/s", b->read.median / 1e9, b->read.least / 1e9,
         b->read.most / 1e9);
  printf("%-22s %12.2f %12.2f %12.2f\n", "decode, tokens/s", b->decode.median, b->decode.least,
         b->decode.most);
  printf("%-22s %12.2f %12.2f %12.2f\n", "prefill, tokens/s", b->prompt.median, b->prompt.least,
         b->prompt.most);
  printf("%-22s %12.3f %12.3f %12.3f\n", "first token, ms", b->first.median * 1e3,
         b->first.least * 1e3, b->first.most * 1e3);
  printf("a decoded token: %.3f ms (p50), %.3f ms (p99), reads %.1f MB of weights\n", b->p50 * 1e3,
         b->p99 * 1e3, bytes / 1e6);
  printf("decode reads %.2f GB/s: %.0f %% of the read bandwidth of this run\n",
         bytes * b->decode.median / 1e9, 100.0 * bytes * b->decode.median / b->read.median);
  printf(
      "%zu repeats of %zu tokens and of %zu prompt tokens after %zu of context, %u threads, "
      "%.1f MB beyond the weights\n",
      b->repeats, b->tokens, b->prefill, b->context, b->job.threads, (double)b->memory / 1e6);
}

int pv_probe_bench(int argc, char **argv) {
  pv_side side = PV_SIDE_DEFAULTS;
  const char *tokens = NULL, *prefill = NULL, *repeats = NULL, *context = NULL;
  bool json = false, help = false;
  const pv_option list[] = {
      PV_SIDE_OPTIONS(side),
      {"--tokens", "N", "decoded tokens per repeat (default 32)", &tokens, NULL},
      {"--prefill", "N", "prompt tokens (default 128)", &prefill, NULL},
      {"--context", "N", "positions before them (default 0)", &context, NULL},
      {"--repeats", "N", "repeats (default 5)", &repeats, NULL},
      {"--json", NULL, "one JSON object", NULL, &json},
      {0}};
  pv_options options = {
      .command = "bench",
      .summary = "Measures decode, prefill and the read bandwidth of the same run.",
      .examples = "  pv bench --model models/tiny-coder-moe-Q4_K_M.gguf --threads 2\n",
      .list = list};
  pv_error err = PV_ERROR_INIT;
  uint64_t n[4] = {32, 128, 5, 0};
  bench b = {0};
  pv_status status = pv_options_parse(&options, argc, argv, &help, &err);
  if (status != PV_OK || help) return pv_side_exit(status, &err);
  status = pv_option_u64("--tokens", tokens, 1, 1u << 16, &n[0], &err);
  if (status == PV_OK) status = pv_option_u64("--prefill", prefill, 1, 1u << 16, &n[1], &err);
  if (status == PV_OK) status = pv_option_u64("--repeats", repeats, 1, REPEATS_MAX, &n[2], &err);
  if (status == PV_OK) status = pv_option_u64("--context", context, 0, 1u << 24, &n[3], &err);
  if (status == PV_OK) status = pv_side_open(&side, false, &b.job, &err);
  b.backend = side.backend;
  b.path = side.path;
  b.tokens = n[0];
  b.prefill = n[1];
  b.repeats = n[2];
  b.context = n[3];
  if (status == PV_OK) status = bandwidth(b.job.threads, b.repeats, &b.read, &err);
  if (status == PV_OK) status = measure(&b, &err);
  if (status == PV_OK && json) print_json(&b);
  if (status == PV_OK && !json) print_text(&b);
  pv_job_close(&b.job);
  return pv_side_exit(status, &err);
}
